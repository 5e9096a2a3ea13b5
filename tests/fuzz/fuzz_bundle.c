// Any bytes as a packed policy bundle, and as a sentence. A bundle that loads is canonical: its
// files packed again are the same bytes; and nothing in it can be decided upon without an asker.
#include <stdlib.h>

#include "replay.h"

#include "catalogue/bundle.h"
#include "catalogue/catalogue.h"
#include "catalogue/sentence.h"
#include "catalogue/value.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void try_unpack(struct bytes blob)
{
    static struct catalogue_bundle_file files[CATALOGUE_BUNDLE_FILES_MAX];
    size_t count = 0;
    if (catalogue_bundle_unpack(blob, files, &count, NULL) != ST_OK) {
        return;
    }
    struct buffer again = buffer_init(CATALOGUE_BLOB_MAX);
    for (size_t i = 0; i < count; i++) {
        buffer_lp(&again, files[i].name);
        buffer_u32(&again, (uint32_t)files[i].content.size);
        buffer_bytes(&again, files[i].content);
    }
    require(bytes_equal(buffer_view(&again), blob));
    buffer_fini(&again);
}

static void try_load(struct bytes blob)
{
    struct digest hash = { { 0 } };
    struct catalogue *catalogue = NULL;
    if (catalogue_load(blob, &hash, &catalogue, NULL) == ST_OK) {
        size_t count = 0;
        const struct catalogue_agreement *agreements = catalogue_agreements(catalogue, &count);
        for (size_t i = 0; i < count; i++) {
            require(agreements[i].asker != NULL && agreements[i].purpose_count != 0);
        }
        require(catalogue_asker_reason(catalogue, CATALOGUE_REASON_CONSENT_PAUSED) ==
                CATALOGUE_REASON_NO_CONSENT);
    }
    catalogue_destroy(&catalogue);
}

static void try_sentence(struct bytes bytes)
{
    const struct catalogue_argument argument = { .name = "n", .number = 21 };
    struct buffer text = buffer_init(1 << 20);
    struct buffer out = buffer_init(1 << 24);
    const char *reason = NULL;
    buffer_bytes(&text, bytes);
    buffer_u8(&text, 0);
    if (!text.failed) {
        bool valid = catalogue_sentence_valid((const char *)text.data, CATALOGUE_RU, NULL, &reason);
        enum status status = catalogue_sentence_render((const char *)text.data, CATALOGUE_RU,
                                                       &argument, 1, &out, NULL);
        // A hole that nothing fills ends the rendering before what is wrong further on is seen.
        require(valid ? status != ST_MALFORMED : status != ST_OK);
    }
    buffer_fini(&text);
    buffer_fini(&out);
}

// Folding what was folded changes nothing, and a value that fits its own mask is one.
static void try_value(struct bytes bytes)
{
    static const struct catalogue_field field = { .name = "f",
                                                  .type = CATALOGUE_TYPE_TEXT,
                                                  .max_bytes = 1 << 20 };
    const struct catalogue_form masked = { .kind = CATALOGUE_FORM_MASKED };
    const struct catalogue_value_context context = { .now_ms = 0 };
    struct buffer once = buffer_init(1 << 22);
    struct buffer twice = buffer_init(1 << 22);
    struct buffer mask = buffer_init(1 << 22);
    enum catalogue_value_status result = CATALOGUE_VALUE_NONE;
    if (catalogue_value_fold(bytes, &once)) {
        require(catalogue_value_fold(buffer_view(&once), &twice));
        require(bytes_equal(buffer_view(&once), buffer_view(&twice)));
    }
    if (catalogue_value_apply(&field, masked, bytes, &context, &mask, &result, NULL) == ST_OK &&
        result == CATALOGUE_VALUE_PRESENT) {
        require(catalogue_value_fits(&field, masked, buffer_view(&mask)));
    }
    buffer_fini(&once);
    buffer_fini(&twice);
    buffer_fini(&mask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = bytes_of(data, size);
    try_unpack(bytes);
    try_load(bytes);
    try_sentence(bytes);
    try_value(bytes);
    return 0;
}
