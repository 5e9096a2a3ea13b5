// Key files: one identity a file, readable by its owner only, never overwritten. A text of lines
// "name value" under the first line "vedomo-key 1":
//
//   vedomo-key 1
//   role node                      see enum seal_role
//   member ru/interior/road-safety absent for the roles that need none
//   node gate-1                    the machine's, person's or log's name
//   curve-public <base64>          X25519 key of the transport, where the role connects
//   curve-secret <base64>
//   sign-public <base64>           Ed25519: batch, log, witness, registrar or policy key
//   sign-seed <base64>
//   secret <base64>                master: one; tag: one to eight, oldest first
//
// in this order. Keys for transport, batches, log, registrar and policy are different keys, so one
// file serves one role.
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct seal_secret;
struct seal_signer;

enum seal_role {
    SEAL_ROLE_NONE = 0,
    SEAL_ROLE_NODE, // these connect: CURVE and batch key
    SEAL_ROLE_PORTAL,
    SEAL_ROLE_DESK,
    SEAL_ROLE_OFFICER,
    SEAL_ROLE_AUDITOR,
    SEAL_ROLE_COURT,
    SEAL_ROLE_OPERATOR,
    SEAL_ROLE_BROKER,
    SEAL_ROLE_WITNESS, // these sign only
    SEAL_ROLE_REGISTRAR,
    SEAL_ROLE_POLICY,
    SEAL_ROLE_LOG,
    SEAL_ROLE_MASTER, // these are secrets of the broker's host
    SEAL_ROLE_TAG,
    SEAL_ROLE_COUNT,
};

enum { SEAL_NAME_MAX = 128, SEAL_SECRETS_MAX = 8 };

// What a key file holds. Absent things are NULL, zero or empty.
struct seal_identity {
    enum seal_role role;
    char member[SEAL_NAME_MAX + 1]; // code of the member
    char node[SEAL_NAME_MAX + 1];   // name within the member; for a log its origin
    struct seal_secret *curve_secret;
    struct digest curve_key;                       // its public half
    struct seal_secret *seed;                      // of the signer
    struct seal_signer *signer;                    // batch, log, witness, registrar or policy key
    struct digest sign_key;                        // its public half
    struct seal_secret *secrets[SEAL_SECRETS_MAX]; // master, tag
    size_t secret_count;
};

// The role as a word ("node"); and back, SEAL_ROLE_NONE for another word.
const char *seal_role_name(enum seal_role role);
enum seal_role seal_role_find(struct bytes name);

// True for the roles that connect to the endpoint and so have a CURVE and a batch key.
bool seal_role_connects(enum seal_role role);

// Fresh keys as the role needs them. `member` and `node` may be empty; they are 1..128 letters,
// digits and any of "/.-_:@" else. ST_USAGE: they are not.
NODISCARD enum status seal_identity_create(enum seal_role role, const char *member,
                                           const char *node, struct seal_identity *identity,
                                           struct error *err);

// Wipes and frees what it holds; the struct is zero afterwards.
void seal_identity_fini(struct seal_identity *identity);

// Writes a new file of mode 0600. ST_EXISTS: there is one, and it stays as it is.
NODISCARD enum status seal_keyfile_create(const char *path, const struct seal_identity *identity,
                                          struct error *err);

// Loads and checks a key file. ST_DENIED: others than its owner could read or write it.
// ST_MALFORMED: not a key file, or its public and secret keys do not belong together.
// ST_UNSUPPORTED: of a later version.
NODISCARD enum status seal_keyfile_load(const char *path, struct seal_identity *identity,
                                        struct error *err);

// As seal_keyfile_load(), and the key is one of that role: ST_USAGE where it is not.
NODISCARD enum status seal_keyfile_load_role(const char *path, enum seal_role role,
                                             struct seal_identity *identity, struct error *err);
