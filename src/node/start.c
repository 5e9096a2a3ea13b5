// The engine's beginning and end: folders, whom to believe, own keys, tables, registers, the
// thread. Whatever is wrong is told here, in words, before anything runs.
#include "node/inside.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "bus/context.h"
#include "node/persons.h"
#include "registry/file.h"
#include "seal/batch.h"
#include "seal/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TASKS_MAX = 4096, CACHE_ROOTS = 1024 };

static enum status make_folders(struct node_engine *engine, struct error *err)
{
    const char *state = engine->config->state;
    enum status status = file_make_folder(state, 0700, err);
    if (status == ST_OK) {
        status = file_join(engine->checkpoint_path, sizeof(engine->checkpoint_path), state,
                           "checkpoint", err);
    }
    if (status == ST_OK) {
        status = file_join(engine->bundle_path, sizeof(engine->bundle_path), state, "policy.bundle",
                           err);
    }
    if (status == ST_OK) {
        status =
            file_join(engine->receipts_path, sizeof(engine->receipts_path), state, "receipts", err);
    }
    if (status == ST_OK) {
        status = file_make_folder(engine->receipts_path, 0700, err);
    }
    return status;
}

// Log key, pins, own keys, and the broker's card under the registrar's signature.
static enum status read_trust(struct node_engine *engine, struct error *err)
{
    const struct config_node *config = engine->config;
    enum status status = node_trust_init(&engine->trust, bytes_text(config->broker.vkey),
                                         &config->registrar.pins, &config->policy.pins, err);
    if (status == ST_OK) {
        status = seal_keyfile_load(config->identity, &engine->identity, err);
    }
    if (status == ST_OK && (engine->identity.role != SEAL_ROLE_NODE ||
                            strcmp(engine->identity.member, config->member) != 0 ||
                            strcmp(engine->identity.node, config->name) != 0)) {
        status = error_set(err, ST_USAGE, "identity '%s': the key of %s %s/%s, not of this node",
                           config->identity, seal_role_name(engine->identity.role),
                           engine->identity.member, engine->identity.node);
    }
    if (status == ST_OK) {
        status = registry_file_broker(config->broker.card, node_trust_origin(&engine->trust),
                                      &engine->trust.registrar, (uint64_t)clock_wall_ms(),
                                      &engine->broker, err);
    }
    return status;
}

// The holder's own key for pseudonyms: made once, because codes must stay the same for years.
static enum status read_pseudonym_key(struct node_engine *engine, struct error *err)
{
    char path[NODE_PATH_MAX];
    struct seal_identity identity = { 0 };
    enum status status = file_join(path, sizeof(path), engine->config->state, "pseudonym.key", err);
    if (status == ST_OK && !file_exists(path)) {
        status = seal_identity_create(SEAL_ROLE_MASTER, "", "", &identity, err);
        if (status == ST_OK) {
            status = seal_keyfile_create(path, &identity, err);
        }
        seal_identity_fini(&identity);
    }
    if (status == ST_OK) {
        status = seal_keyfile_load(path, &identity, err);
    }
    if (status == ST_OK && (identity.role != SEAL_ROLE_MASTER || identity.secret_count != 1)) {
        status = error_set(err, ST_CORRUPT, "'%s': not the key that this node made", path);
    }
    if (status == ST_OK) {
        status =
            seal_secret_copy(seal_secret_view(identity.secrets[0]), &engine->pseudonym_key, err);
    }
    seal_identity_fini(&identity);
    return status;
}

static void destroy_catalogue(void *object)
{
    struct catalogue *catalogue = object;
    catalogue_destroy(&catalogue);
}

static enum status make_tables(struct node_engine *engine, struct error *err)
{
    engine->cache = seal_batch_cache_create(CACHE_ROOTS);
    engine->partners = node_partners_create();
    engine->memory = node_memory_create((uint64_t)engine->config->answer.person_ms);
    engine->policy = snapshot_create(destroy_catalogue);
    engine->queries = map_create();
    engine->calls = map_create();
    if (engine->cache == NULL || engine->partners == NULL || engine->memory == NULL ||
        engine->policy == NULL || engine->queries == NULL || engine->calls == NULL) {
        return error_set(err, ST_NOMEM, "node: no memory");
    }
    enum status status = node_keys_create(engine->config->member, engine->config->name,
                                          &engine->trust.audience, &engine->keys, err);
    if (status == ST_OK) {
        status = queue_create(TASKS_MAX, 0, &engine->tasks, err);
    }
    if (status == ST_OK) {
        status = queue_create(NODE_ASKS_MAX, 0, &engine->found, err);
    }
    if (status == ST_OK) {
        status = bus_context_create(1, &engine->context, err);
    }
    return status;
}

static const struct config_register *register_named(const struct config_node *config,
                                                    const char *name)
{
    const struct config_register *registers = config->registers.items;
    for (size_t i = 0; i < config->registers.count; i++) {
        if (strcmp(registers[i].name, name) == 0) {
            return &registers[i];
        }
    }
    return NULL;
}

static enum status room_for_source(const struct node_engine *engine, const char *dataset,
                                   struct error *err)
{
    for (size_t i = 0; i < engine->source_count; i++) {
        if (strcmp(node_source_dataset(engine->sources[i]), dataset) == 0) {
            return error_set(err, ST_USAGE, "dataset %s is answered twice", dataset);
        }
    }
    if (engine->source_count == NODE_SOURCES_MAX) {
        return error_set(err, ST_USAGE, "more than %d datasets", NODE_SOURCES_MAX);
    }
    return ST_OK;
}

static enum status open_sources(struct node_engine *engine, const struct vedomo_service *services,
                                size_t service_count, struct error *err)
{
    const struct config_node *config = engine->config;
    const struct config_dataset *datasets = config->datasets.items;
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < config->datasets.count; i++) {
        const struct config_register *reg = register_named(config, datasets[i].from);
        if (reg == NULL) {
            return error_set(err, ST_USAGE, "dataset %s: there is no register '%s'",
                             datasets[i].code, datasets[i].from);
        }
        status = room_for_source(engine, datasets[i].code, err);
        if (status == ST_OK) {
            status = node_source_open(&datasets[i], reg, config->answer.register_ms, engine->found,
                                      &engine->sources[engine->source_count], err);
        }
        engine->source_count += status == ST_OK ? 1 : 0;
    }
    for (size_t i = 0; status == ST_OK && i < service_count; i++) {
        status = room_for_source(engine, services[i].dataset, err);
        if (status == ST_OK) {
            status = node_source_serve(&services[i], config->answer.register_ms, engine->found,
                                       &engine->sources[engine->source_count], err);
        }
        engine->source_count += status == ST_OK ? 1 : 0;
    }
    return status;
}

static void engine_free(struct node_engine *engine)
{
    for (size_t i = 0; i < engine->source_count; i++) {
        node_source_close(&engine->sources[i]);
    }
    if (engine->found != NULL) {
        node_holder_stop(engine);
    }
    if (engine->queries != NULL) {
        size_t cursor = 0;
        struct bytes key;
        void *value = NULL;
        while (map_next(engine->queries, &cursor, &key, &value)) {
            free(value);
        }
    }
    node_policy_fini(engine);
    node_witness_close(engine);
    map_destroy(&engine->queries);
    map_destroy(&engine->calls);
    snapshot_destroy(&engine->policy);
    node_memory_destroy(&engine->memory);
    node_partners_destroy(&engine->partners);
    node_keys_destroy(&engine->keys);
    seal_batch_cache_destroy(&engine->cache);
    queue_destroy(&engine->tasks);
    queue_destroy(&engine->found);
    bus_context_destroy(&engine->context);
    seal_secret_destroy(&engine->pseudonym_key);
    seal_identity_fini(&engine->identity);
    if (engine->lock >= 0) {
        close(engine->lock);
    }
    free(engine);
}

enum status node_engine_start(const struct config_node *config,
                              const struct vedomo_service *services, size_t service_count,
                              struct node_engine **engine, struct error *err)
{
    struct node_engine *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "node: no memory");
    }
    made->config = config;
    made->lock = -1;
    enum status status = make_folders(made, err);
    if (status == ST_OK) {
        // Two nodes with one state folder would announce keys over one another.
        status =
            lock_folder(config->state, "a node runs on this state folder already; stop it first",
                        &made->lock, err);
    }
    if (status == ST_OK) {
        status = read_trust(made, err);
    }
    if (status == ST_OK) {
        status = node_witness_open(made, err);
    }
    if (status == ST_OK) {
        status = read_pseudonym_key(made, err);
    }
    if (status == ST_OK) {
        status = make_tables(made, err);
    }
    if (status == ST_OK) {
        status = node_persons_open(made, err);
    }
    if (status == ST_OK) {
        status = node_policy_load(made, err);
    }
    if (status == ST_OK) {
        status = open_sources(made, services, service_count, err);
    }
    if (status == ST_OK) {
        status = thread_start("node", node_engine_run, made, &made->thread, err);
    }
    if (status != ST_OK) {
        engine_free(made);
        return status;
    }
    *engine = made;
    return ST_OK;
}

void node_engine_stop(struct node_engine **engine)
{
    if (*engine == NULL) {
        return;
    }
    struct node_engine *stopped = *engine;
    *engine = NULL;
    queue_close(stopped->tasks);
    thread_join(&stopped->thread);
    engine_free(stopped);
}
