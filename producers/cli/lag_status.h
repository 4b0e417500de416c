/*
 * lag_status.h - what a partition's lag means, with Burrow's words: OK, WARN,
 * STALL, STOP.  Unlike Burrow this needs no window of observations: the
 * position's own times are in PostgreSQL, and the age of the oldest
 * unprocessed record is read from the topic.
 */
#ifndef O2C_CLI_LAG_STATUS_H
#define O2C_CLI_LAG_STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum lag_status {
    LAG_OK,    /* nothing waits, or not for long */
    LAG_WARN,  /* it moves, but the oldest record has waited longer than warn_us */
    LAG_STALL, /* its owner lives, records wait, and nothing was stored for stall_us */
    LAG_STOP   /* records wait and no process owns the partition */
};

struct lag_state {
    int64_t behind;          /* records */
    int64_t waited_us;       /* of the oldest unprocessed record; 0 when nothing waits */
    int64_t since_stored_us; /* since the position last moved; -1: never */
    bool owned;              /* the claiming process is connected */
};

struct lag_limits {
    int64_t warn_us, stall_us;
};

enum lag_status lag_judge(const struct lag_state *state, const struct lag_limits *limits);
const char *lag_status_name(enum lag_status status);

#endif
