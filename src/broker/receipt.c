// Copies of receipts.
#include "broker/receipt.h"

// Moves the bytes behind *room and views them there.
static void keep(uint8_t **room, struct bytes *bytes)
{
    if (bytes->size > 0) {
        memcpy(*room, bytes->data, bytes->size);
    }
    bytes->data = *room;
    *room += bytes->size;
}

const struct wire_receipt *receipt_keep(struct arena *arena, const struct audit_receipt *from)
{
    const struct wire_receipt_extra *extra = &from->extra;
    size_t size = from->receipt.proof.size + from->receipt.checkpoint.size + extra->leaf.size +
                  extra->part.size;
    for (size_t i = 0; i < extra->others_count; i++) {
        size += from->others[i].size;
    }
    struct audit_receipt *kept = arena_room(arena, sizeof(*kept) + size);
    if (kept == NULL) {
        return NULL;
    }
    uint8_t *room = (uint8_t *)(kept + 1);
    *kept = *from;
    kept->receipt.extra = &kept->extra;
    kept->extra.others = kept->others;
    keep(&room, &kept->receipt.proof);
    keep(&room, &kept->receipt.checkpoint);
    keep(&room, &kept->extra.leaf);
    keep(&room, &kept->extra.part);
    for (size_t i = 0; i < extra->others_count; i++) {
        keep(&room, &kept->others[i]);
    }
    return &kept->receipt;
}
