#include "schemas/wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/schemas/sample.h"

static const struct o2c_json_given given = {.source = {"shop", 4}, .now_us = 1000};

#define ORDER                                                                              \
    "\"type\": \"OrderPlaced\", \"customer_id\": \"C1\", \"order_id\": \"O1\","            \
    "\"placed_at\": \"2026-01-31T10:20:00Z\", \"currency\": \"EUR\","                      \
    "\"invoice_policy\": \"on_shipment\", \"ship_policy\": \"on_payment\","                \
    "\"lines\": [{\"line_no\": 1, \"sku\": \"A\", \"quantity_milli\": 1000}]"

static void note(void *user, const struct o2c_json_fault *fault)
{
    o2c_buf_printf(user, "%s|%s|%s\n", fault->path, fault->value, fault->expected);
}

/* The verdict; the faults are in sample->buf. */
static enum o2c_verdict read_json(struct sample *sample, const char *text,
                                  struct o2c_event *ret_event)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    o2c_buf_reset(&sample->buf);
    enum o2c_verdict verdict = o2c_event_from_json(json, &given, &sample->arena, note,
                                                   &sample->buf, ret_event, &sample->err);
    json_decref(json);
    return verdict;
}

static void must_refuse(struct sample *sample, const char *text, const char *faults)
{
    struct o2c_event event;
    assert_int_equal(read_json(sample, text, &event), O2C_PARK);
    assert_string_equal(o2c_buf_text(&sample->buf), faults);
}

static void an_order_is_read_with_its_defaults(void **state)
{
    struct sample *sample = *state;
    struct o2c_event event;
    if (read_json(sample, "{" ORDER ", \"requested_date\": \"2026-02-01\"}", &event))
        fail_msg("%s", sample->err.text);
    const struct o2c_order_placed *order = event.order_placed;
    assert_int_equal(event.type, O2C_ORDER_PLACED);
    assert_ptr_equal(event.head, &order->head);
    assert_true(o2c_str_eq(order->head.company_id, O2C_STR("main")));
    assert_true(o2c_str_eq(order->head.source, O2C_STR("shop")));
    assert_null(order->head.account_id.at);
    assert_true(o2c_str_eq(order->order_id, O2C_STR("O1")));
    assert_int_equal(order->revision, 1);
    assert_true(order->has_requested_date);
    assert_int_equal(order->requested_date, 20485);
    assert_int_equal(order->ship_policy, O2C_SHIP_POLICY_ON_PAYMENT);
    assert_int_equal(order->lines_count, 1);
    assert_int_equal(order->lines[0].quantity_milli, 1000);
    assert_false(order->lines[0].has_unit_price_micro);
}

static void an_invoice_from_outside_may_be_known_by_its_total_alone(void **state)
{
    struct sample *sample = *state;
    struct o2c_event event;
    if (read_json(
            sample,
            "{\"type\": \"InvoiceIssued\", \"customer_id\": \"C1\","
            "\"invoice_id\": \"I1\", \"number\": \"17\","
            "\"issue_date\": \"2026-02-01\", \"currency\": \"EUR\","
            "\"lines\": [{\"line_no\": 1, \"quantity_milli\": 1000,"
            "\"unit_price_micro\": 5260000, \"net_minor\": 526}],"
            "\"net_minor\": 526, \"gross_minor\": 526,"
            "\"instalments\": [{\"due_date\": \"2026-03-03\", \"amount_minor\": 526}]}",
            &event))
        fail_msg("%s", sample->err.text);
    const struct o2c_invoice_issued *invoice = event.invoice_issued;
    assert_int_equal(invoice->origin, O2C_DOCUMENT_ORIGIN_EXTERNAL);
    assert_int_equal(invoice->tax_minor, 0);
    assert_int_equal(invoice->taxes_count, 0);
    assert_int_equal(invoice->instalments_count, 1);
    assert_int_equal(invoice->instalments[0].due_date, 20515);
    assert_false(invoice->opening);
    assert_false(invoice->has_remind);
}

static void null_is_as_good_as_left_out(void **state)
{
    struct sample *sample = *state;
    struct o2c_event event;
    assert_int_equal(read_json(sample,
                               "{" ORDER ", \"company_id\": null, \"account_id\": null,"
                               " \"requested_date\": null, \"event_id\": null}",
                               &event),
                     O2C_OK);
    assert_true(o2c_str_eq(event.head->company_id, O2C_STR("main")));
    assert_false(event.order_placed->has_requested_date);
    assert_int_equal(event.head->event_id.len, 36);
}

static void an_order_occurs_when_it_is_placed_unless_it_says_otherwise(void **state)
{
    struct sample *sample = *state;
    struct o2c_event event;
    assert_int_equal(read_json(sample, "{" ORDER "}", &event), O2C_OK);
    assert_int_equal(event.head->occurred_at_us, event.order_placed->placed_at_us);
    assert_int_equal(
        read_json(sample, "{" ORDER ", \"occurred_at\": \"1970-01-01T00:00:07Z\"}", &event),
        O2C_OK);
    assert_int_equal(event.head->occurred_at_us, 7000000);
    assert_int_equal(
        read_json(sample,
                  "{\"type\": \"OrderCancelled\", \"customer_id\": \"C1\","
                  " \"order_id\": \"O1\", \"revision\": 2, \"reason\": \"late\"}",
                  &event),
        O2C_OK);
    assert_int_equal(event.head->occurred_at_us, given.now_us);
    assert_null(event.order_cancelled->line_nos);
}

/* By hand: uuid5(namespace, 'CreditHoldReleased\0' + canonical JSON); also in
 * python_eyes.py. */
static void an_id_left_out_is_made_from_type_and_content(void **state)
{
    struct sample *sample = *state;
    struct o2c_event event, again;
    static const char text[] =
        "{\"type\": \"CreditHoldReleased\", \"reason\": \"ok\", \"customer_id\": \"C1\","
        " \"occurred_at\": \"2026-01-31T10:20:30Z\", \"order_id\": \"O1\","
        " \"approved_by\": \"J\xc3\xbcrgen\"}";
    static const char other_order[] =
        "{\"approved_by\": \"J\\u00fcrgen\", \"order_id\": \"O1\", \"customer_id\": \"C1\","
        " \"occurred_at\": \"2026-01-31T10:20:30Z\", \"reason\": \"ok\","
        " \"type\": \"CreditHoldReleased\"}";
    assert_int_equal(read_json(sample, text, &event), O2C_OK);
    assert_true(
        o2c_str_eq(event.head->event_id, O2C_STR("49fc6fd4-21ea-52c6-ac02-e0b7a7a25794")));
    assert_int_equal(read_json(sample, other_order, &again), O2C_OK);
    assert_true(o2c_str_eq(event.head->event_id, again.head->event_id));
}

static void a_type_without_id_or_revision_must_say_when(void **state)
{
    must_refuse(
        *state,
        "{\"type\": \"CreditHoldReleased\", \"reason\": \"ok\", \"customer_id\": \"C1\","
        " \"order_id\": \"O1\", \"approved_by\": \"me\"}",
        "occurred_at||a UTC time like \"2026-01-31T10:20:30Z\"\n");
}

static void all_faults_of_an_object_are_told(void **state)
{
    struct sample *sample = *state;
    must_refuse(
        sample,
        "{\"type\": \"OrderPlaced\", \"event_id\": \"x\", \"occurred_at\": \"yesterday\","
        " \"customer_id\": 7, \"order_id\": \"a\\u0000b\", \"revision\": 1.5,"
        " \"placed_at\": \"2026-01-31T10:20:00+02:00\", \"requested_date\": \"2026-02-30\","
        " \"invoice_policy\": \"never\", \"ship_policy\": \"on_order\", \"colour\": "
        "\"red\","
        " \"lines\": [{\"line_no\": 2147483648, \"sku\": \"A\", \"quantity_milli\": \"1\","
        " \"price\": 1}, 5]}",
        "colour|(not shown)|a field of OrderPlaced\n"
        "event_id|\"x\"|a UUID\n"
        "occurred_at|\"yesterday\"|a UTC time like \"2026-01-31T10:20:30Z\"\n"
        "customer_id|7|a text\n"
        "order_id|\"a\\u0000b\"|a text\n"
        "revision|1.5|a whole number\n"
        "placed_at|\"2026-01-31T10:20:00+02:00\"|a UTC time like \"2026-01-31T10:20:30Z\"\n"
        "currency||a text\n"
        "requested_date|\"2026-02-30\"|a date like \"2026-01-31\"\n"
        "invoice_policy|\"never\"|one of on_shipment, on_order, on_delivery\n"
        "lines[0].price|(not shown)|a field of OrderLine\n"
        "lines[0].line_no|2147483648|a whole number from -2147483648 to 2147483647\n"
        "lines[0].quantity_milli|\"1\"|a whole number\n"
        "lines[1]|5|an object\n");
    assert_string_equal(sample->err.text,
                        "OrderPlaced: colour: expected a field of OrderPlaced"
                        " (and 13 more)");
}

static void a_list_that_is_left_out_is_asked_for_as_a_list(void **state)
{
    must_refuse(*state,
                "{\"type\": \"OrderPlaced\", \"customer_id\": \"C\", \"order_id\": \"O\","
                " \"placed_at\": \"2026-01-31T10:20:00Z\", \"currency\": \"EUR\","
                " \"source\": \"shop\", \"invoice_policy\": \"on_order\","
                " \"ship_policy\": \"on_order\"}",
                "lines||a list of at most 10000 items\n");
}

static void what_is_no_event_is_refused(void **state)
{
    must_refuse(*state, "[1]", "|(not shown)|an object\n");
    must_refuse(*state, "{}", "type||the name of an event type\n");
    must_refuse(*state, "{\"type\": 5}", "type|5|the name of an event type\n");
    must_refuse(*state, "{\"type\": \"OrderPlacd\"}",
                "type|\"OrderPlacd\"|the name of an event type\n");
}

static void personal_data_is_left_out_of_its_fault(void **state)
{
    must_refuse(
        *state,
        "{\"type\": \"CreditHoldReleased\", \"reason\": \"ok\", \"customer_id\": \"C1\","
        " \"order_id\": \"O1\", \"approved_by\": [\"J\"],"
        " \"occurred_at\": \"2026-01-31T10:20:30Z\"}",
        "approved_by|(personal data, not shown)|a text\n");
}

static void a_long_value_is_cut_between_characters(void **state)
{
    struct sample *sample = *state;
    struct o2c_event event;
    char text[400] = "{\"type\": \"";
    for (int i = 0; i < 70; i++)
        memcpy(text + strlen(text), i < 57 ? "x" : "\xc3\xbc", i < 57 ? 2 : 3);
    memcpy(text + strlen(text), "\"}", 3);
    assert_int_equal(read_json(sample, text, &event), O2C_PARK);
    const char *told = o2c_buf_text(&sample->buf);
    const char *cut = strstr(told, "...");
    assert_non_null(cut);
    assert_true(o2c_str_is_text((struct o2c_str){told, (size_t)(cut - told)}));
}

/* jansson goes on calling after it was told to stop: found by fuzz_json_read. */
static void a_long_list_is_cut_too(void **state)
{
    struct o2c_event event;
    struct sample *sample = *state;
    char text[600] = "{\"type\": [[\"a\", {\"b\": 1}]";
    for (int i = 0; i < 40; i++)
        memcpy(text + strlen(text), ", {\"c\": 1}", 11);
    memcpy(text + strlen(text), "]}", 3);
    assert_int_equal(read_json(sample, text, &event), O2C_PARK);
    assert_string_equal(
        o2c_buf_text(&sample->buf),
        "type|[[\"a\",{\"b\":1}],{\"c\":1},{\"c\":1},{\"c\":1},{\"c\":1},{\"c\":1}"
        ",{\"c\":...|the name of an event type\n");
}

static void a_name_too_long_for_the_path_is_cut_between_characters(void **state)
{
    struct o2c_event event;
    struct sample *sample = *state;
    for (size_t pad = 0; pad < 3; pad++) {
        char text[900] = "{\"type\": \"OrderReleased\", \"xx";
        text[strlen(text) - pad] = '\0';
        for (int i = 0; i < 200; i++)
            memcpy(text + strlen(text), "\xe2\x82\xac", 4);
        memcpy(text + strlen(text), "\": 1}", 6);
        assert_int_equal(read_json(sample, text, &event), O2C_PARK);
        assert_true(o2c_str_is_text((struct o2c_str){sample->buf.at, sample->buf.len}));
        assert_true(o2c_str_is_text(o2c_str_from(sample->err.text)));
    }
}

static void a_nested_record_is_read_where_it_is_given(void **state)
{
    struct sample *sample = *state;
    struct o2c_event event;
    static const char text[] =
        "{\"type\": \"CustomerRegistered\", \"customer_id\": \"C1\", \"revision\": 1,"
        " \"name\": \"N\", \"currency\": \"EUR\", \"payment_terms\": \"30\","
        " \"billing_address\": {\"line1\": \"L\", \"city\": \"X\", \"country\": \"CH\"},"
        " \"shipping_address\": {\"line1\": \"M\", \"city\": \"Y\", \"country\": \"DE\"},"
        " \"bank_accounts\": [\"CH1\", \"CH2\"], \"exemptions\": []}";
    if (read_json(sample, text, &event))
        fail_msg("%s", sample->err.text);
    const struct o2c_customer_registered *customer = event.customer_registered;
    assert_true(o2c_str_eq(customer->billing_address.line1, O2C_STR("L")));
    assert_non_null(customer->shipping_address);
    assert_true(o2c_str_eq(customer->shipping_address->country, O2C_STR("DE")));
    assert_int_equal(customer->bank_accounts_count, 2);
    assert_true(o2c_str_eq(customer->bank_accounts[1], O2C_STR("CH2")));
    assert_non_null(customer->exemptions);
    assert_int_equal(customer->exemptions_count, 0);
    assert_false(customer->has_credit_limit_minor);
}

static void an_exhausted_arena_means_try_again(void **state)
{
    struct sample *sample = *state;
    json_t *json = json_loads("{" ORDER "}", 0, NULL);
    struct o2c_event event;
    for (size_t max = 0; max < 1000; max += 8) {
        struct o2c_arena small;
        o2c_arena_init(&small, max);
        enum o2c_verdict verdict =
            o2c_event_from_json(json, &given, &small, NULL, NULL, &event, &sample->err);
        assert_true(verdict == O2C_RETRY || verdict == O2C_OK);
        assert_true(max > 64 || verdict == O2C_RETRY);
        o2c_arena_clear(&small);
    }
    json_decref(json);
}

#define ON_A_SAMPLE(test)                                                                  \
    cmocka_unit_test_setup_teardown(test, sample_set_up, sample_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_SAMPLE(an_order_is_read_with_its_defaults),
        ON_A_SAMPLE(an_invoice_from_outside_may_be_known_by_its_total_alone),
        ON_A_SAMPLE(null_is_as_good_as_left_out),
        ON_A_SAMPLE(an_order_occurs_when_it_is_placed_unless_it_says_otherwise),
        ON_A_SAMPLE(an_id_left_out_is_made_from_type_and_content),
        ON_A_SAMPLE(a_type_without_id_or_revision_must_say_when),
        ON_A_SAMPLE(all_faults_of_an_object_are_told),
        ON_A_SAMPLE(a_list_that_is_left_out_is_asked_for_as_a_list),
        ON_A_SAMPLE(what_is_no_event_is_refused),
        ON_A_SAMPLE(personal_data_is_left_out_of_its_fault),
        ON_A_SAMPLE(a_long_value_is_cut_between_characters),
        ON_A_SAMPLE(a_long_list_is_cut_too),
        ON_A_SAMPLE(a_name_too_long_for_the_path_is_cut_between_characters),
        ON_A_SAMPLE(a_nested_record_is_read_where_it_is_given),
        ON_A_SAMPLE(an_exhausted_arena_means_try_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
