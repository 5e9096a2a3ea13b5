// The thread that offers published checkpoints to the witnesses of the policy (C2SP tlog-witness).
// One request to each witness at a time, all at once; whatever a witness does, it delays nobody but
// itself: publishing, PROOF and exchanges never wait for this thread.
//
// A witness that is away, slow, or answers anything but a good cosignature is asked again after a
// pause that doubles, and named in the program's log. One that has its own word on a larger tree
// than this log ever had is asked for it: this log's signature there proves a rollback, and ends
// the broker; a number alone proves nothing.
//
// Witnesses on this host are asked, and their lines kept, but they make no quorum: whoever could
// rewrite the log could run them too. The setting witnesses.trial lifts that, and everybody is
// told.
#include "broker/witnesses.h"

#include "audit/keys.h"
#include "audit/log.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "base/text.h"
#include "broker/cosign.h"
#include "proof/submission.h"
#include "seal/hash.h"
#include "web/address.h"
#include "web/client.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LOOK_EVERY_MS = 100,
    CALL_MS = 10 * 1000,
    PAUSE_FIRST_MS = 1000,
    PAUSE_MAX_MS = 60 * 1000,
    REFRESH_MS = 30 * 1000, // a new word for the same checkpoint, while the log rests; at most
    WARN_EVERY_MS = 60 * 1000,
    KEEP_EVERY_MS = 10 * 1000, // the newest witnessed checkpoint goes to its file
    ANSWER_MAX_BYTES = PROOF_NOTE_MAX,
    URL_ROOM = PROOF_POLICY_URL_MAX + 2 * DIGEST_BYTES + 16,
    LINE_BYTES = 112,   // of a cosignature, besides its witness's name
    LINES_BYTES = 6144, // of all; a note in WELCOME and PROOF has at most 8,192
    CONFLICTS_MAX = 2   // in a row: after that it contradicts itself
};

struct asker;

// What a call is about; handed back with its answer.
struct errand {
    struct asker *asker;
    size_t place;
    bool evidence; // else: add-checkpoint
};

struct watcher {
    const char *name; // of its key
    const char *url;  // "": it is not asked
    struct errand offer;
    struct errand evidence;
    bool busy;
    uint64_t known;    // size that it cosigned last, as far as we know
    uint64_t offered;  // size under way
    uint64_t cosigned; // size of its newest line here
    int64_t cosigned_ms;
    int64_t again_ms; // not before; monotonic
    unsigned failures;
    unsigned conflicts;
    bool met; // its address is known
    bool local;
};

struct asker {
    struct broker *broker;
    struct proof_policy *policy;
    struct audit_log *log;
    struct web_client *client;
    struct cosign *cosign;
    struct watcher watchers[PROOF_WITNESSES_MAX];
    size_t count;
    struct buffer kept; // the newest witnessed checkpoint of a former run
    uint64_t kept_size;
    uint64_t kept_time_s;
    char path[PATH_MAX]; // of its file
    uint64_t filed_time_s;
    int64_t filed_ms;
    int64_t warned_ms;
    int64_t started_ms;
    bool behind;  // it was said that the log is not witnessed
    bool changed; // the others are to see it
};

// ---- the policy

enum status broker_policy_read(const struct broker *broker, struct proof_policy **policy,
                               struct error *err)
{
    const struct config_vedomod *settings = broker->home.settings;
    const char *path = settings->witnesses.policy;
    struct proof_ring log;
    struct proof_policy *read = NULL;
    struct buffer text = buffer_init(PROOF_POLICY_BYTES_MAX);
    if (path[0] == '\0') {
        *policy = NULL;
        return ST_OK;
    }
    enum status status = file_read(path, PROOF_POLICY_BYTES_MAX, &text, err);
    if (status == ST_OK) {
        status = proof_policy_parse(buffer_view(&text), &read, err);
    }
    audit_keys_ring(audit_journal_keys(broker->journal), &log);
    if (status == ST_OK && !proof_policy_has_log(read, log.keys, log.count)) {
        status = error_set(err, ST_USAGE, "no log line has this log's key ('vedomo log vkey')");
    }
    size_t lines = 0;
    for (size_t i = 0; status == ST_OK && i < proof_policy_witness_count(read); i++) {
        lines += strlen(proof_policy_keys(read)[i].name) + LINE_BYTES;
        const char *url = proof_policy_witness_at(read, i)->url;
        if (url[0] != '\0' && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
            status = error_set(err, ST_USAGE, "'%s' is not a URL with http: or https:", url);
        }
    }
    if (status == ST_OK && lines > LINES_BYTES) {
        status = error_set(err, ST_UNSUPPORTED, "its witnesses' lines do not fit into one message");
    }
    if (status != ST_OK) {
        error_wrap(err, "witnesses.policy '%s'", path);
        proof_policy_destroy(&read);
    } else {
        *policy = read;
    }
    buffer_fini(&text);
    return status;
}

// ---- what the others see

static void show(struct asker *asker)
{
    struct cosign_quorum quorum = cosign_quorum(asker->cosign);
    bool former = asker->kept_size > quorum.size;
    struct bytes note = former ? buffer_view(&asker->kept) : quorum.note;
    struct witnessed *made = calloc(1, sizeof(*made) + note.size);
    if (made == NULL) {
        return; // the next change says the same
    }
    made->size = former ? asker->kept_size : quorum.size;
    made->time_s = former ? asker->kept_time_s : quorum.time_s;
    made->cosigners = former ? 0 : quorum.witnesses;
    made->trial = asker->broker->home.settings->witnesses.trial;
    made->has_quorum = proof_policy_has_quorum(asker->policy);
    for (size_t i = 0; i < asker->count; i++) {
        const struct watcher *watcher = &asker->watchers[i];
        made->count += watcher->url[0] != '\0' ? 1 : 0;
        made->local += watcher->local ? 1 : 0;
        made->failing += watcher->failures > 0 ? 1 : 0;
    }
    made->note_size = note.size;
    if (note.size > 0) {
        memcpy(made->note, note.data, note.size);
    }
    if (!snapshot_swap(asker->broker->witnessed, made)) {
        free(made);
        return;
    }
    asker->changed = false;
}

// ---- asking

static void pause_watcher(struct asker *asker, struct watcher *watcher, const char *why)
{
    int64_t pause_ms = PAUSE_FIRST_MS;
    for (unsigned i = 0; i < watcher->failures && pause_ms < PAUSE_MAX_MS; i++) {
        pause_ms *= 2;
    }
    pause_ms = pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
    watcher->failures++;
    watcher->again_ms = clock_monotonic_ms() + pause_ms;
    asker->changed = true;
    log_event(LOG_LEVEL_WARNING, "witness.no-cosignature", log_text("witness", watcher->name),
              log_text("why", why), log_number("again-ms", pause_ms));
}

static enum status write_body(struct asker *asker, const struct watcher *watcher, uint64_t size,
                              struct bytes note, struct buffer *body, struct error *err)
{
    struct buffer path = buffer_init(PROOF_PATH_MAX * DIGEST_BYTES);
    uint64_t seen = 0;
    enum status status = ST_OK;
    if (watcher->known > 0) {
        status = audit_log_begin(asker->log, &seen, err);
        if (status == ST_OK) {
            status = audit_log_consistency(asker->log, watcher->known, size, &path, err);
            audit_log_end(asker->log);
        }
    }
    if (status == ST_OK) {
        proof_submission_write(watcher->known, buffer_view(&path), note, body);
        status = buffer_ok(body, "checkpoint for a witness", err);
    }
    buffer_fini(&path);
    return status;
}

// While the log rests, a word must come well before its absence is an alarm.
static int64_t refresh_ms(const struct asker *asker)
{
    int64_t half_ms = asker->broker->home.settings->witnesses.alarm_ms / 2;
    return half_ms < REFRESH_MS ? half_ms : REFRESH_MS;
}

static void offer(struct asker *asker, struct watcher *watcher)
{
    struct bytes note;
    struct error err = { 0 };
    uint64_t size = cosign_newest(asker->cosign, &note);
    int64_t now_ms = clock_monotonic_ms();
    bool fresh = watcher->cosigned == size && watcher->cosigned_ms != 0 &&
                 now_ms - watcher->cosigned_ms < refresh_ms(asker);
    if (watcher->busy || watcher->url[0] == '\0' || note.size == 0 || fresh ||
        watcher->known > size || now_ms < watcher->again_ms) {
        return;
    }
    char url[URL_ROOM];
    size_t end = strlen(watcher->url);
    end -= end > 0 && watcher->url[end - 1] == '/' ? 1 : 0;
    snprintf(url, sizeof(url), "%.*s/add-checkpoint", (int)end, watcher->url);
    struct buffer body = buffer_init(PROOF_SUBMISSION_MAX);
    enum status status = write_body(asker, watcher, size, note, &body, &err);
    if (status == ST_OK) {
        const struct web_call call = {
            .url = url,
            .body = buffer_view(&body),
            .content_type = "text/plain; charset=utf-8",
            .answer_max_bytes = ANSWER_MAX_BYTES,
            .timeout_ms = CALL_MS,
            .tag = &watcher->offer,
        };
        status = web_client_start(asker->client, &call, &err);
    }
    buffer_fini(&body);
    watcher->busy = status == ST_OK;
    watcher->offered = size;
    if (status != ST_OK) {
        pause_watcher(asker, watcher, err.message);
    }
}

// Asks for the checkpoint that the witness says it cosigned.
static void ask_evidence(struct asker *asker, struct watcher *watcher)
{
    char url[URL_ROOM];
    char name[2 * DIGEST_BYTES + 1];
    struct error err = { 0 };
    struct digest origin = seal_sha256(asker->broker->home.origin);
    size_t end = strlen(watcher->url);
    end -= end > 0 && watcher->url[end - 1] == '/' ? 1 : 0;
    text_hex_encode(bytes_digest(&origin), name);
    snprintf(url, sizeof(url), "%.*s/%s/checkpoint", (int)end, watcher->url, name);
    const struct web_call call = { .url = url,
                                   .answer_max_bytes = ANSWER_MAX_BYTES,
                                   .timeout_ms = CALL_MS,
                                   .tag = &watcher->evidence };
    watcher->busy = web_client_start(asker->client, &call, &err) == ST_OK;
}

// ---- answers

static void take_cosignature(struct asker *asker, struct watcher *watcher, size_t place,
                             const struct web_answer *answer)
{
    struct error err = { 0 };
    bool trial = asker->broker->home.settings->witnesses.trial;
    bool local = web_address_is_own(answer->address);
    if (local && !(watcher->met && watcher->local)) {
        log_event(LOG_LEVEL_WARNING, "witness.on-this-host", log_text("witness", watcher->name),
                  log_text("counts", trial ? "for trial" : "no"));
    }
    watcher->met = true;
    watcher->local = local;
    asker->changed = true;
    enum status status = cosign_take(asker->cosign, place, watcher->offered, answer->body,
                                     trial || !local, (uint64_t)(clock_wall_ms() / 1000), &err);
    if (status != ST_OK) {
        pause_watcher(asker, watcher, err.message);
        return;
    }
    if (watcher->failures > 0) {
        log_event(LOG_LEVEL_NOTICE, "witness.back", log_text("witness", watcher->name));
    }
    watcher->failures = 0;
    watcher->conflicts = 0;
    watcher->known = watcher->offered;
    watcher->cosigned = watcher->offered;
    watcher->cosigned_ms = clock_monotonic_ms();
}

// 409: the witness is at another size. A smaller or equal one is asked again with the proof from
// there; a larger one than this log has is a claim that needs evidence.
static void take_conflict(struct asker *asker, struct watcher *watcher,
                          const struct web_answer *answer)
{
    uint64_t size = 0;
    struct bytes digits = answer->body;
    bool typed = strcmp(answer->content_type, "text/x.tlog.size") == 0;
    if (!typed || digits.size < 2 || digits.data[digits.size - 1] != '\n' ||
        !text_u64_parse(bytes_of(digits.data, digits.size - 1), UINT64_MAX, &size)) {
        pause_watcher(asker, watcher, "HTTP status 409 without the size that it has");
        return;
    }
    if (size > audit_journal_size(asker->broker->journal)) {
        pause_watcher(asker, watcher, "it says that it cosigned more entries than this log has");
        ask_evidence(asker, watcher);
        return;
    }
    watcher->known = size;
    watcher->conflicts++;
    if (watcher->conflicts > CONFLICTS_MAX) {
        watcher->conflicts = 0;
        pause_watcher(asker, watcher, "it names another size each time");
    }
}

// A checkpoint from a witness that refuses ours. Only our own signature on another tree matters.
static void take_evidence(struct asker *asker, const struct watcher *watcher,
                          const struct web_answer *answer)
{
    struct error err = { 0 };
    struct proof_checkpoint checkpoint;
    struct digest root = { 0 };
    uint64_t size = 0;
    if (answer->status != 200 || audit_keys_open(audit_journal_keys(asker->broker->journal),
                                                 answer->body, &checkpoint, &err) != ST_OK) {
        return; // nothing is proven; the refusal was logged
    }
    if (audit_log_begin(asker->log, &size, &err) != ST_OK) {
        return;
    }
    enum status status =
        checkpoint.size > size ? ST_OK : audit_log_root(asker->log, checkpoint.size, &root, &err);
    audit_log_end(asker->log);
    if (status == ST_OK && !digest_equal(&root, &checkpoint.root)) {
        error_set(
            &err, ST_CORRUPT,
            "the witness %s holds this log's signature on %llu entries that this log does not "
            "have; an older copy was restored or entries were changed",
            watcher->name, (unsigned long long)checkpoint.size);
        broker_fail(asker->broker, "log.rolled-back", &err);
    }
}

static void on_answer(void *context, const struct web_answer *answer)
{
    const struct errand *errand = answer->tag;
    struct asker *asker = context;
    struct watcher *watcher = &asker->watchers[errand->place];
    char why[64];
    watcher->busy = false;
    if (errand->evidence) {
        take_evidence(asker, watcher, answer);
    } else if (answer->status == PROOF_COSIGN) {
        take_cosignature(asker, watcher, errand->place, answer);
    } else if (answer->status == PROOF_CONFLICT) {
        take_conflict(asker, watcher, answer);
    } else if (answer->status == 0) {
        pause_watcher(asker, watcher, answer->problem);
    } else {
        snprintf(why, sizeof(why), "HTTP status %u", answer->status);
        pause_watcher(asker, watcher, why);
        if (answer->status == PROOF_REFUTED) {
            ask_evidence(asker, watcher);
        }
    }
}

// ---- what is kept across a restart, and what is said when it grows old

// A witnessed checkpoint of a former run. One that this log does not continue ends it.
static enum status read_kept(struct asker *asker, struct error *err)
{
    struct proof_checkpoint checkpoint;
    struct proof_policy_finding finding;
    struct error why = { 0 };
    struct digest root = { 0 };
    uint64_t size = 0;
    struct proof_ring log;
    audit_keys_ring(audit_journal_keys(asker->broker->journal), &log);
    if (!file_exists(asker->path)) {
        return ST_OK;
    }
    enum status status = file_read(asker->path, PROOF_NOTE_MAX, &asker->kept, err);
    if (status != ST_OK) {
        return status;
    }
    // Under another policy it says nothing.
    if (proof_policy_check(asker->policy, buffer_view(&asker->kept), log.keys, log.count,
                           &checkpoint, &finding, &why) != ST_OK ||
        !finding.met) {
        return ST_OK;
    }
    status = audit_log_begin(asker->log, &size, err);
    if (status != ST_OK) {
        return status;
    }
    if (checkpoint.size <= size) {
        status = audit_log_root(asker->log, checkpoint.size, &root, err);
    }
    audit_log_end(asker->log);
    if (status == ST_OK && !digest_equal(&root, &checkpoint.root)) {
        return error_set(err, ST_UNPROVEN,
                         "'%s': witnesses have cosigned %llu entries that this log does not have; "
                         "this origin must not go on",
                         asker->path, (unsigned long long)checkpoint.size);
    }
    asker->kept_size = status == ST_OK ? checkpoint.size : 0;
    asker->kept_time_s = finding.time_s;
    asker->filed_time_s = finding.time_s;
    return status;
}

// Not on trial: the next run could take it for more than it is.
static void keep(struct asker *asker, bool at_end)
{
    struct error err = { 0 };
    struct cosign_quorum quorum = cosign_quorum(asker->cosign);
    int64_t now_ms = clock_monotonic_ms();
    if (asker->broker->home.settings->witnesses.trial || quorum.note.size == 0 ||
        quorum.time_s == asker->filed_time_s ||
        (!at_end && asker->filed_ms != 0 && now_ms - asker->filed_ms < KEEP_EVERY_MS)) {
        return;
    }
    asker->filed_ms = now_ms;
    if (file_replace(asker->path, quorum.note, 0600, &err) == ST_OK) {
        asker->filed_time_s = quorum.time_s;
    } else {
        log_event(LOG_LEVEL_ERROR, "witnessed.not-kept", log_text("why", err.message));
    }
}

static void warn(struct asker *asker)
{
    uint64_t quorum_s = cosign_quorum(asker->cosign).time_s;
    uint64_t time_s = quorum_s > asker->kept_time_s ? quorum_s : asker->kept_time_s;
    int64_t now_ms = clock_monotonic_ms();
    int64_t since_start_s = (now_ms - asker->started_ms) / 1000;
    int64_t age_s = time_s == 0 ? since_start_s : clock_wall_ms() / 1000 - (int64_t)time_s;
    // A broker that starts again asks first.
    int64_t alarm_s = asker->broker->home.settings->witnesses.alarm_ms / 1000;
    bool late =
        age_s > alarm_s && since_start_s > alarm_s && proof_policy_has_quorum(asker->policy);
    if (late && (!asker->behind || now_ms - asker->warned_ms >= WARN_EVERY_MS)) {
        asker->warned_ms = now_ms;
        log_event(LOG_LEVEL_WARNING, "log.unwitnessed", log_number("age-s", age_s));
    } else if (!late && asker->behind) {
        log_event(LOG_LEVEL_NOTICE, "log.witnessed");
    }
    asker->behind = late;
}

// ---- the thread

static void look_for_published(struct asker *asker)
{
    struct error err = { 0 };
    struct bytes newest;
    uint64_t size = 0;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    enum status status = audit_journal_published(asker->broker->journal, &size, &note, &err);
    if (status == ST_OK && (cosign_newest(asker->cosign, &newest) != size || newest.size == 0)) {
        struct proof_ring log;
        audit_keys_ring(audit_journal_keys(asker->broker->journal), &log);
        status = cosign_offer(asker->cosign, &log, buffer_view(&note), &err);
    }
    if (status != ST_OK && status != ST_NOT_FOUND) {
        log_event(LOG_LEVEL_ERROR, "witnesses.not-offered", log_text("why", err.message));
    }
    buffer_fini(&note);
}

static enum status open_asker(struct asker *asker, struct error *err)
{
    struct broker *broker = asker->broker;
    asker->kept = buffer_init(PROOF_NOTE_MAX);
    asker->started_ms = clock_monotonic_ms();
    if (snprintf(asker->path, sizeof(asker->path), "%s/log.witnessed", broker->home.path) >=
        (int)sizeof(asker->path)) {
        return error_set(err, ST_USAGE, "%s: path too long", broker->home.path);
    }
    enum status status = broker_policy_read(broker, &asker->policy, err);
    if (status == ST_OK) {
        status = web_client_create(&asker->client, err);
    }
    if (status == ST_OK) {
        status = audit_log_create(broker->journal, &asker->log, err);
    }
    if (status != ST_OK) {
        return status;
    }
    asker->cosign = cosign_create(asker->policy);
    if (asker->cosign == NULL) {
        return error_set(err, ST_NOMEM, "witnesses: no memory");
    }
    asker->count = proof_policy_witness_count(asker->policy);
    for (size_t i = 0; i < asker->count; i++) {
        asker->watchers[i] = (struct watcher){
            .name = proof_policy_keys(asker->policy)[i].name,
            .url = proof_policy_witness_at(asker->policy, i)->url,
            .offer = { .asker = asker, .place = i },
            .evidence = { .asker = asker, .place = i, .evidence = true },
        };
    }
    return broker->home.settings->witnesses.trial ? ST_OK : read_kept(asker, err);
}

static void close_asker(struct asker *asker)
{
    web_client_destroy(&asker->client);
    cosign_destroy(&asker->cosign);
    audit_log_destroy(&asker->log);
    proof_policy_destroy(&asker->policy);
    buffer_fini(&asker->kept);
    free(asker);
}

void broker_witnesses_run(struct thread *thread, void *argument)
{
    struct broker *broker = argument;
    struct error err = { 0 };
    struct asker *asker = calloc(1, sizeof(*asker));
    if (asker == NULL) {
        thread_ready(thread, error_set(&err, ST_NOMEM, "witnesses: no memory"), &err);
        return;
    }
    asker->broker = broker;
    enum status status = open_asker(asker, &err);
    if (status == ST_OK) {
        show(asker);
        if (broker->home.settings->witnesses.trial) {
            log_event(LOG_LEVEL_WARNING, "witnesses.trial",
                      log_text("note", "witnesses on this host count: good for a trial only"));
        }
    }
    thread_ready(thread, status, &err);
    while (status == ST_OK && !atomic_load(&broker->stopping)) {
        look_for_published(asker);
        for (size_t i = 0; i < asker->count; i++) {
            offer(asker, &asker->watchers[i]);
        }
        web_client_step(asker->client, LOOK_EVERY_MS, on_answer, asker);
        if (asker->changed) {
            show(asker);
        }
        keep(asker, false);
        warn(asker);
    }
    if (status == ST_OK) {
        keep(asker, true);
    }
    close_asker(asker);
}
