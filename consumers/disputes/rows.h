/*
 * rows.h - the tables of the consumer `disputes` as its rules see them; made by
 * deploy/migrations/disputes, described in tables.c.  Amounts are minor units.
 */
#ifndef O2C_DISPUTES_ROWS_H
#define O2C_DISPUTES_ROWS_H

#include "consumers/host/table.h"

/* An invoice as `receivables` has published it: all a case needs to know of it. */
struct invoice {
    struct o2c_row row;
    struct o2c_str account_id, invoice_id;
    struct o2c_str customer_id, company_id, currency;
    int64_t open_minor; /* Σ of its instalments */
};

struct instalment {
    struct o2c_row row;
    struct o2c_str account_id, invoice_id;
    int32_t instalment_no;
    int64_t open_minor;
};

/* A case.  `state` absent: something it waits for has not arrived. */
struct dispute {
    struct o2c_row row;
    struct o2c_str account_id, dispute_id;
    struct o2c_str invoice_id, customer_id, company_id, reason_code;
    bool has_line_no;
    int32_t line_no;
    int64_t raised_minor; /* as it was raised */
    int64_t amount_minor; /* still disputed */
    struct o2c_str state, resolution;
    int64_t opened_at;
    struct o2c_str assignee;       /* absent: nobody */
    struct o2c_str decision;       /* absent: none; waits until the case is open */
    int64_t decided_minor;         /* of partly_approved */
    struct o2c_str raised_content; /* absent: DisputeRaised has not arrived */
    struct o2c_str decided_content;
    int64_t raised_seen, decided_seen, first_seen;
    bool withdrawn;
    struct o2c_str live_invoice_id; /* absent: closed, or not raised */
};

/* Events without a natural key of their own: assignment, evidence, withdrawal. */
struct dispute_event {
    struct o2c_row row;
    struct o2c_str account_id, dispute_id, event_id;
    struct o2c_str type, said;
    int64_t recorded_at;
};

extern const struct o2c_table disputes_invoice, disputes_instalment, disputes_dispute,
    disputes_event;

enum {
    DISPUTE_BY_INVOICE
};

#endif
