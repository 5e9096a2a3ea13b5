// Signed notes (C2SP signed-note), checkpoints (C2SP tlog-checkpoint) and cosignatures
// (C2SP tlog-cosignature, "cosignature/v1").
#pragma once

#include "base/buffer.h"

struct seal_signer;

enum {
    PROOF_NAME_MAX = 255,       // bytes of a key's name
    PROOF_NOTE_MAX = 16384,     // bytes of a note
    PROOF_SIGNATURES_MAX = 100, // lines of a note
    PROOF_WITNESSES_MAX = 32,   // witnesses that are looked for in one checkpoint
};

// The algorithms of keys that are known here; notes may carry others, which are ignored.
enum proof_key_type {
    PROOF_KEY_ED25519 = 1,     // signs a note's text
    PROOF_KEY_COSIGNATURE = 4, // a witness: Ed25519 over time and checkpoint
};

// A public key with its name.
struct proof_key {
    char name[PROOF_NAME_MAX + 1]; // terminated; neither '+' nor space nor control byte in it
    enum proof_key_type type;
    struct digest key; // Ed25519
    uint32_t id;       // first 4 bytes of SHA-256(name ‖ "\n" ‖ u8 type ‖ key)
};

// Fills a key and computes its id. ST_USAGE: not a name.
NODISCARD enum status proof_key_make(const char *name, enum proof_key_type type,
                                     const struct digest *public_key, struct proof_key *key,
                                     struct error *err);

// "<name>+<8 hex digits of the id>+<base64(u8 type ‖ key)>".
void proof_key_format(const struct proof_key *key, struct buffer *out);
// ST_MALFORMED: not a vkey, or its id is not that of its name and key. ST_UNSUPPORTED: its type.
NODISCARD enum status proof_key_parse(struct bytes vkey, struct proof_key *key, struct error *err);

// One signature line.
struct proof_signature {
    struct bytes name;   // borrowed from the note
    uint32_t id;         // key id
    struct bytes base64; // id and signature, borrowed from the note
};

// A note taken apart. Views borrow from its bytes.
struct proof_note {
    struct bytes text; // what is signed, with its last line feed
    struct proof_signature signatures[PROOF_SIGNATURES_MAX];
    size_t signature_count; // at least 1
};

NODISCARD enum status proof_note_parse(struct bytes bytes, struct proof_note *note,
                                       struct error *err);

// What was found for one known key.
struct proof_seen {
    bool verified;
    uint64_t time_s; // of a cosignature; 0 for other keys
};

// Verifies every signature of a known key. seen[i] is filled for keys[i]. ST_UNPROVEN: a known
// key's signature does not verify, or no known key has signed.
NODISCARD enum status proof_note_verify(const struct proof_note *note, const struct proof_key *keys,
                                        size_t key_count, struct proof_seen *seen,
                                        struct error *err);

// Appends a signature line over `text`. `time_s` is the cosignature's time and is not looked at for
// other types of keys. The signer's key is the key's.
void proof_note_sign(struct bytes text, const struct proof_key *key,
                     const struct seal_signer *signer, uint64_t time_s, struct buffer *out);

// The log's state: origin, size, root.
struct proof_checkpoint {
    char origin[PROOF_NAME_MAX + 1];
    uint64_t size;
    struct digest root;
};

// "<origin>\n<size>\n<base64 root>\n".
void proof_checkpoint_format(const struct proof_checkpoint *checkpoint, struct buffer *out);
// Strict: three lines, canonical numbers. ST_UNSUPPORTED: extension lines.
NODISCARD enum status proof_checkpoint_parse(struct bytes text, struct proof_checkpoint *checkpoint,
                                             struct error *err);

// The whole signed note of a checkpoint; `key` is the log's, its name the origin.
void proof_checkpoint_sign(const struct proof_checkpoint *checkpoint, const struct proof_key *key,
                           const struct seal_signer *signer, struct buffer *out);

// Parses a signed checkpoint, verifies the log's signature and that the origin is the key's name.
// ST_USAGE: `log` is a cosignature key.
NODISCARD enum status proof_checkpoint_open(struct bytes note, const struct proof_key *log,
                                            struct proof_checkpoint *checkpoint, struct error *err);

// The same with witnesses: seen[i] is filled for witnesses[i] (at most 32); a bad cosignature by
// one of them refuses the note.
NODISCARD enum status proof_checkpoint_witnessed(struct bytes note, const struct proof_key *log,
                                                 const struct proof_key *witnesses,
                                                 size_t witness_count, struct proof_seen *seen,
                                                 struct proof_checkpoint *checkpoint,
                                                 struct error *err);

// The same where any one of several keys of the log may have signed (at most PROOF_WITNESSES_MAX,
// one after another): another key's line is not looked at, a bad signature by one of these refuses
// the note. ST_USAGE: they are not of one log.
NODISCARD enum status proof_checkpoint_open_by(struct bytes note, const struct proof_key *log,
                                               size_t log_count, const struct proof_key *witnesses,
                                               size_t witness_count, struct proof_seen *seen,
                                               struct proof_checkpoint *checkpoint,
                                               struct error *err);
