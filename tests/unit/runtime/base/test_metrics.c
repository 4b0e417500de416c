/* metrics.c: the text a scraper reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/buf.h"
#include "runtime/base/metrics.h"

#include "runtime/base/banned.h"

enum {
    APPLIED,
    LAG_SECONDS,
    STORE_SECONDS,
    UP
};

static const struct o2c_metric table[] = {
    [APPLIED] = {"o2c_events_processed_total", O2C_METRIC_COUNTER, "topic,result",
                 "Events \"done\"\nby a back\\slash.", 0},
    [LAG_SECONDS] = {"o2c_consumer_lag_seconds", O2C_METRIC_GAUGE, "partition", "Lag.",
                     1000000},
    [STORE_SECONDS] = {"o2c_store_seconds", O2C_METRIC_HISTOGRAM, NULL, "Time to store.",
                       0},
    [UP] = {"o2c_up", O2C_METRIC_GAUGE, NULL, "Whether it runs.", 0},
};

static int setup(void **state)
{
    *state = o2c_metrics_new(table, sizeof table / sizeof table[0]);
    return *state == NULL;
}

static int teardown(void **state)
{
    o2c_metrics_free(*state);
    return 0;
}

static void assert_written(struct o2c_metrics *metrics, const char *lines)
{
    struct o2c_buf out;
    o2c_buf_init(&out, 100000);
    o2c_metrics_write(metrics, &out);
    if (!strstr(o2c_buf_text(&out), lines))
        fail_msg("not there:\n%s\nin:\n%s", lines, o2c_buf_text(&out));
    o2c_buf_clear(&out);
}

static void the_table_describes_itself(void **state)
{
    (void)state;
    struct o2c_buf out;
    o2c_buf_init(&out, 10000);
    o2c_metrics_describe(&out, table + LAG_SECONDS, 2);
    assert_string_equal(o2c_buf_text(&out),
                        "| metric | kind | labels | meaning |\n|---|---|---|---|\n"
                        "| `o2c_consumer_lag_seconds` | gauge | partition | Lag. |\n"
                        "| `o2c_store_seconds` | histogram |  | Time to store. |\n");
    o2c_buf_clear(&out);
}

static void help_and_type_stand_before_the_series(void **state)
{
    assert_written(*state, "# HELP o2c_events_processed_total Events \"done\"\\nby a "
                           "back\\\\slash.\n"
                           "# TYPE o2c_events_processed_total counter\n"
                           "# HELP o2c_consumer_lag_seconds Lag.\n"
                           "# TYPE o2c_consumer_lag_seconds gauge\n"
                           "# HELP o2c_store_seconds Time to store.\n"
                           "# TYPE o2c_store_seconds histogram\n");
}

static void a_metric_without_labels_is_there_from_the_start(void **state)
{
    assert_written(*state, "# TYPE o2c_up gauge\no2c_up 0\n");
    assert_written(*state, "o2c_store_seconds_count 0\n");
    o2c_series_set(o2c_metrics_series(*state, UP, NULL), 1);
    assert_written(*state, "\no2c_up 1\n");
}

static void each_set_of_label_values_has_one_series(void **state)
{
    struct o2c_series *orders =
        o2c_metrics_series(*state, APPLIED, (const char *[]){"o2c.orders", "applied"});
    struct o2c_series *parked =
        o2c_metrics_series(*state, APPLIED, (const char *[]){"o2c.orders", "parked"});
    o2c_series_add(orders, 3);
    o2c_series_add(parked, 1);
    o2c_series_add(orders, 2);
    assert_ptr_equal(orders, o2c_metrics_series(*state, APPLIED,
                                                (const char *[]){"o2c.orders", "applied"}));
    assert_true(orders != parked);
    assert_int_equal(o2c_series_value(orders), 5);
    assert_written(
        *state, "counter\n"
                "o2c_events_processed_total{topic=\"o2c.orders\",result=\"applied\"} 5\n"
                "o2c_events_processed_total{topic=\"o2c.orders\",result=\"parked\"} 1\n");
}

static void label_values_are_escaped(void **state)
{
    o2c_series_add(o2c_metrics_series(*state, APPLIED, (const char *[]){"a\"b\\c\nd", ""}),
                   1);
    assert_written(*state, "{topic=\"a\\\"b\\\\c\\nd\",result=\"\"} 1\n");
}

static void scaled_values_are_exact_decimals(void **state)
{
    const struct {
        const char *partition;
        int64_t value;
        const char *line;
    } cases[] = {
        {"0", 0, "{partition=\"0\"} 0.000000\n"},
        {"1", 1500000, "{partition=\"1\"} 1.500000\n"},
        {"2", -1, "{partition=\"2\"} -0.000001\n"},
        {"3", INT64_MAX, "{partition=\"3\"} 9223372036854.775807\n"},
        {"4", INT64_MIN, "{partition=\"4\"} -9223372036854.775808\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        o2c_series_set(o2c_metrics_series(*state, LAG_SECONDS, &cases[i].partition),
                       cases[i].value);
        assert_written(*state, cases[i].line);
    }
}

static void a_histogram_counts_up_to_each_bound(void **state)
{
    struct o2c_series *series = o2c_metrics_series(*state, STORE_SECONDS, NULL);
    const int64_t observed_us[] = {0,      5000,    5001,     10000,
                                   999999, 1000000, 10000000, 10000001};
    for (size_t i = 0; i < sizeof observed_us / sizeof observed_us[0]; i++)
        o2c_series_observe(series, observed_us[i]);
    assert_int_equal(o2c_series_value(series), 8);
    assert_written(*state, "# TYPE o2c_store_seconds histogram\n"
                           "o2c_store_seconds_bucket{le=\"0.005\"} 2\n"
                           "o2c_store_seconds_bucket{le=\"0.01\"} 4\n"
                           "o2c_store_seconds_bucket{le=\"0.025\"} 4\n"
                           "o2c_store_seconds_bucket{le=\"0.05\"} 4\n"
                           "o2c_store_seconds_bucket{le=\"0.075\"} 4\n"
                           "o2c_store_seconds_bucket{le=\"0.1\"} 4\n"
                           "o2c_store_seconds_bucket{le=\"0.25\"} 4\n"
                           "o2c_store_seconds_bucket{le=\"0.5\"} 4\n"
                           "o2c_store_seconds_bucket{le=\"0.75\"} 4\n"
                           "o2c_store_seconds_bucket{le=\"1\"} 6\n"
                           "o2c_store_seconds_bucket{le=\"2.5\"} 6\n"
                           "o2c_store_seconds_bucket{le=\"5\"} 6\n"
                           "o2c_store_seconds_bucket{le=\"7.5\"} 6\n"
                           "o2c_store_seconds_bucket{le=\"10\"} 7\n"
                           "o2c_store_seconds_bucket{le=\"+Inf\"} 8\n"
                           "o2c_store_seconds_sum 22.020001\n"
                           "o2c_store_seconds_count 8\n");
}

/* Few values by contract; a runaway one must not take the process down. */
static void a_label_value_without_bounds_is_counted_but_not_written(void **state)
{
    char value[3000];
    memset(value, 'x', sizeof value);
    value[sizeof value - 1] = '\0';
    const char *values[] = {value};
    o2c_series_add(o2c_metrics_series(*state, LAG_SECONDS, values), 1);
    assert_written(*state,
                   "# TYPE o2c_consumer_lag_seconds gauge\n# HELP o2c_store_seconds");
}

static void forgotten_series_are_gone_and_can_come_back(void **state)
{
    const char *values[] = {"3"};
    o2c_series_set(o2c_metrics_series(*state, LAG_SECONDS, values), 5000000);
    o2c_metrics_forget(*state, LAG_SECONDS);
    assert_written(*state,
                   "# TYPE o2c_consumer_lag_seconds gauge\n# HELP o2c_store_seconds");
    o2c_series_set(o2c_metrics_series(*state, LAG_SECONDS, values), 7000000);
    assert_written(*state, "o2c_consumer_lag_seconds{partition=\"3\"} 7.000000\n");
}

#define metrics_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        metrics_test(the_table_describes_itself),
        metrics_test(help_and_type_stand_before_the_series),
        metrics_test(a_metric_without_labels_is_there_from_the_start),
        metrics_test(each_set_of_label_values_has_one_series),
        metrics_test(label_values_are_escaped),
        metrics_test(scaled_values_are_exact_decimals),
        metrics_test(a_histogram_counts_up_to_each_bound),
        metrics_test(a_label_value_without_bounds_is_counted_but_not_written),
        metrics_test(forgotten_series_are_gone_and_can_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
