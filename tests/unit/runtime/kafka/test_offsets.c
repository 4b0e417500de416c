/* offsets.c and topics.c on a mock cluster of three brokers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/kafka/client.h"
#include "runtime/kafka/offsets.h"
#include "tests/support/mock_cluster.h"

#include "runtime/base/banned.h"

enum {
    TIMEOUT_MS = 5000
};

static struct mock_cluster mock;
static rd_kafka_t *rk;

static rd_kafka_topic_partition_list_t *partitions_of(const char *topic, int count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    rd_kafka_topic_partition_list_add_range(list, topic, 0, count - 1);
    return list;
}

static void the_ends_of_many_partitions_come_together(void **state)
{
    (void)state;
    struct o2c_err err;
    rd_kafka_topic_partition_list_t *list = partitions_of("a", 12);
    rd_kafka_topic_partition_list_add_range(list, "b", 0, 3);
    assert_int_equal(o2c_kafka_ends(rk, list, TIMEOUT_MS, &err), O2C_OK);
    for (int i = 0; i < 16; i++)
        assert_int_equal(list->elems[i].offset, 0);
    for (int partition = 0; partition < 12; partition++)
        for (int i = 0; i < partition; i++)
            mock_cluster_produce(&mock, "a", partition, "x", NULL);
    assert_int_equal(o2c_kafka_ends(rk, list, TIMEOUT_MS, &err), O2C_OK);
    assert_int_equal(list->cnt, 16);
    for (int i = 0; i < 16; i++) {
        assert_string_equal(list->elems[i].topic, i < 12 ? "a" : "b");
        assert_int_equal(list->elems[i].partition, i % 12);
        assert_int_equal(list->elems[i].offset, i < 12 ? i : 0);
    }
    assert_int_equal(o2c_kafka_begins(rk, list, TIMEOUT_MS, &err), O2C_OK);
    for (int i = 0; i < 16; i++)
        assert_int_equal(list->elems[i].offset, 0);
    rd_kafka_topic_partition_list_destroy(list);
}

static void partitions_with_records_stay_each_with_its_first_offset(void **state)
{
    (void)state;
    struct o2c_err err;
    rd_kafka_topic_partition_list_t *list = partitions_of("records", 4);
    mock_cluster_produce(&mock, "records", 1, "x", NULL);
    mock_cluster_produce(&mock, "records", 3, "x", NULL);
    assert_int_equal(o2c_kafka_with_records(rk, list, TIMEOUT_MS, &err), O2C_OK);
    assert_int_equal(list->cnt, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(list->elems[i].partition, 2 * i + 1);
        assert_int_equal(list->elems[i].offset, 0);
    }
    rd_kafka_topic_partition_list_destroy(list);
    list = partitions_of("records", 5);
    assert_int_not_equal(o2c_kafka_with_records(rk, list, TIMEOUT_MS, &err), O2C_OK);
    assert_int_equal(list->cnt, 5);
    rd_kafka_topic_partition_list_destroy(list);
}

static void an_empty_list_is_answered_without_asking(void **state)
{
    (void)state;
    struct o2c_err err;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(0);
    assert_int_equal(o2c_kafka_ends(rk, list, TIMEOUT_MS, &err), O2C_OK);
    rd_kafka_topic_partition_list_destroy(list);
}

static void a_partition_that_does_not_exist_is_named_and_nothing_changes(void **state)
{
    (void)state;
    struct o2c_err err;
    rd_kafka_topic_partition_list_t *list = partitions_of("b", 5);
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = 77;
    assert_int_not_equal(o2c_kafka_ends(rk, list, TIMEOUT_MS, &err), O2C_OK);
    assert_non_null(strstr(err.text, "b/4: "));
    for (int i = 0; i < list->cnt; i++)
        assert_int_equal(list->elems[i].offset, 77);
    rd_kafka_topic_partition_list_destroy(list);
}

static void a_broker_error_says_whether_to_try_again(void **state)
{
    (void)state;
    struct o2c_err err;
    enum {
        LIST_OFFSETS = 2 /* ApiKey */
    };
    rd_kafka_topic_partition_list_t *list = partitions_of("b", 4);
    for (int broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_push_request_error_rtts(
            mock.cluster, broker, LIST_OFFSETS, 1,
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 0);
    assert_int_equal(o2c_kafka_ends(rk, list, TIMEOUT_MS, &err), O2C_FATAL);
    assert_int_equal(err.native, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    rd_kafka_mock_clear_request_errors(mock.cluster, LIST_OFFSETS);
    for (int broker = 1; broker <= 3; broker++)
        rd_kafka_mock_broker_push_request_error_rtts(mock.cluster, broker, LIST_OFFSETS, 1,
                                                     0, 0);
    assert_int_equal(o2c_kafka_ends(rk, list, TIMEOUT_MS, &err), O2C_OK);
    rd_kafka_topic_partition_list_destroy(list);
}

static void brokers_that_do_not_answer_are_tried_again_later(void **state)
{
    (void)state;
    struct o2c_err err;
    int32_t count = -1;
    char text[200];
    rd_kafka_conf_t *conf;
    const struct o2c_kafka_settings nowhere = {"127.0.0.1:1", "", "log_level=0"};
    assert_int_equal(o2c_kafka_conf(&conf, &nowhere, "test", &err), O2C_OK);
    rd_kafka_t *lost = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    rd_kafka_topic_partition_list_t *list = partitions_of("a", 1);
    assert_int_equal(o2c_kafka_ends(lost, list, 200, &err), O2C_RETRY);
    assert_int_equal(o2c_kafka_partition_count(lost, "a", 200, &count, &err), O2C_RETRY);
    assert_int_equal(count, -1);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(lost);
}

static void partitions_are_counted_and_what_is_not_there_is_none(void **state)
{
    (void)state;
    struct o2c_err err;
    int32_t count = -1;
    assert_int_equal(o2c_kafka_partition_count(rk, "a", TIMEOUT_MS, &count, &err), O2C_OK);
    assert_int_equal(count, 12);
    for (int again = 0; again < 2; again++) { /* asking does not create it */
        assert_int_equal(o2c_kafka_partition_count(rk, "c", TIMEOUT_MS, &count, &err),
                         O2C_OK);
        assert_int_equal(count, 0);
    }
}

static void topics_that_are_there_already_are_not_created_again(void **state)
{
    (void)state;
    struct o2c_err err;
    const struct o2c_kafka_new_topic topics[] = {{"a", 12, -1, "retention.ms=-1"},
                                                 {"b", 4, -1, NULL}};
    assert_int_equal(o2c_kafka_create_topics(rk, topics, 2, TIMEOUT_MS, &err), O2C_OK);
    assert_int_equal(o2c_kafka_create_topics(rk, topics, 0, TIMEOUT_MS, &err), O2C_OK);
}

static void a_topic_with_another_count_is_fatal(void **state)
{
    (void)state;
    struct o2c_err err;
    const struct o2c_kafka_new_topic topics[] = {{"a", 12, -1, NULL}, {"b", 6, -1, NULL}};
    assert_int_equal(o2c_kafka_create_topics(rk, topics, 2, TIMEOUT_MS, &err), O2C_FATAL);
    assert_string_equal(err.text, "topic b has 4 partitions, not 6");
}

static void a_malformed_topic_is_refused_before_asking(void **state)
{
    (void)state;
    struct o2c_err err;
    const struct o2c_kafka_new_topic no_count = {"new", 0, -1, NULL};
    assert_int_equal(o2c_kafka_create_topics(rk, &no_count, 1, TIMEOUT_MS, &err),
                     O2C_FATAL);
    assert_string_equal(err.text, "topic new: needs a partition count");
    const struct o2c_kafka_new_topic no_value = {"new", 3, -1, "retention.ms"};
    assert_int_equal(o2c_kafka_create_topics(rk, &no_value, 1, TIMEOUT_MS, &err),
                     O2C_FATAL);
    assert_string_equal(err.text,
                        "topic new: topic configuration: retention.ms is not name=value");
}

/* The mock cluster has no controller, to which these requests go. */
static void a_cluster_without_a_controller_is_tried_again_later(void **state)
{
    (void)state;
    struct o2c_err err;
    const struct o2c_kafka_new_topic topic = {"new", 3, 1, "cleanup.policy=compact,delete"};
    assert_int_equal(o2c_kafka_create_topics(rk, &topic, 1, 300, &err), O2C_RETRY);
    assert_non_null(strstr(err.text, "creating topics: "));
    assert_int_equal(o2c_kafka_delete_topics(rk, (const char *const[]){"a"}, 1, 300, &err),
                     O2C_RETRY);
    assert_non_null(strstr(err.text, "deleting topics: "));
    assert_int_equal(o2c_kafka_delete_topics(rk, NULL, 0, 300, &err), O2C_OK);
}

static int setup(void **state)
{
    (void)state;
    mock_cluster_open(&mock, 3);
    mock_cluster_topic(&mock, "a", 12);
    mock_cluster_topic(&mock, "b", 4);
    mock_cluster_topic(&mock, "records", 4);
    rk = mock_cluster_client(&mock, RD_KAFKA_CONSUMER, "");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rd_kafka_destroy(rk);
    mock_cluster_close(&mock);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ends_of_many_partitions_come_together),
        cmocka_unit_test(partitions_with_records_stay_each_with_its_first_offset),
        cmocka_unit_test(an_empty_list_is_answered_without_asking),
        cmocka_unit_test(a_partition_that_does_not_exist_is_named_and_nothing_changes),
        cmocka_unit_test(a_broker_error_says_whether_to_try_again),
        cmocka_unit_test(brokers_that_do_not_answer_are_tried_again_later),
        cmocka_unit_test(partitions_are_counted_and_what_is_not_there_is_none),
        cmocka_unit_test(topics_that_are_there_already_are_not_created_again),
        cmocka_unit_test(a_topic_with_another_count_is_fatal),
        cmocka_unit_test(a_malformed_topic_is_refused_before_asking),
        cmocka_unit_test(a_cluster_without_a_controller_is_tried_again_later),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
