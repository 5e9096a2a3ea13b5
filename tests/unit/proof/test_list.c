// A list that was forged in any way is found, and by which check.
#include "proof/list.h"

#include "hex.h"
#include "test.h"

enum { LENGTH = 8 };

static const struct proof_list_start beginning = { .sequence = 1 };

// A list of eight, as the log has it: number i stands at index 10·i.
static void make_list(struct proof_list_entry entries[LENGTH + 1])
{
    memset(entries, 0, (LENGTH + 1) * sizeof(entries[0]));
    for (size_t i = 1; i <= LENGTH; i++) {
        entries[i] = (struct proof_list_entry){ .index = 10 * i,
                                                .leaf_hash = count_digest((uint8_t)(i * 7)),
                                                .sequence = i };
        if (i > 1) {
            entries[i].previous = entries[i - 1].leaf_hash;
            entries[i].previous_index = entries[i - 1].index;
        }
    }
}

// The fault of the entries in this order, newest first (a number stands for the place in the list,
// 0 ends it), under an epoch of `count` entries at `size`.
static enum proof_list_fault check(const struct proof_list_entry *entries, const unsigned *order,
                                   const struct proof_chain_head *head, uint64_t size,
                                   struct proof_list *list)
{
    struct error err = { 0 };
    enum status status = ST_OK;
    proof_list_begin(list, &beginning, head, size);
    for (size_t i = 0; status == ST_OK && order[i] > 0; i++) {
        status = proof_list_add(list, &entries[order[i]], &err);
    }
    if (status == ST_OK) {
        status = proof_list_end(list, &err);
    }
    assert_int_equal(status, list->fault == PROOF_LIST_GOOD ? ST_OK : ST_UNPROVEN);
    assert_int_equal(err.message[0] == '\0', status == ST_OK);
    return list->fault;
}

static struct proof_chain_head head_of(const struct proof_list_entry *entries, uint64_t count)
{
    return (struct proof_chain_head){ .count = count, .head = entries[count].leaf_hash };
}

static const unsigned whole[] = { 8, 7, 6, 5, 4, 3, 2, 1, 0 };

TEST(a_whole_list_is_whole_and_what_the_epoch_does_not_count_yet_is_said)
{
    struct proof_list_entry entries[LENGTH + 1];
    struct proof_list list;
    make_list(entries);
    for (uint64_t count = 0; count <= LENGTH; count++) {
        struct proof_chain_head head = head_of(entries, count);
        assert_int_equal(check(entries, whole, &head, count * 10 + 5, &list), PROOF_LIST_GOOD);
        assert_int_equal(list.entries, LENGTH);
        assert_int_equal(list.after, LENGTH - count);
    }
    assert_int_equal(check(entries, whole, NULL, 0, &list), PROOF_LIST_GOOD);
    static const unsigned nothing[] = { 0 };
    struct proof_chain_head none = { 0 };
    assert_int_equal(check(entries, nothing, &none, 55, &list), PROOF_LIST_GOOD);
    assert_int_equal(check(entries, nothing, NULL, 0, &list), PROOF_LIST_GOOD);
}

TEST(an_entry_that_was_removed_is_missed)
{
    struct proof_list_entry entries[LENGTH + 1];
    struct proof_list list;
    make_list(entries);
    struct proof_chain_head head = head_of(entries, 6);
    for (unsigned gone = 1; gone <= LENGTH; gone++) {
        unsigned order[LENGTH + 1] = { 0 };
        size_t count = 0;
        for (unsigned i = LENGTH; i > 0; i--) {
            if (i != gone) {
                order[count++] = i;
            }
        }
        enum proof_list_fault fault = check(entries, order, &head, 65, &list);
        if (gone == LENGTH) {
            assert_int_equal(fault, PROOF_LIST_GOOD); // beyond the epoch: listed, not committed
        } else if (gone == 1) {
            assert_int_equal(fault, PROOF_LIST_BEGIN);
        } else {
            assert_int_equal(fault, PROOF_LIST_GAP);
            assert_int_equal(list.fault_index, (gone - 1) * 10);
        }
    }
}

TEST(a_list_that_was_cut_off_at_either_end_is_noticed)
{
    struct proof_list_entry entries[LENGTH + 1];
    struct proof_list list;
    make_list(entries);
    struct proof_chain_head head = head_of(entries, 6);
    static const unsigned without_newest[] = { 5, 4, 3, 2, 1, 0 };
    static const unsigned without_oldest[] = { 8, 7, 6, 5, 4, 0 };
    static const unsigned nothing[] = { 0 };
    assert_int_equal(check(entries, without_newest, &head, 65, &list), PROOF_LIST_CUT);
    assert_int_equal(check(entries, without_oldest, &head, 65, &list), PROOF_LIST_BEGIN);
    assert_int_equal(check(entries, nothing, &head, 65, &list), PROOF_LIST_CUT);
    assert_false(list.fault_has_index);
}

TEST(numbers_that_were_written_anew_over_a_gap_are_found_by_the_links)
{
    struct proof_list_entry entries[LENGTH + 1];
    struct proof_list list;
    make_list(entries);
    struct proof_chain_head head = head_of(entries, 8);
    static const unsigned order[] = { 8, 7, 6, 4, 3, 2, 1, 0 };
    for (size_t i = 1; i <= 4; i++) {
        entries[i].sequence =
            i + 1; // a part that says so would not fit its leaf; and the link does not
    }
    assert_int_equal(check(entries, order, &head, 85, &list), PROOF_LIST_LINK);
    assert_int_equal(list.fault_index, 40);
}

TEST(entries_in_another_order_are_noticed)
{
    struct proof_list_entry entries[LENGTH + 1];
    struct proof_list list;
    make_list(entries);
    struct proof_chain_head head = head_of(entries, 8);
    static const unsigned swapped[] = { 8, 7, 5, 6, 4, 3, 2, 1, 0 };
    static const unsigned twice[] = { 8, 7, 6, 6, 5, 4, 3, 2, 1, 0 };
    assert_int_equal(check(entries, swapped, &head, 85, &list), PROOF_LIST_GAP);
    assert_int_equal(check(entries, twice, &head, 85, &list), PROOF_LIST_ORDER);
    entries[5].index = 61;
    entries[6].previous_index = 61;
    assert_int_equal(check(entries, whole, &head, 85, &list), PROOF_LIST_ORDER);
    assert_int_equal(list.fault_index, 61);
}

TEST(another_entry_in_the_place_of_one_is_noticed)
{
    struct proof_list_entry entries[LENGTH + 1];
    struct proof_list list;
    struct proof_chain_head head;
    for (size_t i = 1; i <= LENGTH; i++) {
        make_list(entries);
        head = head_of(entries, 8);
        entries[i].leaf_hash.bytes[3] ^= 1;
        assert_int_equal(check(entries, whole, &head, 85, &list),
                         i == 8 ? PROOF_LIST_HEAD : PROOF_LIST_LINK);
        assert_int_equal(list.fault_index, 10 * i);
    }
    make_list(entries);
    head = head_of(entries, 8);
    entries[1].previous.bytes[0] = 1;
    assert_int_equal(check(entries, whole, &head, 85, &list), PROOF_LIST_BEGIN);
    make_list(entries);
    entries[5].previous_index++;
    assert_int_equal(check(entries, whole, &head, 85, &list), PROOF_LIST_LINK);
}

// A whole list of the same length with other links, from the middle on, is not the committed one.
TEST(a_list_that_fits_itself_but_not_the_epoch_is_noticed)
{
    struct proof_list_entry entries[LENGTH + 1];
    struct proof_list list;
    make_list(entries);
    struct proof_chain_head head = head_of(entries, 6);
    for (size_t i = 4; i <= LENGTH; i++) {
        entries[i].leaf_hash.bytes[0] ^= 0x80;
        entries[i].previous = entries[i - 1].leaf_hash;
    }
    assert_int_equal(check(entries, whole, &head, 65, &list), PROOF_LIST_HEAD);
    assert_int_equal(list.fault_index, 60);
}

TEST(an_entry_of_somebody_else_that_was_slipped_in_is_noticed)
{
    struct proof_list_entry entries[LENGTH + 1];
    struct proof_list list;
    make_list(entries);
    // The epoch does not count it, but it is older.
    struct proof_chain_head head = head_of(entries, 6);
    assert_int_equal(check(entries, whole, &head, 75, &list), PROOF_LIST_UNCOUNTED);
    assert_int_equal(list.fault_index, 70);
    // It is counted, but younger.
    assert_int_equal(check(entries, whole, &head, 55, &list), PROOF_LIST_EARLY);
    assert_int_equal(list.fault_index, 60);
    struct proof_chain_head none = { 0 };
    assert_int_equal(check(entries, whole, &none, 75, &list), PROOF_LIST_UNCOUNTED);
}

TEST(a_list_may_begin_where_a_stated_entry_ended_and_nowhere_else)
{
    struct error err;
    struct proof_list_entry entries[LENGTH + 1];
    struct proof_list list;
    make_list(entries);
    struct proof_chain_head head = head_of(entries, 8);
    struct proof_list_start start = { .sequence = 4, .previous = entries[3].leaf_hash };
    for (unsigned first = 3; first <= 5; first++) {
        proof_list_begin(&list, &start, &head, 85);
        for (unsigned i = LENGTH; i >= first; i--) {
            assert_ok(proof_list_add(&list, &entries[i], &err));
        }
        assert_status(first == 4 ? ST_OK : ST_UNPROVEN, proof_list_end(&list, &err));
    }
    start.previous.bytes[0] ^= 1;
    proof_list_begin(&list, &start, &head, 85);
    for (unsigned i = LENGTH; i >= 4; i--) {
        assert_ok(proof_list_add(&list, &entries[i], &err));
    }
    assert_status(ST_UNPROVEN, proof_list_end(&list, &err));
}

TEST(a_forgotten_entry_is_still_the_one_that_the_next_one_follows)
{
    struct proof_list_entry entries[LENGTH + 1];
    struct proof_list list;
    static const unsigned carried[] = { 8, 7, 6, 5, 4, 0 };
    static const unsigned lasting[] = { 8, 7, 6, 5, 4, 2, 0 };
    make_list(entries);
    struct proof_chain_head head = head_of(entries, 8);
    entries[4].forgotten = true;
    memset(&entries[4].previous, 0, sizeof(struct digest));
    assert_int_equal(check(entries, carried, &head, 85, &list), PROOF_LIST_GOOD);
    assert_int_equal(list.forgotten, 4);
    assert_int_equal(list.entries, 5);
    entries[2].forgotten = true;
    assert_int_equal(check(entries, lasting, &head, 85, &list), PROOF_LIST_GOOD);
    assert_int_equal(list.forgotten, 4);
    entries[4].leaf_hash.bytes[0] ^= 1;
    assert_int_equal(check(entries, carried, &head, 85, &list), PROOF_LIST_LINK);
}
