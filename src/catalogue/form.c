// Forms: names, the order of strength, and sets of them.
#include "catalogue/form.h"

#include <stdio.h>

#include "base/text.h"

struct name {
    const char *text;
    size_t size;
};

#define NAME(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
static const struct name names[CATALOGUE_FORM_COUNT] = {
    [CATALOGUE_FORM_NONE] = NAME(""),
    [CATALOGUE_FORM_FULL] = NAME("full"),
    [CATALOGUE_FORM_MASKED] = NAME("masked"),
    [CATALOGUE_FORM_LAST4] = NAME("last4"),
    [CATALOGUE_FORM_YEAR] = NAME("year"),
    [CATALOGUE_FORM_EXISTS] = NAME("exists"),
    [CATALOGUE_FORM_MATCH] = NAME("match"),
    [CATALOGUE_FORM_OVER] = NAME("over"),
    [CATALOGUE_FORM_PSEUDONYM] = NAME("pseudonym"),
};

// How much a form tells in the order of strength; 0: it stands outside the order.
static const uint8_t strengths[CATALOGUE_FORM_COUNT] = {
    [CATALOGUE_FORM_FULL] = 3, [CATALOGUE_FORM_MASKED] = 2, [CATALOGUE_FORM_LAST4] = 2,
    [CATALOGUE_FORM_YEAR] = 2, [CATALOGUE_FORM_EXISTS] = 1,
};

bool catalogue_form_parse(struct bytes text, struct catalogue_form *form)
{
    uint64_t number = 0;
    for (int kind = CATALOGUE_FORM_FULL; kind < CATALOGUE_FORM_COUNT; kind++) {
        if (text.size == names[kind].size && kind != CATALOGUE_FORM_OVER &&
            memcmp(text.data, names[kind].text, text.size) == 0) {
            *form = (struct catalogue_form){ .kind = (enum catalogue_form_kind)kind };
            return true;
        }
    }
    if (text.size < 7 || text.size > 9 || memcmp(text.data, "over(", 5) != 0 ||
        text.data[text.size - 1] != ')' ||
        !text_u64_parse(bytes_of(text.data + 5, text.size - 6), CATALOGUE_OVER_NUMBER_MAX,
                        &number) ||
        number == 0) {
        return false;
    }
    *form = (struct catalogue_form){ .kind = CATALOGUE_FORM_OVER, .number = (uint8_t)number };
    return true;
}

void catalogue_form_format(struct catalogue_form form, char text[CATALOGUE_FORM_TEXT_BYTES])
{
    if (form.kind == CATALOGUE_FORM_OVER) {
        snprintf(text, CATALOGUE_FORM_TEXT_BYTES, "over(%u)", form.number);
    } else {
        snprintf(text, CATALOGUE_FORM_TEXT_BYTES, "%s", names[form.kind].text);
    }
}

const char *catalogue_form_kind_name(enum catalogue_form_kind kind)
{
    return kind < CATALOGUE_FORM_COUNT ? names[kind].text : "";
}

bool catalogue_form_equal(struct catalogue_form a, struct catalogue_form b)
{
    return a.kind == b.kind && a.number == b.number;
}

bool catalogue_form_stronger(struct catalogue_form a, struct catalogue_form b)
{
    return strengths[b.kind] != 0 && strengths[a.kind] > strengths[b.kind];
}

bool catalogue_form_set_add(struct catalogue_form_set *set, struct catalogue_form form)
{
    if (form.kind == CATALOGUE_FORM_OVER && form.number != 0 &&
        !catalogue_form_set_has(set, form)) {
        if (set->over_count == CATALOGUE_OVER_MAX) {
            return false;
        }
        set->over[set->over_count++] = form.number;
    }
    set->kinds = (uint16_t)(set->kinds | 1u << form.kind);
    return true;
}

bool catalogue_form_set_has(const struct catalogue_form_set *set, struct catalogue_form form)
{
    if (form.kind == CATALOGUE_FORM_NONE || (set->kinds & 1u << form.kind) == 0) {
        return false;
    }
    if (form.kind != CATALOGUE_FORM_OVER || set->over_count == 0) {
        return true;
    }
    for (uint8_t i = 0; i < set->over_count; i++) {
        if (set->over[i] == form.number) {
            return true;
        }
    }
    return false;
}

bool catalogue_form_set_covers(const struct catalogue_form_set *set, struct catalogue_form form)
{
    // Bits of the kinds that are stronger than each kind.
    static const uint16_t full = 1u << CATALOGUE_FORM_FULL;
    static const uint16_t middle =
        1u << CATALOGUE_FORM_MASKED | 1u << CATALOGUE_FORM_LAST4 | 1u << CATALOGUE_FORM_YEAR;
    static const uint16_t stronger[4] = { 0, full | middle, full, 0 };
    return catalogue_form_set_has(set, form) || (set->kinds & stronger[strengths[form.kind]]) != 0;
}
