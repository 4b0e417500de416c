/* settings.h - what can be set of the consumer `reminders`; rules see it. */
#ifndef O2C_REMINDERS_SETTINGS_H
#define O2C_REMINDERS_SETTINGS_H

#include <stdint.h>

struct reminders_settings {
    int64_t days_overdue;
    const char *go_live; /* a date, or "" */
};

extern const struct o2c_consumer_settings reminders_own_settings;

#endif
