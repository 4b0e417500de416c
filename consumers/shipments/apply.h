/*
 * apply.h - the rules of the consumer `shipments` (docs/rules/orders.md).
 * Pure: rows in, rows and effects out.
 */
#ifndef O2C_SHIPMENTS_APPLY_H
#define O2C_SHIPMENTS_APPLY_H

#include "consumers/host/consumer.h"

o2c_needs_fn shipments_needs_order, shipments_needs_dispatch, shipments_needs_delivery,
    shipments_needs_return;
o2c_apply_fn shipments_on_order, shipments_on_dispatched, shipments_on_delivered,
    shipments_on_returned;

#endif
