// vedomo config check: a configuration file, against the table that the programs use.
#include <libgen.h>
#include <limits.h>
#include <stdio.h>

#include "commands.h"

#include "config/config.h"

struct options {
    const char *program;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, program), "program", 0, "NAME",
      "vedomod, vedomo-node, vedomo-portal or witness (default: by the file's name)" },
    { .kind = COMMAND_END },
};

// By --program, else by the file's name: vedomod.yaml, node.yaml, portal.yaml, witness.yaml.
static enum status choose_program(const char *named, const char *path, enum config_program *program,
                                  struct error *err)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof(copy), "%s", path);
    const char *base = basename(copy);
    for (int i = 0; i < CONFIG_PROGRAM_COUNT; i++) {
        const char *name = config_program_name((enum config_program)i);
        bool ours = strncmp(name, "vedomo", 6) == 0 && (name[6] == '-' || name[6] == ' ');
        const char *tail = ours ? name + 7 : name;
        bool by_name = named == NULL && strstr(base, tail) != NULL;
        if (by_name || (named != NULL && (strcmp(named, name) == 0 || strcmp(named, tail) == 0))) {
            *program = (enum config_program)i;
            return ST_OK;
        }
    }
    return error_set(err, ST_USAGE,
                     "whose configuration is %s? Give --program vedomod, vedomo-node, "
                     "vedomo-portal or witness",
                     base);
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    const char *path = call->arguments[0];
    enum config_program program = CONFIG_VEDOMOD;
    struct config *config = NULL;
    enum status status = choose_program(options->program, path, &program, err);
    if (status == ST_OK) {
        status = config_load(program, path, &config, err);
    }
    if (status == ST_OK) {
        output_text(call->out, "file", path);
        output_text(call->out, "program", config_program_name(program));
        output_line(call->out, "%s: good, for %s", path, config_program_name(program));
    }
    config_destroy(&config);
    return status;
}

const struct command cmd_config_check = {
    .words = "config check",
    .arguments = "FILE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Check a configuration file",
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
