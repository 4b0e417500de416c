/*
 * in_flight.h - which records of one outbox (consumer, source partition) are
 * with Kafka.  Numbers are gap-free; the cursor is the highest number up to
 * which everything is acknowledged, whatever order acknowledgements come in.
 */
#ifndef O2C_OUTBOX_RELAY_IN_FLIGHT_H
#define O2C_OUTBOX_RELAY_IN_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    IN_FLIGHT_MAX = 4096 /* of one outbox; a power of two */
};

struct in_flight {
    int64_t sent_no;                    /* highest number given to the producer */
    int64_t acked_no;                   /* everything up to here is acknowledged */
    uint64_t acked[IN_FLIGHT_MAX / 64]; /* bit no % MAX, for acked_no < no <= sent_no */
};

void in_flight_start(struct in_flight *in_flight, int64_t acked_no);

/* How many more may be sent. */
int64_t in_flight_room(const struct in_flight *in_flight);

/* The next number has been given to the producer; there is room and it is sent_no + 1. */
void in_flight_sent(struct in_flight *in_flight, int64_t no);

/* True if the cursor moved.  A number that is not in flight (sent twice) changes nothing.
 */
bool in_flight_acked(struct in_flight *in_flight, int64_t no);

/* What is not acknowledged was lost with its producer: it is to be sent again. */
void in_flight_rewind(struct in_flight *in_flight);

#endif
