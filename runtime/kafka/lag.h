/*
 * lag.h - what a partition's lag means, with Burrow's words: OK, WARN, STALL,
 * STOP.  `o2c lag` and every consumer's metrics judge by it.  Unlike Burrow
 * this needs no window of observations: when the position moved is known, and
 * the age of the oldest unprocessed record is read from the topic.
 */
#ifndef O2C_KAFKA_LAG_H
#define O2C_KAFKA_LAG_H

#include <stdbool.h>
#include <stdint.h>

/* Burrow's numbers; 3 (ERR) and 6 (REWIND) cannot be: a position never goes back. */
enum o2c_lag_status {
    O2C_LAG_OK = 1,   /* nothing waits, or not for long */
    O2C_LAG_WARN = 2, /* it moves, but the oldest record has waited longer than warn_us */
    O2C_LAG_STOP = 4, /* records wait and no process owns the partition */
    O2C_LAG_STALL = 5 /* its owner lives, records wait, nothing was stored for stall_us */
};

#define O2C_LAG_WARN_S 60 /* where nobody says otherwise */
#define O2C_LAG_STALL_S 15

struct o2c_lag_state {
    int64_t behind;          /* records */
    int64_t waited_us;       /* of the oldest unprocessed record; 0 when nothing waits */
    int64_t since_stored_us; /* since the position last moved; -1: never */
    bool owned;              /* the claiming process is connected */
};

struct o2c_lag_limits {
    int64_t warn_us, stall_us;
};

enum o2c_lag_status o2c_lag_judge(const struct o2c_lag_state *state,
                                  const struct o2c_lag_limits *limits);

#endif
