#include "consumers/ledger/rows.h"

#include "runtime/base/banned.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct o2c_column journal_columns[] = {
    O2C_COLUMN(TEXT, struct journal, account_id),
    O2C_COLUMN(TEXT, struct journal, journal_id),
    O2C_COLUMN(TEXT, struct journal, company_id),
    O2C_COLUMN(TEXT, struct journal, posting),
    O2C_COLUMN(TEXT, struct journal, source_event_id),
    O2C_COLUMN(DATE, struct journal, posting_date),
    O2C_COLUMN(BYTES, struct journal, content),
    O2C_COLUMN(TIMESTAMP, struct journal, first_seen),
};

const struct o2c_table ledger_journal = {
    .name = "journal",
    .row_type = "journal_row",
    .row_bytes = sizeof(struct journal),
    .columns = journal_columns,
    .column_count = COUNT(journal_columns),
    .key_count = 2,
};

static const struct o2c_column journal_line_columns[] = {
    O2C_COLUMN(TEXT, struct journal_line, account_id),
    O2C_COLUMN(TEXT, struct journal_line, journal_id),
    O2C_COLUMN(INT4, struct journal_line, line_no),
    O2C_COLUMN(TEXT, struct journal_line, ledger_account),
    O2C_COLUMN(TEXT, struct journal_line, customer_id),
    O2C_COLUMN(TEXT, struct journal_line, currency),
    O2C_COLUMN(TEXT, struct journal_line, document),
    O2C_COLUMN(INT8, struct journal_line, debit_minor),
    O2C_COLUMN(INT8, struct journal_line, credit_minor),
};

const struct o2c_table ledger_journal_line = {
    .name = "journal_line",
    .row_type = "journal_line_row",
    .row_bytes = sizeof(struct journal_line),
    .columns = journal_line_columns,
    .column_count = COUNT(journal_line_columns),
    .key_count = 3,
};

static const struct o2c_column total_columns[] = {
    O2C_COLUMN(TEXT, struct ledger_total, account_id),
    O2C_COLUMN(TEXT, struct ledger_total, ledger_account),
    O2C_COLUMN(TEXT, struct ledger_total, customer_id),
    O2C_COLUMN(TEXT, struct ledger_total, company_id),
    O2C_COLUMN(TEXT, struct ledger_total, currency),
    O2C_COLUMN(INT8, struct ledger_total, debit_minor),
    O2C_COLUMN(INT8, struct ledger_total, credit_minor),
};

const struct o2c_table ledger_total = {
    .name = "total",
    .row_type = "total_row",
    .row_bytes = sizeof(struct ledger_total),
    .columns = total_columns,
    .column_count = COUNT(total_columns),
    .key_count = 5,
};
