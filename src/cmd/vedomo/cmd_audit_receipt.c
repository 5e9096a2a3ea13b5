// vedomo audit verify-receipt: a receipt, offline. It needs the receipt and the log's public key,
// nothing else.
#include "commands.h"
#include "entry_text.h"

#include "base/clock.h"
#include "base/file.h"
#include "proof/receipt.h"
#include "proof/ring.h"
#include "wire/wire.h"

enum { ARENA_BYTES = 4 * 1024 * 1024, MINUTE_MS = 60 * 1000 };

struct options {
    struct command_texts witnesses;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXTS, offsetof(struct options, witnesses), "witness", 0, "VKEY",
      "Count this witness's cosignature (repeat for several)" },
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

static enum status show(struct output *out, const struct proof_receipt *receipt,
                        const struct proof_proven *proven, int64_t ns, struct error *err)
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
        output_number(out, "witnesses", proven->witnesses);
        output_moment(out, "witnessed_at", proven->witnessed_s * 1000);
        output_number(out, "verified_in_us", (uint64_t)(ns / 1000));
        output_line(out, "proven offline in %lld us: entry %llu of the log %s (%llu entries)",
                    (long long)(ns / 1000), (unsigned long long)receipt->index,
                    proven->checkpoint.origin, (unsigned long long)proven->checkpoint.size);
        if (proven->witnesses > 0) {
            output_line(out, "  cosigned by %zu witnesses", proven->witnesses);
        }
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
    bool parsed = false;
    int64_t ns = 0;
    enum status status = read_keys(call, &log, witnesses, err);
    if (status == ST_OK) {
        status = file_read(path, PROOF_RECEIPT_MAX, &text, err);
    }
    if (status == ST_OK) {
        struct proof_trust trust = {
            .log = log.keys,
            .log_count = log.count,
            .witnesses = witnesses,
            .witness_count = options->witnesses.count,
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
        status = show(call->out, &file.receipt, &proven, ns, err);
    }
    if (parsed) {
        proof_receipt_file_fini(&file);
    }
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
