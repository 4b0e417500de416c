/* shipments.h - the consumer `shipments`, for its main and its tests. */
#ifndef O2C_SHIPMENTS_SHIPMENTS_H
#define O2C_SHIPMENTS_SHIPMENTS_H

extern const struct o2c_consumer shipments_consumer;

#endif
