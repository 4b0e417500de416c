/* str.c: comparing, numbers, and what PostgreSQL takes as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/str.h"

#include "runtime/base/banned.h"

static const struct o2c_str absent = {NULL, 0};

static void absent_equals_only_absent(void **state)
{
    (void)state;
    assert_true(o2c_str_eq(absent, o2c_str_from(NULL)));
    assert_false(o2c_str_eq(absent, O2C_STR("")));
    assert_false(o2c_str_eq(O2C_STR(""), absent));
    assert_true(o2c_str_eq(O2C_STR(""), o2c_str_from("")));
    assert_true(o2c_str_eq(O2C_STR("ab"), o2c_str_from("ab")));
    assert_false(o2c_str_eq(O2C_STR("ab"), O2C_STR("abc")));
    assert_false(o2c_str_eq(O2C_STR("ab"), O2C_STR("ac")));
}

static void the_order_is_that_of_bytes(void **state)
{
    (void)state;
    const struct o2c_str ascending[] = {absent,          O2C_STR(""),        O2C_STR("A"),
                                        O2C_STR("AB"),   O2C_STR("B"),       O2C_STR("a"),
                                        O2C_STR("\x7f"), O2C_STR("\xc3\xa4")};
    const size_t count = sizeof ascending / sizeof ascending[0];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            int order = o2c_str_cmp(ascending[i], ascending[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
}

static void whole_numbers_are_read_to_both_ends(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+17", 17},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = 99;
        assert_true(o2c_str_to_int64(o2c_str_from(good[i].text), &value));
        assert_int_equal(value, good[i].value);
    }
}

static void what_is_no_whole_number_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {NULL,
                         "",
                         "-",
                         "+",
                         " 1",
                         "1 ",
                         "1.0",
                         "1e3",
                         "0x1",
                         "--1",
                         "1\n",
                         "9223372036854775808",
                         "-9223372036854775809",
                         "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value = 99;
        assert_false(o2c_str_to_int64(o2c_str_from(bad[i]), &value));
        assert_int_equal(value, 99);
    }
    int64_t value;
    assert_false(o2c_str_to_int64((struct o2c_str){"1\0002", 3}, &value));
}

static void well_formed_text_is_taken(void **state)
{
    (void)state;
    const struct o2c_str good[] = {
        absent,
        O2C_STR(""),
        O2C_STR("plain ASCII, longer than one word of the machine\t\n\x7f"),
        O2C_STR("\xc2\x80 \xdf\xbf"),
        O2C_STR("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"),
        O2C_STR("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"),
        O2C_STR("1234567\xe2\x82\xac"), /* across the border of a word */
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(o2c_str_is_text(good[i]));
}

static void what_postgresql_would_refuse_is_no_text(void **state)
{
    (void)state;
    const struct o2c_str bad[] = {O2C_STR("\0"),
                                  O2C_STR("1234567\0abcdefgh"),
                                  O2C_STR("12345678\0"),
                                  O2C_STR("\x80"),
                                  O2C_STR("abcdefgh\xbf"),
                                  O2C_STR("\xc0\x80"),
                                  O2C_STR("\xc1\xbf"),
                                  O2C_STR("\xc2"),
                                  O2C_STR("\xc2 "),
                                  O2C_STR("\xe0\x9f\xbf"),
                                  O2C_STR("\xe2\x82"),
                                  O2C_STR("\xe2\x82 "),
                                  O2C_STR("\xed\xa0\x80"),
                                  O2C_STR("\xed\xbf\xbf"),
                                  O2C_STR("\xf0\x8f\xbf\xbf"),
                                  O2C_STR("\xf0\x90\x80"),
                                  O2C_STR("\xf4\x90\x80\x80"),
                                  O2C_STR("\xf5\x80\x80\x80"),
                                  O2C_STR("\xfe"),
                                  O2C_STR("\xff")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(o2c_str_is_text(bad[i]));
}

/* Every code point once, encoded by hand; surrogates must be refused. */
static void every_code_point_is_judged_rightly(void **state)
{
    (void)state;
    for (uint32_t code = 1; code <= 0x10ffff; code++) {
        char at[4];
        size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        static const unsigned lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = len - 1, rest = code; i > 0; i--, rest >>= 6)
            at[i] = (char)(0x80 | (rest & 0x3f));
        at[0] = (char)(lead[len] | code >> (6 * (len - 1)));
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        if (o2c_str_is_text((struct o2c_str){at, len}) == surrogate ||
            o2c_str_character((struct o2c_str){at, len}) != (surrogate ? 0 : len))
            fail_msg("U+%04X", code);
    }
}

static void a_text_is_gone_along_by_characters(void **state)
{
    (void)state;
    assert_int_equal(o2c_str_character(O2C_STR("ab")), 1);
    assert_int_equal(o2c_str_character(O2C_STR("\xc3\xa9"
                                               "ab")),
                     2);
    assert_int_equal(o2c_str_character(O2C_STR("\xff"
                                               "ab")),
                     0);
    assert_int_equal(o2c_str_character(O2C_STR("\0")), 0);
    assert_int_equal(o2c_str_character(O2C_STR("")), 0);
    assert_int_equal(o2c_str_character((struct o2c_str){NULL, 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_equals_only_absent),
        cmocka_unit_test(the_order_is_that_of_bytes),
        cmocka_unit_test(whole_numbers_are_read_to_both_ends),
        cmocka_unit_test(what_is_no_whole_number_is_refused),
        cmocka_unit_test(well_formed_text_is_taken),
        cmocka_unit_test(what_postgresql_would_refuse_is_no_text),
        cmocka_unit_test(every_code_point_is_judged_rightly),
        cmocka_unit_test(a_text_is_gone_along_by_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
