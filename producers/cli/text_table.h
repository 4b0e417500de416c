/*
 * text_table.h - a table for a person: columns as wide as what stands in them,
 * two spaces between.  For every subcommand that shows one.
 */
#ifndef O2C_CLI_TEXT_TABLE_H
#define O2C_CLI_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/buf.h"

struct text_column {
    const char *heading;
    bool is_right; /* numbers and amounts */
};

enum {
    TEXT_COLUMNS_MAX = 16
};

struct text_table {
    size_t column_count;
    struct text_column columns[TEXT_COLUMNS_MAX];
    struct o2c_buf cells; /* each ended by a NUL */
};

/* Of at most max_bytes; text_table_clear when it was written. */
void text_table_init(struct text_table *table, size_t max_bytes);
void text_table_clear(struct text_table *table);

void text_table_column(struct text_table *table, const char *heading, bool is_right);

/* The next cell, from left to right and from top to bottom; a control character in it
 * stands as "\u001b". */
void text_table_add(struct text_table *table, const char *text);
void text_table_add_number(struct text_table *table, int64_t number);

/* The headings and all rows; out->failed where a cell did not fit. */
void text_table_write(struct text_table *table, struct o2c_buf *out);

#endif
