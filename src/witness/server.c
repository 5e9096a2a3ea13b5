// The witness's two threads. The HTTP server's takes requests apart and queues them; the witness's
// answers them in order, so that "is it the size that was cosigned last?" and "make the new one
// durable" are one step. Full queue: 503; a request that waits too long: 504, from the HTTP door.
#include "witness/server.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/queue.h"
#include "base/text.h"
#include "base/thread.h"
#include "seal/keyfile.h"
#include "web/server.h"
#include "witness/ledger.h"

#include <stdlib.h>
#include <unistd.h>

enum { QUEUE_MAX = 1024, BATCH = 16, ANSWER_MS = 10000 };

static const char plain[] = "text/plain; charset=utf-8";
static const char size_type[] = "text/x.tlog.size";

struct witness {
    const struct config_witness *config;
    int lock; // of the state folder; -1: none
    struct seal_identity identity;
    struct proof_key key;
    struct witness_ledger *ledger; // the witness's thread
    struct queue *requests;        // struct web_request
    struct web_server *server;
    struct thread *thread;
};

// ---- answers

static void reply(struct web_request **request, unsigned status, const char *type,
                  struct bytes body)
{
    struct web_response *response = web_response_bytes(status, type, body);
    if (response != NULL && !web_response_header(response, "Cache-Control", "no-store")) {
        web_response_destroy(&response);
    }
    web_reply(request, &response);
}

static void refuse(struct web_request **request, unsigned status, const char *why)
{
    struct buffer body = buffer_init(ERROR_MESSAGE_BYTES + 1);
    buffer_format(&body, "%s\n", why);
    reply(request, status, plain, buffer_view(&body));
    buffer_fini(&body);
}

static void answer_size(struct web_request **request, uint64_t size)
{
    struct buffer body = buffer_init(32);
    buffer_format(&body, "%ju\n", (uintmax_t)size);
    reply(request, PROOF_CONFLICT, size_type, buffer_view(&body));
    buffer_fini(&body);
}

// What a log has signed and this witness refutes is for its operator; any noise is not.
static void note_refusal(enum proof_verdict verdict, const char *origin, const struct error *err)
{
    if (verdict == PROOF_REFUTED) {
        log_event(LOG_LEVEL_ERROR, "checkpoint.refuted", log_text("log", origin),
                  log_text("why", err->message));
    } else {
        log_event(LOG_LEVEL_DEBUG, "checkpoint.refused", log_number("status", (int64_t)verdict),
                  log_text("why", err->message));
    }
}

static void add_checkpoint(struct witness *witness, struct web_request **request)
{
    struct error err = { 0 };
    struct buffer line = buffer_init(1024);
    enum proof_verdict verdict = PROOF_BAD;
    uint64_t latest = 0;
    const char *origin = NULL;
    enum status status = witness_ledger_add(witness->ledger, web_request_body(*request),
                                            (uint64_t)(clock_wall_ms() / 1000), &verdict, &line,
                                            &latest, &origin, &err);
    if (status != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "checkpoint.not-kept", log_text("why", err.message));
        refuse(request, 500, "the checkpoint could not be kept; nothing was cosigned");
    } else if (verdict == PROOF_COSIGN) {
        log_event(LOG_LEVEL_DEBUG, "checkpoint.cosigned", log_text("log", origin));
        reply(request, 200, plain, buffer_view(&line));
    } else {
        note_refusal(verdict, origin == NULL ? "" : origin, &err);
        if (verdict == PROOF_CONFLICT) {
            answer_size(request, latest);
        } else {
            refuse(request, verdict, err.message);
        }
    }
    buffer_fini(&line);
}

// "/<64 hex digits>/checkpoint"
static bool parse_log(const char *path, struct digest *origin)
{
    static const char tail[] = "/checkpoint";
    struct bytes text = bytes_text(path);
    size_t hex = 2 * DIGEST_BYTES;
    return text.size == 1 + hex + sizeof(tail) - 1 &&
           text_hex_decode(bytes_of(text.data + 1, hex), origin->bytes, DIGEST_BYTES) &&
           strcmp(path + 1 + hex, tail) == 0;
}

static void show_checkpoint(struct witness *witness, struct web_request **request)
{
    struct digest origin;
    struct bytes note = { 0 };
    if (parse_log(web_request_path(*request), &origin)) {
        note = witness_ledger_note(witness->ledger, &origin);
    }
    if (note.size == 0) {
        refuse(request, 404, "nothing of that name");
    } else {
        reply(request, 200, plain, note);
    }
}

static void answer(struct witness *witness, struct web_request *request)
{
    if (strcmp(web_request_path(request), "/add-checkpoint") == 0) {
        add_checkpoint(witness, &request);
    } else {
        show_checkpoint(witness, &request);
    }
}

// ---- threads

static void on_request(struct web_request *request, void *context)
{
    struct witness *witness = context;
    void *item = request;
    bool add = strcmp(web_request_path(request), "/add-checkpoint") == 0;
    if (strcmp(web_request_method(request), add ? "POST" : "GET") != 0) {
        refuse(&request, 405, add ? "POST a checkpoint" : "GET a checkpoint");
    } else if (queue_push(witness->requests, &item, 1) == 0) {
        refuse(&request, 503, "too many requests wait");
    }
}

static void run(struct thread *thread, void *argument)
{
    struct witness *witness = argument;
    void *items[BATCH];
    size_t count = 0;
    thread_ready(thread, ST_OK, NULL);
    while ((count = queue_wait(witness->requests, items, BATCH, -1)) > 0) {
        for (size_t i = 0; i < count; i++) {
            answer(witness, items[i]);
        }
    }
}

// ---- beginning and end

static enum status take_state(struct witness *witness, struct error *err)
{
    const char *state = witness->config->state;
    enum status status = file_make_folder(state, 0700, err);
    if (status == ST_OK) {
        status = lock_folder(state, "a witness runs on this state folder already; stop it first",
                             &witness->lock, err);
    }
    return status;
}

static enum status read_identity(struct witness *witness, struct error *err)
{
    enum status status = seal_keyfile_load_role(witness->config->identity, SEAL_ROLE_WITNESS,
                                                &witness->identity, err);
    if (status == ST_OK) {
        status = proof_key_make(witness->identity.node, PROOF_KEY_COSIGNATURE,
                                &witness->identity.sign_key, &witness->key, err);
    }
    return status;
}

static enum status start_server(struct witness *witness, struct error *err)
{
    const struct config_witness *config = witness->config;
    struct web_server_config server = {
        .listen = config->listen,
        .body_max_bytes = (size_t)config->http.body_bytes,
        .connections_max = (unsigned)config->http.connections_max,
        .per_address_max = (unsigned)config->http.per_address_max,
        .idle_timeout_ms = (unsigned)config->http.idle_ms,
        .answer_timeout_ms = ANSWER_MS,
        .handler = on_request,
        .context = witness,
    };
    enum status status = web_server_start(&server, &witness->server, err);
    return status == ST_OK ? ST_OK : error_wrap(err, "listen");
}

void witness_stop(struct witness **witness)
{
    struct witness *stopped = *witness;
    if (stopped == NULL) {
        return;
    }
    *witness = NULL;
    if (stopped->requests != NULL) {
        queue_close(stopped->requests);
    }
    if (stopped->thread != NULL) {
        thread_join(&stopped->thread);
    }
    void *item = NULL;
    while (stopped->requests != NULL && queue_take(stopped->requests, &item, 1) == 1) {
        struct web_request *request = item;
        refuse(&request, 503, "the witness is stopping");
    }
    web_server_stop(&stopped->server);
    queue_destroy(&stopped->requests);
    witness_ledger_close(&stopped->ledger);
    seal_identity_fini(&stopped->identity);
    if (stopped->lock >= 0) {
        close(stopped->lock);
    }
    free(stopped);
}

enum status witness_start(const struct config_witness *config, struct witness **witness,
                          struct error *err)
{
    struct witness *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "witness: no memory");
    }
    made->config = config;
    made->lock = -1;
    enum status status = take_state(made, err);
    if (status == ST_OK) {
        status = read_identity(made, err);
    }
    if (status == ST_OK) {
        status = witness_ledger_open(config->state, config, &made->key, made->identity.signer,
                                     &made->ledger, err);
    }
    if (status == ST_OK) {
        status = queue_create(QUEUE_MAX, 0, &made->requests, err);
    }
    if (status == ST_OK) {
        status = thread_start("witness", run, made, &made->thread, err);
    }
    if (status == ST_OK) {
        status = start_server(made, err);
    }
    if (status != ST_OK) {
        witness_stop(&made);
        return status;
    }
    *witness = made;
    return ST_OK;
}

uint16_t witness_port(const struct witness *witness)
{
    return web_server_port(witness->server);
}

void witness_vkey(const struct witness *witness, struct buffer *out)
{
    proof_key_format(&witness->key, out);
}
