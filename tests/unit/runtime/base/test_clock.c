/* clock.c: two clocks in microseconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "runtime/base/clock.h"

#include "runtime/base/banned.h"

static void utc_is_the_time_of_day_in_microseconds(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL) - 1;
    int64_t now_us = o2c_clock_utc_us();
    assert_true(now_us >= before * 1000000);
    assert_true(now_us <= ((int64_t)time(NULL) + 1) * 1000000);
}

static void the_monotonic_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t last = o2c_clock_monotonic_us();
    int64_t first = last;
    for (int i = 0; i < 10000; i++) {
        int64_t now = o2c_clock_monotonic_us();
        assert_true(now >= last);
        last = now;
    }
    assert_true(last > first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utc_is_the_time_of_day_in_microseconds),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
