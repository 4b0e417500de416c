/* reminders.h - the consumer `reminders`, for its main and its tests. */
#ifndef O2C_REMINDERS_REMINDERS_H
#define O2C_REMINDERS_REMINDERS_H

extern const struct o2c_consumer reminders_consumer;

#endif
