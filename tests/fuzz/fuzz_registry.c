// Any bytes as a file of the registrar's: card, order, bundle. What is read is the same after it
// was written again; nothing verifies under a key that signed nothing.
#include <stdlib.h>

#include "replay.h"

#include "registry/card.h"
#include "registry/file.h"
#include "registry/log_key.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void try_again(const struct registry_file_content *content)
{
    struct registry_file_content again;
    struct buffer text = buffer_init((size_t)8 * REGISTRY_FILE_MAX);
    if (registry_file_format(content->kind, buffer_view(&content->message),
                             buffer_view(&content->blob), NULL, &text, NULL) == ST_OK) {
        require(registry_file_parse(buffer_view(&text), "again", &again, NULL) == ST_OK);
        require(again.kind == content->kind);
        require(bytes_equal(buffer_view(&again.message), buffer_view(&content->message)));
        require(bytes_equal(buffer_view(&again.blob), buffer_view(&content->blob)));
        registry_file_fini(&again);
    }
    buffer_fini(&text);
}

static void try_message(struct bytes message)
{
    struct bytes origin = bytes_text("vedomo.example/t");
    struct registry_pins pins = { .keys = { { { 1 } } }, .count = 1, .threshold = 1 };
    struct registry_card card;
    struct registry_order order;
    struct registry_bundle_head head;
    struct registry_log_key change;
    require(registry_card_verify(message, origin, &pins, &card, NULL) != ST_OK);
    require(registry_order_verify(message, origin, &pins, &order, NULL) != ST_OK);
    require(registry_bundle_head_verify(message, origin, &pins, &head, NULL) != ST_OK);
    require(registry_log_key_verify(message, origin, &pins, &change, NULL) != ST_OK);
    struct arena *arena = arena_create((size_t)8 * REGISTRY_FILE_MAX);
    struct bytes payload = message;
    if (arena != NULL) {
        (void)!registry_signed_payload(message, arena, &payload, NULL);
        (void)!registry_card_decode(payload, origin, &card, NULL);
        (void)!registry_order_decode(payload, origin, &order, NULL);
        (void)!registry_bundle_head_decode(payload, origin, &head, NULL);
        (void)!registry_log_key_decode(payload, origin, &change, NULL);
    }
    arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct registry_file_content content;
    if (registry_file_parse(bytes_of(data, size), "input", &content, NULL) == ST_OK) {
        try_again(&content);
        try_message(buffer_view(&content.message));
        registry_file_fini(&content);
    }
    try_message(bytes_of(data, size));
    return 0;
}
