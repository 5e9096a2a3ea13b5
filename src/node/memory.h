// What a node remembers about exchanges and persons, for a time and within a bound: which
// (asker, id) it has answered, and under which pseudonym the log files a person. The latter is
// kept in a file as well, so that it outlasts a restart. Persons are keyed hashes, in memory and in
// the file. Owned by one thread.
#pragma once

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/error.h"

struct node_memory;

enum { NODE_ONCE_MAX = 262144, NODE_PERSONS_MAX = 65536 };

// `person_ms`: how long a person's check is remembered. NULL: no memory.
NODISCARD struct node_memory *node_memory_create(uint64_t person_ms);
void node_memory_destroy(struct node_memory **memory);

// True the first time that an exchange is seen within a request's life. False: seen already, or
// no room left, which counts the same.
bool node_memory_once(struct node_memory *memory, struct bytes asker, const struct id *id,
                      uint64_t now_ms);

// From here on persons are read from and kept in this file, under keys that come from `key`, a
// secret that does not stand beside it. ST_OK with *fresh: what was there had been written under
// another key and is forgotten.
NODISCARD enum status node_memory_keep(struct node_memory *memory, const char *path,
                                       struct bytes key, uint64_t now_ms, bool *fresh,
                                       struct error *err);

enum node_person {
    NODE_PERSON_AGREES = 1,
    NODE_PERSON_DIFFERS,     // another check was remembered for the person under this tag key
    NODE_PERSON_KEY_UNKNOWN, // a tag key that nothing has proven
};

// Compares a person's check with what is remembered, and remembers a first one; the one that was
// first stays. The first tag key that is seen counts, a later one when it was accepted. A file that
// cannot be written does not keep a check from being compared: *kept is false.
enum node_person node_memory_person(struct node_memory *memory, struct bytes scheme,
                                    struct bytes subject, uint32_t tag_key_id,
                                    const struct digest *check, uint64_t now_ms, bool *kept);

// The log has a new tag key: its entry was proven to be in the log. From here on its checks count,
// and each person's first one under it is remembered anew. False: not above the newest that counts.
bool node_memory_accept_key(struct node_memory *memory, uint32_t tag_key_id, uint64_t now_ms);
