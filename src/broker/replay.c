// The replay's course over the log.
#include "broker/replay_inside.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CHANGES_BYTES = 256 << 20,
    DECISION_BYTES = 32 << 20,
    PROGRESS_ENTRIES = 4096,
};

static const size_t consents_bytes = (size_t)8 << 30;
static const size_t budgets_bytes = (size_t)8 << 30;

static void put_text(char out[REPLAY_TEXT_BYTES], struct bytes text)
{
    size_t size = text.size < REPLAY_TEXT_BYTES ? text.size : REPLAY_TEXT_BYTES - 1;
    if (size > 0) {
        memcpy(out, text.data, size);
    }
    out[size] = '\0';
}

void replay_found(struct replay *replay, uint64_t index, const char *what, struct bytes recorded,
                  struct bytes decided)
{
    struct replay_difference difference = { .index = index };
    put_text(difference.what, bytes_text(what));
    put_text(difference.recorded, recorded);
    put_text(difference.decided, decided);
    replay->result.differences++;
    replay->options->found(&difference, replay->options->context);
}

void replay_found_number(struct replay *replay, uint64_t index, const char *what, uint64_t recorded,
                         uint64_t decided)
{
    char a[24];
    char b[24];
    snprintf(a, sizeof(a), "%llu", (unsigned long long)recorded);
    snprintf(b, sizeof(b), "%llu", (unsigned long long)decided);
    replay_found(replay, index, what, bytes_text(a), bytes_text(b));
}

// Before the first entry that is decided again only what the later ones rest on is opened.
static bool is_wanted(uint64_t index, enum wire_class class, void *context)
{
    const struct replay *replay = context;
    bool rests = class == WIRE_CLASS_GOVERNANCE || class == WIRE_CLASS_CONSENT;
    return rests || (index >= replay->from && class == WIRE_CLASS_EXCHANGE);
}

static enum status take_entry(const struct audit_scanned *entry, void *context, struct error *err)
{
    struct replay *replay = context;
    const struct audit_facts *facts = &entry->facts;
    const struct replay_options *options = replay->options;
    replay->result.entries++;
    if (options->progress != NULL && facts->index % PROGRESS_ENTRIES == 0) {
        options->progress(facts->index, replay->to, options->context);
    }
    if (entry->forgotten) {
        return replay_forgotten(replay, facts, err);
    }
    if (facts->class != WIRE_CLASS_EXCHANGE) {
        return replay_follow(replay, entry, err);
    }
    arena_reset(replay->arena);
    if (facts->exchange == NULL) {
        return ST_OK;
    }
    uint32_t kind = facts->exchange->kind;
    if (kind == WIRE_KIND_DECISION) {
        return replay_decision(replay, facts, err);
    }
    bool ends = kind == WIRE_KIND_RELEASED || kind == WIRE_KIND_REFUSED ||
                kind == WIRE_KIND_EXPIRED || kind == WIRE_KIND_CANCELLED;
    return ends ? replay_ending(replay, facts, err) : ST_OK; // else: what became of releases
}

static enum status open_all(struct replay *replay, struct error *err)
{
    const struct broker_home *home = replay->options->home;
    const struct audit_scan_options scan = { .home = home->path,
                                             .origin = home->settings->origin,
                                             .master = home->master.secrets[0],
                                             .map_bytes =
                                                 (size_t)home->settings->audit.log_map_bytes };
    replay->changes_arena = arena_create(CHANGES_BYTES);
    replay->consents_arena = arena_create(consents_bytes);
    replay->budgets_arena = arena_create(budgets_bytes);
    replay->arena = arena_create(DECISION_BYTES);
    replay->consents = map_create();
    replay->budgets = map_create();
    replay->open = map_create();
    if (replay->changes_arena == NULL || replay->consents_arena == NULL ||
        replay->budgets_arena == NULL || replay->arena == NULL || replay->consents == NULL ||
        replay->budgets == NULL || replay->open == NULL) {
        return error_set(err, ST_NOMEM, "audit replay");
    }
    enum status status =
        audit_tagger_create(home->tag_secrets, home->tag_count, &replay->tagger, err);
    if (status == ST_OK) {
        status = registry_create(home->origin, &home->registrar, &replay->registry, err);
    }
    return status == ST_OK ? audit_scan_open(&scan, &replay->scan, err) : status;
}

static void close_all(struct replay *replay)
{
    size_t cursor = 0;
    struct bytes key;
    void *value = NULL;
    while (replay->open != NULL && map_next(replay->open, &cursor, &key, &value)) {
        (void)map_remove(replay->open, key);
        free(value);
    }
    for (size_t i = 0; i < REPLAY_BUNDLES; i++) {
        catalogue_destroy(&replay->bundles[i].catalogue);
    }
    audit_scan_close(&replay->scan);
    registry_destroy(&replay->registry);
    map_destroy(&replay->open);
    map_destroy(&replay->consents);
    map_destroy(&replay->budgets);
    audit_tagger_destroy(&replay->tagger);
    arena_destroy(&replay->budgets_arena);
    arena_destroy(&replay->changes_arena);
    arena_destroy(&replay->consents_arena);
    arena_destroy(&replay->arena);
    free(replay->changes);
    free(replay->months);
    free(replay);
}

enum status broker_replay(const struct replay_options *options, struct replay_result *result,
                          struct error *err)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL) {
        return error_set(err, ST_NOMEM, "audit replay");
    }
    replay->options = options;
    replay->from = options->from;
    enum status status = open_all(replay, err);
    if (status == ST_OK) {
        uint64_t size = audit_scan_size(replay->scan);
        replay->to = options->to < size ? options->to : size;
        status = audit_scan_run(replay->scan, 0, replay->to, is_wanted, take_entry, replay, err);
    }
    if (status == ST_OK && options->progress != NULL) {
        options->progress(replay->to, replay->to, options->context);
    }
    if (status == ST_OK) {
        status = replay_tell_forgotten(replay, err);
    }
    if (status == ST_OK) {
        *result = replay->result;
    }
    close_all(replay);
    return status;
}
