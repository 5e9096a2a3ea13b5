// A folder laid out as a broker's home, without a broker.
#include "bench_log_home.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/facet.h"
#include "base/clock.h"
#include "base/file.h"
#include "proof/note.h"

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static enum status make_key(struct bench_log_home *home, enum seal_role role, const char *node,
                            const char *file, struct seal_identity *identity, struct error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%.4000s/keys/%s", home->path, file);
    enum status status = seal_identity_create(role, "", node, identity, err);
    return status == ST_OK ? seal_keyfile_create(path, identity, err) : status;
}

static enum status make_vkey(struct bench_log_home *home, struct error *err)
{
    struct proof_key key;
    struct buffer text = buffer_init(sizeof(home->vkey) - 1);
    enum status status =
        proof_key_make(home->origin, PROOF_KEY_ED25519, &home->log.sign_key, &key, err);
    if (status == ST_OK) {
        proof_key_format(&key, &text);
        status = buffer_ok(&text, "vkey", err);
    }
    if (status == ST_OK) {
        memcpy(home->vkey, text.data, text.size);
    }
    buffer_fini(&text);
    return status;
}

enum status bench_log_home_create(const char *folder, struct bench_log_home *home,
                                  struct error *err)
{
    char keys[PATH_MAX];
    *home = (struct bench_log_home){ 0 };
    snprintf(home->origin, sizeof(home->origin), "bench.example/log");
    enum status status =
        bench_folder_create(folder, "vedomo-bench-log", home->path, &home->folder, err);
    if (status == ST_OK) {
        snprintf(keys, sizeof(keys), "%.4000s/keys", home->path);
        status = file_make_folder(keys, 0700, err);
    }
    if (status == ST_OK) {
        status = make_key(home, SEAL_ROLE_LOG, home->origin, "log.key", &home->log, err);
    }
    if (status == ST_OK) {
        status = make_key(home, SEAL_ROLE_MASTER, "", "master.key", &home->master, err);
    }
    return status == ST_OK ? make_vkey(home, err) : status;
}

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_monotonic_ns() - start_ns) / 1e9;
}

enum status bench_log_home_open(struct bench_log_home *home, bool views,
                                void (*progress)(uint64_t done, uint64_t total, void *context),
                                struct bench_log_opened *opened, struct error *err)
{
    char folder[PATH_MAX];
    struct bench_log_opened found = { 0 };
    struct audit_views_opened state = { 0 };
    snprintf(folder, sizeof(folder), "%.4000s/" AUDIT_VAULT_FOLDER, home->path);
    enum status status = audit_vault_open(folder, home->master.secrets[0], &home->vault, err);
    int64_t start = clock_monotonic_ns();
    if (status == ST_OK) {
        struct audit_journal_options options = { .home = home->path,
                                                 .origin = home->origin,
                                                 .signer = home->log.signer,
                                                 .vault = home->vault,
                                                 .create = true };
        status = audit_journal_open(&options, &home->journal, err);
    }
    found.journal_s = seconds_since(start);
    start = clock_monotonic_ns();
    if (status == ST_OK && views) {
        struct audit_views_options options = { .home = home->path,
                                               .origin = home->origin,
                                               .journal = home->journal,
                                               .progress = progress };
        status = audit_search_key(home->master.secrets[0], options.search_key, err);
        if (status == ST_OK) {
            status = audit_views_open(&options, &home->views, &state, err);
        }
    }
    found.views_s = seconds_since(start);
    if (status != ST_OK) {
        bench_log_home_close(home);
        return status;
    }
    found.rebuilt = state.rebuilt;
    found.tail = audit_journal_size(home->journal) - state.stored;
    *opened = found;
    return ST_OK;
}

void bench_log_home_close(struct bench_log_home *home)
{
    audit_views_close(&home->views);
    audit_journal_close(&home->journal);
    audit_vault_close(&home->vault);
}

void bench_log_home_destroy(struct bench_log_home *home, bool keep)
{
    bench_log_home_close(home);
    seal_identity_fini(&home->log);
    seal_identity_fini(&home->master);
    bench_folder_destroy(&home->folder, keep);
}

static void data_path(const struct bench_log_home *home, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%.4000s/%.16s/data.mdb", home->path, name);
}

enum status bench_log_home_drop(const struct bench_log_home *home, struct error *err)
{
    static const char *const names[] = { "log", "views" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char path[PATH_MAX];
        data_path(home, names[i], path);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            return error_errno(err, ST_IO, "%s", path);
        }
        int code = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
        if (code != 0) {
            return error_set(err, ST_IO, "%s: the system does not forget it", path);
        }
    }
    return ST_OK;
}

enum status bench_log_home_warm(const struct bench_log_home *home, struct error *err)
{
    enum { PIECE = 1 << 20 };
    char path[PATH_MAX];
    data_path(home, "views", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *piece = malloc(PIECE);
    ssize_t got = fd < 0 || piece == NULL ? -1 : 1;
    while (got > 0) {
        got = read(fd, piece, PIECE);
    }
    enum status status = got < 0 ? error_errno(err, ST_IO, "%s", path) : ST_OK;
    free(piece);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

uint64_t bench_log_home_bytes(const struct bench_log_home *home, const char *name)
{
    char path[PATH_MAX];
    struct stat info;
    data_path(home, name, path);
    return stat(path, &info) == 0 ? (uint64_t)info.st_blocks * 512 : 0;
}

void bench_log_home_forget_views(const struct bench_log_home *home)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%.4000s/views", home->path);
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
