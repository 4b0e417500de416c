/*
 * o2c-probe - a consumer that shows what the engine did to it: each event it
 * applies is written to the trail of its account and announced once.
 *
 * It reads o2c.orders (OrderCancelled) and, as records of the pipeline,
 * o2c.order-status (OrderRejected).  The order's id is what stands in the
 * trail.  It knows no natural key: an event applied twice stands there twice.
 * It hears what orders has parked: "parked/1" in the trail is a notice and what
 * was left; one of a discard is refused as an order is that has no pardon.
 * An OrderCancelled with the reason "refused" is refused as long as its
 * account has no row in probe.pardon; a trail with "unstorable" in it is
 * refused by PostgreSQL.  It publishes ConflictFound (natural_key: the order)
 * on o2c.conflicts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consumers/host/consumer.h"
#include "consumers/host/effects.h"
#include "consumers/host/host.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "runtime/base/arena.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

struct trail {
    struct o2c_row row;
    struct o2c_str account_id;
    int64_t events;
    struct o2c_str orders;
};

struct pardon {
    struct o2c_row row;
    struct o2c_str account_id;
};

static const struct o2c_column trail_columns[] = {
    O2C_COLUMN(TEXT, struct trail, account_id),
    O2C_COLUMN(INT8, struct trail, events),
    O2C_COLUMN(TEXT, struct trail, orders),
};

static const struct o2c_table trail_table = {
    .name = "trail",
    .row_type = "trail_row",
    .row_bytes = sizeof(struct trail),
    .columns = trail_columns,
    .column_count = 3,
    .key_count = 1,
};

static const struct o2c_column pardon_columns[] = {
    O2C_COLUMN(TEXT, struct pardon, account_id),
};

static const struct o2c_table pardon_table = {
    .name = "pardon",
    .row_type = "pardon_row",
    .row_bytes = sizeof(struct pardon),
    .columns = pardon_columns,
    .column_count = 1,
    .key_count = 1,
};

static void needs_account(const struct o2c_event *event, struct o2c_wants *wants)
{
    (void)event;
    o2c_want_row(wants, &trail_table, O2C_KEY_NONE);
    o2c_want_row(wants, &pardon_table, O2C_KEY_NONE);
}

static struct o2c_str longer(struct o2c_arena *arena, struct o2c_str orders,
                             struct o2c_str order_id)
{
    size_t len = orders.len + (orders.len > 0) + order_id.len;
    char *text = o2c_arena_alloc(arena, len);

    if (!text)
        return orders;
    if (orders.len) {
        memcpy(text, orders.at, orders.len);
        text[orders.len] = ' ';
    }
    memcpy(text + len - order_id.len, order_id.at, order_id.len);
    return (struct o2c_str){text, len};
}

static void add_to_trail(struct o2c_account *account, struct o2c_str what,
                         const struct o2c_moment *moment)
{
    const struct trail *known = o2c_row_find(account, &trail_table, O2C_KEY_NONE);
    struct trail *trail =
        known ? o2c_row_edit(known) : o2c_row_add(account, &trail_table, O2C_KEY_NONE);

    trail->events++;
    trail->orders = longer(moment->arena, trail->orders, what);
}

static void note(struct o2c_account *account, const struct o2c_event *event,
                 struct o2c_str order_id, const struct o2c_moment *moment,
                 struct o2c_effects *effects)
{
    struct o2c_conflict_found told = {
        .head = {.customer_id = event->head->customer_id},
        .topic = o2c_str_from(moment->topic),
        .partition = moment->partition,
        .offset = moment->offset,
        .natural_key = order_id,
        .event_type = o2c_str_from(o2c_event_type_row(event->type)->name),
        .fields = &order_id,
        .fields_count = 1,
    };
    struct o2c_event told_event = o2c_event_of(O2C_CONFLICT_FOUND, &told);

    add_to_trail(account, order_id, moment);
    o2c_effects_emit(effects, &told_event);
}

static enum o2c_verdict on_cancelled(struct o2c_account *account,
                                     const struct o2c_event *event,
                                     const struct o2c_moment *moment,
                                     struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_order_cancelled *cancelled = event->order_cancelled;

    note(account, event, cancelled->order_id, moment, effects);
    if (o2c_str_eq(cancelled->reason, O2C_STR("refused")) &&
        !o2c_row_find(account, &pardon_table, O2C_KEY_NONE))
        return o2c_fail(err, O2C_PARK, "order %.*s has no pardon",
                        O2C_STR_ARG(cancelled->order_id));
    return O2C_OK;
}

static enum o2c_verdict on_rejected(struct o2c_account *account,
                                    const struct o2c_event *event,
                                    const struct o2c_moment *moment,
                                    struct o2c_effects *effects, struct o2c_err *err)
{
    (void)err;
    note(account, event, event->order_rejected->order_id, moment, effects);
    return O2C_OK;
}

static void needs_notice(const struct o2c_parked_notice *notice, struct o2c_wants *wants)
{
    (void)notice;
    needs_account(NULL, wants);
}

static enum o2c_verdict on_notice(struct o2c_account *account,
                                  const struct o2c_parked_notice *notice,
                                  const struct o2c_moment *moment,
                                  struct o2c_effects *effects, struct o2c_err *err)
{
    static const char *const states[] = {"parked", "released", "discarded"};
    char text[48];

    (void)effects;
    snprintf(text, sizeof text, "%s/%" PRId64, states[notice->state], notice->left);
    add_to_trail(account, o2c_str_from(text), moment);
    if (notice->state == O2C_NOTICE_DISCARDED &&
        !o2c_row_find(account, &pardon_table, O2C_KEY_NONE))
        return o2c_fail(err, O2C_PARK, "a discard has no pardon");
    return O2C_OK;
}

static const char *const topics[] = {"o2c.orders", "o2c.order-status", "o2c.parked.orders",
                                     NULL};

static const char *const emits[] = {"o2c.conflicts", "o2c.parked.probe", NULL};

static const struct o2c_route routes[] = {
    {.event_type = O2C_ORDER_CANCELLED, .needs = needs_account, .apply = on_cancelled},
    {.event_type = O2C_ORDER_REJECTED, .needs = needs_account, .apply = on_rejected},
};

static const struct o2c_parked_route notices[] = {
    {.topic = "o2c.parked.orders", .needs = needs_notice, .apply = on_notice},
};

static const struct o2c_table *const tables[] = {&trail_table, &pardon_table};

static const struct o2c_consumer probe_consumer = {
    .name = "probe",
    .topics = topics,
    .emits = emits,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .parked_routes = notices,
    .parked_route_count = sizeof notices / sizeof notices[0],
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .schema_version_min = 1,
    .schema_version_max = 1,
};

int main(int argc, char **argv)
{
    return o2c_host_main(&probe_consumer, argc, argv);
}
