// What an operator hands in: cards and orders that the registrar signed, bundles that the policy
// keys signed. The operator's own key gives none of it any weight. What an officer orders stands in
// control_hold.c.
#include "broker/control.h"

#include "base/event.h"
#include "broker/proof.h"
#include "catalogue/diff.h"
#include "seal/hash.h"

#include <unistd.h>

enum status control_fill_record(struct control *control, struct job *job, enum wire_kind kind,
                                const char *member, struct error *err)
{
    const struct wire_control *message = job->payload;
    struct wire_public_part *public_part = arena_take(job->arena, sizeof(*public_part));
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    if (public_part == NULL || officer == NULL) {
        return error_set(err, ST_NOMEM, "no memory for the order");
    }
    *public_part = (struct wire_public_part){ .format = 1,
                                              .kind = kind,
                                              .signed_ = message->signed_,
                                              .member = job_keep(job, bytes_text(member)),
                                              .recorded_at = (uint64_t)control->now_ms };
    *officer = (struct wire_officer_part){ .format = 1,
                                           .kind = kind,
                                           .reader = job->from.member,
                                           .node = job->from.node,
                                           .decided_at = (uint64_t)control->now_ms };
    job->record.class = WIRE_CLASS_GOVERNANCE;
    job->record.receipt_part = WIRE_PART_PUBLIC;
    job->record.public_ = public_part;
    job->record.officer = officer;
    job->record.signed_message = message->signed_;
    return ST_OK;
}

static enum status member_named(struct control *control, struct job *job, enum registry_label label,
                                char member[REGISTRY_MEMBER_BYTES], struct error *err)
{
    const struct wire_control *message = job->payload;
    struct bytes origin = control->broker->home.origin;
    struct bytes payload;
    struct registry_card card;
    struct registry_order order;
    enum status status = registry_signed_payload(message->signed_, job->arena, &payload, err);
    if (status == ST_OK && label == REGISTRY_CARD) {
        status = registry_card_decode(payload, origin, &card, err);
    } else if (status == ST_OK) {
        status = registry_order_decode(payload, origin, &order, err);
    }
    if (status == ST_OK) {
        memcpy(member, label == REGISTRY_CARD ? card.member : order.member, REGISTRY_MEMBER_BYTES);
    }
    return status;
}

static enum status change_registry(struct control *control, struct job *job,
                                   enum registry_label label, struct error *err)
{
    const struct wire_control *message = job->payload;
    char member[REGISTRY_MEMBER_BYTES];
    struct registry *next = NULL;
    struct registry_change change = { .label = label, .signed_message = message->signed_ };
    enum status status = registry_next(control->registry, &change, 1, &next, err);
    registry_destroy(&next);
    if (status == ST_OK) {
        status = member_named(control, job, label, member, err);
    }
    if (status == ST_OK && message->dry_run) {
        frame_result(&control->maker, job, &(struct wire_result){ 0 }, (struct bytes){ 0 });
        return ST_OK;
    }
    if (status == ST_OK) {
        job->record.kind = RECORD_REGISTRY;
        job->record.label = label;
        status = control_fill_record(
            control, job, label == REGISTRY_CARD ? WIRE_KIND_MEMBER : WIRE_KIND_ORDER, member, err);
    }
    return status;
}

static void say_difference(void *context, const struct catalogue_difference *difference)
{
    struct buffer *text = context;
    char form[CATALOGUE_FORM_TEXT_BYTES];
    catalogue_form_format(difference->form, form);
    buffer_format(text, "%s %s: %s may see %s.%s %s%s for %s on %s\n",
                  difference->change == CATALOGUE_WIDER ? "wider" : "narrower",
                  difference->agreement->id, difference->agreement->asker->code,
                  difference->agreement->dataset->code, difference->field->name, form,
                  difference->limit, difference->purpose->code,
                  catalogue_basis_name(difference->basis));
}

// A large bundle takes its time to load, so a reader does that, and the job comes back.
static enum status hand_to_reader(struct control *control, struct job *job, struct error *err)
{
    const struct wire_control *message = job->payload;
    const struct broker_home *home = &control->broker->home;
    struct registry_bundle_head head;
    enum status status =
        registry_bundle_head_verify(message->signed_, home->origin, &home->policy, &head, err);
    if (status != ST_OK) {
        return status;
    }
    struct bytes blob = uploads_find(control->uploads, &head.hash);
    if (blob.size == 0) {
        return error_set(err, ST_NOT_FOUND, "the bundle's files were not sent first");
    }
    status = policy_bundle_take(message->signed_, blob, home->origin, &home->policy,
                                &job->record.bundle, err);
    job->after = status == ST_OK ? control->broker->to_readers : NULL;
    return status;
}

static enum status apply_bundle(struct control *control, struct job *job, struct error *err)
{
    const struct wire_control *message = job->payload;
    const struct policy_bundle *bundle = job->record.bundle;
    if (bundle == NULL) {
        return hand_to_reader(control, job, err);
    }
    if (message->dry_run) {
        struct buffer text = buffer_init(WIRE_BOXES_MAX_BYTES);
        catalogue_diff(control->bundle == NULL ? NULL : control->bundle->catalogue,
                       bundle->catalogue, say_difference, &text);
        frame_result(&control->maker, job, &(struct wire_result){ 0 }, buffer_view(&text));
        buffer_fini(&text);
        return ST_OK;
    }
    job->record.kind = RECORD_POLICY;
    return control_fill_record(control, job, WIRE_KIND_POLICY, "", err);
}

static enum status stop(struct control *control, struct job *job)
{
    uint64_t one = 1;
    frame_result(&control->maker, job, &(struct wire_result){ 0 }, (struct bytes){ 0 });
    log_event(LOG_LEVEL_NOTICE, "stop.ordered",
              log_text("by", (const char *)job->from.member.data));
    ssize_t done = write(control->broker->stop_fd, &one, sizeof(one));
    (void)done; // an eventfd of ours: it cannot fail
    return ST_OK;
}

enum status control_order(struct control *control, struct job *job, struct error *err)
{
    const struct wire_control *message = job->payload;
    bool officers = message->action == WIRE_CONTROL_HOLD || message->action == WIRE_CONTROL_FORGET;
    enum registry_role needed = officers ? REGISTRY_ROLE_OFFICER : REGISTRY_ROLE_OPERATOR;
    if (job->from.role != needed) {
        return error_set(err, ST_DENIED, "a key of role %s may not order that; one of role %s may",
                         registry_role_name(job->from.role), registry_role_name(needed));
    }
    switch ((enum wire_control_action)message->action) {
    case WIRE_CONTROL_CARD:
        return change_registry(control, job, REGISTRY_CARD, err);
    case WIRE_CONTROL_ORDER:
        return change_registry(control, job, REGISTRY_ORDER, err);
    case WIRE_CONTROL_BUNDLE:
        return apply_bundle(control, job, err);
    case WIRE_CONTROL_STOP:
        return stop(control, job);
    case WIRE_CONTROL_FORGET:
        job->after = control->broker->to_keeper;
        return ST_OK;
    case WIRE_CONTROL_BODY_KEY:
        return control_body_key(control, job, err);
    case WIRE_CONTROL_LOG_KEY:
        return control_log_key(control, job, err);
    case WIRE_CONTROL_HOLD:
        return control_hold(control, job, err);
    }
    return error_set(err, ST_UNSUPPORTED, "control: no such action");
}

// A revoked key's announcements go, and every node is told to drop what it has cached of it.
static enum status drop_key(struct control *control, struct job *job, struct error *err)
{
    const struct wire_control *message = job->payload;
    struct bytes payload;
    struct registry_order order;
    struct snapshot_item *item;
    struct directory *next = NULL;
    enum status status = registry_signed_payload(message->signed_, job->arena, &payload, err);
    if (status == ST_OK) {
        status = registry_order_decode(payload, control->broker->home.origin, &order, err);
    }
    if (status != ST_OK || order.action != REGISTRY_REVOKE) {
        return status;
    }
    const struct directory *directory = snapshot_pin(control->broker->directory, &item);
    status = directory_without(directory, &order.key, &next, err);
    snapshot_unpin(&item);
    if (status == ST_OK && !snapshot_swap(control->broker->directory, next)) {
        directory_destroy(&next);
        status = error_set(err, ST_NOMEM, "directory: no memory");
    }
    proof_broadcast(&control->maker);
    return status;
}

enum status control_order_done(struct control *control, struct job *job, struct error *err)
{
    const struct wire_control *message = job->payload;
    struct wire_result result = { .receipt = job->record.receipt };
    enum status status = ST_OK;
    if (message->action == WIRE_CONTROL_HOLD) {
        result.value = bytes_id(&job->record.officer->hold->id);
    } else if (message->action == WIRE_CONTROL_ORDER) {
        status = drop_key(control, job, err);
    } else if (message->action == WIRE_CONTROL_LOG_KEY) {
        control_log_key_done(control, job);
    } else if (message->action == WIRE_CONTROL_BODY_KEY) {
        control_body_key_done(job);
    } else if (message->action == WIRE_CONTROL_BUNDLE) {
        proof_broadcast(&control->maker);
    }
    if (status == ST_OK) {
        frame_result(&control->maker, job, &result, (struct bytes){ 0 });
    }
    return status;
}
