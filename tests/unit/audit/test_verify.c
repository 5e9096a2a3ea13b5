// The checker: a whole log passes, and every kind of damage is found and named, without a crash.
#include "facts_fixture.h"

#include "audit/record.h"
#include "audit/verify.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 700 };

struct heard {
    unsigned count[AUDIT_FAULT_COUNT];
    struct audit_finding last[AUDIT_FAULT_COUNT];
    unsigned total;
};

static void hear(const struct audit_finding *finding, void *context)
{
    struct heard *heard = context;
    assert_true((unsigned)finding->fault < AUDIT_FAULT_COUNT);
    heard->count[finding->fault]++;
    heard->last[finding->fault] = *finding;
    heard->total++;
}

struct checked {
    struct log_fixture fixture;
    struct buffer vkey;
    struct audit_verify_result result;
    struct heard heard;
};

// A log of SIZE entries with checkpoints published at 300 and 600 (rows) and at SIZE (file).
static void checked_begin(struct checked *checked)
{
    memset(checked, 0, sizeof(*checked));
    fixture_begin(&checked->fixture);
    fixture_open(&checked->fixture);
    fixture_grow(&checked->fixture, 300);
    fixture_publish(&checked->fixture);
    fixture_grow(&checked->fixture, 600);
    fixture_publish(&checked->fixture);
    fixture_grow(&checked->fixture, SIZE);
    fixture_publish(&checked->fixture);
    checked->vkey = buffer_init(1024);
    proof_key_format(&checked->fixture.key, &checked->vkey);
    buffer_u8(&checked->vkey, 0);
}

static void checked_end(struct checked *checked)
{
    buffer_fini(&checked->vkey);
    fixture_end(&checked->fixture);
}

static enum status check_try(struct checked *checked, bool bodies, struct error *err)
{
    struct audit_verify_options options = {
        .home = checked->fixture.home,
        .vkey = (const char *)checked->vkey.data,
        .master = bodies ? checked->fixture.master : NULL,
        .map_bytes = (size_t)1 << 30,
        .found = hear,
        .context = &checked->heard,
    };
    memset(&checked->heard, 0, sizeof(checked->heard));
    return audit_verify(&options, &checked->result, err);
}

static void check(struct checked *checked, bool bodies)
{
    struct error err;
    assert_ok(check_try(checked, bodies, &err));
    assert_int_equal(checked->result.findings, checked->heard.total);
}

// What verify looks for the keys under; the fixture has them elsewhere.
static void link_keys(struct checked *checked)
{
    char keys[192];
    char body[192];
    snprintf(keys, sizeof(keys), "%s/keys", checked->fixture.home);
    assert_true(mkdir(keys, 0700) == 0);
    snprintf(body, sizeof(body), "%s/keys/body", checked->fixture.home);
    assert_int_equal(symlink("../body", body), 0);
}

TEST(a_whole_log_passes_beside_its_writer_and_without)
{
    struct checked checked;
    checked_begin(&checked);
    link_keys(&checked);
    for (int open = 1; open >= 0; open--) {
        check(&checked, true);
        assert_int_equal(checked.result.findings, 0);
        assert_int_equal(checked.result.size, SIZE);
        assert_int_equal(checked.result.bodies, SIZE);
        assert_int_equal(checked.result.tiles, 2);
        assert_int_equal(checked.result.checkpoints, 3);
        assert_int_equal(checked.result.published, SIZE);
        fixture_close(&checked.fixture);
    }
    checked_end(&checked);
}

TEST(an_empty_log_passes)
{
    struct checked checked;
    memset(&checked, 0, sizeof(checked));
    fixture_begin(&checked.fixture);
    fixture_open(&checked.fixture);
    fixture_publish(&checked.fixture);
    checked.vkey = buffer_init(1024);
    proof_key_format(&checked.fixture.key, &checked.vkey);
    buffer_u8(&checked.vkey, 0);
    check(&checked, false);
    assert_int_equal(checked.result.findings, 0);
    struct digest empty = proof_empty_root();
    assert_true(digest_equal(&checked.result.root, &empty));
    checked_end(&checked);
}

static void data_path(const struct checked *checked, char path[192])
{
    snprintf(path, 192, "%s/log/data.mdb", checked->fixture.home);
}

// Flips a bit `offset` bytes into every place where the file has these bytes: the store keeps old
// pages, and only one of the places counts. Doing it again undoes it.
static void flip(const struct checked *checked, struct bytes bytes, size_t offset, uint8_t bit)
{
    struct error err;
    char path[192];
    struct buffer data = buffer_init((size_t)1 << 26);
    unsigned places = 0;
    data_path(checked, path);
    assert_ok(file_read(path, (size_t)1 << 26, &data, &err));
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (size_t i = 0; i + bytes.size <= data.size; i++) {
        if (memcmp(data.data + i, bytes.data, bytes.size) == 0) {
            uint8_t byte = data.data[i + offset] ^ bit;
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)(i + offset)), 1);
            places++;
        }
    }
    close(fd);
    buffer_fini(&data);
    assert_true(places > 0);
}

struct stored {
    uint8_t leaf[AUDIT_LEAF_BYTES];
    struct digest hash;
    uint8_t box[32];
};

static void read_stored(struct checked *checked, uint64_t index, struct stored *stored)
{
    struct error err;
    struct audit_log *log = NULL;
    struct audit_record record;
    uint64_t size = 0;
    assert_ok(audit_log_create(checked->fixture.journal, &log, &err));
    assert_ok(audit_log_begin(log, &size, &err));
    assert_ok(audit_log_record(log, index, &record, &err));
    memcpy(stored->leaf, record.leaf.data, AUDIT_LEAF_BYTES);
    memcpy(stored->box, record.box.data, sizeof(stored->box));
    stored->hash = record.leaf_hash;
    audit_log_destroy(&log);
}

TEST(a_flipped_bit_in_a_leaf_names_its_entry)
{
    struct checked checked;
    checked_begin(&checked);
    link_keys(&checked);
    static const uint64_t indices[] = { 0, 255, 256, 500, 650 };
    for (size_t i = 0; i < 5; i++) {
        struct stored stored;
        read_stored(&checked, indices[i], &stored);
        flip(&checked, bytes_of(stored.leaf, AUDIT_LEAF_BYTES), 20, 4);
        check(&checked, true);
        assert_int_equal(checked.heard.count[AUDIT_FAULT_BODY], 1);
        assert_int_equal(checked.heard.last[AUDIT_FAULT_BODY].index, indices[i]);
        check(&checked, false);
        assert_int_equal(checked.result.findings, 1);
        if (indices[i] < 512) {
            assert_int_equal(checked.heard.last[AUDIT_FAULT_TILE].index, indices[i]);
        } else { // behind the last full tile only a checkpoint tells
            const struct audit_finding *finding = &checked.heard.last[AUDIT_FAULT_CHECKPOINT];
            assert_int_equal(finding->index, 600);
            assert_int_equal(finding->count, 100);
        }
        stored.leaf[20] ^= 4;
        flip(&checked, bytes_of(stored.leaf, AUDIT_LEAF_BYTES), 20, 4);
        check(&checked, true);
        assert_int_equal(checked.result.findings, 0);
    }
    checked_end(&checked);
}

TEST(a_flipped_bit_in_a_body_names_its_entry)
{
    struct checked checked;
    struct stored stored;
    checked_begin(&checked);
    link_keys(&checked);
    read_stored(&checked, 123, &stored);
    flip(&checked, bytes_of(stored.box, sizeof(stored.box)), 9, 1);
    check(&checked, true);
    assert_int_equal(checked.result.findings, 1);
    assert_int_equal(checked.heard.last[AUDIT_FAULT_BODY].index, 123);
    check(&checked, false);
    assert_int_equal(checked.result.findings, 0);
    checked_end(&checked);
}

TEST(a_flipped_bit_in_a_tile_names_its_entry)
{
    struct checked checked;
    struct stored stored;
    checked_begin(&checked);
    read_stored(&checked, 77, &stored);
    flip(&checked, bytes_digest(&stored.hash), 0, 0x80);
    check(&checked, false);
    assert_int_equal(checked.result.findings, 1);
    assert_int_equal(checked.heard.last[AUDIT_FAULT_TILE].index, 77);
    checked_end(&checked);
}

TEST(a_flipped_bit_in_a_published_checkpoint_is_found)
{
    struct error err;
    struct checked checked;
    char path[192];
    checked_begin(&checked);
    flip(&checked, bytes_text(ORIGIN "\n300\n"), sizeof(ORIGIN) + 10, 1);
    check(&checked, false);
    assert_int_equal(checked.result.findings, 1);
    assert_int_equal(checked.heard.count[AUDIT_FAULT_CHECKPOINT], 1);
    flip(&checked, bytes_text(ORIGIN "\n300\n"), sizeof(ORIGIN) + 10, 1);
    check(&checked, false);
    assert_int_equal(checked.result.findings, 0);

    struct buffer file = buffer_init(4096);
    snprintf(path, sizeof(path), "%s/log.published", checked.fixture.home);
    assert_ok(file_read(path, 4096, &file, &err));
    file.data[30] ^= 1;
    assert_ok(file_replace(path, buffer_view(&file), 0600, &err));
    check(&checked, false);
    assert_int_equal(checked.heard.count[AUDIT_FAULT_CHECKPOINT], 1);
    buffer_fini(&file);
    checked_end(&checked);
}

TEST(a_log_shorter_than_its_published_checkpoint_is_found)
{
    struct error err;
    struct checked checked;
    struct buffer note = buffer_init(4096);
    char path[192];
    checked_begin(&checked);
    fixture_close(&checked.fixture);
    struct proof_checkpoint point = { .origin = ORIGIN, .size = 900 };
    proof_checkpoint_sign(&point, &checked.fixture.key, checked.fixture.signer, &note);
    snprintf(path, sizeof(path), "%s/log.published", checked.fixture.home);
    assert_ok(file_replace(path, buffer_view(&note), 0600, &err));
    check(&checked, false);
    assert_int_equal(checked.result.findings, 1);
    assert_int_equal(checked.heard.last[AUDIT_FAULT_SHORT].index, SIZE);
    assert_int_equal(checked.heard.last[AUDIT_FAULT_SHORT].count, 200);
    buffer_fini(&note);
    checked_end(&checked);
}

TEST(a_file_cut_anywhere_is_found_and_nothing_crashes)
{
    struct error err;
    struct checked checked;
    char path[192];
    struct buffer data = buffer_init((size_t)1 << 26);
    checked_begin(&checked);
    fixture_close(&checked.fixture);
    data_path(&checked, path);
    assert_ok(file_read(path, (size_t)1 << 26, &data, &err));
    for (size_t part = 0; part < 8; part++) {
        assert_int_equal(truncate(path, (off_t)(data.size * part / 8)), 0);
        enum status status = check_try(&checked, false, &err);
        assert_true(status == ST_NOT_FOUND || status == ST_IO ||
                    (status == ST_OK && checked.result.findings > 0));
        assert_ok(file_replace(path, buffer_view(&data), 0600, &err));
    }
    check(&checked, false);
    assert_int_equal(checked.result.findings, 0);
    buffer_fini(&data);
    checked_end(&checked);
}

TEST(a_page_of_noise_anywhere_never_crashes_the_checker)
{
    struct error err;
    struct checked checked;
    char path[192];
    struct buffer data = buffer_init((size_t)1 << 26);
    checked_begin(&checked);
    link_keys(&checked);
    fixture_close(&checked.fixture);
    data_path(&checked, path);
    assert_ok(file_read(path, (size_t)1 << 26, &data, &err));
    size_t pages = data.size / 4096;
    unsigned told = 0;
    for (size_t page = 0; page < pages; page += 1 + pages / 40) {
        uint8_t noise[4096];
        uint64_t random = page * 77 + 1;
        for (size_t i = 0; i < sizeof(noise); i++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            noise[i] = (uint8_t)(random >> 50);
        }
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, noise, sizeof(noise), (off_t)(page * 4096)), 4096);
        enum status status = check_try(&checked, true, &err);
        told += status != ST_OK || checked.result.findings > 0;
        assert_int_equal(pwrite(fd, data.data + page * 4096, 4096, (off_t)(page * 4096)), 4096);
        close(fd);
    }
    assert_true(told > 5); // the other pages are free ones
    check(&checked, true);
    assert_int_equal(checked.result.findings, 0);
    buffer_fini(&data);
    checked_end(&checked);
}

// The environment as an administrator with an editor would have it.
static struct store_txn *begin_tampering(const struct checked *checked, struct store **store)
{
    struct error err;
    char path[192];
    struct store_txn *txn = NULL;
    snprintf(path, sizeof(path), "%s/log", checked->fixture.home);
    struct store_options options = { .path = path,
                                     .map_bytes = (size_t)1 << 30,
                                     .names = audit_journal_tables,
                                     .count = AUDIT_JOURNAL_TABLES };
    assert_ok(store_open(&options, store, &err));
    assert_ok(store_begin_write(*store, &txn, &err));
    return txn;
}

TEST(entries_taken_out_are_counted)
{
    struct error err;
    struct checked checked;
    struct store *store = NULL;
    checked_begin(&checked);
    fixture_close(&checked.fixture);
    struct store_txn *txn = begin_tampering(&checked, &store);
    for (uint64_t index = 100; index < 105; index++) {
        struct audit_key key = audit_key_u64(index);
        assert_ok(store_remove(txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key), &err));
    }
    struct audit_key tile = audit_key_tile(0, 1);
    assert_ok(store_remove(txn, AUDIT_JOURNAL_TILE, audit_key_view(&tile), &err));
    tile = audit_key_tile(0, 2);
    uint8_t hashes[AUDIT_TILE_BYTES] = { 0 };
    assert_ok(store_put(txn, AUDIT_JOURNAL_TILE, audit_key_view(&tile),
                        bytes_of(hashes, sizeof(hashes)), &err));
    assert_ok(store_commit(&txn, &err));
    store_close(&store);
    check(&checked, false);
    assert_int_equal(checked.heard.count[AUDIT_FAULT_ENTRY], 1);
    assert_int_equal(checked.heard.last[AUDIT_FAULT_ENTRY].index, 100);
    assert_int_equal(checked.heard.last[AUDIT_FAULT_ENTRY].count, 5);
    // Five entries unlike their tile, one tile missing, one beyond the end.
    assert_int_equal(checked.heard.count[AUDIT_FAULT_TILE], 7);
    assert_int_equal(checked.result.size, SIZE);
    checked_end(&checked);
}

TEST(a_rewrite_that_fits_its_tiles_is_told_by_what_was_published)
{
    struct error err;
    struct checked checked;
    struct store *store = NULL;
    struct bytes value;
    uint8_t record[2048];
    uint8_t hashes[AUDIT_TILE_BYTES];
    checked_begin(&checked);
    fixture_close(&checked.fixture);
    struct store_txn *txn = begin_tampering(&checked, &store);
    struct audit_key key = audit_key_u64(40);
    struct audit_key tile = audit_key_tile(0, 0);
    assert_ok(store_get(txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key), &value, &err));
    size_t size = value.size;
    memcpy(record, value.data, size);
    record[20] ^= 1;
    struct digest hash = seal_leaf_hash(bytes_of(record + 1, AUDIT_LEAF_BYTES));
    assert_ok(store_get(txn, AUDIT_JOURNAL_TILE, audit_key_view(&tile), &value, &err));
    memcpy(hashes, value.data, sizeof(hashes));
    memcpy(hashes + 40 * sizeof(hash), hash.bytes, sizeof(hash));
    assert_ok(
        store_put(txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key), bytes_of(record, size), &err));
    assert_ok(store_put(txn, AUDIT_JOURNAL_TILE, audit_key_view(&tile),
                        bytes_of(hashes, sizeof(hashes)), &err));
    assert_ok(store_commit(&txn, &err));
    store_close(&store);
    check(&checked, false);
    assert_int_equal(checked.result.findings, 3); // the checkpoints of 300, 600 and 700
    assert_int_equal(checked.heard.count[AUDIT_FAULT_CHECKPOINT], 3);
    assert_int_equal(checked.heard.last[AUDIT_FAULT_CHECKPOINT].index, 0);
    assert_status(ST_UNPROVEN, fixture_try(&checked.fixture, &err)); // nor does it open
    checked_end(&checked);
}

// The entry that says that a month is forgotten.
static void append_forgotten(struct checked *checked, uint32_t month)
{
    struct made_entry made;
    struct wire_public_part order = {
        .format = 1, .kind = WIRE_KIND_CARRY_FORWARD, .month = month, .forgotten_to = SIZE
    };
    make_entry(&made, WIRE_CLASS_GOVERNANCE, NOVEMBER, NULL, NULL, NULL, &order);
    append_made(&checked->fixture, NULL, &made);
}

TEST(a_lost_key_and_a_forgotten_one_are_told_apart)
{
    struct error err;
    struct checked checked;
    char path[192];
    checked_begin(&checked);
    link_keys(&checked);
    uint32_t month = audit_vault_key_id(WIRE_CLASS_EXCHANGE, NOVEMBER);
    fixture_close(&checked.fixture);
    snprintf(path, sizeof(path), "%s/body/%04u-%02u.key", checked.fixture.home,
             1970 + (month - 1) / 12, (month - 1) % 12 + 1);
    char away[192];
    snprintf(away, sizeof(away), "%s/away", checked.fixture.home);
    assert_int_equal(rename(path, away), 0);
    check(&checked, true);
    assert_int_equal(checked.result.findings, 1);
    assert_int_equal(checked.heard.last[AUDIT_FAULT_KEY].count, SIZE);
    assert_int_equal(rename(away, path), 0);
    fixture_open(&checked.fixture);
    assert_ok(audit_vault_forget(checked.fixture.vault, month, &err));
    check(&checked, true);
    assert_int_equal(checked.result.findings, 1); // nobody has said so
    assert_int_equal(checked.heard.last[AUDIT_FAULT_KEY].count, SIZE);
    assert_int_equal(checked.result.forgotten, SIZE);
    append_forgotten(&checked, month);
    check(&checked, true);
    assert_int_equal(checked.result.findings, 0);
    assert_int_equal(checked.result.forgotten, SIZE);
    checked_end(&checked);
}

TEST(a_key_that_is_there_although_its_month_was_forgotten_is_told)
{
    struct checked checked;
    checked_begin(&checked);
    link_keys(&checked);
    append_forgotten(&checked, audit_vault_key_id(WIRE_CLASS_EXCHANGE, NOVEMBER));
    check(&checked, true);
    assert_int_equal(checked.result.findings, 1);
    assert_int_equal(checked.heard.last[AUDIT_FAULT_KEY].count, SIZE);
    checked_end(&checked);
}

// The entry that brings a new body key, in an append of its own; entries behind it are under `use`.
static void append_key_change(struct checked *checked, uint32_t key_id, uint32_t use)
{
    struct made_entry made;
    const struct wire_key_change change = { .what = WIRE_KEY_OF_BODIES, .number = key_id };
    const struct wire_public_part part = { .format = 1,
                                           .kind = WIRE_KIND_KEY_CHANGE,
                                           .key_change = &change };
    make_entry(&made, WIRE_CLASS_GOVERNANCE, NOVEMBER, NULL, NULL, NULL, &part);
    audit_vault_plan(checked->fixture.vault, use, 0);
    append_made(&checked->fixture, NULL, &made);
}

TEST(a_body_under_another_key_than_the_one_in_use_is_told)
{
    struct error err;
    struct checked checked;
    uint32_t second = 0;
    uint32_t third = 0;
    checked_begin(&checked);
    link_keys(&checked);
    uint32_t month = audit_vault_key_id(WIRE_CLASS_EXCHANGE, NOVEMBER);
    assert_ok(audit_vault_renew(checked.fixture.vault, month, &second, &err));
    append_key_change(&checked, second, second);
    fixture_grow(&checked.fixture, SIZE + 3);
    check(&checked, true);
    assert_int_equal(checked.result.findings, 0);
    assert_int_equal(checked.result.bodies, SIZE + 3);
    assert_ok(audit_vault_renew(checked.fixture.vault, month, &third, &err));
    append_key_change(&checked, third, 0); // and goes on under the second
    fixture_grow(&checked.fixture, SIZE + 6);
    check(&checked, true);
    assert_int_equal(checked.result.findings, 2);
    assert_int_equal(checked.heard.last[AUDIT_FAULT_BODY].index, SIZE + 5);
    assert_non_null(strstr(checked.heard.last[AUDIT_FAULT_BODY].message, "2026-11-3 was in use"));
    checked_end(&checked);
}

TEST(any_key_of_a_forgotten_month_that_is_there_is_told)
{
    struct error err;
    struct checked checked;
    struct buffer kept = buffer_init(4096);
    char path[192];
    uint32_t second = 0;
    checked_begin(&checked);
    link_keys(&checked);
    uint32_t month = audit_vault_key_id(WIRE_CLASS_EXCHANGE, NOVEMBER);
    assert_ok(audit_vault_renew(checked.fixture.vault, month, &second, &err)); // never in use
    snprintf(path, sizeof(path), "%s/body/2026-11-2.key", checked.fixture.home);
    assert_ok(file_read(path, 4096, &kept, &err));
    append_forgotten(&checked, month);
    check(&checked, true);
    assert_int_equal(checked.heard.count[AUDIT_FAULT_KEY], 2);
    assert_ok(audit_vault_forget(checked.fixture.vault, month, &err));
    check(&checked, true);
    assert_int_equal(checked.result.findings, 0);
    assert_ok(file_replace(path, buffer_view(&kept), 0600, &err));
    check(&checked, true);
    assert_int_equal(checked.result.findings, 1);
    assert_non_null(strstr(checked.heard.last[AUDIT_FAULT_KEY].message, "2026-11-2"));
    buffer_fini(&kept);
    checked_end(&checked);
}

TEST(another_logs_key_proves_nothing)
{
    struct error err;
    struct checked checked;
    struct seal_signer *other = NULL;
    struct proof_key key;
    checked_begin(&checked);
    assert_ok(seal_signer_create(checked.fixture.master, &other, &err));
    assert_ok(proof_key_make(ORIGIN, PROOF_KEY_ED25519, seal_signer_key(other), &key, &err));
    buffer_clear(&checked.vkey);
    proof_key_format(&key, &checked.vkey);
    buffer_u8(&checked.vkey, 0);
    check(&checked, false);
    assert_true(checked.heard.count[AUDIT_FAULT_CHECKPOINT] >= 3);
    assert_int_equal(checked.heard.count[AUDIT_FAULT_STORE], 1);
    buffer_clear(&checked.vkey);
    buffer_text(&checked.vkey, "not a vkey");
    buffer_u8(&checked.vkey, 0);
    assert_status(ST_MALFORMED, check_try(&checked, false, &err));
    seal_signer_destroy(&other);
    checked_end(&checked);
}

TEST(a_home_without_a_log_cannot_be_checked)
{
    struct error err;
    struct checked checked;
    checked_begin(&checked);
    snprintf(checked.fixture.home + strlen(checked.fixture.home), 8, "/none");
    assert_status(ST_NOT_FOUND, check_try(&checked, false, &err));
    checked_end(&checked);
}
