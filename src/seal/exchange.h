// Sealing of one exchange between the asker's and the holder's node: who can open what, and what
// each box is bound to. `‖` joins bytes; lp(x) = u16 length ‖ x; integers are big-endian; H is
// SHA-256; a label ends in one NUL byte that is part of it.
//
//   ss            X25519(own secret, other's public); all zero is refused
//   announcement  H(announcement payload)
//   request hash  H("vedomo/1 request\0" ‖ request payload)
//   K_pair        BLAKE2b-256(key ss, "vedomo/1 pair\0" ‖ asker's announcement ‖ holder's
//   announcement) parameters    one box: key BLAKE2b-256(key K_pair, "vedomo/1 params\0" ‖ request
//   nonce), nonce 24
//                 zero bytes, AD "vedomo/1 params\0" ‖ request nonce ‖ asker's announcement ‖
//                 holder's announcement
//   answer        key BLAKE2b-256(key K_pair, "vedomo/1 answer\0" ‖ request hash ‖ answer nonce)
//   field i       one box under the answer's key: nonce 16 zero bytes ‖ u64 i, AD "vedomo/1
//   field\0" ‖
//                 request hash ‖ u16 i ‖ lp(dataset) ‖ lp(field) ‖ lp(form); i is the field's place
//                 in the request's list, from 0; form is the form that is given
//   commitment    H("vedomo/1 value\0" ‖ request hash ‖ lp(field) ‖ lp(form) ‖ salt ‖ u8 status ‖
//   value)
//                 to one answered value; the value runs to the end; without a value it is empty
//
// Keys derived here live for one message or one pair of announcements: the caller ends them with
// seal_wipe(). Any thread.
#pragma once

#include "base/error.h"
#include "seal/box.h"

struct seal_secret;

// A fresh X25519 key pair. The secret is the caller's to destroy.
NODISCARD enum status seal_exchange_create(struct seal_secret **secret, struct digest *public_key,
                                           struct error *err);

// The public key of an X25519 secret of 32 bytes. ST_MALFORMED: of another size.
NODISCARD enum status seal_exchange_public(const struct seal_secret *secret,
                                           struct digest *public_key, struct error *err);

// X25519; ST_UNPROVEN when the other's key makes it all zero (a point of small order).
NODISCARD enum status seal_shared(const struct seal_secret *secret, const struct digest *public_key,
                                  struct digest *shared, struct error *err);

struct digest seal_announcement_hash(struct bytes payload);
struct digest seal_request_hash(struct bytes payload);

// K_pair of two announcements.
struct digest seal_pair_key(const struct digest *shared, const struct digest *asker_announcement,
                            const struct digest *holder_announcement);

// What the parameters' box is bound to.
struct seal_params {
    struct digest nonce;               // the request's
    struct digest asker_announcement;  // its hash
    struct digest holder_announcement; // its hash
};

// Seals or opens the parameters; sizes as in seal/box.h.
void seal_params_close(const struct digest *pair_key, const struct seal_params *params,
                       struct bytes plain, uint8_t *box);
NODISCARD bool seal_params_open(const struct digest *pair_key, const struct seal_params *params,
                                struct bytes box, uint8_t *plain);

// The key of one answer's boxes.
struct digest seal_answer_key(const struct digest *pair_key, const struct digest *request_hash,
                              const struct digest *answer_nonce);

// What a field's box is bound to. A text has at most SEAL_TEXT_MAX bytes; codes are far shorter.
enum { SEAL_TEXT_MAX = 512 };

struct seal_field {
    struct digest request_hash;
    uint16_t index;       // place in the request's list, from 0
    struct bytes dataset; // borrowed
    struct bytes name;    // borrowed
    struct bytes form;    // the form given; borrowed
};

// Seals or opens one field's content; sizes as in seal/box.h. What has a longer text does not open.
void seal_field_close(const struct digest *answer_key, const struct seal_field *field,
                      struct bytes plain, uint8_t *box);
NODISCARD bool seal_field_open(const struct digest *answer_key, const struct seal_field *field,
                               struct bytes box, uint8_t *plain);

// The commitment to one answered value. `status` is BoxContent.status; the texts as above.
struct digest seal_value_commitment(const struct digest *request_hash, struct bytes field,
                                    struct bytes form, const struct digest *salt, uint8_t status,
                                    struct bytes value);
