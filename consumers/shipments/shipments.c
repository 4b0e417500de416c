/* The consumer `shipments`: deliveries and returns against orders. */
#include "consumers/shipments/shipments.h"

#include "consumers/host/consumer.h"
#include "consumers/shipments/apply.h"
#include "consumers/shipments/rows.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

static const char *const topics[] = {"o2c.orders", "o2c.shipments", NULL};

static const char *const emits[] = {"o2c.conflicts", "o2c.parked.shipments", NULL};

static const struct o2c_route routes[] = {
    {O2C_ORDER_PLACED, shipments_needs_order, shipments_on_order, NULL},
    {O2C_ORDER_AMENDED, shipments_needs_order, shipments_on_order, NULL},
    {O2C_SHIPMENT_DISPATCHED, shipments_needs_dispatch, shipments_on_dispatched, NULL},
    {O2C_SHIPMENT_DELIVERED, shipments_needs_delivery, shipments_on_delivered, NULL},
    {O2C_SHIPMENT_RETURNED, shipments_needs_return, shipments_on_returned, NULL},
};

static const struct o2c_table *const tables[] = {&shipments_shipment, &shipments_line,
                                                 &shipments_return, &shipments_known_order};

const struct o2c_consumer shipments_consumer = {
    .name = "shipments",
    .topics = topics,
    .emits = emits,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .schema_version_min = 1,
    .schema_version_max = 1,
};
