/*
 * work.h - what one event does in `receivables`: the rows it touches, and from
 * them, once all is done, what is published: open items, applications, journals,
 * states.  A rule begins it, changes rows through these functions, and ends it.
 *
 * Nothing here fails in the rule's face: a total that does not fit, a journal that
 * does not balance or a batch without room is found by receivables_end.
 */
#ifndef O2C_RECEIVABLES_WORK_H
#define O2C_RECEIVABLES_WORK_H

#include "consumers/host/consumer.h"
#include "consumers/receivables/rows.h"
#include "schemas/events.h"

/* Of the name of a field in a refusal, with its index: "remittance[12].amount_minor". */
enum {
    FIELD_BYTES = 64
};

/* An instalment as it was before the event; new_item: it was not there. */
struct item_before {
    bool new_item;
    int64_t open_minor, disputed_minor;
    struct o2c_str document_state;
};

/* A document the event touches, with its instalments in the order in which they are filled.
 */
struct touched {
    struct touched *next; /* by kind and id */
    struct document *document;
    struct open_item **items;
    struct item_before *before;
    size_t item_count;
    int64_t disputed_before, credited_before;
    enum o2c_invoice_phase phase; /* once all is done */
    bool reopened;                /* by a reversal */
};

struct touched_balance {
    struct touched_balance *next; /* by customer, company and currency */
    struct balance *balance;
};

/* A payment whose cash has moved; once for each time. */
struct moved_payment {
    struct moved_payment *next;
    const struct payment *payment;
};

struct journal_line {
    struct journal_line *next;
    const char *account;
    struct o2c_str customer_id, document;
    int64_t amount_minor; /* debit positive */
};

struct journal {
    struct journal *next;
    struct o2c_str journal_id;
    const char *posting;
    int32_t date;
    struct o2c_str customer_id, company_id, currency;
    struct journal_line *lines, **end;
};

/* One source applied to one document, or that undone. */
struct application {
    struct application *next;
    const struct payment *payment; /* NULL: a credit note, which has no event of its own */
    struct o2c_str application_id;
    const char *reason; /* undone: why */
    int32_t date;
    int32_t line_no;
    struct o2c_str document_id;
    int64_t unapplied_minor; /* of the payment, after it */
    struct o2c_allocation *allocations;
    size_t allocation_count;
};

struct work {
    struct o2c_account *account;
    const struct o2c_moment *moment;
    struct o2c_effects *effects;
    const struct o2c_head *head; /* of the event */
    const char *cause;           /* of what happens to open items */
    struct o2c_str cause_id;
    struct o2c_str dispute_id; /* that the credit note which it issues is for */
    struct touched *documents;
    struct touched_balance *balances;
    struct moved_payment *payments;
    struct application *applied, **applied_end;
    struct application *undone, **undone_end;
    struct journal *journals, **journals_end;
    const char *broken; /* a check that failed; NULL: none */
    bool no_room;
};

void receivables_begin(struct work *work, struct o2c_account *account,
                       const struct o2c_moment *moment, struct o2c_effects *effects,
                       const struct o2c_head *head, const char *cause,
                       struct o2c_str cause_id);

/* Derives, checks and publishes.  PARK where a check fails. */
enum o2c_verdict receivables_end(struct work *work, struct o2c_err *err) O2C_MUST_CHECK;

/*
 * From the batch arena, zeroed.  NULL where there is no room: the event is then done
 * again in a batch of its own.  receivables_touch and receivables_journal likewise.
 */
void *receivables_room(struct work *work, size_t bytes);
struct o2c_str receivables_text(struct work *work, const char *fmt, ...) O2C_PRINTF(2, 3);

/* *at += delta; broken where it does not fit. */
void receivables_add(struct work *work, int64_t *at, int64_t delta);

/* The document and its instalments, changeable. */
struct touched *receivables_touch(struct work *work, const struct document *document);

/* Changes what is open of an instalment, with document and totals, and remembers it. */
void receivables_move_item(struct work *work, struct touched *touched,
                           struct open_item *item, int64_t delta_minor, int32_t date,
                           struct o2c_str cause, struct o2c_str cause_id);

/* The same for what a payment has unapplied. */
void receivables_move_cash(struct work *work, struct payment *payment, int64_t delta_minor,
                           int32_t date, struct o2c_str cause, struct o2c_str cause_id);

struct journal *receivables_journal(struct work *work, const char *posting,
                                    struct o2c_str journal_id, int32_t date,
                                    struct o2c_str customer_id, struct o2c_str company_id,
                                    struct o2c_str currency);

/* Of an account of schemas/units/chart.h; debit positive, credit negative; control accounts
 * are added to the customer's totals. */
void receivables_post(struct work *work, struct journal *journal, const char *account,
                      struct o2c_str customer_id, struct o2c_str document,
                      int64_t amount_minor);

#endif
