/*
 * drained.c against a real PostgreSQL and the mock cluster: two consumers,
 * orders (reads o2c.orders and o2c.order-status) and shipments (o2c.orders),
 * with 4 partitions, whose rows the tests write themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/buf.h"
#include "runtime/kafka/drained.h"
#include "tests/support/mock_cluster.h"
#include "tests/support/postgres.h"

#include "runtime/base/banned.h"

enum {
    PARTITIONS = 4
};

static struct mock_cluster mock;
static rd_kafka_t *rk;
static PGconn *conn;
static char dsn[TEST_DSN_BYTES];

static void run(const char *sql)
{
    test_postgres_run(conn, sql);
}

static void add_consumer(const char *consumer, const char *const *topics)
{
    char sql[400];
    test_postgres_migrate(conn, "host", consumer);
    for (; *topics; topics++) {
        snprintf(
            sql, sizeof sql,
            "INSERT INTO o2c.consumer_topic VALUES ('%s', '%s', 'in');"
            "INSERT INTO %s.first_offset SELECT '%s', p, 0 FROM generate_series(0, %d) p",
            consumer, *topics, consumer, *topics, PARTITIONS - 1);
        run(sql);
    }
}

/* A claim and a progress row of a partition. */
static void stand_at(const char *consumer, int partition, const char *offsets,
                     int outbox_no)
{
    static int batch_seq;
    char sql[1000];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO %s.claim VALUES (%d, 1, 1, 'me', 1, now(), gen_random_uuid(), 'c', %d)"
        " ON CONFLICT DO NOTHING;"
        "INSERT INTO %s.progress VALUES (%d, %d, 1, '%s', '{}', '{}', %d, "
        "0, 0, 0, 0, 0, 0, 0)",
        consumer, partition, PARTITIONS, consumer, partition, ++batch_seq, offsets,
        outbox_no);
    run(sql);
}

static void produce(const char *topic, int partition, int count)
{
    while (count-- > 0)
        mock_cluster_produce(&mock, topic, partition, "x", NULL);
}

/* What o2c_drained says: "" when drained. */
static const char *reason(void)
{
    static char text[1000];
    bool drained = false;
    struct o2c_buf why_not;
    struct o2c_err err = {.text = ""};
    o2c_buf_init(&why_not, 500);
    if (o2c_drained(conn, rk, "p.", &drained, &why_not, &err))
        fail_msg("%s", err.text);
    snprintf(text, sizeof text, "%s", o2c_buf_text(&why_not));
    o2c_buf_clear(&why_not);
    assert_int_equal(drained, *text == '\0');
    return text;
}

static int setup(void **state)
{
    (void)state;
    mock_cluster_open(&mock, 2);
    mock_cluster_topic(&mock, "p.o2c.orders", PARTITIONS);
    mock_cluster_topic(&mock, "p.o2c.order-status", PARTITIONS);
    rk = mock_cluster_client(&mock, RD_KAFKA_CONSUMER, "isolation.level=read_uncommitted");
    test_postgres_database(dsn);
    conn = test_postgres_connect(dsn);
    test_postgres_migrate(conn, "o2c/0001_registry.sql", "");
    run("CREATE SCHEMA relay; CREATE TABLE relay.cursor (consumer text, partition int, "
        "acked_no bigint, PRIMARY KEY (consumer, partition))");
    add_consumer("orders", (const char *const[]){"o2c.orders", "o2c.order-status", NULL});
    add_consumer("shipments", (const char *const[]){"o2c.orders", NULL});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    PQfinish(conn);
    rd_kafka_destroy(rk);
    mock_cluster_close(&mock);
    return 0;
}

static void empty_topics_are_drained_before_anybody_claimed(void **state)
{
    (void)state;
    assert_string_equal(reason(), "");
}

static void a_record_counts_until_every_consumer_of_its_topic_has_it(void **state)
{
    (void)state;
    produce("p.o2c.orders", 2, 3);
    assert_string_equal(reason(), "orders is 3 records behind on p.o2c.orders/2");
    stand_at("orders", 2, "{\"o2c.orders\": 2}", 0);
    assert_string_equal(reason(), "orders is 1 record behind on p.o2c.orders/2");
    stand_at("orders", 2, "{\"o2c.orders\": 3}", 0);
    assert_string_equal(reason(), "shipments is 3 records behind on p.o2c.orders/2");
    stand_at("shipments", 2, "{\"o2c.orders\": 3}", 0);
    assert_string_equal(reason(), "");
    produce("p.o2c.order-status", 3, 1);
    assert_string_equal(reason(), "orders is 1 record behind on p.o2c.order-status/3");
    stand_at("orders", 3, "{\"o2c.order-status\": 1}", 0);
    assert_string_equal(reason(), "");
}

static void a_partition_nobody_claimed_counts_from_its_first_offset(void **state)
{
    (void)state;
    produce("p.o2c.order-status", 1, 5);
    run("UPDATE orders.first_offset SET next_offset = 3 "
        "WHERE topic = 'o2c.order-status' AND partition = 1");
    assert_string_equal(reason(), "orders is 2 records behind on p.o2c.order-status/1");
    run("UPDATE orders.first_offset SET next_offset = 5 "
        "WHERE topic = 'o2c.order-status' AND partition = 1");
    assert_string_equal(reason(), "");
    stand_at("orders", 1, "{}", 0); /* claimed, and nothing read of that topic yet */
    assert_string_equal(reason(), "");
}

static void a_partition_without_a_first_offset_is_never_drained(void **state)
{
    (void)state;
    run("DELETE FROM orders.first_offset WHERE topic = 'o2c.orders' AND partition = 3");
    assert_string_equal(reason(), "orders has no first offset for p.o2c.orders/3");
}

static void a_position_behind_the_end_of_the_topic_is_not_drained(void **state)
{
    (void)state;
    stand_at("shipments", 0, "{\"o2c.orders\": 9}", 0);
    assert_string_equal(reason(),
                        "shipments stands at 9 on p.o2c.orders/0, which ends at 0");
}

static void the_outbox_must_be_published(void **state)
{
    (void)state;
    stand_at("orders", 1, "{}", 7);
    stand_at("shipments", 1, "{}", 0);
    assert_string_equal(reason(),
                        "the outbox of orders, partition 1, is published to 0 of 7");
    run("INSERT INTO relay.cursor VALUES ('orders', 1, 6), ('shipments', 1, 7)");
    assert_string_equal(reason(),
                        "the outbox of orders, partition 1, is published to 6 of 7");
    run("UPDATE relay.cursor SET acked_no = 7 WHERE consumer = 'orders'");
    assert_string_equal(reason(),
                        "the outbox of shipments, partition 1, is published to 7 of 0");
    stand_at("shipments", 1, "{}", 7);
    assert_string_equal(reason(), "");
}

static void a_release_that_was_asked_for_must_be_done(void **state)
{
    (void)state;
    run("INSERT INTO shipments.parked_order (partition, account_id, action, actor, reason) "
        "VALUES (2, 'C-1', 'release', 'me', 'fixed')");
    assert_string_equal(reason(),
                        "shipments has a release of account C-1 pending in partition 2");
    run("UPDATE shipments.parked_order SET done_at = now()");
    assert_string_equal(reason(), "");
}

static void consumers_and_topics_added_later_are_noticed(void **state)
{
    (void)state;
    assert_string_equal(reason(), "");
    add_consumer("credit", (const char *const[]){"o2c.orders", "o2c.credit", NULL});
    assert_string_equal(reason(), "topic p.o2c.credit, which credit reads, does not exist");
    mock_cluster_topic(&mock, "p.o2c.credit", PARTITIONS);
    assert_string_equal(reason(), "");
    produce("p.o2c.credit", 0, 1);
    assert_string_equal(reason(), "credit is 1 record behind on p.o2c.credit/0");
    run("DELETE FROM o2c.consumer_topic WHERE topic = 'o2c.credit'");
    assert_string_equal(reason(), "");
}

static void without_a_relay_an_empty_outbox_is_published(void **state)
{
    (void)state;
    assert_string_equal(reason(), "");
    run("DROP SCHEMA relay CASCADE");
    PQfinish(conn); /* a plan that names the table is of no use any more */
    conn = test_postgres_connect(dsn);
    assert_string_equal(reason(), "");
    stand_at("orders", 0, "{}", 1);
    assert_string_equal(reason(),
                        "the outbox of orders, partition 0, is published to 0 of 1");
}

static void a_registry_with_quotes_in_it_is_quoted(void **state)
{
    (void)state;
    run("CREATE SCHEMA \"o'dd \"\"one\"; UPDATE o2c.consumer_topic SET direction = 'out';"
        "CREATE TABLE \"o'dd \"\"one\".first_offset (LIKE orders.first_offset);"
        "CREATE TABLE \"o'dd \"\"one\".parked_order (LIKE orders.parked_order);"
        "CREATE TABLE \"o'dd \"\"one\".position (LIKE orders.progress);"
        "INSERT INTO o2c.consumer VALUES ('it''s', 'o''dd \"one')");
    assert_string_equal(reason(), "");
}

static void what_cannot_be_reached_is_tried_again_later(void **state)
{
    (void)state;
    bool drained = true;
    struct o2c_buf why_not;
    struct o2c_err err;
    o2c_buf_init(&why_not, 100);
    assert_string_equal(reason(), "");
    PGconn *other = test_postgres_connect(dsn);
    test_postgres_run(other,
                      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
    PQfinish(other);
    assert_int_equal(o2c_drained(conn, rk, "p.", &drained, &why_not, &err), O2C_RETRY);
    assert_true(drained);
    o2c_buf_clear(&why_not);
}

static void a_reason_longer_than_its_buffer_is_still_no(void **state)
{
    (void)state;
    bool drained = true;
    struct o2c_buf why_not;
    struct o2c_err err;
    produce("p.o2c.orders", 0, 1);
    o2c_buf_init(&why_not, 3);
    assert_int_equal(o2c_drained(conn, rk, "p.", &drained, &why_not, &err), O2C_OK);
    assert_false(drained);
    o2c_buf_clear(&why_not);
}

/* Of the messages to the server that PQtrace has written. */
static int count_sent(FILE *trace, const char *kind)
{
    char line[4096], wanted[32];
    int count = 0;

    snprintf(wanted, sizeof wanted, "\t%s\t", kind);
    rewind(trace);
    while (fgets(line, sizeof line, trace))
        count += strstr(line, "F\t") && strstr(line, wanted);
    return count;
}

/* It is polled every 10 ms: one statement a call, and what is asked is not made again. */
static void asking_again_is_cheap(void **state)
{
    (void)state;
    enum {
        ROUNDS = 100
    };
    FILE *trace = tmpfile();
    assert_non_null(trace);
    reason();
    PQtrace(conn, trace);
    for (int i = 0; i < ROUNDS; i++)
        reason();
    PQuntrace(conn);
    assert_int_equal(count_sent(trace, "Execute"), ROUNDS);
    assert_int_equal(count_sent(trace, "Parse"), 0);
    assert_int_equal(count_sent(trace, "Query"), 0);
    fclose(trace);
}

#define drained_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        drained_test(empty_topics_are_drained_before_anybody_claimed),
        drained_test(a_record_counts_until_every_consumer_of_its_topic_has_it),
        drained_test(a_partition_nobody_claimed_counts_from_its_first_offset),
        drained_test(a_partition_without_a_first_offset_is_never_drained),
        drained_test(a_position_behind_the_end_of_the_topic_is_not_drained),
        drained_test(the_outbox_must_be_published),
        drained_test(a_release_that_was_asked_for_must_be_done),
        drained_test(consumers_and_topics_added_later_are_noticed),
        drained_test(without_a_relay_an_empty_outbox_is_published),
        drained_test(a_registry_with_quotes_in_it_is_quoted),
        drained_test(what_cannot_be_reached_is_tried_again_later),
        drained_test(a_reason_longer_than_its_buffer_is_still_no),
        drained_test(asking_again_is_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
