/* buf.c: growing up to a maximum, and failing once for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

static void numbers_are_written_big_endian(void **state)
{
    (void)state;
    struct o2c_buf buf;
    o2c_buf_init(&buf, 100);
    o2c_buf_add_u8(&buf, 0x01);
    o2c_buf_add_be16(&buf, 0x0203);
    o2c_buf_add_be32(&buf, 0x04050607);
    o2c_buf_add_be64(&buf, 0x08090a0b0c0d0e0f);
    static const char expected[] =
        "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";
    assert_int_equal(buf.len, 15);
    assert_memory_equal(buf.at, expected, 15);
    o2c_buf_clear(&buf);
}

static void texts_are_joined(void **state)
{
    (void)state;
    struct o2c_buf buf;
    o2c_buf_init(&buf, 100);
    o2c_buf_add_text(&buf, "a");
    o2c_buf_add_str(&buf, O2C_STR("bc"));
    o2c_buf_add_str(&buf, (struct o2c_str){NULL, 0});
    o2c_buf_printf(&buf, "-%03d-%s", 7, "x");
    assert_string_equal(o2c_buf_text(&buf), "abc-007-x");
    assert_int_equal(buf.len, 9);
    o2c_buf_reset(&buf);
    assert_string_equal(o2c_buf_text(&buf), "");
    o2c_buf_clear(&buf);
    assert_int_equal(buf.max, 100);
    assert_string_equal(o2c_buf_text(&buf), "");
    o2c_buf_clear(&buf);
}

static void exactly_the_maximum_fits(void **state)
{
    (void)state;
    struct o2c_buf buf;
    o2c_buf_init(&buf, 10);
    o2c_buf_printf(&buf, "%s", "0123456789");
    assert_false(buf.failed);
    assert_string_equal(o2c_buf_text(&buf), "0123456789");
    o2c_buf_add_u8(&buf, 'x');
    assert_true(buf.failed);
    assert_string_equal(o2c_buf_text(&buf), "");
    o2c_buf_clear(&buf);
}

static void after_a_failure_nothing_is_written_until_a_reset(void **state)
{
    (void)state;
    struct o2c_buf buf;
    o2c_buf_init(&buf, 10);
    o2c_buf_add_text(&buf, "abc");
    o2c_buf_printf(&buf, "%s", "too long by far");
    assert_true(buf.failed);
    o2c_buf_add_u8(&buf, 'd');
    assert_null(o2c_buf_extend(&buf, 1));
    assert_false(o2c_buf_reserve(&buf, 1));
    assert_int_equal(buf.len, 3);
    o2c_buf_reset(&buf);
    o2c_buf_add_u8(&buf, 'e');
    assert_string_equal(o2c_buf_text(&buf), "e");
    o2c_buf_clear(&buf);
}

static void lengths_near_the_end_of_size_t_are_refused(void **state)
{
    (void)state;
    struct o2c_buf buf;
    o2c_buf_init(&buf, 1000);
    o2c_buf_add_text(&buf, "abc");
    assert_false(o2c_buf_reserve(&buf, SIZE_MAX));
    assert_false(o2c_buf_reserve(&buf, SIZE_MAX - 3));
    assert_false(buf.failed); /* asking is no writing */
    assert_null(o2c_buf_extend(&buf, SIZE_MAX));
    assert_true(buf.failed);
    o2c_buf_clear(&buf);
}

static void reserved_room_is_there_without_growing(void **state)
{
    (void)state;
    struct o2c_buf buf;
    o2c_buf_init(&buf, 100000);
    assert_true(o2c_buf_reserve(&buf, 50000));
    const char *at = buf.at;
    for (int i = 0; i < 50000; i++)
        o2c_buf_add_u8(&buf, 'x');
    assert_ptr_equal(buf.at, at);
    assert_int_equal(strlen(o2c_buf_text(&buf)), 50000);
    o2c_buf_clear(&buf);
}

static void the_memory_never_exceeds_the_maximum_and_its_nul(void **state)
{
    (void)state;
    struct o2c_buf buf;
    o2c_buf_init(&buf, 3000);
    while (!buf.failed)
        o2c_buf_add_text(&buf, "0123456");
    assert_int_equal(buf.len, 3000 - 3000 % 7);
    assert_true(buf.cap <= 3001);
    o2c_buf_clear(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_big_endian),
        cmocka_unit_test(texts_are_joined),
        cmocka_unit_test(exactly_the_maximum_fits),
        cmocka_unit_test(after_a_failure_nothing_is_written_until_a_reset),
        cmocka_unit_test(lengths_near_the_end_of_size_t_are_refused),
        cmocka_unit_test(reserved_room_is_there_without_growing),
        cmocka_unit_test(the_memory_never_exceeds_the_maximum_and_its_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
