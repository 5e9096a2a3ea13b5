// Following the log to a new key: what must be proven, and what is kept.
#include "peer/trust.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "proof/receipt.h"
#include "seal/hash.h"
#include "seal/random.h"
#include "seal/secret.h"
#include "seal/sign.h"
#include "test.h"
#include "wire/wire.h"

#define ORIGIN "log.example/test"

enum { KEYS = 3, HOUR_MS = 60 * 60 * 1000 };

static struct error err; // of the running test

struct world {
    struct seal_signer *signers[KEYS];
    struct proof_key keys[KEYS];
    char vkey[256];
    char path[160];
    struct peer_trust trust;
    struct buffer part;
    struct buffer note;
    uint8_t leaf[PROOF_LEAF_BYTES];
    uint8_t other[DIGEST_BYTES];
    struct bytes others[1];
    struct wire_receipt_extra extra;
    struct wire_receipt receipt;
    uint64_t until_ms;
};

// The registrar's word: "good" orders key 1 after key 0.
static enum status admit(const void *argument, struct bytes signed_message, struct digest *old_key,
                         struct digest *new_key, uint64_t *both_until, struct error *why)
{
    const struct world *world = argument;
    if (!bytes_equal_text(signed_message, "good")) {
        return error_set(why, ST_UNPROVEN, "not the registrar's");
    }
    *old_key = world->keys[0].key;
    *new_key = world->keys[1].key;
    *both_until = world->until_ms;
    return ST_OK;
}

static void trust_begin(struct world *world)
{
    assert_ok(peer_trust_init(&world->trust, world->vkey, world->path, &err));
    world->trust.admit = admit;
    world->trust.admit_argument = world;
}

static void world_begin(struct world *world)
{
    memset(world, 0, sizeof(*world));
    for (size_t i = 0; i < KEYS; i++) {
        struct seal_secret *seed = NULL;
        assert_ok(seal_secret_random(DIGEST_BYTES, &seed, &err));
        assert_ok(seal_signer_create(seed, &world->signers[i], &err));
        assert_ok(proof_key_make(ORIGIN, PROOF_KEY_ED25519, seal_signer_key(world->signers[i]),
                                 &world->keys[i], &err));
        seal_secret_destroy(&seed);
    }
    struct buffer vkey = buffer_init(sizeof(world->vkey));
    proof_key_format(&world->keys[0], &vkey);
    snprintf(world->vkey, sizeof(world->vkey), "%.*s", (int)vkey.size, (const char *)vkey.data);
    buffer_fini(&vkey);
    snprintf(world->path, sizeof(world->path), "%s/checkpoint", test_directory());
    world->until_ms = (uint64_t)clock_wall_ms() + HOUR_MS;
    world->part = buffer_init(4096);
    world->note = buffer_init(PROOF_NOTE_MAX);
    trust_begin(world);
}

static void world_end(struct world *world)
{
    peer_trust_fini(&world->trust);
    buffer_fini(&world->part);
    buffer_fini(&world->note);
    for (size_t i = 0; i < KEYS; i++) {
        seal_signer_destroy(&world->signers[i]);
    }
}

// A receipt of an entry that says this, in a log of one entry whose checkpoint key `by` has signed.
static const struct wire_receipt *make_receipt(struct world *world, enum wire_key_changed what,
                                               uint32_t number, const char *order,
                                               enum wire_class class, size_t by)
{
    const struct wire_key_change change = { .what = what, .number = number };
    const struct wire_public_part part = { .format = 1,
                                           .kind = WIRE_KIND_KEY_CHANGE,
                                           .signed_ = bytes_text(order),
                                           .key_change = &change };
    struct digest salt = seal_random_digest();
    struct digest hashes[2] = { seal_random_digest() };
    buffer_clear(&world->part);
    assert_ok(wire_encode(WIRE_SCHEMA_PUBLIC_PART, &part, &world->part, &err));
    hashes[1] = proof_part_hash(WIRE_PART_PUBLIC, &salt, buffer_view(&world->part));
    const struct proof_leaf leaf = { .class = (uint8_t) class,
                                     .minutes = 29910000,
                                     .commitment = proof_body_commitment((unsigned)class, hashes) };
    proof_leaf_encode(&leaf, world->leaf);
    struct proof_checkpoint checkpoint = {
        .origin = ORIGIN, .size = 1, .root = seal_leaf_hash(bytes_of(world->leaf, PROOF_LEAF_BYTES))
    };
    buffer_clear(&world->note);
    proof_checkpoint_sign(&checkpoint, &world->keys[by], world->signers[by], &world->note);
    memcpy(world->other, hashes[0].bytes, DIGEST_BYTES);
    world->others[0] = bytes_of(world->other, DIGEST_BYTES);
    world->extra = (struct wire_receipt_extra){ .leaf = bytes_of(world->leaf, PROOF_LEAF_BYTES),
                                                .part_type = WIRE_PART_PUBLIC,
                                                .part_salt = salt,
                                                .part = buffer_view(&world->part),
                                                .others = world->others,
                                                .others_count = 1 };
    world->receipt =
        (struct wire_receipt){ .checkpoint = buffer_view(&world->note), .extra = &world->extra };
    return &world->receipt;
}

static enum status follow(struct world *world, const struct wire_receipt *receipt)
{
    return peer_trust_follow(&world->trust, receipt, 1, &err);
}

TEST(a_new_key_counts_with_the_registrars_order_and_its_entry_under_the_old_one)
{
    struct world world;
    world_begin(&world);
    assert_status(ST_UNPROVEN, follow(&world, make_receipt(&world, WIRE_KEY_OF_LOG, 2, "forged",
                                                           WIRE_CLASS_GOVERNANCE, 0)));
    assert_status(ST_UNPROVEN, follow(&world, make_receipt(&world, WIRE_KEY_OF_LOG, 2, "good",
                                                           WIRE_CLASS_GOVERNANCE, 1)));
    assert_status(ST_UNPROVEN, follow(&world, make_receipt(&world, WIRE_KEY_OF_LOG, 2, "good",
                                                           WIRE_CLASS_GOVERNANCE, 2)));
    make_receipt(&world, WIRE_KEY_OF_LOG, 2, "good", WIRE_CLASS_GOVERNANCE, 0);
    world.leaf[10] ^= 1; // of the commitment
    assert_status(ST_UNPROVEN, follow(&world, &world.receipt));
    assert_int_equal(world.trust.ring.count, 1);

    assert_ok(
        follow(&world, make_receipt(&world, WIRE_KEY_OF_LOG, 2, "good", WIRE_CLASS_GOVERNANCE, 0)));
    assert_int_equal(world.trust.ring.count, 2);
    assert_int_equal(world.trust.ring.until_ms[0], world.until_ms);
    assert_true(digest_equal(&world.trust.ring.keys[1].key, &world.keys[1].key));
    // Once more it changes nothing.
    assert_ok(
        follow(&world, make_receipt(&world, WIRE_KEY_OF_LOG, 2, "good", WIRE_CLASS_GOVERNANCE, 0)));
    assert_int_equal(world.trust.followed, 1);
    world_end(&world);
}

TEST(a_followed_key_is_kept_and_the_old_ones_word_alone_ends)
{
    struct world world;
    world_begin(&world);
    world.until_ms = (uint64_t)clock_wall_ms() - 1;
    assert_ok(
        follow(&world, make_receipt(&world, WIRE_KEY_OF_LOG, 2, "good", WIRE_CLASS_GOVERNANCE, 0)));
    peer_trust_fini(&world.trust);
    trust_begin(&world); // as after a start
    assert_int_equal(world.trust.ring.count, 2);
    struct peer_claim claim = { .note = buffer_view(&world.note) }; // by the old key
    assert_int_equal(peer_trust_advance(&world.trust, &claim, &err), PEER_STRANGE);
    assert_non_null(strstr(err.message, "whose time was over"));
    make_receipt(&world, WIRE_KEY_OF_LOG, 2, "good", WIRE_CLASS_GOVERNANCE, 1);
    claim.note = buffer_view(&world.note);
    assert_int_equal(peer_trust_advance(&world.trust, &claim, &err), PEER_HOLDS);
    make_receipt(&world, WIRE_KEY_OF_LOG, 2, "good", WIRE_CLASS_GOVERNANCE, 2);
    claim.note = buffer_view(&world.note);
    assert_int_equal(peer_trust_advance(&world.trust, &claim, &err), PEER_STRANGE);

    // What was kept is damaged: nothing is believed until a person has looked.
    char path[200];
    snprintf(path, sizeof(path), "%s.keys", world.path);
    assert_ok(file_replace(path, bytes_text("vedomo-log-keys 1\n"), 0600, &err));
    peer_trust_fini(&world.trust);
    assert_status(ST_CORRUPT, peer_trust_init(&world.trust, world.vkey, world.path, &err));
    world_end(&world);
}

TEST(a_key_of_tags_counts_with_the_proof_of_its_entry)
{
    struct world world;
    world_begin(&world);
    assert_status(ST_UNPROVEN, follow(&world, make_receipt(&world, WIRE_KEY_OF_TAGS, 2, "",
                                                           WIRE_CLASS_GOVERNANCE, 2)));
    assert_false(world.trust.tags_proven[1]);
    assert_ok(
        follow(&world, make_receipt(&world, WIRE_KEY_OF_TAGS, 2, "", WIRE_CLASS_GOVERNANCE, 0)));
    assert_true(world.trust.tags_proven[1]);
    assert_status(ST_UNPROVEN, follow(&world, make_receipt(&world, WIRE_KEY_OF_TAGS, 17, "",
                                                           WIRE_CLASS_GOVERNANCE, 0)));
    world.receipt.index = 0;
    world.trust.tag_entries[1] = 5; // it came from another entry before
    assert_status(ST_UNPROVEN, follow(&world, make_receipt(&world, WIRE_KEY_OF_TAGS, 2, "",
                                                           WIRE_CLASS_GOVERNANCE, 0)));
    world_end(&world);
}
