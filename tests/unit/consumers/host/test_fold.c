/* fold.c: after a batch that took much memory, and no other, memory is to be given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/host/engine.h"

#include "runtime/base/banned.h"

static const char *const topics[] = {"o2c.orders", NULL};
static const struct o2c_consumer consumer = {.name = "tested", .topics = topics};
static const struct host_settings settings = {.batch_bytes = 1 << 20};

static struct engine *engine;
static struct batch *batch;

static int setup(void **state)
{
    struct o2c_err err;

    (void)state;
    engine = calloc(1, sizeof *engine);
    assert_non_null(engine);
    engine->consumer = &consumer;
    engine->settings = &settings;
    engine->partition_count = engine->topic_count = 1;
    batch = &engine->batch[0];
    batch_init(batch, engine);
    batch_chains(batch);
    assert_int_equal(o2c_rows_new(&batch->rows, &consumer, &batch->work, &err), O2C_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    batch_clear(batch);
    free(engine);
    return 0;
}

static bool swollen_by(size_t intake_bytes, size_t work_bytes)
{
    assert_non_null(o2c_arena_alloc(&batch->intake, intake_bytes));
    assert_non_null(o2c_arena_alloc(&batch->work, work_bytes));
    batch_reset(batch);
    return o2c_heap_trim_due(&engine->heap);
}

static void a_small_batch_leaves_nothing_to_give_back(void **state)
{
    (void)state;
    assert_false(swollen_by(1000, 100000));
}

static void few_events_that_took_much_leave_memory_to_give_back(void **state)
{
    (void)state;
    assert_true(swollen_by(1000, SWOLLEN_BYTES));
}

static void many_bytes_read_leave_memory_to_give_back(void **state)
{
    (void)state;
    assert_true(swollen_by(SWOLLEN_BYTES, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_small_batch_leaves_nothing_to_give_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(few_events_that_took_much_leave_memory_to_give_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(many_bytes_read_leave_memory_to_give_back, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
