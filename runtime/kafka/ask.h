/*
 * ask.h - questions to Kafka that librdkafka answers in one call which nothing
 * interrupts.  Where a program that a person waits for can be stopped
 * (runtime/base/stop.h), they are asked in slices, and no other follows then.  Each slice
 * asks anew, so the first lasts a second, for a broker that is slow, and each next one
 * twice as long.
 */
#ifndef O2C_KAFKA_ASK_H
#define O2C_KAFKA_ASK_H

#include <librdkafka/rdkafka.h>

#include "runtime/base/err.h"

/*
 * Waits until a broker has answered this client once; at once if one has.  For
 * a program that a person waits for, before it asks anything.  RETRY: none has after so
 * long (RD_KAFKA_RESP_ERR__TRANSPORT), or "interrupted".
 */
enum o2c_verdict o2c_kafka_await(rd_kafka_t *rk, int timeout_ms,
                                 struct o2c_err *err) O2C_MUST_CHECK;

/* rd_kafka_metadata of all topics, and rd_kafka_offsets_for_times. */
rd_kafka_resp_err_t o2c_kafka_ask_topics(rd_kafka_t *rk,
                                         const struct rd_kafka_metadata **ret_metadata,
                                         int timeout_ms);
rd_kafka_resp_err_t
o2c_kafka_ask_times(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list, int timeout_ms);

#endif
