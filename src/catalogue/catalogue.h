// The policy bundle in memory: members' titles, purposes, datasets, agreements and sentences,
// checked as a whole and immutable. Everything reachable from a catalogue lives as long as it does.
// Any thread may read it.
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "catalogue/form.h"
#include "catalogue/reason.h"

enum catalogue_language { CATALOGUE_RU, CATALOGUE_EN, CATALOGUE_LANGUAGE_COUNT };

// One text in every language; a text is never NULL and, where it was required, never empty.
struct catalogue_text {
    const char *in[CATALOGUE_LANGUAGE_COUNT];
};

enum catalogue_type {
    CATALOGUE_TYPE_TEXT,
    CATALOGUE_TYPE_CODE,
    CATALOGUE_TYPE_BOOL,
    CATALOGUE_TYPE_DATE,
    CATALOGUE_TYPE_LIST,
    CATALOGUE_TYPE_COUNT,
};

enum catalogue_sensitivity { CATALOGUE_ORDINARY, CATALOGUE_HIGH, CATALOGUE_SPECIAL };

// The legal bases, numbered as on the wire.
enum catalogue_basis {
    CATALOGUE_BASIS_NONE = 0,
    CATALOGUE_BASIS_CONSENT = 1,
    CATALOGUE_BASIS_EXPLICIT_REQUEST = 2,
    CATALOGUE_BASIS_LAW = 3,
    CATALOGUE_BASIS_VITAL_INTEREST = 4,
    CATALOGUE_BASIS_COURT_ORDER = 5,
    CATALOGUE_BASIS_COUNT,
};

enum {
    CATALOGUE_FIELDS_MAX = 64, // in a dataset, and in a request
    CATALOGUE_CODE_MAX = 64,   // bytes of a code
    CATALOGUE_SUBJECT_MAX = 64,
    CATALOGUE_BLOB_MAX = 64 << 20,
};

// How identifiers of citizens look.
struct catalogue_scheme {
    const char *code;
    const char *pattern; // literals, [a-z] classes, {n}; hyphens are for people
    bool mod9;           // the last digit is 1 + (the number before it) mod 9
};

struct catalogue_member {
    const char *code;
    struct catalogue_text title;
    const char *contact; // "" when there is none
    uint32_t index;      // place in the catalogue's list of members
};

struct catalogue_official {
    const char *code;
    struct catalogue_text title;
};

struct catalogue_purpose {
    const char *code;
    const char *dpv;               // the term of the Data Privacy Vocabulary
    struct catalogue_text text;    // "to issue your driving licence"
    struct catalogue_text benefit; // what the citizen gains
    uint32_t index;
};

struct catalogue_field {
    const char *name;
    struct bytes name_bytes; // the same, without the terminator
    struct catalogue_text title;
    enum catalogue_type type;
    enum catalogue_sensitivity sensitivity;
    struct catalogue_form_set forms; // what the holder can give at all
    enum catalogue_form_kind middle; // the first listed of masked, last4, year; NONE: none of them
    uint32_t max_bytes;              // of the value; a longer one is not sent
    const char *const *codes;        // type code: the words it may have; NULL: any
    size_t code_count;
};

struct catalogue_dataset {
    const char *code;
    struct catalogue_text title;
    const struct catalogue_member *const *holders; // 1 or more
    size_t holder_count;
    const struct catalogue_field *fields; // 1..CATALOGUE_FIELDS_MAX
    size_t field_count;
    uint32_t index;
};

// Who may ask for what. No two agreements have asker, dataset, a purpose, a basis and an official
// role in common: at most one decides a request.
struct catalogue_agreement {
    const char *id;
    const struct catalogue_member *asker;
    const struct catalogue_dataset *dataset;
    const struct catalogue_purpose *const *purposes;
    size_t purpose_count;
    uint32_t bases; // bit 1 << basis
    const char *const *articles;
    size_t article_count;
    const struct catalogue_form_set *forms; // one for each field of the dataset; empty: not allowed
    const struct catalogue_official *const *roles;
    size_t role_count; // 0: whoever it is
    bool case_required;
    bool justification_required;
    bool notice_at_once;         // the citizen is told at once
    uint32_t per_case;           // releases; 0: no such limit
    uint32_t per_official_day;   // releases of one official on one UTC day; 0: no such limit
    uint32_t consent_days;       // a consent lasts at most this long; 0: no such limit
    uint32_t consent_uses;       // and covers at most so many releases; 0: no such limit
    uint32_t review_hours;       // reviewed by an officer of another member within; 0: no review
    struct catalogue_text paper; // what the citizen no longer has to bring; "" when nothing
};

struct catalogue;

// Unpacks, parses and checks a blob made by catalogue_bundle_pack(). `hash` is its SHA-256, which
// the caller has compared with the signed head. A bad bundle is refused whole: ST_MALFORMED with
// file, line, key and what was expected.
NODISCARD enum status catalogue_load(struct bytes blob, const struct digest *hash,
                                     struct catalogue **catalogue, struct error *err);
void catalogue_destroy(struct catalogue **catalogue);

// SHA-256 of the bundle that the catalogue was loaded from.
const struct digest *catalogue_hash(const struct catalogue *catalogue);

// By code; NULL when there is none.
const struct catalogue_member *catalogue_member(const struct catalogue *catalogue,
                                                struct bytes code);
const struct catalogue_official *catalogue_official(const struct catalogue *catalogue,
                                                    struct bytes code);
const struct catalogue_purpose *catalogue_purpose(const struct catalogue *catalogue,
                                                  struct bytes code);
const struct catalogue_dataset *catalogue_dataset(const struct catalogue *catalogue,
                                                  struct bytes code);
const struct catalogue_agreement *catalogue_agreement(const struct catalogue *catalogue,
                                                      struct bytes id);
const struct catalogue_scheme *catalogue_scheme(const struct catalogue *catalogue,
                                                struct bytes code);
const struct catalogue_field *catalogue_field(const struct catalogue_dataset *dataset,
                                              struct bytes name);

// True when the member answers for the dataset.
bool catalogue_is_holder(const struct catalogue_dataset *dataset,
                         const struct catalogue_member *member);

// The agreements of one asker about one dataset, in the order of their ids.
const struct catalogue_agreement *const *
catalogue_agreements_of(const struct catalogue *catalogue, const struct catalogue_member *asker,
                        const struct catalogue_dataset *dataset, size_t *count);

// Those of them that are for the purpose. However many there are for others, it takes as long.
const struct catalogue_agreement *const *
catalogue_agreements_for(const struct catalogue *catalogue, const struct catalogue_member *asker,
                         const struct catalogue_dataset *dataset,
                         const struct catalogue_purpose *purpose, size_t *count);

// Whole lists, sorted by code.
const struct catalogue_member *catalogue_members(const struct catalogue *catalogue, size_t *count);
const struct catalogue_purpose *catalogue_purposes(const struct catalogue *catalogue,
                                                   size_t *count);
const struct catalogue_dataset *catalogue_datasets(const struct catalogue *catalogue,
                                                   size_t *count);
const struct catalogue_agreement *catalogue_agreements(const struct catalogue *catalogue,
                                                       size_t *count);

// What an asker may read in place of the reason: the same one, or a less telling one.
enum catalogue_reason catalogue_asker_reason(const struct catalogue *catalogue,
                                             enum catalogue_reason reason);

// Sentences for catalogue_sentence_render(): of a reason; of the citizen's pages by name ("entry",
// "consent_ask", …; NULL when there is none); of a form and of a basis.
const struct catalogue_text *catalogue_reason_text(const struct catalogue *catalogue,
                                                   enum catalogue_reason reason);
const struct catalogue_text *catalogue_citizen_text(const struct catalogue *catalogue,
                                                    const char *name);
const struct catalogue_text *catalogue_form_text(const struct catalogue *catalogue,
                                                 enum catalogue_form_kind kind);
const struct catalogue_text *catalogue_basis_text(const struct catalogue *catalogue,
                                                  enum catalogue_basis basis);

// The identifier as it is signed and tagged: ASCII upper case without hyphens and spaces. Appends
// to `out`. ST_NOT_FOUND: no such scheme; ST_MALFORMED: not of the scheme's pattern, or a wrong
// check digit. The message never repeats the identifier.
NODISCARD enum status catalogue_subject_normalise(const struct catalogue *catalogue,
                                                  struct bytes scheme, struct bytes text,
                                                  struct buffer *out, struct error *err);

// "consent", "law", …; "" for none. Static.
const char *catalogue_basis_name(enum catalogue_basis basis);
enum catalogue_basis catalogue_basis_parse(struct bytes name); // CATALOGUE_BASIS_NONE: no such
const char *catalogue_type_name(enum catalogue_type type);
