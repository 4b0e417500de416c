/* o2c ledger: balances of the ledger accounts, and the trial balance; docs/rules/ledger.md.
 */

#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "producers/cli/report.h"
#include "runtime/base/buf.h"
#include "schemas/units/chart.h"

#include "runtime/base/banned.h"

struct ledger_settings {
    struct stack_settings stack;
    bool json;
    const char *customer;
};

static const struct o2c_setting settings_rows[] = {
    {"customer", O2C_SETTING_TEXT, offsetof(struct ledger_settings, customer), "", 0, 0,
     NULL, "this customer's lines alone; they need not balance", false},
    {"json", O2C_SETTING_FLAG, offsetof(struct ledger_settings, json), "false", 0, 0, NULL,
     "one JSON object per line, amounts in minor units", false},
    STACK_PG_SETTINGS(struct ledger_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

static const struct report_column columns[] = {
    {"account", REPORT_TEXT, "all"},    {"currency", REPORT_CURRENCY, NULL},
    {"debit", REPORT_AMOUNT, NULL},     {"credit", REPORT_AMOUNT, NULL},
    {"= balance", REPORT_AMOUNT, NULL},
};

/* In the order of the chart; a line without an account is the trial balance. */
static const struct report report = {
    .sql = "SELECT account, currency, sum(debit_minor) AS debit_minor,"
           "       sum(credit_minor) AS credit_minor, sum(balance_minor) AS balance_minor"
           "  FROM o2c.ledger_balance WHERE $1::text IS NULL OR customer_id = $1"
           " GROUP BY GROUPING SETS ((account, currency), (currency))"
           " ORDER BY currency COLLATE \"C\", grouping(account),"
           "       array_position(ARRAY[" O2C_CHART
           "], account) NULLS LAST, account COLLATE \"C\"",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};

/* Every currency by itself. */
static int check_balance(struct stack *stack)
{
    PGresult *rows = stack_query(stack,
                                 "SELECT currency, sum(debit_minor), sum(credit_minor)"
                                 "  FROM o2c.ledger_balance GROUP BY currency"
                                 " HAVING sum(debit_minor) <> sum(credit_minor)"
                                 " ORDER BY currency COLLATE \"C\"",
                                 NULL, 0);
    int status = rows ? EXIT_OK : EXIT_STACK_FAILED;
    struct o2c_buf text;

    o2c_buf_init(&text, REPORT_MAX_BYTES);
    for (int i = 0; rows && i < PQntuples(rows); i++) {
        const char *currency = PQgetvalue(rows, i, 0);

        o2c_buf_reset(&text);
        report_add_amount(&text, PQgetvalue(rows, i, 1), currency);
        o2c_buf_add_text(&text, " debit, ");
        report_add_amount(&text, PQgetvalue(rows, i, 2), currency);
        o2c_buf_add_text(&text, " credit");
        status = stack_fail(stack, EXIT_FINDINGS, "%s is out of balance: %s", currency,
                            o2c_buf_text(&text));
    }
    o2c_buf_clear(&text);
    PQclear(rows);
    return status;
}

static int show(struct stack *stack, const struct ledger_settings *settings)
{
    const char *values[] = {report_value(settings->customer)};
    int status =
        report_show(stack, &report, values, 1, settings->json, "nothing is posted");

    return status || values[0] ? status : check_balance(stack);
}

int ledger_run(int argc, char **argv)
{
    struct ledger_settings settings = {0};
    struct options options = {
        .usage = "o2c ledger [options]",
        .about =
            "Debits, credits and balance of every ledger account, per currency in the order\n"
            "of the chart; \"all\" is the trial balance, in which debits equal credits.\n",
        .exits = {.done = "shown, and every currency is in balance",
                  .findings = "a currency is out of balance",
                  .servers = "PostgreSQL"},
        .table = &table,
        .settings = &settings,
    };
    struct stack stack = {.command = argv[0], .settings = &settings.stack};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        status = stack_open_pg(&stack);
        if (!status)
            status = show(&stack, &settings);
    }
    stack_close(&stack);
    options_clear(&options);
    return status;
}
