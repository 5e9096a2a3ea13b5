// The check goes on after a finding, so that one call shows all of them; what depends on something
// that is wrong is left out.
#include "node/check.h"

#include "base/clock.h"
#include "node/engine.h"
#include "node/source.h"
#include "web/json.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    REACH_MS = 10000,
    LOOK_MS = 50,
    CLOCK_LIMIT_MS = 5000,
    TEXT_BYTES = 512,
    JSON_MAX_BYTES = 1 << 20
};

struct checking {
    FILE *out;
    bool good;
    bool json;
    struct buffer text;
    struct web_json_writer writer;
};

static void PRINTF_LIKE(4, 5)
    finding(struct checking *checking, bool good, const char *what, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    checking->good = checking->good && good;
    if (!checking->json) {
        fprintf(checking->out, "%-5s  %-12s  %s\n", good ? "ok" : "wrong", what, text);
        return;
    }
    web_json_write_object(&checking->writer);
    web_json_write_name(&checking->writer, "ok");
    web_json_write_bool(&checking->writer, good);
    web_json_write_pair(&checking->writer, "what", what);
    web_json_write_pair(&checking->writer, "finding", text);
    web_json_write_object_end(&checking->writer);
}

// --- registers ---

static void check_registers(struct checking *checking, const struct config_node *config)
{
    struct error err;
    struct queue *back = NULL;
    if (queue_create(1, 0, &back, &err) != ST_OK) {
        finding(checking, false, "register", "%s", err.message);
        return;
    }
    const struct config_dataset *datasets = config->datasets.items;
    const struct config_register *registers = config->registers.items;
    for (size_t i = 0; i < config->datasets.count; i++) {
        const struct config_register *reg = NULL;
        for (size_t j = 0; j < config->registers.count; j++) {
            reg = strcmp(registers[j].name, datasets[i].from) == 0 ? &registers[j] : reg;
        }
        struct node_source *source = NULL;
        if (reg == NULL) {
            finding(checking, false, "mapping", "dataset %s: there is no register '%s'",
                    datasets[i].code, datasets[i].from);
        } else if (node_source_open(&datasets[i], reg, config->answer.register_ms, back, &source,
                                    &err) != ST_OK) {
            finding(checking, false, "mapping", "%s", err.message);
        } else {
            finding(checking, true, "mapping", "dataset %s: %zu fields from register %s",
                    datasets[i].code, datasets[i].fields.count, reg->name);
        }
        node_source_close(&source);
    }
    queue_destroy(&back);
}

// --- the broker, the clock, the policy ---

// What the engine's thread leaves for the one that waits. `finished` is a queue of one place.
struct looking {
    struct queue *finished;
    struct checking *checking;
    const struct config_node *config;
    bool last; // write down what there is, ready or not
    bool ready;
};

static void check_policy(struct checking *checking, const struct config_node *config,
                         const struct catalogue *catalogue)
{
    const struct catalogue_member *self = catalogue_member(catalogue, bytes_text(config->member));
    if (self == NULL) {
        finding(checking, false, "policy", "the policy has no member %s", config->member);
        return;
    }
    finding(checking, true, "policy", "this node is of %s", self->title.in[CATALOGUE_EN]);
    const struct config_dataset *datasets = config->datasets.items;
    for (size_t i = 0; i < config->datasets.count; i++) {
        const struct catalogue_dataset *dataset =
            catalogue_dataset(catalogue, bytes_text(datasets[i].code));
        if (dataset == NULL || !catalogue_is_holder(dataset, self)) {
            finding(checking, false, "policy",
                    "dataset %s: the policy does not name %s as a holder", datasets[i].code,
                    config->member);
            continue;
        }
        const struct config_column *columns = datasets[i].fields.items;
        for (size_t j = 0; j < datasets[i].fields.count; j++) {
            if (catalogue_field(dataset, bytes_text(columns[j].field)) == NULL) {
                finding(checking, false, "policy", "dataset %s: the policy has no field %s",
                        datasets[i].code, columns[j].field);
            }
        }
        for (size_t j = 0; j < dataset->field_count; j++) {
            bool mapped = false;
            for (size_t k = 0; k < datasets[i].fields.count; k++) {
                mapped = mapped || strcmp(columns[k].field, dataset->fields[j].name) == 0;
            }
            if (!mapped) {
                finding(checking, false, "policy", "dataset %s: field %s has no column here",
                        datasets[i].code, dataset->fields[j].name);
            }
        }
    }
}

static void on_state(struct node_task *task, const struct node_report *report)
{
    struct looking *looking = task->context;
    bool connected = report->peer == PEER_READY;
    looking->ready = connected && report->catalogue != NULL;
    if (looking->ready || looking->last) {
        struct checking *checking = looking->checking;
        const char *problem = report->problem->message;
        finding(checking, connected, "reach", "%s: %s", looking->config->broker.endpoint,
                connected            ? "connected, greeted, the log is consistent"
                : problem[0] != '\0' ? problem
                                     : "no answer");
        if (connected) {
            bool close = llabs(report->skew_ms) <= CLOCK_LIMIT_MS;
            finding(checking, close, "clock", "%lld ms off the broker's%s",
                    (long long)report->skew_ms, close ? "" : ": set it (NTP)");
        }
        if (report->catalogue == NULL) {
            finding(checking, false, "policy", "there is no policy bundle");
        } else {
            check_policy(checking, looking->config, report->catalogue);
        }
    }
    node_task_destroy(&task);
    void *item = looking;
    queue_push(looking->finished, &item, 1);
}

// One look; waits for its end.
static bool look(struct node_engine *engine, struct looking *looking, struct error *err)
{
    struct node_task *task = node_task_create(NODE_TASK_STATE);
    if (task == NULL) {
        error_set(err, ST_NOMEM, "no memory");
        return false;
    }
    task->report = on_state;
    task->context = looking;
    if (node_engine_hand(engine, &task, err) != ST_OK) {
        node_task_destroy(&task);
        return false;
    }
    void *item = NULL;
    return queue_wait(looking->finished, &item, 1, -1) == 1;
}

static void check_reach(struct checking *checking, const struct config_node *config)
{
    struct error err;
    // The registers have been looked at: without them the rest can be tried, whatever is wrong
    // there.
    struct config_node bare = *config;
    bare.datasets.count = 0;
    struct node_engine *engine = NULL;
    enum status status = node_engine_start(&bare, NULL, 0, &engine, &err);
    if (status == ST_EXISTS) {
        finding(checking, true, "reach",
                "the node is running: GET /v1/status of its interface tells how it is");
        return;
    }
    if (status != ST_OK) {
        finding(checking, false, "keys", "%s", err.message);
        return;
    }
    finding(checking, true, "keys", "of %s, %s; the broker's card is signed by the registrar",
            config->member, config->name);
    struct looking looking = { .checking = checking, .config = config };
    struct queue *nothing = NULL;
    bool going = queue_create(1, 0, &looking.finished, &err) == ST_OK &&
                 queue_create(1, 0, &nothing, &err) == ST_OK;
    int64_t deadline_ms = clock_monotonic_ms() + REACH_MS;
    while (going && !looking.ready && !looking.last) {
        looking.last = clock_monotonic_ms() >= deadline_ms;
        going = look(engine, &looking, &err);
        void *item = NULL;
        if (going && !looking.ready && !looking.last) {
            size_t count = queue_wait(nothing, &item, 1, clock_monotonic_ms() + LOOK_MS);
            (void)count;
        }
    }
    if (!going) {
        finding(checking, false, "reach", "%s", err.message);
    }
    node_engine_stop(&engine);
    queue_destroy(&looking.finished);
    queue_destroy(&nothing);
}

bool node_check(const char *path, bool json, FILE *out)
{
    struct error err;
    struct config *config = NULL;
    struct checking checking = {
        .out = out, .good = true, .json = json, .text = buffer_init(JSON_MAX_BYTES)
    };
    checking.writer = web_json_writer_init(&checking.text);
    web_json_write_array(&checking.writer);
    if (config_load(CONFIG_NODE, path, &config, &err) != ST_OK) {
        finding(&checking, false, "file", "%s", err.message);
    } else {
        finding(&checking, true, "file", "%s", path);
        check_registers(&checking, config_node(config));
        check_reach(&checking, config_node(config));
    }
    web_json_write_array_end(&checking.writer);
    if (json && buffer_ok(&checking.text, "findings", &err) == ST_OK) {
        fprintf(out, "%.*s\n", (int)checking.text.size, (const char *)checking.text.data);
    }
    buffer_fini(&checking.text);
    config_destroy(&config);
    return checking.good;
}
