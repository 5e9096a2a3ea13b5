#include "test.h"

#include "broker/uploads.h"
#include "seal/hash.h"

TEST(pieces_in_order_make_the_whole)
{
    struct error err;
    struct uploads *uploads = NULL;
    struct bytes whole = bytes_text("one whole thing");
    struct digest hash = seal_sha256(whole);
    assert_ok(uploads_create(&uploads, &err));
    assert_ok(uploads_add(uploads, &hash, whole.size, 0, bytes_of(whole.data, 4), &err));
    assert_int_equal(uploads_find(uploads, &hash).size, 0);
    assert_ok(
        uploads_add(uploads, &hash, whole.size, 4, bytes_of(whole.data + 4, whole.size - 4), &err));
    assert_true(bytes_equal(uploads_find(uploads, &hash), whole));
    uploads_drop(uploads, &hash);
    assert_int_equal(uploads_find(uploads, &hash).size, 0);
    uploads_destroy(&uploads);
}

TEST(a_whole_with_another_hash_is_refused)
{
    struct error err;
    struct uploads *uploads = NULL;
    struct digest hash = seal_sha256(bytes_text("something"));
    assert_ok(uploads_create(&uploads, &err));
    assert_status(ST_MALFORMED, uploads_add(uploads, &hash, 9, 0, bytes_text("otherwise"), &err));
    assert_int_equal(uploads_find(uploads, &hash).size, 0);
    uploads_destroy(&uploads);
}

TEST(pieces_out_of_order_or_too_long_are_refused)
{
    struct error err;
    struct uploads *uploads = NULL;
    struct digest hash = seal_sha256(bytes_text("something"));
    assert_ok(uploads_create(&uploads, &err));
    assert_status(ST_MALFORMED, uploads_add(uploads, &hash, 9, 4, bytes_text("thing"), &err));
    assert_ok(uploads_add(uploads, &hash, 9, 0, bytes_text("some"), &err));
    assert_status(ST_MALFORMED, uploads_add(uploads, &hash, 9, 5, bytes_text("thin"), &err));
    assert_status(ST_MALFORMED, uploads_add(uploads, &hash, 9, 4, bytes_text("things"), &err));
    assert_status(ST_MALFORMED, uploads_add(uploads, &hash, 9, 4, (struct bytes){ 0 }, &err));
    uploads_destroy(&uploads);
}
