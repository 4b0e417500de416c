/* orders.h - the consumer `orders`, for its main and its tests. */
#ifndef O2C_ORDERS_ORDERS_H
#define O2C_ORDERS_ORDERS_H

extern const struct o2c_consumer orders_consumer;

#endif
