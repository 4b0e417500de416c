/*
 * apply.h - the rules of the consumer `orders` (docs/rules/orders.md): what an
 * event changes, and what the state of an order is.  Pure: rows in, rows and
 * effects out.
 */
#ifndef O2C_ORDERS_APPLY_H
#define O2C_ORDERS_APPLY_H

#include "consumers/host/consumer.h"

/* 10^11 units; an event's 10,000 lines of it stay far below what fits. */
#define ORDERS_QUANTITY_MAX INT64_C(100000000000000)

o2c_needs_fn orders_needs_content, orders_needs_cancellation;
o2c_needs_fn orders_needs_dispatch, orders_needs_return;
o2c_needs_fn orders_needs_invoice, orders_needs_invoice_cancelled;
o2c_needs_more_fn orders_needs_more_invoice_cancelled;
o2c_apply_fn orders_on_placed, orders_on_amended, orders_on_cancelled;
o2c_apply_fn orders_on_dispatched, orders_on_returned;
o2c_apply_fn orders_on_invoice, orders_on_invoice_cancelled;

struct line;
struct order;

/* The row of an order and those of its lines. */
void orders_want_order(struct o2c_wants *wants, struct o2c_str order_id);
const struct order *orders_find_order(struct o2c_account *account, struct o2c_str order_id);

/* The line, to be changed; a new one is not in the content. */
struct line *orders_begin_line(struct o2c_account *account, struct o2c_str order_id,
                               int32_t line_no);

/* Removes the lines that neither the content nor anything shipped, returned or invoiced
 * names. */
void orders_remove_empty(struct o2c_account *account, struct o2c_str order_id);

/*
 * Counts all invoices of an order whose content is new: those that came before it, and in
 * its currency.  Its lines have nothing invoiced yet.  PARK: a sum does not fit.
 */
enum o2c_verdict orders_count_invoices(struct o2c_account *account, struct order *order,
                                       struct o2c_err *err) O2C_MUST_CHECK;

/*
 * Derives the states of an order from its lines and what of it is shipped and
 * not invoiced, publishes its state and, where one of the three states changed
 * or the order is shown first, OrderStatusChanged.  Nothing while it has no
 * content.
 */
void orders_show(struct o2c_account *account, struct order *order,
                 const struct o2c_moment *moment, struct o2c_effects *effects);

#endif
