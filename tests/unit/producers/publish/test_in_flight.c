#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/in_flight.h"

static struct o2c_outgoing event(uint64_t line, const char *value)
{
    return (struct o2c_outgoing){.line = line,
                                 .key = O2C_STR("acc"),
                                 .value = o2c_str_from(value),
                                 .id = O2C_STR("i"),
                                 .source = O2C_STR("s"),
                                 .time = O2C_STR("t")};
}

static void a_parcel_keeps_its_own_copy(void **state)
{
    struct o2c_in_flight flight;
    char value[] = "first";
    struct o2c_outgoing out = event(1, value);
    (void)state;
    assert_true(o2c_in_flight_init(&flight, 4, 100));
    struct o2c_parcel *parcel = o2c_in_flight_push(&flight, &out);
    memset(value, 'x', sizeof(value) - 1);
    assert_true(o2c_str_eq(parcel->outgoing.value, O2C_STR("first")));
    assert_true(o2c_str_eq(parcel->outgoing.key, O2C_STR("acc")));
    assert_true(o2c_str_eq(parcel->outgoing.time, O2C_STR("t")));
    o2c_in_flight_clear(&flight);
}

static void the_acknowledged_line_moves_only_without_gaps(void **state)
{
    struct o2c_in_flight flight;
    struct o2c_parcel *parcels[4];
    (void)state;
    assert_true(o2c_in_flight_init(&flight, 4, 1000));
    for (uint64_t i = 0; i < 4; i++) {
        struct o2c_outgoing out = event(10 + i, "v");
        parcels[i] = o2c_in_flight_push(&flight, &out);
    }
    o2c_in_flight_ack(&flight, parcels[1]);
    assert_int_equal(flight.acked_line, 0);
    assert_int_equal(flight.count, 4);
    assert_int_equal(flight.not_acked, 3);
    o2c_in_flight_ack(&flight, parcels[0]);
    assert_int_equal(flight.acked_line, 11);
    assert_int_equal(flight.count, 2);
    o2c_in_flight_ack(&flight, parcels[3]);
    o2c_in_flight_ack(&flight, parcels[2]);
    assert_int_equal(flight.acked_line, 13);
    assert_int_equal(flight.count, 0);
    o2c_in_flight_clear(&flight);
}

static void nothing_is_taken_beyond_either_limit(void **state)
{
    struct o2c_in_flight flight;
    struct o2c_outgoing small = event(1, "v"), large = event(1, "0123456789012345678901");
    (void)state;
    assert_true(o2c_in_flight_init(&flight, 2, 100));
    assert_non_null(o2c_in_flight_push(&flight, &small));
    assert_non_null(o2c_in_flight_push(&flight, &small));
    assert_null(o2c_in_flight_push(&flight, &small));
    o2c_in_flight_clear(&flight);
    assert_true(o2c_in_flight_init(&flight, 100, 60));
    assert_non_null(o2c_in_flight_push(&flight, &large));
    assert_non_null(o2c_in_flight_push(&flight, &large));
    assert_null(o2c_in_flight_push(&flight, &large));
    o2c_in_flight_unpush(&flight);
    assert_non_null(o2c_in_flight_push(&flight, &large));
    o2c_in_flight_clear(&flight);
}

static void an_event_larger_than_the_ring_never_fits(void **state)
{
    struct o2c_in_flight flight;
    struct o2c_outgoing out = event(1, "0123456789");
    (void)state;
    assert_true(o2c_in_flight_init(&flight, 100, 10));
    assert_null(o2c_in_flight_push(&flight, &out));
    assert_int_equal(flight.count, 0);
    o2c_in_flight_clear(&flight);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* Whatever the order of acknowledgements, the bytes of a parcel in flight never change. */
static void the_ring_never_writes_over_what_is_in_flight(void **state)
{
    struct o2c_in_flight flight;
    uint32_t seed = 42;
    char value[64];
    uint64_t pushed = 0;
    (void)state;
    assert_true(o2c_in_flight_init(&flight, 16, 300));
    for (int round = 0; round < 20000; round++) {
        size_t len = next_random(&seed) % 60;
        snprintf(value, sizeof(value), "%0*llu", (int)len, (unsigned long long)pushed + 1);
        struct o2c_outgoing out = event(pushed + 1, value);
        if (next_random(&seed) % 3 && o2c_in_flight_push(&flight, &out))
            pushed++;
        else if (flight.count) {
            struct o2c_parcel *parcel =
                o2c_in_flight_at(&flight, next_random(&seed) % flight.count);
            if (!parcel->acked)
                o2c_in_flight_ack(&flight, parcel);
        }
        for (size_t i = 0; i < flight.count; i++) {
            const struct o2c_outgoing *kept = &o2c_in_flight_at(&flight, i)->outgoing;
            char text[64];
            snprintf(text, sizeof(text), "%.*s", O2C_STR_ARG(kept->value));
            assert_int_equal(strtoull(text, NULL, 10), kept->line);
        }
    }
    assert_true(pushed > 5000);
    o2c_in_flight_clear(&flight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parcel_keeps_its_own_copy),
        cmocka_unit_test(the_acknowledged_line_moves_only_without_gaps),
        cmocka_unit_test(nothing_is_taken_beyond_either_limit),
        cmocka_unit_test(an_event_larger_than_the_ring_never_fits),
        cmocka_unit_test(the_ring_never_writes_over_what_is_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
