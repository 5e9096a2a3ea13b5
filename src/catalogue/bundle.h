// A policy bundle as bytes: its YAML files, sorted by name, one after another as
// u16 name length ‖ name ‖ u32 length ‖ bytes (big-endian). The policy keys sign the SHA-256 of it.
#pragma once

#include "base/buffer.h"
#include "base/error.h"

enum {
    CATALOGUE_BUNDLE_FILES_MAX = 256,
    CATALOGUE_BUNDLE_NAME_MAX = 64, // lower-case letters, digits, '-', ending in ".yaml"
};

struct catalogue_bundle_file {
    struct bytes name;
    struct bytes content;
};

// Appends every *.yaml file of the folder to `blob`; other files are left out. The result does not
// depend on the order in which the folder lists them.
NODISCARD enum status catalogue_bundle_pack(const char *folder, struct buffer *blob,
                                            struct error *err);

// Views of the files inside `blob`, in order; *count is at most CATALOGUE_BUNDLE_FILES_MAX. Refuses
// names out of order, twice, or of another alphabet, and bytes left over.
NODISCARD enum status catalogue_bundle_unpack(struct bytes blob,
                                              struct catalogue_bundle_file *files, size_t *count,
                                              struct error *err);

// docs/policy-files.md, whole: every key that a policy file may have.
void catalogue_markdown(struct buffer *out);
