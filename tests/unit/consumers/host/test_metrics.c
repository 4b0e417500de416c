/* What a stored batch adds to the metrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "consumers/host/engine.h"
#include "runtime/base/clock.h"
#include "runtime/base/metrics.h"

#include "runtime/base/banned.h"

static const char *const topics[] = {"o2c.orders", NULL};
static const struct o2c_consumer consumer = {.name = "tested", .topics = topics};

static struct engine *engine;
static struct batch *batch;
static struct unit unit;

static int setup(void **state)
{
    (void)state;
    engine = calloc(1, sizeof *engine);
    assert_non_null(engine);
    engine->consumer = &consumer;
    engine->topic_count = 1;
    engine->clock = -1;
    host_metrics_open(engine);
    batch = &engine->batch[0];
    batch->engine = engine;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(batch->fold.at);
    host_metrics_close(engine);
    free(engine);
    return 0;
}

static void add_record(struct record *record, int64_t age_us)
{
    *record = (struct record){.unit = &unit,
                              .kind = RECORD_SKIPPED,
                              .event.type = O2C_ORDER_PLACED,
                              .recorded_us = o2c_clock_utc_us() - age_us,
                              .outcome = TOTAL_SKIPPED,
                              .outcome_count = 1};
    VEC_ADD(batch->fold, record);
}

/* The line of the metric that begins with this, behind its name; -1: there is none. */
static double shown(const char *name)
{
    struct o2c_buf text;
    const char *at;
    double value = -1;

    o2c_buf_init(&text, 1 << 20);
    o2c_metrics_write(engine->metrics, &text);
    at = strstr(o2c_buf_text(&text), name);
    if (at)
        value = strtod(at + strlen(name), NULL);
    o2c_buf_clear(&text);
    return value;
}

static void the_age_is_that_of_the_part_and_never_below_nothing(void **state)
{
    struct record old, later, ahead;

    (void)state;
    add_record(&old, 100000000);
    add_record(&later, 10000000);
    add_record(&ahead, -3600000000);
    batch->stored = 1;
    batch->end = 3;
    host_metrics_batch(engine, batch);
    assert_true(shown("\no2c_event_age_at_commit_seconds_sum ") < 100);
    assert_true(shown("\no2c_event_age_at_commit_seconds_sum ") >= 10);
    batch->stored = 2;
    host_metrics_batch(engine, batch);
    assert_true(shown("\no2c_event_age_at_commit_seconds_sum ") >= 10);
    assert_int_equal((int)shown("\no2c_event_age_at_commit_seconds_count "), 2);
}

static void what_was_not_applied_is_counted_by_its_reason(void **state)
{
    struct record unkeyed = {.aside_reason = "no-key"},
                  strayed = {.aside_reason = "wrong-partition"}, unread = {.route = NULL};
    struct aside_row aside[] = {
        {&unkeyed, {NULL, 0}}, {&strayed, {NULL, 0}}, {&strayed, {NULL, 0}}};
    struct parked_row parked[] = {{&unread, 1, O2C_STR("why"), {NULL, 0}},
                                  {&unread, 2, {NULL, 0}, {NULL, 0}}};

    (void)state;
    batch->aside.at = aside;
    batch->aside.count = 3;
    batch->parked.at = parked;
    batch->parked.count = 2;
    host_metrics_batch(engine, batch);
    assert_int_equal((int)shown("o2c_dlq_records_total{reason=\"no-key\"} "), 1);
    assert_int_equal((int)shown("o2c_dlq_records_total{reason=\"wrong-partition\"} "), 2);
    assert_int_equal((int)shown("o2c_dlq_records_total{reason=\"unreadable\"} "), 1);
}

static void what_is_alerted_on_is_there_before_it_happens(void **state)
{
    static const char *const names[] = {
        "o2c_dlq_records_total{reason=\"unreadable\"} ",
        "o2c_dlq_records_total{reason=\"refused\"} ",
        "o2c_dlq_records_total{reason=\"no-key\"} ",
        "o2c_dlq_records_total{reason=\"wrong-partition\"} ",
        "o2c_dlq_records_total{reason=\"key-mismatch\"} ",
        "o2c_pg_in_doubt_total{resolution=\"committed\"} ",
        "o2c_pg_in_doubt_total{resolution=\"not_committed\"} ",
        "o2c_rebalances_total{kind=\"assign\"} ",
        "o2c_rebalances_total{kind=\"revoke\"} ",
        "\no2c_fenced_commits_total "};
    static const char refused[] = "o2c_due_items_total{result=\"refused\"} ";

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(shown(names[i]) == 0);
    assert_true(shown(refused) < 0);
    host_metrics_close(engine);
    engine->clock = 0;
    host_metrics_open(engine);
    assert_true(shown(refused) == 0);
}

static void who_takes_no_ticks_is_at_no_business_day(void **state)
{
    (void)state;
    host_metrics_refresh(engine);
    assert_true(shown("\no2c_business_day_timestamp_seconds ") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_age_is_that_of_the_part_and_never_below_nothing,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_not_applied_is_counted_by_its_reason,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_alerted_on_is_there_before_it_happens,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(who_takes_no_ticks_is_at_no_business_day, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
