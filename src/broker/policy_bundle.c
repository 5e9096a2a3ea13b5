// Policy bundles in memory and on disk.
#include "broker/policy_bundle.h"

#include "base/file.h"
#include "base/text.h"
#include "seal/hash.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static enum status not_signed(struct error *err)
{
    return error_set(err, ST_UNPROVEN, "policy bundle: its files are not those that were signed");
}

enum status policy_bundle_take(struct bytes signed_head, struct bytes blob, struct bytes origin,
                               const struct registry_pins *pins, struct policy_bundle **bundle,
                               struct error *err)
{
    struct policy_bundle *b = calloc(1, sizeof(*b));
    uint8_t *copy = malloc(signed_head.size + 1);
    uint8_t *files = malloc(blob.size + 1);
    if (b == NULL || copy == NULL || files == NULL) {
        free(b);
        free(copy);
        free(files);
        return error_set(err, ST_NOMEM, "policy bundle: no memory");
    }
    memcpy(copy, signed_head.data, signed_head.size);
    memcpy(files, blob.data, blob.size);
    b->blob = files;
    b->signed_head = copy;
    b->signed_size = signed_head.size;
    enum status status = registry_bundle_head_verify(signed_head, origin, pins, &b->head, err);
    if (status == ST_OK && blob.size != b->head.size) {
        status = not_signed(err);
    }
    if (status != ST_OK) {
        policy_bundle_destroy(&b);
        return status;
    }
    *bundle = b;
    return ST_OK;
}

enum status policy_bundle_load(struct policy_bundle *bundle, struct error *err)
{
    struct bytes blob = bytes_of(bundle->blob, (size_t)bundle->head.size);
    struct digest hash = seal_sha256(blob);
    return digest_equal(&hash, &bundle->head.hash)
               ? catalogue_load(blob, &hash, &bundle->catalogue, err)
               : not_signed(err);
}

enum status policy_bundle_create(struct bytes signed_head, struct bytes blob, struct bytes origin,
                                 const struct registry_pins *pins, struct policy_bundle **bundle,
                                 struct error *err)
{
    struct policy_bundle *made = NULL;
    enum status status = policy_bundle_take(signed_head, blob, origin, pins, &made, err);
    if (status == ST_OK) {
        status = policy_bundle_load(made, err);
    }
    if (status != ST_OK) {
        policy_bundle_destroy(&made);
        return status;
    }
    *bundle = made;
    return ST_OK;
}

void policy_bundle_destroy(struct policy_bundle **bundle)
{
    if (*bundle != NULL) {
        catalogue_destroy(&(*bundle)->catalogue);
        free((*bundle)->signed_head);
        free((*bundle)->blob);
        free(*bundle);
        *bundle = NULL;
    }
}

void policy_bundle_free(void *bundle)
{
    struct policy_bundle *b = bundle;
    policy_bundle_destroy(&b);
}

static void bundle_path(const char *folder, const struct digest *hash, char path[PATH_MAX])
{
    char hex[2 * DIGEST_BYTES + 1];
    text_hex_encode(bytes_digest(hash), hex);
    snprintf(path, PATH_MAX, "%s/%s.bundle", folder, hex);
}

enum status policy_bundle_keep(const char *folder, const struct digest *hash, struct bytes blob,
                               struct error *err)
{
    char path[PATH_MAX];
    bundle_path(folder, hash, path);
    return file_replace(path, blob, 0600, err);
}

enum status policy_bundle_read(const char *folder, const struct digest *hash, struct buffer *blob,
                               struct error *err)
{
    char path[PATH_MAX];
    bundle_path(folder, hash, path);
    enum status status = file_read(path, CATALOGUE_BLOB_MAX, blob, err);
    if (status != ST_OK) {
        return status;
    }
    struct digest found = seal_sha256(buffer_view(blob));
    if (!digest_equal(&found, hash)) {
        return error_set(err, ST_CORRUPT, "policy bundle %s: the file was changed", path);
    }
    return ST_OK;
}
