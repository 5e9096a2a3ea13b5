// Connection, bundle and person for one command.
#include "person.h"

#include "seal/secret.h"
#include "typed.h"

enum { ARENA_BYTES = 64 * 1024 * 1024 };

static enum status fetch_catalogue(struct command_call *call, enum person_need need,
                                   struct person *person, struct error *err)
{
    // Without policy pins a list still has its codes; an identifier cannot be checked, nor a
    // consent be shown in words.
    bool needed = need == PERSON_SUBJECT || call->settings->subject != NULL ||
                  call->settings->policy.count > 0;
    enum status status =
        needed ? link_catalogue(person->link, &person->catalogue, NULL, err) : ST_OK;
    if (status == ST_NOT_FOUND && call->settings->subject == NULL) {
        status = ST_OK;
    }
    person->speech.catalogue = person->catalogue;
    return status;
}

static enum status read_whom(struct command_call *call, const char *session, enum person_need need,
                             struct person *person, struct error *err)
{
    bool subject = call->settings->subject != NULL;
    if (subject && session != NULL) {
        return error_set(err, ST_USAGE, "give --session or --subject, not both");
    }
    bool missing = (need == PERSON_SESSION && session == NULL) ||
                   (need == PERSON_SUBJECT && !subject) ||
                   (need == PERSON_EITHER && session == NULL && !subject);
    if (missing) {
        return error_set(err, ST_USAGE, "whom is it about? Give %s",
                         need == PERSON_SESSION   ? "--session FILE of 'vedomo consent open'"
                         : need == PERSON_SUBJECT ? "--subject -"
                                                  : "--session FILE or --subject -");
    }
    if (session != NULL) {
        return typed_session_load(session, &person->session, err);
    }
    if (subject) {
        person->scheme = bytes_text(call->settings->scheme != NULL ? call->settings->scheme : "");
        return typed_subject(call->settings, person->catalogue, &person->subject, err);
    }
    return ST_OK;
}

enum status person_open(struct command_call *call, const char *session, enum person_need need,
                        struct person *person, struct error *err)
{
    *person = (struct person){
        .subject = buffer_init(CATALOGUE_SUBJECT_MAX),
        .arena = arena_create(ARENA_BYTES),
        .speech.language =
            strcmp(call->settings->language, "ru") == 0 ? CATALOGUE_RU : CATALOGUE_EN,
    };
    enum status status = person->arena == NULL ? error_set(err, ST_NOMEM, "memory") : ST_OK;
    if (status == ST_OK) {
        status = link_open(call->settings, &person->link, err);
    }
    if (status == ST_OK) {
        status = fetch_catalogue(call, need, person, err);
    }
    if (status == ST_OK) {
        status = read_whom(call, session, need, person, err);
    }
    if (status != ST_OK) {
        person_close(person);
    }
    return status;
}

void person_close(struct person *person)
{
    catalogue_destroy(&person->catalogue);
    link_close(&person->link);
    if (person->subject.data != NULL) {
        seal_wipe(person->subject.data, person->subject.capacity);
    }
    buffer_fini(&person->subject);
    seal_wipe(&person->session, sizeof(person->session));
    arena_destroy(&person->arena);
}
