// Checks what came back, in this order: the decision's receipt and that it is about the request
// that was sent; the release's receipt and that it follows from that decision; the holder's
// signature and that the answer belongs to both; that listed, granted and delivered are the same
// fields; each box against its signed hash, its seal, its commitment and its form. The first thing
// that does not hold ends it, but for a value that is wider than its form: that one alone is
// withheld.
#include "node/open.h"

#include "seal/batch.h"
#include "seal/exchange.h"
#include "seal/hash.h"
#include "seal/secret.h"
#include "wire/wire.h"

#include <string.h>

const char *node_fault_name(enum node_fault fault)
{
    static const char *const names[NODE_FAULT_COUNT] = {
        [NODE_FAULT_NONE] = "none",
        [NODE_FAULT_MALFORMED] = "malformed",
        [NODE_FAULT_FOREIGN] = "foreign",
        [NODE_FAULT_REPLAYED] = "replayed",
        [NODE_FAULT_DECISION_MISSING] = "decision-missing",
        [NODE_FAULT_DECISION_FORGED] = "decision-forged",
        [NODE_FAULT_DECISION_DIFFERS] = "decision-differs",
        [NODE_FAULT_RELEASE_MISSING] = "release-missing",
        [NODE_FAULT_RELEASE_FORGED] = "release-forged",
        [NODE_FAULT_RELEASE_DIFFERS] = "release-differs",
        [NODE_FAULT_ANSWER_FORGED] = "answer-forged",
        [NODE_FAULT_ANSWER_DIFFERS] = "answer-differs",
        [NODE_FAULT_FIELDS_DIFFER] = "fields-differ",
        [NODE_FAULT_BOX_DIFFERS] = "box-differs",
        [NODE_FAULT_BOX_SEALED] = "box-sealed-otherwise",
        [NODE_FAULT_TOO_WIDE] = "wider-than-its-form",
        [NODE_FAULT_PERSON_DIFFERS] = "person-differs",
    };
    return fault < NODE_FAULT_COUNT ? names[fault] : "none";
}

// One check under way.
struct opening {
    const struct node_open_setting *setting;
    const struct node_sent *sent;
    struct wire_exchange_part decision;
    struct wire_exchange_part ending; // of a release
    struct proof_proven decision_proven;
    struct node_opened opened;
    enum node_fault fault;
    struct error *err;
};

static enum status fail(struct opening *opening, enum node_fault fault, const char *what)
{
    opening->fault = fault;
    return error_set(opening->err, ST_UNPROVEN, "%s: %s", node_fault_name(fault), what);
}

// The error is there already: names the fault in front of it.
static enum status fail_wrapped(struct opening *opening, enum node_fault fault)
{
    opening->fault = fault;
    error_wrap(opening->err, "%s", node_fault_name(fault));
    return ST_UNPROVEN;
}

// --- the decision ---

// The verdicts are about the fields that were asked for, and give nothing beyond them.
static enum status check_verdicts(struct opening *opening)
{
    const struct wire_request *request = &opening->sent->request;
    const struct wire_exchange_part *decision = &opening->decision;
    if (decision->verdicts_count != request->fields_count) {
        return fail(opening, NODE_FAULT_DECISION_DIFFERS, "other fields than were asked for");
    }
    opening->opened.field_count = request->fields_count;
    for (size_t i = 0; i < request->fields_count; i++) {
        const struct wire_verdict *verdict = &decision->verdicts[i];
        if (!bytes_equal(verdict->name, request->fields[i].name) ||
            !bytes_equal(verdict->asked, request->fields[i].form)) {
            return fail(opening, NODE_FAULT_DECISION_DIFFERS, "other fields than were asked for");
        }
        struct catalogue_form asked = { 0 };
        struct catalogue_form given = { 0 };
        bool gives = verdict->given.size > 0;
        bool known = catalogue_form_parse(verdict->asked, &asked) &&
                     (!gives || catalogue_form_parse(verdict->given, &given));
        bool weaker = !request->exact && catalogue_form_stronger(asked, given);
        if (gives && (!known || !(catalogue_form_equal(asked, given) || weaker))) {
            return fail(opening, NODE_FAULT_DECISION_DIFFERS, "gives another form than was asked");
        }
        opening->opened.fields[i] = (struct node_opened_field){ .name = verdict->name,
                                                                .asked = verdict->asked,
                                                                .given = verdict->given,
                                                                .reason = verdict->reason };
    }
    return ST_OK;
}

static struct node_tree tree_of(const struct proof_proven *proven)
{
    return (struct node_tree){ .size = proven->checkpoint.size, .root = proven->checkpoint.root };
}

static enum status check_decision(struct opening *opening, const struct wire_receipt *receipt)
{
    const struct wire_request *request = &opening->sent->request;
    struct wire_exchange_part *decision = &opening->decision;
    if (receipt == NULL) {
        return fail(opening, NODE_FAULT_DECISION_MISSING, "no receipt of the decision");
    }
    if (node_trust_exchange(opening->setting->trust, receipt, "decision", opening->setting->arena,
                            decision, &opening->decision_proven, opening->err) != ST_OK) {
        return fail_wrapped(opening, NODE_FAULT_DECISION_FORGED);
    }
    bool same_request = id_equal(&decision->exchange_id, &opening->sent->id) &&
                        digest_equal(&decision->request_hash, &opening->sent->hash);
    bool same_members = bytes_equal(decision->asker, request->asker) &&
                        bytes_equal(decision->holder, request->holder);
    if (decision->kind != WIRE_KIND_DECISION || !same_request || !same_members) {
        return fail(opening, NODE_FAULT_FOREIGN, "the decision is about another request");
    }
    if (!bytes_equal(decision->dataset, request->dataset) ||
        !bytes_equal(decision->purpose, request->purpose) ||
        decision->basis != request->basis->kind) {
        return fail(opening, NODE_FAULT_DECISION_DIFFERS,
                    "another dataset, purpose or basis than was asked");
    }
    if (!digest_is_zero(&decision->signer) &&
        !digest_equal(&decision->signer, &opening->sent->own_key)) {
        return fail(opening, NODE_FAULT_DECISION_DIFFERS, "another key signed the request");
    }
    opening->opened.recorded = true;
    opening->opened.decision_index = receipt->index;
    opening->opened.decision_tree = tree_of(&opening->decision_proven);
    opening->opened.asker_check = decision->asker_check;
    opening->opened.tag_key_id = decision->tag_key_id;
    return check_verdicts(opening);
}

// --- what follows from it ---

static bool follows(const struct opening *opening, const struct wire_receipt *receipt,
                    const struct wire_exchange_part *part)
{
    return id_equal(&part->exchange_id, &opening->sent->id) &&
           part->decision_index == opening->opened.decision_index &&
           digest_equal(&part->decision_leaf, &opening->decision_proven.leaf_hash) &&
           receipt->index > opening->opened.decision_index;
}

static bool same_numbers(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof(*a)) == 0);
}

static enum status check_release(struct opening *opening, const struct wire_release *release,
                                 const struct wire_head *head, const struct wire_answer *answer)
{
    struct wire_exchange_part *part = &opening->ending;
    struct proof_proven proven;
    if (release->release == NULL) {
        return fail(opening, NODE_FAULT_RELEASE_MISSING, "no receipt of the release");
    }
    if (node_trust_exchange(opening->setting->trust, release->release, "release",
                            opening->setting->arena, part, &proven, opening->err) != ST_OK) {
        return fail_wrapped(opening, NODE_FAULT_RELEASE_FORGED);
    }
    if (part->kind != WIRE_KIND_RELEASED || !follows(opening, release->release, part)) {
        return fail(opening, NODE_FAULT_RELEASE_DIFFERS, "the release is of another decision");
    }
    struct digest answer_hash = seal_sha256(head->payload);
    if (!digest_equal(&part->answer_hash, &answer_hash)) {
        return fail(opening, NODE_FAULT_RELEASE_DIFFERS, "another answer was recorded");
    }
    if (!same_numbers(part->withheld, part->withheld_count, release->withheld,
                      release->withheld_count) ||
        part->released_count + part->withheld_count != answer->fields_count) {
        return fail(opening, NODE_FAULT_RELEASE_DIFFERS,
                    "other fields were recorded than are passed on");
    }
    opening->opened.ending_index = release->release->index;
    opening->opened.ending_tree = tree_of(&proven);
    return ST_OK;
}

// --- the answer ---

static enum status read_answer(struct opening *opening, const struct wire_release *release,
                               struct wire_head *head, struct wire_answer *answer)
{
    struct arena *arena = opening->setting->arena;
    if (wire_decode(WIRE_SCHEMA_HEAD, release->answer, arena, head, opening->err) != ST_OK ||
        wire_decode(WIRE_SCHEMA_ANSWER, head->payload, arena, answer, opening->err) != ST_OK) {
        return fail_wrapped(opening, NODE_FAULT_MALFORMED);
    }
    if (head->type != WIRE_ANSWER || head->sig == NULL ||
        !digest_equal(&head->sig->key, &opening->sent->holder_key)) {
        return fail(opening, NODE_FAULT_ANSWER_FORGED, "not signed by the holder's key");
    }
    struct seal_batch_sig sig = { .key = head->sig->key,
                                  .size = head->sig->size,
                                  .index = head->sig->index,
                                  .salt = head->sig->salt,
                                  .path = head->sig->path,
                                  .signature = head->sig->signature };
    if (seal_batch_verify(opening->setting->cache, &opening->setting->trust->audience, &sig,
                          wire_type_name(WIRE_ANSWER), head->payload, opening->err) != ST_OK) {
        return fail_wrapped(opening, NODE_FAULT_ANSWER_FORGED);
    }
    return ST_OK;
}

static enum status check_answer(struct opening *opening, const struct wire_answer *answer)
{
    const struct node_sent *sent = opening->sent;
    if (!id_equal(&answer->id, &sent->id) || !digest_equal(&answer->request_hash, &sent->hash)) {
        return fail(opening, NODE_FAULT_ANSWER_DIFFERS, "the answer is to another request");
    }
    if (!digest_equal(&answer->decision_leaf, &opening->decision_proven.leaf_hash)) {
        return fail(opening, NODE_FAULT_ANSWER_DIFFERS, "the answer is to another decision");
    }
    if (!digest_equal(&answer->asker_announcement, &sent->request.asker_announcement) ||
        !digest_equal(&answer->holder_announcement, &sent->request.holder_announcement)) {
        return fail(opening, NODE_FAULT_ANSWER_DIFFERS, "sealed with another key than was named");
    }
    return ST_OK;
}

static bool is_withheld(const struct wire_release *release, size_t place)
{
    for (size_t i = 0; i < release->withheld_count; i++) {
        if (release->withheld[i] == place) {
            return true;
        }
    }
    return false;
}

// The field of the request that the decision granted as the answer lists it; NULL: nobody granted
// that.
static struct node_opened_field *granted_field(struct opening *opening,
                                               const struct wire_answer_field *field)
{
    if (field->index >= opening->opened.field_count) {
        return NULL;
    }
    struct node_opened_field *opened = &opening->opened.fields[field->index];
    bool granted = opened->given.size > 0 && bytes_equal(field->name, opened->name) &&
                   bytes_equal(field->form, opened->given);
    return granted ? opened : NULL;
}

// What was listed and granted; each field at most once, in the order of the request. What the
// holder listed beyond that was stripped on the way, and is on record against it.
static enum status check_fields(struct opening *opening, const struct wire_release *release,
                                const struct wire_answer *answer)
{
    uint32_t after = 0; // the lowest place that may come next
    size_t granted = 0;
    for (size_t i = 0; i < answer->fields_count; i++) {
        const struct wire_answer_field *field = &answer->fields[i];
        if (granted_field(opening, field) == NULL) {
            if (!is_withheld(release, i)) {
                return fail(opening, NODE_FAULT_FIELDS_DIFFER, "a field that nobody granted");
            }
            continue;
        }
        if (field->index < after) {
            return fail(opening, NODE_FAULT_FIELDS_DIFFER, "a field twice, or out of its order");
        }
        after = field->index + 1;
        granted++;
    }
    size_t expected = 0;
    for (size_t i = 0; i < opening->opened.field_count; i++) {
        expected += opening->opened.fields[i].given.size > 0 ? 1 : 0;
    }
    if (granted != expected) {
        return fail(opening, NODE_FAULT_FIELDS_DIFFER, "a granted field is not in the answer");
    }
    return ST_OK;
}

// The release's entry names each field that is passed on, and no other: the person's list shows
// what it says.
static enum status check_recorded(struct opening *opening, const struct wire_release *release,
                                  const struct wire_answer *answer)
{
    const struct wire_exchange_part *part = &opening->ending;
    size_t passed = 0;
    bool same = true;
    for (size_t i = 0; same && i < answer->fields_count; i++) {
        if (!is_withheld(release, i)) {
            same =
                passed < part->released_count && part->released[passed] == answer->fields[i].index;
            passed++;
        }
    }
    return same && passed == part->released_count
               ? ST_OK
               : fail(opening, NODE_FAULT_RELEASE_DIFFERS,
                      "other fields were recorded than are passed on");
}

// --- the boxes ---

// Hands out the value, or withholds it: no value is handed out that was not checked.
static void take_value(struct opening *opening, struct node_opened_field *opened,
                       const struct wire_box_content *content)
{
    const struct catalogue_dataset *dataset =
        catalogue_dataset(opening->setting->catalogue, opening->sent->request.dataset);
    const struct catalogue_field *field =
        dataset == NULL ? NULL : catalogue_field(dataset, opened->name);
    struct catalogue_form form = { 0 };
    bool fits = field != NULL && catalogue_form_parse(opened->given, &form) &&
                catalogue_value_fits(field, form, content->value);
    opened->delivered = true;
    opened->status = content->status;
    opened->source = content->source;
    opened->last_updated = content->last_updated;
    if (content->status == WIRE_BOX_VALUE && fits) {
        opened->value = content->value;
    } else if (content->status == WIRE_BOX_VALUE || content->value.size > 0) {
        opened->fault = NODE_FAULT_TOO_WIDE;
        opening->opened.fault = NODE_FAULT_TOO_WIDE;
    }
}

static enum status open_box(struct opening *opening, const struct wire_answer_field *field,
                            const struct digest *answer_key, struct bytes box)
{
    const struct node_sent *sent = opening->sent;
    struct digest hash = seal_sha256(box);
    if (box.size <= SEAL_TAG_BYTES || !digest_equal(&hash, &field->box_hash)) {
        return fail(opening, NODE_FAULT_BOX_DIFFERS, "a box is not the one that was signed");
    }
    uint8_t *plain = arena_take(opening->setting->arena, box.size);
    if (plain == NULL) {
        opening->fault = NODE_FAULT_MALFORMED;
        return error_set(opening->err, ST_NOMEM, "boxes: too large");
    }
    struct seal_field bound = { .request_hash = sent->hash,
                                .index = (uint16_t)field->index,
                                .dataset = sent->request.dataset,
                                .name = field->name,
                                .form = field->form };
    struct wire_box_content content;
    if (!seal_field_open(answer_key, &bound, box, plain)) {
        return fail(opening, NODE_FAULT_BOX_SEALED, "a box does not open");
    }
    if (wire_decode(WIRE_SCHEMA_BOX_CONTENT, bytes_of(plain, box.size - SEAL_TAG_BYTES),
                    opening->setting->arena, &content, opening->err) != ST_OK) {
        return fail_wrapped(opening, NODE_FAULT_BOX_SEALED);
    }
    struct digest commitment =
        seal_value_commitment(&sent->hash, field->name, field->form, &content.salt,
                              (uint8_t)content.status, content.value);
    if (!digest_equal(&commitment, &field->commitment)) {
        return fail(opening, NODE_FAULT_BOX_SEALED, "a box holds another value than committed to");
    }
    take_value(opening, &opening->opened.fields[field->index], &content);
    return ST_OK;
}

static enum status open_boxes(struct opening *opening, const struct wire_release *release,
                              const struct wire_answer *answer, struct bytes boxes)
{
    struct digest key =
        seal_answer_key(&opening->sent->pair, &opening->sent->hash, &answer->answer_nonce);
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < answer->fields_count; i++) {
        const struct wire_answer_field *field = &answer->fields[i];
        if (is_withheld(release, i)) {
            // Granted, and yet not passed on: the broker found fault with the box.
            struct node_opened_field *opened = granted_field(opening, field);
            if (opened != NULL) {
                opened->fault = NODE_FAULT_BOX_DIFFERS;
            }
            continue;
        }
        if (field->box_length > boxes.size) {
            status = fail(opening, NODE_FAULT_FIELDS_DIFFER, "a box is missing");
            break;
        }
        status = open_box(opening, field, &key, bytes_of(boxes.data, field->box_length));
        boxes = bytes_of(boxes.data + field->box_length, boxes.size - field->box_length);
    }
    if (status == ST_OK && boxes.size > 0) {
        status = fail(opening, NODE_FAULT_FIELDS_DIFFER, "more boxes than were listed");
    }
    seal_wipe(&key, sizeof(key));
    return status;
}

static enum status run_release(struct opening *opening, const struct wire_release *release,
                               struct bytes boxes)
{
    if (!id_equal(&release->id, &opening->sent->id)) {
        return fail(opening, NODE_FAULT_FOREIGN, "the release is of another request");
    }
    struct wire_head head;
    struct wire_answer answer;
    enum status status = check_decision(opening, release->decision);
    if (status == ST_OK) {
        status = read_answer(opening, release, &head, &answer);
    }
    if (status == ST_OK) {
        status = check_release(opening, release, &head, &answer);
    }
    if (status == ST_OK) {
        status = check_answer(opening, &answer);
    }
    if (status == ST_OK) {
        status = check_fields(opening, release, &answer);
    }
    if (status == ST_OK) {
        status = check_recorded(opening, release, &answer);
    }
    if (status == ST_OK) {
        status = open_boxes(opening, release, &answer, boxes);
    }
    opening->opened.released = true;
    return status;
}

enum status node_release_open(const struct node_open_setting *setting, const struct node_sent *sent,
                              const struct wire_release *release, struct bytes boxes,
                              struct node_opened *opened, enum node_fault *fault, struct error *err)
{
    struct error ignored;
    struct opening opening = { .setting = setting,
                               .sent = sent,
                               .err = err == NULL ? &ignored : err };
    enum status status = run_release(&opening, release, boxes);
    *fault = opening.fault;
    if (status == ST_OK) {
        *opened = opening.opened;
    }
    return status;
}

// --- refusals ---

// Why nothing came of what the decision had granted.
static enum status check_ending(struct opening *opening, const struct wire_refusal *refusal)
{
    struct wire_exchange_part part;
    struct proof_proven proven;
    if (node_trust_exchange(opening->setting->trust, refusal->ending, "ending",
                            opening->setting->arena, &part, &proven, opening->err) != ST_OK) {
        return fail_wrapped(opening, NODE_FAULT_RELEASE_FORGED);
    }
    // It was released before, and the broker no longer holds the answer: the proof of that.
    bool released = part.kind == WIRE_KIND_RELEASED &&
                    bytes_equal_text(refusal->reason, "released-undelivered");
    bool ends = part.kind == WIRE_KIND_REFUSED || part.kind == WIRE_KIND_EXPIRED ||
                part.kind == WIRE_KIND_CANCELLED || released;
    if (!ends || !follows(opening, refusal->ending, &part)) {
        return fail(opening, NODE_FAULT_RELEASE_DIFFERS, "the ending is of another decision");
    }
    opening->opened.ending_index = refusal->ending->index;
    opening->opened.ending_tree = tree_of(&proven);
    opening->opened.reason = released ? refusal->reason : part.reason;
    for (size_t i = 0; i < opening->opened.field_count; i++) {
        struct node_opened_field *field = &opening->opened.fields[i];
        if (field->given.size > 0) {
            field->given = (struct bytes){ 0 };
            field->reason = opening->opened.reason;
        }
    }
    return ST_OK;
}

static enum status run_refusal(struct opening *opening, const struct wire_refusal *refusal)
{
    static const struct id nobody;
    if (!id_equal(&refusal->id, &opening->sent->id) && !id_equal(&refusal->id, &nobody)) {
        return fail(opening, NODE_FAULT_FOREIGN, "the refusal is of another request");
    }
    opening->opened.retry_after_ms = refusal->retry_after_ms;
    opening->opened.message = refusal->message;
    opening->opened.reason = refusal->reason;
    if (refusal->decision == NULL) {
        return ST_OK;
    }
    enum status status = check_decision(opening, refusal->decision);
    if (status != ST_OK) {
        return status;
    }
    if (refusal->ending != NULL) {
        return check_ending(opening, refusal);
    }
    for (size_t i = 0; i < opening->opened.field_count; i++) {
        if (opening->opened.fields[i].given.size > 0) {
            return fail(opening, NODE_FAULT_RELEASE_MISSING,
                        "a field was granted, and nothing says why it does not come");
        }
    }
    return ST_OK;
}

enum status node_refusal_open(const struct node_open_setting *setting, const struct node_sent *sent,
                              const struct wire_refusal *refusal, struct node_opened *opened,
                              enum node_fault *fault, struct error *err)
{
    struct error ignored;
    struct opening opening = { .setting = setting,
                               .sent = sent,
                               .err = err == NULL ? &ignored : err };
    enum status status = run_refusal(&opening, refusal);
    *fault = opening.fault;
    if (status == ST_OK) {
        *opened = opening.opened;
    }
    return status;
}
