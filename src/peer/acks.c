// Acknowledgements that wait to be told together.
#include "peer/acks.h"

#include <assert.h>

#include "wire/wire.h"

void peer_acks_add(struct peer_acks *acks, const struct id *id, const char *problem, int64_t now_ms)
{
    assert(acks->count < PEER_ACKS_MAX);
    if (acks->count == 0) {
        acks->since_ms = now_ms;
    }
    acks->items[acks->count++] = (struct wire_ack_item){
        .id = *id,
        .opened = problem == NULL,
        .problem = problem == NULL ? (struct bytes){ 0 } : bytes_text(problem),
    };
}

int64_t peer_acks_until_ms(const struct peer_acks *acks)
{
    return acks->count == 0 ? INT64_MAX : acks->since_ms + PEER_ACK_MS;
}

enum status peer_acks_put(struct peer_acks *acks, struct peer_outbox *outbox, struct error *err)
{
    if (acks->count == 0) {
        return ST_OK;
    }
    struct buffer payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    const struct wire_ack ack = { .version = 1, .items = acks->items, .items_count = acks->count };
    enum status status = wire_encode(WIRE_SCHEMA_ACK, &ack, &payload, err);
    if (status == ST_OK) {
        status = peer_outbox_put(outbox, WIRE_ACK, &acks->items[0].id, buffer_view(&payload),
                                 (struct bytes){ 0 }, err);
    }
    if (status == ST_OK) {
        acks->count = 0;
    }
    buffer_fini(&payload);
    return status;
}
