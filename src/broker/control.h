// What control keeps, and the handlers that it calls. Control thread only.
#pragma once

#include "broker/directory.h"
#include "broker/frames.h"
#include "broker/policy_bundle.h"
#include "broker/sessions.h"
#include "broker/uploads.h"

struct control {
    struct broker *broker;
    struct audit_reader *reader; // begun for each job
    struct sessions *sessions;
    struct uploads *uploads;
    struct frame_maker maker;
    struct arena *scratch;           // for one consent at a time
    const struct registry *registry; // pinned for each job
    const struct policy_bundle *bundle;
    int64_t now_ms;
};

// A handler either replies (job->outcome), or fills in job->record, or fails: the sender is told.
// After the record is durable the same job comes back with `finishing` set, and the second half
// makes the reply.
typedef enum status (*control_handler)(struct control *control, struct job *job, struct error *err);

enum status control_consent(struct control *control, struct job *job, struct error *err);
enum status control_consent_done(struct control *control, struct job *job, struct error *err);
enum status control_session(struct control *control, struct job *job, struct error *err);
enum status control_session_done(struct control *control, struct job *job, struct error *err);
// An officer's legal hold: set or lifted.
enum status control_hold(struct control *control, struct job *job, struct error *err);
enum status control_order(struct control *control, struct job *job, struct error *err);
enum status control_order_done(struct control *control, struct job *job, struct error *err);

// The tag of a person named by identifier.
NODISCARD enum status control_person(struct control *control, struct bytes scheme,
                                     struct bytes identifier, struct audit_tag *tag,
                                     struct error *err);
