// Protobuf: messages from bytes and to bytes. One table of rules (wire/rules.c) drives decoding,
// encoding and checking. Pure functions: any thread, one arena a thread.
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "wire/message.h"

enum {
    WIRE_HEAD_MAX_BYTES = 32 * 1024,   // frame 1: a Head
    WIRE_BOXES_MAX_BYTES = 256 * 1024, // frame 2: sealed boxes, or the body of a Result
    WIRE_EXTENSIONS_MAX_BYTES = 4096,  // all extensions of a message, at most 16
    WIRE_ARENA_BYTES = 256 * 1024,     // enough to decode any Head and its payload; a cap for both
    WIRE_ROWS_ARENA_BYTES = 8 * 1024 * 1024 // enough for the Rows in any frame 2
};

// One for each message.
enum wire_schema {
    WIRE_SCHEMA_HEAD,
    WIRE_SCHEMA_BATCH_SIG,
    WIRE_SCHEMA_EXTENSION,
    WIRE_SCHEMA_KEY_SIGNATURE,
    WIRE_SCHEMA_SIGNED,
    WIRE_SCHEMA_CARD,
    WIRE_SCHEMA_MEMBER_ORDER,
    WIRE_SCHEMA_LOG_KEY_CHANGE,
    WIRE_SCHEMA_BUNDLE_HEAD,
    WIRE_SCHEMA_HELLO,
    WIRE_SCHEMA_WELCOME,
    WIRE_SCHEMA_PING,
    WIRE_SCHEMA_PONG,
    WIRE_SCHEMA_ANNOUNCEMENT,
    WIRE_SCHEMA_PROOF,
    WIRE_SCHEMA_BUSY,
    WIRE_SCHEMA_FIELD_ASK,
    WIRE_SCHEMA_BASIS,
    WIRE_SCHEMA_REQUEST,
    WIRE_SCHEMA_PARAMS,
    WIRE_SCHEMA_PARAM,
    WIRE_SCHEMA_RECEIPT,
    WIRE_SCHEMA_ASK,
    WIRE_SCHEMA_ANSWER_FIELD,
    WIRE_SCHEMA_ANSWER,
    WIRE_SCHEMA_BOX_CONTENT,
    WIRE_SCHEMA_RELEASE,
    WIRE_SCHEMA_REFUSAL,
    WIRE_SCHEMA_ACK_ITEM,
    WIRE_SCHEMA_ACK,
    WIRE_SCHEMA_CANCEL,
    WIRE_SCHEMA_VERDICT,
    WIRE_SCHEMA_EXCHANGE_PART,
    WIRE_SCHEMA_DELIVERY,
    WIRE_SCHEMA_SUBJECT_PART,
    WIRE_SCHEMA_OFFICER_PART,
    WIRE_SCHEMA_CONSENT_SEEN,
    WIRE_SCHEMA_COUNTER_SEEN,
    WIRE_SCHEMA_CARRIED_HEAD,
    WIRE_SCHEMA_KEY_CHANGE,
    WIRE_SCHEMA_PUBLIC_PART,
    WIRE_SCHEMA_RECEIPT_EXTRA,
    WIRE_SCHEMA_HOLD,
    WIRE_SCHEMA_CONSENT_RECORD,
    WIRE_SCHEMA_ARTEFACT,
    WIRE_SCHEMA_CONSENT_CHANGE,
    WIRE_SCHEMA_SESSION,
    WIRE_SCHEMA_QUERY,
    WIRE_SCHEMA_FILTER,
    WIRE_SCHEMA_CONTROL,
    WIRE_SCHEMA_CHUNK,
    WIRE_SCHEMA_RESULT,
    WIRE_SCHEMA_ROWS,
    WIRE_SCHEMA_ROW,
    WIRE_SCHEMA_ROW_PART,
    WIRE_SCHEMA_PERSON_PROOF,
    WIRE_SCHEMA_COUNT
};

// Decodes `payload` into `out`, the struct of that schema. What it views lives in the arena, so
// `payload` may go. ST_MALFORMED names message, field and rule: an unknown field anywhere, a
// singular field given twice, a number that does not fit, whatever the rules forbid.
// ST_UNSUPPORTED names the first critical extension by its id: there is none that this version
// knows. ST_NOMEM: the arena's cap. On failure *out is unchanged; the arena keeps what was taken.
NODISCARD enum status wire_decode(enum wire_schema schema, struct bytes payload,
                                  struct arena *arena, void *out, struct error *err);

// The same, but what *out views lives in `payload` where it can: for a payload that stays.
NODISCARD enum status wire_decode_here(enum wire_schema schema, struct bytes payload,
                                       struct arena *arena, void *out, struct error *err);

// Appends `in`, the struct of that schema, to `out`; checks it by the same rules (ST_MALFORMED: our
// own mistake, or a value that a user gave). ST_NOMEM: the buffer's limit. Nothing is appended on
// failure.
NODISCARD enum status wire_encode(enum wire_schema schema, const void *in, struct buffer *out,
                                  struct error *err);

// The bytes of an unsigned Head before its payload of 1 to WIRE_HEAD_MAX_BYTES bytes: with the
// payload behind them they are what wire_encode() makes of that Head. Returns how many.
enum { WIRE_HEAD_BEGIN_MAX = 24 };
size_t wire_head_begin(enum wire_type type, const struct id *ref, size_t payload_bytes,
                       uint8_t out[WIRE_HEAD_BEGIN_MAX]);

// The schema of a type's payload; WIRE_SCHEMA_COUNT for a type without one (kept for later).
enum wire_schema wire_type_schema(enum wire_type type);

// "hello", "consent-change", …: the type's word in logs and in the label of batch signatures;
// "none" for a number that is no type. Static.
const char *wire_type_name(enum wire_type type);

// "Request", "ExchangePart", …; static.
const char *wire_schema_name(enum wire_schema schema);

// The name of a kind of entries (enum wire_kind); "entry" for one that is unknown. Static.
const char *wire_kind_name(uint32_t kind);
