#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/evidence.h"

static struct o2c_evidence left, right;
static char told[1024];

static int set_up(void **state)
{
    (void)state;
    o2c_evidence_init(&left);
    o2c_evidence_init(&right);
    told[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    o2c_evidence_clear(&left);
    o2c_evidence_clear(&right);
    return 0;
}

static void add(struct o2c_evidence *evidence, const char *event, const char *id,
                int64_t amount)
{
    struct o2c_err err;
    struct o2c_facts facts = {.type = O2C_INVOICE_ISSUED,
                              .event_id = o2c_str_from(event),
                              .customer = O2C_STR("c"),
                              .account = O2C_STR("a"),
                              .id = o2c_str_from(id),
                              .currency = O2C_STR("EUR"),
                              .has_amount = true,
                              .amount_minor = amount};
    assert_int_equal(o2c_evidence_add(evidence, &facts, O2C_STR("1"), &err), O2C_OK);
}

static void on_difference(void *user, const struct o2c_exhibit *mine,
                          const struct o2c_exhibit *theirs)
{
    size_t at = strlen(told);
    const struct o2c_exhibit *any = mine ? mine : theirs;
    (void)user;
    at +=
        (size_t)snprintf(told + at, sizeof(told) - at, "%.*s", O2C_STR_ARG(any->facts.id));
    if (mine)
        at += (size_t)snprintf(told + at, sizeof(told) - at, " %d",
                               (int)mine->facts.amount_minor);
    at += (size_t)snprintf(told + at, sizeof(told) - at, "|");
    if (theirs)
        at += (size_t)snprintf(told + at, sizeof(told) - at, "%d",
                               (int)theirs->facts.amount_minor);
    snprintf(told + at, sizeof(told) - at, ";");
}

static const char *compared(void)
{
    o2c_evidence_settle(&left);
    o2c_evidence_settle(&right);
    o2c_evidence_compare(&left, &right, on_difference, NULL);
    return told;
}

static void the_same_in_another_order_is_no_difference(void **state)
{
    (void)state;
    add(&left, "e1", "I-1", 1);
    add(&left, "e2", "I-2", 2);
    add(&right, "e2", "I-2", 2);
    add(&right, "e1", "I-1", 1);
    assert_string_equal(compared(), "");
}

static void an_event_that_came_twice_counts_once(void **state)
{
    (void)state;
    add(&left, "e1", "I-1", 1);
    add(&right, "e1", "I-1", 1);
    add(&right, "e1", "I-1", 1);
    assert_string_equal(compared(), "");
    assert_int_equal(right.count, 1);
}

static void two_events_of_one_document_count_twice(void **state)
{
    (void)state;
    add(&left, "e1", "I-1", 1);
    add(&left, "e2", "I-1", 1);
    add(&right, "e1", "I-1", 1);
    assert_string_equal(compared(), "I-1 1|;");
}

static void what_one_side_lacks_is_told(void **state)
{
    (void)state;
    add(&left, "e1", "I-1", 1);
    add(&left, "e3", "I-3", 3);
    add(&right, "e2", "I-2", 2);
    add(&right, "e3", "I-3", 3);
    add(&right, "e4", "I-4", 4);
    assert_string_equal(compared(), "I-1 1|;I-2|2;I-4|4;");
}

static void another_amount_is_one_difference(void **state)
{
    (void)state;
    add(&left, "e1", "I-1", 1);
    add(&left, "e2", "I-1", 5);
    add(&left, "e3", "I-1", 9);
    add(&right, "f1", "I-1", 5);
    add(&right, "f2", "I-1", 6);
    add(&right, "f3", "I-1", 1);
    assert_string_equal(compared(), "I-1 9|6;");
}

static void an_empty_side_is_told_whole(void **state)
{
    (void)state;
    add(&right, "e1", "I-1", 1);
    assert_string_equal(compared(), "I-1|1;");
}

static void a_seed_draws_the_same_sample(void **state)
{
    size_t count = 0, again_count = 0, other_count = 0, all_count = 0;
    (void)state;
    for (int i = 0; i < 100; i++) {
        char event[16];
        snprintf(event, sizeof(event), "e%d", i);
        add(&left, event, event, i);
    }
    o2c_evidence_settle(&left);
    size_t *one = o2c_evidence_sample(&left, 10, 1, &count);
    size_t *again = o2c_evidence_sample(&left, 10, 1, &again_count);
    size_t *other = o2c_evidence_sample(&left, 10, 2, &other_count);
    size_t *all = o2c_evidence_sample(&left, 1000, 1, &all_count);
    assert_int_equal(count, 10);
    assert_int_equal(again_count, 10);
    assert_int_equal(other_count, 10);
    assert_int_equal(all_count, 100);
    assert_memory_equal(one, again, 10 * sizeof(*one));
    assert_memory_not_equal(one, other, 10 * sizeof(*one));
    for (size_t i = 0; i < all_count; i++)
        assert_int_equal(all[i], i);
    free(one);
    free(again);
    free(other);
    free(all);
    assert_null(o2c_evidence_sample(&right, 10, 1, &count));
    assert_null(o2c_evidence_sample(&left, 0, 1, &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_in_another_order_is_no_difference, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_event_that_came_twice_counts_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(two_events_of_one_document_count_twice, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_one_side_lacks_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_amount_is_one_difference, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_empty_side_is_told_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_seed_draws_the_same_sample, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
