// What control keeps, and the handlers that it calls. Control thread only.
#pragma once

#include "broker/directory.h"
#include "broker/frames.h"
#include "broker/message.h"
#include "broker/policy_bundle.h"
#include "broker/sessions.h"
#include "broker/uploads.h"

struct control {
    struct broker *broker;
    struct audit_reader *reader; // begun for each job
    struct sessions *sessions;
    struct uploads *uploads;
    struct seal_batch_cache *roots;
    struct frame_maker maker;
    struct arena *scratch;           // for one consent at a time
    const struct registry *registry; // pinned for each job
    const struct policy_bundle *bundle;
    int64_t now_ms;
};

// A handler either replies (job->outcome), or fills in job->record, or fails: the sender is told.
// After the record is durable the same job comes back with `finishing` set, and the second half
// makes the reply. Without a second half the recorder makes it: changes of consent.
typedef enum status (*control_handler)(struct control *control, struct job *job, struct error *err);

enum status control_consent(struct control *control, struct job *job, struct error *err);
enum status control_session(struct control *control, struct job *job, struct error *err);
enum status control_session_done(struct control *control, struct job *job, struct error *err);
// An officer's legal hold: set or lifted.
enum status control_hold(struct control *control, struct job *job, struct error *err);
enum status control_order(struct control *control, struct job *job, struct error *err);
enum status control_order_done(struct control *control, struct job *job, struct error *err);

// Fills the record of what was handed in: an entry of class governance that says who did. The
// public part may be changed afterwards.
NODISCARD enum status control_fill_record(struct control *control, struct job *job,
                                          enum wire_kind kind, const char *member,
                                          struct error *err);

// control_keys.c
NODISCARD enum status control_log_key(struct control *control, struct job *job, struct error *err);
void control_log_key_done(struct control *control, const struct job *job);
NODISCARD enum status control_body_key(struct control *control, struct job *job, struct error *err);
void control_body_key_done(const struct job *job);

// The tag of a person named by identifier.
NODISCARD enum status control_person(struct control *control, struct bytes scheme,
                                     struct bytes identifier, struct audit_tag *tag,
                                     struct error *err);
