#include "witness/ledger.h"

#include "base/file.h"
#include "base/text.h"
#include "proof/submission.h"
#include "tinylog.h"

#include <limits.h>
#include <unistd.h>

enum { NOW = TINYLOG_TIME };

struct world {
    struct tinylog log;
    char vkey[256];
    char folder[PATH_MAX];
    struct config_log logs[1];
    struct config_witness config;
    struct witness_ledger *ledger;
};

static void reopen(struct world *world)
{
    struct error err;
    witness_ledger_close(&world->ledger);
    assert_ok(witness_ledger_open(world->folder, &world->config, &world->log.witnesses[0],
                                  world->log.witness_signers[0], &world->ledger, &err));
}

static void begin(struct world *world, const char *name)
{
    struct error err;
    struct buffer vkey = buffer_init(255);
    memset(world, 0, sizeof(*world));
    tinylog_begin(&world->log);
    proof_key_format(&world->log.key, &vkey);
    snprintf(world->vkey, sizeof(world->vkey), "%.*s", (int)vkey.size, (const char *)vkey.data);
    buffer_fini(&vkey);
    snprintf(world->folder, sizeof(world->folder), "%s/%s", test_directory(), name);
    assert_ok(file_make_folder(world->folder, 0700, &err));
    world->logs[0].vkey = world->vkey;
    world->config.logs = (struct yaml_list){ .items = world->logs, .count = 1 };
    reopen(world);
}

static void end(struct world *world)
{
    witness_ledger_close(&world->ledger);
    tinylog_end(&world->log);
}

static void state_path(const struct world *world, const char *kind, char path[PATH_MAX])
{
    char hex[2 * DIGEST_BYTES + 1];
    struct digest origin = seal_sha256(bytes_text(world->log.key.name));
    text_hex_encode(bytes_digest(&origin), hex);
    assert_true(snprintf(path, PATH_MAX, "%s/%s.%s", world->folder, hex, kind) < PATH_MAX);
}

// What the ledger says to a checkpoint that begins with the one of `from` entries.
static enum status hand_in(struct world *world, uint64_t from, struct bytes path, struct bytes note,
                           enum proof_verdict *verdict, struct buffer *line)
{
    struct error err;
    uint64_t latest = 0;
    const char *origin = NULL;
    struct buffer body = buffer_init(PROOF_SUBMISSION_MAX);
    proof_submission_write(from, path, note, &body);
    buffer_clear(line);
    enum status status = witness_ledger_add(world->ledger, buffer_view(&body), NOW, verdict, line,
                                            &latest, &origin, &err);
    if (status == ST_OK) {
        assert_string_equal(origin, world->log.key.name);
    }
    buffer_fini(&body);
    return status;
}

static enum proof_verdict add(struct world *world, uint64_t from, uint64_t to, uint64_t branch,
                              struct buffer *line)
{
    enum proof_verdict verdict = PROOF_BAD;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct proof_path path = tinylog_path(from, to, branch);
    tinylog_note(&world->log, to, branch, 0, &note);
    assert_int_equal(
        hand_in(world, from, proof_path_view(&path), buffer_view(&note), &verdict, line), ST_OK);
    if (verdict != PROOF_COSIGN) {
        assert_int_equal(line->size, 0);
    }
    buffer_fini(&note);
    return verdict;
}

TEST(a_cosignature_is_good_and_the_file_has_it_before)
{
    struct error err;
    struct world world;
    struct proof_checkpoint checkpoint;
    struct proof_seen seen;
    char path[PATH_MAX];
    struct buffer line = buffer_init(PROOF_NOTE_MAX);
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    begin(&world, "good");
    assert_int_equal(add(&world, 0, 5, 0, &line), PROOF_COSIGN);
    tinylog_note(&world.log, 5, 0, 0, &note);
    buffer_bytes(&note, buffer_view(&line));
    assert_ok(proof_checkpoint_witnessed(buffer_view(&note), &world.log.key,
                                         &world.log.witnesses[0], 1, &seen, &checkpoint, &err));
    assert_true(seen.verified);
    assert_int_equal(seen.time_s, NOW);
    buffer_clear(&note);
    state_path(&world, "checkpoint", path);
    assert_ok(file_read(path, PROOF_NOTE_MAX, &note, &err));
    assert_ok(proof_checkpoint_witnessed(buffer_view(&note), &world.log.key,
                                         &world.log.witnesses[0], 1, &seen, &checkpoint, &err));
    assert_true(seen.verified);
    buffer_fini(&line);
    buffer_fini(&note);
    end(&world);
}

TEST(what_was_cosigned_binds_after_a_restart)
{
    struct world world;
    struct buffer line = buffer_init(PROOF_NOTE_MAX);
    begin(&world, "binds");
    assert_int_equal(add(&world, 0, 5, 0, &line), PROOF_COSIGN);
    reopen(&world);
    assert_int_equal(add(&world, 0, 9, 0, &line), PROOF_CONFLICT);
    assert_int_equal(add(&world, 5, 5, 2, &line), PROOF_REFUTED);
    assert_int_equal(add(&world, 5, 9, 2, &line), PROOF_REFUTED);
    assert_int_equal(add(&world, 4, 4, 0, &line), PROOF_CONFLICT);
    assert_int_equal(add(&world, 5, 9, 0, &line), PROOF_COSIGN);
    buffer_fini(&line);
    end(&world);
}

TEST(two_trees_of_one_size_are_kept_as_evidence)
{
    struct error err;
    struct world world;
    char path[PATH_MAX];
    struct buffer line = buffer_init(PROOF_NOTE_MAX);
    struct buffer both = buffer_init(2 * PROOF_NOTE_MAX);
    begin(&world, "evidence");
    state_path(&world, "conflict", path);
    assert_int_equal(add(&world, 0, 5, 0, &line), PROOF_COSIGN);
    assert_int_equal(add(&world, 5, 9, 2, &line), PROOF_REFUTED);
    assert_false(file_exists(path)); // a wrong proof proves nothing
    assert_int_equal(add(&world, 5, 5, 2, &line), PROOF_REFUTED);
    assert_ok(file_read(path, 2 * PROOF_NOTE_MAX, &both, &err));
    assert_true(both.size > 200);
    buffer_fini(&line);
    buffer_fini(&both);
    end(&world);
}

TEST(nothing_is_cosigned_that_could_not_be_kept)
{
    struct error err;
    struct world world;
    enum proof_verdict verdict = PROOF_BAD;
    struct buffer line = buffer_init(PROOF_NOTE_MAX);
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    begin(&world, "not-kept");
    assert_int_equal(rmdir(world.folder), 0);
    tinylog_note(&world.log, 5, 0, 0, &note);
    assert_true(hand_in(&world, 0, (struct bytes){ 0 }, buffer_view(&note), &verdict, &line) !=
                ST_OK);
    assert_int_equal(line.size, 0);
    // Nothing was promised, so the log may still come with another tree.
    assert_ok(file_make_folder(world.folder, 0700, &err));
    assert_int_equal(add(&world, 0, 5, 2, &line), PROOF_COSIGN);
    buffer_fini(&line);
    buffer_fini(&note);
    end(&world);
}

// Whoever reads a public checkpoint can write lines under it and hand it in.
TEST(lines_that_a_stranger_writes_under_a_checkpoint_are_not_kept)
{
    struct error err;
    struct world world;
    enum proof_verdict verdict = PROOF_BAD;
    char path[PATH_MAX];
    struct proof_note kept;
    struct buffer line = buffer_init(PROOF_NOTE_MAX);
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    begin(&world, "strangers");
    tinylog_note(&world.log, 5, 0, 0, &note);
    for (size_t i = 1; i < PROOF_SIGNATURES_MAX; i++) {
        buffer_format(&note, "\xe2\x80\x94 %s AAAAAAAA\n", world.log.key.name);
    }
    assert_int_equal(hand_in(&world, 0, (struct bytes){ 0 }, buffer_view(&note), &verdict, &line),
                     ST_OK);
    assert_int_equal(verdict, PROOF_COSIGN);
    reopen(&world);
    state_path(&world, "checkpoint", path);
    buffer_clear(&note);
    assert_ok(file_read(path, PROOF_NOTE_MAX, &note, &err));
    assert_ok(proof_note_parse(buffer_view(&note), &kept, &err));
    assert_int_equal(kept.signature_count, 2); // the log's and this witness's
    assert_int_equal(add(&world, 5, 9, 0, &line), PROOF_COSIGN);
    buffer_fini(&line);
    buffer_fini(&note);
    end(&world);
}

TEST(a_damaged_state_is_not_guessed_around)
{
    struct error err;
    struct world world;
    char path[PATH_MAX];
    struct buffer line = buffer_init(PROOF_NOTE_MAX);
    begin(&world, "damaged");
    assert_int_equal(add(&world, 0, 5, 0, &line), PROOF_COSIGN);
    state_path(&world, "checkpoint", path);
    assert_ok(file_replace(path, bytes_text("not a note\n"), 0600, &err));
    witness_ledger_close(&world.ledger);
    assert_status(ST_CORRUPT,
                  witness_ledger_open(world.folder, &world.config, &world.log.witnesses[0],
                                      world.log.witness_signers[0], &world.ledger, &err));
    buffer_fini(&line);
    end(&world);
}

TEST(a_witness_does_not_watch_a_witness)
{
    struct error err;
    struct world world;
    struct buffer vkey = buffer_init(255);
    struct witness_ledger *ledger = NULL;
    begin(&world, "watch");
    proof_key_format(&world.log.witnesses[1], &vkey);
    snprintf(world.vkey, sizeof(world.vkey), "%.*s", (int)vkey.size, (const char *)vkey.data);
    assert_status(ST_USAGE,
                  witness_ledger_open(world.folder, &world.config, &world.log.witnesses[0],
                                      world.log.witness_signers[0], &ledger, &err));
    buffer_fini(&vkey);
    end(&world);
}
