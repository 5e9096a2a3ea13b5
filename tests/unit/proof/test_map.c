// The sparse tree of an epoch's map, against one that is built without any shortcut.
#include "proof/map.h"

#include "hex.h"
#include "seal/hash.h"
#include "test.h"

#include <stdlib.h>

enum { PEOPLE = 40 };

struct person {
    uint8_t tag[PROOF_TAG_BYTES];
    struct digest salt;
    struct proof_chain_head open;
    struct digest delayed;
};

static struct person person_of(unsigned number)
{
    struct person person = { .tag = { 1 } };
    struct digest hash = seal_sha256(bytes_of(&number, sizeof(number)));
    memcpy(person.tag + 1, hash.bytes, DIGEST_BYTES);
    person.salt = count_digest((uint8_t)number);
    person.open.count = number;
    person.open.head = hash;
    person.delayed = count_digest((uint8_t)(100 + number));
    return person;
}

static struct digest leaf_of(const struct person *person)
{
    struct digest open = proof_chain_commitment(PROOF_CHAIN_OPEN, &person->salt, &person->open);
    return proof_map_leaf(person->tag, &open, &person->delayed);
}

// The node at `level` that has these persons below it.
static struct digest tree(const struct person *people, size_t count, unsigned level)
{
    struct person sides[2][PEOPLE];
    size_t counts[2] = { 0, 0 };
    if (count == 0) {
        return (struct digest){ 0 };
    }
    if (level == PROOF_MAP_DEPTH) {
        assert_int_equal(count, 1);
        return leaf_of(&people[0]);
    }
    for (size_t i = 0; i < count; i++) {
        unsigned bit = people[i].tag[1 + level / 8] >> (7 - level % 8) & 1;
        sides[bit][counts[bit]++] = people[i];
    }
    struct digest left = tree(sides[0], counts[0], level + 1);
    struct digest right = tree(sides[1], counts[1], level + 1);
    struct digest none = { 0 };
    return digest_equal(&left, &none) && digest_equal(&right, &none)
               ? none
               : seal_node_hash(&left, &right);
}

static void path_of(const struct person *people, size_t count, const uint8_t *tag,
                    struct proof_map_path *path)
{
    memset(path, 0, sizeof(*path));
    for (unsigned level = PROOF_MAP_DEPTH; level > 0; level--) {
        struct person beside[PEOPLE];
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
            if (proof_map_common(people[i].tag, tag) == level - 1) {
                beside[found++] = people[i];
            }
        }
        struct digest sibling = tree(beside, found, level);
        proof_map_path_add(path, level - 1, &sibling);
    }
}

static struct proof_map_claim claim_of(const struct person *person,
                                       const struct proof_map_path *path)
{
    return (struct proof_map_claim){ .tag = bytes_of(person->tag, PROOF_TAG_BYTES),
                                     .open = person->open,
                                     .salt = person->salt,
                                     .delayed = person->delayed,
                                     .bitmap = bytes_of(path->bitmap, sizeof(path->bitmap)),
                                     .path = bytes_of(path->steps, path->count * DIGEST_BYTES) };
}

static void make_people(struct person people[PEOPLE])
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        people[i] = person_of(i + 1);
    }
    // Two neighbours that part at the last level only.
    memcpy(people[1].tag, people[0].tag, PROOF_TAG_BYTES);
    people[1].tag[10] ^= 1;
}

TEST(a_place_leads_to_the_root_that_everyone_makes_together)
{
    struct error err;
    struct person people[PEOPLE];
    struct proof_map_path path;
    make_people(people);
    for (size_t count = 1; count <= PEOPLE; count += 13) {
        struct digest root = tree(people, count, 0);
        for (size_t i = 0; i < count; i++) {
            path_of(people, count, people[i].tag, &path);
            struct proof_map_claim claim = claim_of(&people[i], &path);
            assert_ok(proof_map_verify(&claim, &root, &err));
        }
    }
}

TEST(a_place_in_the_map_holds_for_this_person_this_list_and_this_root_only)
{
    struct error err;
    struct person people[PEOPLE];
    struct proof_map_path path;
    make_people(people);
    struct digest root = tree(people, PEOPLE, 0);
    path_of(people, PEOPLE, people[3].tag, &path);
    struct proof_map_claim good = claim_of(&people[3], &path);
    assert_ok(proof_map_verify(&good, &root, &err));

    struct proof_map_claim claim = good;
    claim.open.count++;
    assert_status(ST_UNPROVEN, proof_map_verify(&claim, &root, &err));
    claim = good;
    claim.open.head.bytes[0] ^= 1;
    assert_status(ST_UNPROVEN, proof_map_verify(&claim, &root, &err));
    claim = good;
    claim.salt.bytes[31] ^= 1;
    assert_status(ST_UNPROVEN, proof_map_verify(&claim, &root, &err));
    claim = good;
    claim.delayed.bytes[5] ^= 1;
    assert_status(ST_UNPROVEN, proof_map_verify(&claim, &root, &err));
    claim = good;
    claim.absent = true;
    assert_status(ST_UNPROVEN, proof_map_verify(&claim, &root, &err));
    uint8_t tag[PROOF_TAG_BYTES];
    memcpy(tag, people[3].tag, sizeof(tag));
    tag[0] = 2; // of another key, in the same place
    claim = good;
    claim.tag = bytes_of(tag, sizeof(tag));
    assert_status(ST_UNPROVEN, proof_map_verify(&claim, &root, &err));
    tag[0] = 1;
    tag[32] ^= 1; // the same place, another tag
    assert_status(ST_UNPROVEN, proof_map_verify(&claim, &root, &err));
    root.bytes[9] ^= 1;
    assert_status(ST_UNPROVEN, proof_map_verify(&good, &root, &err));
}

TEST(who_is_not_in_the_map_is_proven_absent_and_nobody_else_is)
{
    struct error err;
    struct person people[PEOPLE];
    struct proof_map_path path;
    struct person nobody = person_of(1000);
    make_people(people);
    for (size_t count = 0; count <= PEOPLE; count += 20) {
        struct digest root = tree(people, count, 0);
        path_of(people, count, nobody.tag, &path);
        struct proof_map_claim claim = claim_of(&nobody, &path);
        claim.absent = true;
        assert_ok(proof_map_verify(&claim, &root, &err));
        claim.absent = false;
        assert_status(ST_UNPROVEN, proof_map_verify(&claim, &root, &err));
    }
    struct digest root = tree(people, PEOPLE, 0);
    path_of(people, PEOPLE, people[0].tag, &path);
    struct proof_map_claim claim = claim_of(&people[0], &path);
    claim.absent = true;
    assert_status(ST_UNPROVEN, proof_map_verify(&claim, &root, &err));
}

TEST(a_path_has_one_form)
{
    struct error err;
    struct person people[PEOPLE];
    struct proof_map_path path;
    make_people(people);
    struct digest root = tree(people, PEOPLE, 0);
    path_of(people, PEOPLE, people[7].tag, &path);
    struct proof_map_claim good = claim_of(&people[7], &path);
    struct proof_map_claim claim = good;
    claim.bitmap.size--;
    assert_status(ST_MALFORMED, proof_map_verify(&claim, &root, &err));
    claim = good;
    claim.path.size -= DIGEST_BYTES;
    assert_status(ST_MALFORMED, proof_map_verify(&claim, &root, &err));
    claim.path.size += 1;
    assert_status(ST_MALFORMED, proof_map_verify(&claim, &root, &err));
    claim = good;
    claim.tag.size--;
    assert_status(ST_MALFORMED, proof_map_verify(&claim, &root, &err));
    // An empty sibling is left out, never sent.
    struct proof_map_path longer = path;
    memset(longer.steps[path.count].bytes, 0, DIGEST_BYTES);
    longer.count++;
    for (unsigned level = 0; level < PROOF_MAP_DEPTH; level++) {
        if ((longer.bitmap[level / 8] & 0x80 >> level % 8) == 0) {
            longer.bitmap[level / 8] |= (uint8_t)(0x80 >> level % 8);
            break;
        }
    }
    claim = claim_of(&people[7], &longer);
    assert_status(ST_MALFORMED, proof_map_verify(&claim, &root, &err));
}
