/* The consumer `ledger`: balances of published journals. */
#include "consumers/ledger/ledger.h"

#include "consumers/host/consumer.h"
#include "consumers/ledger/apply.h"
#include "consumers/ledger/rows.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

static const char *const topics[] = {"o2c.ledger", NULL};

static const char *const emits[] = {"o2c.conflicts", "o2c.parked.ledger", NULL};

static const struct o2c_route routes[] = {
    {O2C_JOURNAL_POSTED, ledger_needs_journal, ledger_on_journal, NULL},
};

static const struct o2c_table *const tables[] = {&ledger_journal, &ledger_journal_line,
                                                 &ledger_total};

const struct o2c_consumer ledger_consumer = {
    .name = "ledger",
    .topics = topics,
    .emits = emits,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .schema_version_min = 1,
    .schema_version_max = 1,
};
