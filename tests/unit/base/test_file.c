// Small files: never larger than allowed, never overwritten by `create`, never half by `replace`.
#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"

static size_t entries(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    size_t count = 0;
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count - 2;
}

TEST(a_file_that_exists_is_not_created_again)
{
    struct error err;
    char path[128];
    const char *folder = test_directory();
    snprintf(path, sizeof(path), "%s/key", folder);
    assert_false(file_exists(path));
    assert_ok(file_create(path, bytes_text("first"), 0600, &err));
    assert_status(ST_EXISTS, file_create(path, bytes_text("second"), 0600, &err));
    struct buffer out = buffer_init(100);
    assert_ok(file_read(path, 100, &out, &err));
    assert_true(bytes_equal_text(buffer_view(&out), "first"));
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    buffer_fini(&out);
}

TEST(replacing_leaves_one_whole_file_and_nothing_beside_it)
{
    struct error err;
    char path[128];
    const char *folder = test_directory();
    snprintf(path, sizeof(path), "%s/state", folder);
    assert_ok(file_replace(path, bytes_text("a longer first content"), 0600, &err));
    assert_ok(file_replace(path, bytes_text("short"), 0600, &err));
    struct buffer out = buffer_init(100);
    assert_ok(file_read(path, 100, &out, &err));
    assert_true(bytes_equal_text(buffer_view(&out), "short"));
    assert_int_equal(entries(folder), 1);
    buffer_fini(&out);
    snprintf(path, sizeof(path), "%s/nowhere/state", folder);
    assert_status(ST_IO, file_replace(path, bytes_text("x"), 0600, &err));
}

TEST(what_the_disk_takes_only_in_part_is_lack_of_room_and_the_old_file_stays)
{
    struct error err;
    char path[128];
    struct rlimit limit;
    static const uint8_t large[10000];
    const char *folder = test_directory();
    snprintf(path, sizeof(path), "%s/state", folder);
    assert_ok(file_replace(path, bytes_text("old"), 0600, &err));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t bound = limit.rlim_cur;
    limit.rlim_cur = 5000; // the first write is cut short, the next one is refused
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum status status = file_replace(path, bytes_of(large, sizeof(large)), 0600, &err);
    limit.rlim_cur = bound;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_status(ST_FULL, status);
    struct buffer out = buffer_init(100);
    assert_ok(file_read(path, 100, &out, &err));
    assert_true(bytes_equal_text(buffer_view(&out), "old"));
    assert_int_equal(entries(folder), 1);
    buffer_fini(&out);
}

TEST(a_file_larger_than_allowed_is_refused_by_name)
{
    struct error err;
    char path[128];
    snprintf(path, sizeof(path), "%s/large", test_directory());
    static uint8_t zeros[10000];
    assert_ok(file_create(path, bytes_of(zeros, sizeof(zeros)), 0600, &err));
    struct buffer out = buffer_init(100000);
    assert_status(ST_MALFORMED, file_read(path, 9999, &out, &err));
    assert_non_null(strstr(err.message, "large"));
    buffer_clear(&out);
    assert_ok(file_read(path, 10000, &out, &err));
    assert_int_equal(out.size, 10000);
    buffer_fini(&out);
}

TEST(what_is_not_there_and_what_cannot_be_read_are_told_apart)
{
    struct error err;
    struct buffer out = buffer_init(100);
    const char *folder = test_directory();
    char path[128];
    snprintf(path, sizeof(path), "%s/none", folder);
    assert_status(ST_NOT_FOUND, file_read(path, 100, &out, &err));
    assert_status(ST_IO, file_read(folder, 100, &out, &err));
    buffer_fini(&out);
}

TEST(a_folder_that_is_there_is_fine_and_a_file_in_its_place_is_not)
{
    struct error err;
    char path[128];
    snprintf(path, sizeof(path), "%s/folder", test_directory());
    assert_ok(file_make_folder(path, 0700, &err));
    assert_ok(file_make_folder(path, 0700, &err));
    char file[160];
    snprintf(file, sizeof(file), "%s/file", path);
    assert_ok(file_create(file, bytes_text(""), 0600, &err));
    assert_status(ST_IO, file_make_folder(file, 0700, &err));
}
