/*
 * publisher.h - sends events to Kafka so that none is lost and those of one
 * account stay in order: idempotent, all replicas, no time-out of its own, and
 * the partition computed here from the account and the topic's real number of
 * partitions.  Used by o2c publish, the simulator's callers and the gateway.
 *
 * Memory is bounded: when as much is in flight as the options allow, send
 * waits for acknowledgements.  When librdkafka gives its producer up (a fatal
 * error), a new one is made and everything not acknowledged is sent again in
 * order; a record may then stand twice on its topic, never out of order within
 * what was sent again, and repeats are harmless downstream.
 */
#ifndef O2C_PUBLISH_PUBLISHER_H
#define O2C_PUBLISH_PUBLISHER_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"

struct o2c_kafka_settings;
struct o2c_outgoing;
struct o2c_publisher;

struct o2c_publisher_options {
    const struct o2c_kafka_settings *kafka; /* borrowed while open */
    const char *client_id;
    const char *run;            /* header o2c_run of every record; NULL: none */
    size_t max_in_flight;       /* records */
    size_t max_in_flight_bytes; /* their keys, values and headers */
    int patience_ms;            /* how long Kafka may stay silent */
    int renewal_pause_ms;       /* after a producer given up; doubles each time */
    void (*on_acked)(void *user, const struct o2c_outgoing *outgoing); /* may be NULL */
    void *user;
};

extern const struct o2c_publisher_options O2C_PUBLISHER_DEFAULTS;

/*
 * Connects and checks the topics.  RETRY: Kafka cannot be reached, or the
 * process was stopped (runtime/base/stop.h) before it answered.  FATAL: a
 * topic does not exist or has another number of partitions than the rest; a
 * refused setting.
 */
enum o2c_verdict o2c_publisher_open(struct o2c_publisher **ret_publisher,
                                    const struct o2c_publisher_options *options,
                                    struct o2c_err *err) O2C_MUST_CHECK;

/* Ends at once; what is in flight may or may not arrive.  Flush first. */
void o2c_publisher_close(struct o2c_publisher *publisher);

/*
 * Hands one event over (copied), waiting while there is no room.  PARK: this
 * event cannot be sent (too large), the next may.  RETRY: Kafka was silent for
 * too long, or the process was stopped while waiting: the event was not taken.  FATAL:
 * Kafka refuses for good.
 */
enum o2c_verdict o2c_publisher_send(struct o2c_publisher *publisher,
                                    const struct o2c_outgoing *outgoing,
                                    struct o2c_err *err) O2C_MUST_CHECK;

/* Waits until everything is acknowledged; timeout_ms -1: as long as Kafka is not silent. */
enum o2c_verdict o2c_publisher_flush(struct o2c_publisher *publisher, int timeout_ms,
                                     struct o2c_err *err) O2C_MUST_CHECK;

size_t o2c_publisher_in_flight(const struct o2c_publisher *publisher);

/* Every event handed over from a line up to this one has been acknowledged; 0: none yet. */
uint64_t o2c_publisher_acked_line(const struct o2c_publisher *publisher);

#endif
