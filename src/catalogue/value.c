// Types and forms of values. For each form there are two functions that must agree: one makes it of
// a value (the holder), one knows it when it sees it (the asker). A form that would tell more than
// it promises, such as the last four of five characters, tells less instead.
#include "catalogue/value.h"

#include "base/text.h"
#include "catalogue/shape.h"

static const uint16_t type_forms[CATALOGUE_TYPE_COUNT] = {
    [CATALOGUE_TYPE_TEXT] = 1u << CATALOGUE_FORM_FULL | 1u << CATALOGUE_FORM_MASKED |
                            1u << CATALOGUE_FORM_LAST4 | 1u << CATALOGUE_FORM_EXISTS |
                            1u << CATALOGUE_FORM_MATCH | 1u << CATALOGUE_FORM_PSEUDONYM,
    [CATALOGUE_TYPE_CODE] = 1u << CATALOGUE_FORM_FULL | 1u << CATALOGUE_FORM_EXISTS |
                            1u << CATALOGUE_FORM_MATCH | 1u << CATALOGUE_FORM_PSEUDONYM,
    [CATALOGUE_TYPE_BOOL] =
        1u << CATALOGUE_FORM_FULL | 1u << CATALOGUE_FORM_EXISTS | 1u << CATALOGUE_FORM_MATCH,
    [CATALOGUE_TYPE_DATE] = 1u << CATALOGUE_FORM_FULL | 1u << CATALOGUE_FORM_YEAR |
                            1u << CATALOGUE_FORM_EXISTS | 1u << CATALOGUE_FORM_MATCH |
                            1u << CATALOGUE_FORM_OVER,
    [CATALOGUE_TYPE_LIST] = 1u << CATALOGUE_FORM_FULL | 1u << CATALOGUE_FORM_EXISTS,
};

bool catalogue_type_has_form(enum catalogue_type type, enum catalogue_form_kind kind)
{
    return kind != CATALOGUE_FORM_NONE && kind < CATALOGUE_FORM_COUNT &&
           (type_forms[type] & 1u << kind) != 0;
}

static bool is_bool(struct bytes value)
{
    return bytes_equal_text(value, "true") || bytes_equal_text(value, "false");
}

static bool is_code(const struct catalogue_field *field, struct bytes value)
{
    for (size_t i = 0; i < field->code_count; i++) {
        if (bytes_equal_text(value, field->codes[i])) {
            return true;
        }
    }
    return field->code_count == 0 && catalogue_shape_line(value);
}

static bool is_of_type(const struct catalogue_field *field, struct bytes value)
{
    switch (field->type) {
    case CATALOGUE_TYPE_TEXT:
        return catalogue_shape_line(value);
    case CATALOGUE_TYPE_CODE:
        return is_code(field, value);
    case CATALOGUE_TYPE_BOOL:
        return is_bool(value);
    case CATALOGUE_TYPE_DATE:
        return text_date_valid(value);
    case CATALOGUE_TYPE_LIST:
        return catalogue_shape_list(value);
    case CATALOGUE_TYPE_COUNT:
        break;
    }
    return false;
}

struct day {
    int64_t year;
    unsigned month;
    unsigned day;
};

// The day of a time, in the proleptic Gregorian calendar (Howard Hinnant's days_from_civil,
// reversed).
static struct day day_of(int64_t ms)
{
    static const int64_t day_ms = 86400000;
    int64_t days = (ms >= 0 ? ms : ms - day_ms + 1) / day_ms + 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    struct day day = { .day = (unsigned)(of_year - (153 * shifted + 2) / 5 + 1),
                       .month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9) };
    day.year = year + era * 400 + (day.month <= 2);
    return day;
}

static unsigned digits(struct bytes value, size_t from, size_t count)
{
    unsigned number = 0;
    for (size_t i = from; i < from + count; i++) {
        number = number * 10 + (unsigned)(value.data[i] - '0');
    }
    return number;
}

// True from the Nth birthday on; who was born on 29 February has it on 1 March in other years.
static bool is_over(struct bytes date, unsigned number, int64_t now_ms)
{
    struct day today = day_of(now_ms);
    int64_t age = today.year - (int64_t)digits(date, 0, 4);
    unsigned month = digits(date, 5, 2);
    unsigned day = digits(date, 8, 2);
    if (today.month < month || (today.month == month && today.day < day)) {
        age--;
    }
    return age >= (int64_t)number;
}

static enum status apply(struct catalogue_form form, struct bytes value,
                         const struct catalogue_value_context *context, bool empty,
                         struct buffer *out, struct error *err)
{
    switch (form.kind) {
    case CATALOGUE_FORM_FULL:
        buffer_bytes(out, value);
        return ST_OK;
    case CATALOGUE_FORM_MASKED:
        catalogue_shape_mask(value, out);
        return ST_OK;
    case CATALOGUE_FORM_LAST4:
        catalogue_shape_tail(value, out);
        return ST_OK;
    case CATALOGUE_FORM_YEAR:
        buffer_bytes(out, bytes_of(value.data, 4));
        return ST_OK;
    case CATALOGUE_FORM_EXISTS:
        buffer_text(out, empty ? "false" : "true");
        return ST_OK;
    case CATALOGUE_FORM_MATCH:
        buffer_text(out, catalogue_value_same(value, context->parameter) ? "true" : "false");
        return ST_OK;
    case CATALOGUE_FORM_OVER:
        buffer_text(out, is_over(value, form.number, context->now_ms) ? "true" : "false");
        return ST_OK;
    case CATALOGUE_FORM_PSEUDONYM:
        if (context->pseudonym != NULL) {
            return context->pseudonym(context->owner, value, out, err);
        }
        break;
    case CATALOGUE_FORM_NONE:
    case CATALOGUE_FORM_COUNT:
        break;
    }
    return error_set(err, ST_UNSUPPORTED, "the form '%s' is not served here",
                     catalogue_form_kind_name(form.kind));
}

enum status catalogue_value_apply(const struct catalogue_field *field, struct catalogue_form form,
                                  struct bytes value, const struct catalogue_value_context *context,
                                  struct buffer *out, enum catalogue_value_status *result,
                                  struct error *err)
{
    size_t before = out->size;
    bool answers_no = form.kind == CATALOGUE_FORM_EXISTS || form.kind == CATALOGUE_FORM_MATCH;
    if (!catalogue_type_has_form(field->type, form.kind)) {
        return error_set(err, ST_UNSUPPORTED, "field '%s': type %s has no form '%s'", field->name,
                         catalogue_type_name(field->type), catalogue_form_kind_name(form.kind));
    }
    if (value.data == NULL || value.size == 0) {
        *result = answers_no ? CATALOGUE_VALUE_PRESENT : CATALOGUE_VALUE_NONE;
        if (answers_no) {
            buffer_text(out, "false");
        }
        return buffer_ok(out, field->name, err);
    }
    if (value.size > field->max_bytes) {
        *result = CATALOGUE_VALUE_TOO_LONG;
        return ST_OK;
    }
    if (!is_of_type(field, value)) {
        *result = CATALOGUE_VALUE_NOT_OF_TYPE;
        return ST_OK;
    }
    bool empty = field->type == CATALOGUE_TYPE_LIST && catalogue_shape_list_empty(value);
    enum status status = apply(form, value, context, empty, out, err);
    if (status == ST_OK) {
        status = buffer_ok(out, field->name, err);
    }
    if (status != ST_OK) {
        return status;
    }
    *result = CATALOGUE_VALUE_PRESENT;
    if (out->size - before > field->max_bytes && form.kind == CATALOGUE_FORM_MASKED) {
        out->size = before;
        *result = CATALOGUE_VALUE_TOO_LONG;
    }
    return ST_OK;
}

bool catalogue_value_fits(const struct catalogue_field *field, struct catalogue_form form,
                          struct bytes value)
{
    enum { PSEUDONYM_DIGITS = 64 };
    uint8_t pseudonym[PSEUDONYM_DIGITS / 2];
    if (!catalogue_type_has_form(field->type, form.kind)) {
        return false;
    }
    switch (form.kind) {
    case CATALOGUE_FORM_FULL:
        return value.size <= field->max_bytes && is_of_type(field, value);
    case CATALOGUE_FORM_MASKED:
        return value.size <= field->max_bytes && catalogue_shape_masked(value);
    case CATALOGUE_FORM_LAST4:
        return catalogue_shape_short(value);
    case CATALOGUE_FORM_YEAR:
        return catalogue_shape_year(value);
    case CATALOGUE_FORM_EXISTS:
    case CATALOGUE_FORM_MATCH:
    case CATALOGUE_FORM_OVER:
        return is_bool(value);
    case CATALOGUE_FORM_PSEUDONYM:
        return value.size == PSEUDONYM_DIGITS &&
               text_hex_decode(value, pseudonym, sizeof(pseudonym));
    case CATALOGUE_FORM_NONE:
    case CATALOGUE_FORM_COUNT:
        break;
    }
    return false;
}

uint32_t catalogue_box_bytes(const struct catalogue_field *field, struct catalogue_form form)
{
    uint32_t size = CATALOGUE_BOX_SMALL;
    if (form.kind == CATALOGUE_FORM_FULL || form.kind == CATALOGUE_FORM_MASKED) {
        for (size = 64; size < field->max_bytes + CATALOGUE_BOX_OVERHEAD;) {
            size *= 2;
        }
    }
    return size;
}
