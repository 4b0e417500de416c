/* ledger.h - the consumer `ledger`, for its main and its tests. */
#ifndef O2C_LEDGER_LEDGER_H
#define O2C_LEDGER_LEDGER_H

extern const struct o2c_consumer ledger_consumer;

#endif
