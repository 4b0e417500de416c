#include "consumers/disputes/rows.h"

#include "runtime/base/banned.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct o2c_column document_columns[] = {
    O2C_COLUMN(TEXT, struct document, account_id),
    O2C_COLUMN(TEXT, struct document, document_id),
    O2C_COLUMN(TEXT, struct document, kind),
    O2C_COLUMN(TEXT, struct document, customer_id),
    O2C_COLUMN(TEXT, struct document, company_id),
    O2C_COLUMN(TEXT, struct document, currency),
    O2C_COLUMN(INT8, struct document, open_minor),
    O2C_COLUMN(INT8, struct document, credited_minor),
    O2C_COLUMN(INT8, struct document, used_credit_minor),
    O2C_COLUMN(TEXT, struct document, state),
};

const struct o2c_table disputes_document = {
    .name = "document",
    .row_type = "document_row",
    .row_bytes = sizeof(struct document),
    .columns = document_columns,
    .column_count = COUNT(document_columns),
    .key_count = 2,
};

static const struct o2c_column dispute_columns[] = {
    O2C_COLUMN(TEXT, struct dispute, account_id),
    O2C_COLUMN(TEXT, struct dispute, dispute_id),
    O2C_COLUMN(TEXT, struct dispute, live_document_id),
    O2C_COLUMN(TEXT, struct dispute, document_id),
    O2C_COLUMN(TEXT, struct dispute, customer_id),
    O2C_COLUMN(TEXT, struct dispute, company_id),
    O2C_COLUMN(TEXT, struct dispute, reason_code),
    O2C_NULLABLE(INT4, struct dispute, line_no),
    O2C_COLUMN(INT8, struct dispute, raised_minor),
    O2C_COLUMN(INT8, struct dispute, amount_minor),
    O2C_COLUMN(TEXT, struct dispute, state),
    O2C_COLUMN(TEXT, struct dispute, resolution),
    O2C_COLUMN(TIMESTAMP, struct dispute, opened_at),
    O2C_COLUMN(INT8, struct dispute, opened_credited_minor),
    O2C_COLUMN(TEXT, struct dispute, assignee),
    O2C_COLUMN(TEXT, struct dispute, decision),
    O2C_COLUMN(INT8, struct dispute, decided_minor),
    O2C_COLUMN(BYTES, struct dispute, raised_content),
    O2C_COLUMN(BYTES, struct dispute, decided_content),
    O2C_COLUMN(TIMESTAMP, struct dispute, raised_seen),
    O2C_COLUMN(TIMESTAMP, struct dispute, decided_seen),
    O2C_COLUMN(TIMESTAMP, struct dispute, first_seen),
    O2C_COLUMN(BOOL, struct dispute, withdrawn),
    O2C_COLUMN(INT8, struct dispute, named_credit_minor),
};

static const int by_live_document[] = {0, 2};
static const struct o2c_lookup dispute_lookups[] = {
    [DISPUTE_BY_DOCUMENT] = {"document", by_live_document, COUNT(by_live_document)},
};

const struct o2c_table disputes_dispute = {
    .name = "dispute",
    .row_type = "dispute_row_2",
    .row_bytes = sizeof(struct dispute),
    .columns = dispute_columns,
    .column_count = COUNT(dispute_columns),
    .key_count = 2,
    .lookups = dispute_lookups,
    .lookup_count = COUNT(dispute_lookups),
};

static const struct o2c_column event_columns[] = {
    O2C_COLUMN(TEXT, struct dispute_event, account_id),
    O2C_COLUMN(TEXT, struct dispute_event, dispute_id),
    O2C_COLUMN(TEXT, struct dispute_event, event_id),
    O2C_COLUMN(TEXT, struct dispute_event, type),
    O2C_COLUMN(TEXT, struct dispute_event, said),
    O2C_COLUMN(TIMESTAMP, struct dispute_event, recorded_at),
};

const struct o2c_table disputes_event = {
    .name = "event",
    .row_type = "event_row",
    .row_bytes = sizeof(struct dispute_event),
    .columns = event_columns,
    .column_count = COUNT(event_columns),
    .key_count = 3,
};
