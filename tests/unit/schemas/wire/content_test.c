#include "schemas/wire/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/schemas/sample.h"

enum {
    MAX_NAMES = 8
};

static struct o2c_content content_of(const struct sample *sample)
{
    struct o2c_content content;
    o2c_content_of(&sample->event, &content);
    return content;
}

/* Stored in databases: if this fails, every stored event would look like a conflict. */
static void the_hash_of_an_event_never_changes(void **state)
{
    struct sample *sample = *state;
    struct o2c_content content = content_of(sample);
    char text[2 * O2C_CONTENT_HASH_BYTES + 1];
    for (size_t i = 0; i < O2C_CONTENT_HASH_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", content.byte[i]);
    assert_string_equal(text, "120a1c9c95dd464cb77d4e7a93d155ea");
}

static void id_time_and_source_are_no_content(void **state)
{
    struct sample *sample = *state;
    struct o2c_content before = content_of(sample);
    sample->order.head.event_id = O2C_STR("018f0000-0000-7000-8000-00000000000f");
    sample->order.head.occurred_at_us++;
    sample->order.head.source = O2C_STR("import");
    struct o2c_content now = content_of(sample);
    assert_true(o2c_content_same(o2c_content_bytes(&before), o2c_content_bytes(&now)));
    assert_int_equal(before.len, now.len);
    assert_memory_equal(before.byte, now.byte, now.len);
}

static void the_fields_that_differ_are_named(void **state)
{
    struct sample *sample = *state;
    struct o2c_str names[MAX_NAMES];
    struct o2c_content before = content_of(sample);
    sample->order.head.account_id = O2C_STR("A9");
    sample->lines[1].quantity_milli++;
    sample->order.requested_date = 0;
    sample->order.has_requested_date = true;
    struct o2c_content now = content_of(sample);
    assert_false(o2c_content_same(o2c_content_bytes(&before), o2c_content_bytes(&now)));
    size_t count = o2c_content_differs(O2C_ORDER_PLACED, o2c_content_bytes(&before),
                                       o2c_content_bytes(&now), names, MAX_NAMES);
    assert_int_equal(count, 3);
    assert_true(o2c_str_eq(names[0], O2C_STR("account_id")));
    assert_true(o2c_str_eq(names[1], O2C_STR("requested_date")));
    assert_true(o2c_str_eq(names[2], O2C_STR("lines")));
    assert_int_equal(o2c_content_differs(O2C_ORDER_PLACED, o2c_content_bytes(&before),
                                         o2c_content_bytes(&now), names, 2),
                     2);
}

static void another_type_is_another_content(void **state)
{
    struct sample *sample = *state;
    struct o2c_str names[MAX_NAMES];
    struct o2c_content before = content_of(sample), now;
    struct o2c_order_amended amended = {.head = sample->order.head,
                                        .order_id = sample->order.order_id,
                                        .revision = sample->order.revision,
                                        .placed_at_us = sample->order.placed_at_us,
                                        .currency = sample->order.currency,
                                        .invoice_policy = sample->order.invoice_policy,
                                        .ship_policy = sample->order.ship_policy,
                                        .lines = sample->order.lines,
                                        .lines_count = sample->order.lines_count};
    struct o2c_event event = o2c_event_of(O2C_ORDER_AMENDED, &amended);
    o2c_content_of(&event, &now);
    assert_int_equal(o2c_content_differs(O2C_ORDER_AMENDED, o2c_content_bytes(&before),
                                         o2c_content_bytes(&now), names, MAX_NAMES),
                     1);
    assert_true(o2c_str_eq(names[0], O2C_STR("type")));
}

/* As stored by a program that did not know the last field of the present schema. */
static void content_stored_before_a_field_was_added_is_still_the_same(void **state)
{
    struct sample *sample = *state;
    struct o2c_str names[MAX_NAMES];
    struct o2c_content now = content_of(sample);
    struct o2c_str before = {(const char *)now.byte, now.len - 4};
    assert_int_equal(o2c_content_differs(O2C_ORDER_PLACED, before, o2c_content_bytes(&now),
                                         names, MAX_NAMES),
                     0);
    sample->order.sales_channel = O2C_STR("web");
    struct o2c_content changed = content_of(sample);
    assert_int_equal(o2c_content_differs(O2C_ORDER_PLACED, before,
                                         o2c_content_bytes(&changed), names, MAX_NAMES),
                     1);
    assert_true(o2c_str_eq(names[0], O2C_STR("sales_channel")));
}

static void values_do_not_run_into_each_other(void **state)
{
    struct sample *sample = *state;
    sample->lines[0].description = O2C_STR("ab");
    sample->lines[0].unit = O2C_STR("c");
    struct o2c_content one = content_of(sample);
    sample->lines[0].description = O2C_STR("a");
    sample->lines[0].unit = O2C_STR("bc");
    struct o2c_content other = content_of(sample);
    assert_false(o2c_content_same(o2c_content_bytes(&one), o2c_content_bytes(&other)));
    sample->lines[0].description = O2C_STR("ab");
    sample->lines[0].unit = (struct o2c_str){NULL, 0};
    sample->lines[0].tax_code = O2C_STR("c");
    other = content_of(sample);
    assert_false(o2c_content_same(o2c_content_bytes(&one), o2c_content_bytes(&other)));
}

/* Longer than the block that is hashed at once, so every byte must still count. */
static void a_long_value_counts_to_its_last_byte(void **state)
{
    struct sample *sample = *state;
    char text[9000];
    memset(text, 'x', sizeof(text));
    for (size_t len = 2000; len < sizeof(text); len += 37) {
        sample->order.customer_reference = (struct o2c_str){text, len};
        struct o2c_content before = content_of(sample);
        for (size_t at = 0; at < len; at += len / 3) {
            text[at] = 'y';
            struct o2c_content now = content_of(sample);
            assert_false(
                o2c_content_same(o2c_content_bytes(&before), o2c_content_bytes(&now)));
            text[at] = 'x';
        }
        struct o2c_content again = content_of(sample);
        assert_memory_equal(before.byte, again.byte, again.len);
    }
}

#define ON_A_SAMPLE(test)                                                                  \
    cmocka_unit_test_setup_teardown(test, sample_set_up, sample_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_SAMPLE(the_hash_of_an_event_never_changes),
        ON_A_SAMPLE(id_time_and_source_are_no_content),
        ON_A_SAMPLE(the_fields_that_differ_are_named),
        ON_A_SAMPLE(another_type_is_another_content),
        ON_A_SAMPLE(content_stored_before_a_field_was_added_is_still_the_same),
        ON_A_SAMPLE(values_do_not_run_into_each_other),
        ON_A_SAMPLE(a_long_value_counts_to_its_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
