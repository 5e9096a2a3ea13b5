// Any bytes as any message: the first byte chooses the schema. What decodes must encode, and what
// was encoded must decode to the same bytes again.
#include <stdlib.h>

#include "replay.h"

#include "wire/rules.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    if (arena == NULL) {
        arena = arena_create(WIRE_ROWS_ARENA_BYTES);
    }
    if (size == 0 || arena == NULL) {
        return 0;
    }
    arena_reset(arena);
    enum wire_schema schema = (enum wire_schema)(data[0] % WIRE_SCHEMA_COUNT);
    void *message = arena_take(arena, wire_rules_of(schema)->size);
    void *again = arena_take(arena, wire_rules_of(schema)->size);
    require(message != NULL && again != NULL);
    if (wire_decode(schema, bytes_of(data + 1, size - 1), arena, message, NULL) != ST_OK) {
        return 0;
    }
    struct buffer first = buffer_init(WIRE_ROWS_ARENA_BYTES);
    struct buffer second = buffer_init(WIRE_ROWS_ARENA_BYTES);
    require(wire_encode(schema, message, &first, NULL) == ST_OK);
    if (wire_decode(schema, buffer_view(&first), arena, again, NULL) == ST_OK) {
        require(wire_encode(schema, again, &second, NULL) == ST_OK);
        require(bytes_equal(buffer_view(&first), buffer_view(&second)));
    }
    buffer_fini(&first);
    buffer_fini(&second);
    return 0;
}
