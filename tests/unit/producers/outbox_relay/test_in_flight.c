#include "producers/outbox_relay/in_flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/base/banned.h"

static struct in_flight flight;

static void send_all(int64_t from, int64_t to)
{
    for (int64_t no = from; no <= to; no++)
        in_flight_sent(&flight, no);
}

static void the_cursor_is_the_end_of_what_is_acknowledged_without_a_gap(void **state)
{
    (void)state;
    in_flight_start(&flight, 100);
    assert_int_equal(flight.acked_no, 100);
    send_all(101, 105);
    assert_false(in_flight_acked(&flight, 103));
    assert_false(in_flight_acked(&flight, 102));
    assert_int_equal(flight.acked_no, 100);
    assert_true(in_flight_acked(&flight, 101));
    assert_int_equal(flight.acked_no, 103);
    assert_false(in_flight_acked(&flight, 105));
    assert_int_equal(flight.acked_no, 103);
    assert_true(in_flight_acked(&flight, 104));
    assert_int_equal(flight.acked_no, 105);
}

static void a_number_that_is_not_in_flight_changes_nothing(void **state)
{
    (void)state;
    in_flight_start(&flight, 10);
    send_all(11, 12);
    assert_false(in_flight_acked(&flight, 10));
    assert_false(in_flight_acked(&flight, 13));
    assert_true(in_flight_acked(&flight, 11));
    assert_false(in_flight_acked(&flight, 11));
    assert_int_equal(flight.acked_no, 11);
    send_all(13, 13);
    assert_false(in_flight_acked(&flight, 13));
    assert_int_equal(flight.acked_no, 11);
}

static void room_is_what_is_not_between_cursor_and_sent(void **state)
{
    (void)state;
    in_flight_start(&flight, 7);
    assert_int_equal(in_flight_room(&flight), IN_FLIGHT_MAX);
    send_all(8, 7 + IN_FLIGHT_MAX);
    assert_int_equal(in_flight_room(&flight), 0);
    in_flight_acked(&flight, 9);
    assert_int_equal(in_flight_room(&flight), 0);
    in_flight_acked(&flight, 8);
    assert_int_equal(in_flight_room(&flight), 2);
}

static void what_was_lost_is_sent_again_and_old_acknowledgements_are_forgotten(void **state)
{
    (void)state;
    in_flight_start(&flight, 0);
    send_all(1, 10);
    in_flight_acked(&flight, 1);
    in_flight_acked(&flight, 5);
    in_flight_rewind(&flight);
    assert_int_equal(flight.sent_no, 1);
    assert_int_equal(flight.acked_no, 1);
    send_all(2, 6);
    for (int64_t no = 2; no <= 4; no++)
        assert_true(in_flight_acked(&flight, no));
    assert_int_equal(flight.acked_no, 4); /* 5 was acknowledged to the producer before */
    assert_true(in_flight_acked(&flight, 5));
}

/* In any order, over many turns of the ring: against a plain list of flags. */
static void it_agrees_with_a_list_whatever_the_order(void **state)
{
    enum {
        NUMBERS = 40000
    };
    static bool acked[NUMBERS + 2];
    int64_t cursor = 0, sent = 0;
    unsigned seed = 1;

    (void)state;
    in_flight_start(&flight, 0);
    while (cursor < NUMBERS) {
        int64_t burst = rand_r(&seed) % 700;

        while (burst-- > 0 && sent < NUMBERS && in_flight_room(&flight) > 0)
            in_flight_sent(&flight, ++sent);
        for (int i = 0; i < 500 && cursor < sent; i++) {
            int64_t no = cursor + 1 + rand_r(&seed) % (sent - cursor), before = cursor;

            if (i % 50 == 0)
                no = cursor + 1;
            acked[no] = true;
            while (acked[cursor + 1])
                cursor++;
            assert_int_equal(in_flight_acked(&flight, no), cursor > before);
            assert_int_equal(flight.acked_no, cursor);
        }
    }
    assert_int_equal(in_flight_room(&flight), IN_FLIGHT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cursor_is_the_end_of_what_is_acknowledged_without_a_gap),
        cmocka_unit_test(a_number_that_is_not_in_flight_changes_nothing),
        cmocka_unit_test(room_is_what_is_not_between_cursor_and_sent),
        cmocka_unit_test(
            what_was_lost_is_sent_again_and_old_acknowledgements_are_forgotten),
        cmocka_unit_test(it_agrees_with_a_list_whatever_the_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
