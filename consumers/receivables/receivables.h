/* receivables.h - the consumer `receivables`, for its main and its tests. */
#ifndef O2C_RECEIVABLES_RECEIVABLES_H
#define O2C_RECEIVABLES_RECEIVABLES_H

extern const struct o2c_consumer receivables_consumer;

#endif
