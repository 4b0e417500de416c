/*
 * rows.h - the tables of the consumer `shipments` as its rules see them; made
 * by deploy/migrations/shipments, described in tables.c.
 */
#ifndef O2C_SHIPMENTS_ROWS_H
#define O2C_SHIPMENTS_ROWS_H

#include "consumers/host/table.h"

/* Which event says the order and the customer of a shipment: the highest that has arrived.
 */
enum told_by {
    TOLD_BY_RETURN = 1, /* of those the one with the smallest return_id */
    TOLD_BY_DELIVERY = 2,
    TOLD_BY_DISPATCH = 3
};

struct shipment {
    struct o2c_row row;
    struct o2c_str account_id, shipment_id;
    struct o2c_str order_id, customer_id;
    int32_t told_by;
    struct o2c_str told_by_return; /* return_id */
    bool order_known;
    struct o2c_str state;
    struct o2c_str
        moved_state; /* the state it has, or will have, once its order is known */
    bool has_dispatched_at, has_delivered_at;
    int64_t dispatched_at, delivered_at;
    struct o2c_str carrier, tracking, proof;
    struct o2c_int4_array refused_lines;
    struct o2c_str dispatch_content, delivery_content; /* absent: not arrived */
    int64_t dispatch_seen, delivery_seen;              /* recorded times, 0: not arrived */
    int64_t first_seen;
};

struct shipment_line {
    struct o2c_row row;
    struct o2c_str account_id, shipment_id;
    int32_t line_no;
    struct o2c_str sku; /* absent: the dispatch lacks the line, or has not arrived */
    int64_t dispatched_milli, returned_milli;
};

struct shipment_return {
    struct o2c_row row;
    struct o2c_str account_id, return_id;
    struct o2c_str shipment_id, reason_code;
    int64_t returned_at;
    struct o2c_str content;
    int64_t first_seen;
};

struct known_order {
    struct o2c_row row;
    struct o2c_str account_id, order_id;
    int64_t first_seen;
};

enum {
    SHIPMENT_BY_ORDER /* the look-up of shipments_shipment */
};

extern const struct o2c_table shipments_shipment, shipments_line, shipments_return,
    shipments_known_order;

#endif
