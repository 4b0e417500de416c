/*
 * table.h - a CSV file (or several of one form) that a mapping names: its
 * header, its rows one after the other, or all of them in memory with an index
 * for joins and groups.
 */
#ifndef O2C_PUBLISH_TABLE_H
#define O2C_PUBLISH_TABLE_H

#include <stdint.h>

#include "producers/publish/csv.h"
#include "runtime/base/arena.h"

struct o2c_table_row {
    const struct o2c_str *fields;
    const char *file; /* path, as shown in messages */
    uint64_t line;
};

struct o2c_table {
    const char *name; /* in the mapping */
    struct o2c_csv_options options;
    char **paths; /* in name order; owned */
    char **shown; /* how messages call them; owned */
    size_t path_count;
    struct o2c_str *columns; /* owned, and their texts */
    size_t column_count;
    bool *hidden;    /* per column: its values stand in no message; owned; NULL: none */
    bool has_header; /* false: the mapping gives the columns */

    /* after o2c_table_load */
    bool loaded;
    bool bad; /* a row could not be read: what hangs on this file is incomplete */
    struct o2c_table_row *rows;
    size_t row_count, row_cap;
    struct o2c_arena arena;
};

/* What is wrong with a row; reading goes on. */
typedef void o2c_table_fault_fn(void *user, const char *file, uint64_t line,
                                const char *what);

void o2c_table_init(struct o2c_table *table, const char *name);
void o2c_table_clear(struct o2c_table *table);

/* Adds a file; the texts are copied. */
bool o2c_table_add_path(struct o2c_table *table, const char *path, const char *shown);

/*
 * Reads the columns from the header of each file; they must be the same.
 * PARK: no header, a column twice, differing headers.  FATAL: unreadable.
 */
enum o2c_verdict o2c_table_read_header(struct o2c_table *table,
                                       struct o2c_err *err) O2C_MUST_CHECK;

/* The index of a column, -1 if there is none of that name. */
int o2c_table_column(const struct o2c_table *table, struct o2c_str name);

/* No message shows a value of the column from now on; false: no memory. */
bool o2c_table_hide(struct o2c_table *table, size_t column);
bool o2c_table_is_hidden(const struct o2c_table *table, size_t column);

/* Reads all rows into memory; FATAL: as o2c_table_next, or too large. */
enum o2c_verdict o2c_table_load(struct o2c_table *table, o2c_table_fault_fn *on_fault,
                                void *user, struct o2c_err *err) O2C_MUST_CHECK;

/* The rows one by one, without keeping them. */
struct o2c_table_reader {
    struct o2c_table *table;
    size_t path;
    struct o2c_csv *csv;
    int fd;
};
void o2c_table_reader_init(struct o2c_table_reader *reader, struct o2c_table *table);
void o2c_table_reader_clear(struct o2c_table_reader *reader);

/*
 * The next row, valid until the next call; fields == NULL at the end.  PARK:
 * a bad row (ret_row says where), the next call goes on behind it.  FATAL: a
 * file cannot be read, or its header is not what o2c_table_read_header saw.
 */
enum o2c_verdict o2c_table_next(struct o2c_table_reader *reader,
                                struct o2c_table_row *ret_row,
                                struct o2c_err *err) O2C_MUST_CHECK;

/*
 * Rows of a loaded table by the values of some columns, those with the same
 * values in the order of further columns: numbers by value before texts by
 * bytes, and as in the file where they are equal.
 */
struct o2c_table_index {
    const struct o2c_table *table;
    const size_t *keys, *sorts; /* borrowed */
    size_t key_count, sort_count;
    size_t *rows; /* row numbers */
};
bool o2c_table_index_build(struct o2c_table_index *index);
void o2c_table_index_clear(struct o2c_table_index *index);

/* The first of the rows with these key values in index->rows, and how many they are. */
size_t o2c_table_index_find(const struct o2c_table_index *index,
                            const struct o2c_str *values, size_t *ret_count);

#endif
