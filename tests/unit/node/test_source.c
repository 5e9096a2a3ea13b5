#include "node/source.h"

#include "base/clock.h"
#include "test.h"

#include <poll.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct queue *new_back(void)
{
    struct error err;
    struct queue *back = NULL;
    assert_ok(queue_create(64, 0, &back, &err));
    return back;
}

static struct node_lookup *new_lookup(const char *subject, const char *field)
{
    struct node_lookup *lookup = node_lookup_create();
    assert_non_null(lookup);
    snprintf(lookup->subject, sizeof(lookup->subject), "%s", subject);
    lookup->fields[0] = bytes_text(field);
    lookup->field_count = 1;
    lookup->deadline_ms = clock_monotonic_ms() + 5000;
    return lookup;
}

static struct node_lookup *back_from(struct queue *back)
{
    void *item = NULL;
    assert_int_equal(queue_wait(back, &item, 1, clock_monotonic_ms() + 5000), 1);
    return item;
}

static atomic_bool may_go;

// "slow" waits until it may go; everybody else is found at once.
static enum vedomo_status answer(void *context, const struct vedomo_lookup *lookup,
                                 struct vedomo_record *record)
{
    (void)context;
    if (strcmp(lookup->subject, "gone") == 0) {
        return VEDOMO_IO;
    }
    if (strcmp(lookup->subject, "nobody") == 0) {
        return VEDOMO_OK;
    }
    while (strcmp(lookup->subject, "slow") == 0 && !atomic_load(&may_go)) {
        poll(NULL, 0, 1);
    }
    vedomo_record_found(record, VEDOMO_FOUND_ONE);
    vedomo_record_updated(record, 1234);
    return vedomo_record_value(record, 0, lookup->fields[0], strlen(lookup->fields[0]));
}

static struct node_source *serve(const char *dataset, unsigned threads, struct queue *back)
{
    struct error err;
    struct node_source *source = NULL;
    struct vedomo_service service = {
        .dataset = dataset, .source = "the test", .answer = answer, .threads = threads
    };
    assert_ok(node_source_serve(&service, 2000, back, &source, &err));
    return source;
}

TEST(a_slow_register_does_not_delay_another_one)
{
    struct error err;
    struct queue *back = new_back();
    struct node_source *slow = serve("slow", 1, back);
    struct node_source *quick = serve("quick", 1, back);
    struct node_lookup *first = new_lookup("slow", "a");
    struct node_lookup *second = new_lookup("anna", "b");
    atomic_store(&may_go, false);
    assert_ok(node_source_look(slow, &first, &err));
    assert_ok(node_source_look(quick, &second, &err));
    assert_null(first);
    struct node_lookup *done = back_from(back);
    assert_string_equal(done->subject, "anna");
    assert_int_equal(done->status, CATALOGUE_VALUE_PRESENT);
    assert_true(bytes_equal_text(done->values[0], "b"));
    assert_int_equal(done->updated_ms, 1234);
    node_lookup_destroy(&done);
    atomic_store(&may_go, true);
    done = back_from(back);
    assert_string_equal(done->subject, "slow");
    node_lookup_destroy(&done);
    node_source_close(&slow);
    node_source_close(&quick);
    queue_destroy(&back);
}

TEST(a_function_that_fails_makes_the_register_unavailable_and_nobody_is_nobody)
{
    struct error err;
    struct queue *back = new_back();
    struct node_source *source = serve("d", 1, back);
    struct node_lookup *lookup = new_lookup("gone", "a");
    assert_ok(node_source_look(source, &lookup, &err));
    lookup = back_from(back);
    assert_int_equal(lookup->status, CATALOGUE_VALUE_UNAVAILABLE);
    assert_null(strstr(lookup->problem, "gone"));
    node_lookup_destroy(&lookup);
    lookup = new_lookup("nobody", "a");
    assert_ok(node_source_look(source, &lookup, &err));
    lookup = back_from(back);
    assert_int_equal(lookup->status, CATALOGUE_VALUE_PERSON_UNKNOWN);
    node_lookup_destroy(&lookup);
    node_source_close(&source);
    queue_destroy(&back);
}

TEST(more_lookups_than_can_wait_are_refused_and_every_other_one_comes_back)
{
    struct error err;
    struct error ignored;
    struct queue *back = NULL;
    assert_ok(queue_create(256, 0, &back, &err));
    struct node_source *source = serve("d", 1, back);
    atomic_store(&may_go, false);
    size_t handed = 0;
    struct node_lookup *lookup = new_lookup("slow", "a");
    while (handed < 200 && node_source_look(source, &lookup, &ignored) == ST_OK) {
        handed++;
        lookup = new_lookup("slow", "a");
    }
    assert_true(handed >= 64 && handed <= 66);
    node_lookup_destroy(&lookup);
    atomic_store(&may_go, true);
    node_source_close(&source);
    assert_int_equal(queue_length(back), handed);
    void *item = NULL;
    while (queue_take(back, &item, 1) == 1) {
        lookup = item;
        node_lookup_destroy(&lookup);
    }
    queue_destroy(&back);
}

TEST(a_sqlite_register_is_read_through_its_mapping)
{
    struct error err;
    char path[300];
    snprintf(path, sizeof(path), "%s/r.db", test_directory());
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(database,
                     "CREATE TABLE p(id, name, ok, pic, at);"
                     "INSERT INTO p VALUES('VD-1', 'Anna', 1, x'00', '2026-02-03T04:05:06Z');"
                     "INSERT INTO p VALUES('VD-2', '', NULL, NULL, '2026-02-03');"
                     "INSERT INTO p VALUES('VD-3', 'x', 1, 1, 1);"
                     "INSERT INTO p VALUES('VD-3', 'y', 1, 1, 1);",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(database);
    struct config_column columns[] = {
        { "name", "name" },
        { "ok", "CASE ok WHEN 1 THEN 'true' ELSE 'false' END" },
        { "pic", "pic" },
    };
    struct config_register reg = { .name = "r", .path = path, .connections = 2 };
    struct config_dataset dataset = {
        .code = "d",
        .from = "r",
        .source = "the register",
        .query = "SELECT * FROM p WHERE replace(id, '-', '') = :subject",
        .fields = { .items = columns, .count = 3 },
        .updated = "at",
    };
    struct queue *back = new_back();
    struct node_source *source = NULL;
    assert_ok(node_source_open(&dataset, &reg, 2000, back, &source, &err));
    assert_true(node_source_has(source, bytes_text("pic")));
    assert_false(node_source_has(source, bytes_text("other")));
    struct node_lookup *lookup = new_lookup("VD1", "pic");
    lookup->fields[1] = bytes_text("ok");
    lookup->fields[2] = bytes_text("name");
    lookup->field_count = 3;
    assert_ok(node_source_look(source, &lookup, &err));
    lookup = back_from(back);
    assert_int_equal(lookup->status, CATALOGUE_VALUE_PRESENT);
    assert_true(lookup->wrong_type[0]);
    assert_null(lookup->values[0].data);
    assert_true(bytes_equal_text(lookup->values[1], "true"));
    assert_true(bytes_equal_text(lookup->values[2], "Anna"));
    assert_int_equal(lookup->updated_ms, 1770091506000);
    node_lookup_destroy(&lookup);
    lookup = new_lookup("VD2", "name");
    assert_ok(node_source_look(source, &lookup, &err));
    lookup = back_from(back);
    assert_non_null(lookup->values[0].data);
    assert_int_equal(lookup->values[0].size, 0);
    assert_int_equal(lookup->updated_ms, 1770076800000);
    node_lookup_destroy(&lookup);
    lookup = new_lookup("VD3", "name");
    assert_ok(node_source_look(source, &lookup, &err));
    lookup = back_from(back);
    assert_int_equal(lookup->status, CATALOGUE_VALUE_PERSON_AMBIGUOUS);
    node_lookup_destroy(&lookup);
    node_source_close(&source);

    reg.kind = CONFIG_REGISTER_SQLITE + 1;
    assert_status(ST_UNSUPPORTED, node_source_open(&dataset, &reg, 2000, back, &source, &err));
    reg.kind = CONFIG_REGISTER_SQLITE;
    columns[0].column = "nmae";
    assert_status(ST_USAGE, node_source_open(&dataset, &reg, 2000, back, &source, &err));
    assert_non_null(strstr(err.message, "nmae"));
    queue_destroy(&back);
}
