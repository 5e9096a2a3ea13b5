// The sample scenario as a catalogue, and bundles made of texts in a test.
#pragma once

#include <stdio.h>

#include "base/buffer.h"
#include "base/file.h"
#include "catalogue/bundle.h"
#include "catalogue/catalogue.h"
#include "test.h"

static inline struct catalogue *load_scenario(void)
{
    struct error err;
    struct catalogue *catalogue = NULL;
    struct digest hash = { { 1, 2, 3 } };
    struct buffer blob = buffer_init(CATALOGUE_BLOB_MAX);
    assert_ok(catalogue_bundle_pack(PROJECT_DIR "/config/scenario", &blob, &err));
    assert_ok(catalogue_load(buffer_view(&blob), &hash, &catalogue, &err));
    buffer_fini(&blob);
    return catalogue;
}

// The scenario's file, with the first occurrence of `old` (NULL: nothing) replaced by `new`.
static inline void add_scenario_file(struct buffer *blob, const char *name, const char *file,
                                     const char *old, const char *new)
{
    struct error err;
    char path[512];
    struct buffer content = buffer_init(1 << 20);
    struct buffer edited = buffer_init(1 << 20);
    snprintf(path, sizeof(path), "%s/config/scenario/%s", PROJECT_DIR, name);
    assert_ok(file_read(path, 1 << 20, &content, &err));
    if (old != NULL && strcmp(name, file) == 0) {
        buffer_u8(&content, 0);
        const char *text = (const char *)content.data;
        const char *at = strstr(text, old);
        assert_non_null(at);
        buffer_bytes(&edited, bytes_of(text, (size_t)(at - text)));
        buffer_text(&edited, new);
        buffer_text(&edited, at + strlen(old));
    } else {
        buffer_bytes(&edited, buffer_view(&content));
    }
    buffer_lp(blob, bytes_text(name));
    buffer_u32(blob, (uint32_t)edited.size);
    buffer_bytes(blob, buffer_view(&edited));
    buffer_fini(&content);
    buffer_fini(&edited);
}

// The whole scenario with one edit in one file.
static inline void edited_scenario(struct buffer *blob, const char *file, const char *old,
                                   const char *new)
{
    static const char *const names[] = { "agreements.yaml", "datasets.yaml", "members.yaml",
                                         "purposes.yaml", "texts.yaml" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        add_scenario_file(blob, names[i], file, old, new);
    }
}
