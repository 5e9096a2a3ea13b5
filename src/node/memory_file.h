// Inside of a node's memory: the file in which it outlasts a restart. Fixed records behind one
// another, each with a check of its own, all of them keyed: who has the file without the node's key
// learns how many there are and when they were made, and can try out no identifier.
//
//   head     "vedomo-persons 1\n" padded to 32, check of the key 16
//   record   u8 kind, name 32, value 32, u64 since (ms), check 7: 80 bytes
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum node_record_kind {
    NODE_RECORD_PERSON = 1, // keyed hash of a person -> keyed hash of the check
    NODE_RECORD_KEY = 2,    // zero -> number of a tag key that counts
};

struct node_record {
    enum node_record_kind kind;
    struct digest name;
    struct digest value;
    uint64_t since_ms;
};

struct node_memory_file;

// Called for each record that is whole, in the order in which they were written.
typedef void (*node_record_visit)(void *context, const struct node_record *record);

// Opens or makes the file. One that was written under another key is begun anew: *fresh says so. A
// tail that was cut short by a crash is left out.
NODISCARD enum status node_memory_file_open(const char *path, const struct digest *key,
                                            node_record_visit visit, void *context,
                                            struct node_memory_file **file, bool *fresh,
                                            struct error *err);
void node_memory_file_close(struct node_memory_file **file);

// Records in the file.
size_t node_memory_file_count(const struct node_memory_file *file);

// Adds one. Reaches the disk when the system writes it; what a power failure takes is remembered
// anew.
NODISCARD enum status node_memory_file_add(struct node_memory_file *file,
                                           const struct node_record *record, struct error *err);

// Replaces all records, durably, by those that `next` gives until it returns false.
NODISCARD enum status node_memory_file_rewrite(struct node_memory_file *file,
                                               bool (*next)(void *context,
                                                            struct node_record *record),
                                               void *context, struct error *err);
