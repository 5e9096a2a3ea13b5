// Any bytes as a signed note, a checkpoint and a vkey. What is read has one form: written again it
// is the same bytes. Nothing but the reference note's own text may open under its key.
#include <stdlib.h>

#include "replay.h"

#include "proof/note.h"

static const char log_vkey[] =
    "example.com/audit+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
static const char witness_vkey[] =
    "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
static const char signed_text[] =
    "example.com/audit\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void try_note(struct bytes bytes, const struct proof_key *log,
                     const struct proof_key *witness)
{
    struct proof_checkpoint checkpoint;
    struct proof_seen seen;
    if (proof_checkpoint_witnessed(bytes, log, witness, 1, &seen, &checkpoint, NULL) == ST_OK) {
        struct buffer text = buffer_init(PROOF_NOTE_MAX);
        proof_checkpoint_format(&checkpoint, &text);
        require(bytes_equal_text(buffer_view(&text), signed_text));
        buffer_fini(&text);
    }
}

static void try_checkpoint(struct bytes bytes)
{
    struct proof_checkpoint checkpoint;
    if (proof_checkpoint_parse(bytes, &checkpoint, NULL) == ST_OK) {
        struct buffer text = buffer_init(PROOF_NOTE_MAX);
        proof_checkpoint_format(&checkpoint, &text);
        require(bytes_equal(buffer_view(&text), bytes));
        buffer_fini(&text);
    }
}

static void try_key(struct bytes bytes)
{
    struct proof_key key;
    if (proof_key_parse(bytes, &key, NULL) == ST_OK) {
        struct buffer text = buffer_init(PROOF_NOTE_MAX);
        proof_key_format(&key, &text);
        require(bytes_equal(buffer_view(&text), bytes));
        buffer_fini(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proof_key log;
    struct proof_key witness;
    struct bytes bytes = bytes_of(data, size);
    require(proof_key_parse(bytes_text(log_vkey), &log, NULL) == ST_OK);
    require(proof_key_parse(bytes_text(witness_vkey), &witness, NULL) == ST_OK);
    try_note(bytes, &log, &witness);
    try_checkpoint(bytes);
    try_key(bytes);
    return 0;
}
