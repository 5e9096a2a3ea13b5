// `vedomo-node check`: what is wrong with a node, in words, one line a finding.
#pragma once

#include <stdbool.h>
#include <stdio.h>

// Tries what the node needs: configuration, keys, each register's mapping, the broker, the clock,
// the policy. Writes a line for each, "ok" or "wrong" in front; with `json` an array of objects.
// True when nothing is wrong.
bool node_check(const char *path, bool json, FILE *out);
