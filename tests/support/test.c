// The test program's main(): runs what TEST() registered, and owns the scratch directory.
#include "test.h"

#include "fault.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TESTS_MAX = 512 };
static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;
static char directory[64];

void test_register(const char *name, test_function function)
{
    if (test_count == TESTS_MAX) {
        abort();
    }
    tests[test_count++] = (struct CMUnitTest){ .name = name, .test_func = function };
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_directory(void)
{
    if (directory[0] != '\0') {
        nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        directory[0] = '\0';
    }
}

const char *test_directory(void)
{
    remove_directory();
    snprintf(directory, sizeof directory, "/tmp/vedomo-test-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        fail_msg("mkdtemp failed");
    }
    return directory;
}

int main(void)
{
    fault_disarm();
    int failed = _cmocka_run_group_tests("tests", tests, test_count, NULL, NULL);
    remove_directory();
    return failed == 0 ? 0 : 1;
}
