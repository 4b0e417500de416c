/* A database that is older than what was published from it is noticed before it decides
 * anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/integration/host/host_test.h"

#include "runtime/base/banned.h"

static const char refused[] = "the database is older than the topics";
static const char account[] = "acc";

/* Decided, and published as the relay does it. */
static void decide(const char *order_id, int number)
{
    put_order(account, order_id, "");
    await_applied(number);
    put_published("probe", partition_of(account), NULL, number);
}

static void start_with_one_decision(void)
{
    host_start(&first, NULL, NULL);
    decide("o1", 1);
}

static void use_database(const char *another)
{
    PQfinish(conn);
    memcpy(dsn, another, TEST_DSN_BYTES);
    conn = test_postgres_connect(dsn);
}

/* A copy of the database as it is now. */
static void dump(char ret_dsn[TEST_DSN_BYTES])
{
    PQfinish(conn);
    test_postgres_copy(dsn, ret_dsn);
    conn = test_postgres_connect(dsn);
}

static void expect_not_stored(const char *before)
{
    expect_sql(before, "SELECT count(*) || ' ' || sum(batch_seq) FROM probe.progress");
}

static void a_restored_database_is_refused_and_the_newest_one_is_not(void **state)
{
    char newest[TEST_DSN_BYTES], older[TEST_DSN_BYTES];

    (void)state;
    start_with_one_decision();
    assert_int_equal(service_end(&first), 0);
    dump(older);
    host_start(&first, NULL, NULL);
    decide("o2", 2);
    assert_int_equal(service_end(&first), 0);
    memcpy(newest, dsn, sizeof newest);
    use_database(older);
    host_expect_refusal(NULL, 1, refused);
    assert_int_equal(service_log_count(&first,
                                       "has stream_seq 2 of this consumer at offset 1, its "
                                       "database only 1"),
                     1);
    expect_not_stored("1 1");
    use_database(newest);
    host_start(&first, NULL, NULL);
    decide("o3", 3);
}

/* On a topic that several consumers write to the newest record is another one's. */
static void records_of_others_behind_it_hide_nothing(void **state)
{
    (void)state;
    start_with_one_decision();
    assert_int_equal(service_end(&first), 0);
    put_published("probe", partition_of(account), NULL, 2);
    for (int i = 1; i <= 3; i++)
        put_published("elsewhere", partition_of(account), NULL, i);
    host_expect_refusal(NULL, 1, refused);
}

/* The relay of the restored database was started first: what it sends again is known. */
static void what_the_relay_has_sent_again_hides_nothing(void **state)
{
    (void)state;
    start_with_one_decision();
    assert_int_equal(service_end(&first), 0);
    put_published("probe", partition_of(account), NULL, 2);
    put_published("probe", partition_of(account), NULL, 1);
    host_expect_refusal(NULL, 1, refused);
}

static void what_an_aborted_transaction_leaves_behind_hides_nothing(void **state)
{
    (void)state;
    start_with_one_decision();
    assert_int_equal(service_end(&first), 0);
    broker_transaction(&broker, "o2c.conflicts", partition_of(account), O2C_STR("acc"),
                       O2C_STR("x"), false);
    host_start(&first, NULL, NULL);
    assert_int_equal(service_end(&first), 0);
    put_published("probe", partition_of(account), NULL, 2);
    broker_transaction(&broker, "o2c.conflicts", partition_of(account), O2C_STR("acc"),
                       O2C_STR("x"), false);
    host_expect_refusal(NULL, 1, refused);
}

static void a_later_incarnation_of_itself_is_of_another_database(void **state)
{
    (void)state;
    start_with_one_decision();
    assert_int_equal(service_end(&first), 0);
    put_published("probe", partition_of(account), "ff900000-0000-7000-8000-000000000001",
                  1);
    host_expect_refusal(NULL, 1, refused);
}

/* Only who has decided something himself can have had an incarnation before. */
static void an_earlier_incarnation_is_the_past_but_not_of_an_empty_database(void **state)
{
    static const char earlier[] = "01100000-0000-7000-8000-000000000001";

    (void)state;
    start_with_one_decision();
    assert_int_equal(service_end(&first), 0);
    put_published("probe", partition_of(account), earlier, 7);
    host_start(&first, NULL, NULL);
    assert_int_equal(service_end(&first), 0);
    put_published("probe", (partition_of(account) + 1) % PARTITIONS, earlier, 7);
    host_expect_refusal(NULL, 1, refused);
}

/* ---- from where on is looked */

static void expect_seen(const char *offset)
{
    char sql[200];

    snprintf(sql, sizeof sql,
             "SELECT seen FROM probe.outbound WHERE topic = 'o2c.conflicts'"
             "   AND partition = %d",
             (int)partition_of(account));
    await_sql(conn, offset, sql);
}

/* What stands below was looked at, or was there while everything was known. */
static void the_place_to_look_from_moves_on_while_it_works_and_at_a_claim(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    expect_seen("0");
    decide("o1", 1);
    expect_seen("1");
    assert_int_equal(service_end(&first), 0);
    put_published("elsewhere", partition_of(account), NULL, 1);
    host_start(&first, NULL, NULL);
    expect_seen("2");
    assert_int_equal(service_end(&first), 0);
    run_sql("UPDATE probe.progress SET stream_seqs = '{}'");
    host_start(&first, NULL, NULL); /* offset 0 was looked at when it was known */
}

static void
a_topic_that_is_shorter_than_the_place_is_looked_at_from_its_beginning(void **state)
{
    (void)state;
    start_with_one_decision();
    expect_seen("1");
    assert_int_equal(service_end(&first), 0);
    run_sql("UPDATE probe.outbound SET seen = 100");
    host_start(&first, NULL, NULL);
    service_wait_log(&first, "has not the offset that was noted");
    expect_seen("1");
    assert_int_equal(service_end(&first), 0);
    put_published("probe", partition_of(account), NULL, 2);
    run_sql("UPDATE probe.outbound SET seen = 100");
    host_expect_refusal(NULL, 1, refused);
}

/* ---- while it runs */

/* As a standby does that takes over without the last batch, under a member that is waiting.
 */
static void lose_last_batch(void)
{
    run_sql("BEGIN;"
            "DELETE FROM probe.progress WHERE batch_seq = 2;"
            "DELETE FROM probe.outbox WHERE outbox_no = 2;"
            "UPDATE probe.trail SET events = 1, orders = 'o1';"
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE '%%probe-1';"
            "COMMIT");
}

static void a_batch_that_the_database_has_lost_is_read_again(void **state)
{
    (void)state;
    start_with_one_decision();
    put_order(account, "o2", "");
    await_applied(2);
    lose_last_batch();
    service_wait_log(&first, "the database has gone back since");
    await_applied(2);
    put_order(account, "o3", "");
    await_applied(3);
    expect_trail(account, "o1 o2 o3");
    expect_sql("1 2 3", "SELECT string_agg(outbox_no::text, ' ' ORDER BY outbox_no)"
                        "  FROM probe.outbox");
    assert_int_equal(service_end(&first), 0);
}

static void a_batch_that_the_database_has_lost_and_others_have_read_is_refused(void **state)
{
    (void)state;
    start_with_one_decision();
    decide("o2", 2);
    lose_last_batch();
    assert_int_equal(service_wait(&first), 1);
    assert_int_equal(service_log_count(&first, refused), 1);
    expect_not_stored("1 1");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_restored_database_is_refused_and_the_newest_one_is_not),
        TEST(records_of_others_behind_it_hide_nothing),
        TEST(what_the_relay_has_sent_again_hides_nothing),
        TEST(what_an_aborted_transaction_leaves_behind_hides_nothing),
        TEST(a_later_incarnation_of_itself_is_of_another_database),
        TEST(an_earlier_incarnation_is_the_past_but_not_of_an_empty_database),
        TEST(the_place_to_look_from_moves_on_while_it_works_and_at_a_claim),
        TEST(a_topic_that_is_shorter_than_the_place_is_looked_at_from_its_beginning),
        TEST(a_batch_that_the_database_has_lost_is_read_again),
        TEST(a_batch_that_the_database_has_lost_and_others_have_read_is_refused),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
