// The catalogue's inside, shared by the files that build, check and read it.
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "catalogue/bundle.h"
#include "catalogue/catalogue.h"
#include "catalogue/schema.h"

// Indices of asker, dataset and purpose.
struct catalogue_ground {
    uint32_t asker;
    uint32_t dataset;
    uint32_t purpose;
};

struct catalogue {
    struct arena *arena; // everything below but the maps
    struct digest hash;
    struct catalogue_scheme *schemes;
    size_t scheme_count;
    struct catalogue_member *members; // this and the following sorted by code
    size_t member_count;
    struct catalogue_official *officials;
    size_t official_count;
    struct catalogue_purpose *purposes;
    size_t purpose_count;
    struct catalogue_dataset *datasets;
    size_t dataset_count;
    struct catalogue_agreement *agreements;
    size_t agreement_count;
    struct map *member_map;
    struct map *official_map;
    struct map *purpose_map;
    struct map *dataset_map;
    struct map *agreement_map;
    struct map *citizen_map; // name -> struct catalogue_text
    // Agreements by asker, dataset, id; asker i has those from asker_start[i] to asker_start[i +
    // 1].
    const struct catalogue_agreement **by_asker;
    size_t *asker_start;
    // Agreements by asker, dataset, purpose, id: one stands there once for each of its purposes.
    // What decides the order stands beside it, so that searching looks at nothing else.
    const struct catalogue_agreement **by_purpose;
    struct catalogue_ground *grounds;
    size_t ground_count;
    struct catalogue_text reason_texts[CATALOGUE_REASON_COUNT];
    enum catalogue_reason asker_reasons[CATALOGUE_REASON_COUNT];
    struct catalogue_text form_texts[CATALOGUE_FORM_COUNT];
    struct catalogue_text basis_texts[CATALOGUE_BASIS_COUNT];
};

// One named thing of the files, on its way into the catalogue.
struct catalogue_entry {
    const char *code;
    const char *file;
    unsigned line;
    const void *raw;
};

struct catalogue_entries {
    const struct catalogue_entry *items; // sorted by code, each code once
    size_t count;
};

struct catalogue_loading {
    struct catalogue *catalogue;
    struct arena *arena; // what was read; gone after loading
    const char *names[CATALOGUE_BUNDLE_FILES_MAX];
    struct catalogue_raw_file files[CATALOGUE_BUNDLE_FILES_MAX];
    size_t file_count;
};

// The items of one section in all files. `list`, `code`, `line`: offsets in struct
// catalogue_raw_file and in the item. ST_MALFORMED: a code twice.
NODISCARD enum status catalogue_collect(struct catalogue_loading *loading, const char *section,
                                        size_t list, size_t size, size_t code, size_t line,
                                        struct catalogue_entries *entries, struct error *err);

#define CATALOGUE_COLLECT(loading, section, type, code, entries, err)                              \
    catalogue_collect(loading, #section, offsetof(struct catalogue_raw_file, section),             \
                      sizeof(type), offsetof(type, code), offsetof(type, line), entries, err)

// "file:line: section 'code': what".
enum status catalogue_refuse(const struct catalogue_entry *entry, const char *section,
                             struct error *err, const char *format, ...) PRINTF_LIKE(4, 5);

int catalogue_ground_compare(const struct catalogue_ground *a, const struct catalogue_ground *b);

// Datasets with their fields; agreements, also their indices; sentences. Members, purposes and
// officials are there already.
NODISCARD enum status catalogue_build_datasets(struct catalogue_loading *loading,
                                               struct error *err);
NODISCARD enum status catalogue_build_agreements(struct catalogue_loading *loading,
                                                 struct error *err);
NODISCARD enum status catalogue_build_texts(struct catalogue_loading *loading, struct error *err);

// NULL, or why the pattern of a scheme is none. Static.
const char *catalogue_pattern_problem(const char *pattern);

// A text of the catalogue's own; NULL without memory.
const char *catalogue_keep(struct catalogue_loading *loading, const char *text);
bool catalogue_keep_text(struct catalogue_loading *loading, const struct catalogue_text *text,
                         struct catalogue_text *kept);
