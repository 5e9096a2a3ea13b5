// TEST(name) { ... }: a cmocka test that registers itself. The name is a sentence that can be
// false. A file of tests needs no main(); it may define test_fixture_{setup,teardown} by hand.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

typedef void (*test_function)(void **);

void test_register(const char *name, test_function function);

#define TEST(name)                                                                                 \
    static void name(void **state_);                                                               \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        test_register(#name, name);                                                                \
    }                                                                                              \
    static void name(__attribute__((unused)) void **state_)

// Fails with the error's message unless the call gives ST_OK. Needs a `struct error err` in scope.
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        enum status status_ = (call);                                                              \
        if (status_ != ST_OK) {                                                                    \
            fail_msg("%s: %s: %s", #call, status_name(status_), err.message);                      \
        }                                                                                          \
    } while (0)

// Fails unless the call gives the status `expected`.
#define assert_status(expected, call)                                                              \
    do {                                                                                           \
        enum status status_ = (call);                                                              \
        if (status_ != (expected)) {                                                               \
            fail_msg("%s: got %s, expected %s", #call, status_name(status_),                       \
                     status_name(expected));                                                       \
        }                                                                                          \
    } while (0)

// A fresh directory for the running test, removed when the program ends. Borrowed until then.
const char *test_directory(void);
