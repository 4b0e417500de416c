/*
 * in_flight.h - what has been handed to Kafka and not yet acknowledged, in the
 * order it was handed over.  Memory is fixed at the start: a ring of parcels
 * and a ring of bytes; when either is full the publisher waits.  A parcel's
 * bytes stay where they are until everything before it is acknowledged, so
 * that librdkafka need not copy them and what is left can be sent again.
 */
#ifndef O2C_PUBLISH_IN_FLIGHT_H
#define O2C_PUBLISH_IN_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producers/publish/outgoing.h"

struct o2c_parcel {
    struct o2c_outgoing outgoing; /* its bytes lie in the ring */
    size_t begins, ends;          /* in the ring of bytes */
    bool acked;
};

struct o2c_in_flight {
    struct o2c_parcel *parcels;
    size_t parcel_cap, first, count;
    char *bytes;
    size_t byte_cap;
    size_t not_acked;    /* of the `count` */
    uint64_t acked_line; /* every parcel up to this line has been acknowledged */
};

bool o2c_in_flight_init(struct o2c_in_flight *flight, size_t max_count, size_t max_bytes);
void o2c_in_flight_clear(struct o2c_in_flight *flight);

/* A parcel with a copy of the event at the end of the ring; NULL while there is no room. */
struct o2c_parcel *o2c_in_flight_push(struct o2c_in_flight *flight,
                                      const struct o2c_outgoing *outgoing);

/* Takes back the parcel that was pushed last. */
void o2c_in_flight_unpush(struct o2c_in_flight *flight);

/* Acknowledged; frees it and those behind it as soon as it is the oldest. */
void o2c_in_flight_ack(struct o2c_in_flight *flight, struct o2c_parcel *parcel);

/* The i-th parcel from the oldest; i < count. */
struct o2c_parcel *o2c_in_flight_at(struct o2c_in_flight *flight, size_t i);

#endif
