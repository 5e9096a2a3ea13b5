// The compiler extensions that this project uses, by name.
#pragma once

#define NODISCARD          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a)  __attribute__((format(printf, f, a)))
#define PUBLIC_API         __attribute__((visibility("default")))
#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))
