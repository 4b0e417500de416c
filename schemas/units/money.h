/*
 * money.h - amounts as int64 minor units of a currency, and how a line's
 * amount comes from quantity and price.  No floating point; products are 128
 * bits wide; rounding is half up, away from zero, once.
 */
#ifndef O2C_SCHEMAS_UNITS_MONEY_H
#define O2C_SCHEMAS_UNITS_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

/*
 * The largest amount an event may carry where amounts are added up: sums of
 * thousands of them fit.
 */
#define O2C_MINOR_MAX INT64_C(1000000000000000)

/* PARK, with field and value, where it is not between `least` and O2C_MINOR_MAX. */
enum o2c_verdict o2c_minor_check(const char *field, int64_t minor, int64_t least,
                                 struct o2c_err *err) O2C_MUST_CHECK;

/* How many decimals the minor unit has (ISO 4217: EUR 2, JPY 0, KWD 3); -1: no such
 * currency. */
int o2c_currency_exponent(struct o2c_str currency);

/* The codes of all currencies with so many decimals, a blank between; NULL beyond the last.
 */
const char *o2c_currency_codes(int exponent);

/*
 * quantity (thousandths) x unit price (millionths of the major unit), in minor
 * units of a currency with this exponent (0 to 4).  False, *ret untouched,
 * where the result does not fit.
 */
bool o2c_line_net(int64_t quantity_milli, int64_t unit_price_micro, int exponent,
                  int64_t *ret_minor);

/* a + b; false, *ret untouched, where it does not fit. */
bool o2c_minor_add(int64_t a, int64_t b, int64_t *ret_sum);

#endif
