#include "consumers/orders/rows.h"

#include "runtime/base/banned.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct o2c_column order_columns[] = {
    O2C_COLUMN(TEXT, struct order, account_id),
    O2C_COLUMN(TEXT, struct order, order_id),
    O2C_COLUMN(INT8, struct order, content_revision),
    O2C_COLUMN(INT8, struct order, revision),
    O2C_COLUMN(TEXT, struct order, customer_id),
    O2C_COLUMN(TEXT, struct order, company_id),
    O2C_COLUMN(TEXT, struct order, currency),
    O2C_COLUMN(TEXT, struct order, customer_reference),
    O2C_COLUMN(TIMESTAMP, struct order, placed_at),
    O2C_NULLABLE(DATE, struct order, requested_date),
    O2C_NULLABLE(INT8, struct order, net_minor),
    O2C_COLUMN(TEXT, struct order, state),
    O2C_COLUMN(TEXT, struct order, shipment_state),
    O2C_COLUMN(TEXT, struct order, invoice_state),
    O2C_COLUMN(INT8, struct order, invoiced_minor),
    O2C_COLUMN(INT8, struct order, lump_sum_minor),
    O2C_COLUMN(INT8, struct order, not_invoiced_minor),
    O2C_NULLABLE(TIMESTAMP, struct order, not_invoiced_since),
    O2C_COLUMN(TIMESTAMP, struct order, first_seen),
};

const struct o2c_table orders_order = {
    .name = "sales_order",
    .row_type = "sales_order_row",
    .row_bytes = sizeof(struct order),
    .columns = order_columns,
    .column_count = COUNT(order_columns),
    .key_count = 2,
};

static const struct o2c_column line_columns[] = {
    O2C_COLUMN(TEXT, struct line, account_id),
    O2C_COLUMN(TEXT, struct line, order_id),
    O2C_COLUMN(INT4, struct line, line_no),
    O2C_COLUMN(BOOL, struct line, in_content),
    O2C_COLUMN(BOOL, struct line, cancelled),
    O2C_COLUMN(TEXT, struct line, sku),
    O2C_COLUMN(INT8, struct line, ordered_milli),
    O2C_COLUMN(INT8, struct line, shipped_milli),
    O2C_COLUMN(INT8, struct line, returned_milli),
    O2C_COLUMN(INT8, struct line, invoiced_milli),
    O2C_NULLABLE(INT8, struct line, unit_price_micro),
    O2C_COLUMN(TEXT, struct line, shipped_sku_min),
    O2C_COLUMN(TEXT, struct line, shipped_sku_max),
    O2C_NULLABLE(TIMESTAMP, struct line, first_dispatched_at),
};

const struct o2c_table orders_line = {
    .name = "order_line",
    .row_type = "order_line_row",
    .row_bytes = sizeof(struct line),
    .columns = line_columns,
    .column_count = COUNT(line_columns),
    .key_count = 3,
};

static const struct o2c_column revision_columns[] = {
    O2C_COLUMN(TEXT, struct revision, account_id),
    O2C_COLUMN(TEXT, struct revision, order_id),
    O2C_COLUMN(INT8, struct revision, revision),
    O2C_COLUMN(BOOL, struct revision, cancels),
    O2C_COLUMN(INT4_ARRAY, struct revision, line_nos),
    O2C_COLUMN(BYTES, struct revision, content),
    O2C_COLUMN(TIMESTAMP, struct revision, first_seen),
};

const struct o2c_table orders_revision = {
    .name = "order_revision",
    .row_type = "order_revision_row",
    .row_bytes = sizeof(struct revision),
    .columns = revision_columns,
    .column_count = COUNT(revision_columns),
    .key_count = 3,
};

static const struct o2c_column movement_columns[] = {
    O2C_COLUMN(TEXT, struct movement, account_id),
    O2C_COLUMN(TEXT, struct movement, kind),
    O2C_COLUMN(TEXT, struct movement, movement_id),
    O2C_COLUMN(BYTES, struct movement, content),
    O2C_COLUMN(TIMESTAMP, struct movement, first_seen),
};

const struct o2c_table orders_movement = {
    .name = "movement",
    .row_type = "movement_row",
    .row_bytes = sizeof(struct movement),
    .columns = movement_columns,
    .column_count = COUNT(movement_columns),
    .key_count = 3,
};

static const struct o2c_column invoice_columns[] = {
    O2C_COLUMN(TEXT, struct invoice, account_id),
    O2C_COLUMN(TEXT, struct invoice, invoice_id),
    O2C_COLUMN(TEXT, struct invoice, order_id),
    O2C_COLUMN(TEXT, struct invoice, currency),
    O2C_COLUMN(INT8, struct invoice, net_minor),
    O2C_COLUMN(INT4_ARRAY, struct invoice, line_nos),
    O2C_COLUMN(INT8_ARRAY, struct invoice, quantities_milli),
    O2C_COLUMN(BOOL, struct invoice, cancelled),
};

static const int by_order[] = {0, 2};
static const struct o2c_lookup invoice_lookups[] = {
    [INVOICE_BY_ORDER] = {"by_order", by_order, COUNT(by_order)},
};

const struct o2c_table orders_invoice = {
    .name = "invoice",
    .row_type = "invoice_row",
    .row_bytes = sizeof(struct invoice),
    .columns = invoice_columns,
    .column_count = COUNT(invoice_columns),
    .key_count = 2,
    .lookups = invoice_lookups,
    .lookup_count = COUNT(invoice_lookups),
};
