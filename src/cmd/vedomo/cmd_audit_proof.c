// vedomo audit prove, consistency: the log's own proofs, verified here. A broker that answers with
// a wrong one has answered nothing.
#include <stdio.h>

#include "commands.h"
#include "link.h"
#include "receipts.h"

#include "base/file.h"
#include "base/text.h"
#include "proof/tree.h"
#include "seal/hash.h"

enum { ARENA_BYTES = 16 * 1024 * 1024 };

struct options {
    const char *out;
    const char *part;
};

static const struct command_option prove_table[] = {
    { COMMAND_TEXT, offsetof(struct options, out), "output", 'o', "FILE",
      "Write a receipt that verifies offline; this look is on record" },
    { COMMAND_TEXT, offsetof(struct options, part), "part", 0, "NAME",
      "Whose part goes into the receipt: exchange, subject, officer or public" },
    { .kind = COMMAND_END },
};

// What the broker answered, and what it leads to.
struct inclusion {
    uint64_t index;
    struct bytes leaf;
    struct bytes path;
    struct bytes note;
    struct digest leaf_hash;
    struct proof_checkpoint checkpoint;
};

// A page with one row (or two); copies nothing, so the arena must live on.
static enum status ask_rows(struct link *link, const struct wire_query *query, size_t count,
                            struct arena *arena, const struct wire_row **rows, struct error *err)
{
    struct wire_result result;
    struct wire_rows page;
    enum status status = link_query(link, query, arena, &result, &page, err);
    if (status == ST_OK && page.rows_count != count) {
        status = error_set(err, ST_MALFORMED, "the broker answered %zu rows where %zu are due",
                           page.rows_count, count);
    }
    if (status == ST_OK) {
        *rows = page.rows;
    }
    return status;
}

static enum status ask_inclusion(struct link *link, uint64_t index, struct arena *arena,
                                 struct inclusion *inclusion, struct error *err)
{
    const struct wire_row *rows = NULL;
    struct wire_query query = { .kind = WIRE_QUERY_INCLUSION, .index = index };
    enum status status = ask_rows(link, &query, 1, arena, &rows, err);
    if (status != ST_OK) {
        return status;
    }
    *inclusion = (struct inclusion){
        .index = index,
        .leaf = rows[0].leaf,
        .path = rows[0].announcement,
        .note = rows[0].text,
        .leaf_hash = seal_leaf_hash(rows[0].leaf),
    };
    status = proof_ring_open(link_keys(link), 0, inclusion->note, &inclusion->checkpoint, err);
    if (status == ST_OK &&
        !proof_inclusion_verify(&inclusion->leaf_hash, index, inclusion->checkpoint.size,
                                inclusion->path, &inclusion->checkpoint.root)) {
        status = error_set(err, ST_UNPROVEN,
                           "entry %llu: the proof does not lead to the "
                           "checkpoint's root",
                           (unsigned long long)index);
    }
    return status;
}

static enum status part_type(const char *name, unsigned class, uint32_t *type, struct error *err)
{
    static const char *const names[] = { "exchange", "subject", "officer", "public" };
    const uint8_t *types = NULL;
    size_t count = proof_class_parts(class, &types);
    if (name == NULL && count > 0) {
        // The part that says most to most: what asker and holder, or everyone, may read.
        bool governance = class == PROOF_CLASS_GOVERNANCE || class == PROOF_CLASS_EPOCH;
        *type = governance ? PROOF_PART_PUBLIC : types[0];
        return ST_OK;
    }
    for (uint32_t i = 0; name != NULL && i < ARRAY_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0 && proof_class_place(class, i + 1) >= 0) {
            *type = i + 1;
            return ST_OK;
        }
    }
    return error_set(err, ST_USAGE, "this entry has no part '%s'", name != NULL ? name : "");
}

// The receipt from the entry's parts: all of them are needed for the commitment.
static enum status fill_receipt(const struct wire_row *row, const struct inclusion *inclusion,
                                const char *part, struct digest hashes[PROOF_PARTS_MAX],
                                struct bytes others[PROOF_PARTS_MAX], struct proof_receipt *receipt,
                                struct error *err)
{
    struct proof_leaf leaf;
    uint32_t type = 0;
    enum status status = proof_leaf_decode(inclusion->leaf, &leaf, err);
    if (status == ST_OK) {
        status = part_type(part, leaf.class, &type, err);
    }
    if (status != ST_OK) {
        return status;
    }
    if (row->forgotten || row->parts_count != proof_class_parts(leaf.class, NULL)) {
        return error_set(err, ST_NOT_FOUND, "a receipt needs all parts of the entry; %s",
                         row->forgotten ? "its content was forgotten under the retention rule"
                                        : "this key may not see them all");
    }
    *receipt = (struct proof_receipt){
        .index = inclusion->index,
        .path = inclusion->path,
        .checkpoint = inclusion->note,
        .leaf = inclusion->leaf,
        .part_type = type,
        .others = others,
    };
    for (size_t i = 0; i < row->parts_count; i++) {
        const struct wire_row_part *one = &row->parts[i];
        if (one->type == type) {
            receipt->part_salt = one->salt;
            receipt->part = one->bytes;
            continue;
        }
        hashes[i] = proof_part_hash((uint8_t)one->type, &one->salt, one->bytes);
        others[receipt->other_count++] = bytes_digest(&hashes[i]);
    }
    return ST_OK;
}

static enum status write_receipt(struct link *link, const struct inclusion *inclusion,
                                 const struct options *options, struct arena *arena,
                                 struct error *err)
{
    const struct wire_row *rows = NULL;
    struct digest hashes[PROOF_PARTS_MAX];
    struct bytes others[PROOF_PARTS_MAX];
    struct proof_receipt receipt;
    struct proof_proven proven;
    const struct proof_ring *keys = link_keys(link);
    struct proof_trust trust = { .log = keys->keys, .log_count = keys->count };
    struct wire_query query = { .kind = WIRE_QUERY_ENTRY, .index = inclusion->index };
    enum status status = ask_rows(link, &query, 1, arena, &rows, err);
    if (status == ST_OK) {
        status = fill_receipt(&rows[0], inclusion, options->part, hashes, others, &receipt, err);
    }
    if (status == ST_OK) {
        status = proof_receipt_verify(&receipt, &trust, &proven, err);
    }
    return status == ST_OK ? receipt_save(&receipt, options->out, err) : status;
}

static void show_inclusion(struct output *out, const struct inclusion *inclusion)
{
    char leaf[2 * DIGEST_BYTES + 1];
    char root[2 * DIGEST_BYTES + 1];
    text_hex_encode(bytes_digest(&inclusion->leaf_hash), leaf);
    text_hex_encode(bytes_digest(&inclusion->checkpoint.root), root);
    output_bool(out, "proven", true);
    output_number(out, "index", inclusion->index);
    output_number(out, "tree_size", inclusion->checkpoint.size);
    output_text(out, "leaf_hash", leaf);
    output_text(out, "root", root);
    output_bytes(out, "checkpoint", inclusion->note);
    output_line(out, "proven: entry %llu is in the log %s of %llu entries",
                (unsigned long long)inclusion->index, inclusion->checkpoint.origin,
                (unsigned long long)inclusion->checkpoint.size);
    output_line(out, "  leaf %s", leaf);
    output_line(out, "  root %s", root);
}

static enum status run_prove(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct link *link = NULL;
    struct inclusion inclusion;
    uint64_t index = 0;
    struct arena *arena = arena_create(ARENA_BYTES);
    enum status status =
        arena == NULL ? error_set(err, ST_NOMEM, "proof")
        : !text_u64_parse(bytes_text(call->arguments[0]), INT64_MAX, &index)
            ? error_set(err, ST_USAGE, "'%s' is not the number of an entry", call->arguments[0])
            : link_open(call->settings, &link, err);
    if (status == ST_OK) {
        status = ask_inclusion(link, index, arena, &inclusion, err);
    }
    if (status == ST_OK) {
        show_inclusion(call->out, &inclusion);
    }
    if (status == ST_OK && options->out != NULL) {
        status = write_receipt(link, &inclusion, options, arena, err);
        output_text(call->out, "receipt_file", options->out);
        output_line(call->out, "receipt: %s", options->out);
    }
    link_close(&link);
    arena_destroy(&arena);
    return status;
}

// One end of a consistency proof: a size, or a checkpoint in a file that somebody kept.
struct end {
    uint64_t size;
    bool kept;
    struct digest root; // of the kept checkpoint
};

static enum status read_end(const char *word, const struct proof_ring *keys, struct end *end,
                            struct error *err)
{
    *end = (struct end){ 0 };
    if (text_u64_parse(bytes_text(word), INT64_MAX, &end->size)) {
        return ST_OK;
    }
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct proof_checkpoint checkpoint;
    enum status status = file_read(word, PROOF_NOTE_MAX, &note, err);
    if (status == ST_OK) {
        status = proof_ring_open(keys, 0, buffer_view(&note), &checkpoint, err);
        if (status != ST_OK) {
            status = error_wrap(err, "%s", word);
        }
    }
    if (status == ST_OK) {
        *end = (struct end){ .size = checkpoint.size, .kept = true, .root = checkpoint.root };
    }
    buffer_fini(&note);
    return status;
}

// The checkpoint that the broker shows for this end, compared with what was kept.
static enum status open_end(const struct link *link, const struct wire_row *row,
                            const struct end *end, struct proof_checkpoint *checkpoint,
                            struct error *err)
{
    enum status status = proof_ring_open(link_keys(link), 0, row->text, checkpoint, err);
    if (status == ST_OK && checkpoint->size != end->size) {
        status = error_set(err, ST_UNPROVEN, "the broker shows a checkpoint of another size");
    }
    if (status == ST_OK && end->kept && !digest_equal(&checkpoint->root, &end->root)) {
        status = error_set(err, ST_UNPROVEN,
                           "the log shows two faces: at size %llu the broker signed another tree "
                           "than the one that was kept. Keep both files and tell the witnesses",
                           (unsigned long long)end->size);
    }
    return status;
}

static enum status prove_consistency(struct link *link, const struct end *old,
                                     const struct end *new, struct arena *arena,
                                     struct proof_checkpoint checkpoints[2], struct error *err)
{
    const struct wire_row *rows = NULL;
    struct wire_query query = {
        .kind = WIRE_QUERY_CONSISTENCY,
        .from = old->size,
        .to = new->size,
    };
    enum status status = ask_rows(link, &query, 2, arena, &rows, err);
    if (status == ST_OK) {
        status = open_end(link, &rows[0], old, &checkpoints[0], err);
    }
    if (status == ST_OK) {
        status = open_end(link, &rows[1], new, &checkpoints[1], err);
    }
    if (status == ST_OK &&
        !proof_consistency_verify(checkpoints[0].size, &checkpoints[0].root, checkpoints[1].size,
                                  &checkpoints[1].root, rows[1].announcement)) {
        status = error_set(err, ST_UNPROVEN,
                           "the log was rewritten: the tree of %llu entries does not continue the "
                           "one of %llu",
                           (unsigned long long)new->size, (unsigned long long)old->size);
    }
    return status;
}

static enum status run_consistency(struct command_call *call, struct error *err)
{
    struct link *link = NULL;
    struct end ends[2];
    struct proof_checkpoint checkpoints[2];
    struct arena *arena = arena_create(ARENA_BYTES);
    enum status status =
        arena == NULL ? error_set(err, ST_NOMEM, "proof") : link_open(call->settings, &link, err);
    for (size_t i = 0; status == ST_OK && i < 2; i++) {
        status = read_end(call->arguments[i], link_keys(link), &ends[i], err);
    }
    if (status == ST_OK && (ends[0].size > ends[1].size || ends[1].size == 0)) {
        status = error_set(err, ST_USAGE, "OLD is the smaller one, and NEW is not empty");
    }
    if (status == ST_OK) {
        status = prove_consistency(link, &ends[0], &ends[1], arena, checkpoints, err);
    }
    if (status == ST_OK) {
        output_bool(call->out, "consistent", true);
        output_number(call->out, "old_size", checkpoints[0].size);
        output_number(call->out, "new_size", checkpoints[1].size);
        output_hex(call->out, "old_root", bytes_digest(&checkpoints[0].root));
        output_hex(call->out, "new_root", bytes_digest(&checkpoints[1].root));
        output_line(call->out,
                    "proven: the log of %llu entries continues the one of %llu; nothing before was "
                    "changed",
                    (unsigned long long)checkpoints[1].size,
                    (unsigned long long)checkpoints[0].size);
    }
    link_close(&link);
    arena_destroy(&arena);
    return status;
}

const struct command cmd_audit_prove = {
    .words = "audit prove",
    .arguments = "N",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Prove that entry N is in the log; write a receipt",
    .common = COMMAND_CONNECTS,
    .options = prove_table,
    .options_bytes = sizeof(struct options),
    .run = run_prove,
};

const struct command cmd_audit_consistency = {
    .words = "audit consistency",
    .arguments = "OLD NEW",
    .argument_min = 2,
    .argument_max = 2,
    .help = "Prove that the log only grew between two sizes or kept checkpoints",
    .common = COMMAND_CONNECTS,
    .run = run_consistency,
};
