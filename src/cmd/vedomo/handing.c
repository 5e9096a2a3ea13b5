// Handing orders and signed things in to the broker.
#include "handing.h"

enum { CHUNK_BYTES = 192 * 1024, MESSAGE_VERSION = 1 };

enum status handing_order(struct link *link, struct wire_control *control, struct arena *arena,
                          struct wire_result *result, struct error *err)
{
    struct wire_result got;
    struct bytes body;
    control->version = MESSAGE_VERSION;
    enum status status =
        link_call(link, WIRE_CONTROL, control, (struct bytes){ 0 }, arena, &got, &body, err);
    if (status == ST_OK && !control->dry_run) {
        status = link_receipt(link, got.receipt, err);
    }
    if (status == ST_OK) {
        *result = got;
    }
    return status;
}

enum status handing_alone(struct command_call *call, struct wire_control *control,
                          handing_show show, struct error *err)
{
    struct link *link = NULL;
    struct wire_result result;
    struct arena *arena = arena_create(WIRE_ARENA_BYTES + WIRE_BOXES_MAX_BYTES);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "handing in")
                                       : link_open(call->settings, &link, err);
    if (status == ST_OK) {
        status = handing_order(link, control, arena, &result, err);
    }
    if (status == ST_OK) {
        status = show(call, control->dry_run ? NULL : result.receipt, arena, err);
    }
    arena_destroy(&arena);
    link_close(&link);
    return status;
}

enum status handing_in(struct link *link, enum wire_control_action action,
                       struct bytes signed_message, bool dry_run, struct output *out,
                       struct error *err)
{
    struct wire_control control = { .action = (uint32_t)action,
                                    .signed_ = signed_message,
                                    .dry_run = dry_run };
    struct wire_result result;
    struct arena *arena = arena_create(WIRE_ARENA_BYTES + WIRE_BOXES_MAX_BYTES);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "handing in")
                                       : handing_order(link, &control, arena, &result, err);
    if (status == ST_OK && !dry_run) {
        output_number(out, "entry", result.receipt->index);
        output_line(out, "on record as entry %llu; its receipt was verified",
                    (unsigned long long)result.receipt->index);
    }
    arena_destroy(&arena);
    return status;
}

enum status handing_blob(struct link *link, struct bytes blob, const struct digest *hash,
                         struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES + WIRE_BOXES_MAX_BYTES);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "handing in") : ST_OK;
    for (size_t i = 0; status == ST_OK && i < blob.size; i += CHUNK_BYTES) {
        struct wire_chunk chunk = {
            .version = MESSAGE_VERSION,
            .hash = *hash,
            .total = blob.size,
            .offset = i,
        };
        size_t size = blob.size - i < CHUNK_BYTES ? blob.size - i : CHUNK_BYTES;
        struct wire_result result;
        struct bytes body;
        status = link_call(link, WIRE_CHUNK, &chunk, bytes_of(blob.data + i, size), arena, &result,
                           &body, err);
        arena_reset(arena);
    }
    arena_destroy(&arena);
    return status;
}
