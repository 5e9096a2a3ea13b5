// Jobs in batches: what is urgent goes first.
#include "test.h"

#include "broker/job.h"

TEST(urgent_jobs_come_first_and_all_stay_in_their_order)
{
    enum { COUNT = 6 };
    struct job jobs[COUNT] = { 0 };
    struct job *batch[COUNT];
    static const size_t expected[COUNT] = { 1, 4, 5, 0, 2, 3 };
    for (size_t i = 0; i < COUNT; i++) {
        batch[i] = &jobs[i];
    }
    jobs[1].urgent = jobs[4].urgent = jobs[5].urgent = true;
    jobs_urgent_first(batch, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(batch[i], &jobs[expected[i]]);
    }
    jobs_urgent_first(batch, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(batch[i], &jobs[expected[i]]);
    }
    jobs_urgent_first(batch, 0);
}
