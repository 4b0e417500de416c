#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/day.h"
#include "schemas/units/time.h"

static void dates_are_read_by_their_pattern(void **state)
{
    static const struct {
        const char *text, *pattern, *iso;
    } rows[] = {
        {"2003-01-09", "YYYY-MM-DD", "2003-01-09"},
        {"1/2/2013", "M/D/YYYY", "2013-01-02"},
        {"12/31/2013", "M/D/YYYY", "2013-12-31"},
        {"05.01.2010", "DD.MM.YYYY", "2010-01-05"},
        {"5.1.2010", "D.M.YYYY", "2010-01-05"},
        {"20100105", "YYYYMMDD", "2010-01-05"},
        {"5-Jan-10", "D-Mon-YY", "2010-01-05"},
        {"05-DEC-69", "DD-Mon-YY", "2069-12-05"},
        {"05-dec-70", "DD-Mon-YY", "1970-12-05"},
        {"2004-02-29", "YYYY-MM-DD", "2004-02-29"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct o2c_day day;
        char iso[O2C_DATE_TEXT + 1];
        assert_true(
            o2c_day_parse(o2c_str_from(rows[i].text), o2c_str_from(rows[i].pattern), &day));
        o2c_date_format(day.days, iso);
        assert_string_equal(iso, rows[i].iso);
        assert_int_equal(day.second, -1);
    }
}

static void what_does_not_fit_exactly_is_refused(void **state)
{
    static const struct {
        const char *text, *pattern;
    } rows[] = {
        {"2003-1-9", "YYYY-MM-DD"},
        {"2003-01-09 ", "YYYY-MM-DD"},
        {"2003-02-29", "YYYY-MM-DD"},
        {"2003-13-01", "YYYY-MM-DD"},
        {"2003-00-10", "YYYY-MM-DD"},
        {"0000-01-01", "YYYY-MM-DD"},
        {"31.06.2010", "DD.MM.YYYY"},
        {"", "YYYY-MM-DD"},
        {"2003-01", "YYYY-MM-DD"},
        {"5-Jum-10", "D-Mon-YY"},
        {"2003-01-09T25:00:00Z", "YYYY-MM-DDThh:mm:ssZ"},
        {"2003-01-09 10:60", "YYYY-MM-DD hh:mm"},
    };
    struct o2c_day day = {7, 7};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(
            o2c_day_parse(o2c_str_from(rows[i].text), o2c_str_from(rows[i].pattern), &day));
    assert_int_equal(day.days, 7);
}

static void times_are_moved_to_utc(void **state)
{
    static const struct {
        const char *text, *pattern;
        int32_t zone;
        const char *iso;
    } rows[] = {
        {"2010-01-31 10:20:30", "YYYY-MM-DD hh:mm:ss", 0, "2010-01-31T10:20:30Z"},
        {"1/31/2010 9:05", "M/D/YYYY h:mm", 60, "2010-01-31T08:05:00Z"},
        {"2010-01-01 00:30:00", "YYYY-MM-DD hh:mm:ss", 60, "2009-12-31T23:30:00Z"},
        {"2010-12-31 23:30:00", "YYYY-MM-DD hh:mm:ss", -330, "2011-01-01T05:00:00Z"},
        {"2010-01-31", "YYYY-MM-DD", 0, "2010-01-31T00:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct o2c_day day;
        char iso[O2C_TIMESTAMP_TEXT + 1];
        assert_true(
            o2c_day_parse(o2c_str_from(rows[i].text), o2c_str_from(rows[i].pattern), &day));
        o2c_timestamp_format(o2c_day_moment_us(&day, rows[i].zone), iso);
        assert_string_equal(iso, rows[i].iso);
    }
}

static void patterns_that_are_not_understood_are_named(void **state)
{
    static const struct {
        const char *pattern, *why;
    } rows[] = {
        {"YYYY-MM", "the pattern lacks the day"},
        {"MM/DD", "the pattern lacks the year"},
        {"YYYY DD", "the pattern lacks the month"},
        {"YYYY-MM-DD x",
         "\"x\" is not understood in a date pattern (YYYY, YY, MM, M, Mon, DD, "
         "D, hh, h, mm, ss)"},
    };
    struct o2c_err err;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(o2c_day_pattern_check(o2c_str_from(rows[i].pattern), &err),
                         O2C_PARK);
        assert_string_equal(err.text, rows[i].why);
    }
    assert_int_equal(o2c_day_pattern_check(O2C_STR("YYYY-MM-DDThh:mm:ssZ"), &err), O2C_OK);
}

static void times_of_day_and_zones_are_read(void **state)
{
    int32_t value = -5;
    (void)state;
    assert_true(o2c_day_time(O2C_STR("09:30"), &value));
    assert_int_equal(value, 34200);
    assert_true(o2c_day_time(O2C_STR("23:59:59"), &value));
    assert_int_equal(value, 86399);
    assert_true(o2c_day_zone(O2C_STR("-05:30"), &value));
    assert_int_equal(value, -330);
    assert_true(o2c_day_zone(O2C_STR("+01:00"), &value));
    assert_int_equal(value, 60);
    assert_false(o2c_day_time(O2C_STR("9:30"), &value));
    assert_false(o2c_day_time(O2C_STR("24:00"), &value));
    assert_false(o2c_day_time(O2C_STR("09-30"), &value));
    assert_false(o2c_day_time(O2C_STR("09:30-10"), &value));
    assert_false(o2c_day_zone(O2C_STR("01:00"), &value));
    assert_false(o2c_day_zone(O2C_STR("+15:00"), &value));
    assert_int_equal(value, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read_by_their_pattern),
        cmocka_unit_test(what_does_not_fit_exactly_is_refused),
        cmocka_unit_test(times_are_moved_to_utc),
        cmocka_unit_test(patterns_that_are_not_understood_are_named),
        cmocka_unit_test(times_of_day_and_zones_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
