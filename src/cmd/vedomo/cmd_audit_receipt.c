// vedomo audit verify-receipt: a receipt, offline. It needs the receipt and the log's public key,
// nothing else; with a witness policy it says whether a quorum stands behind the log's word.
// vedomo audit witness-receipt: brings a receipt that is signed up to one that is witnessed.
#include "commands.h"
#include "entry_text.h"
#include "link.h"
#include "receipts.h"

#include "base/clock.h"
#include "base/file.h"
#include "proof/receipt.h"
#include "proof/ring.h"
#include "wire/wire.h"

enum { ARENA_BYTES = 4 * 1024 * 1024, MINUTE_MS = 60 * 1000 };

struct options {
    struct command_texts witnesses;
    const char *policy;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXTS, offsetof(struct options, witnesses), "witness", 0, "VKEY",
      "Count this witness's cosignature (repeat for several)" },
    { COMMAND_TEXT, offsetof(struct options, policy), "policy", 0, "FILE",
      "Witness policy (C2SP tlog-policy): say whether its quorum has cosigned" },
    { .kind = COMMAND_END },
};

static enum status read_keys(struct command_call *call, struct proof_ring *log,
                             struct proof_key witnesses[COMMAND_TEXTS_MAX], struct error *err)
{
    const struct options *options = call->options;
    const char *vkey = NULL;
    enum status status = settings_need_vkey(call->settings, &vkey, err);
    if (status == ST_OK) {
        status = proof_ring_vkeys(bytes_text(vkey), log, err);
    }
    for (size_t i = 0; status == ST_OK && i < options->witnesses.count; i++) {
        status = proof_key_parse(bytes_text(options->witnesses.items[i]), &witnesses[i], err);
    }
    // A key that does not parse is the caller's word.
    return status == ST_MALFORMED ? ST_USAGE : status;
}

// The witness policy of a file; NULL where there is no file.
static enum status read_policy(const char *path, struct proof_policy **policy, struct error *err)
{
    struct buffer text = buffer_init(PROOF_POLICY_BYTES_MAX);
    *policy = NULL;
    if (path == NULL) {
        return ST_OK;
    }
    enum status status = file_read(path, PROOF_POLICY_BYTES_MAX, &text, err);
    if (status == ST_OK && proof_policy_parse(buffer_view(&text), policy, err) != ST_OK) {
        status = error_wrap(err, "%s", path) == ST_NOMEM ? ST_NOMEM : ST_USAGE;
    }
    buffer_fini(&text);
    return status;
}

static void show_witnesses(struct output *out, const struct proof_proven *proven, bool asked)
{
    char at[CLOCK_TEXT_BYTES];
    output_number(out, "witnesses", proven->witnesses);
    output_moment(out, "witnessed_at", proven->witnessed_s * 1000);
    if (proven->witnesses > 0) {
        clock_format((int64_t)proven->witnessed_s * 1000, at);
        output_line(out, "  cosigned by %zu witnesses, last at %s", proven->witnesses, at);
    }
    if (asked) {
        output_text(out, "state", proven->witnessed ? "witnessed" : "signed");
        output_line(out, "  %s",
                    proven->witnessed
                        ? "witnessed: a quorum of the policy has cosigned its checkpoint"
                        : "signed by the log alone; 'vedomo audit witness-receipt' fetches more");
    }
}

static enum status show(struct output *out, const struct proof_receipt *receipt,
                        const struct proof_proven *proven, bool asked, int64_t ns,
                        struct error *err)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct speech codes = { .language = CATALOGUE_EN };
    struct entry_text entry = {
        .index = receipt->index,
        .has_leaf = true,
        .class = proven->leaf.class,
        .recorded_ms = (uint64_t)proven->leaf.minutes * MINUTE_MS,
    };
    enum status status =
        arena == NULL ? error_set(err, ST_NOMEM, "receipt")
                      : entry_text_part(receipt->part_type, receipt->part, arena, &entry, err);
    if (status == ST_OK) {
        output_bool(out, "proven", true);
        output_text(out, "log", proven->checkpoint.origin);
        output_number(out, "tree_size", proven->checkpoint.size);
        output_hex(out, "leaf_hash", bytes_digest(&proven->leaf_hash));
        output_number(out, "verified_in_us", (uint64_t)(ns / 1000));
        output_line(out, "proven offline in %lld us: entry %llu of the log %s (%llu entries)",
                    (long long)(ns / 1000), (unsigned long long)receipt->index,
                    proven->checkpoint.origin, (unsigned long long)proven->checkpoint.size);
        show_witnesses(out, proven, asked);
        output_object(out, "entry");
        entry_text_show(out, &codes, &entry);
        entry_text_detail(out, &entry);
        output_object_end(out);
    }
    arena_destroy(&arena);
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    const char *path = call->arguments[0];
    struct proof_ring log;
    struct proof_key witnesses[COMMAND_TEXTS_MAX];
    struct buffer text = buffer_init(PROOF_RECEIPT_MAX);
    struct proof_receipt_file file;
    struct proof_proven proven;
    struct proof_policy *policy = NULL;
    bool parsed = false;
    int64_t ns = 0;
    enum status status = options->policy != NULL && options->witnesses.count > 0
                             ? error_set(err, ST_USAGE, "give --policy or --witness, not both")
                             : read_keys(call, &log, witnesses, err);
    if (status == ST_OK) {
        status = read_policy(options->policy, &policy, err);
    }
    if (status == ST_OK) {
        status = file_read(path, PROOF_RECEIPT_MAX, &text, err);
    }
    if (status == ST_OK) {
        struct proof_trust trust = {
            .log = log.keys,
            .log_count = log.count,
            .witnesses = witnesses,
            .witness_count = options->witnesses.count,
            .policy = policy,
        };
        int64_t started = clock_monotonic_ns();
        status = proof_receipt_parse(buffer_view(&text), &file, err);
        parsed = status == ST_OK;
        if (status == ST_OK) {
            status = proof_receipt_verify(&file.receipt, &trust, &proven, err);
        }
        ns = clock_monotonic_ns() - started;
        if (status != ST_OK) {
            status = error_wrap(err, "%s: NOT PROVEN", path);
        }
    }
    if (status == ST_OK) {
        status = show(call->out, &file.receipt, &proven, policy != NULL, ns, err);
    }
    if (parsed) {
        proof_receipt_file_fini(&file);
    }
    proof_policy_destroy(&policy);
    buffer_fini(&text);
    return status;
}

const struct command cmd_audit_verify_receipt = {
    .words = "audit verify-receipt",
    .arguments = "FILE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Check a receipt offline with the log's public key",
    .common = COMMAND_TRUSTS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};

// ---- witness-receipt

enum { LINK_ARENA_BYTES = 16 * 1024 * 1024 };

struct upgrade_options {
    const char *policy;
    const char *out;
};

static const struct command_option upgrade_table[] = {
    { COMMAND_TEXT, offsetof(struct upgrade_options, policy), "policy", 0, "FILE",
      "Witness policy (C2SP tlog-policy) whose quorum must have cosigned" },
    { COMMAND_TEXT, offsetof(struct upgrade_options, out), "output", 'o', "FILE",
      "Write the witnessed receipt here (default: put it in the place of the old one)" },
    { .kind = COMMAND_END },
};

// How the entry lies in the witnessed tree: leaf and path, as the broker answers.
static enum status ask_path(struct link *link, uint64_t index, uint64_t size, struct arena *arena,
                            struct bytes *path, struct error *err)
{
    const struct wire_query query = {
        .version = 1, .kind = WIRE_QUERY_INCLUSION, .index = index, .to = size
    };
    struct wire_result result;
    struct wire_rows rows;
    enum status status = link_query(link, &query, arena, &result, &rows, err);
    if (status == ST_OK && rows.rows_count != 1) {
        status = error_set(err, ST_MALFORMED, "the broker answers no proof for this entry");
    }
    if (status == ST_OK) {
        *path = rows.rows[0].announcement;
    }
    return status;
}

// The same entry and part under the newest witnessed checkpoint.
static enum status upgrade(struct link *link, const struct proof_policy *policy,
                           struct proof_receipt *receipt, struct arena *arena,
                           struct proof_proven *proven, struct error *err)
{
    struct bytes path = { 0 };
    // Any question connects; with the connection come the log's keys, and what witnesses cosigned.
    enum status status = ask_path(link, receipt->index, receipt->index + 1, arena, &path, err);
    struct peer_vouched vouched = link_vouched(link);
    const struct proof_ring *keys = link_keys(link);
    struct proof_trust trust = { .log = keys->keys, .log_count = keys->count };
    if (status == ST_OK) {
        // What does not hold by the log's own word is not worth a witness's.
        status = proof_receipt_verify(receipt, &trust, proven, err);
    }
    trust.policy = policy;
    if (status == ST_OK && vouched.size <= receipt->index) {
        return error_set(err, ST_NOT_FOUND,
                         "the broker has no witnessed checkpoint that holds entry %llu yet; try "
                         "again in a minute",
                         (unsigned long long)receipt->index);
    }
    struct bytes note = status == ST_OK ? arena_copy(arena, vouched.note) : (struct bytes){ 0 };
    if (status == ST_OK && note.data == NULL) {
        status = error_set(err, ST_NOMEM, "receipt");
    }
    if (status == ST_OK) {
        status = ask_path(link, receipt->index, vouched.size, arena, &path, err);
    }
    if (status != ST_OK) {
        return status;
    }
    receipt->path = path;
    receipt->checkpoint = note;
    status = proof_receipt_verify(receipt, &trust, proven, err);
    if (status == ST_OK && !proven->witnessed) {
        status = error_set(err, ST_UNPROVEN,
                           "%zu witnesses of the policy have cosigned it, which is no quorum",
                           proven->witnesses);
    }
    return status;
}

static enum status place(const struct proof_receipt *receipt, const char *from, const char *to,
                         struct error *err)
{
    struct buffer text = buffer_init(PROOF_RECEIPT_MAX);
    if (to != NULL) {
        return receipt_save(receipt, to, err);
    }
    proof_receipt_write(receipt, &text);
    enum status status = buffer_ok(&text, "receipt", err);
    if (status == ST_OK) {
        status = file_replace(from, buffer_view(&text), 0600, err);
    }
    buffer_fini(&text);
    return status;
}

static enum status work_on(struct command_call *call, const struct proof_policy *policy,
                           struct proof_receipt *receipt, struct error *err)
{
    const struct upgrade_options *options = call->options;
    const char *from = call->arguments[0];
    struct link *link = NULL;
    struct proof_proven proven;
    struct arena *arena = arena_create(LINK_ARENA_BYTES);
    enum status status =
        arena == NULL ? error_set(err, ST_NOMEM, "receipt") : link_open(call->settings, &link, err);
    if (status == ST_OK) {
        status = upgrade(link, policy, receipt, arena, &proven, err);
    }
    if (status == ST_OK) {
        status = place(receipt, from, options->out, err);
    } else {
        error_wrap(err, "%s", from);
    }
    if (status == ST_OK) {
        const char *written = options->out == NULL ? from : options->out;
        output_text(call->out, "file", written);
        output_number(call->out, "index", receipt->index);
        output_number(call->out, "tree_size", proven.checkpoint.size);
        output_bool(call->out, "trial", link_vouched(link).trial);
        output_line(call->out, "%s: entry %llu in the log of %llu entries", written,
                    (unsigned long long)receipt->index, (unsigned long long)proven.checkpoint.size);
        show_witnesses(call->out, &proven, true);
        if (link_vouched(link).trial) {
            output_line(call->out, "  the broker counts witnesses on its own host: for trial only");
        }
    }
    link_close(&link);
    arena_destroy(&arena);
    return status;
}

static enum status run_upgrade(struct command_call *call, struct error *err)
{
    const struct upgrade_options *options = call->options;
    struct proof_policy *policy = NULL;
    struct proof_receipt_file file;
    bool parsed = false;
    struct buffer text = buffer_init(PROOF_RECEIPT_MAX);
    enum status status = options->policy == NULL
                             ? error_set(err, ST_USAGE, "give --policy FILE, the witness policy")
                             : read_policy(options->policy, &policy, err);
    if (status == ST_OK) {
        status = file_read(call->arguments[0], PROOF_RECEIPT_MAX, &text, err);
    }
    if (status == ST_OK) {
        status = proof_receipt_parse(buffer_view(&text), &file, err);
        parsed = status == ST_OK;
    }
    if (status == ST_OK) {
        status = work_on(call, policy, &file.receipt, err);
    }
    if (parsed) {
        proof_receipt_file_fini(&file);
    }
    proof_policy_destroy(&policy);
    buffer_fini(&text);
    return status;
}

const struct command cmd_audit_witness_receipt = {
    .words = "audit witness-receipt",
    .arguments = "FILE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Bring a receipt up to one that witnesses stand behind",
    .detail = "Fetches how its entry lies in the newest checkpoint that witnesses have cosigned, "
              "verifies that, and writes it.",
    .common = COMMAND_CONNECTS | COMMAND_TRUSTS,
    .options = upgrade_table,
    .options_bytes = sizeof(struct upgrade_options),
    .run = run_upgrade,
};
