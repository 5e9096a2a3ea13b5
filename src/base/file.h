// Small files: read whole, written whole and durably.
#pragma once

#include "base/buffer.h"

#include <sys/types.h>

// FOLDER/NAME. ST_USAGE: there is no room for it.
NODISCARD enum status file_join(char *path, size_t room, const char *folder, const char *name,
                                struct error *err);

// Appends the file's content to `out`; ST_MALFORMED when it is larger than `max_bytes`.
NODISCARD enum status file_read(const char *path, size_t max_bytes, struct buffer *out,
                                struct error *err);

// As file_read() from an open descriptor, until its end.
NODISCARD enum status file_read_fd(int fd, const char *name, size_t max_bytes, struct buffer *out,
                                   struct error *err);

// Makes a new file; ST_EXISTS when there is one. Durable when it returns.
NODISCARD enum status file_create(const char *path, struct bytes content, mode_t mode,
                                  struct error *err);

// Writes beside the path, syncs, renames over it, syncs the folder.
NODISCARD enum status file_replace(const char *path, struct bytes content, mode_t mode,
                                   struct error *err);

// Moves a file within a file system over whatever has the name `to`, and syncs that folder.
NODISCARD enum status file_move(const char *from, const char *to, struct error *err);

// Two files or folders of one folder change names in one step; durable when it returns.
// ST_UNSUPPORTED: this file system cannot do that; nothing was changed.
NODISCARD enum status file_exchange(const char *one, const char *other, struct error *err);

// ---- secrets: what a file held is overwritten in its place on the disk before it is given up

// Zeroes what the file holds; durable when it returns. A symbolic link is refused. ST_NOT_FOUND.
NODISCARD enum status file_overwrite(const char *path, struct error *err);

// Overwrites a file and removes it; of a symbolic link only the link goes. ST_NOT_FOUND.
NODISCARD enum status file_erase(const char *path, struct error *err);

// As file_replace(); then overwrites what had the name before. The new content is durable under its
// name before the old one is touched. Meanwhile there are PATH.new and PATH.old: a process that
// ends in between leaves them, for file_renew_finish() or the next call to erase. That is harmless
// where nothing was left.
NODISCARD enum status file_renew(const char *path, struct bytes content, mode_t mode,
                                 struct error *err);
NODISCARD enum status file_renew_finish(const char *path, struct error *err);

// ---- folders

// Calls `visit` with the name of each entry of the folder but "." and "..", in no order, until it
// says false. ST_NOT_FOUND: there is no such folder.
typedef bool (*file_visit)(const char *name, void *context);
NODISCARD enum status file_each(const char *folder, file_visit visit, void *context,
                                struct error *err);

// Makes a folder; one that is there already is fine.
NODISCARD enum status file_make_folder(const char *path, mode_t mode, struct error *err);

bool file_exists(const char *path);

// What a call that takes room on the disk has failed with: ST_FULL where disk, quota or the bound
// on a file's size leave none, else ST_IO. `number`: its errno.
enum status file_no_room(int number);
