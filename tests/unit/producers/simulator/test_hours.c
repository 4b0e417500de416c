/* hours.c: things happen on weekdays between eight and six, local time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "producers/simulator/hours.h"
#include "producers/simulator/random.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    MONDAY = 20514 /* 2026-03-02 */
};

static void assert_text(int64_t at_us, const char *expected)
{
    char text[O2C_TIMESTAMP_TEXT + 1];
    o2c_timestamp_format(at_us, text);
    assert_string_equal(text, expected);
}

static void assert_working(int64_t at_us, int32_t offset_minutes)
{
    int64_t local_us = at_us + offset_minutes * O2C_SIM_MINUTE_US;
    int32_t date = o2c_timestamp_date(local_us);
    int64_t hour = (local_us - date * O2C_DAY_US) / O2C_SIM_HOUR_US;
    assert_in_range((date - MONDAY + 7000) % 7, 0, 4);
    assert_in_range((uintmax_t)hour, 8, 17);
    assert_true(at_us % O2C_SIM_SECOND_US == 0);
}

static void the_working_time_begins_and_ends_with_the_first_and_last_workday(void **state)
{
    (void)state;
    uint64_t last = UINT32_MAX;
    assert_text(o2c_sim_working_moment(MONDAY, 31, 0, 0), "2026-03-02T08:00:00Z");
    assert_text(o2c_sim_working_moment(MONDAY, 31, last, 0), "2026-04-01T17:59:59Z");
    assert_text(o2c_sim_working_moment(MONDAY - 1, 1, 0, 0), "2026-03-01T08:00:00Z");
    assert_text(o2c_sim_working_moment(MONDAY - 2, 3, 0, 0), "2026-03-02T08:00:00Z");
    assert_text(o2c_sim_working_moment(MONDAY, 7, last / 5 * 4 + 5, 0),
                "2026-03-06T08:00:00Z");
    assert_text(o2c_sim_working_moment(MONDAY, 1, 0, 540), "2026-03-01T23:00:00Z");
    assert_text(o2c_sim_working_moment(MONDAY, 1, 0, -300), "2026-03-02T13:00:00Z");
}

static void every_moment_of_a_month_is_a_working_hour(void **state)
{
    (void)state;
    for (uint64_t share = 0; share <= UINT32_MAX; share += UINT32_MAX / 5000)
        assert_working(o2c_sim_working_moment(MONDAY + 3, 45, share, 60), 60);
}

static void later_is_later_and_in_working_hours_whatever_the_moment(void **state)
{
    (void)state;
    struct o2c_sim_random random = o2c_sim_random_for(1, O2C_SIM_FOR_ORDER, 0);
    for (int64_t minute = 0; minute < INT64_C(14) * 1440; minute += 7) {
        int64_t at_us = MONDAY * O2C_DAY_US + minute * O2C_SIM_MINUTE_US;
        int64_t soon_us = o2c_sim_minutes_later(&random, at_us, 1, 500, -300);
        int64_t days_us = o2c_sim_workdays_later(&random, at_us, 1, 9, -300);
        assert_true(soon_us > at_us && days_us > at_us);
        assert_working(soon_us, -300);
        assert_working(days_us, -300);
    }
}

static void workdays_leave_out_the_weekend(void **state)
{
    (void)state;
    struct o2c_sim_random random = o2c_sim_random_for(1, O2C_SIM_FOR_ORDER, 0);
    int64_t friday_us = (MONDAY + 4) * O2C_DAY_US + 12 * O2C_SIM_HOUR_US;
    int32_t one = o2c_timestamp_date(o2c_sim_workdays_later(&random, friday_us, 1, 1, 0));
    int32_t six = o2c_timestamp_date(o2c_sim_workdays_later(&random, friday_us, 6, 6, 0));
    assert_int_equal(one, MONDAY + 7);
    assert_int_equal(six, MONDAY + 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_working_time_begins_and_ends_with_the_first_and_last_workday),
        cmocka_unit_test(every_moment_of_a_month_is_a_working_hour),
        cmocka_unit_test(later_is_later_and_in_working_hours_whatever_the_moment),
        cmocka_unit_test(workdays_leave_out_the_weekend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
