// The program that started this one and waits for word of it: systemd, by sd_notify(3).
#pragma once

// Tells "READY=1", "STOPPING=1". Nobody waits: nothing happens.
void supervisor_notify(const char *state);
