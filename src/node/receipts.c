// Receipts as files: STATE/receipts/YYYY-MM-DD/<exchange>.<kind>.receipt. They are evidence for the
// agency; the log holds the original, so a file that was lost in a crash can be asked for again.
#include "node/inside.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool write_whole(const char *path, struct bytes text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST;
    }
    size_t done = 0;
    while (done < text.size) {
        ssize_t count = write(fd, text.data + done, text.size - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            close(fd);
            unlink(path);
            return false;
        }
        done += (size_t)count;
    }
    return close(fd) == 0;
}

void node_receipt_save(struct node_engine *engine, const struct id *id, const char *kind,
                       struct bytes text, char path[NODE_PATH_MAX])
{
    char day[CLOCK_TEXT_BYTES];
    char name[TEXT_ID_BYTES];
    char folder[NODE_PATH_MAX];
    clock_format(clock_wall_ms(), day);
    day[10] = '\0';
    text_id_format(id, name);
    struct error err;
    int size = snprintf(folder, sizeof(folder), "%s/%s", engine->receipts_path, day);
    bool made =
        size > 0 && (size_t)size < sizeof(folder) && file_make_folder(folder, 0700, &err) == ST_OK;
    char file[NODE_PATH_MAX];
    size = made ? snprintf(file, sizeof(file), "%s/%s.%s.receipt", folder, name, kind) : 0;
    if (size <= 0 || (size_t)size >= sizeof(file) || !write_whole(file, text)) {
        log_event(LOG_LEVEL_ERROR, "receipt.not-saved", log_id("request", *id),
                  log_text("kind", kind));
        path[0] = '\0';
        return;
    }
    memcpy(path, file, (size_t)size + 1);
}
