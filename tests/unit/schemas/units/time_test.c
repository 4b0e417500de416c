#include "schemas/units/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void every_day_of_the_calendar_comes_back(void **state)
{
    (void)state;
    for (int32_t days = O2C_DATE_MIN; days <= O2C_DATE_MAX; days++) {
        int year, month, day;
        int32_t again = 0;
        o2c_date_split(days, &year, &month, &day);
        assert_true(o2c_date_of(year, month, day, &again));
        assert_int_equal(again, days);
    }
}

static void days_are_counted_from_1970(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t days;
    } rows[] = {{"1970-01-01", 0},     {"1969-12-31", -1},      {"2000-02-29", 11016},
                {"2026-01-31", 20484}, {"0001-01-01", -719162}, {"9999-12-31", 2932896},
                {"2100-03-01", 47541}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int32_t days;
        char text[O2C_DATE_TEXT + 1];
        assert_true(o2c_date_parse(o2c_str_from(rows[i].text), &days));
        assert_int_equal(days, rows[i].days);
        o2c_date_format(days, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-01-00",
        "2026-01-32", "2026-04-31", "0000-01-01", "2026-1-31",  "20260131",   "2026-01-31 ",
        "2026/01/31", "+026-01-31", "2026-01-3x", "26-01-31",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        int32_t days = 7;
        if (o2c_date_parse(o2c_str_from(texts[i]), &days))
            fail_msg("\"%s\" was taken", texts[i]);
        assert_int_equal(days, 7);
    }
}

static void moments_are_read_to_the_microsecond(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
        int64_t us;
    } rows[] = {
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.5Z", "1970-01-01T00:00:00.500000Z", 500000},
        {"1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.000001Z", 1},
        {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", -1},
        {"2026-01-31T10:20:30+00:00", "2026-01-31T10:20:30Z", INT64_C(1769854830000000)},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", O2C_TIMESTAMP_MIN},
        {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z", O2C_TIMESTAMP_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int64_t us;
        char text[O2C_TIMESTAMP_TEXT + 1];
        if (!o2c_timestamp_parse(o2c_str_from(rows[i].text), &us))
            fail_msg("\"%s\" was refused", rows[i].text);
        assert_true(us == rows[i].us);
        o2c_timestamp_format(us, text);
        assert_string_equal(text, rows[i].written);
    }
}

static void what_is_no_utc_moment_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "Z",
        "2026-01-31",
        "2026-01-31T10:20:30",
        "2026-01-31T10:20:30+01:00",
        "2026-01-31T10:20:30-00:00",
        "2026-01-31 10:20:30Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T10:60:00Z",
        "2026-01-31T23:59:60Z",
        "2026-01-31T10:20Z",
        "2026-01-31T10:20:30.Z",
        "2026-01-31T10:20:30.1234567Z",
        "2026-01-31T10:20:30,5Z",
        "2026-01-31T10:20:30.12x4Z",
        "2026-02-30T10:20:30Z",
        "2026-01-31T1a:20:30Z",
        "2026-01-31T10:20:30ZZ",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        int64_t us = 7;
        if (o2c_timestamp_parse(o2c_str_from(texts[i]), &us))
            fail_msg("\"%s\" was taken", texts[i]);
        assert_true(us == 7);
    }
    int64_t us = 7;
    assert_false(o2c_timestamp_parse((struct o2c_str){NULL, 0}, &us)); /* absent */
    assert_true(us == 7);
}

static void a_moment_before_1970_belongs_to_its_own_day(void **state)
{
    (void)state;
    assert_int_equal(o2c_timestamp_date(-1), -1);
    assert_int_equal(o2c_timestamp_date(-O2C_DAY_US), -1);
    assert_int_equal(o2c_timestamp_date(-O2C_DAY_US - 1), -2);
    assert_int_equal(o2c_timestamp_date(O2C_DAY_US - 1), 0);
    assert_int_equal(o2c_timestamp_date(O2C_DAY_US), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_the_calendar_comes_back),
        cmocka_unit_test(days_are_counted_from_1970),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(moments_are_read_to_the_microsecond),
        cmocka_unit_test(what_is_no_utc_moment_is_refused),
        cmocka_unit_test(a_moment_before_1970_belongs_to_its_own_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
