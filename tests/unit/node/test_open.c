#include "federation.h"

// The release must be refused, for this reason.
static void assert_rejected(struct federation *fed, struct fed_exchange *exchange,
                            enum node_fault expected)
{
    struct error err = { 0 };
    struct node_opened opened;
    enum node_fault fault = NODE_FAULT_NONE;
    enum status status = fed_open_release(fed, exchange, &opened, &fault, &err);
    if (status != ST_UNPROVEN || fault != expected) {
        fail_msg("got %s (%s: %s), expected %s", node_fault_name(fault), status_name(status),
                 err.message, node_fault_name(expected));
    }
    assert_non_null(strstr(err.message, node_fault_name(expected)));
}

TEST(an_honest_release_opens_to_the_values_in_their_forms)
{
    struct error err;
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct node_opened opened;
    enum node_fault fault;
    fed_exchange_run(fed, &exchange);
    assert_ok(fed_open_release(fed, &exchange, &opened, &fault, &err));
    assert_true(opened.released);
    assert_true(opened.recorded);
    assert_int_equal(opened.field_count, 5);
    assert_int_equal(opened.decision_index, exchange.decision_receipt->index);
    assert_int_equal(opened.ending_index, exchange.release.release->index);
    assert_true(bytes_equal_text(opened.fields[0].value, "true"));
    assert_true(bytes_equal_text(opened.fields[1].value, "[\"A\",\"B\"]"));
    assert_int_equal(opened.fields[2].given.size, 0);
    assert_true(bytes_equal_text(opened.fields[2].reason, "no-agreement"));
    assert_false(opened.fields[2].delivered);
    assert_true(bytes_equal_text(opened.fields[3].value, "2030-01-31"));
    assert_true(bytes_equal_text(opened.fields[4].given, "last4"));
    assert_true(bytes_equal_text(opened.fields[4].value, "4567"));
    assert_true(bytes_equal_text(opened.fields[0].source, "the clinic") ||
                bytes_equal_text(opened.fields[0].source, "the clinic "));
    assert_int_equal(opened.fields[0].last_updated, 1700000000000);
    assert_int_equal(opened.fault, NODE_FAULT_NONE);
    fed_close(&fed);
}

TEST(a_field_without_a_value_comes_as_a_box_of_the_same_size)
{
    static const char *const none[] = { NULL, NULL, NULL, NULL };
    struct error err;
    struct federation *fed = fed_open();
    struct fed_exchange with;
    struct fed_exchange without;
    struct node_opened opened;
    enum node_fault fault;
    struct node_question question = fed_question();
    fed_exchange_run(fed, &with);
    fed_request(fed, &question, &without);
    fed_decide(fed, &without);
    fed_decided(fed, &without);
    fed_answer(fed, &without, none);
    fed_release(fed, &without);
    fed_released(fed, &without);
    assert_ok(fed_open_release(fed, &without, &opened, &fault, &err));
    assert_int_equal(opened.fields[0].status, WIRE_BOX_NO_VALUE);
    assert_int_equal(opened.fields[0].value.size, 0);
    assert_int_equal(with.boxes.size, without.boxes.size);
    assert_int_equal(with.answer_payload.size, without.answer_payload.size);
    fed_close(&fed);
}

TEST(a_release_of_another_request_is_foreign)
{
    struct federation *fed = fed_open();
    struct fed_exchange first;
    struct fed_exchange second;
    fed_exchange_run(fed, &first);
    fed_exchange_run(fed, &second);
    struct wire_release mixed = first.release;
    second.release = mixed;
    second.boxes = first.boxes;
    assert_rejected(fed, &second, NODE_FAULT_FOREIGN);
    second.release.id = second.sent.id; // with the id made to fit
    assert_rejected(fed, &second, NODE_FAULT_FOREIGN);
    fed_close(&fed);
}

TEST(a_decision_that_is_missing_or_not_in_the_log_is_rejected)
{
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    fed_exchange_run(fed, &exchange);
    struct wire_receipt receipt = *exchange.decision_receipt;
    struct wire_receipt_extra extra = *receipt.extra;
    struct wire_release honest = exchange.release;

    exchange.release.decision = NULL;
    // The wire's own rules already demand it, so the release is handed over as it would decode.
    struct node_opened opened;
    enum node_fault fault = NODE_FAULT_NONE;
    struct error err;
    struct node_open_setting setting = {
        .trust = &fed->trust, .cache = fed->cache, .catalogue = fed->catalogue, .arena = fed->arena
    };
    assert_status(ST_UNPROVEN, node_release_open(&setting, &exchange.sent, &exchange.release,
                                                 exchange.boxes, &opened, &fault, &err));
    assert_int_equal(fault, NODE_FAULT_DECISION_MISSING);

    exchange.release = honest;
    exchange.release.decision = &receipt;
    receipt.index ^= 1;
    assert_rejected(fed, &exchange, NODE_FAULT_DECISION_FORGED);
    receipt = *exchange.decision_receipt;
    receipt.extra = &extra;
    extra.part_salt.bytes[0] ^= 1;
    assert_rejected(fed, &exchange, NODE_FAULT_DECISION_FORGED);
    extra = *exchange.decision_receipt->extra;
    uint8_t note[4096];
    memcpy(note, receipt.checkpoint.data, receipt.checkpoint.size);
    note[strlen(ORIGIN) + 1] ^= 1; // another size
    receipt.checkpoint = bytes_of(note, receipt.checkpoint.size);
    assert_rejected(fed, &exchange, NODE_FAULT_DECISION_FORGED);
    fed_close(&fed);
}

TEST(a_checkpoint_by_another_log_key_is_rejected)
{
    struct error err;
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct seal_identity stolen;
    struct seal_identity honest = fed->log;
    struct proof_key honest_key = fed->log_key;
    assert_ok(seal_identity_create(SEAL_ROLE_LOG, "", ORIGIN, &stolen, &err));
    struct node_question question = fed_question();
    fed_request(fed, &question, &exchange);
    fed_decide(fed, &exchange);
    fed_decided(fed, &exchange);
    fed_answer(fed, &exchange, fed_values);
    fed_release(fed, &exchange);
    fed->log = stolen;
    assert_ok(proof_key_make(ORIGIN, PROOF_KEY_ED25519, &stolen.sign_key, &fed->log_key, &err));
    fed_released(fed, &exchange);
    fed->log = honest;
    fed->log_key = honest_key;
    assert_rejected(fed, &exchange, NODE_FAULT_RELEASE_FORGED);
    seal_identity_fini(&stolen);
    fed_close(&fed);
}

typedef void (*lie)(struct federation *fed, struct fed_exchange *exchange);

// A decision that is on record, but says something else than what was asked.
static void lying_decision(lie change, enum node_fault expected)
{
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    fed_exchange_run(fed, &exchange);
    change(fed, &exchange);
    exchange.decision_receipt = fed_record_exchange(fed, &exchange.decision);
    fed_release(fed, &exchange);
    fed_released(fed, &exchange);
    exchange.release.decision = exchange.decision_receipt;
    assert_rejected(fed, &exchange, expected);
    fed_close(&fed);
}

static void other_hash(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->decision.request_hash.bytes[0] ^= 1;
}

static void other_asker(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->decision.asker = bytes_text(OTHER);
}

static void other_purpose(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->decision.purpose = bytes_text("identity-check");
}

static void stronger_form(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->verdicts[3].given = bytes_text("over(18)");
}

static void fewer_fields(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->decision.verdicts_count--;
}

static void other_field(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->verdicts[0].name = bytes_text("eyesight");
}

static void other_signer(struct federation *fed, struct fed_exchange *exchange)
{
    exchange->decision.signer = fed->other.identity.sign_key;
}

TEST(a_decision_about_something_else_is_rejected)
{
    lying_decision(other_hash, NODE_FAULT_FOREIGN);
    lying_decision(other_asker, NODE_FAULT_FOREIGN);
    lying_decision(other_purpose, NODE_FAULT_DECISION_DIFFERS);
    lying_decision(stronger_form, NODE_FAULT_DECISION_DIFFERS);
    lying_decision(fewer_fields, NODE_FAULT_DECISION_DIFFERS);
    lying_decision(other_field, NODE_FAULT_DECISION_DIFFERS);
    lying_decision(other_signer, NODE_FAULT_DECISION_DIFFERS);
}

// A release that is on record, but not of this decision and answer.
static void lying_release(lie change, enum node_fault expected)
{
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    fed_exchange_run(fed, &exchange);
    change(fed, &exchange);
    fed_released(fed, &exchange);
    assert_rejected(fed, &exchange, expected);
    fed_close(&fed);
}

static void other_decision(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->ending.decision_leaf.bytes[0] ^= 1;
}

static void other_answer(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->ending.answer_hash.bytes[0] ^= 1;
}

static void fewer_released(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->ending.released_count--;
}

static void releases_another_field(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->released[exchange->ending.released_count - 1]++;
}

static void releases_one_field_twice(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->released[1] = exchange->released[0];
}

static void refused_instead(struct federation *fed, struct fed_exchange *exchange)
{
    (void)fed;
    exchange->ending.kind = WIRE_KIND_REFUSED;
    exchange->ending.reason = bytes_text("holder-silent");
}

TEST(a_release_of_another_decision_or_answer_is_rejected)
{
    lying_release(other_decision, NODE_FAULT_RELEASE_DIFFERS);
    lying_release(other_answer, NODE_FAULT_RELEASE_DIFFERS);
    lying_release(fewer_released, NODE_FAULT_RELEASE_DIFFERS);
    lying_release(releases_another_field, NODE_FAULT_RELEASE_DIFFERS);
    lying_release(releases_one_field_twice, NODE_FAULT_RELEASE_DIFFERS);
    lying_release(refused_instead, NODE_FAULT_RELEASE_DIFFERS);
}

TEST(the_same_receipt_does_not_serve_as_decision_and_release)
{
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    fed_exchange_run(fed, &exchange);
    exchange.release.release = exchange.release.decision;
    assert_rejected(fed, &exchange, NODE_FAULT_RELEASE_DIFFERS);
    fed_close(&fed);
}

TEST(an_answer_that_the_holder_did_not_sign_is_forged)
{
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    fed_exchange_run(fed, &exchange);
    exchange.release.answer = fed_head(fed, &fed->other, WIRE_ANSWER, exchange.answer_payload);
    assert_rejected(fed, &exchange, NODE_FAULT_ANSWER_FORGED);
    // Signed by the right key, but as another type of message.
    exchange.release.answer = fed_head(fed, &fed->holder, WIRE_REQUEST, exchange.payload);
    assert_rejected(fed, &exchange, NODE_FAULT_MALFORMED);
    uint8_t *head = arena_take(fed->arena, exchange.answer_head.size);
    memcpy(head, exchange.answer_head.data, exchange.answer_head.size);
    for (size_t at = 0; at + 4 < exchange.answer_head.size; at += 7) {
        head[at] ^= 1;
        exchange.release.answer = bytes_of(head, exchange.answer_head.size);
        struct node_opened opened;
        enum node_fault fault = NODE_FAULT_NONE;
        struct error err;
        struct node_open_setting setting = { .trust = &fed->trust,
                                             .cache = fed->cache,
                                             .catalogue = fed->catalogue,
                                             .arena = fed->arena };
        enum status status = node_release_open(&setting, &exchange.sent, &exchange.release,
                                               exchange.boxes, &opened, &fault, &err);
        head[at] ^= 1;
        // The head's ref is a hint and not signed; everything else is.
        assert_true(status != ST_OK || at < 24);
    }
    fed_close(&fed);
}

// An answer that the holder did sign, but changed: decoded, altered, encoded and signed again.
static void lying_answer(void (*change)(struct federation *fed, struct wire_answer *answer,
                                        struct wire_answer_field *fields),
                         enum node_fault expected)
{
    struct error err;
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct wire_answer answer;
    struct wire_answer_field fields[CATALOGUE_FIELDS_MAX];
    fed_exchange_run(fed, &exchange);
    assert_ok(wire_decode(WIRE_SCHEMA_ANSWER, exchange.answer_payload, fed->arena, &answer, &err));
    memcpy(fields, answer.fields, answer.fields_count * sizeof(fields[0]));
    answer.fields = fields;
    change(fed, &answer, fields);
    exchange.answer_payload = fed_pack(fed, WIRE_SCHEMA_ANSWER, &answer);
    exchange.answer_head = fed_head(fed, &fed->holder, WIRE_ANSWER, exchange.answer_payload);
    exchange.grant.field_count = answer.fields_count;
    fed_release(fed, &exchange);
    fed_released(fed, &exchange);
    assert_rejected(fed, &exchange, expected);
    fed_close(&fed);
}

static void answers_other_request(struct federation *fed, struct wire_answer *answer,
                                  struct wire_answer_field *fields)
{
    (void)fed;
    (void)fields;
    answer->request_hash.bytes[0] ^= 1;
}

static void answers_other_decision(struct federation *fed, struct wire_answer *answer,
                                   struct wire_answer_field *fields)
{
    (void)fed;
    (void)fields;
    answer->decision_leaf.bytes[0] ^= 1;
}

static void swaps_sealing_key(struct federation *fed, struct wire_answer *answer,
                              struct wire_answer_field *fields)
{
    (void)fields;
    answer->holder_announcement = fed->other.partner.announcement.hash;
}

static void gives_another_form(struct federation *fed, struct wire_answer *answer,
                               struct wire_answer_field *fields)
{
    (void)fed;
    (void)answer;
    fields[3].form = bytes_text("full");
}

static void gives_refused_field(struct federation *fed, struct wire_answer *answer,
                                struct wire_answer_field *fields)
{
    (void)fed;
    (void)answer;
    fields[2].index = 2;
    fields[2].name = bytes_text("diagnoses");
}

static void leaves_one_out(struct federation *fed, struct wire_answer *answer,
                           struct wire_answer_field *fields)
{
    (void)fed;
    (void)fields;
    answer->fields_count--;
}

static void lies_about_the_value(struct federation *fed, struct wire_answer *answer,
                                 struct wire_answer_field *fields)
{
    (void)fed;
    (void)answer;
    fields[0].commitment.bytes[0] ^= 1;
}

static void changes_the_nonce(struct federation *fed, struct wire_answer *answer,
                              struct wire_answer_field *fields)
{
    (void)fed;
    (void)fields;
    answer->answer_nonce.bytes[0] ^= 1;
}

TEST(a_lying_answer_of_the_holder_is_rejected_by_name)
{
    lying_answer(answers_other_request, NODE_FAULT_ANSWER_DIFFERS);
    lying_answer(answers_other_decision, NODE_FAULT_ANSWER_DIFFERS);
    lying_answer(swaps_sealing_key, NODE_FAULT_ANSWER_DIFFERS);
    lying_answer(gives_another_form, NODE_FAULT_FIELDS_DIFFER);
    lying_answer(gives_refused_field, NODE_FAULT_FIELDS_DIFFER);
    lying_answer(leaves_one_out, NODE_FAULT_FIELDS_DIFFER);
    lying_answer(lies_about_the_value, NODE_FAULT_BOX_SEALED);
    lying_answer(changes_the_nonce, NODE_FAULT_BOX_SEALED);
}

TEST(boxes_that_are_missing_swapped_or_changed_are_rejected)
{
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    fed_exchange_run(fed, &exchange);
    struct bytes honest = exchange.boxes;
    uint8_t *boxes = arena_take(fed->arena, honest.size + 1);
    memcpy(boxes, honest.data, honest.size);
    exchange.boxes = bytes_of(boxes, honest.size - 1);
    assert_rejected(fed, &exchange, NODE_FAULT_FIELDS_DIFFER);
    exchange.boxes = bytes_of(boxes, honest.size + 1);
    assert_rejected(fed, &exchange, NODE_FAULT_FIELDS_DIFFER);
    exchange.boxes = bytes_of(boxes, honest.size);
    boxes[10] ^= 1;
    assert_rejected(fed, &exchange, NODE_FAULT_BOX_DIFFERS);
    fed_close(&fed);
}

TEST(a_value_wider_than_its_form_is_withheld_and_the_others_are_given)
{
    struct error err;
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct node_opened opened;
    enum node_fault fault;
    struct node_question question = fed_question();
    fed_request(fed, &question, &exchange);
    fed_decide(fed, &exchange);
    fed_decided(fed, &exchange);
    assert_ok(fed_check_ask(fed, &exchange, &fed->asker.partner, &err));
    // A holder that seals the whole number under the name of its last four signs.
    struct catalogue_form full = { .kind = CATALOGUE_FORM_FULL };
    struct catalogue_form honest = exchange.grant.fields[3].form;
    struct digest pair = exchange.sent.pair;
    struct digest nonce = seal_random_digest();
    struct digest key = seal_answer_key(&pair, &exchange.sent.hash, &nonce);
    struct wire_answer_field fields[4] = { 0 };
    struct buffer boxes = buffer_init(100000);
    (void)full;
    for (size_t i = 0; i < 4; i++) {
        const struct node_granted *granted = &exchange.grant.fields[i];
        struct wire_box_content content = { .status = WIRE_BOX_VALUE,
                                            .salt = seal_random_digest(),
                                            .value = bytes_text(fed_values[i]) };
        char form[CATALOGUE_FORM_TEXT_BYTES];
        catalogue_form_format(granted->form, form);
        struct bytes plain = fed_pack(fed, WIRE_SCHEMA_BOX_CONTENT, &content);
        uint8_t *box = buffer_reserve(&boxes, plain.size + SEAL_TAG_BYTES);
        struct seal_field bound = { .request_hash = exchange.sent.hash,
                                    .index = (uint16_t)granted->index,
                                    .dataset = exchange.sent.request.dataset,
                                    .name = granted->field->name_bytes,
                                    .form = bytes_text(form) };
        seal_field_close(&key, &bound, plain, box);
        fields[i] = (struct wire_answer_field){
            .index = granted->index,
            .name = granted->field->name_bytes,
            .form = arena_copy(fed->arena, bytes_text(form)),
            .box_hash = seal_sha256(bytes_of(box, plain.size + SEAL_TAG_BYTES)),
            .box_length = (uint32_t)(plain.size + SEAL_TAG_BYTES),
            .commitment = seal_value_commitment(&exchange.sent.hash, granted->field->name_bytes,
                                                bytes_text(form), &content.salt, WIRE_BOX_VALUE,
                                                content.value),
        };
    }
    assert_int_equal(honest.kind, CATALOGUE_FORM_LAST4);
    struct wire_answer answer = { .version = 1,
                                  .id = exchange.sent.id,
                                  .request_hash = exchange.sent.hash,
                                  .decision_leaf = exchange.decision_leaf,
                                  .asker_announcement = exchange.sent.request.asker_announcement,
                                  .holder_announcement = exchange.sent.request.holder_announcement,
                                  .answer_nonce = nonce,
                                  .answered_at = fed->now_ms,
                                  .fields = fields,
                                  .fields_count = 4 };
    exchange.answer_payload = fed_pack(fed, WIRE_SCHEMA_ANSWER, &answer);
    exchange.answer_head = fed_head(fed, &fed->holder, WIRE_ANSWER, exchange.answer_payload);
    exchange.boxes = fed_keep(fed, &boxes);
    fed_release(fed, &exchange);
    fed_released(fed, &exchange);
    assert_ok(fed_open_release(fed, &exchange, &opened, &fault, &err));
    assert_int_equal(opened.fault, NODE_FAULT_TOO_WIDE);
    assert_int_equal(opened.fields[4].fault, NODE_FAULT_TOO_WIDE);
    assert_int_equal(opened.fields[4].value.size, 0);
    assert_true(bytes_equal_text(opened.fields[0].value, "true"));
    fed_close(&fed);
}

// --- refusals ---

static enum status open_refusal(struct federation *fed, struct fed_exchange *exchange,
                                const struct wire_refusal *refusal, struct node_opened *opened,
                                enum node_fault *fault, struct error *err)
{
    struct node_open_setting setting = {
        .trust = &fed->trust, .cache = fed->cache, .catalogue = fed->catalogue, .arena = fed->arena
    };
    return node_refusal_open(&setting, &exchange->sent, refusal, opened, fault, err);
}

TEST(a_refusal_with_its_ending_gives_each_field_its_reason)
{
    struct error err;
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct node_opened opened;
    enum node_fault fault;
    fed_exchange_run(fed, &exchange);
    exchange.ending.kind = WIRE_KIND_EXPIRED;
    exchange.ending.answer_hash = (struct digest){ 0 };
    exchange.ending.released_count = 0;
    exchange.ending.reason = bytes_text("holder-silent");
    struct wire_refusal refusal = { .version = 1,
                                    .id = exchange.sent.id,
                                    .reason = bytes_text("holder-silent"),
                                    .decision = exchange.decision_receipt,
                                    .ending = fed_record_exchange(fed, &exchange.ending) };
    assert_ok(open_refusal(fed, &exchange, &refusal, &opened, &fault, &err));
    assert_false(opened.released);
    assert_true(opened.recorded);
    assert_true(bytes_equal_text(opened.reason, "holder-silent"));
    assert_true(bytes_equal_text(opened.fields[0].reason, "holder-silent"));
    assert_true(bytes_equal_text(opened.fields[2].reason, "no-agreement"));
    assert_int_equal(opened.fields[0].given.size, 0);

    // The ending of another decision does not end this one.
    exchange.ending.decision_index++;
    refusal.ending = fed_record_exchange(fed, &exchange.ending);
    assert_status(ST_UNPROVEN, open_refusal(fed, &exchange, &refusal, &opened, &fault, &err));
    assert_int_equal(fault, NODE_FAULT_RELEASE_DIFFERS);
    fed_close(&fed);
}

TEST(a_decision_that_grants_and_a_refusal_without_ending_do_not_go_together)
{
    struct error err;
    struct federation *fed = fed_open();
    struct fed_exchange exchange;
    struct node_opened opened;
    enum node_fault fault;
    fed_exchange_run(fed, &exchange);
    struct wire_refusal refusal = { .version = 1,
                                    .id = exchange.sent.id,
                                    .reason = bytes_text("no-consent"),
                                    .decision = exchange.decision_receipt };
    assert_status(ST_UNPROVEN, open_refusal(fed, &exchange, &refusal, &opened, &fault, &err));
    assert_int_equal(fault, NODE_FAULT_RELEASE_MISSING);
    refusal.decision = NULL;
    assert_ok(open_refusal(fed, &exchange, &refusal, &opened, &fault, &err));
    assert_false(opened.recorded);
    refusal.id.bytes[0] ^= 1;
    assert_status(ST_UNPROVEN, open_refusal(fed, &exchange, &refusal, &opened, &fault, &err));
    assert_int_equal(fault, NODE_FAULT_FOREIGN);
    fed_close(&fed);
}
