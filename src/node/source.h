// Where a dataset's values come from: a register behind a pool of threads of its own, so that a
// slow one delays nobody else. A lookup goes in, and comes back through the queue that the pool was
// given, always: found, not found, or unavailable.
#pragma once

#include "base/queue.h"
#include "catalogue/catalogue.h"
#include "catalogue/value.h"
#include "config/config.h"
#include "vedomo/node.h"

struct node_source;

enum { NODE_SUBJECT_BYTES = CATALOGUE_SUBJECT_MAX + 1, NODE_VALUES_MAX_BYTES = 65536 };

// One person to look up. Belongs to whoever has the pointer.
struct node_lookup {
    void *owner;                               // the caller's
    char subject[NODE_SUBJECT_BYTES];          // normalised; wiped by node_lookup_destroy()
    int64_t deadline_ms;                       // monotonic
    struct bytes fields[CATALOGUE_FIELDS_MAX]; // wanted names; borrowed from the owner
    size_t field_count;

    // What came back.
    enum catalogue_value_status status;        // PRESENT: the person was found once, `values` count
    struct bytes values[CATALOGUE_FIELDS_MAX]; // .data NULL: the register has no value
    bool wrong_type[CATALOGUE_FIELDS_MAX];     // what the register has is no text or number
    bool too_long[CATALOGUE_FIELDS_MAX];
    uint64_t updated_ms;   // 0: not known
    struct buffer content; // what `values` view
    char problem[128];     // of an unavailable register, for the log; names no person
};

NODISCARD struct node_lookup *node_lookup_create(void); // NULL: no memory
void node_lookup_destroy(struct node_lookup **lookup);

// A dataset answered by SQLite as the configuration maps it. Opens the register once to check the
// mapping. `back` must outlive the source and have room for all lookups: reserved places.
NODISCARD enum status node_source_open(const struct config_dataset *dataset,
                                       const struct config_register *reg, int64_t time_limit_ms,
                                       struct queue *back, struct node_source **source,
                                       struct error *err);

// A dataset answered by a function of the program that the library is in.
NODISCARD enum status node_source_serve(const struct vedomo_service *service, int64_t time_limit_ms,
                                        struct queue *back, struct node_source **source,
                                        struct error *err);

// Lets what runs end, stops the threads; what still waited comes back as unavailable.
void node_source_close(struct node_source **source);

const char *node_source_dataset(const struct node_source *source);
const char *node_source_title(const struct node_source *source); // what answers name as source

// True when the mapping has the field.
bool node_source_has(const struct node_source *source, struct bytes field);

// Hands a lookup in: consumed on success. ST_BUSY: too many wait; the lookup stays the caller's.
NODISCARD enum status node_source_look(struct node_source *source, struct node_lookup **lookup,
                                       struct error *err);
