// The holder's side. Nothing is answered on the broker's word: the asker's signature is traced to
// the registrar through the partner's card, the decision to the log through its receipt, and each
// granted field to an agreement in this node's own copy of the policy. Every granted field becomes
// exactly one box of the size that its form has, whatever the register said.
#include "node/answer.h"

#include "base/text.h"
#include "seal/batch.h"
#include "seal/exchange.h"
#include "seal/hash.h"
#include "seal/random.h"
#include "seal/secret.h"
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

enum {
    ID_TOLERANCE_MS = 5000,       // between a request's id and its time
    LIFE_MAX_MS = 15 * 60 * 1000, // of a request
    ANNOUNCEMENT_GRACE_MS = 5 * 60 * 1000,
    VALUE_MAX_BYTES = 65536
};

enum status node_ask_read(struct bytes payload, struct arena *arena, struct node_asked *asked,
                          struct error *err)
{
    struct node_asked made = { 0 };
    enum status status = wire_decode(WIRE_SCHEMA_ASK, payload, arena, &made.ask, err);
    if (status == ST_OK) {
        status = wire_decode(WIRE_SCHEMA_HEAD, made.ask.request, arena, &made.head, err);
    }
    if (status == ST_OK && (made.head.type != WIRE_REQUEST || made.head.sig == NULL)) {
        status = error_set(err, ST_UNPROVEN, "ask: without the asker's signed request");
    }
    if (status == ST_OK) {
        status = wire_decode(WIRE_SCHEMA_REQUEST, made.head.payload, arena, &made.request, err);
    }
    if (status != ST_OK) {
        return status;
    }
    made.hash = seal_request_hash(made.head.payload);
    *asked = made;
    return ST_OK;
}

// --- whose request, and when ---

static enum status check_asker(const struct node_ask_setting *setting,
                               const struct node_asked *asked, struct error *err)
{
    const struct node_partner *partner = setting->partner;
    if (!digest_equal(&partner->card.batch_key, &asked->head.sig->key)) {
        return error_set(err, ST_UNPROVEN, "request: signed by another key than %s's card names",
                         partner->card.member);
    }
    if (!bytes_equal_text(asked->request.asker, partner->card.member)) {
        return error_set(err, ST_UNPROVEN, "request: %s signed it in another member's name",
                         partner->card.member);
    }
    if (!digest_equal(&asked->request.asker_announcement, &partner->announcement.hash)) {
        return error_set(err, ST_UNPROVEN, "request of %s: names another sealing key",
                         partner->card.member);
    }
    if (setting->now_ms >= partner->card.not_after ||
        setting->now_ms >= partner->announcement.not_after + ANNOUNCEMENT_GRACE_MS) {
        return error_set(err, ST_STALE, "request of %s: its keys are no longer in force",
                         partner->card.member);
    }
    struct seal_batch_sig sig = { .key = asked->head.sig->key,
                                  .size = asked->head.sig->size,
                                  .index = asked->head.sig->index,
                                  .salt = asked->head.sig->salt,
                                  .path = asked->head.sig->path,
                                  .signature = asked->head.sig->signature };
    enum status status = seal_batch_verify(setting->cache, &setting->trust->audience, &sig,
                                           wire_type_name(WIRE_REQUEST), asked->head.payload, err);
    if (status != ST_OK) {
        error_wrap(err, "request of %s", partner->card.member);
    }
    return status;
}

static enum status check_time(const struct node_ask_setting *setting,
                              const struct node_asked *asked, struct error *err)
{
    const struct wire_request *request = &asked->request;
    int64_t id_ms = id_time_ms(&request->id);
    int64_t apart = id_ms - (int64_t)request->issued_at;
    if (id_ms < 0 || apart > ID_TOLERANCE_MS || apart < -ID_TOLERANCE_MS) {
        return error_set(err, ST_MALFORMED, "request: its id is of another time");
    }
    if (request->issued_at > setting->now_ms + NODE_CLOCK_TOLERANCE_MS) {
        return error_set(err, ST_STALE, "request: issued in the future; check both clocks");
    }
    if (request->expires_at <= setting->now_ms ||
        request->expires_at > request->issued_at + LIFE_MAX_MS) {
        return error_set(err, ST_STALE, "request: its time is over");
    }
    return ST_OK;
}

// --- what was decided ---

static enum status check_decision(const struct node_ask_setting *setting,
                                  const struct node_asked *asked,
                                  struct wire_exchange_part *decision, struct node_grant *grant,
                                  struct error *err)
{
    const struct wire_request *request = &asked->request;
    struct proof_proven proven;
    enum status status = node_trust_exchange(setting->trust, asked->ask.decision, "decision",
                                             setting->arena, decision, &proven, err);
    if (status != ST_OK) {
        return status;
    }
    if (decision->kind != WIRE_KIND_DECISION || !id_equal(&decision->exchange_id, &request->id) ||
        !digest_equal(&decision->request_hash, &asked->hash)) {
        return error_set(err, ST_UNPROVEN, "decision: about another request than was passed on");
    }
    if (!bytes_equal(decision->asker, request->asker) ||
        !bytes_equal_text(decision->holder, setting->member) ||
        !bytes_equal_text(request->holder, setting->member)) {
        return error_set(err, ST_UNPROVEN, "decision: between other members");
    }
    if (!bytes_equal(decision->dataset, request->dataset) ||
        !bytes_equal(decision->purpose, request->purpose) ||
        decision->basis != request->basis->kind) {
        return error_set(err, ST_UNPROVEN, "decision: another dataset, purpose or basis");
    }
    if (!digest_is_zero(&decision->signer) &&
        !digest_equal(&decision->signer, &asked->head.sig->key)) {
        return error_set(err, ST_UNPROVEN, "decision: about a request that another key signed");
    }
    if (decision->verdicts_count != request->fields_count) {
        return error_set(err, ST_UNPROVEN, "decision: other fields than are asked for");
    }
    grant->decision_leaf = proven.leaf_hash;
    grant->holder_check = decision->holder_check;
    grant->tag_key_id = decision->tag_key_id;
    return ST_OK;
}

// --- what the own policy says ---

static bool purpose_allowed(const struct catalogue_agreement *agreement, struct bytes purpose)
{
    for (size_t i = 0; i < agreement->purpose_count; i++) {
        if (bytes_equal_text(purpose, agreement->purposes[i]->code)) {
            return true;
        }
    }
    return false;
}

static bool role_allowed(const struct catalogue_agreement *agreement, struct bytes role)
{
    for (size_t i = 0; i < agreement->role_count; i++) {
        if (bytes_equal_text(role, agreement->roles[i]->code)) {
            return true;
        }
    }
    return agreement->role_count == 0;
}

static bool article_allowed(const struct catalogue_agreement *agreement, struct bytes article)
{
    for (size_t i = 0; i < agreement->article_count; i++) {
        if (bytes_equal_text(article, agreement->articles[i])) {
            return true;
        }
    }
    return false;
}

static enum status check_agreement(const struct node_ask_setting *setting,
                                   const struct node_asked *asked,
                                   const struct catalogue_agreement *agreement,
                                   const struct catalogue_dataset *dataset, struct error *err)
{
    const struct wire_request *request = &asked->request;
    if (agreement == NULL || agreement->dataset != dataset ||
        !bytes_equal_text(request->asker, agreement->asker->code)) {
        return error_set(err, ST_DENIED, "policy: no such agreement between these members");
    }
    const struct catalogue_member *self =
        catalogue_member(setting->catalogue, bytes_text(setting->member));
    if (self == NULL || !catalogue_is_holder(dataset, self)) {
        return error_set(err, ST_DENIED, "policy: this member does not hold %s", dataset->code);
    }
    if (!purpose_allowed(agreement, request->purpose)) {
        return error_set(err, ST_DENIED, "policy: agreement %s is not for this purpose",
                         agreement->id);
    }
    if (request->basis->kind >= CATALOGUE_BASIS_COUNT ||
        (agreement->bases >> request->basis->kind & 1) == 0) {
        return error_set(err, ST_DENIED, "policy: agreement %s is not for this basis",
                         agreement->id);
    }
    if (request->basis->kind == WIRE_BASIS_LAW &&
        !article_allowed(agreement, request->basis->article)) {
        return error_set(err, ST_DENIED, "policy: agreement %s does not name this article",
                         agreement->id);
    }
    if (!role_allowed(agreement, request->official_role)) {
        return error_set(err, ST_DENIED, "policy: agreement %s is not for this official role",
                         agreement->id);
    }
    if (agreement->case_required && request->case_ref.size == 0) {
        return error_set(err, ST_DENIED, "policy: agreement %s demands a case", agreement->id);
    }
    return ST_OK;
}

// One verdict against what was asked and what the agreement allows.
static enum status check_verdict(const struct wire_verdict *verdict,
                                 const struct wire_request *request, uint32_t index,
                                 const struct catalogue_agreement *agreement,
                                 struct node_grant *grant, struct error *err)
{
    const struct wire_field_ask *ask = &request->fields[index];
    if (!bytes_equal(verdict->name, ask->name) || !bytes_equal(verdict->asked, ask->form)) {
        return error_set(err, ST_UNPROVEN, "decision: other fields than are asked for");
    }
    if (verdict->given.size == 0) {
        return ST_OK;
    }
    struct catalogue_form asked;
    struct catalogue_form given;
    if (!catalogue_form_parse(verdict->asked, &asked) ||
        !catalogue_form_parse(verdict->given, &given) ||
        !(catalogue_form_equal(asked, given) ||
          (!request->exact && catalogue_form_stronger(asked, given)))) {
        return error_set(err, ST_UNPROVEN, "decision: gives another form than was asked for");
    }
    const struct catalogue_field *field = catalogue_field(grant->dataset, verdict->name);
    if (field == NULL) {
        return error_set(err, ST_DENIED, "policy: a granted field is not in the catalogue");
    }
    size_t place = (size_t)(field - grant->dataset->fields);
    if (!catalogue_form_set_covers(&agreement->forms[place], given) ||
        !catalogue_form_set_has(&field->forms, given)) {
        return error_set(err, ST_DENIED, "policy: agreement %s does not allow %s in that form",
                         agreement->id, field->name);
    }
    grant->fields[grant->field_count++] =
        (struct node_granted){ .index = index, .field = field, .form = given };
    return ST_OK;
}

enum status node_ask_check(const struct node_ask_setting *setting, const struct node_asked *asked,
                           struct node_grant *grant, struct error *err)
{
    struct node_grant made = { 0 };
    struct wire_exchange_part decision;
    enum status status = check_asker(setting, asked, err);
    if (status == ST_OK) {
        status = check_time(setting, asked, err);
    }
    if (status == ST_OK) {
        status = check_decision(setting, asked, &decision, &made, err);
    }
    if (status != ST_OK) {
        return status;
    }
    made.dataset = catalogue_dataset(setting->catalogue, asked->request.dataset);
    if (made.dataset == NULL) {
        return error_set(err, ST_DENIED, "policy: the catalogue has no such dataset");
    }
    const struct catalogue_agreement *agreement =
        catalogue_agreement(setting->catalogue, decision.agreement);
    status = check_agreement(setting, asked, agreement, made.dataset, err);
    for (uint32_t i = 0; status == ST_OK && i < decision.verdicts_count; i++) {
        status = check_verdict(&decision.verdicts[i], &asked->request, i, agreement, &made, err);
    }
    if (status == ST_OK && made.field_count == 0) {
        status =
            error_set(err, ST_UNPROVEN, "decision: grants nothing, so there is nothing to ask");
    }
    if (status == ST_OK) {
        *grant = made;
    }
    return status;
}

// --- parameters ---

enum status node_match_open(const struct node_asked *asked, const struct digest *pair,
                            struct arena *arena, struct node_match *match, struct error *err)
{
    struct node_match made = { 0 };
    const struct wire_request *request = &asked->request;
    if (request->params.size == 0) {
        *match = made;
        return ST_OK;
    }
    uint8_t *plain = arena_take(arena, request->params.size);
    if (plain == NULL) {
        return error_set(err, ST_NOMEM, "parameters: too large");
    }
    struct seal_params bound = { .nonce = request->nonce,
                                 .asker_announcement = request->asker_announcement,
                                 .holder_announcement = request->holder_announcement };
    if (request->params.size <= SEAL_TAG_BYTES ||
        !seal_params_open(pair, &bound, request->params, plain)) {
        return error_set(err, ST_UNPROVEN, "parameters: do not open");
    }
    struct wire_params params;
    enum status status =
        wire_decode(WIRE_SCHEMA_PARAMS, bytes_of(plain, request->params.size - SEAL_TAG_BYTES),
                    arena, &params, err);
    if (status != ST_OK) {
        return status;
    }
    for (size_t i = 0; i < params.items_count; i++) {
        if (params.items[i].index >= request->fields_count) {
            return error_set(err, ST_MALFORMED, "parameters: for a field that is not asked for");
        }
        made.values[params.items[i].index] = params.items[i].value;
    }
    *match = made;
    return ST_OK;
}

// --- the answer ---

// What one field's pseudonym is made from.
struct pseudonym {
    const struct node_asked *asked;
    const struct node_granted *granted;
    struct bytes key;
};

// BLAKE2b(holder's key, label ‖ lp(asker) ‖ lp(dataset) ‖ lp(field) ‖ value).
static enum status write_pseudonym(void *owner, struct bytes value, struct buffer *out,
                                   struct error *err)
{
    const struct pseudonym *pseudonym = owner;
    struct buffer bound = buffer_init(1024);
    buffer_bytes(&bound, seal_label("vedomo/1 pseudonym"));
    buffer_lp(&bound, pseudonym->asked->request.asker);
    buffer_lp(&bound, pseudonym->asked->request.dataset);
    buffer_lp(&bound, pseudonym->granted->field->name_bytes);
    enum status status = buffer_ok(&bound, "pseudonym", err);
    if (status == ST_OK) {
        struct bytes parts[] = { buffer_view(&bound), value };
        struct digest code = seal_blake2b(pseudonym->key, parts, ARRAY_COUNT(parts));
        char text[2 * DIGEST_BYTES + 1];
        text_hex_encode(bytes_digest(&code), text);
        buffer_text(out, text);
    }
    buffer_fini(&bound);
    return status;
}

// How many bytes of padding make a message grow by `growth`; false where no number does.
static bool padding_for(size_t growth, size_t *padding)
{
    size_t headers[] = { 2, 3, 4 }; // tag and length of one, two and three bytes
    size_t lowest[] = { 1, 128, 16384, 2097152 };
    if (growth == 0) {
        *padding = 0;
        return true;
    }
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        if (growth >= headers[i] + lowest[i] && growth < headers[i] + lowest[i + 1]) {
            *padding = growth - headers[i];
            return true;
        }
    }
    return false;
}

// Packs the content to exactly `size` bytes. Two sizes cannot be reached by padding alone, because
// its length takes another byte just there: then the source gets a space more.
static enum status pack_box(struct wire_box_content *content, size_t size, struct buffer *out,
                            struct error *err)
{
    static const uint8_t zeros[CATALOGUE_BOX_SOURCE_MAX];
    char source[CATALOGUE_BOX_SOURCE_MAX + 1];
    struct buffer bare = buffer_init(VALUE_MAX_BYTES * 2);
    enum status status = wire_encode(WIRE_SCHEMA_BOX_CONTENT, content, &bare, err);
    size_t padding = 0;
    bool reached = status == ST_OK && bare.size <= size && padding_for(size - bare.size, &padding);
    if (status == ST_OK && !reached && content->source.size < CATALOGUE_BOX_SOURCE_MAX) {
        if (content->source.size > 0) {
            memcpy(source, content->source.data, content->source.size);
        }
        source[content->source.size] = ' ';
        content->source = bytes_of(source, content->source.size + 1);
        buffer_clear(&bare);
        status = wire_encode(WIRE_SCHEMA_BOX_CONTENT, content, &bare, err);
        reached = status == ST_OK && bare.size <= size && padding_for(size - bare.size, &padding);
    }
    if (status == ST_OK && !reached) {
        status = error_set(err, ST_MALFORMED, "box: %zu bytes do not fit %zu", bare.size, size);
    }
    buffer_fini(&bare);
    if (status != ST_OK) {
        return status;
    }
    uint8_t *filler = padding <= sizeof(zeros) ? NULL : calloc(1, padding);
    if (padding > sizeof(zeros) && filler == NULL) {
        return error_set(err, ST_NOMEM, "box: no memory");
    }
    content->padding = bytes_of(filler == NULL ? zeros : filler, padding);
    status = wire_encode(WIRE_SCHEMA_BOX_CONTENT, content, out, err);
    free(filler);
    return status;
}

// One build under way.
struct building {
    const struct node_asked *asked;
    const struct node_answer_setting *setting;
    struct digest key;
    struct buffer value; // of the field at hand
    struct buffer plain; // its box before sealing
};

// What leaves of the register's value: building->value and the box's status.
static enum status apply_form(struct building *building, const struct node_granted *granted,
                              const struct node_found *found, uint32_t *box_status,
                              struct error *err)
{
    struct pseudonym pseudonym = { .asked = building->asked,
                                   .granted = granted,
                                   .key = building->setting->pseudonym_key };
    struct catalogue_value_context context = {
        .parameter = building->setting->match->values[granted->index],
        .now_ms = (int64_t)building->setting->now_ms,
        .pseudonym = pseudonym.key.size > 0 ? write_pseudonym : NULL,
        .owner = &pseudonym,
    };
    enum catalogue_value_status result = found->status;
    if (found->status == CATALOGUE_VALUE_PRESENT) {
        enum status status = catalogue_value_apply(granted->field, granted->form, found->value,
                                                   &context, &building->value, &result, err);
        if (status != ST_OK) {
            return status;
        }
    }
    *box_status = (uint32_t)result;
    return ST_OK;
}

static enum status build_field(struct building *building, const struct node_granted *granted,
                               const struct node_found *found, struct wire_answer_field *field,
                               struct buffer *boxes, struct error *err)
{
    buffer_clear(&building->value);
    buffer_clear(&building->plain);
    struct wire_box_content content = { .salt = seal_random_digest(),
                                        .source = building->setting->source,
                                        .last_updated = building->setting->last_updated };
    enum status status = apply_form(building, granted, found, &content.status, err);
    if (status != ST_OK) {
        return status;
    }
    const struct wire_request *request = &building->asked->request;
    char form[CATALOGUE_FORM_TEXT_BYTES];
    catalogue_form_format(granted->form, form);
    content.value = buffer_view(&building->value);
    field->commitment =
        seal_value_commitment(&building->asked->hash, granted->field->name_bytes, bytes_text(form),
                              &content.salt, (uint8_t)content.status, content.value);
    status = pack_box(&content, catalogue_box_bytes(granted->field, granted->form),
                      &building->plain, err);
    if (status != ST_OK) {
        error_wrap(err, "field %s", granted->field->name);
        return status;
    }
    size_t size = building->plain.size + SEAL_TAG_BYTES;
    uint8_t *box = buffer_reserve(boxes, size);
    if (box == NULL) {
        return error_set(err, ST_FULL, "boxes: more than one message carries");
    }
    struct seal_field bound = { .request_hash = building->asked->hash,
                                .index = (uint16_t)granted->index,
                                .dataset = request->dataset,
                                .name = granted->field->name_bytes,
                                .form = bytes_text(form) };
    seal_field_close(&building->key, &bound, buffer_view(&building->plain), box);
    field->index = granted->index;
    field->box_hash = seal_sha256(bytes_of(box, size));
    field->box_length = (uint32_t)size;
    return ST_OK;
}

// Fields, boxes and the answer's payload.
static enum status build(struct building *building, const struct node_grant *grant,
                         const struct node_found *found, struct wire_answer *answer,
                         struct buffer *payload, struct buffer *boxes, struct error *err)
{
    struct wire_answer_field fields[CATALOGUE_FIELDS_MAX] = { 0 };
    char forms[CATALOGUE_FIELDS_MAX][CATALOGUE_FORM_TEXT_BYTES];
    for (size_t i = 0; i < grant->field_count; i++) {
        const struct node_granted *granted = &grant->fields[i];
        enum status status = build_field(building, granted, &found[i], &fields[i], boxes, err);
        if (status != ST_OK) {
            return status;
        }
        catalogue_form_format(granted->form, forms[i]);
        fields[i].name = granted->field->name_bytes;
        fields[i].form = bytes_text(forms[i]);
    }
    answer->fields = fields;
    answer->fields_count = grant->field_count;
    return wire_encode(WIRE_SCHEMA_ANSWER, answer, payload, err);
}

enum status node_answer_build(const struct node_asked *asked, const struct node_grant *grant,
                              const struct node_found *found,
                              const struct node_answer_setting *setting, struct buffer *payload,
                              struct buffer *boxes, struct error *err)
{
    struct wire_answer answer = { .version = 1,
                                  .id = asked->request.id,
                                  .request_hash = asked->hash,
                                  .decision_leaf = grant->decision_leaf,
                                  .asker_announcement = asked->request.asker_announcement,
                                  .holder_announcement = asked->request.holder_announcement,
                                  .answer_nonce = seal_random_digest(),
                                  .answered_at = setting->now_ms };
    struct building building = { .asked = asked,
                                 .setting = setting,
                                 .value = buffer_init(VALUE_MAX_BYTES),
                                 .plain = buffer_init(VALUE_MAX_BYTES * 2) };
    building.key = seal_answer_key(setting->pair, &asked->hash, &answer.answer_nonce);
    enum status status = build(&building, grant, found, &answer, payload, boxes, err);
    seal_wipe(&building.key, sizeof(building.key));
    if (building.value.data != NULL) {
        seal_wipe(building.value.data, building.value.capacity);
    }
    if (building.plain.data != NULL) {
        seal_wipe(building.plain.data, building.plain.capacity);
    }
    buffer_fini(&building.value);
    buffer_fini(&building.plain);
    return status;
}
