// What an epoch costs: bench_epoch [PEOPLE] [FOLDER]. A map of so many invented persons is made,
// and from it the next one, as in an hour in which nobody's list has changed: the run is copied and
// checked, every leaf and node is another one. Then places are looked up. One line a case.
#include "audit/epoch_inside.h"
#include "base/clock.h"
#include "base/file.h"
#include "seal/secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define ORIGIN "bench.example/log"

enum { LOOKUPS = 2000 };

struct bench {
    const char *home;
    uint64_t people;
    struct seal_secret *secret;
    struct seal_signer *signer;
    struct audit_vault *vault;
    struct audit_journal *journal;
    struct audit_views *views;
    struct audit_tagger *tagger;
};

static void need(enum status status, const struct error *err)
{
    if (status != ST_OK) {
        fprintf(stderr, "bench_epoch: %s\n", err->message);
        exit(1);
    }
}

// Persons in the order of their tags: the number, spread over the first 80 bits.
static struct audit_tag tag_of(const struct bench *bench, uint64_t number)
{
    struct audit_tag tag = { .bytes = { 1 } };
    struct digest rest = seal_sha256(bytes_of(&number, sizeof(number)));
    memcpy(tag.bytes + 1, rest.bytes, DIGEST_BYTES);
    (void)seal_u64(tag.bytes + 1, UINT64_MAX / bench->people * number + (rest.bytes[0] & 63));
    return tag;
}

static void open_all(struct bench *bench)
{
    struct error err;
    char folder[PATH_MAX];
    struct audit_views_opened opened;
    const struct seal_secret *keys[1];
    need(seal_secret_random(32, &bench->secret, &err), &err);
    need(seal_signer_create(bench->secret, &bench->signer, &err), &err);
    snprintf(folder, sizeof(folder), "%s/keys", bench->home);
    need(audit_vault_open(folder, bench->secret, &bench->vault, &err), &err);
    need(audit_vault_prepare(bench->vault, AUDIT_KEY_LASTING, &err), &err);
    struct audit_journal_options journal = { .home = bench->home,
                                             .origin = ORIGIN,
                                             .map_bytes = (size_t)1 << 30,
                                             .signer = bench->signer,
                                             .vault = bench->vault,
                                             .create = true };
    need(audit_journal_open(&journal, &bench->journal, &err), &err);
    struct audit_views_options views = { .home = bench->home,
                                         .origin = ORIGIN,
                                         .map_bytes = (size_t)1 << 30,
                                         .journal = bench->journal };
    need(audit_views_open(&views, &bench->views, &opened, &err), &err);
    keys[0] = bench->secret;
    need(audit_tagger_create(keys, 1, &bench->tagger, &err), &err);
}

// The epoch of nobody, whose run is then written over by one of many.
static struct audit_epoch_map *make_first(struct bench *bench)
{
    struct error err;
    char path[PATH_MAX];
    uint8_t bytes[EPOCH_HEAD_BYTES];
    struct audit_epoch_map *map = NULL;
    struct digest secret = { .bytes = { 5 } };
    struct epoch_writer *writer = malloc(sizeof(*writer));
    struct epoch_head head = { .epoch = { .number = 1, .people = bench->people } };
    struct digest label = epoch_secret_label();
    epoch_path(bench->home, "", path);
    need(file_make_folder(path, 0700, &err), &err);
    epoch_path(bench->home, "1.map", path);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    epoch_writer_init(writer, fd);
    for (uint64_t i = 0; i < bench->people; i++) {
        struct epoch_person person = { .tag = tag_of(bench, i), .open = { .count = i + 1 } };
        need(epoch_writer_put(writer, &person, &err), &err);
    }
    need(epoch_writer_end(writer, &err), &err);
    head.check = writer->check;
    int64_t begin = clock_monotonic_ms();
    need(epoch_hash(fd, &secret, &head, NULL, &err), &err);
    printf("epoch.hash people=%llu ms=%lld\n", (unsigned long long)bench->people,
           (long long)(clock_monotonic_ms() - begin));
    need(audit_vault_seal_body(bench->vault, AUDIT_KEY_LASTING, bytes_text(ORIGIN), 1, &label,
                               bytes_digest(&secret), head.nonce, head.box, &err),
         &err);
    epoch_head_encode(&head, bytes);
    need(epoch_write(fd, 0, bytes, sizeof(bytes), &err), &err);
    close(fd);
    free(writer);
    need(audit_epoch_open(bench->home, bench->vault, bytes_text(ORIGIN), 1, &head.epoch.root, &map,
                          &err),
         &err);
    return map;
}

static void look_up(struct bench *bench, const struct audit_epoch_map *map)
{
    struct error err;
    struct audit_epoch_place place;
    int64_t begin = clock_monotonic_ns();
    for (uint64_t i = 0; i < LOOKUPS; i++) {
        struct audit_tag tag = tag_of(bench, i * 7919 % bench->people);
        need(audit_epoch_find(map, &tag, &place, &err), &err);
    }
    printf("epoch.find people=%llu us=%.1f\n", (unsigned long long)bench->people,
           (double)(clock_monotonic_ns() - begin) / 1000 / LOOKUPS);
}

int main(int argc, char **argv)
{
    struct error err;
    struct rusage used;
    char folder[] = "/var/tmp/bench-epoch-XXXXXX";
    struct bench bench = { .people = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000 };
    bench.home = argc > 2 ? argv[2] : mkdtemp(folder);
    open_all(&bench);
    struct audit_epoch_map *first = make_first(&bench);
    struct audit_epoch_built built;
    struct audit_epoch_options options = { .home = bench.home,
                                           .origin = bytes_text(ORIGIN),
                                           .vault = bench.vault,
                                           .journal = bench.journal,
                                           .views = bench.views,
                                           .tagger = bench.tagger,
                                           .before = first,
                                           .number = 2 };
    int64_t cpu = clock_thread_cpu_ns();
    need(audit_epoch_build(&options, &built, &err), &err);
    getrusage(RUSAGE_SELF, &used);
    printf("epoch.build people=%llu merge_ms=%lld hash_ms=%lld cpu_ms=%lld rss_kb=%ld\n",
           (unsigned long long)built.epoch.people, (long long)built.merge_ms,
           (long long)built.hash_ms, (long long)(clock_thread_cpu_ns() - cpu) / 1000000,
           used.ru_maxrss);
    look_up(&bench, first);
    audit_epoch_close(&first);
    audit_tagger_destroy(&bench.tagger);
    audit_views_close(&bench.views);
    audit_journal_close(&bench.journal);
    audit_vault_close(&bench.vault);
    seal_signer_destroy(&bench.signer);
    seal_secret_destroy(&bench.secret);
    return 0;
}
