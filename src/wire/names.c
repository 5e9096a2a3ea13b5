// Names of types, schemas and kinds of entries, and which schema a type's payload has.
#include "wire/rules.h"

struct type_row {
    const char *name;
    enum wire_schema schema;
};

static const struct type_row types[WIRE_TYPE_COUNT] = {
    [WIRE_NONE] = { "none", WIRE_SCHEMA_COUNT },
    [WIRE_HELLO] = { "hello", WIRE_SCHEMA_HELLO },
    [WIRE_WELCOME] = { "welcome", WIRE_SCHEMA_WELCOME },
    [WIRE_PING] = { "ping", WIRE_SCHEMA_PING },
    [WIRE_PONG] = { "pong", WIRE_SCHEMA_PONG },
    [WIRE_ANNOUNCEMENT] = { "announcement", WIRE_SCHEMA_ANNOUNCEMENT },
    [WIRE_REQUEST] = { "request", WIRE_SCHEMA_REQUEST },
    [WIRE_ASK] = { "ask", WIRE_SCHEMA_ASK },
    [WIRE_ANSWER] = { "answer", WIRE_SCHEMA_ANSWER },
    [WIRE_RELEASE] = { "release", WIRE_SCHEMA_RELEASE },
    [WIRE_REFUSAL] = { "refusal", WIRE_SCHEMA_REFUSAL },
    [WIRE_ACK] = { "ack", WIRE_SCHEMA_ACK },
    [WIRE_CANCEL] = { "cancel", WIRE_SCHEMA_CANCEL },
    [WIRE_BUSY] = { "busy", WIRE_SCHEMA_BUSY },
    [WIRE_PROOF] = { "proof", WIRE_SCHEMA_PROOF },
    [WIRE_SESSION] = { "session", WIRE_SCHEMA_SESSION },
    [WIRE_CONSENT_CHANGE] = { "consent-change", WIRE_SCHEMA_CONSENT_CHANGE },
    [WIRE_QUERY] = { "query", WIRE_SCHEMA_QUERY },
    [WIRE_CONTROL] = { "control", WIRE_SCHEMA_CONTROL },
    [WIRE_RESULT] = { "result", WIRE_SCHEMA_RESULT },
    [WIRE_CHUNK] = { "chunk", WIRE_SCHEMA_CHUNK },
    [WIRE_QUEUED] = { "queued", WIRE_SCHEMA_COUNT },
    [WIRE_NOTIFY] = { "notify", WIRE_SCHEMA_COUNT },
    [WIRE_REDIRECT] = { "redirect", WIRE_SCHEMA_COUNT },
};

static const struct type_row *type_row(enum wire_type type)
{
    return &types[type < WIRE_TYPE_COUNT ? type : WIRE_NONE];
}

const char *wire_type_name(enum wire_type type)
{
    return type_row(type)->name;
}

enum wire_schema wire_type_schema(enum wire_type type)
{
    return type_row(type)->schema;
}

const char *wire_schema_name(enum wire_schema schema)
{
    return wire_rules_of(schema)->name;
}

const char *wire_kind_name(uint32_t kind)
{
    switch ((enum wire_kind)kind) {
    case WIRE_KIND_NONE:
        break;
    case WIRE_KIND_DECISION:
        return "decision";
    case WIRE_KIND_RELEASED:
        return "released";
    case WIRE_KIND_REFUSED:
        return "refused";
    case WIRE_KIND_EXPIRED:
        return "expired";
    case WIRE_KIND_CANCELLED:
        return "cancelled";
    case WIRE_KIND_DELIVERY:
        return "delivery";
    case WIRE_KIND_CONSENT:
        return "consent";
    case WIRE_KIND_READ:
        return "read";
    case WIRE_KIND_SESSION_OPENED:
        return "session-opened";
    case WIRE_KIND_REJECTED:
        return "rejected";
    case WIRE_KIND_MEMBER:
        return "member";
    case WIRE_KIND_ORDER:
        return "order";
    case WIRE_KIND_POLICY:
        return "policy";
    case WIRE_KIND_RESTART:
        return "restart";
    case WIRE_KIND_LOG:
        return "log";
    case WIRE_KIND_CARRY_FORWARD:
        return "carry-forward";
    case WIRE_KIND_KEY_CHANGE:
        return "key-change";
    case WIRE_KIND_HOLD:
        return "hold";
    case WIRE_KIND_DELAYED:
        return "delayed";
    case WIRE_KIND_EPOCH:
        return "epoch";
    }
    return "entry";
}
