// One process at a time on a folder.
#pragma once

#include "base/error.h"

// Takes the lock of a folder that is there: of the file FOLDER/lock, which is made if need be. Held
// until *fd is closed, also by the process's end. ST_EXISTS: another has it; the message is `taken`
// after the folder's name, such as "/srv/node: a node runs on this folder already; stop it first".
NODISCARD enum status lock_folder(const char *folder, const char *taken, int *fd,
                                  struct error *err);
