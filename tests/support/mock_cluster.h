/*
 * mock_cluster.h - librdkafka's mock cluster, inside the test's own process:
 * topics by hand, records by hand, and clients made the way the programs make
 * theirs.  Every call fails the running test where it cannot do its work.
 */
#ifndef O2C_TESTS_SUPPORT_MOCK_CLUSTER_H
#define O2C_TESTS_SUPPORT_MOCK_CLUSTER_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mock_cluster {
    rd_kafka_t *rk; /* holds the cluster; also the producer of mock_cluster_produce */
    rd_kafka_mock_cluster_t *cluster;
    char *bootstrap;
    pthread_t waker; /* see mock_cluster.c */
    atomic_bool closed;
};

void mock_cluster_open(struct mock_cluster *mock, int broker_count);
void mock_cluster_close(struct mock_cluster *mock);

void mock_cluster_topic(struct mock_cluster *mock, const char *topic, int partition_count);

/* Appends a record and waits until it is there; takes over the headers (may be NULL). */
void mock_cluster_produce(struct mock_cluster *mock, const char *topic, int32_t partition,
                          const char *value, rd_kafka_headers_t *headers);

/* A client with o2c_kafka_conf and further properties "name=value;name=value". */
rd_kafka_t *mock_cluster_client(const struct mock_cluster *mock, rd_kafka_type_t type,
                                const char *properties);

#endif
