/* When a tick is applied, and what it sees and does not see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/integration/ticks/ticks_test.h"

#include "runtime/base/banned.h"

static void a_tick_runs_what_is_due_and_nothing_else(void **state)
{
    (void)state;
    daybook_start(0, NULL);
    put_promise(account_of(1, 0), 4, "b a");
    put_promise(account_of(1, 1), 3, "c");
    put_promise(account_of(2, 0), 5, "d");
    put_day_everywhere(4);
    await_day(1, 4);
    await_day(2, 4);
    char runs[100];
    snprintf(runs, sizeof runs, "%s/a: 01-04+0, %s/b: 01-04+0, %s/c: 01-04+0",
             account_of(1, 0), account_of(1, 0), account_of(1, 1));
    expect_runs(runs);
    expect_sql("1", "SELECT count(*) FROM daybook.due");
    /* by date, then account, kind and item */
    expect_sql("c/o2c.clock/1/0#0 a/o2c.clock/1/0#1 b/o2c.clock/1/0#2",
               "SELECT string_agg(substring(encode(value, 'escape') FROM"
               " '(.).promise') || '/' || cause, ' ' ORDER BY outbox_no)"
               "  FROM daybook.outbox WHERE partition = 1");
    expect_sql("2026-01-04", "SELECT DISTINCT business_date FROM daybook.outbox");
}

static void a_tick_waits_for_everything_below_its_cut(void **state)
{
    const char *account = account_of(1, 0);

    (void)state;
    daybook_start(0, NULL);
    put_day(1, 4, 2, 1);
    put_promise(account, 3, "a");
    await_applied(1);
    put_held(account, 0, 0);
    await_applied(2);
    expect_runs("");
    put_promise(account, 4, "b");
    await_day(1, 4);
    char runs[100];
    snprintf(runs, sizeof runs, "%s/a: 01-04+1, %s/b: 01-04+1", account, account);
    expect_runs(runs);
}

static void records_beyond_the_cut_may_be_taken_before_the_tick_comes(void **state)
{
    const char *account = account_of(1, 0);
    char runs[100];

    (void)state;
    daybook_start(0, NULL);
    put_promise(account, 3, "a");
    put_held(account, 0, 0);
    put_held(account, 0, 0);
    await_applied(3);
    put_day(1, 4, 1, 1);
    await_day(1, 4);
    snprintf(runs, sizeof runs, "%s/a: 01-04+2", account);
    expect_runs(runs);
}

static void who_starts_late_sees_each_day_as_it_was(void **state)
{
    const char *account = account_of(1, 0);
    char runs[100];

    (void)state;
    put_promise(account, 3, "a next-b");
    put_held(account, 0, 0);
    put_day(1, 3, 1, 1);
    put_held(account, 0, 0);
    put_held(account, 0, 0);
    put_day(1, 4, 1, 3);
    put_held(account, 0, 0);
    put_day(1, 6, 1, 4);
    put_held(account, 0, 0);
    daybook_start(0, NULL);
    await_applied(9);
    snprintf(runs, sizeof runs, "%s/a: 01-03+1, %s/next-b: 01-03+1 01-04+3 01-06+4",
             account, account);
    expect_runs(runs);
    expect_sql("5", "SELECT held FROM daybook.page");
}

static void what_a_tick_caused_elsewhere_waits_for_the_same_tick_here(void **state)
{
    const char *account = account_of(1, 0), *there = account_of(2, 0);
    char runs[100];

    (void)state;
    daybook_start(0, NULL);
    put_promise(account, 4, "a");
    put_held(account, 1, 3); /* the day before is a later day too: none has begun here */
    put_held(account, 2, 4);
    put_held(account, 0, 0); /* stands behind those */
    put_promise(account, 4, "b");
    put_held(there, 0, 0);
    await_applied(3);
    expect_sql("1", "SELECT sum(held) FROM daybook.page");
    put_day(1, 3, 2, 0);
    await_day(1, 3);
    await_applied(5);
    put_day(1, 4, 2, 0);
    await_applied(8);
    snprintf(runs, sizeof runs, "%s/a: 01-04+1, %s/b: 01-04+1", account, account);
    expect_runs(runs);
    expect_sql("4", "SELECT sum(held) FROM daybook.page");
    expect_sql("3", "SELECT next_offsets->>'o2c.order-status' FROM daybook.position"
                    " WHERE partition = 1");
}

static void partitions_are_at_days_of_their_own(void **state)
{
    const char *here = account_of(1, 0), *there = account_of(2, 0);
    char runs[100];

    (void)state;
    daybook_start(0, NULL);
    put_promise(here, 4, "a");
    put_promise(there, 4, "a");
    put_day(2, 3, 1, 0);
    put_day(1, 4, 1, 0);
    await_day(1, 4);
    await_day(2, 3);
    snprintf(runs, sizeof runs, "%s/a: 01-04+0", here);
    expect_runs(runs);
    put_held(there, 1, 4);
    put_held(here, 1, 4);
    await_applied(5);
    put_day(2, 4, 1, 0);
    await_day(2, 4);
    await_applied(7);
    expect_sql("2", "SELECT count(*) FROM daybook.entry WHERE runs = '01-04+0'");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ticks_setup, ticks_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_tick_runs_what_is_due_and_nothing_else),
        TEST(a_tick_waits_for_everything_below_its_cut),
        TEST(records_beyond_the_cut_may_be_taken_before_the_tick_comes),
        TEST(who_starts_late_sees_each_day_as_it_was),
        TEST(what_a_tick_caused_elsewhere_waits_for_the_same_tick_here),
        TEST(partitions_are_at_days_of_their_own),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
