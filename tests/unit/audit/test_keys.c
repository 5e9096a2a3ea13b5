// Keys of the log, one after another: which of them signs what, and what a start needs.
#include "audit/keys.h"
#include "base/clock.h"
#include "log_fixture.h"

enum { HOUR_MS = 60 * 60 * 1000 };

static struct seal_signer *signer_of(uint8_t byte)
{
    struct error err;
    struct digest bytes;
    struct seal_secret *seed = NULL;
    struct seal_signer *signer = NULL;
    memset(&bytes, byte, sizeof(bytes));
    assert_ok(seal_secret_copy(bytes_digest(&bytes), &seed, &err));
    assert_ok(seal_signer_create(seed, &signer, &err));
    seal_secret_destroy(&seed);
    return signer;
}

// Appends the entry that makes the key of `byte` the log's.
static enum status change_key(struct log_fixture *fixture, uint8_t byte, uint64_t until_ms,
                              struct audit_commit **commit, struct error *err)
{
    struct audit_entry entry;
    char texts[3][32];
    const struct audit_entry *list[] = { &entry };
    struct seal_signer *signer = signer_of(byte);
    uint64_t size = audit_journal_size(fixture->journal);
    fixture_entry(&entry, WIRE_CLASS_GOVERNANCE, (unsigned)size,
                  audit_journal_minutes(fixture->journal, (int64_t)NOVEMBER * 60000), texts);
    enum status status = audit_journal_plan_key(fixture->journal, &signer, until_ms, 0, err);
    if (status == ST_OK) {
        status = audit_journal_append(fixture->journal, list, 1, size,
                                      audit_journal_term(fixture->journal), commit, err);
    }
    seal_signer_destroy(&signer);
    return status;
}

// Opens the fixture's log with these keys.
static enum status reopen(struct log_fixture *fixture, const struct seal_signer *const *signers,
                          size_t count, struct error *err)
{
    char folder[160];
    snprintf(folder, sizeof(folder), "%s/body", fixture->home);
    enum status status = audit_vault_open(folder, fixture->master, &fixture->vault, err);
    const struct audit_journal_options options = {
        .home = fixture->home,
        .origin = ORIGIN,
        .map_bytes = fixture->map_bytes,
        .signers = signers,
        .signer_count = count,
        .vault = fixture->vault,
    };
    if (status == ST_OK) {
        status = audit_journal_open(&options, &fixture->journal, err);
    }
    if (status != ST_OK) {
        audit_vault_close(&fixture->vault);
    }
    return status;
}

// Whether the key has signed the note, and how many lines there are.
static bool signed_by(struct bytes note, const struct seal_signer *signer, size_t lines)
{
    struct error err;
    struct proof_key key;
    struct proof_note parsed;
    struct proof_checkpoint checkpoint;
    assert_ok(proof_key_make(ORIGIN, PROOF_KEY_ED25519, seal_signer_key(signer), &key, &err));
    assert_ok(proof_note_parse(note, &parsed, &err));
    assert_int_equal(parsed.signature_count, lines);
    return proof_checkpoint_open(note, &key, &checkpoint, &err) == ST_OK;
}

static void expect_newest(struct log_fixture *fixture, const struct seal_signer *old_signer,
                          const struct seal_signer *new_signer, bool by_old, bool by_new)
{
    struct error err;
    struct digest root;
    uint64_t size;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    size_t lines = (by_old ? 1u : 0u) + (by_new ? 1u : 0u);
    assert_ok(audit_journal_checkpoint(fixture->journal, &size, &root, &note, &err));
    assert_int_equal(signed_by(buffer_view(&note), old_signer, lines), by_old);
    assert_int_equal(signed_by(buffer_view(&note), new_signer, lines), by_new);
    buffer_fini(&note);
}

// The change can be proven to whoever knows the old key only.
static void expect_origin(struct log_fixture *fixture, uint64_t index)
{
    struct error err;
    uint64_t size;
    struct audit_log *log = NULL;
    struct audit_receipt receipt;
    struct arena *arena = arena_create(1 << 20);
    assert_ok(audit_log_create(fixture->journal, &log, &err));
    assert_ok(audit_log_begin(log, &size, &err));
    assert_ok(audit_log_key_receipt(log, 2, arena, &receipt, &err));
    assert_int_equal(receipt.receipt.index, index);
    assert_ok(fixture_prove(fixture, &receipt.receipt, &err));
    assert_status(ST_NOT_FOUND, audit_log_key_receipt(log, 3, arena, &receipt, &err));
    audit_log_end(log);
    audit_log_destroy(&log);
    arena_destroy(&arena);
}

TEST(both_keys_sign_from_the_entry_on_until_the_old_ones_time_is_over)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_commit *commit = NULL;
    struct seal_signer *second = signer_of(11);
    uint64_t until_ms = (uint64_t)clock_wall_ms() + HOUR_MS;
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 3);
    assert_ok(change_key(&fixture, 11, until_ms, &commit, &err));
    assert_true(signed_by(audit_commit_checkpoint(commit), fixture.signer, 1));
    audit_commit_unref(&commit);
    fixture_grow(&fixture, 5);
    expect_newest(&fixture, fixture.signer, second, true, true);
    expect_origin(&fixture, 3);
    fixture_publish(&fixture);
    fixture_close(&fixture);

    // A start finds it in the log, and needs both keys.
    const struct seal_signer *both[] = { second, fixture.signer };
    assert_status(ST_DENIED, reopen(&fixture, both, 1, &err));
    assert_status(ST_DENIED, reopen(&fixture, both + 1, 1, &err));
    assert_non_null(strstr(err.message, "log*.key"));
    assert_ok(reopen(&fixture, both, 2, &err));
    expect_newest(&fixture, fixture.signer, second, true, true);
    fixture_grow(&fixture, 6);
    expect_newest(&fixture, fixture.signer, second, true, true);
    fixture_end(&fixture);
    seal_signer_destroy(&second);
}

TEST(the_new_key_signs_alone_once_the_old_ones_time_is_over)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_commit *commit = NULL;
    struct seal_signer *second = signer_of(11);
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 3);
    assert_ok(change_key(&fixture, 11, (uint64_t)clock_wall_ms() - 1, &commit, &err));
    audit_commit_unref(&commit);
    fixture_publish(&fixture);
    fixture_grow(&fixture, 5);
    expect_newest(&fixture, fixture.signer, second, false, true);
    expect_origin(&fixture, 3);
    fixture_close(&fixture);
    const struct seal_signer *held[] = { second };
    assert_ok(reopen(&fixture, held, 1, &err)); // the old secret may be gone by now
    expect_origin(&fixture, 3);
    struct proof_ring ring;
    audit_keys_ring(audit_journal_keys(fixture.journal), &ring);
    assert_int_equal(ring.count, 2);
    assert_true(digest_equal(&ring.keys[1].key, seal_signer_key(second)));
    fixture_end(&fixture);
    seal_signer_destroy(&second);
}

static enum status fail_commit(bool committed, void *context)
{
    const bool *failing = context;
    return *failing && !committed ? ST_FULL : ST_OK;
}

TEST(a_change_whose_commit_fails_has_not_happened)
{
    struct error err;
    struct log_fixture fixture;
    struct audit_commit *commit = NULL;
    struct seal_signer *second = signer_of(11);
    bool failing = false;
    uint64_t until_ms = (uint64_t)clock_wall_ms() + HOUR_MS;
    fixture_begin(&fixture);
    fixture.hook = fail_commit;
    fixture.hook_context = &failing;
    fixture_open(&fixture);
    fixture_grow(&fixture, 3);
    failing = true;
    assert_status(ST_FULL, change_key(&fixture, 11, until_ms, &commit, &err));
    failing = false;
    fixture_grow(&fixture, 4);
    expect_newest(&fixture, fixture.signer, second, true, false);
    assert_ok(change_key(&fixture, 11, until_ms, &commit, &err));
    audit_commit_unref(&commit);
    fixture_grow(&fixture, 6);
    expect_newest(&fixture, fixture.signer, second, true, true);
    assert_status(ST_EXISTS, change_key(&fixture, 11, until_ms, &commit, &err));
    assert_status(ST_EXISTS, change_key(&fixture, 9, until_ms, &commit, &err)); // the first one
    fixture_end(&fixture);
    seal_signer_destroy(&second);
}
