// Sentences with holes. One scanner walks a sentence and hands its pieces to either of two readers:
// the check at loading and the rendering. A sentence that passed the check renders whenever every
// hole has its argument.
#include "catalogue/sentence.h"

#include <inttypes.h>

#include "base/text.h"

enum plural { PLURAL_ONE, PLURAL_FEW, PLURAL_MANY, PLURAL_OTHER, PLURAL_COUNT };

static const char *const plural_names[PLURAL_COUNT] = { "one", "few", "many", "other" };

// Which categories a language has.
static const bool plural_needed[CATALOGUE_LANGUAGE_COUNT][PLURAL_COUNT] = {
    [CATALOGUE_RU] = { true, true, true, true },
    [CATALOGUE_EN] = { true, false, false, true },
};

static enum plural plural_of(enum catalogue_language language, uint64_t number)
{
    if (language == CATALOGUE_EN) {
        return number == 1 ? PLURAL_ONE : PLURAL_OTHER;
    }
    uint64_t ten = number % 10;
    uint64_t hundred = number % 100;
    if (ten == 1 && hundred != 11) {
        return PLURAL_ONE;
    }
    if (ten >= 2 && ten <= 4 && (hundred < 12 || hundred > 14)) {
        return PLURAL_FEW;
    }
    return PLURAL_MANY;
}

const char *catalogue_plural(enum catalogue_language language, uint64_t number)
{
    return plural_names[plural_of(language, number)];
}

// One piece of a sentence: text, a hole, or a hole with choices.
struct piece {
    struct bytes text;                  // text as it stands; empty for a hole
    struct bytes name;                  // of a hole
    bool plural;                        // a hole with choices
    struct bytes choices[PLURAL_COUNT]; // .data NULL where the category is not given
};

static void skip_spaces(const char **next)
{
    while (**next == ' ') {
        (*next)++;
    }
}

static struct bytes scan_word(const char **next)
{
    const char *start = *next;
    while ((**next >= 'a' && **next <= 'z') || **next == '_') {
        (*next)++;
    }
    return bytes_of(start, (size_t)(*next - start));
}

static const char *scan_choice(const char **next, struct piece *piece)
{
    struct bytes word = scan_word(next);
    size_t category = 0;
    while (category < PLURAL_COUNT && !bytes_equal_text(word, plural_names[category])) {
        category++;
    }
    if (category == PLURAL_COUNT) {
        return "a plural has choices named one, few, many, other";
    }
    if (piece->choices[category].data != NULL) {
        return "a plural names a choice twice";
    }
    skip_spaces(next);
    if (**next != '{') {
        return "a choice stands in braces";
    }
    const char *start = ++*next;
    unsigned depth = 1;
    while (**next != '\0' && depth != 0) {
        depth = **next == '{' ? depth + 1 : **next == '}' ? depth - 1 : depth;
        (*next)++;
    }
    if (depth != 0) {
        return "a brace is not closed";
    }
    piece->choices[category] = bytes_of(start, (size_t)(*next - start) - 1);
    skip_spaces(next);
    return NULL;
}

static const char *scan_hole(const char **next, struct piece *piece)
{
    (*next)++;
    piece->name = scan_word(next);
    if (piece->name.size == 0) {
        return "a hole has a name of lower-case letters";
    }
    if (**next == '}') {
        (*next)++;
        return NULL;
    }
    skip_spaces(next);
    static const char keyword[] = "plural,";
    if (**next != ',') {
        return "a brace is not closed";
    }
    (*next)++;
    skip_spaces(next);
    if (strncmp(*next, keyword, sizeof(keyword) - 1) != 0) {
        return "after a comma only 'plural,' may follow";
    }
    *next += sizeof(keyword) - 1;
    piece->plural = true;
    skip_spaces(next);
    while (**next != '}') {
        if (**next == '\0') {
            return "a brace is not closed";
        }
        const char *reason = scan_choice(next, piece);
        if (reason != NULL) {
            return reason;
        }
    }
    (*next)++;
    return NULL;
}

// The next piece; a static reason when the sentence is not well-formed. *next stands at its end.
static const char *scan_piece(const char **next, struct piece *piece)
{
    *piece = (struct piece){ 0 };
    if (**next == '{') {
        return scan_hole(next, piece);
    }
    size_t size = strcspn(*next, "{}");
    if (size == 0) {
        return "a brace closes nothing";
    }
    piece->text = bytes_of(*next, size);
    *next += size;
    return NULL;
}

// A choice holds text, and {name} of its own plural for the number.
static bool choice_valid(const struct piece *piece, struct bytes choice)
{
    size_t at = 0;
    while (at < choice.size) {
        if (choice.data[at] == '}') {
            return false;
        }
        if (choice.data[at] == '{') {
            size_t left = choice.size - at;
            if (left < piece->name.size + 2 ||
                memcmp(choice.data + at + 1, piece->name.data, piece->name.size) != 0 ||
                choice.data[at + 1 + piece->name.size] != '}') {
                return false;
            }
            at += piece->name.size + 2;
        } else {
            at++;
        }
    }
    return true;
}

static const char *check_piece(const struct piece *piece, enum catalogue_language language,
                               const char *const *names)
{
    if (piece->name.size == 0) {
        return NULL;
    }
    bool known = names == NULL;
    for (size_t i = 0; !known && names[i] != NULL; i++) {
        known = bytes_equal_text(piece->name, names[i]);
    }
    if (!known) {
        return "a hole has a name that nothing fills";
    }
    for (size_t i = 0; piece->plural && i < PLURAL_COUNT; i++) {
        if (piece->choices[i].data == NULL) {
            if (plural_needed[language][i]) {
                return "a plural lacks a choice that the language needs";
            }
        } else if (!choice_valid(piece, piece->choices[i])) {
            return "a choice holds text and its own number only";
        }
    }
    return NULL;
}

bool catalogue_sentence_valid(const char *sentence, enum catalogue_language language,
                              const char *const *names, const char **reason)
{
    const char *next = sentence;
    while (*next != '\0') {
        struct piece piece;
        const char *problem = scan_piece(&next, &piece);
        if (problem == NULL) {
            problem = check_piece(&piece, language, names);
        }
        if (problem != NULL) {
            *reason = problem;
            return false;
        }
    }
    return true;
}

static void write_argument(const struct catalogue_argument *argument, struct buffer *out)
{
    if (argument->text != NULL) {
        buffer_text(out, argument->text);
    } else {
        buffer_format(out, "%" PRIu64, argument->number);
    }
}

static void write_choice(const struct piece *piece, enum catalogue_language language,
                         const struct catalogue_argument *argument, struct buffer *out)
{
    struct bytes choice = piece->choices[plural_of(language, argument->number)];
    if (choice.data == NULL) {
        choice = piece->choices[PLURAL_OTHER];
    }
    for (size_t at = 0; at < choice.size; at++) {
        if (choice.data[at] == '{') {
            write_argument(argument, out);
            at += piece->name.size + 1;
        } else {
            buffer_u8(out, choice.data[at]);
        }
    }
}

enum status catalogue_sentence_render(const char *sentence, enum catalogue_language language,
                                      const struct catalogue_argument *arguments, size_t count,
                                      struct buffer *out, struct error *err)
{
    const char *next = sentence;
    while (*next != '\0') {
        struct piece piece;
        const char *problem = scan_piece(&next, &piece);
        if (problem == NULL) {
            problem = check_piece(&piece, language, NULL);
        }
        if (problem != NULL) {
            return error_set(err, ST_MALFORMED, "sentence '%.60s': %s", sentence, problem);
        }
        if (piece.name.size == 0) {
            buffer_bytes(out, piece.text);
            continue;
        }
        const struct catalogue_argument *argument = NULL;
        for (size_t i = 0; i < count && argument == NULL; i++) {
            argument = bytes_equal_text(piece.name, arguments[i].name) ? &arguments[i] : NULL;
        }
        if (argument == NULL || (piece.plural && argument->text != NULL)) {
            return error_set(err, ST_USAGE, "sentence '%.60s': nothing fills {%.*s}", sentence,
                             (int)piece.name.size, (const char *)piece.name.data);
        }
        if (piece.plural) {
            write_choice(&piece, language, argument, out);
        } else {
            write_argument(argument, out);
        }
    }
    return buffer_ok(out, "sentence", err);
}
