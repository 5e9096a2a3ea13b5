// Subject tags and the checks that nodes remember.
#include "audit/tag.h"
#include "seal/hash.h"
#include "test.h"

#include <string.h>

static struct seal_secret *secret_of(uint8_t byte, size_t size)
{
    struct error err;
    uint8_t bytes[64];
    struct seal_secret *secret = NULL;
    memset(bytes, byte, sizeof(bytes));
    assert_ok(seal_secret_copy(bytes_of(bytes, size), &secret, &err));
    return secret;
}

TEST(rotation_gives_the_tag_that_the_identifier_gives)
{
    struct error err;
    struct seal_secret *keys[] = { secret_of(1, 32), secret_of(2, 32), secret_of(3, 32) };
    const struct seal_secret *list[] = { keys[0], keys[1], keys[2] };
    struct audit_tagger *old = NULL;
    struct audit_tagger *new = NULL;
    assert_ok(audit_tagger_create(list, 1, &old, &err));
    assert_ok(audit_tagger_create(list, 3, &new, &err));
    assert_int_equal(audit_tagger_version(new), 3);
    struct audit_tag first = audit_tagger_tag(old, bytes_text("snils"), bytes_text("11223344595"));
    struct audit_tag last = audit_tagger_tag(new, bytes_text("snils"), bytes_text("11223344595"));
    assert_int_equal(first.bytes[0], 1);
    assert_int_equal(last.bytes[0], 3);
    struct audit_tag renewed;
    assert_ok(audit_tagger_renew(new, audit_tag_view(&first), &renewed, &err));
    assert_memory_equal(&renewed, &last, sizeof(last));
    assert_ok(audit_tagger_renew(new, audit_tag_view(&last), &renewed, &err));
    assert_memory_equal(&renewed, &last, sizeof(last));
    assert_status(ST_MALFORMED, audit_tagger_renew(old, audit_tag_view(&last), &renewed, &err));
    assert_status(ST_MALFORMED, audit_tagger_renew(new, bytes_text("short"), &renewed, &err));

    // All versions at once, the newest of the older ones first.
    struct audit_tag older[AUDIT_TAG_KEYS_MAX];
    size_t count = 0;
    renewed = audit_tagger_tags(new, bytes_text("snils"), bytes_text("11223344595"), older, &count);
    assert_memory_equal(&renewed, &last, sizeof(last));
    assert_int_equal(count, 2);
    assert_int_equal(older[0].bytes[0], 2);
    assert_memory_equal(&older[1], &first, sizeof(first));
    assert_ok(audit_tagger_renew(new, audit_tag_view(&older[0]), &renewed, &err));
    assert_memory_equal(&renewed, &last, sizeof(last));

    // BLAKE2b(k_1, "vedomo/1 tag\0" ‖ scheme ‖ identifier), written out.
    struct bytes parts[] = { bytes_of("vedomo/1 tag\0snils11223344595", 29) };
    struct digest expected = seal_blake2b(seal_secret_view(keys[0]), parts, 1);
    assert_memory_equal(first.bytes + 1, expected.bytes, DIGEST_BYTES);
    audit_tagger_destroy(&old);
    audit_tagger_destroy(&new);
    for (size_t i = 0; i < 3; i++) {
        seal_secret_destroy(&keys[i]);
    }
}

TEST(a_check_is_of_one_person_and_one_member)
{
    struct audit_tag tag = { .bytes = { 1, 2, 3 } };
    struct audit_tag other = { .bytes = { 1, 2, 4 } };
    struct digest a = audit_tag_check(&tag, bytes_text("ru/a"));
    struct digest b = audit_tag_check(&tag, bytes_text("ru/b"));
    struct digest c = audit_tag_check(&other, bytes_text("ru/a"));
    struct digest again = audit_tag_check(&tag, bytes_text("ru/a"));
    assert_true(digest_equal(&a, &again));
    assert_false(digest_equal(&a, &b));
    assert_false(digest_equal(&a, &c));
}

TEST(tag_keys_of_another_size_or_number_are_refused)
{
    struct error err;
    struct audit_tagger *tagger = NULL;
    struct seal_secret *key = secret_of(1, 16);
    const struct seal_secret *list[] = { key };
    assert_status(ST_USAGE, audit_tagger_create(list, 1, &tagger, &err));
    assert_status(ST_USAGE, audit_tagger_create(list, 0, &tagger, &err));
    assert_null(tagger);
    seal_secret_destroy(&key);
}
