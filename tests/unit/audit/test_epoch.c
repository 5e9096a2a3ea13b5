// Epochs: what the map says is how every list stood, however it was built, and whoever asks gets
// one person's place and nothing about another's.
#include "facts_fixture.h"

#include "audit/epoch_inside.h"
#include "audit/month.h"
#include "base/file.h"
#include "base/thread.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    struct log_fixture fixture;
    struct audit_views *views;
    struct seal_secret *key;
    struct audit_tagger *tagger;
    uint64_t *counts;             // entries of each person's list
    struct epoch_person *history; // of each entry, where it is kept: the list as it left it
    struct digest *heads;
    unsigned people;
};

static void world_open(struct world *world)
{
    struct error err;
    struct audit_views_opened opened;
    fixture_open(&world->fixture);
    struct audit_views_options options = { .home = world->fixture.home,
                                           .origin = ORIGIN,
                                           .map_bytes = (size_t)1 << 30,
                                           .journal = world->fixture.journal };
    assert_ok(audit_views_open(&options, &world->views, &opened, &err));
}

static void world_begin(struct world *world, unsigned people)
{
    struct error err;
    memset(world, 0, sizeof(*world));
    fixture_begin(&world->fixture);
    assert_ok(seal_secret_random(32, &world->key, &err));
    const struct seal_secret *keys[] = { world->key };
    assert_ok(audit_tagger_create(keys, 1, &world->tagger, &err));
    world->people = people;
    world->counts = calloc(people + 1, sizeof(*world->counts));
    world->heads = calloc(people + 1, sizeof(*world->heads));
    world_open(world);
    assert_ok(audit_vault_prepare(world->fixture.vault, AUDIT_KEY_LASTING, &err));
}

static void world_close(struct world *world)
{
    audit_views_close(&world->views);
    fixture_close(&world->fixture);
}

static void world_end(struct world *world)
{
    world_close(world);
    fixture_end(&world->fixture);
    audit_tagger_destroy(&world->tagger);
    seal_secret_destroy(&world->key);
    free(world->counts);
    free(world->heads);
}

// One more entry in the lists of `first` to `end`, many in a commit.
static void grow(struct world *world, unsigned first, unsigned end)
{
    enum { BATCH = 256 };
    static struct made_entry made[BATCH];
    struct error err;
    while (first < end) {
        const struct audit_entry *list[BATCH];
        struct audit_commit *commit = NULL;
        struct audit_rows *rows = audit_rows_create();
        size_t count = 0;
        uint64_t size = audit_journal_size(world->fixture.journal);
        for (; first < end && count < BATCH; first++, count++) {
            static unsigned exchange;
            make_decision(&made[count], first, ++world->counts[first], ++exchange, false);
            world->heads[first] = made[count].entry.leaf_hash;
            if (world->history != NULL) {
                world->history[size + count] =
                    (struct epoch_person){ .tag = tag_of(first),
                                           .open = { .count = world->counts[first],
                                                     .head = world->heads[first] } };
            }
            list[count] = &made[count].entry;
            add_rows(rows, &made[count], size + count);
        }
        assert_ok(audit_journal_append(world->fixture.journal, list, count, size,
                                       audit_journal_term(world->fixture.journal), &commit, &err));
        assert_ok(audit_views_publish(world->views, &rows, size + count, &err));
        audit_commit_unref(&commit);
        for (size_t i = 0; i < count; i++) {
            made_fini(&made[i]);
        }
        uint64_t applied = 0;
        if (audit_views_tail_entries(world->views) > 2000) {
            assert_ok(audit_views_apply(world->views, &applied, &err));
            audit_views_retire(world->views);
        }
    }
}

static struct audit_epoch_options options_of(struct world *world, uint64_t number,
                                             const struct audit_epoch_map *before)
{
    return (struct audit_epoch_options){ .home = world->fixture.home,
                                         .origin = bytes_text(ORIGIN),
                                         .vault = world->fixture.vault,
                                         .journal = world->fixture.journal,
                                         .views = world->views,
                                         .tagger = world->tagger,
                                         .before = before,
                                         .number = number };
}

static struct audit_epoch_map *build(struct world *world, uint64_t number,
                                     const struct audit_epoch_map *before,
                                     struct audit_epoch_built *built)
{
    struct error err;
    struct audit_epoch_map *map = NULL;
    struct audit_epoch_options options = options_of(world, number, before);
    assert_ok(audit_epoch_build(&options, built, &err));
    assert_int_equal(built->epoch.number, number);
    assert_ok(audit_epoch_open(world->fixture.home, world->fixture.vault, bytes_text(ORIGIN),
                               number, &built->epoch.root, &map, &err));
    return map;
}

// What QUERY_PERSON would answer, verified as a stranger would.
static void verify_place(const struct audit_epoch_map *map, unsigned person,
                         struct audit_epoch_place *place)
{
    struct error err;
    struct audit_tag tag = tag_of(person);
    assert_ok(audit_epoch_find(map, &tag, place, &err));
    struct proof_map_claim claim = {
        .tag = audit_tag_view(&tag),
        .absent = place->absent,
        .open = place->open,
        .salt = place->salt,
        .delayed = place->delayed,
        .bitmap = bytes_of(place->path.bitmap, sizeof(place->path.bitmap)),
        .path = bytes_of(place->path.steps, place->path.count * DIGEST_BYTES),
    };
    assert_ok(proof_map_verify(&claim, &audit_epoch_of(map)->root, &err));
}

static void verify_all(struct world *world, const struct audit_epoch_map *map)
{
    struct audit_epoch_place place;
    uint64_t present = 0;
    for (unsigned i = 0; i < world->people; i++) {
        verify_place(map, i, &place);
        assert_int_equal(place.absent, world->counts[i] == 0);
        if (!place.absent) {
            present++;
            assert_int_equal(place.open.count, world->counts[i]);
            assert_true(digest_equal(&place.open.head, &world->heads[i]));
        }
    }
    assert_int_equal(present, audit_epoch_of(map)->people);
    for (unsigned i = 0; i < 50; i++) {
        verify_place(map, world->people + i, &place);
        assert_true(place.absent);
    }
}

TEST(the_map_says_how_every_list_stands)
{
    static const unsigned sizes[] = { 0, 1, 2, 17, 1000 };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct world world;
        struct audit_epoch_built built;
        world_begin(&world, sizes[i]);
        grow(&world, 0, sizes[i]);
        grow(&world, 0, sizes[i] / 3);
        struct audit_epoch_map *map = build(&world, 1, NULL, &built);
        assert_true(built.from_lists);
        assert_int_equal(built.epoch.people, sizes[i]);
        assert_int_equal(built.epoch.size, audit_journal_size(world.fixture.journal));
        assert_int_equal(digest_is_zero(&built.epoch.root), sizes[i] == 0);
        verify_all(&world, map);
        audit_epoch_close(&map);
        world_end(&world);
    }
}

TEST(the_next_map_comes_from_the_one_before_and_what_changed)
{
    struct world world;
    struct audit_epoch_built built;
    world_begin(&world, 900);
    struct audit_epoch_map *maps[4];
    maps[0] = build(&world, 1, NULL, &built); // of nobody
    grow(&world, 0, 600);
    maps[1] = build(&world, 2, maps[0], &built);
    assert_false(built.from_lists);
    assert_int_equal(built.epoch.people, 600);
    verify_all(&world, maps[1]);
    grow(&world, 300, 900);
    grow(&world, 310, 320);
    maps[2] = build(&world, 3, maps[1], &built);
    assert_int_equal(built.entries, 610);
    verify_all(&world, maps[2]);
    maps[3] = build(&world, 4, maps[2], &built); // nothing has changed
    assert_int_equal(built.entries, 0);
    verify_all(&world, maps[3]);
    for (size_t i = 0; i < 4; i++) {
        audit_epoch_close(&maps[i]);
    }
    world_end(&world);
}

TEST(a_map_is_true_for_one_size_whatever_comes_meanwhile)
{
    struct error err;
    struct world world;
    struct audit_epoch_built built;
    struct audit_epoch_place place;
    world_begin(&world, 40);
    grow(&world, 0, 20);
    struct audit_epoch_map *before = build(&world, 1, NULL, &built);
    grow(&world, 0, 40);
    for (unsigned i = 0; i < 20; i++) { // of the older epoch
        verify_place(before, i, &place);
        assert_int_equal(place.open.count, 1);
    }
    verify_place(before, 30, &place);
    assert_true(place.absent);
    // The newest run in the folder is not the newest epoch: its number is what counts.
    struct audit_epoch_map *map = NULL;
    assert_status(ST_NOT_FOUND, audit_epoch_open(world.fixture.home, world.fixture.vault,
                                                 bytes_text(ORIGIN), 2, NULL, &map, &err));
    struct digest other = seal_sha256(bytes_text("another root"));
    assert_status(ST_CORRUPT, audit_epoch_open(world.fixture.home, world.fixture.vault,
                                               bytes_text(ORIGIN), 1, &other, &map, &err));
    audit_epoch_close(&before);
    world_end(&world);
}

enum { BUSY_PEOPLE = 300, BUSY_ROUNDS = 15 };

static void write_on(struct thread *thread, void *argument)
{
    struct world *world = argument;
    thread_ready(thread, ST_OK, NULL);
    for (unsigned i = 0; i < BUSY_ROUNDS; i++) {
        grow(world, i * 7 % BUSY_PEOPLE, BUSY_PEOPLE);
    }
}

// From the lists as from the run before, while the log grows under it.
TEST(a_map_that_is_built_while_the_log_grows_is_true_for_its_size)
{
    struct error err;
    struct world world;
    struct thread *thread = NULL;
    struct audit_epoch_built built;
    struct audit_epoch_map *before = NULL;
    world_begin(&world, BUSY_PEOPLE);
    world.history = calloc((BUSY_ROUNDS + 1) * BUSY_PEOPLE, sizeof(*world.history));
    assert_ok(thread_start("writer", write_on, &world, &thread, &err));
    struct audit_epoch_map *maps[8];
    for (unsigned i = 0; i < ARRAY_COUNT(maps); i++) {
        maps[i] = build(&world, i + 1, i % 2 == 0 ? NULL : before, &built);
        before = maps[i];
    }
    thread_join(&thread);
    for (unsigned i = 0; i < ARRAY_COUNT(maps); i++) {
        for (unsigned person = 0; person < BUSY_PEOPLE; person++) {
            struct proof_chain_head then = { 0 };
            struct audit_epoch_place place;
            struct audit_tag tag = tag_of(person);
            for (uint64_t k = audit_epoch_of(maps[i])->size; k > 0 && then.count == 0; k--) {
                if (memcmp(&world.history[k - 1].tag, &tag, sizeof(tag)) == 0) {
                    then = world.history[k - 1].open;
                }
            }
            verify_place(maps[i], person, &place);
            assert_int_equal(place.absent, then.count == 0);
            if (!place.absent) {
                assert_int_equal(place.open.count, then.count);
                assert_true(digest_equal(&place.open.head, &then.head));
            }
        }
        audit_epoch_close(&maps[i]);
    }
    free(world.history);
    world_end(&world);
}

TEST(lists_that_went_on_are_taken_as_they_stood_at_the_epochs_size)
{
    enum { PEOPLE = 400, ROUNDS = 12, AT = 5 };
    struct error err;
    struct world world;
    struct audit_epoch_built built;
    struct audit_epoch_map *map = NULL;
    struct proof_chain_head then[PEOPLE];
    world_begin(&world, PEOPLE + 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        grow(&world, 0, PEOPLE);
        for (unsigned i = 0; round == AT - 1 && i < PEOPLE; i++) {
            then[i] = (struct proof_chain_head){ .count = AT, .head = world.heads[i] };
        }
    }
    grow(&world, PEOPLE, PEOPLE + 1); // somebody who comes later
    struct audit_epoch_options options = options_of(&world, 1, NULL);
    options.size = (uint64_t)AT * PEOPLE;
    assert_ok(audit_epoch_build(&options, &built, &err));
    assert_int_equal(built.epoch.size, options.size);
    assert_int_equal(built.epoch.people, PEOPLE);
    assert_ok(audit_epoch_open(world.fixture.home, world.fixture.vault, bytes_text(ORIGIN), 1,
                               &built.epoch.root, &map, &err));
    for (unsigned i = 0; i < PEOPLE; i++) {
        struct audit_epoch_place place;
        verify_place(map, i, &place);
        assert_int_equal(place.open.count, AT);
        assert_true(digest_equal(&place.open.head, &then[i].head));
    }
    audit_epoch_close(&map);
    world_end(&world);
}

// Views without what belongs to the entries below `to`, of which the log says that they are
// forgotten.
static void forget(struct world *world, uint64_t to)
{
    struct error err;
    struct made_entry made;
    uint64_t applied = 0;
    atomic_bool stop = false;
    struct wire_officer_part officer = { .format = 1, .kind = WIRE_KIND_CARRY_FORWARD };
    struct wire_public_part order = { .format = 1,
                                      .kind = WIRE_KIND_CARRY_FORWARD,
                                      .recorded_at = 1000,
                                      .month = audit_month_of(NOVEMBER),
                                      .forgotten_to = to };
    make_entry(&made, WIRE_CLASS_GOVERNANCE, NOVEMBER, NULL, NULL, &officer, &order);
    append_made(&world->fixture, world->views, &made);
    while (audit_views_tail_entries(world->views) > 0) {
        assert_ok(audit_views_apply(world->views, &applied, &err));
    }
    audit_views_retire(world->views);
    assert_ok(audit_views_renew(world->views, &stop, &err));
    assert_ok(audit_views_adopt(world->views, &err));
}

// The first person's list goes on behind the epoch, and what it had before is forgotten while the
// lists are read: how it stood then is in no view any more.
TEST(a_list_that_was_forgotten_and_went_on_meanwhile_is_not_left_out)
{
    struct error err;
    struct world world;
    struct audit_epoch_built built;
    world_begin(&world, 3);
    grow(&world, 0, 2);
    uint64_t size = audit_journal_size(world.fixture.journal);
    grow(&world, 0, 1);
    grow(&world, 2, 3); // comes later alone, and twice
    grow(&world, 2, 3);
    struct audit_epoch_options options = options_of(&world, 1, NULL);
    options.size = size;
    assert_ok(audit_epoch_build(&options, &built, &err));
    assert_int_equal(built.epoch.people, 2);
    forget(&world, size);
    assert_status(ST_STALE, audit_epoch_build(&options, &built, &err));
    options.size = size + 1; // the newest entry of everybody's list is there
    assert_ok(audit_epoch_build(&options, &built, &err));
    assert_int_equal(built.epoch.people, 2);
    world_end(&world);
}

TEST(in_the_next_epoch_every_leaf_is_another_one_also_of_those_who_did_not_change)
{
    struct world world;
    struct audit_epoch_built built;
    struct audit_epoch_place places[2];
    world_begin(&world, 100);
    grow(&world, 0, 100);
    struct audit_epoch_map *maps[2];
    maps[0] = build(&world, 1, NULL, &built);
    grow(&world, 5, 6);
    maps[1] = build(&world, 2, maps[0], &built);
    for (unsigned i = 0; i < 100; i++) {
        struct digest leaves[2];
        struct audit_tag tag = tag_of(i);
        for (size_t k = 0; k < 2; k++) {
            verify_place(maps[k], i, &places[k]);
            struct digest open =
                proof_chain_commitment(PROOF_CHAIN_OPEN, &places[k].salt, &places[k].open);
            leaves[k] = proof_map_leaf(tag.bytes, &open, &places[k].delayed);
        }
        assert_false(digest_equal(&leaves[0], &leaves[1]));
        assert_false(digest_equal(&places[0].salt, &places[1].salt));
        assert_false(digest_equal(&places[0].delayed, &places[1].delayed));
        // No sibling on the way stands in both maps either.
        for (size_t a = 0; a < places[0].path.count; a++) {
            for (size_t b = 0; b < places[1].path.count; b++) {
                assert_false(digest_equal(&places[0].path.steps[a], &places[1].path.steps[b]));
            }
        }
    }
    audit_epoch_close(&maps[0]);
    audit_epoch_close(&maps[1]);
    world_end(&world);
}

TEST(more_changes_than_memory_may_hold_take_more_runs_and_give_the_same)
{
    struct error err;
    struct world world;
    struct audit_epoch_built built;
    struct audit_epoch_map *map = NULL;
    world_begin(&world, 6000);
    grow(&world, 0, 100);
    struct audit_epoch_map *before = build(&world, 1, NULL, &built);
    grow(&world, 0, 6000);
    grow(&world, 0, 3000);
    struct audit_epoch_options options = options_of(&world, 2, before);
    options.changes_max = 1; // the least that is possible: two chunks
    assert_ok(audit_epoch_build(&options, &built, &err));
    assert_true(built.rewrites > 5);
    assert_ok(audit_epoch_open(world.fixture.home, world.fixture.vault, bytes_text(ORIGIN), 2,
                               &built.epoch.root, &map, &err));
    assert_int_equal(built.epoch.people, 6000);
    for (unsigned i = 0; i < 6000; i += 97) {
        struct audit_epoch_place place;
        verify_place(map, i, &place);
        assert_int_equal(place.open.count, world.counts[i]);
        assert_true(digest_equal(&place.open.head, &world.heads[i]));
    }
    audit_epoch_close(&map);
    audit_epoch_close(&before);
    world_end(&world);
}

// ---- what is damaged

static void flip(struct world *world, const char *name, off_t offset)
{
    char path[PATH_MAX];
    uint8_t byte = 0;
    epoch_path(world->fixture.home, name, path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

TEST(a_damaged_file_is_noticed_wherever_it_is_and_the_lists_make_a_new_one)
{
    struct error err;
    struct world world;
    struct audit_epoch_built built;
    struct audit_epoch_place place;
    world_begin(&world, 400);
    grow(&world, 0, 400);
    struct audit_epoch_map *map = build(&world, 1, NULL, &built);
    struct audit_tag tag = tag_of(7);
    struct digest root = built.epoch.root;

    // A person's count in the run: the next epoch is not made from it.
    flip(&world, "1.map", (off_t)epoch_places_at(200) + AUDIT_TAG_BYTES + 7);
    struct audit_epoch_options options = options_of(&world, 2, map);
    assert_status(ST_CORRUPT, audit_epoch_build(&options, &built, &err));
    options.before = NULL;
    assert_ok(audit_epoch_build(&options, &built, &err));
    flip(&world, "1.map", (off_t)epoch_places_at(200) + AUDIT_TAG_BYTES + 7);

    // A node near the root: no proof leads there.
    assert_ok(audit_epoch_find(map, &tag, &place, &err));
    off_t node = (off_t)epoch_nodes_at(400, map->head.bits, 1);
    flip(&world, "1.map", node);
    flip(&world, "1.map", node + DIGEST_BYTES);
    assert_status(ST_CORRUPT, audit_epoch_find(map, &tag, &place, &err));
    audit_epoch_close(&map);

    // Its head.
    flip(&world, "1.map", 40);
    assert_status(ST_CORRUPT, audit_epoch_open(world.fixture.home, world.fixture.vault,
                                               bytes_text(ORIGIN), 1, &root, &map, &err));
    flip(&world, "1.map", 40);

    // Cut short.
    char path[PATH_MAX];
    epoch_path(world.fixture.home, "2.map", path);
    assert_ok(audit_epoch_open(world.fixture.home, world.fixture.vault, bytes_text(ORIGIN), 2,
                               &built.epoch.root, &map, &err));
    assert_int_equal(truncate(path, 2000), 0);
    assert_status(ST_CORRUPT, audit_epoch_find(map, &tag, &place, &err));
    audit_epoch_close(&map);
    world_end(&world);
}

TEST(without_the_lasting_key_nobody_makes_the_salts)
{
    struct error err;
    struct world world;
    struct audit_epoch_built built;
    world_begin(&world, 3);
    grow(&world, 0, 3);
    struct audit_epoch_map *map = build(&world, 1, NULL, &built);
    audit_epoch_close(&map);
    struct seal_secret *master = NULL;
    struct audit_vault *other = NULL;
    char folder[192];
    snprintf(folder, sizeof(folder), "%s/other", world.fixture.home);
    assert_ok(seal_secret_random(32, &master, &err));
    assert_ok(audit_vault_open(folder, master, &other, &err));
    assert_ok(audit_vault_prepare(other, AUDIT_KEY_LASTING, &err));
    assert_status(ST_CORRUPT, audit_epoch_open(world.fixture.home, other, bytes_text(ORIGIN), 1,
                                               &built.epoch.root, &map, &err));
    audit_vault_close(&other);
    seal_secret_destroy(&master);
    world_end(&world);
}

TEST(an_epoch_opens_under_the_lasting_key_that_was_in_use_when_it_was_made)
{
    struct error err;
    struct world world;
    struct audit_epoch_built built[2];
    uint32_t second = 0;
    world_begin(&world, 3);
    grow(&world, 0, 3);
    struct audit_epoch_map *map = build(&world, 1, NULL, &built[0]);
    assert_ok(audit_vault_renew(world.fixture.vault, AUDIT_KEY_LASTING, &second, &err));
    assert_ok(audit_vault_take(world.fixture.vault, second, 1, &err));
    struct audit_epoch_map *next = build(&world, 2, map, &built[1]);
    audit_epoch_close(&map);
    audit_epoch_close(&next);
    for (uint64_t i = 0; i < 2; i++) {
        assert_ok(audit_epoch_open(world.fixture.home, world.fixture.vault, bytes_text(ORIGIN),
                                   i + 1, &built[i].epoch.root, &map, &err));
        audit_epoch_close(&map);
    }
    // The second one is not under the first key.
    char path[192];
    snprintf(path, sizeof(path), "%s/body/lasting-2.key", world.fixture.home);
    audit_vault_close(&world.fixture.vault);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/body", world.fixture.home);
    assert_ok(audit_vault_open(path, world.fixture.master, &world.fixture.vault, &err));
    assert_ok(audit_vault_take(world.fixture.vault, second, 1, &err));
    assert_true(audit_epoch_open(world.fixture.home, world.fixture.vault, bytes_text(ORIGIN), 2,
                                 &built[1].epoch.root, &map, &err) != ST_OK);
    world_end(&world);
}

// ---- stopped and killed

TEST(a_build_that_is_told_to_stop_leaves_nothing)
{
    struct error err;
    struct world world;
    struct audit_epoch_built built;
    atomic_bool stopping = true;
    world_begin(&world, 20);
    grow(&world, 0, 20);
    struct audit_epoch_options options = options_of(&world, 1, NULL);
    options.stopping = &stopping;
    assert_status(ST_CLOSED, audit_epoch_build(&options, &built, &err));
    char path[PATH_MAX];
    static const char *const names[] = { "1.map", "new.run", "other.run" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        epoch_path(world.fixture.home, names[i], path);
        assert_false(file_exists(path));
    }
    world_end(&world);
}

// Builds the second epoch in a process of its own, which is killed when it writes beyond `limit`.
static bool killed_at(struct world *world, rlim_t limit)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct error err;
        struct audit_epoch_built built;
        struct audit_epoch_map *before = NULL;
        struct rlimit most = { .rlim_cur = limit, .rlim_max = limit };
        world_open(world);
        if (audit_epoch_open(world->fixture.home, world->fixture.vault, bytes_text(ORIGIN), 1, NULL,
                             &before, &err) != ST_OK) {
            _exit(2);
        }
        struct audit_epoch_options options = options_of(world, 2, before);
        (void)setrlimit(RLIMIT_FSIZE, &most);
        _exit(audit_epoch_build(&options, &built, &err) == ST_OK ? 0 : 1);
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    if (WIFEXITED(how)) {
        assert_int_equal(WEXITSTATUS(how), 0);
        return false;
    }
    assert_int_equal(WTERMSIG(how), SIGXFSZ);
    return true;
}

TEST(a_build_that_is_killed_at_any_byte_leaves_the_epoch_before_and_the_next_one_is_made)
{
    struct error err;
    struct world world;
    struct audit_epoch_built built;
    struct audit_epoch_map *map = NULL;
    world_begin(&world, 300);
    grow(&world, 0, 200);
    struct audit_epoch_map *first = build(&world, 1, NULL, &built);
    audit_epoch_close(&first);
    grow(&world, 100, 300);
    world_close(&world);
    bool killed = true;
    for (rlim_t limit = 0; killed; limit += 1499) {
        killed = killed_at(&world, limit);
        assert_int_equal(audit_epoch_open(world.fixture.home, world.fixture.vault,
                                          bytes_text(ORIGIN), 9, NULL, &map, &err),
                         ST_NOT_FOUND);
        char path[PATH_MAX];
        epoch_path(world.fixture.home, "2.map", path);
        assert_int_equal(file_exists(path), !killed);
    }
    world_open(&world);
    assert_ok(audit_epoch_open(world.fixture.home, world.fixture.vault, bytes_text(ORIGIN), 2, NULL,
                               &map, &err));
    verify_all(&world, map);
    audit_epoch_close(&map);
    assert_ok(audit_epoch_sweep(world.fixture.home, 2, 0, &err));
    assert_status(ST_NOT_FOUND, audit_epoch_open(world.fixture.home, world.fixture.vault,
                                                 bytes_text(ORIGIN), 1, NULL, &map, &err));
    assert_ok(audit_epoch_open(world.fixture.home, world.fixture.vault, bytes_text(ORIGIN), 2, NULL,
                               &map, &err));
    audit_epoch_close(&map);
    world_end(&world);
}

// ---- order

TEST(a_run_is_in_order_and_no_place_of_the_map_has_two)
{
    struct error err;
    struct epoch_writer *writer = malloc(sizeof(*writer));
    struct epoch_person person = { .tag = { .bytes = { 1, 5 } }, .open = { .count = 1 } };
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/run", test_directory());
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    epoch_writer_init(writer, fd);
    assert_ok(epoch_writer_put(writer, &person, &err));
    assert_status(ST_CORRUPT, epoch_writer_put(writer, &person, &err));
    person.tag.bytes[1] = 4;
    assert_status(ST_CORRUPT, epoch_writer_put(writer, &person, &err));
    person.tag.bytes[1] = 5;
    person.tag.bytes[20] = 1; // beyond the 80 bits of a position
    assert_status(ST_CORRUPT, epoch_writer_put(writer, &person, &err));
    person.tag.bytes[10] = 1;
    assert_ok(epoch_writer_put(writer, &person, &err));
    close(fd);
    free(writer);
}

// ---- the entry

TEST(the_newest_epoch_is_the_one_that_the_log_names_last)
{
    struct error err;
    struct world world;
    struct audit_log *log = NULL;
    struct audit_reader *reader = NULL;
    struct audit_epoch epoch;
    struct made_entry made;
    uint64_t index = 0;
    uint64_t size = 0;
    world_begin(&world, 2);
    assert_ok(audit_log_create(world.fixture.journal, &log, &err));
    assert_ok(audit_reader_create(world.views, &reader, &err));
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(audit_log_begin(log, &size, &err));
        assert_ok(audit_reader_begin(reader, &size, &err));
        enum status status = audit_epoch_last(log, reader, &epoch, &index, &err);
        audit_reader_end(reader);
        audit_log_end(log);
        assert_int_equal(status, i == 0 ? ST_NOT_FOUND : ST_OK);
        if (i > 0) {
            assert_int_equal(epoch.number, i);
            assert_int_equal(epoch.size, 10 * i);
            assert_int_equal(index, 2 * i - 2);
        }
        struct digest root = key_of(i);
        struct wire_public_part public_ = { .format = 1,
                                            .kind = WIRE_KIND_EPOCH,
                                            .epoch = i + 1,
                                            .map_root = root,
                                            .map_size = 10 * (i + 1) };
        struct wire_officer_part officer = { .format = 1, .kind = WIRE_KIND_EPOCH };
        make_entry(&made, WIRE_CLASS_EPOCH, NOVEMBER, NULL, NULL, &officer, &public_);
        append_made(&world.fixture, world.views, &made);
        make_restart(&made, NULL, 0);
        append_made(&world.fixture, world.views, &made);
    }
    audit_reader_destroy(&reader);
    audit_log_destroy(&log);
    world_end(&world);
}
