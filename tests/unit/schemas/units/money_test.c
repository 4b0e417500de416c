#include "schemas/units/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void currencies_have_the_decimals_of_iso_4217(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int exponent;
    } rows[] = {{"EUR", 2}, {"USD", 2},  {"JPY", 0},  {"KRW", 0},   {"KWD", 3},
                {"TND", 3}, {"CLF", 4},  {"AED", 2},  {"ZWL", 2},   {"XPF", 0},
                {"BIF", 0}, {"UYW", 4},  {"eur", -1}, {"EURO", -1}, {"EU", -1},
                {"", -1},   {"XAU", -1}, {"R E", -1}, {"UR ", -1},  {"XXX", -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (o2c_currency_exponent(o2c_str_from(rows[i].code)) != rows[i].exponent)
            fail_msg("%s", rows[i].code);
    assert_int_equal(o2c_currency_exponent((struct o2c_str){NULL, 0}), -1);
}

static void a_line_is_rounded_half_up_once(void **state)
{
    (void)state;
    static const struct {
        int64_t quantity_milli, unit_price_micro;
        int exponent;
        int64_t minor;
    } rows[] = {
        {1000, 1000000, 2, 100},
        {1000, 1000000, 0, 1},
        {1000, 1000000, 3, 1000},
        {1000, 5000, 2, 1},
        {1000, 4999, 2, 0},
        {1000, -5000, 2, -1},
        {1000, -4999, 2, 0},
        {-1000, 5000, 2, -1},
        {-1000, -5000, 2, 1},
        {333, 1000000, 2, 33},
        {335, 1000000, 2, 34},
        {1, 1, 4, 0},
        {30000, 136000000, 2, 408000},
        {0, 999, 2, 0},
        {INT64_MAX, 10000, 4, INT64_C(922337203685477581)},
        {INT64_MAX, 10000000, 2, INT64_MAX},
        {INT64_MIN, 10000000, 2, INT64_MIN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int64_t minor = 0;
        assert_true(o2c_line_net(rows[i].quantity_milli, rows[i].unit_price_micro,
                                 rows[i].exponent, &minor));
        if (minor != rows[i].minor)
            fail_msg("row %zu gives %lld", i, (long long)minor);
    }
}

static void an_amount_that_does_not_fit_is_told(void **state)
{
    (void)state;
    int64_t minor = 7;
    assert_false(o2c_line_net(INT64_MAX, INT64_MAX, 2, &minor));
    assert_false(o2c_line_net(INT64_MAX, 10000001, 2, &minor));
    assert_false(o2c_line_net(INT64_MIN, INT64_MAX, 0, &minor));
    assert_false(o2c_minor_add(INT64_MAX, 1, &minor));
    assert_false(o2c_minor_add(INT64_MIN, -1, &minor));
    assert_int_equal(minor, 7);
    assert_true(o2c_minor_add(INT64_MAX, -1, &minor));
    assert_true(minor == INT64_MAX - 1);
}

static void an_amount_beyond_what_an_event_may_carry_is_refused_by_name(void **state)
{
    static const struct {
        int64_t minor, least;
        bool good;
    } rows[] = {
        {O2C_MINOR_MAX, 0, true},
        {0, 0, true},
        {-O2C_MINOR_MAX, -O2C_MINOR_MAX, true},
        {O2C_MINOR_MAX + 1, 0, false},
        {-1, 0, false},
        {0, 1, false},
        {-O2C_MINOR_MAX - 1, -O2C_MINOR_MAX, false},
        {INT64_MAX, INT64_MIN, false},
    };
    struct o2c_err err;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if ((o2c_minor_check("x_minor", rows[i].minor, rows[i].least, &err) == O2C_OK) !=
            rows[i].good)
            fail_msg("row %zu is %s", i, rows[i].good ? "refused" : "taken");
    assert_int_equal(o2c_minor_check("x_minor", -1, 0, &err), O2C_PARK);
    assert_string_equal(err.text, "x_minor: -1 is not between 0 and 1000000000000000");
}

static void every_currency_is_listed_with_its_decimals(void **state)
{
    size_t count = 0;
    (void)state;
    for (int exponent = 0; o2c_currency_codes(exponent); exponent++)
        for (const char *at = o2c_currency_codes(exponent); *at; at += at[3] ? 4 : 3) {
            assert_int_equal(o2c_currency_exponent((struct o2c_str){at, 3}), exponent);
            count++;
        }
    assert_int_equal(count, 170);
    assert_null(o2c_currency_codes(-1));
    assert_null(o2c_currency_codes(5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(currencies_have_the_decimals_of_iso_4217),
        cmocka_unit_test(every_currency_is_listed_with_its_decimals),
        cmocka_unit_test(a_line_is_rounded_half_up_once),
        cmocka_unit_test(an_amount_that_does_not_fit_is_told),
        cmocka_unit_test(an_amount_beyond_what_an_event_may_carry_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
