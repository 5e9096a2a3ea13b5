// The programs' configuration files.
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "test.h"

#define KEY_A "ed25519:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "ed25519:AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PINS                                                                                       \
    "registrar: {threshold: 1, keys: [\"" KEY_A "\"]}\n"                                           \
    "policy: {threshold: 1, keys: [\"" KEY_B "\"]}\n"
#define VKEY "example.com/audit+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define NODE                                                                                       \
    "member: ru/health/clinic-2\nname: node-1\nidentity: keys/node.key\nstate: /var/lib/x\n"       \
    "broker: {endpoint: \"tcp://127.0.0.1:7400\", card: broker.card, vkey: \"" VKEY "\"}\n" PINS

static char path[512];

// One folder for all files of this program.
static const char *folder(void)
{
    static const char *made;
    if (made == NULL) {
        made = test_directory();
    }
    return made;
}

// Writes a file and loads it.
static enum status load(enum config_program program, const char *text, struct config **config,
                        struct error *err)
{
    snprintf(path, sizeof(path), "%s/file.yaml", folder());
    assert_int_equal(file_replace(path, bytes_text(text), 0600, err), ST_OK);
    return config_load(program, path, config, err);
}

static void assert_refused(enum config_program program, const char *text, const char *message)
{
    struct error err;
    struct config *config = NULL;
    assert_status(ST_MALFORMED, load(program, text, &config, &err));
    assert_null(config);
    if (strstr(err.message, message) == NULL) {
        fail_msg("'%s' does not say '%s'", err.message, message);
    }
}

TEST(a_small_broker_file_gets_every_default)
{
    struct error err;
    struct config *config = NULL;
    assert_ok(load(CONFIG_VEDOMOD, "origin: vedomo.example/log\n" PINS, &config, &err));
    const struct config_vedomod *read = config_vedomod(config);
    assert_string_equal(read->listen.endpoint, "tcp://127.0.0.1:7400");
    assert_int_equal(read->audit.batch_max, 256);
    assert_int_equal(read->audit.full_percent, 90);
    assert_int_equal(read->exchange.life_max_ms, 15 * 60000);
    assert_int_equal(read->registrar.keys.count, 1);
    assert_int_equal(read->registrar.pins.keys[0].bytes[31], 31);
    assert_null(config_node(config));
    config_destroy(&config);
    config_destroy(&config);
}

TEST(pins_are_checked)
{
    static const char origin[] = "origin: vedomo.example/log\n";
    char text[1024];
    snprintf(text, sizeof(text), "%sregistrar: {threshold: 2, keys: [\"%s\"]}\n", origin, KEY_A);
    assert_refused(CONFIG_VEDOMOD, text, "policy: the key is missing");
    snprintf(text, sizeof(text),
             "%spolicy: {threshold: 1, keys: [\"%s\"]}\nregistrar: {threshold: "
             "2, keys: [\"%s\"]}\n",
             origin, KEY_B, KEY_A);
    assert_refused(CONFIG_VEDOMOD, text, "threshold is above");
    snprintf(text, sizeof(text),
             "%spolicy: {threshold: 1, keys: [\"%s\"]}\nregistrar: {threshold: "
             "2, keys: [\"%s\", \"%s\"]}\n",
             origin, KEY_B, KEY_A, KEY_A);
    assert_refused(CONFIG_VEDOMOD, text, "named twice");
    snprintf(text, sizeof(text),
             "%spolicy: {threshold: 1, keys: [\"%s\"]}\nregistrar: {threshold: "
             "1, keys: [\"ed25518:%s\"]}\n",
             origin, KEY_B, &KEY_A[8]);
    assert_refused(CONFIG_VEDOMOD, text, "is not a public key");
}

TEST(a_missing_file_is_not_a_bad_one)
{
    struct error err;
    struct config *config = NULL;
    assert_status(ST_NOT_FOUND, config_load(CONFIG_NODE, "/nowhere/node.yaml", &config, &err));
}

TEST(a_node_knows_its_registers_and_datasets)
{
    struct error err;
    struct config *config = NULL;
    char expected[600];
    assert_ok(load(CONFIG_NODE,
                   NODE "registers:\n  main: {kind: sqlite, path: clinic.db}\n"
                        "datasets:\n  health.driver-certificate:\n    from: main\n"
                        "    source: clinic register\n"
                        "    query: SELECT fit FROM certificates WHERE person = :subject\n"
                        "    fields: {fit: fit}\n",
                   &config, &err));
    const struct config_node *read = config_node(config);
    const struct config_register *registers = read->registers.items;
    const struct config_dataset *datasets = read->datasets.items;
    const struct config_column *columns = datasets[0].fields.items;
    snprintf(expected, sizeof(expected), "%s/clinic.db", folder());
    assert_string_equal(registers[0].path, expected);
    snprintf(expected, sizeof(expected), "%s/keys/node.key", folder());
    assert_string_equal(read->identity, expected);
    assert_string_equal(read->state, "/var/lib/x");
    assert_string_equal(datasets[0].code, "health.driver-certificate");
    assert_string_equal(columns[0].field, "fit");
    assert_string_equal(columns[0].column, "fit");
    config_destroy(&config);
}

TEST(a_register_is_of_a_kind_that_the_node_reads_and_exists)
{
    assert_refused(CONFIG_NODE, NODE "registers:\n  main: {kind: sqlite}\n",
                   "registers.main.path: the key is missing");
    assert_refused(CONFIG_NODE, NODE "registers:\n  main: {kind: sqlite, path: x, secret: y}\n",
                   "registers.main.secret: there is no such key");
    assert_refused(CONFIG_NODE, NODE "registers:\n  main: {kind: postgresql, path: x}\n",
                   "registers.main.kind: expected one of sqlite, found 'postgresql'");
    assert_refused(CONFIG_NODE,
                   NODE "datasets:\n  d:\n    {from: other, source: s, query: q, fields: {a: b}}\n",
                   "datasets.d.from: no register 'other'");
    assert_refused(CONFIG_NODE, NODE "api: {listen: \"127.0.0.1:1\"}\n", "api.token");
}

TEST(settings_that_nothing_reads_do_not_exist)
{
    static const char *const gone[] = {
        "listen: {peers_max: 1}",       "limits: {memory_per_member: 1 MB}",
        "audit: {tail_entries: 65536}", "witnesses: {threshold: 0}",
        "watch: {listen: x}",           "home: ."
    };
    for (size_t i = 0; i < ARRAY_COUNT(gone); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "origin: vedomo.example/log\n" PINS "%s\n", gone[i]);
        assert_refused(CONFIG_VEDOMOD, text, "there is no such key");
    }
    assert_refused(CONFIG_VEDOMOD, "origin: vedomo.example/log\n" PINS "threads: {readers: 17}\n",
                   "threads.readers: expected a whole number, 1 to 16");
    assert_refused(CONFIG_NODE, NODE "watch: {listen: x}\n", "there is no such key");
}

TEST(the_sample_files_load)
{
    static const char *const samples[CONFIG_PROGRAM_COUNT] = {
        [CONFIG_VEDOMOD] = PROJECT_DIR "/config/vedomod.yaml",
        [CONFIG_NODE] = PROJECT_DIR "/config/node.yaml",
        [CONFIG_PORTAL] = PROJECT_DIR "/config/portal.yaml",
        [CONFIG_WITNESS] = PROJECT_DIR "/config/witness.yaml",
    };
    for (int i = 0; i < CONFIG_PROGRAM_COUNT; i++) {
        struct error err;
        struct config *config = NULL;
        assert_ok(config_load((enum config_program)i, samples[i], &config, &err));
        config_destroy(&config);
    }
}

// With WRITE_REFERENCE in the environment it writes the reference first.
TEST(the_reference_is_in_step_with_the_tables)
{
    static const char reference[] = PROJECT_DIR "/docs/configuration.md";
    struct error err;
    struct buffer written = buffer_init(1 << 20);
    struct buffer made = buffer_init(1 << 20);
    config_markdown(&made);
    if (getenv("WRITE_REFERENCE") != NULL) {
        assert_ok(file_replace(reference, buffer_view(&made), 0644, &err));
    }
    assert_ok(file_read(reference, 1 << 20, &written, &err));
    if (!bytes_equal(buffer_view(&written), buffer_view(&made))) {
        fail_msg("docs/configuration.md is not what the tables say; run this test with "
                 "WRITE_REFERENCE=1");
    }
    buffer_fini(&written);
    buffer_fini(&made);
}
