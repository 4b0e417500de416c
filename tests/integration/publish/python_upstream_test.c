/* The Python example against the mock cluster: what it writes is what we would read and
 * apply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/base/arena.h"
#include "runtime/base/hash.h"
#include "schemas/events.h"
#include "tests/integration/publish/mock_kafka.h"

enum {
    PARTITIONS = 6,
    ORDER_COUNT = 20,
    SKIPPED = 77,
};

static int run_upstream(const char *bootstrap, const char *partitioner)
{
    int status = 0;
    pid_t pid = fork();
    if (!pid) {
        execlp(O2C_TEST_PYTHON, O2C_TEST_PYTHON,
               O2C_SOURCE "/tests/compat/python_upstream.py", bootstrap,
               O2C_SOURCE "/schemas", partitioner, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        exit(SKIPPED); /* it has said why; ctest counts it as skipped */
    return WEXITSTATUS(status);
}

static void check_order(const struct mock_record *record)
{
    struct o2c_arena arena;
    struct o2c_event event;
    struct o2c_err err;
    o2c_arena_init(&arena, O2C_EVENT_MAX_ARENA_BYTES);
    if (o2c_event_decode((struct o2c_str){record->value, record->value_len}, &arena, &event,
                         &err))
        fail_msg("%s", err.text);
    assert_int_equal(event.type, O2C_ORDER_PLACED);
    assert_true(o2c_str_eq(o2c_event_account(&event), o2c_str_from(record->key)));
    assert_true(o2c_str_eq(event.head->source, O2C_STR("python-shop")));
    assert_int_equal(event.order_placed->lines_count, 1);
    assert_int_equal(event.order_placed->lines[0].quantity_milli, 2500);
    assert_non_null(strstr(record->headers, "ce_type=OrderPlaced;ce_source=python-shop;"));
    o2c_arena_clear(&arena);
}

/* How many of the records lie where their key belongs. */
static int published_in_place(const char *partitioner)
{
    struct mock_cluster mock;
    struct mock_record *records;
    int in_place = 0;
    mock_kafka_start(&mock, PARTITIONS, NULL);
    assert_int_equal(run_upstream(mock.bootstrap, partitioner), 0);
    size_t count = mock_kafka_read(&mock, "o2c.orders", PARTITIONS, &records);
    assert_int_equal(count, ORDER_COUNT);
    for (size_t i = 0; i < count; i++) {
        check_order(&records[i]);
        in_place += records[i].partition ==
                    o2c_hash_partition(o2c_str_from(records[i].key), PARTITIONS);
    }
    free(records);
    mock_kafka_stop(&mock);
    return in_place;
}

static void the_python_example_writes_what_the_pipeline_reads(void **state)
{
    (void)state;
    assert_int_equal(published_in_place("murmur2_random"), ORDER_COUNT);
}

/* Why the example sets it: with the client's own default o2c sets records aside. */
static void another_partitioner_misplaces_records(void **state)
{
    (void)state;
    assert_true(published_in_place("consistent_random") < ORDER_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_python_example_writes_what_the_pipeline_reads),
        cmocka_unit_test(another_partitioner_misplaces_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
