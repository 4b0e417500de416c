/*
 * rows.h - the tables of the consumer `receivables` as its rules see them; made
 * by deploy/migrations/receivables, described in tables.c.  Amounts are minor
 * units of the row's currency, dates days since 1970-01-01.
 */
#ifndef O2C_RECEIVABLES_ROWS_H
#define O2C_RECEIVABLES_ROWS_H

#include "consumers/host/table.h"

/* Kinds of documents and of sources, as they stand in the tables. */
#define KIND_INVOICE O2C_STR("invoice")
#define KIND_DEBIT_NOTE O2C_STR("debit_note")
#define KIND_CREDIT_NOTE O2C_STR("credit_note")
#define SOURCE_PAYMENT O2C_STR("payment")
#define SOURCE_CREDIT_NOTE KIND_CREDIT_NOTE

/*
 * An invoice, debit note or credit note.  `issued` false: not here yet, but
 * cancelled or disputed already.  open = gross - applied - credited - discount
 * (- written off), 0 once cancelled.
 */
struct document {
    struct o2c_row row;
    struct o2c_str account_id, kind, document_id;
    bool issued;
    struct o2c_str number, customer_id, company_id, order_id, currency;
    int32_t issue_date, last_due_date;
    int64_t gross_minor, net_minor, tax_minor;
    int64_t applied_minor;  /* by cash; of a credit note: used */
    int64_t credited_minor; /* by credit notes */
    int64_t discount_minor, written_off_minor;
    int64_t open_minor;
    int64_t claimed_dispute_minor; /* Σ of active disputes */
    int64_t disputed_minor;        /* of what is open */
    int64_t offered_discount_minor;
    bool has_discount_until;
    int32_t discount_until;
    struct o2c_str state;
    int32_t settled_to; /* latest effective date of what has settled it; 0: nothing has */
    bool has_closed_date;
    int32_t closed_date;
    bool opening, has_remind, remind;
    int32_t application_count; /* made of it, a credit note */
    int32_t movement_count;
    struct o2c_str content;
    int64_t first_seen;
    bool has_cancelled_date;
    int32_t cancelled_date;
    struct o2c_str cancel_content; /* absent: not cancelled */
    int64_t cancel_seen;
};

/* An instalment of a document. */
struct open_item {
    struct o2c_row row;
    struct o2c_str account_id, kind, document_id;
    int32_t instalment_no;
    int32_t due_date;
    int64_t amount_minor, open_minor, disputed_minor;
};

/* `received` false: only its reversal has arrived. */
struct payment {
    struct o2c_row row;
    struct o2c_str account_id, payment_id;
    bool received;
    struct o2c_str customer_id, company_id, currency;
    int32_t received_date;
    int64_t amount_minor;
    int64_t applied_minor;   /* also after a reversal: what it had been applied for */
    int64_t unapplied_minor; /* 0 once reversed */
    bool opening;
    struct o2c_str state;
    int32_t application_count, movement_count;
    struct o2c_str content;
    int64_t first_seen;
    bool has_reversed_date;
    int32_t reversed_date;
    struct o2c_str reversal_reason;
    struct o2c_str reversal_content; /* absent: not reversed */
    int64_t reversal_seen;
};

/*
 * A claim on a document: a remittance line of a payment, or the invoice a credit
 * note names.  While it waits for (more of) its document it stands under what
 * it names in one of the last two columns.
 */
struct remittance_line {
    struct o2c_row row;
    struct o2c_str account_id, source, source_id;
    int32_t line_no;
    struct o2c_str named_invoice_id, named_number;
    struct o2c_str customer_id, company_id, currency; /* of the source */
    int32_t source_date;
    int64_t amount_minor, discount_minor;
    int64_t applied_minor;
    struct o2c_str claims_invoice_id, claims_number;
};

/* What an application took off one instalment. */
struct allocation {
    struct o2c_row row;
    struct o2c_str account_id, source, source_id;
    int32_t application_no, instalment_no;
    struct o2c_str kind, document_id, rule;
    int32_t line_no;
    int64_t applied_minor, discount_minor;
    int32_t effective_date;
    int64_t recorded_at;
    bool has_undone_date;
    int32_t undone_date;
    struct o2c_str live_invoice_id; /* absent: undone, or of no invoice */
};

/* A change of what is open of an item, or unapplied of a payment.  Only appended. */
struct movement {
    struct o2c_row row;
    struct o2c_str account_id, subject, subject_id; /* kind of document, or payment */
    int32_t movement_no;
    int32_t instalment_no; /* of a payment 0 */
    struct o2c_str customer_id, currency;
    int32_t due_date, effective_date;
    int64_t delta_minor;
    struct o2c_str cause, cause_id;
    int64_t recorded_at;
};

/*
 * Totals of a customer in a currency with one company, and what was posted on its
 * control accounts.
 */
struct balance {
    struct o2c_row row;
    struct o2c_str account_id, customer_id, company_id, currency;
    int64_t open_minor, credit_minor, unapplied_minor, disputed_minor;
    int64_t receivable_minor,
        unapplied_control_minor; /* Σ posted; unapplied: credit - debit */
};

/* Of an invoice or a debit note. */
struct dispute {
    struct o2c_row row;
    struct o2c_str account_id, dispute_id;
    struct o2c_str kind, document_id;
    int64_t amount_minor;
    bool active;
};

extern const struct o2c_table receivables_document, receivables_open_item,
    receivables_payment, receivables_remittance_line, receivables_allocation,
    receivables_movement, receivables_balance, receivables_dispute;

/* Look-ups. */
enum {
    DOCUMENT_BY_NUMBER
};
enum {
    LINE_BY_INVOICE_ID,
    LINE_BY_NUMBER
};
enum {
    ALLOCATION_BY_INVOICE
};

#endif
