// The checker's bodies: opened, compared with what their leaves commit to, and taken apart into the
// rows that the views should have.
#include "audit/verify_walk.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/facet.h"
#include "base/file.h"

enum {
    BODY_BYTES_MAX = AUDIT_BODY_BYTES_MAX + 1024,
    ARENA_BYTES = 32 * 1024 * 1024,
    SORT_BYTES = 256 * 1024 * 1024,
};

static enum status views_open(struct audit_walk *walk, struct error *err)
{
    char path[PATH_MAX];
    const char *home = walk->options->home;
    if (snprintf(path, sizeof(path), "%s/views", home) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", home);
    }
    if (!walk->options->views || !file_exists(path)) {
        return ST_OK;
    }
    walk->rows = audit_rows_create();
    if (walk->rows == NULL) {
        return error_set(err, ST_NOMEM, "audit verify");
    }
    // A new key of tags counts from the broker's next start on; until then its file only lies
    // there.
    unsigned under = walk->options->tagger == NULL ? 0 : audit_walk_views_tags(path);
    enum status status = audit_search_key(walk->options->master, walk->search_key, err);
    if (status == ST_OK && under > 0 && under < audit_tagger_version(walk->options->tagger)) {
        status = audit_tagger_first(walk->options->tagger, under, &walk->tagger, err);
    }
    if (status == ST_OK) {
        audit_rows_make_searchable(walk->rows, walk->search_key);
        audit_rows_renew_tags(walk->rows,
                              walk->tagger != NULL ? walk->tagger : walk->options->tagger);
        status = audit_sorter_create(home, SORT_BYTES, &walk->sorter, err);
    }
    return status;
}

enum status audit_walk_bodies_open(struct audit_walk *walk, struct error *err)
{
    char path[PATH_MAX];
    const char *home = walk->options->home;
    walk->plain = malloc(BODY_BYTES_MAX);
    walk->arena = arena_create(ARENA_BYTES);
    if (walk->plain == NULL || walk->arena == NULL) {
        return error_set(err, ST_NOMEM, "audit verify");
    }
    if (walk->options->master == NULL) {
        return ST_OK;
    }
    if (snprintf(path, sizeof(path), "%s/" AUDIT_VAULT_FOLDER, home) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", home);
    }
    enum status status = file_exists(path)
                             ? audit_vault_open(path, walk->options->master, &walk->vault, err)
                             : error_set(err, ST_NOT_FOUND, "%s: no body keys there", path);
    return status == ST_OK ? views_open(walk, err) : status;
}

static enum status key_state(struct audit_walk *walk, const struct audit_record *record,
                             struct audit_walk_key **key, struct error *err)
{
    struct audit_walk_key **generation = &walk->keys[audit_body_key_generation(record->key_id)];
    if (*generation == NULL) {
        *generation = calloc(AUDIT_KEY_MONTHS, sizeof(**generation));
    }
    if (*generation == NULL) {
        return error_set(err, ST_NOMEM, "audit verify");
    }
    struct audit_walk_key *found = &(*generation)[audit_body_key_month(record->key_id)];
    if (found->state == KEY_UNKNOWN) {
        enum status status = audit_vault_check(walk->vault, record->key_id, NULL);
        found->first = walk->next;
        found->state = status == ST_OK          ? KEY_GOOD
                       : status == ST_NOT_FOUND ? KEY_FORGOTTEN
                                                : KEY_BAD;
    }
    *key = found;
    return ST_OK;
}

// Whether the body is under the key that was in use then.
static void check_key(struct audit_walk *walk, const struct audit_record *record)
{
    char name[2][AUDIT_KEY_NAME_BYTES];
    uint32_t due = audit_vault_current(walk->vault, record->class, record->minutes);
    if (record->key_id == due || walk->keys_lost ||
        audit_body_key_month(record->key_id) != audit_body_key_month(due)) {
        return; // another month's key does not open it
    }
    audit_body_key_name(record->key_id, name[0]);
    audit_body_key_name(due, name[1]);
    audit_walk_found(walk, AUDIT_FAULT_BODY, walk->next, 1,
                     "entry %llu: its body is under key %s, and %s was in use",
                     (unsigned long long)walk->next, name[0], name[1]);
}

// A month that is forgotten, or a new body key from here on.
static void take_orders(struct audit_walk *walk, const struct wire_public_part *part)
{
    struct error err;
    if (part->kind == WIRE_KIND_CARRY_FORWARD && part->month < AUDIT_KEY_MONTHS) {
        walk->said_forgotten[part->month] = true;
    }
    if (part->key_change != NULL && part->key_change->what == WIRE_KEY_OF_BODIES &&
        audit_vault_take(walk->vault, part->key_change->number, walk->next, &err) != ST_OK) {
        audit_walk_found(walk, AUDIT_FAULT_BODY, walk->next, 1, "entry %llu: %s",
                         (unsigned long long)walk->next, err.message);
    }
}

// What the entry says: of keys and months, and what the views should have of it.
static enum status take_parts(struct audit_walk *walk, const struct audit_record *record,
                              const struct audit_body *body, struct error *err)
{
    struct audit_facts facts = { .index = walk->next,
                                 .minutes = record->minutes,
                                 .leaf_hash = record->leaf_hash,
                                 .class = record->class };
    arena_reset(walk->arena);
    enum status status = audit_facts_decode(body, walk->arena, &facts, err);
    if (status == ST_OK && facts.public_ != NULL && record->class == WIRE_CLASS_GOVERNANCE) {
        take_orders(walk, facts.public_);
    }
    if (status == ST_OK && facts.public_ != NULL && facts.public_->key_change != NULL &&
        facts.public_->key_change->what == WIRE_KEY_OF_TAGS) {
        walk->tag_keys = facts.public_->key_change->number;
    }
    if (walk->sorter != NULL && status == ST_OK) {
        audit_rows_clear(walk->rows);
        status = audit_rows_add(walk->rows, &facts, err);
    }
    if (status == ST_CORRUPT || status == ST_MALFORMED || status == ST_UNSUPPORTED) {
        audit_walk_found(walk, AUDIT_FAULT_BODY, walk->next, 1, "entry %llu: %s",
                         (unsigned long long)walk->next, err->message);
        return ST_OK;
    }
    for (size_t i = 0; walk->sorter != NULL && status == ST_OK && i < audit_rows_count(walk->rows);
         i++) {
        struct audit_row row = audit_rows_at(walk->rows, i);
        status = audit_sorter_add(walk->sorter, &row, walk->next, err);
    }
    return status;
}

enum status audit_walk_body(struct audit_walk *walk, const struct audit_record *record,
                            struct error *err)
{
    struct audit_body body;
    if (walk->vault == NULL) {
        return ST_OK;
    }
    if (record->key_id >= AUDIT_KEY_IDS || record->box.size > BODY_BYTES_MAX) {
        audit_walk_found(walk, AUDIT_FAULT_BODY, walk->next, 1, "entry %llu: no such body key",
                         (unsigned long long)walk->next);
        return ST_OK;
    }
    struct audit_walk_key *key = NULL;
    enum status status = key_state(walk, record, &key, err);
    if (status != ST_OK) {
        return status;
    }
    bool governs = record->class == WIRE_CLASS_GOVERNANCE;
    key->count++;
    check_key(walk, record);
    if (key->state == KEY_FORGOTTEN) {
        walk->result.forgotten++;
        walk->forgotten_to = walk->next + 1;
        return ST_OK;
    }
    if (key->state != KEY_GOOD) {
        walk->keys_lost = walk->keys_lost || governs;
        return ST_OK;
    }
    walk->result.bodies++;
    if (audit_record_body(walk->vault, bytes_text(walk->log_keys->keys[0].name), walk->next, record,
                          walk->plain, &body, err) != ST_OK) {
        audit_walk_found(walk, AUDIT_FAULT_BODY, walk->next, 1, "%s", err->message);
        walk->keys_lost = walk->keys_lost || governs;
        return ST_OK;
    }
    bool read = walk->sorter != NULL || governs;
    return read ? take_parts(walk, record, &body, err) : ST_OK;
}

// What the keys say and what the log says have to be the same.
static void tell_forgetting(struct audit_walk *walk, uint32_t id, const struct audit_walk_key *key,
                            bool said)
{
    struct error err;
    char name[AUDIT_KEY_NAME_BYTES];
    // Of a forgotten month also a key that no entry is under.
    bool there = key->state == KEY_GOOD || (said && key->state == KEY_UNKNOWN &&
                                            audit_vault_check(walk->vault, id, &err) == ST_OK);
    audit_body_key_name(id, name);
    if (key->state == KEY_FORGOTTEN && !said) {
        audit_walk_found(walk, AUDIT_FAULT_KEY, key->first, key->count,
                         "the key of %s was destroyed, and no entry says that the month was "
                         "forgotten",
                         name);
    } else if (there && said) {
        audit_walk_found(walk, AUDIT_FAULT_KEY, key->first, key->count,
                         "an entry says that %s was forgotten, and its key is there; start the "
                         "broker: it destroys it",
                         name);
    }
}

static void tell_key(struct audit_walk *walk, uint32_t id, bool said)
{
    static const struct audit_walk_key none = { .state = KEY_UNKNOWN };
    struct error err;
    const struct audit_walk_key *generation = walk->keys[audit_body_key_generation(id)];
    const struct audit_walk_key *key =
        generation == NULL ? &none : &generation[audit_body_key_month(id)];
    if (key->state == KEY_BAD && audit_vault_check(walk->vault, id, &err) != ST_OK) {
        audit_walk_found(walk, AUDIT_FAULT_KEY, key->first, key->count, "%s", err.message);
    }
    if (said || key->state != KEY_UNKNOWN) {
        tell_forgetting(walk, id, key, said);
    }
}

void audit_walk_bad_keys(struct audit_walk *walk)
{
    for (uint32_t month = 0; walk->vault != NULL && month < AUDIT_KEY_MONTHS; month++) {
        for (uint32_t i = 0; i < AUDIT_KEY_GENERATIONS; i++) {
            tell_key(walk, audit_body_key(month, i), walk->said_forgotten[month]);
        }
    }
}
