/*
 * o2c invoices: one customer's documents and payments as they stand, and the
 * statement between two dates.
 */
#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "producers/cli/report.h"
#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

struct invoices_settings {
    struct stack_settings stack;
    bool json;
    const char *from, *to;
};

static const struct o2c_setting settings_rows[] = {
    {"from", O2C_SETTING_TEXT, offsetof(struct invoices_settings, from), "", 0, 0, NULL,
     "first day, YYYY-MM-DD; default: the customer's first", false},
    {"to", O2C_SETTING_TEXT, offsetof(struct invoices_settings, to), "", 0, 0, NULL,
     "last day, YYYY-MM-DD; default: today (UTC), or the first day if that is later",
     false},
    {"json", O2C_SETTING_FLAG, offsetof(struct invoices_settings, json), "false", 0, 0,
     NULL, "one JSON object per line, amounts in minor units", false},
    STACK_PG_SETTINGS(struct invoices_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

/* $1 is the customer, $2 the first and $3 the last day. */
static const struct report_column document_columns[] = {
    {"document", REPORT_TEXT, NULL},   {"kind", REPORT_TEXT, NULL},
    {"number", REPORT_TEXT, NULL},     {"issued", REPORT_TEXT, NULL},
    {"due", REPORT_TEXT, NULL},        {"currency", REPORT_CURRENCY, NULL},
    {"gross", REPORT_AMOUNT, NULL},    {"open", REPORT_AMOUNT, NULL},
    {"disputed", REPORT_AMOUNT, NULL}, {"state", REPORT_TEXT, NULL},
};

static const struct report_column payment_columns[] = {
    {"payment", REPORT_TEXT, NULL},      {"received", REPORT_TEXT, NULL},
    {"currency", REPORT_CURRENCY, NULL}, {"amount", REPORT_AMOUNT, NULL},
    {"applied", REPORT_AMOUNT, NULL},    {"unapplied", REPORT_AMOUNT, NULL},
    {"state", REPORT_TEXT, NULL},        {"waits for", REPORT_TEXT, NULL},
};

static const struct report_column statement_columns[] = {
    {"date", REPORT_TEXT, NULL},        {"statement", REPORT_TEXT, NULL},
    {"reference", REPORT_TEXT, NULL},   {"currency", REPORT_CURRENCY, NULL},
    {"debit", REPORT_AMOUNT, NULL},     {"credit", REPORT_AMOUNT, NULL},
    {"= balance", REPORT_AMOUNT, NULL},
};

#define COLUMNS(of) .columns = (of), .column_count = sizeof(of) / sizeof(of)[0]
static const struct report reports[] = {
    {.row = "document",
     .sql =
         "SELECT invoice_id AS document_id, kind, number, issue_date, due_date, currency,"
         "       gross_minor, open_minor, disputed_minor, state"
         "  FROM o2c.invoice"
         " WHERE customer_id = $1 AND issue_date BETWEEN $2::date AND $3::date"
         " ORDER BY issue_date, kind, invoice_id COLLATE \"C\"",
     COLUMNS(document_columns)},
    {.row = "payment",
     .sql = "SELECT payment_id, received_date, currency, amount_minor, applied_minor,"
            "       unapplied_minor, state,"
            "       (SELECT string_agg(w.waits_for, ', ' ORDER BY w.waits_for)"
            "          FROM o2c.waiting w"
            "         WHERE w.consumer = 'receivables' AND w.kind = 'payment'"
            "           AND w.account_id = p.account_id AND w.document = p.payment_id)"
            "           AS waits_for"
            "  FROM o2c.payment p"
            " WHERE customer_id = $1 AND received_date BETWEEN $2::date AND $3::date"
            " ORDER BY received_date, payment_id COLLATE \"C\"",
     COLUMNS(payment_columns)},
    {.row = "statement",
     .sql = "SELECT date, kind, reference, currency, debit_minor, credit_minor,"
            "       balance_minor"
            "  FROM o2c.customer_statement($1, $2::date, $3::date)"
            " ORDER BY currency COLLATE \"C\", line_no",
     COLUMNS(statement_columns)},
};

/* The days asked for, or those by default; NULL after saying what failed. */
static PGresult *days_of(struct stack *stack, const struct invoices_settings *settings,
                         const char *customer)
{
    const char *values[] = {customer, report_value(settings->from),
                            report_value(settings->to)};

    return stack_query(
        stack,
        "WITH known AS ("
        "    SELECT issue_date AS day FROM o2c.invoice WHERE customer_id = $1"
        "     UNION ALL"
        "    SELECT received_date FROM o2c.payment WHERE customer_id = $1"
        "), first AS (SELECT coalesce($2::date, least(min(day), $3::date)) AS day FROM known)"
        "SELECT day, coalesce($3::date, greatest(day, (now() AT TIME ZONE 'UTC')::date))"
        "  FROM first",
        values, 3);
}

static int show(struct stack *stack, const struct invoices_settings *settings,
                const char *customer)
{
    int status = report_know_customer(stack, customer);
    PGresult *days = status ? NULL : days_of(stack, settings, customer);
    struct o2c_buf out;

    if (!status && !days)
        status = EXIT_STACK_FAILED;
    o2c_buf_init(&out, REPORT_MAX_BYTES);
    if (days) {
        const char *values[] = {customer, PQgetvalue(days, 0, 0), PQgetvalue(days, 0, 1)};

        for (size_t i = 0; !status && i < sizeof reports / sizeof reports[0]; i++)
            status = report_add(&out, stack, &reports[i], values, 3, settings->json, NULL);
        if (!status)
            status = report_print(stack, &out);
    }
    o2c_buf_clear(&out);
    PQclear(days);
    return status;
}

int invoices_run(int argc, char **argv)
{
    struct invoices_settings settings = {0};
    struct options options = {
        .usage = "o2c invoices [options] CUSTOMER",
        .about =
            "A customer's documents and payments of the days asked for, as they stand now,\n"
            "what each payment still waits for, and the statement: opening balance, what\n"
            "moved it, closing balance, per currency. Every row counts on its date, whenever\n"
            "it was entered.\n",
        .exits = {.done = "shown",
                  .findings = "nothing is known of the customer",
                  .servers = "PostgreSQL"},
        .table = &table,
        .settings = &settings,
        .min_operands = 1,
        .max_operands = 1,
    };
    struct stack stack = {.command = argv[0], .settings = &settings.stack};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        status = report_is_period(&stack, settings.from, settings.to)
                     ? stack_open_pg(&stack)
                     : EXIT_USAGE;
        if (!status)
            status = show(&stack, &settings, options.operands[0]);
    }
    stack_close(&stack);
    options_clear(&options);
    return status;
}
