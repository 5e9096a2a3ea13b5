// Text as `match` compares it. Letters of Latin and Cyrillic are folded and decomposed by table, so
// that composed and decomposed spellings meet; marks on one letter are put into canonical order; ё
// loses its dots; white space becomes one space, none at the ends. Other scripts are compared as
// they are written: their case and composition count.
#include "catalogue/value.h"

#include <stdlib.h>

#include "base/text.h"
#include "catalogue/fold_table.h"

enum { CYRILLIC_IE = 0x0435, DIAERESIS = 0x0308, MARKS_MAX = 16 };

// Marks that wait for their letter's last one, in canonical order.
struct folding {
    struct buffer *out;
    uint32_t letter; // the last code point that is not a mark
    uint32_t marks[MARKS_MAX];
    size_t mark_count;
    bool pending_space;
    bool started;
};

static uint8_t mark_class(uint32_t point)
{
    return point >= 0x300 && point < 0x370 ? catalogue_mark_classes[point - 0x300] : 0;
}

static void write_point(struct buffer *out, uint32_t point)
{
    if (point < 0x80) {
        buffer_u8(out, (uint8_t)point);
    } else if (point < 0x800) {
        buffer_u8(out, (uint8_t)(0xc0 | point >> 6));
        buffer_u8(out, (uint8_t)(0x80 | (point & 0x3f)));
    } else if (point < 0x10000) {
        buffer_u8(out, (uint8_t)(0xe0 | point >> 12));
        buffer_u8(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
        buffer_u8(out, (uint8_t)(0x80 | (point & 0x3f)));
    } else {
        buffer_u8(out, (uint8_t)(0xf0 | point >> 18));
        buffer_u8(out, (uint8_t)(0x80 | (point >> 12 & 0x3f)));
        buffer_u8(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
        buffer_u8(out, (uint8_t)(0x80 | (point & 0x3f)));
    }
}

static void write_marks(struct folding *folding)
{
    for (size_t i = 0; i < folding->mark_count; i++) {
        write_point(folding->out, folding->marks[i]);
    }
    folding->mark_count = 0;
}

// Marks of lower class go first; of equal class, in the order written.
static void add_mark(struct folding *folding, uint32_t point)
{
    if (point == DIAERESIS && folding->letter == CYRILLIC_IE) {
        return;
    }
    if (folding->mark_count == MARKS_MAX) {
        write_marks(folding);
    }
    size_t at = folding->mark_count++;
    while (at > 0 && mark_class(folding->marks[at - 1]) > mark_class(point)) {
        folding->marks[at] = folding->marks[at - 1];
        at--;
    }
    folding->marks[at] = point;
}

static void add_folded(struct folding *folding, uint32_t point)
{
    // A mark behind a space stands on its own, as a letter would.
    if (mark_class(point) != 0 && folding->started && !folding->pending_space) {
        add_mark(folding, point);
        return;
    }
    write_marks(folding);
    if (folding->pending_space && folding->started) {
        buffer_u8(folding->out, ' ');
    }
    folding->pending_space = false;
    folding->started = true;
    if (mark_class(point) != 0) {
        folding->letter = 0;
        add_mark(folding, point);
        return;
    }
    folding->letter = point;
    write_point(folding->out, point);
}

static bool is_space(uint32_t point)
{
    return point == ' ' || (point >= 0x09 && point <= 0x0d) || point == 0x85 || point == 0xa0 ||
           point == 0x1680 || (point >= 0x2000 && point <= 0x200a) || point == 0x2028 ||
           point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000;
}

static int compare_fold(const void *key, const void *row)
{
    uint32_t point = *(const uint32_t *)key;
    uint32_t from = ((const struct catalogue_fold *)row)->from;
    return (point > from) - (point < from);
}

static void add_point(struct folding *folding, uint32_t point)
{
    if (is_space(point)) {
        write_marks(folding);
        folding->pending_space = true;
        folding->letter = 0;
        return;
    }
    const struct catalogue_fold *fold =
        bsearch(&point, catalogue_folds, catalogue_fold_count, sizeof(*fold), compare_fold);
    if (fold == NULL) {
        add_folded(folding, point);
        return;
    }
    for (size_t i = 0; i < CATALOGUE_FOLD_MAX && fold->to[i] != 0; i++) {
        add_folded(folding, fold->to[i]);
    }
}

// The code point at *at of valid UTF-8; moves on.
static uint32_t next_point(struct bytes text, size_t *at)
{
    uint8_t first = text.data[(*at)++];
    unsigned more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? first : first & (0x3fu >> more);
    for (; more != 0; more--) {
        point = point << 6 | (text.data[(*at)++] & 0x3fu);
    }
    return point;
}

bool catalogue_value_fold(struct bytes text, struct buffer *out)
{
    struct folding folding = { .out = out };
    if (!text_utf8_valid(text)) {
        return false;
    }
    for (size_t at = 0; at < text.size;) {
        add_point(&folding, next_point(text, &at));
    }
    write_marks(&folding);
    return !out->failed;
}

bool catalogue_value_same(struct bytes a, struct bytes b)
{
    enum { FOLDED_MAX = 1 << 20 };
    struct buffer left = buffer_init(FOLDED_MAX);
    struct buffer right = buffer_init(FOLDED_MAX);
    bool same = catalogue_value_fold(a, &left) && catalogue_value_fold(b, &right) &&
                left.size != 0 && bytes_equal(buffer_view(&left), buffer_view(&right));
    buffer_fini(&left);
    buffer_fini(&right);
    return same;
}
