#include "producers/simulator/settings.h"

#include <inttypes.h>
#include <stddef.h>

#include "runtime/base/str.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    MAX_LINES = 20,
    MAX_DAYS = 3660,
    YEAR_DAYS = 366 /* more than lies between an order and its first or last event */
};

#define AT(member) offsetof(struct o2c_sim_settings, member)
#define PERCENT(name, member, default_value, help)                                         \
    {                                                                                      \
        name, O2C_OPTION_INT, AT(member), default_value, 0, 100, "%", help, false          \
    }

static const struct o2c_setting rows[] = {
    {"accounts", O2C_OPTION_INT, AT(accounts), "200", 1, 9000000, NULL, "accounts that buy",
     false},
    {"orders", O2C_OPTION_INT, AT(orders), "1500", 0, 20000000, NULL, "orders they place",
     false},
    {"days", O2C_OPTION_INT, AT(days), "31", 1, MAX_DAYS, "days",
     "length of the time in which they are placed", false},
    {"seed", O2C_OPTION_INT, AT(seed), "1", 0, INT64_MAX, NULL,
     "another seed is another history", false},
    {"start-date", O2C_OPTION_TEXT, AT(start_date_text), "2026-03-01", 0, 0, NULL,
     "first day, YYYY-MM-DD", false},
    {"max-lines", O2C_OPTION_INT, AT(max_lines), "20", 1, MAX_LINES, NULL,
     "lines of the longest orders", false},
    PERCENT("branch-percent", branches, "10", "accounts with a second customer"),
    PERCENT("amended-percent", amended, "20", "orders amended"),
    PERCENT("cancelled-percent", cancelled, "8", "orders cancelled, whole or by line"),
    PERCENT("split-percent", split, "25", "orders sent in several shipments"),
    PERCENT("over-under-percent", over_under, "5", "orders over- or under-delivered"),
    PERCENT("returned-percent", returned, "6", "orders with a return"),
    PERCENT("refused-percent", refused, "1", "deliveries with refused lines"),
    PERCENT("unshipped-percent", unshipped, "4", "orders not shipped yet"),
    PERCENT("undelivered-percent", undelivered, "5", "shipments not delivered yet"),
    PERCENT("unpriced-percent", unpriced, "0", "orders with a line without price"),
    PERCENT("repeated-percent", repeated, "2", "events published twice"),
    PERCENT("late-percent", late, "3", "events published out of order"),
    PERCENT("contradicted-percent", contradicted, "0", "events contradicted later"),
    {"receivables", O2C_OPTION_FLAG, AT(receivables), "true", 0, 0, NULL,
     "invoices and payments follow", false},
    PERCENT("instalments-percent", instalments, "10", "invoices due in two halves"),
    PERCENT("late-paid-percent", late_paid, "25", "payments 3 to 45 days overdue"),
    PERCENT("unpaid-percent", unpaid, "6", "invoices never paid, of those paid alone"),
    PERCENT("part-paid-percent", part_paid, "5", "paid in part, every second later"),
    PERCENT("overpaid-percent", overpaid, "2", "payments of more than is owed"),
    PERCENT("unreferenced-percent", unreferenced, "12", "payments without remittance"),
    PERCENT("reversed-percent", reversed, "1", "payments reversed, half paid again"),
    PERCENT("disputed-percent", disputed, "4", "invoices disputed for a while"),
    {"ticks", O2C_OPTION_FLAG, AT(ticks), "false", 0, 0, NULL,
     "each day begins with its BusinessDayStarted", false},
};

const struct o2c_settings_table o2c_sim_settings_table = {rows,
                                                          sizeof rows / sizeof rows[0]};

enum o2c_verdict o2c_sim_settings_check(struct o2c_sim_settings *settings,
                                        struct o2c_err *err)
{
    int32_t date;

    if (!o2c_date_parse(o2c_str_from(settings->start_date_text), &date))
        return o2c_fail(err, O2C_PARK, "--start-date \"%s\" is no date (YYYY-MM-DD)",
                        settings->start_date_text);
    if (date < O2C_DATE_MIN + YEAR_DAYS || date > O2C_DATE_MAX - YEAR_DAYS - settings->days)
        return o2c_fail(err, O2C_PARK,
                        "--start-date \"%s\" with --days %" PRId64
                        " is less than a year from an end of the calendar",
                        settings->start_date_text, settings->days);
    settings->start_date = date;
    if (settings->cancelled + settings->unshipped > 100)
        return o2c_fail(err, O2C_PARK,
                        "--cancelled-percent %" PRId64 " and --unshipped-percent %" PRId64
                        " are over 100 together",
                        settings->cancelled, settings->unshipped);
    if (settings->repeated + settings->contradicted > 100)
        return o2c_fail(err, O2C_PARK,
                        "--repeated-percent %" PRId64 " and --contradicted-percent %" PRId64
                        " are over 100 together",
                        settings->repeated, settings->contradicted);
    return O2C_OK;
}
