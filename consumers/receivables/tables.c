#include "consumers/receivables/rows.h"

#include "runtime/base/banned.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The number of a column: for look-ups. */
static const struct o2c_column document_columns[] = {
    O2C_COLUMN(TEXT, struct document, account_id),
    O2C_COLUMN(TEXT, struct document, kind),
    O2C_COLUMN(TEXT, struct document, document_id),
    O2C_COLUMN(TEXT, struct document, number),
    O2C_COLUMN(BOOL, struct document, issued),
    O2C_COLUMN(TEXT, struct document, customer_id),
    O2C_COLUMN(TEXT, struct document, company_id),
    O2C_COLUMN(TEXT, struct document, order_id),
    O2C_COLUMN(TEXT, struct document, currency),
    O2C_COLUMN(DATE, struct document, issue_date),
    O2C_COLUMN(DATE, struct document, last_due_date),
    O2C_COLUMN(INT8, struct document, gross_minor),
    O2C_COLUMN(INT8, struct document, net_minor),
    O2C_COLUMN(INT8, struct document, tax_minor),
    O2C_COLUMN(INT8, struct document, applied_minor),
    O2C_COLUMN(INT8, struct document, credited_minor),
    O2C_COLUMN(INT8, struct document, discount_minor),
    O2C_COLUMN(INT8, struct document, written_off_minor),
    O2C_COLUMN(INT8, struct document, open_minor),
    O2C_COLUMN(INT8, struct document, claimed_dispute_minor),
    O2C_COLUMN(INT8, struct document, disputed_minor),
    O2C_COLUMN(INT8, struct document, offered_discount_minor),
    O2C_NULLABLE(DATE, struct document, discount_until),
    O2C_COLUMN(TEXT, struct document, state),
    O2C_COLUMN(DATE, struct document, settled_to),
    O2C_NULLABLE(DATE, struct document, closed_date),
    O2C_COLUMN(BOOL, struct document, opening),
    O2C_NULLABLE(BOOL, struct document, remind),
    O2C_COLUMN(INT4, struct document, application_count),
    O2C_COLUMN(INT4, struct document, movement_count),
    O2C_COLUMN(BYTES, struct document, content),
    O2C_COLUMN(TIMESTAMP, struct document, first_seen),
    O2C_NULLABLE(DATE, struct document, cancelled_date),
    O2C_COLUMN(BYTES, struct document, cancel_content),
    O2C_COLUMN(TIMESTAMP, struct document, cancel_seen),
};

static const int by_number[] = {0, 3};
static const struct o2c_lookup document_lookups[] = {
    [DOCUMENT_BY_NUMBER] = {"number", by_number, COUNT(by_number)},
};

const struct o2c_table receivables_document = {
    .name = "document",
    .row_type = "document_row",
    .row_bytes = sizeof(struct document),
    .columns = document_columns,
    .column_count = COUNT(document_columns),
    .key_count = 3,
    .lookups = document_lookups,
    .lookup_count = COUNT(document_lookups),
};

static const struct o2c_column open_item_columns[] = {
    O2C_COLUMN(TEXT, struct open_item, account_id),
    O2C_COLUMN(TEXT, struct open_item, kind),
    O2C_COLUMN(TEXT, struct open_item, document_id),
    O2C_COLUMN(INT4, struct open_item, instalment_no),
    O2C_COLUMN(DATE, struct open_item, due_date),
    O2C_COLUMN(INT8, struct open_item, amount_minor),
    O2C_COLUMN(INT8, struct open_item, open_minor),
    O2C_COLUMN(INT8, struct open_item, disputed_minor),
};

const struct o2c_table receivables_open_item = {
    .name = "open_item",
    .row_type = "open_item_row",
    .row_bytes = sizeof(struct open_item),
    .columns = open_item_columns,
    .column_count = COUNT(open_item_columns),
    .key_count = 4,
};

static const struct o2c_column payment_columns[] = {
    O2C_COLUMN(TEXT, struct payment, account_id),
    O2C_COLUMN(TEXT, struct payment, payment_id),
    O2C_COLUMN(BOOL, struct payment, received),
    O2C_COLUMN(TEXT, struct payment, customer_id),
    O2C_COLUMN(TEXT, struct payment, company_id),
    O2C_COLUMN(TEXT, struct payment, currency),
    O2C_COLUMN(DATE, struct payment, received_date),
    O2C_COLUMN(INT8, struct payment, amount_minor),
    O2C_COLUMN(INT8, struct payment, applied_minor),
    O2C_COLUMN(INT8, struct payment, unapplied_minor),
    O2C_COLUMN(BOOL, struct payment, opening),
    O2C_COLUMN(TEXT, struct payment, state),
    O2C_COLUMN(INT4, struct payment, application_count),
    O2C_COLUMN(INT4, struct payment, movement_count),
    O2C_COLUMN(BYTES, struct payment, content),
    O2C_COLUMN(TIMESTAMP, struct payment, first_seen),
    O2C_NULLABLE(DATE, struct payment, reversed_date),
    O2C_COLUMN(TEXT, struct payment, reversal_reason),
    O2C_COLUMN(BYTES, struct payment, reversal_content),
    O2C_COLUMN(TIMESTAMP, struct payment, reversal_seen),
};

const struct o2c_table receivables_payment = {
    .name = "payment",
    .row_type = "payment_row",
    .row_bytes = sizeof(struct payment),
    .columns = payment_columns,
    .column_count = COUNT(payment_columns),
    .key_count = 2,
};

static const struct o2c_column remittance_line_columns[] = {
    O2C_COLUMN(TEXT, struct remittance_line, account_id),
    O2C_COLUMN(TEXT, struct remittance_line, source),
    O2C_COLUMN(TEXT, struct remittance_line, source_id),
    O2C_COLUMN(INT4, struct remittance_line, line_no),
    O2C_COLUMN(TEXT, struct remittance_line, claims_invoice_id),
    O2C_COLUMN(TEXT, struct remittance_line, claims_number),
    O2C_COLUMN(TEXT, struct remittance_line, named_invoice_id),
    O2C_COLUMN(TEXT, struct remittance_line, named_number),
    O2C_COLUMN(TEXT, struct remittance_line, customer_id),
    O2C_COLUMN(TEXT, struct remittance_line, company_id),
    O2C_COLUMN(TEXT, struct remittance_line, currency),
    O2C_COLUMN(DATE, struct remittance_line, source_date),
    O2C_COLUMN(INT8, struct remittance_line, amount_minor),
    O2C_COLUMN(INT8, struct remittance_line, discount_minor),
    O2C_COLUMN(INT8, struct remittance_line, applied_minor),
};

static const int by_invoice_id[] = {0, 4}, by_claimed_number[] = {0, 5};
static const struct o2c_lookup remittance_line_lookups[] = {
    [LINE_BY_INVOICE_ID] = {"invoice_id", by_invoice_id, COUNT(by_invoice_id)},
    [LINE_BY_NUMBER] = {"number", by_claimed_number, COUNT(by_claimed_number)},
};

const struct o2c_table receivables_remittance_line = {
    .name = "remittance_line",
    .row_type = "remittance_line_row",
    .row_bytes = sizeof(struct remittance_line),
    .columns = remittance_line_columns,
    .column_count = COUNT(remittance_line_columns),
    .key_count = 4,
    .lookups = remittance_line_lookups,
    .lookup_count = COUNT(remittance_line_lookups),
};

static const struct o2c_column allocation_columns[] = {
    O2C_COLUMN(TEXT, struct allocation, account_id),
    O2C_COLUMN(TEXT, struct allocation, source),
    O2C_COLUMN(TEXT, struct allocation, source_id),
    O2C_COLUMN(INT4, struct allocation, application_no),
    O2C_COLUMN(INT4, struct allocation, instalment_no),
    O2C_COLUMN(TEXT, struct allocation, live_invoice_id),
    O2C_COLUMN(TEXT, struct allocation, kind),
    O2C_COLUMN(TEXT, struct allocation, document_id),
    O2C_COLUMN(TEXT, struct allocation, rule),
    O2C_COLUMN(INT4, struct allocation, line_no),
    O2C_COLUMN(INT8, struct allocation, applied_minor),
    O2C_COLUMN(INT8, struct allocation, discount_minor),
    O2C_COLUMN(DATE, struct allocation, effective_date),
    O2C_COLUMN(TIMESTAMP, struct allocation, recorded_at),
    O2C_NULLABLE(DATE, struct allocation, undone_date),
};

static const int by_live_invoice[] = {0, 5};
static const struct o2c_lookup allocation_lookups[] = {
    [ALLOCATION_BY_INVOICE] = {"invoice", by_live_invoice, COUNT(by_live_invoice)},
};

const struct o2c_table receivables_allocation = {
    .name = "allocation",
    .row_type = "allocation_row",
    .row_bytes = sizeof(struct allocation),
    .columns = allocation_columns,
    .column_count = COUNT(allocation_columns),
    .key_count = 5,
    .lookups = allocation_lookups,
    .lookup_count = COUNT(allocation_lookups),
};

static const struct o2c_column movement_columns[] = {
    O2C_COLUMN(TEXT, struct movement, account_id),
    O2C_COLUMN(TEXT, struct movement, subject),
    O2C_COLUMN(TEXT, struct movement, subject_id),
    O2C_COLUMN(INT4, struct movement, movement_no),
    O2C_COLUMN(INT4, struct movement, instalment_no),
    O2C_COLUMN(TEXT, struct movement, customer_id),
    O2C_COLUMN(TEXT, struct movement, currency),
    O2C_COLUMN(DATE, struct movement, due_date),
    O2C_COLUMN(DATE, struct movement, effective_date),
    O2C_COLUMN(INT8, struct movement, delta_minor),
    O2C_COLUMN(TEXT, struct movement, cause),
    O2C_COLUMN(TEXT, struct movement, cause_id),
    O2C_COLUMN(TIMESTAMP, struct movement, recorded_at),
};

const struct o2c_table receivables_movement = {
    .name = "movement",
    .row_type = "movement_row",
    .row_bytes = sizeof(struct movement),
    .columns = movement_columns,
    .column_count = COUNT(movement_columns),
    .key_count = 4,
};

static const struct o2c_column balance_columns[] = {
    O2C_COLUMN(TEXT, struct balance, account_id),
    O2C_COLUMN(TEXT, struct balance, customer_id),
    O2C_COLUMN(TEXT, struct balance, company_id),
    O2C_COLUMN(TEXT, struct balance, currency),
    O2C_COLUMN(INT8, struct balance, open_minor),
    O2C_COLUMN(INT8, struct balance, credit_minor),
    O2C_COLUMN(INT8, struct balance, unapplied_minor),
    O2C_COLUMN(INT8, struct balance, disputed_minor),
    O2C_COLUMN(INT8, struct balance, receivable_minor),
    O2C_COLUMN(INT8, struct balance, unapplied_control_minor),
};

const struct o2c_table receivables_balance = {
    .name = "balance",
    .row_type = "balance_row",
    .row_bytes = sizeof(struct balance),
    .columns = balance_columns,
    .column_count = COUNT(balance_columns),
    .key_count = 4,
};

static const struct o2c_column dispute_columns[] = {
    O2C_COLUMN(TEXT, struct dispute, account_id),
    O2C_COLUMN(TEXT, struct dispute, dispute_id),
    O2C_COLUMN(TEXT, struct dispute, kind),
    O2C_COLUMN(TEXT, struct dispute, document_id),
    O2C_COLUMN(INT8, struct dispute, amount_minor),
    O2C_COLUMN(BOOL, struct dispute, active),
};

const struct o2c_table receivables_dispute = {
    .name = "dispute",
    .row_type = "dispute_row",
    .row_bytes = sizeof(struct dispute),
    .columns = dispute_columns,
    .column_count = COUNT(dispute_columns),
    .key_count = 2,
};
