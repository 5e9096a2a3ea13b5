// What each kind of entry leaves in the views.
#include "facts_fixture.h"

// The first row of the table at or behind `*place`.
static bool find_row(const struct audit_rows *rows, enum audit_table table, size_t *place,
                     struct audit_row *row)
{
    for (; *place < audit_rows_count(rows); (*place)++) {
        *row = audit_rows_at(rows, *place);
        if (row->table == table) {
            (*place)++;
            return true;
        }
    }
    return false;
}

static struct audit_row only_row(const struct audit_rows *rows, enum audit_table table)
{
    struct audit_row row;
    struct audit_row other;
    size_t place = 0;
    assert_true(find_row(rows, table, &place, &row));
    assert_false(find_row(rows, table, &place, &other));
    return row;
}

static bool has_row(const struct audit_rows *rows, enum audit_table table)
{
    struct audit_row row;
    size_t place = 0;
    return find_row(rows, table, &place, &row);
}

TEST(a_decision_is_in_the_chain_and_open_until_it_ends)
{
    struct error err;
    struct made_entry made;
    struct audit_rows *rows = audit_rows_create();
    struct audit_subject_row subject;
    struct audit_exchange_row exchange;
    make_decision(&made, 4, 9, 17, true);
    add_rows(rows, &made, 1234);
    struct audit_row row = only_row(rows, AUDIT_TABLE_SUBJECT);
    struct audit_tag tag = tag_of(4);
    assert_memory_equal(row.key.data, tag.bytes, AUDIT_TAG_BYTES);
    assert_ok(audit_subject_row_decode(row.key, row.value, &subject, &err));
    assert_int_equal(subject.sequence, 9);
    assert_int_equal(subject.index, 1234);
    assert_int_equal(subject.minutes, NOVEMBER);
    assert_int_equal(subject.kind, WIRE_KIND_DECISION);
    assert_true(digest_equal(&subject.leaf_hash, &made.entry.leaf_hash));

    row = only_row(rows, AUDIT_TABLE_EXCHANGE);
    assert_ok(audit_exchange_row_decode(row.value, (struct bytes){ 0 }, &exchange, &err));
    struct digest request = key_of(17);
    assert_true(digest_equal(&exchange.request_hash, &request));
    assert_true(digest_equal(&exchange.decision_leaf, &made.entry.leaf_hash));
    assert_int_equal(exchange.decision_index, 1234);
    assert_int_equal(exchange.expires_at, 1017);
    assert_int_equal(exchange.ending, WIRE_KIND_NONE);
    assert_false(only_row(rows, AUDIT_TABLE_OPEN).removed);
    audit_rows_destroy(&rows);
    made_fini(&made);
}

TEST(a_decision_that_permits_nothing_is_its_own_ending)
{
    struct error err;
    struct made_entry made;
    struct audit_rows *rows = audit_rows_create();
    struct audit_exchange_row exchange;
    make_decision(&made, 4, 9, 17, false);
    add_rows(rows, &made, 1234);
    struct audit_row row = only_row(rows, AUDIT_TABLE_EXCHANGE);
    assert_ok(audit_exchange_row_decode(row.value, (struct bytes){ 0 }, &exchange, &err));
    assert_int_equal(exchange.ending, WIRE_KIND_DECISION);
    assert_int_equal(exchange.ending_index, 1234);
    assert_false(has_row(rows, AUDIT_TABLE_OPEN));
    assert_true(has_row(rows, AUDIT_TABLE_SUBJECT));
    audit_rows_destroy(&rows);
    made_fini(&made);
}

TEST(every_ending_closes_its_exchange_and_charges)
{
    static const enum wire_kind kinds[] = { WIRE_KIND_RELEASED, WIRE_KIND_REFUSED,
                                            WIRE_KIND_EXPIRED, WIRE_KIND_CANCELLED };
    for (size_t i = 0; i < 4; i++) {
        struct made_entry made;
        struct audit_rows *rows = audit_rows_create();
        make_ending(&made, kinds[i], 17, 5, 42);
        add_rows(rows, &made, 77);
        struct audit_row row = only_row(rows, AUDIT_TABLE_EXCHANGE);
        assert_int_equal(row.key.data[ID_BYTES], 1);
        assert_int_equal(row.value.data[0], kinds[i]);
        row = only_row(rows, AUDIT_TABLE_OPEN);
        assert_true(row.removed);
        row = only_row(rows, AUDIT_TABLE_COUNTER);
        assert_int_equal(row.value.data[7], 42);
        assert_false(has_row(rows, AUDIT_TABLE_SUBJECT));
        audit_rows_destroy(&rows);
        made_fini(&made);
    }
}

TEST(a_consent_is_kept_with_the_index_of_its_entry)
{
    struct error err;
    struct made_entry made;
    struct wire_consent_record record;
    struct arena *arena = arena_create(1 << 20);
    struct audit_rows *rows = audit_rows_create();
    make_consent(&made, 4, 3, 8, 2, WIRE_CONSENT_ACTIVE);
    add_rows(rows, &made, 555);
    struct audit_row row = only_row(rows, AUDIT_TABLE_CONSENT);
    assert_int_equal(row.key.size, AUDIT_CONSENT_KEY_BYTES);
    assert_ok(wire_decode(WIRE_SCHEMA_CONSENT_RECORD, row.value, arena, &record, &err));
    assert_int_equal(record.index, 555);
    assert_int_equal(record.revision, 2);
    assert_true(has_row(rows, AUDIT_TABLE_SUBJECT));
    assert_false(has_row(rows, AUDIT_TABLE_GOVERNANCE));
    audit_rows_destroy(&rows);
    arena_destroy(&arena);
    made_fini(&made);
}

TEST(a_restart_ends_every_exchange_that_was_lost)
{
    static const unsigned lost[] = { 3, 4, 5 };
    struct made_entry made;
    struct audit_row row;
    size_t place = 0;
    size_t endings = 0;
    struct audit_rows *rows = audit_rows_create();
    make_restart(&made, lost, 3);
    add_rows(rows, &made, 99);
    while (find_row(rows, AUDIT_TABLE_EXCHANGE, &place, &row)) {
        assert_int_equal(row.value.data[0], WIRE_KIND_RESTART);
        endings++;
    }
    assert_int_equal(endings, 3);
    row = only_row(rows, AUDIT_TABLE_GOVERNANCE);
    assert_int_equal(row.value.data[0], WIRE_KIND_RESTART);
    audit_rows_destroy(&rows);
    made_fini(&made);
}

TEST(a_delayed_entry_is_in_no_list_of_the_person)
{
    struct made_entry made;
    struct audit_tag tag = tag_of(4);
    struct audit_rows *rows = audit_rows_create();
    struct wire_subject_part subject = { .format = 1, .kind = WIRE_KIND_DELAYED, .sequence = 1 };
    struct wire_officer_part officer = { .format = 1,
                                         .kind = WIRE_KIND_DELAYED,
                                         .tag = audit_tag_view(&tag) };
    make_entry(&made, WIRE_CLASS_DELAYED, NOVEMBER, NULL, &subject, &officer, NULL);
    add_rows(rows, &made, 1);
    assert_int_equal(audit_rows_count(rows), 0);
    audit_rows_destroy(&rows);
    made_fini(&made);
}

TEST(parts_that_do_not_decode_are_corrupt)
{
    struct error err;
    struct arena *arena = arena_create(1 << 20);
    struct audit_facts facts = { 0 };
    struct audit_body body = { .count = 1 };
    body.parts[0].type = WIRE_PART_OFFICER;
    body.parts[0].bytes = bytes_text("\xff\xff\xff");
    assert_status(ST_CORRUPT, audit_facts_decode(&body, arena, &facts, &err));
    arena_destroy(&arena);
}
