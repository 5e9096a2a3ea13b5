// A benchmark's fresh folder. A process of its own removes it once everybody who works in it has
// ended, in whatever way: the benchmark, and the programs that it has started there. So it goes
// after the broker, and goes when the benchmark is killed, too.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct bench_folder {
    int end;     // a pipe's: open in everybody who works in the folder
    pid_t pid;   // who waits for the last of them; 0: nobody, and there is no folder
    pid_t owner; // the benchmark
};

// Makes the folder PARENT/PREFIX-XXXXXX, which is `path` then.
NODISCARD enum status bench_folder_create(const char *parent, const char *prefix,
                                          char path[PATH_MAX], struct bench_folder *folder,
                                          struct error *err);

// In a child, before exec(): it works in the folder, and is sent SIGTERM when the benchmark ends.
void bench_folder_enter(const struct bench_folder *folder);

// Removes the folder unless `keep`; those who were started in it have ended. Does nothing where
// there is none.
void bench_folder_destroy(struct bench_folder *folder, bool keep);
