/*
 * drained.h - whether anything is still under way between the topics, the
 * consumers and the relay.  Asked by o2c drain, the clock and the scenario
 * runner, again and again; one call is one SQL statement and one ListOffsets
 * request per broker.
 *
 * Drained: every consumer has read every topic of direction 'in' to its end,
 * every outbox is published, no release or discard of a parked account is
 * pending.  All that PostgreSQL knows is read in one snapshot and the ends
 * after it.  Positions never exceed ends and ends never shrink, so a position
 * that equals a later end equalled the end at the moment of the snapshot:
 * everything was at rest at that one moment.
 */
#ifndef O2C_KAFKA_DRAINED_H
#define O2C_KAFKA_DRAINED_H

#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "runtime/base/err.h"

struct o2c_buf;

/*
 * Where it is not drained, adds the first reason to why_not: "orders is 3
 * records behind on o2c.orders/4".  The connection is blocking and in no
 * transaction; the statement stays prepared on it.  The client should have
 * isolation.level=read_uncommitted, or records of a transaction that is still
 * open are not seen.
 */
enum o2c_verdict o2c_drained(PGconn *pg, rd_kafka_t *rk, const char *topic_prefix,
                             bool *ret_drained, struct o2c_buf *why_not,
                             struct o2c_err *err) O2C_MUST_CHECK;

#endif
