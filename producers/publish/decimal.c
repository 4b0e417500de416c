#include "producers/publish/decimal.h"

#include <limits.h>

#include "runtime/base/banned.h"

struct scan {
    const struct o2c_decimal_format *format;
    int places;
    struct o2c_err *err;
    uint64_t value;  /* magnitude so far */
    int decimals;    /* digits taken behind the point */
    int digits;      /* digits seen at all */
    int since_group; /* digits since the last thousands separator */
    bool grouped, in_decimals;
    int first_dropped; /* -1: no digit was dropped */
    bool more_dropped; /* a digit other than 0 behind the first dropped one */
};

static bool push_digit(struct scan *scan, int digit)
{
    if (scan->value > (UINT64_MAX - (uint64_t)digit) / 10)
        return false;
    scan->value = scan->value * 10 + (uint64_t)digit;
    return true;
}

static bool take_digit(struct scan *scan, int digit)
{
    scan->digits++;
    if (!scan->in_decimals) {
        scan->since_group++;
        return push_digit(scan, digit);
    }
    if (scan->decimals < scan->places) {
        scan->decimals++;
        return push_digit(scan, digit);
    }
    if (scan->first_dropped < 0)
        scan->first_dropped = digit;
    else if (digit)
        scan->more_dropped = true;
    return true;
}

/* A separator stands after one to three digits first, then after exactly three. */
static bool group_is_whole(const struct scan *scan)
{
    return scan->grouped ? scan->since_group == 3
                         : scan->since_group >= 1 && scan->since_group <= 3;
}

static enum o2c_verdict take_char(struct scan *scan, char c)
{
    if (c >= '0' && c <= '9') {
        if (!take_digit(scan, c - '0'))
            return o2c_fail(scan->err, O2C_PARK, "is too large");
        return O2C_OK;
    }
    if (c == scan->format->point && !scan->in_decimals) {
        if (scan->grouped && scan->since_group != 3)
            return o2c_fail(scan->err, O2C_PARK,
                            "has a thousands separator in a wrong place");
        scan->in_decimals = true;
        return O2C_OK;
    }
    if (scan->format->thousands && c == scan->format->thousands && !scan->in_decimals) {
        if (!group_is_whole(scan))
            return o2c_fail(scan->err, O2C_PARK,
                            "has a thousands separator in a wrong place");
        scan->grouped = true;
        scan->since_group = 0;
        return O2C_OK;
    }
    return o2c_fail(scan->err, O2C_PARK, "is no decimal number");
}

static bool rounds_away(const struct scan *scan)
{
    if (scan->first_dropped < 0)
        return false;
    switch (scan->format->rounding) {
    case O2C_ROUNDING_NONE:
    case O2C_ROUNDING_DOWN:
        return false;
    case O2C_ROUNDING_HALF_UP:
        return scan->first_dropped >= 5;
    case O2C_ROUNDING_HALF_EVEN:
        return scan->first_dropped > 5 ||
               (scan->first_dropped == 5 && (scan->more_dropped || (scan->value & 1)));
    }
    return false;
}

static enum o2c_verdict finish(struct scan *scan, bool negative, int64_t *ret_value)
{
    if (!scan->digits)
        return o2c_fail(scan->err, O2C_PARK, "is no decimal number");
    if (scan->grouped && !scan->in_decimals && scan->since_group != 3)
        return o2c_fail(scan->err, O2C_PARK, "has a thousands separator in a wrong place");
    if (scan->format->rounding == O2C_ROUNDING_NONE &&
        (scan->first_dropped > 0 || scan->more_dropped))
        return o2c_fail(scan->err, O2C_PARK,
                        "has more than %d decimals (name a rounding to allow it)",
                        scan->places);
    for (; scan->decimals < scan->places; scan->decimals++)
        if (!push_digit(scan, 0))
            return o2c_fail(scan->err, O2C_PARK, "is too large");
    if (scan->value <= INT64_MAX && rounds_away(scan))
        scan->value++;
    if (scan->value > INT64_MAX)
        return o2c_fail(scan->err, O2C_PARK, "is too large");
    *ret_value = negative ? -(int64_t)scan->value : (int64_t)scan->value;
    return O2C_OK;
}

enum o2c_verdict o2c_decimal_parse(struct o2c_str text,
                                   const struct o2c_decimal_format *format, int places,
                                   int64_t *ret_value, struct o2c_err *err)
{
    struct scan scan = {
        .format = format, .places = places, .err = err, .first_dropped = -1};
    bool sign = text.len && (text.at[0] == '-' || text.at[0] == '+');
    for (size_t i = sign; i < text.len; i++)
        if (take_char(&scan, text.at[i]))
            return err->verdict;
    return finish(&scan, sign && text.at[0] == '-', ret_value);
}
