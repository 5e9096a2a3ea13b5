// Building an epoch: the run of the epoch before, merged with what changed since; then the map.
//
// Invariants: what a run says is true for one size of the log, whatever is written meanwhile; at
// most `changes_max` persons are in memory; a run that is read is compared with its check before
// anything is made of it; nothing has a map's name before it is whole and durable.
#include "audit/epoch_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "seal/secret.h"

enum {
    CHANGES_MAX = 262144, // 20 MB
    ENTRIES = 512,        // of the log, under one transaction
    LIST_ROWS = 2048,     // of the views, under one transaction
    ARENA_BYTES = 8 * 1024 * 1024,
};

struct building {
    const struct audit_epoch_options *options;
    struct audit_epoch_built *built;
    struct audit_log *log;
    struct audit_reader *reader;
    struct arena *arena;
    struct epoch_person *changes;
    size_t count;
    size_t max;
    int run;         // the newest run: of the epoch before, or one made here; -1: of nobody
    bool own;        // made here
    uint64_t people; // in it
    struct digest check;
    uint64_t size; // it is true for so many entries
    unsigned turn; // which of the two names for runs comes next
    char path[PATH_MAX];
    struct error *err;
    enum status status; // of a callback
};

static bool stopped(const struct building *building)
{
    const atomic_bool *stopping = building->options->stopping;
    return stopping != NULL && atomic_load(stopping);
}

static enum status say_stopped(struct error *err)
{
    return error_set(err, ST_CLOSED, "epoch: stopped");
}

static enum status no_memory(struct error *err)
{
    return error_set(err, ST_NOMEM, "epoch: no memory");
}

// ---- runs

static enum status new_run(struct building *building, int *fd, struct error *err)
{
    building->turn ^= 1;
    epoch_path(building->options->home, building->turn == 0 ? "new.run" : "other.run",
               building->path);
    *fd = open(building->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return *fd >= 0 ? ST_OK : error_errno(err, file_no_room(errno), "%s", building->path);
}

static void adopt_run(struct building *building, int fd, const struct epoch_writer *writer,
                      uint64_t size)
{
    if (building->own) {
        close(building->run);
    }
    building->run = fd;
    building->own = true;
    building->people = writer->people;
    building->check = writer->check;
    building->size = size;
    building->built->rewrites++;
}

// Orders persons as runs have them, of one person the shorter list first.
static int compare_changes(const void *a, const void *b)
{
    const struct epoch_person *left = a;
    const struct epoch_person *right = b;
    int order = memcmp(left->tag.bytes + 1, right->tag.bytes + 1, DIGEST_BYTES);
    return order != 0
               ? order
               : (left->open.count > right->open.count) - (left->open.count < right->open.count);
}

// Sorts the changes and keeps the last of each person.
static void settle(struct building *building)
{
    struct epoch_person *changes = building->changes;
    size_t kept = 0;
    if (building->count > 0) {
        qsort(changes, building->count, sizeof(*changes), compare_changes);
    }
    for (size_t i = 0; i < building->count; i++) {
        bool last = i + 1 == building->count ||
                    memcmp(changes[i].tag.bytes, changes[i + 1].tag.bytes, AUDIT_TAG_BYTES) != 0;
        if (last) {
            changes[kept++] = changes[i];
        }
    }
    building->count = kept;
}

// Writes the next run: the newest one with the changes.
static enum status merge(struct building *building, struct epoch_reader *old,
                         struct epoch_writer *writer, struct error *err)
{
    struct epoch_person person;
    size_t next = 0;
    enum status status = ST_OK;
    unsigned version = audit_tagger_version(building->options->tagger);
    while (epoch_reader_next(old, &person, &status, err)) {
        int order = 1;
        if (person.tag.bytes[0] != version) {
            return error_set(err, ST_STALE, "the run before is of another tag key");
        }
        while (next < building->count && (order = memcmp(building->changes[next].tag.bytes + 1,
                                                         person.tag.bytes + 1, DIGEST_BYTES)) < 0) {
            status = epoch_writer_put(writer, &building->changes[next++], err);
            if (status != ST_OK) {
                return status;
            }
        }
        bool changed = next < building->count && order == 0;
        status = epoch_writer_put(writer, changed ? &building->changes[next++] : &person, err);
        if (status == ST_OK && stopped(building)) {
            status = say_stopped(err);
        }
        if (status != ST_OK) {
            return status;
        }
    }
    while (status == ST_OK && next < building->count) {
        status = epoch_writer_put(writer, &building->changes[next++], err);
    }
    if (status == ST_OK && !digest_equal(&old->check, &building->check)) {
        status = error_set(err, ST_CORRUPT, "the run of the epoch before was damaged");
    }
    return status == ST_OK ? epoch_writer_end(writer, err) : status;
}

static enum status merge_run(struct building *building, uint64_t size, struct error *err)
{
    struct epoch_reader *old = malloc(sizeof(*old));
    struct epoch_writer *writer = malloc(sizeof(*writer));
    int fd = -1;
    enum status status = old == NULL || writer == NULL ? no_memory(err) : ST_OK;
    if (status == ST_OK) {
        status = new_run(building, &fd, err);
    }
    if (status == ST_OK) {
        settle(building);
        epoch_reader_init(old, building->run, building->people);
        epoch_writer_init(writer, fd);
        status = merge(building, old, writer, err);
    }
    if (status == ST_OK) {
        adopt_run(building, fd, writer, size);
        building->count = 0;
    } else if (fd >= 0) {
        close(fd);
    }
    free(old);
    free(writer);
    return status;
}

// ---- what changed since, from the log

static bool take_entry(uint64_t index, const struct audit_record *record, void *context)
{
    struct building *building = context;
    struct audit_body body;
    struct audit_facts facts = { .index = index, .class = record->class };
    building->built->entries++;
    if (record->class == WIRE_CLASS_GOVERNANCE || record->class == WIRE_CLASS_EPOCH ||
        record->class == WIRE_CLASS_DELAYED) {
        return true;
    }
    arena_reset(building->arena);
    building->status =
        audit_log_body(building->log, index, record, building->arena, &body, building->err);
    if (building->status == ST_NOT_FOUND) {
        building->status = error_set(building->err, ST_STALE,
                                     "entries since the epoch before have been forgotten");
    }
    if (building->status == ST_OK) {
        building->status = audit_facts_decode(&body, building->arena, &facts, building->err);
    }
    if (building->status != ST_OK) {
        return false;
    }
    if (facts.officer == NULL || facts.officer->tag.size != AUDIT_TAG_BYTES ||
        facts.subject == NULL || facts.subject->sequence == 0) {
        return true;
    }
    struct epoch_person *person = &building->changes[building->count++];
    person->open =
        (struct proof_chain_head){ .count = facts.subject->sequence, .head = record->leaf_hash };
    building->status = audit_tagger_renew(building->options->tagger, facts.officer->tag,
                                          &person->tag, building->err);
    return building->status == ST_OK;
}

static enum status read_entries(struct building *building, uint64_t from, uint64_t count,
                                struct error *err)
{
    uint64_t size = 0;
    enum status status = audit_log_begin(building->log, &size, err);
    if (status == ST_OK) {
        building->status = ST_OK;
        building->err = err;
        status = audit_log_scan(building->log, from, count, take_entry, building, err);
        status = status == ST_OK ? building->status : status;
        audit_log_end(building->log);
    }
    return status;
}

static enum status take_changes(struct building *building, uint64_t size, struct error *err)
{
    uint64_t next = building->size;
    enum status status = ST_OK;
    while (status == ST_OK && next < size) {
        uint64_t count = size - next < ENTRIES ? size - next : ENTRIES;
        if (building->count + count > building->max) {
            settle(building);
            if (building->count + count > building->max - building->max / 4) {
                status = merge_run(building, next, err);
            }
        }
        if (status == ST_OK) {
            status = read_entries(building, next, count, err);
        }
        next += count;
        if (status == ST_OK && stopped(building)) {
            status = say_stopped(err);
        }
    }
    return status == ST_OK ? merge_run(building, size, err) : status;
}

// ---- everyone, from the lists

struct listing {
    uint64_t size; // of the log that the epoch is about
    struct epoch_writer *writer;
    struct epoch_person person;            // whose list is read, as far as it belongs to the epoch
    bool newer;                            // the list has come to what does not
    uint8_t next[AUDIT_TAG_BYTES + 8 + 1]; // where the next reading begins
    size_t next_size;
    size_t rows; // of this reading
    enum status status;
    struct error *err;
};

static enum status put_person(struct listing *listing)
{
    return listing->person.open.count > 0
               ? epoch_writer_put(listing->writer, &listing->person, listing->err)
               : ST_OK;
}

// A list comes oldest entry first; what is newer than the epoch ends it. Forgetting leaves of old
// entries the last one: when more have come meanwhile, it may be gone by now.
static enum status take_place(struct listing *listing, const struct audit_subject_row *row)
{
    struct proof_chain_head *open = &listing->person.open;
    if (row->index < listing->size) {
        *open = (struct proof_chain_head){ .count = row->sequence, .head = row->leaf_hash };
        return ST_OK;
    }
    bool follows = listing->newer || row->sequence == open->count + 1;
    listing->newer = true;
    return follows ? ST_OK
                   : error_set(listing->err, ST_STALE,
                               "entries before the epoch have been forgotten meanwhile");
}

static bool take_row(struct bytes key, struct bytes value, void *context)
{
    struct listing *listing = context;
    struct audit_subject_row row;
    listing->status = audit_subject_row_decode(key, value, &row, listing->err);
    if (listing->status == ST_OK &&
        memcmp(listing->person.tag.bytes, key.data, AUDIT_TAG_BYTES) != 0) {
        listing->status = put_person(listing);
        listing->person = (struct epoch_person){ .open = { .count = 0 } };
        memcpy(listing->person.tag.bytes, key.data, AUDIT_TAG_BYTES);
        listing->newer = false;
    }
    if (listing->status == ST_OK) {
        listing->status = take_place(listing, &row);
    }
    if (listing->status != ST_OK) {
        return false;
    }
    memcpy(listing->next, key.data, key.size);
    listing->next[key.size] = 0; // behind this key comes nothing before it
    listing->next_size = key.size + 1;
    listing->rows++;
    return listing->rows < LIST_ROWS;
}

// One reading of the views: no longer, so that it does not hold their old pages.
static enum status read_lists(struct building *building, struct listing *listing, struct error *err)
{
    uint64_t seen = 0;
    enum status status = audit_reader_begin(building->reader, &seen, err);
    if (status != ST_OK) {
        return status;
    }
    listing->rows = 0;
    listing->status = ST_OK;
    status = audit_reader_scan(building->reader, AUDIT_TABLE_SUBJECT, (struct bytes){ 0 },
                               bytes_of(listing->next, listing->next_size), false, take_row,
                               listing, err);
    audit_reader_end(building->reader);
    return status == ST_OK ? listing->status : status;
}

static enum status take_lists(struct building *building, uint64_t size, struct error *err)
{
    struct epoch_writer *writer = malloc(sizeof(*writer));
    struct listing listing = { .size = size, .writer = writer, .rows = LIST_ROWS, .err = err };
    int fd = -1;
    enum status status = writer == NULL ? no_memory(err) : new_run(building, &fd, err);
    if (status == ST_OK) {
        epoch_writer_init(writer, fd);
    }
    while (status == ST_OK && listing.rows == LIST_ROWS) {
        status = stopped(building) ? say_stopped(err) : read_lists(building, &listing, err);
    }
    if (status == ST_OK) {
        status = put_person(&listing);
    }
    if (status == ST_OK) {
        status = epoch_writer_end(writer, err);
    }
    if (status == ST_OK) {
        adopt_run(building, fd, writer, size);
    } else if (fd >= 0) {
        close(fd);
    }
    free(writer);
    return status;
}

// ---- the whole

// What readers of the views and of the log both see by now.
static enum status common_size(struct building *building, uint64_t *size, struct error *err)
{
    uint64_t log = 0;
    uint64_t views = 0;
    enum status status = audit_log_begin(building->log, &log, err);
    if (status == ST_OK) {
        audit_log_end(building->log);
        status = audit_reader_begin(building->reader, &views, err);
    }
    if (status == ST_OK) {
        audit_reader_end(building->reader);
        *size = log < views ? log : views;
    }
    return status;
}

static enum status make_run(struct building *building, uint64_t size, struct error *err)
{
    const struct audit_epoch_map *before = building->options->before;
    if (before == NULL) {
        building->built->from_lists = true;
        return take_lists(building, size, err);
    }
    building->run = before->head.epoch.people == 0 ? -1 : before->fd;
    building->people = before->head.epoch.people;
    building->check = before->head.check;
    building->size = before->head.epoch.size;
    if (building->size > size) {
        return error_set(err, ST_CORRUPT, "the epoch before is of a longer log");
    }
    return take_changes(building, size, err);
}

static enum status wrap_secret(struct building *building, const struct seal_secret *secret,
                               struct epoch_head *head, struct error *err)
{
    struct digest label = epoch_secret_label();
    struct audit_vault *vault = building->options->vault;
    return audit_vault_seal_body(vault, audit_vault_current(vault, WIRE_CLASS_EPOCH, 0),
                                 building->options->origin, head->epoch.number, &label,
                                 seal_secret_view(secret), head->nonce, head->box, err);
}

static enum status make_map(struct building *building, struct epoch_head *head, struct error *err)
{
    struct seal_secret *secret = NULL;
    struct digest key = { 0 };
    uint8_t bytes[EPOCH_HEAD_BYTES];
    char path[PATH_MAX];
    char name[40];
    enum status status = seal_secret_random(DIGEST_BYTES, &secret, err);
    if (status == ST_OK) {
        memcpy(key.bytes, seal_secret_view(secret).data, DIGEST_BYTES);
        status = epoch_hash(building->run, &key, head, building->options->stopping, err);
        seal_wipe(&key, sizeof(key));
    }
    if (status == ST_OK) {
        status = wrap_secret(building, secret, head, err);
    }
    seal_secret_destroy(&secret);
    if (status == ST_OK) {
        epoch_head_encode(head, bytes);
        status = epoch_write(building->run, 0, bytes, sizeof(bytes), err);
    }
    if (status == ST_OK && fsync(building->run) != 0) {
        status = error_errno(err, file_no_room(errno), "%s", building->path);
    }
    if (status == ST_OK) {
        snprintf(name, sizeof(name), "%llu.map", (unsigned long long)head->epoch.number);
        epoch_path(building->options->home, name, path);
        status = file_move(building->path, path, err);
    }
    return status;
}

static enum status open_building(struct building *building, struct error *err)
{
    const struct audit_epoch_options *options = building->options;
    char path[PATH_MAX];
    building->max = options->changes_max == 0 ? CHANGES_MAX : options->changes_max;
    building->max = building->max < 2 * ENTRIES ? 2 * ENTRIES : building->max;
    building->arena = arena_create(ARENA_BYTES);
    building->changes = calloc(building->max, sizeof(*building->changes));
    if (building->arena == NULL || building->changes == NULL) {
        return no_memory(err);
    }
    epoch_path(options->home, "", path);
    enum status status = file_make_folder(path, 0700, err);
    if (status == ST_OK) {
        status = audit_log_create(options->journal, &building->log, err);
    }
    if (status == ST_OK) {
        status = audit_reader_create(options->views, &building->reader, err);
    }
    return status;
}

enum status audit_epoch_build(const struct audit_epoch_options *options,
                              struct audit_epoch_built *built, struct error *err)
{
    struct audit_epoch_built made = { 0 };
    struct building building = { .options = options, .built = &made, .run = -1 };
    struct epoch_head head = { .epoch = { .number = options->number } };
    int64_t begin_ms = clock_monotonic_ms();
    int64_t merged_ms = begin_ms;
    enum status status = open_building(&building, err);
    if (status == ST_OK) {
        status = common_size(&building, &head.epoch.size, err);
    }
    if (options->size != 0 && options->size < head.epoch.size) {
        head.epoch.size = options->size;
    }
    if (status == ST_OK) {
        status = make_run(&building, head.epoch.size, err);
    }
    if (status == ST_OK) {
        merged_ms = clock_monotonic_ms();
        head.epoch.people = building.people;
        head.check = building.check;
        status = make_map(&building, &head, err);
    }
    if (status == ST_OK) {
        made.epoch = head.epoch;
        made.merge_ms = merged_ms - begin_ms;
        made.hash_ms = clock_monotonic_ms() - merged_ms;
        *built = made;
    }
    if (building.own) {
        close(building.run);
    }
    for (unsigned i = 0; i < 2; i++) {
        epoch_path(options->home, i == 0 ? "new.run" : "other.run", building.path);
        (void)unlink(building.path); // gone already when it has become the map
    }
    audit_log_destroy(&building.log);
    audit_reader_destroy(&building.reader);
    arena_destroy(&building.arena);
    free(building.changes);
    return status;
}
