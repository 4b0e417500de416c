#include "producers/simulator/hours.h"

#include <stdbool.h>

#include "producers/simulator/random.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

#define OPENING_US (8 * O2C_SIM_HOUR_US)
#define OPEN_US (10 * O2C_SIM_HOUR_US)

static int32_t weekday(int32_t date) /* Monday is 0; 1970-01-01 was a Thursday */
{
    int32_t day = (date + 3) % 7;
    return day < 0 ? day + 7 : day;
}

static bool is_workday(int32_t date)
{
    return weekday(date) < 5;
}

/* Workdays among the first `days` days from a date on. */
static int32_t count_workdays(int32_t start_date, int32_t days)
{
    int32_t count = days / 7 * 5;
    for (int32_t i = days / 7 * 7; i < days; i++)
        count += is_workday(start_date + i);
    return count;
}

/* The workday number `nth` (0: the first) from a date on. */
static int32_t nth_workday(int32_t start_date, int32_t nth)
{
    int32_t date = start_date + nth / 5 * 7;
    for (nth %= 5; nth > 0 || !is_workday(date); date++)
        nth -= is_workday(date);
    return date;
}

static int64_t at_local(int32_t date, int64_t time_us, int32_t offset_minutes)
{
    return date * O2C_DAY_US + time_us - offset_minutes * O2C_SIM_MINUTE_US;
}

static int64_t whole_second(int64_t us)
{
    return us / O2C_SIM_SECOND_US * O2C_SIM_SECOND_US;
}

int64_t o2c_sim_working_moment(int32_t start_date, int32_t days, uint64_t share,
                               int32_t offset_minutes)
{
    int32_t workdays = count_workdays(start_date, days);
    int64_t open_seconds = OPEN_US / O2C_SIM_SECOND_US;
    uint64_t seconds = (uint64_t)((workdays ? workdays : days) * open_seconds);
    int64_t at = (int64_t)((share * seconds) >> 32);
    int32_t day = (int32_t)(at / open_seconds);
    int32_t date = workdays ? nth_workday(start_date, day) : start_date + day;
    return at_local(date, OPENING_US + at % open_seconds * O2C_SIM_SECOND_US,
                    offset_minutes);
}

int64_t o2c_sim_minutes_later(struct o2c_sim_random *random, int64_t moment_us,
                              int64_t min_minutes, int64_t max_minutes,
                              int32_t offset_minutes)
{
    int64_t seconds = o2c_sim_between(random, min_minutes * 60, max_minutes * 60);
    int64_t early_seconds = o2c_sim_between(random, 0, 3600);
    int64_t local_us =
        moment_us + seconds * O2C_SIM_SECOND_US + offset_minutes * O2C_SIM_MINUTE_US;
    int32_t date = o2c_timestamp_date(local_us);
    int64_t time_us = local_us - date * O2C_DAY_US;
    if (is_workday(date) && time_us >= OPENING_US && time_us < OPENING_US + OPEN_US)
        return whole_second(moment_us) + seconds * O2C_SIM_SECOND_US;
    if (time_us >= OPENING_US)
        date++;
    return at_local(nth_workday(date, 0), OPENING_US + early_seconds * O2C_SIM_SECOND_US,
                    offset_minutes);
}

int64_t o2c_sim_workdays_later(struct o2c_sim_random *random, int64_t moment_us,
                               int64_t min_days, int64_t max_days, int32_t offset_minutes)
{
    int32_t days = (int32_t)o2c_sim_between(random, min_days, max_days);
    int64_t time_us = o2c_sim_between(random, 0, OPEN_US / O2C_SIM_SECOND_US - 1);
    int32_t date = o2c_timestamp_date(moment_us + offset_minutes * O2C_SIM_MINUTE_US);
    return at_local(nth_workday(date + 1, days - 1),
                    OPENING_US + time_us * O2C_SIM_SECOND_US, offset_minutes);
}
