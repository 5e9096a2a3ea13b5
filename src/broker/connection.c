// Connections by batch key.
#include "broker/connection.h"

#include "broker/job.h"

#include <stdlib.h>

struct connection *connection_find(struct map *connections, const struct digest *batch_key,
                                   bool make)
{
    struct connection *connection = map_get(connections, bytes_digest(batch_key));
    if (connection != NULL || !make) {
        return connection;
    }
    connection = calloc(1, sizeof(*connection));
    if (connection != NULL) {
        connection->batch_key = *batch_key;
        if (!map_put(connections, bytes_digest(&connection->batch_key), connection)) {
            free(connection);
            connection = NULL;
        }
    }
    return connection;
}

bool connection_spend(struct connection *connection)
{
    return atomic_fetch_sub(&connection->budget, 1) > 0;
}

bool connection_take_urgent(struct connection *connection, enum registry_role role, size_t places,
                            size_t *taken)
{
    size_t open = role == REGISTRY_ROLE_NODE ? places / 2 : places;
    if (*taken >= open || connection->urgent >= places / 4) {
        return false;
    }
    connection->urgent++;
    (*taken)++;
    return true;
}

void connection_leave_urgent(struct connection *connection, size_t *taken)
{
    connection->urgent--;
    (*taken)--;
}

void connections_group(struct job **jobs, struct connection *const *of, size_t count)
{
    struct connection unknown = { .first = NULL };
    struct connection *groups = NULL;
    struct connection **end = &groups;
    for (size_t i = 0; i < count; i++) {
        struct connection *connection = of[i] == NULL ? &unknown : of[i];
        if (connection->first == NULL) {
            connection->first = jobs[i];
            connection->next = NULL;
            *end = connection;
            end = &connection->next;
        } else {
            connection->last->next = jobs[i];
        }
        connection->last = jobs[i];
        jobs[i]->next = NULL;
    }
    size_t placed = 0;
    for (struct connection *group = groups; group != NULL; group = group->next) {
        while (group->first != NULL) {
            struct job *job = group->first;
            group->first = job->next;
            job->next = NULL;
            jobs[placed++] = job;
        }
    }
}

void connections_destroy(struct map **connections)
{
    size_t cursor = 0;
    struct bytes key;
    void *value;
    while (*connections != NULL && map_next(*connections, &cursor, &key, &value)) {
        free(value);
    }
    map_destroy(connections);
}
