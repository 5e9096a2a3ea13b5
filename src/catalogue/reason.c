// The reasons' codes.
#include "catalogue/reason.h"

static const char *const names[CATALOGUE_REASON_COUNT] = {
    [CATALOGUE_REASON_NONE] = "",
    [CATALOGUE_REASON_ALLOWED] = "allowed",
    [CATALOGUE_REASON_WEAKER_FORM] = "weaker-form",
    [CATALOGUE_REASON_NO_AGREEMENT] = "no-agreement",
    [CATALOGUE_REASON_NO_CONSENT] = "no-consent",
    [CATALOGUE_REASON_CONSENT_PAUSED] = "consent-paused",
    [CATALOGUE_REASON_CONSENT_WITHDRAWN] = "consent-withdrawn",
    [CATALOGUE_REASON_WITHDRAWN_IN_FLIGHT] = "withdrawn-in-flight",
    [CATALOGUE_REASON_CONSENT_EXPIRED] = "consent-expired",
    [CATALOGUE_REASON_CONSENT_USED_UP] = "consent-used-up",
    [CATALOGUE_REASON_WRONG_PURPOSE] = "wrong-purpose",
    [CATALOGUE_REASON_AUTOMATED_NOT_AGREED] = "automated-not-agreed",
    [CATALOGUE_REASON_NO_JUSTIFICATION] = "no-justification",
    [CATALOGUE_REASON_LIMIT_REACHED] = "limit-reached",
    [CATALOGUE_REASON_HOLDER_SILENT] = "holder-silent",
    [CATALOGUE_REASON_ROLE_NOT_ALLOWED] = "role-not-allowed",
    [CATALOGUE_REASON_BASIS_NOT_ALLOWED] = "basis-not-allowed",
    [CATALOGUE_REASON_BASIS_UNSUPPORTED] = "basis-unsupported",
    [CATALOGUE_REASON_EVIDENCE_INVALID] = "evidence-invalid",
    [CATALOGUE_REASON_CASE_MISSING] = "case-missing",
    [CATALOGUE_REASON_FORM_NOT_ALLOWED] = "form-not-allowed",
    [CATALOGUE_REASON_UNKNOWN_FIELD] = "unknown-field",
    [CATALOGUE_REASON_MEMBER_SUSPENDED] = "member-suspended",
    [CATALOGUE_REASON_ALL_OR_NOTHING] = "all-or-nothing",
    [CATALOGUE_REASON_CANCELLED] = "cancelled",
    [CATALOGUE_REASON_LOST] = "lost",
    [CATALOGUE_REASON_ANSWER_REJECTED] = "answer-rejected",
};

const char *catalogue_reason_name(enum catalogue_reason reason)
{
    return reason < CATALOGUE_REASON_COUNT ? names[reason] : "";
}

enum catalogue_reason catalogue_reason_parse(struct bytes code)
{
    for (int reason = CATALOGUE_REASON_NONE + 1; reason < CATALOGUE_REASON_COUNT; reason++) {
        if (bytes_equal_text(code, names[reason])) {
            return (enum catalogue_reason)reason;
        }
    }
    return CATALOGUE_REASON_NONE;
}
