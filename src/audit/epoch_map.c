// Reading an epoch: its file, one person's place in it, and which epoch the log names last.
#include "audit/epoch_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/reader.h"
#include "base/text.h"
#include "seal/secret.h"
#include "audit/epoch_inside.h"

enum { LAST_ARENA_BYTES = 4 * 1024 * 1024, NAME_BYTES = 40 };

static void name_of(uint64_t number, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%llu.map", (unsigned long long)number);
}

// Under the lasting key that was in use when the map was made: the newest one, or one before.
static enum status open_secret(struct audit_epoch_map *map, struct audit_vault *vault,
                               struct bytes origin, struct error *err)
{
    struct digest label = epoch_secret_label();
    struct digest secret;
    uint32_t current = audit_vault_current(vault, WIRE_CLASS_EPOCH, 0);
    uint32_t tries = audit_body_key_generation(current) + 1;
    enum status status = ST_CORRUPT;
    while (status != ST_OK && tries-- > 0) {
        status = audit_vault_open_body(
            vault, audit_body_key(AUDIT_KEY_LASTING, tries), origin, map->head.epoch.number, &label,
            map->head.nonce, bytes_of(map->head.box, sizeof(map->head.box)), secret.bytes, err);
    }
    if (status == ST_OK) {
        status = seal_secret_copy(bytes_digest(&secret), &map->secret, err);
    }
    seal_wipe(&secret, sizeof(secret));
    return status;
}

enum status audit_epoch_open(const char *home, struct audit_vault *vault, struct bytes origin,
                             uint64_t number, const struct digest *root,
                             struct audit_epoch_map **map, struct error *err)
{
    char path[PATH_MAX];
    char name[NAME_BYTES];
    uint8_t bytes[EPOCH_HEAD_BYTES];
    struct audit_epoch_map *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return error_set(err, ST_NOMEM, "epoch: no memory");
    }
    name_of(number, name);
    epoch_path(home, name, path);
    m->fd = open(path, O_RDONLY | O_CLOEXEC);
    enum status status =
        m->fd >= 0 ? ST_OK : error_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s", path);
    if (status == ST_OK) {
        status = epoch_read(m->fd, 0, bytes, sizeof(bytes), err);
    }
    if (status == ST_OK) {
        status = epoch_head_decode(bytes, &m->head, err);
    }
    if (status == ST_OK && (m->head.epoch.number != number ||
                            (root != NULL && !digest_equal(root, &m->head.epoch.root)))) {
        status = error_set(err, ST_CORRUPT, "%s is not the epoch that the log names", path);
    }
    if (status == ST_OK) {
        status = open_secret(m, vault, origin, err);
    }
    if (status != ST_OK) {
        audit_epoch_close(&m);
        return status;
    }
    *map = m;
    return ST_OK;
}

void audit_epoch_close(struct audit_epoch_map **map)
{
    if (*map != NULL) {
        if ((*map)->fd >= 0) {
            close((*map)->fd);
        }
        seal_secret_destroy(&(*map)->secret);
        free(*map);
        *map = NULL;
    }
}

const struct audit_epoch *audit_epoch_of(const struct audit_epoch_map *map)
{
    return &map->head.epoch;
}

// ---- one person's place

// The persons of the subtree that the tag is in.
static enum status read_subtree(const struct audit_epoch_map *map, uint64_t subtree,
                                uint8_t **persons, size_t *count, struct error *err)
{
    uint8_t places[16];
    uint64_t people = map->head.epoch.people;
    enum status status =
        epoch_read(map->fd, epoch_places_at(people) + subtree * 8, places, sizeof(places), err);
    if (status != ST_OK) {
        return status;
    }
    struct reader reader = reader_init(bytes_of(places, sizeof(places)));
    uint64_t first = reader_u64(&reader);
    uint64_t end = reader_u64(&reader);
    if (first > end || end > people || end - first > EPOCH_SUBTREE_MAX) {
        return error_set(err, ST_CORRUPT, "the places in an epoch's file are not what was written");
    }
    size_t size = (size_t)(end - first) * EPOCH_PERSON_BYTES;
    uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL) {
        return error_set(err, ST_NOMEM, "epoch: no memory");
    }
    status = epoch_read(map->fd, epoch_places_at(first), bytes, size, err);
    if (status != ST_OK) {
        free(bytes);
        return status;
    }
    *persons = bytes;
    *count = (size_t)(end - first);
    return ST_OK;
}

struct finding {
    const struct audit_epoch_map *map;
    const struct digest *secret;
    const struct audit_tag *tag;
    const uint8_t *persons;
    size_t count;
    struct audit_epoch_place place;
};

static void person_at(const struct finding *finding, size_t i, struct epoch_person *person)
{
    struct reader bytes =
        reader_init(bytes_of(finding->persons + i * EPOCH_PERSON_BYTES, EPOCH_PERSON_BYTES));
    memcpy(person->tag.bytes, reader_bytes(&bytes, AUDIT_TAG_BYTES).data, AUDIT_TAG_BYTES);
    person->open.count = reader_u64(&bytes);
    person->open.head = reader_digest(&bytes);
}

// The leaf of the person itself, or the empty one.
static struct digest find_leaf(struct finding *finding)
{
    struct digest leaf = { 0 };
    finding->place.absent = true;
    for (size_t i = 0; i < finding->count; i++) {
        struct epoch_person person;
        person_at(finding, i, &person);
        if (bytes_equal(audit_tag_view(&person.tag), audit_tag_view(finding->tag))) {
            finding->place.absent = false;
            finding->place.open = person.open;
            leaf =
                epoch_leaf(finding->secret, &person, &finding->place.salt, &finding->place.delayed);
        }
    }
    return leaf;
}

// The siblings within the subtree: at each level those whose way parts there.
static void find_near(struct finding *finding)
{
    for (unsigned level = PROOF_MAP_DEPTH; level > finding->map->head.bits; level--) {
        struct epoch_tree tree;
        epoch_tree_init(&tree, level);
        for (size_t i = 0; i < finding->count; i++) {
            struct epoch_person person;
            person_at(finding, i, &person);
            if (proof_map_common(person.tag.bytes, finding->tag->bytes) == level - 1) {
                struct digest leaf = epoch_leaf(finding->secret, &person, NULL, NULL);
                epoch_tree_add(&tree, &person.tag, &leaf);
            }
        }
        struct digest sibling = epoch_tree_end(&tree);
        proof_map_path_add(&finding->place.path, level - 1, &sibling);
    }
}

// The siblings above it, from the file.
static enum status find_far(struct finding *finding, uint64_t subtree, struct error *err)
{
    const struct epoch_head *head = &finding->map->head;
    enum status status = ST_OK;
    for (unsigned level = head->bits; status == ST_OK && level > 0; level--) {
        struct digest sibling;
        uint64_t number = subtree >> (head->bits - level) ^ 1;
        status = epoch_read(finding->map->fd,
                            epoch_nodes_at(head->epoch.people, head->bits, level) +
                                number * DIGEST_BYTES,
                            &sibling, sizeof(sibling), err);
        if (status == ST_OK) {
            proof_map_path_add(&finding->place.path, level - 1, &sibling);
        }
    }
    return status;
}

enum status audit_epoch_find(const struct audit_epoch_map *map, const struct audit_tag *tag,
                             struct audit_epoch_place *place, struct error *err)
{
    struct digest secret;
    uint8_t *persons = NULL;
    uint64_t subtree = epoch_subtree(tag, map->head.bits);
    struct finding finding = { .map = map, .secret = &secret, .tag = tag };
    enum status status = read_subtree(map, subtree, &persons, &finding.count, err);
    if (status != ST_OK) {
        return status;
    }
    memcpy(secret.bytes, seal_secret_view(map->secret).data, DIGEST_BYTES);
    finding.persons = persons;
    struct digest leaf = find_leaf(&finding);
    find_near(&finding);
    seal_wipe(&secret, sizeof(secret));
    free(persons);
    status = find_far(&finding, subtree, err);
    if (status != ST_OK) {
        return status;
    }
    struct digest root = proof_map_root(tag->bytes, &leaf, &finding.place.path);
    if (!digest_equal(&root, &map->head.epoch.root)) {
        return error_set(err, ST_CORRUPT, "an epoch's file was damaged since it was made");
    }
    *place = finding.place;
    return ST_OK;
}

// ---- the epoch that stands

struct last {
    uint64_t index;
    bool found;
};

static bool take_last(struct bytes key, struct bytes value, void *context)
{
    struct last *last = context;
    struct reader reader = reader_init(key);
    last->index = reader_u64(&reader);
    last->found = value.size > 0 && value.data[0] == WIRE_KIND_EPOCH;
    return !last->found;
}

enum status audit_epoch_last(struct audit_log *log, struct audit_reader *reader,
                             struct audit_epoch *epoch, uint64_t *index, struct error *err)
{
    struct last last = { 0 };
    struct audit_record record;
    struct audit_body body;
    struct audit_facts facts = { 0 };
    struct arena *arena = arena_create(LAST_ARENA_BYTES);
    enum status status =
        arena == NULL ? error_set(err, ST_NOMEM, "epoch: no memory")
                      : audit_reader_scan(reader, AUDIT_TABLE_GOVERNANCE, (struct bytes){ 0 },
                                          (struct bytes){ 0 }, true, take_last, &last, err);
    if (status == ST_OK && !last.found) {
        status = error_set(err, ST_NOT_FOUND, "there is no epoch yet");
    }
    if (status == ST_OK) {
        status = audit_log_record(log, last.index, &record, err);
    }
    if (status == ST_OK) {
        status = audit_log_body(log, last.index, &record, arena, &body, err);
    }
    if (status == ST_OK) {
        status = audit_facts_decode(&body, arena, &facts, err);
    }
    if (status == ST_OK && facts.public_ == NULL) {
        status = error_set(err, ST_CORRUPT, "entry %llu: an epoch without its part",
                           (unsigned long long)last.index);
    }
    if (status == ST_OK) {
        *epoch = (struct audit_epoch){ .number = facts.public_->epoch,
                                       .size = facts.public_->map_size,
                                       .root = facts.public_->map_root };
        *index = last.index;
    }
    arena_destroy(&arena);
    return status;
}

// ---- files that are no longer needed

enum status audit_epoch_sweep(const char *home, uint64_t keep, uint64_t keep_too, struct error *err)
{
    char path[PATH_MAX];
    char names[2][NAME_BYTES];
    name_of(keep, names[0]);
    name_of(keep_too, names[1]);
    epoch_path(home, "", path);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT ? ST_OK : error_errno(err, ST_IO, "%s", path);
    }
    const struct dirent *item;
    while ((item = readdir(folder)) != NULL) {
        const char *end = strchr(item->d_name, '.');
        bool ours = end != NULL && end != item->d_name &&
                    (strcmp(end, ".map") == 0 || strcmp(end, ".run") == 0);
        if (ours && strcmp(item->d_name, names[0]) != 0 && strcmp(item->d_name, names[1]) != 0) {
            epoch_path(home, item->d_name, path);
            (void)unlink(path); // what stays is looked at again after the next epoch
        }
    }
    closedir(folder);
    return ST_OK;
}
