#include "schemas/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/wire/frame.h"
#include "tests/unit/schemas/sample.h"

static void an_order_comes_back_as_it_was_written(void **state)
{
    struct sample *sample = *state;
    struct o2c_event read;
    assert_int_equal(o2c_event_encode(&sample->event, &sample->buf, &sample->err), O2C_OK);
    assert_int_equal(
        o2c_event_decode(sample_bytes(sample), &sample->arena, &read, &sample->err),
        O2C_OK);
    assert_int_equal(read.type, O2C_ORDER_PLACED);
    assert_ptr_equal(read.head, read.body);
    assert_true(o2c_str_eq(read.order_placed->order_id, O2C_STR("O1")));
    assert_null(read.head->account_id.at);
    assert_null(read.order_placed->customer_reference.at);
    assert_false(read.order_placed->has_requested_date);
    assert_int_equal(read.order_placed->invoice_policy, O2C_INVOICE_POLICY_ON_DELIVERY);
    assert_int_equal(read.order_placed->lines_count, 2);
    assert_true(read.order_placed->lines[0].has_unit_price_micro);
    assert_int_equal(read.order_placed->lines[0].unit_price_micro, 2500000);
    assert_false(read.order_placed->lines[1].has_unit_price_micro);
    assert_true(o2c_str_eq(read.order_placed->lines[1].unit, O2C_STR("pc")));
}

static void strings_borrow_from_the_bytes(void **state)
{
    struct sample *sample = *state;
    struct o2c_event read;
    assert_int_equal(o2c_event_encode(&sample->event, &sample->buf, &sample->err), O2C_OK);
    assert_int_equal(
        o2c_event_decode(sample_bytes(sample), &sample->arena, &read, &sample->err),
        O2C_OK);
    const char *at = read.order_placed->currency.at;
    assert_true(at >= sample->buf.at && at < sample->buf.at + sample->buf.len);
}

static void an_empty_list_is_not_an_absent_one(void **state)
{
    struct sample *sample = *state;
    static const int32_t none[1];
    struct o2c_order_cancelled cancelled = {.head = sample->order.head,
                                            .order_id = O2C_STR("O1"),
                                            .revision = 2,
                                            .reason = O2C_STR("late")};
    struct o2c_event event = o2c_event_of(O2C_ORDER_CANCELLED, &cancelled), read;
    assert_int_equal(o2c_event_encode(&event, &sample->buf, &sample->err), O2C_OK);
    assert_int_equal(
        o2c_event_decode(sample_bytes(sample), &sample->arena, &read, &sample->err),
        O2C_OK);
    assert_null(read.order_cancelled->line_nos);
    cancelled.line_nos = none;
    o2c_buf_reset(&sample->buf);
    assert_int_equal(o2c_event_encode(&event, &sample->buf, &sample->err), O2C_OK);
    assert_int_equal(
        o2c_event_decode(sample_bytes(sample), &sample->arena, &read, &sample->err),
        O2C_OK);
    assert_non_null(read.order_cancelled->line_nos);
    assert_int_equal(read.order_cancelled->line_nos_count, 0);
}

/* Version 1 ends where version 2 goes on with sales_channel. */
static void an_older_version_is_read_with_its_missing_field_absent(void **state)
{
    enum {
        ID_OF_VERSION_1 = 24
    };
    struct sample *sample = *state;
    struct o2c_event read;
    assert_int_equal(o2c_event_type_by_schema(ID_OF_VERSION_1), O2C_ORDER_PLACED);
    sample->order.sales_channel = (struct o2c_str){NULL, 0};
    assert_int_equal(o2c_event_encode(&sample->event, &sample->buf, &sample->err), O2C_OK);
    sample->buf.at[4] = ID_OF_VERSION_1;
    struct o2c_str bytes = sample_bytes(sample);
    bytes.len--; /* the byte of the absent sales_channel */
    assert_int_equal(o2c_event_decode(bytes, &sample->arena, &read, &sample->err), O2C_OK);
    assert_int_equal(read.type, O2C_ORDER_PLACED);
    assert_null(read.order_placed->sales_channel.at);
    assert_int_equal(read.order_placed->lines_count, 2);
}

static void bytes_that_end_anywhere_inside_are_refused(void **state)
{
    struct sample *sample = *state;
    assert_int_equal(o2c_event_encode(&sample->event, &sample->buf, &sample->err), O2C_OK);
    for (size_t len = 0; len < sample->buf.len; len++) {
        struct o2c_event read;
        char *exact = malloc(len + 1); /* so that a byte too far is seen by the sanitizer */
        memcpy(exact, sample->buf.at, len);
        exact = realloc(exact, len ? len : 1);
        enum o2c_verdict verdict = o2c_event_decode((struct o2c_str){exact, len},
                                                    &sample->arena, &read, &sample->err);
        free(exact);
        assert_int_equal(verdict, O2C_PARK);
    }
}

static void bytes_after_the_last_field_are_refused(void **state)
{
    struct sample *sample = *state;
    struct o2c_event read;
    assert_int_equal(o2c_event_encode(&sample->event, &sample->buf, &sample->err), O2C_OK);
    o2c_buf_add_u8(&sample->buf, 0);
    assert_int_equal(
        o2c_event_decode(sample_bytes(sample), &sample->arena, &read, &sample->err),
        O2C_PARK);
    assert_string_equal(sample->err.text, "OrderPlaced: 1 bytes follow its last field");
}

static void an_unknown_schema_id_is_refused(void **state)
{
    struct sample *sample = *state;
    static const int32_t ids[] = {0, -1, 30000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        struct o2c_event read;
        o2c_buf_reset(&sample->buf);
        o2c_frame_write(&sample->buf, ids[i]);
        assert_int_equal(
            o2c_event_decode(sample_bytes(sample), &sample->arena, &read, &sample->err),
            O2C_PARK);
        assert_non_null(strstr(sample->err.text, "is not known here"));
    }
}

static void what_no_reader_would_take_is_not_written(void **state)
{
    struct sample *sample = *state;
    static const struct {
        const char *what, *text;
    } rows[] = {
        {"no sku", "OrderPlaced: field lines[1].sku: it is required and absent"},
        {"no customer", "OrderPlaced: field customer_id: it is required and absent"},
        {"bad text",
         "OrderPlaced: field currency: it is no UTF-8 text, or has a NUL in it"},
        {"bad id", "OrderPlaced: field event_id: it is no UUID"},
        {"bad enum", "OrderPlaced: field ship_policy: its enum has no such symbol"},
        {"bad time",
         "OrderPlaced: field placed_at: its time is not in the years 1 to 9999"},
        {"many", "OrderPlaced: field lines: it has too many items"},
    };
    o2c_buf_add_text(&sample->buf, "kept");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        sample_fill(sample);
        sample->lines[1].sku.at = i == 0 ? NULL : "B";
        sample->order.head.customer_id.at = i == 1 ? NULL : "C1";
        sample->order.currency = i == 2 ? O2C_STR("EU\0") : O2C_STR("EUR");
        if (i == 3)
            sample->order.head.event_id = O2C_STR("no id");
        sample->order.ship_policy =
            i == 4 ? (enum o2c_ship_policy)2 : O2C_SHIP_POLICY_ON_ORDER;
        sample->order.placed_at_us = i == 5 ? INT64_MAX : 0;
        sample->order.lines_count = i == 6 ? O2C_EVENT_MAX_ITEMS + 1 : 2;
        assert_int_equal(o2c_event_encode(&sample->event, &sample->buf, &sample->err),
                         O2C_PARK);
        assert_string_equal(sample->err.text, rows[i].text);
        assert_string_equal(o2c_buf_text(&sample->buf), "kept");
    }
}

static void an_event_beyond_the_buffers_maximum_is_parked(void **state)
{
    struct sample *sample = *state;
    assert_int_equal(o2c_event_encode(&sample->event, &sample->buf, &sample->err), O2C_OK);
    size_t needed = sample->buf.len;
    for (size_t max = 0; max <= needed; max++) {
        struct o2c_buf small;
        o2c_buf_init(&small, max);
        enum o2c_verdict verdict = o2c_event_encode(&sample->event, &small, &sample->err);
        assert_int_equal(verdict, max < needed ? O2C_PARK : O2C_OK);
        assert_int_equal(small.len, max < needed ? 0 : needed);
        assert_false(small.failed);
        o2c_buf_clear(&small);
    }
}

static void an_exhausted_arena_means_try_again(void **state)
{
    struct sample *sample = *state;
    assert_int_equal(o2c_event_encode(&sample->event, &sample->buf, &sample->err), O2C_OK);
    struct o2c_arena small;
    struct o2c_event read;
    o2c_arena_init(&small, 100);
    assert_int_equal(o2c_event_decode(sample_bytes(sample), &small, &read, &sample->err),
                     O2C_RETRY);
    o2c_arena_clear(&small);
    o2c_arena_init(&small, sizeof(struct o2c_order_placed) + 16);
    assert_int_equal(o2c_event_decode(sample_bytes(sample), &small, &read, &sample->err),
                     O2C_RETRY);
    o2c_arena_clear(&small);
}

static void the_account_is_the_customer_unless_another_bears_it(void **state)
{
    struct sample *sample = *state;
    assert_true(o2c_str_eq(o2c_event_account(&sample->event), O2C_STR("C1")));
    sample->order.head.account_id = O2C_STR("A9");
    assert_true(o2c_str_eq(o2c_event_account(&sample->event), O2C_STR("A9")));
    struct o2c_order_state now = {.customer_id = O2C_STR("C1"),
                                  .account_id = O2C_STR("A8")};
    struct o2c_event event = o2c_event_of(O2C_ORDER_STATE, &now);
    assert_null(event.head);
    assert_true(o2c_str_eq(o2c_event_account(&event), O2C_STR("A8")));
}

static void every_type_is_found_by_its_name_and_id(void **state)
{
    (void)state;
    for (int type = 1; type < O2C_EVENT_TYPE_COUNT; type++) {
        const struct o2c_event_type_row *row =
            o2c_event_type_row((enum o2c_event_type)type);
        assert_non_null(row);
        assert_int_equal(row->type, type);
        assert_int_equal(o2c_event_type_by_name(o2c_str_from(row->name)), type);
        assert_int_equal(o2c_event_type_by_schema(row->schema_id), type);
        assert_ptr_equal(o2c_topic_by_name(row->topic->name), row->topic);
    }
    assert_null(o2c_event_type_row(O2C_EVENT_NONE));
    assert_null(o2c_event_type_row(O2C_EVENT_TYPE_COUNT));
    assert_int_equal(o2c_event_type_by_name(O2C_STR("OrderPlace")), O2C_EVENT_NONE);
    assert_int_equal(o2c_event_type_by_name((struct o2c_str){NULL, 0}), O2C_EVENT_NONE);
}

static void topics_say_where_records_go(void **state)
{
    (void)state;
    const struct o2c_topic *orders = o2c_topic_by_name("o2c.orders");
    const struct o2c_topic *now = o2c_topic_by_name("o2c.state.order");
    const struct o2c_topic *clock = o2c_topic_by_name("o2c.clock");
    assert_non_null(orders);
    assert_non_null(now);
    assert_non_null(clock);
    assert_int_equal(clock->key, O2C_TOPIC_KEY_NONE);
    assert_int_equal(clock->placement, O2C_PLACEMENT_EVERY_PARTITION);
    assert_int_equal(orders->key, O2C_TOPIC_KEY_ACCOUNT);
    assert_int_equal(orders->placement, O2C_PLACEMENT_HASH);
    assert_int_equal(orders->partition_count, 12);
    assert_false(orders->pipeline_records);
    assert_string_equal(orders->config, "cleanup.policy=delete,retention.ms=-1,"
                                        "max.message.bytes=8454144,"
                                        "message.timestamp.type=LogAppendTime");
    assert_int_equal(now->placement, O2C_PLACEMENT_SOURCE_PARTITION);
    assert_true(now->pipeline_records);
    assert_non_null(strstr(now->config, "cleanup.policy=compact"));
    assert_null(o2c_topic_by_name("o2c.order"));
    size_t count;
    const struct o2c_topic *topics = o2c_topics(&count);
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(o2c_topic_by_name(topics[i].name), &topics[i]);
    assert_in_range(now - topics, 1, count - 1);
}

#define ON_A_SAMPLE(test)                                                                  \
    cmocka_unit_test_setup_teardown(test, sample_set_up, sample_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_SAMPLE(an_order_comes_back_as_it_was_written),
        ON_A_SAMPLE(strings_borrow_from_the_bytes),
        ON_A_SAMPLE(an_empty_list_is_not_an_absent_one),
        ON_A_SAMPLE(an_older_version_is_read_with_its_missing_field_absent),
        ON_A_SAMPLE(bytes_that_end_anywhere_inside_are_refused),
        ON_A_SAMPLE(bytes_after_the_last_field_are_refused),
        ON_A_SAMPLE(an_unknown_schema_id_is_refused),
        ON_A_SAMPLE(what_no_reader_would_take_is_not_written),
        ON_A_SAMPLE(an_event_beyond_the_buffers_maximum_is_parked),
        ON_A_SAMPLE(an_exhausted_arena_means_try_again),
        ON_A_SAMPLE(the_account_is_the_customer_unless_another_bears_it),
        cmocka_unit_test(every_type_is_found_by_its_name_and_id),
        cmocka_unit_test(topics_say_where_records_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
