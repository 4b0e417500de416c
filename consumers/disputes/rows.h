/*
 * rows.h - the tables of the consumer `disputes` as its rules see them; made by
 * deploy/migrations/disputes, described in tables.c.  Amounts are minor units.
 */
#ifndef O2C_DISPUTES_ROWS_H
#define O2C_DISPUTES_ROWS_H

#include "consumers/host/table.h"

/* An invoice or debit note as `receivables` has published it: what a case needs of it. */
struct document {
    struct o2c_row row;
    struct o2c_str account_id, document_id;
    struct o2c_str kind, customer_id, company_id, currency;
    int64_t open_minor;
    int64_t credited_minor;    /* by credit notes, ever */
    int64_t used_credit_minor; /* of it: up to where it has closed cases */
    struct o2c_str state;      /* of what was published last of it */
};

/* A case.  `state` absent: something it waits for has not arrived. */
struct dispute {
    struct o2c_row row;
    struct o2c_str account_id, dispute_id;
    struct o2c_str document_id, customer_id, company_id, reason_code;
    bool has_line_no;
    int32_t line_no;
    int64_t raised_minor; /* as it was raised */
    int64_t amount_minor; /* still disputed */
    struct o2c_str state, resolution;
    int64_t opened_at;
    int64_t opened_credited_minor; /* of the document when it was raised, for others */
    int64_t named_credit_minor;    /* of credit notes that name it */
    struct o2c_str assignee;       /* absent: nobody */
    struct o2c_str decision;       /* absent: none; waits until the case is open */
    int64_t decided_minor;         /* of partly_approved */
    struct o2c_str raised_content; /* absent: DisputeRaised has not arrived */
    struct o2c_str decided_content;
    int64_t raised_seen, decided_seen, first_seen;
    bool withdrawn;
    struct o2c_str live_document_id; /* absent: closed for good, or not raised */
};

/* Events without a natural key of their own: assignment, evidence, withdrawal. */
struct dispute_event {
    struct o2c_row row;
    struct o2c_str account_id, dispute_id, event_id;
    struct o2c_str type, said;
    int64_t recorded_at;
};

extern const struct o2c_table disputes_document, disputes_dispute, disputes_event;

enum {
    DISPUTE_BY_DOCUMENT
};

#endif
