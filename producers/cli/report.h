/*
 * report.h - what finance and operations read: the rows of a query as a table
 * or as JSON lines.
 */
#ifndef O2C_CLI_REPORT_H
#define O2C_CLI_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "producers/cli/stack.h"

struct o2c_buf;

enum report_cell {
    REPORT_TEXT,
    REPORT_NUMBER,
    REPORT_AMOUNT,   /* minor units of the row's currency; printed with its decimals */
    REPORT_CURRENCY, /* one per report with amounts */
};

struct report_column {
    const char *heading;
    enum report_cell cell;
    const char *if_null; /* NULL: "-", and nothing for an amount */
};

/* The query's columns are those of the table, in order; their names are the JSON keys. */
struct report {
    const char *row; /* the JSON lines' first key, "row", says this; NULL: there is none */
    const char *sql;
    const struct report_column *columns;
    size_t column_count;
};

/* Adds the rows, or when there are none `when_empty` (NULL: nothing; never to JSON lines).
 * 0, or the exit status after saying what failed. */
int report_add(struct o2c_buf *out, struct stack *stack, const struct report *report,
               const char *const *values, size_t count, bool json, const char *when_empty);

/* Prints it all; 0, or the exit status after saying that it is too long. */
int report_print(const struct stack *stack, const struct o2c_buf *out);
enum {
    REPORT_MAX_BYTES = 1 << 30
};

/* Both, for a command that shows nothing else. */
int report_show(struct stack *stack, const struct report *report, const char *const *values,
                size_t count, bool json, const char *when_empty);

/* Minor units, as digits, in the form people read: "-1,234.50". */
void report_add_amount(struct o2c_buf *out, const char *minor, const char *currency);

/* True when an option's text is empty or a date; else says which is none. */
bool report_is_date(const struct stack *stack, const char *option, const char *text);

/* The same of --from and --to, which must also come in this order. */
bool report_is_period(const struct stack *stack, const char *from, const char *to);

/* EXIT_OK when the customer has a document or payment; else says that there is none. */
int report_know_customer(struct stack *stack, const char *customer);

/* What is asked for: NULL for an option that was left out. */
const char *report_value(const char *text);

#endif
