// The two clocks. Deadlines are monotonic; what goes on record is wall-clock UTC.
#pragma once

#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_ns(void);
int64_t clock_wall_ms(void); // since 1970 UTC

// CPU time of the calling thread in nanoseconds.
int64_t clock_thread_cpu_ns(void);

enum { CLOCK_TEXT_BYTES = 25 };

// "2026-11-21T18:53:00.123Z" (RFC 3339, UTC).
void clock_format(int64_t wall_ms, char text[CLOCK_TEXT_BYTES]);
