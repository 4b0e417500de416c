#include "consumers/reminders/rows.h"

#include "runtime/base/banned.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct o2c_column item_columns[] = {
    O2C_COLUMN(TEXT, struct item, account_id),
    O2C_COLUMN(TEXT, struct item, kind),
    O2C_COLUMN(TEXT, struct item, document_id),
    O2C_COLUMN(INT4, struct item, instalment_no),
    O2C_COLUMN(TEXT, struct item, customer_id),
    O2C_COLUMN(TEXT, struct item, currency),
    O2C_NULLABLE(DATE, struct item, armed_on),
    O2C_COLUMN(TEXT, struct item, company_id),
    O2C_COLUMN(DATE, struct item, due_date),
    O2C_COLUMN(INT8, struct item, open_minor),
    O2C_COLUMN(INT8, struct item, disputed_minor),
    O2C_COLUMN(BOOL, struct item, remind),
    O2C_COLUMN(TEXT, struct item, reminder_id),
    O2C_COLUMN(BOOL, struct item, live),
};

static const int armed_columns[] = {0, 4, 5, 6};
static const struct o2c_lookup item_lookups[] = {
    [ITEM_ARMED] = {"armed", armed_columns, COUNT(armed_columns)},
};

const struct o2c_table reminders_item = {
    .name = "item",
    .row_type = "item_row",
    .row_bytes = sizeof(struct item),
    .columns = item_columns,
    .column_count = COUNT(item_columns),
    .key_count = 4,
    .lookups = item_lookups,
    .lookup_count = COUNT(item_lookups),
};

static const struct o2c_column armed_day_columns[] = {
    O2C_COLUMN(TEXT, struct armed_day, account_id),
    O2C_COLUMN(TEXT, struct armed_day, customer_id),
    O2C_COLUMN(TEXT, struct armed_day, currency),
    O2C_COLUMN(INT4, struct armed_day, due_day),
    O2C_COLUMN(DATE, struct armed_day, remind_date),
    O2C_COLUMN(INT4, struct armed_day, item_count),
};

const struct o2c_table reminders_armed_day = {
    .name = "armed_day",
    .row_type = "armed_day_row",
    .row_bytes = sizeof(struct armed_day),
    .columns = armed_day_columns,
    .column_count = COUNT(armed_day_columns),
    .key_count = 4,
};

static const struct o2c_column reminder_columns[] = {
    O2C_COLUMN(TEXT, struct reminder, account_id),
    O2C_COLUMN(TEXT, struct reminder, reminder_id),
    O2C_COLUMN(TEXT, struct reminder, customer_id),
    O2C_COLUMN(TEXT, struct reminder, company_id),
    O2C_COLUMN(TEXT, struct reminder, currency),
    O2C_COLUMN(DATE, struct reminder, run_date),
    O2C_COLUMN(INT4, struct reminder, level),
    O2C_COLUMN(INT4, struct reminder, item_count),
    O2C_COLUMN(INT4, struct reminder, live_count),
    O2C_COLUMN(INT8, struct reminder, total_minor),
    O2C_COLUMN(TEXT, struct reminder, state),
    O2C_COLUMN(TEXT, struct reminder, channel),
};

const struct o2c_table reminders_reminder = {
    .name = "reminder",
    .row_type = "reminder_row",
    .row_bytes = sizeof(struct reminder),
    .columns = reminder_columns,
    .column_count = COUNT(reminder_columns),
    .key_count = 2,
};

static const struct o2c_column reminder_item_columns[] = {
    O2C_COLUMN(TEXT, struct reminder_item, account_id),
    O2C_COLUMN(TEXT, struct reminder_item, reminder_id),
    O2C_COLUMN(INT4, struct reminder_item, item_no),
    O2C_COLUMN(TEXT, struct reminder_item, kind),
    O2C_COLUMN(TEXT, struct reminder_item, document_id),
    O2C_COLUMN(INT4, struct reminder_item, instalment_no),
    O2C_COLUMN(DATE, struct reminder_item, due_date),
    O2C_COLUMN(INT4, struct reminder_item, days_overdue),
    O2C_COLUMN(INT8, struct reminder_item, open_minor),
};

const struct o2c_table reminders_reminder_item = {
    .name = "reminder_item",
    .row_type = "reminder_item_row",
    .row_bytes = sizeof(struct reminder_item),
    .columns = reminder_item_columns,
    .column_count = COUNT(reminder_item_columns),
    .key_count = 3,
};

static const struct o2c_column held_columns[] = {
    O2C_COLUMN(TEXT, struct held, account_id),
    O2C_COLUMN(TIMESTAMP, struct held, since),
    O2C_NULLABLE(DATE, struct held, put_off_on),
};

const struct o2c_table reminders_held = {
    .name = "held",
    .row_type = "held_row",
    .row_bytes = sizeof(struct held),
    .columns = held_columns,
    .column_count = COUNT(held_columns),
    .key_count = 1,
};
