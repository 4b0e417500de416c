/* Wanted rows from PostgreSQL: one statement per table and way of wanting. */
#include <assert.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/host/rows.h"
#include "consumers/host/rows_private.h"
#include "runtime/base/arena.h"
#include "runtime/pg/pg.h"

#include "runtime/base/banned.h"

enum {
    PG_EPOCH_DAYS = 10957 /* 2000-01-01 */
};

/* ---- asking */

static void add_value(struct o2c_pg_array *array, enum o2c_column_kind kind,
                      const struct o2c_key_part *part)
{
    switch (kind) {
    case O2C_COLUMN_TEXT:
    case O2C_COLUMN_BYTES:
        o2c_pg_array_text(array, part->text);
        return;
    case O2C_COLUMN_INT8:
        o2c_pg_array_int8(array, part->number);
        return;
    case O2C_COLUMN_INT4:
        o2c_pg_array_int4(array, (int32_t)part->number);
        return;
    case O2C_COLUMN_DATE:
        o2c_pg_array_int4(array, (int32_t)part->number - PG_EPOCH_DAYS);
        return;
    case O2C_COLUMN_TIMESTAMP:
        o2c_pg_array_timestamp(array, part->number);
        return;
    case O2C_COLUMN_BOOL:
    case O2C_COLUMN_INT4_ARRAY:
    case O2C_COLUMN_INT8_ARRAY:
        break;
    }
    assert(false && "a key or look-up column is a text or a number");
}

static uint32_t element_oid(enum o2c_column_kind kind)
{
    static const uint32_t oids[] = {
        [O2C_COLUMN_TEXT] = O2C_OID_TEXT, [O2C_COLUMN_BYTES] = O2C_OID_BYTEA,
        [O2C_COLUMN_INT8] = O2C_OID_INT8, [O2C_COLUMN_INT4] = O2C_OID_INT4,
        [O2C_COLUMN_DATE] = O2C_OID_DATE, [O2C_COLUMN_TIMESTAMP] = O2C_OID_TIMESTAMPTZ,
    };

    return oids[kind];
}

static bool by_whole_key(const struct rows_table *table, size_t way_no)
{
    return way_no + 1 == table->table->key_count;
}

/*
 * The wanted rows or sets of a way, in key order or nearly so: PostgreSQL
 * finds 20,000 sorted keys in 84 ms, unsorted in 110.  NULL: no memory.
 */
static const void **in_order(const struct rows_table *table, size_t way_no, size_t count)
{
    struct o2c_rows *rows = table->rows;
    const void **at = o2c_arena_alloc(rows->arena, count * sizeof *at);
    size_t i = 0;
    bool sorted;

    if (!at)
        return NULL;
    if (by_whole_key(table, way_no)) {
        for (const struct o2c_row *row = table->wanted; row; row = row->next_in_table)
            at[i++] = row;
        sorted = o2c_rows_sort(rows, at, count);
    } else {
        for (const struct row_set *set = table->ways[way_no].wanted; set;
             set = set->next_in_way)
            at[i++] = set;
        sorted = o2c_rows_sort_sets(rows, at, count);
    }
    return sorted ? at : NULL;
}

/* Column i of the wanted keys; of whole keys from the rows, of other ways from the sets. */
static void add_array(struct o2c_pg_params *params, const struct rows_table *table,
                      size_t way_no, size_t i, const void **at, size_t count)
{
    const struct row_way *way = &table->ways[way_no];
    const struct o2c_column *column = &table->table->columns[i ? way->columns[i - 1] : 0];
    struct o2c_pg_array array;

    o2c_pg_array_begin(&array, params, element_oid(column->kind));
    for (size_t k = 0; k < count; k++) {
        const struct row_set *set = at[k];
        struct o2c_key_part part;

        if (by_whole_key(table, way_no))
            (void)o2c_row_part(at[k], column, &part);
        else
            part = i ? set->key.part[i - 1] : O2C_K(set->account->id);
        add_value(&array, column->kind, &part);
    }
    o2c_pg_array_end(&array);
}

static void on_rows(void *user, const PGresult *result);

static bool send_way(struct rows_table *table, struct o2c_pg *pg, size_t way_no)
{
    struct o2c_rows *rows = table->rows;
    const struct row_way *way = &table->ways[way_no];
    size_t count = by_whole_key(table, way_no) ? table->wanted_count : way->wanted_count;
    const void **at = count ? in_order(table, way_no, count) : NULL;

    if (!count)
        return false;
    o2c_pg_params_reset(&rows->params);
    for (size_t i = 0; at && i <= way->column_count; i++)
        add_array(&rows->params, table, way_no, i, at, count);
    if (!at || rows->params.buf.failed) {
        o2c_rows_fail(rows);
        return false;
    }
    o2c_pg_send(pg, way->statement, &rows->params, on_rows, table);
    return true;
}

bool o2c_rows_send_load(struct o2c_rows *rows, struct o2c_pg *pg)
{
    bool sent = false;

    assert(!rows->event && "rows are loaded before the first event is applied");
    o2c_rows_settle_wants(rows);
    for (size_t t = 0; t < rows->consumer->table_count; t++)
        for (size_t w = 0; w < rows->tables[t].way_count; w++)
            if (send_way(&rows->tables[t], pg, w))
                sent = true;
    o2c_rows_forget_wanted(rows);
    return sent;
}

/* ---- taking */

/* A number of a binary result, 4 or 8 bytes wide. */
static void take_item(void *ret, const char *at, size_t bytes)
{
    if (bytes == sizeof(uint32_t)) {
        uint32_t item;

        memcpy(&item, at, sizeof item);
        *(uint32_t *)ret = be32toh(item);
    } else {
        uint64_t item;

        memcpy(&item, at, sizeof item);
        *(uint64_t *)ret = be64toh(item);
    }
}

/*
 * The elements of a binary int4[] or int8[], of item_bytes each: after ndim,
 * flags and type come length, lower bound, and items with their length before
 * them.  NULL without memory, which the rows are told.
 */
static void *array_items(struct o2c_rows *rows, struct o2c_str array, size_t item_bytes,
                         size_t *ret_count)
{
    enum {
        HEADER_BYTES = 20,
        LENGTH_BYTES = 4
    };
    size_t step = LENGTH_BYTES + item_bytes;
    size_t count = array.len > HEADER_BYTES ? (array.len - HEADER_BYTES) / step : 0;
    char *items = o2c_arena_alloc(rows->arena, (count + 1) * item_bytes);

    if (!items)
        o2c_rows_fail(rows);
    for (size_t i = 0; items && i < count; i++)
        take_item(items + i * item_bytes, array.at + HEADER_BYTES + i * step + LENGTH_BYTES,
                  item_bytes);
    *ret_count = count;
    return items;
}

static void take_number(char *at, enum o2c_column_kind kind, const PGresult *result, int r,
                        int c)
{
    switch (kind) {
    case O2C_COLUMN_INT8:
        *(int64_t *)(void *)at = o2c_pg_get_int8(result, r, c);
        return;
    case O2C_COLUMN_TIMESTAMP:
        *(int64_t *)(void *)at = o2c_pg_get_timestamp(result, r, c);
        return;
    case O2C_COLUMN_INT4:
        *(int32_t *)(void *)at = o2c_pg_get_int4(result, r, c);
        return;
    case O2C_COLUMN_DATE:
        *(int32_t *)(void *)at = o2c_pg_get_date(result, r, c);
        return;
    case O2C_COLUMN_BOOL:
        *(bool *)(void *)at = o2c_pg_get_bool(result, r, c);
        return;
    case O2C_COLUMN_TEXT:
    case O2C_COLUMN_BYTES:
    case O2C_COLUMN_INT4_ARRAY:
    case O2C_COLUMN_INT8_ARRAY:
        return;
    }
}

static void take_column(struct o2c_row *row, const struct o2c_column *column,
                        const PGresult *result, int r, int c)
{
    struct o2c_rows *rows = row->account->rows;
    char *at = (char *)row + column->offset;

    if (o2c_pg_get_null(result, r, c))
        return; /* the row is all zero */
    if (column->has_offset)
        *(bool *)(void *)((char *)row + column->has_offset) = true;
    if (column->kind == O2C_COLUMN_TEXT || column->kind == O2C_COLUMN_BYTES) {
        if (!o2c_arena_copy(rows->arena, o2c_pg_get_text(result, r, c),
                            (struct o2c_str *)(void *)at))
            o2c_rows_fail(rows);
    } else if (column->kind == O2C_COLUMN_INT4_ARRAY) {
        struct o2c_int4_array *array = (struct o2c_int4_array *)(void *)at;

        array->at = array_items(rows, o2c_pg_get_text(result, r, c), sizeof *array->at,
                                &array->count);
    } else if (column->kind == O2C_COLUMN_INT8_ARRAY) {
        struct o2c_int8_array *array = (struct o2c_int8_array *)(void *)at;

        array->at = array_items(rows, o2c_pg_get_text(result, r, c), sizeof *array->at,
                                &array->count);
    } else {
        take_number(at, column->kind, result, r, c);
    }
}

/* The key as the result has it: borrowed from there. */
static struct o2c_key key_of(const struct o2c_table *table, const PGresult *result, int r)
{
    struct o2c_key key = {.count = table->key_count - 1};

    for (int i = 0; i < (int)key.count; i++) {
        switch (table->columns[i + 1].kind) {
        case O2C_COLUMN_INT4:
            key.part[i] = O2C_N(o2c_pg_get_int4(result, r, i + 1));
            break;
        case O2C_COLUMN_INT8:
            key.part[i] = O2C_N(o2c_pg_get_int8(result, r, i + 1));
            break;
        case O2C_COLUMN_TEXT:
        case O2C_COLUMN_BYTES:
        case O2C_COLUMN_BOOL:
        case O2C_COLUMN_DATE:
        case O2C_COLUMN_TIMESTAMP:
        case O2C_COLUMN_INT4_ARRAY:
        case O2C_COLUMN_INT8_ARRAY:
            key.part[i] = O2C_K(o2c_pg_get_text(result, r, i + 1));
        }
    }
    return key;
}

static bool own_key(struct o2c_arena *arena, struct o2c_key *key)
{
    for (size_t i = 0; i < key->count; i++)
        if (!o2c_arena_copy(arena, key->part[i].text, &key->part[i].text))
            return false;
    return true;
}

/* A row that several wants reach comes several times; the first is taken. */
static void take_row(struct rows_table *table, const PGresult *result, int r)
{
    struct o2c_rows *rows = table->rows;
    struct o2c_account *account =
        o2c_rows_find_account(rows, o2c_pg_get_text(result, r, 0));
    struct o2c_key key = key_of(table->table, result, r);
    struct o2c_row *row;

    if (!account)
        return; /* an answer to wants that were dropped by a reset */
    row = o2c_rows_get(account, table, &key);
    if (!row) {
        if (!own_key(rows->arena, &key)) {
            o2c_rows_fail(rows);
            return;
        }
        row = o2c_rows_get_or_make(account, table, &key,
                                   o2c_row_key_hash(account->hash, table, key.count, &key));
    }
    if (row->state & ROW_SCRATCH)
        return;
    if (row->state & ROW_STORED) {
        if (rows->loads > 1)
            o2c_rows_join(table, row, NULL);
        return;
    }
    for (size_t c = table->table->key_count; c < table->table->column_count; c++)
        take_column(row, &table->table->columns[c], result, r, (int)c);
    o2c_rows_enter(table, row);
}

static void on_rows(void *user, const PGresult *result)
{
    struct rows_table *table = user;

    for (int r = 0; r < PQntuples(result) && !table->rows->failed; r++)
        take_row(table, result, r);
}
