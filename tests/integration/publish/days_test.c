/* Business days of producers/clock, begun one after the other by one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "producers/clock/days.h"
#include "producers/publish/publisher.h"
#include "runtime/kafka/client.h"
#include "schemas/events.h"
#include "tests/integration/publish/mock_kafka.h"

enum {
    PARTITIONS = 100,
    DAYS = 150,
    FIRST = 14610 /* 2010-01-01 */
};

/* As o2c publish gives on those of a file. */
static void as_many_days_as_a_file_has_can_be_begun(void **state)
{
    struct o2c_publisher_options options = O2C_PUBLISHER_DEFAULTS;
    struct o2c_business_day_started day = {
        .head = {.event_id = O2C_STR("5f0a5c4e-0000-7000-8000-000000000001"),
                 .source = O2C_STR("test"),
                 .company_id = O2C_STR("main")}};
    struct o2c_kafka_settings kafka;
    struct o2c_publisher *publisher = NULL;
    struct mock_cluster mock;
    struct o2c_days *days = NULL;
    struct o2c_err err;

    (void)state;
    mock_kafka_start(&mock, PARTITIONS, NULL);
    kafka = (struct o2c_kafka_settings){mock.bootstrap, "", ""};
    options.kafka = &kafka;
    if (o2c_publisher_open(&publisher, &options, &err) ||
        o2c_days_open(&days, &kafka, publisher, &err))
        fail_msg("%s", err.text);
    assert_int_equal(o2c_days_last(days), O2C_DAYS_NEVER);
    for (int i = 0; i < DAYS; i++) {
        day.business_date = FIRST + i;
        if (o2c_days_start(days, &day, &err))
            fail_msg("day %d: %s", i, err.text);
    }
    assert_int_equal(o2c_days_last(days), FIRST + DAYS - 1);
    o2c_days_close(days);
    o2c_publisher_close(publisher);
    mock_kafka_stop(&mock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_days_as_a_file_has_can_be_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
