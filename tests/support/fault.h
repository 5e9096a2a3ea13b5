// Allocations that fail on purpose. Every test program's malloc(), calloc() and realloc(), and
// those of our libraries in it, pass through here; libraries of others do not.
//
//     for (size_t k = 1; failed; k++) {
//         fault_arm(k);
//         status = thing_create(&thing, &err);
//         failed = fault_disarm();   // false: there were fewer than k allocations
//         ...
//     }
#pragma once

#include <stdbool.h>
#include <stddef.h>

// The k-th allocation from now on (from 1) fails, in whichever thread it comes; all others work.
void fault_arm(size_t k);

// No more faults. True when the fault armed last has happened.
bool fault_disarm(void);
