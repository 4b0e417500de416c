/*
 * holidays.h - the days that are no business days, from a file of dates like
 * 2026-01-06, one a line, `#` beginning a comment.  Without one every day is a
 * business day.
 */
#ifndef O2C_CLOCK_HOLIDAYS_H
#define O2C_CLOCK_HOLIDAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"

struct o2c_holidays {
    int32_t *dates;
    size_t count;
};

/* Path "" is no file.  FATAL names the file, the line and what stands there. */
enum o2c_verdict o2c_holidays_read(struct o2c_holidays *holidays, const char *path,
                                   struct o2c_err *err) O2C_MUST_CHECK;
void o2c_holidays_clear(struct o2c_holidays *holidays);
bool o2c_is_business_day(const struct o2c_holidays *holidays, int32_t date);

#endif
