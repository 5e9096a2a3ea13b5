// Shapes of texts: lines, lists, and the two forms that show a part of a text.
#include "catalogue/shape.h"

#include "base/text.h"

enum kind { KIND_LETTER, KIND_DIGIT, KIND_STAR, KIND_OTHER };

// One character of valid UTF-8.
struct character {
    struct bytes bytes;
    enum kind kind;
};

static enum kind kind_of(uint32_t point)
{
    if (point >= '0' && point <= '9') {
        return KIND_DIGIT;
    }
    if (point == '*') {
        return KIND_STAR;
    }
    if (point < 0x80) {
        uint32_t lower = point | 0x20;
        return lower >= 'a' && lower <= 'z' ? KIND_LETTER : KIND_OTHER;
    }
    // Spaces, quotes, dashes and signs outside ASCII; everything else counts as a letter.
    bool other = point < 0xc0 || (point >= 0x2000 && point < 0x2c00) || point == 0x3000;
    return other ? KIND_OTHER : KIND_LETTER;
}

static struct character next_character(struct bytes text, size_t *at)
{
    const uint8_t *start = text.data + *at;
    unsigned more = *start < 0x80 ? 0 : *start < 0xe0 ? 1 : *start < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? *start : *start & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++) {
        point = point << 6 | (start[i] & 0x3fu);
    }
    *at += more + 1;
    return (struct character){ .bytes = bytes_of(start, more + 1), .kind = kind_of(point) };
}

static size_t count_characters(struct bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += (text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

static bool has_control(struct bytes value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < ' ' || value.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

bool catalogue_shape_line(struct bytes value)
{
    return value.size != 0 && text_utf8_valid(value) && !has_control(value);
}

static void skip_spaces(struct bytes text, size_t *at)
{
    while (*at < text.size && (text.data[*at] == ' ' || text.data[*at] == '\t' ||
                               text.data[*at] == '\n' || text.data[*at] == '\r')) {
        (*at)++;
    }
}

static bool skip(struct bytes text, size_t *at, uint8_t byte)
{
    if (*at < text.size && text.data[*at] == byte) {
        (*at)++;
        return true;
    }
    return false;
}

// Four hexadecimal digits, as a number; -1 when they are not.
static int32_t scan_unit(struct bytes text, size_t at)
{
    uint8_t unit[2];
    if (text.size - at < 4 || !text_hex_decode(bytes_of(text.data + at, 4), unit, 2)) {
        return -1;
    }
    return (int32_t)unit[0] << 8 | unit[1];
}

// Behind "\u": a character of four digits, or a surrogate pair of twelve bytes.
static bool skip_unit(struct bytes text, size_t *at)
{
    int32_t unit = scan_unit(text, *at);
    if (unit <= 0 || (unit >= 0xdc00 && unit < 0xe000)) {
        return false;
    }
    *at += 4;
    if (unit < 0xd800 || unit >= 0xe000) {
        return true;
    }
    if (!skip(text, at, '\\') || !skip(text, at, 'u')) {
        return false;
    }
    int32_t low = scan_unit(text, *at);
    *at += 4;
    return low >= 0xdc00 && low < 0xe000;
}

static bool skip_string(struct bytes text, size_t *at)
{
    if (!skip(text, at, '"')) {
        return false;
    }
    while (*at < text.size) {
        uint8_t byte = text.data[(*at)++];
        if (byte == '"') {
            return true;
        }
        if (byte < ' ') {
            return false;
        }
        if (byte == '\\') {
            if (skip(text, at, 'u')) {
                if (!skip_unit(text, at)) {
                    return false;
                }
            } else if (*at == text.size || strchr("\"\\/bfnrt", text.data[(*at)++]) == NULL) {
                return false;
            }
        }
    }
    return false;
}

bool catalogue_shape_list(struct bytes value)
{
    size_t at = 0;
    if (!text_utf8_valid(value)) {
        return false;
    }
    skip_spaces(value, &at);
    if (!skip(value, &at, '[')) {
        return false;
    }
    skip_spaces(value, &at);
    if (!skip(value, &at, ']')) {
        do {
            skip_spaces(value, &at);
            if (!skip_string(value, &at)) {
                return false;
            }
            skip_spaces(value, &at);
        } while (skip(value, &at, ','));
        if (!skip(value, &at, ']')) {
            return false;
        }
    }
    skip_spaces(value, &at);
    return at == value.size;
}

bool catalogue_shape_list_empty(struct bytes value)
{
    return memchr(value.data, '"', value.size) == NULL;
}

void catalogue_shape_tail(struct bytes value, struct buffer *out)
{
    size_t count = count_characters(value);
    size_t keep = count / 2 < 4 ? count / 2 : 4;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        struct character character = next_character(value, &at);
        if (i >= count - keep) {
            buffer_bytes(out, character.bytes);
        }
    }
}

bool catalogue_shape_short(struct bytes value)
{
    return value.size == 0 || (catalogue_shape_line(value) && count_characters(value) <= 4);
}

bool catalogue_shape_year(struct bytes value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }
    }
    return value.size == 4;
}

static void count_kinds(struct bytes value, size_t *letters, size_t *digits)
{
    size_t at = 0;
    *letters = 0;
    *digits = 0;
    while (at < value.size) {
        enum kind kind = next_character(value, &at).kind;
        *letters += kind == KIND_LETTER;
        *digits += kind == KIND_DIGIT;
    }
}

static bool in_word(enum kind kind)
{
    return kind == KIND_LETTER || kind == KIND_DIGIT;
}

// Writes the word that begins at *at hidden, and moves behind it.
static void mask_word(struct bytes value, size_t *at, struct buffer *out)
{
    size_t start = *at;
    size_t end = *at;
    bool letters_only = true;
    while (end < value.size) {
        size_t next = end;
        struct character character = next_character(value, &next);
        if (!in_word(character.kind)) {
            break;
        }
        letters_only = letters_only && character.kind == KIND_LETTER;
        end = next;
    }
    if (letters_only) {
        buffer_bytes(out, next_character(value, &start).bytes);
    }
    buffer_text(out, "***");
    *at = end;
}

void catalogue_shape_mask(struct bytes value, struct buffer *out)
{
    enum { DIGITS_MIN = 6 };
    size_t letters = 0;
    size_t digits = 0;
    size_t at = 0;
    count_kinds(value, &letters, &digits);
    bool keep_two = letters == 0 && digits >= DIGITS_MIN &&
                    kind_of(value.data[value.size - 1]) == KIND_DIGIT &&
                    kind_of(value.data[value.size - 2]) == KIND_DIGIT;
    while (at < value.size) {
        size_t next = at;
        struct character character = next_character(value, &next);
        if (in_word(character.kind)) {
            mask_word(value, &at, out);
        } else {
            // A star of the value's own could pass for a hidden word.
            buffer_bytes(out, character.kind == KIND_STAR ? bytes_text("-") : character.bytes);
            at = next;
        }
    }
    if (keep_two) {
        buffer_bytes(out, bytes_of(value.data + value.size - 2, 2));
    }
}

static bool skip_stars(struct bytes value, size_t *at)
{
    return skip(value, at, '*') && skip(value, at, '*') && skip(value, at, '*');
}

bool catalogue_shape_masked(struct bytes value)
{
    size_t letters = 0;
    size_t digits = 0;
    size_t at = 0;
    if (!catalogue_shape_line(value)) {
        return false;
    }
    count_kinds(value, &letters, &digits);
    while (at < value.size) {
        size_t next = at;
        enum kind kind = next_character(value, &next).kind;
        if (kind == KIND_OTHER) {
            at = next;
            continue;
        }
        at = kind == KIND_LETTER ? next : at;
        if (!skip_stars(value, &at)) {
            return false;
        }
        if (at < value.size && letters == 0 && digits == 2 && value.size - at == 2) {
            return kind_of(value.data[at]) == KIND_DIGIT &&
                   kind_of(value.data[at + 1]) == KIND_DIGIT;
        }
        next = at;
        if (at < value.size && next_character(value, &next).kind != KIND_OTHER) {
            return false;
        }
    }
    return true;
}
