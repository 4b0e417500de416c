/*
 * apply.h - the rules of the consumer `disputes` (docs/rules/disputes.md): what
 * requests and open items make of a case.
 */
#ifndef O2C_DISPUTES_APPLY_H
#define O2C_DISPUTES_APPLY_H

#include "consumers/host/consumer.h"

o2c_needs_fn disputes_needs_raised, disputes_needs_request, disputes_needs_item;
o2c_needs_more_fn disputes_needs_more_request, disputes_needs_more_item;
o2c_apply_fn disputes_on_raised, disputes_on_evidence, disputes_on_assigned,
    disputes_on_decided, disputes_on_withdrawn, disputes_on_item;

#endif
