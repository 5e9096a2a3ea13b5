// An entry as people read it: the citizen's sentence where its facts are there. Nothing is said to
// have been passed on unless the entry ended in a release.
#include "entry_text.h"

#include <string.h>

#include "base/text.h"
#include "catalogue/sentence.h"
#include "consent/artefact.h"
#include "question.h"
#include "wire/wire.h"

enum {
    LINE_BYTES_MAX = 64 * 1024,
    MINUTE_MS = 60 * 1000,
    MINUTE_TEXT_BYTES = sizeof("2026-11-21 18:53") - 1,
};

static const char *class_name(unsigned class)
{
    static const char *const names[] = { "unknown",    "exchange", "consent", "oversight",
                                         "governance", "delayed",  "epoch" };
    return class < ARRAY_COUNT(names) ? names[class] : names[0];
}

// What a decision is about, from the subject's or the exchange part.
struct access {
    struct bytes asker;
    struct bytes holder;
    struct bytes dataset;
    struct bytes purpose;
    struct bytes official_role;
    struct bytes article;
    struct bytes justification;
    uint32_t basis;
    bool automated;
    const struct wire_verdict *verdicts;
    size_t verdict_count;
    bool passed; // it ended in a release: what was granted was passed on
    bool failed; // it ended in another way: nothing was
};

static bool read_facts(const struct entry_text *entry, struct access *access)
{
    const struct wire_subject_part *subject = entry->subject;
    const struct wire_exchange_part *exchange = entry->exchange;
    if (subject != NULL && subject->dataset.size > 0) {
        *access = (struct access){ .asker = subject->asker,
                                   .holder = subject->holder,
                                   .dataset = subject->dataset,
                                   .purpose = subject->purpose,
                                   .official_role = subject->official_role,
                                   .article = subject->article,
                                   .justification = subject->justification,
                                   .basis = subject->basis,
                                   .automated = subject->automated,
                                   .verdicts = subject->verdicts,
                                   .verdict_count = subject->verdicts_count };
        return true;
    }
    if (exchange == NULL || exchange->dataset.size == 0) {
        return false;
    }
    *access = (struct access){ .asker = exchange->asker,
                               .holder = exchange->holder,
                               .dataset = exchange->dataset,
                               .purpose = exchange->purpose,
                               .basis = exchange->basis,
                               .automated = exchange->automated,
                               .verdicts = exchange->verdicts,
                               .verdict_count = exchange->verdicts_count };
    return true;
}

static bool read_access(const struct entry_text *entry, struct access *access)
{
    if (!read_facts(entry, access)) {
        return false;
    }
    access->passed = entry->ending == WIRE_KIND_RELEASED;
    access->failed = entry->ending != WIRE_KIND_NONE && !access->passed;
    return true;
}

// Which fields of an access a list is of.
enum choice { CHOICE_PASSED, CHOICE_NOT_GOT, CHOICE_GRANTED };

static bool chosen(const struct access *access, const struct wire_verdict *verdict,
                   enum choice choice)
{
    bool granted = verdict->given.size > 0;
    switch (choice) {
    case CHOICE_PASSED:
        return granted && access->passed;
    case CHOICE_NOT_GOT:
        return !granted || access->failed;
    case CHOICE_GRANTED:
        return granted;
    }
    return false;
}

// The chosen fields with commas between. Returns how many there were.
static size_t list_fields(const struct speech *speech, const struct access *access,
                          enum choice choice, struct buffer *out)
{
    size_t count = 0;
    for (size_t i = 0; i < access->verdict_count; i++) {
        const struct wire_verdict *verdict = &access->verdicts[i];
        if (!chosen(access, verdict, choice)) {
            continue;
        }
        buffer_text(out, count++ == 0 ? "" : ", ");
        speech_field(speech, access->dataset, verdict->name, verdict->given, out);
    }
    return count;
}

static const char *finish(struct buffer *text)
{
    buffer_u8(text, 0);
    return text->failed ? "" : (const char *)text->data;
}

// The citizen's sentence, or its plain English likeness without a bundle.
static void say_access(const struct speech *speech, const struct access *access, enum choice choice,
                       struct buffer *out)
{
    enum { ASKER, ROLE, FIELDS, PURPOSE, BASIS, TEXTS };
    bool passed = choice == CHOICE_PASSED;
    struct buffer texts[TEXTS];
    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = buffer_init(LINE_BYTES_MAX);
    }
    speech_member(speech, access->asker, &texts[ASKER]);
    if (access->official_role.size > 0) {
        speech_official(speech, access->official_role, &texts[ROLE]);
    } else {
        buffer_text(&texts[ROLE], speech_word(speech, SPEECH_NO_ROLE));
    }
    size_t count = list_fields(speech, access, choice, &texts[FIELDS]);
    if (count == 0) {
        buffer_text(&texts[FIELDS], speech_word(speech, SPEECH_NOTHING));
    }
    speech_purpose(speech, access->purpose, &texts[PURPOSE]);
    speech_basis(speech, access->basis, access->article, &texts[BASIS]);
    const struct catalogue_argument arguments[] = {
        { .name = "a", .text = finish(&texts[ASKER]) },
        { .name = "role", .text = finish(&texts[ROLE]) },
        { .name = "fields", .text = finish(&texts[FIELDS]) },
        { .name = "purpose", .text = finish(&texts[PURPOSE]) },
        { .name = "basis", .text = finish(&texts[BASIS]) },
    };
    const struct catalogue_text *text =
        speech->catalogue == NULL
            ? NULL
            : catalogue_citizen_text(speech->catalogue, passed ? "entry" : "entry_asked");
    static const char *const plain[] = {
        "To: {a} ({role}). Passed on: {fields}. Why: {purpose}. Ground: {basis}.",
        "Asked for and did not get: {fields}.",
    };
    const char *sentence = text != NULL ? text->in[speech->language] : plain[passed ? 0 : 1];
    struct error ignored;
    if (catalogue_sentence_render(sentence, speech->language, arguments, ARRAY_COUNT(arguments),
                                  out, &ignored) != ST_OK) {
        buffer_text(out, ignored.message);
    }
    for (size_t i = 0; i < TEXTS; i++) {
        buffer_fini(&texts[i]);
    }
}

static void print_buffer(struct output *out, const char *indent, struct buffer *text)
{
    output_line(out, "%s%.*s", indent, (int)text->size, (const char *)text->data);
}

static void show_refusals(struct output *out, const struct speech *speech,
                          const struct access *access)
{
    for (size_t i = 0; i < access->verdict_count; i++) {
        const struct wire_verdict *verdict = &access->verdicts[i];
        if (verdict->given.size > 0) {
            continue;
        }
        struct buffer line = buffer_init(LINE_BYTES_MAX);
        struct speech_reason reason = {
            .code = verdict->reason,
            .asker = access->asker,
            .dataset = access->dataset,
            .field = verdict->name,
            .form = verdict->asked,
            .basis = access->basis,
            .article = access->article,
        };
        speech_reason(speech, &reason, &line);
        print_buffer(out, "         ", &line);
        buffer_fini(&line);
    }
}

static void json_verdicts(struct output *out, const struct access *access)
{
    output_array(out, "fields");
    for (size_t i = 0; i < access->verdict_count; i++) {
        const struct wire_verdict *verdict = &access->verdicts[i];
        output_object(out, NULL);
        output_bytes(out, "name", verdict->name);
        output_bytes(out, "asked", verdict->asked);
        output_bytes(out, "given", verdict->given);
        output_bytes(out, "reason", verdict->reason);
        output_object_end(out);
    }
    output_array_end(out);
}

static void json_access(struct output *out, const struct access *access)
{
    output_bytes(out, "asker", access->asker);
    output_bytes(out, "holder", access->holder);
    output_bytes(out, "dataset", access->dataset);
    output_bytes(out, "purpose", access->purpose);
    output_bytes(out, "official_role", access->official_role);
    output_text(out, "basis",
                access->basis < CATALOGUE_BASIS_COUNT
                    ? catalogue_basis_name((enum catalogue_basis)access->basis)
                    : "");
    output_bytes(out, "article", access->article);
    output_bytes(out, "justification", access->justification);
    output_bool(out, "automated", access->automated);
    json_verdicts(out, access);
}

static bool any_field(const struct access *access, enum choice choice)
{
    for (size_t i = 0; i < access->verdict_count; i++) {
        if (chosen(access, &access->verdicts[i], choice)) {
            return true;
        }
    }
    return false;
}

static void show_ending(struct output *out, const struct speech *speech,
                        const struct entry_text *entry, const struct access *access)
{
    if (entry->ending == WIRE_KIND_NONE) {
        return;
    }
    output_text(out, "ending", wire_kind_name(entry->ending));
    output_number(out, "ended_by", entry->ended_by);
    output_bytes(out, "end_reason", entry->end_reason);
    if (entry->ending == WIRE_KIND_RELEASED || entry->ending == WIRE_KIND_DECISION) {
        return;
    }
    struct buffer line = buffer_init(LINE_BYTES_MAX);
    struct speech_reason reason = {
        .code = entry->end_reason,
        .asker = access->asker,
        .dataset = access->dataset,
    };
    speech_reason(speech, &reason, &line);
    output_bytes(out, "ending_sentence", buffer_view(&line));
    output_line(out, "       %.*s", (int)line.size, (const char *)line.data);
    buffer_fini(&line);
}

// Granted, and as far as this entry knows neither passed on nor ended.
static void show_open(struct output *out, const struct speech *speech, const struct access *access)
{
    if (!access->passed && !access->failed) {
        struct buffer line = buffer_init(LINE_BYTES_MAX);
        (void)list_fields(speech, access, CHOICE_GRANTED, &line);
        output_line(out, "       %s: %.*s", speech_word(speech, SPEECH_ALLOWED), (int)line.size,
                    (const char *)line.data);
        buffer_fini(&line);
    }
}

static void show_decision(struct output *out, const struct speech *speech,
                          const struct entry_text *entry, const struct access *access)
{
    struct buffer line = buffer_init(LINE_BYTES_MAX);
    json_access(out, access);
    if (access->verdict_count > 0) {
        say_access(speech, access, CHOICE_PASSED, &line);
        print_buffer(out, "       ", &line);
        output_bytes(out, "sentence", buffer_view(&line));
    }
    if (any_field(access, CHOICE_NOT_GOT)) {
        buffer_clear(&line);
        say_access(speech, access, CHOICE_NOT_GOT, &line);
        print_buffer(out, "       ", &line);
        output_bytes(out, "sentence_refused", buffer_view(&line));
        show_refusals(out, speech, access);
    }
    if (any_field(access, CHOICE_GRANTED)) {
        show_open(out, speech, access);
        show_ending(out, speech, entry, access);
    }
    if (access->justification.size > 0) {
        output_line(out, "       %s: %.*s", speech_word(speech, SPEECH_URGENT),
                    SPEECH_TEXT(access->justification));
    }
    buffer_fini(&line);
}

static void show_consent(struct output *out, const struct speech *speech,
                         const struct wire_subject_part *subject)
{
    const char *state = consent_state_name((enum consent_state)subject->consent_state);
    struct buffer asker = buffer_init(LINE_BYTES_MAX);
    speech_member(speech, subject->asker, &asker);
    output_text(out, "consent_state", state);
    output_id(out, "consent", &subject->consent);
    output_number(out, "consent_revision", subject->consent_revision);
    output_bytes(out, "asker", subject->asker);
    output_bytes(out, "dataset", subject->dataset);
    if (subject->dataset.size > 0) {
        buffer_text(&asker, ", ");
        speech_dataset(speech, subject->dataset, &asker);
    }
    output_line(out, "       %s %.*s: %s", speech_word(speech, SPEECH_CONSENT_FOR), (int)asker.size,
                (const char *)asker.data,
                speech_state(speech, (enum consent_state)subject->consent_state));
    buffer_fini(&asker);
}

// A look at a person's list, or at the record: then with the question, where this reader sees it.
static void show_reader(struct output *out, const struct speech *speech,
                        const struct entry_text *entry)
{
    struct buffer who = buffer_init(LINE_BYTES_MAX);
    const struct wire_officer_part *officer = entry->officer;
    struct bytes member = entry->subject != NULL ? entry->subject->asker : officer->reader;
    struct bytes role =
        entry->subject != NULL ? entry->subject->official_role : officer->reader_role;
    speech_member(speech, member, &who);
    output_bytes(out, "reader", member);
    output_bytes(out, "reader_role", role);
    bool of_person = entry->subject != NULL && entry->subject->sequence > 0;
    enum speech_word word = entry->kind == WIRE_KIND_SESSION_OPENED ? SPEECH_OPENED
                            : !of_person                            ? SPEECH_LOOKED_RECORD
                                                                    : SPEECH_LOOKED;
    output_line(out, "       %s: %.*s (%.*s)", speech_word(speech, word), (int)who.size,
                (const char *)who.data, SPEECH_TEXT(role));
    if (!of_person && officer != NULL && officer->question.size > 0) {
        output_bytes(out, "question", officer->question);
        output_line(out, "       %.*s", SPEECH_TEXT(officer->question));
    }
    buffer_fini(&who);
}

static void show_earlier(struct output *out, const struct entry_text *entry)
{
    output_bool(out, "forgotten", true);
    output_number(out, "earlier", entry->earlier);
    output_bytes(out, "until", entry->earlier_until);
    output_line(out,
                "       earlier entries were forgotten under the retention rule: %llu, up to the "
                "end of %.*s",
                (unsigned long long)entry->earlier, (int)entry->earlier_until.size,
                (const char *)entry->earlier_until.data);
}

void entry_text_show(struct output *out, const struct speech *speech,
                     const struct entry_text *entry)
{
    char at[OUTPUT_MOMENT_BYTES];
    struct access access;
    bool to_the_minute = entry->recorded_ms % MINUTE_MS == 0;
    if (entry->earlier > 0) {
        show_earlier(out, entry);
        return;
    }
    output_number(out, "index", entry->index);
    output_text(out, "kind", wire_kind_name(entry->kind));
    if (entry->has_leaf) {
        output_text(out, "class", class_name(entry->class));
    }
    output_moment(out, "recorded_at", entry->recorded_ms);
    output_moment_text(entry->recorded_ms, at);
    output_line(out, "%6llu %.*s%s  %s", (unsigned long long)entry->index,
                to_the_minute ? MINUTE_TEXT_BYTES : (int)strlen(at), at,
                to_the_minute ? "    UTC" : "",
                entry->kind != 0 ? wire_kind_name(entry->kind) : class_name(entry->class));
    if (entry->forgotten) {
        output_bool(out, "forgotten", true);
        output_line(out, "       its content was forgotten under the retention rule");
    } else if (entry->kind == WIRE_KIND_CONSENT && entry->subject != NULL) {
        show_consent(out, speech, entry->subject);
    } else if ((entry->kind == WIRE_KIND_READ || entry->kind == WIRE_KIND_SESSION_OPENED) &&
               (entry->subject != NULL || entry->officer != NULL)) {
        show_reader(out, speech, entry);
    } else if (entry->public_ != NULL) {
        entry_governance_show(out, entry->public_);
    } else if (read_access(entry, &access)) {
        show_decision(out, speech, entry, &access);
    }
}

static void detail_hex(struct output *out, const char *name, struct bytes bytes)
{
    char hex[2 * 64 + 1];
    if (bytes.size == 0 || bytes.size > 64) {
        return;
    }
    text_hex_encode(bytes, hex);
    output_text(out, name, hex);
    output_line(out, "  %-18s %s", name, hex);
}

static void detail_digest(struct output *out, const char *name, const struct digest *digest)
{
    if (!digest_is_zero(digest)) {
        detail_hex(out, name, bytes_digest(digest));
    }
}

static void detail_text(struct output *out, const char *name, struct bytes text)
{
    if (text.size > 0) {
        output_bytes(out, name, text);
        output_line(out, "  %-18s %.*s", name, SPEECH_TEXT(text));
    }
}

static void detail_id(struct output *out, const char *name, const struct id *id)
{
    static const struct id none;
    char text[TEXT_ID_BYTES];
    if (!id_equal(id, &none)) {
        text_id_format(id, text);
        output_text(out, name, text);
        output_line(out, "  %-18s %s", name, text);
    }
}

static void detail_exchange(struct output *out, const struct wire_exchange_part *part)
{
    output_object(out, "exchange_part");
    detail_id(out, "exchange_id", &part->exchange_id);
    detail_digest(out, "request_hash", &part->request_hash);
    detail_digest(out, "signed_by", &part->signer);
    detail_text(out, "holder", part->holder);
    detail_text(out, "dataset", part->dataset);
    detail_text(out, "agreement", part->agreement);
    detail_id(out, "consent", &part->consent);
    detail_digest(out, "bundle_hash", &part->bundle_hash);
    detail_digest(out, "answer_hash", &part->answer_hash);
    detail_text(out, "reason", part->reason);
    if (!digest_is_zero(&part->decision_leaf)) {
        output_number(out, "decision_index", part->decision_index);
        output_number(out, "released", part->released_count);
        output_line(out, "  %-18s entry %llu", "decision",
                    (unsigned long long)part->decision_index);
        output_line(out, "  %-18s %zu", "fields passed on", part->released_count);
    }
    output_object_end(out);
}

static void detail_officer(struct output *out, const struct wire_officer_part *part)
{
    char person[QUESTION_REFERENCE_BYTES];
    output_object(out, "officer_part");
    detail_text(out, "person", bytes_text(question_reference(part->tag, person)));
    detail_text(out, "official", part->official);
    detail_text(out, "official_role", part->official_role);
    detail_text(out, "case_ref", part->case_ref);
    detail_text(out, "node", part->node);
    detail_text(out, "reader", part->reader);
    detail_text(out, "reader_role", part->reader_role);
    detail_text(out, "question", part->question);
    detail_text(out, "reason", part->reason);
    output_array(out, "flags");
    for (size_t i = 0; i < part->flags_count; i++) {
        output_item(out, part->flags[i]);
        output_line(out, "  %-18s %.*s", "flag", SPEECH_TEXT(part->flags[i]));
    }
    output_array_end(out);
    output_number(out, "over_asked", part->over_asked_count);
    if (part->over_asked_count > 0) {
        output_line(out, "  %-18s %zu (fields that no agreement allows for the purpose)",
                    "over-asked", part->over_asked_count);
    }
    output_array(out, "over_answered");
    for (size_t i = 0; i < part->over_answered_count; i++) {
        output_item(out, part->over_answered[i]);
        output_line(out, "  %-18s %.*s: answered by the holder, granted by nobody, not passed on",
                    "over-answered", SPEECH_TEXT(part->over_answered[i]));
    }
    output_array_end(out);
    output_object_end(out);
}

void entry_text_detail(struct output *out, const struct entry_text *entry)
{
    if (entry->exchange != NULL) {
        detail_exchange(out, entry->exchange);
    }
    if (entry->ending != WIRE_KIND_NONE) {
        output_line(out, "  %-18s %s, entry %llu", "ending", wire_kind_name(entry->ending),
                    (unsigned long long)entry->ended_by);
    }
    if (entry->subject != NULL && entry->subject->sequence > 0) {
        output_object(out, "subject_part");
        output_number(out, "sequence", entry->subject->sequence);
        output_line(out, "  %-18s %llu of this citizen's list", "sequence",
                    (unsigned long long)entry->subject->sequence);
        detail_digest(out, "previous", &entry->subject->previous);
        output_object_end(out);
    }
    if (entry->officer != NULL) {
        detail_officer(out, entry->officer);
    }
}
