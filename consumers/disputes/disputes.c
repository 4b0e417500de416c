/* The consumer `disputes`: the cases, from being raised to their resolution. */
#include "consumers/disputes/disputes.h"

#include "consumers/disputes/apply.h"
#include "consumers/disputes/rows.h"
#include "consumers/host/consumer.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

static const char *const topics[] = {"o2c.cash", "o2c.dispute-requests", NULL};

static const char *const emits[] = {"o2c.disputes", "o2c.conflicts", "o2c.parked.disputes",
                                    NULL};

static const struct o2c_route routes[] = {
    {O2C_OPEN_ITEM_CHANGED, disputes_needs_item, disputes_on_item,
     disputes_needs_more_item},
    {O2C_DISPUTE_RAISED, disputes_needs_raised, disputes_on_raised, NULL},
    {O2C_DISPUTE_EVIDENCE_ADDED, disputes_needs_request, disputes_on_evidence,
     disputes_needs_more_request},
    {O2C_DISPUTE_ASSIGNED, disputes_needs_request, disputes_on_assigned,
     disputes_needs_more_request},
    {O2C_DISPUTE_DECIDED, disputes_needs_request, disputes_on_decided,
     disputes_needs_more_request},
    {O2C_DISPUTE_WITHDRAWN, disputes_needs_request, disputes_on_withdrawn,
     disputes_needs_more_request},
};

static const struct o2c_table *const tables[] = {&disputes_document, &disputes_dispute,
                                                 &disputes_event};

const struct o2c_consumer disputes_consumer = {
    .name = "disputes",
    .topics = topics,
    .emits = emits,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .schema_version_min = 3,
    .schema_version_max = 3,
};
