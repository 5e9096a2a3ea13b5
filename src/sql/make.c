// A database file from statements. A file that is there is never touched; one that could not be
// finished stays and is the caller's to remove.
#include "sql/make.h"

#include <sqlite3.h>
#include <unistd.h>

static enum status run(sqlite3 *connection, const char *text, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(connection, text, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? ST_OK : error_set(err, ST_IO, "%s", sqlite3_errmsg(connection));
}

enum status sql_make(const char *path, const char *const *statements, size_t count,
                     struct error *err)
{
    sqlite3 *connection = NULL;
    if (access(path, F_OK) == 0) {
        return error_set(err, ST_EXISTS, "%s: there already", path);
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    enum status status = sqlite3_open_v2(path, &connection, flags, NULL) == SQLITE_OK
                             ? run(connection, "BEGIN", err)
                             : error_set(err, ST_IO, "cannot be made");
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = run(connection, statements[i], err);
    }
    if (status == ST_OK) {
        status = run(connection, "COMMIT", err);
    }
    sqlite3_close(connection);
    return status == ST_OK ? ST_OK : error_wrap(err, "%s", path);
}
