// Keys at the start: what the log says of its keys and of those of tags, against what is at hand.
//
// A key of tags counts from its own entry on. One that lies in HOME/keys and has no entry yet gets
// one before anything is filed under it; one that has an entry must be there, and be the same. Of
// body keys the one in use must be there and be the same; those before are for reading.
#include "broker/key_state.h"

#include "audit/keys.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "registry/log_key.h"

#include <stdio.h>
#include <unistd.h>

static enum status take_log(struct broker *broker, const struct wire_public_part *part,
                            struct error *err)
{
    struct registry_log_key order;
    struct proof_ring ring;
    const struct wire_key_change *change = part->key_change;
    enum status status = registry_log_key_verify(part->signed_, broker->home.origin,
                                                 &broker->home.registrar, &order, err);
    audit_keys_ring(audit_journal_keys(broker->journal), &ring);
    broker->log_changes++;
    if (status == ST_OK &&
        (change->number != broker->log_changes + 1 || change->number > ring.count ||
         !digest_equal(&ring.keys[change->number - 1].key, &order.new_key))) {
        status = error_set(err, ST_CORRUPT, "its entry is not what the journal's keys say");
    }
    return status == ST_OK ? ST_OK : error_wrap(err, "the log's key %u", change->number);
}

static enum status take_tags(struct broker *broker, const struct wire_key_change *change,
                             uint64_t index, struct error *err)
{
    const struct broker_home *home = &broker->home;
    if (change->number != broker->tag_recorded + 1 || change->number > AUDIT_TAG_KEYS_MAX) {
        return error_set(err, ST_CORRUPT, "entry %llu: key %u of tags after key %zu",
                         (unsigned long long)index, change->number, broker->tag_recorded);
    }
    if (change->number > home->tag_count) {
        return error_set(err, ST_NOT_FOUND,
                         "%s/keys/tag-%u.key: it is missing; persons are filed under it since "
                         "entry %llu",
                         home->path, change->number, (unsigned long long)index);
    }
    struct digest old_mark = audit_key_mark(home->tag_secrets[change->number - 2]);
    struct digest new_mark = audit_key_mark(home->tag_secrets[change->number - 1]);
    if (!digest_equal(&old_mark, &change->old_key) || !digest_equal(&new_mark, &change->new_key)) {
        return error_set(err, ST_DENIED,
                         "%s/keys/tag*.key: key %u of tags, or the one before it, is not the one "
                         "that entry %llu recorded",
                         home->path, change->number, (unsigned long long)index);
    }
    broker->tag_entries[broker->tag_recorded++] = index;
    return ST_OK;
}

static enum status take_bodies(struct broker *broker, const struct wire_key_change *change,
                               uint64_t index, struct error *err)
{
    bool lasts = audit_body_key_month(change->number) == AUDIT_KEY_LASTING;
    enum status status = audit_vault_take(broker->home.vault, change->number, index, err);
    *(lasts ? &broker->lasting_mark : &broker->month_mark) = change->new_key;
    return status == ST_OK ? ST_OK : error_wrap(err, "entry %llu", (unsigned long long)index);
}

// The key that the log says is in use has to be at hand, and be the same. One of an earlier month
// is missed when it is read.
static enum status check_bodies(struct broker *broker, enum wire_class class,
                                const struct digest *mark, struct error *err)
{
    char name[AUDIT_KEY_NAME_BYTES];
    struct digest own;
    struct error why;
    uint32_t minutes = audit_journal_minutes(broker->journal, clock_wall_ms());
    uint32_t key_id = audit_vault_current(broker->home.vault, class, minutes);
    if (audit_body_key_generation(key_id) == 0) {
        return ST_OK;
    }
    uint64_t since = audit_vault_since(broker->home.vault, key_id);
    enum status status = audit_vault_mark(broker->home.vault, key_id, &own, &why);
    audit_body_key_name(key_id, name);
    if (status != ST_OK) {
        return error_set(err, status,
                         "%s; bodies are under it since entry %llu: bring %s/keys/body/%s.key back",
                         why.message, (unsigned long long)since, broker->home.path, name);
    }
    if (!digest_equal(&own, mark)) {
        return error_set(err, ST_DENIED,
                         "%s/keys/body/%s.key: it is not the one that entry %llu recorded",
                         broker->home.path, name, (unsigned long long)since);
    }
    return ST_OK;
}

enum status key_state_take(struct broker *broker, uint64_t index,
                           const struct wire_public_part *part, struct error *err)
{
    if (part->key_change == NULL) {
        return ST_OK;
    }
    switch ((enum wire_key_changed)part->key_change->what) {
    case WIRE_KEY_OF_LOG:
        return take_log(broker, part, err);
    case WIRE_KEY_OF_TAGS:
        return take_tags(broker, part->key_change, index, err);
    case WIRE_KEY_MASTER:
        broker->master_mark = part->key_change->new_key;
        break;
    case WIRE_KEY_OF_BODIES:
        return take_bodies(broker, part->key_change, index, err);
    }
    return ST_OK;
}

enum status key_state_check(struct broker *broker, struct error *err)
{
    struct proof_ring ring;
    audit_keys_ring(audit_journal_keys(broker->journal), &ring);
    if (broker->log_changes + 1 != ring.count) {
        return error_set(err, ST_CORRUPT,
                         "log: %zu keys in its journal, %zu changes among its entries", ring.count,
                         broker->log_changes);
    }
    enum status status = ring.count > 1 ? broker_home_keep_keys(&broker->home, &ring, err) : ST_OK;
    if (status == ST_OK) {
        status = check_bodies(broker, WIRE_CLASS_GOVERNANCE, &broker->lasting_mark, err);
    }
    if (status == ST_OK) {
        status = check_bodies(broker, WIRE_CLASS_EXCHANGE, &broker->month_mark, err);
    }
    return status;
}

bool key_state_next_tag(const struct broker *broker, struct wire_key_change *change)
{
    const struct broker_home *home = &broker->home;
    size_t number = broker->tag_recorded + 1;
    if (number > home->tag_count) {
        return false;
    }
    *change = (struct wire_key_change){ .what = WIRE_KEY_OF_TAGS,
                                        .number = (uint32_t)number,
                                        .old_key = audit_key_mark(home->tag_secrets[number - 2]),
                                        .new_key = audit_key_mark(home->tag_secrets[number - 1]) };
    return true;
}

void key_state_tag_recorded(struct broker *broker, uint64_t index)
{
    broker->tag_entries[broker->tag_recorded++] = index;
    log_event(LOG_LEVEL_NOTICE, "subject.key-changed",
              log_number("tag-key", (int64_t)broker->tag_recorded));
}

enum status key_state_master(const struct broker *broker, struct wire_key_change *change, bool *due,
                             struct error *err)
{
    char path[PATH_MAX];
    struct buffer mark = buffer_init(DIGEST_BYTES);
    *due = false;
    if (snprintf(path, sizeof(path), "%s/" KEY_STATE_MASTER, broker->home.path) >=
        (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", broker->home.path);
    }
    if (!file_exists(path)) {
        return ST_OK;
    }
    enum status status = file_read(path, DIGEST_BYTES, &mark, err);
    if (status == ST_OK && mark.size != DIGEST_BYTES) {
        status = error_set(err, ST_CORRUPT, "%s: not what 'vedomo keys rewrap' writes", path);
    }
    if (status == ST_OK) {
        *change = (struct wire_key_change){
            .what = WIRE_KEY_MASTER,
            .number = 1,
            .new_key = audit_key_mark(broker->home.master.secrets[0]),
        };
        memcpy(change->old_key.bytes, mark.data, DIGEST_BYTES);
        // On record since a start that ended before the note was taken away.
        *due = !digest_equal(&change->new_key, &broker->master_mark);
    }
    if (status == ST_OK && !*due && unlink(path) != 0) {
        status = error_errno(err, ST_IO, "%s", path);
    }
    buffer_fini(&mark);
    return status;
}

void key_state_master_recorded(struct broker *broker, const struct wire_key_change *change)
{
    broker->master_mark = change->new_key;
    log_event(LOG_LEVEL_NOTICE, "master.key-changed");
}
