#include "producers/simulator/render.h"

#include <string.h>

#include "producers/simulator/customers.h"
#include "producers/simulator/documents.h"
#include "producers/simulator/goods.h"
#include "producers/simulator/hours.h"
#include "producers/simulator/lifecycle.h"
#include "producers/simulator/random.h"
#include "producers/simulator/settings.h"
#include "runtime/base/buf.h"
#include "runtime/base/uuid.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

/* printf took two thirds of the time of a line, so lines are put together by hand. */
#define ADD(out, literal) o2c_buf_add(out, literal, sizeof(literal) - 1)

void o2c_sim_add_number(struct o2c_buf *out, int64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0)
        digits[--at] = '-';
    o2c_buf_add(out, digits + at, sizeof digits - at);
}

static void add_time(struct o2c_buf *out, int64_t at_us)
{
    char text[O2C_TIMESTAMP_TEXT + 1];
    o2c_timestamp_format(at_us, text);
    ADD(out, "\"");
    o2c_buf_add_text(out, text);
    ADD(out, "\"");
}

void o2c_sim_add_document(struct o2c_buf *out, const char *series, int64_t order,
                          int32_t part)
{
    ADD(out, "\"");
    o2c_buf_add_text(out, series);
    o2c_sim_add_number(out, INT64_C(1000001) + order);
    if (part >= 0) {
        ADD(out, "-");
        o2c_sim_add_number(out, part + 1);
    }
    ADD(out, "\"");
}

/* A UUID of version 7 whose random part is the run's own. */
static void add_event_id(struct o2c_buf *out, const struct o2c_sim_settings *settings,
                         uint64_t subject, int64_t at_us)
{
    struct o2c_sim_random random =
        o2c_sim_random_for((uint64_t)settings->seed, O2C_SIM_FOR_EVENT_ID, subject);
    uint64_t high =
        (uint64_t)(at_us / 1000) << 16 | 0x7000 | (o2c_sim_next(&random) & 0xfff);
    uint64_t low = o2c_sim_next(&random) >> 2 | UINT64_C(1) << 63;
    struct o2c_uuid uuid;
    for (int i = 0; i < 8; i++) {
        uuid.byte[i] = (uint8_t)(high >> (56 - 8 * i));
        uuid.byte[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
    char text[O2C_UUID_TEXT + 1];
    o2c_uuid_format(&uuid, text);
    o2c_buf_add(out, text, O2C_UUID_TEXT);
}

void o2c_sim_write_head(struct o2c_buf *out, const char *type,
                        const struct o2c_sim_settings *settings, uint64_t subject,
                        int64_t at_us, const char *source,
                        const struct o2c_sim_customer *customer)
{
    ADD(out, "{\"type\":\"");
    o2c_buf_add_text(out, type);
    ADD(out, "\",\"event_id\":\"");
    add_event_id(out, settings, subject, at_us);
    ADD(out, "\",\"occurred_at\":");
    add_time(out, at_us);
    ADD(out, ",\"source\":\"");
    o2c_buf_add_text(out, source);
    ADD(out, "\",\"customer_id\":\"");
    o2c_buf_add(out, customer->id, customer->id_len);
    if (customer->is_branch) {
        ADD(out, "\",\"account_id\":\"");
        o2c_buf_add(out, customer->account_id, customer->account_id_len);
    }
    ADD(out, "\"");
}

static void add_order_line(struct o2c_buf *out, const struct o2c_sim_line *line,
                           int64_t extra_milli)
{
    const struct o2c_sim_product *product = o2c_sim_product(line->product);
    ADD(out, "{\"line_no\":");
    o2c_sim_add_number(out, line->line_no);
    ADD(out, ",\"sku\":\"");
    o2c_buf_add(out, product->sku, product->sku_len);
    ADD(out, "\",\"description\":\"");
    o2c_buf_add(out, product->description, product->description_len);
    ADD(out, "\",\"unit\":\"");
    o2c_buf_add(out, product->unit, 3);
    ADD(out, "\",\"quantity_milli\":");
    o2c_sim_add_number(out, line->quantity_milli + extra_milli);
    if (line->price_micro) {
        ADD(out, ",\"unit_price_micro\":");
        o2c_sim_add_number(out, line->price_micro);
    }
    ADD(out, ",\"tax_code\":\"S\"}");
}

static void add_sent_line(struct o2c_buf *out, const struct o2c_sim_line *line,
                          bool with_sku, int64_t extra_milli)
{
    ADD(out, "{\"line_no\":");
    o2c_sim_add_number(out, line->line_no);
    if (with_sku) {
        const struct o2c_sim_product *product = o2c_sim_product(line->product);
        ADD(out, ",\"sku\":\"");
        o2c_buf_add(out, product->sku, product->sku_len);
        ADD(out, "\"");
    }
    ADD(out, ",\"quantity_milli\":");
    o2c_sim_add_number(out, line->quantity_milli + extra_milli);
    ADD(out, "}");
}

static void add_order_lines(struct o2c_buf *out, const struct o2c_sim_lines *lines,
                            int64_t extra_milli)
{
    ADD(out, ",\"lines\":[");
    for (int32_t i = 0; i < lines->count; i++) {
        if (i)
            ADD(out, ",");
        add_order_line(out, &lines->at[i], i ? 0 : extra_milli);
    }
    ADD(out, "]");
}

static void add_sent_lines(struct o2c_buf *out, const struct o2c_sim_lines *lines,
                           bool with_sku, int64_t extra_milli)
{
    ADD(out, ",\"lines\":[");
    for (int32_t i = 0; i < lines->count; i++) {
        if (i)
            ADD(out, ",");
        add_sent_line(out, &lines->at[i], with_sku, i ? 0 : extra_milli);
    }
    ADD(out, "]");
}

static void add_content(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                        const struct o2c_sim_step *step, int64_t extra_milli)
{
    char date[O2C_DATE_TEXT + 1];
    o2c_date_format(plan->requested_date, date);
    ADD(out, ",\"placed_at\":");
    add_time(out, plan->steps[0].at_us);
    ADD(out, ",\"currency\":\"");
    o2c_buf_add_text(out, o2c_sim_currency_code(plan->customer.currency));
    ADD(out, "\",\"customer_reference\":");
    o2c_sim_add_document(out, "PO", plan->number * 7 % 900001, -1);
    ADD(out, ",\"requested_date\":\"");
    o2c_buf_add(out, date, O2C_DATE_TEXT);
    ADD(out, "\",\"payment_terms\":\"");
    o2c_buf_add_text(out, plan->customer.payment_terms);
    ADD(out, "\",\"invoice_policy\":\"on_shipment\",\"ship_policy\":\"on_order\"");
    add_order_lines(out, &plan->contents[step->index], extra_milli);
}

static void add_line_nos(struct o2c_buf *out, const int32_t *line_nos, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        if (i)
            ADD(out, ",");
        o2c_sim_add_number(out, line_nos[i]);
    }
    ADD(out, "]");
}

static void add_cancellation(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                             bool contradiction)
{
    static const char *const reasons[] = {"ordered by mistake", "found elsewhere",
                                          "no longer needed", "too late"};
    size_t reason = (size_t)(plan->number + contradiction) % 4;
    ADD(out, ",\"reason\":\"");
    o2c_buf_add_text(out, reasons[reason]);
    ADD(out, "\"");
    if (plan->cancelled_count) {
        ADD(out, ",\"line_nos\":[");
        add_line_nos(out, plan->cancelled, plan->cancelled_count);
    }
}

static void add_dispatch(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                         const struct o2c_sim_step *step, int64_t extra_milli)
{
    static const char *const carriers[] = {"DHL", "UPS", "DB Schenker", "Yamato",
                                           "own truck"};
    ADD(out, ",\"dispatched_at\":");
    add_time(out, step->at_us);
    ADD(out, ",\"carrier\":\"");
    o2c_buf_add_text(out, carriers[plan->customer.account % 5]);
    ADD(out, "\",\"tracking\":");
    o2c_sim_add_document(out, "TR", plan->number * 9 + step->index, -1);
    add_sent_lines(out, &plan->parts[step->index], true, extra_milli);
}

static void add_delivery(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                         const struct o2c_sim_step *step, bool contradiction)
{
    ADD(out, ",\"delivered_at\":");
    add_time(out, step->at_us + (contradiction ? O2C_SIM_HOUR_US : 0));
    ADD(out, ",\"proof\":");
    o2c_sim_add_document(out, "POD", plan->number, step->index);
    if (plan->refused_line[step->index]) {
        ADD(out, ",\"refused_lines\":[");
        add_line_nos(out, &plan->refused_line[step->index], 1);
    }
}

static void add_return(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                       const struct o2c_sim_step *step, int64_t extra_milli)
{
    static const char *const reasons[] = {"damaged", "wrong_item", "not_needed",
                                          "defective"};
    ADD(out, ",\"returned_at\":");
    add_time(out, step->at_us);
    ADD(out, ",\"reason_code\":\"");
    o2c_buf_add_text(out, reasons[plan->number % 4]);
    ADD(out, "\"");
    add_sent_lines(out, &plan->returned, false, extra_milli);
}

static void add_ids(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                    const struct o2c_sim_step *step)
{
    if (step->kind == O2C_SIM_RETURNED) {
        ADD(out, ",\"return_id\":");
        o2c_sim_add_document(out, "RMA", plan->number, -1);
    }
    if (step->kind >= O2C_SIM_DISPATCHED) {
        ADD(out, ",\"shipment_id\":");
        o2c_sim_add_document(out, "DN", plan->number, step->index);
    }
    ADD(out, ",\"order_id\":");
    o2c_sim_add_document(out, "SO", plan->number, -1);
    if (step->kind < O2C_SIM_DISPATCHED) {
        ADD(out, ",\"revision\":");
        o2c_sim_add_number(out, step->revision);
    }
}

static void add_body(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                     const struct o2c_sim_step *step, bool contradiction)
{
    int64_t extra_milli = contradiction ? 1000 : 0;
    switch (step->kind) {
    case O2C_SIM_PLACED:
    case O2C_SIM_AMENDED:
        add_content(out, plan, step, extra_milli);
        break;
    case O2C_SIM_CANCELLED:
        add_cancellation(out, plan, contradiction);
        break;
    case O2C_SIM_DISPATCHED:
        add_dispatch(out, plan, step, extra_milli);
        break;
    case O2C_SIM_DELIVERED:
        add_delivery(out, plan, step, contradiction);
        break;
    case O2C_SIM_RETURNED:
        add_return(out, plan, step, extra_milli);
        break;
    case O2C_SIM_INVOICED:
    case O2C_SIM_CREDITED:
    case O2C_SIM_PAID:
    case O2C_SIM_REVERSED:
    case O2C_SIM_DISPUTED:
    case O2C_SIM_DISPUTE_WITHDRAWN:
    case O2C_SIM_DISPUTE_REJECTED:
        o2c_sim_add_money(out, plan, step, contradiction);
        break;
    }
}

static const char *source_of(const struct o2c_sim_plan *plan, enum o2c_sim_step_kind kind)
{
    static const char *const shops[] = {"webshop", "edi", "sales-desk"};
    if (kind < O2C_SIM_DISPATCHED)
        return shops[plan->customer.account % 3];
    if (kind < O2C_SIM_INVOICED)
        return "warehouse";
    if (kind < O2C_SIM_PAID)
        return "billing";
    return kind < O2C_SIM_DISPUTED ? "bank" : "service-desk";
}

void o2c_sim_write_step(struct o2c_buf *out, const struct o2c_sim_settings *settings,
                        const struct o2c_sim_plan *plan, int32_t number,
                        enum o2c_sim_variant variant)
{
    static const char *const types[] = {
        "OrderPlaced",       "OrderAmended",     "OrderCancelled", "ShipmentDispatched",
        "ShipmentDelivered", "ShipmentReturned", "InvoiceIssued",  "CreditNoteIssued",
        "PaymentReceived",   "PaymentReversed",  "DisputeRaised",  "DisputeWithdrawn",
        "DisputeDecided"};
    const struct o2c_sim_step *step = &plan->steps[number];
    uint64_t again = variant == O2C_SIM_REPEAT ? O2C_SIM_ORIGINAL : variant;
    uint64_t subject = (uint64_t)plan->number << 10 | (uint64_t)number << 4 | again;
    const char *source = source_of(plan, step->kind);
    o2c_sim_write_head(out, types[step->kind], settings, subject, step->at_us, source,
                       &plan->customer);
    if (step->kind < O2C_SIM_INVOICED)
        add_ids(out, plan, step);
    add_body(out, plan, step, variant == O2C_SIM_CONTRADICTION);
    ADD(out, "}\n");
}

void o2c_sim_write_tick(struct o2c_buf *out, const struct o2c_sim_settings *settings,
                        int32_t date)
{
    char text[O2C_DATE_TEXT + 1];
    int64_t at_us = date * O2C_DAY_US;
    o2c_date_format(date, text);
    ADD(out, "{\"type\":\"BusinessDayStarted\",\"event_id\":\"");
    add_event_id(out, settings, (uint64_t)(date - O2C_DATE_MIN) | UINT64_C(1) << 62, at_us);
    ADD(out, "\",\"occurred_at\":");
    add_time(out, at_us);
    ADD(out, ",\"source\":\"clock\",\"business_date\":\"");
    o2c_buf_add(out, text, O2C_DATE_TEXT);
    ADD(out, "\"}\n");
}
