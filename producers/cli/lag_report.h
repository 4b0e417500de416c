/*
 * lag_report.h - what `o2c lag` shows: read from PostgreSQL and Kafka by
 * lag_read.c, shown by lag.c.  It needs no living consumer, and no number in
 * it is frozen by a dead one.
 */
#ifndef O2C_CLI_LAG_REPORT_H
#define O2C_CLI_LAG_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/kafka/lag.h"

struct stack;

/* One partition of one topic as one consumer sees it. */
struct lag {
    char *consumer, *topic;
    char *owner; /* who claimed it last; NULL: nobody ever did */
    int32_t partition;
    int64_t next, end;
    struct o2c_lag_state state;
    int64_t parked;
    int64_t arriving, taken; /* records per second, over the last minute */
    bool oldest_known;
};

/* What belongs to a consumer as a whole. */
struct lag_consumer {
    char *name;
    int64_t set_aside, unsent, decided; /* decided: outbox records per second */
};

struct lag_report {
    struct lag *lag;
    size_t lag_count;
    struct lag_consumer *consumer;
    size_t consumer_count;
};

/* 0, or the exit status after saying what failed; lag_report_clear in either case. */
int lag_report_read(struct stack *stack, struct lag_report *report);
void lag_report_clear(struct lag_report *report);

/* Seconds until nothing waits at the present rates; -1: not in sight, and where nothing
 * moves. */
int64_t lag_seconds_to_drain(const struct lag *lag, enum o2c_lag_status status);

#endif
