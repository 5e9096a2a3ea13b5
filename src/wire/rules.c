// The table of rules. Limits are generous for what a message may need, and small next to its frame;
// what a value means is checked by whoever acts on it.
// Length: one table, a line a field.
#include "wire/rules.h"

enum {
    CODE_BYTES = 128,              // a code, a name
    MONTH_MAX = 4095,              // months since January 1970, plus 1
    NOTE_BYTES = 8192,             // a signed note with its cosignatures
    BLOB_BYTES = 64 * 1024 * 1024, // a policy bundle
};

// The last millisecond of the year 9999.
#define TIME_MAX UINT64_C(253402300799999)

// What entries record, as bits.
#define BIT(kind) (UINT64_C(1) << WIRE_KIND_##kind)
#define KINDS                                                                                      \
    (BIT(DECISION) | BIT(RELEASED) | BIT(REFUSED) | BIT(EXPIRED) | BIT(CANCELLED) |                \
     BIT(DELIVERY) | BIT(CONSENT) | BIT(READ) | BIT(SESSION_OPENED) | BIT(REJECTED) |              \
     BIT(MEMBER) | BIT(ORDER) | BIT(POLICY) | BIT(RESTART) | BIT(LOG) | BIT(CARRY_FORWARD) |       \
     BIT(HOLD) | BIT(KEY_CHANGE) | BIT(DELAYED) | BIT(EPOCH))

#define ROW(message, number_, field, ...)                                                          \
    {                                                                                              \
        .name = #field, .number = (number_), .offset = offsetof(struct wire_##message, field),     \
        .width = sizeof(((struct wire_##message *)NULL)->field), __VA_ARGS__                       \
    }

#define NEEDED               .needed = true
#define ID                   .kind = WIRE_RULE_ID
#define DIGEST               .kind = WIRE_RULE_DIGEST
#define BYTES(min_, max_)    .kind = WIRE_RULE_BYTES, .min = (min_), .max = (max_)
#define HASHES(max_)         .kind = WIRE_RULE_HASHES, .max = (max_)
#define ZEROS(max_)          .kind = WIRE_RULE_ZEROS, .max = (max_)
#define TEXT(max_)           .kind = WIRE_RULE_TEXT, .max = (max_)
#define CODE                 .kind = WIRE_RULE_CODE, .max = CODE_BYTES
#define TRACE                .kind = WIRE_RULE_CODE, .min = 55, .max = 55
#define TAG                  BYTES(33, 33)
#define NOTE                 TEXT(NOTE_BYTES)
#define NUMBER(min_, max_)   .kind = WIRE_RULE_NUMBER, .min = (min_), .max = (max_)
#define NUMBER64(min_, max_) .kind = WIRE_RULE_NUMBER64, .min = (min_), .max = (max_)
#define INDEX                NUMBER64(0, UINT64_MAX)
#define TIME                 NUMBER64(0, TIME_MAX)
#define TIME_NEEDED          NUMBER64(1, TIME_MAX)
#define KIND                 .kind = WIRE_RULE_ENUM, .max = KINDS
#define VERSION              .kind = WIRE_RULE_VERSION
#define BOOL                 .kind = WIRE_RULE_BOOL
#define MESSAGE(schema_)     .kind = WIRE_RULE_MESSAGE, .schema = WIRE_SCHEMA_##schema_
#define MESSAGES(schema_, min_, max_)                                                              \
    .kind = WIRE_RULE_MESSAGES, .schema = WIRE_SCHEMA_##schema_, .min = (min_), .max = (max_)
#define EXTENSIONS         MESSAGES(EXTENSION, 0, 16)
#define CODES(max_)        .kind = WIRE_RULE_CODES, .size = CODE_BYTES, .max = (max_)
#define BLOBS(size_, max_) .kind = WIRE_RULE_BLOBS, .size = (size_), .max = (max_)
#define NUMBERS(top, max_) .kind = WIRE_RULE_NUMBERS, .size = (top), .max = (max_)
#define NUMBERS64(max_)    .kind = WIRE_RULE_NUMBERS64, .max = (max_)

// clang-format off: one field a line

// head.proto

static const struct wire_rule head_rules[] = {
    ROW(head, 1, type, NUMBER(1, 23)),
    ROW(head, 2, ref, ID),
    ROW(head, 3, payload, BYTES(1, 32768), NEEDED),
    ROW(head, 4, sig, MESSAGE(BATCH_SIG)),
};

static const struct wire_rule batch_sig_rules[] = {
    ROW(batch_sig, 1, key, DIGEST, NEEDED),   ROW(batch_sig, 2, size, NUMBER(1, 256)),
    ROW(batch_sig, 3, index, NUMBER(0, 255)), ROW(batch_sig, 4, salt, DIGEST, NEEDED),
    ROW(batch_sig, 5, path, HASHES(256)),     ROW(batch_sig, 6, signature, BYTES(64, 64), NEEDED),
};

static const struct wire_rule extension_rules[] = {
    ROW(extension, 1, id, NUMBER(1, UINT32_MAX)),
    ROW(extension, 2, critical, BOOL),
    ROW(extension, 3, value, BYTES(0, WIRE_EXTENSIONS_MAX_BYTES)),
};

static const struct wire_rule key_signature_rules[] = {
    ROW(key_signature, 1, key, DIGEST, NEEDED),
    ROW(key_signature, 2, signature, BYTES(64, 64), NEEDED),
};

static const struct wire_rule signed_rules[] = {
    ROW(signed, 1, payload, BYTES(1, 16384), NEEDED),
    ROW(signed, 2, signatures, MESSAGES(KEY_SIGNATURE, 1, 16)),
};

// link.proto

static const struct wire_rule card_rules[] = {
    ROW(card, 1, version, VERSION),          ROW(card, 2, origin, CODE, NEEDED),
    ROW(card, 3, member, CODE, NEEDED),      ROW(card, 4, node, CODE, NEEDED),
    ROW(card, 5, role, CODE, NEEDED),        ROW(card, 6, curve_key, DIGEST),
    ROW(card, 7, batch_key, DIGEST, NEEDED), ROW(card, 8, not_before, TIME),
    ROW(card, 9, not_after, TIME_NEEDED),    ROW(card, 10, suite, VERSION),
    ROW(card, 15, extensions, EXTENSIONS),
};

static const struct wire_rule member_order_rules[] = {
    ROW(member_order, 1, version, VERSION),
    ROW(member_order, 2, origin, CODE, NEEDED),
    ROW(member_order, 3, action, NUMBER(1, 3)),
    ROW(member_order, 4, member, CODE, NEEDED),
    ROW(member_order, 5, key, DIGEST),
    ROW(member_order, 6, since, TIME),
    ROW(member_order, 7, reason, TEXT(512)),
    ROW(member_order, 8, issued_at, TIME_NEEDED),
    ROW(member_order, 15, extensions, EXTENSIONS),
};

static const struct wire_rule log_key_change_rules[] = {
    ROW(log_key_change, 1, version, VERSION),
    ROW(log_key_change, 2, origin, CODE, NEEDED),
    ROW(log_key_change, 3, old_key, DIGEST, NEEDED),
    ROW(log_key_change, 4, new_key, DIGEST, NEEDED),
    ROW(log_key_change, 5, issued_at, TIME_NEEDED),
    ROW(log_key_change, 6, both_until, TIME_NEEDED),
    ROW(log_key_change, 15, extensions, EXTENSIONS),
};

static const struct wire_rule bundle_head_rules[] = {
    ROW(bundle_head, 1, version, VERSION),
    ROW(bundle_head, 2, origin, CODE, NEEDED),
    ROW(bundle_head, 3, serial, NUMBER64(1, UINT64_MAX)),
    ROW(bundle_head, 4, hash, DIGEST, NEEDED),
    ROW(bundle_head, 5, size, NUMBER64(1, BLOB_BYTES)),
    ROW(bundle_head, 6, issued_at, TIME_NEEDED),
    ROW(bundle_head, 15, extensions, EXTENSIONS),
};

static const struct wire_rule hello_rules[] = {
    ROW(hello, 1, version, VERSION),
    ROW(hello, 2, version_min, NUMBER(1, UINT32_MAX)),
    ROW(hello, 3, version_max, NUMBER(1, UINT32_MAX)),
    ROW(hello, 4, features, CODES(32)),
    ROW(hello, 5, checkpoint, NOTE),
    ROW(hello, 6, member, CODE, NEEDED),
    ROW(hello, 7, node, CODE, NEEDED),
    ROW(hello, 8, now, TIME_NEEDED),
    ROW(hello, 15, extensions, EXTENSIONS),
};

static const struct wire_rule welcome_rules[] = {
    ROW(welcome, 1, version, VERSION),
    ROW(welcome, 2, speak, NUMBER(1, UINT32_MAX)),
    ROW(welcome, 3, features, CODES(32)),
    ROW(welcome, 4, checkpoint, NOTE),
    ROW(welcome, 5, consistency, HASHES(4096)),
    ROW(welcome, 6, bundle_hash, DIGEST),
    ROW(welcome, 7, credit, NUMBER(0, UINT32_MAX)),
    ROW(welcome, 8, heartbeat_ms, NUMBER(0, UINT32_MAX)),
    ROW(welcome, 9, now, TIME_NEEDED),
    ROW(welcome, 10, witnessed, NOTE),
    ROW(welcome, 11, witnessed_path, HASHES(4096)),
    ROW(welcome, 12, witnessed_trial, BOOL),
    ROW(welcome, 13, witnessed_at, TIME),
    ROW(welcome, 15, extensions, EXTENSIONS),
    ROW(welcome, 20, key_changes, MESSAGES(RECEIPT, 0, 8)),
};

static const struct wire_rule ping_rules[] = {
    ROW(ping, 1, version, VERSION),
    ROW(ping, 2, number, INDEX),
    ROW(ping, 15, extensions, EXTENSIONS),
};

static const struct wire_rule pong_rules[] = {
    ROW(pong, 1, version, VERSION),
    ROW(pong, 2, number, INDEX),
    ROW(pong, 15, extensions, EXTENSIONS),
};

static const struct wire_rule announcement_rules[] = {
    ROW(announcement, 1, version, VERSION),        ROW(announcement, 2, member, CODE, NEEDED),
    ROW(announcement, 3, node, CODE, NEEDED),      ROW(announcement, 4, audience, DIGEST, NEEDED),
    ROW(announcement, 5, key, DIGEST, NEEDED),     ROW(announcement, 6, not_before, TIME_NEEDED),
    ROW(announcement, 7, not_after, TIME_NEEDED),  ROW(announcement, 8, serial, INDEX),
    ROW(announcement, 15, extensions, EXTENSIONS),
};

static const struct wire_rule proof_rules[] = {
    ROW(proof, 1, version, VERSION),        ROW(proof, 2, checkpoint, NOTE),
    ROW(proof, 3, old_size, INDEX),         ROW(proof, 4, consistency, HASHES(4096)),
    ROW(proof, 5, bundle_hash, DIGEST),     ROW(proof, 6, dropped_keys, BLOBS(32, 1024)),
    ROW(proof, 7, witnessed, NOTE),         ROW(proof, 8, witnessed_path, HASHES(4096)),
    ROW(proof, 9, witnessed_trial, BOOL),   ROW(proof, 10, witnessed_at, TIME),
    ROW(proof, 15, extensions, EXTENSIONS), ROW(proof, 20, key_changes, MESSAGES(RECEIPT, 0, 8)),
};

static const struct wire_rule busy_rules[] = {
    ROW(busy, 1, version, VERSION),
    ROW(busy, 2, retry_after_ms, NUMBER(0, UINT32_MAX)),
    ROW(busy, 3, reason, CODE),
    ROW(busy, 15, extensions, EXTENSIONS),
};

// exchange.proto

static const struct wire_rule field_ask_rules[] = {
    ROW(field_ask, 1, name, CODE, NEEDED),
    ROW(field_ask, 2, form, CODE, NEEDED),
};

static const struct wire_rule basis_rules[] = {
    ROW(basis, 1, kind, NUMBER(1, 5)),  ROW(basis, 2, consent, ID),
    ROW(basis, 3, article, TEXT(256)),  ROW(basis, 4, justification, TEXT(2048)),
    ROW(basis, 5, token, BYTES(0, 64)), ROW(basis, 6, order, DIGEST),
};

static const struct wire_rule request_rules[] = {
    ROW(request, 1, version, VERSION),
    ROW(request, 2, id, ID, NEEDED),
    ROW(request, 3, nonce, DIGEST, NEEDED),
    ROW(request, 4, issued_at, TIME_NEEDED),
    ROW(request, 5, expires_at, TIME_NEEDED),
    ROW(request, 6, asker, CODE, NEEDED),
    ROW(request, 7, official, CODE),
    ROW(request, 8, official_role, CODE),
    ROW(request, 9, holder, CODE, NEEDED),
    ROW(request, 10, dataset, CODE, NEEDED),
    ROW(request, 11, fields, MESSAGES(FIELD_ASK, 1, 64)),
    ROW(request, 12, subject_scheme, CODE, NEEDED),
    ROW(request, 13, subject, TEXT(64), NEEDED),
    ROW(request, 14, purpose, CODE, NEEDED),
    ROW(request, 15, basis, MESSAGE(BASIS), NEEDED),
    ROW(request, 16, automated, BOOL),
    ROW(request, 17, case_ref, TEXT(128)),
    ROW(request, 18, asker_announcement, DIGEST),
    ROW(request, 19, holder_announcement, DIGEST),
    ROW(request, 20, params, BYTES(0, 16384)),
    ROW(request, 21, partial_ok, BOOL),
    ROW(request, 22, exact, BOOL),
    ROW(request, 23, traceparent, TRACE),
    ROW(request, 24, continues, ID),
    ROW(request, 25, root_id, ID),
    ROW(request, 26, parent_id, ID),
    ROW(request, 27, part, NUMBER(0, 1024)),
    ROW(request, 28, part_of, NUMBER(0, 1024)),
    ROW(request, 29, on_behalf_of, CODE),
    ROW(request, 30, extensions, EXTENSIONS),
};

static const struct wire_rule params_rules[] = {
    ROW(params, 1, version, VERSION),
    ROW(params, 2, items, MESSAGES(PARAM, 1, 64)),
};

static const struct wire_rule param_rules[] = {
    ROW(param, 1, index, NUMBER(0, 63)),
    ROW(param, 2, value, TEXT(4096)),
};

static const struct wire_rule receipt_rules[] = {
    ROW(receipt, 1, index, INDEX),
    ROW(receipt, 2, proof, HASHES(2048)),
    ROW(receipt, 3, checkpoint, NOTE, NEEDED),
    ROW(receipt, 4, extra, MESSAGE(RECEIPT_EXTRA), NEEDED),
};

static const struct wire_rule ask_rules[] = {
    ROW(ask, 1, version, VERSION),
    ROW(ask, 2, id, ID, NEEDED),
    ROW(ask, 3, request, BYTES(1, 32768), NEEDED),
    ROW(ask, 4, decision, MESSAGE(RECEIPT), NEEDED),
    ROW(ask, 5, timeout_ms, NUMBER(0, UINT32_MAX)),
    ROW(ask, 6, under_way, NUMBER(0, UINT32_MAX)),
    ROW(ask, 15, extensions, EXTENSIONS),
};

static const struct wire_rule answer_field_rules[] = {
    ROW(answer_field, 1, index, NUMBER(0, 63)),
    ROW(answer_field, 2, name, CODE, NEEDED),
    ROW(answer_field, 3, form, CODE, NEEDED),
    ROW(answer_field, 4, box_hash, DIGEST, NEEDED),
    ROW(answer_field, 5, box_length, NUMBER(1, 262144)),
    ROW(answer_field, 6, chunk_bytes, NUMBER(0, 0)),
    ROW(answer_field, 7, commitment, DIGEST, NEEDED),
};

static const struct wire_rule answer_rules[] = {
    ROW(answer, 1, version, VERSION),
    ROW(answer, 2, id, ID, NEEDED),
    ROW(answer, 3, request_hash, DIGEST, NEEDED),
    ROW(answer, 4, decision_leaf, DIGEST, NEEDED),
    ROW(answer, 5, asker_announcement, DIGEST, NEEDED),
    ROW(answer, 6, holder_announcement, DIGEST, NEEDED),
    ROW(answer, 7, answer_nonce, DIGEST, NEEDED),
    ROW(answer, 8, answered_at, TIME_NEEDED),
    ROW(answer, 9, fields, MESSAGES(ANSWER_FIELD, 1, 64)),
    ROW(answer, 15, extensions, EXTENSIONS),
};

static const struct wire_rule box_content_rules[] = {
    ROW(box_content, 1, status, NUMBER(1, 7)), ROW(box_content, 2, salt, DIGEST, NEEDED),
    ROW(box_content, 3, source, TEXT(256)),    ROW(box_content, 4, last_updated, TIME),
    ROW(box_content, 5, value, TEXT(262144)),  ROW(box_content, 6, padding, ZEROS(262144)),
};

static const struct wire_rule release_rules[] = {
    ROW(release, 1, version, VERSION),
    ROW(release, 2, id, ID, NEEDED),
    ROW(release, 3, answer, BYTES(1, 32768), NEEDED),
    ROW(release, 4, decision, MESSAGE(RECEIPT), NEEDED),
    ROW(release, 5, release, MESSAGE(RECEIPT), NEEDED),
    ROW(release, 6, withheld, NUMBERS(63, 64)),
    ROW(release, 15, extensions, EXTENSIONS),
};

static const struct wire_rule refusal_rules[] = {
    ROW(refusal, 1, version, VERSION),
    ROW(refusal, 2, id, ID),
    ROW(refusal, 3, reason, CODE, NEEDED),
    ROW(refusal, 4, message, TEXT(512)),
    ROW(refusal, 5, decision, MESSAGE(RECEIPT)),
    ROW(refusal, 6, ending, MESSAGE(RECEIPT)),
    ROW(refusal, 7, retry_after_ms, NUMBER(0, UINT32_MAX)),
    ROW(refusal, 15, extensions, EXTENSIONS),
};

static const struct wire_rule ack_item_rules[] = {
    ROW(ack_item, 1, id, ID, NEEDED),
    ROW(ack_item, 2, opened, BOOL),
    ROW(ack_item, 3, problem, TEXT(256)),
};

static const struct wire_rule ack_rules[] = {
    ROW(ack, 1, version, VERSION),
    ROW(ack, 2, items, MESSAGES(ACK_ITEM, 1, 256)),
    ROW(ack, 15, extensions, EXTENSIONS),
};

static const struct wire_rule cancel_rules[] = {
    ROW(cancel, 1, version, VERSION),
    ROW(cancel, 2, id, ID, NEEDED),
    ROW(cancel, 15, extensions, EXTENSIONS),
};

// entry.proto

static const struct wire_rule verdict_rules[] = {
    ROW(verdict, 1, name, CODE, NEEDED),
    ROW(verdict, 2, asked, CODE, NEEDED),
    ROW(verdict, 3, given, CODE),
    ROW(verdict, 4, reason, CODE),
};

static const struct wire_rule exchange_part_rules[] = {
    ROW(exchange_part, 1, format, VERSION),
    ROW(exchange_part, 2, kind, KIND),
    ROW(exchange_part, 3, exchange_id, ID),
    ROW(exchange_part, 4, request_hash, DIGEST),
    ROW(exchange_part, 5, asker, CODE),
    ROW(exchange_part, 6, holder, CODE),
    ROW(exchange_part, 7, dataset, CODE),
    ROW(exchange_part, 8, purpose, CODE),
    ROW(exchange_part, 9, basis, NUMBER(0, 5)),
    ROW(exchange_part, 10, verdicts, MESSAGES(VERDICT, 0, 64)),
    ROW(exchange_part, 11, bundle_hash, DIGEST),
    ROW(exchange_part, 12, agreement, CODE),
    ROW(exchange_part, 13, consent, ID),
    ROW(exchange_part, 14, consent_revision, NUMBER(0, UINT32_MAX)),
    ROW(exchange_part, 15, issued_at, TIME),
    ROW(exchange_part, 16, expires_at, TIME),
    ROW(exchange_part, 17, decision_index, INDEX),
    ROW(exchange_part, 18, decision_leaf, DIGEST),
    ROW(exchange_part, 19, answer_hash, DIGEST),
    ROW(exchange_part, 20, released, NUMBERS(63, 64)),
    ROW(exchange_part, 21, withheld, NUMBERS(63, 64)),
    ROW(exchange_part, 22, reason, CODE),
    ROW(exchange_part, 23, asker_check, DIGEST),
    ROW(exchange_part, 24, holder_check, DIGEST),
    ROW(exchange_part, 25, tag_key_id, NUMBER(0, UINT32_MAX)),
    ROW(exchange_part, 26, root_id, ID),
    ROW(exchange_part, 27, parent_id, ID),
    ROW(exchange_part, 28, part, NUMBER(0, 1024)),
    ROW(exchange_part, 29, part_of, NUMBER(0, 1024)),
    ROW(exchange_part, 30, attempt, NUMBER(0, UINT32_MAX)),
    ROW(exchange_part, 31, mode, NUMBER(0, 3)),
    ROW(exchange_part, 32, subscription_id, ID),
    ROW(exchange_part, 33, on_behalf_of, CODE),
    ROW(exchange_part, 34, deliveries, MESSAGES(DELIVERY, 0, 4096)),
    ROW(exchange_part, 35, automated, BOOL),
    ROW(exchange_part, 36, recorded_at, TIME),
    ROW(exchange_part, 37, signer, DIGEST),
    ROW(exchange_part, 60, extensions, EXTENSIONS),
};

static const struct wire_rule delivery_rules[] = {
    ROW(delivery, 1, index, INDEX),
    ROW(delivery, 2, state, NUMBER(1, 4)),
};

static const struct wire_rule subject_part_rules[] = {
    ROW(subject_part, 1, format, VERSION),
    ROW(subject_part, 2, kind, KIND),
    ROW(subject_part, 3, sequence, INDEX),
    ROW(subject_part, 4, previous, DIGEST),
    ROW(subject_part, 5, exchange_id, ID),
    ROW(subject_part, 6, asker, CODE),
    ROW(subject_part, 7, holder, CODE),
    ROW(subject_part, 8, dataset, CODE),
    ROW(subject_part, 9, purpose, CODE),
    ROW(subject_part, 10, basis, NUMBER(0, 5)),
    ROW(subject_part, 11, article, TEXT(256)),
    ROW(subject_part, 12, justification, TEXT(2048)),
    ROW(subject_part, 13, official_role, CODE),
    ROW(subject_part, 14, automated, BOOL),
    ROW(subject_part, 15, verdicts, MESSAGES(VERDICT, 0, 64)),
    ROW(subject_part, 16, bundle_hash, DIGEST),
    ROW(subject_part, 17, consent, ID),
    ROW(subject_part, 18, consent_revision, NUMBER(0, UINT32_MAX)),
    ROW(subject_part, 19, recorded_at, TIME),
    ROW(subject_part, 20, agreement, CODE),
    ROW(subject_part, 21, subject_kind, CODE),
    ROW(subject_part, 22, consent_state, NUMBER(0, 7)),
    ROW(subject_part, 23, artefact, BYTES(0, 16384)),
    ROW(subject_part, 24, previous_index, INDEX),
    ROW(subject_part, 60, extensions, EXTENSIONS),
};

static const struct wire_rule officer_part_rules[] = {
    ROW(officer_part, 1, format, VERSION),
    ROW(officer_part, 2, kind, KIND),
    ROW(officer_part, 3, tag, TAG),
    ROW(officer_part, 4, official, CODE),
    ROW(officer_part, 5, official_role, CODE),
    ROW(officer_part, 6, case_ref, TEXT(128)),
    ROW(officer_part, 7, article, TEXT(256)),
    ROW(officer_part, 8, justification, TEXT(2048)),
    ROW(officer_part, 9, automated, BOOL),
    ROW(officer_part, 10, exact, BOOL),
    ROW(officer_part, 11, partial_ok, BOOL),
    ROW(officer_part, 12, traceparent, TRACE),
    ROW(officer_part, 13, reasons, CODES(64)),
    ROW(officer_part, 14, over_asked, NUMBERS(63, 64)),
    ROW(officer_part, 15, consents, MESSAGES(CONSENT_SEEN, 0, 64)),
    ROW(officer_part, 16, counters, MESSAGES(COUNTER_SEEN, 0, 256)),
    ROW(officer_part, 17, decided_at, TIME),
    ROW(officer_part, 18, reason, CODE),
    ROW(officer_part, 19, reader, CODE),
    ROW(officer_part, 20, reader_role, CODE),
    ROW(officer_part, 21, question, TEXT(1024)),
    ROW(officer_part, 22, answered, INDEX),
    ROW(officer_part, 23, node, CODE),
    ROW(officer_part, 24, member_revision, INDEX),
    ROW(officer_part, 25, charges, MESSAGES(COUNTER_SEEN, 0, 256)),
    ROW(officer_part, 26, over_answered, CODES(64)),
    ROW(officer_part, 27, lost, NUMBERS64(65536)),
    ROW(officer_part, 28, message_hash, DIGEST),
    ROW(officer_part, 29, log_id, BYTES(0, 64)),
    ROW(officer_part, 30, term, INDEX),
    ROW(officer_part, 31, shard, NUMBER(0, UINT32_MAX)),
    ROW(officer_part, 32, body_key_id, BYTES(0, 64)),
    ROW(officer_part, 33, consent, MESSAGE(CONSENT_RECORD)),
    ROW(officer_part, 34, flags, CODES(16)),
    ROW(officer_part, 35, lost_ids, BLOBS(16, 65536)),
    ROW(officer_part, 36, hold, MESSAGE(HOLD)),
    ROW(officer_part, 38, carried_heads, MESSAGES(CARRIED_HEAD, 0, 4096)),
    ROW(officer_part, 39, carried_counters, MESSAGES(COUNTER_SEEN, 0, 4096)),
    ROW(officer_part, 44, named_consent, ID),
    ROW(officer_part, 60, extensions, EXTENSIONS),
};

static const struct wire_rule consent_seen_rules[] = {
    ROW(consent_seen, 1, id, ID, NEEDED),
    ROW(consent_seen, 2, revision, NUMBER(1, UINT32_MAX)),
    ROW(consent_seen, 3, hash, DIGEST, NEEDED),
    ROW(consent_seen, 4, uses, NUMBER(0, UINT32_MAX)),
};

static const struct wire_rule counter_seen_rules[] = {
    ROW(counter_seen, 1, key, DIGEST, NEEDED),
    ROW(counter_seen, 2, value, INDEX),
    ROW(counter_seen, 3, until, TIME),
};

static const struct wire_rule carried_head_rules[] = {
    ROW(carried_head, 1, tag, TAG, NEEDED),
    ROW(carried_head, 2, sequence, NUMBER64(1, UINT64_MAX)),
    ROW(carried_head, 3, index, INDEX),
    ROW(carried_head, 4, leaf_hash, DIGEST, NEEDED),
    ROW(carried_head, 5, minutes, NUMBER(0, UINT32_MAX)),
    ROW(carried_head, 6, kind, KIND),
};

static const struct wire_rule key_change_rules[] = {
    ROW(key_change, 1, what, NUMBER(1, 4)), ROW(key_change, 2, number, NUMBER(1, UINT32_MAX)),
    ROW(key_change, 3, old_key, DIGEST),    ROW(key_change, 4, new_key, DIGEST),
    ROW(key_change, 5, both_until, TIME),
};

static const struct wire_rule public_part_rules[] = {
    ROW(public_part, 1, format, VERSION),
    ROW(public_part, 2, kind, KIND),
    ROW(public_part, 3, signed_, BYTES(0, 20480)),
    ROW(public_part, 4, member, CODE),
    ROW(public_part, 5, recorded_at, TIME),
    ROW(public_part, 6, note, TEXT(16384)),
    ROW(public_part, 7, count, INDEX),
    ROW(public_part, 8, epoch, INDEX),
    ROW(public_part, 9, map_root, DIGEST),
    ROW(public_part, 10, map_size, INDEX),
    ROW(public_part, 11, month, NUMBER(0, MONTH_MAX)),
    ROW(public_part, 12, forgotten_to, INDEX),
    ROW(public_part, 13, continues, BYTES(0, 16384)),
    ROW(public_part, 16, key_change, MESSAGE(KEY_CHANGE)),
    ROW(public_part, 60, extensions, EXTENSIONS),
};

static const struct wire_rule receipt_extra_rules[] = {
    ROW(receipt_extra, 1, leaf, BYTES(38, 38), NEEDED),
    ROW(receipt_extra, 2, part_type, NUMBER(0, 4)),
    ROW(receipt_extra, 3, part_salt, DIGEST),
    ROW(receipt_extra, 4, part, BYTES(0, 262144)),
    ROW(receipt_extra, 5, others, BLOBS(32, 8)),
};

static const struct wire_rule hold_rules[] = {
    ROW(hold, 1, id, ID),
    ROW(hold, 2, name, TEXT(128)),
    ROW(hold, 3, tag, TAG),
    ROW(hold, 4, member, CODE),
    ROW(hold, 5, since, TIME),
    ROW(hold, 6, until, TIME),
    ROW(hold, 7, state, NUMBER(1, 2)),
    ROW(hold, 8, set_by, CODE),
    ROW(hold, 9, set_node, CODE),
    ROW(hold, 10, set_at, TIME),
    ROW(hold, 11, lifted_by, CODE),
    ROW(hold, 12, lifted_node, CODE),
    ROW(hold, 13, lifted_at, TIME),
    ROW(hold, 14, index, INDEX),
    ROW(hold, 15, lifted_index, INDEX),
};

static const struct wire_rule consent_record_rules[] = {
    ROW(consent_record, 1, id, ID, NEEDED),
    ROW(consent_record, 2, revision, NUMBER(1, UINT32_MAX)),
    ROW(consent_record, 3, state, NUMBER(1, 7)),
    ROW(consent_record, 4, artefact, BYTES(1, 16384), NEEDED),
    ROW(consent_record, 5, hash, DIGEST, NEEDED),
    ROW(consent_record, 6, tag, TAG),
    ROW(consent_record, 7, changed_at, TIME),
    ROW(consent_record, 8, index, INDEX),
    ROW(consent_record, 9, collector, CODE),
    ROW(consent_record, 10, collector_key, DIGEST),
    ROW(consent_record, 11, assurance, NUMBER(0, 3)),
};

// consent.proto

static const struct wire_rule artefact_rules[] = {
    ROW(artefact, 1, version, VERSION),
    ROW(artefact, 2, id, ID, NEEDED),
    ROW(artefact, 3, revision, NUMBER(1, UINT32_MAX)),
    ROW(artefact, 4, previous, DIGEST),
    ROW(artefact, 5, asker, CODE, NEEDED),
    ROW(artefact, 6, dataset, CODE, NEEDED),
    ROW(artefact, 7, fields, MESSAGES(FIELD_ASK, 1, 64)),
    ROW(artefact, 8, purpose, CODE, NEEDED),
    ROW(artefact, 9, automated, BOOL),
    ROW(artefact, 10, not_before, TIME),
    ROW(artefact, 11, not_after, TIME),
    ROW(artefact, 12, uses, NUMBER(0, UINT32_MAX)),
    ROW(artefact, 13, notice_hash, DIGEST),
    ROW(artefact, 14, language, CODE),
    ROW(artefact, 15, state, NUMBER(1, 7)),
    ROW(artefact, 16, collected_at, TIME),
    ROW(artefact, 17, bundle_hash, DIGEST),
    ROW(artefact, 18, extensions, EXTENSIONS),
};

static const struct wire_rule consent_change_rules[] = {
    ROW(consent_change, 1, version, VERSION),
    ROW(consent_change, 2, action, NUMBER(1, 6)),
    ROW(consent_change, 3, artefact, BYTES(1, 16384), NEEDED),
    ROW(consent_change, 4, session, DIGEST),
    ROW(consent_change, 5, subject_scheme, CODE),
    ROW(consent_change, 6, subject, TEXT(64)),
    ROW(consent_change, 7, clerk, CODE),
    ROW(consent_change, 15, extensions, EXTENSIONS),
};

static const struct wire_rule session_rules[] = {
    ROW(session, 1, version, VERSION),
    ROW(session, 2, action, NUMBER(1, 3)),
    ROW(session, 3, subject_scheme, CODE),
    ROW(session, 4, subject, TEXT(64)),
    ROW(session, 5, code, ID),
    ROW(session, 6, session, DIGEST),
    ROW(session, 7, clerk, CODE),
    ROW(session, 15, extensions, EXTENSIONS),
};

// control.proto

static const struct wire_rule query_rules[] = {
    ROW(query, 1, version, VERSION),
    ROW(query, 2, kind, NUMBER(1, 14)),
    ROW(query, 3, subject_scheme, CODE),
    ROW(query, 4, subject, TEXT(64)),
    ROW(query, 5, session, DIGEST),
    ROW(query, 6, member, CODE),
    ROW(query, 7, index, INDEX),
    ROW(query, 8, from, INDEX),
    ROW(query, 9, to, INDEX),
    ROW(query, 10, limit, NUMBER(0, 1000)),
    ROW(query, 11, hash, DIGEST),
    ROW(query, 12, offset, INDEX),
    ROW(query, 13, cursor, BYTES(0, 512)),
    ROW(query, 14, since, TIME),
    ROW(query, 15, until, TIME),
    ROW(query, 16, id, ID),
    ROW(query, 17, dataset, CODE),
    ROW(query, 18, filter, MESSAGE(FILTER)),
    ROW(query, 20, extensions, EXTENSIONS),
};

static const struct wire_rule filter_rules[] = {
    ROW(filter, 1, asker, CODE),
    ROW(filter, 2, holder, CODE),
    ROW(filter, 3, official, CODE),
    ROW(filter, 4, official_role, CODE),
    ROW(filter, 5, dataset, CODE),
    ROW(filter, 6, field, CODE),
    ROW(filter, 7, purpose, CODE),
    ROW(filter, 8, basis, NUMBER(0, 5)),
    ROW(filter, 9, verdict, NUMBER(0, 3)),
    ROW(filter, 10, reason, CODE),
    ROW(filter, 11, entry_kind, NUMBER(0, 63)),
    ROW(filter, 12, case_ref, TEXT(128)),
    ROW(filter, 13, signer, DIGEST),
    ROW(filter, 14, over_asked, BOOL),
    ROW(filter, 15, group, NUMBERS(15, 2)),
    ROW(filter, 16, people, BOOL),
    ROW(filter, 17, why, TEXT(256)),
};

static const struct wire_rule control_rules[] = {
    ROW(control, 1, version, VERSION),
    ROW(control, 2, action, NUMBER(1, 8)),
    ROW(control, 3, signed_, BYTES(0, 20480)),
    ROW(control, 4, dry_run, BOOL),
    ROW(control, 5, month, NUMBER(0, MONTH_MAX)),
    ROW(control, 7, hold, MESSAGE(HOLD)),
    ROW(control, 8, subject_scheme, CODE),
    ROW(control, 9, subject, TEXT(64)),
    ROW(control, 10, lasting, BOOL),
    ROW(control, 15, extensions, EXTENSIONS),
};

static const struct wire_rule chunk_rules[] = {
    ROW(chunk, 1, version, VERSION),
    ROW(chunk, 2, hash, DIGEST, NEEDED),
    ROW(chunk, 3, total, NUMBER64(1, BLOB_BYTES)),
    ROW(chunk, 4, offset, NUMBER64(0, BLOB_BYTES)),
    ROW(chunk, 15, extensions, EXTENSIONS),
};

static const struct wire_rule result_rules[] = {
    ROW(result, 1, version, VERSION),        ROW(result, 2, status, NUMBER(0, ST_COUNT - 1)),
    ROW(result, 3, message, TEXT(512)),      ROW(result, 4, body_hash, DIGEST),
    ROW(result, 5, cursor, BYTES(0, 512)),   ROW(result, 6, receipt, MESSAGE(RECEIPT)),
    ROW(result, 7, value, BYTES(0, 20480)),  ROW(result, 8, expires_at, TIME),
    ROW(result, 15, extensions, EXTENSIONS),
};

static const struct wire_rule rows_rules[] = {
    ROW(rows, 1, rows, MESSAGES(ROW, 0, 4096)),
    ROW(rows, 2, log_size, INDEX),
    ROW(rows, 3, examined, INDEX),
};

static const struct wire_rule row_rules[] = {
    ROW(row, 1, index, INDEX),
    ROW(row, 2, leaf, BYTES(38, 38)),
    ROW(row, 3, parts, MESSAGES(ROW_PART, 0, 4)),
    ROW(row, 4, consent, MESSAGE(CONSENT_RECORD)),
    ROW(row, 5, card, BYTES(0, 20480)),
    ROW(row, 6, receipt, MESSAGE(RECEIPT)),
    ROW(row, 7, announcement, BYTES(0, 32768)),
    ROW(row, 8, state, NUMBER(0, 3)),
    ROW(row, 10, name, TEXT(128)),
    ROW(row, 11, number, INDEX),
    ROW(row, 12, text, TEXT(4096)),
    ROW(row, 13, ended_by, INDEX),
    ROW(row, 14, forgotten, BOOL),
    ROW(row, 15, person, MESSAGE(PERSON_PROOF)),
    ROW(row, 17, asked, INDEX),
    ROW(row, 18, over_asked, INDEX),
    ROW(row, 19, earlier, INDEX),
    ROW(row, 20, hold, MESSAGE(HOLD)),
};

static const struct wire_rule person_proof_rules[] = {
    ROW(person_proof, 1, tag, TAG, NEEDED),
    ROW(person_proof, 2, absent, BOOL),
    ROW(person_proof, 3, count, INDEX),
    ROW(person_proof, 4, head, DIGEST),
    ROW(person_proof, 5, salt, DIGEST),
    ROW(person_proof, 6, delayed, DIGEST),
    ROW(person_proof, 7, bitmap, BYTES(10, 10), NEEDED),
    ROW(person_proof, 8, path, HASHES(2560)),
};

static const struct wire_rule row_part_rules[] = {
    ROW(row_part, 1, type, NUMBER(1, 4)),
    ROW(row_part, 2, salt, DIGEST),
    ROW(row_part, 3, bytes, BYTES(0, 262144)),
};
// clang-format on

#define RULES(message, NAME, schema)                                                               \
    [WIRE_SCHEMA_##NAME] = { #schema, message##_rules, ARRAY_COUNT(message##_rules),               \
                             sizeof(struct wire_##message) }

static const struct wire_rules table[WIRE_SCHEMA_COUNT] = {
    RULES(head, HEAD, Head),
    RULES(batch_sig, BATCH_SIG, BatchSig),
    RULES(extension, EXTENSION, Extension),
    RULES(key_signature, KEY_SIGNATURE, KeySignature),
    RULES(signed, SIGNED, Signed),
    RULES(card, CARD, Card),
    RULES(member_order, MEMBER_ORDER, MemberOrder),
    RULES(log_key_change, LOG_KEY_CHANGE, LogKeyChange),
    RULES(bundle_head, BUNDLE_HEAD, BundleHead),
    RULES(hello, HELLO, Hello),
    RULES(welcome, WELCOME, Welcome),
    RULES(ping, PING, Ping),
    RULES(pong, PONG, Pong),
    RULES(announcement, ANNOUNCEMENT, Announcement),
    RULES(proof, PROOF, Proof),
    RULES(busy, BUSY, Busy),
    RULES(field_ask, FIELD_ASK, FieldAsk),
    RULES(basis, BASIS, Basis),
    RULES(request, REQUEST, Request),
    RULES(params, PARAMS, Params),
    RULES(param, PARAM, Param),
    RULES(receipt, RECEIPT, Receipt),
    RULES(ask, ASK, Ask),
    RULES(answer_field, ANSWER_FIELD, AnswerField),
    RULES(answer, ANSWER, Answer),
    RULES(box_content, BOX_CONTENT, BoxContent),
    RULES(release, RELEASE, Release),
    RULES(refusal, REFUSAL, Refusal),
    RULES(ack_item, ACK_ITEM, AckItem),
    RULES(ack, ACK, Ack),
    RULES(cancel, CANCEL, Cancel),
    RULES(verdict, VERDICT, Verdict),
    RULES(exchange_part, EXCHANGE_PART, ExchangePart),
    RULES(delivery, DELIVERY, Delivery),
    RULES(subject_part, SUBJECT_PART, SubjectPart),
    RULES(officer_part, OFFICER_PART, OfficerPart),
    RULES(consent_seen, CONSENT_SEEN, ConsentSeen),
    RULES(counter_seen, COUNTER_SEEN, CounterSeen),
    RULES(carried_head, CARRIED_HEAD, CarriedHead),
    RULES(key_change, KEY_CHANGE, KeyChange),
    RULES(public_part, PUBLIC_PART, PublicPart),
    RULES(receipt_extra, RECEIPT_EXTRA, ReceiptExtra),
    RULES(hold, HOLD, Hold),
    RULES(consent_record, CONSENT_RECORD, ConsentRecord),
    RULES(artefact, ARTEFACT, Artefact),
    RULES(consent_change, CONSENT_CHANGE, ConsentChange),
    RULES(session, SESSION, Session),
    RULES(query, QUERY, Query),
    RULES(filter, FILTER, Filter),
    RULES(control, CONTROL, Control),
    RULES(chunk, CHUNK, Chunk),
    RULES(result, RESULT, Result),
    RULES(rows, ROWS, Rows),
    RULES(row, ROW, Row),
    RULES(row_part, ROW_PART, RowPart),
    RULES(person_proof, PERSON_PROOF, PersonProof),
};

const struct wire_rules *wire_rules_of(enum wire_schema schema)
{
    return &table[schema];
}
