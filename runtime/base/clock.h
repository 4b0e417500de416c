/*
 * clock.h - the only place that reads a clock.  Rules never call it: the time
 * of a record is its log-append time, handed to them in struct o2c_moment.
 */
#ifndef O2C_BASE_CLOCK_H
#define O2C_BASE_CLOCK_H

#include <stdint.h>

int64_t o2c_clock_utc_us(void);       /* microseconds since 1970-01-01T00:00:00Z */
int64_t o2c_clock_monotonic_us(void); /* for durations and deadlines */

#endif
