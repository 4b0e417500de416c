/* What becomes of the items that a tick reaches: late ones, refused ones, those of parked
 * accounts, those of a process that is killed, and those of batches of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/integration/ticks/ticks_test.h"

#include "runtime/base/banned.h"

enum {
    RUNS_BYTES = 400,
    SOME_ITEMS = 8 /* of one event */
};

/* The runs of one account, items and texts in turn: "a", "01-04+0", NULL. */
static void expect_items(const char *account, const char *const *pairs)
{
    char runs[RUNS_BYTES] = "";
    size_t len = 0;

    for (; *pairs; pairs += 2)
        len += (size_t)snprintf(runs + len, sizeof runs - len, "%s%s/%s: %s",
                                len ? ", " : "", account, pairs[0], pairs[1]);
    expect_runs(runs);
}

#define ITEMS(account, ...) expect_items(account, (const char *const[]){__VA_ARGS__, NULL})

static void what_is_created_late_runs_at_the_next_tick(void **state)
{
    const char *account = account_of(1, 0);

    (void)state;
    daybook_start(0, NULL);
    put_day(1, 10, 0, 0);
    await_day(1, 10);
    put_promise(account, 5, "a again-b next-c");
    await_applied(2);
    expect_runs("");
    put_day(1, 11, 1, 0);
    await_day(1, 11);
    ITEMS(account, "a", "01-11+0", "again-b", "01-11+0", "next-c", "01-11+0");
    put_day(1, 12, 1, 0);
    await_day(1, 12);
    ITEMS(account, "a", "01-11+0", "again-b", "01-11+0 01-12+0", "next-c",
          "01-11+0 01-12+0");
    expect_sql("2026-01-13", "SELECT string_agg(due_date::text, ' ') FROM daybook.due");
}

static void a_repeated_day_runs_nothing_and_a_skipped_one_is_caught_up(void **state)
{
    const char *account = account_of(1, 0);

    (void)state;
    daybook_start(0, NULL);
    put_promise(account, 4, "a");
    put_promise(account, 6, "b");
    put_day(1, 4, 2, 0);
    put_day(1, 4, 2, 0);
    put_day(1, 3, 2, 0);
    put_day(1, 8, 2, 0);
    await_day(1, 8);
    ITEMS(account, "a", "01-04+0", "b", "01-08+0");
    expect_sql("2", "SELECT repeats FROM daybook.done");
    expect_sql("4", "SELECT applied FROM daybook.done");
}

static void what_was_taken_back_does_not_run(void **state)
{
    const char *account = account_of(1, 0);

    (void)state;
    daybook_start(0, NULL);
    put_promise(account, 4, "a b pair-a pair-b pair-c");
    put_block(account, 4, "b");
    put_block(account, 4, "never-there");
    put_day(1, 4, 3, 0);
    await_day(1, 4);
    ITEMS(account, "a", "01-04+0", "pair-a", "01-04+0", "pair-c", "01-04+0");
    put_day(1, 5, 3, 0);
    await_day(1, 5);
    ITEMS(account, "a", "01-04+0", "pair-a", "01-04+0 01-05+0", "pair-c",
          "01-04+0 01-05+0");
    expect_sql("0", "SELECT count(*) FROM daybook.due");
}

static void items_of_a_parked_account_wait_until_it_is_free(void **state)
{
    const char *account = account_of(1, 0), *other = account_of(1, 1);

    (void)state;
    daybook_start(0, NULL);
    put_promise(account, 4, "a");
    put_promise(other, 4, "b");
    put_promise(account, 5, "parked-x");
    put_day(1, 4, 3, 0);
    await_day(1, 4);
    ITEMS(other, "b", "01-04+0");
    test_postgres_run(conn, "INSERT INTO daybook.parked_order"
                            " (partition, account_id, action, actor, reason)"
                            " SELECT partition, account_id, 'discard', 'test', 'test'"
                            "   FROM daybook.parked");
    await_sql(conn, "discarded", "SELECT outcome FROM daybook.parked_order");
    put_day(1, 5, 3, 0);
    await_day(1, 5);
    char runs[100];
    snprintf(runs, sizeof runs, "%s/a: 01-05+0, %s/b: 01-04+0", account, other);
    expect_runs(runs);
    expect_sql("0", "SELECT count(*) FROM daybook.due");
}

static void a_refused_item_is_tried_again_at_every_tick(void **state)
{
    const char *account = account_of(1, 0);

    (void)state;
    daybook_start(0, NULL);
    put_promise(account, 4, "a refused-b storm-c d");
    put_day(1, 4, 1, 0);
    await_day(1, 4);
    ITEMS(account, "a", "01-04+0", "d", "01-04+0");
    expect_sql("nothing is held yet",
               "SELECT refused FROM daybook.due WHERE item = 'refused-b'");
    expect_sql("t", "SELECT refused LIKE '%invalid byte sequence%' FROM daybook.due"
                    " WHERE item = 'storm-c'");
    /* What a refused item emitted is not published, and no number is left out. */
    expect_sql("1 2", "SELECT string_agg(outbox_no::text, ' ') FROM daybook.outbox");
    put_held(account, 0, 0);
    put_day(1, 5, 1, 1);
    await_day(1, 5);
    ITEMS(account, "a", "01-04+0", "d", "01-04+0", "refused-b", "01-05+1", "storm-c",
          "01-05+1");
    expect_sql("0", "SELECT count(*) FROM daybook.due");
}

static void a_tick_cut_short_by_a_kill_goes_on_behind_its_cursor(void **state)
{
    const char *account = account_of(1, 0), *other = account_of(2, 0);

    (void)state;
    put_promise(account, 4, "a b c d e f g");
    put_promise(other, 4, "h i j");
    put_promise(account, 5, "k");
    put_day_everywhere(4);
    put_held(account, 0, 0); /* beyond the cut: no part of the tick may see it */
    daybook_start(2, "tick.chunk=kill@2");
    assert_int_equal(service_wait(&daybook), 128 + 9);
    expect_sql("b 2026-01-04",
               "SELECT string_agg(cursor_item || ' ' || business_date, ', ')"
               "  FROM daybook.position WHERE cursor_item = 'b'");
    daybook_start(2, "tick.chunk=kill@1");
    assert_int_equal(service_wait(&daybook), 128 + 9);
    daybook_start(2, NULL);
    await_day(1, 4);
    await_day(2, 4);
    await_sql(conn, "1", "SELECT held FROM daybook.page");
    expect_sql("10", "SELECT count(*) FROM daybook.entry WHERE runs = '01-04+0'");
    expect_sql("7 3", "SELECT string_agg(n || '', ' ' ORDER BY partition) FROM (SELECT"
                      " partition, max(outbox_no) AS n FROM daybook.outbox"
                      " GROUP BY partition) x");
    expect_sql("10 o2c.clock/1/0#6",
               "SELECT count(*) || ' ' || max(cause) FILTER (WHERE partition = 1)"
               "  FROM daybook.outbox");
    expect_sql("1", "SELECT count(*) FROM daybook.due");
}

/* Items 0 to count - 1 of one account, some in each event. */
static void put_many_promises(const char *account, int day, int count)
{
    char items[8 * SOME_ITEMS];

    for (int next = 0; next < count;) {
        size_t len = 0;

        for (int some = 0; some < SOME_ITEMS && next < count; some++)
            len += (size_t)snprintf(items + len, sizeof items - len, "%si%05d",
                                    some ? " " : "", next++);
        put_promise(account, day, items);
    }
}

static void no_more_than_two_thousand_items_run_in_a_transaction(void **state)
{
    (void)state;
    put_many_promises(account_of(1, 0), 4, 2001);
    put_day_everywhere(4);
    daybook_start(0, "tick.chunk=kill@1");
    assert_int_equal(service_wait(&daybook), 128 + 9);
    expect_sql("i01999 2000",
               "SELECT (SELECT cursor_item FROM daybook.position WHERE partition = 1)"
               "    || ' ' || count(*) FROM daybook.entry WHERE runs = '01-04+0'");
    daybook_start(0, NULL);
    await_day(1, 4);
    expect_sql("2001", "SELECT count(*) FROM daybook.entry WHERE runs = '01-04+0'");
}

static void an_unreadable_record_of_the_clock_is_set_aside(void **state)
{
    const char *account = account_of(1, 0);

    (void)state;
    daybook_start(0, NULL);
    put_promise(account, 4, "a");
    put_clock_bytes(1, "no event");
    put_day(1, 4, 1, 0);
    await_day(1, 4);
    ITEMS(account, "a", "01-04+0");
    expect_sql("unreadable/o2c.clock/0",
               "SELECT reason || '/' || topic || '/' || record_offset"
               "  FROM daybook.set_aside");
}

/* ---- the size of batches */

/* Everything the consumer has left behind. */
static char *all_of_it(void)
{
    char *all = strdup(sql_text(
        conn, "SELECT (SELECT string_agg(e::text, ' ' ORDER BY account_id, item)"
              "          FROM daybook.entry e)"
              "    || (SELECT string_agg(d::text, ' ' ORDER BY d) FROM daybook.due d)"
              "    || (SELECT string_agg(o::text, ' ' ORDER BY partition, outbox_no)"
              "          FROM daybook.outbox o)"
              "    || (SELECT string_agg(concat_ws('/', partition, next_offsets, outbox_no,"
              "                                    applied, repeats, business_date), ' '"
              "                          ORDER BY partition)"
              "          FROM daybook.position)"));

    assert_non_null(all);
    return all;
}

static void put_a_fortnight(void)
{
    for (int32_t p = 1; p <= 2; p++)
        for (int n = 0; n < 3; n++) {
            put_promise(account_of(p, n), 3 + n, "a again-b next-c pair-a pair-b pair-c");
            put_promise(account_of(p, n), 9, "d refused-e");
        }
    put_day_everywhere(3);
    put_promise(account_of(1, 0), 4, "late-a again-l next-l");
    put_day_everywhere(4);
    put_block(account_of(1, 1), 9, "d");
    put_day_everywhere(7);
    put_day_everywhere(7);
    for (int32_t p = 1; p <= 2; p++)
        put_held(account_of(p, 1), 1, 7);
    put_day_everywhere(9);
}

static char *left_behind_with(int batch_events)
{
    char *all;

    ticks_database();
    daybook_start(batch_events, NULL);
    await_day(1, 9);
    await_day(2, 9);
    await_day(0, 9);
    await_day(3, 9);
    assert_int_equal(service_end(&daybook), 0);
    all = all_of_it();
    return all;
}

static void batches_of_any_size_leave_the_same_behind(void **state)
{
    static const int sizes[] = {1, 7};
    char *expected;

    (void)state;
    put_a_fortnight();
    expected = left_behind_with(10000);
    assert_non_null(strstr(expected, "01-04+0"));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *found = left_behind_with(sizes[i]);

        assert_string_equal(found, expected);
        free(found);
    }
    free(expected);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ticks_setup, ticks_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_created_late_runs_at_the_next_tick),
        TEST(a_repeated_day_runs_nothing_and_a_skipped_one_is_caught_up),
        TEST(what_was_taken_back_does_not_run),
        TEST(items_of_a_parked_account_wait_until_it_is_free),
        TEST(a_refused_item_is_tried_again_at_every_tick),
        TEST(a_tick_cut_short_by_a_kill_goes_on_behind_its_cursor),
        TEST(no_more_than_two_thousand_items_run_in_a_transaction),
        TEST(an_unreadable_record_of_the_clock_is_set_aside),
        TEST(batches_of_any_size_leave_the_same_behind),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
