// The state of a replay: who is enrolled, which bundle is in force, where each consent is recorded.
#include "broker/replay_inside.h"

#include <stdlib.h>
#include <string.h>

#include "broker/policy_bundle.h"
#include "catalogue/bundle.h"
#include "consent/artefact.h"
#include "wire/wire.h"

// ---- members and keys

static enum status keep_change(struct replay *replay, enum registry_label label,
                               const struct audit_facts *facts, struct error *err)
{
    if (replay->change_count == replay->change_room) {
        size_t room = replay->change_room == 0 ? 64 : 2 * replay->change_room;
        struct registry_change *grown = realloc(replay->changes, room * sizeof(*grown));
        if (grown == NULL) {
            return error_set(err, ST_NOMEM, "audit replay");
        }
        replay->changes = grown;
        replay->change_room = room;
    }
    struct bytes kept = arena_copy(replay->changes_arena, facts->public_->signed_);
    if (kept.data == NULL) {
        return error_set(err, ST_NOMEM, "audit replay");
    }
    replay->changes[replay->change_count++] = (struct registry_change){
        .label = label, .signed_message = kept, .entry_index = facts->index
    };
    return ST_OK;
}

enum status replay_registry(struct replay *replay, struct error *err)
{
    struct registry *next = NULL;
    if (replay->change_count == 0) {
        return ST_OK;
    }
    enum status status =
        registry_next(replay->registry, replay->changes, replay->change_count, &next, err);
    if (status != ST_OK) {
        return error_wrap(err, "the log's cards and orders (were the registrar's pins changed?)");
    }
    registry_destroy(&replay->registry);
    replay->registry = next;
    replay->change_count = 0;
    arena_reset(replay->changes_arena);
    return ST_OK;
}

// ---- bundles

static enum status follow_policy(struct replay *replay, const struct audit_facts *facts,
                                 struct error *err)
{
    struct registry_bundle_head head;
    const struct broker_home *home = replay->options->home;
    enum status status = registry_bundle_head_verify(facts->public_->signed_, home->origin,
                                                     &home->policy, &head, err);
    if (status != ST_OK) {
        replay_found(replay, facts->index, "policy bundle", bytes_text("recorded as in force"),
                     bytes_text("not signed by the policy keys"));
        return ST_OK;
    }
    replay->policy = head.hash;
    return ST_OK;
}

static enum status load_bundle(struct replay *replay, struct replay_bundle *bundle,
                               struct error *err)
{
    struct error why;
    struct digest hash = bundle->hash;
    struct buffer blob = buffer_init(CATALOGUE_BLOB_MAX);
    enum status status = policy_bundle_read(replay->options->home->bundles, &hash, &blob, &why);
    if (status == ST_OK) {
        status = catalogue_load(buffer_view(&blob), &hash, &bundle->catalogue, &why);
    }
    buffer_fini(&blob);
    if (status == ST_NOMEM) {
        return error_set(err, ST_NOMEM, "%s", why.message);
    }
    if (status != ST_OK) {
        bundle->catalogue = NULL;
        replay->options->bundle(&hash, why.message, replay->options->context);
    }
    return ST_OK;
}

enum status replay_catalogue(struct replay *replay, const struct digest *hash,
                             const struct catalogue **catalogue, struct error *err)
{
    struct replay_bundle *place = &replay->bundles[0];
    for (size_t i = 0; i < REPLAY_BUNDLES; i++) {
        struct replay_bundle *bundle = &replay->bundles[i];
        if (bundle->used > 0 && digest_equal(&bundle->hash, hash)) {
            bundle->used = replay->result.decisions + replay->result.undecided + 1;
            *catalogue = bundle->catalogue;
            return ST_OK;
        }
        place = bundle->used < place->used ? bundle : place;
    }
    catalogue_destroy(&place->catalogue);
    *place =
        (struct replay_bundle){ .hash = *hash,
                                .used = replay->result.decisions + replay->result.undecided + 1 };
    enum status status = load_bundle(replay, place, err);
    *catalogue = place->catalogue;
    return status;
}

// ---- consents

static void consent_key(const struct id *id, uint32_t revision, const struct digest *hash,
                        uint8_t key[REPLAY_CONSENT_BYTES])
{
    memcpy(key, id->bytes, ID_BYTES);
    for (unsigned i = 0; i < 4; i++) {
        key[ID_BYTES + i] = (uint8_t)(revision >> (24 - 8 * i));
    }
    memcpy(key + ID_BYTES + 4, hash->bytes, DIGEST_BYTES);
}

static enum status follow_consent(struct replay *replay, const struct audit_facts *facts,
                                  struct error *err)
{
    const struct wire_consent_record *record = facts->officer->consent;
    struct replay_consent *kept = arena_take(replay->consents_arena, sizeof(*kept));
    if (kept == NULL) {
        return error_set(err, ST_NOMEM, "audit replay: consents");
    }
    consent_key(&record->id, record->revision, &record->hash, kept->key);
    kept->index = facts->index;
    if (!map_put(replay->consents, bytes_of(kept->key, sizeof(kept->key)), kept)) {
        return error_set(err, ST_NOMEM, "audit replay: consents");
    }
    return ST_OK;
}

// A grant as the log records it. ST_NOT_FOUND: not in this form.
static enum status read_grant(struct replay *replay, const struct wire_consent_seen *seen,
                              struct consent_grant *grant, struct error *err)
{
    uint8_t key[REPLAY_CONSENT_BYTES];
    struct audit_scanned entry;
    consent_key(&seen->id, seen->revision, &seen->hash, key);
    const struct replay_consent *kept = map_get(replay->consents, bytes_of(key, sizeof(key)));
    struct wire_artefact *artefact = arena_take(replay->arena, sizeof(*artefact));
    if (kept == NULL) {
        return ST_NOT_FOUND;
    }
    if (artefact == NULL) {
        return error_set(err, ST_NOMEM, "audit replay");
    }
    enum status status = audit_scan_entry(replay->scan, kept->index, replay->arena, &entry, err);
    if (status != ST_OK) {
        return status;
    }
    if (entry.forgotten) {
        return ST_NOT_FOUND;
    }
    status = wire_decode(WIRE_SCHEMA_ARTEFACT, entry.facts.officer->consent->artefact,
                         replay->arena, artefact, err);
    return status == ST_OK
               ? consent_grant_read(artefact, &seen->hash, seen->uses, replay->arena, grant, err)
               : status;
}

enum status replay_grants(struct replay *replay, const struct audit_facts *facts,
                          struct consent_grant *grants, struct error *err)
{
    const struct wire_officer_part *officer = facts->officer;
    for (size_t i = 0; i < officer->consents_count; i++) {
        grants[i] = (struct consent_grant){ .id = officer->consents[i].id };
        enum status status = read_grant(replay, &officer->consents[i], &grants[i], err);
        if (status == ST_NOT_FOUND) { // such a grant permits nothing
            replay_found(replay, facts->index, "consent that was looked at",
                         bytes_text("a revision"), bytes_text("not on record before"));
        } else if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

// ---- following the log

enum status replay_follow(struct replay *replay, const struct audit_scanned *entry,
                          struct error *err)
{
    const struct audit_facts *facts = &entry->facts;
    if (facts->officer != NULL && facts->officer->consent != NULL) {
        return follow_consent(replay, facts, err);
    }
    for (size_t i = 0; facts->officer != NULL && i < facts->officer->lost_ids_count; i++) {
        free(map_remove(replay->open, facts->officer->lost_ids[i])); // closed by a restart
    }
    if (facts->class != WIRE_CLASS_GOVERNANCE || facts->public_ == NULL) {
        return ST_OK;
    }
    if (facts->public_->kind == WIRE_KIND_MEMBER) {
        return keep_change(replay, REGISTRY_CARD, facts, err);
    }
    if (facts->public_->kind == WIRE_KIND_ORDER) {
        return keep_change(replay, REGISTRY_ORDER, facts, err);
    }
    if (facts->public_->kind == WIRE_KIND_CARRY_FORWARD) {
        replay_order(replay, facts);
    }
    return facts->public_->kind == WIRE_KIND_POLICY ? follow_policy(replay, facts, err) : ST_OK;
}
