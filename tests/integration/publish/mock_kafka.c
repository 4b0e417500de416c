#include "tests/integration/publish/mock_kafka.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/events.h"

#include "runtime/base/banned.h"

enum {
    BROKER_COUNT = 3,
    READ_MS = 10000,
};

void mock_kafka_start(struct mock_cluster *mock, int partition_count, const char *without)
{
    size_t count;
    const struct o2c_topic *topics = o2c_topics(&count);
    mock_cluster_open(mock, BROKER_COUNT);
    for (size_t i = 0; i < count; i++)
        if (!without || strcmp(topics[i].name, without) != 0)
            mock_cluster_topic(mock, topics[i].name, partition_count);
}

void mock_kafka_stop(struct mock_cluster *mock)
{
    mock_cluster_close(mock);
}

static rd_kafka_t *open_reader(const struct mock_cluster *mock)
{
    static const char *const rows[][2] = {
        {"group.id", "reader"},           {"enable.auto.commit", "false"},
        {"enable.partition.eof", "true"}, {"log_level", "0"},
        {"fetch.wait.max.ms", "10"},
    };
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", mock->bootstrap, text, sizeof(text));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        rd_kafka_conf_set(conf, rows[i][0], rows[i][1], text, sizeof(text));
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    assert(rk);
    return rk;
}

static void keep_headers(const rd_kafka_message_t *message, char *into, size_t room)
{
    rd_kafka_headers_t *headers;
    size_t at = 0;
    const char *name;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(message, &headers))
        return;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++)
        at += (size_t)snprintf(into + at, room - at, "%s=%.*s;", name, (int)len,
                               (const char *)value);
}

static void keep(struct mock_record *record, const rd_kafka_message_t *message)
{
    memset(record, 0, sizeof(*record));
    record->partition = message->partition;
    snprintf(record->key, sizeof(record->key), "%.*s", (int)message->key_len,
             (const char *)message->key);
    record->value_len = message->len;
    memcpy(record->value, message->payload,
           message->len < sizeof(record->value) ? message->len : sizeof(record->value) - 1);
    keep_headers(message, record->headers, sizeof(record->headers));
}

static void assign_all(rd_kafka_t *rk, const char *topic, int partition_count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    for (int32_t partition = 0; partition < partition_count; partition++)
        rd_kafka_topic_partition_list_add(list, topic, partition)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

size_t mock_kafka_read(const struct mock_cluster *mock, const char *topic,
                       int partition_count, struct mock_record **ret_records)
{
    struct mock_record *records = NULL;
    size_t count = 0, room = 0;
    rd_kafka_t *rk = open_reader(mock);
    assign_all(rk, topic, partition_count);
    for (int open_count = partition_count; open_count;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, READ_MS);
        assert(message);
        if (message->err) {
            assert(message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF);
            open_count--;
        } else {
            if (count == room) {
                room = room ? 2 * room : 64;
                records = realloc(records, room * sizeof(*records));
                assert(records);
            }
            keep(&records[count++], message);
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    *ret_records = records;
    return count;
}
