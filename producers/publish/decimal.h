/*
 * decimal.h - exact decimal numbers from text: "1,234.56" and 2 places become
 * 123456.  No floating point; more decimals than places are an error unless
 * the mapping names a rounding.
 */
#ifndef O2C_PUBLISH_DECIMAL_H
#define O2C_PUBLISH_DECIMAL_H

#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

enum o2c_rounding {
    O2C_ROUNDING_NONE,      /* digits beyond the places are refused unless they are 0 */
    O2C_ROUNDING_HALF_UP,   /* away from zero at the half */
    O2C_ROUNDING_HALF_EVEN, /* to the even neighbour at the half */
    O2C_ROUNDING_DOWN,      /* towards zero */
};

struct o2c_decimal_format {
    char point;     /* '.' */
    char thousands; /* 0: none allowed; otherwise allowed between groups of three */
    enum o2c_rounding rounding;
};

/* PARK says what is wrong with the text, without repeating it. */
enum o2c_verdict o2c_decimal_parse(struct o2c_str text,
                                   const struct o2c_decimal_format *format, int places,
                                   int64_t *ret_value, struct o2c_err *err) O2C_MUST_CHECK;

#endif
