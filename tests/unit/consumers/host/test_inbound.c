/* Streams received, and accounts with something parked: what a batch changes can be undone.
 */
#include "consumers/host/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "runtime/base/banned.h"

static struct unit unit;

static int clear(void **state)
{
    (void)state;
    inbound_clear(&unit);
    parked_clear(&unit);
    assert_null(unit.inbound);
    assert_null(unit.parked);
    return 0;
}

static struct o2c_uuid incarnation(uint8_t age)
{
    return (struct o2c_uuid){.byte = {1, 2, 3, age}};
}

static enum inbound_verdict judge(const char *source, uint8_t age, int64_t seq)
{
    struct o2c_stream_headers headers = {.present = true,
                                         .source = o2c_str_from(source),
                                         .incarnation = incarnation(age),
                                         .source_partition = 3,
                                         .stream_seq = seq};
    int64_t expected = 0;

    return inbound_judge(&unit, 0, &headers, &expected);
}

static void numbers_must_follow_each_other(void **state)
{
    static const struct {
        uint8_t age;
        int64_t seq;
        enum inbound_verdict verdict;
    } rows[] = {
        {5, 10, INBOUND_APPLY},  /* the first one met is where it begins */
        {5, 10, INBOUND_REPEAT}, /* again */
        {5, 9, INBOUND_REPEAT},  /* from before */
        {5, 11, INBOUND_APPLY},  {5, 13, INBOUND_GAP},
        {5, 12, INBOUND_APPLY},  /* the gap has changed nothing */
        {4, 13, INBOUND_REPEAT}, /* an older incarnation */
        {6, 2, INBOUND_GAP},     /* a newer one begins at 1 */
        {5, 13, INBOUND_APPLY},  {6, 1, INBOUND_APPLY},
        {5, 14, INBOUND_REPEAT}, {6, 2, INBOUND_APPLY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (judge("orders", rows[i].age, rows[i].seq) != rows[i].verdict)
            fail_msg("row %zu", i);
}

static void each_source_has_a_stream_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(judge("orders", 1, 1), INBOUND_APPLY);
    assert_int_equal(judge("shipments", 1, 7), INBOUND_APPLY);
    assert_int_equal(judge("orders", 1, 2), INBOUND_APPLY);
    assert_int_equal(judge("shipments", 1, 8), INBOUND_APPLY);
    assert_int_equal(judge("order", 1, 40), INBOUND_APPLY);
}

static void what_a_batch_received_is_forgotten_with_it(void **state)
{
    struct o2c_uuid known = incarnation(1);

    (void)state;
    inbound_set(&unit, 0, O2C_STR("orders"), 3, &known, 20);
    assert_int_equal(judge("orders", 1, 21), INBOUND_APPLY);
    assert_int_equal(judge("orders", 2, 1), INBOUND_APPLY);
    assert_int_equal(judge("new", 1, 5), INBOUND_APPLY);
    inbound_undo(&unit);
    assert_int_equal(judge("orders", 1, 22), INBOUND_GAP);
    assert_int_equal(judge("orders", 1, 21), INBOUND_APPLY);
    assert_int_equal(judge("new", 1, 9), INBOUND_APPLY); /* met again for the first time */
    inbound_keep(&unit);
    assert_int_equal(judge("orders", 1, 22), INBOUND_APPLY);
    inbound_undo(&unit);
    assert_int_equal(judge("orders", 1, 22), INBOUND_APPLY);
    assert_int_equal(judge("new", 1, 9), INBOUND_REPEAT);
}

static int64_t parked(const char *account)
{
    const struct parked_account *found = parked_find(&unit, o2c_str_from(account));

    return found ? found->records : 0;
}

static void an_account_is_parked_while_it_has_records(void **state)
{
    (void)state;
    assert_int_equal(parked("a"), 0);
    parked_set(&unit, O2C_STR("a"), 2);
    parked_set(&unit, O2C_STR("ab"), 1);
    assert_int_equal(parked("a"), 2);
    assert_int_equal(parked("ab"), 1);
    assert_int_equal(parked("abc"), 0);
    parked_keep(&unit);
    parked_set(&unit, O2C_STR("a"), 0);
    parked_set(&unit, O2C_STR("b"), 5);
    assert_int_equal(parked("a"), 0);
    parked_undo(&unit);
    assert_int_equal(parked("a"), 2);
    assert_int_equal(parked("b"), 0);
    parked_set(&unit, O2C_STR("a"), 0);
    parked_keep(&unit);
    parked_undo(&unit);
    assert_int_equal(parked("a"), 0);
    assert_int_equal(parked("ab"), 1);
}

/* A wrong schema parks every account of a partition. */
static void any_of_many_parked_accounts_is_found(void **state)
{
    char name[16];

    (void)state;
    for (int i = 1; i <= 2000; i++) {
        snprintf(name, sizeof name, "acc-%d", i);
        parked_set(&unit, o2c_str_from(name), i);
    }
    parked_keep(&unit);
    for (int i = 1; i <= 2000; i++) {
        snprintf(name, sizeof name, "acc-%d", i);
        assert_int_equal(parked(name), i);
        if (i % 10)
            parked_set(&unit, o2c_str_from(name), 0);
    }
    parked_keep(&unit);
    for (int i = 1; i <= 2000; i++) {
        snprintf(name, sizeof name, "acc-%d", i);
        assert_int_equal(parked(name), i % 10 ? 0 : i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(numbers_must_follow_each_other, clear),
        cmocka_unit_test_teardown(each_source_has_a_stream_of_its_own, clear),
        cmocka_unit_test_teardown(what_a_batch_received_is_forgotten_with_it, clear),
        cmocka_unit_test_teardown(an_account_is_parked_while_it_has_records, clear),
        cmocka_unit_test_teardown(any_of_many_parked_accounts_is_found, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
