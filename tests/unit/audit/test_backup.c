// Copies of a log: what is new each time, proven, and a log again when it is needed.
#include "hex.h"
#include "log_fixture.h"

#include "audit/backup.h"
#include "audit/backup_file.h"
#include "audit/verify.h"
#include "base/file.h"

#include <unistd.h>

struct copied {
    struct log_fixture fixture;
    char folder[160];
    char other[160]; // a home to restore into
    struct audit_backup_result result;
};

static void copied_begin(struct copied *copied, uint64_t size)
{
    memset(copied, 0, sizeof(*copied));
    fixture_begin(&copied->fixture);
    snprintf(copied->folder, sizeof(copied->folder), "%s/copy", copied->fixture.home);
    snprintf(copied->other, sizeof(copied->other), "%s/other", copied->fixture.home);
    fixture_open(&copied->fixture);
    fixture_grow(&copied->fixture, size);
    fixture_publish(&copied->fixture);
    fixture_close(&copied->fixture);
}

static enum status copy(struct copied *copied, const char *home, struct error *err)
{
    struct audit_backup_options options = { .home = home,
                                            .map_bytes = copied->fixture.map_bytes,
                                            .folder = copied->folder };
    return audit_backup(&options, &copied->result, err);
}

static enum status restore(struct copied *copied, const char *vkey, struct error *err)
{
    struct audit_backup_options options = { .home = copied->other,
                                            .map_bytes = copied->fixture.map_bytes,
                                            .folder = copied->folder };
    return audit_backup_restore(&options, vkey, &copied->result, err);
}

static void grow(struct copied *copied, uint64_t size)
{
    fixture_open(&copied->fixture);
    fixture_grow(&copied->fixture, size);
    fixture_publish(&copied->fixture);
    fixture_close(&copied->fixture);
}

static void vkey_of(const struct copied *copied, struct buffer *vkey)
{
    *vkey = buffer_init(1024);
    proof_key_format(&copied->fixture.key, vkey);
    buffer_u8(vkey, 0);
}

TEST(each_copy_takes_what_is_new_and_a_restored_log_is_the_same)
{
    struct error err;
    struct copied copied;
    struct buffer vkey;
    struct audit_verify_result verified;
    char keys[192];
    copied_begin(&copied, 400);
    vkey_of(&copied, &vkey);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    assert_int_equal(copied.result.before, 0);
    assert_int_equal(copied.result.size, 400);
    grow(&copied, 450);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    assert_int_equal(copied.result.before, 400);
    assert_int_equal(copied.result.size, 450);
    uint64_t bytes = copied.result.bytes;
    assert_ok(copy(&copied, copied.fixture.home, &err));
    assert_int_equal(copied.result.bytes, 0);
    assert_ok(audit_backup_check(copied.folder, (const char *)vkey.data, &copied.result, &err));
    assert_int_equal(copied.result.size, 450);
    assert_true(copied.result.bytes > bytes * 8); // both parts
    snprintf(keys, sizeof(keys), "%s/keys", copied.folder);
    assert_false(file_exists(keys));

    assert_ok(restore(&copied, (const char *)vkey.data, &err));
    assert_status(ST_EXISTS, restore(&copied, NULL, &err));
    struct audit_verify_options verify = { .home = copied.other,
                                           .vkey = (const char *)vkey.data,
                                           .map_bytes = copied.fixture.map_bytes };
    assert_ok(audit_verify(&verify, &verified, &err));
    assert_int_equal(verified.findings, 0);
    assert_int_equal(verified.size, 450);
    assert_int_equal(verified.published, 450);
    // Its next writer goes on in a later term, with the old keys.
    snprintf(copied.fixture.home, sizeof(copied.fixture.home), "%.120s", copied.other);
    fixture_open(&copied.fixture);
    assert_true(audit_journal_term(copied.fixture.journal) > 2);
    fixture_grow(&copied.fixture, 460);
    buffer_fini(&vkey);
    fixture_end(&copied.fixture);
}

TEST(what_the_log_has_not_published_is_not_copied)
{
    struct error err;
    struct copied copied;
    copied_begin(&copied, 300);
    fixture_open(&copied.fixture);
    fixture_grow(&copied.fixture, 350);
    assert_ok(copy(&copied, copied.fixture.home, &err)); // while it is open for writing
    assert_int_equal(copied.result.size, 300);
    fixture_end(&copied.fixture);
}

TEST(a_restored_log_that_is_behind_what_was_published_does_not_open)
{
    struct error err;
    struct copied copied;
    char from[192];
    char to[192];
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    copied_begin(&copied, 300);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    grow(&copied, 320);
    assert_ok(restore(&copied, NULL, &err));
    snprintf(from, sizeof(from), "%s/log.published", copied.fixture.home);
    snprintf(to, sizeof(to), "%s/log.published", copied.other);
    assert_ok(file_read(from, PROOF_NOTE_MAX, &note, &err));
    assert_ok(file_replace(to, buffer_view(&note), 0600, &err));
    snprintf(copied.fixture.home, sizeof(copied.fixture.home), "%.120s", copied.other);
    assert_status(ST_UNPROVEN, fixture_try(&copied.fixture, &err));
    buffer_fini(&note);
    fixture_end(&copied.fixture);
}

TEST(a_folder_that_has_published_more_than_the_backup_has_is_left_as_it_is)
{
    struct error err;
    struct copied copied;
    char from[192];
    char to[192];
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct buffer after = buffer_init(PROOF_NOTE_MAX);
    copied_begin(&copied, 300);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    grow(&copied, 320);
    snprintf(from, sizeof(from), "%s/log.published", copied.fixture.home);
    snprintf(to, sizeof(to), "%s/log.published", copied.other);
    assert_ok(file_make_folder(copied.other, 0700, &err));
    assert_ok(file_read(from, PROOF_NOTE_MAX, &note, &err));
    assert_ok(file_replace(to, buffer_view(&note), 0600, &err));
    assert_status(ST_UNPROVEN, restore(&copied, NULL, &err));
    assert_non_null(strstr(err.message, "320"));
    assert_ok(file_read(to, PROOF_NOTE_MAX, &after, &err));
    assert_true(bytes_equal(buffer_view(&after), buffer_view(&note)));
    assert_ok(copy(&copied, copied.fixture.home, &err)); // up to there now
    assert_ok(restore(&copied, NULL, &err));
    assert_int_equal(copied.result.size, 320);
    buffer_fini(&note);
    buffer_fini(&after);
    fixture_end(&copied.fixture);
}

// The rows of keys in a copy are not proven: whoever has the folder can write any.
TEST(a_key_of_an_impossible_number_in_a_copy_is_refused)
{
    static const char *const words[] = { "key 0", "key 1", "key 99999" };
    struct error err;
    struct copied copied;
    copied_begin(&copied, 5);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        struct audit_backup_state state = audit_backup_state_init();
        struct digest key = count_digest(0x70);
        assert_ok(audit_backup_state_read(copied.folder, &state, &err));
        audit_backup_meta_add(&state, bytes_text(words[i]), bytes_digest(&key));
        enum status status = audit_backup_meta_ring(&state, &err);
        assert_int_equal(status, i < 2 ? ST_CORRUPT : ST_OK); // no row of keys at all
        audit_backup_state_fini(&state);
    }
    fixture_end(&copied.fixture);
}

TEST(a_damaged_copy_is_refused_by_the_name_of_its_file)
{
    struct error err;
    struct copied copied;
    char path[256];
    static const char *const names[] = { "log.backup", "entries/000000000000.part",
                                         "entries/000000000040.part" };
    copied_begin(&copied, 40);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    grow(&copied, 60);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    for (size_t name = 0; name < ARRAY_COUNT(names); name++) {
        struct buffer file = buffer_init(1 << 20);
        snprintf(path, sizeof(path), "%s/%s", copied.folder, names[name]);
        assert_ok(file_read(path, 1 << 20, &file, &err));
        size_t step = file.size < 1000 ? 1 : 97;
        for (size_t i = 0; i < file.size; i += step) {
            file.data[i] ^= 4;
            assert_ok(file_replace(path, buffer_view(&file), 0600, &err));
            file.data[i] ^= 4;
            enum status status = audit_backup_check(copied.folder, NULL, &copied.result, &err);
            if (status != ST_CORRUPT || strstr(err.message, copied.folder) == NULL) {
                fail_msg("%s, byte %zu: %s: %s", names[name], i, status_name(status), err.message);
            }
            assert_status(ST_CORRUPT, restore(&copied, NULL, &err));
            assert_false(file_exists(copied.other) && access(copied.other, W_OK) != 0);
        }
        assert_ok(file_replace(path, buffer_view(&file), 0600, &err));
        buffer_fini(&file);
    }
    assert_int_equal(unlink(path), 0);
    assert_status(ST_CORRUPT, audit_backup_check(copied.folder, NULL, &copied.result, &err));
    assert_non_null(strstr(err.message, "000000000040.part"));
    fixture_end(&copied.fixture);
}

TEST(parts_of_a_copy_that_was_cut_short_are_taken_over)
{
    struct error err;
    struct copied copied;
    char path[256];
    copied_begin(&copied, 200);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    snprintf(path, sizeof(path), "%s/log.backup", copied.folder);
    assert_int_equal(unlink(path), 0); // it is written last
    grow(&copied, 230);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    assert_int_equal(copied.result.before, 0);
    assert_int_equal(copied.result.size, 230);
    assert_ok(audit_backup_check(copied.folder, NULL, &copied.result, &err));
    fixture_end(&copied.fixture);
}

struct forging {
    struct buffer part;
};

static enum status forge(uint64_t index, const struct audit_record *record, struct bytes bytes,
                         void *context, struct error *err)
{
    struct forging *forging = context;
    uint8_t copy[4096];
    (void)record;
    (void)err;
    memcpy(copy, bytes.data, bytes.size);
    copy[20] ^= index == 7 ? 1 : 0; // in the leaf's commitment
    audit_backup_part_add(&forging->part, bytes_of(copy, bytes.size));
    return ST_OK;
}

TEST(entries_that_are_not_what_was_published_do_not_stay_in_the_copy)
{
    struct error err;
    struct copied copied;
    char path[256];
    struct buffer scratch = buffer_init(1 << 20);
    struct forging forging = { .part = buffer_init(1 << 20) };
    uint64_t count = 0;
    copied_begin(&copied, 50);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    audit_backup_part_begin(&forging.part, 0);
    assert_ok(audit_backup_part_read(copied.folder, 0, &scratch, forge, &forging, &count, &err));
    assert_int_equal(count, 50);
    assert_ok(audit_backup_part_write(copied.folder, 0, &forging.part, &err));
    assert_status(ST_CORRUPT, audit_backup_check(copied.folder, NULL, &copied.result, &err));
    snprintf(path, sizeof(path), "%s/log.backup", copied.folder);
    assert_int_equal(unlink(path), 0);
    assert_status(ST_UNPROVEN, copy(&copied, copied.fixture.home, &err));
    assert_ok(copy(&copied, copied.fixture.home, &err)); // and it was copied anew
    assert_ok(audit_backup_check(copied.folder, NULL, &copied.result, &err));
    buffer_fini(&scratch);
    buffer_fini(&forging.part);
    fixture_end(&copied.fixture);
}

TEST(a_folder_is_one_logs_and_never_goes_back)
{
    struct error err;
    struct copied copied;
    struct buffer vkey;
    char kept[160];
    copied_begin(&copied, 100);
    vkey_of(&copied, &vkey);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    assert_ok(restore(&copied, NULL, &err)); // of 100 entries
    grow(&copied, 150);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    assert_status(ST_UNPROVEN, copy(&copied, copied.other, &err));
    buffer_clear(&vkey);
    buffer_text(&vkey, "log.example/other+00000000+AAAA");
    buffer_u8(&vkey, 0);
    assert_int_not_equal(
        audit_backup_check(copied.folder, (const char *)vkey.data, &copied.result, &err), ST_OK);
    snprintf(kept, sizeof(kept), "%s/none", copied.fixture.home);
    assert_status(ST_NOT_FOUND, audit_backup_check(kept, NULL, &copied.result, &err));
    assert_status(ST_NOT_FOUND, copy(&copied, kept, &err));
    buffer_fini(&vkey);
    fixture_end(&copied.fixture);
}

TEST(a_log_that_has_changed_its_key_is_copied_and_restored_with_all_its_keys)
{
    struct error err;
    struct copied copied;
    struct audit_entry entry;
    struct audit_commit *commit = NULL;
    char texts[3][32];
    const struct audit_entry *list[] = { &entry };
    struct digest bytes = { { 77 } };
    struct seal_secret *seed = NULL;
    struct seal_signer *next = NULL;
    struct buffer vkey;
    copied_begin(&copied, 30);
    vkey_of(&copied, &vkey);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    assert_ok(seal_secret_copy(bytes_digest(&bytes), &seed, &err));
    assert_ok(seal_signer_create(seed, &next, &err));
    fixture_open(&copied.fixture);
    fixture_entry(&entry, WIRE_CLASS_GOVERNANCE, 30,
                  audit_journal_minutes(copied.fixture.journal, (int64_t)NOVEMBER * 60000), texts);
    assert_ok(audit_journal_plan_key(copied.fixture.journal, &next, 1, 0, &err)); // the old one's
    assert_ok(audit_journal_append(copied.fixture.journal, list, 1, 30,           // time is over
                                   audit_journal_term(copied.fixture.journal), &commit, &err));
    audit_commit_unref(&commit);
    fixture_grow(&copied.fixture, 40);
    fixture_publish(&copied.fixture);
    fixture_close(&copied.fixture);
    assert_ok(copy(&copied, copied.fixture.home, &err));
    assert_int_equal(copied.result.size, 40);
    assert_ok(audit_backup_check(copied.folder, NULL, &copied.result, &err));
    assert_status(ST_UNPROVEN, audit_backup_check(copied.folder, (const char *)vkey.data,
                                                  &copied.result, &err)); // the old key alone
    assert_ok(restore(&copied, NULL, &err));
    snprintf(copied.fixture.home, sizeof(copied.fixture.home), "%.120s", copied.other);
    assert_status(ST_DENIED, fixture_try(&copied.fixture, &err)); // it knows that the new one signs
    seal_secret_destroy(&seed);
    buffer_fini(&vkey);
    fixture_end(&copied.fixture);
}
