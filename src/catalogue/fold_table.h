// Inside the catalogue: the table by which letters fold.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CATALOGUE_FOLD_MAX = 4 };

// A code point and what stands for it; 0 ends early.
struct catalogue_fold {
    uint16_t from;
    uint16_t to[CATALOGUE_FOLD_MAX];
};

// Sorted by `from`.
extern const struct catalogue_fold catalogue_folds[];
extern const size_t catalogue_fold_count;

// Canonical combining classes of U+0300..U+036F.
extern const uint8_t catalogue_mark_classes[0x70];
