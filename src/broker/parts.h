// The parts of a job's entry, packed and hashed. Workers do it as soon as a part is complete, so
// that the recorder, of whom there is one, is left with those that only it can complete.
#pragma once

#include "base/buffer.h"
#include "broker/job.h"

enum { PARTS_BYTES_MAX = AUDIT_BODY_BYTES_MAX };

// Some of the parts.
enum {
    PARTS_EXCHANGE = 1 << WIRE_PART_EXCHANGE,
    PARTS_SUBJECT = 1 << WIRE_PART_SUBJECT,
    PARTS_OFFICER = 1 << WIRE_PART_OFFICER,
    PARTS_PUBLIC = 1 << WIRE_PART_PUBLIC,
    PARTS_ALL = PARTS_EXCHANGE | PARTS_SUBJECT | PARTS_OFFICER | PARTS_PUBLIC,
};

// Packs, into the job's arena, those of `which` that the record's class has and that are
// not packed yet; they must not be changed afterwards. `scratch` is emptied. The thread that has
// the job. ST_NOMEM: larger than a job may be.
NODISCARD enum status parts_pack(struct job *job, unsigned which, struct buffer *scratch,
                                 struct error *err);

// The record has changed: its parts are to be packed again.
void parts_forget(struct job *job);
