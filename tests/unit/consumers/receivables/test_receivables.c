/* The rules of docs/rules/receivables.md as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <inttypes.h>

#include "consumers/receivables/receivables.h"
#include "consumers/receivables/rows.h"
#include "runtime/base/buf.h"
#include "schemas/units/time.h"
#include "tests/support/rule_cases.h"

#include "runtime/base/banned.h"

#define INVOICE_OF(id, number, customer, date, gross, more, instalments)                   \
    "{'type':'InvoiceIssued','invoice_id':'" id "','number':'" number                      \
    "','customer_id':'" customer "','account_id':'A','issue_date':'" date                  \
    "','currency':'EUR','lines':[],'net_minor':" #gross ",'gross_minor':" #gross           \
    ",'instalments':[" instalments "]" more "}"
#define DUE(date, amount) "{'due_date':'" date "','amount_minor':" #amount "}"
#define INVOICE(id, gross)                                                                 \
    INVOICE_OF(id, "N" id, "C1", "2026-01-10", gross, "", DUE("2026-02-09", gross))
#define PAYMENT_OF(id, customer, date, amount, more)                                       \
    "{'type':'PaymentReceived','payment_id':'" id "','customer_id':'" customer             \
    "','account_id':'A','received_date':'" date "','amount_minor':" #amount                \
    ",'currency':'EUR','method':'transfer'" more "}"
#define FOR(id, amount) "{'invoice_id':'" id "','amount_minor':" #amount "}"
#define FOR_NUMBER(number, amount) "{'number':'" number "','amount_minor':" #amount "}"
#define PAYMENT(id, amount, lines)                                                         \
    PAYMENT_OF(id, "C1", "2026-01-20", amount, ",'remittance':[" lines "]")
#define REVERSED_ON(id, date)                                                              \
    "{'type':'PaymentReversed','account_id':'A','payment_id':'" id                         \
    "','reversed_date':'" date "','reason':'nsf'}"
#define REVERSED(id) REVERSED_ON(id, "2026-01-25")
#define CREDIT_NOTE(id, gross, more)                                                       \
    "{'type':'CreditNoteIssued','account_id':'A','credit_note_id':'" id "','number':'G" id \
    "','reason_code':'01','issue_date':'2026-01-15','currency':'EUR',"                     \
    "'lines':[],'net_minor':" #gross ",'gross_minor':" #gross more "}"
#define DEBIT_NOTE_OF(id, date, gross)                                                     \
    "{'type':'DebitNoteIssued','account_id':'A','debit_note_id':'" id "','number':'B" id   \
    "','reason_code':'01','issue_date':'" date "','currency':'EUR','lines':[],"            \
    "'net_minor':" #gross ",'gross_minor':" #gross                                         \
    ",'instalments':[" DUE("2026-02-09", gross) "]}"
#define DEBIT_NOTE(id, gross) DEBIT_NOTE_OF(id, "2026-01-10", gross)
#define CANCELLED(id)                                                                      \
    "{'type':'InvoiceCancelled','account_id':'A','invoice_id':'" id                        \
    "','reason':'error','cancelled_date':'2026-01-30'}"

static void add_date(struct o2c_buf *out, int32_t date)
{
    char text[O2C_DATE_TEXT + 1];

    o2c_date_format(date, text);
    o2c_buf_add_text(out, text + 5);
}

static void describe_documents(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    const struct document *document;
    const struct open_item *item;

    for (size_t i = 0; (document = rows_fixture_row(fixture, &receivables_document, i));
         i++) {
        if (!document->issued)
            continue;
        o2c_buf_printf(out, "%.*s %.*s %" PRId64 " a%" PRId64 " c%" PRId64 " d%" PRId64,
                       O2C_STR_ARG(document->document_id), O2C_STR_ARG(document->state),
                       document->open_minor, document->applied_minor,
                       document->credited_minor, document->discount_minor);
        if (document->has_closed_date) {
            o2c_buf_add_text(out, " closed ");
            add_date(out, document->closed_date);
        }
        o2c_buf_add_text(out, " [");
        for (size_t k = 0; (item = rows_fixture_row(fixture, &receivables_open_item, k));
             k++)
            if (o2c_str_eq(item->document_id, document->document_id))
                o2c_buf_printf(out, "%s%" PRId64, item->instalment_no > 1 ? " " : "",
                               item->open_minor);
        o2c_buf_add_text(out, "]\n");
    }
}

/* Ends of month of what a past date sees: open by date, per document and payment. */
static void describe_history(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    const struct movement *movement;
    int32_t dates[] = {0, 0, 0, 0};
    static const int days[] = {12, 18, 22, 31};

    for (size_t d = 0; d < 4; d++) {
        int64_t debit = 0, credit = 0;

        (void)o2c_date_of(2026, 1, days[d], &dates[d]);
        for (size_t i = 0; (movement = rows_fixture_row(fixture, &receivables_movement, i));
             i++) {
            bool is_credit = o2c_str_eq(movement->subject, SOURCE_PAYMENT) ||
                             o2c_str_eq(movement->subject, KIND_CREDIT_NOTE);

            if (movement->effective_date <= dates[d])
                *(is_credit ? &credit : &debit) += movement->delta_minor;
        }
        o2c_buf_printf(out, "%s%" PRId64 "/%" PRId64, d ? " " : "history ", debit, credit);
    }
    o2c_buf_add_text(out, "\n");
}

static bool is_of(const struct movement *movement, const struct open_item *item)
{
    return o2c_str_eq(movement->subject, item->kind) &&
           o2c_str_eq(movement->subject_id, item->document_id) &&
           movement->instalment_no == item->instalment_no;
}

static int64_t open_on(const struct rows_fixture *fixture, const struct open_item *item,
                       int32_t date)
{
    const struct movement *movement;
    int64_t open = 0;

    for (size_t i = 0; (movement = rows_fixture_row(fixture, &receivables_movement, i));
         i++)
        if (is_of(movement, item) && movement->effective_date <= date)
            open += movement->delta_minor;
    return open;
}

/* Instalments that a past date sees below zero, and how far. */
static void describe_below(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    const struct movement *movement;
    const struct open_item *item;

    for (size_t k = 0; (item = rows_fixture_row(fixture, &receivables_open_item, k)); k++) {
        int64_t lowest = 0;

        for (size_t i = 0; (movement = rows_fixture_row(fixture, &receivables_movement, i));
             i++) {
            int64_t open = is_of(movement, item)
                               ? open_on(fixture, item, movement->effective_date)
                               : 0;

            lowest = open < lowest ? open : lowest;
        }
        if (lowest)
            o2c_buf_printf(out, "below zero %.*s/%" PRId32 " %" PRId64 "\n",
                           O2C_STR_ARG(item->document_id), item->instalment_no, lowest);
    }
}

static void describe(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    const struct payment *payment;
    const struct balance *balance;

    describe_documents(fixture, out);
    for (size_t i = 0; (payment = rows_fixture_row(fixture, &receivables_payment, i)); i++)
        if (payment->received)
            o2c_buf_printf(out, "%.*s %.*s %" PRId64 " of %" PRId32 "\n",
                           O2C_STR_ARG(payment->payment_id), O2C_STR_ARG(payment->state),
                           payment->unapplied_minor, payment->application_count);
    for (size_t i = 0; (balance = rows_fixture_row(fixture, &receivables_balance, i)); i++)
        o2c_buf_printf(out,
                       "%.*s open %" PRId64 " credit %" PRId64 " unapplied %" PRId64 "\n",
                       O2C_STR_ARG(balance->customer_id), balance->open_minor,
                       balance->credit_minor, balance->unapplied_minor);
    describe_history(fixture, out);
    describe_below(fixture, out);
}

static const struct rule_case fact_cases[] = {
    {"a payment that names its invoice closes it",
     {INVOICE("I1", 100), PAYMENT("P1", 100, FOR("I1", 100)), NULL},
     "I1 paid 0 a100 c0 d0 closed 01-20 [0]\nP1 applied 0 of 1\n"
     "C1 open 0 credit 0 unapplied 0\nhistory 100/0 100/0 0/0 0/0\n"},
    {"by its number, and what is too much stays unapplied",
     {INVOICE("I1", 100), PAYMENT("P1", 130, FOR_NUMBER("NI1", 130)), NULL},
     "I1 paid 0 a100 c0 d0 closed 01-20 [0]\nP1 part_applied 30 of 1\n"
     "C1 open 0 credit 0 unapplied 30\nhistory 100/0 100/0 0/30 0/30\n"},
    {"an empty id names nothing, the number beside it does",
     {INVOICE("I1", 100),
      PAYMENT("P1", 100, "{'invoice_id':'','number':'NI1','amount_minor':100}"),
      CREDIT_NOTE("K1", 30, ",'invoice_id':''"), NULL},
     "K1 open 30 a0 c0 d0 [30]\nI1 paid 0 a100 c0 d0 closed 01-20 [0]\n"
     "P1 applied 0 of 1\nC1 open 0 credit 30 unapplied 0\n"
     "history 100/0 100/30 0/30 0/30\n"},
    {"a short payment leaves the rest open, instalments filled by due date",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100, "",
                 DUE("2026-03-01", 40) "," DUE("2026-02-01", 60)),
      PAYMENT("P1", 70, FOR("I1", 70)), NULL},
     "I1 part_paid 30 a70 c0 d0 [30 0]\nP1 applied 0 of 1\n"
     "C1 open 30 credit 0 unapplied 0\nhistory 100/0 100/0 30/0 30/0\n"},
    {"a remittance over two invoices, one of which never comes",
     {INVOICE("I1", 100), PAYMENT("P1", 150, FOR("I1", 100) "," FOR("I9", 50)), NULL},
     "I1 paid 0 a100 c0 d0 closed 01-20 [0]\nP1 part_applied 50 of 1\n"
     "C1 open 0 credit 0 unapplied 50\nhistory 100/0 100/0 0/50 0/50\n"},
    {"a line takes no more than it says",
     {INVOICE("I1", 100), PAYMENT("P1", 100, FOR("I1", 60)), NULL},
     "I1 part_paid 40 a60 c0 d0 [40]\nP1 part_applied 40 of 1\n"
     "C1 open 40 credit 0 unapplied 40\nhistory 100/0 100/0 40/40 40/40\n"},
    {"a reversal opens again what it closed",
     {INVOICE("I1", 100), PAYMENT("P1", 100, FOR("I1", 100)), REVERSED("P1"), NULL},
     "I1 open 100 a0 c0 d0 [100]\nP1 reversed 0 of 1\n"
     "C1 open 100 credit 0 unapplied 0\nhistory 100/0 100/0 0/0 100/0\n"},
    {"a reversal of an overpayment is applied and undone once",
     {INVOICE("I1", 100), PAYMENT("P1", 130, FOR("I1", 130)), REVERSED("P1"), NULL},
     "I1 open 100 a0 c0 d0 [100]\nP1 reversed 0 of 1\n"
     "C1 open 100 credit 0 unapplied 0\nhistory 100/0 100/0 0/30 100/0\n"},
    {"a reversed part payment, the other part stays",
     {INVOICE("I1", 100), PAYMENT("P1", 40, FOR("I1", 40)),
      PAYMENT("P2", 60, FOR("I1", 60)), REVERSED("P1"), NULL},
     "I1 part_paid 40 a60 c0 d0 [40]\nP1 reversed 0 of 1\nP2 applied 0 of 1\n"
     "C1 open 40 credit 0 unapplied 0\nhistory 100/0 100/0 0/0 40/0\n"},
    {"a reversed payment by number, larger than its document",
     {INVOICE("I1", 30), PAYMENT("P1", 100, FOR_NUMBER("NI1", 100)), REVERSED("P1"), NULL},
     "I1 open 30 a0 c0 d0 [30]\nP1 reversed 0 of 1\n"
     "C1 open 30 credit 0 unapplied 0\nhistory 30/0 30/0 0/70 30/0\n"},
    {"a reversed payment of two lines, each with a discount of its own",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100,
                 ",'discount_minor':5,'discount_until':'2026-01-31'",
                 DUE("2026-02-09", 100)),
      PAYMENT("P1", 95,
              "{'invoice_id':'I1','amount_minor':50,'discount_minor':5},"
              "{'invoice_id':'I1','amount_minor':45,'discount_minor':5}"),
      REVERSED("P1"), NULL},
     "I1 open 100 a0 c0 d0 [100]\nP1 reversed 0 of 2\n"
     "C1 open 100 credit 0 unapplied 0\nhistory 100/0 100/0 0/0 100/0\n"},
    {"a reversed payment of two lines for two instalments and one by number",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100, "",
                 DUE("2026-03-01", 40) "," DUE("2026-02-01", 60)),
      INVOICE_OF("I2", "N2", "C1", "2026-01-19", 20, "", DUE("2026-03-01", 20)),
      PAYMENT("P1", 120, FOR("I1", 50) "," FOR("I1", 45) "," FOR_NUMBER("N2", 25)),
      REVERSED("P1"), NULL},
     "I1 open 100 a0 c0 d0 [40 60]\nI2 open 20 a0 c0 d0 [20]\nP1 reversed 0 of 3\n"
     "C1 open 120 credit 0 unapplied 0\nhistory 100/0 100/0 5/5 120/0\n"},
    {"a discount in time",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100,
                 ",'discount_minor':2,'discount_until':'2026-01-20'",
                 DUE("2026-02-09", 100)),
      PAYMENT("P1", 98, "{'invoice_id':'I1','amount_minor':98,'discount_minor':2}"), NULL},
     "I1 paid 0 a98 c0 d2 closed 01-20 [0]\nP1 applied 0 of 1\n"
     "C1 open 0 credit 0 unapplied 0\nhistory 100/0 100/0 0/0 0/0\n"},
    {"a discount too late is not taken",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100,
                 ",'discount_minor':2,'discount_until':'2026-01-19'",
                 DUE("2026-02-09", 100)),
      PAYMENT("P1", 98, "{'invoice_id':'I1','amount_minor':98,'discount_minor':2}"), NULL},
     "I1 part_paid 2 a98 c0 d0 [2]\nP1 applied 0 of 1\n"
     "C1 open 2 credit 0 unapplied 0\nhistory 100/0 100/0 2/0 2/0\n"},
    {"a reversal takes the discount back",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100,
                 ",'discount_minor':2,'discount_until':'2026-01-20'",
                 DUE("2026-02-09", 100)),
      PAYMENT("P1", 98, "{'invoice_id':'I1','amount_minor':98,'discount_minor':2}"),
      REVERSED("P1"), NULL},
     "I1 open 100 a0 c0 d0 [100]\nP1 reversed 0 of 1\n"
     "C1 open 100 credit 0 unapplied 0\nhistory 100/0 100/0 0/0 100/0\n"},
    {"a credit note for an invoice, more than is open of it",
     {INVOICE("I1", 100), CREDIT_NOTE("K1", 130, ",'invoice_id':'I1'"), NULL},
     "K1 part_paid 30 a100 c0 d0 [30]\nI1 paid 0 a0 c100 d0 closed 01-15 [0]\n"
     "C1 open 0 credit 30 unapplied 0\nhistory 100/0 0/30 0/30 0/30\n"},
    {"a credit note that names nothing stays open",
     {INVOICE("I1", 100), CREDIT_NOTE("K1", 30, ""), NULL},
     "K1 open 30 a0 c0 d0 [30]\nI1 open 100 a0 c0 d0 [100]\n"
     "C1 open 100 credit 30 unapplied 0\nhistory 100/0 100/30 100/30 100/30\n"},
    {"a cancelled invoice",
     {INVOICE("I1", 100), CANCELLED("I1"), NULL},
     "I1 cancelled 0 a0 c0 d0 closed 01-30 [0]\n"
     "C1 open 0 credit 0 unapplied 0\nhistory 100/0 100/0 100/0 0/0\n"},
    {"a payer for another customer of the account",
     {INVOICE_OF("I1", "N1", "C2", "2026-01-10", 100, "", DUE("2026-02-09", 100)),
      PAYMENT("P1", 100, FOR("I1", 100)), NULL},
     "I1 paid 0 a100 c0 d0 closed 01-20 [0]\nP1 applied 0 of 1\n"
     "C1 open 0 credit 0 unapplied 0\nC2 open 0 credit 0 unapplied 0\n"
     "history 100/0 100/0 0/0 0/0\n"},
    {"an invoice of nothing is paid when it is issued",
     {INVOICE("I1", 0), NULL},
     "I1 paid 0 a0 c0 d0 closed 01-10 [0]\n"
     "C1 open 0 credit 0 unapplied 0\nhistory 0/0 0/0 0/0 0/0\n"},
    {"another currency never meets",
     {INVOICE("I1", 100),
      "{'type':'PaymentReceived','payment_id':'P1','account_id':'A','received_date':"
      "'2026-01-20','amount_minor':100,'currency':'USD','method':'transfer','remittance':"
      "[{'invoice_id':'I1','amount_minor':100}]}",
      NULL},
     "I1 open 100 a0 c0 d0 [100]\nP1 unapplied 100 of 0\n"
     "C1 open 100 credit 0 unapplied 0\nC1 open 0 credit 0 unapplied 100\n"
     "history 100/0 100/0 100/100 100/100\n"},
    {"by number the document of its currency is meant",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100, "", DUE("2026-02-09", 100)),
      "{'type':'InvoiceIssued','account_id':'A','invoice_id':'I2','number':'N1',"
      "'issue_date':'2026-01-09','currency':'USD','lines':[],'net_minor':100,"
      "'gross_minor':100,'instalments':[" DUE("2026-02-09", 100) "]}",
      PAYMENT("P1", 100, FOR_NUMBER("N1", 100)), NULL},
     "I1 paid 0 a100 c0 d0 closed 01-20 [0]\nI2 open 100 a0 c0 d0 [100]\n"
     "P1 applied 0 of 1\nC1 open 0 credit 0 unapplied 0\n"
     "C1 open 100 credit 0 unapplied 0\nhistory 200/0 200/0 100/0 100/0\n"},
    {"closed on the latest date of what settled it",
     {INVOICE("I1", 100),
      PAYMENT_OF("P1", "C1", "2026-01-21", 40, ",'remittance':[" FOR("I1", 40) "]"),
      PAYMENT("P2", 60, FOR("I1", 60)), NULL},
     "I1 paid 0 a100 c0 d0 closed 01-21 [0]\nP1 applied 0 of 1\nP2 applied 0 of 1\n"
     "C1 open 0 credit 0 unapplied 0\nhistory 100/0 100/0 0/0 0/0\n"},
    {"of two instalments due on one day the first is filled first",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100, "",
                 DUE("2026-02-01", 40) "," DUE("2026-02-01", 60)),
      PAYMENT("P1", 50, FOR("I1", 50)), NULL},
     "I1 part_paid 50 a50 c0 d0 [0 50]\nP1 applied 0 of 1\n"
     "C1 open 50 credit 0 unapplied 0\nhistory 100/0 100/0 50/0 50/0\n"},
    {"no more discount than is offered",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100,
                 ",'discount_minor':2,'discount_until':'2026-01-20'",
                 DUE("2026-02-09", 100)),
      PAYMENT("P1", 95, "{'invoice_id':'I1','amount_minor':95,'discount_minor':5}"), NULL},
     "I1 part_paid 3 a95 c0 d2 [3]\nP1 applied 0 of 1\n"
     "C1 open 3 credit 0 unapplied 0\nhistory 100/0 100/0 3/0 3/0\n"},
    {"no discount for a line that its payment does not complete",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100,
                 ",'discount_minor':2,'discount_until':'2026-01-20'",
                 DUE("2026-02-09", 100)),
      PAYMENT("P1", 90, "{'invoice_id':'I1','amount_minor':98,'discount_minor':2}"), NULL},
     "I1 part_paid 10 a90 c0 d0 [10]\nP1 applied 0 of 1\n"
     "C1 open 10 credit 0 unapplied 0\nhistory 100/0 100/0 10/0 10/0\n"},
    {"a payment before its invoice is applied on the issue date",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-19", 100, "", DUE("2026-02-09", 100)),
      PAYMENT_OF("P1", "C1", "2026-01-15", 100, ",'remittance':[" FOR("I1", 100) "]"),
      NULL},
     "I1 paid 0 a100 c0 d0 closed 01-19 [0]\nP1 applied 0 of 1\n"
     "C1 open 0 credit 0 unapplied 0\nhistory 0/0 0/100 0/0 0/0\n"},
    {"and is undone on that date where it was reversed before it",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-28", 100, "", DUE("2026-02-09", 100)),
      PAYMENT_OF("P1", "C1", "2026-01-15", 100, ",'remittance':[" FOR("I1", 100) "]"),
      REVERSED_ON("P1", "2026-01-21"), NULL},
     "I1 open 100 a0 c0 d0 [100]\nP1 reversed 0 of 1\n"
     "C1 open 100 credit 0 unapplied 0\nhistory 0/0 0/100 0/0 100/0\n"},
    {"a reversal dated before its payment counts from the payment's date",
     {PAYMENT("P1", 100, ""), REVERSED_ON("P1", "2026-01-11"), NULL},
     "P1 reversed 0 of 0\nC1 open 0 credit 0 unapplied 0\nhistory 0/0 0/0 0/0 0/0\n"},
    {"a cancellation dated before its invoice counts from the issue date",
     {INVOICE_OF("I1", "N1", "C1", "2026-01-19", 100, "", DUE("2026-02-09", 100)),
      "{'type':'InvoiceCancelled','account_id':'A','invoice_id':'I1','reason':'error',"
      "'cancelled_date':'2026-01-11'}",
      NULL},
     "I1 cancelled 0 a0 c0 d0 closed 01-19 [0]\n"
     "C1 open 0 credit 0 unapplied 0\nhistory 0/0 0/0 0/0 0/0\n"},
    {"no payment is for a credit note, whatever its number",
     {CREDIT_NOTE("K1", 30, ""), PAYMENT("P1", 30, FOR_NUMBER("GK1", 30)), NULL},
     "K1 open 30 a0 c0 d0 [30]\nP1 unapplied 30 of 0\n"
     "C1 open 0 credit 30 unapplied 30\nhistory 0/0 0/30 0/60 0/60\n"},
    {"another company never meets, by id or by number",
     {INVOICE("I1", 100),
      PAYMENT_OF("P1", "C1", "2026-01-20", 90,
                 ",'company_id':'beta','remittance':[" FOR("I1", 40) "," FOR_NUMBER(
                     "NI1", 50) "]"),
      PAYMENT("P2", 30, FOR("I1", 30)), NULL},
     "I1 part_paid 70 a30 c0 d0 [70]\nP1 unapplied 90 of 0\nP2 applied 0 of 1\n"
     "C1 open 0 credit 0 unapplied 90\nC1 open 70 credit 0 unapplied 0\n"
     "history 100/0 100/0 70/90 70/90\n"},
};

static void facts_converge_in_any_order(void **state)
{
    (void)state;
    rule_cases_run(&receivables_consumer, fact_cases,
                   sizeof fact_cases / sizeof fact_cases[0], describe);
}

static const struct {
    const char *event, *reason;
} refusals[] = {
    {INVOICE("", 100), "invoice_id: is empty"},
    {INVOICE_OF("I1", "", "C1", "2026-01-10", 1, "", DUE("2026-02-09", 1)),
     "number: is empty"},
    {INVOICE("I1", -5), "gross_minor: -5 is not between 0 and 1000000000000000"},
    {INVOICE_OF("I1", "N", "C1", "2026-01-10", 100, "", ""), "instalments: there is none"},
    {INVOICE_OF("I1", "N", "C1", "2026-01-10", 100, "", DUE("2026-02-09", 99)),
     "instalments: their sum 99 is not gross_minor 100"},
    {INVOICE_OF("I1", "N", "C1", "2026-01-10", 100, ",'tax_minor':5",
                DUE("2026-02-09", 100)),
     "gross_minor: 100 is not net_minor 100 + tax_minor 5"},
    {"{'type':'InvoiceIssued','account_id':'A','invoice_id':'I1','number':'N1','issue_date':"
     "'2026-01-10','currency':'EUR','lines':[],'net_minor':9000000000000000000,'gross_minor':"
     "100,'tax_minor':-8999999999999999900,'instalments':["
     "{'due_date':'2026-02-09','amount_minor':100}]}",
     "net_minor: 9000000000000000000 is not between -1000000000000000 and 1000000000000000"},
    {"{'type':'CreditNoteIssued','account_id':'A','credit_note_id':'K1','number':'N1',"
     "'reason_code':'01','issue_date':'2026-01-10','currency':'EUR','lines':[],'net_minor':"
     "999999999999999,'gross_minor':0,'tax_minor':-1000000000000001}",
     "tax_minor: -1000000000000001 is not between -1000000000000000 and 1000000000000000"},
    {PAYMENT("P1", 5, "{'invoice_id':'I1','amount_minor':-1000000000000001}"),
     "remittance[0].amount_minor: -1000000000000001 is not between -1000000000000000 and "
     "1000000000000000"},
    {"{'type':'DisputeOpened','account_id':'A','dispute_id':'D1','invoice_id':'I1',"
     "'amount_minor':1000000000000001,'currency':'EUR','reason_code':'01','origin':"
     "'customer'}",
     "amount_minor: 1000000000000001 is not between 0 and 1000000000000000"},
    {"{'type':'DisputeOpened','account_id':'A','dispute_id':'D1','invoice_id':'K1',"
     "'amount_minor':1,'currency':'EUR','reason_code':'01','origin':'customer','kind':"
     "'credit_note'}",
     "kind: a credit_note cannot be disputed"},
    {PAYMENT("P1", 0, ""), "amount_minor: 0 is not between 1 and 1000000000000000"},
    {PAYMENT("P1", 5, "{'amount_minor':5}"),
     "remittance[0]: neither invoice_id nor number is given"},
    {PAYMENT("P1", 5, "{'invoice_id':'','number':'','amount_minor':5}"),
     "remittance[0]: neither invoice_id nor number is given"},
    {PAYMENT("", 5, ""), "payment_id: is empty"},
    {CANCELLED(""), "invoice_id: is empty"},
    {"{'type':'RefundPaid','account_id':'A','refund_id':'R1','payment_id':'P1',"
     "'amount_minor':7,'paid_date':'2026-01-22'}",
     "refund_id: \"R1\" of amount_minor 7 was paid back: there is no rule for refunds yet"},
};

static void what_cannot_be_is_parked_with_field_and_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
        struct o2c_err err;

        assert_int_equal(rule_apply(fixture, refusals[i].event, &err), O2C_PARK);
        assert_string_equal(err.text, refusals[i].reason);
        rows_fixture_free(fixture);
    }
}

/* ---- stored rows that cannot be: nothing is made of them */

/* The only row of the table, as somebody has changed it since it was stored. */
static void *spoil(struct rows_fixture *fixture, const struct o2c_table *table)
{
    assert_int_equal(rows_fixture_row_count(fixture, table), 1);
    return (void *)(uintptr_t)rows_fixture_row(fixture, table, 0);
}

static void spoil_open_of_item(struct rows_fixture *fixture)
{
    struct open_item *item = spoil(fixture, &receivables_open_item);

    item->open_minor = -1;
}

static void spoil_amount_of_item(struct rows_fixture *fixture)
{
    struct open_item *item = spoil(fixture, &receivables_open_item);

    item->amount_minor--;
}

static void spoil_open_of_document(struct rows_fixture *fixture)
{
    struct document *document = spoil(fixture, &receivables_document);

    document->open_minor++;
}

static void spoil_gross(struct rows_fixture *fixture)
{
    struct document *document = spoil(fixture, &receivables_document);

    document->gross_minor++;
}

static void spoil_settled(struct rows_fixture *fixture)
{
    struct document *document = spoil(fixture, &receivables_document);

    document->written_off_minor++;
}

static void spoil_net(struct rows_fixture *fixture)
{
    struct document *document = spoil(fixture, &receivables_document);

    document->net_minor--;
}

static void spoil_receivable_control(struct rows_fixture *fixture)
{
    struct balance *balance = spoil(fixture, &receivables_balance);

    balance->receivable_minor++;
}

static void spoil_unapplied_control(struct rows_fixture *fixture)
{
    struct balance *balance = spoil(fixture, &receivables_balance);

    balance->unapplied_control_minor--;
}

static void spoil_unapplied_total(struct rows_fixture *fixture)
{
    struct balance *balance = spoil(fixture, &receivables_balance);

    balance->unapplied_minor = INT64_MAX;
}

static void spoil_unapplied_of_payment(struct rows_fixture *fixture)
{
    struct payment *payment = spoil(fixture, &receivables_payment);

    payment->unapplied_minor--;
}

static void spoil_applied_of_payment(struct rows_fixture *fixture)
{
    struct payment *payment = spoil(fixture, &receivables_payment);

    payment->applied_minor++;
}

#define DISPUTED(id, amount)                                                               \
    "{'type':'DisputeOpened','account_id':'A','dispute_id':'D1','invoice_id':'" id         \
    "','amount_minor':" #amount                                                            \
    ",'currency':'EUR','reason_code':'01','origin':'customer'}"
#define ITEM_OUT_OF_BOUNDS "an instalment is open below zero or above its amount"
#define ITEMS_DIFFER "a document is not open for what its instalments are"
#define PARTS_DIFFER "a payment's amount differs from what is applied and unapplied of it"

static const struct {
    const char *before[3];
    void (*spoil)(struct rows_fixture *fixture);
    const char *event, *reason;
} spoiled[] = {
    {{INVOICE("I1", 100)}, spoil_open_of_item, DISPUTED("I1", 50), ITEM_OUT_OF_BOUNDS},
    {{INVOICE("I1", 100)}, spoil_amount_of_item, DISPUTED("I1", 50), ITEM_OUT_OF_BOUNDS},
    {{INVOICE("I1", 100)}, spoil_open_of_document, DISPUTED("I1", 50), ITEMS_DIFFER},
    {{INVOICE("I1", 100)}, spoil_gross, DISPUTED("I1", 50), ITEMS_DIFFER},
    {{INVOICE("I1", 100)}, spoil_settled, CANCELLED("I1"), ITEMS_DIFFER},
    {{INVOICE("I1", 100)},
     spoil_net,
     CANCELLED("I1"),
     "a journal's debits and credits differ"},
    {{INVOICE("I1", 100)},
     spoil_receivable_control,
     DISPUTED("I1", 50),
     "the receivable control account differs from the open items"},
    {{PAYMENT("P1", 100, "")},
     spoil_unapplied_control,
     REVERSED("P1"),
     "the unapplied control account differs from the unapplied cash"},
    {{PAYMENT("P1", 100, "")},
     spoil_unapplied_total,
     PAYMENT("P2", 1, ""),
     "a total does not fit"},
    {{PAYMENT("P1", 100, FOR("I1", 60))},
     spoil_unapplied_of_payment,
     INVOICE("I1", 60),
     PARTS_DIFFER},
    {{PAYMENT("P1", 100, FOR("I1", 60))},
     spoil_applied_of_payment,
     INVOICE("I1", 60),
     PARTS_DIFFER},
    {{PAYMENT("P1", 100, "")}, spoil_unapplied_of_payment, REVERSED("P1"), PARTS_DIFFER},
};

static void a_spoiled_row_parks_the_event_that_meets_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
        struct o2c_err err;
        size_t count;

        for (size_t k = 0; spoiled[i].before[k]; k++)
            assert_int_equal(rule_apply(fixture, spoiled[i].before[k], &err), O2C_OK);
        spoiled[i].spoil(fixture);
        if (rule_apply(fixture, spoiled[i].event, &err) != O2C_PARK)
            fail_msg("not parked: %s", spoiled[i].reason);
        assert_string_equal(err.text, spoiled[i].reason);
        for (const struct rows_effect *effect = rows_fixture_effects(fixture, &count);
             count; count--, effect++)
            assert_int_equal(effect->kind, ROWS_PARKED);
        rows_fixture_free(fixture);
    }
}

static void an_id_too_long_for_what_is_named_after_it_is_parked(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
    char id[1100], json[2000];
    struct o2c_err err;

    (void)state;
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    snprintf(json, sizeof json,
             "{'type':'PaymentReceived','payment_id':'%s','account_id':'A','received_date':"
             "'2026-01-20','amount_minor':1,'currency':'EUR','method':'transfer'}",
             id);
    assert_int_equal(rule_apply(fixture, json, &err), O2C_PARK);
    assert_string_equal(err.text, "an id is too long");
    rows_fixture_free(fixture);
}

/* ---- decisions */

static void play(struct rows_fixture *fixture, const char *const *events)
{
    struct o2c_err err;

    for (; *events; events++)
        if (rule_apply(fixture, *events, &err))
            fail_msg("%s: %s", *events, err.text);
}

static void expect_by(void (*apply)(struct rows_fixture *fixture,
                                    const char *const *events),
                      const char *const *events, const char *expected)
{
    struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
    struct o2c_buf rows;

    apply(fixture, events);
    o2c_buf_init(&rows, 1 << 20);
    describe(fixture, &rows);
    assert_string_equal(o2c_buf_text(&rows), expected);
    o2c_buf_clear(&rows);
    rows_fixture_free(fixture);
}

static void expect(const char *const *events, const char *expected)
{
    expect_by(play, events, expected);
    expect_by(rule_apply_batch, events, expected);
}

static void of_two_payments_for_one_invoice_the_first_counts(void **state)
{
    (void)state;
    expect(
        (const char *const[]){INVOICE("I1", 100), PAYMENT("P1", 100, FOR("I1", 100)),
                              PAYMENT("P2", 100, FOR("I1", 100)), NULL},
        "I1 paid 0 a100 c0 d0 closed 01-20 [0]\nP1 applied 0 of 1\nP2 unapplied 100 of 0\n"
        "C1 open 0 credit 0 unapplied 100\nhistory 100/0 100/0 0/100 0/100\n");
}

static void the_other_payment_steps_in_when_the_first_is_reversed(void **state)
{
    (void)state;
    expect((const char *const[]){INVOICE("I1", 100), PAYMENT("P1", 100, FOR("I1", 100)),
                                 PAYMENT("P2", 100, FOR("I1", 100)), REVERSED("P1"), NULL},
           "I1 paid 0 a100 c0 d0 closed 01-20 [0]\nP1 reversed 0 of 1\nP2 applied 0 of 1\n"
           "C1 open 0 credit 0 unapplied 0\nhistory 100/0 100/0 -100/0 0/0\n"
           "below zero I1/1 -100\n");
}

/* An invoice of so much meets those that have waited, youngest first. */
static void settle_waiting(const char *invoice, const char *expected)
{
    expect(
        (const char *const[]){
            PAYMENT("P4", 30, FOR("I1", 30)), PAYMENT("P3", 30, FOR("I1", 30)),
            PAYMENT_OF("P9", "C1", "2026-01-15", 30, ",'remittance':[" FOR("I1", 30) "]"),
            CREDIT_NOTE("K1", 30, ",'invoice_id':'I1'"), invoice, NULL},
        expected);
}

static void what_waits_is_applied_by_date_credit_notes_first_then_by_id(void **state)
{
    (void)state;
    settle_waiting(INVOICE("I1", 10),
                   "K1 part_paid 20 a10 c0 d0 [20]\n"
                   "I1 paid 0 a0 c10 d0 closed 01-15 [0]\n"
                   "P3 unapplied 30 of 0\nP4 unapplied 30 of 0\nP9 unapplied 30 of 0\n"
                   "C1 open 0 credit 20 unapplied 90\nhistory 10/0 0/50 0/110 0/110\n");
    settle_waiting(INVOICE("I1", 40),
                   "K1 paid 0 a30 c0 d0 closed 01-15 [0]\n"
                   "I1 paid 0 a10 c30 d0 closed 01-15 [0]\n"
                   "P3 unapplied 30 of 0\nP4 unapplied 30 of 0\nP9 part_applied 20 of 1\n"
                   "C1 open 0 credit 0 unapplied 80\nhistory 40/0 0/20 0/80 0/80\n");
    settle_waiting(INVOICE("I1", 70),
                   "K1 paid 0 a30 c0 d0 closed 01-15 [0]\n"
                   "I1 paid 0 a40 c30 d0 closed 01-20 [0]\n"
                   "P3 part_applied 20 of 1\nP4 unapplied 30 of 0\nP9 applied 0 of 1\n"
                   "C1 open 0 credit 0 unapplied 50\nhistory 70/0 10/0 0/50 0/50\n");
}

static const struct {
    const char *name, *events[4];
    size_t count;
} claims[] = {
    {"its invoice has not arrived", {PAYMENT("P1", 30, FOR("I1", 30)), NULL}, 1},
    {"nothing is left of it",
     {INVOICE("I1", 100), PAYMENT("P1", 30, FOR("I1", 30)), NULL},
     0},
    {"something is", {INVOICE("I1", 100), PAYMENT("P1", 130, FOR("I1", 130)), NULL}, 1},
    {"below zero", {PAYMENT("P1", 30, FOR("I1", -20)), NULL}, 0},
    {"its invoice is cancelled",
     {PAYMENT("P1", 30, FOR("I1", 30)), INVOICE("I1", 10), CANCELLED("I1"), NULL},
     0},
    {"or was before",
     {INVOICE("I1", 100), CANCELLED("I1"), PAYMENT("P1", 30, FOR("I1", 30)), NULL},
     0},
    {"its invoice is in another currency",
     {INVOICE("I1", 100),
      "{'type':'PaymentReceived','payment_id':'P1','account_id':'A','received_date':"
      "'2026-01-20','amount_minor':100,'currency':'USD','method':'transfer','remittance':"
      "[{'invoice_id':'I1','amount_minor':100}]}",
      NULL},
     0},
};

static void a_line_claims_a_document_as_long_as_it_may_get_something(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
        const struct remittance_line *line;
        size_t found = 0;

        play(fixture, claims[i].events);
        for (size_t l = 0;
             (line = rows_fixture_row(fixture, &receivables_remittance_line, l)); l++)
            found += line->claims_invoice_id.at != NULL;
        if (found != claims[i].count)
            fail_msg("%s: %zu lines, expected %zu", claims[i].name, found, claims[i].count);
        rows_fixture_free(fixture);
    }
}

static void an_id_of_which_first_only_the_debit_note_was_there(void **state)
{
    (void)state;
    expect((const char *const[]){DEBIT_NOTE_OF("X", "2026-01-18", 20),
                                 CREDIT_NOTE("K1", 50, ",'invoice_id':'X'"),
                                 INVOICE("X", 30), NULL},
           "K1 paid 0 a50 c0 d0 closed 01-18 [0]\nX paid 0 a0 c20 d0 closed 01-18 [00]\n"
           "X paid 0 a0 c30 d0 closed 01-15 [00]\n"
           "C1 open 0 credit 0 unapplied 0\nhistory 30/0 0/0 0/0 0/0\n");
}

static void a_line_by_number_outlives_the_cancellation_of_its_document(void **state)
{
    const char *const first = INVOICE_OF("I1", "N", "C1", "2026-01-10", 60, "",
                                         DUE("2026-02-09", 60)),
                      *const second = INVOICE_OF("I2", "N", "C1", "2026-01-11", 60, "",
                                                 DUE("2026-02-09", 60)),
                      *const payment = PAYMENT("P1", 60, FOR_NUMBER("N", 60)),
                      *const cancelled = CANCELLED("I1");

    (void)state;
    expect((const char *const[]){first, payment, cancelled, second, NULL},
           "I1 cancelled 0 a0 c0 d0 closed 01-30 [0]\n"
           "I2 paid 0 a60 c0 d0 closed 01-20 [0]\nP1 applied 0 of 2\n"
           "C1 open 0 credit 0 unapplied 0\nhistory 120/0 120/0 0/-60 0/0\n");
    expect((const char *const[]){first, cancelled, payment, second, NULL},
           "I1 cancelled 0 a0 c0 d0 closed 01-30 [0]\n"
           "I2 paid 0 a60 c0 d0 closed 01-20 [0]\nP1 applied 0 of 1\n"
           "C1 open 0 credit 0 unapplied 0\nhistory 120/0 120/0 60/0 0/0\n");
}

static void what_is_left_of_a_line_goes_to_the_next_document_of_its_number(void **state)
{
    (void)state;
    expect(
        (const char *const[]){
            PAYMENT("P1", 100, FOR_NUMBER("N", 100)),
            INVOICE_OF("I1", "N", "C1", "2026-01-10", 60, "", DUE("2026-02-09", 60)),
            INVOICE_OF("I2", "N", "C1", "2026-01-11", 60, "", DUE("2026-02-09", 60)), NULL},
        "I1 paid 0 a60 c0 d0 closed 01-20 [0]\nI2 part_paid 20 a40 c0 d0 [20]\n"
        "P1 applied 0 of 2\nC1 open 20 credit 0 unapplied 0\n"
        "history 120/0 120/0 20/0 20/0\n");
}

static void a_line_by_number_goes_on_to_the_next_document_of_it(void **state)
{
    (void)state;
    expect(
        (const char *const[]){
            INVOICE_OF("I1", "N", "C1", "2026-01-10", 60, "", DUE("2026-02-09", 60)),
            INVOICE_OF("I2", "N", "C1", "2026-01-11", 60, "", DUE("2026-02-09", 60)),
            PAYMENT("P1", 100, FOR_NUMBER("N", 100)), NULL},
        "I1 paid 0 a60 c0 d0 closed 01-20 [0]\nI2 part_paid 20 a40 c0 d0 [20]\n"
        "P1 applied 0 of 2\nC1 open 20 credit 0 unapplied 0\n"
        "history 120/0 120/0 20/0 20/0\n");
}

static void a_cancelled_invoice_of_nothing_is_closed_when_it_is_cancelled(void **state)
{
    (void)state;
    expect((const char *const[]){INVOICE("I1", 0), CANCELLED("I1"), NULL},
           "I1 cancelled 0 a0 c0 d0 closed 01-30 [0]\n"
           "C1 open 0 credit 0 unapplied 0\nhistory 0/0 0/0 0/0 0/0\n");
}

static void a_cancellation_gives_back_what_was_applied(void **state)
{
    (void)state;
    expect((const char *const[]){INVOICE("I1", 100), INVOICE("I2", 50),
                                 CREDIT_NOTE("K1", 20, ",'invoice_id':'I1'"),
                                 PAYMENT("P1", 130, FOR("I1", 80) "," FOR("I2", 50)),
                                 CANCELLED("I1"), NULL},
           "K1 open 20 a0 c0 d0 [20]\nI1 cancelled 0 a0 c0 d0 closed 01-30 [0]\n"
           "I2 paid 0 a50 c0 d0 closed 01-20 [0]\nP1 part_applied 80 of 2\n"
           "C1 open 0 credit 20 unapplied 80\nhistory 150/0 130/0 0/0 0/100\n");
}

#define CANCELLED_ON(day, more)                                                            \
    "{'type':'InvoiceCancelled','account_id':'A','invoice_id':'I1','reason':'error',"      \
    "'occurred_at':'2026-01-" day "T00:00:00Z'" more "}"

static void a_cancellation_of_another_day_is_a_conflict(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
    const struct rows_effect *conflict;
    struct o2c_err err;

    (void)state;
    assert_int_equal(rule_apply(fixture, INVOICE("I1", 100), &err), O2C_OK);
    assert_int_equal(rule_apply(fixture, CANCELLED_ON("25", ""), &err), O2C_OK);
    assert_int_equal(
        rule_apply(fixture, CANCELLED_ON("27", ",'cancelled_date':'2026-01-25'"), &err),
        O2C_OK);
    assert_non_null(rows_fixture_effect(fixture, ROWS_REPEAT, O2C_EVENT_NONE, 0));
    assert_int_equal(rule_apply(fixture, CANCELLED_ON("20", ""), &err), O2C_OK);
    conflict = rows_fixture_effect(fixture, ROWS_CONFLICT, O2C_EVENT_NONE, 0);
    assert_non_null(conflict);
    assert_int_equal(conflict->field_count, 1);
    assert_true(o2c_str_eq(conflict->fields[0], O2C_STR("cancelled_date")));
    rows_fixture_free(fixture);
}

static const struct {
    const char *first, *then, *key;
} conflicts[] = {
    {INVOICE("I1", 100), INVOICE("I1", 90), "invoice/I1"},
    {DEBIT_NOTE("D1", 100), DEBIT_NOTE("D1", 90), "debit_note/D1"},
    {CREDIT_NOTE("K1", 30, ""), CREDIT_NOTE("K1", 20, ""), "credit_note/K1"},
    {PAYMENT("P1", 100, FOR("I1", 100)), PAYMENT("P1", 100, FOR("I2", 100)), "payment/P1"},
    {REVERSED("P1"), REVERSED_ON("P1", "2026-01-26"), "reversal/P1"},
    {CANCELLED("I1"), CANCELLED_ON("20", ""), "cancellation/I1"},
};

static void what_is_said_otherwise_is_a_conflict_and_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conflicts / sizeof conflicts[0]; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
        const struct rows_effect *conflict;
        struct o2c_buf before, after;
        struct o2c_err err;

        o2c_buf_init(&before, 1 << 20);
        o2c_buf_init(&after, 1 << 20);
        play(fixture, (const char *const[]){INVOICE("I2", 70), conflicts[i].first, NULL});
        describe(fixture, &before);
        assert_int_equal(rule_apply(fixture, conflicts[i].then, &err), O2C_OK);
        conflict = rows_fixture_effect(fixture, ROWS_CONFLICT, O2C_EVENT_NONE, 0);
        if (!conflict || !o2c_str_eq(conflict->key, o2c_str_from(conflicts[i].key)))
            fail_msg("no conflict: %s", conflicts[i].key);
        describe(fixture, &after);
        assert_string_equal(o2c_buf_text(&after), o2c_buf_text(&before));
        o2c_buf_clear(&before);
        o2c_buf_clear(&after);
        rows_fixture_free(fixture);
    }
}

/* ---- what is published */

static void describe_applied(const struct o2c_payment_applied *applied, struct o2c_buf *out)
{
    o2c_buf_printf(out, "applied %.*s", O2C_STR_ARG(applied->application_id));
    for (size_t i = 0; i < applied->allocations_count; i++) {
        assert_true(applied->allocations[i].has_kind);
        if (applied->allocations[i].kind != O2C_DOCUMENT_KIND_INVOICE)
            o2c_buf_printf(
                out, " to %.*s %.*s",
                O2C_STR_ARG(o2c_document_kind_text(applied->allocations[i].kind)),
                O2C_STR_ARG(applied->allocations[i].invoice_id));
    }
    o2c_buf_printf(out, " left %" PRId64 "\n", applied->unapplied_minor);
}

static void describe_published(const struct rows_fixture *fixture, struct o2c_buf *out)
{
    size_t count;
    const struct rows_effect *effects = rows_fixture_effects(fixture, &count);

    for (size_t i = 0; i < count; i++) {
        const struct o2c_event *event = &effects[i].event;

        if (effects[i].kind == ROWS_STATE) {
            o2c_buf_printf(out, "state %.*s\n", O2C_STR_ARG(effects[i].key));
        } else if (event->type == O2C_OPEN_ITEM_CHANGED) {
            const struct o2c_open_item_changed *changed = event->open_item_changed;

            o2c_buf_printf(out, "item %.*s open %" PRId64 " disputed %" PRId64 " %.*s",
                           O2C_STR_ARG(changed->document_id), changed->open_minor,
                           changed->disputed_minor, O2C_STR_ARG(changed->cause));
            if (changed->document_open_minor != changed->open_minor)
                o2c_buf_printf(out, " of %" PRId64, changed->document_open_minor);
            if (changed->document_credited_minor)
                o2c_buf_printf(out, " credited %" PRId64, changed->document_credited_minor);
            o2c_buf_add_text(out, "\n");
        } else if (event->type == O2C_PAYMENT_APPLIED) {
            describe_applied(event->payment_applied, out);
        } else if (event->type == O2C_PAYMENT_UNAPPLIED) {
            o2c_buf_printf(out, "unapplied %.*s %.*s\n",
                           O2C_STR_ARG(event->payment_unapplied->application_id),
                           O2C_STR_ARG(event->payment_unapplied->reason));
        } else if (event->type == O2C_JOURNAL_POSTED) {
            const struct o2c_journal_posted *posted = event->journal_posted;

            o2c_buf_printf(out, "%.*s ", O2C_STR_ARG(posted->journal_id));
            add_date(out, posted->posting_date);
            for (size_t l = 0; l < posted->lines_count; l++)
                o2c_buf_printf(
                    out, ", %.*s %" PRId64, O2C_STR_ARG(posted->lines[l].account),
                    posted->lines[l].debit_minor - posted->lines[l].credit_minor);
            o2c_buf_add_text(out, "\n");
        }
    }
}

static const struct {
    const char *event, *published;
} story[] = {
    {INVOICE_OF(
         "I1", "N1", "C1", "2026-01-10", 119,
         ",'taxes':[],'tax_minor':0,'discount_minor':2,'discount_until':'2026-01-20'",
         DUE("2026-02-09", 119)),
     "item I1 open 119 disputed 0 issued\n"
     "invoice:I1:issue 01-10, receivable 119, revenue -119\n"
     "state I1\nstate A/C1/main/EUR\n"},
    {PAYMENT("P1", 120, "{'invoice_id':'I1','amount_minor':117,'discount_minor':2}"),
     "item I1 open 0 disputed 0 applied\napplied P1/1 left 3\n"
     "payment:P1:receipt 01-20, bank 120, unapplied -120\n"
     "application:P1/1 01-20, unapplied 117, discount 2, receivable -119\n"
     "state I1\nstate A/C1/main/EUR\n"},
    {REVERSED("P1"),
     "item I1 open 119 disputed 0 unapplied\nunapplied P1/1 reversed\n"
     "application:P1/1:undone 01-25, unapplied -117, discount -2, receivable 119\n"
     "payment:P1:reversal 01-25, bank -120, unapplied 120\n"
     "state I1\nstate A/C1/main/EUR\n"},
    {"{'type':'DisputeOpened','account_id':'A','dispute_id':'D1','invoice_id':'I1',"
     "'amount_minor':50,'currency':'EUR','reason_code':'01','origin':'customer'}",
     "item I1 open 119 disputed 50 disputed\nstate I1\nstate A/C1/main/EUR\n"},
    {CREDIT_NOTE("K1", 100, ",'invoice_id':'I1'"),
     "item K1 open 0 disputed 0 issued\n"
     "item I1 open 19 disputed 19 credited credited 100\n"
     "credit_note:K1:issue 01-15, receivable -100, revenue 100\n"
     "state credit_note/K1\nstate I1\nstate A/C1/main/EUR\n"},
    {"{'type':'DisputeStateChanged','account_id':'A','dispute_id':'D1','state':'rejected',"
     "'reason':'x'}",
     "item I1 open 19 disputed 0 disputed credited 100\nstate I1\nstate "
     "A/C1/main/EUR\n"},
    {CANCELLED("I1"),
     "item K1 open 100 disputed 0 cancelled\nitem I1 open 0 disputed 0 cancelled\n"
     "invoice:I1:cancellation 01-30, receivable -119, revenue 119\n"
     "state credit_note/K1\nstate I1\nstate A/C1/main/EUR\n"},
    {"{'type':'PaymentReceived','payment_id':'P2','account_id':'A','received_date':"
     "'2026-01-20','amount_minor':7,'currency':'EUR','method':'cash','opening':true}",
     "payment:P2:receipt 01-20, opening 7, unapplied -7\nstate A/C1/main/EUR\n"},
    {PAYMENT("P3", 60, "{'invoice_id':'I2','amount_minor':60}"),
     "payment:P3:receipt 01-20, bank 60, unapplied -60\nstate A/C1/main/EUR\n"},
    {INVOICE_OF("I2", "N2", "C1", "2026-01-10", 100, "",
                DUE("2026-02-09", 60) "," DUE("2026-03-09", 40)),
     "item I2 open 0 disputed 0 issued of 40\nitem I2 open 40 disputed 0 issued\n"
     "applied P3/1 left 0\n"
     "invoice:I2:issue 01-10, receivable 100, revenue -100\n"
     "application:P3/1 01-20, unapplied 60, receivable -60\n"
     "state I2\nstate A/C1/main/EUR\n"},
    {"{'type':'DisputeOpened','account_id':'A','dispute_id':'D2','invoice_id':'I3',"
     "'amount_minor':5,'currency':'EUR','reason_code':'01','origin':'customer','kind':"
     "'debit_note'}",
     ""},
    {"{'type':'DebitNoteIssued','debit_note_id':'I3','number':'N3','customer_id':'C1',"
     "'account_id':'A','origin':'billed','reason_code':'01','issue_date':'2026-01-10',"
     "'currency':'EUR','lines':[],'net_minor':30,'gross_minor':30,'instalments':[" DUE(
         "2026-02-09", 30) "]}",
     "item I3 open 30 disputed 5 issued\n"
     "debit_note:I3:issue 01-10, receivable 30, revenue -30\n"
     "state debit_note/I3\nstate A/C1/main/EUR\n"},
    {INVOICE_OF("I3", "N3", "C1", "2026-01-10", 20, "", DUE("2026-02-09", 20)),
     "item I3 open 20 disputed 0 issued\n"
     "invoice:I3:issue 01-10, receivable 20, revenue -20\n"
     "state I3\nstate A/C1/main/EUR\n"},
    {"{'type':'DisputeStateChanged','account_id':'A','dispute_id':'D2','state':'approved',"
     "'reason':'x','amount_minor':3}",
     "item I3 open 30 disputed 3 disputed\nstate debit_note/I3\nstate A/C1/main/EUR\n"},
    {PAYMENT("P5", 30, "{'number':'N3','amount_minor':30}"),
     "item I3 open 0 disputed 0 applied\napplied P5/1 to debit_note I3 left 0\n"
     "payment:P5:receipt 01-20, bank 30, unapplied -30\n"
     "application:P5/1 01-20, unapplied 30, receivable -30\n"
     "state debit_note/I3\nstate A/C1/main/EUR\n"},
    {INVOICE_OF("I4", "N4", "C1", "2026-01-10", 60, "", DUE("2026-02-09", 60)),
     "item I4 open 60 disputed 0 issued\n"
     "invoice:I4:issue 01-10, receivable 60, revenue -60\n"
     "state I4\nstate A/C1/main/EUR\n"},
    {PAYMENT("P4", 60, FOR("I4", 60)),
     "item I4 open 0 disputed 0 applied\napplied P4/1 left 0\n"
     "payment:P4:receipt 01-20, bank 60, unapplied -60\n"
     "application:P4/1 01-20, unapplied 60, receivable -60\n"
     "state I4\nstate A/C1/main/EUR\n"},
    {CREDIT_NOTE("K4", 60, ",'invoice_id':'I4'"),
     "item K4 open 60 disputed 0 issued\n"
     "credit_note:K4:issue 01-15, receivable -60, revenue 60\n"
     "state credit_note/K4\nstate I4\nstate A/C1/main/EUR\n"},
    {REVERSED("P4"),
     "item K4 open 0 disputed 0 unapplied\nitem I4 open 0 disputed 0 unapplied credited 60\n"
     "unapplied P4/1 reversed\n"
     "application:P4/1:undone 01-25, unapplied -60, receivable 60\n"
     "payment:P4:reversal 01-25, bank -60, unapplied 60\n"
     "state credit_note/K4\nstate I4\nstate A/C1/main/EUR\n"},
    {INVOICE_OF("I5", "N5", "C1", "2026-01-10", 50, ",'opening':true",
                DUE("2026-02-09", 50)),
     "item I5 open 50 disputed 0 issued\n"
     "invoice:I5:issue 01-10, receivable 50, opening -50\n"
     "state I5\nstate A/C1/main/EUR\n"},
};

static void every_step_publishes_items_applications_journals_and_states(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
    struct o2c_err err;

    (void)state;
    for (size_t i = 0; i < sizeof story / sizeof story[0]; i++) {
        struct o2c_buf published;

        if (rule_apply(fixture, story[i].event, &err))
            fail_msg("%s: %s", story[i].event, err.text);
        o2c_buf_init(&published, 1 << 20);
        describe_published(fixture, &published);
        assert_string_equal(o2c_buf_text(&published), story[i].published);
        o2c_buf_clear(&published);
    }
    rows_fixture_free(fixture);
}

/* What is said of items, documents and accounts beyond what `describe_published` shows. */
static void describe_said(const struct rows_effect *effect, struct o2c_buf *out)
{
    const struct o2c_event *event = &effect->event;

    if (event->type == O2C_OPEN_ITEM_CHANGED) {
        const struct o2c_open_item_changed *changed = event->open_item_changed;

        o2c_buf_printf(
            out, "%" PRId32 " %.*s %" PRId64 " of %" PRId64 "%s", changed->instalment_no,
            O2C_STR_ARG(o2c_invoice_phase_text(changed->state)), changed->disputed_minor,
            changed->open_minor, changed->remind ? "" : " not reminded");
        if (changed->dispute_id.at)
            o2c_buf_printf(out, " for \"%.*s\"", O2C_STR_ARG(changed->dispute_id));
        o2c_buf_add_text(out, "\n");
    } else if (event->type == O2C_INVOICE_STATE) {
        const struct o2c_invoice_state *document = event->invoice_state;

        o2c_buf_printf(out, "%.*s disputed %" PRId64 " due ",
                       O2C_STR_ARG(document->invoice_id), document->disputed_minor);
        add_date(out, document->due_date);
        o2c_buf_add_text(out, "\n");
    } else if (event->type == O2C_ACCOUNT_STATE) {
        o2c_buf_printf(out, "disputed %" PRId64 " balance %" PRId64 "\n",
                       event->account_state->disputed_minor,
                       event->account_state->balance_minor);
    }
}

#define TWO_DATES                                                                          \
    INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100, "",                                    \
               DUE("2026-03-01", 40) "," DUE("2026-02-01", 60))
#define DATED(more)                                                                        \
    INVOICE_OF("I1", "N1", "C1", "2026-01-10", 100, more, DUE("2026-02-09", 100))

/* What the last event says. */
static const struct {
    const char *name, *events[4], *said;
} sayings[] = {
    {"disputed by due date",
     {TWO_DATES, DISPUTED("I1", 70), NULL},
     "1 open 10 of 40\n2 open 60 of 60\nI1 disputed 70 due 02-01\n"
     "disputed 70 balance 100\n"},
    {"no more than is open is disputed, and due is what is open first",
     {TWO_DATES, DISPUTED("I1", 70), PAYMENT("P1", 60, FOR("I1", 60)), NULL},
     "1 open 40 of 40\n2 paid 0 of 0\nI1 disputed 40 due 03-01\n"
     "disputed 40 balance 40\n"},
    {"no more once the case is closed",
     {DATED(""), DISPUTED("I1", 70),
      "{'type':'DisputeClosed','account_id':'A','dispute_id':'D1','resolution':'withdrawn'}",
      NULL},
     "1 open 0 of 100\nI1 disputed 0 due 02-09\ndisputed 0 balance 100\n"},
    {"what is settled was due at last",
     {TWO_DATES, PAYMENT("P1", 100, FOR("I1", 100)), NULL},
     "1 paid 0 of 0\n2 paid 0 of 0\nI1 disputed 0 due 03-01\ndisputed 0 balance 0\n"},
    {"credit and cash that are not used lower the balance",
     {DATED(""), PAYMENT("P1", 30, ""), CREDIT_NOTE("K1", 20, ""), NULL},
     "1 open 0 of 20\nK1 disputed 0 due 01-15\ndisputed 0 balance 50\n"},
    {"which dispute a credit note is for is said of the note, once",
     {DATED(""), CREDIT_NOTE("K1", 20, ",'invoice_id':'I1','dispute_id':'D1'"), NULL},
     "1 paid 0 of 0 for \"D1\"\n1 part_paid 0 of 80\nK1 disputed 0 due 01-15\n"
     "I1 disputed 0 due 02-09\ndisputed 0 balance 80\n"},
    {"not when its invoice comes",
     {CREDIT_NOTE("K1", 20, ",'invoice_id':'I1','dispute_id':'D1'"), DATED(""), NULL},
     "1 paid 0 of 0\n1 part_paid 0 of 80\nK1 disputed 0 due 01-15\n"
     "I1 disputed 0 due 02-09\ndisputed 0 balance 80\n"},
    {"an empty id is none",
     {CREDIT_NOTE("K1", 20, ",'dispute_id':''"), NULL},
     "1 open 0 of 20\nK1 disputed 0 due 01-15\ndisputed 0 balance -20\n"},
    {"a cancellation of what was paid is told, though nothing of it was open",
     {DATED(""), PAYMENT("P1", 100, FOR("I1", 100)), CANCELLED("I1"), NULL},
     "1 cancelled 0 of 0\nI1 disputed 0 due 02-09\ndisputed 0 balance -100\n"},
    {"what is opening is not reminded",
     {DATED(",'opening':true"), NULL},
     "1 open 0 of 100 not reminded\nI1 disputed 0 due 02-09\ndisputed 0 balance 100\n"},
    {"unless asked for",
     {DATED(",'opening':true,'remind':true"), NULL},
     "1 open 0 of 100\nI1 disputed 0 due 02-09\ndisputed 0 balance 100\n"},
    {"what is not is, unless asked not to",
     {DATED(",'remind':false"), NULL},
     "1 open 0 of 100 not reminded\nI1 disputed 0 due 02-09\ndisputed 0 balance 100\n"},
};

static void an_event_says_what_is_disputed_due_reminded_and_the_balance(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sayings / sizeof sayings[0]; i++) {
        struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
        const struct rows_effect *effects;
        struct o2c_buf said;
        size_t count;

        play(fixture, sayings[i].events);
        effects = rows_fixture_effects(fixture, &count);
        o2c_buf_init(&said, 1 << 20);
        for (size_t e = 0; e < count; e++)
            describe_said(&effects[e], &said);
        if (strcmp(o2c_buf_text(&said), sayings[i].said) != 0)
            fail_msg("%s:\n%s, expected\n%s", sayings[i].name, o2c_buf_text(&said),
                     sayings[i].said);
        o2c_buf_clear(&said);
        rows_fixture_free(fixture);
    }
}

static const char *journal_of(const struct rows_fixture *fixture, size_t i)
{
    static char text[64];
    const struct rows_effect *posted =
        rows_fixture_effect(fixture, ROWS_EMITTED, O2C_JOURNAL_POSTED, i);

    snprintf(text, sizeof text, "%.*s",
             O2C_STR_ARG(posted->event.journal_posted->journal_id));
    return text;
}

static void journals_of_a_payment_and_of_a_credit_note_have_other_ids(void **state)
{
    struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
    struct o2c_err err;

    (void)state;
    assert_int_equal(rule_apply(fixture,
                                INVOICE_OF("I1", "N1", "C2", "2026-01-10", 100, "",
                                           DUE("2026-02-09", 100)),
                                &err),
                     O2C_OK);
    assert_int_equal(rule_apply(fixture, CREDIT_NOTE("K1", 30, ",'invoice_id':'I1'"), &err),
                     O2C_OK);
    assert_string_equal(journal_of(fixture, 1), "credit_application:credit_note/K1/1");
    assert_int_equal(
        rule_apply(fixture, PAYMENT("credit_note/K1", 30, FOR("I1", 30)), &err), O2C_OK);
    assert_string_equal(journal_of(fixture, 1), "application:credit_note/K1/1");
    rows_fixture_free(fixture);
}

/* ---- where a batch ends changes nothing */

enum {
    IDS = 5
};

static const char *const invoice_ids[IDS + 1] = {"I0", "I1", "I2", "I3", "I4", ""};

/* Few ids, so that everything meets everything, in any order. */
static void draw_json(unsigned *state, char *json, size_t size)
{
    unsigned kind = rule_draw(state, 10), id = rule_draw(state, IDS),
             other = rule_draw(state, IDS);
    unsigned amount = 10 + 10 * rule_draw(state, 12), customer = rule_draw(state, 2);
    bool by_number = rule_draw(state, 3) == 0;
    const char *empty_id = by_number && rule_draw(state, 2) ? "'invoice_id':''," : "";

    if (kind < 3)
        snprintf(
            json, size,
            "{'type':'InvoiceIssued','invoice_id':'I%u','number':'N%u','customer_id':'C%u',"
            "'account_id':'A','issue_date':'2026-01-%02u','currency':'EUR','lines':[],"
            "'net_minor':%u,'gross_minor':%u,'discount_minor':5,'discount_until':"
            "'2026-01-15','instalments':[{'due_date':'2026-02-01','amount_minor':%u},"
            "{'due_date':'2026-01-20','amount_minor':10}]}",
            id, other / 2, customer, 1 + id, amount + 10, amount + 10, amount);
    else if (kind < 7)
        snprintf(json, size,
                 "{'type':'PaymentReceived','payment_id':'P%u','customer_id':'C%u',"
                 "'account_id':'A','received_date':'2026-01-%02u','amount_minor':%u,"
                 "'currency':'EUR','method':'transfer','remittance':[{%s'%s':'%s%u',"
                 "'amount_minor':%u,'discount_minor':5},{'invoice_id':'I%u','amount_minor':"
                 "30}]}",
                 id, customer, 5 + 3 * other, amount, empty_id,
                 by_number ? "number" : "invoice_id", by_number ? "N" : "I",
                 by_number ? other / 2 : other, amount - 5, id);
    else if (kind == 7)
        snprintf(json, size,
                 "{'type':'PaymentReversed','account_id':'A','payment_id':'P%u',"
                 "'reversed_date':'2026-01-25','reason':'nsf'}",
                 id);
    else if (kind == 8)
        snprintf(
            json, size,
            "{'type':'CreditNoteIssued','account_id':'A','credit_note_id':'K%u','number':"
            "'G','reason_code':'01','issue_date':'2026-01-15','currency':'EUR','lines':[],"
            "'net_minor':%u,'gross_minor':%u,'invoice_id':'%s'}",
            id, amount, amount, invoice_ids[rule_draw(state, IDS + 1)]);
    else if (rule_draw(state, 2))
        snprintf(
            json, size,
            "{'type':'InvoiceCancelled','account_id':'A','invoice_id':'I%u','reason':'x',"
            "'cancelled_date':'2026-01-28'}",
            id);
    else if (rule_draw(state, 2))
        snprintf(
            json, size,
            "{'type':'DisputeOpened','account_id':'A','dispute_id':'D%u','invoice_id':'I%u',"
            "'amount_minor':%u,'currency':'EUR','reason_code':'01','origin':'customer',"
            "'kind':'%s'}",
            id, other, amount, rule_draw(state, 3) ? "invoice" : "debit_note");
    else
        snprintf(
            json, size,
            "{'type':'DebitNoteIssued','debit_note_id':'I%u','number':'N%u','customer_id':"
            "'C%u','account_id':'A','origin':'billed','reason_code':'01','issue_date':"
            "'2026-01-%02u','currency':'EUR','lines':[],'net_minor':%u,'gross_minor':%u,"
            "'instalments':[{'due_date':'2026-02-01','amount_minor':%u}]}",
            id, other / 2, customer, 1 + id, amount, amount, amount);
}

static void where_a_batch_ends_changes_nothing(void **state)
{
    const struct rule_histories histories = {.consumer = &receivables_consumer,
                                             .draw = draw_json,
                                             .tables = describe,
                                             .published = describe_published,
                                             .count = 150,
                                             .events_each = 60};

    (void)state;
    rule_histories_run(&histories);
}

/* ---- what converges, as the page of the rules has it */

enum {
    CLAIMED = 4, /* documents, each claimed by one source with money enough for its lines */
    FACTS_EACH = 3,
    FACTS = CLAIMED * FACTS_EACH + 3,
    FACT_BYTES = 1024
};

struct facts {
    char json[FACTS][FACT_BYTES];
};

static void draw_invoice(unsigned *state, unsigned id, char *json)
{
    unsigned first = 10 * rule_draw(state, 5), second = 10 + 10 * rule_draw(state, 5);

    snprintf(json, FACT_BYTES,
             "{'type':'InvoiceIssued','invoice_id':'I%u','number':'N%u','account_id':'A',"
             "'issue_date':'2026-01-%02u','currency':'EUR','lines':[],'net_minor':%u,"
             "'gross_minor':%u,'discount_minor':5,'discount_until':'2026-01-15',"
             "'instalments':[{'due_date':'2026-02-01','amount_minor':%u},"
             "{'due_date':'2026-01-20','amount_minor':%u}]}",
             id, id, 1 + rule_draw(state, 28), first + second, first + second, first,
             second);
}

static void draw_source(unsigned *state, unsigned id, char *json)
{
    unsigned one = 1 + rule_draw(state, 60), other = 1 + rule_draw(state, 60);
    bool by_number = rule_draw(state, 2);

    if (rule_draw(state, 4) == 0)
        snprintf(json, FACT_BYTES,
                 "{'type':'CreditNoteIssued','account_id':'A','credit_note_id':'P%u',"
                 "'number':'G','reason_code':'01','issue_date':'2026-01-15','currency':"
                 "'EUR','lines':[],'net_minor':%u,'gross_minor':%u,'invoice_id':'I%u'}",
                 id, one, one, id);
    else
        snprintf(json, FACT_BYTES,
                 "{'type':'PaymentReceived','payment_id':'P%u','account_id':'A',"
                 "'received_date':'2026-01-%02u','amount_minor':%u,'currency':'EUR',"
                 "'method':'transfer','remittance':[{'%s':'%s%u','amount_minor':%u,"
                 "'discount_minor':5},{'invoice_id':'I%u','amount_minor':%u,"
                 "'discount_minor':5}]}",
                 id, 1 + rule_draw(state, 28), one + other + rule_draw(state, 20),
                 by_number ? "number" : "invoice_id", by_number ? "N" : "I", id, one, id,
                 other);
}

/* Reversed, or disputed; a reversal of what is a credit note waits for ever. */
static void draw_what_follows(unsigned *state, unsigned id, char *json)
{
    if (rule_draw(state, 2))
        snprintf(json, FACT_BYTES,
                 "{'type':'PaymentReversed','account_id':'A','payment_id':'P%u',"
                 "'reversed_date':'2026-01-%02u','reason':'nsf'}",
                 id, 10 + rule_draw(state, 18));
    else
        snprintf(json, FACT_BYTES,
                 "{'type':'DisputeOpened','account_id':'A','dispute_id':'D%u','invoice_id':"
                 "'I%u','amount_minor':%u,'currency':'EUR','reason_code':'01','origin':"
                 "'customer'}",
                 id, id, 1 + rule_draw(state, 90));
}

static void draw_facts(unsigned *state, struct facts *facts)
{
    char(*next)[FACT_BYTES] = facts->json;

    for (unsigned id = 0; id < CLAIMED; id++) {
        draw_invoice(state, id, *next++);
        draw_source(state, id, *next++);
        draw_what_follows(state, id, *next++);
    }
    draw_invoice(state, CLAIMED, *next++);
    snprintf(*next++, FACT_BYTES,
             "{'type':'InvoiceCancelled','account_id':'A','invoice_id':'I%u','reason':'x',"
             "'cancelled_date':'2026-01-28'}",
             CLAIMED);
    draw_what_follows(state, CLAIMED, *next++);
}

static void play_in_order(const struct facts *facts, const unsigned *order,
                          struct o2c_buf *rows)
{
    struct rows_fixture *fixture = rows_fixture_new(&receivables_consumer);
    struct o2c_err err;

    for (size_t i = 0; i < FACTS; i++)
        if (rule_apply(fixture, facts->json[order[i]], &err))
            fail_msg("%s: %s", facts->json[order[i]], err.text);
    describe(fixture, rows);
    rows_fixture_free(fixture);
}

static void shuffle(unsigned *state, unsigned *order)
{
    for (unsigned i = FACTS - 1; i; i--) {
        unsigned at = rule_draw(state, i + 1), kept = order[i];

        order[i] = order[at];
        order[at] = kept;
    }
}

/*
 * One source for a document, its lines no more than its money, one document of a
 * number, no cancellation of what was paid.  Everything else is decided once, by who
 * comes first.
 */
static void without_contention_no_order_of_arrival_changes_anything(void **unused)
{
    (void)unused;
    for (unsigned history = 0; history < 100; history++) {
        unsigned state = history, order[FACTS];
        struct o2c_buf expected, found;
        struct facts facts;

        draw_facts(&state, &facts);
        for (unsigned i = 0; i < FACTS; i++)
            order[i] = i;
        o2c_buf_init(&expected, 1 << 20);
        play_in_order(&facts, order, &expected);
        for (unsigned n = 0; n < 5; n++) {
            shuffle(&state, order);
            o2c_buf_init(&found, 1 << 20);
            play_in_order(&facts, order, &found);
            assert_string_equal(o2c_buf_text(&found), o2c_buf_text(&expected));
            o2c_buf_clear(&found);
        }
        o2c_buf_clear(&expected);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(facts_converge_in_any_order),
        cmocka_unit_test(what_cannot_be_is_parked_with_field_and_value),
        cmocka_unit_test(a_spoiled_row_parks_the_event_that_meets_it),
        cmocka_unit_test(an_id_too_long_for_what_is_named_after_it_is_parked),
        cmocka_unit_test(of_two_payments_for_one_invoice_the_first_counts),
        cmocka_unit_test(the_other_payment_steps_in_when_the_first_is_reversed),
        cmocka_unit_test(what_waits_is_applied_by_date_credit_notes_first_then_by_id),
        cmocka_unit_test(a_line_claims_a_document_as_long_as_it_may_get_something),
        cmocka_unit_test(an_id_of_which_first_only_the_debit_note_was_there),
        cmocka_unit_test(a_line_by_number_outlives_the_cancellation_of_its_document),
        cmocka_unit_test(what_is_left_of_a_line_goes_to_the_next_document_of_its_number),
        cmocka_unit_test(a_line_by_number_goes_on_to_the_next_document_of_it),
        cmocka_unit_test(a_cancelled_invoice_of_nothing_is_closed_when_it_is_cancelled),
        cmocka_unit_test(a_cancellation_gives_back_what_was_applied),
        cmocka_unit_test(a_cancellation_of_another_day_is_a_conflict),
        cmocka_unit_test(what_is_said_otherwise_is_a_conflict_and_changes_nothing),
        cmocka_unit_test(every_step_publishes_items_applications_journals_and_states),
        cmocka_unit_test(an_event_says_what_is_disputed_due_reminded_and_the_balance),
        cmocka_unit_test(journals_of_a_payment_and_of_a_credit_note_have_other_ids),
        cmocka_unit_test(where_a_batch_ends_changes_nothing),
        cmocka_unit_test(without_contention_no_order_of_arrival_changes_anything),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(all, NULL, NULL);
}
