// The portal's process: its folder stands in the federation's home and goes with it.
#include "bench_portal.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "bench_ground.h"
#include "seal/sign.h"

static enum status write_config(const struct bench_home *home, const char *folder, unsigned port,
                                struct error *err)
{
    char path[PATH_MAX];
    struct buffer text = buffer_init(8192);
    snprintf(path, sizeof(path), "%.4000s/portal.yaml", folder);
    buffer_format(&text,
                  "listen: 127.0.0.1:%u\nidentity: %s/portal.key\nstate: %s/state\n"
                  "broker: {endpoint: \"%s\", card: %s/broker.card, vkey: \"%s\"}\n"
                  "watch: {level: warning}\nregistrar: {threshold: 1, keys: [\"",
                  port, folder, folder, home->endpoint, folder, home->vkey);
    seal_key_format(&text, &home->registrar.sign_key);
    buffer_text(&text, "\"]}\n");
    enum status status = buffer_ok(&text, "configuration", err);
    if (status == ST_OK) {
        status = file_create(path, buffer_view(&text), 0600, err);
    }
    buffer_fini(&text);
    return status;
}

static enum status write_folder(const struct bench_home *home, const char *folder, unsigned port,
                                struct error *err)
{
    char path[PATH_MAX];
    enum status status = file_make_folder(folder, 0700, err);
    if (status == ST_OK) {
        snprintf(path, sizeof(path), "%.4000s/state", folder);
        status = file_make_folder(path, 0700, err);
    }
    if (status == ST_OK) {
        snprintf(path, sizeof(path), "%.4000s/portal.key", folder);
        status = seal_keyfile_create(path, &home->portal, err);
    }
    if (status == ST_OK) {
        snprintf(path, sizeof(path), "%.4000s/broker.card", folder);
        status = bench_home_card(home, &home->broker, path, err);
    }
    return status == ST_OK ? write_config(home, folder, port, err) : status;
}

enum status bench_portal_start(const struct bench_home *home, const char *program,
                               struct bench_portal *portal, struct error *err)
{
    char folder[PATH_MAX];
    char config[PATH_MAX];
    char path[PATH_MAX];
    unsigned port = 0;
    snprintf(folder, sizeof(folder), "%.3900s/portal", home->path);
    snprintf(config, sizeof(config), "%.4000s/portal.yaml", folder);
    enum status status = bench_program(program, "vedomo-portal", path, err);
    if (status == ST_OK) {
        status = bench_free_port(&port, err);
    }
    if (status == ST_OK) {
        status = write_folder(home, folder, port, err);
    }
    if (status != ST_OK) {
        return status;
    }
    snprintf(portal->url, sizeof(portal->url), "http://127.0.0.1:%u/log/", port);
    portal->pid = fork();
    if (portal->pid == 0) {
        bench_folder_enter(&home->folder);
        execl(path, "vedomo-portal", config, (char *)NULL);
        _exit(127);
    }
    return portal->pid > 0 ? ST_OK : error_errno(err, ST_IO, "bench: %s", path);
}

enum status bench_portal_stop(struct bench_portal *portal, struct error *err)
{
    return bench_end(&portal->pid, "the portal", err);
}
