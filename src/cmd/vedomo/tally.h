// Counts that come in pieces, added up.
#pragma once

#include "question.h"

struct tally_group {
    struct bytes names[2];
    uint64_t number;
    uint64_t asked;      // fields of the decisions among them
    uint64_t over_asked; // those of them that no agreement allows
};

struct tally {
    struct arena *arena;
    struct map *map;
    struct tally_group **groups; // the largest first, once tally_ask() is through
    size_t count;
    size_t capacity;
};

// "asker", "day", … to a wire_filter_group; WIRE_GROUP_NONE: no such word.
uint32_t tally_group_parse(const char *word);

// Asks for counts and adds the pieces up. The question's filter names what to count by. ST_FULL:
// more groups than fit.
NODISCARD enum status tally_ask(struct link *link, struct question *question, struct tally *tally,
                                struct error *err);
void tally_fini(struct tally *tally);
