/* The consumer `receivables`: open items, payments, applications and their journals. */
#include "consumers/receivables/receivables.h"

#include "consumers/host/consumer.h"
#include "consumers/receivables/apply.h"
#include "consumers/receivables/rows.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

static const char *const topics[] = {"o2c.invoices", "o2c.payments", "o2c.disputes", NULL};

static const char *const emits[] = {"o2c.cash",
                                    "o2c.ledger",
                                    "o2c.state.invoice",
                                    "o2c.state.account",
                                    "o2c.conflicts",
                                    "o2c.parked.receivables",
                                    NULL};

static const struct o2c_route routes[] = {
    {O2C_INVOICE_ISSUED, receivables_needs_issued, receivables_on_issued,
     receivables_needs_more_issued},
    {O2C_DEBIT_NOTE_ISSUED, receivables_needs_issued, receivables_on_issued,
     receivables_needs_more_issued},
    {O2C_CREDIT_NOTE_ISSUED, receivables_needs_issued, receivables_on_issued,
     receivables_needs_more_issued},
    {O2C_INVOICE_CANCELLED, receivables_needs_cancelled, receivables_on_cancelled,
     receivables_needs_more_cancelled},
    {O2C_PAYMENT_RECEIVED, receivables_needs_received, receivables_on_received,
     receivables_needs_more_received},
    {O2C_PAYMENT_REVERSED, receivables_needs_reversed, receivables_on_reversed,
     receivables_needs_more_reversed},
    {O2C_REFUND_PAID, NULL, receivables_on_refunded, NULL},
    {O2C_DISPUTE_OPENED, receivables_needs_dispute, receivables_on_dispute_opened,
     receivables_needs_more_dispute},
    {O2C_DISPUTE_STATE_CHANGED, receivables_needs_dispute, receivables_on_dispute_changed,
     receivables_needs_more_dispute},
    {O2C_DISPUTE_CLOSED, receivables_needs_dispute, receivables_on_dispute_closed,
     receivables_needs_more_dispute},
};

static const struct o2c_table *const tables[] = {
    &receivables_document,        &receivables_open_item,  &receivables_payment,
    &receivables_remittance_line, &receivables_allocation, &receivables_movement,
    &receivables_balance,         &receivables_dispute};

const struct o2c_consumer receivables_consumer = {
    .name = "receivables",
    .topics = topics,
    .emits = emits,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .schema_version_min = 1,
    .schema_version_max = 1,
};
