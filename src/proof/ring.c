// Invariant: the keys have one name and are different; each but the newest has an end, and the ends
// never decrease, so that the keys that count at a time stand together at the end.
#include "proof/ring.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static const char first_line[] = "vedomo-log-keys 1\n";

enum status proof_ring_init(struct proof_ring *ring, const struct proof_key *key, struct error *err)
{
    if (key->type != PROOF_KEY_ED25519) {
        return error_set(err, ST_USAGE, "%s is a witness's key, not a log's", key->name);
    }
    memset(ring, 0, sizeof(*ring));
    ring->keys[0] = *key;
    ring->count = 1;
    return ST_OK;
}

enum status proof_ring_vkeys(struct bytes vkeys, struct proof_ring *ring, struct error *err)
{
    struct proof_ring read = { .count = 0 };
    enum status status = ST_OK;
    while (status == ST_OK && (vkeys.size > 0 || read.count == 0)) {
        const uint8_t *space = vkeys.size == 0 ? NULL : memchr(vkeys.data, ' ', vkeys.size);
        size_t length = space == NULL ? vkeys.size : (size_t)(space - vkeys.data);
        struct proof_key key;
        struct proof_ring one;
        status = proof_key_parse(bytes_of(vkeys.data, length), &key, err);
        if (status == ST_OK) {
            status = proof_ring_init(&one, &key, err); // not a witness's
        }
        if (status == ST_OK && read.count > 0) {
            status = strcmp(key.name, read.keys[0].name) != 0 || proof_ring_has(&read, &key.key) ||
                             read.count == PROOF_RING_MAX
                         ? error_set(err, ST_USAGE, "keys of one log, each once, at most %d",
                                     PROOF_RING_MAX)
                         : ST_OK;
        }
        if (status == ST_OK) {
            read.until_ms[read.count > 0 ? read.count - 1 : 0] = read.count > 0 ? INT64_MAX : 0;
            read.keys[read.count++] = key;
            vkeys =
                space == NULL ? (struct bytes){ 0 } : bytes_of(space + 1, vkeys.size - length - 1);
        }
    }
    if (status == ST_OK) {
        *ring = read;
    }
    return status;
}

const struct proof_key *proof_ring_newest(const struct proof_ring *ring)
{
    return &ring->keys[ring->count - 1];
}

static size_t find(const struct proof_ring *ring, const struct digest *key)
{
    size_t i = 0;
    while (i < ring->count && !digest_equal(&ring->keys[i].key, key)) {
        i++;
    }
    return i;
}

bool proof_ring_has(const struct proof_ring *ring, const struct digest *key)
{
    return find(ring, key) < ring->count;
}

enum status proof_ring_follow(struct proof_ring *ring, const struct digest *old_key,
                              const struct digest *new_key, uint64_t until_ms, struct error *err)
{
    const char *name = ring->keys[0].name;
    size_t old = find(ring, old_key);
    if (old == ring->count) {
        return error_set(err, ST_NOT_FOUND, "%s: a new key that follows an unknown one", name);
    }
    if (old + 1 < ring->count) {
        return digest_equal(&ring->keys[old + 1].key, new_key)
                   ? error_set(err, ST_EXISTS, "%s: this new key is known already", name)
                   : error_set(err, ST_UNPROVEN, "%s: two different keys follow the same one",
                               name);
    }
    if (proof_ring_has(ring, new_key)) {
        return error_set(err, ST_UNPROVEN, "%s: a key that was followed comes back", name);
    }
    if (ring->count == PROOF_RING_MAX) {
        return error_set(err, ST_FULL, "%s: more than %d keys one after another", name,
                         PROOF_RING_MAX);
    }
    // The ends never decrease: a key that was followed does not outlive the next one.
    uint64_t least = old == 0 ? 1 : ring->until_ms[old - 1];
    enum status status =
        proof_key_make(name, PROOF_KEY_ED25519, new_key, &ring->keys[ring->count], err);
    if (status == ST_OK) {
        ring->until_ms[old] = until_ms < least ? least : until_ms;
        ring->until_ms[ring->count++] = 0;
    }
    return status;
}

// How many of the keys, from the oldest on, no longer count.
static size_t over(const struct proof_ring *ring, uint64_t now_ms)
{
    size_t i = 0;
    while (now_ms != 0 && i + 1 < ring->count && ring->until_ms[i] <= now_ms) {
        i++;
    }
    return i;
}

enum status proof_ring_open(const struct proof_ring *ring, uint64_t now_ms, struct bytes note,
                            struct proof_checkpoint *checkpoint, struct error *err)
{
    size_t first = over(ring, now_ms);
    enum status status = proof_checkpoint_open_by(note, ring->keys + first, ring->count - first,
                                                  NULL, 0, NULL, checkpoint, err);
    struct proof_checkpoint ignored;
    struct error unsaid;
    if (status == ST_UNPROVEN && first > 0 &&
        proof_checkpoint_open_by(note, ring->keys, first, NULL, 0, NULL, &ignored, &unsaid) ==
            ST_OK) {
        char when[CLOCK_TEXT_BYTES];
        clock_format((int64_t)ring->until_ms[first - 1], when);
        return error_set(err, ST_UNPROVEN,
                         "checkpoint of %s: signed only by a key whose time was over on %s",
                         ring->keys[0].name, when);
    }
    return status;
}

void proof_ring_format(const struct proof_ring *ring, struct buffer *out)
{
    buffer_text(out, first_line);
    for (size_t i = 0; i < ring->count; i++) {
        proof_key_format(&ring->keys[i], out);
        buffer_format(out, " %ju\n", (uintmax_t)ring->until_ms[i]);
    }
}

// "<vkey> <until>".
static bool parse_line(struct bytes line, struct proof_ring *ring, uint64_t *until_ms)
{
    size_t space = line.size;
    while (space > 0 && line.data[space - 1] != ' ') {
        space--;
    }
    struct error ignored;
    struct proof_key *key = &ring->keys[ring->count];
    bool good = space > 1 &&
                proof_key_parse(bytes_of(line.data, space - 1), key, &ignored) == ST_OK &&
                text_u64_parse(bytes_of(line.data + space, line.size - space), INT64_MAX, until_ms);
    return good && key->type == PROOF_KEY_ED25519 && strcmp(key->name, ring->keys[0].name) == 0 &&
           !proof_ring_has(ring, &key->key);
}

enum status proof_ring_parse(struct bytes text, struct proof_ring *ring, struct error *err)
{
    static const size_t head = sizeof(first_line) - 1;
    struct proof_ring read = { .count = 0 };
    bool good = text.size > head && memcmp(text.data, first_line, head) == 0;
    struct bytes left = good ? bytes_of(text.data + head, text.size - head) : text;
    bool ended = false;
    while (good && left.size > 0) {
        const uint8_t *end = memchr(left.data, '\n', left.size);
        uint64_t until_ms = 0;
        size_t length = end == NULL ? 0 : (size_t)(end - left.data);
        good = end != NULL && !ended && read.count < PROOF_RING_MAX &&
               parse_line(bytes_of(left.data, length), &read, &until_ms) &&
               (until_ms == 0 || read.count == 0 || until_ms >= read.until_ms[read.count - 1]);
        if (good) {
            read.until_ms[read.count++] = until_ms;
            ended = until_ms == 0;
            left = bytes_of(end + 1, left.size - length - 1);
        }
    }
    if (!good || !ended) {
        return error_set(err, ST_CORRUPT, "not a list of a log's keys");
    }
    *ring = read;
    return ST_OK;
}
