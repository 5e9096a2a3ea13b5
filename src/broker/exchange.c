// Exchanges and the table of their states.
#include "broker/exchange.h"

#include <stdlib.h>

enum { EXCHANGE_ARENA_BYTES = 1 << 20 };

struct pending_rule {
    const char *name;
    uint32_t may_become; // bits by state
};

#define TO(state) (1U << PENDING_##state)

static const struct pending_rule rules[PENDING_STATE_COUNT] = {
    [PENDING_DECIDING] = { "deciding", TO(RECORDING) },
    [PENDING_RECORDING] = { "recording", TO(ASKED) | TO(REFUSED) },
    [PENDING_ASKED] = { "asked", TO(RELEASING) | TO(REFUSED) | TO(EXPIRED) | TO(CANCELLED) },
    [PENDING_RELEASING] = { "releasing", TO(RELEASED) | TO(REFUSED) },
    [PENDING_RELEASED] = { "released", 0 },
    [PENDING_REFUSED] = { "refused", 0 },
    [PENDING_EXPIRED] = { "expired", 0 },
    [PENDING_CANCELLED] = { "cancelled", 0 },
};

struct exchange *exchange_create(struct arena_pool *pool)
{
    struct arena *arena = pool == NULL ? arena_create(EXCHANGE_ARENA_BYTES)
                                       : arena_create_in(pool, EXCHANGE_ARENA_BYTES);
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (arena == NULL || exchange == NULL) {
        arena_destroy(&arena);
        free(exchange);
        return NULL;
    }
    exchange->arena = arena;
    bus_frame_init(&exchange->held_head);
    bus_frame_init(&exchange->held_boxes);
    return exchange;
}

void exchange_destroy(struct exchange **exchange)
{
    if (*exchange != NULL) {
        exchange_unload(*exchange);
        bus_frame_fini(&(*exchange)->held_head);
        bus_frame_fini(&(*exchange)->held_boxes);
        arena_destroy(&(*exchange)->arena);
        free(*exchange);
        *exchange = NULL;
    }
}

void exchange_unload(struct exchange *exchange)
{
    if (exchange->load != NULL) {
        load_leave(exchange->load, exchange->asker, exchange->holder);
        exchange->load = NULL;
    }
}

void exchange_shed(struct exchange *exchange)
{
    static const struct bytes none;
    exchange_unload(exchange);
    exchange->asker = exchange->holder = exchange->dataset = exchange->purpose = none;
    exchange->agreement = none;
    exchange->grants = NULL;
    exchange->charges = NULL;
    exchange->grant_count = exchange->charge_count = 0;
    exchange->facts = (struct policy_request){ 0 };
    exchange->decision_receipt = NULL;
    arena_destroy(&exchange->arena);
}

const char *pending_state_name(enum pending_state state)
{
    return (unsigned)state < PENDING_STATE_COUNT ? rules[state].name : "unknown";
}

bool pending_may_move(enum pending_state from, enum pending_state to)
{
    return (unsigned)from < PENDING_STATE_COUNT && (unsigned)to < PENDING_STATE_COUNT &&
           (rules[from].may_become & 1U << to) != 0;
}
