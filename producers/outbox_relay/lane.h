/*
 * lane.h - one partition of a topic, as one producer fills it: may another
 * record follow what is under way there?
 *
 * A broker that does not know a producer takes whatever sequence number comes
 * first.  Were a lane's first record refused or put off with others under way
 * behind it, those would be accepted (measured, Kafka 4.1), and the stream
 * would have a hole that no receiver gets past.  So the first record goes
 * alone; from its acknowledgement on the broker itself refuses what comes
 * behind a record it does not have, until it forgets a producer that was idle.
 *
 * A refusal names a batch, not a record.  After one as many records as were
 * refused go one at a time: what is refused then is refused for itself.
 */
#ifndef O2C_OUTBOX_RELAY_LANE_H
#define O2C_OUTBOX_RELAY_LANE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: nothing was sent yet. */
struct lane {
    int64_t acked_us; /* monotonic, the last acknowledgement; 0: none to this producer */
    int32_t in_flight;
    int32_t careful; /* so many more go one at a time */
    bool alone;      /* nothing may join what is in flight */
};

bool lane_takes(const struct lane *lane, int64_t now_us);

/* lane_takes was true. */
void lane_sent(struct lane *lane, int64_t now_us);

void lane_acked(struct lane *lane, int64_t now_us);

/* True if the record was alone: it is this one that is refused. */
bool lane_refused(struct lane *lane);

/* A new producer takes the place of the one that the lane was filled by. */
void lane_begin_anew(struct lane *lane);

#endif
