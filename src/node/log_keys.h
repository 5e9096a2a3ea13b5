// What a node believes of the log's keys and of the keys of subject tags. The engine's thread.
#pragma once

struct node_engine;

// After WELCOME or PROOF: takes over from the peer which keys of the log and of tags are proven;
// tells the operator.
void node_log_keys_turn(struct node_engine *engine);
