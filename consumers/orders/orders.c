/* The consumer `orders`: order content, quantities, what is invoiced, and derived status.
 */
#include "consumers/orders/orders.h"

#include "consumers/host/consumer.h"
#include "consumers/orders/apply.h"
#include "consumers/orders/rows.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

static const char *const topics[] = {"o2c.orders", "o2c.shipments", "o2c.invoices", NULL};

static const char *const emits[] = {"o2c.order-status", "o2c.state.order", "o2c.conflicts",
                                    "o2c.parked.orders", NULL};

static const struct o2c_route routes[] = {
    {O2C_ORDER_PLACED, orders_needs_content, orders_on_placed, NULL},
    {O2C_ORDER_AMENDED, orders_needs_content, orders_on_amended, NULL},
    {O2C_ORDER_CANCELLED, orders_needs_cancellation, orders_on_cancelled, NULL},
    {O2C_SHIPMENT_DISPATCHED, orders_needs_dispatch, orders_on_dispatched, NULL},
    {O2C_SHIPMENT_RETURNED, orders_needs_return, orders_on_returned, NULL},
    {O2C_INVOICE_ISSUED, orders_needs_invoice, orders_on_invoice, NULL},
    {O2C_INVOICE_CANCELLED, orders_needs_invoice_cancelled, orders_on_invoice_cancelled,
     orders_needs_more_invoice_cancelled},
};

static const struct o2c_table *const tables[] = {
    &orders_order, &orders_line, &orders_revision, &orders_movement, &orders_invoice};

const struct o2c_consumer orders_consumer = {
    .name = "orders",
    .topics = topics,
    .emits = emits,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .schema_version_min = 1,
    .schema_version_max = 1,
};
