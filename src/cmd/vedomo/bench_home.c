// The benchmark's federation. Folder layout and files are those of 'vedomo init'.
#include "bench_home.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "bench_bundle.h"
#include "bench_fill.h"
#include "bench_ground.h"
#include "catalogue/bundle.h"
#include "catalogue/catalogue.h"
#include "proof/note.h"
#include "registry/card.h"
#include "registry/file.h"
#include "seal/batch.h"
#include "seal/hash.h"

enum {
    CARD_DAYS_MS = 7 * 24 * 60 * 60 * 1000,
    READY_MS = 60 * 1000,
    CALL_MS = 30 * 1000,
    PIECE_BYTES = 200 * 1024,
    YAML_BYTES = 32 * 1024 * 1024,
};

// ---- keys and cards

static enum status make_identity(enum seal_role role, const char *member, const char *node,
                                 const char *path, struct seal_identity *identity,
                                 struct error *err)
{
    enum status status = seal_identity_create(role, member, node, identity, err);
    return status == ST_OK && path != NULL ? seal_keyfile_create(path, identity, err) : status;
}

enum status bench_home_card(const struct bench_home *home, const struct seal_identity *identity,
                            const char *path, struct error *err)
{
    struct registry_card card = { .role = registry_role_parse(
                                      bytes_text(seal_role_name(identity->role))),
                                  .curve_key = identity->curve_key,
                                  .batch_key = identity->sign_key };
    struct buffer payload = buffer_init(4096);
    struct buffer message = buffer_init(8192);
    struct buffer text = buffer_init(16384);
    struct bytes origin = bytes_text(home->origin);
    struct digest audience = seal_audience(origin);
    uint64_t now = (uint64_t)clock_wall_ms();
    card.not_before = now - 60 * 1000;
    card.not_after = now + CARD_DAYS_MS;
    snprintf(card.member, sizeof(card.member), "%s", identity->member);
    snprintf(card.node, sizeof(card.node), "%s", identity->node);
    enum status status = registry_card_encode(&card, origin, &payload, err);
    if (status == ST_OK) {
        status = registry_signed_make(REGISTRY_CARD, buffer_view(&payload), &audience,
                                      home->registrar.signer, &message, err);
    }
    if (status == ST_OK) {
        status = registry_file_format(REGISTRY_FILE_CARD, buffer_view(&message),
                                      (struct bytes){ 0 }, NULL, &text, err);
    }
    if (status == ST_OK) {
        status = file_create(path, buffer_view(&text), 0600, err);
    }
    buffer_fini(&payload);
    buffer_fini(&message);
    buffer_fini(&text);
    return status;
}

static enum status make_members(struct bench_home *home, const char *kind,
                                struct bench_member **members, size_t count, struct error *err)
{
    enum status status = ST_OK;
    *members = calloc(count, sizeof(**members));
    if (*members == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        char path[PATH_MAX];
        struct bench_member *member = &(*members)[i];
        snprintf(member->code, sizeof(member->code), "bench/%s-%zu", kind, i);
        snprintf(path, sizeof(path), "%.4000s/cards/%s-%zu.card", home->path, kind, i);
        status = make_identity(SEAL_ROLE_NODE, member->code, "node", NULL, &member->identity, err);
        if (status == ST_OK) {
            status = bench_home_card(home, &member->identity, path, err);
        }
    }
    return status;
}

static enum status make_keys(struct bench_home *home, struct error *err)
{
    const struct {
        enum seal_role role;
        const char *member;
        const char *node;
        const char *file; // NULL: in memory only
        struct seal_identity *identity;
    } keys[] = {
        { SEAL_ROLE_REGISTRAR, "", "registrar", NULL, &home->registrar },
        { SEAL_ROLE_POLICY, "", "policy", NULL, &home->policy },
        { SEAL_ROLE_BROKER, "bench/broker", "vedomod", "broker.key", &home->broker },
        { SEAL_ROLE_LOG, "", home->origin, "log.key", &home->log },
        { SEAL_ROLE_MASTER, "", "", "master.key", &home->master },
        { SEAL_ROLE_TAG, "", "", "tag.key", &home->tag },
        { SEAL_ROLE_OPERATOR, "bench/broker", "operator", NULL, &home->operator_ },
        { SEAL_ROLE_PORTAL, "bench/portal", "portal", NULL, &home->portal },
        { SEAL_ROLE_DESK, "bench/desk", "desk", NULL, &home->desk },
    };
    enum status status = ST_OK;
    char path[PATH_MAX];
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(keys); i++) {
        snprintf(path, sizeof(path), "%.4000s/keys/%s", home->path,
                 keys[i].file == NULL ? "" : keys[i].file);
        status = make_identity(keys[i].role, keys[i].member, keys[i].node,
                               keys[i].file == NULL ? NULL : path, keys[i].identity, err);
    }
    if (status == ST_OK) {
        struct proof_key key;
        struct buffer text = buffer_init(sizeof(home->vkey) - 1);
        status = proof_key_make(home->origin, PROOF_KEY_ED25519, &home->log.sign_key, &key, err);
        if (status == ST_OK) {
            proof_key_format(&key, &text);
            memcpy(home->vkey, text.data, text.size);
        }
        buffer_fini(&text);
    }
    const struct seal_identity *const cards[] = { &home->operator_, &home->portal, &home->desk };
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(cards); i++) {
        snprintf(path, sizeof(path), "%.3900s/cards/%.64s.card", home->path, cards[i]->node);
        status = bench_home_card(home, cards[i], path, err);
    }
    return status;
}

static enum status write_config(const struct bench_home *home, struct error *err)
{
    char path[PATH_MAX];
    struct buffer text = buffer_init(8192);
    snprintf(path, sizeof(path), "%.4000s/vedomod.yaml", home->path);
    buffer_format(&text,
                  "origin: %s\nlisten: {endpoint: \"%s\"}\n"
                  "limits: {credit: 4096, pending_per_asker: 65536, pending_per_holder: 65536, "
                  "verifications: 1000000}\nwatch: {level: warning}\n",
                  home->origin, home->endpoint);
    buffer_text(&text, "registrar: {threshold: 1, keys: [\"");
    seal_key_format(&text, &home->registrar.sign_key);
    buffer_text(&text, "\"]}\npolicy: {threshold: 1, keys: [\"");
    seal_key_format(&text, &home->policy.sign_key);
    buffer_text(&text, "\"]}\n");
    enum status status = buffer_ok(&text, "configuration", err);
    if (status == ST_OK) {
        status = file_create(path, buffer_view(&text), 0600, err);
    }
    buffer_fini(&text);
    return status;
}

// ---- the bundle

static enum status pack_bundle(struct bench_home *home, size_t agreements, struct buffer *blob,
                               struct error *err)
{
    char folder[PATH_MAX];
    char file[PATH_MAX];
    struct buffer yaml = buffer_init(YAML_BYTES);
    snprintf(folder, sizeof(folder), "%.4000s/policy", home->path);
    snprintf(file, sizeof(file), "%.4000s/policy/all.yaml", home->path);
    bench_bundle_write(&yaml, home, agreements);
    enum status status = buffer_ok(&yaml, "policy bundle", err);
    if (status == ST_OK) {
        status = file_make_folder(folder, 0700, err);
    }
    if (status == ST_OK) {
        status = file_create(file, buffer_view(&yaml), 0600, err);
    }
    if (status == ST_OK) {
        status = catalogue_bundle_pack(folder, blob, err);
    }
    buffer_fini(&yaml);
    return status;
}

static enum status call(struct peer *peer, enum wire_type type, enum wire_schema schema,
                        const void *message, struct bytes boxes, struct error *err)
{
    struct buffer payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    struct wire_result result;
    struct bytes body;
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "bench: no memory")
                                       : wire_encode(schema, message, &payload, err);
    if (status == ST_OK) {
        status = peer_call(peer, type, buffer_view(&payload), boxes, clock_monotonic_ms() + CALL_MS,
                           arena, &result, &body, err);
    }
    arena_destroy(&arena);
    buffer_fini(&payload);
    return status;
}

static enum status hand_in(struct bench_home *home, struct peer *peer, struct bytes blob,
                           struct bytes signed_head, struct error *err)
{
    enum status status = ST_OK;
    for (size_t at = 0; status == ST_OK && at < blob.size; at += PIECE_BYTES) {
        size_t size = blob.size - at < PIECE_BYTES ? blob.size - at : PIECE_BYTES;
        struct wire_chunk chunk = {
            .version = 1, .hash = home->bundle_hash, .total = blob.size, .offset = at
        };
        status =
            call(peer, WIRE_CHUNK, WIRE_SCHEMA_CHUNK, &chunk, bytes_of(blob.data + at, size), err);
    }
    struct wire_control control = { .version = 1,
                                    .action = WIRE_CONTROL_BUNDLE,
                                    .signed_ = signed_head };
    return status == ST_OK
               ? call(peer, WIRE_CONTROL, WIRE_SCHEMA_CONTROL, &control, (struct bytes){ 0 }, err)
               : status;
}

static enum status make_bundle(struct bench_home *home, size_t agreements, struct buffer *blob,
                               struct error *err)
{
    enum status status = pack_bundle(home, agreements, blob, err);
    if (status == ST_OK) {
        home->bundle_hash = seal_sha256(buffer_view(blob));
        status = catalogue_load(buffer_view(blob), &home->bundle_hash, &home->catalogue, err);
    }
    return status;
}

static enum status apply_bundle(struct bench_home *home, struct bus_context *context,
                                struct bytes blob, struct error *err)
{
    struct buffer payload = buffer_init(4096);
    struct buffer message = buffer_init(8192);
    struct bytes origin = bytes_text(home->origin);
    struct digest audience = seal_audience(origin);
    struct peer *peer = NULL;
    const struct registry_bundle_head head = { .serial = 1,
                                               .hash = home->bundle_hash,
                                               .size = blob.size,
                                               .issued_at = (uint64_t)clock_wall_ms() };
    enum status status = registry_bundle_head_encode(&head, origin, &payload, err);
    if (status == ST_OK) {
        status = registry_signed_make(REGISTRY_BUNDLE, buffer_view(&payload), &audience,
                                      home->policy.signer, &message, err);
    }
    if (status == ST_OK) {
        status = bench_home_peer(home, context, &home->operator_, NULL, &peer, err);
    }
    if (status == ST_OK) {
        status = hand_in(home, peer, blob, buffer_view(&message), err);
    }
    peer_destroy(&peer);
    buffer_fini(&payload);
    buffer_fini(&message);
    return status;
}

// ---- the broker's process

enum status bench_program(const char *given, const char *name, char path[PATH_MAX],
                          struct error *err)
{
    if (given != NULL) {
        snprintf(path, PATH_MAX, "%s", given);
        return ST_OK;
    }
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 32);
    if (length <= 0) {
        return error_errno(err, ST_IO, "bench: where is %s? Say it with an option", name);
    }
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    snprintf(slash + 1, 32, "%s", name);
    return ST_OK;
}

static void run_broker(const char *program, const struct bench_home *home, int ready)
{
    char number[16];
    bench_folder_enter(&home->folder);
    snprintf(number, sizeof(number), "%d", ready);
    execl(program, "vedomod", "--home", home->path, "--ready-fd", number, (char *)NULL);
    _exit(127);
}

static enum status start_broker(struct bench_home *home, const char *vedomod, struct error *err)
{
    char program[PATH_MAX];
    char word[8] = "";
    int fds[2];
    enum status status = bench_program(vedomod, "vedomod", program, err);
    if (status != ST_OK || pipe(fds) != 0) {
        return status != ST_OK ? status : error_errno(err, ST_IO, "bench: pipe");
    }
    home->broker_pid = fork();
    if (home->broker_pid == 0) {
        close(fds[0]);
        run_broker(program, home, fds[1]);
    }
    close(fds[1]);
    struct pollfd ready = { .fd = fds[0], .events = POLLIN };
    bool serves = home->broker_pid > 0 && poll(&ready, 1, READY_MS) == 1 &&
                  read(fds[0], word, sizeof(word)) > 0;
    close(fds[0]);
    return serves ? ST_OK : error_set(err, ST_IO, "bench: the broker (%s) did not start", program);
}

// What the views hold must be what the rounds are to meet: a broker that could not use them has
// moved them aside, and made others.
static enum status check_views(const struct bench_home *home, struct error *err)
{
    char pattern[PATH_MAX];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%.4000s/views.damaged*", home->path);
    int missing = glob(pattern, 0, NULL, &found);
    globfree(&found);
    return missing == GLOB_NOMATCH
               ? ST_OK
               : error_set(err, ST_CORRUPT, "bench: the broker did not take the views made for it");
}

// ---- life

static enum status make_folders(struct bench_home *home, const char *folder, struct error *err)
{
    static const char *const names[] = { "keys", "keys/body", "cards", "bundles", "log", "views" };
    enum status status =
        bench_folder_create(folder, "vedomo-bench", home->path, &home->folder, err);
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(names); i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%.4000s/%s", home->path, names[i]);
        status = file_make_folder(path, 0700, err);
    }
    return status;
}

enum status bench_home_create(const struct bench_home_options *options, struct bus_context *context,
                              struct bench_home **home, struct error *err)
{
    struct bench_home *h = calloc(1, sizeof(*h));
    struct buffer blob = buffer_init(YAML_BYTES);
    if (h == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    snprintf(h->origin, sizeof(h->origin), "bench.example/log");
    snprintf(h->endpoint, sizeof(h->endpoint), "tcp://127.0.0.1:%u", options->port);
    h->asker_count = options->askers;
    h->holder_count = options->holders;
    h->field_count = options->fields == 0 ? 8 : options->fields;
    h->value_bytes = options->value_bytes == 0 ? 64 : options->value_bytes;
    h->consents = options->consents;
    for (size_t i = 0; i < h->field_count; i++) {
        snprintf(h->field_names[i], sizeof(h->field_names[i]), "field_%zu", i);
    }
    enum status status = make_folders(h, options->folder, err);
    if (status == ST_OK) {
        status = make_keys(h, err);
    }
    if (status == ST_OK) {
        status = make_members(h, "asker", &h->askers, h->asker_count, err);
    }
    if (status == ST_OK) {
        status = make_members(h, "holder", &h->holders, h->holder_count, err);
    }
    if (status == ST_OK) {
        status = write_config(h, err);
    }
    if (status == ST_OK) {
        status = make_bundle(h, options->agreements, &blob, err);
    }
    if (status == ST_OK) {
        status = bench_fill(h, options, err);
    }
    if (status == ST_OK) {
        status = start_broker(h, options->vedomod, err);
    }
    if (status == ST_OK) {
        status = check_views(h, err);
    }
    if (status == ST_OK) {
        status = apply_bundle(h, context, buffer_view(&blob), err);
    }
    buffer_fini(&blob);
    if (status != ST_OK) {
        bench_home_destroy(&h);
        return status;
    }
    *home = h;
    return ST_OK;
}

enum status bench_home_peer(const struct bench_home *home, struct bus_context *context,
                            const struct seal_identity *identity, const struct peer_flow *flow,
                            struct peer **peer, struct error *err)
{
    struct peer_config config = { .context = context,
                                  .endpoint = home->endpoint,
                                  .identity = identity,
                                  .broker_curve_key = home->broker.curve_key,
                                  .broker_batch_key = home->broker.sign_key,
                                  .origin = home->origin,
                                  .log_vkey = home->vkey,
                                  .requests = flow,
                                  .answers = flow,
                                  .gather_ms = PEER_GATHER_MS };
    return peer_create(&config, peer, err);
}

static void forget_members(struct bench_member **members, size_t count)
{
    for (size_t i = 0; *members != NULL && i < count; i++) {
        seal_identity_fini(&(*members)[i].identity);
    }
    free(*members);
    *members = NULL;
}

enum status bench_home_stop(struct bench_home *home, struct error *err)
{
    return bench_end(&home->broker_pid, "the broker", err);
}

void bench_home_destroy(struct bench_home **home)
{
    struct bench_home *h = *home;
    struct error ignored;
    if (h == NULL) {
        return;
    }
    if (bench_home_stop(h, &ignored) != ST_OK) {
        fprintf(stderr, "%s\n", ignored.message);
    }
    struct seal_identity *identities[] = { &h->registrar, &h->policy, &h->broker,
                                           &h->log,       &h->master, &h->tag,
                                           &h->operator_, &h->portal, &h->desk };
    for (size_t i = 0; i < ARRAY_COUNT(identities); i++) {
        seal_identity_fini(identities[i]);
    }
    catalogue_destroy(&h->catalogue);
    forget_members(&h->askers, h->asker_count);
    forget_members(&h->holders, h->holder_count);
    bench_folder_destroy(&h->folder, false);
    free(h);
    *home = NULL;
}
