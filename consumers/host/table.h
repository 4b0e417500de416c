/*
 * table.h - how a consumer describes a table it owns: a row struct, its
 * columns by offset, its key, and further look-ups by which rows are wanted.
 *
 *     struct order {
 *         struct o2c_row row;              // always first
 *         struct o2c_str account_id;       // always the first column
 *         struct o2c_str order_id;
 *         int64_t revision;
 *         bool has_net_minor;              // a nullable number has its flag
 *         int64_t net_minor;
 *     };
 *     static const struct o2c_column order_columns[] = {
 *         O2C_COLUMN(TEXT, struct order, account_id),
 *         O2C_COLUMN(TEXT, struct order, order_id),
 *         O2C_COLUMN(INT8, struct order, revision),
 *         O2C_NULLABLE(INT8, struct order, net_minor),
 *     };
 *     static const struct o2c_table order_table = {
 *         .name = "sales_order",
 *         .row_type = "sales_order_row",
 *         .row_bytes = sizeof(struct order),
 *         .columns = order_columns,
 *         .column_count = 4,
 *         .key_count = 2,
 *     };
 *
 * In PostgreSQL the table stands in the consumer's schema with the columns of
 * the same names, the first key_count of them as primary key, and a composite
 * type `row_type` with exactly these columns in this order, through which rows
 * are stored (so that a later migration can add a column to the table without
 * breaking this binary).
 */
#ifndef O2C_HOST_TABLE_H
#define O2C_HOST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/str.h"

enum o2c_column_kind {
    O2C_COLUMN_TEXT,       /* struct o2c_str: text; at == NULL is NULL */
    O2C_COLUMN_BYTES,      /* struct o2c_str: bytea; at == NULL is NULL */
    O2C_COLUMN_INT8,       /* int64_t: bigint */
    O2C_COLUMN_INT4,       /* int32_t: integer */
    O2C_COLUMN_BOOL,       /* bool: boolean */
    O2C_COLUMN_DATE,       /* int32_t, days since 1970-01-01: date */
    O2C_COLUMN_TIMESTAMP,  /* int64_t, microseconds since 1970: timestamptz */
    O2C_COLUMN_INT4_ARRAY, /* struct o2c_int4_array: integer[]; at == NULL is NULL */
    O2C_COLUMN_INT8_ARRAY  /* struct o2c_int8_array: bigint[]; at == NULL is NULL */
};

struct o2c_int4_array {
    const int32_t *at;
    size_t count;
};

struct o2c_int8_array {
    const int64_t *at;
    size_t count;
};

struct o2c_column {
    const char *name;
    enum o2c_column_kind kind;
    size_t offset;
    size_t has_offset; /* of the bool beside a nullable number; 0: never NULL (or kind has
                          its own) */
};

#define O2C_COLUMN(kind, type, field)                                                      \
    {                                                                                      \
#field, O2C_COLUMN_##kind, offsetof(type, field), 0                                \
    }
#define O2C_NULLABLE(kind, type, field)                                                    \
    {                                                                                      \
#field, O2C_COLUMN_##kind, offsetof(type, field), offsetof(type, has_##field)      \
    }

/* Another way to find rows: by these columns (numbers into `columns`, account_id first). */
struct o2c_lookup {
    const char *name;
    const int *columns;
    size_t column_count;
};

struct o2c_table {
    const char *name;
    const char *row_type;
    size_t row_bytes;
    const struct o2c_column *columns;
    size_t column_count;
    size_t
        key_count; /* leading columns that are the primary key; TEXT, INT4 or INT8 only */
    const struct o2c_lookup *lookups;
    size_t lookup_count;
};

/* The host's own part of every row; rules never touch it. */
struct o2c_row {
    const struct o2c_table *table;
    struct o2c_row *next_in_table; /* among those to load, later among those to store */
    struct o2c_account *account;
    uint32_t
        edited_by;    /* the event (ordinal in the batch) whose undo image exists already */
    uint8_t table_no; /* place among the consumer's tables */
    uint8_t state;    /* enum row_state of rows_private.h */
};

/*
 * Values that name rows: those after account_id, in column order.  TEXT
 * columns take O2C_K, number columns O2C_N; fewer values than the key has are
 * a prefix:  O2C_KEY(O2C_K(order_id), O2C_N(line_no))
 */
enum {
    O2C_KEY_PARTS = 4
};

struct o2c_key_part {
    struct o2c_str text; /* at == NULL: the number counts */
    int64_t number;
};

struct o2c_key {
    size_t count;
    struct o2c_key_part part[O2C_KEY_PARTS];
};

#define O2C_K(str) ((struct o2c_key_part){str, 0})
#define O2C_N(value) ((struct o2c_key_part){{NULL, 0}, value})
#define O2C_KEY_NONE                                                                       \
    (&(const struct o2c_key){0}) /* the account's one row, or all its rows */
#define O2C_KEY(...)                                                                       \
    (&(const struct o2c_key){sizeof((struct o2c_key_part[]){__VA_ARGS__}) /                \
                                 sizeof(struct o2c_key_part),                              \
                             {__VA_ARGS__}})

#endif
