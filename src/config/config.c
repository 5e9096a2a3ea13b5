// Loading a configuration file: the table reads and checks it, then keys are decoded, paths made
// absolute, and what the table cannot say is checked (a threshold within its keys, a register that
// exists). The object owns an arena with everything in it.
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "config/schema.h"

enum { FILE_BYTES_MAX = 1 << 20, ARENA_BYTES = 16 << 20, PATH_BYTES = 4096 };

struct config {
    enum config_program program;
    struct arena *arena;
    const char *path;
    void *read; // of the program's shape
};

struct program {
    const char *name;
    const char *file;
    const struct yaml_shape *shape;
};

static const struct program programs[CONFIG_PROGRAM_COUNT] = {
    [CONFIG_VEDOMOD] = { "vedomod", "vedomod.yaml", &config_vedomod_shape },
    [CONFIG_NODE] = { "vedomo-node", "node.yaml", &config_node_shape },
    [CONFIG_PORTAL] = { "vedomo-portal", "portal.yaml", &config_portal_shape },
    [CONFIG_WITNESS] = { "vedomo witness", "witness.yaml", &config_witness_shape },
};

static enum status fail(const struct config *config, const char *key, const char *what,
                        struct error *err)
{
    return error_set(err, ST_MALFORMED, "%s: %s: %s", config->path, key, what);
}

// A path that is not absolute counts from the file's folder.
static enum status resolve(const struct config *config, const char **path, struct error *err)
{
    char whole[PATH_BYTES];
    const char *slash = strrchr(config->path, '/');
    if ((*path)[0] == '\0' || (*path)[0] == '/') {
        return ST_OK;
    }
    int folder = slash != NULL ? (int)(slash - config->path) : 1;
    int size = snprintf(whole, sizeof(whole), "%.*s/%s", folder, slash != NULL ? config->path : ".",
                        *path);
    if (size < 0 || (size_t)size >= sizeof(whole)) {
        return fail(config, *path, "the path is too long", err);
    }
    *path = arena_text(config->arena, bytes_of(whole, (size_t)size));
    return *path != NULL ? ST_OK : error_set(err, ST_NOMEM, "%s", config->path);
}

static enum status resolve_all(const struct config *config, const char **const *paths, size_t count,
                               struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        status = resolve(config, paths[i], err);
    }
    return status;
}

static enum status finish_pins(const struct config *config, struct config_pins *pins,
                               const char *key, struct error *err)
{
    struct error why;
    const struct config_key *keys = pins->keys.items;
    for (size_t i = 0; i < pins->keys.count; i++) {
        if (registry_pins_add(&pins->pins, bytes_text(keys[i].text), &why) != ST_OK) {
            return fail(config, key, why.message, err);
        }
    }
    if (pins->threshold > pins->pins.count) {
        return fail(config, key, "the threshold is above the number of keys", err);
    }
    pins->pins.threshold = (size_t)pins->threshold;
    return ST_OK;
}

static enum status finish_vedomod(const struct config *config, struct error *err)
{
    struct config_vedomod *read = config->read;
    enum status status = finish_pins(config, &read->registrar, "registrar.keys", err);
    if (status == ST_OK) {
        status = finish_pins(config, &read->policy, "policy.keys", err);
    }
    const char **const paths[] = { &read->witnesses.policy };
    if (status == ST_OK) {
        status = resolve_all(config, paths, ARRAY_COUNT(paths), err);
    }
    if (status == ST_OK && read->listen.dead_after_ms < 2 * read->listen.heartbeat_ms) {
        status = fail(config, "listen.dead_after", "must be two heartbeats or more", err);
    }
    return status;
}

static const struct config_register *find_register(const struct yaml_list *registers,
                                                   const char *name)
{
    const struct config_register *items = registers->items;
    for (size_t i = 0; i < registers->count; i++) {
        if (strcmp(items[i].name, name) == 0) {
            return &items[i];
        }
    }
    return NULL;
}

static enum status finish_registers(const struct config *config, struct yaml_list *list,
                                    struct error *err)
{
    struct config_register *items = arena_take(config->arena, (list->count + 1) * sizeof(*items));
    if (items == NULL) {
        return error_set(err, ST_NOMEM, "%s", config->path);
    }
    for (size_t i = 0; i < list->count; i++) {
        items[i] = ((const struct config_register *)list->items)[i];
        const char **const paths[] = { &items[i].path };
        enum status status = resolve_all(config, paths, ARRAY_COUNT(paths), err);
        if (status != ST_OK) {
            return status;
        }
    }
    list->items = items;
    return ST_OK;
}

static enum status finish_node(const struct config *config, struct error *err)
{
    struct config_node *read = config->read;
    const char **const paths[] = { &read->identity, &read->state, &read->broker.card,
                                   &read->api.token, &read->witnesses.policy };
    enum status status = resolve_all(config, paths, ARRAY_COUNT(paths), err);
    if (status == ST_OK) {
        status = finish_pins(config, &read->registrar, "registrar.keys", err);
    }
    if (status == ST_OK) {
        status = finish_pins(config, &read->policy, "policy.keys", err);
    }
    if (status == ST_OK) {
        status = finish_registers(config, &read->registers, err);
    }
    const struct config_dataset *datasets = read->datasets.items;
    for (size_t i = 0; i < read->datasets.count && status == ST_OK; i++) {
        if (find_register(&read->registers, datasets[i].from) == NULL) {
            status = error_set(err, ST_MALFORMED, "%s:%u: datasets.%s.from: no register '%s'",
                               config->path, datasets[i].line, datasets[i].code, datasets[i].from);
        }
    }
    // Whoever may open a socket in the file system is settled by its permissions.
    bool open_to_all = read->api.listen[0] != '\0' && strncmp(read->api.listen, "unix:", 5) != 0;
    if (status == ST_OK && open_to_all && read->api.token[0] == '\0') {
        status = fail(config, "api.token", "is needed with an address", err);
    }
    return status;
}

static enum status finish_portal(const struct config *config, struct error *err)
{
    struct config_portal *read = config->read;
    const char **const paths[] = { &read->identity, &read->state, &read->broker.card };
    enum status status = resolve_all(config, paths, ARRAY_COUNT(paths), err);
    if (status == ST_OK) {
        status = finish_pins(config, &read->registrar, "registrar.keys", err);
    }
    return status;
}

static enum status finish_witness(const struct config *config, struct error *err)
{
    struct config_witness *read = config->read;
    const char **const paths[] = { &read->identity, &read->state };
    return resolve_all(config, paths, ARRAY_COUNT(paths), err);
}

static enum status finish(const struct config *config, struct error *err)
{
    switch (config->program) {
    case CONFIG_VEDOMOD:
        return finish_vedomod(config, err);
    case CONFIG_NODE:
        return finish_node(config, err);
    case CONFIG_PORTAL:
        return finish_portal(config, err);
    case CONFIG_WITNESS:
        return finish_witness(config, err);
    case CONFIG_PROGRAM_COUNT:
        break;
    }
    return error_set(err, ST_USAGE, "%s: there is no such program", config->path);
}

static enum status read_file(struct config *config, struct error *err)
{
    const struct program *program = &programs[config->program];
    struct buffer content = buffer_init(FILE_BYTES_MAX);
    struct yaml_tree *tree = NULL;
    enum status status = file_read(config->path, FILE_BYTES_MAX, &content, err);
    if (status == ST_OK) {
        status = yaml_tree_parse(buffer_view(&content), config->path, &tree, err);
    }
    if (status == ST_OK) {
        config->read = arena_take(config->arena, program->shape->size);
        status = config->read == NULL
                     ? error_set(err, ST_NOMEM, "%s", config->path)
                     : yaml_schema_read(program->shape, yaml_tree_root(tree), config->path,
                                        config->arena, config->read, err);
    }
    yaml_tree_destroy(&tree);
    buffer_fini(&content);
    return status;
}

enum status config_load(enum config_program program, const char *path, struct config **config,
                        struct error *err)
{
    struct config *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "%s", path);
    }
    enum status status = ST_OK;
    made->program = program;
    made->arena = arena_create(ARENA_BYTES);
    made->path = made->arena != NULL ? arena_text(made->arena, bytes_text(path)) : NULL;
    if (made->path == NULL) {
        status = error_set(err, ST_NOMEM, "%s", path);
    }
    if (status == ST_OK) {
        status = read_file(made, err);
    }
    if (status == ST_OK) {
        status = finish(made, err);
    }
    if (status != ST_OK) {
        config_destroy(&made);
        return status;
    }
    *config = made;
    return ST_OK;
}

void config_destroy(struct config **config)
{
    if (*config != NULL) {
        arena_destroy(&(*config)->arena);
        free(*config);
        *config = NULL;
    }
}

const struct config_vedomod *config_vedomod(const struct config *config)
{
    return config->program == CONFIG_VEDOMOD ? config->read : NULL;
}

const struct config_node *config_node(const struct config *config)
{
    return config->program == CONFIG_NODE ? config->read : NULL;
}

const struct config_portal *config_portal(const struct config *config)
{
    return config->program == CONFIG_PORTAL ? config->read : NULL;
}

const struct config_witness *config_witness(const struct config *config)
{
    return config->program == CONFIG_WITNESS ? config->read : NULL;
}

const char *config_program_name(enum config_program program)
{
    return program < CONFIG_PROGRAM_COUNT ? programs[program].name : "";
}

void config_markdown(struct buffer *out)
{
    buffer_text(out,
                "# Configuration\n\n"
                "Written by the tables that read the files (`src/config/schema.c`); a test keeps "
                "the two in step.\n\n"
                "Files are YAML without tags and merge keys. Unknown keys, keys given twice, and "
                "values out of range are refused with file, line, key and what was expected: "
                "`vedomo config check FILE` does only that. Durations are written `250 ms`, "
                "`5 s`, `10 min`, `2 h`, `30 d`; sizes `512 B`, `64 KB`, `16 MB`, `2 GB`, `1 TB` "
                "(of 1024). A path that does not begin with `/` counts from the file's folder. A "
                "program reads its file when it starts: a changed file counts from the next start "
                "on. The policy's files (members, datasets, agreements, texts) are another "
                "matter: [consent-model.md](consent-model.md).\n");
    for (int i = 0; i < CONFIG_PROGRAM_COUNT; i++) {
        buffer_format(out, "\n## `%s`: %s\n\n", programs[i].file, programs[i].name);
        yaml_schema_markdown(programs[i].shape, out);
    }
}
