/*
 * broker.h - topics and records by hand, on the broker that tests/run started
 * or on a mock cluster.  All names get a prefix of the test's own.  Every call
 * fails the running test where it cannot do its work.
 */
#ifndef O2C_TESTS_SUPPORT_BROKER_H
#define O2C_TESTS_SUPPORT_BROKER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/str.h"

enum {
    BROKER_TOPICS_MAX = 16
};

struct broker {
    rd_kafka_t *rk; /* a producer */
    char bootstrap[256];
    char prefix[40];
    char *made[BROKER_TOPICS_MAX];
    size_t made_count;
};

/* bootstrap NULL: the broker of TEST_STACK. */
void broker_open(struct broker *broker, const char *bootstrap);
void broker_close(struct broker *broker); /* deletes the topics it made */

/* config: "name=value,name=value" or NULL */
void broker_topic(struct broker *broker, const char *topic, int partition_count,
                  const char *config);

/* One that it made before. */
void broker_topic_delete(struct broker *broker, const char *topic);

/* Appends a record and waits until it is there; takes over the headers (may be NULL). */
struct broker_record {
    const char *topic; /* without the prefix */
    int32_t partition;
    struct o2c_str key, value; /* at NULL: null */
    rd_kafka_headers_t *headers;
};
void broker_put(struct broker *broker, const struct broker_record *record);

/* One record in a transaction that is committed, or aborted. */
void broker_transaction(struct broker *broker, const char *topic, int32_t partition,
                        struct o2c_str key, struct o2c_str value, bool commit);

/* All records of a partition that can be read, oldest first; to be freed by read_free. */
struct broker_read {
    rd_kafka_message_t **messages;
    size_t count;
    rd_kafka_t *rk;
};
void broker_read(struct broker *broker, const char *topic, int32_t partition,
                 struct broker_read *ret_read);
void broker_read_free(struct broker_read *read);

/* A header of a record as text; "" if it has none. */
const char *broker_header(const rd_kafka_message_t *message, const char *name);

#endif
