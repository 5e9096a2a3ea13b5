// Copies of receipts.
#include "broker/receipt.h"

static bool keep(struct arena *arena, struct bytes *bytes)
{
    *bytes = arena_copy(arena, *bytes);
    return bytes->data != NULL;
}

const struct wire_receipt *receipt_keep(struct arena *arena, const struct audit_receipt *from)
{
    struct wire_receipt *receipt = arena_take(arena, sizeof(*receipt));
    struct wire_receipt_extra *extra = arena_take(arena, sizeof(*extra));
    struct bytes *others = arena_take(arena, from->extra.others_count * sizeof(*others));
    if (receipt == NULL || extra == NULL || others == NULL) {
        return NULL;
    }
    *receipt = from->receipt;
    *extra = from->extra;
    receipt->extra = extra;
    extra->others = others;
    bool kept = keep(arena, &receipt->proof) && keep(arena, &receipt->checkpoint) &&
                keep(arena, &extra->leaf) && keep(arena, &extra->part);
    for (size_t i = 0; kept && i < extra->others_count; i++) {
        others[i] = from->extra.others[i];
        kept = keep(arena, &others[i]);
    }
    return kept ? receipt : NULL;
}
