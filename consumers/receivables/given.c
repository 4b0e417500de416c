#include "consumers/receivables/given.h"

#include "consumers/receivables/rows.h"

#include "runtime/base/banned.h"

/* An empty text says nothing. */
static struct o2c_str present(struct o2c_str text)
{
    return text.len ? text : (struct o2c_str){NULL, 0};
}

struct naming receivables_naming(const struct o2c_remittance_line *line)
{
    struct naming naming = {.invoice_id = present(line->invoice_id)};

    if (!naming.invoice_id.at)
        naming.number = present(line->number);
    return naming;
}

/* ---- documents */

static void of_invoice(const struct o2c_invoice_issued *given, struct issued *ret)
{
    *ret = (struct issued){
        .head = &given->head,
        .kind = KIND_INVOICE,
        .id = given->invoice_id,
        .id_field = "invoice_id",
        .natural_key = "invoice",
        .number = given->number,
        .order_id = given->order_id,
        .currency = given->currency,
        .issue_date = given->issue_date,
        .net_minor = given->net_minor,
        .tax_minor = given->tax_minor,
        .gross_minor = given->gross_minor,
        .instalments = given->instalments,
        .instalment_count = given->instalments_count,
        .has_discount = given->has_discount_minor,
        .discount_minor = given->discount_minor,
        .has_discount_until = given->has_discount_until,
        .discount_until = given->discount_until,
        .opening = given->opening,
        .has_remind = given->has_remind,
        .remind = given->remind,
    };
}

static void of_debit_note(const struct o2c_debit_note_issued *given, struct issued *ret)
{
    *ret = (struct issued){
        .head = &given->head,
        .kind = KIND_DEBIT_NOTE,
        .id = given->debit_note_id,
        .id_field = "debit_note_id",
        .natural_key = "debit_note",
        .number = given->number,
        .order_id = given->order_id,
        .currency = given->currency,
        .issue_date = given->issue_date,
        .net_minor = given->net_minor,
        .tax_minor = given->tax_minor,
        .gross_minor = given->gross_minor,
        .instalments = given->instalments,
        .instalment_count = given->instalments_count,
        .opening = given->opening,
        .has_remind = given->has_remind,
        .remind = given->remind,
    };
}

static void of_credit_note(const struct o2c_credit_note_issued *given, struct issued *ret)
{
    *ret = (struct issued){
        .head = &given->head,
        .kind = KIND_CREDIT_NOTE,
        .id = given->credit_note_id,
        .id_field = "credit_note_id",
        .natural_key = "credit_note",
        .number = given->number,
        .order_id = given->order_id,
        .currency = given->currency,
        .names = {.invoice_id = present(given->invoice_id)},
        .dispute_id = present(given->dispute_id),
        .issue_date = given->issue_date,
        .net_minor = given->net_minor,
        .tax_minor = given->tax_minor,
        .gross_minor = given->gross_minor,
        .whole = {.due_date = given->issue_date, .amount_minor = given->gross_minor},
        .instalment_count = 1,
        .opening = given->opening,
    };
    ret->instalments = &ret->whole;
}

void receivables_issued(const struct o2c_event *event, struct issued *ret)
{
    if (event->type == O2C_INVOICE_ISSUED)
        of_invoice(event->invoice_issued, ret);
    else if (event->type == O2C_DEBIT_NOTE_ISSUED)
        of_debit_note(event->debit_note_issued, ret);
    else
        of_credit_note(event->credit_note_issued, ret);
}

struct o2c_str receivables_disputed_kind(const struct o2c_dispute_opened *opened)
{
    return opened->has_kind ? o2c_document_kind_text(opened->kind) : KIND_INVOICE;
}
