// Copies of a log.
#include "log_fixture.h"

#include "audit/backup.h"
#include "base/file.h"

TEST(a_copy_has_the_log_and_its_published_checkpoint_and_no_key)
{
    struct error err;
    struct log_fixture fixture;
    char to[160];
    fixture_begin(&fixture);
    fixture_open(&fixture);
    fixture_grow(&fixture, 400);
    fixture_publish(&fixture);
    fixture_grow(&fixture, 450);
    snprintf(to, sizeof(to), "%s/copy", fixture.home);
    fixture_close(&fixture);
    assert_ok(audit_backup(fixture.home, fixture.map_bytes, to, &err));
    assert_status(ST_EXISTS, audit_backup(fixture.home, fixture.map_bytes, to, &err));
    char keys[192];
    snprintf(keys, sizeof(keys), "%s/body", to);
    assert_false(file_exists(keys));
    snprintf(fixture.home, sizeof(fixture.home), "%.120s", to);
    fixture_open(&fixture);
    assert_int_equal(audit_journal_size(fixture.journal), 450);
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    uint64_t size = 0;
    assert_ok(audit_journal_published(fixture.journal, &size, &note, &err));
    assert_int_equal(size, 400);
    buffer_fini(&note);
    fixture_end(&fixture);
}

TEST(a_home_without_a_log_has_no_copy)
{
    struct error err;
    struct log_fixture fixture;
    char to[160];
    fixture_begin(&fixture);
    snprintf(to, sizeof(to), "%s/copy", fixture.home);
    assert_status(ST_NOT_FOUND, audit_backup(fixture.home, 0, to, &err));
    fixture_end(&fixture);
}
