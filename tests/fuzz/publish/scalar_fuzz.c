/*
 * Any text as a decimal, and as a date by any pattern.  A decimal that is taken
 * equals the one computed digit by digit in 128 bits; a date that is taken is
 * within the years of the contract.
 */
#include <stdlib.h>
#include <string.h>

#include "producers/publish/day.h"
#include "producers/publish/decimal.h"
#include "schemas/units/time.h"
#include "tests/fuzz/target.h"

__extension__ typedef __int128 int128;

/* Without rounding and separators only: what is taken is exact. */
static void check_decimal(struct o2c_str text, int places)
{
    const struct o2c_decimal_format format = {'.', '\0', O2C_ROUNDING_NONE};
    struct o2c_err err;
    int64_t value;
    int128 expected = 0;
    int decimals = -1;
    if (o2c_decimal_parse(text, &format, places, &value, &err))
        return;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '.')
            decimals = 0;
        else if (text.at[i] >= '0' && text.at[i] <= '9' && decimals < places) {
            expected = expected * 10 + (text.at[i] - '0');
            decimals += decimals >= 0;
        }
    }
    for (decimals = decimals < 0 ? 0 : decimals; decimals < places; decimals++)
        expected *= 10;
    if (text.at[0] == '-')
        expected = -expected;
    if (expected != value)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    if (len < 2)
        return 0;
    const char *text = (const char *)at + 2;
    size_t cut = at[1] < len - 2 ? at[1] : len - 2;
    struct o2c_str first = {text, cut}, second = {text + cut, len - 2 - cut};
    struct o2c_decimal_format format = {'.', ',', (enum o2c_rounding)(at[0] & 3)};
    struct o2c_err err;
    struct o2c_day day;
    int64_t value;
    check_decimal(first, at[0] % 7);
    (void)!o2c_decimal_parse(first, &format, at[0] % 7, &value, &err);
    if (!o2c_day_pattern_check(second, &err) && o2c_day_parse(first, second, &day) &&
        (day.days < O2C_DATE_MIN || day.days > O2C_DATE_MAX || day.second >= 86400))
        abort();
    return 0;
}
