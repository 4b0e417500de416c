#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/facts.h"

static struct o2c_facts facts;

static void assert_text(struct o2c_str text, const char *expected)
{
    assert_true(o2c_str_eq(text, o2c_str_from(expected)));
}

static void a_document_counts_gross_under_its_account(void **state)
{
    struct o2c_credit_note_issued note = {.head = {.event_id = O2C_STR("e"),
                                                   .customer_id = O2C_STR("C"),
                                                   .account_id = O2C_STR("A")},
                                          .credit_note_id = O2C_STR("N-1"),
                                          .invoice_id = O2C_STR("I-1"),
                                          .currency = O2C_STR("EUR"),
                                          .net_minor = 100,
                                          .gross_minor = 119};
    struct o2c_event event = o2c_event_of(O2C_CREDIT_NOTE_ISSUED, &note);
    (void)state;
    assert_true(o2c_facts_of(&event, &facts));
    assert_text(facts.id, "N-1");
    assert_text(facts.customer, "C");
    assert_text(facts.account, "A");
    assert_text(facts.currency, "EUR");
    assert_true(facts.has_amount);
    assert_int_equal(facts.amount_minor, 119);
    assert_int_equal(facts.revision, 0);
}

static void an_order_counts_the_net_of_its_lines(void **state)
{
    struct o2c_order_line lines[] = {{.line_no = 1,
                                      .quantity_milli = 2500,
                                      .has_unit_price_micro = true,
                                      .unit_price_micro = 4000000},
                                     {.line_no = 2,
                                      .quantity_milli = 1000,
                                      .has_unit_price_micro = true,
                                      .unit_price_micro = 10000}};
    struct o2c_order_placed order = {.head = {.customer_id = O2C_STR("C")},
                                     .order_id = O2C_STR("O-1"),
                                     .revision = 3,
                                     .currency = O2C_STR("EUR"),
                                     .lines = lines,
                                     .lines_count = 2};
    struct o2c_event event = o2c_event_of(O2C_ORDER_PLACED, &order);
    (void)state;
    assert_true(o2c_facts_of(&event, &facts));
    assert_text(facts.id, "O-1");
    assert_text(facts.account, "C");
    assert_int_equal(facts.revision, 3);
    assert_true(facts.has_amount);
    assert_int_equal(facts.amount_minor, 1001);
    lines[1].has_unit_price_micro = false;
    assert_true(o2c_facts_of(&event, &facts));
    assert_false(facts.has_amount);
}

static void what_names_no_document_is_known_by_its_event(void **state)
{
    struct o2c_customer_locked locked = {
        .head = {.event_id = O2C_STR("e-1"), .customer_id = O2C_STR("C")}};
    struct o2c_event event = o2c_event_of(O2C_CUSTOMER_LOCKED, &locked);
    (void)state;
    assert_true(o2c_facts_of(&event, &facts));
    assert_text(facts.id, "e-1");
    assert_text(facts.currency, "");
    assert_false(facts.has_amount);
}

static void a_business_day_is_no_part_of_it(void **state)
{
    struct o2c_business_day_started day = {.head = {.event_id = O2C_STR("e")}};
    struct o2c_event event = o2c_event_of(O2C_BUSINESS_DAY_STARTED, &day);
    (void)state;
    assert_false(o2c_facts_of(&event, &facts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_counts_gross_under_its_account),
        cmocka_unit_test(an_order_counts_the_net_of_its_lines),
        cmocka_unit_test(what_names_no_document_is_known_by_its_event),
        cmocka_unit_test(a_business_day_is_no_part_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
