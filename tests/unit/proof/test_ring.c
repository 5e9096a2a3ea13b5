// The keys of one log, one after another: which signatures count when.
#include "proof/ring.h"

#include "hex.h"
#include "seal/secret.h"
#include "seal/sign.h"
#include "test.h"

#include <string.h>

#define ORIGIN "example.com/audit"

enum { KEYS = 3, MIDDLE_MS = 2000 };

struct keys {
    struct seal_signer *signers[KEYS];
    struct proof_key keys[KEYS];
};

static struct keys make_keys(void)
{
    struct keys made;
    for (size_t i = 0; i < KEYS; i++) {
        struct error err;
        struct digest seed = count_digest((uint8_t)(16 * i));
        struct seal_secret *secret = NULL;
        assert_ok(seal_secret_copy(bytes_digest(&seed), &secret, &err));
        assert_ok(seal_signer_create(secret, &made.signers[i], &err));
        assert_ok(proof_key_make(ORIGIN, PROOF_KEY_ED25519, seal_signer_key(made.signers[i]),
                                 &made.keys[i], &err));
        seal_secret_destroy(&secret);
    }
    return made;
}

static void drop_keys(struct keys *keys)
{
    for (size_t i = 0; i < KEYS; i++) {
        seal_signer_destroy(&keys->signers[i]);
    }
}

// Keys 0 and 1: the first counts until MIDDLE_MS.
static struct proof_ring make_ring(const struct keys *keys)
{
    struct error err;
    struct proof_ring ring;
    assert_ok(proof_ring_init(&ring, &keys->keys[0], &err));
    assert_ok(proof_ring_follow(&ring, &keys->keys[0].key, &keys->keys[1].key, MIDDLE_MS, &err));
    return ring;
}

// A checkpoint signed by those of the keys whose bit is set.
static struct buffer sign_by(const struct keys *keys, unsigned which)
{
    const struct proof_checkpoint checkpoint = { .origin = ORIGIN,
                                                 .size = 8,
                                                 .root = count_digest(1) };
    struct buffer text = buffer_init(PROOF_NOTE_MAX);
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    proof_checkpoint_format(&checkpoint, &text);
    buffer_bytes(&note, buffer_view(&text));
    buffer_text(&note, "\n");
    for (unsigned i = 0; i < KEYS; i++) {
        if ((which & 1U << i) != 0) {
            proof_note_sign(buffer_view(&text), &keys->keys[i], keys->signers[i], 0, &note);
        }
    }
    buffer_fini(&text);
    return note;
}

static void expect(enum status wanted, const struct proof_ring *ring, uint64_t now_ms,
                   const struct keys *keys, unsigned which)
{
    struct error err;
    struct proof_checkpoint checkpoint;
    struct buffer note = sign_by(keys, which);
    assert_status(wanted, proof_ring_open(ring, now_ms, buffer_view(&note), &checkpoint, &err));
    buffer_fini(&note);
}

TEST(a_key_that_was_followed_counts_until_its_time_is_over)
{
    struct keys keys = make_keys();
    struct proof_ring ring = make_ring(&keys);
    for (unsigned which = 1; which <= 3; which++) {
        expect(ST_OK, &ring, MIDDLE_MS - 1, &keys, which);
    }
    expect(ST_UNPROVEN, &ring, MIDDLE_MS, &keys, 1);
    expect(ST_OK, &ring, MIDDLE_MS, &keys, 2);
    expect(ST_OK, &ring, MIDDLE_MS, &keys, 3);
    expect(ST_OK, &ring, 0, &keys, 1); // what was signed earlier stays good
    expect(ST_UNPROVEN, &ring, 0, &keys, 4);
    expect(ST_OK, &ring, MIDDLE_MS, &keys, 6); // an unknown key's line is not looked at
    drop_keys(&keys);
}

TEST(a_note_with_a_bad_signature_by_a_known_key_is_refused)
{
    struct error err;
    struct keys keys = make_keys();
    struct proof_ring ring = make_ring(&keys);
    struct proof_checkpoint checkpoint;
    struct buffer note = sign_by(&keys, 3);
    note.data[note.size - 4] ^= 1; // in the second line
    assert_true(proof_ring_open(&ring, 0, buffer_view(&note), &checkpoint, &err) != ST_OK);
    buffer_fini(&note);
    drop_keys(&keys);
}

TEST(one_key_follows_another_once)
{
    struct error err;
    struct keys keys = make_keys();
    struct proof_ring ring = make_ring(&keys);
    struct digest unknown = count_digest(200);
    assert_status(ST_EXISTS,
                  proof_ring_follow(&ring, &keys.keys[0].key, &keys.keys[1].key, MIDDLE_MS, &err));
    assert_status(ST_UNPROVEN,
                  proof_ring_follow(&ring, &keys.keys[0].key, &keys.keys[2].key, MIDDLE_MS, &err));
    assert_status(ST_NOT_FOUND,
                  proof_ring_follow(&ring, &unknown, &keys.keys[2].key, MIDDLE_MS, &err));
    assert_status(ST_UNPROVEN,
                  proof_ring_follow(&ring, &keys.keys[1].key, &keys.keys[0].key, MIDDLE_MS, &err));
    assert_ok(proof_ring_follow(&ring, &keys.keys[1].key, &keys.keys[2].key, 1, &err));
    assert_int_equal(ring.count, KEYS);
    assert_int_equal(ring.until_ms[1], MIDDLE_MS); // not before the one that it follows
    drop_keys(&keys);
}

TEST(a_ring_survives_as_text_and_a_damaged_one_is_refused)
{
    struct error err;
    struct keys keys = make_keys();
    struct proof_ring ring = make_ring(&keys);
    struct proof_ring read;
    struct buffer text = buffer_init(PROOF_RING_TEXT_MAX);
    proof_ring_format(&ring, &text);
    assert_ok(proof_ring_parse(buffer_view(&text), &read, &err));
    assert_int_equal(read.count, 2);
    assert_int_equal(read.until_ms[0], MIDDLE_MS);
    assert_int_equal(read.until_ms[1], 0);
    assert_true(digest_equal(&read.keys[1].key, &keys.keys[1].key));
    for (size_t cut = 0; cut < text.size; cut++) {
        assert_status(ST_CORRUPT, proof_ring_parse(bytes_of(text.data, cut), &read, &err));
    }
    for (size_t i = 0; i < text.size; i++) {
        text.data[i] ^= 1;
        if (proof_ring_parse(buffer_view(&text), &read, &err) == ST_OK) {
            assert_true(read.count >= 1); // a time with another digit
        }
        text.data[i] ^= 1;
    }
    buffer_fini(&text);
    drop_keys(&keys);
}
