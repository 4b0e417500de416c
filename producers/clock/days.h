/*
 * days.h - begins business days: writes BusinessDayStarted into every
 * partition of o2c.clock, with the cut of that partition.  Called by o2c clock,
 * o2c publish and the service o2c-clock.
 *
 * A day is begun once and never back: what the topic has already is read when
 * these are opened, and a day that stands in every partition, or one before
 * it, is not written again.  A day that was written into some partitions only,
 * because the process before died, is written into the others.
 */
#ifndef O2C_CLOCK_DAYS_H
#define O2C_CLOCK_DAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"

struct o2c_business_day_started;
struct o2c_days;
struct o2c_kafka_settings;
struct o2c_publisher;

enum {
    O2C_DAYS_NEVER = INT32_MIN /* no day has begun */
};

/* Both are borrowed while open.  RETRY: Kafka cannot be reached. */
enum o2c_verdict o2c_days_open(struct o2c_days **ret_days,
                               const struct o2c_kafka_settings *kafka,
                               struct o2c_publisher *publisher,
                               struct o2c_err *err) O2C_MUST_CHECK;
void o2c_days_close(struct o2c_days *days);

/* The last day that has begun in every partition. */
int32_t o2c_days_last(const struct o2c_days *days);

/*
 * Begins this day, unless it or a later one has begun.  Waits until everything
 * the publisher has in flight is acknowledged, reads the ends of all topics,
 * which are the day's cut, and waits until the day is acknowledged.  `day` has
 * a whole head; its cut is left aside.
 */
enum o2c_verdict o2c_days_start(struct o2c_days *days,
                                const struct o2c_business_day_started *day,
                                struct o2c_err *err) O2C_MUST_CHECK;

/* The same, of a day that nobody has described further; calendar may be NULL. */
enum o2c_verdict o2c_days_start_date(struct o2c_days *days, int32_t date,
                                     const char *calendar, bool late,
                                     struct o2c_err *err) O2C_MUST_CHECK;

#endif
