/*
 * The relay between a real PostgreSQL and Kafka: librdkafka's mock cluster
 * where a broker must fail on demand, the broker of TEST_STACK where it must
 * refuse a record.  The outbox is that of a consumer `probe` whose rows the
 * tests write themselves: number n has value "n" and key "key-n".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/await.h"
#include "tests/support/broker.h"
#include "tests/support/mock_cluster.h"
#include "tests/support/postgres.h"
#include "tests/support/service.h"

#include "runtime/base/banned.h"

enum {
    PARTITIONS = 2,
    API_PRODUCE = 0,
    API_INIT_PRODUCER_ID = 22
};

static struct mock_cluster mock;
static struct broker broker;
static PGconn *conn;
static char dsn[TEST_DSN_BYTES];
static struct service first, second;

/* ---- a test's own world */

static void run_sql(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void run_sql(const char *fmt, ...)
{
    char sql[2000];
    va_list args;

    va_start(args, fmt);
    vsnprintf(sql, sizeof sql, fmt, args);
    va_end(args);
    test_postgres_run(conn, sql);
}

/* As o2c migrate applies a folder, and notes it. */
static void migrate(const char *schema, const char *folder)
{
    int version = test_postgres_migrate(conn, folder, schema);

    run_sql("INSERT INTO o2c.migration VALUES ('%s', '%s', %d)", schema, folder, version);
}

static void make_database(void)
{
    test_postgres_database(dsn);
    conn = test_postgres_connect(dsn);
    test_postgres_migrate(conn, "o2c/0001_registry.sql", "");
    run_sql("CREATE TABLE o2c.migration"
            " (schema text, folder text, version integer, compatible_from integer)");
    migrate("probe", "host");
    migrate("relay", "relay");
    for (int p = 0; p < PARTITIONS; p++)
        run_sql("INSERT INTO probe.claim VALUES"
                " (%d, 1, 1, 'me', 1, now(), '01900000-0000-7000-8000-00000000000%d', 'c', "
                "%d)",
                p, p, PARTITIONS);
}

static void make_topics(void)
{
    static const char *const topics[] = {"o2c.order-status", "o2c.conflicts"};

    for (size_t i = 0; i < 2; i++)
        broker_topic(&broker, topics[i], PARTITIONS, NULL);
}

/* Brokers 1 to 3; partition p of every topic is led by broker p + 1. */
static int setup_mock(void **state)
{
    (void)state;
    make_database();
    mock_cluster_open(&mock, 3);
    broker_open(&broker, mock.bootstrap);
    for (int p = 0; p < 2 * PARTITIONS; p++) {
        char name[160];

        snprintf(name, sizeof name, "%s%s", broker.prefix,
                 p < PARTITIONS ? "o2c.order-status" : "o2c.conflicts");
        if (p % PARTITIONS == 0)
            mock_cluster_topic(&mock, name, PARTITIONS);
        rd_kafka_mock_partition_set_leader(mock.cluster, name, p % PARTITIONS,
                                           p % PARTITIONS + 1);
    }
    return 0;
}

static int teardown_mock(void **state)
{
    (void)state;
    service_clear(&first, true);
    service_clear(&second, true);
    broker_close(&broker);
    mock_cluster_close(&mock);
    PQfinish(conn);
    return 0;
}

static int setup_stack(void **state)
{
    (void)state;
    make_database();
    broker_open(&broker, NULL);
    return 0;
}

static int teardown_stack(void **state)
{
    (void)state;
    service_clear(&first, true);
    service_clear(&second, true);
    broker_close(&broker);
    PQfinish(conn);
    return 0;
}

static void launch(struct service *relay, const char *const *settings,
                   const char *failpoints)
{
    const char *words[30] = {
        "--kafka", broker.bootstrap, "--topic-prefix",           broker.prefix, "--pg-dsn",
        dsn,       "--instance",     relay == &first ? "1" : "2"};
    char variable[200];
    const char *variables[] = {variable, NULL};
    size_t count = 8;

    for (; settings && *settings; settings++)
        words[count++] = *settings;
    snprintf(variable, sizeof variable, "O2C_FAILPOINTS=%s", failpoints ? failpoints : "");
    service_start(relay, O2C_RELAY, words, variables);
}

static void start(struct service *relay, const char *const *settings,
                  const char *failpoints)
{
    launch(relay, settings, failpoints);
    service_wait_log(relay, "\"publishing for\"");
}

/* Numbers from..to of a partition's outbox. */
static void add_decisions(int partition, const char *topic, int from, int to)
{
    run_sql("INSERT INTO probe.outbox"
            " SELECT %d, n, '%s', %d, n, c.incarnation, gen_random_uuid(), 'o2c.Decided',"
            "        'acc', '2026-01-01 00:00:00+00', 'o2c.orders/0/' || n || '#0',"
            "        '{\"traceparent\": \"00-1\"}', convert_to('key-' || n, 'UTF8'),"
            "        convert_to(n::text, 'UTF8')"
            "   FROM generate_series(%d, %d) n, probe.claim c WHERE c.partition = %d;"
            "INSERT INTO probe.progress VALUES"
            " (%d, %d, 1, '{}', '{}', '{}', %d, 0, 0, 0, 0, 0, 0, 0)",
            partition, topic, partition, from, to, partition, partition, to, to);
}

/* In one commit, as the engine does it. */
static void decide(int partition, const char *topic, int from, int to)
{
    run_sql("BEGIN");
    add_decisions(partition, topic, from, to);
    run_sql("COMMIT");
}

static void await_cursor(int partition, int acked_no)
{
    char sql[200], expected[16];

    snprintf(
        sql, sizeof sql,
        "SELECT acked_no FROM relay.cursor WHERE consumer = 'probe' AND partition = %d",
        partition);
    snprintf(expected, sizeof expected, "%d", acked_no);
    await_sql(conn, expected, sql);
}

static void expect_sql(const char *expected, const char *sql)
{
    assert_string_equal(sql_text(conn, sql), expected);
}

/*
 * Every number of the source's stream from 1 to count stands in the partition,
 * each for the first time in order, and none beyond; with repeats only where
 * they are allowed.
 */
static void expect_stream(const char *topic, int partition, int source_partition, int count,
                          bool repeats)
{
    struct broker_read read;
    int next = 1;

    broker_read(&broker, topic, partition, &read);
    for (size_t i = 0; i < read.count; i++) {
        char text[16];
        int number;

        if (strtol(broker_header(read.messages[i], "source_partition"), NULL, 10) !=
            source_partition)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)read.messages[i]->len,
                 (const char *)read.messages[i]->payload);
        assert_string_equal(broker_header(read.messages[i], "stream_seq"), text);
        number = (int)strtol(text, NULL, 10);
        if (number > next || (number < next && !repeats))
            fail_msg("%s/%d: number %d where %d belongs", topic, partition, number, next);
        next += number == next;
    }
    if (next != count + 1)
        fail_msg("%s/%d: ends with number %d, not %d", topic, partition, next - 1, count);
    broker_read_free(&read);
}

static void expect_published(const char *topic, int partition, int count, bool repeats)
{
    expect_stream(topic, partition, partition, count, repeats);
}

/* ---- what is published */

static void rows_become_records_in_their_order(void **state)
{
    struct broker_read read;
    const rd_kafka_message_t *message;

    (void)state;
    make_topics();
    decide(0, "o2c.order-status", 1, 700);
    decide(1, "o2c.conflicts", 1, 3);
    run_sql("UPDATE probe.outbox SET value = NULL WHERE partition = 1 AND outbox_no = 2");
    start(&first, NULL, NULL);
    await_cursor(0, 700);
    await_cursor(1, 3);
    decide(0, "o2c.order-status", 701, 1500);
    await_cursor(0, 1500);
    assert_int_equal(service_end(&first), 0);
    expect_published("o2c.order-status", 0, 1500, false);
    broker_read(&broker, "o2c.conflicts", 1, &read);
    assert_int_equal(read.count, 3);
    assert_null(read.messages[1]->payload);
    message = read.messages[2];
    assert_memory_equal(message->key, "key-3", 5);
    assert_memory_equal(message->payload, "3", 1);
    assert_string_equal(broker_header(message, "source"), "probe");
    assert_string_equal(broker_header(message, "incarnation"),
                        "01900000-0000-7000-8000-000000000001");
    assert_string_equal(broker_header(message, "source_partition"), "1");
    assert_string_equal(broker_header(message, "o2c_cause"), "o2c.orders/0/3#0");
    assert_string_equal(broker_header(message, "ce_type"), "o2c.Decided");
    assert_string_equal(broker_header(message, "ce_source"), "/o2c/probe");
    assert_string_equal(broker_header(message, "ce_subject"), "acc");
    assert_string_equal(broker_header(message, "ce_time"), "2026-01-01T00:00:00Z");
    assert_string_equal(broker_header(message, "traceparent"), "00-1");
    assert_string_equal(broker_header(message, "ce_id"),
                        sql_text(conn,
                                 "SELECT event_id FROM probe.outbox WHERE partition = 1"
                                 " AND outbox_no = 3"));
    broker_read_free(&read);
}

/* ---- the cursor */

/* Number 1 goes to a broker that answers, number 2 to one that does not. */
static void the_cursor_waits_for_what_is_not_acknowledged(void **state)
{
    (void)state;
    start(&first, NULL, NULL);
    decide(0, "o2c.order-status", 1, 1);
    await_cursor(0, 1);
    decide(1, "o2c.order-status", 1, 1);
    await_cursor(1, 1);
    assert_int_equal(service_end(&first), 0);

    rd_kafka_mock_broker_set_down(mock.cluster, 2);
    decide(0, "o2c.order-status", 2, 3);
    run_sql("UPDATE probe.outbox SET target_partition = 1, stream_seq = 2"
            " WHERE partition = 0 AND outbox_no = 3");
    start(&first, NULL, NULL);
    await_sql(conn, "t", "SELECT acked_no > 1 FROM relay.cursor WHERE partition = 0");
    if (strcmp(sql_text(conn, "SELECT acked_no FROM relay.cursor WHERE partition = 0"),
               "2") != 0)
        fail_msg("the cursor passed a record that is not acknowledged");
    service_kill(&first);

    rd_kafka_mock_broker_set_up(mock.cluster, 2);
    start(&first, NULL, NULL);
    await_cursor(0, 3);
    assert_int_equal(service_end(&first), 0);
    expect_sql("1", "SELECT acked_no FROM relay.cursor WHERE partition = 1");
}

static void a_killed_relay_sends_again_what_lies_behind_its_cursor(void **state)
{
    (void)state;
    decide(0, "o2c.order-status", 1, 500);
    launch(&first, NULL, "relay.after_ack=kill");
    assert_int_equal(service_wait(&first), 128 + 9);
    expect_sql("0", "SELECT count(*) FROM relay.cursor");
    start(&first, NULL, "relay.after_cursor=kill");
    assert_int_equal(service_wait(&first), 128 + 9);
    start(&first, NULL, NULL);
    await_cursor(0, 500);
    expect_published("o2c.order-status", 0, 500, true);
    /* what is marked is not sent again */
    assert_int_equal(service_end(&first), 0);
    start(&first, NULL, NULL);
    decide(0, "o2c.order-status", 501, 501);
    await_cursor(0, 501);
    assert_int_equal(service_end(&first), 0);
    expect_published("o2c.order-status", 0, 501, true);
}

static void a_missing_number_stops_its_outbox(void **state)
{
    (void)state;
    start(&first, NULL, NULL);
    decide(0, "o2c.order-status", 1, 2);
    decide(0, "o2c.order-status", 4, 5);
    service_wait_log(&first, "outbox number 3 is missing");
    decide(1, "o2c.order-status", 1, 2);
    await_cursor(1, 2);
    await_cursor(0, 2);
    expect_published("o2c.order-status", 0, 2, false);
}

/* ---- who publishes */

static void a_second_relay_stands_by_until_the_first_is_gone(void **state)
{
    (void)state;
    start(&first, NULL, NULL);
    decide(0, "o2c.order-status", 1, 10);
    await_cursor(0, 10);
    launch(&second, NULL, NULL);
    service_wait_log(&second, "\"started\"");
    decide(0, "o2c.order-status", 11, 20);
    await_cursor(0, 20);
    assert_int_equal(service_log_count(&second, "\"publishing for\""), 0);
    service_kill(&first);
    service_wait_log(&second, "\"publishing for\"");
    decide(0, "o2c.order-status", 21, 30);
    await_cursor(0, 30);
    assert_int_equal(service_end(&second), 0);
    expect_published("o2c.order-status", 0, 30, false);
    expect_sql("2 2", "SELECT epoch || ' ' || owner FROM relay.claim");
}

/* One that knows it can publish for it; this one cannot. */
static void a_relay_leaves_a_consumer_alone_that_came_since(void **state)
{
    (void)state;
    start(&first, NULL, NULL);
    migrate("newcomer", "host");
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'o2c-outbox-relay'");
    service_wait_log_times(&first, "\"publishing for\"", 2);
    expect_sql("probe", "SELECT string_agg(consumer, ' ') FROM relay.claim");
    assert_int_equal(service_end(&first), 0);
    start(&first, NULL, NULL);
    await_sql(conn, "newcomer probe",
              "SELECT string_agg(consumer, ' ' ORDER BY consumer) FROM relay.claim");
    migrate("latecomer", "host");
    service_wait_log(&first, "it is not published for until a restart");
}

/* Its session is gone, and with it the lock that says it lives; it does not know yet. */
static void a_relay_that_was_overtaken_moves_no_cursor(void **state)
{
    (void)state;
    decide(0, "o2c.order-status", 1, 10);
    start(&first, NULL, "relay.before_cursor=stop");
    service_wait_stopped(&first);
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'o2c-outbox-relay'");
    start(&second, NULL, NULL);
    await_cursor(0, 10);
    service_continue(&first);
    service_wait_log(&first, "PostgreSQL is away");
    decide(0, "o2c.order-status", 11, 20);
    await_cursor(0, 20);
    assert_int_equal(service_end(&first), 0);
    assert_int_equal(service_end(&second), 0);
    assert_int_equal(service_log_count(&first, "\"publishing for\""), 1);
    expect_sql("2 2", "SELECT epoch || ' ' || owner FROM relay.claim");
    expect_published("o2c.order-status", 0, 20, true);
}

static void a_lost_connection_is_opened_again_and_nothing_is_lost(void **state)
{
    (void)state;
    start(&first, NULL, NULL);
    for (int round = 0; round < 3; round++) {
        decide(0, "o2c.order-status", round * 10 + 1, round * 10 + 10);
        run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'o2c-outbox-relay'");
        await_cursor(0, round * 10 + 10);
    }
    assert_int_equal(service_end(&first), 0);
    expect_published("o2c.order-status", 0, 30, true);
}

/* ---- a broker that fails */

static void errors_that_pass_keep_the_order(void **state)
{
    static const rd_kafka_resp_err_t errors[] = {
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
    };

    (void)state;
    /* One request at a time: the mock cluster looks at no sequence numbers, and would keep
     * the second under way though it refused the first. */
    start(&first,
          (const char *const[]){"--in-flight-records", "1", "--kafka-client",
                                "retry.backoff.ms=10;reconnect.backoff.max.ms=100", NULL},
          NULL);
    for (int round = 0; round < 5; round++) {
        rd_kafka_mock_push_request_errors(mock.cluster, API_PRODUCE, 1, errors[round]);
        decide(0, "o2c.order-status", round * 60 + 1, round * 60 + 60);
        decide(1, "o2c.order-status", round * 60 + 1, round * 60 + 60);
    }
    await_cursor(0, 300);
    await_cursor(1, 300);
    expect_published("o2c.order-status", 0, 300, false);
    expect_published("o2c.order-status", 1, 300, false);
}

/* What librdkafka calls fatal ends its producer, not the relay and no record. */
static void a_producer_given_up_is_replaced(void **state)
{
    (void)state;
    start(&first,
          (const char *const[]){"--kafka-client",
                                "enable.gapless.guarantee=true;retry.backoff.ms=10", NULL},
          NULL);
    decide(0, "o2c.order-status", 1, 100);
    await_cursor(0, 100);
    for (int round = 1; round <= 3; round++) {
        rd_kafka_mock_push_request_errors(mock.cluster, API_PRODUCE, 1,
                                          RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
        decide(0, "o2c.order-status", round * 1000 - 899, round * 1000 + 100);
        await_cursor(0, round * 1000 + 100);
    }
    assert_int_equal(service_log_count(&first, "a new one goes on from the cursor"), 3);
    assert_int_equal(service_log_count(&first, "its outbox is stopped"), 0);
    assert_int_equal(service_end(&first), 0);
    expect_published("o2c.order-status", 0, 3100, true);
}

/* Not one after the other as fast as the broker answers. */
static void a_producer_that_fails_at_once_is_replaced_after_a_pause(void **state)
{
    static const char renewed[] = "a new one goes on from the cursor";
    static rd_kafka_resp_err_t errors[100];

    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        errors[i] = RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
    rd_kafka_mock_push_request_errors_array(mock.cluster, API_INIT_PRODUCER_ID,
                                            sizeof errors / sizeof errors[0], errors);
    start(&first, NULL, NULL);
    decide(0, "o2c.order-status", 1, 10);
    service_wait_log_times(&first, renewed, 5);
    /* 100, 200 and 400 ms, by the relay's own clock. */
    assert_true(service_log_time_us(&first, renewed, 5) -
                    service_log_time_us(&first, renewed, 1) >
                500000);
    service_wait_answer(&first, "/readyz", "the producer fails: ");
    rd_kafka_mock_clear_request_errors(mock.cluster, API_INIT_PRODUCER_ID);
    await_cursor(0, 10);
    service_wait_answer(&first, "/readyz", "200 OK");
    assert_int_equal(service_end(&first), 0);
    expect_published("o2c.order-status", 0, 10, false);
}

static int64_t in_flight_now(void)
{
    static const char name[] = "\no2c_relay_in_flight_records ";
    const char *at = strstr(service_ask(&first, "/metrics"), name);

    assert_non_null(at);
    return strtol(at + sizeof name - 1, NULL, 10);
}

static void the_limit_counts_what_all_outboxes_have_with_kafka(void **state)
{
    struct await await = await_begin();

    (void)state;
    start(&first, (const char *const[]){"--in-flight-records", "5", NULL}, NULL);
    for (int p = 0; p < PARTITIONS; p++) {
        decide(p, "o2c.order-status", 1, 1);
        await_cursor(p, 1);
        rd_kafka_mock_broker_set_down(mock.cluster, p + 1);
    }
    run_sql("BEGIN");
    for (int p = 0; p < PARTITIONS; p++)
        add_decisions(p, "o2c.order-status", 2, 20);
    run_sql("COMMIT");
    while (in_flight_now() < 5)
        if (!await_more(&await))
            fail_msg("never five in flight");
    for (int look = 0; look < 50; look++)
        assert_int_equal(in_flight_now(), 5);
    for (int p = 0; p < PARTITIONS; p++)
        rd_kafka_mock_broker_set_up(mock.cluster, p + 1);
    for (int p = 0; p < PARTITIONS; p++)
        await_cursor(p, 20);
}

/* As on a full disk.  The sequence counts also what is rolled back. */
static void a_cursor_that_cannot_be_stored_is_tried_once_a_second(void **state)
{
    (void)state;
    run_sql("CREATE SEQUENCE tries; CREATE SEQUENCE at_2; CREATE SEQUENCE at_5;"
            "ALTER FUNCTION relay.advance RENAME TO true_advance;"
            "CREATE FUNCTION relay.advance(text[], bigint[], integer[], bigint[])"
            " RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
            " CASE nextval('tries')"
            " WHEN 2 THEN PERFORM setval('at_2', now_us());"
            " WHEN 5 THEN PERFORM setval('at_5', now_us());"
            " ELSE NULL; END CASE;"
            " RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$;"
            "CREATE FUNCTION now_us() RETURNS bigint LANGUAGE sql"
            " AS 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint'");
    start(&first, NULL, NULL);
    decide(0, "o2c.order-status", 1, 100);
    await_sql(conn, "t", "SELECT last_value >= 2 FROM tries");
    decide(0, "o2c.order-status", 101, 200);
    await_sql(conn, "t", "SELECT last_value >= 5 FROM tries");
    /* A second each, as PostgreSQL has seen them; a sequence keeps what is rolled back. */
    await_sql(conn, "t",
              "SELECT at_5.last_value - at_2.last_value > 1500000 FROM at_2, at_5");
    service_wait_answer(&first, "/readyz", "the cursor cannot be stored; ");
    assert_int_equal(service_log_count(&first, "the cursor cannot be stored"), 1);

    run_sql("CREATE OR REPLACE FUNCTION relay.advance(c text[], e bigint[], p integer[],"
            "                                         a bigint[])"
            " RETURNS void LANGUAGE sql AS 'SELECT relay.true_advance($1, $2, $3, $4)'");
    await_cursor(0, 200);
    service_wait_answer(&first, "/readyz", "200 OK");
    assert_int_equal(service_end(&first), 0);
    expect_published("o2c.order-status", 0, 200, false);
}

static void no_more_is_with_kafka_than_allowed(void **state)
{
    (void)state;
    rd_kafka_mock_broker_set_down(mock.cluster, 1);
    start(&first, (const char *const[]){"--in-flight-records", "5", NULL},
          "relay.before_produce=stop@6");
    decide(0, "o2c.order-status", 1, 20);
    rd_kafka_mock_broker_set_up(mock.cluster, 1);
    service_wait_stopped(&first); /* at the sixth: there was room again */
    await_sql(conn, "t", "SELECT count(*) > 0 FROM relay.cursor");
    service_continue(&first);
    await_cursor(0, 20);
    expect_published("o2c.order-status", 0, 20, false);
}

/* ---- a broker that refuses */

enum {
    REFUSED_BYTES = 60000
};

/* Topics of which one refuses what is larger than 50,000 bytes. */
static void make_picky_topics(void)
{
    broker_topic(&broker, "o2c.order-status", PARTITIONS, NULL);
    broker_topic(&broker, "o2c.conflicts", PARTITIONS, "max.message.bytes=50000");
}

static void make_too_large(int partition, int outbox_no)
{
    run_sql("UPDATE probe.outbox SET value = convert_to(repeat('x', %d), 'UTF8')"
            " WHERE partition = %d AND outbox_no = %d",
            REFUSED_BYTES, partition, outbox_no);
}

static void make_small_again(int partition, int outbox_no)
{
    run_sql("UPDATE probe.outbox SET value = convert_to(outbox_no::text, 'UTF8')"
            " WHERE partition = %d AND outbox_no = %d",
            partition, outbox_no);
}

/* Several requests are under way at once: the refused record has others behind it. */
static const char *const small_batches[] = {"--kafka-client", "batch.size=2000", NULL};

static void nothing_of_a_stream_follows_a_record_that_is_refused(void **state)
{
    (void)state;
    make_picky_topics();
    decide(0, "o2c.conflicts", 1, 150);
    make_too_large(0, 105);
    start(&first, small_batches, NULL);
    service_wait_log(&first, "its outbox is stopped");
    decide(0, "o2c.conflicts", 151, 160);
    decide(1, "o2c.order-status", 1, 200);
    await_cursor(1, 200);
    await_cursor(0, 104);
    assert_int_equal(service_end(&first), 0);
    assert_int_equal(service_log_count(&first, "everything sent is acknowledged"), 0);
    assert_int_equal(service_log_count(&first, "is sent again by the next relay"), 1);
    expect_published("o2c.conflicts", 0, 104, true);
    expect_published("o2c.order-status", 1, 200, true);

    make_small_again(0, 105);
    start(&first, small_batches, NULL);
    await_cursor(0, 160);
    expect_published("o2c.conflicts", 0, 160, true);
}

/* The broker has not met this producer: it would take any number that comes first. */
static void nothing_follows_when_the_very_first_record_is_refused(void **state)
{
    (void)state;
    make_picky_topics();
    decide(0, "o2c.conflicts", 1, 3000);
    make_too_large(0, 1);
    start(&first, small_batches, NULL);
    service_wait_log(&first, "its outbox is stopped");
    assert_int_equal(service_end(&first), 0);
    expect_published("o2c.conflicts", 0, 0, false);

    make_small_again(0, 1);
    start(&first, small_batches, NULL);
    await_cursor(0, 3000);
    expect_published("o2c.conflicts", 0, 3000, true);
}

/* Both sources write to the same partition of the topic. */
static void a_refusal_stops_no_other_source_of_its_partition(void **state)
{
    (void)state;
    make_picky_topics();
    decide(0, "o2c.conflicts", 1, 500);
    decide(1, "o2c.conflicts", 1, 500);
    run_sql("UPDATE probe.outbox SET target_partition = 0");
    make_too_large(0, 200);
    start(&first, small_batches, NULL);
    service_wait_log(&first, "its outbox is stopped");
    await_cursor(1, 500);
    await_cursor(0, 199);
    assert_int_equal(service_log_count(&first, "its outbox is stopped"), 1);
    expect_stream("o2c.conflicts", 0, 0, 199, true);
    expect_stream("o2c.conflicts", 0, 1, 500, true);
}

/* It is tried again, and stops again: what is decided later does not overtake it. */
static void a_stopped_outbox_stays_behind_its_record_when_claimed_again(void **state)
{
    (void)state;
    make_picky_topics();
    decide(0, "o2c.conflicts", 1, 150);
    make_too_large(0, 105);
    start(&first, small_batches, NULL);
    service_wait_log(&first, "its outbox is stopped");
    await_cursor(0, 104);
    decide(0, "o2c.conflicts", 151, 200);
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'o2c-outbox-relay'");
    service_wait_log_times(&first, "its outbox is stopped", 2);
    decide(1, "o2c.order-status", 1, 200);
    await_cursor(1, 200);
    expect_published("o2c.conflicts", 0, 104, true);
}

/* ---- the outbox's ranges */

static void reach(int partition, int given, int acked)
{
    run_sql("INSERT INTO probe.progress VALUES"
            " (%d, %d, 1, '{}', '{}', '{}', %d, 0, 0, 0, 0, 0, 0, 0)"
            " ON CONFLICT DO NOTHING;"
            "INSERT INTO relay.cursor VALUES ('probe', %d, %d)"
            " ON CONFLICT (consumer, partition) DO UPDATE SET acked_no = excluded.acked_no",
            partition, given, given, partition, acked);
}

static void add_decision(int partition, int outbox_no)
{
    run_sql(
        "INSERT INTO probe.outbox SELECT %d, %d, 't', 0, 1, incarnation,"
        " gen_random_uuid(), 't', 'a', now(), 'x' FROM probe.claim WHERE partition = %d",
        partition, outbox_no, partition);
}

static void maintain(const char *keep, const char *expected_skipped)
{
    char sql[100];

    snprintf(sql, sizeof sql, "SELECT relay.maintain('probe', 2000000, %s)", keep);
    expect_sql(expected_skipped, sql);
}

static void expect_ranges(const char *expected)
{
    expect_sql(expected,
               "SELECT string_agg(no::text, ' ' ORDER BY no) FROM"
               " (SELECT substring(inhrelid::regclass::text FROM '_([0-9]+)$')::int AS no"
               "    FROM pg_inherits WHERE inhparent = 'probe.outbox'::regclass) part");
}

/* Numbers are per partition: one that decides little is far behind the other. */
static void ranges_go_although_one_partition_is_quiet(void **state)
{
    (void)state;
    for (int million = 0; million <= 9; million++) {
        reach(0, million * 1000000, million * 1000000);
        maintain("100000000", "0");
    }
    reach(1, 3500000, 7);
    add_decision(1, 7);
    add_decision(1, 3500000);
    expect_ranges("1 2 3 4 5 6 7 8 9 10 11 12");
    maintain("2000000", "0");
    expect_ranges("4 5 6 8 9 10 11 12"); /* what is not published, and what comes next */
    reach(1, 4500000, 4500000);
    maintain("2000000", "0");
    expect_ranges("5 6 7 8 9 10 11 12");
    expect_sql("0", "SELECT count(*) FROM probe.outbox");
}

/* The quiet partition writes into it still: made anew, empty. */
static void a_large_range_goes_although_it_is_written_into(void **state)
{
    (void)state;
    reach(1, 7, 7);
    reach(0, 9000000, 9000000);
    add_decision(1, 7);
    run_sql("INSERT INTO probe.outbox SELECT 0, n, 't', 0, n, gen_random_uuid(),"
            " gen_random_uuid(), 't', 'a', now(), repeat('x', 1000)"
            " FROM generate_series(1, 20000) n");
    maintain("2000000", "0");
    expect_sql("0", "SELECT count(*) FROM probe.outbox");
    expect_ranges("1 2 3 10 11 12");
    add_decision(1, 8);
    expect_sql("1", "SELECT count(*) FROM probe.outbox_1");
}

static void numbers_beyond_the_ranges_hold_nothing_up(void **state)
{
    (void)state;
    reach(0, 12500000, 0);
    add_decision(0, 12500000);
    expect_sql("1", "SELECT count(*) FROM probe.outbox_rest");
    maintain("2000000", "1");
    expect_ranges("1 2 3 14 15");
    reach(0, 12500000, 12500000);
    maintain("0", "0");
    expect_sql("0", "SELECT count(*) FROM probe.outbox");
    expect_ranges("1 2 3 13 14 15");
    reach(0, 15500000, 15500000);
    maintain("0", "0");
    expect_ranges("1 2 3 16 17 18");
}

/* ---- woken */

static void it_takes_every_datagram_that_wakes_it(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)state;
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/o2c-test-wake-%ld",
             (long)getpid());
    start(&first, (const char *const[]){"--wake", address.sun_path, NULL}, NULL);
    /* Far more than the socket holds: each but the last ones has been taken. */
    for (int i = 0; i < 2000; i++)
        assert_int_equal(sendto(fd, "", 1, 0, (struct sockaddr *)&address, sizeof address),
                         1);
    decide(0, "o2c.order-status", 1, 1);
    assert_int_equal(sendto(fd, "", 1, 0, (struct sockaddr *)&address, sizeof address), 1);
    await_cursor(0, 1);
    assert_int_equal(service_end(&first), 0);
    assert_int_not_equal(access(address.sun_path, F_OK), 0);
    close(fd);
}

/* A relay that stands by has the same settings. */
static void the_socket_stays_with_the_relay_that_listens(void **state)
{
    char path[100];
    const char *const settings[] = {"--wake", path, NULL};
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "/tmp/o2c-test-wake-%ld", (long)getpid());
    start(&first, settings, NULL);
    launch(&second, settings, NULL);
    service_wait_log(&second, "wake: another relay listens on");
    service_wait_log(&second, "\"started\"");
    assert_int_equal(service_end(&first), 0);
    service_wait_log(&second, "wake: listens where another relay did");
    service_kill(&second);
    start(&first, settings, NULL); /* nobody listens on what the killed one left */
    assert_int_equal(service_log_count(&first, "wake: "), 0);
    assert_int_equal(service_end(&first), 0);
    assert_int_not_equal(access(path, F_OK), 0);

    file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    launch(&first, settings, NULL);
    assert_int_equal(service_wait(&first), 2);
    assert_int_equal(service_log_count(&first, "is no socket"), 1);
    assert_int_equal(unlink(path), 0);
}

/* Of PostgreSQL, say: it listens with streams. */
static void the_socket_of_another_program_stays(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *const settings[] = {"--wake", address.sun_path, NULL};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/o2c-test-wake-%ld",
             (long)getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    launch(&first, settings, NULL);
    assert_int_equal(service_wait(&first), 2);
    assert_int_equal(service_log_count(&first, "is no socket of a relay"), 1);
    assert_int_equal(unlink(address.sun_path), 0);
    close(fd);
}

static void without_a_consumer_it_does_not_start(void **state)
{
    (void)state;
    run_sql("DELETE FROM o2c.consumer");
    launch(&first, NULL, NULL);
    assert_int_equal(service_wait(&first), 2);
    assert_int_equal(service_log_count(&first, "no consumer is registered"), 1);
    launch(&first, (const char *const[]){"--in-flight", "5", NULL}, NULL);
    assert_int_equal(service_wait(&first), 2);
    assert_int_equal(service_log_count(&first, "in-flight"), 1);
}

/* ---- the versions of the database */

static void expect_refusal(const char *words)
{
    launch(&first, NULL, NULL);
    assert_int_equal(service_wait(&first), 1);
    if (!service_log_count(&first, words))
        fail_msg("it did not say \"%s\"", words);
    expect_sql("0", "SELECT count(*) FROM relay.claim");
}

static void a_database_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    run_sql("INSERT INTO o2c.migration VALUES ('relay', 'relay', 2)");
    expect_refusal("schema relay: relay is at version 2, compatible from 2");
    run_sql("DELETE FROM o2c.migration WHERE schema = 'relay'");
    expect_refusal("schema relay: relay is at version 0");
    run_sql("INSERT INTO o2c.migration VALUES ('relay', 'relay', 1, NULL),"
            " ('probe', 'host', 7, 7), ('probe', 'host', 8, 1)");
    expect_refusal("schema probe: engine is at version 8, compatible from 7");
    run_sql("DELETE FROM o2c.migration WHERE folder = 'host';"
            "INSERT INTO o2c.migration VALUES ('probe', 'host', 1, 1)");
    expect_refusal("schema probe: engine is at version 1");
}

/* First the database, then the programs: what is there goes on, at its next connection too.
 */
static void a_later_database_that_says_so_is_published_from(void **state)
{
    (void)state;
    start(&first, NULL, NULL);
    run_sql(
        "ALTER TABLE probe.outbox ADD later text; ALTER TABLE relay.cursor ADD later text;"
        "INSERT INTO o2c.migration VALUES ('relay', 'relay', 2, 1),"
        " ('probe', 'host', 7, 2), ('probe', 'probe', 9, 9)");
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'o2c-outbox-relay'");
    service_wait_log_times(&first, "\"publishing for\"", 2);
    decide(0, "o2c.order-status", 1, 10);
    await_cursor(0, 10);
    run_sql("INSERT INTO o2c.migration VALUES ('relay', 'relay', 3, 3);"
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'o2c-outbox-relay'");
    assert_int_equal(service_wait(&first), 1);
    assert_int_equal(service_log_count(&first, "relay is at version 3"), 1);
    expect_published("o2c.order-status", 0, 10, false);
}

static void versions_that_cannot_be_read_are_asked_for_again(void **state)
{
    (void)state;
    run_sql("ALTER TABLE o2c.migration RENAME TO kept;"
            "CREATE FUNCTION o2c.later(version integer) RETURNS integer LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE 'later' USING ERRCODE = '55006'; END $$;"
            "CREATE VIEW o2c.migration AS SELECT schema, folder,"
            " o2c.later(version) AS version, compatible_from FROM o2c.kept");
    launch(&first, NULL, NULL);
    service_wait_answer(&first, "/readyz", "the versions of the database cannot be read");
    run_sql("CREATE OR REPLACE FUNCTION o2c.later(version integer) RETURNS integer"
            " LANGUAGE sql AS 'SELECT version'");
    service_wait_log(&first, "\"publishing for\"");
    service_wait_answer(&first, "/readyz", " 200 ");
}

int main(int argc, char **argv)
{
#define MOCK(name) cmocka_unit_test_setup_teardown(name, setup_mock, teardown_mock)
#define STACK(name) cmocka_unit_test_setup_teardown(name, setup_stack, teardown_stack)
    const struct CMUnitTest tests[] = {
        STACK(rows_become_records_in_their_order),
        MOCK(the_cursor_waits_for_what_is_not_acknowledged),
        MOCK(a_killed_relay_sends_again_what_lies_behind_its_cursor),
        MOCK(a_missing_number_stops_its_outbox),
        MOCK(a_second_relay_stands_by_until_the_first_is_gone),
        MOCK(a_relay_leaves_a_consumer_alone_that_came_since),
        MOCK(a_relay_that_was_overtaken_moves_no_cursor),
        MOCK(a_lost_connection_is_opened_again_and_nothing_is_lost),
        MOCK(errors_that_pass_keep_the_order),
        MOCK(a_producer_given_up_is_replaced),
        MOCK(a_producer_that_fails_at_once_is_replaced_after_a_pause),
        MOCK(no_more_is_with_kafka_than_allowed),
        MOCK(the_limit_counts_what_all_outboxes_have_with_kafka),
        MOCK(a_cursor_that_cannot_be_stored_is_tried_once_a_second),
        STACK(nothing_of_a_stream_follows_a_record_that_is_refused),
        STACK(nothing_follows_when_the_very_first_record_is_refused),
        STACK(a_refusal_stops_no_other_source_of_its_partition),
        STACK(a_stopped_outbox_stays_behind_its_record_when_claimed_again),
        MOCK(ranges_go_although_one_partition_is_quiet),
        MOCK(a_large_range_goes_although_it_is_written_into),
        MOCK(numbers_beyond_the_ranges_hold_nothing_up),
        MOCK(it_takes_every_datagram_that_wakes_it),
        MOCK(the_socket_stays_with_the_relay_that_listens),
        MOCK(the_socket_of_another_program_stays),
        MOCK(without_a_consumer_it_does_not_start),
        MOCK(a_database_that_does_not_fit_is_refused),
        MOCK(a_later_database_that_says_so_is_published_from),
        MOCK(versions_that_cannot_be_read_are_asked_for_again),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
