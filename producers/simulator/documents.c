#include "producers/simulator/documents.h"

#include <assert.h>

#include "producers/simulator/goods.h"
#include "producers/simulator/lifecycle.h"
#include "producers/simulator/receivables.h"
#include "producers/simulator/render.h"
#include "runtime/base/buf.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

#define ADD(out, literal) o2c_buf_add(out, literal, sizeof(literal) - 1)

static void add_field(struct o2c_buf *out, const char *name, int64_t number)
{
    ADD(out, ",\"");
    o2c_buf_add_text(out, name);
    ADD(out, "\":");
    o2c_sim_add_number(out, number);
}

static void add_date(struct o2c_buf *out, const char *name, int32_t date)
{
    char text[O2C_DATE_TEXT + 1];
    o2c_date_format(date, text);
    ADD(out, "\"");
    o2c_buf_add_text(out, name);
    ADD(out, "\":\"");
    o2c_buf_add(out, text, O2C_DATE_TEXT);
    ADD(out, "\"");
}

static void add_id(struct o2c_buf *out, const char *name, const char *series,
                   const struct o2c_sim_plan *plan, int32_t part)
{
    ADD(out, ",\"");
    o2c_buf_add_text(out, name);
    ADD(out, "\":");
    o2c_sim_add_document(out, series, plan->number, part);
}

static void add_currency(struct o2c_buf *out, const struct o2c_sim_plan *plan)
{
    ADD(out, ",\"currency\":\"");
    o2c_buf_add_text(out, o2c_sim_currency_code(plan->customer.currency));
    ADD(out, "\"");
}

static void add_line(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                     const struct o2c_sim_line *line, int32_t line_no)
{
    const struct o2c_sim_product *product = o2c_sim_product(line->product);
    ADD(out, "{\"line_no\":");
    o2c_sim_add_number(out, line_no);
    add_field(out, "order_line_no", line->line_no);
    ADD(out, ",\"sku\":\"");
    o2c_buf_add(out, product->sku, product->sku_len);
    ADD(out, "\"");
    add_field(out, "quantity_milli", line->quantity_milli);
    add_field(out, "unit_price_micro", o2c_sim_charged_price(plan, line));
    add_field(out, "net_minor", o2c_sim_line_net(plan, line));
    ADD(out, ",\"tax_code\":\"S\"}");
}

static void add_amounts(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                        const struct o2c_sim_lines *lines,
                        const struct o2c_sim_amounts *amounts)
{
    add_currency(out, plan);
    ADD(out, ",\"lines\":[");
    for (int32_t i = 0; i < lines->count; i++) {
        if (i)
            ADD(out, ",");
        add_line(out, plan, &lines->at[i], i + 1);
    }
    ADD(out, "],\"taxes\":[{\"tax_code\":\"S\"");
    add_field(out, "rate_ppm", O2C_SIM_TAX_PPM);
    add_field(out, "base_minor", amounts->net_minor);
    add_field(out, "tax_minor", amounts->tax_minor);
    ADD(out, "}]");
    add_field(out, "net_minor", amounts->net_minor);
    add_field(out, "tax_minor", amounts->tax_minor);
    add_field(out, "gross_minor", amounts->gross_minor);
}

static void add_invoice(struct o2c_buf *out, const struct o2c_sim_plan *plan, int32_t part,
                        bool contradiction)
{
    const struct o2c_sim_invoice *invoice = &plan->invoices[part];
    add_id(out, "invoice_id", "IN", plan, part);
    add_id(out, "number", "", plan, part);
    ADD(out, ",\"origin\":\"external\"");
    add_id(out, "order_id", "SO", plan, -1);
    ADD(out, ",\"shipment_ids\":[");
    o2c_sim_add_document(out, "DN", plan->number, part);
    ADD(out, "],");
    add_date(out, "issue_date", invoice->issue_date);
    add_amounts(out, plan, &plan->parts[part], &invoice->amounts);
    ADD(out, ",\"instalments\":[");
    for (int32_t i = 0; i < invoice->instalment_count; i++) {
        o2c_buf_add_text(out, i ? ",{" : "{");
        add_date(out, "due_date", invoice->due_date[i]);
        add_field(out, "amount_minor", invoice->instalment_minor[i]);
        ADD(out, "}");
    }
    ADD(out, "]");
    if (invoice->discount_minor) {
        add_field(out, "discount_minor", invoice->discount_minor);
        ADD(out, ",");
        add_date(out, "discount_until", invoice->discount_until);
    }
    add_id(out, "payment_reference", contradiction ? "RE" : "RF", plan, part);
}

static void add_credit_note(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                            const struct o2c_sim_step *step, bool contradiction)
{
    add_id(out, "credit_note_id", "CN", plan, step->index);
    add_id(out, "number", "C", plan, step->index);
    ADD(out, ",\"origin\":\"external\"");
    add_id(out, "invoice_id", "IN", plan, step->index);
    o2c_buf_add_text(out, contradiction ? ",\"reason_code\":\"other\","
                                        : ",\"reason_code\":\"return\",");
    add_date(out, "issue_date", o2c_sim_local_date(plan, step->at_us));
    add_amounts(out, plan, &plan->returned, &plan->credit);
    add_id(out, "order_id", "SO", plan, -1);
    add_id(out, "return_id", "RMA", plan, -1);
}

static void add_remittance(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                           const struct o2c_sim_payment *payment)
{
    bool by_id = payment->remittance == O2C_SIM_REMITTANCE_BY_ID;
    ADD(out, ",\"remittance\":[");
    for (int32_t i = 0; i < payment->claim_count; i++) {
        const struct o2c_sim_claim *claim = &payment->claims[i];
        o2c_buf_add_text(out, i ? ",{" : "{");
        o2c_buf_add_text(out, by_id ? "\"invoice_id\":" : "\"number\":");
        o2c_sim_add_document(out, by_id ? "IN" : "", plan->number, claim->part);
        add_field(out, "amount_minor", claim->amount_minor);
        if (claim->discount_minor)
            add_field(out, "discount_minor", claim->discount_minor);
        ADD(out, "}");
    }
    ADD(out, "]");
}

static void add_payment(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                        int32_t number, bool contradiction)
{
    static const char *const methods[] = {"transfer", "transfer", "transfer", "card",
                                          "cheque"};
    const struct o2c_sim_payment *payment = &plan->payments[number];
    add_id(out, "payment_id", "PAY", plan, number);
    ADD(out, ",");
    add_date(out, "received_date", payment->date);
    add_field(out, "amount_minor", payment->amount_minor);
    add_currency(out, plan);
    ADD(out, ",\"method\":\"");
    o2c_buf_add_text(out, methods[plan->customer.account % 5]);
    ADD(out, "\"");
    add_id(out, "reference_text", contradiction ? "wrong " : "invoice ", plan,
           payment->claims[0].part);
    if (payment->remittance != O2C_SIM_REMITTANCE_NONE)
        add_remittance(out, plan, payment);
}

static void add_reversal(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                         int32_t number, bool contradiction)
{
    add_id(out, "payment_id", "PAY", plan, number);
    ADD(out, ",");
    add_date(out, "reversed_date", plan->payments[number].reversed_date);
    o2c_buf_add_text(out, contradiction ? ",\"reason\":\"error\"" : ",\"reason\":\"nsf\"");
}

static void add_dispute(struct o2c_buf *out, const struct o2c_sim_plan *plan, int32_t part,
                        bool contradiction)
{
    static const char *const reasons[] = {"01", "04", "06", "59"};
    add_id(out, "dispute_id", "DP", plan, part);
    add_id(out, "invoice_id", "IN", plan, part);
    add_field(out, "amount_minor", plan->invoices[part].disputed_minor);
    ADD(out, ",\"reason_code\":\"");
    o2c_buf_add_text(out, reasons[(plan->number + contradiction) % 4]);
    ADD(out, "\",\"raised_by\":\"accounts payable\"");
}

static void add_end_of_dispute(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                               const struct o2c_sim_step *step, bool contradiction)
{
    add_id(out, "dispute_id", "DP", plan, step->index);
    if (step->kind == O2C_SIM_DISPUTE_REJECTED)
        ADD(out, ",\"outcome\":\"rejected\",\"decided_by\":\"claims desk\"");
    o2c_buf_add_text(out, contradiction ? ",\"note\":\"on second thoughts\""
                                        : ",\"note\":\"delivered as ordered\"");
}

void o2c_sim_add_money(struct o2c_buf *out, const struct o2c_sim_plan *plan,
                       const struct o2c_sim_step *step, bool contradiction)
{
    switch (step->kind) {
    case O2C_SIM_INVOICED:
        add_invoice(out, plan, step->index, contradiction);
        return;
    case O2C_SIM_CREDITED:
        add_credit_note(out, plan, step, contradiction);
        return;
    case O2C_SIM_PAID:
        add_payment(out, plan, step->index, contradiction);
        return;
    case O2C_SIM_REVERSED:
        add_reversal(out, plan, step->index, contradiction);
        return;
    case O2C_SIM_DISPUTED:
        add_dispute(out, plan, step->index, contradiction);
        return;
    case O2C_SIM_DISPUTE_WITHDRAWN:
    case O2C_SIM_DISPUTE_REJECTED:
        add_end_of_dispute(out, plan, step, contradiction);
        return;
    case O2C_SIM_PLACED:
    case O2C_SIM_AMENDED:
    case O2C_SIM_CANCELLED:
    case O2C_SIM_DISPATCHED:
    case O2C_SIM_DELIVERED:
    case O2C_SIM_RETURNED:
        assert(false); /* render.c writes these */
    }
}
