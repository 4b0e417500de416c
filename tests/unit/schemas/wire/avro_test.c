#include "schemas/wire/avro.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "schemas/events.h"

static struct o2c_avro_reader reading(const void *bytes, size_t len)
{
    return (struct o2c_avro_reader){
        .at = bytes, .end = (const uint8_t *)bytes + len, .budget_bytes = 1 << 20};
}

static void numbers_of_every_length_come_back(void **state)
{
    (void)state;
    struct o2c_buf buf;
    o2c_buf_init(&buf, 1 << 20);
    for (int bit = 0; bit < 64; bit++)
        for (int near = -2; near <= 2; near++) {
            int64_t value = (int64_t)((UINT64_C(1) << bit) + (uint64_t)(int64_t)near);
            int64_t negative = (int64_t)(0 - (uint64_t)value);
            struct o2c_avro_writer to = {.out = &buf};
            o2c_buf_reset(&buf);
            o2c_avro_put_long(&to, value);
            o2c_avro_put_long(&to, negative);
            struct o2c_avro_reader in = reading(buf.at, buf.len);
            assert_true(o2c_avro_long(&in, "x") == value);
            assert_true(o2c_avro_long(&in, "x") == negative);
            assert_true(in.at == in.end && !in.fault.failed);
        }
    o2c_buf_clear(&buf);
}

static void a_number_of_more_than_64_bits_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *what;
        size_t len;
    } rows[] = {
        {"", "the bytes end in it", 0},
        {"\x80", "the bytes end in it", 1},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "its number does not fit 64 bits", 10},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "its number does not fit 64 bits",
         11},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", "its number does not fit 64 bits",
         11},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct o2c_avro_reader in = reading(rows[i].bytes, rows[i].len);
        assert_true(o2c_avro_long(&in, "amount") == 0);
        assert_true(in.fault.failed);
        assert_string_equal(in.fault.what, rows[i].what);
        assert_string_equal(in.fault.path, "amount");
    }
    struct o2c_avro_reader in = reading("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_true(o2c_avro_long(&in, "x") == INT64_MIN && !in.fault.failed);
}

static void an_int_of_more_than_32_bits_is_refused(void **state)
{
    (void)state;
    struct o2c_avro_reader in = reading("\x80\x80\x80\x80\x10", 5); /* 2^31 */
    assert_int_equal(o2c_avro_int(&in, "x"), 0);
    assert_string_equal(in.fault.what, "its number does not fit 32 bits");
    in = reading("\xfe\xff\xff\xff\x0f", 5);
    assert_int_equal(o2c_avro_int(&in, "x"), INT32_MAX);
    assert_false(in.fault.failed);
}

static void a_length_is_never_believed(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"\x06\x61\x62", 3},                              /* 3 of 2 bytes */
        {"\x01\x61\x62", 3},                              /* -1 */
        {"\xfe\xff\xff\xff\x0f", 5},                      /* 2^31 - 1 */
        {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10}, /* 2^63 - 1 */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct o2c_avro_reader in = reading(rows[i].bytes, rows[i].len);
        assert_int_equal(o2c_avro_string(&in, "name").len, 0);
        assert_string_equal(in.fault.what, "its length is not that of the bytes");
    }
}

static void strings_must_be_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x04\xc3\x28", "\x04\x61\0", "\x02\xff",
                                      "\x06\xed\xa0\x80"};
    static const size_t lens[] = {3, 3, 2, 4};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct o2c_avro_reader in = reading(bad[i], lens[i]);
        o2c_avro_string(&in, "name");
        assert_true(in.fault.failed);
    }
    struct o2c_avro_reader in = reading("\x00", 1);
    struct o2c_str empty = o2c_avro_string(&in, "name");
    assert_true(empty.at && !empty.len && !in.fault.failed);
}

static void booleans_enums_and_unions_have_only_their_own_values(void **state)
{
    (void)state;
    struct o2c_avro_reader in = reading("\x02", 1);
    o2c_avro_boolean(&in, "x");
    assert_string_equal(in.fault.what, "its byte is no boolean");
    in = reading("", 0);
    o2c_avro_boolean(&in, "x");
    assert_string_equal(in.fault.what, "the bytes end before it");
    in = reading("\x06", 1);
    assert_int_equal(o2c_avro_enum(&in, 3, "x"), 0);
    assert_string_equal(in.fault.what, "its enum has no such symbol");
    in = reading("\x01", 1);
    o2c_avro_enum(&in, 3, "x");
    assert_true(in.fault.failed);
    in = reading("\x04", 1);
    assert_false(o2c_avro_present(&in, "x"));
    assert_string_equal(in.fault.what, "its union has no such branch");
}

static void dates_outside_the_calendar_are_refused(void **state)
{
    (void)state;
    struct o2c_avro_reader in = reading("\xfe\xff\xff\xff\x0f", 5);
    assert_int_equal(o2c_avro_date(&in, "x"), 0);
    assert_true(in.fault.failed);
    in = reading("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_true(o2c_avro_timestamp(&in, "x") == 0);
    assert_true(in.fault.failed);
}

/* Reads an array of longs; false after a fault. */
static bool read_longs(struct o2c_avro_reader *in, struct o2c_avro_array *array)
{
    *array = (struct o2c_avro_array){.item_bytes = sizeof(int64_t), .least_wire_bytes = 1};
    while (o2c_avro_block(in, array, "list"))
        for (; array->read < array->count; array->read++)
            ((int64_t *)array->items)[array->read] = o2c_avro_long(in, "list");
    return !in->fault.failed;
}

static void arrays_come_in_blocks_with_or_without_their_size(void **state)
{
    struct o2c_arena *arena = *state;
    struct o2c_avro_array array;
    /* 2 items, then -1 item in 1 byte, then 3 items, then the end */
    struct o2c_avro_reader in = reading("\x04\x02\x04\x01\x02\x06\x06\x08\x0a\x0c\x00", 11);
    in.arena = arena;
    assert_true(read_longs(&in, &array));
    assert_true(in.at == in.end);
    assert_int_equal(array.count, 6);
    for (int64_t i = 0; i < 6; i++)
        assert_true(((const int64_t *)array.items)[i] == i + 1);
}

static void an_array_never_takes_more_than_its_bytes_can_hold(void **state)
{
    struct o2c_arena *arena = *state;
    static const struct {
        const char *bytes, *what;
        size_t len;
    } rows[] = {
        {"\x80\x80\x80\x80\x08\x00", "it has more items than bytes", 6}, /* 2^30 items */
        {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", "it has more items than bytes",
         11},
        {"\x01\x80\x80\x04\x02\x00", "its block is longer than the bytes", 6},
        {"\x01\x01\x02\x00", "its block is longer than the bytes", 4}, /* size -1 */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x02\x00",
         "its block is longer than the bytes", 13}, /* count INT64_MIN */
        {"\x02\x02", "the bytes end in it", 2},     /* no end of the array */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct o2c_avro_array array;
        struct o2c_avro_reader in = reading(rows[i].bytes, rows[i].len);
        in.arena = arena;
        size_t before = arena->used_bytes;
        assert_false(read_longs(&in, &array));
        assert_string_equal(in.fault.what, rows[i].what);
        assert_true(arena->used_bytes - before < 64);
    }
}

static void an_array_has_a_greatest_number_of_items_over_all_its_blocks(void **state)
{
    struct o2c_arena *arena = *state;
    struct o2c_buf buf;
    o2c_buf_init(&buf, 1 << 20);
    for (int over = 0; over < 2; over++) {
        struct o2c_avro_writer to = {.out = &buf};
        o2c_buf_reset(&buf);
        for (int i = 0; i < O2C_EVENT_MAX_ITEMS + over; i++) {
            o2c_avro_put_long(&to, 1);
            o2c_avro_put_long(&to, i);
        }
        o2c_avro_put_long(&to, 0);
        struct o2c_avro_array array;
        struct o2c_avro_reader in = reading(buf.at, buf.len);
        in.arena = arena;
        assert_int_equal(read_longs(&in, &array), !over);
        if (over)
            assert_string_equal(in.fault.what, "it has too many items");
    }
    o2c_buf_clear(&buf);
}

static void what_an_event_may_allocate_is_bounded(void **state)
{
    struct o2c_arena *arena = *state;
    struct o2c_avro_array array;
    struct o2c_avro_reader in = reading("\x08\x02\x02\x02\x02\x00", 6);
    in.arena = arena;
    in.budget_bytes = 31;
    assert_false(read_longs(&in, &array));
    assert_string_equal(in.fault.what, "the event takes too much memory");
    assert_false(in.fault.no_memory);
}

static void after_a_fault_nothing_more_is_read(void **state)
{
    (void)state;
    struct o2c_avro_reader in = reading("\x02"
                                        "a\x02"
                                        "b",
                                        4);
    o2c_avro_fail(&in, "first", "made up");
    assert_true(o2c_avro_long(&in, "second") == 0);
    assert_int_equal(o2c_avro_string(&in, "third").len, 0);
    assert_false(o2c_avro_boolean(&in, "fourth"));
    assert_null(o2c_avro_alloc(&in, 8, "fifth"));
    assert_string_equal(in.fault.path, "first");
    assert_string_equal(in.fault.what, "made up");
}

static void the_path_of_a_fault_is_cut_rather_than_overrun(void **state)
{
    (void)state;
    struct o2c_avro_reader in = reading("", 0);
    o2c_avro_fail(&in, "sku", "made up");
    o2c_avro_within_item(&in.fault, "lines", 3);
    assert_string_equal(in.fault.path, "lines[3].sku");
    for (int i = 0; i < 20; i++)
        o2c_avro_within(&in.fault, "outer_record");
    assert_true(strlen(in.fault.path) < sizeof(in.fault.path));
    assert_memory_equal(in.fault.path, "outer_record.outer_record.", 26);
}

static int set_up(void **state)
{
    static struct o2c_arena arena;
    o2c_arena_init(&arena, 1 << 20);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    o2c_arena_clear(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_every_length_come_back),
        cmocka_unit_test(a_number_of_more_than_64_bits_is_refused),
        cmocka_unit_test(an_int_of_more_than_32_bits_is_refused),
        cmocka_unit_test(a_length_is_never_believed),
        cmocka_unit_test(strings_must_be_text),
        cmocka_unit_test(booleans_enums_and_unions_have_only_their_own_values),
        cmocka_unit_test(dates_outside_the_calendar_are_refused),
        cmocka_unit_test(arrays_come_in_blocks_with_or_without_their_size),
        cmocka_unit_test(an_array_never_takes_more_than_its_bytes_can_hold),
        cmocka_unit_test(an_array_has_a_greatest_number_of_items_over_all_its_blocks),
        cmocka_unit_test(what_an_event_may_allocate_is_bounded),
        cmocka_unit_test(after_a_fault_nothing_more_is_read),
        cmocka_unit_test(the_path_of_a_fault_is_cut_rather_than_overrun),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
