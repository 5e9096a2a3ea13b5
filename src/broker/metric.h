// What the broker counts, for `vedomo status`. Atomic; any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define METRICS(X)                                                                                 \
    X(RECEIVED, "messages.received")                                                               \
    X(DROPPED_FRAMES, "messages.dropped.frames")                                                   \
    X(DROPPED_SIZE, "messages.dropped.size")                                                       \
    X(DROPPED_KEY, "messages.dropped.key")                                                         \
    X(DROPPED_STRANGER, "messages.dropped.stranger")                                               \
    X(DENIED, "connections.denied")                                                                \
    X(MALFORMED, "messages.malformed")                                                             \
    X(NOT_ALLOWED, "messages.not-allowed")                                                         \
    X(UNSIGNED, "messages.signature-wrong")                                                        \
    X(BUSY, "messages.busy")                                                                       \
    X(VERIFICATIONS, "signatures.verified")                                                        \
    X(ROOTS_KNOWN, "signatures.root-known")                                                        \
    X(DECISIONS, "decisions")                                                                      \
    X(DECISIONS_AGAIN, "decisions.again")                                                          \
    X(RELEASES, "releases")                                                                        \
    X(REFUSALS, "refusals")                                                                        \
    X(EXPIRED, "exchanges.expired")                                                                \
    X(CANCELLED, "exchanges.cancelled")                                                            \
    X(WITHDRAWN_IN_FLIGHT, "exchanges.withdrawn-in-flight")                                        \
    X(ANSWERS_REJECTED, "answers.rejected")                                                        \
    X(ANSWERS_LATE, "answers.late")                                                                \
    X(REPEATED, "requests.repeated")                                                               \
    X(UNDELIVERED, "releases.undelivered")                                                         \
    X(OPENED, "releases.opened")                                                                   \
    X(ENTRIES, "log.entries")                                                                      \
    X(COMMITS, "log.commits")                                                                      \
    X(COMMIT_FAILURES, "log.commit-failures")                                                      \
    X(SYNC_NS, "log.commit-ns")                                                                    \
    X(CONSENT_CHANGES, "consents.changed")                                                         \
    X(CONSENT_NS, "consents.changed-ns")                                                           \
    X(SECOND_CONNECTION, "keys.second-connection")

enum metric {
#define X(id, name) METRIC_##id,
    METRICS(X)
#undef X
        METRIC_COUNT
};

void metric_add(enum metric metric, uint64_t amount);
uint64_t metric_read(enum metric metric);
const char *metric_name(enum metric metric); // static
