// The portal's beginning and end. Whatever is wrong with keys, trust or folders is told here, in
// words, before anything is served.
#include "portal/inside.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "bus/context.h"
#include "registry/file.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    BODY_MAX_BYTES = 1024, // nothing here takes one
    ANSWER_MS = 10000,     // the log's thread gives up sooner
};

static enum status take_state(struct portal *portal, struct error *err)
{
    const char *state = portal->config->state;
    enum status status = file_make_folder(state, 0700, err);
    if (status == ST_OK) {
        status = file_join(portal->checkpoint_path, sizeof(portal->checkpoint_path), state,
                           "checkpoint", err);
    }
    if (status == ST_OK) {
        status = lock_folder(state, "a portal runs on this state folder already; stop it first",
                             &portal->lock, err);
    }
    return status;
}

static enum status read_identity(struct portal *portal, struct error *err)
{
    const struct config_portal *config = portal->config;
    enum status status =
        seal_keyfile_load_role(config->identity, SEAL_ROLE_PORTAL, &portal->identity, err);
    if (status == ST_OK) {
        status = proof_key_parse(bytes_text(config->broker.vkey), &portal->log, err);
    }
    if (status == ST_OK && portal->log.type != PROOF_KEY_ED25519) {
        status = error_set(err, ST_USAGE, "broker.vkey: the key of a witness, not of a log");
    }
    return status;
}

static enum status read_broker(struct portal *portal, struct error *err)
{
    const struct config_portal *config = portal->config;
    struct bytes origin = bytes_text(portal->log.name);
    portal->registrar = config->registrar.pins;
    portal->of_log = (struct registry_of_log){ .registrar = &portal->registrar, .origin = origin };
    return registry_file_broker(config->broker.card, origin, &portal->registrar,
                                (uint64_t)clock_wall_ms(), &portal->broker, err);
}

static enum status start_server(struct portal *portal, struct error *err)
{
    const struct config_portal *config = portal->config;
    struct web_server_config server = {
        .listen = config->listen,
        .body_max_bytes = BODY_MAX_BYTES,
        .connections_max = (unsigned)config->http.connections_max,
        .per_address_max = (unsigned)config->http.per_address_max,
        .idle_timeout_ms = (unsigned)config->http.idle_ms,
        .answer_timeout_ms = ANSWER_MS,
        .handler = portal_pages_handle,
        .context = portal,
    };
    enum status status = web_server_start(&server, &portal->server, err);
    return status == ST_OK ? ST_OK : error_wrap(err, "listen");
}

// What is left once both threads have ended.
static void portal_free(struct portal *portal)
{
    queue_destroy(&portal->visits);
    bus_context_destroy(&portal->context);
    seal_identity_fini(&portal->identity);
    if (portal->lock >= 0) {
        close(portal->lock);
    }
    free(portal);
}

void portal_stop(struct portal **portal)
{
    struct portal *stopped = *portal;
    if (stopped == NULL) {
        return;
    }
    *portal = NULL;
    // No more visits first; what waits is answered by the log's thread while the server lives.
    queue_close(stopped->visits);
    if (stopped->thread != NULL) {
        thread_join(&stopped->thread);
    }
    web_server_stop(&stopped->server);
    portal_free(stopped);
}

enum status portal_start(const struct config_portal *config, struct portal **portal,
                         struct error *err)
{
    struct portal *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "portal: no memory");
    }
    made->config = config;
    made->lock = -1;
    enum status status = queue_create(PORTAL_VISITS_MAX, 0, &made->visits, err);
    if (status != ST_OK) {
        free(made);
        return status;
    }
    status = take_state(made, err);
    if (status == ST_OK) {
        status = read_identity(made, err);
    }
    if (status == ST_OK) {
        status = read_broker(made, err);
    }
    if (status == ST_OK) {
        status = bus_context_create(1, &made->context, err);
    }
    if (status == ST_OK) {
        status = thread_start("log", portal_log_run, made, &made->thread, err);
    }
    if (status == ST_OK) {
        status = start_server(made, err);
    }
    if (status != ST_OK) {
        portal_stop(&made);
        return status;
    }
    *portal = made;
    return ST_OK;
}

uint16_t portal_port(const struct portal *portal)
{
    return web_server_port(portal->server);
}
