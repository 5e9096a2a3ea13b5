// Rows of evidence. Every column is a text that is made first, so that both formats say the same.
#include "evidence.h"

#include <time.h>

#include "base/text.h"
#include "question.h"
#include "web/json.h"
#include "wire/wire.h"

enum { COLUMN_BYTES_MAX = 256 * 1024 };

enum column {
    COLUMN_ENTRY,
    COLUMN_TIME,
    COLUMN_KIND,
    COLUMN_PERSON,
    COLUMN_ASKER,
    COLUMN_HOLDER,
    COLUMN_DATASET,
    COLUMN_PURPOSE,
    COLUMN_BASIS,
    COLUMN_ARTICLE,
    COLUMN_ROLE,
    COLUMN_OFFICIAL,
    COLUMN_CASE,
    COLUMN_AUTOMATED,
    COLUMN_FIELDS,
    COLUMN_OVER_ASKED,
    COLUMN_ENDING,
    COLUMN_ENDED_BY,
    COLUMN_REASON,
    COLUMN_EXCHANGE,
    COLUMN_AGREEMENT,
    COLUMN_SIGNED_BY,
    COLUMN_QUESTION,
    COLUMN_COUNT
};

static const char *const names[COLUMN_COUNT] = {
    [COLUMN_ENTRY] = "entry",         [COLUMN_TIME] = "time",
    [COLUMN_KIND] = "kind",           [COLUMN_PERSON] = "person",
    [COLUMN_ASKER] = "asker",         [COLUMN_HOLDER] = "holder",
    [COLUMN_DATASET] = "dataset",     [COLUMN_PURPOSE] = "purpose",
    [COLUMN_BASIS] = "basis",         [COLUMN_ARTICLE] = "article",
    [COLUMN_ROLE] = "role",           [COLUMN_OFFICIAL] = "official",
    [COLUMN_CASE] = "case",           [COLUMN_AUTOMATED] = "automated",
    [COLUMN_FIELDS] = "fields",       [COLUMN_OVER_ASKED] = "over_asked",
    [COLUMN_ENDING] = "ending",       [COLUMN_ENDED_BY] = "ended_by",
    [COLUMN_REASON] = "reason",       [COLUMN_EXCHANGE] = "exchange",
    [COLUMN_AGREEMENT] = "agreement", [COLUMN_SIGNED_BY] = "signed_by",
    [COLUMN_QUESTION] = "question",
};

enum evidence_format evidence_format_parse(const char *word)
{
    if (word == NULL || strcmp(word, "csv") == 0) {
        return EVIDENCE_CSV;
    }
    return strcmp(word, "jsonl") == 0 ? EVIDENCE_JSONL : EVIDENCE_NONE;
}

void evidence_time(uint64_t wall_ms, struct buffer *out)
{
    char text[64];
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    if (wall_ms > 0 && gmtime_r(&seconds, &utc) != NULL) {
        size_t size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
        buffer_bytes(out, bytes_of(text, size));
    }
}

void evidence_cell(struct bytes value, struct buffer *out)
{
    bool quoted = false;
    // A spreadsheet would compute what begins so.
    bool guarded = value.size > 0 && memchr("=+-@\t\r", value.data[0], 6) != NULL;
    for (size_t i = 0; i < value.size; i++) {
        quoted = quoted || memchr(",\"\r\n", value.data[i], 4) != NULL;
    }
    buffer_text(out, quoted ? "\"" : "");
    buffer_text(out, guarded ? "'" : "");
    for (size_t i = 0; i < value.size; i++) {
        buffer_text(out, value.data[i] == '"' ? "\"" : "");
        buffer_u8(out, value.data[i]);
    }
    buffer_text(out, quoted ? "\"" : "");
}

void evidence_head(enum evidence_format format, struct buffer *out)
{
    for (int i = 0; format == EVIDENCE_CSV && i < COLUMN_COUNT; i++) {
        buffer_text(out, i == 0 ? "" : ",");
        buffer_text(out, names[i]);
    }
    buffer_text(out, format == EVIDENCE_CSV ? "\r\n" : "");
}

// ---- columns

static void put_id(struct buffer *out, const struct id *id)
{
    char text[TEXT_ID_BYTES];
    if (!id_is_zero(id)) {
        text_id_format(id, text);
        buffer_text(out, text);
    }
}

static void put_number(struct buffer *out, uint64_t number)
{
    if (number > 0) {
        buffer_format(out, "%llu", (unsigned long long)number);
    }
}

static void put_basis(struct buffer *out, uint32_t basis)
{
    if (basis > 0 && basis < CATALOGUE_BASIS_COUNT) {
        buffer_text(out, catalogue_basis_name((enum catalogue_basis)basis));
    }
}

// "fit: full > full (allowed); diagnoses: full > - (no-agreement)"
static void put_fields(struct buffer *out, const struct wire_exchange_part *part,
                       const struct wire_officer_part *officer)
{
    for (size_t i = 0; i < part->verdicts_count; i++) {
        const struct wire_verdict *verdict = &part->verdicts[i];
        bool known = officer != NULL && i < officer->reasons_count;
        buffer_text(out, i == 0 ? "" : "; ");
        buffer_bytes(out, verdict->name);
        buffer_text(out, ": ");
        buffer_bytes(out, verdict->asked);
        buffer_text(out, " > ");
        buffer_bytes(out, verdict->given.size > 0 ? verdict->given : bytes_text("-"));
        buffer_text(out, " (");
        buffer_bytes(out, known ? officer->reasons[i] : verdict->reason);
        buffer_text(out, ")");
    }
}

static void fill_exchange(struct buffer *columns, const struct entry_text *entry)
{
    const struct wire_exchange_part *part = entry->exchange;
    char hex[2 * DIGEST_BYTES + 1];
    buffer_bytes(&columns[COLUMN_ASKER], part->asker);
    buffer_bytes(&columns[COLUMN_HOLDER], part->holder);
    buffer_bytes(&columns[COLUMN_DATASET], part->dataset);
    buffer_bytes(&columns[COLUMN_PURPOSE], part->purpose);
    buffer_bytes(&columns[COLUMN_AGREEMENT], part->agreement);
    put_basis(&columns[COLUMN_BASIS], part->basis);
    put_id(&columns[COLUMN_EXCHANGE], &part->exchange_id);
    put_fields(&columns[COLUMN_FIELDS], part, entry->officer);
    if (!digest_is_zero(&part->signer)) {
        text_hex_encode(bytes_digest(&part->signer), hex);
        buffer_text(&columns[COLUMN_SIGNED_BY], hex);
    }
    buffer_text(&columns[COLUMN_AUTOMATED], part->automated ? "yes" : "");
    buffer_bytes(&columns[COLUMN_REASON], part->reason);
}

static void fill_officer(struct buffer *columns, const struct entry_text *entry)
{
    const struct wire_officer_part *part = entry->officer;
    char reference[QUESTION_REFERENCE_BYTES];
    buffer_text(&columns[COLUMN_PERSON], question_reference(part->tag, reference));
    buffer_bytes(&columns[COLUMN_OFFICIAL], part->official);
    buffer_bytes(&columns[COLUMN_ROLE],
                 part->official_role.size > 0 ? part->official_role : part->reader_role);
    buffer_bytes(&columns[COLUMN_CASE], part->case_ref);
    buffer_bytes(&columns[COLUMN_ARTICLE], part->article);
    buffer_bytes(&columns[COLUMN_QUESTION], part->question);
    put_number(&columns[COLUMN_OVER_ASKED], part->over_asked_count);
    if (columns[COLUMN_ASKER].size == 0) {
        buffer_bytes(&columns[COLUMN_ASKER], part->reader);
    }
    if (part->reason.size > 0) {
        buffer_clear(&columns[COLUMN_REASON]);
        buffer_bytes(&columns[COLUMN_REASON], part->reason);
    }
}

static void fill(struct buffer *columns, const struct entry_text *entry)
{
    buffer_format(&columns[COLUMN_ENTRY], "%llu", (unsigned long long)entry->index);
    evidence_time(entry->recorded_ms, &columns[COLUMN_TIME]);
    buffer_text(&columns[COLUMN_KIND],
                entry->forgotten ? "forgotten" : wire_kind_name(entry->kind));
    if (entry->exchange != NULL) {
        fill_exchange(columns, entry);
    }
    if (entry->officer != NULL) {
        fill_officer(columns, entry);
    }
    if (entry->public_ != NULL && columns[COLUMN_ASKER].size == 0) {
        buffer_bytes(&columns[COLUMN_ASKER], entry->public_->member);
    }
    if (entry->ending != 0) {
        buffer_text(&columns[COLUMN_ENDING], wire_kind_name(entry->ending));
        put_number(&columns[COLUMN_ENDED_BY], entry->ended_by);
        if (columns[COLUMN_REASON].size == 0) {
            buffer_bytes(&columns[COLUMN_REASON], entry->end_reason);
        }
    }
}

void evidence_row(enum evidence_format format, const struct entry_text *entry, struct buffer *out)
{
    struct buffer columns[COLUMN_COUNT];
    for (int i = 0; i < COLUMN_COUNT; i++) {
        columns[i] = buffer_init(COLUMN_BYTES_MAX);
    }
    fill(columns, entry);
    struct web_json_writer json = web_json_writer_init(out);
    if (format == EVIDENCE_JSONL) {
        web_json_write_object(&json);
    }
    for (int i = 0; i < COLUMN_COUNT; i++) {
        if (format == EVIDENCE_CSV) {
            buffer_text(out, i == 0 ? "" : ",");
            evidence_cell(buffer_view(&columns[i]), out);
        } else if (columns[i].size > 0) {
            web_json_write_name(&json, names[i]);
            web_json_write_text(&json, buffer_view(&columns[i]));
        }
        buffer_fini(&columns[i]);
    }
    if (format == EVIDENCE_JSONL) {
        web_json_write_object_end(&json);
    }
    buffer_text(out, format == EVIDENCE_CSV ? "\r\n" : "\n");
}
