#include "producers/outbox_relay/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/base/banned.h"

enum {
    NOW_US = 1000000
};

static struct lane lane;

static int setup(void **state)
{
    (void)state;
    lane = (struct lane){.in_flight = 0};
    return 0;
}

static void send_all(int count)
{
    while (count--)
        lane_sent(&lane, NOW_US);
}

static void the_first_record_goes_alone_and_opens_it(void **state)
{
    (void)state;
    assert_true(lane_takes(&lane, NOW_US));
    lane_sent(&lane, NOW_US);
    assert_false(lane_takes(&lane, NOW_US));
    lane_acked(&lane, NOW_US);
    send_all(5000);
    assert_true(lane_takes(&lane, NOW_US));
}

/* The broker may have forgotten the producer. */
static void so_does_the_first_one_after_a_long_time(void **state)
{
    const int64_t later_us = NOW_US + (int64_t)3600 * 1000000;

    (void)state;
    lane_sent(&lane, NOW_US);
    lane_acked(&lane, NOW_US);
    lane_sent(&lane, NOW_US);
    assert_false(lane_takes(&lane, later_us)); /* what is under way first */
    lane_acked(&lane, NOW_US);
    assert_true(lane_takes(&lane, later_us));
    lane_sent(&lane, later_us);
    assert_false(lane_takes(&lane, later_us));
}

static void a_record_refused_alone_is_the_one(void **state)
{
    (void)state;
    lane_sent(&lane, NOW_US);
    assert_true(lane_refused(&lane));
    lane_begin_anew(&lane);
    lane_sent(&lane, NOW_US);
    lane_acked(&lane, NOW_US);
    send_all(2);
    assert_true(lane_takes(&lane, NOW_US));
}

/* Three were refused with others: the next three go one by one. */
static void after_a_refused_batch_each_is_tried_alone(void **state)
{
    (void)state;
    lane_sent(&lane, NOW_US);
    lane_acked(&lane, NOW_US);
    send_all(4);
    lane_acked(&lane, NOW_US);
    for (int i = 0; i < 3; i++)
        assert_false(lane_refused(&lane));
    lane_begin_anew(&lane);
    for (int i = 0; i < 3; i++) {
        lane_sent(&lane, NOW_US);
        assert_false(lane_takes(&lane, NOW_US));
        lane_acked(&lane, NOW_US);
    }
    send_all(2);
    assert_true(lane_takes(&lane, NOW_US));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_record_goes_alone_and_opens_it, setup),
        cmocka_unit_test_setup(so_does_the_first_one_after_a_long_time, setup),
        cmocka_unit_test_setup(a_record_refused_alone_is_the_one, setup),
        cmocka_unit_test_setup(after_a_refused_batch_each_is_tried_alone, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
