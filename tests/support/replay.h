// What a fuzz target defines: tests/fuzz/fuzz_<what>.c, seeds in tests/fuzz/seeds/<what>/.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Feeds one input to the parser under test. Returns 0.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
