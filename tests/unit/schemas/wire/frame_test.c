#include "schemas/wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "runtime/base/buf.h"

static void a_frame_is_a_zero_and_a_big_endian_id(void **state)
{
    (void)state;
    struct o2c_buf buf;
    struct o2c_err err;
    o2c_buf_init(&buf, 64);
    o2c_frame_write(&buf, 0x01020304);
    o2c_buf_add_text(&buf, "body");
    assert_memory_equal(buf.at,
                        "\x00\x01\x02\x03\x04"
                        "body",
                        9);
    int32_t id;
    struct o2c_str body;
    assert_int_equal(o2c_frame_read((struct o2c_str){buf.at, buf.len}, &id, &body, &err),
                     O2C_OK);
    assert_int_equal(id, 0x01020304);
    assert_true(o2c_str_eq(body, O2C_STR("body")));
    o2c_buf_clear(&buf);
}

static void what_is_not_framed_is_parked(void **state)
{
    (void)state;
    struct o2c_err err;
    int32_t id = 7;
    struct o2c_str body = {NULL, 7};
    static const struct o2c_str rows[] = {{NULL, 0},
                                          {"", 0},
                                          {"\x00\x00\x00\x01", 4},
                                          {"{\"type\"", 7},
                                          {"\x01\x00\x00\x00\x01", 5}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(o2c_frame_read(rows[i], &id, &body, &err), O2C_PARK);
    assert_int_equal(id, 7);
    assert_int_equal(body.len, 7);
    assert_int_equal(
        o2c_frame_read((struct o2c_str){"\x00\x00\x00\x00\x01", 5}, &id, &body, &err),
        O2C_OK);
    assert_int_equal(body.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_a_zero_and_a_big_endian_id),
        cmocka_unit_test(what_is_not_framed_is_parked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
