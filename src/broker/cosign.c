// Rounds of cosignatures. Invariants: a line is kept only after it verified under its witness's key
// over the round's own text; the quorum only moves to a larger tree, or to more or later words for
// the same.
#include "broker/cosign.h"

#include <stdlib.h>
#include <string.h>

struct line {
    bool counts;
    uint64_t time_s; // 0: there is none
    struct buffer text;
};

struct round {
    uint64_t size;
    size_t text_size;
    struct buffer note; // text and the log's signature
    struct line lines[PROOF_WITNESSES_MAX];
};

struct cosign {
    const struct proof_policy *policy;
    struct round rounds[COSIGN_ROUNDS];
    size_t begun; // rounds so far; the newest is at (begun - 1) % COSIGN_ROUNDS
    struct cosign_quorum quorum;
    struct buffer quorum_note;
};

static const char dash[] = "\xe2\x80\x94 ";

static void round_clear(struct round *round)
{
    buffer_fini(&round->note);
    for (size_t i = 0; i < PROOF_WITNESSES_MAX; i++) {
        buffer_fini(&round->lines[i].text);
    }
    memset(round, 0, sizeof(*round));
}

struct cosign *cosign_create(const struct proof_policy *policy)
{
    struct cosign *made = calloc(1, sizeof(*made));
    if (made != NULL) {
        made->policy = policy;
        made->quorum_note = buffer_init(PROOF_NOTE_MAX);
    }
    return made;
}

void cosign_destroy(struct cosign **cosign)
{
    if (*cosign != NULL) {
        for (size_t i = 0; i < COSIGN_ROUNDS; i++) {
            round_clear(&(*cosign)->rounds[i]);
        }
        buffer_fini(&(*cosign)->quorum_note);
        free(*cosign);
        *cosign = NULL;
    }
}

static struct round *newest(const struct cosign *cosign)
{
    size_t place = cosign->begun == 0 ? 0 : (cosign->begun - 1) % COSIGN_ROUNDS;
    return (struct round *)&cosign->rounds[place];
}

static void add_line(struct buffer *out, const struct proof_signature *signature)
{
    buffer_format(out, "%s%.*s %.*s\n", dash, (int)signature->name.size,
                  (const char *)signature->name.data, (int)signature->base64.size,
                  (const char *)signature->base64.data);
}

enum status cosign_offer(struct cosign *cosign, const struct proof_ring *log, struct bytes note,
                         struct error *err)
{
    struct proof_note parsed;
    struct proof_checkpoint checkpoint;
    enum status status = proof_ring_open(log, 0, note, &checkpoint, err);
    if (status == ST_OK) {
        status = proof_note_parse(note, &parsed, err);
    }
    if (status != ST_OK || (cosign->begun > 0 && newest(cosign)->size == checkpoint.size)) {
        return status;
    }
    struct buffer kept = buffer_init(PROOF_NOTE_MAX);
    buffer_bytes(&kept, parsed.text);
    buffer_text(&kept, "\n");
    for (size_t i = 0; i < parsed.signature_count; i++) {
        if (bytes_equal_text(parsed.signatures[i].name, checkpoint.origin)) {
            add_line(&kept, &parsed.signatures[i]);
        }
    }
    status = buffer_ok(&kept, "checkpoint", err);
    if (status != ST_OK) {
        buffer_fini(&kept);
        return status;
    }
    cosign->begun++;
    round_clear(newest(cosign));
    newest(cosign)->size = checkpoint.size;
    newest(cosign)->text_size = parsed.text.size;
    newest(cosign)->note = kept;
    return ST_OK;
}

uint64_t cosign_newest(const struct cosign *cosign, struct bytes *note)
{
    if (cosign->begun == 0) {
        *note = (struct bytes){ 0 };
        return 0;
    }
    *note = buffer_view(&newest(cosign)->note);
    return newest(cosign)->size;
}

static struct round *find_round(struct cosign *cosign, uint64_t size)
{
    for (size_t i = 0; i < COSIGN_ROUNDS; i++) {
        if (cosign->rounds[i].note.size > 0 && cosign->rounds[i].size == size) {
            return &cosign->rounds[i];
        }
    }
    return NULL;
}

// The witness's own line in its answer, verified over the round's text and nothing else: an empty
// line in the answer would make the text in front of it part of what was signed.
static enum status own_line(const struct round *round, const struct proof_key *key,
                            struct bytes answer, struct line *line, struct error *err)
{
    struct proof_note parsed;
    struct proof_seen seen = { 0 };
    struct buffer whole = buffer_init(PROOF_NOTE_MAX);
    size_t own = 0;
    buffer_bytes(&whole, buffer_view(&round->note));
    buffer_bytes(&whole, answer);
    enum status status = buffer_ok(&whole, "answer", err);
    if (status == ST_NOMEM) {
        status = error_set(err, ST_MALFORMED, "the answer is longer than a note may be");
    }
    if (status == ST_OK) {
        status = proof_note_parse(buffer_view(&whole), &parsed, err);
    }
    if (status == ST_OK && parsed.text.size != round->text_size) {
        status = error_set(err, ST_MALFORMED, "the answer is not signature lines alone");
    }
    if (status == ST_OK) {
        status = proof_note_verify(&parsed, key, 1, &seen, err);
    }
    for (size_t i = 0; status == ST_OK && i < parsed.signature_count; i++) {
        if (parsed.signatures[i].id == key->id &&
            bytes_equal_text(parsed.signatures[i].name, key->name)) {
            own++;
            add_line(&line->text, &parsed.signatures[i]);
            status = own == 1 ? buffer_ok(&line->text, "cosignature", err)
                              : error_set(err, ST_MALFORMED, "the answer has two cosignatures");
        }
    }
    line->time_s = status == ST_OK ? seen.time_s : 0;
    buffer_fini(&whole);
    return status;
}

// Whether a quorum stands behind the round; then it may be the newest such.
static enum status weigh(struct cosign *cosign, const struct round *round, struct error *err)
{
    bool cosigned[PROOF_WITNESSES_MAX] = { false };
    struct cosign_quorum found = { .size = round->size };
    for (size_t i = 0; i < PROOF_WITNESSES_MAX; i++) {
        const struct line *line = &round->lines[i];
        cosigned[i] = line->text.size > 0 && line->counts;
        found.witnesses += line->text.size > 0 ? 1 : 0;
        found.time_s = line->time_s > found.time_s ? line->time_s : found.time_s;
    }
    if (round->size < cosign->quorum.size || !proof_policy_is_met(cosign->policy, cosigned)) {
        return ST_OK;
    }
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    buffer_bytes(&note, buffer_view(&round->note));
    for (size_t i = 0; i < PROOF_WITNESSES_MAX; i++) {
        buffer_bytes(&note, buffer_view(&round->lines[i].text));
    }
    enum status status = buffer_ok(&note, "checkpoint", err);
    if (status != ST_OK) {
        buffer_fini(&note);
        return status;
    }
    buffer_fini(&cosign->quorum_note);
    cosign->quorum_note = note;
    cosign->quorum = found;
    return ST_OK;
}

enum status cosign_take(struct cosign *cosign, size_t place, uint64_t size, struct bytes answer,
                        bool counts, uint64_t now_s, struct error *err)
{
    struct round *round = find_round(cosign, size);
    struct line line = { .counts = counts, .text = buffer_init(PROOF_NOTE_MAX) };
    if (round == NULL) {
        return error_set(err, ST_STALE, "the checkpoint of %llu entries was long ago",
                         (unsigned long long)size);
    }
    const struct proof_key *key = &proof_policy_keys(cosign->policy)[place];
    enum status status = own_line(round, key, answer, &line, err);
    if (status == ST_OK && line.time_s > now_s + COSIGN_AHEAD_S) {
        status = error_set(err, ST_UNPROVEN, "its time is in the future; one of the clocks is off");
    }
    if (status != ST_OK) {
        buffer_fini(&line.text);
        return status;
    }
    buffer_fini(&round->lines[place].text);
    round->lines[place] = line;
    return weigh(cosign, round, err);
}

struct cosign_quorum cosign_quorum(const struct cosign *cosign)
{
    struct cosign_quorum quorum = cosign->quorum;
    quorum.note = buffer_view(&cosign->quorum_note);
    return quorum;
}
