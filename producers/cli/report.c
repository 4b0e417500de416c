#include "producers/cli/report.h"

#include <stdio.h>
#include <string.h>

#include "producers/cli/text_table.h"
#include "runtime/base/buf.h"
#include "schemas/units/money.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    SQL_MAX_BYTES = 1 << 16
};

static PGresult *query(struct stack *stack, const struct report *report,
                       const char *const *values, size_t count, bool json)
{
    struct o2c_buf sql;
    PGresult *rows;

    o2c_buf_init(&sql, SQL_MAX_BYTES);
    if (json && report->row)
        o2c_buf_printf(&sql,
                       "SELECT '{\"row\":\"%s\",' || substr(row_to_json(r)::text, 2)"
                       "  FROM (%s) r",
                       report->row, report->sql);
    else if (json)
        o2c_buf_printf(&sql, "SELECT row_to_json(r) FROM (%s) r", report->sql);
    else
        o2c_buf_add_text(&sql, report->sql);
    rows = stack_query(stack, o2c_buf_text(&sql), values, count);
    o2c_buf_clear(&sql);
    return rows;
}

/* ---- cells */

/* The digits as they stand: a sum may be longer than an int64. */
void report_add_amount(struct o2c_buf *out, const char *minor, const char *currency)
{
    int exponent = o2c_currency_exponent(o2c_str_from(currency));
    int decimals = exponent < 0 ? 0 : exponent, digits;

    if (*minor == '-')
        o2c_buf_add_u8(out, (uint8_t)*minor++);
    digits = (int)strlen(minor);
    for (int left = digits > decimals ? digits : decimals + 1; left > 0; left--) {
        int whole = left - decimals;

        o2c_buf_add_u8(out, left > digits ? '0' : (uint8_t)minor[digits - left]);
        if (whole == 1 && decimals)
            o2c_buf_add_u8(out, '.');
        else if (whole > 1 && whole % 3 == 1)
            o2c_buf_add_u8(out, ',');
    }
}

/* One cell's text; it stands in `cell` until the next one. */
static const char *text_of(const struct report *report, const PGresult *rows, int row,
                           size_t column, struct o2c_buf *cell)
{
    const struct report_column *described = &report->columns[column];
    const char *currency = "";

    o2c_buf_reset(cell);
    for (size_t c = 0; c < report->column_count; c++)
        if (report->columns[c].cell == REPORT_CURRENCY)
            currency = PQgetvalue(rows, row, (int)c);
    if (!PQgetisnull(rows, row, (int)column)) {
        if (described->cell == REPORT_AMOUNT)
            report_add_amount(cell, PQgetvalue(rows, row, (int)column), currency);
        else
            o2c_buf_add_text(cell, PQgetvalue(rows, row, (int)column));
    } else if (described->if_null) {
        o2c_buf_add_text(cell, described->if_null);
    } else if (described->cell != REPORT_AMOUNT) {
        o2c_buf_add_text(cell, "-");
    }
    return o2c_buf_text(cell);
}

static void add_table(struct o2c_buf *out, const struct report *report,
                      const PGresult *rows)
{
    struct text_table table;
    struct o2c_buf cell;

    text_table_init(&table, REPORT_MAX_BYTES);
    o2c_buf_init(&cell, REPORT_MAX_BYTES);
    for (size_t c = 0; c < report->column_count; c++)
        text_table_column(&table, report->columns[c].heading,
                          report->columns[c].cell == REPORT_NUMBER ||
                              report->columns[c].cell == REPORT_AMOUNT);
    for (int i = 0; i < PQntuples(rows); i++)
        for (size_t c = 0; c < report->column_count; c++)
            text_table_add(&table, text_of(report, rows, i, c, &cell));
    text_table_write(&table, out);
    o2c_buf_clear(&cell);
    text_table_clear(&table);
}

int report_add(struct o2c_buf *out, struct stack *stack, const struct report *report,
               const char *const *values, size_t count, bool json, const char *when_empty)
{
    PGresult *rows = query(stack, report, values, count, json);

    if (!rows)
        return EXIT_STACK_FAILED;
    if (json) {
        for (int i = 0; i < PQntuples(rows); i++)
            o2c_buf_printf(out, "%s\n", PQgetvalue(rows, i, 0));
    } else if (PQntuples(rows)) {
        o2c_buf_add_text(out, out->len ? "\n" : "");
        add_table(out, report, rows);
    } else if (when_empty) {
        o2c_buf_printf(out, "%s\n", when_empty);
    }
    PQclear(rows);
    return EXIT_OK;
}

int report_print(const struct stack *stack, const struct o2c_buf *out)
{
    if (out->failed)
        return stack_fail(stack, EXIT_FINDINGS, "more than %d bytes to show",
                          REPORT_MAX_BYTES);
    if (out->len)
        fwrite(out->at, 1, out->len, stdout);
    fflush(stdout);
    return EXIT_OK;
}

int report_show(struct stack *stack, const struct report *report, const char *const *values,
                size_t count, bool json, const char *when_empty)
{
    struct o2c_buf out;
    int status;

    o2c_buf_init(&out, REPORT_MAX_BYTES);
    status = report_add(&out, stack, report, values, count, json, when_empty);
    if (!status)
        status = report_print(stack, &out);
    o2c_buf_clear(&out);
    return status;
}

/* ---- what is asked for */

bool report_is_date(const struct stack *stack, const char *option, const char *text)
{
    int32_t days;

    if (!*text || o2c_date_parse(o2c_str_from(text), &days))
        return true;
    stack_fail(stack, EXIT_USAGE, "--%s \"%s\" is no date (YYYY-MM-DD)", option, text);
    return false;
}

bool report_is_period(const struct stack *stack, const char *from, const char *to)
{
    int32_t first, last;

    if (!report_is_date(stack, "from", from) || !report_is_date(stack, "to", to))
        return false;
    if (!o2c_date_parse(o2c_str_from(from), &first) ||
        !o2c_date_parse(o2c_str_from(to), &last) || first <= last)
        return true;
    stack_fail(stack, EXIT_USAGE, "--from \"%s\" is after --to \"%s\"", from, to);
    return false;
}

int report_know_customer(struct stack *stack, const char *customer)
{
    PGresult *found =
        stack_query(stack,
                    "SELECT FROM o2c.invoice WHERE customer_id = $1 UNION ALL "
                    "SELECT FROM o2c.payment WHERE customer_id = $1 LIMIT 1",
                    &customer, 1);
    int status = found ? EXIT_OK : EXIT_STACK_FAILED;

    if (found && !PQntuples(found))
        status = stack_fail(stack, EXIT_FINDINGS,
                            "customer \"%s\" has no document and no payment", customer);
    PQclear(found);
    return status;
}

const char *report_value(const char *text)
{
    return *text ? text : NULL;
}
