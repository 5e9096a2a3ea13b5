// The table of the policy files.
#include "catalogue/schema.h"

#include "catalogue/bundle.h"

enum { TITLE_MAX = 200, SENTENCE_MAX = 1000 };

static const char *const check_words[] = { "none", "mod9", NULL };
static const char *const type_words[] = { "text", "code", "bool", "date", "list", NULL };
static const char *const sensitivity_words[] = { "ordinary", "high", "special", NULL };
// The place of a word is the basis' number on the wire.
static const char *const basis_words[] = { "",    "consent",        "explicit-request",
                                           "law", "vital-interest", "court-order",
                                           NULL };
static const char *const justification_words[] = { "none", "required", NULL };
static const char *const review_words[] = { "officer-of-another-member", NULL };
static const char *const notice_words[] = { "in-list", "at-once", NULL };

#define END_OF_RULES                                                                               \
    {                                                                                              \
        .kind = YAML_RULE_END                                                                      \
    }
#define RU offsetof(struct catalogue_text, in[CATALOGUE_RU])
#define EN offsetof(struct catalogue_text, in[CATALOGUE_EN])

static const struct yaml_rule title_rules[] = {
    { "ru", YAML_RULE_TEXT, RU, .required = true, .min = 1, .max = TITLE_MAX, .help = "Russian" },
    { "en", YAML_RULE_TEXT, EN, .required = true, .min = 1, .max = TITLE_MAX, .help = "English" },
    END_OF_RULES,
};
static const struct yaml_shape title_shape = { sizeof(struct catalogue_text), title_rules, NULL,
                                               YAML_NO_OFFSET, YAML_NO_OFFSET };

static const struct yaml_rule code_item = { .kind = YAML_RULE_CODE, .min = 1 };
static const struct yaml_rule form_item = { .kind = YAML_RULE_TEXT, .min = 1, .max = 11 };
static const struct yaml_rule word_item = { .kind = YAML_RULE_TEXT, .min = 1, .max = 64 };
static const struct yaml_rule article_item = { .kind = YAML_RULE_TEXT, .min = 1, .max = 128 };
static const struct yaml_rule basis_item = { .kind = YAML_RULE_CHOICE, .words = basis_words };

static const struct yaml_rule scheme_rules[] = {
    { "code", YAML_RULE_CODE, offsetof(struct catalogue_raw_scheme, code), .required = true,
      .min = 1, .max = 16, .help = "name of the scheme, as requests give it" },
    { "pattern", YAML_RULE_TEXT, offsetof(struct catalogue_raw_scheme, pattern), .required = true,
      .min = 1, .max = 64,
      .help = "capital letters, digits, [0-9] and [A-Z], {n}; hyphens are for people" },
    { "check", YAML_RULE_CHOICE, offsetof(struct catalogue_raw_scheme, check), .preset = "none",
      .words = check_words, .help = "mod9: the last digit is 1 + the number before it mod 9" },
    END_OF_RULES,
};
static const struct yaml_shape scheme_shape = { sizeof(struct catalogue_raw_scheme), scheme_rules,
                                                NULL, YAML_NO_OFFSET,
                                                offsetof(struct catalogue_raw_scheme, line) };

static const struct yaml_rule member_rules[] = {
    { "code", YAML_RULE_CODE, offsetof(struct catalogue_raw_member, code), .required = true,
      .min = 1, .help = "as on the member's cards, such as `ru/health/clinic-2`" },
    { "title", YAML_RULE_RECORD, offsetof(struct catalogue_raw_member, title), .required = true,
      .shape = &title_shape, .help = "what a citizen reads" },
    { "contact", YAML_RULE_TEXT, offsetof(struct catalogue_raw_member, contact), .max = TITLE_MAX,
      .help = "where a citizen can ask" },
    END_OF_RULES,
};
static const struct yaml_shape member_shape = { sizeof(struct catalogue_raw_member), member_rules,
                                                NULL, YAML_NO_OFFSET,
                                                offsetof(struct catalogue_raw_member, line) };

#define RAW_TEXT(language)                                                                         \
    (offsetof(struct catalogue_raw_text, text.in) + (language) * sizeof(char *))
#define SENTENCE(language, words)                                                                  \
    YAML_RULE_TEXT, RAW_TEXT(language), .required = true, .min = 1, .max = SENTENCE_MAX,           \
                                        .help = words

static const struct yaml_rule text_rules[] = {
    { "ru", SENTENCE(CATALOGUE_RU, "Russian") },
    { "en", SENTENCE(CATALOGUE_EN, "English") },
    END_OF_RULES,
};
static const struct yaml_shape text_shape = { sizeof(struct catalogue_raw_text), text_rules, NULL,
                                              offsetof(struct catalogue_raw_text, key),
                                              offsetof(struct catalogue_raw_text, line) };

static const struct yaml_rule reason_rules[] = {
    { "asker", YAML_RULE_CODE, offsetof(struct catalogue_raw_text, asker), .required = true,
      .min = 1, .help = "`same`, or the code that the asker reads in place of this one" },
    { "ru", SENTENCE(CATALOGUE_RU, "what the citizen reads, Russian") },
    { "en", SENTENCE(CATALOGUE_EN, "what the citizen reads, English") },
    END_OF_RULES,
};
static const struct yaml_shape reason_shape = { sizeof(struct catalogue_raw_text), reason_rules,
                                                NULL, offsetof(struct catalogue_raw_text, key),
                                                offsetof(struct catalogue_raw_text, line) };

#define PURPOSE_TEXT(member, language)                                                             \
    (offsetof(struct catalogue_raw_purpose, member.in) + (language) * sizeof(char *))
static const struct yaml_rule purpose_rules[] = {
    { "dpv", YAML_RULE_TEXT, offsetof(struct catalogue_raw_purpose, dpv), .required = true,
      .min = 5, .max = 64, .help = "term of the W3C Data Privacy Vocabulary" },
    { "ru", YAML_RULE_TEXT, PURPOSE_TEXT(text, CATALOGUE_RU), .required = true, .min = 1,
      .max = TITLE_MAX, .help = "“to …”, Russian" },
    { "en", YAML_RULE_TEXT, PURPOSE_TEXT(text, CATALOGUE_EN), .required = true, .min = 1,
      .max = TITLE_MAX, .help = "“to …”, English" },
    { "benefit", YAML_RULE_RECORD, offsetof(struct catalogue_raw_purpose, benefit),
      .required = true, .shape = &title_shape, .help = "what the citizen gains" },
    END_OF_RULES,
};
static const struct yaml_shape purpose_shape = { sizeof(struct catalogue_raw_purpose),
                                                 purpose_rules, NULL,
                                                 offsetof(struct catalogue_raw_purpose, key),
                                                 offsetof(struct catalogue_raw_purpose, line) };

static const struct yaml_rule field_rules[] = {
    { "type", YAML_RULE_CHOICE, offsetof(struct catalogue_raw_field, type), .required = true,
      .words = type_words, .help = "list: a JSON array of texts" },
    { "sensitivity", YAML_RULE_CHOICE, offsetof(struct catalogue_raw_field, sensitivity),
      .required = true, .words = sensitivity_words,
      .help = "special: health, beliefs and the like" },
    { "forms", YAML_RULE_LIST, offsetof(struct catalogue_raw_field, forms), .required = true,
      .min = 1, .max = 8, .of = &form_item,
      .help = "forms that the holder can give: full, masked, last4, year, exists, match, over, "
              "pseudonym; the first of two equally strong ones is given" },
    { "max_bytes", YAML_RULE_NUMBER, offsetof(struct catalogue_raw_field, max_bytes),
      .required = true, .min = 1, .max = 65536,
      .help = "longest value; sets the size of its sealed box" },
    { "title", YAML_RULE_RECORD, offsetof(struct catalogue_raw_field, title), .required = true,
      .shape = &title_shape, .help = "what a citizen reads" },
    { "codes", YAML_RULE_LIST, offsetof(struct catalogue_raw_field, codes), .max = 1000,
      .of = &word_item, .help = "the values of a field of type code; none: any word" },
    END_OF_RULES,
};
static const struct yaml_shape field_shape = { sizeof(struct catalogue_raw_field), field_rules,
                                               NULL, offsetof(struct catalogue_raw_field, key),
                                               offsetof(struct catalogue_raw_field, line) };

static const struct yaml_rule dataset_rules[] = {
    { "code", YAML_RULE_CODE, offsetof(struct catalogue_raw_dataset, code), .required = true,
      .min = 1, .help = "such as `health.driver-certificate`" },
    { "holder", YAML_RULE_CODE, offsetof(struct catalogue_raw_dataset, holder),
      .help = "the member that answers for it" },
    { "holders", YAML_RULE_LIST, offsetof(struct catalogue_raw_dataset, holders), .max = 10000,
      .of = &code_item, .help = "instead of `holder`: several, of which a request names one" },
    { "title", YAML_RULE_RECORD, offsetof(struct catalogue_raw_dataset, title), .required = true,
      .shape = &title_shape, .help = "what a citizen reads" },
    { "fields", YAML_RULE_TABLE, offsetof(struct catalogue_raw_dataset, fields), .required = true,
      .min = 1, .max = CATALOGUE_FIELDS_MAX, .shape = &field_shape, .help = "its parts, by name" },
    END_OF_RULES,
};
static const struct yaml_shape dataset_shape = { sizeof(struct catalogue_raw_dataset),
                                                 dataset_rules, NULL, YAML_NO_OFFSET,
                                                 offsetof(struct catalogue_raw_dataset, line) };

static const struct yaml_rule forms_rule = { "",
                                             YAML_RULE_LIST,
                                             offsetof(struct catalogue_raw_forms, forms),
                                             .required = true,
                                             .min = 1,
                                             .max = 8,
                                             .of = &form_item,
                                             .help = "forms that may be given; weaker ones of the "
                                                     "field are allowed with them; over(N) with "
                                                     "its N" };
static const struct yaml_shape forms_shape = { sizeof(struct catalogue_raw_forms), NULL,
                                               &forms_rule,
                                               offsetof(struct catalogue_raw_forms, key),
                                               offsetof(struct catalogue_raw_forms, line) };

#define AGREEMENT(member) offsetof(struct catalogue_raw_agreement, member)
// The records inside an agreement are read into members of the agreement itself.
static const struct yaml_rule budget_rules[] = {
    { "per_case", YAML_RULE_NUMBER, AGREEMENT(per_case), .max = 1000000,
      .help = "releases for one case; 0: no limit" },
    { "per_official_day", YAML_RULE_NUMBER, AGREEMENT(per_official_day), .max = 1000000,
      .help = "releases to one official on one day, UTC; 0: no limit" },
    END_OF_RULES,
};
static const struct yaml_rule consent_rules[] = {
    { "days", YAML_RULE_NUMBER, AGREEMENT(consent_days), .required = true, .min = 1, .max = 3660,
      .help = "a consent lasts at most so long" },
    { "uses", YAML_RULE_NUMBER, AGREEMENT(consent_uses), .required = true, .min = 1, .max = 100000,
      .help = "and covers at most so many releases" },
    END_OF_RULES,
};
static const struct yaml_rule review_rules[] = {
    { "within_hours", YAML_RULE_NUMBER, AGREEMENT(review_hours), .required = true, .min = 1,
      .max = 8760, .help = "the review's deadline" },
    { "by", YAML_RULE_CHOICE, AGREEMENT(review_by), .required = true, .words = review_words,
      .help = "who reviews" },
    END_OF_RULES,
};
static const struct yaml_shape budget_shape = { sizeof(struct catalogue_raw_agreement),
                                                budget_rules, NULL, YAML_NO_OFFSET,
                                                YAML_NO_OFFSET };
static const struct yaml_shape consent_shape = { sizeof(struct catalogue_raw_agreement),
                                                 consent_rules, NULL, YAML_NO_OFFSET,
                                                 YAML_NO_OFFSET };
static const struct yaml_shape review_shape = { sizeof(struct catalogue_raw_agreement),
                                                review_rules, NULL, YAML_NO_OFFSET,
                                                YAML_NO_OFFSET };

static const struct yaml_rule agreement_rules[] = {
    { "id", YAML_RULE_CODE, AGREEMENT(id), .required = true, .min = 1,
      .help = "its name, as decisions cite it" },
    { "asker", YAML_RULE_CODE, AGREEMENT(asker), .required = true, .min = 1,
      .help = "the member that may ask" },
    { "dataset", YAML_RULE_CODE, AGREEMENT(dataset), .required = true, .min = 1,
      .help = "what it may ask of" },
    { "purposes", YAML_RULE_LIST, AGREEMENT(purposes), .required = true, .min = 1, .max = 32,
      .of = &code_item, .help = "what for" },
    { "bases", YAML_RULE_LIST, AGREEMENT(bases), .required = true, .min = 1, .max = 5,
      .of = &basis_item, .help = "on what legal ground" },
    { "articles", YAML_RULE_LIST, AGREEMENT(articles), .max = 64, .of = &article_item,
      .help = "legal acts; a request on the basis `law` names one of them letter for letter" },
    { "fields", YAML_RULE_TABLE, AGREEMENT(fields), .required = true, .min = 1,
      .max = CATALOGUE_FIELDS_MAX, .shape = &forms_shape,
      .help = "a field that is not named here is never released" },
    { "official_roles", YAML_RULE_LIST, AGREEMENT(roles), .max = 32, .of = &code_item,
      .help = "roles of the official who asks; none: any" },
    { "case_required", YAML_RULE_BOOL, AGREEMENT(case_required), .preset = "false",
      .help = "the request must name a case" },
    { "justification", YAML_RULE_CHOICE, AGREEMENT(justification), .preset = "none",
      .words = justification_words, .help = "the request must say why, in 20 characters or more" },
    { "budget", YAML_RULE_RECORD, 0, .shape = &budget_shape, .help = "how often" },
    { "consent_max", YAML_RULE_RECORD, 0, .shape = &consent_shape,
      .help = "caps every consent under it; needed where `bases` has consent" },
    { "review", YAML_RULE_RECORD, 0, .shape = &review_shape, .help = "of every release" },
    { "notice", YAML_RULE_CHOICE, AGREEMENT(notice), .preset = "in-list", .words = notice_words,
      .help = "at-once: the citizen is told when it happens" },
    { "paper", YAML_RULE_RECORD, AGREEMENT(paper), .shape = &title_shape,
      .help = "what the citizen no longer has to bring" },
    END_OF_RULES,
};
static const struct yaml_shape agreement_shape = { sizeof(struct catalogue_raw_agreement),
                                                   agreement_rules, NULL, YAML_NO_OFFSET,
                                                   offsetof(struct catalogue_raw_agreement, line) };

static const struct yaml_rule scheme_item = { .kind = YAML_RULE_RECORD, .shape = &scheme_shape };
static const struct yaml_rule member_item = { .kind = YAML_RULE_RECORD, .shape = &member_shape };
static const struct yaml_rule dataset_item = { .kind = YAML_RULE_RECORD, .shape = &dataset_shape };
static const struct yaml_rule agreement_item = { .kind = YAML_RULE_RECORD,
                                                 .shape = &agreement_shape };

#define FILE_LIST(member)  YAML_RULE_LIST, offsetof(struct catalogue_raw_file, member)
#define FILE_TABLE(member) YAML_RULE_TABLE, offsetof(struct catalogue_raw_file, member)
static const struct yaml_rule file_rules[] = {
    { "schemes", FILE_LIST(schemes), .of = &scheme_item, .help = "how identifiers look" },
    { "members", FILE_LIST(members), .of = &member_item, .help = "agencies" },
    { "officials", FILE_TABLE(officials), .shape = &text_shape, .help = "official roles" },
    { "purposes", FILE_TABLE(purposes), .shape = &purpose_shape, .help = "purposes" },
    { "datasets", FILE_LIST(datasets), .of = &dataset_item, .help = "what holders offer" },
    { "agreements", FILE_LIST(agreements), .of = &agreement_item, .help = "who may ask for what" },
    { "reasons", FILE_TABLE(reasons), .shape = &reason_shape,
      .help = "sentences of verdicts; every code must be there" },
    { "citizen", FILE_TABLE(citizen), .shape = &text_shape,
      .help = "sentences of citizens' pages" },
    { "forms", FILE_TABLE(forms), .shape = &text_shape, .help = "names of forms; all of them" },
    { "bases", FILE_TABLE(bases), .shape = &text_shape,
      .help = "names of legal bases; all of them" },
    END_OF_RULES,
};

const struct yaml_shape catalogue_file_shape = { sizeof(struct catalogue_raw_file), file_rules,
                                                 NULL, YAML_NO_OFFSET, YAML_NO_OFFSET };

void catalogue_markdown(struct buffer *out)
{
    buffer_text(
        out, "# Policy files\n\n"
             "Written by the table that reads the files (`src/catalogue/schema.c`); a test keeps "
             "the two in step.\n\n"
             "A policy folder holds any number of `.yaml` files; any section may stand in any of "
             "them, and lists of several files add up. The whole is refused when one thing is "
             "wrong: a key that does not exist, a code that nothing defines, a form that a field "
             "does not have, a missing sentence. `config/scenario/` is a complete example, "
             "[consent-model.md](consent-model.md) says what it all means.\n\n");
    yaml_schema_markdown(&catalogue_file_shape, out);
}
