/*
 * apply.h - the rules of the consumer `ledger` (docs/rules/ledger.md): a posted
 * journal is kept line by line and added to the totals.
 */
#ifndef O2C_LEDGER_APPLY_H
#define O2C_LEDGER_APPLY_H

#include "consumers/host/consumer.h"

o2c_needs_fn ledger_needs_journal;
o2c_apply_fn ledger_on_journal;

#endif
