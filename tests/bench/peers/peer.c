// What a team would build instead of a broker: askers send a request over NATS to the holder's
// subject; the holder writes one audit row into PostgreSQL and replies once the row is durable.
//
// It has its best chance: holders write the rows themselves (no third party in between), statements
// are prepared, JSON is formatted but never parsed, nothing is signed, and nothing is sealed but by
// TLS. A holder has --workers threads with a connection to the database each; a thread takes up to
// --rows requests that wait into one INSERT and one synced transaction.
//
//   peer --url tls://127.0.0.1:PORT --ca FILE --pg CONNINFO [--askers N] [--window N]
//        [--holders N] [--workers N] [--rows N] [--seconds N]
//
// Prints one JSON object. Exit 1: a reply was wrong, lost, or without its row.
#include <getopt.h>
#include <libpq-fe.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PARTIES_MAX = 256,
    WINDOW_MAX = 1024,
    BATCH_MAX = 256,
    REQUEST_BYTES = 640, // as large as the other's request
    REPLY_BYTES = 1400,
    STEPS = 32, // of a doubling: latencies to three per cent
    PLACES = 42 * STEPS,
    WARM_UP_MS = 1500,
    QUIET_S = 20,
};

enum phase { WARMING, MEASURING, ENDING };

struct options {
    const char *url;
    const char *ca;
    const char *pg;
    long askers;
    long window;
    long holders;
    long workers;
    long rows;
    long seconds;
};

struct slot {
    int64_t begun_ns;
    char subject[16];
};

struct asker {
    long number;
    natsConnection *connection;
    natsSubscription *inbox;
    char inbox_name[64];
    struct slot slots[WINDOW_MAX];
    uint64_t chance;
    uint64_t in_time;
    uint64_t replies;
    uint64_t wrong;
    atomic_long under_way;
    uint64_t latencies[PLACES];
};

// A thread of a holder.
struct worker {
    natsConnection *connection; // the holder's
    natsSubscription *requests;
    PGconn *database;
    pthread_t thread;
    natsMsg *messages[BATCH_MAX];
    char *rows[4]; // array literals: id, asker, subject, request
    uint64_t batches;
    uint64_t rows_written;
};

static struct options options = {
    .askers = 16, .window = 32, .holders = 4, .workers = 1, .rows = BATCH_MAX, .seconds = 5
};
static struct asker *askers;
static struct worker *workers;
static atomic_int phase = WARMING;
static atomic_bool stopped;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "peer: %s: %s\n", what, why);
    exit(1);
}

static void must(natsStatus status, const char *what)
{
    if (status != NATS_OK) {
        fail(what, natsStatus_GetText(status));
    }
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static size_t place_of(uint64_t ns)
{
    if (ns < STEPS) {
        return (size_t)ns;
    }
    unsigned shift = 63U - (unsigned)__builtin_clzll(ns) - 5;
    size_t place = ((size_t)shift + 1) * STEPS + ((ns >> shift) & (STEPS - 1));
    return place < PLACES ? place : PLACES - 1;
}

static double percentile_us(const uint64_t *latencies, double share)
{
    uint64_t all = 0;
    uint64_t below = 0;
    for (size_t i = 0; i < PLACES; i++) {
        all += latencies[i];
    }
    for (size_t i = 0; i < PLACES; i++) {
        below += latencies[i];
        if (below > 0 && (double)below >= share * (double)all) {
            return i < STEPS ? (double)i / 1e3
                             : (double)((STEPS + i % STEPS + 1) << (i / STEPS - 1)) / 1e3;
        }
    }
    return 0;
}

static uint64_t draw(uint64_t *chance)
{
    *chance ^= *chance << 13;
    *chance ^= *chance >> 7;
    *chance ^= *chance << 17;
    return *chance;
}

// ---- askers

static void ask(struct asker *asker, size_t place)
{
    char request[REQUEST_BYTES + 1];
    char to[32];
    char reply[96];
    struct slot *slot = &asker->slots[place];
    uint64_t id[2] = { draw(&asker->chance), draw(&asker->chance) };
    snprintf(slot->subject, sizeof(slot->subject), "%09llu",
             (unsigned long long)(draw(&asker->chance) % 100000));
    int size = snprintf(
        request, sizeof(request),
        "{\"id\":\"%016llx%016llx\",\"asker\":\"bench/asker-%03ld\",\"subject\":\"%s\","
        "\"official\":\"bench-official\",\"dataset\":\"bench.record\",\"purpose\":\"bench\","
        "\"basis\":\"law\",\"article\":\"1\",\"case\":\"case-2026-0001\",\"fields\":[\"field_0\","
        "\"field_1\",\"field_2\",\"field_3\",\"field_4\",\"field_5\",\"field_6\",\"field_7\"]}",
        (unsigned long long)id[0], (unsigned long long)id[1], asker->number, slot->subject);
    memset(request + size, ' ', (size_t)(REQUEST_BYTES - size));
    snprintf(to, sizeof(to), "records.%llu",
             (unsigned long long)(draw(&asker->chance) % (uint64_t)options.holders));
    snprintf(reply, sizeof(reply), "%s.%zu", asker->inbox_name, place);
    slot->begun_ns = now_ns();
    must(natsConnection_PublishRequest(asker->connection, to, reply, request, REQUEST_BYTES),
         "request");
}

static void take_reply(natsConnection *connection, natsSubscription *inbox, natsMsg *message,
                       void *argument)
{
    struct asker *asker = argument;
    const char *dot = strrchr(natsMsg_GetSubject(message), '.');
    size_t place = dot == NULL ? WINDOW_MAX : strtoul(dot + 1, NULL, 10);
    (void)connection;
    (void)inbox;
    if (place >= (size_t)options.window) {
        asker->wrong++;
        natsMsg_Destroy(message);
        return;
    }
    struct slot *slot = &asker->slots[place];
    int64_t ns = now_ns() - slot->begun_ns;
    asker->replies++;
    if (strstr(natsMsg_GetData(message), slot->subject) == NULL) {
        asker->wrong++;
    }
    if (atomic_load(&phase) == MEASURING) {
        asker->in_time++;
        asker->latencies[place_of((uint64_t)ns)]++;
    }
    natsMsg_Destroy(message);
    if (atomic_load(&phase) == ENDING) {
        atomic_fetch_sub(&asker->under_way, 1);
    } else {
        ask(asker, place);
    }
}

// ---- holders

// Appends a text to an array literal, quoted.
static char *add_item(char *at, const char *text, size_t size, bool first)
{
    if (!first) {
        *at++ = ',';
    }
    *at++ = '"';
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            *at++ = '\\';
        }
        *at++ = text[i];
    }
    *at++ = '"';
    return at;
}

// The text behind "name":" in a request of ours.
static const char *field(const char *request, const char *name, size_t *size)
{
    const char *at = strstr(request, name);
    if (at == NULL) {
        fail("request", "a field is missing");
    }
    at += strlen(name);
    *size = strcspn(at, "\"");
    return at;
}

static void write_rows(struct worker *worker, size_t count)
{
    static const char *const names[] = { "\"id\":\"", "\"asker\":\"", "\"subject\":\"" };
    char *at[4];
    for (size_t column = 0; column < 4; column++) {
        at[column] = worker->rows[column];
        *at[column]++ = '{';
    }
    for (size_t i = 0; i < count; i++) {
        const char *request = natsMsg_GetData(worker->messages[i]);
        size_t size = 0;
        for (size_t column = 0; column < 3; column++) {
            const char *text = field(request, names[column], &size);
            at[column] = add_item(at[column], text, size, i == 0);
        }
        size = strcspn(request, "}") + 1;
        at[3] = add_item(at[3], request, size, i == 0);
    }
    for (size_t column = 0; column < 4; column++) {
        memcpy(at[column], "}", 2);
    }
    PGresult *result = PQexecPrepared(worker->database, "audit", 4,
                                      (const char *const *)worker->rows, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fail("audit row", PQerrorMessage(worker->database));
    }
    PQclear(result);
    worker->batches++;
    worker->rows_written += count;
}

static void reply(struct worker *worker, natsMsg *message)
{
    char text[REPLY_BYTES];
    size_t size = 0;
    const char *subject = field(natsMsg_GetData(message), "\"subject\":\"", &size);
    int length =
        snprintf(text, sizeof(text), "{\"subject\":\"%.*s\",\"fields\":{", (int)size, subject);
    for (int i = 0; i < 8; i++) {
        // 64 bytes a value, as the other's default.
        length += snprintf(text + length, sizeof(text) - (size_t)length,
                           "%s\"field_%d\":\"field %d of %.*s, %042d\"", i == 0 ? "" : ",", i, i,
                           (int)size, subject, 0);
    }
    length += snprintf(text + length, sizeof(text) - (size_t)length, "}}");
    must(natsConnection_Publish(worker->connection, natsMsg_GetReply(message), text, length),
         "reply");
}

static void *hold(void *argument)
{
    struct worker *worker = argument;
    while (!atomic_load(&stopped)) {
        size_t count = 0;
        int waiting = 0;
        natsStatus status = natsSubscription_NextMsg(&worker->messages[0], worker->requests, 100);
        if (status == NATS_TIMEOUT) {
            continue;
        }
        must(status, "next request");
        count = 1;
        // Whatever waits goes into the same transaction.
        must(natsSubscription_GetPending(worker->requests, &waiting, NULL), "pending");
        while (waiting-- > 0 && count < (size_t)options.rows) {
            must(natsSubscription_NextMsg(&worker->messages[count], worker->requests, 1000),
                 "next request");
            count++;
        }
        write_rows(worker, count);
        for (size_t i = 0; i < count; i++) {
            reply(worker, worker->messages[i]);
            natsMsg_Destroy(worker->messages[i]);
        }
    }
    return NULL;
}

// ---- life

static void connect_nats(natsConnection **connection)
{
    natsOptions *set = NULL;
    must(natsOptions_Create(&set), "options");
    must(natsOptions_SetURL(set, options.url), "url");
    must(natsOptions_UseGlobalMessageDelivery(set, true), "delivery");
    if (options.ca != NULL) {
        must(natsOptions_SetSecure(set, true), "TLS");
        must(natsOptions_LoadCATrustedCertificates(set, options.ca), "certificate");
    }
    must(natsConnection_Connect(connection, set), "connection");
    natsOptions_Destroy(set);
}

static PGconn *connect_database(void)
{
    PGconn *database = PQconnectdb(options.pg);
    if (PQstatus(database) != CONNECTION_OK) {
        fail("database", PQerrorMessage(database));
    }
    return database;
}

static void run_sql(PGconn *database, const char *text)
{
    PGresult *result = PQexec(database, text);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fail("database", PQerrorMessage(database));
    }
    PQclear(result);
}

static void open_worker(struct worker *worker, natsConnection *connection, long holder)
{
    char subject[32];
    snprintf(subject, sizeof(subject), "records.%ld", holder);
    for (size_t i = 0; i < 4; i++) {
        worker->rows[i] = malloc((size_t)BATCH_MAX * (2 * REQUEST_BYTES + 4));
    }
    worker->connection = connection;
    must(natsConnection_QueueSubscribeSync(&worker->requests, connection, subject, "workers"),
         "subject");
    must(natsConnection_Flush(connection), "flush");
    worker->database = connect_database();
    PGresult *result = PQprepare(worker->database, "audit",
                                 "INSERT INTO audit (id, asker, subject, request) SELECT * FROM "
                                 "unnest($1::text[]::uuid[], $2::text[], $3::text[], $4::text[])",
                                 4, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fail("statement", PQerrorMessage(worker->database));
    }
    PQclear(result);
    if (pthread_create(&worker->thread, NULL, hold, worker) != 0) {
        fail("thread", "cannot start");
    }
}

static void open_holders(void)
{
    workers = calloc((size_t)(options.holders * options.workers), sizeof(*workers));
    for (long holder = 0; holder < options.holders; holder++) {
        natsConnection *connection = NULL;
        connect_nats(&connection);
        for (long i = 0; i < options.workers; i++) {
            open_worker(&workers[holder * options.workers + i], connection, holder);
        }
    }
}

static void open_asker(struct asker *asker, long number)
{
    char subject[96];
    natsInbox *inbox = NULL;
    asker->number = number;
    asker->chance = (uint64_t)now_ns() * 2654435761U + (uint64_t)number * 2 + 1;
    must(natsInbox_Create(&inbox), "inbox");
    snprintf(asker->inbox_name, sizeof(asker->inbox_name), "%s", (const char *)inbox);
    natsInbox_Destroy(inbox);
    snprintf(subject, sizeof(subject), "%s.*", asker->inbox_name);
    connect_nats(&asker->connection);
    must(natsConnection_Subscribe(&asker->inbox, asker->connection, subject, take_reply, asker),
         "inbox");
    must(natsConnection_Flush(asker->connection), "flush");
}

static void begin(struct asker *asker)
{
    atomic_store(&asker->under_way, options.window);
    for (long i = 0; i < options.window; i++) {
        ask(asker, (size_t)i);
    }
}

static long all_under_way(void)
{
    long sum = 0;
    for (long i = 0; i < options.askers; i++) {
        sum += atomic_load(&askers[i].under_way);
    }
    return sum;
}

static uint64_t count_rows(PGconn *database)
{
    PGresult *result = PQexec(database, "SELECT count(*) FROM audit");
    uint64_t rows = PQntuples(result) == 1 ? strtoull(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return rows;
}

// Prints the figures; false: something did not hold.
static bool report(PGconn *database, double seconds)
{
    static uint64_t latencies[PLACES];
    uint64_t in_time = 0;
    uint64_t replies = 0;
    uint64_t wrong = 0;
    uint64_t batches = 0;
    uint64_t written = 0;
    for (long i = 0; i < options.askers; i++) {
        in_time += askers[i].in_time;
        replies += askers[i].replies;
        wrong += askers[i].wrong;
        for (size_t k = 0; k < PLACES; k++) {
            latencies[k] += askers[i].latencies[k];
        }
    }
    for (long i = 0; i < options.holders * options.workers; i++) {
        batches += workers[i].batches;
        written += workers[i].rows_written;
    }
    uint64_t rows = count_rows(database);
    long lost = all_under_way();
    printf("{\"per_s\": %.3f, \"exchanges\": %llu, \"replies\": %llu, \"rows\": %llu, "
           "\"rows_per_commit\": %.2f, \"wrong\": %llu, \"lost\": %ld, \"p50_us\": %.1f, "
           "\"p99_us\": %.1f}\n",
           (double)in_time / seconds, (unsigned long long)in_time, (unsigned long long)replies,
           (unsigned long long)rows, batches == 0 ? 0 : (double)written / (double)batches,
           (unsigned long long)wrong, lost, percentile_us(latencies, 0.5),
           percentile_us(latencies, 0.99));
    return wrong == 0 && lost == 0 && rows == replies && in_time > 0;
}

static void read_options(int argc, char **argv)
{
    static const struct option words[] = {
        { "url", required_argument, NULL, 'u' },     { "ca", required_argument, NULL, 'c' },
        { "pg", required_argument, NULL, 'p' },      { "askers", required_argument, NULL, 'a' },
        { "window", required_argument, NULL, 'w' },  { "holders", required_argument, NULL, 'h' },
        { "workers", required_argument, NULL, 'n' }, { "rows", required_argument, NULL, 'r' },
        { "seconds", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 },
    };
    for (int word; (word = getopt_long(argc, argv, "", words, NULL)) != -1;) {
        long number = word == 'u' || word == 'c' || word == 'p' ? 0 : strtol(optarg, NULL, 10);
        switch (word) {
        case 'u':
            options.url = optarg;
            break;
        case 'c':
            options.ca = optarg;
            break;
        case 'p':
            options.pg = optarg;
            break;
        case 'a':
            options.askers = number;
            break;
        case 'w':
            options.window = number;
            break;
        case 'h':
            options.holders = number;
            break;
        case 'n':
            options.workers = number;
            break;
        case 'r':
            options.rows = number;
            break;
        case 's':
            options.seconds = number;
            break;
        default:
            exit(2);
        }
    }
    if (options.url == NULL || options.pg == NULL || options.askers < 1 ||
        options.askers > PARTIES_MAX || options.holders < 1 || options.holders > PARTIES_MAX ||
        options.window < 1 || options.window > WINDOW_MAX || options.seconds < 1 ||
        options.workers < 1 || options.workers > 64 || options.rows < 1 ||
        options.rows > BATCH_MAX) {
        fprintf(stderr, "peer: give --url and --pg; numbers from 1 on\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    must(nats_Open(-1), "library");
    must(nats_SetMessageDeliveryPoolSize(2), "pool");
    PGconn *database = connect_database();
    run_sql(database, "DROP TABLE IF EXISTS audit");
    run_sql(database, "CREATE TABLE audit (n bigserial PRIMARY KEY, at timestamptz NOT NULL "
                      "DEFAULT now(), id uuid NOT NULL, asker text NOT NULL, subject text NOT "
                      "NULL, request text NOT NULL)");
    run_sql(database, "CREATE INDEX audit_of_person ON audit (subject, n)");
    askers = calloc((size_t)options.askers, sizeof(*askers));
    open_holders();
    for (long i = 0; i < options.askers; i++) {
        open_asker(&askers[i], i);
    }
    for (long i = 0; i < options.askers; i++) {
        begin(&askers[i]);
    }
    usleep(WARM_UP_MS * 1000);
    int64_t begun_ns = now_ns();
    atomic_store(&phase, MEASURING);
    sleep((unsigned)options.seconds);
    atomic_store(&phase, ENDING);
    double seconds = (double)(now_ns() - begun_ns) / 1e9;
    for (int i = 0; all_under_way() > 0 && i < QUIET_S * 100; i++) {
        usleep(10000);
    }
    atomic_store(&stopped, true);
    for (long i = 0; i < options.holders * options.workers; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    // The process's end closes the connections.
    return report(database, seconds) ? 0 : 1;
}
