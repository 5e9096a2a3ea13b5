#include "vedomo/node.h"
#include "vedomo/verify.h"

#include "base/status.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

TEST(the_public_statuses_are_the_inner_ones_number_by_number)
{
    static const enum vedomo_status last = VEDOMO_NOMEM;
    assert_int_equal((int)last, ST_COUNT - 1);
    for (int status = ST_OK; status < ST_COUNT; status++) {
        assert_string_equal(vedomo_status_name((enum vedomo_status)status),
                            status_name((enum status)status));
    }
}

TEST(a_file_that_is_not_there_or_not_a_nodes_is_told_in_words)
{
    struct vedomo_node *node = NULL;
    struct vedomo_error error;
    assert_int_equal(vedomo_node_open("/nonexistent/node.yaml", NULL, 0, &node, &error),
                     VEDOMO_NOT_FOUND);
    assert_int_equal(error.status, VEDOMO_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nonexistent/node.yaml"));
    assert_int_equal(vedomo_node_open(PROJECT_DIR "/config/portal.yaml", NULL, 0, &node, &error),
                     VEDOMO_MALFORMED);
    assert_int_equal(vedomo_node_open("/nonexistent", NULL, 0, &node, NULL), VEDOMO_NOT_FOUND);
    assert_null(node);
    vedomo_node_close(&node);
}
