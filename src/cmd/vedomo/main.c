// vedomo: the command line for everyone who works with a federation. One table of commands; a word
// or two choose the row, the rest is the row's own.
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "commands.h"

static const struct command *const commands[] = {
    &cmd_init,
    &cmd_keygen,
    &cmd_member_sign,
    &cmd_member_add,
    &cmd_member_list,
    &cmd_member_show,
    &cmd_member_suspend,
    &cmd_member_resume,
    &cmd_member_revoke,
    &cmd_policy_check,
    &cmd_policy_sign,
    &cmd_policy_apply,
    &cmd_policy_show,
    &cmd_consent_request,
    &cmd_consent_code,
    &cmd_consent_open,
    &cmd_consent_close,
    &cmd_consent_list,
    &cmd_consent_show,
    &cmd_consent_grant,
    &cmd_consent_refuse,
    &cmd_consent_pause,
    &cmd_consent_resume,
    &cmd_consent_withdraw,
    &cmd_request_explain,
    &cmd_audit_list,
    &cmd_audit_show,
    &cmd_audit_forget,
    &cmd_audit_count,
    &cmd_audit_over_asking,
    &cmd_audit_export,
    &cmd_audit_breach,
    &cmd_audit_hold,
    &cmd_audit_prove,
    &cmd_audit_consistency,
    &cmd_audit_verify,
    &cmd_audit_reindex,
    &cmd_audit_replay,
    &cmd_audit_verify_receipt,
    &cmd_audit_witness_receipt,
    &cmd_log_vkey,
    &cmd_log_export,
    &cmd_log_order,
    &cmd_log_rotate,
    &cmd_keys_rewrap,
    &cmd_keys_rotate,
    &cmd_backup_log,
    &cmd_backup_keys,
    &cmd_backup_check,
    &cmd_backup_restore,
    &cmd_witness_serve,
    &cmd_witness_vkey,
    &cmd_status,
    &cmd_config_check,
    &cmd_bench_decide,
    &cmd_bench_exchange,
    &cmd_bench_withdraw,
    &cmd_bench_log,
    &cmd_bench_portal,
    &cmd_version,
};

// How many of the words that were typed are the command's; 0: they are not.
static int matched_words(const struct command *command, int argc, char **argv)
{
    const char *words = command->words;
    size_t first = strcspn(words, " ");
    if (argc < 2 || strlen(argv[1]) != first || strncmp(argv[1], words, first) != 0) {
        return 0;
    }
    if (words[first] == '\0') {
        return 1;
    }
    return argc > 2 && strcmp(argv[2], words + first + 1) == 0 ? 2 : 0;
}

// Lists the commands, or those that begin with `group`. False: there is no such group.
static bool list_commands(FILE *stream, const char *group)
{
    size_t length = group == NULL ? 0 : strlen(group);
    bool any = false;
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        const char *words = commands[i]->words;
        bool in_group = group == NULL || (strncmp(words, group, length) == 0 &&
                                          (words[length] == ' ' || words[length] == '\0'));
        if (!in_group) {
            continue;
        }
        if (!any) {
            fprintf(stream, "Usage: vedomo COMMAND [OPTION...]\n\n");
        }
        any = true;
        fprintf(stream, "  %-22s %s\n", words, commands[i]->help);
    }
    if (any) {
        fprintf(stream, "\n'vedomo COMMAND --help' explains one. Exit code: 0 done, 1 refused or "
                        "failed, 2 wrong usage.\n");
    }
    return any;
}

static int help(int argc, char **argv)
{
    if (argc > 2 && list_commands(stdout, argv[2])) {
        return 0;
    }
    if (argc > 2) {
        fprintf(stderr, "vedomo: there is no command '%s'\n'vedomo help' lists the commands.\n",
                argv[2]);
        return 2;
    }
    return list_commands(stdout, NULL) ? 0 : 1;
}

// A word that begins commands but is none by itself, or no command at all.
static int not_a_command(int argc, char **argv)
{
    bool asks = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-?") == 0);
    if (asks && list_commands(stdout, argv[1])) {
        return 0;
    }
    fprintf(stderr, "vedomo: there is no command '%s%s%s'\n", argv[1], argc > 2 ? " " : "",
            argc > 2 ? argv[2] : "");
    if (!list_commands(stderr, argv[1])) {
        fprintf(stderr, "'vedomo help' lists the commands.\n");
    }
    command_refused(argc, argv, "", "there is no such command; 'vedomo help' lists them");
    return 2;
}

int main(int argc, char **argv)
{
    // Keys and session handles pass through this process: no core dumps, no debugger of others.
    prctl(PR_SET_DUMPABLE, 0);
    if (argc < 2) {
        list_commands(stderr, NULL);
        return 2;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
        return help(argc, argv);
    }
    if (strcmp(argv[1], "--version") == 0) {
        argv[1] = "version";
    }
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        int words = matched_words(commands[i], argc, argv);
        if (words > 0) {
            return command_main(commands[i], argc - words, argv + words);
        }
    }
    return not_a_command(argc, argv);
}
