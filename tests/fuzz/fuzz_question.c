// Any bytes as the body of POST /v1/requests: read or refused, never more than the limits allow.
#include <stdlib.h>

#include "replay.h"

#include "node/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    if (arena == NULL) {
        arena = arena_create(NODE_ARENA_BYTES);
    }
    if (arena == NULL) {
        return 0;
    }
    arena_reset(arena);
    struct node_question question;
    int64_t timeout_ms = 0;
    struct error err;
    if (node_api_question(bytes_of(data, size), arena, &question, &timeout_ms, &err) == ST_OK &&
        (question.field_count == 0 || question.field_count > CATALOGUE_FIELDS_MAX ||
         question.basis == CATALOGUE_BASIS_NONE || timeout_ms < 0)) {
        abort();
    }
    return 0;
}
