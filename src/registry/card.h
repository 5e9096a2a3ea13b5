// What offline keys sign: cards of keys, orders about members, heads of policy bundles, new keys of
// the log (registry/log_key.h). Signed, verified against pinned keys (k of n), written to files.
//
// A signature covers "vedomo/1 <label>\0" || audience || SHA-256(payload), so a card never passes
// as an order, nor one federation's card in another. What is verified is the payload as received;
// it is parsed only afterwards.
#pragma once

#include "base/arena.h"
#include "base/buffer.h"

struct seal_signer;

// Which of them a signature is for. The label stands inside what is signed.
enum registry_label {
    REGISTRY_CARD,
    REGISTRY_ORDER,
    REGISTRY_BUNDLE,
    REGISTRY_LOG_KEY,
    REGISTRY_LABEL_COUNT
};

// "card", "order", "bundle", "log-key". Static.
const char *registry_label_name(enum registry_label label);

// What a key may do. The numbers are internal; cards carry the names.
enum registry_role {
    REGISTRY_ROLE_NONE = 0,
    REGISTRY_ROLE_NODE,
    REGISTRY_ROLE_PORTAL,
    REGISTRY_ROLE_DESK,
    REGISTRY_ROLE_OFFICER,
    REGISTRY_ROLE_AUDITOR,
    REGISTRY_ROLE_COURT,
    REGISTRY_ROLE_OPERATOR,
    REGISTRY_ROLE_WITNESS,
    REGISTRY_ROLE_BROKER,
    REGISTRY_ROLE_REGISTRAR, // signs offline, never on a card
    REGISTRY_ROLE_POLICY,    // signs offline, never on a card
    REGISTRY_ROLE_COUNT,
};

// "node", …; "none" for anything else. Static.
const char *registry_role_name(enum registry_role role);

// REGISTRY_ROLE_NONE for a word that names no role.
enum registry_role registry_role_parse(struct bytes name);

// True for the roles that may stand on a card (all but registrar and policy).
bool registry_role_has_card(enum registry_role role);

enum { REGISTRY_PINS_MAX = 16, REGISTRY_MEMBER_BYTES = 129, REGISTRY_NODE_BYTES = 129 };

// The public keys that a reader trusts, and how many of them must have signed.
struct registry_pins {
    struct digest keys[REGISTRY_PINS_MAX]; // Ed25519
    size_t count;
    size_t threshold; // k; 0 trusts nobody
};

// Adds a key given as text ("ed25519:<base64>"). ST_USAGE: not a key; ST_EXISTS: there already;
// ST_FULL: more than REGISTRY_PINS_MAX. The threshold stays the caller's to set.
NODISCARD enum status registry_pins_add(struct registry_pins *pins, struct bytes text,
                                        struct error *err);

// Verifies an encoded Signed message (the wire form). *payload borrows from `arena`.
// ST_MALFORMED: not a Signed message. ST_UNPROVEN: fewer than `threshold` different pinned keys
// signed it, or a pinned key's signature is wrong. Keys that are not pinned are ignored.
NODISCARD enum status registry_signed_verify(enum registry_label label,
                                             const struct registry_pins *pins,
                                             const struct digest *audience,
                                             struct bytes signed_message, struct arena *arena,
                                             struct bytes *payload, struct error *err);

// Signs `payload` with one key and appends the encoded Signed message to `out`.
NODISCARD enum status registry_signed_make(enum registry_label label, struct bytes payload,
                                           const struct digest *audience,
                                           const struct seal_signer *signer, struct buffer *out,
                                           struct error *err);

// Appends to `out` the same Signed message with one signature more. ST_EXISTS: this key has signed
// it already; ST_FULL: sixteen signatures are there.
NODISCARD enum status registry_signed_add(enum registry_label label, struct bytes signed_message,
                                          const struct digest *audience,
                                          const struct seal_signer *signer, struct buffer *out,
                                          struct error *err);

// The payload of a Signed message without any verification, to show what one is about to sign.
NODISCARD enum status registry_signed_payload(struct bytes signed_message, struct arena *arena,
                                              struct bytes *payload, struct error *err);

// A key's card by value.
struct registry_card {
    char member[REGISTRY_MEMBER_BYTES]; // code, terminated
    char node[REGISTRY_NODE_BYTES];     // terminated
    enum registry_role role;
    struct digest curve_key; // CURVE (X25519); zero only on a witness, who never connects
    struct digest batch_key; // Ed25519
    uint64_t not_before;     // milliseconds since 1970 UTC
    uint64_t not_after;      // milliseconds; 0 is not allowed
};

// The card's payload for `origin`, appended to `out`. ST_USAGE names what is off.
NODISCARD enum status registry_card_encode(const struct registry_card *card, struct bytes origin,
                                           struct buffer *out, struct error *err);

// Parses a payload that was verified (or is about to be signed). ST_MALFORMED, or ST_DENIED when it
// is for another origin.
NODISCARD enum status registry_card_decode(struct bytes payload, struct bytes origin,
                                           struct registry_card *card, struct error *err);

// registry_signed_verify() and registry_card_decode() in one: what a node does with the broker's
// card and with the cards from the directory. The audience is seal_audience(origin).
NODISCARD enum status registry_card_verify(struct bytes signed_message, struct bytes origin,
                                           const struct registry_pins *pins,
                                           struct registry_card *card, struct error *err);

enum registry_action {
    REGISTRY_SUSPEND = 1, // a member
    REGISTRY_RESUME = 2,  // a member
    REGISTRY_REVOKE = 3,  // a key
};

enum { REGISTRY_REASON_BYTES = 513 };

// What the registrar orders, by value.
struct registry_order {
    enum registry_action action;
    char member[REGISTRY_MEMBER_BYTES];
    struct digest key;  // the batch key that is revoked; zero for suspend and resume
    uint64_t since;     // milliseconds: entries since then are marked for citizens; 0: none
    uint64_t issued_at; // milliseconds; orders about one member never go back in time
    char reason[REGISTRY_REASON_BYTES];
};

NODISCARD enum status registry_order_encode(const struct registry_order *order, struct bytes origin,
                                            struct buffer *out, struct error *err);
NODISCARD enum status registry_order_decode(struct bytes payload, struct bytes origin,
                                            struct registry_order *order, struct error *err);

// registry_signed_verify() and registry_order_decode() in one.
NODISCARD enum status registry_order_verify(struct bytes signed_message, struct bytes origin,
                                            const struct registry_pins *pins,
                                            struct registry_order *order, struct error *err);

// The head of a policy bundle, by value.
struct registry_bundle_head {
    uint64_t serial;    // grows with every bundle
    struct digest hash; // SHA-256 of the packed files
    uint64_t size;      // their size in bytes
    uint64_t issued_at; // milliseconds
};

NODISCARD enum status registry_bundle_head_encode(const struct registry_bundle_head *head,
                                                  struct bytes origin, struct buffer *out,
                                                  struct error *err);
NODISCARD enum status registry_bundle_head_decode(struct bytes payload, struct bytes origin,
                                                  struct registry_bundle_head *head,
                                                  struct error *err);

// registry_signed_verify() with the policy pins and registry_bundle_head_decode() in one.
NODISCARD enum status registry_bundle_head_verify(struct bytes signed_message, struct bytes origin,
                                                  const struct registry_pins *pins,
                                                  struct registry_bundle_head *head,
                                                  struct error *err);
