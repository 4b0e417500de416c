/*
 * hours.h - when things happen: on weekdays between eight and six, local time
 * of the customer.  Moments are microseconds UTC, whole seconds.
 */
#ifndef O2C_SIMULATOR_HOURS_H
#define O2C_SIMULATOR_HOURS_H

#include <stdint.h>

struct o2c_sim_random;

#define O2C_SIM_SECOND_US INT64_C(1000000)
#define O2C_SIM_MINUTE_US (60 * O2C_SIM_SECOND_US)
#define O2C_SIM_HOUR_US (60 * O2C_SIM_MINUTE_US)

/*
 * The moment at `share` (0 to 2^32 - 1) of the working time of `days` days from
 * `start_date` on; where all of them are a weekend, of all of them.
 */
int64_t o2c_sim_working_moment(int32_t start_date, int32_t days, uint64_t share,
                               int32_t offset_minutes);

/* Some minutes later, put off to the next morning where nobody works. */
int64_t o2c_sim_minutes_later(struct o2c_sim_random *random, int64_t moment_us,
                              int64_t min_minutes, int64_t max_minutes,
                              int32_t offset_minutes);

/* At some working hour so many working days later. */
int64_t o2c_sim_workdays_later(struct o2c_sim_random *random, int64_t moment_us,
                               int64_t min_days, int64_t max_days, int32_t offset_minutes);

#endif
