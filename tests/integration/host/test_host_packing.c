/* The recorded order: what is packed is still there, and only an owner packs. */
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

static const char *const quick[] = {"--session-timeout-ms", "2000", NULL};

static void remember_order(void)
{
    run_sql("CREATE TABLE probe.remembered AS SELECT * FROM probe.fold_order");
}

static void expect_the_order_remembered(void)
{
    expect_sql("0", "SELECT count(*) FROM ("
                    "(TABLE probe.remembered EXCEPT ALL TABLE probe.fold_order) UNION ALL"
                    "(TABLE probe.fold_order EXCEPT ALL TABLE probe.remembered)) differs");
    expect_sql("", "SELECT string_agg(fault, ' ') FROM probe.verify_order() AS v(fault)");
}

/* The newest 200 stay, and what is left of a stretch. */
static const char all_is_packed[] =
    "SELECT bool_and(k.packed = (p.newest - 200) / 200 AND p.rows = p.newest - 200 * k.packed)"
    "  FROM (SELECT partition, max(batch_seq) AS newest, count(*) AS rows"
    "          FROM probe.progress GROUP BY 1) p"
    "  LEFT JOIN (SELECT partition, count(*) AS packed FROM probe.packed_order GROUP BY 1) k"
    " USING (partition)";

/* ---- by the function alone */

/* Topics that begin later, end and begin again; cursors of any characters; large offsets.
 */
static void record_random_batches(int seed)
{
    run_sql(
        "SELECT setseed(0.%d); TRUNCATE probe.claim, probe.progress, probe.packed_order;"
        "DROP TABLE IF EXISTS probe.remembered;"
        "INSERT INTO probe.claim SELECT p, 7, 1, 'me', 1, now(), gen_random_uuid(), 'c', 4"
        "  FROM generate_series(0, 3) p",
        seed);
    run_sql(
        "INSERT INTO probe.progress"
        " WITH batch AS (SELECT p, n, random() < 0.2 AS ticks, random() AS luck"
        "                  FROM generate_series(0, 3) p,"
        "                       generate_series(1, 300 + 400 * p + (random() * 200)::integer) n),"
        " topic AS (SELECT p, t, (random() * 500 * (t / 3))::integer AS begins,"
        "                  (random() * 2000)::integer AS rests"
        "             FROM generate_series(0, 3) p, generate_series(1, 6) t),"
        " step AS (SELECT p, n, t, sum(CASE WHEN random() < 0.1 THEN 1e12 * random()"
        "                                   ELSE 3 * random() END)"
        "                 OVER (PARTITION BY p, t ORDER BY n)::bigint AS next"
        "            FROM topic JOIN batch USING (p)"
        "           WHERE n > begins AND n NOT BETWEEN rests AND rests + 50),"
        " vector AS (SELECT p, n, jsonb_object_agg('o2c.topic-' || t, next) AS next_offsets"
        "              FROM step GROUP BY 1, 2)"
        " SELECT p, n, 7, coalesce(next_offsets, '{}'), '{}', '{}', n, n, 0, 0, n / 100 + p,"
        "        n / 150, 0, 0, now(), CASE WHEN n > 250 THEN date '2026-01-01' + n / 90 END,"
        "        CASE WHEN ticks THEN date '2026-01-01' + n / 100 END,"
        "        CASE WHEN ticks THEN 'a\"\\,[]' || chr(1 + (luck * 50000)::integer) END,"
        "        CASE WHEN ticks THEN '' END, CASE WHEN ticks THEN n::text END, 0"
        "   FROM batch LEFT JOIN vector USING (p, n)");
}

static const char pack_any[] = "SELECT probe.pack_order('{0, 1, 2, 3}', '{7, 7, 7, 7}')";

static void the_order_is_the_same_to_the_row(void **state)
{
    (void)state;
    run_sql("SET datestyle = 'SQL, DMY'");
    for (int seed = 1; seed <= 3; seed++) {
        record_random_batches(seed);
        remember_order();
        expect_the_order_remembered();
        while (strcmp(sql_text(conn, pack_any), "0") != 0)
            expect_the_order_remembered();
        expect_sql("t", all_is_packed);
        expect_sql("t", "SELECT count(*) >= 12 FROM probe.packed_order");
        expect_sql("t", "SELECT bool_and(batch_seq BETWEEN 200 * stretch + 1"
                        "                              AND 200 * (stretch + 1))"
                        "  FROM probe.fold_order");
    }
}

static void only_the_owner_packs(void **state)
{
    static const int epochs[] = {6, 8};

    (void)state;
    record_random_batches(1);
    remember_order();
    for (size_t i = 0; i < sizeof epochs / sizeof epochs[0]; i++)
        run_sql("DO $$ BEGIN PERFORM probe.pack_order('{3}', '{%d}');"
                " RAISE 'a process that is not its owner has packed';"
                " EXCEPTION WHEN SQLSTATE 'O2C01' THEN END $$",
                epochs[i]);
    expect_sql("0", "SELECT count(*) FROM probe.packed_order");
    expect_the_order_remembered();
}

static void what_is_broken_is_named_and_stays(void **state)
{
    (void)state;
    record_random_batches(1);
    run_sql("DELETE FROM probe.progress WHERE partition = 3 AND batch_seq = 7;"
            "UPDATE probe.progress SET next_offsets = '{\"o2c.topic-1\": 3}'"
            " WHERE partition = 2 AND batch_seq > 500;"
            "INSERT INTO probe.first_offset VALUES ('o2c.topic-1', 1, 1e17)");
    while (strcmp(sql_text(conn, pack_any), "0") != 0)
        ;
    expect_sql("0", "SELECT count(*) FROM probe.packed_order WHERE partition = 3");
    run_sql("DELETE FROM probe.packed_order WHERE partition = 0 AND stretch = 0");
    expect_sql("partition 0: batch 0 of the recorded order is followed by 201;"
               "partition 1: o2c.topic-1 goes back in batch 1;"
               "partition 2: o2c.topic-1 goes back in batch 501;"
               "partition 3: batch 6 of the recorded order is followed by 8",
               "SELECT string_agg(regexp_replace(fault, 'from offset \\d+ to \\d+ ', ''),"
               "                  ';') FROM probe.verify_order() AS v(fault)");
}

/* ---- by the engine */

/* Each partition as if it had stored so many more batches, which read nothing. */
static void store_batches(int count)
{
    host_start(&first, NULL, NULL);
    for (int p = 0; p < PARTITIONS; p++)
        put_order(account_of(p, 0), "o1", "");
    await_applied(PARTITIONS);
    assert_int_equal(service_end(&first), 0);
    run_sql("INSERT INTO probe.progress"
            " SELECT (jsonb_populate_record(p, jsonb_build_object('batch_seq',"
            "                                                     batch_seq + n))).*"
            "   FROM probe.progress p, generate_series(1, %d) n",
            count);
    remember_order();
}

static void a_backlog_is_packed_while_nothing_is_to_do(void **state)
{
    (void)state;
    store_batches(3000);
    host_start(&first, NULL, NULL);
    await_sql(conn, "t", all_is_packed);
    expect_the_order_remembered();
    expect_sql("56", "SELECT count(*) FROM probe.packed_order");
}

static void a_start_finds_its_position_behind_what_is_packed(void **state)
{
    (void)state;
    a_backlog_is_packed_while_nothing_is_to_do(state);
    assert_int_equal(service_end(&first), 0);
    host_start(&first, NULL, NULL);
    put_order(account_of(2, 0), "o2", "");
    await_applied(PARTITIONS + 1);
    expect_trail(account_of(2, 0), "o1 o2");
    expect_sql("0", "SELECT repeats FROM probe.done");
    expect_sql("3002 2", "SELECT batch_seq || ' ' || (next_offsets ->> 'o2c.orders')"
                         "  FROM probe.position WHERE partition = 2");
    expect_sql("", "SELECT string_agg(fault, ' ') FROM probe.verify_order() AS v(fault)");
}

static void batches_are_packed_behind_those_that_are_stored(void **state)
{
    enum {
        ORDERS = 900
    };

    (void)state;
    host_start(&first, (const char *const[]){"--batch-events", "1", NULL}, NULL);
    for (int i = 0; i < ORDERS; i++)
        put_order(account_of(1, 0), "o", "");
    await_applied(ORDERS);
    await_sql(conn, "3 300",
              "SELECT (SELECT count(*) FROM probe.packed_order) || ' ' ||"
              "       count(*) FROM probe.progress");
    expect_sql("900 true",
               "SELECT count(*) || ' ' ||"
               "       bool_and((next_offsets ->> 'o2c.orders')::bigint = batch_seq)"
               "  FROM probe.fold_order WHERE partition = 1");
}

static void one_that_was_overtaken_packs_nothing(void **state)
{
    (void)state;
    store_batches(1000);
    host_launch(&first, quick, "pack.before=stop");
    service_wait_stopped(&first);
    host_launch(&second, quick, "pack.before=stop");
    service_wait_stopped(&second);
    service_continue(&first);
    service_wait_log(&first, "old batches not packed");
    assert_int_equal(service_log_count(&first, "O2C01 claimed by another process"), 1);
    expect_sql("0", "SELECT count(*) FROM probe.packed_order");
    expect_the_order_remembered();
    service_kill(&first);
    service_continue(&second);
    await_sql(conn, "t", all_is_packed);
    expect_the_order_remembered();
}

/* Rows are deleted and packed, but not committed, while the test holds a lock. */
static void hold_packing(void)
{
    run_sql("CREATE FUNCTION probe.gate() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NULL; END $$;"
            "CREATE TRIGGER gate AFTER INSERT ON probe.packed_order"
            "   FOR EACH ROW EXECUTE FUNCTION probe.gate();"
            "SELECT pg_advisory_lock(7)");
}

static void await_packing(void)
{
    await_sql(conn, "1",
              "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'");
}

static void one_that_is_killed_while_it_packs_loses_nothing(void **state)
{
    (void)state;
    store_batches(1000);
    hold_packing();
    host_launch(&first, quick, NULL);
    await_packing();
    expect_the_order_remembered();
    service_kill(&first);
    host_launch(&second, quick, NULL);
    service_wait_log(&second, "holds its claim: ending its backend");
    service_wait_log(&second, "\"reading\"");
    expect_sql("0", "SELECT count(*) FROM probe.packed_order");
    expect_the_order_remembered();
    run_sql("SELECT pg_advisory_unlock(7)");
    await_sql(conn, "t", all_is_packed);
    expect_the_order_remembered();
}

static void a_connection_that_is_lost_while_it_packs_loses_nothing(void **state)
{
    (void)state;
    store_batches(1000);
    hold_packing();
    host_launch(&first, NULL, NULL);
    await_packing();
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE '%%probe-1'");
    service_wait_log(&first, "PostgreSQL is away");
    expect_the_order_remembered();
    run_sql("SELECT pg_advisory_unlock(7)");
    await_sql(conn, "t", all_is_packed);
    expect_the_order_remembered();
    put_order(account_of(1, 0), "o2", "");
    await_applied(PARTITIONS + 1);
    expect_trail(account_of(1, 0), "o1 o2");
}

int main(int argc, char **argv)
{
#define BARE(name) cmocka_unit_test_setup_teardown(name, host_setup_bare, host_teardown)
#define TEST(name) cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)
    const struct CMUnitTest tests[] = {
        BARE(the_order_is_the_same_to_the_row),
        BARE(only_the_owner_packs),
        BARE(what_is_broken_is_named_and_stays),
        TEST(a_backlog_is_packed_while_nothing_is_to_do),
        TEST(a_start_finds_its_position_behind_what_is_packed),
        TEST(batches_are_packed_behind_those_that_are_stored),
        TEST(one_that_was_overtaken_packs_nothing),
        TEST(one_that_is_killed_while_it_packs_loses_nothing),
        TEST(a_connection_that_is_lost_while_it_packs_loses_nothing),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
