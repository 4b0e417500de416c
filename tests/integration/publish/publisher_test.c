#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/outgoing.h"
#include "producers/publish/publisher.h"
#include "runtime/base/hash.h"
#include "runtime/base/log.h"
#include "runtime/base/stop.h"
#include "runtime/kafka/client.h"
#include "schemas/events.h"
#include "tests/integration/publish/mock_kafka.h"

enum {
    PARTITIONS = 6,
    API_PRODUCE = 0, /* Kafka's numbers of the requests */
    API_INIT_PRODUCER_ID = 22,
};

static struct mock_cluster mock;
static struct o2c_kafka_settings kafka;
static uint64_t acked_count;
static volatile sig_atomic_t stop;

static void on_acked(void *user, const struct o2c_outgoing *outgoing)
{
    (void)user;
    (void)outgoing;
    acked_count++;
}

static struct o2c_publisher_options options_of_test(void)
{
    struct o2c_publisher_options options = O2C_PUBLISHER_DEFAULTS;
    options.kafka = &kafka;
    options.patience_ms = 20000;
    options.on_acked = on_acked;
    return options;
}

static void start(int partition_count, const char *without)
{
    mock_kafka_start(&mock, partition_count, without);
    /* The mock cluster looks at no sequence numbers: it would keep the second request under
     * way though it refused the first, and a request once more whose answer was lost. */
    kafka = (struct o2c_kafka_settings){mock.bootstrap, "",
                                        "retry.backoff.ms=10;reconnect.backoff.max.ms=100;"
                                        "max.in.flight=1"};
    acked_count = 0;
    stop = 0;
    o2c_stop_on(&stop);
}

static int stop_mock(void **state)
{
    (void)state;
    mock_kafka_stop(&mock);
    return 0;
}

static struct o2c_publisher *open_with(const struct o2c_publisher_options *options)
{
    struct o2c_publisher *publisher;
    struct o2c_err err;
    if (o2c_publisher_open(&publisher, options, &err))
        fail_msg("%s", err.text);
    return publisher;
}

/* Event number n of account n % 7; its value is the number. */
static enum o2c_verdict send_number(struct o2c_publisher *publisher, int n,
                                    struct o2c_err *err)
{
    char key[16], value[16];
    struct o2c_outgoing out = {
        .type = o2c_event_type_row(O2C_ORDER_CANCELLED),
        .line = (uint64_t)n + 1,
        .id = O2C_STR("5f0a5c4e-0000-7000-8000-000000000001"),
        .source = O2C_STR("shop"),
        .time = O2C_STR("2026-01-31T10:00:00Z"),
        .place = O2C_STR("1"),
    };
    snprintf(key, sizeof(key), "acc-%d", n % 7);
    snprintf(value, sizeof(value), "%d", n);
    out.key = o2c_str_from(key);
    out.value = o2c_str_from(value);
    return o2c_publisher_send(publisher, &out, err);
}

static void send_all(struct o2c_publisher *publisher, int from, int to)
{
    struct o2c_err err;
    for (int n = from; n < to; n++)
        if (send_number(publisher, n, &err))
            fail_msg("%d: %s", n, err.text);
}

static void flush_all(struct o2c_publisher *publisher)
{
    struct o2c_err err;
    if (o2c_publisher_flush(publisher, -1, &err))
        fail_msg("%s", err.text);
}

/*
 * Every number from 0 to count stands there.  Per account the numbers rise,
 * except that after a number a part of what came before may stand again
 * (where sent_again): what is new is always the next of its account.
 */
static void check_topic(int count, bool sent_again)
{
    struct mock_record *records;
    size_t found = mock_kafka_read(&mock, "o2c.orders", PARTITIONS, &records);
    int next[7];
    for (int account = 0; account < 7; account++)
        next[account] = account;
    for (size_t i = 0; i < found; i++) {
        int n = atoi(records[i].value), account = n % 7;
        char key[16];
        snprintf(key, sizeof(key), "acc-%d", account);
        assert_string_equal(records[i].key, key);
        assert_int_equal(records[i].partition,
                         o2c_hash_partition(o2c_str_from(key), PARTITIONS));
        if (!sent_again || n > next[account])
            assert_int_equal(n, next[account]);
        if (n == next[account])
            next[account] += 7;
    }
    for (int account = 0; account < 7; account++)
        assert_true(next[account] >= count);
    if (!sent_again)
        assert_int_equal(found, count);
    free(records);
}

static void events_arrive_with_key_partition_and_headers(void **state)
{
    struct mock_record *records;
    struct o2c_publisher_options options = options_of_test();
    (void)state;
    start(PARTITIONS, NULL);
    options.kafka = &kafka;
    options.run = "r-1";
    struct o2c_publisher *publisher = open_with(&options);
    send_all(publisher, 0, 1);
    flush_all(publisher);
    assert_int_equal(acked_count, 1);
    assert_int_equal(o2c_publisher_acked_line(publisher), 1);
    o2c_publisher_close(publisher);
    assert_int_equal(mock_kafka_read(&mock, "o2c.orders", PARTITIONS, &records), 1);
    assert_string_equal(records[0].headers,
                        "ce_specversion=1.0;ce_id=5f0a5c4e-0000-7000-8000-000000000001;"
                        "ce_type=OrderCancelled;ce_source=shop;"
                        "ce_time=2026-01-31T10:00:00Z;ce_subject=acc-0;"
                        "content-type=application/avro;o2c_run=r-1;o2c_line=1;");
    free(records);
}

static void the_order_of_an_account_survives_errors_of_the_brokers(void **state)
{
    static const rd_kafka_resp_err_t errors[] = {
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
    };
    struct o2c_publisher_options options = options_of_test();
    (void)state;
    start(PARTITIONS, NULL);
    struct o2c_publisher *publisher = open_with(&options);
    for (int round = 0; round < 20; round++) {
        rd_kafka_mock_push_request_errors(mock.cluster, API_PRODUCE, 1, errors[round % 5]);
        send_all(publisher, round * 100, round * 100 + 100);
    }
    flush_all(publisher);
    assert_int_equal(acked_count, 2000);
    assert_int_equal(o2c_publisher_acked_line(publisher), 2000);
    o2c_publisher_close(publisher);
    check_topic(2000, false);
}

static void after_a_fatal_error_the_rest_is_sent_again_in_order(void **state)
{
    struct o2c_publisher_options options = options_of_test();
    (void)state;
    start(PARTITIONS, NULL);
    struct o2c_publisher *publisher = open_with(&options);
    send_all(publisher, 0, 500);
    flush_all(publisher);
    for (int round = 0; round < 3; round++) {
        rd_kafka_mock_push_request_errors(mock.cluster, API_PRODUCE, 1,
                                          RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
        send_all(publisher, 500 + round * 500, 1000 + round * 500);
        flush_all(publisher);
    }
    assert_int_equal(acked_count, 2000);
    o2c_publisher_close(publisher);
    check_topic(2000, true);
}

static void a_refusal_for_good_stops_with_the_broker_s_reason(void **state)
{
    struct o2c_publisher_options options = options_of_test();
    struct o2c_err err;
    (void)state;
    start(PARTITIONS, NULL);
    options.renewal_pause_ms = 5;
    struct o2c_publisher *publisher = open_with(&options);
    for (int i = 0; i < 200; i++)
        rd_kafka_mock_push_request_errors(mock.cluster, API_PRODUCE, 1,
                                          RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    send_all(publisher, 0, 1);
    assert_int_equal(o2c_publisher_flush(publisher, -1, &err), O2C_FATAL);
    assert_string_equal(err.text, "Kafka refuses for good: line 1: Broker: Topic "
                                  "authorization failed");
    o2c_publisher_close(publisher);
}

/* Whatever the further properties say: without the id that makes it idempotent it sends
 * nothing. */
static void without_a_producer_id_nothing_is_sent(void **state)
{
    struct o2c_publisher_options options = options_of_test();
    struct mock_record *records;
    struct o2c_err err;
    (void)state;
    start(PARTITIONS, NULL);
    kafka.client = "enable.idempotence=false;reconnect.backoff.max.ms=100";
    options.renewal_pause_ms = 5;
    for (int i = 0; i < 200; i++)
        rd_kafka_mock_push_request_errors(mock.cluster, API_INIT_PRODUCER_ID, 1,
                                          RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
    struct o2c_publisher *publisher = open_with(&options);
    enum o2c_verdict verdict = send_number(publisher, 0, &err);
    if (!verdict)
        verdict = o2c_publisher_flush(publisher, -1, &err);
    assert_int_equal(verdict, O2C_FATAL);
    assert_non_null(strstr(err.text, "Kafka refuses for good: "));
    assert_non_null(strstr(err.text, "Cluster authorization failed"));
    o2c_publisher_close(publisher);
    assert_int_equal(mock_kafka_read(&mock, "o2c.orders", PARTITIONS, &records), 0);
    free(records);
}

static void sending_waits_while_as_much_as_allowed_is_in_flight(void **state)
{
    struct o2c_publisher_options options = options_of_test();
    struct o2c_err err;
    (void)state;
    start(PARTITIONS, NULL);
    options.max_in_flight = 50;
    struct o2c_publisher *publisher = open_with(&options);
    for (int broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_rtt(mock.cluster, broker, 20);
    for (int n = 0; n < 1000; n++) {
        assert_int_equal(send_number(publisher, n, &err), O2C_OK);
        assert_true(o2c_publisher_in_flight(publisher) <= 50);
    }
    flush_all(publisher);
    o2c_publisher_close(publisher);
    check_topic(1000, false);
}

static void a_stop_ends_the_waiting_and_the_event_is_not_taken(void **state)
{
    struct o2c_publisher_options options = options_of_test();
    struct o2c_err err;
    (void)state;
    start(PARTITIONS, NULL);
    options.max_in_flight = 10;
    struct o2c_publisher *publisher = open_with(&options);
    for (int broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_down(mock.cluster, broker);
    send_all(publisher, 0, 10);
    stop = 1;
    assert_int_equal(send_number(publisher, 10, &err), O2C_RETRY);
    assert_string_equal(err.text, "interrupted");
    assert_int_equal(o2c_publisher_in_flight(publisher), 10);
    for (int broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_up(mock.cluster, broker);
    assert_int_equal(o2c_publisher_flush(publisher, 20000, &err), O2C_OK);
    o2c_publisher_close(publisher);
    check_topic(10, false);
}

static void silence_of_kafka_is_told_after_the_patience_is_over(void **state)
{
    struct o2c_publisher_options options = options_of_test();
    struct o2c_err err;
    (void)state;
    start(PARTITIONS, NULL);
    options.patience_ms = 1000;
    struct o2c_publisher *publisher = open_with(&options);
    for (int broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_set_down(mock.cluster, broker);
    send_all(publisher, 0, 3);
    assert_int_equal(o2c_publisher_flush(publisher, -1, &err), O2C_RETRY);
    assert_non_null(strstr(err.text, "has not answered for 1 s; 3 records"));
    o2c_publisher_close(publisher);
}

static void a_missing_topic_names_the_command_that_makes_it(void **state)
{
    struct o2c_publisher_options options = options_of_test();
    struct o2c_publisher *publisher = NULL;
    struct o2c_err err;
    (void)state;
    start(PARTITIONS, "o2c.shipments");
    assert_int_equal(o2c_publisher_open(&publisher, &options, &err), O2C_FATAL);
    assert_string_equal(
        err.text, "topic o2c.shipments does not exist; run `o2c topics create` first");
    assert_null(publisher);
}

static void unequal_partition_counts_are_refused(void **state)
{
    struct o2c_publisher_options options = options_of_test();
    struct o2c_publisher *publisher = NULL;
    struct o2c_err err;
    (void)state;
    start(PARTITIONS, "o2c.shipments");
    rd_kafka_mock_topic_create(mock.cluster, "o2c.shipments", 5, 1);
    assert_int_equal(o2c_publisher_open(&publisher, &options, &err), O2C_FATAL);
    assert_non_null(strstr(err.text, "o2c.shipments has 5 partitions"));
    assert_non_null(strstr(err.text, "all must have the same number"));
}

static void a_cluster_that_does_not_answer_is_told(void **state)
{
    struct o2c_publisher_options options = options_of_test();
    struct o2c_publisher *publisher = NULL;
    struct o2c_err err;
    (void)state;
    start(PARTITIONS, NULL);
    kafka.bootstrap = "127.0.0.1:9";
    options.patience_ms = 500;
    assert_int_equal(o2c_publisher_open(&publisher, &options, &err), O2C_RETRY);
    assert_non_null(strstr(err.text, "Kafka at 127.0.0.1:9 cannot be reached"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(events_arrive_with_key_partition_and_headers, stop_mock),
        cmocka_unit_test_teardown(the_order_of_an_account_survives_errors_of_the_brokers,
                                  stop_mock),
        cmocka_unit_test_teardown(after_a_fatal_error_the_rest_is_sent_again_in_order,
                                  stop_mock),
        cmocka_unit_test_teardown(a_refusal_for_good_stops_with_the_broker_s_reason,
                                  stop_mock),
        cmocka_unit_test_teardown(without_a_producer_id_nothing_is_sent, stop_mock),
        cmocka_unit_test_teardown(sending_waits_while_as_much_as_allowed_is_in_flight,
                                  stop_mock),
        cmocka_unit_test_teardown(a_stop_ends_the_waiting_and_the_event_is_not_taken,
                                  stop_mock),
        cmocka_unit_test_teardown(silence_of_kafka_is_told_after_the_patience_is_over,
                                  stop_mock),
        cmocka_unit_test_teardown(a_missing_topic_names_the_command_that_makes_it,
                                  stop_mock),
        cmocka_unit_test_teardown(unequal_partition_counts_are_refused, stop_mock),
        cmocka_unit_test_teardown(a_cluster_that_does_not_answer_is_told, stop_mock),
    };
    o2c_log_init("publisher_test", O2C_LOG_ERROR);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
