// Body keys: what opens a body, and what no longer does.
#include "audit/vault.h"
#include "base/compiler.h"
#include "base/file.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// ---- something happens in between: once, when a file has been read to its end or a copy removed

typedef void (*incident)(void);
static incident at_end_of_file;
static incident at_removal;

static void happen(incident *what)
{
    incident now = *what;
    *what = NULL;
    if (now != NULL) {
        now();
    }
}

PUBLIC_API ssize_t read(int fd, void *bytes, size_t size)
{
    ssize_t got = (ssize_t)syscall(SYS_read, fd, bytes, size);
    if (got == 0) {
        happen(&at_end_of_file);
    }
    return got;
}

PUBLIC_API int unlink(const char *path)
{
    int result = (int)syscall(SYS_unlink, path);
    const char *end = strrchr(path, '.');
    if (end != NULL && strcmp(end, ".bak") == 0) {
        happen(&at_removal);
    }
    return result;
}

// ---- vaults

static struct seal_secret *secret_of(uint8_t byte)
{
    struct error err;
    struct digest bytes;
    struct seal_secret *secret = NULL;
    memset(&bytes, byte, sizeof(bytes));
    assert_ok(seal_secret_copy(bytes_digest(&bytes), &secret, &err));
    return secret;
}

// A vault in a folder of its own, under the master key of ones.
struct house {
    char folder[128];
    struct seal_secret *master;
    struct audit_vault *vault;
};

static void begin(struct house *house)
{
    struct error err;
    *house = (struct house){ .master = secret_of(1) };
    snprintf(house->folder, sizeof(house->folder), "%s/body", test_directory());
    assert_ok(audit_vault_open(house->folder, house->master, &house->vault, &err));
}

// Under another master key, with nothing loaded.
static void reopen_under(struct house *house, const struct seal_secret *master)
{
    struct error err;
    audit_vault_close(&house->vault);
    assert_ok(audit_vault_open(house->folder, master, &house->vault, &err));
}

static void reopen(struct house *house)
{
    reopen_under(house, house->master);
}

static void end(struct house *house)
{
    audit_vault_close(&house->vault);
    seal_secret_destroy(&house->master);
}

struct sealed {
    uint8_t nonce[AUDIT_BOX_NONCE_BYTES];
    uint8_t box[64];
    size_t size;
    struct digest leaf_hash;
};

static void seal_text(struct audit_vault *vault, uint32_t key_id, const char *text,
                      struct sealed *sealed)
{
    struct error err;
    memset(&sealed->leaf_hash, 3, sizeof(sealed->leaf_hash));
    sealed->size = strlen(text) + AUDIT_BOX_TAG_BYTES;
    assert_ok(audit_vault_prepare(vault, key_id, &err));
    assert_ok(audit_vault_seal_body(vault, key_id, bytes_text("origin"), 5, &sealed->leaf_hash,
                                    bytes_text(text), sealed->nonce, sealed->box, &err));
}

static enum status open_text(struct audit_vault *vault, uint32_t key_id, uint64_t index,
                             const struct sealed *sealed, char text[64])
{
    struct error err;
    memset(text, 0, 64);
    return audit_vault_open_body(vault, key_id, bytes_text("origin"), index, &sealed->leaf_hash,
                                 sealed->nonce, bytes_of(sealed->box, sealed->size),
                                 (uint8_t *)text, &err);
}

TEST(the_key_of_an_entry_is_that_of_its_month_but_consents_last)
{
    // 1970-01-31 23:59, 1970-02-01 00:00, 2024-02-29, 2026-11-21, 2026-12-01
    assert_int_equal(audit_vault_key_id(WIRE_CLASS_EXCHANGE, 0), 1);
    assert_int_equal(audit_vault_key_id(WIRE_CLASS_EXCHANGE, 31 * 1440 - 1), 1);
    assert_int_equal(audit_vault_key_id(WIRE_CLASS_EXCHANGE, 31 * 1440), 2);
    assert_int_equal(audit_vault_key_id(WIRE_CLASS_OVERSIGHT, 19782 * 1440), 54 * 12 + 2);
    assert_int_equal(audit_vault_key_id(WIRE_CLASS_DELAYED, 20778 * 1440), 56 * 12 + 11);
    assert_int_equal(audit_vault_key_id(WIRE_CLASS_EXCHANGE, 20788 * 1440), 56 * 12 + 12);
    assert_int_equal(audit_vault_key_id(WIRE_CLASS_CONSENT, 20778 * 1440), AUDIT_KEY_LASTING);
    assert_int_equal(audit_vault_key_id(WIRE_CLASS_GOVERNANCE, 20778 * 1440), AUDIT_KEY_LASTING);
}

TEST(a_body_opens_after_the_vault_was_opened_again)
{
    char text[64];
    struct sealed sealed;
    struct house house;
    begin(&house);
    seal_text(house.vault, 683, "words", &sealed);
    reopen(&house);
    assert_int_equal(open_text(house.vault, 683, 5, &sealed, text), ST_OK);
    assert_string_equal(text, "words");
    assert_int_equal(open_text(house.vault, 683, 6, &sealed, text), ST_CORRUPT);
    assert_int_equal(open_text(house.vault, 684, 5, &sealed, text), ST_IO);
    sealed.box[0] ^= 1;
    assert_int_equal(open_text(house.vault, 683, 5, &sealed, text), ST_CORRUPT);
    end(&house);
}

TEST(another_master_key_opens_nothing)
{
    char text[64];
    struct sealed sealed;
    struct house house;
    struct seal_secret *other = secret_of(2);
    begin(&house);
    seal_text(house.vault, AUDIT_KEY_LASTING, "words", &sealed);
    reopen_under(&house, other);
    assert_int_equal(open_text(house.vault, AUDIT_KEY_LASTING, 5, &sealed, text), ST_CORRUPT);
    seal_secret_destroy(&other);
    end(&house);
}

TEST(keys_wrapped_anew_open_under_the_new_master_key_alone_however_often_it_was_interrupted)
{
    struct error err;
    char path[160];
    char text[64];
    struct sealed lasting;
    struct sealed month;
    size_t wrapped = 0;
    struct house house;
    struct seal_secret *new = secret_of(2);
    struct buffer last = buffer_init(4096);
    begin(&house);
    snprintf(path, sizeof(path), "%s/2026-11.key", house.folder);
    seal_text(house.vault, AUDIT_KEY_LASTING, "lasting words", &lasting);
    seal_text(house.vault, 683, "words of a month", &month);
    seal_text(house.vault, 682, "words that are forgotten", &(struct sealed){ .size = 0 });
    assert_ok(audit_vault_forget(house.vault, 682, &err));
    audit_vault_close(&house.vault);

    // A run that ended between two files: the last one is as it was.
    assert_ok(file_read(path, 4096, &last, &err));
    assert_ok(audit_vault_rewrap(house.folder, house.master, new, &wrapped, &err));
    assert_int_equal(wrapped, 2);
    assert_ok(file_replace(path, buffer_view(&last), 0600, &err));
    assert_ok(audit_vault_rewrap(house.folder, house.master, new, &wrapped, &err));
    assert_int_equal(wrapped, 1);
    assert_ok(audit_vault_rewrap(house.folder, house.master, new, &wrapped, &err));
    assert_int_equal(wrapped, 0);

    reopen_under(&house, new);
    assert_ok(open_text(house.vault, AUDIT_KEY_LASTING, 5, &lasting, text));
    assert_string_equal(text, "lasting words");
    assert_ok(open_text(house.vault, 683, 5, &month, text));
    assert_string_equal(text, "words of a month");
    assert_status(ST_NOT_FOUND, audit_vault_check(house.vault, 682, &err));
    reopen(&house);
    assert_int_equal(open_text(house.vault, 683, 5, &month, text), ST_CORRUPT);
    audit_vault_close(&house.vault);

    // A file that opens under neither is named, and stays.
    struct seal_secret *other = secret_of(3);
    assert_status(ST_CORRUPT,
                  audit_vault_rewrap(house.folder, other, house.master, &wrapped, &err));
    assert_non_null(strstr(err.message, "lasting.key"));
    buffer_fini(&last);
    seal_secret_destroy(&new);
    seal_secret_destroy(&other);
    end(&house);
}

TEST(a_forgotten_month_never_opens_again)
{
    struct error err;
    char text[64];
    struct sealed sealed;
    struct sealed kept;
    struct house house;
    begin(&house);
    seal_text(house.vault, 683, "words", &sealed);
    seal_text(house.vault, 684, "later", &kept);
    assert_status(ST_DENIED, audit_vault_forget(house.vault, AUDIT_KEY_LASTING, &err));
    assert_ok(audit_vault_forget(house.vault, 683, &err));
    assert_ok(audit_vault_forget(house.vault, 683, &err));
    assert_int_equal(open_text(house.vault, 683, 5, &sealed, text), ST_NOT_FOUND);
    assert_status(ST_DENIED, audit_vault_prepare(house.vault, 683, &err));
    reopen(&house);
    assert_int_equal(open_text(house.vault, 683, 5, &sealed, text), ST_NOT_FOUND);
    assert_status(ST_DENIED, audit_vault_prepare(house.vault, 683, &err));
    assert_int_equal(open_text(house.vault, 684, 5, &kept, text), ST_OK);
    end(&house);
}

static void assert_zeros(const char *path)
{
    struct error err;
    struct buffer file = buffer_init(4096);
    assert_ok(file_read(path, 4096, &file, &err));
    assert_true(file.size > 100);
    for (size_t i = 0; i < file.size; i++) {
        assert_int_equal(file.data[i], 0);
    }
    buffer_fini(&file);
}

// Another name of the same file stands for the blocks on the disk.
TEST(a_forgotten_key_and_what_is_left_of_it_are_overwritten_where_they_lay)
{
    struct error err;
    char path[160];
    char stray[160];
    char beside[160];
    struct sealed sealed;
    struct house house;
    struct buffer file = buffer_init(4096);
    begin(&house);
    snprintf(path, sizeof(path), "%s/2026-11.key", house.folder);
    snprintf(stray, sizeof(stray), "%s/2026-11.key.new", house.folder);
    seal_text(house.vault, 683, "words", &sealed);
    assert_ok(file_read(path, 4096, &file, &err));
    assert_ok(file_create(stray, buffer_view(&file), 0600, &err));
    snprintf(beside, sizeof(beside), "%s/beside", house.folder);
    assert_int_equal(link(path, beside), 0);
    char left[160];
    snprintf(left, sizeof(left), "%s/left", house.folder);
    assert_int_equal(link(stray, left), 0);
    assert_ok(audit_vault_forget(house.vault, 683, &err));
    assert_zeros(beside);
    assert_zeros(left);
    assert_false(file_exists(stray));
    buffer_fini(&file);
    end(&house);
}

TEST(a_forgetting_that_was_cut_short_opens_nothing_and_is_finished_by_the_next)
{
    struct error err;
    static const uint8_t zeros[200];
    char path[160];
    char text[64];
    struct sealed sealed;
    struct house house;
    struct buffer file = buffer_init(4096);
    begin(&house);
    snprintf(path, sizeof(path), "%s/2026-11.key", house.folder);
    seal_text(house.vault, 683, "words", &sealed);
    assert_ok(file_replace(path, bytes_of(zeros, sizeof(zeros)), 0600, &err));
    reopen(&house);
    assert_int_equal(open_text(house.vault, 683, 5, &sealed, text), ST_NOT_FOUND);
    assert_status(ST_DENIED, audit_vault_prepare(house.vault, 683, &err));
    assert_ok(audit_vault_forget(house.vault, 683, &err));
    assert_ok(file_read(path, 4096, &file, &err));
    assert_non_null(memmem(file.data, file.size, "forgotten ", 10));
    assert_status(ST_NOT_FOUND, audit_vault_forget(house.vault, 680, &err)); // has no key
    buffer_fini(&file);
    end(&house);
}

TEST(a_damaged_key_file_is_told_whatever_byte_is_wrong)
{
    struct error err;
    char path[160];
    char text[64];
    struct sealed sealed;
    struct house house;
    struct buffer good = buffer_init(4096);
    begin(&house);
    snprintf(path, sizeof(path), "%s/2026-11.key", house.folder);
    seal_text(house.vault, 683, "words", &sealed);
    assert_ok(file_read(path, 4096, &good, &err));
    for (size_t i = 0; i < good.size; i++) {
        good.data[i] ^= 2;
        assert_ok(file_replace(path, buffer_view(&good), 0600, &err));
        good.data[i] ^= 2;
        reopen(&house);
        enum status status = open_text(house.vault, 683, 5, &sealed, text);
        if (status != ST_CORRUPT) {
            fail_msg("byte %zu: %s", i, status_name(status));
        }
    }
    buffer_fini(&good);
    end(&house);
}

static void write_file(const char *folder, const char *name, const char *content)
{
    struct error err;
    char path[192];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_ok(file_replace(path, bytes_text(content), 0600, &err));
}

static bool is_there(const char *folder, const char *name)
{
    char path[192];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return file_exists(path);
}

TEST(forgetting_destroys_all_keys_of_the_month_and_whatever_else_lies_there_of_it)
{
    struct error err;
    char text[64];
    struct sealed sealed[3];
    struct sealed other;
    uint32_t ids[3] = { 683 };
    struct house house;
    begin(&house);
    seal_text(house.vault, 683, "first", &sealed[0]);
    for (size_t i = 1; i < 3; i++) {
        assert_ok(audit_vault_renew(house.vault, 683, &ids[i], &err));
        seal_text(house.vault, ids[i], "later", &sealed[i]);
        assert_ok(audit_vault_take(house.vault, ids[i], i, &err));
    }
    assert_ok(audit_vault_renew(house.vault, 683, &ids[0], &err)); // never in use
    assert_int_equal(ids[0], audit_body_key(683, 3));
    ids[0] = 683;
    seal_text(house.vault, 684, "next month", &other);
    write_file(house.folder, "2026-11.key.4711.new", "half of a file");
    write_file(house.folder, "2026-11-2.key.bak", "somebody's copy");
    write_file(house.folder, "2026-12.key.bak", "of another month");
    assert_status(ST_DENIED, audit_vault_forget(house.vault, ids[1], &err)); // a month, not a key
    assert_ok(audit_vault_forget(house.vault, 683, &err));
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(open_text(house.vault, ids[i], 5, &sealed[i], text), ST_NOT_FOUND);
        }
        assert_status(ST_NOT_FOUND, audit_vault_check(house.vault, audit_body_key(683, 3), &err));
        assert_ok(open_text(house.vault, 684, 5, &other, text));
        reopen(&house);
    }
    assert_false(is_there(house.folder, "2026-11.key.4711.new"));
    assert_false(is_there(house.folder, "2026-11-2.key.bak"));
    assert_true(is_there(house.folder, "2026-12.key.bak"));
    end(&house);
}

// The vault at hand, for what happens in between.
static struct house *struck;

static void forget_now(void)
{
    struct error err;
    assert_ok(audit_vault_forget(struck->vault, 683, &err));
}

TEST(a_key_that_is_being_loaded_while_its_month_is_forgotten_opens_nothing)
{
    char text[64];
    struct sealed sealed;
    struct house house;
    begin(&house);
    seal_text(house.vault, 683, "words", &sealed);
    reopen(&house);
    struck = &house;
    at_end_of_file = forget_now; // the file has been read; the key is not in its place yet
    assert_int_equal(open_text(house.vault, 683, 5, &sealed, text), ST_NOT_FOUND);
    assert_null(at_end_of_file);
    assert_int_equal(open_text(house.vault, 683, 5, &sealed, text), ST_NOT_FOUND);
    end(&house);
}

TEST(forgetting_destroys_keys_that_nobody_has_loaded_as_the_folder_has_them)
{
    struct error err;
    struct house house;
    uint32_t id = 0;
    begin(&house);
    assert_ok(audit_vault_prepare(house.vault, 683, &err));
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(audit_vault_renew(house.vault, 683, &id, &err));
    }
    reopen(&house);
    assert_ok(audit_vault_forget(house.vault, 683, &err));
    for (uint32_t i = 0; i < 4; i++) {
        assert_status(ST_NOT_FOUND, audit_vault_check(house.vault, audit_body_key(683, i), &err));
    }
    end(&house);
}

static struct buffer brought_back;

static void bring_back(void)
{
    struct error err;
    char path[192];
    snprintf(path, sizeof(path), "%s/2026-11.key", struck->folder);
    assert_ok(file_replace(path, buffer_view(&brought_back), 0600, &err));
}

TEST(a_key_that_is_put_back_while_its_month_is_forgotten_is_told_and_goes_the_next_time)
{
    struct error err;
    char path[192];
    struct house house;
    begin(&house);
    assert_ok(audit_vault_prepare(house.vault, 683, &err));
    snprintf(path, sizeof(path), "%s/2026-11.key", house.folder);
    brought_back = buffer_init(4096);
    assert_ok(file_read(path, 4096, &brought_back, &err));
    write_file(house.folder, "2026-11.key.bak", "somebody's copy");
    struck = &house;
    at_removal = bring_back; // of the copy: the key's own file has been destroyed by then
    assert_status(ST_IO, audit_vault_forget(house.vault, 683, &err));
    assert_non_null(strstr(err.message, "2026-11"));
    assert_ok(audit_vault_forget(house.vault, 683, &err));
    assert_status(ST_NOT_FOUND, audit_vault_check(house.vault, 683, &err));
    buffer_fini(&brought_back);
    end(&house);
}

TEST(every_key_of_a_month_is_wrapped_anew_also_one_that_is_not_in_use)
{
    struct error err;
    char text[64];
    size_t wrapped = 0;
    struct sealed sealed;
    uint32_t ids[3];
    struct house house;
    struct seal_secret *new = secret_of(2);
    begin(&house);
    assert_ok(audit_vault_prepare(house.vault, 683, &err));
    assert_ok(audit_vault_renew(house.vault, 683, &ids[0], &err));
    assert_ok(audit_vault_renew(house.vault, 683, &ids[1], &err));
    assert_ok(audit_vault_renew(house.vault, AUDIT_KEY_LASTING, &ids[2], &err));
    seal_text(house.vault, ids[1], "words", &sealed);
    audit_vault_close(&house.vault);
    assert_ok(audit_vault_rewrap(house.folder, house.master, new, &wrapped, &err));
    assert_int_equal(wrapped, 4);
    reopen_under(&house, new);
    assert_ok(open_text(house.vault, ids[1], 5, &sealed, text));
    assert_ok(audit_vault_check(house.vault, ids[0], &err));
    assert_ok(audit_vault_check(house.vault, ids[2], &err));
    seal_secret_destroy(&new);
    end(&house);
}

TEST(a_later_key_of_a_month_that_is_lost_is_not_made_again)
{
    struct error err;
    char path[192];
    uint32_t second = 0;
    struct digest marks[2];
    struct house house;
    begin(&house);
    assert_ok(audit_vault_prepare(house.vault, 683, &err));
    assert_ok(audit_vault_renew(house.vault, 683, &second, &err));
    assert_ok(audit_vault_mark(house.vault, 683, &marks[0], &err));
    assert_ok(audit_vault_mark(house.vault, second, &marks[1], &err));
    assert_false(digest_equal(&marks[0], &marks[1]));
    snprintf(path, sizeof(path), "%s/2026-11-2.key", house.folder);
    assert_int_equal(unlink(path), 0);
    reopen(&house);
    assert_status(ST_IO, audit_vault_prepare(house.vault, second, &err));
    assert_non_null(strstr(err.message, "2026-11-2"));
    assert_status(ST_CORRUPT, audit_vault_prepare(house.vault, AUDIT_KEY_IDS, &err));
    end(&house);
}

TEST(a_month_has_no_more_keys_than_an_id_can_say)
{
    struct error err;
    uint32_t id = 0;
    struct house house;
    begin(&house);
    for (uint32_t i = 1; i < AUDIT_KEY_GENERATIONS; i++) {
        assert_ok(audit_vault_renew(house.vault, 683, &id, &err));
        assert_int_equal(id, audit_body_key(683, i));
        assert_ok(audit_vault_take(house.vault, id, i, &err));
    }
    assert_status(ST_FULL, audit_vault_renew(house.vault, 683, &id, &err));
    assert_status(ST_USAGE, audit_vault_renew(house.vault, AUDIT_KEY_MONTHS, &id, &err));
    assert_ok(audit_vault_renew(house.vault, 684, &id, &err));
    assert_ok(audit_vault_take(house.vault, id, 99, &err));
    assert_status(ST_CORRUPT, audit_vault_take(house.vault, audit_body_key(683, 63), 100, &err));
    end(&house);
}
