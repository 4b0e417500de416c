/*
 * rows.h - the tables of the consumer `orders` as its rules see them; made by
 * deploy/migrations/orders, described in tables.c.
 */
#ifndef O2C_ORDERS_ROWS_H
#define O2C_ORDERS_ROWS_H

#include "consumers/host/table.h"

/* One order.  content_revision 0: nothing but shipments, returns or cancellations so far.
 */
struct order {
    struct o2c_row row;
    struct o2c_str account_id, order_id;
    int64_t content_revision;
    int64_t revision; /* highest that counts: of the content or of a cancellation */
    struct o2c_str customer_id, company_id, currency, customer_reference;
    int64_t placed_at;
    bool has_requested_date;
    int32_t requested_date;
    bool has_net_minor;
    int64_t net_minor;
    struct o2c_str state, shipment_state, invoice_state;
    int64_t invoiced_minor;     /* net of its invoices in its currency; 0 without content */
    int64_t lump_sum_minor;     /* of it, of invoices that name none of its lines */
    int64_t not_invoiced_minor; /* value of what is shipped and not invoiced */
    bool has_not_invoiced_since;
    int64_t not_invoiced_since; /* first dispatch of a line not wholly invoiced; absent:
                                   nothing is outstanding */
    int64_t first_seen;         /* recorded time of its first event */
};

struct line {
    struct o2c_row row;
    struct o2c_str account_id, order_id;
    int32_t line_no;
    bool in_content, cancelled;
    struct o2c_str sku;
    int64_t ordered_milli, shipped_milli, returned_milli, invoiced_milli;
    bool has_unit_price_micro;
    int64_t unit_price_micro;
    struct o2c_str shipped_sku_min, shipped_sku_max; /* absent: nothing was shipped */
    bool has_first_dispatched_at;
    int64_t first_dispatched_at;
};

/* What a revision of an order said: for repeats and conflicts, and which cancellations
 * count. */
struct revision {
    struct o2c_row row;
    struct o2c_str account_id, order_id;
    int64_t revision;
    bool cancels;
    struct o2c_int4_array line_nos; /* of a cancellation; NULL: all */
    struct o2c_str content;
    int64_t first_seen;
};

/* A dispatch or return that was counted. */
struct movement {
    struct o2c_row row;
    struct o2c_str account_id, kind, movement_id;
    struct o2c_str content;
    int64_t first_seen;
};

/*
 * An invoice that names an order, or a cancellation that came before its
 * invoice.  What it said is not kept for comparing: a contradiction is
 * `receivables`' to report.
 */
struct invoice {
    struct o2c_row row;
    struct o2c_str account_id, invoice_id;
    struct o2c_str order_id; /* absent: not issued yet, or it names none */
    struct o2c_str currency;
    int64_t net_minor;
    struct o2c_int4_array line_nos; /* of the order; empty: it counts by its amount */
    struct o2c_int8_array quantities_milli; /* one for each */
    bool cancelled;
};

enum {
    INVOICE_BY_ORDER /* the look-up of orders_invoice */
};

extern const struct o2c_table orders_order, orders_line, orders_revision, orders_movement,
    orders_invoice;

#endif
