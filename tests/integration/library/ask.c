// A program that uses libvedomo and nothing else of ours: FILE of a node, then what to do.
//
//   ask FILE NAME CASE         asks whether Anna's full name matches NAME; prints state and value
//   witnessed FILE NAME CASE   the same, and waits until witnesses stand behind it; prints who
//                              vouched at first, who does now, and whether that is a trial
//   serve FILE                 answers identity.person by itself until its input ends
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vedomo/node.h"
#include "vedomo/verify.h"

static enum vedomo_status look(void *context, const struct vedomo_lookup *lookup,
                               struct vedomo_record *record)
{
    const char *name = context;
    if (strcmp(lookup->subject, "VD0042176") != 0) {
        return VEDOMO_OK;
    }
    vedomo_record_found(record, VEDOMO_FOUND_ONE);
    for (size_t i = 0; i < lookup->field_count; i++) {
        if (strcmp(lookup->fields[i], "full_name") == 0 &&
            vedomo_record_value(record, i, name, strlen(name)) != VEDOMO_OK) {
            return VEDOMO_FULL;
        }
    }
    return VEDOMO_OK;
}

static int failed(const struct vedomo_error *error)
{
    fprintf(stderr, "%s: %s\n", vedomo_status_name(error->status), error->message);
    return 1;
}

enum { LOOK_MS = 50, LOOKS = 1200 };

static int wait_for_witnesses(struct vedomo_node *node, struct vedomo_answer *answer)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    struct vedomo_error error;
    int first = (int)vedomo_answer_vouched(answer);
    for (int i = 0; i < LOOKS && vedomo_answer_vouched(answer) == VEDOMO_VOUCHED_SIGNED; i++) {
        nanosleep(&pause, NULL);
        if (vedomo_node_look_again(node, answer, &error) != VEDOMO_OK) {
            return failed(&error);
        }
    }
    printf("%d %d %d\n", first, (int)vedomo_answer_vouched(answer), vedomo_answer_trial(answer));
    return 0;
}

static int ask(struct vedomo_node *node, const char *name, const char *case_ref, int wait)
{
    struct vedomo_ask_field field = { .name = "full_name", .form = "match", .match = name };
    struct vedomo_ask question = { .dataset = "identity.person",
                                   .fields = &field,
                                   .field_count = 1,
                                   .scheme = "vd",
                                   .subject = "VD-004217-6",
                                   .purpose = "identity-check",
                                   .basis = "law",
                                   .article = "210-ФЗ, ст. 7.1",
                                   .official = "o-1",
                                   .official_role = "inspector",
                                   .case_ref = case_ref };
    struct vedomo_answer *answer = NULL;
    struct vedomo_error error;
    if (vedomo_node_ask(node, &question, "en", &answer, &error) != VEDOMO_OK) {
        return failed(&error);
    }
    const struct vedomo_answer_field *first = vedomo_answer_field(answer, 0);
    printf("%d %s %zu %zu\n", (int)first->state, first->value,
           strlen(vedomo_answer_decision_receipt(answer)),
           strlen(vedomo_answer_ending_receipt(answer)));
    int result = wait ? wait_for_witnesses(node, answer) : 0;
    vedomo_answer_destroy(&answer);
    return result;
}

int main(int argc, char **argv)
{
    static char name[] = "Ветрова Анна Сергеевна";
    struct vedomo_service service = {
        .dataset = "identity.person", .source = "a program", .answer = look, .context = name
    };
    struct vedomo_node *node = NULL;
    struct vedomo_error error;
    if (argc < 3) {
        return 2;
    }
    int serving = strcmp(argv[1], "serve") == 0;
    if (vedomo_node_open(argv[2], &service, serving ? 1 : 0, &node, &error) != VEDOMO_OK) {
        return failed(&error);
    }
    int result = vedomo_node_ready(node, 20000, &error) == VEDOMO_OK ? 0 : failed(&error);
    if (result == 0 && serving) {
        puts("ready");
        fflush(stdout);
        while (getchar() != EOF) {
        }
    } else if (result == 0 && argc == 5) {
        result = ask(node, argv[3], argv[4], strcmp(argv[1], "witnessed") == 0);
    }
    vedomo_node_close(&node);
    return result;
}
