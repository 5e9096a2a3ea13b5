// What a policy file may hold, as it is read: texts and lists, before codes are looked up. The one
// table of it drives reading, checking and the reference in docs/configuration.md.
#pragma once

#include "catalogue/catalogue.h"
#include "yaml/schema.h"

struct catalogue_raw_scheme {
    unsigned line;
    const char *code;
    const char *pattern;
    int check; // 0 none, 1 mod9
};

struct catalogue_raw_member {
    unsigned line;
    const char *code;
    struct catalogue_text title;
    const char *contact;
};

// A keyed text in both languages: official, citizen's sentence, form, basis, reason.
struct catalogue_raw_text {
    unsigned line;
    const char *key;
    struct catalogue_text text;
    const char *asker; // reasons only: "same", or the reason that the asker reads in its place
};

struct catalogue_raw_purpose {
    unsigned line;
    const char *key;
    const char *dpv;
    struct catalogue_text text;
    struct catalogue_text benefit;
};

struct catalogue_raw_field {
    unsigned line;
    const char *key;
    int type;
    int sensitivity;
    struct yaml_list forms; // const char *
    uint64_t max_bytes;
    struct catalogue_text title;
    struct yaml_list codes; // const char *
};

struct catalogue_raw_dataset {
    unsigned line;
    const char *code;
    const char *holder;       // one, or
    struct yaml_list holders; // several: const char *
    struct catalogue_text title;
    struct yaml_list fields; // struct catalogue_raw_field
};

// The forms of one field in an agreement.
struct catalogue_raw_forms {
    unsigned line;
    const char *key;
    struct yaml_list forms; // const char *
};

struct catalogue_raw_agreement {
    unsigned line;
    const char *id;
    const char *asker;
    const char *dataset;
    struct yaml_list purposes; // const char *
    struct yaml_list bases;    // int: enum catalogue_basis
    struct yaml_list articles; // const char *
    struct yaml_list fields;   // struct catalogue_raw_forms
    struct yaml_list roles;    // const char *
    bool case_required;
    int justification; // 0 none, 1 required
    uint64_t per_case;
    uint64_t per_official_day;
    uint64_t consent_days;
    uint64_t consent_uses;
    uint64_t review_hours;
    int review_by; // officer-of-another-member
    int notice;    // 0 in-list, 1 at-once
    struct catalogue_text paper;
};

// One file. Any section may stand in any file; lists of several files add up.
struct catalogue_raw_file {
    struct yaml_list schemes;
    struct yaml_list members;
    struct yaml_list officials; // struct catalogue_raw_text; so are the next ones marked *
    struct yaml_list purposes;
    struct yaml_list datasets;
    struct yaml_list agreements;
    struct yaml_list reasons; // *
    struct yaml_list citizen; // *
    struct yaml_list forms;   // *
    struct yaml_list bases;   // *
};

extern const struct yaml_shape catalogue_file_shape;
