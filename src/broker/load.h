// How many exchanges are under way of each asker, with each holder, and between each pair of
// members. Workers
// count one in before it is recorded, so that a holder at its cap refuses its own askers only and
// costs no entry. Members share a slot where their codes fall together; a shared slot only makes
// the cap stricter. Any thread, no locks.
#pragma once

#include "base/bytes.h"
#include "base/compiler.h"

struct load;

// NULL: no memory.
NODISCARD struct load *load_create(unsigned asker_max, unsigned holder_max, unsigned pair_max);
void load_destroy(struct load **load);

// Counts one more in; false, and nothing is counted, when asker, holder or pair is at its cap.
NODISCARD bool load_enter(struct load *load, struct bytes asker, struct bytes holder);

// How many are under way with that holder, of all askers; a little later it may be another number.
unsigned load_of_holder(struct load *load, struct bytes holder);

// Counts it out again.
void load_leave(struct load *load, struct bytes asker, struct bytes holder);
