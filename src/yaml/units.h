// Numbers with units as people write them.
#pragma once

#include "base/buffer.h"

// "250 ms", "5 s", "10 min", "2 h", "30 d"; at most 10,000 days. False: none of these.
bool yaml_duration_parse(const char *text, int64_t *ms);

// "512 B", "64 KB", "16 MB", "2 GB", "1 TB" (of 1024); at most 1024 TB.
bool yaml_size_parse(const char *text, uint64_t *bytes);

// The largest unit that holds it whole: "90 min", "64 KB".
void yaml_duration_format(int64_t ms, struct buffer *out);
void yaml_size_format(uint64_t bytes, struct buffer *out);
