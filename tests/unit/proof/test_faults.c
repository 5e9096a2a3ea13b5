// Each allocation in turn fails: nothing is taken for proven, written half, or lost.
#include "base/file.h"
#include "fault.h"
#include "hex.h"
#include "proof/cache.h"
#include "proof/receipt.h"
#include "test.h"
#include "vedomo/verify.h"

static const char vkey[] =
    "example.com/audit+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

// The receipt that the fuzzer starts from.
static struct buffer good_receipt(void)
{
    struct error err;
    struct buffer text = buffer_init(PROOF_RECEIPT_MAX);
    assert_ok(file_read(TEST_DATA "/fuzz/seeds/receipt/good", PROOF_RECEIPT_MAX, &text, &err));
    return text;
}

TEST(a_receipt_is_not_proven_without_memory)
{
    struct buffer text = good_receipt();
    bool failed = true;
    size_t k = 1;
    for (; failed; k++) {
        struct vedomo_receipt *receipt = NULL;
        struct vedomo_error error;
        fault_arm(k);
        enum vedomo_status status = vedomo_receipt_verify((const char *)text.data, text.size, vkey,
                                                          NULL, 0, &receipt, &error);
        failed = fault_disarm();
        assert_int_equal(status == VEDOMO_OK, !failed);
        assert_int_equal(receipt == NULL, failed);
        vedomo_receipt_destroy(&receipt);
    }
    assert_true(k > 5); // it does allocate, so the loop has tried something
    buffer_fini(&text);
}

TEST(a_receipt_written_without_memory_is_marked_as_failed)
{
    struct error err;
    struct buffer text = good_receipt();
    struct proof_receipt_file file;
    assert_ok(proof_receipt_parse(buffer_view(&text), &file, &err));
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        struct buffer again = buffer_init(PROOF_RECEIPT_MAX);
        fault_arm(k);
        proof_receipt_write(&file.receipt, &again);
        failed = fault_disarm();
        assert_int_equal(buffer_ok(&again, "receipt", &err) == ST_OK, !failed);
        buffer_fini(&again);
    }
    proof_receipt_file_fini(&file);
    buffer_fini(&text);
}

TEST(batches_and_caches_without_memory_are_not_made)
{
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        fault_arm(k);
        struct proof_batch *batch = proof_batch_create(256);
        struct proof_cache *cache = proof_cache_create(8);
        failed = fault_disarm();
        assert_int_equal(batch == NULL || cache == NULL, failed);
        proof_batch_destroy(&batch);
        proof_cache_destroy(&cache);
    }
}
