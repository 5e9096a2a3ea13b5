// What a backup has beside the log: the broker's small files; and, in another place, its keys.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct backup_files_result {
    size_t written;   // files
    size_t kept;      // that were the same
    size_t destroyed; // keys that are forgotten by now
};

// Makes the folder, and refuses one that lies in HOME or around it, or where, above or directly
// below which the other kind of backup is kept: bodies and their keys never lie together.
NODISCARD enum status backup_files_place(const char *folder, const char *home, bool keys,
                                         struct error *err);

// Configuration, cards and policy bundles: from one home to another. Nothing secret.
NODISCARD enum status backup_files_copy(const char *from, const char *to,
                                        struct backup_files_result *result, struct error *err);

// The keys of `home`, into `folder` and its folder `body`. A key that has changed is overwritten
// before it is replaced; so is one that was forgotten, and the next master key that has become the
// master key since.
NODISCARD enum status backup_files_keys(const char *home, const char *folder,
                                        struct backup_files_result *result, struct error *err);

// ST_NOT_FOUND, in words: no backup of keys is kept there.
NODISCARD enum status backup_files_keys_are_in(const char *folder, struct error *err);

// And back. ST_EXISTS: HOME has keys.
NODISCARD enum status backup_files_keys_restore(const char *folder, const char *home,
                                                struct backup_files_result *result,
                                                struct error *err);
