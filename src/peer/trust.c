// Every peer is a witness: it holds the broker to the newest checkpoint it has seen.
//
// Invariants: `newest` only moves to a larger tree that is proven to contain it; what the file
// holds was `newest` once. A crash between the two costs the latest few checkpoints, never more.
#include "peer/trust.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "proof/tree.h"

enum { CONFLICT_SUFFIX_ROOM = 16, PATH_ROOM = 4096 };

static enum status load(struct peer_trust *trust, struct error *err)
{
    if (trust->path == NULL || !file_exists(trust->path)) {
        return ST_OK;
    }
    enum status status = file_read(trust->path, PROOF_NOTE_MAX, &trust->note, err);
    if (status != ST_OK) {
        return error_wrap(err, "kept checkpoint");
    }
    struct error why = { 0 };
    if (proof_ring_open(&trust->ring, 0, buffer_view(&trust->note), &trust->newest, &why) !=
        ST_OK) {
        return error_set(err, ST_CORRUPT, "kept checkpoint '%s': %s", trust->path, why.message);
    }
    return ST_OK;
}

enum status peer_trust_init(struct peer_trust *trust, const char *log_vkey, const char *path,
                            struct error *err)
{
    *trust = (struct peer_trust){ .note = buffer_init(PROOF_NOTE_MAX),
                                  .vouched = buffer_init(PROOF_NOTE_MAX),
                                  .path = path };
    struct proof_key pinned;
    enum status status = proof_key_parse(bytes_text(log_vkey), &pinned, err);
    if (status == ST_OK) {
        status = proof_ring_init(&trust->ring, &pinned, err);
    }
    if (status != ST_OK) {
        return error_wrap(err, "the log's key");
    }
    status = peer_trust_load_keys(trust, err);
    if (status == ST_OK) {
        status = load(trust, err);
    }
    if (status != ST_OK) {
        peer_trust_fini(trust);
    }
    return status;
}

void peer_trust_fini(struct peer_trust *trust)
{
    buffer_fini(&trust->note);
    buffer_fini(&trust->vouched);
}

// Keeps both notes of a contradiction. Best effort: the peer stops in any case.
static void keep_conflict(struct peer_trust *trust, struct bytes note)
{
    char path[PATH_ROOM + CONFLICT_SUFFIX_ROOM];
    if (trust->path == NULL || strlen(trust->path) > PATH_ROOM) {
        return;
    }
    snprintf(path, sizeof(path), "%s.conflict", trust->path);
    struct buffer both = buffer_init(2 * PROOF_NOTE_MAX + 2);
    buffer_bytes(&both, buffer_view(&trust->note));
    buffer_text(&both, "\n");
    buffer_bytes(&both, note);
    struct error ignored;
    if (!both.failed && file_replace(path, buffer_view(&both), 0600, &ignored) != ST_OK) {
        // There is nobody left to tell but the caller, who learns of the conflict itself.
        buffer_clear(&both);
    }
    buffer_fini(&both);
}

static enum peer_verdict judge(const struct peer_trust *trust, const struct peer_claim *claim,
                               const struct proof_checkpoint *next, struct error *err)
{
    unsigned long long held = trust->newest.size;
    unsigned long long shown = next->size;
    if (shown < held) {
        error_set(err, ST_UNPROVEN, "the log was rolled back: it had %llu entries, now it has %llu",
                  held, shown);
        return PEER_BROKEN;
    }
    if (shown == held) {
        if (held == 0 || digest_equal(&next->root, &trust->newest.root)) {
            return PEER_HOLDS;
        }
        error_set(err, ST_UNPROVEN, "the log was forked: two trees of %llu entries", held);
        return PEER_BROKEN;
    }
    if (held > 0 && claim->from != held) {
        error_set(err, ST_STALE, "proof from %llu entries, and %llu are known here",
                  (unsigned long long)claim->from, held);
        return PEER_STRANGE;
    }
    if (held > 0 && !proof_consistency_verify(held, &trust->newest.root, shown, &next->root,
                                              claim->consistency)) {
        error_set(err, ST_UNPROVEN,
                  "the log was forked: its %llu entries do not begin with the %llu known here",
                  shown, held);
        return PEER_BROKEN;
    }
    return PEER_HOLDS;
}

enum peer_verdict peer_trust_advance(struct peer_trust *trust, const struct peer_claim *claim,
                                     struct error *err)
{
    struct proof_checkpoint next = { .size = 0 };
    if (claim->note.size == 0 && trust->newest.size == 0) {
        return PEER_HOLDS;
    }
    if (claim->note.size > 0 && proof_ring_open(&trust->ring, (uint64_t)clock_wall_ms(),
                                                claim->note, &next, err) != ST_OK) {
        error_wrap(err, "the broker's checkpoint");
        return PEER_STRANGE;
    }
    enum peer_verdict verdict = judge(trust, claim, &next, err);
    if (verdict == PEER_BROKEN) {
        keep_conflict(trust, claim->note);
    }
    // The same tree with more signatures is worth having.
    if (verdict != PEER_HOLDS ||
        (next.size == trust->newest.size && claim->note.size <= trust->note.size)) {
        return verdict;
    }
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    buffer_bytes(&note, claim->note);
    if (buffer_ok(&note, "the broker's checkpoint", err) != ST_OK) {
        buffer_fini(&note);
        return PEER_STRANGE;
    }
    buffer_fini(&trust->note);
    trust->note = note;
    trust->newest = next;
    trust->unkept = true;
    return PEER_HOLDS;
}

// Anybody but the log has signed it.
static bool is_cosigned(struct bytes note, const char *origin)
{
    struct proof_note parsed;
    struct error ignored;
    if (proof_note_parse(note, &parsed, &ignored) != ST_OK) {
        return false;
    }
    for (size_t i = 0; i < parsed.signature_count; i++) {
        if (!bytes_equal_text(parsed.signatures[i].name, origin)) {
            return true;
        }
    }
    return false;
}

enum peer_verdict peer_trust_vouch(struct peer_trust *trust, struct bytes note, struct bytes path,
                                   struct error *err)
{
    struct proof_checkpoint seen = trust->newest;
    if (note.size == 0 && !is_cosigned(buffer_view(&trust->note), trust->newest.origin)) {
        return PEER_HOLDS;
    }
    if (note.size == 0) {
        note = buffer_view(&trust->note);
    } else if (proof_ring_open(&trust->ring, (uint64_t)clock_wall_ms(), note, &seen, err) !=
               ST_OK) {
        error_wrap(err, "the witnesses' checkpoint");
        return PEER_STRANGE;
    } else if (seen.size > trust->newest.size) {
        error_set(err, ST_STALE, "the witnesses' checkpoint is newer than the broker's");
        return PEER_STRANGE;
    } else if (!proof_consistency_verify(seen.size, &seen.root, trust->newest.size,
                                         &trust->newest.root, path)) {
        error_set(err, ST_UNPROVEN,
                  "the log was forked: its %llu entries do not begin with the %llu that were "
                  "cosigned",
                  (unsigned long long)trust->newest.size, (unsigned long long)seen.size);
        keep_conflict(trust, note);
        return PEER_BROKEN;
    }
    if (seen.size < trust->vouched_size) {
        return PEER_HOLDS;
    }
    buffer_clear(&trust->vouched);
    buffer_bytes(&trust->vouched, note);
    trust->vouched_size = trust->vouched.failed ? 0 : seen.size;
    return PEER_HOLDS;
}

enum status peer_trust_keep(struct peer_trust *trust, int64_t every_ms, struct error *err)
{
    int64_t now = clock_monotonic_ms();
    if (!trust->unkept || trust->path == NULL ||
        (trust->kept_ms != 0 && now - trust->kept_ms < every_ms)) {
        return ST_OK;
    }
    enum status status = file_replace(trust->path, buffer_view(&trust->note), 0600, err);
    if (status != ST_OK) {
        return error_wrap(err, "keeping the newest checkpoint");
    }
    trust->unkept = false;
    trust->kept_ms = now;
    return ST_OK;
}
