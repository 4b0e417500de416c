/* Invoices, debit notes and credit notes, and the cancellation of invoices. */
#include <inttypes.h>
#include <stdio.h>

#include "consumers/host/novelty.h"
#include "consumers/host/rows.h"
#include "consumers/receivables/apply.h"
#include "consumers/receivables/given.h"
#include "consumers/receivables/settle.h"
#include "consumers/receivables/work.h"
#include "schemas/units/chart.h"
#include "schemas/units/money.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

/* ---- refusals; PARK names the field and the value */

static enum o2c_verdict check_instalments(const struct issued *issued, struct o2c_err *err)
{
    int64_t sum = 0;

    if (!issued->instalment_count)
        return o2c_fail(err, O2C_PARK, "instalments: there is none");
    for (size_t i = 0; i < issued->instalment_count; i++) {
        int64_t amount = issued->instalments[i].amount_minor;
        char field[FIELD_BYTES];

        snprintf(field, sizeof field, "instalments[%zu].amount_minor", i);
        if (o2c_minor_check(field, amount, 0, err))
            return err->verdict;
        if (!o2c_minor_add(sum, amount, &sum))
            return o2c_fail(err, O2C_PARK, "instalments[%zu]: the sum does not fit", i);
    }
    if (sum != issued->gross_minor)
        return o2c_fail(err, O2C_PARK,
                        "instalments: their sum %" PRId64 " is not gross_minor %" PRId64,
                        sum, issued->gross_minor);
    return O2C_OK;
}

static enum o2c_verdict check_issued(const struct issued *issued, struct o2c_err *err)
{
    int64_t sum;

    if (!issued->id.len)
        return o2c_fail(err, O2C_PARK, "%s: is empty", issued->id_field);
    if (!issued->number.len)
        return o2c_fail(err, O2C_PARK, "number: is empty");
    if (o2c_currency_exponent(issued->currency) < 0)
        return o2c_fail(err, O2C_PARK, "currency: \"%.*s\" is no ISO 4217 code",
                        O2C_STR_ARG(issued->currency));
    if (o2c_minor_check("gross_minor", issued->gross_minor, 0, err) ||
        o2c_minor_check("net_minor", issued->net_minor, -O2C_MINOR_MAX, err) ||
        o2c_minor_check("tax_minor", issued->tax_minor, -O2C_MINOR_MAX, err) ||
        (issued->has_discount &&
         o2c_minor_check("discount_minor", issued->discount_minor, 0, err)))
        return err->verdict;
    if (!o2c_minor_add(issued->net_minor, issued->tax_minor, &sum) ||
        sum != issued->gross_minor)
        return o2c_fail(err, O2C_PARK,
                        "gross_minor: %" PRId64 " is not net_minor %" PRId64
                        " + tax_minor %" PRId64,
                        issued->gross_minor, issued->net_minor, issued->tax_minor);
    return check_instalments(issued, err);
}

/* ---- a document begins */

static struct document *begin_document(struct o2c_account *account, struct o2c_str kind,
                                       struct o2c_str id)
{
    const struct o2c_key *key = O2C_KEY(O2C_K(kind), O2C_K(id));
    const struct document *known = o2c_row_find(account, &receivables_document, key);
    struct document *document;

    if (known)
        return o2c_row_edit(known);
    document = o2c_row_add(account, &receivables_document, key);
    document->state = O2C_STR("open");
    return document;
}

static void take_content(struct document *document, const struct issued *issued)
{
    document->issued = true;
    document->number = issued->number;
    document->customer_id = issued->head->customer_id;
    document->company_id = issued->head->company_id;
    document->order_id = issued->order_id;
    document->currency = issued->currency;
    document->issue_date = issued->issue_date;
    document->gross_minor = issued->gross_minor;
    document->net_minor = issued->net_minor;
    document->tax_minor = issued->tax_minor;
    document->offered_discount_minor = issued->discount_minor;
    document->has_discount_until = issued->has_discount_until;
    document->discount_until = issued->discount_until;
    document->opening = issued->opening;
    document->has_remind = issued->has_remind;
    document->remind = issued->remind;
    for (size_t i = 0; i < issued->instalment_count; i++)
        if (!i || issued->instalments[i].due_date > document->last_due_date)
            document->last_due_date = issued->instalments[i].due_date;
}

static void add_items(struct work *work, const struct document *document,
                      const struct issued *issued)
{
    struct touched *touched;

    for (size_t i = 0; i < issued->instalment_count; i++) {
        struct open_item *item =
            o2c_row_add(work->account, &receivables_open_item,
                        O2C_KEY(O2C_K(document->kind), O2C_K(document->document_id),
                                O2C_N((int64_t)i + 1)));

        item->due_date = issued->instalments[i].due_date;
        item->amount_minor = issued->instalments[i].amount_minor;
    }
    touched = receivables_touch(work, document);
    for (size_t i = 0; touched && i < touched->item_count; i++) {
        touched->before[i].new_item = true;
        receivables_move_item(work, touched, touched->items[i],
                              touched->items[i]->amount_minor, document->issue_date,
                              O2C_STR("issued"), document->document_id);
    }
}

/* Revenue and tax of a document against its receivable; sign -1: as a credit note has it.
 */
static void post_document(struct work *work, const struct document *document,
                          const char *what, int32_t date, int sign)
{
    struct journal *journal = receivables_journal(
        work, what,
        receivables_text(work, "%.*s:%.*s:%s", O2C_STR_ARG(document->kind),
                         O2C_STR_ARG(document->document_id), what),
        date, document->customer_id, document->company_id, document->currency);

    receivables_post(work, journal, O2C_ACCOUNT_RECEIVABLE, document->customer_id,
                     document->document_id, sign * document->gross_minor);
    if (document->opening) {
        receivables_post(work, journal, O2C_ACCOUNT_OPENING, document->customer_id,
                         document->document_id, -sign * document->gross_minor);
        return;
    }
#ifndef O2C_MUTANT_NO_CREDIT_SIDE
    receivables_post(work, journal, O2C_ACCOUNT_REVENUE, document->customer_id,
                     document->document_id, -sign * document->net_minor);
#endif
    receivables_post(work, journal, O2C_ACCOUNT_OUTPUT_TAX, document->customer_id,
                     document->document_id, -sign * document->tax_minor);
}

static void add_credit_line(struct work *work, const struct document *note,
                            struct o2c_str invoice_id)
{
    struct remittance_line *line =
        o2c_row_add(work->account, &receivables_remittance_line,
                    O2C_KEY(O2C_K(SOURCE_CREDIT_NOTE), O2C_K(note->document_id), O2C_N(1)));

    line->named_invoice_id = invoice_id;
    line->customer_id = note->customer_id;
    line->company_id = note->company_id;
    line->currency = note->currency;
    line->source_date = note->issue_date;
    line->amount_minor = note->gross_minor;
    if (line->amount_minor > 0)
        line->claims_invoice_id = invoice_id;
    receivables_settle_new_line(work, line);
}

/* ---- cancellation */

static void cancel(struct work *work, struct document *invoice)
{
    int32_t date = invoice->cancelled_date > invoice->issue_date ? invoice->cancelled_date
                                                                 : invoice->issue_date;
    struct touched *touched = receivables_touch(work, invoice);

    receivables_settle_cancellation(work, invoice, invoice->cancelled_date);
    for (size_t i = 0; touched && i < touched->item_count; i++)
        receivables_move_item(work, touched, touched->items[i],
                              -touched->items[i]->open_minor, date, O2C_STR("cancelled"),
                              invoice->document_id);
    invoice->settled_to = date;
    post_document(work, invoice, "cancellation", date, -1);
}

/*
 * Where it gives no date, that of occurred_at.  It decides about money, so it is part
 * of what is compared when the cancellation is said again.
 */
static struct o2c_invoice_cancelled with_its_date(const struct o2c_invoice_cancelled *given)
{
    struct o2c_invoice_cancelled dated = *given;

    if (!dated.has_cancelled_date)
        dated.cancelled_date = o2c_timestamp_date(given->head.occurred_at_us);
    dated.has_cancelled_date = true;
    return dated;
}

enum o2c_verdict receivables_on_cancelled(struct o2c_account *account,
                                          const struct o2c_event *event,
                                          const struct o2c_moment *moment,
                                          struct o2c_effects *effects, struct o2c_err *err)
{
    struct o2c_invoice_cancelled dated = with_its_date(event->invoice_cancelled);
    const struct o2c_invoice_cancelled *given = &dated;
    struct o2c_event said = o2c_event_of(O2C_INVOICE_CANCELLED, given);
    struct o2c_str content = o2c_kept_content(&said, moment);
    const struct document *known =
        o2c_row_find(account, &receivables_document,
                     O2C_KEY(O2C_K(KIND_INVOICE), O2C_K(given->invoice_id)));
    struct document *invoice;
    struct work work;

    if (!given->invoice_id.len)
        return o2c_fail(err, O2C_PARK, "invoice_id: is empty");
    if (known && !o2c_is_new(effects, &said, content, known->cancel_content,
                             known->cancel_seen, "cancellation", given->invoice_id))
        return O2C_OK;
    receivables_begin(&work, account, moment, effects, &given->head, "cancelled",
                      given->invoice_id);
    invoice = begin_document(account, KIND_INVOICE, given->invoice_id);
    invoice->cancel_content = content;
    invoice->cancel_seen = moment->recorded_us;
    invoice->has_cancelled_date = true;
    invoice->cancelled_date = given->cancelled_date;
    if (invoice->issued)
        cancel(&work, invoice);
    return receivables_end(&work, err);
}

/* ---- issue */

static void issue(struct work *work, struct document *document, const struct issued *issued)
{
    take_content(document, issued);
    add_items(work, document, issued);
    post_document(work, document, "issue", document->issue_date,
                  o2c_str_eq(document->kind, KIND_CREDIT_NOTE) ? -1 : 1);
    if (o2c_str_eq(document->kind, KIND_CREDIT_NOTE)) {
        if (issued->names.invoice_id.at)
            add_credit_line(work, document, issued->names.invoice_id);
    } else if (document->cancel_content.at) {
        cancel(work, document);
    } else {
        receivables_settle_waiting_lines(work, document);
    }
}

enum o2c_verdict receivables_on_issued(struct o2c_account *account,
                                       const struct o2c_event *event,
                                       const struct o2c_moment *moment,
                                       struct o2c_effects *effects, struct o2c_err *err)
{
    struct o2c_str content = o2c_kept_content(event, moment);
    const struct document *known;
    struct document *document;
    struct issued issued;
    struct work work;

    receivables_issued(event, &issued);
    if (check_issued(&issued, err))
        return err->verdict;
    known = o2c_row_find(account, &receivables_document,
                         O2C_KEY(O2C_K(issued.kind), O2C_K(issued.id)));
    if (known && !o2c_is_new(effects, event, content, known->content, known->first_seen,
                             issued.natural_key, issued.id))
        return O2C_OK;
    receivables_begin(&work, account, moment, effects, issued.head, "credited", issued.id);
    work.dispute_id = issued.dispute_id;
    document = begin_document(account, issued.kind, issued.id);
    document->content = content;
    document->first_seen = moment->recorded_us;
    issue(&work, document, &issued);
    return receivables_end(&work, err);
}
