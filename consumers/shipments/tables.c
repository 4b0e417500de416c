#include "consumers/shipments/rows.h"

#include "runtime/base/banned.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct o2c_column shipment_columns[] = {
    O2C_COLUMN(TEXT, struct shipment, account_id),
    O2C_COLUMN(TEXT, struct shipment, shipment_id),
    O2C_COLUMN(TEXT, struct shipment, order_id),
    O2C_COLUMN(TEXT, struct shipment, customer_id),
    O2C_COLUMN(INT4, struct shipment, told_by),
    O2C_COLUMN(TEXT, struct shipment, told_by_return),
    O2C_COLUMN(BOOL, struct shipment, order_known),
    O2C_COLUMN(TEXT, struct shipment, state),
    O2C_COLUMN(TEXT, struct shipment, moved_state),
    O2C_NULLABLE(TIMESTAMP, struct shipment, dispatched_at),
    O2C_NULLABLE(TIMESTAMP, struct shipment, delivered_at),
    O2C_COLUMN(TEXT, struct shipment, carrier),
    O2C_COLUMN(TEXT, struct shipment, tracking),
    O2C_COLUMN(TEXT, struct shipment, proof),
    O2C_COLUMN(INT4_ARRAY, struct shipment, refused_lines),
    O2C_COLUMN(BYTES, struct shipment, dispatch_content),
    O2C_COLUMN(BYTES, struct shipment, delivery_content),
    O2C_COLUMN(TIMESTAMP, struct shipment, dispatch_seen),
    O2C_COLUMN(TIMESTAMP, struct shipment, delivery_seen),
    O2C_COLUMN(TIMESTAMP, struct shipment, first_seen),
};

static const int by_order[] = {0, 2}; /* account_id, order_id */

static const struct o2c_lookup shipment_lookups[] = {
    [SHIPMENT_BY_ORDER] = {"by_order", by_order, COUNT(by_order)},
};

const struct o2c_table shipments_shipment = {
    .name = "shipment",
    .row_type = "shipment_row",
    .row_bytes = sizeof(struct shipment),
    .columns = shipment_columns,
    .column_count = COUNT(shipment_columns),
    .key_count = 2,
    .lookups = shipment_lookups,
    .lookup_count = COUNT(shipment_lookups),
};

static const struct o2c_column line_columns[] = {
    O2C_COLUMN(TEXT, struct shipment_line, account_id),
    O2C_COLUMN(TEXT, struct shipment_line, shipment_id),
    O2C_COLUMN(INT4, struct shipment_line, line_no),
    O2C_COLUMN(TEXT, struct shipment_line, sku),
    O2C_COLUMN(INT8, struct shipment_line, dispatched_milli),
    O2C_COLUMN(INT8, struct shipment_line, returned_milli),
};

const struct o2c_table shipments_line = {
    .name = "shipment_line",
    .row_type = "shipment_line_row",
    .row_bytes = sizeof(struct shipment_line),
    .columns = line_columns,
    .column_count = COUNT(line_columns),
    .key_count = 3,
};

static const struct o2c_column return_columns[] = {
    O2C_COLUMN(TEXT, struct shipment_return, account_id),
    O2C_COLUMN(TEXT, struct shipment_return, return_id),
    O2C_COLUMN(TEXT, struct shipment_return, shipment_id),
    O2C_COLUMN(TEXT, struct shipment_return, reason_code),
    O2C_COLUMN(TIMESTAMP, struct shipment_return, returned_at),
    O2C_COLUMN(BYTES, struct shipment_return, content),
    O2C_COLUMN(TIMESTAMP, struct shipment_return, first_seen),
};

const struct o2c_table shipments_return = {
    .name = "shipment_return",
    .row_type = "shipment_return_row",
    .row_bytes = sizeof(struct shipment_return),
    .columns = return_columns,
    .column_count = COUNT(return_columns),
    .key_count = 2,
};

static const struct o2c_column known_order_columns[] = {
    O2C_COLUMN(TEXT, struct known_order, account_id),
    O2C_COLUMN(TEXT, struct known_order, order_id),
    O2C_COLUMN(TIMESTAMP, struct known_order, first_seen),
};

const struct o2c_table shipments_known_order = {
    .name = "known_order",
    .row_type = "known_order_row",
    .row_bytes = sizeof(struct known_order),
    .columns = known_order_columns,
    .column_count = COUNT(known_order_columns),
    .key_count = 2,
};
