/* disputes.h - the consumer `disputes`, for its main and its tests. */
#ifndef O2C_DISPUTES_DISPUTES_H
#define O2C_DISPUTES_DISPUTES_H

extern const struct o2c_consumer disputes_consumer;

#endif
