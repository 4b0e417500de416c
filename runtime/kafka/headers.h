/*
 * headers.h - the headers of a record.  Those that the pipeline publishes with
 * (decision 6 of the architecture) say who wrote it and its number in that
 * writer's stream; all their values are ASCII.  Those of a record that is put
 * into a table are packed into one value, from which they come back as they were.
 */
#ifndef O2C_KAFKA_HEADERS_H
#define O2C_KAFKA_HEADERS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"
#include "runtime/base/uuid.h"

struct o2c_stream_headers {
    bool present;          /* false: published by an upstream system */
    struct o2c_str source; /* consumer name; borrowed from the message */
    struct o2c_uuid incarnation;
    int32_t source_partition;
    int64_t
        stream_seq; /* from 1, gap-free per source, source partition, topic, partition */
    struct o2c_str cause; /* o2c_cause: topic/partition/offset#n */
    struct o2c_str tick;  /* o2c_tick: "2026-01-31", the last business day its writer had
                             begun; absent: none, or it knows of no days */
};

/* Of the headers of a record, NULL: it has none.  PARK when some are there and others
 * missing or malformed: the text names the header. */
enum o2c_verdict o2c_stream_headers_of(const rd_kafka_headers_t *headers,
                                       struct o2c_stream_headers *ret_headers,
                                       struct o2c_err *err) O2C_MUST_CHECK;
enum o2c_verdict o2c_stream_headers_read(const rd_kafka_message_t *message,
                                         struct o2c_stream_headers *ret_headers,
                                         struct o2c_err *err) O2C_MUST_CHECK;

/* o2c_tick alone, for who must know whether to read on; absent if it is not there once. */
struct o2c_str o2c_stream_tick(const rd_kafka_message_t *message);

/* Each: the name, a NUL, the length of the value as 32 bits (-1: null), the value. */
struct o2c_buf;
void o2c_headers_pack(const rd_kafka_headers_t *headers, struct o2c_buf *out);

/* The caller destroys *ret_headers or gives it to librdkafka.  PARK: not packed so. */
enum o2c_verdict o2c_headers_unpack(struct o2c_str packed, rd_kafka_headers_t **ret_headers,
                                    struct o2c_err *err) O2C_MUST_CHECK;

#endif
