// One command of the command line: its words, its options as a table, and what it does.
#pragma once

#include "output.h"
#include "settings.h"

#include "base/error.h"

enum { COMMAND_TEXTS_MAX = 16 };

// A repeatable option's values.
struct command_texts {
    const char *items[COMMAND_TEXTS_MAX];
    size_t count;
};

enum command_option_kind {
    COMMAND_END = 0,
    COMMAND_FLAG,   // bool
    COMMAND_TEXT,   // const char *
    COMMAND_TEXTS,  // struct command_texts
    COMMAND_NUMBER, // uint64_t
    COMMAND_COUNT,  // the same, from 1 on; 0: not given
    COMMAND_MOMENT, // uint64_t, milliseconds: "2026-11-21", "2026-11-21T18:53"
    COMMAND_UNTIL,  // the same; a day counts whole
};

// A row of a command's table of options, ended by COMMAND_END.
struct command_option {
    enum command_option_kind kind;
    size_t offset;        // of the member in the command's struct of options
    const char *name;     // "reason": --reason
    char letter;          // 'o': -o as well; 0: none
    const char *argument; // what stands behind it in the help; NULL on a flag
    const char *help;
};

enum { COMMAND_OPTIONS_BYTES = 1024 };

// Which common options a command takes besides its own and --json.
enum {
    COMMAND_CONNECTS = 1, // key, broker, profile: it talks to a broker
    COMMAND_TRUSTS = 2,   // profile, vkey, origin, pins: it verifies or signs for a federation
    COMMAND_SPEAKS = 4,   // --language: it shows sentences of the policy bundle
    COMMAND_SUBJECT = 8,  // --subject -, --scheme: it is about a person
};

// What a command gets.
struct command_call {
    const void *options;          // its own struct, filled
    const char *const *arguments; // what is not an option
    size_t argument_count;
    struct settings *settings; // common options, profile and environment together
    struct output *out;
    bool failed; // set by a command whose answer is bad news: printed whole, exit code 1
};

typedef enum status (*command_run)(struct command_call *call, struct error *err);

struct command {
    const char *words;     // "member sign"
    const char *arguments; // "FILE...", for the usage line; NULL: none
    size_t argument_min;
    size_t argument_max;
    const char *help;   // one line for the list; begins with a verb
    const char *detail; // more for --help; NULL: none
    unsigned common;    // COMMAND_CONNECTS | ...
    const struct command_option *options;
    size_t options_bytes; // of the command's struct, at most COMMAND_OPTIONS_BYTES
    command_run run;
};

// Parses the words behind the command's own and runs it. The program's exit code: 0 done, 1 refused
// or failed, 2 usage.
int command_main(const struct command *command, int argc, char **argv);

// The words that were typed make no sense, which has been told on the standard error. With --json
// among them it is told as a document on the standard output, too.
void command_refused(int argc, char *const *argv, const char *words, const char *message);
