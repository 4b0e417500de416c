#include "consumers/reminders/settings.h"

#include <stddef.h>

#include "consumers/host/consumer.h"
#include "runtime/base/config.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

static const struct o2c_setting list[] = {
    {"reminders-days-overdue", O2C_SETTING_INT,
     offsetof(struct reminders_settings, days_overdue), "10", 0, 3650, "days",
     "how long after its due date an item is reminded", false},
    {"reminders-go-live", O2C_SETTING_TEXT, offsetof(struct reminders_settings, go_live),
     "", 0, 0, NULL, "no reminder before this date (2026-01-31); fixed at the first start",
     false},
};

static const struct o2c_settings_table table = {list, sizeof list / sizeof list[0]};

static const char *const fixed[] = {"reminders-go-live", NULL};

static enum o2c_verdict check(const void *settings, struct o2c_err *err)
{
    const struct reminders_settings *given = settings;
    int32_t date;

    if (!*given->go_live || o2c_date_parse(o2c_str_from(given->go_live), &date))
        return O2C_OK;
    return o2c_fail(err, O2C_FATAL, "reminders-go-live: \"%s\" is no date like 2026-01-31",
                    given->go_live);
}

const struct o2c_consumer_settings reminders_own_settings = {
    .table = &table,
    .bytes = sizeof(struct reminders_settings),
    .fixed = fixed,
    .check = check,
};
