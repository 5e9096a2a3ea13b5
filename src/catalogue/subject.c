// Identifiers of citizens: one normal form for each, by the scheme's pattern and check digit. A
// message about a bad identifier never repeats it.
#include "catalogue/catalogue.h"

#include "catalogue/inside.h"

// One step of a pattern: which characters, how often.
struct step {
    char low;
    char high;
    unsigned times;
};

// The step at *next; false at a place that is no pattern.
static bool next_step(const char **next, struct step *step)
{
    const char *at = *next;
    if (*at == '[') {
        if (at[1] == '\0' || at[2] != '-' || at[3] == '\0' || at[4] != ']') {
            return false;
        }
        step->low = at[1];
        step->high = at[3];
        at += 5;
    } else {
        step->low = *at;
        step->high = *at;
        at++;
    }
    bool digits = step->low >= '0' && step->low <= step->high && step->high <= '9';
    bool letters = step->low >= 'A' && step->low <= step->high && step->high <= 'Z';
    if (!digits && !letters && !(step->low == '-' && step->high == '-')) {
        return false;
    }
    step->times = 1;
    if (*at == '{') {
        unsigned times = 0;
        for (at++; *at >= '0' && *at <= '9' && times < CATALOGUE_SUBJECT_MAX; at++) {
            times = times * 10 + (unsigned)(*at - '0');
        }
        if (*at != '}' || times == 0 || times > CATALOGUE_SUBJECT_MAX) {
            return false;
        }
        step->times = times;
        at++;
    }
    *next = at;
    return true;
}

const char *catalogue_pattern_problem(const char *pattern)
{
    unsigned length = 0;
    const char *next = pattern;
    while (*next != '\0') {
        struct step step;
        if (!next_step(&next, &step)) {
            return "capital letters, digits, hyphens, [0-9], [A-Z] and {n} only";
        }
        length += step.low == '-' ? 0 : step.times;
    }
    if (length == 0 || length > CATALOGUE_SUBJECT_MAX) {
        return "must stand for 1 to 64 characters";
    }
    return NULL;
}

static bool matches(const char *pattern, const char *text)
{
    const char *next = pattern;
    while (*next != '\0') {
        struct step step;
        if (!next_step(&next, &step)) {
            return false;
        }
        if (step.low == '-') {
            continue;
        }
        for (unsigned i = 0; i < step.times; i++, text++) {
            if (*text < step.low || *text > step.high) {
                return false;
            }
        }
    }
    return *text == '\0';
}

// The last digit is 1 + the number of the digits before it mod 9.
static bool check_mod9(const char *text)
{
    unsigned remainder = 0;
    unsigned last = 0;
    bool any = false;
    for (; *text != '\0'; text++) {
        if (*text >= '0' && *text <= '9') {
            remainder = any ? (remainder * 10 + last) % 9 : 0;
            last = (unsigned)(*text - '0');
            any = true;
        }
    }
    return any && last == remainder + 1;
}

enum status catalogue_subject_normalise(const struct catalogue *catalogue, struct bytes scheme,
                                        struct bytes text, struct buffer *out, struct error *err)
{
    char normal[CATALOGUE_SUBJECT_MAX + 1];
    size_t size = 0;
    const struct catalogue_scheme *known = catalogue_scheme(catalogue, scheme);
    if (known == NULL) {
        return error_set(err, ST_NOT_FOUND, "identifier: there is no such scheme");
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = (char)text.data[i];
        if (c == '-' || c == ' ') {
            continue;
        }
        if (size == CATALOGUE_SUBJECT_MAX) {
            return error_set(err, ST_MALFORMED, "identifier: longer than %d characters",
                             CATALOGUE_SUBJECT_MAX);
        }
        normal[size++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    normal[size] = '\0';
    if (strlen(normal) != size || !matches(known->pattern, normal)) {
        return error_set(err, ST_MALFORMED, "identifier: not of the pattern %s", known->pattern);
    }
    if (known->mod9 && !check_mod9(normal)) {
        return error_set(err, ST_MALFORMED, "identifier: its check digit is wrong");
    }
    buffer_bytes(out, bytes_of(normal, size));
    return buffer_ok(out, "identifier", err);
}
