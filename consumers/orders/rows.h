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
    int64_t first_seen; /* recorded time of its first event */
};

struct line {
    struct o2c_row row;
    struct o2c_str account_id, order_id;
    int32_t line_no;
    bool in_content, cancelled;
    struct o2c_str sku;
    int64_t ordered_milli, shipped_milli, returned_milli;
    bool has_unit_price_micro;
    int64_t unit_price_micro;
    struct o2c_str shipped_sku_min, shipped_sku_max; /* absent: nothing was shipped */
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

extern const struct o2c_table orders_order, orders_line, orders_revision, orders_movement;

#endif
