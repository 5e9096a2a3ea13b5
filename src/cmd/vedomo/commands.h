// The commands, each defined in the cmd_*.c of its subject; main.c lists them.
#pragma once

#include "command.h"

extern const struct command cmd_init;
extern const struct command cmd_keygen;
extern const struct command cmd_member_sign;
extern const struct command cmd_member_add;
extern const struct command cmd_member_list;
extern const struct command cmd_member_show;
extern const struct command cmd_member_suspend;
extern const struct command cmd_member_resume;
extern const struct command cmd_member_revoke;
extern const struct command cmd_policy_sign;
extern const struct command cmd_policy_check;
extern const struct command cmd_policy_apply;
extern const struct command cmd_policy_show;
extern const struct command cmd_consent_request;
extern const struct command cmd_consent_code;
extern const struct command cmd_consent_open;
extern const struct command cmd_consent_close;
extern const struct command cmd_consent_list;
extern const struct command cmd_consent_show;
extern const struct command cmd_consent_grant;
extern const struct command cmd_consent_refuse;
extern const struct command cmd_consent_pause;
extern const struct command cmd_consent_resume;
extern const struct command cmd_consent_withdraw;
extern const struct command cmd_audit_list;
extern const struct command cmd_audit_show;
extern const struct command cmd_audit_forget;
extern const struct command cmd_audit_count;
extern const struct command cmd_audit_over_asking;
extern const struct command cmd_audit_export;
extern const struct command cmd_audit_breach;
extern const struct command cmd_audit_hold;
extern const struct command cmd_audit_prove;
extern const struct command cmd_audit_verify;
extern const struct command cmd_audit_reindex;
extern const struct command cmd_audit_verify_receipt;
extern const struct command cmd_audit_consistency;
extern const struct command cmd_request_explain;
extern const struct command cmd_log_vkey;
extern const struct command cmd_log_export;
extern const struct command cmd_log_order;
extern const struct command cmd_log_rotate;
extern const struct command cmd_backup_log;
extern const struct command cmd_backup_keys;
extern const struct command cmd_backup_check;
extern const struct command cmd_backup_restore;
extern const struct command cmd_status;
extern const struct command cmd_config_check;
extern const struct command cmd_bench_decide;
extern const struct command cmd_bench_exchange;
extern const struct command cmd_bench_withdraw;
extern const struct command cmd_bench_log;
extern const struct command cmd_version;
