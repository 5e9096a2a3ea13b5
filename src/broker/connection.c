// Connections by batch key.
#include "broker/connection.h"

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
