/* Who decides for a partition: members that come, go, stop and lose their connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/clock.h"
#include "tests/integration/host/host_test.h"

#include "runtime/base/banned.h"

static const char *const quick[] = {"--session-timeout-ms", "2000", NULL};

static const char its_backend[] =
    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%probe-1'";

/* A row with its key that is not committed: the account's first store waits behind it. */
static void hold_stores(const char *account)
{
    run_sql("BEGIN; INSERT INTO probe.trail VALUES ('%s', 0, '')", account);
}

static void await_waiting(const char *event)
{
    char sql[200];

    snprintf(
        sql, sizeof sql,
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'client backend'"
        " AND application_name LIKE '%%probe-%%' AND %s",
        event);
    await_sql(conn, "t", sql);
}

static void let_stores_go_on(void)
{
    run_sql("ROLLBACK");
}

static void lose_connection(void)
{
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE '%%probe-1'");
}

/*
 * Both have read the same record; the first has been overtaken.  Nothing but
 * the epoch tells them apart: neither has stored anything.
 */
static void a_member_that_was_overtaken_stores_nothing(void **state)
{
    struct await await = await_begin();

    (void)state;
    host_start(&first, quick, "store.before=stop");
    put_order("acc", "o1", "");
    service_wait_stopped(&first);
    host_start(&second, quick, "store.before=stop");
    service_wait_stopped(&second);
    service_continue(&first);
    while (!service_log_count(&first, "another process has claimed since")) {
        if (strcmp(sql_text(conn, "SELECT count(*) FROM probe.progress"), "0") != 0)
            fail_msg("the member that was overtaken has stored its batch");
        if (!await_more(&await))
            fail_msg("it neither stored nor noticed");
    }
    expect_sql("0", "SELECT count(*) FROM probe.progress");
    service_continue(&second);
    await_applied(1);
    expect_trail("acc", "o1");
    expect_sql("1", "SELECT count(*) FROM probe.outbox");
    expect_sql("2", "SELECT max(epoch) FROM probe.progress");
}

/* Its epoch is taken while it stores: what it was about to do goes on. */
static void take_epoch_while_it_stores(void)
{
    host_start(&first, (const char *const[]){"--revoke-wait-ms", "60000", NULL}, NULL);
    run_sql("BEGIN; UPDATE probe.claim SET epoch = epoch + 1");
    put_order("acc", "o1", "");
    await_waiting("wait_event_type = 'Lock'");
}

static void a_member_that_was_overtaken_while_it_stops_ends(void **state)
{
    (void)state;
    take_epoch_while_it_stores();
    service_ask_to_end(&first);
    service_wait_log(&first, "stopping");
    run_sql("COMMIT");
    assert_int_equal(service_wait(&first), 0);
    expect_sql("0", "SELECT count(*) FROM probe.progress");
}

static void a_member_that_was_overtaken_at_a_revoke_gives_its_partitions_back(void **state)
{
    (void)state;
    take_epoch_while_it_stores();
    host_launch(&second, NULL, NULL);
    service_wait_log(&first, "\"revoked\"");
    run_sql("COMMIT");
    service_wait_log(&second, "\"reading\"");
    await_applied(1);
    assert_int_equal(service_end(&second), 0);
    assert_int_equal(service_end(&first), 0);
}

static void a_batch_in_flight_is_stored_before_its_partitions_are_given_back(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    hold_stores(account_of(3, 0));
    put_order(account_of(0, 0), "o1", "");
    put_order(account_of(3, 0), "o2", "");
    await_waiting("wait_event_type = 'Lock'");
    host_launch(&second, NULL, NULL);
    service_wait_log(&first, "\"revoked\"");
    let_stores_go_on();
    service_wait_log(&second, "\"reading\"");
    await_applied(2);
    expect_sql("1", "SELECT max(epoch) FROM probe.progress");
    put_order(account_of(0, 0), "o3", "");
    put_order(account_of(3, 0), "o4", "");
    await_applied(4);
    expect_trail(account_of(0, 0), "o1 o3");
    expect_trail(account_of(3, 0), "o2 o4");
    expect_sql("2", "SELECT count(DISTINCT owner) FROM probe.claim");
}

/* What was taken and not stored is read again by whoever has the partition then. */
static void a_batch_that_takes_too_long_is_given_up_at_a_revoke(void **state)
{
    static const char *const impatient[] = {"--revoke-wait-ms", "100", NULL};

    (void)state;
    host_start(&first, impatient, NULL);
    hold_stores(account_of(3, 0));
    put_order(account_of(3, 0), "o2", "");
    await_waiting("wait_event_type = 'Lock'");
    put_order(account_of(0, 0), "o1", "");
    host_start(&second, impatient, NULL);
    service_wait_log(&first, "canceling statement");
    let_stores_go_on();
    await_applied(2);
    expect_trail(account_of(0, 0), "o1");
    expect_trail(account_of(3, 0), "o2");
    expect_sql("2", "SELECT count(*) FROM probe.outbox");
}

/* Orders are read through a gate: who does waits while the test holds a lock. */
static void gate_orders(void)
{
    run_sql("ALTER TABLE probe.parked_order RENAME TO order_asked");
    run_sql("CREATE FUNCTION probe.gate() RETURNS boolean LANGUAGE plpgsql AS $$"
            " BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN true; END $$");
    run_sql("CREATE VIEW probe.parked_order AS"
            " SELECT * FROM probe.order_asked WHERE probe.gate()");
}

/*
 * With one partition for two members the second has none, as soon as the first
 * is there; nothing of a claim then stands in its pipeline.
 */
static void an_order_read_by_a_member_without_its_partition_is_not_carried_out(void **state)
{
    const char *account = account_of(0, 0);

    (void)state;
    gate_orders();
    host_start(&second, quick, NULL);
    put_order(account, "p1", "refused");
    await_sql(conn, "1", "SELECT parked FROM probe.done");
    run_sql("SELECT pg_advisory_lock(7)");
    run_sql("INSERT INTO probe.pardon VALUES ('%s')", account);
    run_sql("INSERT INTO probe.order_asked (partition, account_id, action, actor, reason)"
            " VALUES (0, '%s', 'release', 'test', 'test')",
            account);
    await_waiting("wait_event = 'advisory'");
    host_launch(&first, quick, "claim.after=stop");
    service_wait_stopped(&first);
    service_wait_log(&second, "\"topic_partitions\":0");
    run_sql("SELECT pg_advisory_unlock(7)");
    await_sql(conn, "0",
              "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%probe-2'"
              " AND (state <> 'idle' OR wait_event = 'advisory')");
    service_continue(&first);
    await_sql(conn, "released", "SELECT outcome FROM probe.order_asked");
    expect_trail(account, "p1");
    expect_sql("2 1", "SELECT epoch || ' ' || unparked FROM probe.progress"
                      " ORDER BY batch_seq DESC LIMIT 1");
    expect_sql("t", "SELECT p.outbox_no = (SELECT max(outbox_no) FROM probe.outbox)"
                    "  FROM probe.position p");
}

/*
 * While the store of b waits, c is loaded behind it, then the order is read, and
 * its record is when d is stored: e, loaded behind d, is of an account whose row
 * the release changes first.
 */
static void what_was_loaded_before_a_release_is_loaded_again(void **state)
{
    const char *released = account_of(0, 0), *other = account_of(0, 1);
    PGconn *person = test_postgres_connect(dsn);

    (void)state;
    host_start(&first, (const char *const[]){"--batch-events", "1", NULL}, NULL);
    put_order(released, "p", "refused");
    await_sql(conn, "1", "SELECT parked FROM probe.done");
    run_sql("INSERT INTO probe.pardon VALUES ('%s')", released);
    hold_stores(other);
    put_order(other, "b", "");
    put_order(other, "c", "");
    put_order(other, "d", "");
    put_order(released, "e", "");
    await_waiting("wait_event_type = 'Lock'");
    test_postgres_run(person, "INSERT INTO probe.parked_order"
                              " (partition, account_id, action, actor, reason)"
                              " SELECT partition, account_id, 'release', 'test', 'test'"
                              "  FROM probe.parked");
    PQfinish(person);
    /* in a turn of the clock in which it has asked for orders, too */
    service_wait_log(&first, "reading pauses: no batch has room");
    let_stores_go_on();
    await_outcome("released");
    await_sql(conn, "5", "SELECT applied + unparked FROM probe.done");
    expect_trail(other, "b c d");
    expect_trail(released, "p e");
}

/* With one partition for two members the second has none until the first is gone. */
static void a_member_without_partitions_takes_over(void **state)
{
    (void)state;
    host_start(&second, quick, NULL);
    host_start(&first, quick, NULL);
    service_wait_log(&second, "\"topic_partitions\":0");
    service_kill(&first);
    put_order(account_of(0, 0), "o1", "");
    await_applied(1);
    expect_sql("t", "SELECT owner LIKE '%probe-2' FROM probe.claim");
}

/* Claims wait at a gate while the test holds its lock, however long that takes. */
static void gate_claims(void)
{
    run_sql("ALTER FUNCTION probe.claim_partitions RENAME TO claim_behind_gate");
    run_sql("CREATE FUNCTION probe.claim_partitions("
            "    a integer[], b bigint[], c integer, d text, e text, f integer, g uuid[],"
            "    h interval) RETURNS SETOF probe.position LANGUAGE plpgsql AS $$"
            " BEGIN"
            "  PERFORM set_config('lock_timeout', '0', true);"
            "  PERFORM pg_advisory_xact_lock_shared(7);"
            "  PERFORM set_config('lock_timeout', '2s', true);"
            "  RETURN QUERY SELECT * FROM probe.claim_behind_gate(a, b, c, d, e, f, g, h);"
            " END $$");
}

static void expect_no_fence(const struct service *member)
{
    assert_int_equal(service_log_count(member, "another process has claimed since"), 0);
    assert_int_equal(service_log_count(member, "claim refused"), 0);
}

/*
 * The first has lost its connection and asks for all partitions again when the
 * second joins, then for its half before that answer has come: it is
 * overtaken, and positions and epochs are those of the last.  Both claim at once.
 */
static void claims_that_overlap_leave_each_partition_with_one_member(void **state)
{
    char expected[8];

    (void)state;
    gate_claims();
    host_start(&first, NULL, NULL);
    run_sql("SELECT pg_advisory_lock(7)");
    lose_connection();
    await_waiting("wait_event = 'advisory'");
    host_launch(&second, NULL, NULL);
    service_wait_log_times(&first, "\"assigned\"", 2);
    service_wait_log(&second, "\"assigned\"");
    await_sql(conn, "2",
              "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'");
    run_sql("SELECT pg_advisory_unlock(7)");
    service_wait_log_times(&first, "\"reading\"", 2);
    service_wait_log(&second, "\"reading\"");
    for (int32_t p = 0; p < PARTITIONS; p++)
        put_order(account_of(p, 0), "o1", "");
    snprintf(expected, sizeof expected, "%d", PARTITIONS);
    await_sql(conn, expected,
              "SELECT count(*) FROM probe.claim c JOIN probe.progress p"
              "    ON p.partition = c.partition AND p.epoch = c.epoch");
    expect_sql("2 2", "SELECT string_agg(n::text, ' ') FROM"
                      " (SELECT count(*) n FROM probe.claim GROUP BY owner) per_owner");
    expect_no_fence(&first);
    expect_no_fence(&second);
}

/* Delays in ms as the log has them, of the last start. */
static int logged_delays(const struct service *member, long *ret_delays, int room)
{
    static const char name[] = "\"delay_ms\":";
    static char log[1 << 16];
    FILE *in = fopen(member->log, "r");
    int count = 0;
    size_t len;

    assert_non_null(in);
    fseek(in, member->from, SEEK_SET);
    len = fread(log, 1, sizeof log - 1, in);
    fclose(in);
    log[len] = '\0';
    for (const char *at = log; count < room && (at = strstr(at, name)); count++) {
        at += sizeof name - 1;
        ret_delays[count] = strtol(at, NULL, 10);
    }
    return count;
}

/*
 * Somebody of a later generation has the partitions.  Each time it joins again
 * all members stand still: it waits twice as long before, until it may claim.
 */
static void a_refused_member_joins_again_after_longer_and_longer_delays(void **state)
{
    enum {
        REFUSALS = 4
    };
    char *cluster_id = rd_kafka_clusterid(broker.rk, 20000);
    long delays[REFUSALS], most = 50;

    (void)state;
    run_sql("INSERT INTO probe.claim SELECT p, 3, 1000, 'somebody', 1, now(),"
            " gen_random_uuid(), '%s', %d, 'infinity' FROM generate_series(0, %d) p",
            cluster_id, PARTITIONS, PARTITIONS - 1);
    rd_kafka_mem_free(broker.rk, cluster_id);
    host_launch(&first, NULL, NULL);
    service_wait_log_times(&first, "claim refused: joining the group again", REFUSALS);
    service_wait_log_times(&first, "will try again", REFUSALS);
    assert_true(service_log_count(&first, "\"assigned\"") >= REFUSALS);
    assert_int_equal(logged_delays(&first, delays, REFUSALS), REFUSALS);
    for (int i = 0; i < REFUSALS; i++, most *= 2)
        assert_in_range(delays[i], most / 2, most);
    expect_sql("3", "SELECT max(epoch) FROM probe.claim");
    run_sql("UPDATE probe.claim SET claimed_at = '-infinity'");
    service_wait_log(&first, "\"reading\"");
    put_order("acc", "o1", "");
    await_applied(1);
    expect_sql("4", "SELECT max(epoch) FROM probe.claim");
}

static int setup_hasty(void **state)
{
    if (setenv("TEST_PROGRAMS", PROBES "/hasty", 1))
        abort();
    return host_setup(state);
}

static int teardown_hasty(void **state)
{
    (void)unsetenv("TEST_PROGRAMS");
    return host_teardown(state);
}

/* Its loop turns and Kafka has its heartbeats: only its own watch tells that it hangs. */
static void a_supervisor_is_told_of_a_store_that_hangs(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    hold_stores("acc");
    put_order("acc", "o1", "");
    service_wait_answer(&first, "/livez",
                        "no batch was stored for 1 s although records wait");
    assert_non_null(strstr(service_ask(&first, "/livez"), " 503 "));
    let_stores_go_on();
    await_applied(1);
    service_wait_answer(&first, "/livez", " 200 ");
}

/* The store fails six times, the waits between come to 1.5 s at least, then it hangs. */
static void what_is_tried_again_is_not_ready_and_lives_until_it_hangs(void **state)
{
    enum {
        TRIES = 6,
        TRIES_MAX = 60 /* some more may fail before the trigger is gone */
    };
    static const char again[] = "will try again";
    PGconn *person = test_postgres_connect(dsn);
    long delays[TRIES_MAX];

    (void)state;
    run_sql("CREATE FUNCTION probe.disk_full() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE 'no space left' USING ERRCODE = '53100'; END $$");
    run_sql("CREATE TRIGGER disk_full BEFORE INSERT ON probe.progress"
            " EXECUTE FUNCTION probe.disk_full()");
    host_start(&first, NULL, NULL);
    hold_stores("acc");
    put_order("acc", "o1", "");
    service_wait_log_times(&first, again, TRIES);
    test_postgres_run(person, "DROP TRIGGER disk_full ON probe.progress");
    PQfinish(person);
    await_waiting("wait_event_type = 'Lock'");
    assert_non_null(strstr(service_ask(&first, "/readyz"), "a batch is tried again"));
    service_wait_answer(&first, "/livez",
                        "no batch was stored for 1 s although records wait");
    int64_t told_us = o2c_clock_utc_us();
    int tries = service_log_count(&first, again);
    assert_in_range(tries, TRIES, TRIES_MAX);
    assert_int_equal(logged_delays(&first, delays, tries), tries);
    /* its watch begins anew with each try, half a second is for clocks that differ */
    assert_true(told_us - service_log_time_us(&first, again, tries) >
                delays[tries - 1] * 1000 + 500000);
    let_stores_go_on();
    await_applied(1);
    service_wait_answer(&first, "/readyz", " 200 ");
}

static void a_batch_that_takes_too_long_is_given_up_at_a_stop(void **state)
{
    (void)state;
    host_start(&first, (const char *const[]){"--revoke-wait-ms", "100", NULL}, NULL);
    hold_stores("acc");
    put_order("acc", "o1", "");
    await_waiting("wait_event_type = 'Lock'");
    assert_int_equal(service_end(&first), 0);
    let_stores_go_on();
    expect_sql("0", "SELECT count(*) FROM probe.progress");
}

/* Its backend waits for a lock and holds the claim; no timeout of the server would end it.
 */
static void the_backend_of_a_killed_owner_is_ended(void **state)
{
    (void)state;
    host_start(&first, quick, NULL);
    hold_stores("acc");
    put_order("acc", "o1", "");
    await_waiting("wait_event_type = 'Lock'");
    service_kill(&first);
    host_launch(&second, quick, NULL);
    service_wait_log(&second, "holds its claim: ending its backend");
    service_wait_log(&second, "\"reading\"");
    let_stores_go_on();
    await_applied(1);
    expect_trail("acc", "o1");
}

/* A migration, or a person in psql: the member that has the other partitions goes on. */
static void a_claim_locked_by_somebody_else_ends_nobody(void **state)
{
    const char *pid;
    char before[24];

    (void)state;
    host_start(&first, quick, NULL);
    pid = sql_text(conn, its_backend);
    snprintf(before, sizeof before, "%s", pid);
    run_sql("BEGIN; SELECT FROM probe.claim WHERE partition = 3 FOR UPDATE");
    host_launch(&second, quick, NULL);
    service_wait_log(&second, "a claim is locked, but not by its owner");
    expect_sql(before, its_backend);
    run_sql("COMMIT");
    service_wait_log(&second, "\"reading\"");
    expect_sql(before, its_backend);
    assert_int_equal(service_log_count(&first, "PostgreSQL is away"), 0);
}

static void expect_both_orders(void)
{
    put_order("acc", "o2", "");
    await_sql(
        conn, "1",
        "SELECT count(*) FROM probe.position WHERE next_offsets->>'o2c.orders' = '2'");
    expect_trail("acc", "o1 o2");
    expect_sql("2", "SELECT applied FROM probe.done");
    expect_sql("1 2", "SELECT string_agg(outbox_no::text, ' ' ORDER BY outbox_no)"
                      "  FROM probe.outbox");
}

static void a_batch_in_doubt_that_was_not_committed_is_stored_again(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    hold_stores("acc");
    put_order("acc", "o1", "");
    await_waiting("wait_event_type = 'Lock'");
    lose_connection();
    let_stores_go_on();
    service_wait_log(&first, "batch in doubt resolved");
    expect_both_orders();
    assert_int_equal(service_log_count(&first, "\"not committed\""), 1);
}

/* A standby that never answers keeps a commit waiting after it has happened. */
static void set_standby(const char *names)
{
    run_sql("ALTER SYSTEM SET synchronous_standby_names = '%s'", names);
    run_sql("SELECT pg_reload_conf()");
}

static void a_batch_in_doubt_that_was_committed_is_not_stored_again(void **state)
{
    PGconn *waiting = test_postgres_connect(dsn);

    (void)state;
    host_start(&first, NULL, NULL);
    run_sql("SET synchronous_commit = local");
    set_standby("nobody");
    while (strcmp(sql_text(conn, "SELECT count(*) FROM pg_stat_activity"
                                 " WHERE wait_event = 'SyncRep'"),
                  "0") == 0) {
        /* Each is a commit; the first that waits shows that the setting is in force. */
        PGresult *result;

        if (!PQisBusy(waiting)) {
            while ((result = PQgetResult(waiting)))
                PQclear(result);
            assert_true(
                PQsendQuery(waiting, "SELECT pg_logical_emit_message(true, 'test', '')"));
        }
        assert_true(PQconsumeInput(waiting));
    }
    put_order("acc", "o1", "");
    await_waiting("wait_event = 'SyncRep'");
    lose_connection();
    await_sql(conn, "1", "SELECT count(*) FROM probe.progress");
    set_standby("");
    service_wait_log(&first, "batch in doubt resolved");
    expect_both_orders();
    assert_int_equal(service_log_count(&first, "\"committed\""), 1);
    PQfinish(waiting);
}

static void postgres_may_crash_and_come_back(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_order("acc", "o1", "");
    await_applied(1);
    test_postgres_crash();
    put_order("acc", "o2", "");
    service_wait_log(&first, "PostgreSQL is away");
    assert_non_null(strstr(service_ask(&first, "/readyz"), "\r\n\r\nPostgreSQL is away\n"));
    test_postgres_restart();
    PQreset(conn);
    await_applied(2);
    assert_non_null(strstr(service_ask(&first, "/readyz"), "\r\n\r\nok\n"));
    expect_trail("acc", "o1 o2");
    assert_int_equal(service_end(&first), 0);
}

/* Records go on to come meanwhile: what has no room waits in Kafka, nothing is parked. */
static void while_postgres_is_away_no_more_is_read_than_there_is_room_for(void **state)
{
    static const char *const small[] = {"--batch-bytes", "65536", "--fetch-queue-events",
                                        "1000", NULL};
    char order_id[16];

    (void)state;
    host_start(&first, small, NULL);
    test_postgres_crash();
    for (int i = 0; i < 60; i++) {
        snprintf(order_id, sizeof order_id, "o%d", i);
        put_order_of_lines("acc", order_id, 9000);
    }
    service_wait_log(&first, "reading pauses: no batch has room");
    test_postgres_restart();
    PQreset(conn);
    await_sql(conn, "60", "SELECT applied + parked FROM probe.done");
    expect_sql("0", "SELECT parked FROM probe.done");
    expect_sql("t", "SELECT orders LIKE 'o0 o1 %' AND orders LIKE '% o58 o59'"
                    "  FROM probe.trail");
    assert_int_equal(service_log_count(&first, "reading goes on"),
                     service_log_count(&first, "reading pauses"));
    assert_int_equal(service_end(&first), 0);
}

/* A restarted member finds its places again, and what it had stored. */
static void a_stop_and_a_start_lose_and_repeat_nothing(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_order("acc", "o1", "");
    await_applied(1);
    assert_int_equal(service_end(&first), 0);
    expect_sql("", its_backend);
    put_order("acc", "o2", "");
    host_start(&first, NULL, NULL);
    await_applied(2);
    expect_trail("acc", "o1 o2");
    expect_sql("0", "SELECT repeats FROM probe.done");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_member_that_was_overtaken_stores_nothing),
        TEST(a_member_that_was_overtaken_while_it_stops_ends),
        TEST(a_member_that_was_overtaken_at_a_revoke_gives_its_partitions_back),
        TEST(a_batch_in_flight_is_stored_before_its_partitions_are_given_back),
        TEST(a_batch_that_takes_too_long_is_given_up_at_a_revoke),
        cmocka_unit_test_setup_teardown(
            an_order_read_by_a_member_without_its_partition_is_not_carried_out,
            host_setup_one_partition, host_teardown),
        cmocka_unit_test_setup_teardown(a_member_without_partitions_takes_over,
                                        host_setup_one_partition, host_teardown),
        TEST(what_was_loaded_before_a_release_is_loaded_again),
        TEST(claims_that_overlap_leave_each_partition_with_one_member),
        TEST(a_refused_member_joins_again_after_longer_and_longer_delays),
        cmocka_unit_test_setup_teardown(a_supervisor_is_told_of_a_store_that_hangs,
                                        setup_hasty, teardown_hasty),
        cmocka_unit_test_setup_teardown(
            what_is_tried_again_is_not_ready_and_lives_until_it_hangs, setup_hasty,
            teardown_hasty),
        TEST(a_batch_that_takes_too_long_is_given_up_at_a_stop),
        TEST(the_backend_of_a_killed_owner_is_ended),
        TEST(a_claim_locked_by_somebody_else_ends_nobody),
        TEST(a_batch_in_doubt_that_was_not_committed_is_stored_again),
        TEST(a_batch_in_doubt_that_was_committed_is_not_stored_again),
        TEST(postgres_may_crash_and_come_back),
        TEST(while_postgres_is_away_no_more_is_read_than_there_is_room_for),
        TEST(a_stop_and_a_start_lose_and_repeat_nothing),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
