/* client.c: settings, verdicts, and the bridge to the loop, on a mock cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/kafka/client.h"
#include "schemas/events.h"
#include "tests/support/mock_cluster.h"

#include "runtime/base/banned.h"

static enum o2c_verdict conf_with(const char *client, rd_kafka_conf_t **ret_conf,
                                  struct o2c_err *err)
{
    const struct o2c_kafka_settings settings = {"127.0.0.1:1", "", client};
    return o2c_kafka_conf(ret_conf, &settings, "o2c-orders", err);
}

static void assert_property(const rd_kafka_conf_t *conf, const char *name,
                            const char *value)
{
    char text[200];
    size_t size = sizeof text;
    assert_int_equal(rd_kafka_conf_get(conf, name, text, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(text, value);
}

static void settings_become_properties(void **state)
{
    (void)state;
    rd_kafka_conf_t *conf;
    struct o2c_err err;
    assert_int_equal(
        conf_with("sasl.password=a=b,c; session.timeout.ms=7000;", &conf, &err), O2C_OK);
    assert_property(conf, "bootstrap.servers", "127.0.0.1:1");
    assert_property(conf, "client.id", "o2c-orders");
    assert_property(conf, "session.timeout.ms", "7000");
    assert_property(conf, "log.queue", "false");
    assert_property(conf, "sasl.password", "a=b,c");
    assert_int_equal(o2c_kafka_set(conf, "linger.ms", "7", &err), O2C_OK);
    assert_property(conf, "linger.ms", "7");
    rd_kafka_conf_destroy(conf);
}

/* Every topic's name has room behind the longest one that is taken. */
static void a_prefix_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char prefix[O2C_TOPIC_PREFIX_BYTES + 2] = "";
    const struct o2c_kafka_settings settings = {"127.0.0.1:1", prefix, ""};
    rd_kafka_conf_t *conf = NULL;
    struct o2c_err err;
    size_t count;
    const struct o2c_topic *topics = o2c_topics(&count);
    memset(prefix, 'p', O2C_TOPIC_PREFIX_BYTES + 1);
    assert_int_equal(o2c_kafka_conf(&conf, &settings, "o2c", &err), O2C_FATAL);
    assert_string_equal(err.text, "topic-prefix: \"pppppppppppppppppppppppppppppppppppppppp"
                                  "...\" is longer than 128 bytes");
    assert_null(conf);
    prefix[O2C_TOPIC_PREFIX_BYTES] = '\0';
    assert_int_equal(o2c_kafka_conf(&conf, &settings, "o2c", &err), O2C_OK);
    rd_kafka_conf_destroy(conf);
    for (size_t i = 0; i < count; i++)
        assert_true(strlen(prefix) + strlen(topics[i].name) < 160);
}

static void what_librdkafka_refuses_is_named(void **state)
{
    (void)state;
    rd_kafka_conf_t *conf = NULL;
    struct o2c_err err;
    assert_int_equal(conf_with("seession.timeout.ms=1", &conf, &err), O2C_FATAL);
    assert_non_null(strstr(err.text, "Kafka property seession.timeout.ms: "));
    assert_int_equal(conf_with("session.timeout.ms=x", &conf, &err), O2C_FATAL);
    assert_non_null(strstr(err.text, "Kafka property session.timeout.ms: "));
    assert_null(conf);
}

static void a_property_without_a_name_is_refused_without_repeating_it(void **state)
{
    (void)state;
    rd_kafka_conf_t *conf;
    struct o2c_err err;
    assert_int_equal(conf_with("linger.ms=5;s3cret", &conf, &err), O2C_FATAL);
    assert_string_equal(err.text, "kafka-client: property 2 is not name=value");
    assert_int_equal(conf_with("=s3cret", &conf, &err), O2C_FATAL);
    assert_null(strstr(err.text, "s3cret"));
}

static void failures_are_retried_or_final(void **state)
{
    (void)state;
    static const struct {
        rd_kafka_resp_err_t code;
        enum o2c_verdict verdict;
    } cases[] = {
        {RD_KAFKA_RESP_ERR__TRANSPORT, O2C_RETRY},
        {RD_KAFKA_RESP_ERR__TIMED_OUT, O2C_RETRY},
        {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, O2C_RETRY},
        {RD_KAFKA_RESP_ERR_NOT_COORDINATOR, O2C_RETRY},
        {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, O2C_RETRY},
        {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, O2C_RETRY},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, O2C_FATAL},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION, O2C_FATAL},
        {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, O2C_FATAL},
        {RD_KAFKA_RESP_ERR__FATAL, O2C_FATAL},
        {RD_KAFKA_RESP_ERR__INVALID_ARG, O2C_FATAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct o2c_err err;
        assert_int_equal(o2c_kafka_fail(&err, cases[i].code, "reading"), cases[i].verdict);
        assert_int_equal(err.native, cases[i].code);
    }
    struct o2c_err err;
    o2c_kafka_fail(&err, RD_KAFKA_RESP_ERR__TRANSPORT, "reading o2c.orders");
    assert_string_equal(err.text,
                        "reading o2c.orders: Local: Broker transport failure (_TRANSPORT)");
}

static void an_error_object_is_judged_by_its_own_flags(void **state)
{
    struct mock_cluster mock;
    struct o2c_err err;
    (void)state;
    mock_cluster_open(&mock, 1);
    rd_kafka_t *rk =
        mock_cluster_client(&mock, RD_KAFKA_PRODUCER, "enable.idempotence=true");
    rd_kafka_error_t *error = rd_kafka_init_transactions(rk, 100); /* no transactional.id */
    assert_non_null(error);
    assert_int_equal(o2c_kafka_fail_error(&err, error, "opening"), O2C_FATAL);
    assert_int_equal(err.native, rd_kafka_error_code(error));
    assert_memory_equal(err.text, "opening: ", 9);
    rd_kafka_error_destroy(error);
    rd_kafka_destroy(rk);
    mock_cluster_close(&mock);
}

struct reader {
    struct o2c_kafka_bridge bridge;
    rd_kafka_queue_t *queue;
    int calls, records, wanted;
    bool closed;
};

static void on_closed(void *user)
{
    struct reader *reader = user;
    reader->closed = true;
}

static void on_ready(void *user)
{
    struct reader *reader = user;
    rd_kafka_event_t *event;
    reader->calls++;
    while ((event = rd_kafka_queue_poll(reader->queue, 0))) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH)
            reader->records += (int)rd_kafka_event_message_count(event);
        rd_kafka_event_destroy(event);
    }
    if (reader->records >= reader->wanted)
        o2c_kafka_bridge_close(&reader->bridge, on_closed);
}

static void records_wake_the_loop(void **state)
{
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, 1);
    mock_cluster_topic(&mock, "t", 2);
    rd_kafka_t *rk = mock_cluster_client(&mock, RD_KAFKA_CONSUMER, "group.id=g");
    struct reader reader = {.queue = rd_kafka_queue_get_consumer(rk), .wanted = 20};
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    for (int partition = 0; partition < 2; partition++)
        rd_kafka_topic_partition_list_add(list, "t", partition)->offset = 0;
    rd_kafka_assign(rk, list);
    for (int i = 0; i < 20; i++)
        mock_cluster_produce(&mock, "t", i % 2, "x", NULL);
    uv_loop_t loop;
    uv_loop_init(&loop);
    o2c_kafka_bridge_open(&reader.bridge, &loop, reader.queue, on_ready, &reader);
    uv_run(&loop, UV_RUN_DEFAULT); /* ends when the bridge is closed */
    assert_int_equal(reader.records, 20);
    assert_true(reader.closed);
    assert_int_equal(uv_loop_close(&loop), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(reader.queue);
    rd_kafka_destroy(rk);
    mock_cluster_close(&mock);
}

struct idler {
    struct o2c_kafka_bridge bridge;
    uint64_t last_ms, longest_ms;
    uv_loop_t loop;
    int calls, wakes;
};

static void on_idle_ready(void *user)
{
    struct idler *idler = user;
    uint64_t now = uv_now(&idler->loop);
    if (idler->calls++ > 0 && now - idler->last_ms > idler->longest_ms)
        idler->longest_ms = now - idler->last_ms;
    idler->last_ms = now;
    if (idler->calls == 1)
        o2c_kafka_bridge_wake(&idler->bridge);
    if (idler->calls == 4)
        o2c_kafka_bridge_close(&idler->bridge, NULL);
}

static void an_idle_queue_is_polled_all_the_same(void **state)
{
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, 1);
    rd_kafka_t *rk = mock_cluster_client(&mock, RD_KAFKA_PRODUCER, "");
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    struct idler idler = {.calls = 0};
    uv_loop_init(&idler.loop);
    uint64_t begun = uv_now(&idler.loop);
    o2c_kafka_bridge_open(&idler.bridge, &idler.loop, queue, on_idle_ready, &idler);
    uv_run(&idler.loop, UV_RUN_DEFAULT);
    assert_int_equal(idler.calls, 4); /* at once, woken, and two turns of the timer */
    assert_in_range(idler.last_ms - begun, 900, 5000);
    assert_in_range(idler.longest_ms, 400, 3000);
    assert_int_equal(uv_loop_close(&idler.loop), 0);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
    mock_cluster_close(&mock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_become_properties),
        cmocka_unit_test(a_prefix_that_is_too_long_is_refused),
        cmocka_unit_test(what_librdkafka_refuses_is_named),
        cmocka_unit_test(a_property_without_a_name_is_refused_without_repeating_it),
        cmocka_unit_test(failures_are_retried_or_final),
        cmocka_unit_test(an_error_object_is_judged_by_its_own_flags),
        cmocka_unit_test(records_wake_the_loop),
        cmocka_unit_test(an_idle_queue_is_polled_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
