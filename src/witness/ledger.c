// The ledger of a witness. One file a log, STATE/<hex SHA-256 of the origin>.checkpoint: the note
// as it was cosigned last. A new one replaces it, synced, before its cosignature is given out; a
// crash between the two costs a cosignature, never a promise. Two notes of one size that the log
// has signed with different roots are kept as ….conflict: they prove a fork to anybody.
#include "witness/ledger.h"

#include "base/file.h"
#include "base/text.h"
#include "seal/hash.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOGS_MAX = 64, NAME_BYTES = 2 * DIGEST_BYTES + 1 };

struct log {
    struct proof_key keys[PROOF_WATCHED_KEYS_MAX];
    struct digest origin; // SHA-256
    struct buffer note;   // the latest
};

struct witness_ledger {
    char folder[PATH_MAX];
    const struct proof_key *key;
    const struct seal_signer *signer;
    struct log logs[LOGS_MAX];
    struct proof_watched watched[LOGS_MAX]; // the same places
    size_t count;
};

static enum status file_of(const struct witness_ledger *ledger, const struct log *log,
                           const char *kind, char path[PATH_MAX], struct error *err)
{
    char name[NAME_BYTES];
    text_hex_encode(bytes_digest(&log->origin), name);
    if (snprintf(path, PATH_MAX, "%s/%s.%s", ledger->folder, name, kind) >= PATH_MAX) {
        return error_set(err, ST_USAGE, "state: the folder's path is too long");
    }
    return ST_OK;
}

// A log may have two keys for a time, when the old one gives way to a new one.
static enum status add_key(struct witness_ledger *ledger, const char *vkey, struct error *err)
{
    struct proof_key key;
    size_t place = 0;
    enum status status = proof_key_parse(bytes_text(vkey), &key, err);
    if (status == ST_OK && key.type != PROOF_KEY_ED25519) {
        status = error_set(err, ST_USAGE, "%s is the key of a witness, not of a log", key.name);
    }
    if (status != ST_OK) {
        return error_wrap(err, "logs");
    }
    while (place < ledger->count && strcmp(ledger->logs[place].keys[0].name, key.name) != 0) {
        place++;
    }
    struct proof_watched *watched = &ledger->watched[place];
    if (place == LOGS_MAX || watched->key_count == PROOF_WATCHED_KEYS_MAX) {
        return error_set(err, ST_USAGE, "logs: more than %d logs, or %d keys of one", LOGS_MAX,
                         PROOF_WATCHED_KEYS_MAX);
    }
    struct log *log = &ledger->logs[place];
    log->keys[watched->key_count++] = key;
    watched->keys = log->keys;
    if (place == ledger->count) {
        log->origin = seal_sha256(bytes_text(key.name));
        log->note = buffer_init(PROOF_NOTE_MAX);
        ledger->count++;
    }
    return ST_OK;
}

static enum status load(struct witness_ledger *ledger, size_t place, struct error *err)
{
    char path[PATH_MAX];
    struct log *log = &ledger->logs[place];
    struct proof_watched *watched = &ledger->watched[place];
    struct error why = { 0 };
    enum status status = file_of(ledger, log, "checkpoint", path, err);
    if (status != ST_OK || !file_exists(path)) {
        return status;
    }
    status = file_read(path, PROOF_NOTE_MAX, &log->note, err);
    if (status != ST_OK) {
        return status;
    }
    for (size_t i = 0; i < watched->key_count; i++) {
        if (proof_checkpoint_open(buffer_view(&log->note), &log->keys[i], &watched->latest, &why) ==
            ST_OK) {
            return ST_OK;
        }
    }
    return error_set(err, ST_CORRUPT, "'%s': no checkpoint of %s (%s)", path, log->keys[0].name,
                     why.message);
}

enum status witness_ledger_open(const char *folder, const struct config_witness *config,
                                const struct proof_key *key, const struct seal_signer *signer,
                                struct witness_ledger **ledger, struct error *err)
{
    const struct config_log *logs = config->logs.items;
    struct witness_ledger *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "witness: no memory");
    }
    made->key = key;
    made->signer = signer;
    enum status status = ST_OK;
    if (snprintf(made->folder, sizeof(made->folder), "%s", folder) >= (int)sizeof(made->folder)) {
        status = error_set(err, ST_USAGE, "state: the folder's path is too long");
    }
    for (size_t i = 0; status == ST_OK && i < config->logs.count; i++) {
        status = add_key(made, logs[i].vkey, err);
    }
    for (size_t i = 0; status == ST_OK && i < made->count; i++) {
        status = load(made, i, err);
    }
    if (status != ST_OK) {
        witness_ledger_close(&made);
        return status;
    }
    *ledger = made;
    return ST_OK;
}

void witness_ledger_close(struct witness_ledger **ledger)
{
    if (*ledger != NULL) {
        for (size_t i = 0; i < (*ledger)->count; i++) {
            buffer_fini(&(*ledger)->logs[i].note);
        }
        free(*ledger);
        *ledger = NULL;
    }
}

// Two signed notes of one size and two roots. Best effort: the refusal does not depend on it.
static void keep_conflict(const struct witness_ledger *ledger, const struct log *log,
                          const struct proof_checkpoint *latest, struct bytes note)
{
    char path[PATH_MAX];
    struct error ignored;
    struct proof_checkpoint other;
    bool fork = false;
    for (size_t i = 0; i < PROOF_WATCHED_KEYS_MAX && !fork; i++) {
        fork = log->keys[i].type == PROOF_KEY_ED25519 &&
               proof_checkpoint_open(note, &log->keys[i], &other, &ignored) == ST_OK &&
               other.size == latest->size && !digest_equal(&other.root, &latest->root);
    }
    struct buffer both = buffer_init(2 * PROOF_NOTE_MAX + 2);
    buffer_bytes(&both, buffer_view(&log->note));
    buffer_text(&both, "\n");
    buffer_bytes(&both, note);
    if (fork && !both.failed && file_of(ledger, log, "conflict", path, &ignored) == ST_OK &&
        !file_exists(path) && file_replace(path, buffer_view(&both), 0600, &ignored) != ST_OK) {
        buffer_clear(&both); // whoever sent it still has it
    }
    buffer_fini(&both);
}

// The line of one of the log's keys, verified before; once each. Anybody can write further lines
// under a public checkpoint, also in the log's name: with them the file might be no note.
static void keep_log_lines(const struct proof_note *note, const struct proof_watched *watched,
                           struct buffer *kept)
{
    for (size_t k = 0; k < watched->key_count; k++) {
        const struct proof_key *key = &watched->keys[k];
        size_t i = 0;
        while (i < note->signature_count &&
               !(note->signatures[i].id == key->id &&
                 bytes_equal_text(note->signatures[i].name, key->name))) {
            i++;
        }
        if (i < note->signature_count) {
            struct bytes base64 = note->signatures[i].base64;
            buffer_format(kept, "\xe2\x80\x94 %s %.*s\n", key->name, (int)base64.size,
                          (const char *)base64.data);
        }
    }
}

// Note and cosignature as they will stand; durable, unless the tree is the one that stands there.
static enum status cosign(struct witness_ledger *ledger, size_t place, struct bytes note,
                          const struct proof_checkpoint *next, uint64_t now_s, struct buffer *line,
                          struct error *err)
{
    char path[PATH_MAX];
    struct log *log = &ledger->logs[place];
    struct proof_note parsed;
    struct buffer own = buffer_init(PROOF_NOTE_MAX);
    struct buffer kept = buffer_init(PROOF_NOTE_MAX);
    enum status status = proof_note_parse(note, &parsed, err);
    if (status == ST_OK) {
        proof_note_sign(parsed.text, ledger->key, ledger->signer, now_s, &own);
        buffer_bytes(&kept, parsed.text);
        buffer_text(&kept, "\n");
        keep_log_lines(&parsed, &ledger->watched[place], &kept);
        buffer_bytes(&kept, buffer_view(&own));
        status = buffer_ok(&own, "cosignature", err);
    }
    if (status == ST_OK) {
        status = buffer_ok(&kept, "checkpoint", err);
    }
    if (status == ST_OK && next->size > ledger->watched[place].latest.size) {
        status = file_of(ledger, log, "checkpoint", path, err);
        if (status == ST_OK) {
            status = file_replace(path, buffer_view(&kept), 0600, err);
        }
    }
    if (status == ST_OK) {
        buffer_bytes(line, buffer_view(&own));
        status = buffer_ok(line, "cosignature", err);
    }
    if (status == ST_OK) {
        ledger->watched[place].latest = *next;
        struct buffer old = log->note;
        log->note = kept;
        kept = old;
    }
    buffer_fini(&own);
    buffer_fini(&kept);
    return status;
}

enum status witness_ledger_add(struct witness_ledger *ledger, struct bytes body, uint64_t now_s,
                               enum proof_verdict *verdict, struct buffer *line, uint64_t *latest,
                               const char **origin, struct error *err)
{
    struct proof_submission submission;
    struct proof_checkpoint next;
    size_t place = ledger->count;
    *origin = NULL;
    if (proof_submission_parse(body, &submission, err) != ST_OK) {
        *verdict = PROOF_BAD;
        return ST_OK;
    }
    enum proof_verdict found =
        proof_submission_judge(&submission, ledger->watched, ledger->count, &place, &next, err);
    if (place < ledger->count) {
        *origin = ledger->logs[place].keys[0].name;
        *latest = ledger->watched[place].latest.size;
    }
    if (found == PROOF_REFUTED) {
        keep_conflict(ledger, &ledger->logs[place], &ledger->watched[place].latest,
                      submission.note);
    }
    if (found == PROOF_COSIGN) {
        enum status status = cosign(ledger, place, submission.note, &next, now_s, line, err);
        if (status != ST_OK) {
            return status;
        }
    }
    *verdict = found;
    return ST_OK;
}

struct bytes witness_ledger_note(const struct witness_ledger *ledger, const struct digest *origin)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (digest_equal(&ledger->logs[i].origin, origin)) {
            return buffer_view(&ledger->logs[i].note);
        }
    }
    return (struct bytes){ 0 };
}
