// Codes and sessions: two maps by SHA-256 of the secret.
#include "broker/sessions.h"

#include "base/map.h"
#include "seal/hash.h"
#include "seal/random.h"

#include <stdlib.h>

struct session {
    struct digest hash; // of code or handle: the key in the map
    struct digest peer_key;
    struct audit_tag tag;
    int64_t expires_ms;
};

struct sessions {
    struct map *codes;
    struct map *open;
    int64_t code_ms;
    int64_t session_ms;
};

enum status sessions_create(int64_t code_ms, int64_t session_ms, struct sessions **sessions,
                            struct error *err)
{
    struct sessions *s = calloc(1, sizeof(*s));
    if (s != NULL) {
        s->codes = map_create();
        s->open = map_create();
        s->code_ms = code_ms;
        s->session_ms = session_ms;
    }
    if (s == NULL || s->codes == NULL || s->open == NULL) {
        sessions_destroy(&s);
        return error_set(err, ST_NOMEM, "sessions: no memory");
    }
    *sessions = s;
    return ST_OK;
}

static void drop_all(struct map **map)
{
    size_t cursor = 0;
    struct bytes key;
    void *value;
    while (*map != NULL && map_next(*map, &cursor, &key, &value)) {
        free(value);
    }
    map_destroy(map);
}

void sessions_destroy(struct sessions **sessions)
{
    if (*sessions != NULL) {
        drop_all(&(*sessions)->codes);
        drop_all(&(*sessions)->open);
        free(*sessions);
        *sessions = NULL;
    }
}

static void drop(struct map *map, struct session *session)
{
    map_remove(map, bytes_digest(&session->hash));
    free(session);
}

static void drop_expired(struct map *map, int64_t now_ms)
{
    size_t cursor = 0;
    struct bytes key;
    void *value;
    while (map_next(map, &cursor, &key, &value)) {
        struct session *session = value;
        if (session->expires_ms <= now_ms) {
            drop(map, session);
        }
    }
}

static enum status add(struct map *map, const struct session *session, int64_t now_ms,
                       struct error *err)
{
    if (map_count(map) >= SESSIONS_MAX) {
        drop_expired(map, now_ms);
    }
    struct session *copy = map_count(map) >= SESSIONS_MAX ? NULL : malloc(sizeof(*copy));
    if (copy != NULL) {
        *copy = *session;
        if (map_put(map, bytes_digest(&copy->hash), copy)) {
            return ST_OK;
        }
        free(copy);
    }
    return error_set(err, ST_BUSY, "too many codes or sessions are open; try again later");
}

enum status sessions_make_code(struct sessions *sessions, const struct audit_tag *tag,
                               int64_t now_ms, struct id *code, int64_t *expires_ms,
                               struct error *err)
{
    struct id fresh;
    seal_random(fresh.bytes, ID_BYTES);
    struct session session = { .hash = seal_sha256(bytes_id(&fresh)),
                               .tag = *tag,
                               .expires_ms = now_ms + sessions->code_ms };
    enum status status = add(sessions->codes, &session, now_ms, err);
    if (status == ST_OK) {
        *code = fresh;
        *expires_ms = session.expires_ms;
    }
    return status;
}

enum status sessions_open(struct sessions *sessions, const struct id *code,
                          const struct digest *peer_key, int64_t now_ms, struct digest *handle,
                          struct audit_tag *tag, int64_t *expires_ms, struct error *err)
{
    struct digest hash = seal_sha256(bytes_id(code));
    struct session *found = map_get(sessions->codes, bytes_digest(&hash));
    if (found == NULL || found->expires_ms <= now_ms) {
        return error_set(err, ST_DENIED,
                         "this code is not good (any more): a code works once, for a few minutes; "
                         "ask for a new one");
    }
    struct digest fresh;
    seal_random(fresh.bytes, DIGEST_BYTES);
    struct session session = { .hash = seal_sha256(bytes_digest(&fresh)),
                               .peer_key = *peer_key,
                               .tag = found->tag,
                               .expires_ms = now_ms + sessions->session_ms };
    drop(sessions->codes, found);
    enum status status = add(sessions->open, &session, now_ms, err);
    if (status == ST_OK) {
        *handle = fresh;
        *tag = session.tag;
        *expires_ms = session.expires_ms;
    }
    return status;
}

enum status sessions_find(struct sessions *sessions, const struct digest *handle,
                          const struct digest *peer_key, int64_t now_ms, struct audit_tag *tag,
                          struct error *err)
{
    struct digest hash = seal_sha256(bytes_digest(handle));
    struct session *found = map_get(sessions->open, bytes_digest(&hash));
    if (found == NULL || found->expires_ms <= now_ms || !digest_equal(&found->peer_key, peer_key)) {
        return error_set(err, ST_DENIED,
                         "the citizen's session is over; open a new one with a new code");
    }
    found->expires_ms = now_ms + sessions->session_ms;
    *tag = found->tag;
    return ST_OK;
}

void sessions_close(struct sessions *sessions, const struct digest *handle)
{
    struct digest hash = seal_sha256(bytes_digest(handle));
    struct session *found = map_get(sessions->open, bytes_digest(&hash));
    if (found != NULL) {
        drop(sessions->open, found);
    }
}
