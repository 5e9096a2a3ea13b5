// C2SP tlog-witness: the body of add-checkpoint and the order of its checks. The order is the
// specification's: who signs comes before what is claimed, so that nobody without the log's key
// learns a witness's state.
#include "proof/submission.h"

#include "base/text.h"

#include <string.h>

static const char old_word[] = "old ";

// The next line without its line feed; false: there is none.
static bool take_line(struct bytes *rest, struct bytes *line)
{
    const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
    if (end == NULL) {
        return false;
    }
    size_t size = (size_t)(end - rest->data);
    *line = bytes_of(rest->data, size);
    *rest = bytes_of(end + 1, rest->size - size - 1);
    return true;
}

static bool parse_step(struct bytes line, struct digest *step)
{
    struct buffer raw = buffer_init(DIGEST_BYTES);
    bool good = text_base64_decode(&raw, line) && !raw.failed && raw.size == DIGEST_BYTES;
    if (good) {
        memcpy(step->bytes, raw.data, DIGEST_BYTES);
    }
    buffer_fini(&raw);
    return good;
}

enum status proof_submission_parse(struct bytes body, struct proof_submission *submission,
                                   struct error *err)
{
    struct proof_submission made = { 0 };
    struct bytes rest = body;
    struct bytes line;
    size_t prefix = sizeof(old_word) - 1;
    if (body.size > PROOF_SUBMISSION_MAX || !take_line(&rest, &line) || line.size <= prefix ||
        memcmp(line.data, old_word, prefix) != 0 ||
        !text_u64_parse(bytes_of(line.data + prefix, line.size - prefix), UINT64_MAX,
                        &made.old_size)) {
        return error_set(err, ST_MALFORMED, "the first line is not 'old' and a size");
    }
    for (;;) {
        if (!take_line(&rest, &line)) {
            return error_set(err, ST_MALFORMED, "no empty line in front of the checkpoint");
        }
        if (line.size == 0) {
            break;
        }
        if (made.path.count == PROOF_SUBMISSION_STEPS_MAX) {
            return error_set(err, ST_MALFORMED, "more than %d steps in the consistency proof",
                             PROOF_SUBMISSION_STEPS_MAX);
        }
        if (!parse_step(line, &made.path.steps[made.path.count++])) {
            return error_set(err, ST_MALFORMED, "a step of the consistency proof is not a hash");
        }
    }
    made.note = rest;
    *submission = made;
    return ST_OK;
}

void proof_submission_write(uint64_t old_size, struct bytes path, struct bytes note,
                            struct buffer *out)
{
    buffer_format(out, "%s%ju\n", old_word, (uintmax_t)old_size);
    for (size_t at = 0; at + DIGEST_BYTES <= path.size; at += DIGEST_BYTES) {
        text_base64_encode(out, bytes_of(path.data + at, DIGEST_BYTES));
        buffer_text(out, "\n");
    }
    buffer_text(out, "\n");
    buffer_bytes(out, note);
}

static const struct proof_watched *find_log(const struct proof_watched *logs, size_t count,
                                            const char *origin)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(logs[i].keys[0].name, origin) == 0) {
            return &logs[i];
        }
    }
    return NULL;
}

static enum proof_verdict judge_tree(const struct proof_submission *submission,
                                     const struct proof_checkpoint *latest,
                                     const struct proof_checkpoint *next, struct error *err)
{
    struct digest empty = proof_empty_root();
    if (submission->old_size > next->size) {
        error_set(err, ST_MALFORMED, "the old size is above the checkpoint's");
        return PROOF_BAD;
    }
    if (submission->old_size != latest->size) {
        error_set(err, ST_STALE, "the latest checkpoint here has %llu entries",
                  (unsigned long long)latest->size);
        return PROOF_CONFLICT;
    }
    bool steps = submission->path.count > 0;
    if ((next->size == 0 && !digest_equal(&next->root, &empty)) ||
        (submission->old_size == 0 && steps)) {
        error_set(err, ST_UNPROVEN, "an empty tree has one root, and nothing to prove");
        return PROOF_REFUTED;
    }
    // At size 0 nothing was promised yet; two trees of one size above it are a fork.
    if (latest->size > 0 && next->size == latest->size &&
        (steps || !digest_equal(&next->root, &latest->root))) {
        error_set(err, ST_UNPROVEN, "another tree of %llu entries was cosigned here",
                  (unsigned long long)latest->size);
        return PROOF_REFUTED;
    }
    const struct digest *root = latest->size == 0 ? &empty : &latest->root;
    if (!proof_consistency_verify(latest->size, root, next->size, &next->root,
                                  proof_path_view(&submission->path))) {
        error_set(err, ST_UNPROVEN, "the consistency proof does not hold");
        return PROOF_REFUTED;
    }
    return PROOF_COSIGN;
}

enum proof_verdict proof_submission_judge(const struct proof_submission *submission,
                                          const struct proof_watched *logs, size_t log_count,
                                          size_t *place, struct proof_checkpoint *next,
                                          struct error *err)
{
    struct proof_note note;
    struct proof_checkpoint checkpoint;
    struct proof_seen seen[PROOF_WATCHED_KEYS_MAX];
    if (proof_note_parse(submission->note, &note, err) != ST_OK ||
        proof_checkpoint_parse(note.text, &checkpoint, err) != ST_OK) {
        return PROOF_BAD;
    }
    const struct proof_watched *log = find_log(logs, log_count, checkpoint.origin);
    if (log == NULL) {
        error_set(err, ST_NOT_FOUND, "no log of that origin is watched here");
        return PROOF_UNKNOWN;
    }
    if (proof_note_verify(&note, log->keys, log->key_count, seen, err) != ST_OK) {
        return PROOF_FORBIDDEN;
    }
    *place = (size_t)(log - logs);
    enum proof_verdict verdict = judge_tree(submission, &log->latest, &checkpoint, err);
    if (verdict == PROOF_COSIGN) {
        *next = checkpoint;
    }
    return verdict;
}
