// Messages of the broker as frames.
#pragma once

#include "broker/core.h"
#include "wire/wire.h"

// Buffers that one thread reuses for all its frames.
struct frame_maker {
    struct broker *broker;
    struct buffer payload;
    struct buffer head;
};

struct frame_maker frame_maker_init(struct broker *broker);
void frame_maker_fini(struct frame_maker *maker);

// Encodes `in` (the struct of `type`) and its Head into `frame`, which is initialised. Signed by
// the broker's batch key where the table of types says so: WELCOME, PROOF, RESULT.
NODISCARD enum status frame_make(struct frame_maker *maker, enum wire_type type,
                                 const struct id *ref, const void *in, struct bus_frame *frame,
                                 struct error *err);

// Makes the job's reply a REFUSAL that is not on record: `reason` is a code, `message` a sentence.
void frame_refuse(struct frame_maker *maker, struct job *job, const char *reason,
                  const char *message, uint32_t retry_after_ms);

// Makes the job's reply a BUSY.
void frame_busy(struct frame_maker *maker, struct job *job, const char *reason,
                uint32_t retry_after_ms);

// Makes the job's reply a RESULT: fills body_hash from `body`, which becomes frame 2.
void frame_result(struct frame_maker *maker, struct job *job, struct wire_result *result,
                  struct bytes body);

// A RESULT that only says what went wrong.
void frame_failed(struct frame_maker *maker, struct job *job, const struct error *why);
