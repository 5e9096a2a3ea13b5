// Any bytes as what a log hands a witness, and as a witness policy. What is read as a body has one
// form: written again it is the same bytes. Nothing but the reference log's own text is cosigned.
#include <stdlib.h>

#include "replay.h"

#include "proof/policy.h"
#include "proof/submission.h"

static const char log_vkey[] =
    "example.com/audit+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
static const char signed_text[] =
    "example.com/audit\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void try_body(struct bytes bytes, const struct proof_key *log)
{
    struct proof_submission submission;
    struct proof_checkpoint next;
    struct error err;
    size_t place = 0;
    const struct proof_watched watched = { .keys = log, .key_count = 1 };
    if (proof_submission_parse(bytes, &submission, &err) != ST_OK) {
        return;
    }
    struct buffer again = buffer_init(PROOF_SUBMISSION_MAX);
    proof_submission_write(submission.old_size, proof_path_view(&submission.path), submission.note,
                           &again);
    require(bytes_equal(buffer_view(&again), bytes));
    buffer_fini(&again);
    if (proof_submission_judge(&submission, &watched, 1, &place, &next, &err) == PROOF_COSIGN) {
        struct buffer text = buffer_init(PROOF_NOTE_MAX);
        proof_checkpoint_format(&next, &text);
        require(bytes_equal_text(buffer_view(&text), signed_text));
        buffer_fini(&text);
    }
}

static void try_policy(struct bytes bytes)
{
    struct proof_policy *policy = NULL;
    struct error err;
    const bool nobody[PROOF_WITNESSES_MAX] = { false };
    if (proof_policy_parse(bytes, &policy, &err) == ST_OK) {
        require(!proof_policy_is_met(policy, nobody));
        proof_policy_destroy(&policy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proof_key log;
    require(proof_key_parse(bytes_text(log_vkey), &log, NULL) == ST_OK);
    try_body(bytes_of(data, size), &log);
    try_policy(bytes_of(data, size));
    return 0;
}
