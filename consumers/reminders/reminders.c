/* The consumer `reminders`: letters about what is overdue. */
#include "consumers/reminders/reminders.h"

#include "consumers/host/consumer.h"
#include "consumers/reminders/apply.h"
#include "consumers/reminders/rows.h"
#include "consumers/reminders/settings.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

static const char *const topics[] = {"o2c.clock", "o2c.parked.receivables", "o2c.cash",
                                     NULL};

static const char *const emits[] = {"o2c.reminders", "o2c.conflicts",
                                    "o2c.parked.reminders", NULL};

static const struct o2c_route routes[] = {
    {O2C_OPEN_ITEM_CHANGED, reminders_needs_item, reminders_on_item,
     reminders_needs_more_item},
};

static const struct o2c_parked_route parked_routes[] = {
    {"o2c.parked.receivables", reminders_needs_held, reminders_on_parked},
};

static const struct o2c_table *const tables[] = {&reminders_item, &reminders_armed_day,
                                                 &reminders_reminder,
                                                 &reminders_reminder_item, &reminders_held};

const struct o2c_consumer reminders_consumer = {
    .name = "reminders",
    .topics = topics,
    .emits = emits,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .parked_routes = parked_routes,
    .parked_route_count = sizeof parked_routes / sizeof parked_routes[0],
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .due_needs = reminders_due_needs,
    .due_needs_more = reminders_due_needs_more,
    .on_due = reminders_on_due,
    .settings = &reminders_own_settings,
    .schema_version_min = 1,
    .schema_version_max = 2,
};
