// Consents of a person. What the broker lists is checked: an artefact must have the hash that its
// record names.
#include "consents.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "consent/artefact.h"
#include "receipts.h"
#include "seal/hash.h"

enum { MESSAGE_VERSION = 1, CONSENTS_MAX = 1024, FIELDS_MAX = 64 };

struct listing {
    struct person *person;
    struct consent_item *items;
    size_t count;
};

static bool keep(struct arena *arena, struct bytes *bytes)
{
    *bytes = arena_copy(arena, *bytes);
    return bytes->size == 0 || bytes->data != NULL;
}

static enum status take_row(void *context, const struct wire_row *row, struct error *err)
{
    struct listing *listing = context;
    struct arena *arena = listing->person->arena;
    if (row->consent == NULL) {
        return ST_OK;
    }
    if (listing->count == CONSENTS_MAX) {
        return error_set(err, ST_FULL, "more than %d consents", CONSENTS_MAX);
    }
    struct consent_item item = { .record = *row->consent };
    bool kept = keep(arena, &item.record.artefact) && keep(arena, &item.record.tag) &&
                keep(arena, &item.record.collector);
    enum status status =
        kept ? wire_decode(WIRE_SCHEMA_ARTEFACT, item.record.artefact, arena, &item.artefact, err)
             : error_set(err, ST_NOMEM, "consents");
    item.hash = seal_sha256(item.record.artefact);
    if (status == ST_OK && !digest_equal(&item.hash, &item.record.hash)) {
        status = error_set(err, ST_UNPROVEN, "a consent is not what its record says");
    }
    if (status == ST_OK) {
        listing->items[listing->count++] = item;
    }
    return status;
}

enum status consents_list(struct person *person, const struct consent_item **items, size_t *count,
                          struct error *err)
{
    struct listing listing = {
        .person = person,
        .items = arena_take(person->arena, CONSENTS_MAX * sizeof(*listing.items)),
    };
    if (listing.items == NULL) {
        return error_set(err, ST_NOMEM, "consents");
    }
    struct wire_query query = {
        .kind = WIRE_QUERY_CONSENTS,
        .session = person->session,
        .subject_scheme = person->scheme,
        .subject = buffer_view(&person->subject),
    };
    enum status status = link_each(person->link, &query, 0, take_row, &listing, err);
    if (status == ST_OK) {
        *items = listing.items;
        *count = listing.count;
    }
    return status;
}

enum status consents_find(struct person *person, const char *id, struct consent_item *item,
                          struct error *err)
{
    struct id wanted;
    const struct consent_item *items = NULL;
    size_t count = 0;
    if (!text_id_parse(bytes_text(id), &wanted)) {
        return error_set(err, ST_USAGE, "'%s' is not the id of a consent", id);
    }
    enum status status = consents_list(person, &items, &count, err);
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        if (id_equal(&items[i].record.id, &wanted)) {
            *item = items[i];
            return ST_OK;
        }
    }
    return status == ST_OK ? error_set(err, ST_NOT_FOUND, "this person has no consent %s", id)
                           : status;
}

static enum consent_state state_now(const struct consent_item *item)
{
    enum consent_state state = (enum consent_state)item->record.state;
    return consent_state_at(state, item->artefact.not_after, clock_wall_ms());
}

void consents_show_line(struct output *out, const struct speech *speech,
                        const struct consent_item *item)
{
    char id[TEXT_ID_BYTES];
    struct buffer words = buffer_init(8192);
    text_id_format(&item->record.id, id);
    speech_member(speech, item->artefact.asker, &words);
    buffer_text(&words, ": ");
    speech_dataset(speech, item->artefact.dataset, &words);
    buffer_format(&words, ", %s ", speech_word(speech, SPEECH_UNTIL));
    speech_day(item->artefact.not_after, &words);
    output_line(out, "%s  %s: %.*s", id, speech_state(speech, state_now(item)), (int)words.size,
                (const char *)words.data);
    buffer_fini(&words);
    output_text(out, "id", id);
    output_text(out, "state", consent_state_name(state_now(item)));
    output_number(out, "revision", item->record.revision);
    output_bytes(out, "asker", item->artefact.asker);
    output_bytes(out, "dataset", item->artefact.dataset);
    output_bytes(out, "purpose", item->artefact.purpose);
    output_bool(out, "automated", item->artefact.automated);
    output_number(out, "uses", item->artefact.uses);
    output_moment(out, "not_before", item->artefact.not_before);
    output_moment(out, "not_after", item->artefact.not_after);
    output_moment(out, "changed_at", item->record.changed_at);
    output_number(out, "entry", item->record.index);
    output_array(out, "fields");
    for (size_t i = 0; i < item->artefact.fields_count; i++) {
        output_object(out, NULL);
        output_bytes(out, "name", item->artefact.fields[i].name);
        output_bytes(out, "form", item->artefact.fields[i].form);
        output_object_end(out);
    }
    output_array_end(out);
}

void consents_show_full(struct output *out, const struct speech *speech,
                        const struct consent_item *item)
{
    char at[OUTPUT_MOMENT_BYTES];
    struct error ignored;
    struct buffer sentence = buffer_init(64 * 1024);
    consents_show_line(out, speech, item);
    output_line(out, "  revision %u of %s, entry %llu of the log", item->record.revision,
                output_moment_text(item->record.changed_at, at),
                (unsigned long long)item->record.index);
    output_line(out, "  collected by %.*s", SPEECH_TEXT(item->record.collector));
    for (size_t i = 0; i < item->artefact.fields_count; i++) {
        struct buffer field = buffer_init(8192);
        speech_field(speech, item->artefact.dataset, item->artefact.fields[i].name,
                     item->artefact.fields[i].form, &field);
        output_line(out, "  - %.*s: %.*s", SPEECH_TEXT(item->artefact.fields[i].name),
                    (int)field.size, (const char *)field.data);
        buffer_fini(&field);
    }
    if (speech_notice(speech, &item->artefact, &sentence, &ignored) == ST_OK) {
        output_line(out, "\n%.*s", (int)sentence.size, (const char *)sentence.data);
        output_bytes(out, "notice", buffer_view(&sentence));
    }
    buffer_fini(&sentence);
}

// Verifies the receipt of a change and keeps it where that was asked for.
static enum status take_receipt(struct person *person, const struct wire_receipt *receipt,
                                const char *path, struct output *out, struct error *err)
{
    enum status status = link_receipt(person->link, receipt, err);
    if (status != ST_OK) {
        return status;
    }
    output_number(out, "entry", receipt->index);
    output_line(out, "on record as entry %llu; its receipt was verified",
                (unsigned long long)receipt->index);
    if (path != NULL) {
        struct proof_receipt plain = receipt_plain(receipt);
        status = receipt_save(&plain, path, err);
        output_text(out, "receipt_file", path);
        output_line(out, "receipt: %s", path);
    }
    return status;
}

enum status consents_change(struct person *person, uint32_t action,
                            const struct wire_artefact *artefact, const char *clerk,
                            const char *receipt_path, struct output *out, struct error *err)
{
    struct buffer packed = buffer_init(WIRE_HEAD_MAX_BYTES);
    enum status status = wire_encode(WIRE_SCHEMA_ARTEFACT, artefact, &packed, err);
    if (status == ST_OK) {
        struct wire_consent_change change = {
            .version = MESSAGE_VERSION,
            .action = action,
            .artefact = buffer_view(&packed),
            .session = person->session,
            .subject_scheme = person->scheme,
            .subject = buffer_view(&person->subject),
            .clerk = clerk == NULL ? (struct bytes){ 0 } : bytes_text(clerk),
        };
        struct wire_result result;
        struct bytes body;
        status = link_call(person->link, WIRE_CONSENT_CHANGE, &change, (struct bytes){ 0 },
                           person->arena, &result, &body, err);
        if (status == ST_OK) {
            status = take_receipt(person, result.receipt, receipt_path, out, err);
        }
    }
    buffer_fini(&packed);
    return status;
}

static enum status add_field(struct wire_field_ask *fields, size_t *count, struct bytes word,
                             struct error *err)
{
    const uint8_t *colon = word.size == 0 ? NULL : memchr(word.data, ':', word.size);
    struct wire_field_ask field = { .name = word };
    if (colon != NULL) {
        field.name = bytes_of(word.data, (size_t)(colon - word.data));
        field.form = bytes_of(colon + 1, word.size - field.name.size - 1);
    }
    if (field.name.size == 0 || *count == FIELDS_MAX) {
        return error_set(err, ST_USAGE,
                         "--fields takes up to %d names with commas between: "
                         "fit,valid_until:year",
                         FIELDS_MAX);
    }
    for (size_t i = 0; i < *count; i++) {
        if (bytes_equal(fields[i].name, field.name)) {
            return error_set(err, ST_USAGE, "--fields names %.*s twice", SPEECH_TEXT(field.name));
        }
    }
    fields[(*count)++] = field;
    return ST_OK;
}

enum status consents_read_fields(const char *text, struct arena *arena,
                                 const struct wire_field_ask **fields, size_t *count,
                                 struct error *err)
{
    struct wire_field_ask *items = arena_take(arena, FIELDS_MAX * sizeof(*items));
    size_t used = 0;
    enum status status = items == NULL ? error_set(err, ST_NOMEM, "fields") : ST_OK;
    while (status == ST_OK) {
        size_t length = strcspn(text, ",");
        status = add_field(items, &used, bytes_of(text, length), err);
        text += length;
        if (*text == '\0') {
            break;
        }
        text++;
    }
    if (status == ST_OK) {
        *fields = items;
        *count = used;
    }
    return status;
}
