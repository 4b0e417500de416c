/* The rules of the consumer `shipments` (docs/rules/orders.md) as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include "consumers/shipments/rows.h"
#include "consumers/shipments/shipments.h"
#include "runtime/base/buf.h"
#include "tests/support/rule_cases.h"

#define PLACED(order)                                                                      \
    "{'type':'OrderPlaced','order_id':'" #order                                            \
    "','revision':1,'placed_at':'2026-01-05T10:00:00Z','currency':'EUR',"                  \
    "'invoice_policy':'on_shipment','ship_policy':'on_order',"                             \
    "'lines':[{'line_no':1,'sku':'A','quantity_milli':1000}]}"
#define DISPATCHED(order, lines)                                                           \
    "{'type':'ShipmentDispatched','shipment_id':'S','order_id':'" #order                   \
    "','dispatched_at':'2026-01-07T10:00:00Z','lines':[" lines "]}"
#define SENT(no, sku, milli)                                                               \
    "{'line_no':" #no ",'sku':'" #sku "','quantity_milli':" #milli "}"
#define DELIVERED(order, more)                                                             \
    "{'type':'ShipmentDelivered','shipment_id':'S','order_id':'" #order                    \
    "','delivered_at':'2026-01-08T10:00:00Z'" more "}"
#define RETURNED(id, order, lines)                                                         \
    "{'type':'ShipmentReturned','return_id':'" #id                                         \
    "','shipment_id':'S','order_id':'" #order                                              \
    "','returned_at':'2026-01-09T10:00:00Z','reason_code':'11','lines':[" lines "]}"
#define BACK(no, milli) "{'line_no':" #no ",'quantity_milli':" #milli "}"

#define TWO SENT(1, A, 2000) "," SENT(2, B, 3000)

/* STATE order: line sku dispatched-returned, ... */
static void describe(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    const struct shipment *shipment;
    const struct shipment_line *line;

    for (size_t i = 0; (shipment = rows_fixture_row(fixture, &shipments_shipment, i)); i++)
        o2c_buf_printf(out, "%.*s %.*s%s%s\n", O2C_STR_ARG(shipment->state),
                       O2C_STR_ARG(shipment->order_id),
                       shipment->has_dispatched_at ? " sent" : "",
                       shipment->has_delivered_at ? " arrived" : "");
    for (size_t i = 0; (line = rows_fixture_row(fixture, &shipments_line, i)); i++)
        o2c_buf_printf(out, "%" PRId32 " %.*s %" PRId64 "-%" PRId64 "\n", line->line_no,
                       O2C_STR_ARG(line->sku), line->dispatched_milli,
                       line->returned_milli);
}

static const struct rule_case fact_cases[] = {
    {"without its order a shipment waits",
     {DISPATCHED(O, TWO), DELIVERED(O, ""), NULL},
     "waiting_order O sent arrived\n1 A 2000-0\n2 B 3000-0\n"},
    {"an order alone is no shipment", {PLACED(O), NULL}, ""},
    {"another order does not end the waiting",
     {DISPATCHED(O, TWO), PLACED(P), NULL},
     "waiting_order O sent\n1 A 2000-0\n2 B 3000-0\n"},
    {"dispatched",
     {PLACED(O), DISPATCHED(O, TWO), NULL},
     "dispatched O sent\n1 A 2000-0\n2 B 3000-0\n"},
    {"a line that stands there twice adds up",
     {PLACED(O), DISPATCHED(O, SENT(1, A, 5) "," SENT(1, A, 7)), NULL},
     "dispatched O sent\n1 A 12-0\n"},
    {"delivered",
     {PLACED(O), DISPATCHED(O, TWO), DELIVERED(O, ""), NULL},
     "delivered O sent arrived\n1 A 2000-0\n2 B 3000-0\n"},
    {"a refused line makes it part_returned",
     {PLACED(O), DISPATCHED(O, TWO), DELIVERED(O, ",'refused_lines':[2]"), NULL},
     "part_returned O sent arrived\n1 A 2000-0\n2 B 3000-0\n"},
    {"all lines refused is returned",
     {PLACED(O), DISPATCHED(O, TWO), DELIVERED(O, ",'refused_lines':[2,1]"), NULL},
     "returned O sent arrived\n1 A 2000-0\n2 B 3000-0\n"},
    {"an empty list refuses nothing",
     {PLACED(O), DISPATCHED(O, TWO), DELIVERED(O, ",'refused_lines':[]"), NULL},
     "delivered O sent arrived\n1 A 2000-0\n2 B 3000-0\n"},
    {"a part came back",
     {PLACED(O), DISPATCHED(O, TWO), RETURNED(R1, O, BACK(1, 500)), NULL},
     "part_returned O sent\n1 A 2000-500\n2 B 3000-0\n"},
    {"all came back in two returns, more than was sent",
     {PLACED(O), DISPATCHED(O, TWO), RETURNED(R1, O, BACK(1, 2500)),
      RETURNED(R2, O, BACK(2, 3000)), NULL},
     "returned O sent\n1 A 2000-2500\n2 B 3000-3000\n"},
    {"one line returned and the other refused is returned",
     {PLACED(O), DISPATCHED(O, TWO), DELIVERED(O, ",'refused_lines':[2]"),
      RETURNED(R1, O, BACK(1, 2000)), NULL},
     "returned O sent arrived\n1 A 2000-2000\n2 B 3000-0\n"},
    {"a return before its dispatch is part_returned",
     {PLACED(O), RETURNED(R1, O, BACK(1, 2000)), NULL},
     "part_returned O\n1  0-2000\n"},
    {"a return of a line that was never sent is part_returned",
     {PLACED(O), DISPATCHED(O, SENT(1, A, 2000)), RETURNED(R1, O, BACK(9, 1)), NULL},
     "part_returned O sent\n1 A 2000-0\n9  0-1\n"},
    {"the dispatch says whose shipment it is, then the delivery, then the smallest return",
     {PLACED(O), DISPATCHED(O, SENT(1, A, 1)), DELIVERED(P, ""),
      RETURNED(R1, Q, BACK(1, 1)), NULL},
     "returned O sent arrived\n1 A 1-1\n"},
    {"without a dispatch the delivery says it",
     {PLACED(O), DELIVERED(P, ""), RETURNED(R1, O, BACK(1, 1)), NULL},
     "waiting_order P arrived\n1  0-1\n"},
    {"without either the smallest return says it",
     {PLACED(O), RETURNED(R2, P, BACK(1, 1)), RETURNED(R1, O, BACK(1, 1)), NULL},
     "part_returned O\n1  0-2\n"},
};

static void facts_converge_in_any_order(void **state)
{
    (void)state;
    rule_cases_run(&shipments_consumer, fact_cases,
                   sizeof fact_cases / sizeof fact_cases[0], describe);
}

static const struct {
    const char *event, *reason;
} refusals[] = {
    {PLACED(), "order_id: is empty"},
    {DISPATCHED(, TWO), "order_id: is empty"},
    {"{'type':'ShipmentDispatched','shipment_id':'','order_id':'O',"
     "'dispatched_at':'2026-01-07T10:00:00Z','lines':[]}",
     "shipment_id: is empty"},
    {DISPATCHED(O, SENT(1, A, 1) "," SENT(2, A, 0)),
     "lines[1].quantity_milli: 0 is not between 1 and 100000000000000"},
    {DISPATCHED(O, SENT(1, A, 100000000000001)),
     "lines[0].quantity_milli: 100000000000001 is not between 1 and 100000000000000"},
    {DELIVERED(, ""), "order_id: is empty"},
    {RETURNED(, O, BACK(1, 1)), "return_id: is empty"},
    {RETURNED(R1, O, BACK(1, -3)),
     "lines[0].quantity_milli: -3 is not between 1 and 100000000000000"},
};

static void what_can_never_hold_is_parked_with_field_and_value(void **state)
{
    static const struct o2c_table *const tables[] = {
        &shipments_shipment, &shipments_line, &shipments_return, &shipments_known_order};

    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&shipments_consumer);
        struct o2c_err err;

        assert_int_equal(rule_apply(fixture, refusals[i].event, &err), O2C_PARK);
        assert_string_equal(err.text, refusals[i].reason);
        for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
            assert_int_equal(rows_fixture_row_count(fixture, tables[t]), 0);
        rows_fixture_free(fixture);
    }
}

static const char *const one_of_each[] = {PLACED(O), DISPATCHED(O, TWO),
                                          DELIVERED(O, ",'refused_lines':[2]"),
                                          RETURNED(R1, O, BACK(1, 500))};

static void a_repeat_is_told_and_changes_nothing(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&shipments_consumer);
    struct o2c_err err;
    size_t count;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rule_apply(fixture, one_of_each[i], &err), O2C_OK);
        rows_fixture_effects(fixture, &count);
        assert_int_equal(count, 0);
        assert_int_equal(rule_apply(fixture, one_of_each[i], &err), O2C_OK);
        rows_fixture_effects(fixture, &count);
        assert_int_equal(count, 1);
        assert_non_null(rows_fixture_effect(fixture, ROWS_REPEAT, O2C_EVENT_NONE, 0));
    }
    rows_fixture_free(fixture);
}

static const struct {
    const char *event, *key, *field;
} contradictions[] = {
    {DISPATCHED(O, SENT(1, A, 2000)), "dispatched/S", "lines"},
    {DELIVERED(P, ",'refused_lines':[2]"), "delivered/S", "order_id"},
    {RETURNED(R1, O, BACK(1, 501)), "returned/R1", "lines"},
};

static void other_content_under_one_key_is_a_conflict_and_not_applied(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&shipments_consumer);
    struct o2c_buf before, after;
    struct o2c_err err;

    (void)state;
    o2c_buf_init(&before, 10000);
    o2c_buf_init(&after, 10000);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(rule_apply(fixture, one_of_each[i], &err), O2C_OK);
    describe(fixture, &before);
    for (size_t i = 0; i < 3; i++) {
        const struct rows_effect *conflict;

        assert_int_equal(rule_apply(fixture, contradictions[i].event, &err), O2C_OK);
        conflict = rows_fixture_effect(fixture, ROWS_CONFLICT, O2C_EVENT_NONE, 0);
        assert_non_null(conflict);
        assert_true(o2c_str_eq(conflict->key, o2c_str_from(contradictions[i].key)));
        assert_int_equal(conflict->field_count, 1);
        assert_true(o2c_str_eq(conflict->fields[0], o2c_str_from(contradictions[i].field)));
    }
    describe(fixture, &after);
    assert_string_equal(o2c_buf_text(&after), o2c_buf_text(&before));
    o2c_buf_clear(&before);
    o2c_buf_clear(&after);
    rows_fixture_free(fixture);
}

/* One batch: what an earlier event of it changed is what a later one sees. */
static void a_batch_of_all_ends_where_one_by_one_ends(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&shipments_consumer);
    struct o2c_shipment_line line = {
        .line_no = 1, .sku = O2C_STR("A"), .quantity_milli = 10};
    struct o2c_return_line back = {.line_no = 1, .quantity_milli = 10};
    struct o2c_shipment_returned returned = {.head.customer_id = O2C_STR("C1"),
                                             .return_id = O2C_STR("R1"),
                                             .shipment_id = O2C_STR("S"),
                                             .order_id = O2C_STR("O"),
                                             .reason_code = O2C_STR("11"),
                                             .lines = &back,
                                             .lines_count = 1};
    struct o2c_shipment_dispatched dispatched = {.head.customer_id = O2C_STR("C1"),
                                                 .shipment_id = O2C_STR("S"),
                                                 .order_id = O2C_STR("O"),
                                                 .lines = &line,
                                                 .lines_count = 1};
    struct o2c_shipment_delivered delivered = {.head.customer_id = O2C_STR("C1"),
                                               .shipment_id = O2C_STR("S"),
                                               .order_id = O2C_STR("O")};
    struct o2c_order_line ordered = {
        .line_no = 1, .sku = O2C_STR("A"), .quantity_milli = 10};
    struct o2c_order_placed placed = {.head.customer_id = O2C_STR("C1"),
                                      .order_id = O2C_STR("O"),
                                      .revision = 1,
                                      .currency = O2C_STR("EUR"),
                                      .lines = &ordered,
                                      .lines_count = 1};
    const struct o2c_event events[] = {o2c_event_of(O2C_SHIPMENT_RETURNED, &returned),
                                       o2c_event_of(O2C_SHIPMENT_DELIVERED, &delivered),
                                       o2c_event_of(O2C_SHIPMENT_DISPATCHED, &dispatched),
                                       o2c_event_of(O2C_SHIPMENT_RETURNED, &returned),
                                       o2c_event_of(O2C_ORDER_PLACED, &placed)};
    struct o2c_buf rows;

    (void)state;
    rows_fixture_apply_batch(fixture, events, 5);
    assert_non_null(rows_fixture_effect(fixture, ROWS_REPEAT, O2C_EVENT_NONE, 0));
    assert_null(rows_fixture_effect(fixture, ROWS_PARKED, O2C_EVENT_NONE, 0));
    o2c_buf_init(&rows, 10000);
    describe(fixture, &rows);
    assert_string_equal(o2c_buf_text(&rows), "returned O sent arrived\n1 A 10-10\n");
    o2c_buf_clear(&rows);
    rows_fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_converge_in_any_order),
        cmocka_unit_test(what_can_never_hold_is_parked_with_field_and_value),
        cmocka_unit_test(a_repeat_is_told_and_changes_nothing),
        cmocka_unit_test(other_content_under_one_key_is_a_conflict_and_not_applied),
        cmocka_unit_test(a_batch_of_all_ends_where_one_by_one_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
