// The policy bundle of a benchmark's federation.
#pragma once

#include "base/buffer.h"
#include "bench_home.h"

// Appends it as YAML. `agreements`: beyond those that are used.
void bench_bundle_write(struct buffer *yaml, const struct bench_home *home, size_t agreements);
