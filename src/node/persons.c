// What becomes of a person's check. A second one for the same person means that the broker files an
// access under somebody else; a tag key that no entry has introduced would let it do so for
// everyone at once.
#include "node/persons.h"

#include "base/event.h"
#include "base/file.h"
#include "node/memory.h"
#include "seal/secret.h"

#include <stdio.h>

enum status node_persons_open(struct node_engine *engine, struct error *err)
{
    char path[NODE_PATH_MAX];
    bool fresh = false;
    enum status status = file_join(path, sizeof(path), engine->config->state, "persons", err);
    if (status != ST_OK) {
        return status;
    }
    status = node_memory_keep(engine->memory, path, seal_secret_view(engine->identity.curve_secret),
                              node_now(), &fresh, err);
    if (status == ST_OK && fresh) {
        log_event(LOG_LEVEL_NOTICE, "subject.memory-new",
                  log_text("why", "it was kept under another key of this node"));
    }
    return status;
}

const char *node_person_problem(struct node_engine *engine, struct bytes scheme,
                                struct bytes subject, uint32_t tag_key_id,
                                const struct digest *check, const struct id *request,
                                const char *side)
{
    bool kept = true;
    enum node_person answer =
        node_memory_person(engine->memory, scheme, subject, tag_key_id, check, node_now(), &kept);
    if (!kept) {
        log_event(LOG_LEVEL_WARNING, "subject.not-kept", log_text("file", "persons"));
    }
    switch (answer) {
    case NODE_PERSON_DIFFERS:
        log_event(LOG_LEVEL_ERROR, "subject.check-differs", log_id("request", *request),
                  log_text("side", side));
        return "the log files this person under another pseudonym";
    case NODE_PERSON_KEY_UNKNOWN:
        log_event(LOG_LEVEL_ERROR, "subject.key-unknown", log_id("request", *request),
                  log_text("side", side), log_number("tag-key", tag_key_id));
        return "the log uses a new key for pseudonyms, and no entry of it says so";
    case NODE_PERSON_AGREES:
        break;
    }
    return NULL;
}
