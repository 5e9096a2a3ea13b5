// What sealing and proving cost: one line a case, `name value unit`, CPU time of this thread.
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "proof/receipt.h"
#include "seal/batch.h"
#include "seal/exchange.h"
#include "seal/hash.h"
#include "seal/random.h"
#include "seal/secret.h"

struct setting {
    struct seal_signer *signer;
    struct seal_secret *secret;
    struct digest key; // of the secret
    struct digest a;
    struct digest b;
    struct digest leaves[SEAL_BATCH_MAX];
    struct seal_batch_path paths[SEAL_BATCH_MAX];
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    uint8_t payload[700];
    uint8_t box[1024];
    struct proof_batch *batch;
    struct proof_frontier frontier;
};

static void require(bool holds)
{
    if (!holds) {
        fputs("bench_crypto: a step failed\n", stderr);
        exit(1);
    }
}

static void node_hash(struct setting *s)
{
    s->a = seal_node_hash(&s->a, &s->b);
}

static void leaf_hash(struct setting *s)
{
    s->a = seal_leaf_hash(bytes_of(s->payload, PROOF_LEAF_BYTES));
}

static void blake2b(struct setting *s)
{
    const struct bytes part = bytes_of(s->payload, 110);
    s->a = seal_blake2b(bytes_digest(&s->b), &part, 1);
}

static void random_salt(struct setting *s)
{
    s->a = seal_random_digest();
}

static void sign(struct setting *s)
{
    seal_sign(s->signer, bytes_of(s->payload, 113), s->signature);
}

static void verify(struct setting *s)
{
    require(seal_verify(seal_signer_key(s->signer), bytes_of(s->payload, 113),
                        bytes_of(s->signature, 64)));
}

static void shared(struct setting *s)
{
    require(seal_shared(s->secret, &s->key, &s->a, NULL) == ST_OK);
}

static void field_box(struct setting *s)
{
    const struct seal_field field = { .request_hash = s->b,
                                      .index = 3,
                                      .dataset = bytes_text("health.driver-certificate"),
                                      .name = bytes_text("valid"),
                                      .form = bytes_text("full") };
    seal_field_close(&s->a, &field, bytes_of(s->payload, 256), s->box);
}

static void batch_leaf(struct setting *s)
{
    s->a = seal_batch_leaf("request", &s->b, bytes_of(s->payload, sizeof(s->payload)));
}

static void batch_sign_256(struct setting *s)
{
    seal_batch_sign(s->signer, &s->b, s->leaves, SEAL_BATCH_MAX, s->signature, s->paths);
}

static void log_batch_256(struct setting *s)
{
    proof_batch_run(s->batch, &s->frontier, s->leaves, SEAL_BATCH_MAX);
    s->frontier = *proof_batch_frontier(s->batch);
    struct proof_path path;
    for (size_t i = 0; i < SEAL_BATCH_MAX; i++) {
        proof_batch_path(s->batch, i, &path);
    }
}

static const struct {
    const char *name;
    void (*run)(struct setting *);
    unsigned rounds;
    unsigned items; // what one round counts for
} cases[] = {
    { "seal.node_hash", node_hash, 1000000, 1 },
    { "seal.leaf_hash_38", leaf_hash, 1000000, 1 },
    { "seal.blake2b_110", blake2b, 300000, 1 },
    { "seal.random_32", random_salt, 1000000, 1 },
    { "seal.sign", sign, 10000, 1 },
    { "seal.verify", verify, 5000, 1 },
    { "seal.shared", shared, 5000, 1 },
    { "seal.field_close_256", field_box, 200000, 1 },
    { "seal.batch_leaf_700", batch_leaf, 200000, 1 },
    { "seal.batch_sign_256", batch_sign_256, 1000, SEAL_BATCH_MAX },
    { "proof.log_batch_256", log_batch_256, 1000, SEAL_BATCH_MAX },
};

int main(void)
{
    static struct setting s;
    struct error err;
    require(seal_exchange_create(&s.secret, &s.key, &err) == ST_OK &&
            seal_signer_create(s.secret, &s.signer, &err) == ST_OK);
    s.batch = proof_batch_create(SEAL_BATCH_MAX);
    require(s.batch != NULL);
    s.b = seal_random_digest();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t start = clock_thread_cpu_ns();
        for (unsigned k = 0; k < cases[i].rounds; k++) {
            cases[i].run(&s);
        }
        int64_t spent = clock_thread_cpu_ns() - start;
        printf("%s %.1f ns\n", cases[i].name,
               (double)spent / ((double)cases[i].rounds * cases[i].items));
    }
    proof_batch_destroy(&s.batch);
    seal_signer_destroy(&s.signer);
    seal_secret_destroy(&s.secret);
    return 0;
}
