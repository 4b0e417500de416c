/*
 * rows.h - the tables of the consumer `reminders` as its rules see them; made by
 * deploy/migrations/reminders, described in tables.c.  Amounts are minor units,
 * dates days since 1970-01-01.
 */
#ifndef O2C_REMINDERS_ROWS_H
#define O2C_REMINDERS_ROWS_H

#include "consumers/host/table.h"

/* An instalment of an invoice or debit note. */
struct item {
    struct o2c_row row;
    struct o2c_str account_id, kind, document_id;
    int32_t instalment_no;
    struct o2c_str customer_id, company_id, currency;
    int32_t due_date;
    int64_t open_minor, disputed_minor;
    bool remind;
    bool has_armed_on; /* it may be reminded: then its due date, else absent */
    int32_t armed_on;
    struct o2c_str reminder_id; /* that named it; absent: none has */
    bool live;                  /* open and undisputed */
};

/* A due date of a customer's items that may be reminded. */
struct armed_day {
    struct o2c_row row;
    struct o2c_str account_id, customer_id, currency;
    int32_t due_day;     /* due date of the items */
    int32_t remind_date; /* when they are overdue enough */
    int32_t item_count;
};

struct reminder {
    struct o2c_row row;
    struct o2c_str account_id, reminder_id;
    struct o2c_str customer_id, company_id, currency;
    int32_t run_date, level, item_count, live_count;
    int64_t total_minor;
    struct o2c_str state, channel;
};

struct reminder_item {
    struct o2c_row row;
    struct o2c_str account_id, reminder_id;
    int32_t item_no; /* from 1, in the order of the letter */
    struct o2c_str kind, document_id;
    int32_t instalment_no, due_date, days_overdue;
    int64_t open_minor;
};

/* An account of which receivables have something parked: no letter is written. */
struct held {
    struct o2c_row row;
    struct o2c_str account_id;
    int64_t since; /* recorded time of the notice */
    bool has_put_off_on;
    int32_t put_off_on; /* the last business day on which a letter was due */
};

extern const struct o2c_table reminders_item, reminders_armed_day, reminders_reminder,
    reminders_reminder_item, reminders_held;

enum {
    ITEM_ARMED
};

#endif
