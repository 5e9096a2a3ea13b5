// Packing a folder of YAML files into one blob and taking it apart again. The blob is canonical:
// the same files give the same bytes, and only sorted, unique, well-named files are accepted, so
// that what is signed has one reading.
#include "catalogue/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/reader.h"
#include "catalogue/catalogue.h"

static bool name_valid(struct bytes name)
{
    static const char ending[] = ".yaml";
    size_t tail = sizeof(ending) - 1;
    if (name.size <= tail || name.size > CATALOGUE_BUNDLE_NAME_MAX ||
        memcmp(name.data + name.size - tail, ending, tail) != 0) {
        return false;
    }
    for (size_t i = 0; i < name.size - tail; i++) {
        uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The folder's file names that a bundle takes, sorted. The caller frees each and the list.
static enum status list_files(const char *folder, char **names, size_t *count, struct error *err)
{
    enum status status = ST_OK;
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        return error_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "policy folder '%s'",
                           folder);
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            if (errno != 0) {
                status = error_errno(err, ST_IO, "policy folder '%s'", folder);
            }
            break;
        }
        const char *dot = strrchr(entry->d_name, '.');
        if (entry->d_name[0] == '.' || dot == NULL || strcmp(dot, ".yaml") != 0) {
            continue;
        }
        if (!name_valid(bytes_text(entry->d_name))) {
            status =
                error_set(err, ST_MALFORMED,
                          "%s/%.80s: a policy file's name has lower-case letters, digits and '-'",
                          folder, entry->d_name);
            break;
        }
        if (*count == CATALOGUE_BUNDLE_FILES_MAX) {
            status = error_set(err, ST_MALFORMED, "%s: more than %d files", folder,
                               CATALOGUE_BUNDLE_FILES_MAX);
            break;
        }
        names[*count] = strdup(entry->d_name);
        if (names[*count] == NULL) {
            status = error_set(err, ST_NOMEM, "policy folder '%s'", folder);
            break;
        }
        (*count)++;
    }
    closedir(directory);
    qsort(names, *count, sizeof(*names), compare_names);
    return status;
}

static enum status pack_file(const char *folder, const char *name, struct buffer *blob,
                             struct error *err)
{
    char path[4096];
    struct buffer content = buffer_init(CATALOGUE_BLOB_MAX);
    int length = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: the path is too long", folder);
    }
    enum status status = file_read(path, CATALOGUE_BLOB_MAX, &content, err);
    if (status == ST_OK) {
        buffer_lp(blob, bytes_text(name));
        buffer_u32(blob, (uint32_t)content.size);
        buffer_bytes(blob, buffer_view(&content));
        status = buffer_ok(blob, "policy bundle", err);
    }
    buffer_fini(&content);
    return status;
}

enum status catalogue_bundle_pack(const char *folder, struct buffer *blob, struct error *err)
{
    char *names[CATALOGUE_BUNDLE_FILES_MAX];
    size_t count = 0;
    enum status status = list_files(folder, names, &count, err);
    if (status == ST_OK && count == 0) {
        status = error_set(err, ST_NOT_FOUND, "%s: no .yaml files", folder);
    }
    for (size_t i = 0; i < count; i++) {
        if (status == ST_OK) {
            status = pack_file(folder, names[i], blob, err);
        }
        free(names[i]);
    }
    return status;
}

enum status catalogue_bundle_unpack(struct bytes blob, struct catalogue_bundle_file *files,
                                    size_t *count, struct error *err)
{
    struct reader reader = reader_init(blob);
    size_t found = 0;
    if (blob.size > CATALOGUE_BLOB_MAX) {
        return error_set(err, ST_MALFORMED, "policy bundle: larger than %d bytes",
                         CATALOGUE_BLOB_MAX);
    }
    while (reader_ok(&reader) && reader.left != 0) {
        struct bytes name = reader_lp(&reader);
        struct bytes content = reader_bytes(&reader, reader_u32(&reader));
        if (!reader_ok(&reader)) {
            break;
        }
        if (found == CATALOGUE_BUNDLE_FILES_MAX) {
            reader_fail(&reader, "too many files");
        } else if (!name_valid(name)) {
            reader_fail(&reader, "a file's name is not of lower-case letters, digits and '-'");
        } else if (found > 0 && bytes_compare(files[found - 1].name, name) >= 0) {
            reader_fail(&reader, "files out of order, or one twice");
        } else {
            files[found++] = (struct catalogue_bundle_file){ .name = name, .content = content };
        }
    }
    if (!reader_finished(&reader)) {
        return error_set(err, ST_MALFORMED, "policy bundle: %s", reader_reason(&reader));
    }
    *count = found;
    return ST_OK;
}
