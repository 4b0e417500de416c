/*
 * apply.h - the rules of the consumer `orders` (docs/rules/orders.md): what an
 * event changes, and what the state of an order is.  Pure: rows in, rows and
 * effects out.
 */
#ifndef O2C_ORDERS_APPLY_H
#define O2C_ORDERS_APPLY_H

#include "consumers/host/consumer.h"

o2c_needs_fn orders_needs_order, orders_needs_dispatch, orders_needs_return;
o2c_apply_fn orders_on_placed, orders_on_amended, orders_on_cancelled;
o2c_apply_fn orders_on_dispatched, orders_on_returned;

struct order;

/*
 * Derives the states of an order from its lines, publishes its state and,
 * where one of the three states changed or the order is shown first,
 * OrderStatusChanged.  Nothing while it has no content.
 */
void orders_show(struct o2c_account *account, struct order *order,
                 const struct o2c_moment *moment, struct o2c_effects *effects);

#endif
