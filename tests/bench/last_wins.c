/*
 * The consumer of the benchmark's job last_wins: the newest state of every
 * order, through a route that loads nothing.  bare_last_wins.c does the same
 * without the host.
 */
#include "consumers/host/consumer.h"
#include "consumers/host/host.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

struct order_state {
    struct o2c_row row;
    struct o2c_str account_id, order_id, customer_id;
    struct o2c_str state, shipment_state, invoice_state;
    int64_t changed_at_us;
};

static const struct o2c_column columns[] = {
    O2C_COLUMN(TEXT, struct order_state, account_id),
    O2C_COLUMN(TEXT, struct order_state, order_id),
    O2C_COLUMN(TEXT, struct order_state, customer_id),
    O2C_COLUMN(TEXT, struct order_state, state),
    O2C_COLUMN(TEXT, struct order_state, shipment_state),
    O2C_COLUMN(TEXT, struct order_state, invoice_state),
    {"changed_at", O2C_COLUMN_TIMESTAMP, offsetof(struct order_state, changed_at_us), 0},
};

static const struct o2c_table order_state = {
    .name = "order_state",
    .row_type = "order_state_row",
    .row_bytes = sizeof(struct order_state),
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .key_count = 2,
};

static void needs(const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_order_status_changed *changed = event->body;

    o2c_want_blind(wants, &order_state, O2C_KEY(O2C_K(changed->order_id)));
}

static enum o2c_verdict on_changed(struct o2c_account *account,
                                   const struct o2c_event *event,
                                   const struct o2c_moment *moment,
                                   struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_order_status_changed *changed = event->body;
    struct order_state *row =
        o2c_row_put(account, &order_state, O2C_KEY(O2C_K(changed->order_id)));

    (void)moment;
    (void)effects;
    (void)err;
    row->customer_id = changed->head.customer_id;
    row->state = o2c_order_phase_text(changed->state);
    row->shipment_state = o2c_order_shipment_state_text(changed->shipment_state);
    row->invoice_state = o2c_order_invoice_state_text(changed->invoice_state);
    row->changed_at_us = changed->head.occurred_at_us;
    return O2C_OK;
}

static const char *const topics[] = {"o2c.order-status", NULL};
static const char *const emits[] = {NULL};
static const struct o2c_route routes[] = {
    {.event_type = O2C_ORDER_STATUS_CHANGED, .needs = needs, .apply = on_changed}};
static const struct o2c_table *const tables[] = {&order_state};

static const struct o2c_consumer consumer = {
    .name = "last_wins",
    .topics = topics,
    .emits = emits,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .schema_version_min = 1,
    .schema_version_max = 1,
};

int main(int argc, char **argv)
{
    return o2c_host_main(&consumer, argc, argv);
}
