/*
 * rows.h - the tables of the consumer `ledger` as its rules see them; made by
 * deploy/migrations/ledger, described in tables.c.  Amounts are minor units.
 */
#ifndef O2C_LEDGER_ROWS_H
#define O2C_LEDGER_ROWS_H

#include "consumers/host/table.h"

struct journal {
    struct o2c_row row;
    struct o2c_str account_id, journal_id;
    struct o2c_str company_id, posting, source_event_id;
    int32_t posting_date;
    struct o2c_str content;
    int64_t first_seen;
};

struct journal_line {
    struct o2c_row row;
    struct o2c_str account_id, journal_id;
    int32_t line_no; /* from 1 */
    struct o2c_str ledger_account, customer_id, currency, document;
    int64_t debit_minor, credit_minor;
};

struct ledger_total {
    struct o2c_row row;
    struct o2c_str account_id, ledger_account, customer_id, company_id, currency;
    int64_t debit_minor, credit_minor;
};

extern const struct o2c_table ledger_journal, ledger_journal_line, ledger_total;

#endif
