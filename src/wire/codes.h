// The numbers that stand in messages, by name. Each mirrors a list in proto/vedomo/v1/; a number
// that is not listed here does not decode.
#pragma once

// Head.type.
enum wire_type {
    WIRE_NONE = 0,
    WIRE_HELLO = 1,
    WIRE_WELCOME = 2,
    WIRE_PING = 3,
    WIRE_PONG = 4,
    WIRE_ANNOUNCEMENT = 5,
    WIRE_REQUEST = 6,
    WIRE_ASK = 7,
    WIRE_ANSWER = 8,
    WIRE_RELEASE = 9,
    WIRE_REFUSAL = 10,
    WIRE_ACK = 11,
    WIRE_CANCEL = 12,
    WIRE_BUSY = 13,
    WIRE_PROOF = 14,
    WIRE_SESSION = 15,
    WIRE_CONSENT_CHANGE = 16,
    WIRE_QUERY = 17,
    WIRE_CONTROL = 18,
    WIRE_RESULT = 19,
    WIRE_CHUNK = 20,
    WIRE_QUEUED = 21,
    WIRE_NOTIFY = 22,
    WIRE_REDIRECT = 23,
    WIRE_TYPE_COUNT
};

// ExchangePart.kind and its like: what an entry records.
enum wire_kind {
    WIRE_KIND_NONE = 0,
    WIRE_KIND_DECISION = 1,
    WIRE_KIND_RELEASED = 2,
    WIRE_KIND_REFUSED = 3,
    WIRE_KIND_EXPIRED = 4,
    WIRE_KIND_CANCELLED = 5,
    WIRE_KIND_DELIVERY = 6,
    WIRE_KIND_CONSENT = 10,
    WIRE_KIND_READ = 20,
    WIRE_KIND_SESSION_OPENED = 21,
    WIRE_KIND_REJECTED = 22,
    WIRE_KIND_MEMBER = 30,
    WIRE_KIND_ORDER = 31,
    WIRE_KIND_POLICY = 32,
    WIRE_KIND_RESTART = 33,
    WIRE_KIND_LOG = 34,
    WIRE_KIND_CARRY_FORWARD = 35,
    WIRE_KIND_HOLD = 36,
    WIRE_KIND_KEY_CHANGE = 37,
    WIRE_KIND_DELAYED = 40,
    WIRE_KIND_EPOCH = 50
};

// Query.kind. (Not `enum wire_query`: that tag is the message's.)
enum wire_query_kind {
    WIRE_QUERY_NONE = 0,
    WIRE_QUERY_DIRECTORY = 1,
    WIRE_QUERY_BUNDLE = 2,
    WIRE_QUERY_MEMBERS = 3,
    WIRE_QUERY_CONSENTS = 4,
    WIRE_QUERY_ENTRIES = 5,
    WIRE_QUERY_ENTRY = 6,
    WIRE_QUERY_INCLUSION = 7,
    WIRE_QUERY_CONSISTENCY = 8,
    WIRE_QUERY_LEAVES = 9,
    WIRE_QUERY_STATUS = 10,
    WIRE_QUERY_TILE = 11,
    WIRE_QUERY_PERSON = 12,
    WIRE_QUERY_COUNTS = 13,
    WIRE_QUERY_HOLDS = 14
};

// The class in an entry's public leaf.
enum wire_class {
    WIRE_CLASS_EXCHANGE = 1,
    WIRE_CLASS_CONSENT = 2,
    WIRE_CLASS_OVERSIGHT = 3,
    WIRE_CLASS_GOVERNANCE = 4,
    WIRE_CLASS_DELAYED = 5,
    WIRE_CLASS_EPOCH = 6
};

// The type of a body's part: for whom it is.
enum wire_part {
    WIRE_PART_EXCHANGE = 1,
    WIRE_PART_SUBJECT = 2,
    WIRE_PART_OFFICER = 3,
    WIRE_PART_PUBLIC = 4
};

// Basis.kind.
enum wire_basis_kind {
    WIRE_BASIS_CONSENT = 1,
    WIRE_BASIS_EXPLICIT_REQUEST = 2,
    WIRE_BASIS_LAW = 3,
    WIRE_BASIS_VITAL_INTEREST = 4,
    WIRE_BASIS_COURT_ORDER = 5
};

// Artefact.state, ConsentRecord.state, SubjectPart.consent_state.
enum wire_consent_state {
    WIRE_CONSENT_REQUESTED = 1,
    WIRE_CONSENT_ACTIVE = 2,
    WIRE_CONSENT_PAUSED = 3,
    WIRE_CONSENT_WITHDRAWN = 4,
    WIRE_CONSENT_EXPIRED = 5,
    WIRE_CONSENT_REFUSED = 6,
    WIRE_CONSENT_SUPERSEDED = 7
};

// ConsentChange.action.
enum wire_consent_action {
    WIRE_CONSENT_ACTION_REQUEST = 1,
    WIRE_CONSENT_ACTION_GRANT = 2,
    WIRE_CONSENT_ACTION_REFUSE = 3,
    WIRE_CONSENT_ACTION_PAUSE = 4,
    WIRE_CONSENT_ACTION_RESUME = 5,
    WIRE_CONSENT_ACTION_WITHDRAW = 6
};

// ConsentRecord.assurance.
enum wire_assurance {
    WIRE_ASSURANCE_AGENCY = 1,
    WIRE_ASSURANCE_DESK = 2,
    WIRE_ASSURANCE_CITIZEN = 3
};

// Row.state: a key's standing.
enum wire_member_state {
    WIRE_MEMBER_ACTIVE = 1,
    WIRE_MEMBER_SUSPENDED = 2,
    WIRE_MEMBER_REVOKED = 3
};

// Session.action.
enum wire_session_action {
    WIRE_SESSION_MAKE_CODE = 1,
    WIRE_SESSION_OPEN = 2,
    WIRE_SESSION_CLOSE = 3
};

// Control.action.
enum wire_control_action {
    WIRE_CONTROL_CARD = 1,
    WIRE_CONTROL_ORDER = 2,
    WIRE_CONTROL_BUNDLE = 3,
    WIRE_CONTROL_STOP = 4,
    WIRE_CONTROL_FORGET = 5,
    WIRE_CONTROL_HOLD = 6,
    WIRE_CONTROL_LOG_KEY = 7,
    WIRE_CONTROL_BODY_KEY = 8
};

// KeyChange.what.
enum wire_key_changed {
    WIRE_KEY_OF_LOG = 1,
    WIRE_KEY_OF_TAGS = 2,
    WIRE_KEY_OF_BODIES = 3,
    WIRE_KEY_MASTER = 4
};

// MemberOrder.action.
enum wire_order_action { WIRE_ORDER_SUSPEND = 1, WIRE_ORDER_RESUME = 2, WIRE_ORDER_REVOKE = 3 };

// BoxContent.status.
enum wire_box_status {
    WIRE_BOX_VALUE = 1,
    WIRE_BOX_NO_VALUE = 2,
    WIRE_BOX_PERSON_NOT_FOUND = 3,
    WIRE_BOX_PERSON_FOUND_TWICE = 4,
    WIRE_BOX_REGISTER_UNAVAILABLE = 5,
    WIRE_BOX_TOO_LONG = 6,
    WIRE_BOX_WRONG_TYPE = 7
};

// Delivery.state.
enum wire_delivery_state {
    WIRE_DELIVERY_HANDED = 1,
    WIRE_DELIVERY_OPENED = 2,
    WIRE_DELIVERY_FAILED = 3,
    WIRE_DELIVERY_FAULTY = 4
};

// ExchangePart.mode.
enum wire_mode {
    WIRE_MODE_NOW = 0,
    WIRE_MODE_QUEUED = 1,
    WIRE_MODE_EVENT = 2,
    WIRE_MODE_COMPOSITE = 3
};
