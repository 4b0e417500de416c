/* o2c ageing: what was open on a date, by age; docs/rules/receivables.md. */

#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "producers/cli/report.h"

#include "runtime/base/banned.h"

struct ageing_settings {
    struct stack_settings stack;
    bool json;
    const char *as_of, *customer;
};

static const struct o2c_setting settings_rows[] = {
    {"as-of", O2C_SETTING_TEXT, offsetof(struct ageing_settings, as_of), "", 0, 0, NULL,
     "the date, YYYY-MM-DD; default: today (UTC)", false},
    {"customer", O2C_SETTING_TEXT, offsetof(struct ageing_settings, customer), "", 0, 0,
     NULL, "this customer alone", false},
    {"json", O2C_SETTING_FLAG, offsetof(struct ageing_settings, json), "false", 0, 0, NULL,
     "one JSON object per line, amounts in minor units", false},
    STACK_PG_SETTINGS(struct ageing_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

static const struct report_column columns[] = {
    {"customer", REPORT_TEXT, "all"},     {"currency", REPORT_CURRENCY, NULL},
    {"not due", REPORT_AMOUNT, NULL},     {"1-30", REPORT_AMOUNT, NULL},
    {"31-60", REPORT_AMOUNT, NULL},       {"61-90", REPORT_AMOUNT, NULL},
    {"91-120", REPORT_AMOUNT, NULL},      {"over 120", REPORT_AMOUNT, NULL},
    {"- unapplied", REPORT_AMOUNT, NULL}, {"= total", REPORT_AMOUNT, NULL},
};

static const struct report report = {
    .sql =
        "SELECT customer_id, currency, sum(not_due) AS not_due, sum(d1_30) AS d1_30,"
        "       sum(d31_60) AS d31_60, sum(d61_90) AS d61_90, sum(d91_120) AS d91_120,"
        "       sum(d121_plus) AS d121_plus, sum(unapplied) AS unapplied,"
        "       sum(total) AS total"
        "  FROM o2c.ageing(coalesce($1::date, (now() AT TIME ZONE 'UTC')::date), $2::text)"
        " GROUP BY GROUPING SETS ((customer_id, currency), (currency))"
        " ORDER BY grouping(customer_id), customer_id COLLATE \"C\","
        "       currency COLLATE \"C\"",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};

static int show(struct stack *stack, const struct ageing_settings *settings)
{
    const char *values[] = {report_value(settings->as_of),
                            report_value(settings->customer)};

    return report_show(stack, &report, values, 2, settings->json, "nothing is open");
}

int ageing_run(int argc, char **argv)
{
    struct ageing_settings settings = {0};
    struct options options = {
        .usage = "o2c ageing [options]",
        .about =
            "What customers owed on a date, by the days since it was due, less cash and\n"
            "credit notes that were not applied; per customer and currency, then all.\n"
            "What is entered later with an earlier date counts on that date.\n",
        .exits = {.done = "shown; or nothing is open",
                  .findings = "nothing is known of the customer, or " EXIT_NOT_SHOWN,
                  .servers = "PostgreSQL"},
        .table = &table,
        .settings = &settings,
    };
    struct stack stack = {.command = argv[0], .settings = &settings.stack};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        status = report_is_date(&stack, "as-of", settings.as_of) ? stack_open_pg(&stack)
                                                                 : EXIT_USAGE;
        if (!status && *settings.customer)
            status = report_know_customer(&stack, settings.customer);
        if (!status)
            status = show(&stack, &settings);
    }
    stack_close(&stack);
    options_clear(&options);
    return status;
}
