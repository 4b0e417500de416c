/*
 * What does not fit into one message to PostgreSQL: smaller parts are tried, down to
 * the event that does not fit alone.  o2c-probe is one whose messages are small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/integration/host/host_test.h"

#include "runtime/base/banned.h"

enum {
    ORDERS = 60, /* their ids fit into one row */
    ACCOUNTS = 100,
    LONG_ID = 250,
    LARGE = 17000
};

/* Padded on the left, so that every order, or account, has one of its own. */
static const char *padded(char *text, int len, int number)
{
    snprintf(text, (size_t)len + 1, "%0*d", len, number);
    return text;
}

static int setup(void **state, const char *programs)
{
    if (setenv("TEST_PROGRAMS", programs, 1))
        abort();
    return host_setup(state);
}

static int setup_narrow(void **state)
{
    return setup(state, PROBES "/narrow");
}

static int setup_narrowest(void **state)
{
    return setup(state, PROBES "/narrowest");
}

/* All of them in one batch, before it is known that they do not fit. */
static void expect_several_parts(int count)
{
    await_applied(count);
    expect_sql("t", "SELECT max(batch_seq) > 1 FROM probe.progress");
    expect_sql("0", "SELECT parked FROM probe.done");
    assert_int_equal(service_log_count(&first, "PostgreSQL is away"), 0);
}

static void decisions_that_do_not_fit_together_are_stored_in_parts(void **state)
{
    char order_id[LONG_ID + 1];

    (void)state;
    for (int i = 0; i < ORDERS; i++)
        put_order("acc", padded(order_id, LONG_ID, i), "");
    host_start(&first, NULL, NULL);
    expect_several_parts(ORDERS);
    expect_sql("60 60", "SELECT count(*) || ' ' || max(outbox_no) FROM probe.outbox");
}

/* They are asked for, stored, and have decisions: each of the three is too much at first.
 */
static void accounts_that_do_not_fit_together_are_loaded_in_parts(void **state)
{
    char account[LONG_ID + 1];
    int count = 0;

    (void)state;
    for (int i = 0; count < ACCOUNTS; i++)
        if (partition_of(padded(account, LONG_ID, i)) == 0) {
            put_order(account, "o1", "");
            count++;
        }
    host_start(&first, NULL, NULL);
    expect_several_parts(ACCOUNTS);
    expect_sql("100", "SELECT count(*) FROM probe.trail WHERE orders = 'o1'");
}

static void an_event_whose_row_does_not_fit_alone_is_parked_alone(void **state)
{
    (void)state;
    run_sql("INSERT INTO probe.trail VALUES ('large', 1, repeat('x', %d))", LARGE);
    put_order("other", "o1", "");
    put_order("large", "o2", "");
    put_order("other", "o3", "");
    host_start(&first, NULL, NULL);
    await_applied(2);
    expect_trail("other", "o1 o3");
    await_sql(conn, "large", "SELECT account_id FROM probe.parked");
    expect_sql("t", "SELECT reason LIKE '%the rows of trail do not fit into one message'"
                    "  FROM probe.parked");
    assert_int_equal(service_log_count(&first, "PostgreSQL is away"), 0);
}

/* Nor can its bytes be kept: it is named, and what came before it is stored. */
static void an_event_that_cannot_even_be_parked_ends_the_process(void **state)
{
    static char value[LARGE];
    const struct broker_record record = {
        "o2c.orders", 0, o2c_str_from(account_of(0, 1)), {value, sizeof value}, NULL};

    (void)state;
    memset(value, 'x', sizeof value); /* no event at all */
    put_order(account_of(0, 0), "o1", "");
    broker_put(&broker, &record);
    host_launch(&first, NULL, NULL);
    assert_int_equal(service_wait(&first), 1);
    assert_int_equal(service_log_count(&first, "o2c.orders partition 0 offset 1: "), 1);
    assert_int_equal(service_log_count(&first, "no room for the parameters of "
                                               "parked_write"),
                     1);
    expect_trail(account_of(0, 0), "o1");
    expect_sql("1 0", "SELECT applied || ' ' || parked FROM probe.done");
}

/* Else what goes with a position would be stored, and done again after the next start. */
static void positions_that_do_not_fit_together_are_stored_in_parts(void **state)
{
    (void)state;
    for (int32_t p = 0; p < PARTITIONS; p++)
        put_placed(account_of(p, 0), "o1"); /* nothing but its position is to be stored */
    host_start(&first, NULL, NULL);
    await_sql(conn, "4", "SELECT count(*) FROM probe.position WHERE skipped = 1");
    expect_sql("t", "SELECT count(DISTINCT stored_at) > 1 FROM probe.progress");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_narrow, host_teardown)
    const struct CMUnitTest tests[] = {
        TEST(decisions_that_do_not_fit_together_are_stored_in_parts),
        TEST(accounts_that_do_not_fit_together_are_loaded_in_parts),
        TEST(an_event_whose_row_does_not_fit_alone_is_parked_alone),
        TEST(an_event_that_cannot_even_be_parked_ends_the_process),
        cmocka_unit_test_setup_teardown(
            positions_that_do_not_fit_together_are_stored_in_parts, setup_narrowest,
            host_teardown),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
