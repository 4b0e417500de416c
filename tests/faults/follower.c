/*
 * o2c-follower - a consumer for tests: it listens to what the pipeline decided
 * about orders and counts what it is told.
 *
 * On purpose it knows no repeat by itself: every event handed to its rule is
 * counted.  So its count is right only if the host lets each record of a
 * stream through exactly once (inbound.c), whatever the relay had to send
 * again.
 */
#include <stddef.h>

#include "consumers/host/consumer.h"
#include "consumers/host/host.h"
#include "consumers/host/rows.h"
#include "consumers/host/table.h"
#include "consumers/host/wants.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

struct heard {
    struct o2c_row row;
    struct o2c_str account_id, order_id;
    int64_t changes;
};

static const struct o2c_column heard_columns[] = {
    O2C_COLUMN(TEXT, struct heard, account_id),
    O2C_COLUMN(TEXT, struct heard, order_id),
    O2C_COLUMN(INT8, struct heard, changes),
};
static const struct o2c_table heard_table = {
    .name = "heard",
    .row_type = "heard_row",
    .row_bytes = sizeof(struct heard),
    .columns = heard_columns,
    .column_count = sizeof heard_columns / sizeof heard_columns[0],
    .key_count = 2,
};

static void needs_heard(const struct o2c_event *event, struct o2c_wants *wants)
{
    o2c_want_row(wants, &heard_table,
                 O2C_KEY(O2C_K(event->order_status_changed->order_id)));
}

static enum o2c_verdict on_changed(struct o2c_account *account,
                                   const struct o2c_event *event,
                                   const struct o2c_moment *moment,
                                   struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_key *key = O2C_KEY(O2C_K(event->order_status_changed->order_id));
    const struct heard *before = o2c_row_find(account, &heard_table, key);
    struct heard *heard =
        before ? o2c_row_edit(before) : o2c_row_add(account, &heard_table, key);

    (void)moment;
    (void)effects;
    (void)err;
    heard->changes++;
    return O2C_OK;
}

static const char *const topics[] = {"o2c.order-status", NULL};
static const char *const emits[] = {NULL};
static const struct o2c_route routes[] = {
    {.event_type = O2C_ORDER_STATUS_CHANGED, .needs = needs_heard, .apply = on_changed},
};
static const struct o2c_table *const tables[] = {&heard_table};

static const struct o2c_consumer follower = {
    .name = "follower",
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
    return o2c_host_main(&follower, argc, argv);
}
