/* The rules of docs/rules/orders.md as tables, for the consumer `orders`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include "consumers/orders/orders.h"
#include "consumers/orders/rows.h"
#include "runtime/base/buf.h"
#include "tests/support/rule_cases.h"

#define PLACED(revision, lines)                                                            \
    "{'type':'OrderPlaced','order_id':'O','revision':" #revision                           \
    ",'placed_at':'2026-01-05T10:00:00Z','currency':'EUR','invoice_policy':'on_shipment'," \
    "'ship_policy':'on_order','lines':[" lines "]}"
#define AMENDED(revision, lines)                                                           \
    "{'type':'OrderAmended','order_id':'O','revision':" #revision                          \
    ",'placed_at':'2026-01-05T10:00:00Z','currency':'EUR','invoice_policy':'on_shipment'," \
    "'ship_policy':'on_order','lines':[" lines "]}"
#define LINE(no, sku, milli, micro)                                                        \
    "{'line_no':" #no ",'sku':'" #sku "','quantity_milli':" #milli                         \
    ",'unit_price_micro':" #micro "}"
#define CANCELLED(revision, more)                                                          \
    "{'type':'OrderCancelled','order_id':'O','revision':" #revision ",'reason':'x'" more "}"
#define DISPATCHED(id, lines)                                                              \
    "{'type':'ShipmentDispatched','shipment_id':'" #id                                     \
    "','order_id':'O','dispatched_at':'2026-01-07T10:00:00Z','lines':[" lines "]}"
#define SHIPPED(no, sku, milli)                                                            \
    "{'line_no':" #no ",'sku':'" #sku "','quantity_milli':" #milli "}"
#define RETURNED(id, lines)                                                                \
    "{'type':'ShipmentReturned','return_id':'" #id                                         \
    "','shipment_id':'S1','order_id':'O','returned_at':'2026-01-09T10:00:00Z',"            \
    "'reason_code':'11','lines':[" lines "]}"
#define BACK(no, milli) "{'line_no':" #no ",'quantity_milli':" #milli "}"

#define TWO LINE(1, A, 2000, 10000000) "," LINE(2, B, 3000, 1500000)

static void describe(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    const struct order *order = rows_fixture_row(fixture, &orders_order, 0);
    const struct line *line;

    if (!order)
        return;
    if (!order->content_revision)
        o2c_buf_add_text(out, "not placed\n");
    else
        o2c_buf_printf(out, "r%" PRId64 " %.*s/%.*s/%.*s net ", order->revision,
                       O2C_STR_ARG(order->state), O2C_STR_ARG(order->shipment_state),
                       O2C_STR_ARG(order->invoice_state));
    if (order->content_revision && order->has_net_minor)
        o2c_buf_printf(out, "%" PRId64 "\n", order->net_minor);
    else if (order->content_revision)
        o2c_buf_add_text(out, "?\n");
    for (size_t i = 0; (line = rows_fixture_row(fixture, &orders_line, i)); i++)
        o2c_buf_printf(out, "%" PRId32 " %.*s%s%s o%" PRId64 " s%" PRId64 " r%" PRId64 "\n",
                       line->line_no, O2C_STR_ARG(line->sku),
                       line->in_content ? "" : " lacking",
                       line->cancelled ? " cancelled" : "", line->ordered_milli,
                       line->shipped_milli, line->returned_milli);
}

static const struct rule_case fact_cases[] = {
    {"a placed order waits for shipment",
     {PLACED(1, TWO), NULL},
     "r1 received/waiting/pending net 2450\n1 A o2000 s0 r0\n2 B o3000 s0 r0\n"},
    {"the highest revision is the content",
     {PLACED(1, TWO), AMENDED(3, LINE(1, A, 1000, 10000000)), AMENDED(2, LINE(9, Z, 1, 1)),
      NULL},
     "r3 received/waiting/pending net 1000\n1 A o1000 s0 r0\n"},
    {"a part is shipped",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, A, 2000)), NULL},
     "r1 processing/part_shipped/pending net 2450\n1 A o2000 s2000 r0\n2 B o3000 s0 r0\n"},
    {"all is shipped in two deliveries, more than ordered on one line",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, A, 2500)),
      DISPATCHED(S2, SHIPPED(2, B, 1000) "," SHIPPED(2, B, 2000)), NULL},
     "r1 processing/shipped/pending net 2450\n1 A o2000 s2500 r0\n2 B o3000 s3000 r0\n"},
    {"another sku on a line is an exception",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, X, 2000)), NULL},
     "r1 processing/exception/pending net 2450\n1 A o2000 s2000 r0\n2 B o3000 s0 r0\n"},
    {"a line the content lacks is an exception and shows its smallest sku",
     {PLACED(1, LINE(1, A, 1000, 1)), DISPATCHED(S1, SHIPPED(7, Z, 5)),
      DISPATCHED(S2, SHIPPED(7, Y, 5)), NULL},
     "r1 processing/exception/pending net 0\n1 A o1000 s0 r0\n7 Y lacking o0 s10 r0\n"},
    {"a later content that has the line heals the exception",
     {PLACED(1, LINE(1, A, 1000, 0)), DISPATCHED(S1, SHIPPED(7, Z, 5)),
      AMENDED(2, LINE(1, A, 1000, 0) "," LINE(7, Z, 5, 0)), NULL},
     "r2 processing/part_shipped/pending net 0\n1 A o1000 s0 r0\n7 Z o5 s5 r0\n"},
    {"a whole cancellation before shipment",
     {PLACED(1, TWO), CANCELLED(2, ""), NULL},
     "r2 cancelled/none/none net 2450\n1 A cancelled o2000 s0 r0\n2 B cancelled o3000 s0 "
     "r0\n"},
    {"cancelled lines add up",
     {PLACED(1, TWO), CANCELLED(2, ",'line_nos':[1]"), CANCELLED(3, ",'line_nos':[2,8]"),
      NULL},
     "r3 cancelled/none/none net 2450\n1 A cancelled o2000 s0 r0\n2 B cancelled o3000 s0 "
     "r0\n"},
    {"an empty list cancels nothing",
     {PLACED(1, TWO), CANCELLED(2, ",'line_nos':[]"), NULL},
     "r2 received/waiting/pending net 2450\n1 A o2000 s0 r0\n2 B o3000 s0 r0\n"},
    {"a cancellation below the content is void",
     {PLACED(1, TWO), CANCELLED(2, ""), AMENDED(3, LINE(1, A, 2000, 10000000)), NULL},
     "r3 received/waiting/pending net 2000\n1 A o2000 s0 r0\n"},
    {"what was shipped of a cancelled line stays shipped",
     {PLACED(1, TWO), CANCELLED(2, ""), DISPATCHED(S1, SHIPPED(1, A, 500)), NULL},
     "r2 processing/shipped/pending net 2450\n1 A cancelled o2000 s500 r0\n"
     "2 B cancelled o3000 s0 r0\n"},
    {"a return does not change how far it is shipped",
     {PLACED(1, LINE(1, A, 2000, 0)), DISPATCHED(S1, SHIPPED(1, A, 2000)),
      RETURNED(R1, BACK(1, 700)), RETURNED(R2, BACK(1, 5000)), NULL},
     "r1 processing/shipped/pending net 0\n1 A o2000 s2000 r5700\n"},
    {"everything but the order has arrived",
     {DISPATCHED(S1, SHIPPED(1, A, 2000)), CANCELLED(2, ""), RETURNED(R1, BACK(4, 1)),
      NULL},
     "not placed\n1 A lacking o0 s2000 r0\n4  lacking o0 s0 r1\n"},
    {"a line without a price leaves the amount unknown",
     {PLACED(1, "{'line_no':1,'sku':'A','quantity_milli':1000}," LINE(2, B, 1000, 5)),
      NULL},
     "r1 received/waiting/pending net ?\n1 A o1000 s0 r0\n2 B o1000 s0 r0\n"},
    {"half a cent is rounded away from zero, per line",
     {PLACED(1, LINE(1, A, 1, 5000000) "," LINE(2, B, 1, 4999999)), NULL},
     "r1 received/waiting/pending net 1\n1 A o1 s0 r0\n2 B o1 s0 r0\n"},
};

static void facts_converge_in_any_order(void **state)
{
    (void)state;
    rule_cases_run(&orders_consumer, fact_cases, sizeof fact_cases / sizeof fact_cases[0],
                   describe);
}

static const struct {
    const char *event, *reason;
} refusals[] = {
    {PLACED(0, TWO), "revision: 0 is below 1"},
    {CANCELLED(-1, ""), "revision: -1 is below 1"},
    {PLACED(1, LINE(1, A, 0, 1)),
     "lines[0].quantity_milli: 0 is not between 1 and 100000000000000"},
    {PLACED(1, TWO "," LINE(2, C, 1, 1)), "lines[2].line_no: 2 stands there twice"},
    {PLACED(1, LINE(1, A, 1, -1)), "lines[0].unit_price_micro: -1 is negative"},
    {PLACED(1, LINE(1, A, 100000000000000, 9000000000000000000)),
     "lines[0]: the amount does not fit"},
    {DISPATCHED(S1, SHIPPED(1, A, -5)),
     "lines[0].quantity_milli: -5 is not between 1 and 100000000000000"},
    {RETURNED(R1, BACK(1, 0)),
     "lines[0].quantity_milli: 0 is not between 1 and 100000000000000"},
    {"{'type':'OrderPlaced','order_id':'O','revision':1,'placed_at':'2026-01-05T10:00:00Z',"
     "'currency':'ZZZ','invoice_policy':'on_shipment','ship_policy':'on_order','lines':[]}",
     "currency: \"ZZZ\" is no ISO 4217 code"},
    {"{'type':'OrderCancelled','order_id':'','revision':1,'reason':'x'}",
     "order_id: is empty"},
};

static void what_can_never_hold_is_parked_with_field_and_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&orders_consumer);
        struct o2c_err err;

        assert_int_equal(rule_apply(fixture, refusals[i].event, &err), O2C_PARK);
        assert_string_equal(err.text, refusals[i].reason);
        assert_int_equal(rows_fixture_row_count(fixture, &orders_order), 0);
        assert_int_equal(rows_fixture_row_count(fixture, &orders_revision), 0);
        rows_fixture_free(fixture);
    }
}

static size_t effect_count(const struct rows_fixture *fixture)
{
    size_t count;

    rows_fixture_effects(fixture, &count);
    return count;
}

static void a_repeat_changes_and_publishes_nothing(void **state)
{
    static const char *const events[] = {PLACED(1, TWO), CANCELLED(2, ",'line_nos':[1]"),
                                         DISPATCHED(S1, SHIPPED(2, B, 1)),
                                         RETURNED(R1, BACK(2, 1))};
    struct rows_fixture *fixture = rows_fixture_new(&orders_consumer);
    struct o2c_err err;

    (void)state;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        assert_int_equal(rule_apply(fixture, events[i], &err), O2C_OK);
        assert_int_equal(rule_apply(fixture, events[i], &err), O2C_OK);
        assert_int_equal(effect_count(fixture), 1);
        assert_non_null(rows_fixture_effect(fixture, ROWS_REPEAT, O2C_EVENT_NONE, 0));
    }
    rows_fixture_free(fixture);
}

static void other_content_under_one_revision_is_a_conflict_naming_the_fields(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&orders_consumer);
    const struct rows_effect *conflict;
    const struct order *order;
    struct o2c_err err;

    (void)state;
    assert_int_equal(rule_apply(fixture, PLACED(1, TWO), &err), O2C_OK);
    assert_int_equal(rule_apply(fixture, PLACED(1, LINE(1, A, 1, 1)), &err), O2C_OK);
    conflict = rows_fixture_effect(fixture, ROWS_CONFLICT, O2C_EVENT_NONE, 0);
    assert_non_null(conflict);
    assert_true(o2c_str_eq(conflict->key, O2C_STR("O/1")));
    assert_int_equal(conflict->field_count, 1);
    assert_true(o2c_str_eq(conflict->fields[0], O2C_STR("lines")));
    order = rows_fixture_row(fixture, &orders_order, 0);
    assert_int_equal(order->net_minor, 2450);
    rows_fixture_free(fixture);
}

static void a_contradicting_shipment_is_left_to_its_own_consumer(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&orders_consumer);
    const struct line *line;
    struct o2c_err err;

    (void)state;
    assert_int_equal(rule_apply(fixture, DISPATCHED(S1, SHIPPED(1, A, 5)), &err), O2C_OK);
    assert_int_equal(rule_apply(fixture, DISPATCHED(S1, SHIPPED(1, A, 6)), &err), O2C_OK);
    assert_null(rows_fixture_effect(fixture, ROWS_CONFLICT, O2C_EVENT_NONE, 0));
    line = rows_fixture_row(fixture, &orders_line, 0);
    assert_int_equal(line->shipped_milli, 5);
    rows_fixture_free(fixture);
}

static void what_changes_is_published_and_nothing_else(void **state)
{
    static const struct {
        const char *event;
        size_t states, changes;
    } steps[] = {
        {DISPATCHED(S1, SHIPPED(1, A, 1000)), 0, 0}, /* nobody has placed it yet */
        {PLACED(1, TWO), 1, 1},
        {DISPATCHED(S2, SHIPPED(1, A, 1000)), 1, 0}, /* still part_shipped */
        {DISPATCHED(S3, SHIPPED(2, B, 3000)), 1, 1},
        {RETURNED(R1, BACK(2, 1)), 1, 0},
        {AMENDED(3, TWO), 1, 0},
        {AMENDED(2, LINE(1, A, 1, 1)), 0, 0}, /* came too late */
    };
    struct rows_fixture *fixture = rows_fixture_new(&orders_consumer);
    struct o2c_err err;

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(rule_apply(fixture, steps[i].event, &err), O2C_OK);
        assert_int_equal(rows_fixture_effect(fixture, ROWS_STATE, O2C_ORDER_STATE, 0) !=
                             NULL,
                         steps[i].states);
        assert_int_equal(
            rows_fixture_effect(fixture, ROWS_EMITTED, O2C_ORDER_STATUS_CHANGED, 0) != NULL,
            steps[i].changes);
        assert_int_equal(effect_count(fixture), steps[i].states + steps[i].changes);
    }
    rows_fixture_free(fixture);
}

static void the_published_state_is_that_of_the_rows(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&orders_consumer);
    const struct o2c_order_state *shown;
    struct o2c_err err;

    (void)state;
    assert_int_equal(rule_apply(fixture, PLACED(1, TWO), &err), O2C_OK);
    assert_int_equal(rule_apply(fixture, DISPATCHED(S1, SHIPPED(1, A, 500)), &err), O2C_OK);
    assert_int_equal(rule_apply(fixture, CANCELLED(2, ",'line_nos':[1]"), &err), O2C_OK);
    shown = rows_fixture_effect(fixture, ROWS_STATE, O2C_ORDER_STATE, 0)->event.order_state;
    assert_true(o2c_str_eq(shown->order_id, O2C_STR("O")));
    assert_true(o2c_str_eq(shown->account_id, O2C_STR("C1")));
    assert_int_equal(shown->revision, 2);
    assert_int_equal(shown->state, O2C_ORDER_PHASE_PROCESSING);
    assert_int_equal(shown->shipment_state, O2C_ORDER_SHIPMENT_STATE_PART_SHIPPED);
    assert_int_equal(shown->net_minor, 2450);
    assert_int_equal(shown->lines_count, 2);
    assert_int_equal(shown->lines[0].cancelled_milli, 1500);
    assert_int_equal(shown->lines[0].shipped_milli, 500);
    assert_int_equal(shown->lines[1].cancelled_milli, 0);
    rows_fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_converge_in_any_order),
        cmocka_unit_test(what_can_never_hold_is_parked_with_field_and_value),
        cmocka_unit_test(a_repeat_changes_and_publishes_nothing),
        cmocka_unit_test(other_content_under_one_revision_is_a_conflict_naming_the_fields),
        cmocka_unit_test(a_contradicting_shipment_is_left_to_its_own_consumer),
        cmocka_unit_test(what_changes_is_published_and_nothing_else),
        cmocka_unit_test(the_published_state_is_that_of_the_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
