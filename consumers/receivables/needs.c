/*
 * What the rules look at.  A document comes with its instalments, the lines that
 * claim it, and their sources; a source with its totals; and so on, until nothing
 * new is named: whichever event of a batch comes first, the rows that another one
 * may lead it to are there.
 */
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "consumers/receivables/apply.h"
#include "consumers/receivables/given.h"
#include "consumers/receivables/rows.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

/* ---- one of each kind */

static void want_document(struct o2c_wants *wants, struct o2c_str kind, struct o2c_str id)
{
    o2c_want_row(wants, &receivables_document, O2C_KEY(O2C_K(kind), O2C_K(id)));
    o2c_want_children(wants, &receivables_open_item, O2C_KEY(O2C_K(kind), O2C_K(id)));
}

/* What an id in a remittance may mean, and what claims it. */
static void want_named(struct o2c_wants *wants, struct o2c_str invoice_id)
{
    want_document(wants, KIND_INVOICE, invoice_id);
    want_document(wants, KIND_DEBIT_NOTE, invoice_id);
    o2c_want_lookup(wants, &receivables_remittance_line, LINE_BY_INVOICE_ID,
                    O2C_KEY(O2C_K(invoice_id)));
}

static void want_numbered(struct o2c_wants *wants, struct o2c_str number)
{
    o2c_want_lookup(wants, &receivables_document, DOCUMENT_BY_NUMBER,
                    O2C_KEY(O2C_K(number)));
    o2c_want_lookup(wants, &receivables_remittance_line, LINE_BY_NUMBER,
                    O2C_KEY(O2C_K(number)));
}

/* Whose totals something counts for. */
struct party {
    struct o2c_str customer_id, company_id, currency;
};

static void want_balance(struct o2c_wants *wants, struct party party)
{
    o2c_want_row(
        wants, &receivables_balance,
        O2C_KEY(O2C_K(party.customer_id), O2C_K(party.company_id), O2C_K(party.currency)));
}

static void want_payment(struct o2c_wants *wants, struct o2c_str payment_id)
{
    o2c_want_row(wants, &receivables_payment, O2C_KEY(O2C_K(payment_id)));
}

static void want_lines(struct o2c_wants *wants, struct o2c_str source, struct o2c_str id)
{
    o2c_want_children(wants, &receivables_remittance_line,
                      O2C_KEY(O2C_K(source), O2C_K(id)));
}

/* What a claim is for. */
static void want_claimed(struct o2c_wants *wants, struct naming naming)
{
    if (naming.invoice_id.at)
        want_named(wants, naming.invoice_id);
    else if (naming.number.at)
        want_numbered(wants, naming.number);
}

/* ---- what loaded rows name */

static void more_of_source(struct o2c_wants *wants, struct o2c_str source,
                           struct o2c_str id, struct party party)
{
    if (o2c_str_eq(source, SOURCE_PAYMENT))
        want_payment(wants, id);
    else
        want_document(wants, KIND_CREDIT_NOTE, id);
    want_lines(wants, source, id);
    o2c_want_children(wants, &receivables_allocation, O2C_KEY(O2C_K(source), O2C_K(id)));
    want_balance(wants, party);
}

static struct party payer_of(const struct remittance_line *line)
{
    return (struct party){line->customer_id, line->company_id, line->currency};
}

static void more_of_lines(struct o2c_account *account, struct o2c_wants *wants,
                          size_t lookup, struct o2c_str value)
{
    const struct remittance_line *line;
    struct o2c_walk walk;

    o2c_walk_lookup(&walk, account, &receivables_remittance_line, lookup,
                    O2C_KEY(O2C_K(value)));
    while ((line = o2c_walk_next(&walk)))
        more_of_source(wants, line->source, line->source_id, payer_of(line));
}

static void more_of_document(struct o2c_account *account, struct o2c_wants *wants,
                             const struct document *document)
{
    want_document(wants, document->kind, document->document_id);
    if (!document->issued)
        return;
    want_balance(wants, (struct party){document->customer_id, document->company_id,
                                       document->currency});
    if (o2c_str_eq(document->kind, KIND_CREDIT_NOTE))
        return;
    want_named(wants, document->document_id);
    want_numbered(wants, document->number);
    more_of_lines(account, wants, LINE_BY_INVOICE_ID, document->document_id);
    more_of_lines(account, wants, LINE_BY_NUMBER, document->number);
}

static void more_of(struct o2c_account *account, struct o2c_wants *wants,
                    struct o2c_str kind, struct o2c_str id)
{
    const struct document *document =
        o2c_row_find(account, &receivables_document, O2C_KEY(O2C_K(kind), O2C_K(id)));

    if (document)
        more_of_document(account, wants, document);
}

static void more_of_numbered(struct o2c_account *account, struct o2c_wants *wants,
                             struct o2c_str number)
{
    const struct document *document;
    struct o2c_walk walk;

    o2c_walk_lookup(&walk, account, &receivables_document, DOCUMENT_BY_NUMBER,
                    O2C_KEY(O2C_K(number)));
    while ((document = o2c_walk_next(&walk)))
        more_of_document(account, wants, document);
}

static void more_of_claimed(struct o2c_account *account, struct o2c_wants *wants,
                            struct naming naming)
{
    if (naming.invoice_id.at) {
        more_of(account, wants, KIND_INVOICE, naming.invoice_id);
        more_of(account, wants, KIND_DEBIT_NOTE, naming.invoice_id);
    } else if (naming.number.at) {
        more_of_numbered(account, wants, naming.number);
    }
}

/* ---- documents */

static struct party issuer_of(const struct issued *issued)
{
    return (struct party){issued->head->customer_id, issued->head->company_id,
                          issued->currency};
}

void receivables_needs_issued(const struct o2c_event *event, struct o2c_wants *wants)
{
    struct issued issued;

    receivables_issued(event, &issued);
    want_document(wants, issued.kind, issued.id);
    want_balance(wants, issuer_of(&issued));
    if (o2c_str_eq(issued.kind, KIND_CREDIT_NOTE)) {
        more_of_source(wants, SOURCE_CREDIT_NOTE, issued.id, issuer_of(&issued));
        want_claimed(wants, issued.names);
        return;
    }
    want_named(wants, issued.id);
    want_numbered(wants, issued.number);
    o2c_want_lookup(wants, &receivables_allocation, ALLOCATION_BY_INVOICE,
                    O2C_KEY(O2C_K(issued.id)));
}

void receivables_needs_more_issued(struct o2c_account *account,
                                   const struct o2c_event *event, struct o2c_wants *wants)
{
    struct issued issued;

    receivables_issued(event, &issued);
    more_of_claimed(account, wants, issued.names);
    if (o2c_str_eq(issued.kind, KIND_CREDIT_NOTE))
        return;
    more_of_lines(account, wants, LINE_BY_INVOICE_ID, issued.id);
    more_of_lines(account, wants, LINE_BY_NUMBER, issued.number);
}

void receivables_needs_cancelled(const struct o2c_event *event, struct o2c_wants *wants)
{
    struct o2c_str invoice_id = event->invoice_cancelled->invoice_id;

    want_named(wants, invoice_id);
    o2c_want_lookup(wants, &receivables_allocation, ALLOCATION_BY_INVOICE,
                    O2C_KEY(O2C_K(invoice_id)));
}

void receivables_needs_more_cancelled(struct o2c_account *account,
                                      const struct o2c_event *event,
                                      struct o2c_wants *wants)
{
    struct o2c_str invoice_id = event->invoice_cancelled->invoice_id;
    const struct allocation *allocation;
    struct o2c_walk walk;

    more_of(account, wants, KIND_INVOICE, invoice_id);
    o2c_walk_lookup(&walk, account, &receivables_allocation, ALLOCATION_BY_INVOICE,
                    O2C_KEY(O2C_K(invoice_id)));
    while ((allocation = o2c_walk_next(&walk))) {
        const struct remittance_line *line =
            o2c_row_find(account, &receivables_remittance_line,
                         O2C_KEY(O2C_K(allocation->source), O2C_K(allocation->source_id),
                                 O2C_N(allocation->line_no)));

        want_lines(wants, allocation->source, allocation->source_id);
        if (line)
            more_of_source(wants, line->source, line->source_id, payer_of(line));
    }
}

/* ---- payments */

void receivables_needs_received(const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_payment_received *payment = event->payment_received;

    more_of_source(wants, SOURCE_PAYMENT, payment->payment_id,
                   (struct party){payment->head.customer_id, payment->head.company_id,
                                  payment->currency});
    for (size_t i = 0; i < payment->remittance_count; i++)
        want_claimed(wants, receivables_naming(&payment->remittance[i]));
}

void receivables_needs_more_received(struct o2c_account *account,
                                     const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_payment_received *payment = event->payment_received;

    for (size_t i = 0; i < payment->remittance_count; i++)
        more_of_claimed(account, wants, receivables_naming(&payment->remittance[i]));
}

void receivables_needs_reversed(const struct o2c_event *event, struct o2c_wants *wants)
{
    struct o2c_str payment_id = event->payment_reversed->payment_id;

    want_payment(wants, payment_id);
    want_lines(wants, SOURCE_PAYMENT, payment_id);
    o2c_want_children(wants, &receivables_allocation,
                      O2C_KEY(O2C_K(SOURCE_PAYMENT), O2C_K(payment_id)));
}

void receivables_needs_more_reversed(struct o2c_account *account,
                                     const struct o2c_event *event, struct o2c_wants *wants)
{
    struct o2c_str payment_id = event->payment_reversed->payment_id;
    const struct payment *payment =
        o2c_row_find(account, &receivables_payment, O2C_KEY(O2C_K(payment_id)));
    const struct allocation *allocation;
    struct o2c_walk walk;

    if (payment && payment->received)
        want_balance(wants, (struct party){payment->customer_id, payment->company_id,
                                           payment->currency});
    o2c_walk_children(&walk, account, &receivables_allocation,
                      O2C_KEY(O2C_K(SOURCE_PAYMENT), O2C_K(payment_id)));
    while ((allocation = o2c_walk_next(&walk))) {
        want_document(wants, allocation->kind, allocation->document_id);
        more_of(account, wants, allocation->kind, allocation->document_id);
    }
}

/* ---- disputes */

static struct o2c_str dispute_id_of(const struct o2c_event *event)
{
    if (event->type == O2C_DISPUTE_OPENED)
        return event->dispute_opened->dispute_id;
    if (event->type == O2C_DISPUTE_STATE_CHANGED)
        return event->dispute_state_changed->dispute_id;
    return event->dispute_closed->dispute_id;
}

void receivables_needs_dispute(const struct o2c_event *event, struct o2c_wants *wants)
{
    o2c_want_row(wants, &receivables_dispute, O2C_KEY(O2C_K(dispute_id_of(event))));
    if (event->type == O2C_DISPUTE_OPENED)
        want_document(wants, receivables_disputed_kind(event->dispute_opened),
                      event->dispute_opened->invoice_id);
}

void receivables_needs_more_dispute(struct o2c_account *account,
                                    const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct dispute *dispute =
        o2c_row_find(account, &receivables_dispute, O2C_KEY(O2C_K(dispute_id_of(event))));

    if (event->type == O2C_DISPUTE_OPENED) {
        more_of(account, wants, receivables_disputed_kind(event->dispute_opened),
                event->dispute_opened->invoice_id);
    } else if (dispute) {
        want_document(wants, dispute->kind, dispute->document_id);
        more_of(account, wants, dispute->kind, dispute->document_id);
    }
}
