#include "test.h"

#include "broker/connection.h"
#include "broker/job.h"

enum { MANY = 9 };

// Jobs of the connections that `pattern` names, one letter each; '-' is none.
static void make_jobs(const char *pattern, struct connection connections[26], struct job **jobs,
                      struct connection **of)
{
    for (size_t i = 0; pattern[i] != '\0'; i++) {
        jobs[i] = job_create(JOB_MESSAGE);
        assert_non_null(jobs[i]);
        jobs[i]->received_ns = (int64_t)i;
        of[i] = pattern[i] == '-' ? NULL : &connections[pattern[i] - 'a'];
        jobs[i]->connection = of[i];
    }
}

static void expect_order(struct job **jobs, const int64_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(jobs[i]->received_ns, order[i]);
        assert_null(jobs[i]->next);
        job_destroy(&jobs[i]);
    }
}

TEST(jobs_of_one_connection_stand_together_in_their_order)
{
    static struct connection connections[26];
    static const int64_t order[MANY] = { 0, 3, 5, 1, 4, 8, 2, 7, 6 };
    struct job *jobs[MANY];
    struct connection *of[MANY];
    make_jobs("abcaba-cb", connections, jobs, of);
    connections_group(jobs, of, MANY);
    expect_order(jobs, order, MANY);
}

TEST(grouping_leaves_nothing_behind_for_the_next_time)
{
    static struct connection connections[26];
    static const int64_t first[] = { 0, 2, 1 };
    static const int64_t second[] = { 0, 2, 1, 3 };
    struct job *jobs[4];
    struct connection *of[4];
    make_jobs("aba", connections, jobs, of);
    connections_group(jobs, of, 3);
    expect_order(jobs, first, 3);
    make_jobs("babc", connections, jobs, of);
    connections_group(jobs, of, 4);
    expect_order(jobs, second, 4);
    connections_group(jobs, of, 0);
}

// Takes places until there is none; how many it got.
static size_t take_all(struct connection *connection, enum registry_role role, size_t *taken)
{
    size_t got = 0;
    while (connection_take_urgent(connection, role, 512, taken)) {
        assert_true(++got <= 512);
    }
    return got;
}

TEST(floods_of_nodes_and_of_one_desk_leave_places_for_a_withdrawal_elsewhere)
{
    static struct connection nodes[9];
    static struct connection desk;
    static struct connection portal;
    size_t taken = 0;
    size_t of_nodes = 0;
    for (size_t i = 0; i < ARRAY_COUNT(nodes); i++) {
        of_nodes += take_all(&nodes[i], REGISTRY_ROLE_NODE, &taken);
    }
    assert_int_equal(of_nodes, 256);
    assert_int_equal(nodes[0].urgent, 128);
    assert_int_equal(take_all(&desk, REGISTRY_ROLE_DESK, &taken), 128);
    assert_int_equal(take_all(&portal, REGISTRY_ROLE_PORTAL, &taken), 128);
    connection_leave_urgent(&desk, &taken);
    assert_int_equal(taken, 511);
    assert_int_equal(take_all(&nodes[8], REGISTRY_ROLE_NODE, &taken), 0);
    assert_int_equal(take_all(&desk, REGISTRY_ROLE_DESK, &taken), 1);
}
