/*
 * time.h - dates and moments from and to text.  A date is the number of days
 * since 1970-01-01 (proleptic Gregorian calendar), a moment the number of
 * microseconds since 1970-01-01T00:00:00Z without leap seconds.  Years 1 to
 * 9999, which is what every text form, PostgreSQL and Avro reader can hold.
 */
#ifndef O2C_SCHEMAS_UNITS_TIME_H
#define O2C_SCHEMAS_UNITS_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/str.h"

#define O2C_DATE_MIN INT32_C(-719162) /* 0001-01-01 */
#define O2C_DATE_MAX INT32_C(2932896) /* 9999-12-31 */
#define O2C_DAY_US INT64_C(86400000000)
#define O2C_TIMESTAMP_MIN (O2C_DATE_MIN * O2C_DAY_US)
#define O2C_TIMESTAMP_MAX ((O2C_DATE_MAX + 1) * O2C_DAY_US - 1)

enum {
    O2C_DATE_TEXT = 10,     /* "2026-01-31", without a NUL */
    O2C_TIMESTAMP_TEXT = 27 /* "2026-01-31T10:20:30.123456Z", at most */
};

/* False where there is no such day. */
bool o2c_date_of(int year, int month, int day, int32_t *ret_days);
void o2c_date_split(int32_t days, int *ret_year, int *ret_month, int *ret_day);

/* "2026-01-31" and nothing else. */
bool o2c_date_parse(struct o2c_str text, int32_t *ret_days);
void o2c_date_format(int32_t days, char ret_text[O2C_DATE_TEXT + 1]);

/*
 * "2026-01-31T10:20:30Z" with up to six digits after a point; "+00:00" may
 * stand for Z.  Other offsets are refused: the contract says UTC.
 */
bool o2c_timestamp_parse(struct o2c_str text, int64_t *ret_us);

/* Six digits after the point, or none when they are all 0. */
void o2c_timestamp_format(int64_t us, char ret_text[O2C_TIMESTAMP_TEXT + 1]);

/* The date of a moment in UTC. */
int32_t o2c_timestamp_date(int64_t us);

#endif
