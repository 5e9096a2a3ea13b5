// Offline keys, cards and orders for the registry's tests.
#pragma once

#include "test.h"

#include <stdio.h>
#include <string.h>

#include "registry/registry.h"
#include "seal/batch.h"
#include "seal/random.h"
#include "seal/secret.h"
#include "seal/sign.h"
#include "wire/wire.h"

#define ORIGIN "vedomo.example/test"

static inline struct seal_signer *make_signer(void)
{
    struct error err;
    struct seal_secret *seed = NULL;
    struct seal_signer *signer = NULL;
    assert_ok(seal_secret_random(32, &seed, &err));
    assert_ok(seal_signer_create(seed, &signer, &err));
    seal_secret_destroy(&seed);
    return signer;
}

static inline struct registry_pins pins_of(struct seal_signer *const *signers, size_t count,
                                           size_t threshold)
{
    struct registry_pins pins = { .count = count, .threshold = threshold };
    for (size_t i = 0; i < count; i++) {
        pins.keys[i] = *seal_signer_key(signers[i]);
    }
    return pins;
}

static inline struct registry_card make_card(const char *member, const char *node)
{
    struct registry_card card = {
        .role = REGISTRY_ROLE_NODE,
        .curve_key = seal_random_digest(),
        .batch_key = seal_random_digest(),
        .not_before = 1000,
        .not_after = 2000,
    };
    snprintf(card.member, sizeof(card.member), "%s", member);
    snprintf(card.node, sizeof(card.node), "%s", node);
    return card;
}

static inline struct buffer sign_payload(enum registry_label label, struct bytes payload,
                                         const char *origin, const struct seal_signer *signer)
{
    struct error err;
    struct digest audience = seal_audience(bytes_text(origin));
    struct buffer out = buffer_init(65536);
    assert_ok(registry_signed_make(label, payload, &audience, signer, &out, &err));
    return out;
}

static inline struct buffer sign_card(const struct registry_card *card, const char *origin,
                                      const struct seal_signer *signer)
{
    struct error err;
    struct buffer payload = buffer_init(65536);
    assert_ok(registry_card_encode(card, bytes_text(origin), &payload, &err));
    struct buffer out = sign_payload(REGISTRY_CARD, buffer_view(&payload), origin, signer);
    buffer_fini(&payload);
    return out;
}

static inline struct buffer sign_order(const struct registry_order *order,
                                       const struct seal_signer *signer)
{
    struct error err;
    struct buffer payload = buffer_init(65536);
    assert_ok(registry_order_encode(order, bytes_text(ORIGIN), &payload, &err));
    struct buffer out = sign_payload(REGISTRY_ORDER, buffer_view(&payload), ORIGIN, signer);
    buffer_fini(&payload);
    return out;
}
