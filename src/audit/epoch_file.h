// Inside of the epochs: the file of one epoch, and reading and writing its run.
//
//   head      256 bytes, written last: what the epoch is, the checks below, and its own hash
//   run       for each person, in the order of the tags' 32 bytes: tag, u64 count, head: 73 bytes
//   places    for each of 2^bits subtrees, and one more: u64 number of its first person
//   nodes     the hashes of those subtrees, then those of the level above, … up to the root
//
// A subtree has about 16 persons. Everything that is not yet whole stands under another name.
#pragma once

#include "audit/epoch.h"

#include <limits.h>

enum {
    EPOCH_HEAD_BYTES = 256,
    EPOCH_PERSON_BYTES = AUDIT_TAG_BYTES + 8 + DIGEST_BYTES,
    EPOCH_CHUNK = 1024, // persons that are read, written and checked together
    EPOCH_CHUNK_BYTES = EPOCH_CHUNK * EPOCH_PERSON_BYTES,
    EPOCH_SUBTREE = 16, // persons in one, about
    EPOCH_BITS_MAX = 30,
    EPOCH_SUBTREE_MAX = 65536, // persons in one, at most: tags are hashes, so they spread
};

// One person of a run.
struct epoch_person {
    struct audit_tag tag;
    struct proof_chain_head open;
};

// What stands in a file's head.
struct epoch_head {
    struct audit_epoch epoch;
    unsigned bits;       // 2^bits subtrees
    struct digest check; // over the run, see epoch_check()
    uint8_t nonce[AUDIT_BOX_NONCE_BYTES];
    uint8_t box[DIGEST_BYTES + AUDIT_BOX_TAG_BYTES]; // the epoch's secret
};

void epoch_head_encode(const struct epoch_head *head, uint8_t bytes[EPOCH_HEAD_BYTES]);
NODISCARD enum status epoch_head_decode(const uint8_t bytes[EPOCH_HEAD_BYTES],
                                        struct epoch_head *head, struct error *err);

// Where things begin in the file.
uint64_t epoch_places_at(uint64_t people);
uint64_t epoch_nodes_at(uint64_t people, unsigned bits, unsigned level); // level 0..bits

// The check over a run goes on by a chunk: H(check ‖ chunk).
struct digest epoch_check(const struct digest *check, struct bytes chunk);

// Reads or writes all of it. ST_CORRUPT: the file ends before.
NODISCARD enum status epoch_read(int fd, uint64_t offset, void *data, size_t size,
                                 struct error *err);
NODISCARD enum status epoch_write(int fd, uint64_t offset, const void *data, size_t size,
                                  struct error *err);

// HOME/epoch/<name>.
void epoch_path(const char *home, const char *name, char path[PATH_MAX]);

// ---- a run, one person after another

struct epoch_reader {
    int fd; // -1: a run of nobody
    uint64_t people;
    uint64_t next;
    struct digest check; // over what was read
    size_t have;         // persons in `chunk`
    size_t used;
    uint8_t chunk[EPOCH_CHUNK_BYTES];
};

void epoch_reader_init(struct epoch_reader *reader, int fd, uint64_t people);

// False: there are no more, or *status is not ST_OK.
bool epoch_reader_next(struct epoch_reader *reader, struct epoch_person *person,
                       enum status *status, struct error *err);

struct epoch_writer {
    int fd;
    uint64_t people;
    struct digest check;
    size_t have;
    struct audit_tag last;
    uint8_t chunk[EPOCH_CHUNK_BYTES];
};

void epoch_writer_init(struct epoch_writer *writer, int fd);

// ST_CORRUPT: out of order, or two persons in one place of the map.
NODISCARD enum status epoch_writer_put(struct epoch_writer *writer,
                                       const struct epoch_person *person, struct error *err);
NODISCARD enum status epoch_writer_end(struct epoch_writer *writer, struct error *err);

// ---- hashing

// A person's leaf under the epoch's secret; the salt and the other commitment where they are
// wanted.
struct digest epoch_leaf(const struct digest *secret, const struct epoch_person *person,
                         struct digest *salt, struct digest *delayed);

// The subtree of persons in order, at depth `base`: begin, add each, end. Holds one node a level.
struct epoch_tree {
    unsigned base;
    unsigned count; // of what waits
    bool begun;
    struct audit_tag tag; // of the last leaf
    struct digest node;   // of the last leaf
    struct {
        unsigned level; // its parent's
        struct digest node;
    } waiting[PROOF_MAP_DEPTH];
};

void epoch_tree_init(struct epoch_tree *tree, unsigned base);
void epoch_tree_add(struct epoch_tree *tree, const struct audit_tag *tag,
                    const struct digest *leaf);
struct digest epoch_tree_end(struct epoch_tree *tree); // empty: nobody was added

// The number of the subtree that a tag is in.
uint64_t epoch_subtree(const struct audit_tag *tag, unsigned bits);

// Behind the run in `fd`: places and nodes. Fills head->bits and head->epoch.root.
NODISCARD enum status epoch_hash(int fd, const struct digest *secret, struct epoch_head *head,
                                 const atomic_bool *stopping, struct error *err);
