/*
 * offsets.h - where topics begin and end, asked for many partitions at once
 * (one ListOffsets request per broker, not one per partition), and topics
 * created, described and checked.  Blocking; for tools, start-up and
 * rd_kafka handles that are not in a group callback.
 */
#ifndef O2C_KAFKA_OFFSETS_H
#define O2C_KAFKA_OFFSETS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"

/* Replaces each offset of the list by the partition's end: the last stable offset, or, with
 * the client's isolation.level=read_uncommitted, the high watermark. */
enum o2c_verdict o2c_kafka_ends(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                                int timeout_ms, struct o2c_err *err) O2C_MUST_CHECK;

/* ... by the partition's first offset. */
enum o2c_verdict o2c_kafka_begins(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                                  int timeout_ms, struct o2c_err *err) O2C_MUST_CHECK;

/* Leaves the partitions that have records, each with its first offset.  To be read from
 * there by its number: librdkafka 2.0.2 asks for RD_KAFKA_OFFSET_BEGINNING before it knows
 * the leader, and again after half a second. */
enum o2c_verdict o2c_kafka_with_records(rd_kafka_t *rk,
                                        rd_kafka_topic_partition_list_t *list,
                                        int timeout_ms, struct o2c_err *err) O2C_MUST_CHECK;

/* Where a list of partitions is read to its ends: whether this PARTITION_EOF is the first
 * of its partition (a record that comes later is followed by one more).  Marks it in
 * `opaque`. */
bool o2c_kafka_ended(rd_kafka_topic_partition_list_t *list, const rd_kafka_message_t *eof);

/* The number of partitions of a topic, 0 if it does not exist. */
enum o2c_verdict o2c_kafka_partition_count(rd_kafka_t *rk, const char *topic,
                                           int timeout_ms, int32_t *ret_count,
                                           struct o2c_err *err) O2C_MUST_CHECK;

/* Creates what is missing; a topic that exists with another partition count is FATAL. */
struct o2c_kafka_new_topic {
    const char *name; /* with the prefix */
    int32_t partition_count;
    int replication;    /* -1: the broker's default */
    const char *config; /* "name=value,name=value" */
};
enum o2c_verdict o2c_kafka_create_topics(rd_kafka_t *rk,
                                         const struct o2c_kafka_new_topic *topics,
                                         size_t topic_count, int timeout_ms,
                                         struct o2c_err *err) O2C_MUST_CHECK;
enum o2c_verdict o2c_kafka_delete_topics(rd_kafka_t *rk, const char *const *names,
                                         size_t name_count, int timeout_ms,
                                         struct o2c_err *err) O2C_MUST_CHECK;

#endif
