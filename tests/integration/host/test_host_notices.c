/* What a consumer hears of another's parking: notices go the way of every record, and what
 * the engine itself says of its parking tells exactly while an account is parked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/integration/host/host_test.h"

#include "runtime/base/banned.h"

static void put_notice(const char *account, const char *state, const char *left,
                       int64_t seq)
{
    struct stream stream = {"orders", '1', seq};

    put_notice_at(partition_of(account), o2c_str_from(account), state, left, &stream);
}

static void await_folded(int count)
{
    char expected[24];

    snprintf(expected, sizeof expected, "%d", count);
    await_sql(conn, expected,
              "SELECT applied + repeats + parked + set_aside + skipped FROM probe.done");
}

/* ---- heard */

static void a_notice_is_applied_once_and_also_after_a_restart(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_notice("acc", "parked", "1", 1);
    put_notice("acc", "parked", "1", 1);
    await_folded(2);
    expect_trail("acc", "parked/1");
    assert_int_equal(service_end(&first), 0);
    put_notice("acc", "parked", "1", 1);
    put_notice("acc", "released", "2", 2);
    put_notice("acc", "released", "0", 3);
    host_start(&first, NULL, NULL);
    await_folded(5);
    expect_trail("acc", "parked/1 released/2 released/0");
    expect_sql("2", "SELECT repeats FROM probe.done");
    expect_sql("orders 3", "SELECT source || ' ' || last_seq FROM probe.inbound"
                           " WHERE topic = 'o2c.parked.orders'");
}

static void a_gap_between_notices_stops_their_partition(void **state)
{
    const char *here = account_of(1, 0), *there = account_of(2, 0);

    (void)state;
    host_start(&first, NULL, NULL);
    put_notice(here, "parked", "1", 1);
    await_folded(1);
    put_notice(here, "released", "0", 3);
    service_wait_log(&first, "a stream has a gap");
    assert_int_equal(service_log_count(&first, "\"topic\":\"o2c.parked.orders\""), 1);
    put_order(here, "behind", "");
    put_order(there, "goes-on", "");
    await_folded(2);
    expect_trail(here, "parked/1");
    expect_trail(there, "goes-on");
    expect_sql("1", "SELECT next_offsets->>'o2c.parked.orders' FROM probe.position"
                    " WHERE partition = 1");
}

static void a_notice_about_no_account_holds_nothing_and_keeps_its_number(void **state)
{
    const char *account = account_of(1, 0);
    struct stream second_of = {"orders", '1', 2};

    (void)state;
    host_start(&first, NULL, NULL);
    put_notice(account, "parked", "1", 1);
    put_notice_at(1, (struct o2c_str){NULL, 0}, "parked", "1", &second_of);
    put_notice(account, "released", "0", 3);
    await_folded(3);
    expect_trail(account, "parked/1 released/0");
    expect_sql("1 2 0",
               "SELECT skipped || ' ' || applied || ' ' || set_aside FROM probe.done");
    expect_sql("1", "SELECT count(*) FROM probe.trail");
}

static void a_notice_on_another_partition_than_its_account_is_set_aside(void **state)
{
    const char *account = account_of(1, 0);
    struct stream stream = {"orders", '1', 1};

    (void)state;
    host_start(&first, NULL, NULL);
    put_notice_at(2, o2c_str_from(account), "parked", "1", &stream);
    await_folded(1);
    expect_sql("wrong-partition o2c.parked.orders",
               "SELECT reason || ' ' || topic FROM probe.set_aside");
    expect_sql("0", "SELECT count(*) FROM probe.trail");
}

static void a_notice_that_says_nothing_is_parked_with_what_follows(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_notice(account_of(1, 0), "gone", "1", 1);
    put_notice(account_of(1, 1), "parked", NULL, 2);
    put_notice(account_of(1, 2), "parked", "0", 3);
    put_notice(account_of(1, 3), "parked", "1", 4);
    await_folded(4);
    put_order(account_of(1, 0), "behind", "");
    put_order(account_of(1, 3), "goes-on", "");
    await_folded(6);
    expect_sql("header o2c_parked is missing or malformed, "
               "header o2c_parked_left is missing or malformed, "
               "header o2c_parked_left is missing or malformed",
               "SELECT string_agg(reason, ', ' ORDER BY parked_no)"
               "  FROM probe.parked WHERE state = 'parked'");
    expect_sql("t", "SELECT bool_and(event_type IS NULL) FROM probe.parked"
                    " WHERE state = 'parked'");
    expect_sql("o2c.orders", "SELECT topic FROM probe.parked WHERE state = 'queued'");
    expect_trail(account_of(1, 3), "parked/1 goes-on");
}

static void a_refused_notice_is_released_with_what_it_says(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_notice("acc", "discarded", "4", 1);
    put_notice("acc", "released", "0", 2);
    await_folded(2);
    expect_sql("parked o2c.parked, queued o2c.parked",
               "SELECT string_agg(state || ' ' || event_type, ', ' ORDER BY parked_no)"
               "  FROM probe.parked");
    run_sql("INSERT INTO probe.pardon VALUES ('acc')");
    ask_parking("acc", "release");
    await_outcome("released");
    expect_trail("acc", "discarded/4 released/0");
}

/* ---- said */

/* More than one batch takes: the notice of the first says what is left, and so on. */
static void a_release_in_several_batches_ends_with_the_last_record(void **state)
{
    char order_id[16];

    (void)state;
    put_order("acc", "first", "refused");
    for (int i = 0; i < 1100; i++) {
        snprintf(order_id, sizeof order_id, "q%d", i);
        put_order("acc", order_id, "");
    }
    host_start(&first, NULL, NULL);
    await_folded(1101);
    expect_notices("parked/1");
    ask_parking("acc", "discard");
    await_outcome("discarded");
    expect_notices("parked/1 discarded/1100 released/0");
    expect_sql("1100", "SELECT events FROM probe.trail");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_notice_is_applied_once_and_also_after_a_restart),
        TEST(a_gap_between_notices_stops_their_partition),
        TEST(a_notice_about_no_account_holds_nothing_and_keeps_its_number),
        TEST(a_notice_on_another_partition_than_its_account_is_set_aside),
        TEST(a_notice_that_says_nothing_is_parked_with_what_follows),
        TEST(a_refused_notice_is_released_with_what_it_says),
        TEST(a_release_in_several_batches_ends_with_the_last_record),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
