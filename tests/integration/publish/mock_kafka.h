/*
 * mock_kafka.h - librdkafka's mock cluster with the topics of the contract, and
 * a reader for what was published there.  For the tests of this folder.
 */
#ifndef O2C_TESTS_PUBLISH_MOCK_KAFKA_H
#define O2C_TESTS_PUBLISH_MOCK_KAFKA_H

#include <stddef.h>
#include <stdint.h>

#include "tests/support/mock_cluster.h"

/* Three brokers; every topic of topics.json with `partition_count` partitions, but
 * `without`. */
void mock_kafka_start(struct mock_cluster *mock, int partition_count, const char *without);
void mock_kafka_stop(struct mock_cluster *mock);

struct mock_record {
    int32_t partition;
    char key[64];
    char value[4096]; /* cut */
    size_t value_len;
    char headers[1024]; /* "name=value;" each */
};

/* All records of a topic, in order within each partition; *ret_records is to be freed. */
size_t mock_kafka_read(const struct mock_cluster *mock, const char *topic,
                       int partition_count, struct mock_record **ret_records);

#endif
