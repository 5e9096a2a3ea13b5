// Consents of a person: found, shown, changed.
#pragma once

#include "output.h"
#include "person.h"

// One consent with its artefact. Views live in the person's arena.
struct consent_item {
    struct wire_consent_record record;
    struct wire_artefact artefact;
    struct digest hash; // of the artefact, computed here
};

// All consents of the person, newest change first as the broker lists them. Adds to an array in the
// person's arena.
NODISCARD enum status consents_list(struct person *person, const struct consent_item **items,
                                    size_t *count, struct error *err);

// The one with that id. ST_NOT_FOUND.
NODISCARD enum status consents_find(struct person *person, const char *id,
                                    struct consent_item *item, struct error *err);

void consents_show_line(struct output *out, const struct speech *speech,
                        const struct consent_item *item);
void consents_show_full(struct output *out, const struct speech *speech,
                        const struct consent_item *item);

// Sends a change and verifies its receipt. `receipt_path` (may be NULL): keeps the receipt there.
NODISCARD enum status consents_change(struct person *person, uint32_t action,
                                      const struct wire_artefact *artefact, const char *clerk,
                                      const char *receipt_path, struct output *out,
                                      struct error *err);

// Reads "name" or "name:form", comma after comma; forms may be left out. Views borrow from `text`
// and live in the arena. ST_USAGE: not such a list, or a name twice.
NODISCARD enum status consents_read_fields(const char *text, struct arena *arena,
                                           const struct wire_field_ask **fields, size_t *count,
                                           struct error *err);
