// What changes between two policy bundles: who could see what that could not before.
#pragma once

#include "catalogue/catalogue.h"

enum catalogue_change {
    CATALOGUE_WIDER,    // could not before
    CATALOGUE_NARROWER, // can no longer
};

// One thing that an official can see, or may do, under one of the two bundles alone.
struct catalogue_difference {
    enum catalogue_change change;
    const struct catalogue_agreement *agreement; // the one that allows it: of new, or of old
    const struct catalogue_purpose *purpose;
    enum catalogue_basis basis;
    const char *role;                    // official role; "" when the agreement takes any
    const struct catalogue_field *field; // NULL: a limit differs, not a field
    struct catalogue_form form;          // of the field: a form that the other side does not cover
    const char *limit; // without a field: "holders", "articles", "case", "justification",
                       // "per-case", "per-official-day", "consent-days", "consent-uses", "review",
                       // "notice"; else ""
};

// Calls `report` for each difference, wider ones first, in the order of the agreements. `old` may
// be NULL: everything is wider. Returns how many there were.
size_t catalogue_diff(const struct catalogue *old, const struct catalogue *new,
                      void (*report)(void *context, const struct catalogue_difference *difference),
                      void *context);
