// Epochs: at one size of the log, how every person's list stands, committed to in one root
// (docs/audit-log.md, "Epochs"). An epoch is a file, HOME/epoch/<number>.map: the sorted run of all
// persons, and enough of the map's nodes to prove one person's place with few reads. It is built
// beside whoever writes and reads: from the run before it and the entries since, or, where that is
// missing or damaged, from the lists themselves. No person is held in memory longer than a page.
//
// Whoever opens a map may use it from any thread until it lets go; building is for one thread.
#pragma once

#include "audit/log.h"
#include "audit/tag.h"
#include "audit/views.h"
#include "proof/map.h"

#include <stdatomic.h>

// The folder within HOME.
#define AUDIT_EPOCH_FOLDER "epoch"

// What an epoch says.
struct audit_epoch {
    uint64_t number;    // from 1
    uint64_t size;      // it is true for the log's first so many entries
    uint64_t people;    // persons in the map
    struct digest root; // of the map; zero when there is nobody
};

// ---- an epoch's file

struct audit_epoch_map;

// Opens the file of the epoch `number` and checks that it is whole as far as its head goes: where
// `root` is not NULL it has to be that root. ST_NOT_FOUND: there is none. ST_CORRUPT: another one,
// or damaged.
NODISCARD enum status audit_epoch_open(const char *home, struct audit_vault *vault,
                                       struct bytes origin, uint64_t number,
                                       const struct digest *root, struct audit_epoch_map **map,
                                       struct error *err);
void audit_epoch_close(struct audit_epoch_map **map);

const struct audit_epoch *audit_epoch_of(const struct audit_epoch_map *map);

// One person's place, as it is shown to whoever may see the person's list.
struct audit_epoch_place {
    bool absent;
    struct proof_chain_head open;
    struct digest salt;    // of the commitment to `open`
    struct digest delayed; // the other commitment
    struct proof_map_path path;
};

// Reads a few dozen persons around the place and one node a level. It checks its own result against
// the root: ST_CORRUPT when the file has been damaged since it was made.
NODISCARD enum status audit_epoch_find(const struct audit_epoch_map *map,
                                       const struct audit_tag *tag, struct audit_epoch_place *place,
                                       struct error *err);

// ---- building

struct audit_epoch_options {
    const char *home;
    struct bytes origin;           // the log's
    struct audit_vault *vault;     // the lasting key in use wraps the epoch's secret
    struct audit_journal *journal; // entries since the epoch before
    struct audit_views *views;     // the lists, where there is no run to begin with
    const struct audit_tagger *tagger;
    const struct audit_epoch_map *before; // NULL: from the lists
    uint64_t number;                      // of the new epoch
    uint64_t size;                        // of the log, no more than it has; 0: all that it has
    const atomic_bool *stopping;          // true: give up; may be NULL
    size_t changes_max; // persons that changed, held in memory at once; 0: 262,144 (20 MB)
};

// What building took.
struct audit_epoch_built {
    struct audit_epoch epoch;
    uint64_t entries;  // of the log that were read
    uint64_t rewrites; // how often the run was written: more than once after very many changes
    bool from_lists;   // there was no run, or it was damaged
    int64_t merge_ms;  // until the run stood
    int64_t hash_ms;   // until the map stood
};

// Writes the file of the next epoch, durably, over whatever has its name. Pins old pages of the log
// and the views for a moment at a time only. ST_CLOSED: it was told to stop; nothing is left
// behind. After ST_CORRUPT of a run the caller tries again without `before`.
NODISCARD enum status audit_epoch_build(const struct audit_epoch_options *options,
                                        struct audit_epoch_built *built, struct error *err);

// Removes the files of all epochs but those two (0: none), and what a build that was cut off left.
NODISCARD enum status audit_epoch_sweep(const char *home, uint64_t keep, uint64_t keep_too,
                                        struct error *err);

// ---- the epoch that stands, from the log

// The newest EPOCH entry: what it says (people is not in it) and its index. ST_NOT_FOUND: there is
// none yet.
NODISCARD enum status audit_epoch_last(struct audit_log *log, struct audit_reader *reader,
                                       struct audit_epoch *epoch, uint64_t *index,
                                       struct error *err);
