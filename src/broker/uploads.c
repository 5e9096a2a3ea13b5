// Uploads in a handful of places.
#include "broker/uploads.h"

#include "catalogue/catalogue.h"
#include "seal/hash.h"

#include <stdlib.h>

enum { PLACES = 4 };

struct upload {
    struct digest hash;
    uint64_t total; // 0: free
    struct buffer bytes;
};

struct uploads {
    struct upload places[PLACES];
    size_t next; // to give way
};

enum status uploads_create(struct uploads **uploads, struct error *err)
{
    *uploads = calloc(1, sizeof(**uploads));
    return *uploads == NULL ? error_set(err, ST_NOMEM, "uploads: no memory") : ST_OK;
}

void uploads_destroy(struct uploads **uploads)
{
    for (size_t i = 0; *uploads != NULL && i < PLACES; i++) {
        buffer_fini(&(*uploads)->places[i].bytes);
    }
    free(*uploads);
    *uploads = NULL;
}

static struct upload *find(const struct uploads *uploads, const struct digest *hash)
{
    for (size_t i = 0; i < PLACES; i++) {
        const struct upload *upload = &uploads->places[i];
        if (upload->total > 0 && digest_equal(&upload->hash, hash)) {
            return (struct upload *)upload;
        }
    }
    return NULL;
}

static void clear(struct upload *upload)
{
    buffer_fini(&upload->bytes);
    upload->total = 0;
}

enum status uploads_add(struct uploads *uploads, const struct digest *hash, uint64_t total,
                        uint64_t offset, struct bytes piece, struct error *err)
{
    struct upload *upload = find(uploads, hash);
    if (offset == 0) {
        if (upload == NULL) {
            upload = &uploads->places[uploads->next];
            uploads->next = (uploads->next + 1) % PLACES;
        }
        clear(upload);
        *upload =
            (struct upload){ .hash = *hash, .total = total, .bytes = buffer_init((size_t)total) };
    }
    if (upload == NULL || upload->total != total || upload->bytes.size != offset ||
        piece.size == 0 || piece.size > total - offset || total > CATALOGUE_BLOB_MAX) {
        return error_set(err, ST_MALFORMED, "chunk: not the next piece of that whole");
    }
    buffer_bytes(&upload->bytes, piece);
    enum status status = buffer_ok(&upload->bytes, "chunk", err);
    if (status == ST_OK && upload->bytes.size == total) {
        struct digest whole = seal_sha256(buffer_view(&upload->bytes));
        if (!digest_equal(&whole, hash)) {
            clear(upload);
            status = error_set(err, ST_MALFORMED, "chunk: the whole has another hash");
        }
    }
    return status;
}

struct bytes uploads_find(const struct uploads *uploads, const struct digest *hash)
{
    const struct upload *upload = find(uploads, hash);
    return upload == NULL || upload->bytes.size != upload->total ? (struct bytes){ 0 }
                                                                 : buffer_view(&upload->bytes);
}

void uploads_drop(struct uploads *uploads, const struct digest *hash)
{
    struct upload *upload = find(uploads, hash);
    if (upload != NULL) {
        clear(upload);
    }
}
