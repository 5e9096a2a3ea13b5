// Entries: what the leaf says and what it commits to.
#include "audit/entry.h"
#include "seal/hash.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static void seal(struct audit_entry *entry, enum wire_class class, const char *text)
{
    struct error err;
    memset(entry, 0, sizeof(*entry));
    entry->class = class;
    entry->parts[0].bytes = bytes_text(text);
    assert_ok(audit_entry_seal(entry, 77, &err));
}

TEST(a_packed_body_gives_its_parts_back_and_the_leafs_commitment)
{
    struct error err;
    static const enum wire_class classes[] = { WIRE_CLASS_EXCHANGE,  WIRE_CLASS_CONSENT,
                                               WIRE_CLASS_OVERSIGHT, WIRE_CLASS_GOVERNANCE,
                                               WIRE_CLASS_DELAYED,   WIRE_CLASS_EPOCH };
    for (size_t i = 0; i < 6; i++) {
        struct audit_entry entry;
        struct audit_body body;
        struct proof_leaf leaf;
        struct buffer packed = buffer_init(4096);
        seal(&entry, classes[i], "words");
        audit_body_pack(&entry, &packed);
        assert_ok(audit_body_unpack(buffer_view(&packed), classes[i], &body, &err));
        assert_int_equal(body.count, proof_class_parts(classes[i], NULL));
        assert_true(bytes_equal_text(body.parts[0].bytes, "words"));
        assert_int_equal(body.parts[1].bytes.size, 0);
        assert_ok(proof_leaf_decode(bytes_of(entry.leaf, AUDIT_LEAF_BYTES), &leaf, &err));
        assert_int_equal(leaf.class, classes[i]);
        assert_int_equal(leaf.minutes, 77);
        struct digest commitment = audit_body_commitment(classes[i], &body);
        assert_true(digest_equal(&commitment, &leaf.commitment));
        struct digest hash = seal_leaf_hash(bytes_of(entry.leaf, AUDIT_LEAF_BYTES));
        assert_true(digest_equal(&hash, &entry.leaf_hash));
        buffer_fini(&packed);
    }
}

TEST(equal_entries_have_different_leaves)
{
    struct audit_entry a;
    struct audit_entry b;
    seal(&a, WIRE_CLASS_EXCHANGE, "words");
    seal(&b, WIRE_CLASS_EXCHANGE, "words");
    assert_false(digest_equal(&a.leaf_hash, &b.leaf_hash));
}

TEST(a_part_that_a_worker_sealed_is_kept)
{
    struct error err;
    struct audit_entry entry = { .class = WIRE_CLASS_EXCHANGE };
    entry.parts[2].bytes = bytes_text("words");
    audit_part_seal(&entry.parts[2], WIRE_PART_OFFICER);
    struct digest hash = entry.parts[2].hash;
    assert_ok(audit_entry_seal(&entry, 1, &err));
    assert_true(digest_equal(&hash, &entry.parts[2].hash));
}

TEST(a_body_that_is_cut_lengthened_or_of_another_class_does_not_unpack)
{
    struct error err;
    struct audit_entry entry;
    struct audit_body body;
    struct buffer packed = buffer_init(4096);
    seal(&entry, WIRE_CLASS_EXCHANGE, "words");
    audit_body_pack(&entry, &packed);
    for (size_t size = 0; size < packed.size; size++) {
        uint8_t *copy = malloc(size + 1); // so that a sanitizer sees one byte too many
        assert_non_null(copy);
        memcpy(copy, packed.data, size);
        assert_status(ST_CORRUPT,
                      audit_body_unpack(bytes_of(copy, size), WIRE_CLASS_EXCHANGE, &body, &err));
        free(copy);
    }
    assert_status(ST_CORRUPT,
                  audit_body_unpack(buffer_view(&packed), WIRE_CLASS_OVERSIGHT, &body, &err));
    buffer_u8(&packed, 0);
    assert_status(ST_CORRUPT,
                  audit_body_unpack(buffer_view(&packed), WIRE_CLASS_EXCHANGE, &body, &err));
    buffer_fini(&packed);
}

TEST(an_entry_without_a_class_or_with_too_much_is_refused)
{
    struct error err;
    struct audit_entry entry = { .class = (enum wire_class)9 };
    assert_status(ST_MALFORMED, audit_entry_seal(&entry, 1, &err));
    static uint8_t large[AUDIT_BODY_BYTES_MAX + 1];
    entry.class = WIRE_CLASS_GOVERNANCE;
    entry.parts[0].bytes = bytes_of(large, sizeof(large));
    assert_status(ST_MALFORMED, audit_entry_seal(&entry, 1, &err));
    assert_false(entry.sealed);
}
