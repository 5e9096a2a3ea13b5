// Names of tiles. A name is read leniently, written again and compared, so that only its one form
// passes.
#include "proof/tiles.h"

#include "base/text.h"
#include "seal/hash.h"

#include <stdio.h>

enum { GROUP = 1000, GROUPS_MAX = 7 };

void proof_tile_name(const struct proof_tile *tile, char name[PROOF_TILE_NAME_BYTES])
{
    unsigned groups[GROUPS_MAX];
    size_t count = 0;
    uint64_t rest = tile->number;
    do {
        groups[count++] = (unsigned)(rest % GROUP);
        rest /= GROUP;
    } while (rest > 0 && count < GROUPS_MAX);
    size_t at = 0;
    if (tile->entries) {
        at += (size_t)snprintf(name, PROOF_TILE_NAME_BYTES, "tile/entries");
    } else {
        at += (size_t)snprintf(name, PROOF_TILE_NAME_BYTES, "tile/%u", tile->level & 63);
    }
    for (size_t i = count; i > 0; i--) {
        at += (size_t)snprintf(name + at, PROOF_TILE_NAME_BYTES - at, "/%s%03u", i > 1 ? "x" : "",
                               groups[i - 1]);
    }
    if (tile->width < PROOF_TILE_HASHES) {
        (void)snprintf(name + at, PROOF_TILE_NAME_BYTES - at, ".p/%u", tile->width);
    }
}

// Moves *at behind `word` when it stands there.
static bool skip(const char **at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0) {
        return false;
    }
    *at += length;
    return true;
}

// Three digits behind what was read so far.
static bool read_group(const char **at, uint64_t *number)
{
    if (*number > UINT64_MAX / PROOF_TILE_HASHES / GROUP) {
        return false;
    }
    unsigned group = 0;
    for (size_t i = 0; i < 3; i++, (*at)++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        group = group * 10 + (unsigned)(**at - '0');
    }
    *number = *number * GROUP + group;
    return true;
}

static bool read_number(const char **at, uint64_t *number)
{
    *number = 0;
    while (skip(at, "x")) {
        if (!read_group(at, number) || !skip(at, "/")) {
            return false;
        }
    }
    return read_group(at, number) && *number <= UINT64_MAX / PROOF_TILE_HASHES;
}

bool proof_tile_parse(const char *name, struct proof_tile *tile)
{
    const char *at = name;
    char again[PROOF_TILE_NAME_BYTES];
    struct proof_tile read = { .width = PROOF_TILE_HASHES };
    uint64_t width = 0;
    if (!skip(&at, "tile/")) {
        return false;
    }
    read.entries = skip(&at, "entries/");
    if (!read.entries) {
        if (*at < '0' || *at >= '0' + PROOF_TILE_LEVELS) {
            return false;
        }
        read.level = (unsigned)(*at++ - '0');
        if (!skip(&at, "/")) {
            return false;
        }
    }
    if (!read_number(&at, &read.number)) {
        return false;
    }
    if (skip(&at, ".p/")) {
        if (!text_u64_parse(bytes_text(at), PROOF_TILE_HASHES - 1, &width) || width == 0) {
            return false;
        }
        read.width = (unsigned)width;
    } else if (*at != '\0') {
        return false;
    }
    proof_tile_name(&read, again);
    if (strcmp(name, again) != 0) {
        return false;
    }
    *tile = read;
    return true;
}

unsigned proof_tile_width(unsigned level, uint64_t number, uint64_t size)
{
    uint64_t have = level < PROOF_TILE_LEVELS ? size >> (8 * level) : 0;
    uint64_t full = have / PROOF_TILE_HASHES;
    if (number < full) {
        return PROOF_TILE_HASHES;
    }
    return number == full ? (unsigned)(have % PROOF_TILE_HASHES) : 0;
}

bool proof_tile_exists(const struct proof_tile *tile, uint64_t size)
{
    return tile->width > 0 && tile->width <= proof_tile_width(tile->level, tile->number, size);
}

struct digest proof_tile_root(const struct digest hashes[PROOF_TILE_HASHES])
{
    struct digest nodes[PROOF_TILE_HASHES / 2];
    const struct digest *below = hashes;
    for (size_t count = PROOF_TILE_HASHES / 2; count > 0; count /= 2) {
        for (size_t i = 0; i < count; i++) {
            nodes[i] = seal_node_hash(&below[2 * i], &below[2 * i + 1]);
        }
        below = nodes;
    }
    return nodes[0];
}
