#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/opening.h"
#include "schemas/events.h"
#include "schemas/units/time.h"

static struct o2c_err err;

static enum o2c_verdict mark(enum o2c_event_type type, const char *text,
                             json_t **ret_marked)
{
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    enum o2c_verdict verdict =
        o2c_opening_mark(o2c_event_type_row(type), object, ret_marked, &err);
    assert_int_equal(json_object_size(object), 1); /* as it was given */
    json_decref(object);
    return verdict;
}

static void documents_and_payments_are_marked(void **state)
{
    static const enum o2c_event_type types[] = {O2C_INVOICE_ISSUED, O2C_DEBIT_NOTE_ISSUED,
                                                O2C_CREDIT_NOTE_ISSUED,
                                                O2C_PAYMENT_RECEIVED};
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        json_t *marked;
        assert_int_equal(mark(types[i], "{\"number\": \"7\"}", &marked), O2C_OK);
        assert_true(json_is_true(json_object_get(marked, "opening")));
        assert_string_equal(json_string_value(json_object_get(marked, "number")), "7");
        json_decref(marked);
    }
}

static void master_data_passes_unmarked(void **state)
{
    json_t *marked;
    (void)state;
    assert_int_equal(mark(O2C_CUSTOMER_REGISTERED, "{\"name\": \"A\"}", &marked), O2C_OK);
    assert_int_equal(json_object_size(marked), 1);
    json_decref(marked);
}

static void what_takes_back_or_decides_is_refused(void **state)
{
    static const enum o2c_event_type types[] = {
        O2C_INVOICE_CANCELLED, O2C_PAYMENT_REVERSED,    O2C_REFUND_PAID,
        O2C_ORDER_CANCELLED,   O2C_SHIPMENT_RETURNED,   O2C_DISPUTE_DECIDED,
        O2C_DISPUTE_WITHDRAWN, O2C_WRITE_OFF_REQUESTED, O2C_BUSINESS_DAY_STARTED};
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        json_t *marked = NULL;
        char start[96];
        snprintf(start, sizeof(start), "type: \"%s\" has no place in an --opening",
                 o2c_event_type_row(types[i])->name);
        assert_int_equal(mark(types[i], "{\"reason\": \"x\"}", &marked), O2C_PARK);
        assert_null(marked);
        assert_memory_equal(err.text, start, strlen(start));
    }
}

static void an_event_that_says_it_is_none_is_refused(void **state)
{
    json_t *marked = NULL;
    (void)state;
    assert_int_equal(mark(O2C_INVOICE_ISSUED, "{\"opening\": false}", &marked), O2C_PARK);
    assert_string_equal(
        err.text, "InvoiceIssued.opening: false contradicts --opening, which marks it");
    assert_int_equal(mark(O2C_INVOICE_ISSUED, "{\"opening\": true}", &marked), O2C_OK);
    json_decref(marked);
}

static void a_later_date_is_refused_with_field_and_value(void **state)
{
    struct o2c_payment_received payment = {.head = {.customer_id = O2C_STR("C-1")}};
    struct o2c_invoice_issued invoice = {.head = {.customer_id = O2C_STR("C-1")}};
    struct o2c_customer_registered customer = {.head = {.customer_id = O2C_STR("C-1")}};
    struct o2c_event paid = o2c_event_of(O2C_PAYMENT_RECEIVED, &payment);
    struct o2c_event issued = o2c_event_of(O2C_INVOICE_ISSUED, &invoice);
    struct o2c_event known = o2c_event_of(O2C_CUSTOMER_REGISTERED, &customer);
    int32_t day;
    (void)state;
    assert_true(o2c_date_parse(O2C_STR("2026-01-31"), &day));
    payment.received_date = invoice.issue_date = day;
    assert_int_equal(o2c_opening_check_date(day, &paid, &err), O2C_OK);
    assert_int_equal(o2c_opening_check_date(day, &issued, &err), O2C_OK);
    assert_int_equal(o2c_opening_check_date(day - 1, &known, &err), O2C_OK);
    assert_int_equal(o2c_opening_check_date(day - 1, &paid, &err), O2C_PARK);
    assert_string_equal(err.text,
                        "PaymentReceived.received_date: \"2026-01-31\" is after the "
                        "opening, 2026-01-30");
    assert_int_equal(o2c_opening_check_date(day - 1, &issued, &err), O2C_PARK);
    assert_string_equal(err.text, "InvoiceIssued.issue_date: \"2026-01-31\" is after the "
                                  "opening, 2026-01-30");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_and_payments_are_marked),
        cmocka_unit_test(master_data_passes_unmarked),
        cmocka_unit_test(what_takes_back_or_decides_is_refused),
        cmocka_unit_test(an_event_that_says_it_is_none_is_refused),
        cmocka_unit_test(a_later_date_is_refused_with_field_and_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
