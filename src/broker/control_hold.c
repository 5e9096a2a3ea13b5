// Legal holds: set by an officer, lifted by another one. What a hold covers may not be forgotten
// while it stands, so lifting needs a second pair of eyes: another key than the one that set it.
// Each is an entry of class governance: its body is under the lasting key, so that no month's end
// takes a hold away, and everybody sees that one was set, by whom and when. What it is about, and
// the case, stand in the officer's part alone.
#include "broker/control.h"

#include "audit/hold.h"
#include "seal/random.h"

enum { HOLDS_MAX = 1024 };

static bool count_standing(const struct wire_hold *hold, void *context)
{
    size_t *count = context;
    *count += hold->state == WIRE_HOLD_SET ? 1 : 0;
    return true;
}

static enum status set_hold(struct control *control, struct job *job, struct wire_hold *hold,
                            struct error *err)
{
    const struct wire_control *message = job->payload;
    size_t count = 0;
    if (message->hold->name.size == 0) {
        return error_set(err, ST_USAGE, "a hold needs the name of its case");
    }
    if (message->hold->until > 0 && message->hold->until < message->hold->since) {
        return error_set(err, ST_USAGE, "the hold ends before it begins");
    }
    enum status status = audit_holds_each(control->reader, NULL, count_standing, &count, err);
    if (status == ST_OK && count >= HOLDS_MAX) {
        status = error_set(err, ST_FULL, "%zu holds stand; lift one first", count);
    }
    if (status != ST_OK) {
        return status;
    }
    *hold = (struct wire_hold){ .name = message->hold->name,
                                .member = message->hold->member,
                                .since = message->hold->since,
                                .until = message->hold->until,
                                .state = WIRE_HOLD_SET,
                                .set_by = job->from.member,
                                .set_node = job->from.node,
                                .set_at = (uint64_t)control->now_ms };
    seal_random(hold->id.bytes, ID_BYTES);
    if (message->subject.size > 0) {
        struct audit_tag tag;
        status = control_person(control, message->subject_scheme, message->subject, &tag, err);
        hold->tag = status == ST_OK ? job_keep(job, audit_tag_view(&tag)) : (struct bytes){ 0 };
    }
    return status;
}

static enum status lift_hold(struct control *control, struct job *job, struct wire_hold *hold,
                             struct error *err)
{
    const struct wire_control *message = job->payload;
    enum status status =
        audit_hold_find(control->reader, &message->hold->id, job->arena, hold, err);
    if (status == ST_NOT_FOUND) {
        return error_set(err, ST_NOT_FOUND, "there is no such hold");
    }
    if (status == ST_OK && hold->state != WIRE_HOLD_SET) {
        return error_set(err, ST_STALE, "the hold was lifted already");
    }
    if (status == ST_OK && bytes_equal(hold->set_by, job->from.member) &&
        bytes_equal(hold->set_node, job->from.node)) {
        return error_set(err, ST_DENIED,
                         "a hold is lifted by another officer than the one who "
                         "set it");
    }
    if (status == ST_OK) {
        hold->state = WIRE_HOLD_LIFTED;
        hold->lifted_by = job->from.member;
        hold->lifted_node = job->from.node;
        hold->lifted_at = (uint64_t)control->now_ms;
    }
    return status;
}

enum status control_hold(struct control *control, struct job *job, struct error *err)
{
    const struct wire_control *message = job->payload;
    struct wire_public_part *public_part = arena_take(job->arena, sizeof(*public_part));
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    struct wire_hold *hold = arena_take(job->arena, sizeof(*hold));
    if (public_part == NULL || officer == NULL || hold == NULL) {
        return error_set(err, ST_NOMEM, "no memory for the hold");
    }
    if (message->hold == NULL) {
        return error_set(err, ST_USAGE, "which hold?");
    }
    enum status status = message->hold->state == WIRE_HOLD_LIFTED
                             ? lift_hold(control, job, hold, err)
                             : set_hold(control, job, hold, err);
    if (status != ST_OK) {
        return status;
    }
    *public_part = (struct wire_public_part){
        .format = 1,
        .kind = WIRE_KIND_HOLD,
        .member = job->from.member,
        .recorded_at = (uint64_t)control->now_ms,
        .note = bytes_text(hold->state == WIRE_HOLD_SET ? "legal hold set" : "legal hold lifted")
    };
    *officer =
        (struct wire_officer_part){ .format = 1,
                                    .kind = WIRE_KIND_HOLD,
                                    .reader = job->from.member,
                                    .reader_role = bytes_text(registry_role_name(job->from.role)),
                                    .node = job->from.node,
                                    .decided_at = (uint64_t)control->now_ms,
                                    .hold = hold };
    job->record = (struct record){ .kind = RECORD_PLAIN,
                                   .class = WIRE_CLASS_GOVERNANCE,
                                   .receipt_part = WIRE_PART_PUBLIC,
                                   .officer = officer,
                                   .public_ = public_part };
    return ST_OK;
}
