// Why a field was given or refused, and how an exchange ended. The codes are fixed here; their
// sentences, and what an asker may read in place of each, come with the policy bundle, which must
// have every one of them.
#pragma once

#include "base/bytes.h"

enum catalogue_reason {
    CATALOGUE_REASON_NONE = 0,
    CATALOGUE_REASON_ALLOWED,
    CATALOGUE_REASON_WEAKER_FORM,
    CATALOGUE_REASON_NO_AGREEMENT,
    CATALOGUE_REASON_NO_CONSENT,
    CATALOGUE_REASON_CONSENT_PAUSED,
    CATALOGUE_REASON_CONSENT_WITHDRAWN,
    CATALOGUE_REASON_WITHDRAWN_IN_FLIGHT,
    CATALOGUE_REASON_CONSENT_EXPIRED,
    CATALOGUE_REASON_CONSENT_USED_UP,
    CATALOGUE_REASON_WRONG_PURPOSE,
    CATALOGUE_REASON_AUTOMATED_NOT_AGREED,
    CATALOGUE_REASON_NO_JUSTIFICATION,
    CATALOGUE_REASON_LIMIT_REACHED,
    CATALOGUE_REASON_HOLDER_SILENT,
    CATALOGUE_REASON_ROLE_NOT_ALLOWED,
    CATALOGUE_REASON_BASIS_NOT_ALLOWED,
    CATALOGUE_REASON_BASIS_UNSUPPORTED,
    CATALOGUE_REASON_EVIDENCE_INVALID,
    CATALOGUE_REASON_CASE_MISSING,
    CATALOGUE_REASON_FORM_NOT_ALLOWED,
    CATALOGUE_REASON_UNKNOWN_FIELD,
    CATALOGUE_REASON_MEMBER_SUSPENDED,
    CATALOGUE_REASON_ALL_OR_NOTHING, // partial_ok was false and another field was refused
    CATALOGUE_REASON_CANCELLED,
    CATALOGUE_REASON_LOST,
    CATALOGUE_REASON_ANSWER_REJECTED, // the holder's answer was not what was decided
    CATALOGUE_REASON_COUNT,
};

// "no-consent"; "" for none. Static.
const char *catalogue_reason_name(enum catalogue_reason reason);

// CATALOGUE_REASON_NONE when there is no such code.
enum catalogue_reason catalogue_reason_parse(struct bytes code);
