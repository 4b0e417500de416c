#include "runtime/kafka/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/base/stop.h"
#include "runtime/kafka/client.h"
#include "tests/support/mock_cluster.h"
#include "tests/support/silent_server.h"

#include "runtime/base/banned.h"

enum {
    FOR_EVER_MS = 3600000,
    LONGER_THAN_A_SLICE_MS = 1300
};

static volatile sig_atomic_t stop;

static int can_be_stopped(void **state)
{
    (void)state;
    stop = 0;
    o2c_stop_on(&stop);
    return 0;
}

static int cannot_be_stopped(void **state)
{
    (void)state;
    o2c_stop_on(NULL);
    return 0;
}

static void a_broker_that_answers_is_awaited(void **state)
{
    (void)state;
    struct mock_cluster mock;
    struct o2c_err err;
    mock_cluster_open(&mock, 1);
    rd_kafka_t *rk = mock_cluster_client(&mock, RD_KAFKA_PRODUCER, "");
    assert_int_equal(o2c_kafka_await(rk, 60000, &err), O2C_OK);
    assert_int_equal(o2c_kafka_await(rk, 0, &err), O2C_OK);
    rd_kafka_destroy(rk);
    mock_cluster_close(&mock);
}

static void who_waits_for_a_silent_broker_can_be_stopped(void **state)
{
    (void)state;
    char bootstrap[32];
    int port;
    int fd = silent_server_open(&port);
    snprintf(bootstrap, sizeof bootstrap, "127.0.0.1:%d", port);
    struct o2c_kafka_settings settings = {bootstrap, "", ""};
    rd_kafka_conf_t *conf;
    struct o2c_err err;
    assert_int_equal(o2c_kafka_conf(&conf, &settings, "test", &err), O2C_OK);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    assert_non_null(rk);
    assert_int_equal(o2c_kafka_await(rk, 50, &err), O2C_RETRY);
    assert_int_equal(err.native, RD_KAFKA_RESP_ERR__TRANSPORT);
    stop = 1;
    assert_int_equal(o2c_kafka_await(rk, FOR_EVER_MS, &err), O2C_RETRY);
    assert_string_equal(err.text, "interrupted");
    rd_kafka_destroy(rk);
    close(fd);
}

struct asking {
    struct mock_cluster mock;
    rd_kafka_t *rk;
    rd_kafka_topic_partition_list_t *list; /* the end of a partition is to be asked for */
};

/* Asks once, so that all later questions go to a leader that is known; it then answers so
 * late. */
static void open_asking(struct asking *asking, int answer_ms)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    mock_cluster_open(&asking->mock, 1);
    mock_cluster_topic(&asking->mock, "t", 1);
    asking->rk = mock_cluster_client(&asking->mock, RD_KAFKA_PRODUCER, "");
    asking->list = list;
    rd_kafka_topic_partition_list_add(list, "t", 0)->offset = RD_KAFKA_OFFSET_END;
    assert_int_equal(o2c_kafka_ask_times(asking->rk, list, FOR_EVER_MS), 0);
    list->elems[0].offset = RD_KAFKA_OFFSET_END;
    assert_int_equal(rd_kafka_mock_broker_set_rtt(asking->mock.cluster, 1, answer_ms), 0);
}

static void close_asking(struct asking *asking)
{
    rd_kafka_topic_partition_list_destroy(asking->list);
    rd_kafka_destroy(asking->rk);
    mock_cluster_close(&asking->mock);
}

static void a_broker_that_takes_longer_than_a_slice_is_heard(void **state)
{
    (void)state;
    const struct rd_kafka_metadata *metadata;
    struct asking asking;
    open_asking(&asking, LONGER_THAN_A_SLICE_MS);
    assert_int_equal(o2c_kafka_ask_times(asking.rk, asking.list, FOR_EVER_MS), 0);
    assert_int_equal(asking.list->elems[0].offset, 0);
    assert_int_equal(o2c_kafka_ask_topics(asking.rk, &metadata, FOR_EVER_MS), 0);
    rd_kafka_metadata_destroy(metadata);
    close_asking(&asking);
}

static void who_has_asked_a_broker_that_fell_silent_can_be_stopped(void **state)
{
    (void)state;
    const struct rd_kafka_metadata *metadata;
    struct asking asking;
    open_asking(&asking, FOR_EVER_MS);
    stop = 1;
    assert_int_not_equal(o2c_kafka_ask_times(asking.rk, asking.list, FOR_EVER_MS), 0);
    assert_int_not_equal(o2c_kafka_ask_topics(asking.rk, &metadata, FOR_EVER_MS), 0);
    close_asking(&asking);
}

#define WITH_A_STOP(test)                                                                  \
    cmocka_unit_test_setup_teardown(test, can_be_stopped, cannot_be_stopped)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_that_answers_is_awaited),
        WITH_A_STOP(who_waits_for_a_silent_broker_can_be_stopped),
        WITH_A_STOP(a_broker_that_takes_longer_than_a_slice_is_heard),
        WITH_A_STOP(who_has_asked_a_broker_that_fell_silent_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
