#include "schemas/units/time.h"

#include <assert.h>

#include "runtime/base/banned.h"

static const int days_before[] = {0,   31,  59,  90,  120, 151, 181,
                                  212, 243, 273, 304, 334, 365};

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
    return days_before[month] - days_before[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 0001-01-01 to the first of January. */
static int32_t year_start(int year)
{
    int past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400;
}

bool o2c_date_of(int year, int month, int day, int32_t *ret_days)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month))
        return false;
    int32_t days = year_start(year) + days_before[month - 1] + day - 1;
    *ret_days = days + (month > 2 && is_leap(year)) + O2C_DATE_MIN;
    return true;
}

void o2c_date_split(int32_t days, int *ret_year, int *ret_month, int *ret_day)
{
    assert(days >= O2C_DATE_MIN && days <= O2C_DATE_MAX);
    int32_t since = days - O2C_DATE_MIN;
    int year = since / 366 + 1; /* at most a few years early */
    while (year < 9999 && year_start(year + 1) <= since)
        year++;
    int rest = since - year_start(year), month = 1;
    while (rest >= month_days(year, month))
        rest -= month_days(year, month++);
    *ret_year = year;
    *ret_month = month;
    *ret_day = rest + 1;
}

/* `count` digits at `at`; -1 if there are others. */
static int digits(const char *at, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return -1;
        value = value * 10 + (at[i] - '0');
    }
    return value;
}

bool o2c_date_parse(struct o2c_str text, int32_t *ret_days)
{
    if (text.len != O2C_DATE_TEXT || text.at[4] != '-' || text.at[7] != '-')
        return false;
    return o2c_date_of(digits(text.at, 4), digits(text.at + 5, 2), digits(text.at + 8, 2),
                       ret_days);
}

static char *put_digits(char *at, int value, size_t count)
{
    for (size_t i = count; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + count;
}

void o2c_date_format(int32_t days, char ret_text[O2C_DATE_TEXT + 1])
{
    int year, month, day;
    o2c_date_split(days, &year, &month, &day);
    char *at = put_digits(ret_text, year, 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    *at = '\0';
}

/* ".5" is 500000; nothing is 0; -1 if it is neither. */
static int32_t fraction_us(struct o2c_str text)
{
    if (!text.len)
        return 0;
    if (text.at[0] != '.' || text.len < 2 || text.len > 7)
        return -1;
    int32_t value = digits(text.at + 1, text.len - 1);
    for (size_t i = text.len; value > 0 && i < 7; i++)
        value *= 10;
    return value;
}

static size_t zone_bytes(struct o2c_str text)
{
    if (text.len > 1 && text.at[text.len - 1] == 'Z')
        return 1;
    if (text.len <= 6)
        return 0;
    struct o2c_str tail = {text.at + text.len - 6, 6};
    return o2c_str_eq(tail, O2C_STR("+00:00")) ? 6 : 0;
}

bool o2c_timestamp_parse(struct o2c_str text, int64_t *ret_us)
{
    enum {
        CLOCK = 19
    }; /* up to the seconds */
    size_t zone = zone_bytes(text);
    int32_t days;
    if (!zone || text.len < CLOCK + zone || text.at[10] != 'T' || text.at[13] != ':' ||
        text.at[16] != ':' || !o2c_date_parse((struct o2c_str){text.at, 10}, &days))
        return false;
    int hour = digits(text.at + 11, 2), minute = digits(text.at + 14, 2);
    int second = digits(text.at + 17, 2);
    int32_t us = fraction_us((struct o2c_str){text.at + CLOCK, text.len - CLOCK - zone});
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 ||
        us < 0)
        return false;
    *ret_us =
        days * O2C_DAY_US + ((hour * 60 + minute) * 60 + second) * INT64_C(1000000) + us;
    return true;
}

int32_t o2c_timestamp_date(int64_t us)
{
    int64_t days = us / O2C_DAY_US;
    return (int32_t)(days - (us % O2C_DAY_US < 0));
}

void o2c_timestamp_format(int64_t us, char ret_text[O2C_TIMESTAMP_TEXT + 1])
{
    int32_t days = o2c_timestamp_date(us);
    int64_t rest = us - days * O2C_DAY_US;
    int second = (int)(rest / 1000000), micro = (int)(rest % 1000000);
    o2c_date_format(days, ret_text);
    char *at = ret_text + O2C_DATE_TEXT;
    *at++ = 'T';
    at = put_digits(at, second / 3600, 2);
    *at++ = ':';
    at = put_digits(at, second / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, second % 60, 2);
    if (micro) {
        *at++ = '.';
        at = put_digits(at, micro, 6);
    }
    *at++ = 'Z';
    *at = '\0';
}
