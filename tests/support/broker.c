#include "tests/support/broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/kafka/offsets.h"

#include "runtime/base/banned.h"

enum {
    WAIT_MS = 20000
};

/* ---- opening */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (message->err)
        fail_msg("producing: %s", rd_kafka_err2str(message->err));
}

static rd_kafka_t *client(const struct broker *broker, rd_kafka_type_t type,
                          const char *const (*properties)[2])
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *rk;

    rd_kafka_conf_set(conf, "bootstrap.servers", broker->bootstrap, text, sizeof text);
    rd_kafka_conf_set(conf, "log_level", "0", text, sizeof text);
    for (; (*properties)[0]; properties++)
        if (rd_kafka_conf_set(conf, (*properties)[0], (*properties)[1], text, sizeof text))
            fail_msg("%s", text);
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rk = rd_kafka_new(type, conf, text, sizeof text);
    if (!rk)
        fail_msg("%s", text);
    return rk;
}

static void find_broker_of_stack(char *bootstrap, size_t room)
{
    const char *stack = getenv("TEST_STACK");
    char path[512], line[256];
    FILE *file;

    if (!stack)
        fail_msg("TEST_STACK names no stack: run it through tests/run -- -R NAME");
    snprintf(path, sizeof path, "%s/env", stack);
    file = fopen(path, "r");
    if (!file)
        fail_msg("%s cannot be read", path);
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, "O2C_KAFKA=", 10)) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(bootstrap, room, "%s", line + 10);
        }
    (void)fclose(file);
}

void broker_open(struct broker *broker, const char *bootstrap)
{
    static const char *const properties[][2] = {
        {"linger.ms", "0"}, {"message.max.bytes", "16000000"}, {NULL, NULL}};
    static int opened;

    *broker = (struct broker){.made_count = 0};
    snprintf(broker->prefix, sizeof broker->prefix, "t%ld-%d.", (long)getpid(), ++opened);
    if (bootstrap)
        snprintf(broker->bootstrap, sizeof broker->bootstrap, "%s", bootstrap);
    else
        find_broker_of_stack(broker->bootstrap, sizeof broker->bootstrap);
    broker->rk = client(broker, RD_KAFKA_PRODUCER, properties);
}

void broker_close(struct broker *broker)
{
    struct o2c_err err;

    if (!broker->rk)
        return;
    if (broker->made_count &&
        o2c_kafka_delete_topics(broker->rk, (const char *const *)broker->made,
                                broker->made_count, WAIT_MS, &err))
        print_error("topics stay: %s\n", err.text);
    while (broker->made_count)
        free(broker->made[--broker->made_count]);
    rd_kafka_destroy(broker->rk);
    broker->rk = NULL;
}

static void full_name(const struct broker *broker, const char *topic, char name[160])
{
    snprintf(name, 160, "%s%s", broker->prefix, topic);
}

void broker_topic(struct broker *broker, const char *topic, int partition_count,
                  const char *config)
{
    char name[160];
    struct o2c_kafka_new_topic made = {name, partition_count, 1, config ? config : ""};
    struct o2c_err err;

    full_name(broker, topic, name);
    if (o2c_kafka_create_topics(broker->rk, &made, 1, WAIT_MS, &err))
        fail_msg("%s", err.text);
    assert_true(broker->made_count < BROKER_TOPICS_MAX);
    broker->made[broker->made_count++] = strdup(name);
}

void broker_topic_delete(struct broker *broker, const char *topic)
{
    char name[160];
    const char *names[] = {name};
    struct o2c_err err;

    full_name(broker, topic, name);
    if (o2c_kafka_delete_topics(broker->rk, names, 1, WAIT_MS, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < broker->made_count; i++)
        if (!strcmp(broker->made[i], name)) {
            free(broker->made[i]);
            broker->made[i--] = broker->made[--broker->made_count];
        }
}

/* ---- writing */

static void produce(rd_kafka_t *rk, const char *name, const struct broker_record *record)
{
    rd_kafka_headers_t *headers =
        record->headers ? record->headers : rd_kafka_headers_new(0);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        rk, RD_KAFKA_V_TOPIC(name), RD_KAFKA_V_PARTITION(record->partition),
        RD_KAFKA_V_KEY(record->key.at, record->key.len),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.at, record->value.len),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_END);

    if (!code)
        code = rd_kafka_flush(rk, WAIT_MS);
    if (code)
        fail_msg("producing to %s/%d: %s", name, (int)record->partition,
                 rd_kafka_err2str(code));
}

void broker_put(struct broker *broker, const struct broker_record *record)
{
    char name[160];

    full_name(broker, record->topic, name);
    produce(broker->rk, name, record);
}

static void must(rd_kafka_error_t *error)
{
    if (error)
        fail_msg("transaction: %s", rd_kafka_error_string(error));
}

void broker_transaction(struct broker *broker, const char *topic, int32_t partition,
                        struct o2c_str key, struct o2c_str value, bool commit)
{
    const char *const properties[][2] = {
        {"linger.ms", "0"}, {"transactional.id", broker->prefix}, {NULL, NULL}};
    const struct broker_record record = {topic, partition, key, value, NULL};
    rd_kafka_t *rk = client(broker, RD_KAFKA_PRODUCER, properties);
    char name[160];

    full_name(broker, topic, name);
    must(rd_kafka_init_transactions(rk, WAIT_MS));
    must(rd_kafka_begin_transaction(rk));
    produce(rk, name, &record);
    must(commit ? rd_kafka_commit_transaction(rk, WAIT_MS)
                : rd_kafka_abort_transaction(rk, WAIT_MS));
    rd_kafka_destroy(rk);
}

/* ---- reading */

void broker_read(struct broker *broker, const char *topic, int32_t partition,
                 struct broker_read *ret_read)
{
    static const char *const properties[][2] = {
        {"group.id", "reader"},           {"enable.auto.commit", "false"},
        {"enable.partition.eof", "true"}, {"isolation.level", "read_committed"},
        {"fetch.wait.max.ms", "10"},      {NULL, NULL}};
    rd_kafka_t *rk = client(broker, RD_KAFKA_CONSUMER, properties);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_message_t *message;
    char name[160];

    *ret_read = (struct broker_read){.rk = rk};
    full_name(broker, topic, name);
    rd_kafka_topic_partition_list_add(list, name, partition)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    while ((message = rd_kafka_consumer_poll(rk, WAIT_MS)) &&
           message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (message->err)
            fail_msg("%s/%d: %s", name, (int)partition, rd_kafka_message_errstr(message));
        ret_read->messages =
            realloc(ret_read->messages, (ret_read->count + 1) * sizeof *ret_read->messages);
        assert_non_null(ret_read->messages);
        ret_read->messages[ret_read->count++] = message;
    }
    if (!message)
        fail_msg("%s/%d: the broker does not answer", name, (int)partition);
    rd_kafka_message_destroy(message);
}

void broker_read_free(struct broker_read *read)
{
    for (size_t i = 0; i < read->count; i++)
        rd_kafka_message_destroy(read->messages[i]);
    free(read->messages);
    rd_kafka_destroy_flags(read->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    *read = (struct broker_read){.count = 0};
}

const char *broker_header(const rd_kafka_message_t *message, const char *name)
{
    static char text[512];
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;

    if (rd_kafka_message_headers(message, &headers) ||
        rd_kafka_header_get_last(headers, name, &value, &len))
        return "";
    snprintf(text, sizeof text, "%.*s", (int)len, (const char *)value);
    return text;
}
