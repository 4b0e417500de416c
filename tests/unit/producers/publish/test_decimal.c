#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/decimal.h"

static const struct o2c_decimal_format plain = {'.', '\0', O2C_ROUNDING_NONE};

static int64_t parsed(const char *text, int places, const struct o2c_decimal_format *format)
{
    int64_t value = INT64_MIN;
    struct o2c_err err = {.text = ""};
    if (o2c_decimal_parse(o2c_str_from(text), format, places, &value, &err))
        print_error("\"%s\": %s\n", text, err.text);
    return value;
}

static void check_refused(const char *text, int places,
                          const struct o2c_decimal_format *format, const char *why)
{
    int64_t value = 77;
    struct o2c_err err;
    assert_int_equal(o2c_decimal_parse(o2c_str_from(text), format, places, &value, &err),
                     O2C_PARK);
    assert_string_equal(err.text, why);
    assert_int_equal(value, 77);
}

static void decimals_become_exact_whole_numbers(void **state)
{
    static const struct {
        const char *text;
        int places;
        int64_t value;
    } rows[] = {
        {"0", 2, 0},
        {"12", 0, 12},
        {"12.34", 2, 1234},
        {"-12.34", 2, -1234},
        {"+1.5", 2, 150},
        {".5", 2, 50},
        {"5.", 2, 500},
        {"108.06", 6, 108060000},
        {"12.3400", 2, 1234},
        {"0.1", 6, 100000},
        {"000123", 0, 123},
        {"-0.00", 2, 0},
        {"9223372036854775807", 0, INT64_MAX},
        {"92233720368547758.07", 2, INT64_MAX},
        {"-9223372036854775807", 0, -INT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(parsed(rows[i].text, rows[i].places, &plain), rows[i].value);
}

static void rounding_does_not_wrap_around(void **state)
{
    struct o2c_decimal_format half_up = plain;
    (void)state;
    half_up.rounding = O2C_ROUNDING_HALF_UP;
    check_refused("184467440737095516.155", 2, &half_up, "is too large");
    check_refused("92233720368547758.075", 2, &half_up, "is too large");
    assert_int_equal(parsed("92233720368547758.065", 2, &half_up), INT64_MAX);
}

static void what_is_no_decimal_number_is_refused(void **state)
{
    static const char *const texts[] = {"",       "abc",   "1.2.3", "-",   ".",
                                        "1e5",    "1 000", "1,5",   "--1", "0x10",
                                        "12.34$", "NaN",   "+"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        check_refused(texts[i], 2, &plain, "is no decimal number");
}

static void too_many_decimals_are_an_error_unless_a_rounding_is_named(void **state)
{
    (void)state;
    check_refused("1.235", 2, &plain,
                  "has more than 2 decimals (name a rounding to allow it)");
    check_refused("1.0001", 2, &plain,
                  "has more than 2 decimals (name a rounding to allow it)");
    assert_int_equal(parsed("1.2300", 2, &plain), 123);
}

static void roundings_do_what_their_names_say(void **state)
{
    static const struct {
        const char *text;
        int64_t half_up, half_even, down;
    } rows[] = {
        {"1.234", 123, 123, 123},     {"1.235", 124, 124, 123},
        {"1.245", 125, 124, 124},     {"1.2451", 125, 125, 124},
        {"-1.235", -124, -124, -123}, {"-1.225", -123, -122, -122},
        {"0.005", 1, 0, 0},           {"0.0050000001", 1, 1, 0},
        {"9.999", 1000, 1000, 999},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct o2c_decimal_format format = plain;
        format.rounding = O2C_ROUNDING_HALF_UP;
        assert_int_equal(parsed(rows[i].text, 2, &format), rows[i].half_up);
        format.rounding = O2C_ROUNDING_HALF_EVEN;
        assert_int_equal(parsed(rows[i].text, 2, &format), rows[i].half_even);
        format.rounding = O2C_ROUNDING_DOWN;
        assert_int_equal(parsed(rows[i].text, 2, &format), rows[i].down);
    }
}

static void thousands_stand_in_groups_of_three(void **state)
{
    const struct o2c_decimal_format german = {',', '.', O2C_ROUNDING_NONE};
    const char *const wrong[] = {"1.23,45",  "12.3456", ".123",
                                 "1234.567", "1..234",  "1.23"};
    (void)state;
    assert_int_equal(parsed("1.234,56", 2, &german), 123456);
    assert_int_equal(parsed("1.234.567", 2, &german), 123456700);
    assert_int_equal(parsed("1234,5", 2, &german), 123450);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        check_refused(wrong[i], 2, &german, "has a thousands separator in a wrong place");
}

static void numbers_beyond_int64_are_refused(void **state)
{
    (void)state;
    check_refused("9223372036854775808", 0, &plain, "is too large");
    check_refused("92233720368547758.08", 2, &plain, "is too large");
    check_refused("10000000000000", 6, &plain, "is too large");
    check_refused("99999999999999999999999999", 0, &plain, "is too large");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_become_exact_whole_numbers),
        cmocka_unit_test(rounding_does_not_wrap_around),
        cmocka_unit_test(what_is_no_decimal_number_is_refused),
        cmocka_unit_test(too_many_decimals_are_an_error_unless_a_rounding_is_named),
        cmocka_unit_test(roundings_do_what_their_names_say),
        cmocka_unit_test(thousands_stand_in_groups_of_three),
        cmocka_unit_test(numbers_beyond_int64_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
