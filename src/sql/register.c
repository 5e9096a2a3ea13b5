// The SQLite door. Invariants: the text of every statement comes from the mapping; the identifier
// is its one parameter; a connection cannot write, attach, or load code; a statement
// ends at its deadline. A register that is replaced by renaming a new file over it is opened anew.
//
// Failure modes: a file that is missing or locked, a mapping that no longer fits the tables, a
// statement that takes too long. Each is a status of one read; the next read tries again.
#include "sql/register.h"

#include "base/buffer.h"
#include "base/clock.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    STATEMENT_CACHE = 16,         // statements kept, one for each set of wanted columns
    PROGRESS_STEPS = 1000,        // virtual machine steps between two looks at the clock
    STATEMENT_MAX_BYTES = 131072, // text of one statement
    OPEN_TIMEOUT_MS = 5000        // for checking the mapping
};

struct statement {
    uint64_t wanted;
    sqlite3_stmt *handle;
    uint64_t used; // the newest use, by count
};

struct sql_register {
    char *path;
    char *query;
    char *updated; // may be NULL
    char *columns[SQL_COLUMNS_MAX];
    size_t column_count;
    size_t value_max_bytes;
    sqlite3 *connection;
    dev_t device; // of the file that is open
    ino_t inode;
    struct statement cache[STATEMENT_CACHE];
    uint64_t uses;
    int64_t deadline_ms;  // of the statement that runs
    struct buffer values; // what the last read found
};

static enum status sqlite_status(int code)
{
    switch (code & 0xff) {
    case SQLITE_INTERRUPT:
        return ST_TIMEOUT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ST_BUSY;
    case SQLITE_NOMEM:
        return ST_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ST_CORRUPT;
    case SQLITE_AUTH:
        return ST_DENIED;
    default:
        return ST_IO;
    }
}

// Reading and nothing else; no function that loads code.
static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    (void)context;
    (void)first;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return second != NULL && sqlite3_stricmp(second, "load_extension") == 0 ? SQLITE_DENY
                                                                                : SQLITE_OK;
    default:
        return SQLITE_DENY;
    }
}

static int past_deadline(void *context)
{
    const struct sql_register *reg = context;
    return clock_monotonic_ms() >= reg->deadline_ms;
}

static void disconnect(struct sql_register *reg)
{
    for (size_t i = 0; i < STATEMENT_CACHE; i++) {
        sqlite3_finalize(reg->cache[i].handle);
        reg->cache[i] = (struct statement){ 0 };
    }
    sqlite3_close(reg->connection);
    reg->connection = NULL;
}

static enum status connect_file(struct sql_register *reg, struct error *err)
{
    struct stat file;
    if (stat(reg->path, &file) != 0) {
        return error_errno(err, ST_IO, "register '%s'", reg->path);
    }
    int code = sqlite3_open_v2(reg->path, &reg->connection,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_exec(reg->connection, "PRAGMA query_only = 1; PRAGMA trusted_schema = 0;",
                            NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        error_set(err, sqlite_status(code), "register '%s': %s", reg->path,
                  sqlite3_errmsg(reg->connection));
        disconnect(reg);
        return sqlite_status(code);
    }
    sqlite3_db_config(reg->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(reg->connection, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(reg->connection, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_limit(reg->connection, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(reg->connection, SQLITE_LIMIT_SQL_LENGTH, STATEMENT_MAX_BYTES);
    sqlite3_set_authorizer(reg->connection, authorize, NULL);
    sqlite3_progress_handler(reg->connection, PROGRESS_STEPS, past_deadline, reg);
    reg->device = file.st_dev;
    reg->inode = file.st_ino;
    return ST_OK;
}

// One statement that selects what is wanted, the update time last. `name` is for messages.
static enum status prepare(struct sql_register *reg, uint64_t wanted, bool updated,
                           const char *name, sqlite3_stmt **handle, struct error *err)
{
    struct buffer text = buffer_init(STATEMENT_MAX_BYTES);
    enum status status = ST_OK;
    sqlite3_stmt *made = NULL;
    const char *tail = NULL;
    bool first = true;
    buffer_text(&text, "SELECT ");
    for (size_t i = 0; i < reg->column_count; i++) {
        if ((wanted >> i & 1) != 0) {
            buffer_format(&text, "%s(%s)", first ? "" : ", ", reg->columns[i]);
            first = false;
        }
    }
    if (updated && reg->updated != NULL) {
        buffer_format(&text, "%s(%s)", first ? "" : ", ", reg->updated);
        first = false;
    }
    buffer_format(&text, "%s FROM (%s) LIMIT 2", first ? "1" : "", reg->query);
    status = buffer_ok(&text, "register's statement", err);
    if (status != ST_OK) {
        goto out;
    }
    int code = sqlite3_prepare_v3(reg->connection, (const char *)text.data, (int)text.size,
                                  SQLITE_PREPARE_PERSISTENT, &made, &tail);
    if (code != SQLITE_OK) {
        status =
            error_set(err, code == SQLITE_ERROR ? ST_USAGE : sqlite_status(code),
                      "register '%s': %s: %s", reg->path, name, sqlite3_errmsg(reg->connection));
        goto out;
    }
    size_t used = (size_t)(tail - (const char *)text.data);
    const char *parameter = sqlite3_bind_parameter_name(made, 1);
    if (used != text.size || sqlite3_bind_parameter_count(made) != 1 || parameter == NULL ||
        strcmp(parameter, ":subject") != 0 || !sqlite3_stmt_readonly(made)) {
        status = error_set(err, ST_USAGE,
                           "register '%s': %s is not part of one SELECT whose one parameter is "
                           ":subject",
                           reg->path, name);
        goto out;
    }
    *handle = made;
    made = NULL;
out:
    sqlite3_finalize(made);
    buffer_fini(&text);
    return status;
}

// The statement for a set of columns, from the cache or made now. Borrowed from the cache.
static enum status statement_for(struct sql_register *reg, uint64_t wanted, sqlite3_stmt **handle,
                                 struct error *err)
{
    struct statement *oldest = &reg->cache[0];
    for (size_t i = 0; i < STATEMENT_CACHE; i++) {
        struct statement *statement = &reg->cache[i];
        if (statement->handle != NULL && statement->wanted == wanted) {
            statement->used = ++reg->uses;
            *handle = statement->handle;
            return ST_OK;
        }
        if (statement->used < oldest->used) {
            oldest = statement;
        }
    }
    sqlite3_stmt *made = NULL;
    enum status status = prepare(reg, wanted, true, "mapping", &made, err);
    if (status != ST_OK) {
        return status;
    }
    sqlite3_finalize(oldest->handle);
    *oldest = (struct statement){ .wanted = wanted, .handle = made, .used = ++reg->uses };
    *handle = made;
    return ST_OK;
}

// Every column by itself, so that a mistake is named by what it is in.
static enum status check_mapping(struct sql_register *reg, struct error *err)
{
    reg->deadline_ms = clock_monotonic_ms() + OPEN_TIMEOUT_MS;
    sqlite3_stmt *handle = NULL;
    enum status status = prepare(reg, 0, false, "query", &handle, err);
    sqlite3_finalize(handle);
    for (size_t i = 0; status == ST_OK && i < reg->column_count; i++) {
        handle = NULL;
        status = prepare(reg, (uint64_t)1 << i, false, reg->columns[i], &handle, err);
        sqlite3_finalize(handle);
    }
    if (status == ST_OK && reg->updated != NULL) {
        handle = NULL;
        status = prepare(reg, 0, true, "updated", &handle, err);
        sqlite3_finalize(handle);
    }
    return status;
}

static char *copy_text(const char *text, bool *failed)
{
    if (text == NULL) {
        return NULL;
    }
    char *copy = strdup(text);
    *failed = *failed || copy == NULL;
    return copy;
}

enum status sql_register_open(const struct sql_mapping *mapping, struct sql_register **reg,
                              struct error *err)
{
    if (mapping->column_count == 0 || mapping->column_count > SQL_COLUMNS_MAX) {
        return error_set(err, ST_USAGE, "register '%s': 1 to %d columns", mapping->path,
                         SQL_COLUMNS_MAX);
    }
    struct sql_register *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "register '%s': no memory", mapping->path);
    }
    bool failed = false;
    made->path = copy_text(mapping->path, &failed);
    made->query = copy_text(mapping->query, &failed);
    made->updated = copy_text(mapping->updated, &failed);
    made->column_count = mapping->column_count;
    made->value_max_bytes = mapping->value_max_bytes;
    for (size_t i = 0; i < mapping->column_count; i++) {
        made->columns[i] = copy_text(mapping->columns[i], &failed);
    }
    made->values = buffer_init((mapping->value_max_bytes + 1) * (mapping->column_count + 1));
    enum status status = failed
                             ? error_set(err, ST_NOMEM, "register '%s': no memory", mapping->path)
                             : connect_file(made, err);
    if (status == ST_OK) {
        status = check_mapping(made, err);
    }
    if (status != ST_OK) {
        sql_register_close(&made);
        return status;
    }
    *reg = made;
    return ST_OK;
}

void sql_register_close(struct sql_register **reg)
{
    if (*reg == NULL) {
        return;
    }
    struct sql_register *gone = *reg;
    *reg = NULL;
    disconnect(gone);
    free(gone->path);
    free(gone->query);
    free(gone->updated);
    for (size_t i = 0; i < gone->column_count; i++) {
        free(gone->columns[i]);
    }
    buffer_fini(&gone->values);
    free(gone);
}

// One column of the current row; its bytes go to the end of reg->values, and text.data is set when
// all are in.
static struct sql_value column_value(struct sql_register *reg, sqlite3_stmt *handle, int column)
{
    struct sql_value value = { .kind = SQL_NULL };
    const void *data = NULL;
    switch (sqlite3_column_type(handle, column)) {
    case SQLITE_INTEGER:
        value.kind = SQL_INTEGER;
        value.integer = sqlite3_column_int64(handle, column);
        break;
    case SQLITE_FLOAT:
        value.kind = SQL_REAL;
        value.real = sqlite3_column_double(handle, column);
        break;
    case SQLITE_TEXT:
        value.kind = SQL_TEXT;
        data = sqlite3_column_text(handle, column);
        break;
    case SQLITE_BLOB:
        value.kind = SQL_BLOB;
        data = sqlite3_column_blob(handle, column);
        break;
    default:
        break;
    }
    if (value.kind == SQL_TEXT || value.kind == SQL_BLOB) {
        size_t size = (size_t)sqlite3_column_bytes(handle, column);
        if (size > reg->value_max_bytes) {
            return (struct sql_value){ .kind = SQL_TOO_LONG };
        }
        buffer_bytes(&reg->values, bytes_of(data, size));
        value.text.size = size;
    }
    return value;
}

static void take_row(struct sql_register *reg, sqlite3_stmt *handle, uint64_t wanted,
                     struct sql_row *row)
{
    int column = 0;
    for (size_t i = 0; i < reg->column_count; i++) {
        if ((wanted >> i & 1) != 0) {
            row->values[i] = column_value(reg, handle, column);
            column++;
        }
    }
    if (reg->updated != NULL) {
        row->updated = column_value(reg, handle, column);
    }
}

static void place_text(const struct sql_register *reg, struct sql_value *value, size_t *offset)
{
    if (value->kind == SQL_TEXT || value->kind == SQL_BLOB) {
        // A text that is empty is a value all the same.
        const uint8_t *data = reg->values.data;
        value->text =
            bytes_of(data == NULL ? (const uint8_t *)"" : data + *offset, value->text.size);
        *offset += value->text.size;
    }
}

// The texts stand in reg->values one after another, in the order of the columns.
static void place_texts(const struct sql_register *reg, struct sql_row *row)
{
    size_t offset = 0;
    for (size_t i = 0; i < reg->column_count; i++) {
        place_text(reg, &row->values[i], &offset);
    }
    place_text(reg, &row->updated, &offset);
}

static enum status step_failed(struct sql_register *reg, int code, struct error *err)
{
    if ((code & 0xff) == SQLITE_INTERRUPT) {
        return error_set(err, ST_TIMEOUT, "register '%s': not answered in time", reg->path);
    }
    return error_set(err, sqlite_status(code), "register '%s': %s", reg->path,
                     sqlite3_errmsg(reg->connection));
}

// Runs the statement that is bound already.
static enum status run(struct sql_register *reg, sqlite3_stmt *handle, uint64_t wanted,
                       struct sql_row *row, struct error *err)
{
    int code = sqlite3_step(handle);
    if (code == SQLITE_DONE) {
        return ST_OK;
    }
    if (code != SQLITE_ROW) {
        return step_failed(reg, code, err);
    }
    row->found = SQL_FOUND_ONE;
    take_row(reg, handle, wanted, row);
    enum status status = buffer_ok(&reg->values, "values of a register", err);
    if (status != ST_OK) {
        return status;
    }
    code = sqlite3_step(handle);
    if (code == SQLITE_ROW) {
        *row = (struct sql_row){ .found = SQL_FOUND_SEVERAL };
        return ST_OK;
    }
    if (code != SQLITE_DONE) {
        return step_failed(reg, code, err);
    }
    place_texts(reg, row);
    return ST_OK;
}

// The same file as before, or another one under its name?
static bool file_replaced(const struct sql_register *reg)
{
    struct stat file;
    return stat(reg->path, &file) == 0 && (file.st_dev != reg->device || file.st_ino != reg->inode);
}

enum status sql_register_read(struct sql_register *reg, struct bytes identifier, uint64_t wanted,
                              int64_t deadline_ms, struct sql_row *row, struct error *err)
{
    reg->deadline_ms = deadline_ms;
    buffer_clear(&reg->values);
    int64_t left_ms = deadline_ms - clock_monotonic_ms();
    if (left_ms <= 0) {
        return error_set(err, ST_TIMEOUT, "register '%s': no time left", reg->path);
    }
    enum status status = ST_OK;
    if (reg->connection != NULL && file_replaced(reg)) {
        disconnect(reg);
    }
    if (reg->connection == NULL) {
        status = connect_file(reg, err);
        if (status != ST_OK) {
            return status;
        }
    }
    sqlite3_busy_timeout(reg->connection, left_ms > 60000 ? 60000 : (int)left_ms);
    sqlite3_stmt *handle = NULL;
    status = statement_for(reg, wanted, &handle, err);
    if (status != ST_OK) {
        return status;
    }
    if (sqlite3_bind_text64(handle, 1, (const char *)identifier.data, identifier.size,
                            SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK) {
        return error_set(err, ST_NOMEM, "register '%s': no memory", reg->path);
    }
    struct sql_row found = { 0 };
    status = run(reg, handle, wanted, &found, err);
    sqlite3_reset(handle);
    sqlite3_clear_bindings(handle);
    if (status == ST_OK) {
        *row = found;
    }
    return status;
}
