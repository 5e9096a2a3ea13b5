// What most commands about a person need together: the connection, the policy bundle, and either
// the person's session or the person's identifier.
#pragma once

#include "command.h"
#include "link.h"
#include "speech.h"

#include "base/arena.h"

struct person {
    struct link *link;
    struct catalogue *catalogue; // NULL where it was not needed and there is none
    struct speech speech;
    struct digest session; // zero: none
    struct buffer subject; // normalised identifier; empty: none
    struct bytes scheme;   // borrowed from the settings
    struct arena *arena;   // for what must outlive one answer
};

enum person_need {
    PERSON_NONE,    // connection and bundle only
    PERSON_SESSION, // --session FILE
    PERSON_SUBJECT, // --subject -
    PERSON_EITHER,  // one of the two
    PERSON_MAYBE,   // one of the two, or nobody
};

// Opens the connection, fetches and verifies the bundle, reads whom it is about. `session` is the
// file named by --session, or NULL. On failure nothing is left to close.
NODISCARD enum status person_open(struct command_call *call, const char *session,
                                  enum person_need need, struct person *person, struct error *err);
void person_close(struct person *person);
