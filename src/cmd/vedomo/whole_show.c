// What was found about a person's list, in words and as JSON.
#include "whole.h"

#include "base/text.h"
#include "seal/hash.h"

#include <stdio.h>

enum { MEMBERS_MAX = 256 };

enum word {
    WORD_WHOLE,
    WORD_NOBODY,
    WORD_COMMITTED,
    WORD_AFTER,
    WORD_FORGOTTEN,
    WORD_NO_EPOCH,
    WORD_OVERDUE,
    WORD_BROKEN,
    WORD_AT_ENTRY,
    WORD_COUNT
};

static const char *const words[WORD_COUNT][CATALOGUE_LANGUAGE_COUNT] = {
    [WORD_WHOLE] = { "Список полный: каждая запись стоит в журнале, и ни одной не хватает. "
                     "Записей:",
                     "The list is whole: every entry is in the log, and none is missing. "
                     "Entries:" },
    [WORD_NOBODY] = { "В журнале нет записей об этом человеке, и это доказано",
                      "The log has no entry about this person, and that is proven" },
    [WORD_COMMITTED] = { "Закреплено: ничего больше нельзя убрать или изменить незаметно. Записей:",
                         "Committed: nothing can be taken out or changed unnoticed any more. "
                         "Entries:" },
    [WORD_AFTER] = { "Показано, но ещё не закреплено (новее эпохи). Записей:",
                     "Listed, not yet committed (younger than the epoch). Entries:" },
    [WORD_FORGOTTEN] = { "Содержание удалено по правилу хранения. Записей:",
                         "Contents forgotten under the retention rule. Entries:" },
    [WORD_NO_EPOCH] = { "НЕ ДОКАЗАНО: эпохи ещё нет, список показан, но не закреплён. Записей:",
                        "NOT PROVEN: there is no epoch yet, the list is listed, not committed. "
                        "Entries:" },
    [WORD_OVERDUE] = { "НЕ ДОКАЗАНО: показанная эпоха устарела, и более новой нет. Записи, "
                       "сделанные после неё, могли быть скрыты. Записей:",
                       "NOT PROVEN: the epoch that was shown is old, and there is none after it. "
                       "Entries made since may be hidden. Entries:" },
    [WORD_BROKEN] = { "СПИСОК НЕ ТОТ, ЧТО В ЖУРНАЛЕ. Не прошла проверка",
                      "THE LIST IS NOT THE LOG'S. The check that failed:" },
    [WORD_AT_ENTRY] = { "на записи", "at entry" },
};

// Members that the entries name, each once: with the tag, the checks that they should hold.
struct members {
    struct person *person;
    struct bytes codes[MEMBERS_MAX]; // in the person's arena
    size_t count;
};

static void add_member(struct members *members, struct bytes code)
{
    for (size_t i = 0; i < members->count; i++) {
        if (bytes_equal(members->codes[i], code)) {
            return;
        }
    }
    struct bytes kept = { 0 };
    if (code.size > 0 && members->count < MEMBERS_MAX) {
        kept = arena_copy(members->person->arena, code);
    }
    if (kept.size > 0) {
        members->codes[members->count++] = kept;
    }
}

static void see_entry(void *context, uint64_t index, const struct wire_subject_part *subject)
{
    struct members *members = context;
    (void)index;
    if (subject != NULL && subject->kind == WIRE_KIND_DECISION) {
        add_member(members, subject->asker);
        add_member(members, subject->holder);
    }
}

static void show_checks(struct output *out, const struct whole *whole,
                        const struct members *members)
{
    if (whole->tag.size != PROOF_TAG_BYTES) {
        return;
    }
    struct bytes key = bytes_of(whole->tag.data + 1, DIGEST_BYTES);
    output_number(out, "tag_key_id", whole->tag.data[0]);
    output_array(out, "subject_checks");
    for (size_t i = 0; i < members->count; i++) {
        struct digest check = seal_blake2b(key, &members->codes[i], 1);
        output_object(out, NULL);
        output_bytes(out, "member", members->codes[i]);
        output_hex(out, "check", bytes_digest(&check));
        output_object_end(out);
    }
    output_array_end(out);
}

static void show_epoch(struct output *out, const struct whole *whole)
{
    char at[OUTPUT_MOMENT_BYTES];
    output_object(out, "epoch");
    output_number(out, "number", whole->epoch);
    output_number(out, "entry", whole->epoch_index);
    output_moment(out, "at", whole->epoch_at);
    output_number(out, "log_size", whole->epoch_size);
    output_hex(out, "map_root", bytes_digest(&whole->epoch_root));
    output_bool(out, "overdue", whole->overdue);
    output_bool(out, "absent", whole->absent);
    output_number(out, "count", whole->list.head.count);
    output_object_end(out);
    output_line(out, "  epoch %llu, entry %llu, %s", (unsigned long long)whole->epoch,
                (unsigned long long)whole->epoch_index, output_moment_text(whole->epoch_at, at));
}

static void say(struct output *out, const struct speech *speech, enum word word, uint64_t number)
{
    output_line(out, "%s %llu", words[word][speech->language], (unsigned long long)number);
}

static void show_good(struct output *out, const struct speech *speech, const struct whole *whole)
{
    const struct proof_list *list = &whole->list;
    if (!whole->has_epoch) {
        say(out, speech, WORD_NO_EPOCH, list->entries);
        return;
    }
    if (whole->overdue) {
        say(out, speech, WORD_OVERDUE, list->entries);
    } else if (list->entries == 0) {
        output_line(out, "%s", words[WORD_NOBODY][speech->language]);
    } else {
        say(out, speech, WORD_WHOLE, list->entries);
    }
    if (list->entries > 0) {
        say(out, speech, WORD_COMMITTED, list->entries - list->after);
    }
    if (list->after > 0) {
        say(out, speech, WORD_AFTER, list->after);
    }
    if (list->forgotten > 0) {
        say(out, speech, WORD_FORGOTTEN, list->forgotten);
    }
}

static void show_broken(struct output *out, const struct speech *speech, const struct whole *whole)
{
    char where[64] = "";
    if (whole->has_entry) {
        snprintf(where, sizeof(where), ", %s %llu", words[WORD_AT_ENTRY][speech->language],
                 (unsigned long long)whole->entry);
        output_number(out, "failed_entry", whole->entry);
    }
    output_text(out, "failed_check", whole->check);
    output_text(out, "message", whole->message);
    output_line(out, "%s %s%s: %s", words[WORD_BROKEN][speech->language], whole->check, where,
                whole->message);
}

enum status whole_run(struct command_call *call, const char *session, uint64_t within_s,
                      struct error *err)
{
    struct person person;
    struct whole whole;
    struct members members = { .person = &person };
    enum status status = person_open(call, session, PERSON_EITHER, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = whole_check(&person, within_s, see_entry, &members, &whole, err);
    if (status == ST_OK) {
        struct output *out = call->out;
        bool proven = whole.check == NULL && whole.has_epoch && !whole.overdue;
        output_bool(out, "proven", proven);
        output_number(out, "entries", whole.list.entries);
        output_number(out, "committed",
                      whole.has_epoch ? whole.list.entries - whole.list.after : 0);
        output_number(out, "not_yet_committed",
                      whole.has_epoch ? whole.list.after : whole.list.entries);
        output_number(out, "forgotten", whole.list.forgotten);
        output_number(out, "tree_size", whole.checkpoint.size);
        if (whole.check != NULL) {
            show_broken(out, &person.speech, &whole);
        } else {
            show_good(out, &person.speech, &whole);
        }
        if (whole.has_epoch) {
            show_epoch(out, &whole);
        }
        show_checks(out, &whole, &members);
        call->failed = !proven;
    }
    person_close(&person);
    return status;
}
