// vedomo audit verify: the whole log, hashed again. From the broker's folder with everything in it,
// or from outside with what everyone may read: the leaves.
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "home_keys.h"
#include "link.h"
#include "whole.h"

#include "audit/verify.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "proof/commit.h"
#include "proof/tree.h"
#include "seal/hash.h"
#include "seal/keyfile.h"

enum { ARENA_BYTES = 4 * 1024 * 1024, FINDINGS_SHOWN = 1000 };

struct options {
    const char *home;
    const char *session;
    uint64_t epoch_within;
    bool leaves_only;
    bool without_views;
    struct command_texts checkpoints;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, home), "home", 0, "HOME",
      "Check a broker's folder on this machine, bodies included" },
    { COMMAND_TEXT, offsetof(struct options, session), "session", 0, "FILE",
      "Check one citizen's list, in the citizen's session" },
    { COMMAND_NUMBER, offsetof(struct options, epoch_within), "epoch-within", 0, "SECONDS",
      "With a list: how old its epoch may be when entries have followed it (default: 90000)" },
    { COMMAND_FLAG, offsetof(struct options, leaves_only), "leaves-only", 0, NULL,
      "With --home: leave the bodies closed, and the views alone" },
    { COMMAND_FLAG, offsetof(struct options, without_views), "without-views", 0, NULL,
      "With --home: leave the views alone" },
    { COMMAND_TEXTS, offsetof(struct options, checkpoints), "checkpoint", 0, "FILE",
      "With --home: a checkpoint kept elsewhere that the log must continue, a node's or one "
      "written down; may be repeated" },
    { .kind = COMMAND_END },
};

struct checking {
    struct output *out;
    uint64_t shown;
    uint64_t of_views; // findings that are about the views alone
    bool person;       // somebody watches
};

static void show_finding(const struct audit_finding *finding, void *context)
{
    struct checking *checking = context;
    checking->of_views += finding->fault == AUDIT_FAULT_VIEW ? 1 : 0;
    if (checking->shown++ >= FINDINGS_SHOWN) {
        return;
    }
    output_object(checking->out, NULL);
    output_text(checking->out, "fault", audit_fault_name(finding->fault));
    output_number(checking->out, "index", finding->index);
    output_number(checking->out, "count", finding->count);
    output_text(checking->out, "message", finding->message);
    output_object_end(checking->out);
    output_line(checking->out, "%s: %s", audit_fault_name(finding->fault), finding->message);
}

static void show_progress(uint64_t done, uint64_t total, void *context)
{
    struct checking *checking = context;
    if (checking->person) {
        fprintf(stderr, "\r%llu of %llu entries", (unsigned long long)done,
                (unsigned long long)total);
        fprintf(stderr, done >= total ? "\n" : "");
    }
}

static void show_verdict(struct command_call *call, const struct audit_verify_result *result,
                         uint64_t of_views)
{
    struct output *out = call->out;
    unsigned long long others = result->findings - of_views;
    if (result->findings == 0) {
        output_line(out, result->views ? "the log is whole, its views are the log's"
                                       : "the log is whole");
    } else if (others == 0) {
        output_line(out,
                    "the log is whole; ITS VIEWS ARE NOT THE LOG'S: %llu findings. 'vedomo audit "
                    "reindex' makes them again while the broker is stopped",
                    (unsigned long long)of_views);
    } else {
        output_line(out, "THE LOG IS NOT WHOLE: %llu findings", others);
    }
    if (others > 0 && of_views > 0) {
        output_line(out, "besides, %llu findings in its views", (unsigned long long)of_views);
    }
    call->failed = result->findings > 0;
}

static void show_result(struct command_call *call, const struct audit_verify_result *result,
                        uint64_t of_views, double seconds)
{
    struct output *out = call->out;
    char root[2 * DIGEST_BYTES + 1];
    text_hex_encode(bytes_digest(&result->root), root);
    output_bool(out, "whole", result->findings == 0);
    output_bool(out, "log_whole", result->findings == of_views);
    output_number(out, "size", result->size);
    output_text(out, "root", root);
    output_number(out, "tiles", result->tiles);
    output_number(out, "checkpoints", result->checkpoints);
    output_number(out, "published", result->published);
    output_number(out, "bodies", result->bodies);
    output_number(out, "forgotten", result->forgotten);
    output_bool(out, "views", result->views);
    if (result->views) {
        output_number(out, "views_entries", result->applied);
        output_number(out, "views_rows", result->rows);
        output_number(out, "views_rows_of_forgotten", result->unknown);
    }
    output_number(out, "finding_count", result->findings);
    output_line(out,
                "%llu entries, %llu bodies opened, %llu forgotten, %llu tiles, %llu published "
                "checkpoints, %.2f s",
                (unsigned long long)result->size, (unsigned long long)result->bodies,
                (unsigned long long)result->forgotten, (unsigned long long)result->tiles,
                (unsigned long long)result->checkpoints, seconds);
    output_line(out, "root %s", root);
    if (result->views) {
        output_line(out, "views of %llu entries: %llu rows are what the log gives%s",
                    (unsigned long long)result->applied, (unsigned long long)result->rows,
                    result->unknown > 0 ? "; others come from forgotten entries" : "");
    }
    show_verdict(call, result, of_views);
}

// The checkpoints that were given, with their files' names.
struct kept {
    struct audit_verify_checkpoint items[COMMAND_TEXTS_MAX];
    struct buffer notes[COMMAND_TEXTS_MAX];
    size_t count;
};

static enum status read_kept(const struct command_texts *files, struct kept *kept,
                             struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < files->count; i++) {
        struct buffer *note = &kept->notes[i];
        *note = buffer_init(PROOF_NOTE_MAX);
        kept->count++;
        status = file_read(files->items[i], PROOF_NOTE_MAX, note, err);
        kept->items[i] =
            (struct audit_verify_checkpoint){ .name = files->items[i], .note = buffer_view(note) };
    }
    return status;
}

static enum status verify_home(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    char path[PATH_MAX];
    struct seal_identity master = { 0 };
    struct kept kept = { 0 };
    struct buffer vkey = buffer_init(PROOF_RING_TEXT_MAX);
    struct checking checking = { .out = call->out, .person = isatty(STDERR_FILENO) == 1 };
    struct home_tags tags = { .tagger = NULL };
    struct audit_verify_result result;
    enum status status = home_has_log(options->home, err);
    if (status == ST_OK && call->settings->vkey == NULL) {
        status = home_keys_text(options->home, &vkey, err);
    }
    if (status == ST_OK && !options->leaves_only) {
        snprintf(path, sizeof(path), "%s/keys/master.key", options->home);
        status = seal_keyfile_load(path, &master, err);
    }
    if (status == ST_OK) {
        status = read_kept(&options->checkpoints, &kept, err);
    }
    if (status == ST_OK && !options->leaves_only) {
        status = home_tags_read(options->home, &tags, err);
    }
    output_array(call->out, "findings");
    int64_t started = clock_monotonic_ms();
    if (status == ST_OK) {
        struct audit_verify_options verify = {
            .home = options->home,
            .vkey = call->settings->vkey != NULL ? call->settings->vkey : (const char *)vkey.data,
            .master = master.secrets[0],
            .tagger = tags.tagger,
            .views = !options->leaves_only && !options->without_views,
            .checkpoints = kept.items,
            .checkpoint_count = kept.count,
            .found = show_finding,
            .progress = show_progress,
            .context = &checking,
        };
        status = audit_verify(&verify, &result, err);
    }
    output_array_end(call->out);
    if (status == ST_OK) {
        show_result(call, &result, checking.of_views,
                    (double)(clock_monotonic_ms() - started) / 1000);
    }
    home_tags_fini(&tags);
    seal_identity_fini(&master);
    for (size_t i = 0; i < kept.count; i++) {
        buffer_fini(&kept.notes[i]);
    }
    buffer_fini(&vkey);
    return status;
}

// The tree that is rebuilt from leaves as they come.
struct rebuilding {
    struct proof_frontier frontier;
    uint32_t minutes; // of the last leaf
    struct bytes note;
};

static enum status take_leaves(struct rebuilding *rebuilding, struct bytes leaves,
                               struct error *err)
{
    for (size_t i = 0; i + PROOF_LEAF_BYTES <= leaves.size; i += PROOF_LEAF_BYTES) {
        struct bytes bytes = bytes_of(leaves.data + i, PROOF_LEAF_BYTES);
        struct proof_leaf leaf;
        uint64_t index = rebuilding->frontier.size;
        enum status status = proof_leaf_decode(bytes, &leaf, err);
        if (status == ST_OK && leaf.minutes < rebuilding->minutes) {
            status = error_set(err, ST_UNPROVEN, "its time goes backwards");
        }
        if (status != ST_OK) {
            return error_wrap(err, "entry %llu", (unsigned long long)index);
        }
        rebuilding->minutes = leaf.minutes;
        struct digest hash = seal_leaf_hash(bytes);
        proof_frontier_append(&rebuilding->frontier, &hash);
    }
    return leaves.size % PROOF_LEAF_BYTES == 0
               ? ST_OK
               : error_set(err, ST_MALFORMED, "the broker's leaves are cut");
}

// All leaves up to the size at which the broker stops, and its checkpoint of that size.
static enum status fetch_leaves(struct link *link, struct rebuilding *rebuilding,
                                struct buffer *note, struct checking *checking, struct error *err)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "leaves") : ST_OK;
    bool more = true;
    while (status == ST_OK && more) {
        struct wire_query query = {
            .version = 1,
            .kind = WIRE_QUERY_LEAVES,
            .from = rebuilding->frontier.size,
        };
        struct wire_result result;
        struct bytes leaves;
        status =
            link_call(link, WIRE_QUERY, &query, (struct bytes){ 0 }, arena, &result, &leaves, err);
        if (status == ST_OK) {
            status = take_leaves(rebuilding, leaves, err);
        }
        more = status == ST_OK && result.value.size == 0;
        if (status == ST_OK && more && leaves.size == 0) {
            status = error_set(err, ST_MALFORMED, "the broker ends without a checkpoint");
        }
        if (status == ST_OK && !more) {
            buffer_bytes(note, result.value);
            status = buffer_ok(note, "checkpoint", err);
        }
        if (checking->person) {
            fprintf(stderr, "\r%llu entries", (unsigned long long)rebuilding->frontier.size);
        }
        arena_reset(arena);
    }
    if (checking->person) {
        fprintf(stderr, "\n");
    }
    arena_destroy(&arena);
    return status;
}

static enum status verify_remote(struct command_call *call, struct error *err)
{
    struct link *link = NULL;
    struct rebuilding rebuilding = { 0 };
    struct checking checking = { .out = call->out, .person = isatty(STDERR_FILENO) == 1 };
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct proof_checkpoint checkpoint;
    enum status status = link_open(call->settings, &link, err);
    if (status == ST_OK) {
        status = fetch_leaves(link, &rebuilding, &note, &checking, err);
    }
    if (status == ST_OK) {
        status = proof_ring_open(link_keys(link), 0, buffer_view(&note), &checkpoint, err);
    }
    if (status == ST_OK) {
        struct digest root = proof_frontier_root(&rebuilding.frontier);
        bool whole =
            checkpoint.size == rebuilding.frontier.size && digest_equal(&root, &checkpoint.root);
        output_bool(call->out, "whole", whole);
        output_number(call->out, "size", checkpoint.size);
        output_hex(call->out, "root", bytes_digest(&root));
        output_line(call->out, "%llu leaves hashed again: %s",
                    (unsigned long long)rebuilding.frontier.size,
                    whole ? "they are the tree that the log signed"
                          : "THEY ARE NOT THE TREE THAT THE LOG SIGNED");
        call->failed = !whole;
    }
    buffer_fini(&note);
    link_close(&link);
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    bool person = options->session != NULL || call->settings->subject != NULL;
    bool of_home = options->leaves_only || options->without_views || options->checkpoints.count > 0;
    if (person && options->home != NULL) {
        return error_set(err, ST_USAGE, "a list is checked over a connection, without --home");
    }
    if (options->home == NULL && of_home) {
        return error_set(err, ST_USAGE,
                         "--leaves-only, --without-views and --checkpoint go with --home; "
                         "'vedomo audit consistency' compares checkpoints over the connection");
    }
    uint64_t within_s = options->epoch_within == 0 ? WHOLE_EPOCH_WITHIN_S : options->epoch_within;
    return person                  ? whole_run(call, options->session, within_s, err)
           : options->home != NULL ? verify_home(call, err)
                                   : verify_remote(call, err);
}

const struct command cmd_audit_verify = {
    .words = "audit verify",
    .help = "Check the whole log, a broker's folder, or one person's list",
    .detail = "Beside a running broker too: it only reads. With --home, entries, tiles, published "
              "checkpoints, bodies and views are compared. With --subject - or --session the list "
              "of that person is checked: every entry, that none is missing, and that the newest "
              "epoch commits to it. Exit code 1 when anything is off.",
    .common = COMMAND_CONNECTS | COMMAND_TRUSTS | COMMAND_SUBJECT | COMMAND_SPEAKS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
