/* The bytes PostgreSQL's binary formats consist of; tests/integration/pg asks PostgreSQL.
 */
#include "runtime/pg/binary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/banned.h"

static struct o2c_pg_params params;

static int setup(void **state)
{
    (void)state;
    o2c_pg_params_init(&params, 10000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    o2c_pg_params_clear(&params);
    return 0;
}

/* The bytes of a parameter as hexadecimal digits. */
static const char *bytes_of(int param)
{
    static char text[1000];

    *text = '\0';
    for (int32_t i = 0; i < params.len[param]; i++)
        snprintf(text + 2 * (size_t)i, sizeof text - 2 * (size_t)i, "%02x",
                 (unsigned char)params.buf.at[params.start[param] + (size_t)i]);
    return text;
}

static void scalars_are_big_endian_and_absent_text_is_null(void **state)
{
    (void)state;
    o2c_pg_add_int4(&params, -2);
    o2c_pg_add_int8(&params, INT64_MIN);
    o2c_pg_add_text(&params, O2C_STR("abc"));
    o2c_pg_add_text(&params, O2C_STR(""));
    o2c_pg_add_text(&params, (struct o2c_str){NULL, 0});
    assert_int_equal(params.count, 5);
    assert_string_equal(bytes_of(0), "fffffffe");
    assert_string_equal(bytes_of(1), "8000000000000000");
    assert_string_equal(bytes_of(2), "616263");
    assert_int_equal(params.len[3], 0);
    assert_int_equal(params.len[4], -1);
    o2c_pg_params_reset(&params);
    assert_int_equal(params.count, 0);
}

static void an_array_has_its_header_and_a_length_before_each_element(void **state)
{
    struct o2c_pg_array array;

    (void)state;
    o2c_pg_array_begin(&array, &params, O2C_OID_TEXT);
    o2c_pg_array_text(&array, O2C_STR("ab"));
    o2c_pg_array_text(&array, (struct o2c_str){NULL, 0});
    o2c_pg_array_text(&array, O2C_STR(""));
    o2c_pg_array_end(&array);
    assert_string_equal(bytes_of(0), /* dimensions, NULLs, type, count, lower bound */
                        "0000000100000001000000190000000300000001"
                        "000000026162"
                        "ffffffff"
                        "00000000");
}

static void an_empty_array_has_no_dimension(void **state)
{
    struct o2c_pg_array array;

    (void)state;
    o2c_pg_array_begin(&array, &params, O2C_OID_INT8);
    o2c_pg_array_end(&array);
    o2c_pg_add_int4(&params, 1);
    assert_string_equal(bytes_of(0), "000000000000000000000014");
    assert_string_equal(bytes_of(1), "00000001");
}

static void times_are_counted_from_2000(void **state)
{
    struct o2c_pg_array array;

    (void)state;
    o2c_pg_array_begin(&array, &params, O2C_OID_DATE);
    o2c_pg_array_date(&array, 10957);
    o2c_pg_array_date(&array, 10956);
    o2c_pg_array_end(&array);
    assert_string_equal(bytes_of(0) + 40, "0000000400000000"
                                          "00000004ffffffff");
    o2c_pg_array_begin(&array, &params, O2C_OID_TIMESTAMPTZ);
    o2c_pg_array_timestamp(&array, 946684800000001);
    o2c_pg_array_end(&array);
    assert_string_equal(bytes_of(1) + 40, "000000080000000000000001");
}

static void a_composite_tells_type_and_length_of_each_field(void **state)
{
    static const int32_t numbers[] = {7, -1};
    static const int64_t sums[] = {7, -1};
    struct o2c_pg_array array;

    (void)state;
    o2c_pg_array_begin(&array, &params, 16500);
    o2c_pg_composite_begin(&array, 6);
    o2c_pg_field_bool(&array, true);
    o2c_pg_field_null(&array, O2C_OID_INT8);
    o2c_pg_field_text(&array, O2C_STR("xyz"));
    o2c_pg_field_int4_array(&array, numbers, 2);
    o2c_pg_field_int4_array(&array, NULL, 0);
    o2c_pg_field_int8_array(&array, sums, 2);
    o2c_pg_composite_end(&array);
    o2c_pg_array_end(&array);
    assert_string_equal(bytes_of(0) + 40, /* behind the array's header: bytes, fields */
                        "0000009400000006"
                        "000000100000000101"
                        "00000014ffffffff"
                        "000000190000000378797a"
                        "000003ef00000024"
                        "0000000100000000000000170000000200000001"
                        "000000040000000700000004ffffffff"
                        "000003ef0000000c"
                        "000000000000000000000017"
                        "000003f80000002c"
                        "0000000100000000000000140000000200000001"
                        "000000080000000000000007"
                        "00000008ffffffffffffffff");
}

/* Wherever the room ends the buffer says so, and nothing is written past it. */
static void what_does_not_fit_is_told_wherever_it_ends(void **state)
{
    static const int32_t numbers[] = {1, 2, 3};
    static const int64_t sums[] = {1, 2, 3};
    struct o2c_uuid uuid = {.byte = {1}};
    size_t max = 0;
    bool failed = true;

    while (failed) {
        struct o2c_pg_array array;

        teardown(state);
        o2c_pg_params_init(&params, ++max);
        o2c_pg_add_int8(&params, 1);
        o2c_pg_array_begin(&array, &params, 16500);
        o2c_pg_composite_begin(&array, 9);
        o2c_pg_field_int4(&array, 1);
        o2c_pg_field_int8(&array, 1);
        o2c_pg_field_date(&array, 1);
        o2c_pg_field_timestamp(&array, 1);
        o2c_pg_field_text(&array, O2C_STR("some text"));
        o2c_pg_field_bytes(&array, O2C_STR("bytes"));
        o2c_pg_field_uuid(&array, &uuid);
        o2c_pg_field_int4_array(&array, numbers, 3);
        o2c_pg_field_int8_array(&array, sums, 3);
        o2c_pg_composite_end(&array);
        o2c_pg_array_end(&array);
        o2c_pg_array_begin(&array, &params, O2C_OID_UUID);
        o2c_pg_array_uuid(&array, &uuid);
        o2c_pg_array_end(&array);
        assert_true(params.buf.len <= max);
        failed = params.buf.failed;
    }
    assert_int_equal(max, params.buf.len); /* the first that is enough is exactly enough */
}

static void columns_are_read_back(void **state)
{
    static PGresAttDesc columns[] = {{.name = (char *)(uintptr_t) "c", .format = 1}};
    static const struct {
        const char *bytes;
        int len;
    } rows[] = {{"\377\377\377\376", 4},
                {"\200\0\0\0\0\0\0\0", 8},
                {"\377\377\377\377", 4},
                {"\0\0\0\0\0\0\0\5", 8},
                {"text", 4},
                {NULL, -1},
                {"\1", 1}};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    (void)state;
    assert_true(PQsetResultAttrs(result, 1, columns));
    for (int i = 0; i < 7; i++)
        assert_true(
            PQsetvalue(result, i, 0, (char *)(uintptr_t)rows[i].bytes, rows[i].len));
    assert_int_equal(o2c_pg_get_int4(result, 0, 0), -2);
    assert_true(o2c_pg_get_int8(result, 1, 0) == INT64_MIN);
    assert_int_equal(o2c_pg_get_date(result, 2, 0), 10956);
    assert_int_equal(o2c_pg_get_timestamp(result, 3, 0), 946684800000005);
    assert_true(o2c_str_eq(o2c_pg_get_text(result, 4, 0), O2C_STR("text")));
    assert_true(o2c_pg_get_null(result, 5, 0));
    assert_null(o2c_pg_get_text(result, 5, 0).at);
    assert_true(o2c_pg_get_bool(result, 6, 0));
    PQclear(result);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(scalars_are_big_endian_and_absent_text_is_null),
        TEST(an_array_has_its_header_and_a_length_before_each_element),
        TEST(an_empty_array_has_no_dimension),
        TEST(times_are_counted_from_2000),
        TEST(a_composite_tells_type_and_length_of_each_field),
        TEST(what_does_not_fit_is_told_wherever_it_ends),
        TEST(columns_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
