/*
 * apply.h - the rules of the consumer `receivables` (docs/rules/receivables.md):
 * which rows an event needs, and what it changes.  Pure: rows in, rows and
 * effects out.
 */
#ifndef O2C_RECEIVABLES_APPLY_H
#define O2C_RECEIVABLES_APPLY_H

#include "consumers/host/consumer.h"

/* needs.c */
o2c_needs_fn receivables_needs_issued, receivables_needs_cancelled;
o2c_needs_fn receivables_needs_received, receivables_needs_reversed;
o2c_needs_fn receivables_needs_dispute;
o2c_needs_more_fn receivables_needs_more_issued, receivables_needs_more_cancelled;
o2c_needs_more_fn receivables_needs_more_received, receivables_needs_more_reversed;
o2c_needs_more_fn receivables_needs_more_dispute;

/* documents.c */
o2c_apply_fn receivables_on_issued, receivables_on_cancelled;

/* payments.c */
o2c_apply_fn receivables_on_received, receivables_on_reversed, receivables_on_refunded;

/* disputes.c */
o2c_apply_fn receivables_on_dispute_opened, receivables_on_dispute_changed,
    receivables_on_dispute_closed;

#endif
