// Sentences of a bundle: every reason, form and basis has one in each language, their holes are
// known to those who fill them, and what an asker reads in place of a reason tells it nothing that
// a citizen decided.
#include "catalogue/inside.h"

#include "catalogue/sentence.h"

// Holes of each section.
static const char *const reason_holes[] = { "a", "f", "d", "n", "form", "basis", NULL };
static const char *const citizen_holes[] = { "a",       "d",     "n",       "role",  "fields",
                                             "purpose", "basis", "benefit", "from",  "to",
                                             "time",    "why",   "due",     "phone", "f",
                                             "form",    NULL };
static const char *const form_holes[] = { "n", NULL };
static const char *const basis_holes[] = { "article", NULL };

// The citizens' pages cannot do without these.
static const char *const citizen_needed[] = {
    "entry", "entry_asked", "complete",  "listed",    "nobody",  "consent_ask",
    "allow", "decline",     "withdrawn", "emergency", "delayed", "may_omit",
    "desk",  "saved",       "proof_ok",  "proof_bad",
};

// Reasons that an asker must not tell from "never given".
static const enum catalogue_reason hidden[] = {
    CATALOGUE_REASON_CONSENT_PAUSED,      CATALOGUE_REASON_CONSENT_WITHDRAWN,
    CATALOGUE_REASON_WITHDRAWN_IN_FLIGHT, CATALOGUE_REASON_CONSENT_EXPIRED,
    CATALOGUE_REASON_WRONG_PURPOSE,
};

static enum status check_text(const struct catalogue_entry *entry, const char *section,
                              const char *const *holes, struct error *err)
{
    const struct catalogue_raw_text *raw = entry->raw;
    for (int language = 0; language < CATALOGUE_LANGUAGE_COUNT; language++) {
        const char *reason = NULL;
        if (!catalogue_sentence_valid(raw->text.in[language], (enum catalogue_language)language,
                                      holes, &reason)) {
            return catalogue_refuse(entry, section, err, "%s: %s",
                                    language == CATALOGUE_RU ? "ru" : "en", reason);
        }
    }
    return ST_OK;
}

// Keeps the text of `code` from the section, which must have it.
static enum status take_text(struct catalogue_loading *loading, const char *section,
                             const struct catalogue_entries *entries, const char *code,
                             const char *const *holes, struct catalogue_text *text,
                             const struct catalogue_entry **found, struct error *err)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (strcmp(entries->items[i].code, code) == 0) {
            const struct catalogue_raw_text *raw = entries->items[i].raw;
            enum status status = check_text(&entries->items[i], section, holes, err);
            if (status == ST_OK && !catalogue_keep_text(loading, &raw->text, text)) {
                status = error_set(err, ST_NOMEM, "policy bundle");
            }
            *found = &entries->items[i];
            return status;
        }
    }
    return error_set(err, ST_MALFORMED, "policy bundle: %s: '%s' is missing", section, code);
}

static enum status take_asker_reason(struct catalogue *catalogue, enum catalogue_reason reason,
                                     const struct catalogue_entry *entry, struct error *err)
{
    const struct catalogue_raw_text *raw = entry->raw;
    enum catalogue_reason asker =
        strcmp(raw->asker, "same") == 0 ? reason : catalogue_reason_parse(bytes_text(raw->asker));
    if (asker == CATALOGUE_REASON_NONE) {
        return catalogue_refuse(entry, "reasons", err, "asker: there is no reason '%s'",
                                raw->asker);
    }
    for (size_t i = 0; i < ARRAY_COUNT(hidden); i++) {
        if (hidden[i] == reason && asker != CATALOGUE_REASON_NO_CONSENT) {
            return catalogue_refuse(entry, "reasons", err,
                                    "asker: must be 'no-consent', or the asker would learn what "
                                    "the citizen decided");
        }
    }
    bool positive = asker == CATALOGUE_REASON_ALLOWED || asker == CATALOGUE_REASON_WEAKER_FORM;
    if (asker != reason && (positive || reason == CATALOGUE_REASON_ALLOWED ||
                            reason == CATALOGUE_REASON_WEAKER_FORM)) {
        return catalogue_refuse(entry, "reasons", err,
                                "asker: what is given cannot read as refused, nor the reverse");
    }
    catalogue->asker_reasons[reason] = asker;
    return ST_OK;
}

static enum status build_reasons(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue *catalogue = loading->catalogue;
    struct catalogue_entries entries = { 0 };
    enum status status =
        CATALOGUE_COLLECT(loading, reasons, struct catalogue_raw_text, key, &entries, err);
    for (size_t i = 0; i < entries.count && status == ST_OK; i++) {
        if (catalogue_reason_parse(bytes_text(entries.items[i].code)) == CATALOGUE_REASON_NONE) {
            status = catalogue_refuse(&entries.items[i], "reasons", err, "there is no such reason");
        }
    }
    for (int i = CATALOGUE_REASON_NONE + 1; i < CATALOGUE_REASON_COUNT && status == ST_OK; i++) {
        enum catalogue_reason reason = (enum catalogue_reason)i;
        const struct catalogue_entry *entry = NULL;
        status = take_text(loading, "reasons", &entries, catalogue_reason_name(reason),
                           reason_holes, &catalogue->reason_texts[i], &entry, err);
        if (status == ST_OK) {
            status = take_asker_reason(catalogue, reason, entry, err);
        }
    }
    return status;
}

static enum status build_forms(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue_entries entries = { 0 };
    enum status status =
        CATALOGUE_COLLECT(loading, forms, struct catalogue_raw_text, key, &entries, err);
    for (int i = CATALOGUE_FORM_NONE + 1; i < CATALOGUE_FORM_COUNT && status == ST_OK; i++) {
        const struct catalogue_entry *entry = NULL;
        status = take_text(loading, "forms", &entries,
                           catalogue_form_kind_name((enum catalogue_form_kind)i), form_holes,
                           &loading->catalogue->form_texts[i], &entry, err);
    }
    if (status == ST_OK && entries.count != CATALOGUE_FORM_COUNT - 1) {
        status = error_set(err, ST_MALFORMED, "policy bundle: forms: there are %d forms, not %zu",
                           CATALOGUE_FORM_COUNT - 1, entries.count);
    }
    return status;
}

static enum status build_bases(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue_entries entries = { 0 };
    enum status status =
        CATALOGUE_COLLECT(loading, bases, struct catalogue_raw_text, key, &entries, err);
    for (int i = CATALOGUE_BASIS_NONE + 1; i < CATALOGUE_BASIS_COUNT && status == ST_OK; i++) {
        const struct catalogue_entry *entry = NULL;
        status =
            take_text(loading, "bases", &entries, catalogue_basis_name((enum catalogue_basis)i),
                      basis_holes, &loading->catalogue->basis_texts[i], &entry, err);
    }
    if (status == ST_OK && entries.count != CATALOGUE_BASIS_COUNT - 1) {
        status = error_set(err, ST_MALFORMED, "policy bundle: bases: there are %d bases, not %zu",
                           CATALOGUE_BASIS_COUNT - 1, entries.count);
    }
    return status;
}

static enum status build_citizen(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue *catalogue = loading->catalogue;
    struct catalogue_entries entries = { 0 };
    enum status status =
        CATALOGUE_COLLECT(loading, citizen, struct catalogue_raw_text, key, &entries, err);
    if (status != ST_OK) {
        return status;
    }
    struct catalogue_text *texts =
        arena_take(catalogue->arena, (entries.count + 1) * sizeof(*texts));
    for (size_t i = 0; i < entries.count; i++) {
        const char *code = texts != NULL ? catalogue_keep(loading, entries.items[i].code) : NULL;
        const struct catalogue_entry *entry = NULL;
        if (code == NULL) {
            return error_set(err, ST_NOMEM, "policy bundle");
        }
        status =
            take_text(loading, "citizen", &entries, code, citizen_holes, &texts[i], &entry, err);
        if (status != ST_OK) {
            return status;
        }
        if (!map_put(catalogue->citizen_map, bytes_text(code), &texts[i])) {
            return error_set(err, ST_NOMEM, "policy bundle");
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(citizen_needed); i++) {
        if (catalogue_citizen_text(catalogue, citizen_needed[i]) == NULL) {
            return error_set(err, ST_MALFORMED, "policy bundle: citizen: '%s' is missing",
                             citizen_needed[i]);
        }
    }
    return ST_OK;
}

enum status catalogue_build_texts(struct catalogue_loading *loading, struct error *err)
{
    enum status status = build_reasons(loading, err);
    if (status == ST_OK) {
        status = build_forms(loading, err);
    }
    if (status == ST_OK) {
        status = build_bases(loading, err);
    }
    if (status == ST_OK) {
        status = build_citizen(loading, err);
    }
    return status;
}
