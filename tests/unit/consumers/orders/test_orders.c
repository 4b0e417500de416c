/* The rules of docs/rules/orders.md as tables, for the consumer `orders`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "consumers/orders/orders.h"
#include "consumers/orders/rows.h"
#include "runtime/base/buf.h"
#include "schemas/units/time.h"
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
#define DISPATCHED_ON(day, id, lines)                                                      \
    "{'type':'ShipmentDispatched','shipment_id':'" #id                                     \
    "','order_id':'O','dispatched_at':'2026-01-" #day "T10:00:00Z','lines':[" lines "]}"
#define DISPATCHED(id, lines) DISPATCHED_ON(07, id, lines)
#define SHIPPED(no, sku, milli)                                                            \
    "{'line_no':" #no ",'sku':'" #sku "','quantity_milli':" #milli "}"
#define RETURNED(id, lines)                                                                \
    "{'type':'ShipmentReturned','return_id':'" #id                                         \
    "','shipment_id':'S1','order_id':'O','returned_at':'2026-01-09T10:00:00Z',"            \
    "'reason_code':'11','lines':[" lines "]}"
#define BACK(no, milli) "{'line_no':" #no ",'quantity_milli':" #milli "}"
#define INVOICE_OF(order, id, currency, lines, net)                                        \
    "{'type':'InvoiceIssued','invoice_id':'" #id "','number':'" #id "'" order              \
    ",'issue_date':'2026-01-08','currency':'" #currency "','lines':[" lines                \
    "],'net_minor':" #net ",'gross_minor':" #net                                           \
    ",'instalments':[{'due_date':'2026-02-08','amount_minor':" #net "}]}"
#define INVOICE(id, lines, net) INVOICE_OF(",'order_id':'O'", id, EUR, lines, net)
#define BILLED(no, milli)                                                                  \
    "{'line_no':1,'order_line_no':" #no ",'quantity_milli':" #milli                        \
    ",'unit_price_micro':1,'net_minor':0}"
#define TOTAL "{'line_no':1,'quantity_milli':1000,'unit_price_micro':1,'net_minor':0}"
#define VOID(id) "{'type':'InvoiceCancelled','invoice_id':'" #id "','reason':'x'}"

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

/* What is invoiced, and what of the shipped is not: its value and the day since when. */
static void add_invoiced(const struct order *order, struct o2c_buf *out)
{
    o2c_buf_printf(out, "%.*s/%.*s/%.*s invoiced %" PRId64 " lump %" PRId64,
                   O2C_STR_ARG(order->state), O2C_STR_ARG(order->shipment_state),
                   O2C_STR_ARG(order->invoice_state), order->invoiced_minor,
                   order->lump_sum_minor);
    if (order->has_not_invoiced_since)
        o2c_buf_printf(out, " left %" PRId64 " since %d", order->not_invoiced_minor,
                       (int)(order->not_invoiced_since / O2C_DAY_US) - 20453);
    else
        assert_int_equal(order->not_invoiced_minor, 0);
    o2c_buf_add_text(out, "\n");
}

static void describe_invoiced(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    const struct order *order;
    const struct line *line;

    for (size_t i = 0; (order = rows_fixture_row(fixture, &orders_order, i)); i++)
        add_invoiced(order, out);
    for (size_t i = 0; (line = rows_fixture_row(fixture, &orders_line, i)); i++)
        o2c_buf_printf(out, "%" PRId32 " s%" PRId64 " i%" PRId64 "\n", line->line_no,
                       line->shipped_milli, line->invoiced_milli);
}

static const struct rule_case invoice_cases[] = {
    {"nothing but invoices: the order has not come",
     {INVOICE(I1, BILLED(1, 2000), 2000), VOID(I2), NULL},
     ""},
    {"part of what was shipped is invoiced",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, A, 2000)), INVOICE(I1, BILLED(1, 500), 500),
      NULL},
     "processing/part_shipped/part_invoiced invoiced 500 lump 0 left 1500 since 7\n"
     "1 s2000 i500\n2 s0 i0\n"},
    {"all that was shipped is invoiced, but not all that was ordered",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, A, 2000)),
      INVOICE(I1, BILLED(1, 1500), 1500), INVOICE(I2, BILLED(1, 500), 500), NULL},
     "processing/part_shipped/part_invoiced invoiced 2000 lump 0\n"
     "1 s2000 i2000\n2 s0 i0\n"},
    {"all is invoiced before anything is shipped",
     {PLACED(1, TWO), INVOICE(I1, BILLED(1, 2000) "," BILLED(2, 3000), 2450), NULL},
     "processing/waiting/awaiting_payment invoiced 2450 lump 0\n1 s0 i2000\n2 s0 i3000\n"},
    {"one line over does not make up for another",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, A, 2000) "," SHIPPED(2, B, 3000)),
      INVOICE(I1, BILLED(1, 9000) "," BILLED(2, 2000), 2450), NULL},
     "processing/shipped/part_invoiced invoiced 2450 lump 0 left 150 since 7\n"
     "1 s2000 i9000\n2 s3000 i2000\n"},
    {"what was shipped over is to be invoiced too",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, A, 2500) "," SHIPPED(2, B, 3000)),
      INVOICE(I1, BILLED(1, 2000) "," BILLED(2, 3000), 2450), NULL},
     "processing/shipped/part_invoiced invoiced 2450 lump 0 left 500 since 7\n"
     "1 s2500 i2000\n2 s3000 i3000\n"},
    {"what came back need not be invoiced",
     {PLACED(1, LINE(1, A, 2000, 10000000)), DISPATCHED(S1, SHIPPED(1, A, 2000)),
      RETURNED(R1, BACK(1, 700)), INVOICE(I1, BILLED(1, 1300), 1300), NULL},
     "processing/shipped/awaiting_payment invoiced 1300 lump 0\n1 s2000 i1300\n"},
    {"what was cancelled need not be invoiced",
     {PLACED(1, TWO), CANCELLED(2, ",'line_nos':[2]"), DISPATCHED(S1, SHIPPED(1, A, 2000)),
      INVOICE(I1, BILLED(1, 2000), 2000), NULL},
     "processing/shipped/awaiting_payment invoiced 2000 lump 0\n1 s2000 i2000\n2 s0 i0\n"},
    {"an order wholly cancelled stays cancelled, its invoice to be paid or cancelled",
     {PLACED(1, TWO), CANCELLED(2, ""), INVOICE(I1, BILLED(1, 2000), 2000), NULL},
     "cancelled/none/awaiting_payment invoiced 2000 lump 0\n1 s0 i2000\n2 s0 i0\n"},
    {"a cancelled invoice takes exactly its own part back",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, A, 2000)),
      INVOICE(I1, BILLED(1, 1500) "," BILLED(1, 100), 1600),
      INVOICE(I2, BILLED(1, 500), 500), VOID(I1), NULL},
     "processing/part_shipped/part_invoiced invoiced 500 lump 0 left 1500 since 7\n"
     "1 s2000 i500\n2 s0 i0\n"},
    {"and leaves no line behind that nothing else names",
     {PLACED(1, LINE(1, A, 2000, 0)), INVOICE(I1, BILLED(7, 1500), 1), VOID(I1), NULL},
     "received/waiting/pending invoiced 0 lump 0\n1 s0 i0\n"},
    {"a line the content lacks is kept, until a later content has it",
     {PLACED(1, LINE(1, A, 1000, 0)), INVOICE(I1, BILLED(2, 3000), 5), AMENDED(2, TWO),
      NULL},
     "processing/waiting/part_invoiced invoiced 5 lump 0\n1 s0 i0\n2 s0 i3000\n"},
    {"an invoice that names no line counts by its amount",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, A, 2000) "," SHIPPED(2, B, 3000)),
      INVOICE(I1, TOTAL, 2400), NULL},
     "processing/shipped/part_invoiced invoiced 2400 lump 2400 left 50 since 7\n"
     "1 s2000 i0\n2 s3000 i0\n"},
    {"two of them make up the whole",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, A, 2000) "," SHIPPED(2, B, 3000)),
      INVOICE(I1, TOTAL, 2400), INVOICE(I2, TOTAL, 50), NULL},
     "processing/shipped/awaiting_payment invoiced 2450 lump 2450\n"
     "1 s2000 i0\n2 s3000 i0\n"},
    {"an amount covers what the lines of another invoice leave; freight covers nothing",
     {PLACED(1, TWO), DISPATCHED(S1, SHIPPED(1, A, 2000) "," SHIPPED(2, B, 3000)),
      INVOICE(I1, BILLED(1, 2000) "," TOTAL, 2300), INVOICE(I2, TOTAL, 449), NULL},
     "processing/shipped/part_invoiced invoiced 2749 lump 449 left 1 since 7\n"
     "1 s2000 i2000\n2 s3000 i0\n"},
    {"an amount says nothing of goods without a price",
     {PLACED(1, "{'line_no':1,'sku':'A','quantity_milli':1000}"),
      DISPATCHED(S1, SHIPPED(1, A, 1000)), INVOICE(I1, TOTAL, 99), NULL},
     "processing/shipped/part_invoiced invoiced 99 lump 99 left 0 since 7\n1 s1000 i0\n"},
    {"goods for nothing need no invoice",
     {PLACED(1, LINE(1, A, 1000, 10000000) "," LINE(2, B, 1000, 0)),
      DISPATCHED(S1, SHIPPED(1, A, 1000) "," SHIPPED(2, B, 1000)),
      INVOICE(I1, BILLED(1, 1000), 1000), NULL},
     "processing/shipped/awaiting_payment invoiced 1000 lump 0\n1 s1000 i1000\n2 s1000 i0\n"},
    {"amounts of another currency do not count, quantities do",
     {PLACED(1, TWO), INVOICE_OF(",'order_id':'O'", I1, USD, TOTAL, 2450),
      INVOICE_OF(",'order_id':'O'", I2, USD, BILLED(1, 2000), 2000), NULL},
     "processing/waiting/part_invoiced invoiced 0 lump 0\n1 s0 i2000\n2 s0 i0\n"},
    {"the currency is that of the content",
     {"{'type':'OrderPlaced','order_id':'O','placed_at':'2026-01-05T10:00:00Z',"
      "'currency':'USD','invoice_policy':'on_shipment','ship_policy':'on_order','lines':[" LINE(
          1, A, 1000, 10000000) "]}",
      INVOICE_OF(",'order_id':'O'", I1, USD, TOTAL, 7), INVOICE(I2, TOTAL, 30), VOID(I3),
      INVOICE(I3, TOTAL, 5), AMENDED(2, LINE(1, A, 1000, 10000000)), NULL},
     "processing/waiting/part_invoiced invoiced 30 lump 30\n1 s0 i0\n"},
    {"since the first dispatch of a line that is not wholly invoiced",
     {PLACED(1, TWO), DISPATCHED_ON(05, S1, SHIPPED(1, A, 2000)),
      DISPATCHED_ON(09, S2, SHIPPED(2, B, 1000)),
      DISPATCHED_ON(11, S3, SHIPPED(2, B, 1000)), INVOICE(I1, BILLED(1, 2000), 2000), NULL},
     "processing/part_shipped/part_invoiced invoiced 2000 lump 0 left 300 since 9\n"
     "1 s2000 i2000\n2 s2000 i0\n"},
    {"half a cent is rounded once per line",
     {PLACED(1, LINE(1, A, 1000, 5000) "," LINE(2, B, 1000, 5000)),
      DISPATCHED(S1, SHIPPED(1, A, 1000) "," SHIPPED(2, B, 1000)), NULL},
     "processing/shipped/pending invoiced 0 lump 0 left 2 since 7\n1 s1000 i0\n2 s1000 i0\n"},
    {"an invoice may take something back",
     {PLACED(1, TWO), INVOICE(I1, BILLED(1, 2000), 2000),
      INVOICE(I2, BILLED(1, -500), -500), NULL},
     "processing/waiting/part_invoiced invoiced 1500 lump 0\n1 s0 i1500\n2 s0 i0\n"},
};

static void what_is_invoiced_converges_in_any_order(void **state)
{
    (void)state;
    rule_cases_run(&orders_consumer, invoice_cases,
                   sizeof invoice_cases / sizeof invoice_cases[0], describe_invoiced);
}

/* Too many events to be drawn here: a stored row is made to stand for them. */
static void a_sum_of_invoices_that_does_not_fit_is_parked(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&orders_consumer);
    struct invoice *invoice;
    struct line *line;
    struct o2c_err err;

    (void)state;
    assert_int_equal(rule_apply(fixture, PLACED(1, TWO), &err), O2C_OK);
    assert_int_equal(rule_apply(fixture, INVOICE(I1, BILLED(1, 5), 1), &err), O2C_OK);
    assert_int_equal(rule_apply(fixture, INVOICE(I2, BILLED(1, 5), 1), &err), O2C_OK);
    line = (struct line *)(uintptr_t)rows_fixture_row(fixture, &orders_line, 0);
    line->invoiced_milli = INT64_MAX;
    assert_int_equal(rule_apply(fixture, INVOICE(I3, BILLED(1, 1), 1), &err), O2C_PARK);
    assert_string_equal(err.text, "invoice_id: the sum of the order does not fit");
    assert_int_equal(rows_fixture_row_count(fixture, &orders_invoice), 2);
    invoice = (struct invoice *)(uintptr_t)rows_fixture_row(fixture, &orders_invoice, 0);
    invoice->net_minor = INT64_MAX;
    assert_int_equal(rule_apply(fixture, AMENDED(2, TWO), &err), O2C_PARK);
    assert_string_equal(err.text, "order_id: the sum of its invoices does not fit");
    rows_fixture_free(fixture);
}

static size_t effect_count(const struct rows_fixture *fixture)
{
    size_t count;

    rows_fixture_effects(fixture, &count);
    return count;
}

static void an_invoice_without_an_order_leaves_nothing(void **state)
{
    static const char *const events[] = {INVOICE_OF("", I1, EUR, TOTAL, 100),
                                         INVOICE_OF(",'order_id':''", , EUR, TOTAL, 100)};
    struct rows_fixture *fixture = rows_fixture_new(&orders_consumer);
    struct o2c_err err;

    (void)state;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        assert_int_equal(rule_apply(fixture, events[i], &err), O2C_OK);
        assert_int_equal(effect_count(fixture), 0);
    }
    assert_int_equal(rows_fixture_row_count(fixture, &orders_order), 0);
    assert_int_equal(rows_fixture_row_count(fixture, &orders_invoice), 0);
    rows_fixture_free(fixture);
}

static void a_contradicting_invoice_is_left_to_receivables(void **state)
{
    static const char *const contradictions[] = {
        INVOICE(I1, BILLED(1, 9), 9), INVOICE_OF(",'order_id':'P'", I1, EUR, TOTAL, 5),
        "{'type':'InvoiceCancelled','invoice_id':'I2','reason':'another'}"};
    struct rows_fixture *fixture = rows_fixture_new(&orders_consumer);
    const struct order *order;
    struct o2c_err err;

    (void)state;
    assert_int_equal(rule_apply(fixture, PLACED(1, TWO), &err), O2C_OK);
    assert_int_equal(rule_apply(fixture, INVOICE(I1, BILLED(1, 5), 5), &err), O2C_OK);
    assert_int_equal(rule_apply(fixture, INVOICE(I2, BILLED(1, 5), 5), &err), O2C_OK);
    assert_int_equal(rule_apply(fixture, VOID(I2), &err), O2C_OK);
    for (size_t i = 0; i < sizeof contradictions / sizeof contradictions[0]; i++) {
        assert_int_equal(rule_apply(fixture, contradictions[i], &err), O2C_OK);
        assert_int_equal(effect_count(fixture), 1);
        assert_non_null(rows_fixture_effect(fixture, ROWS_REPEAT, O2C_EVENT_NONE, 0));
    }
    order = rows_fixture_row(fixture, &orders_order, 0);
    assert_int_equal(order->invoiced_minor, 5);
    rows_fixture_free(fixture);
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
    {INVOICE(, TOTAL, 1), "invoice_id: is empty"},
    {VOID(), "invoice_id: is empty"},
    {INVOICE(I, TOTAL "," BILLED(1, 100000000000001), 1),
     "lines[1].quantity_milli: 100000000000001 is not between -100000000000000 and "
     "100000000000000"},
    {INVOICE(I, TOTAL, -1000000000000001),
     "net_minor: -1000000000000001 is not between -1000000000000000 and 1000000000000000"},
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
        assert_int_equal(rows_fixture_row_count(fixture, &orders_invoice), 0);
        rows_fixture_free(fixture);
    }
}

static void a_repeat_changes_and_publishes_nothing(void **state)
{
    static const char *const events[] = {PLACED(1, TWO),
                                         CANCELLED(2, ",'line_nos':[1]"),
                                         DISPATCHED(S1, SHIPPED(2, B, 1)),
                                         RETURNED(R1, BACK(2, 1)),
                                         INVOICE(I1, BILLED(2, 1), 1),
                                         VOID(I1)};
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
        {INVOICE(I1, BILLED(1, 1000), 1000), 1, 1},
        {INVOICE(I2, BILLED(1, 500), 500), 1, 0}, /* still part_invoiced */
        {VOID(I3), 0, 0},                         /* not issued yet */
        {INVOICE(I3, BILLED(1, 500), 500), 0, 0},
        {VOID(I2), 1, 0},
        {VOID(I1), 1, 1},
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
    assert_int_equal(rule_apply(fixture, INVOICE(I1, BILLED(1, 200), 200), &err), O2C_OK);
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
    assert_int_equal(shown->lines[0].invoiced_milli, 200);
    assert_int_equal(shown->invoice_state, O2C_ORDER_INVOICE_STATE_PART_INVOICED);
    assert_int_equal(shown->lines[1].cancelled_milli, 0);
    rows_fixture_free(fixture);
}

/* ---- where a batch ends changes nothing */

static void draw_lines(unsigned *state, const char *format, char *lines, size_t size)
{
    unsigned count = 1 + rule_draw(state, 2), no = rule_draw(state, 3);
    size_t len = 0;

    for (unsigned i = 0; i < count; i++) {
        len += (size_t)snprintf(lines + len, size - len, "%s", i ? "," : "");
        len += (size_t)snprintf(lines + len, size - len, format, no + i,
                                1000 * (1 + rule_draw(state, 3)));
    }
}

/* Few ids, so that everything meets everything, in any order. */
static void draw_json(unsigned *state, char *json, size_t size)
{
    static const char *const formats[] = {
        "{'line_no':%u,'sku':'A','quantity_milli':%u,'unit_price_micro':10000000}",
        "{'line_no':%u,'sku':'A','quantity_milli':%u}",
        "{'line_no':%u,'quantity_milli':%u}",
        ("{'line_no':1,'order_line_no':%u,'quantity_milli':%u,'unit_price_micro':1,"
         "'net_minor':1}"),
        "{'line_no':%u,'quantity_milli':%u,'unit_price_micro':1,'net_minor':1}"};
    unsigned kind = rule_draw(state, 10), id = rule_draw(state, 4),
             order = rule_draw(state, 3), revision = 1 + rule_draw(state, 4);
    const char *currency = rule_draw(state, 5) ? "EUR" : "USD";
    char lines[512];

    draw_lines(state, formats[kind < 6 ? kind / 2 : 3 + (kind & 1)], lines, sizeof lines);
    if (kind < 2)
        snprintf(json, size,
                 "{'type':'OrderAmended','order_id':'O%u','revision':%u,'placed_at':"
                 "'2026-01-05T10:00:00Z','currency':'%s','invoice_policy':'on_shipment',"
                 "'ship_policy':'on_order','lines':[%s]}",
                 order, revision, currency, lines);
    else if (kind < 4)
        snprintf(json, size,
                 "{'type':'ShipmentDispatched','shipment_id':'S%u','order_id':'O%u',"
                 "'dispatched_at':'2026-01-0%uT10:00:00Z','lines':[%s]}",
                 id, order, 1 + id, lines);
    else if (kind == 4)
        snprintf(
            json, size,
            "{'type':'ShipmentReturned','return_id':'R%u','shipment_id':'S','order_id':"
            "'O%u','returned_at':'2026-01-09T10:00:00Z','reason_code':'1','lines':[%s]}",
            id, order, lines);
    else if (kind == 5)
        snprintf(json, size,
                 "{'type':'OrderCancelled','order_id':'O%u','revision':%u,'reason':'x'}",
                 order, revision);
    else if (kind < 9)
        snprintf(json, size,
                 "{'type':'InvoiceIssued','invoice_id':'I%u','number':'N','order_id':'O%u',"
                 "'issue_date':'2026-01-08','currency':'%s','lines':[%s],'net_minor':%u,"
                 "'gross_minor':1,'instalments':[]}",
                 id, order, currency, lines, 500 * revision);
    else
        snprintf(json, size, "{'type':'InvoiceCancelled','invoice_id':'I%u','reason':'x'}",
                 id);
}

static void describe_published(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    size_t count;
    const struct rows_effect *effects = rows_fixture_effects(fixture, &count);

    for (size_t i = 0; i < count; i++) {
        const struct o2c_order_state *shown = effects[i].event.order_state;

        if (effects[i].kind != ROWS_STATE) {
            o2c_buf_printf(out, "effect %d of %d\n", (int)effects[i].kind,
                           (int)effects[i].event.type);
            continue;
        }
        o2c_buf_printf(out, "state %.*s %d", O2C_STR_ARG(effects[i].key),
                       (int)shown->invoice_state);
        for (size_t l = 0; l < shown->lines_count; l++)
            o2c_buf_printf(out, " %" PRId64, shown->lines[l].invoiced_milli);
        o2c_buf_add_text(out, "\n");
    }
}

static void where_a_batch_ends_changes_nothing(void **state)
{
    const struct rule_histories histories = {.consumer = &orders_consumer,
                                             .draw = draw_json,
                                             .tables = describe_invoiced,
                                             .published = describe_published,
                                             .count = 150,
                                             .events_each = 60};

    (void)state;
    rule_histories_run(&histories);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_converge_in_any_order),
        cmocka_unit_test(what_is_invoiced_converges_in_any_order),
        cmocka_unit_test(a_sum_of_invoices_that_does_not_fit_is_parked),
        cmocka_unit_test(an_invoice_without_an_order_leaves_nothing),
        cmocka_unit_test(a_contradicting_invoice_is_left_to_receivables),
        cmocka_unit_test(what_can_never_hold_is_parked_with_field_and_value),
        cmocka_unit_test(a_repeat_changes_and_publishes_nothing),
        cmocka_unit_test(other_content_under_one_revision_is_a_conflict_naming_the_fields),
        cmocka_unit_test(a_contradicting_shipment_is_left_to_its_own_consumer),
        cmocka_unit_test(what_changes_is_published_and_nothing_else),
        cmocka_unit_test(the_published_state_is_that_of_the_rows),
        cmocka_unit_test(where_a_batch_ends_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
