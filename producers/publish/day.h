/*
 * day.h - dates and times as files write them, by pattern: "M/D/YYYY",
 * "DD.MM.YYYY", "YYYY-MM-DD hh:mm:ss", "D-Mon-YY".  Used by the mapping.
 *
 * Pattern letters: YYYY; YY (1970-2069); MM or DD two digits, M or D one or
 * two; Mon an English month's first three letters; hh, mm, ss two digits, h one
 * or two.  T and Z stand for themselves, every other letter is refused, every
 * other character stands for itself.
 */
#ifndef O2C_PUBLISH_DAY_H
#define O2C_PUBLISH_DAY_H

#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct o2c_day {
    int32_t days;   /* since 1970-01-01 */
    int32_t second; /* of the day; -1: the pattern has no time */
};

/* PARK names the first thing in the pattern that is not understood. */
enum o2c_verdict o2c_day_pattern_check(struct o2c_str pattern,
                                       struct o2c_err *err) O2C_MUST_CHECK;

/* False when the text is not exactly of this pattern or no such day exists. */
bool o2c_day_parse(struct o2c_str text, struct o2c_str pattern, struct o2c_day *ret_day);

/* "hh:mm" or "hh:mm:ss" as a second of the day; "+hh:mm" or "-hh:mm" as minutes. */
bool o2c_day_time(struct o2c_str text, int32_t *ret_second);
bool o2c_day_zone(struct o2c_str text, int32_t *ret_minutes);

/* In UTC; zone_minutes is how far the file's clock is ahead of it. */
int64_t o2c_day_moment_us(const struct o2c_day *day, int32_t zone_minutes);

#endif
