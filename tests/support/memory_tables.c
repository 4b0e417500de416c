#include "tests/support/memory_tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/host/rows_private.h"
#include "runtime/base/arena.h"

#include "runtime/base/banned.h"

struct kept {
    void **at; /* in key order */
    size_t count, cap;
};

struct memory_tables {
    const struct o2c_consumer *consumer;
    struct o2c_arena arena; /* every row ever kept, and what it points to */
    struct kept kept[];     /* per table of the consumer */
};

struct memory_tables *memory_tables_new(const struct o2c_consumer *consumer)
{
    struct memory_tables *tables =
        calloc(1, sizeof *tables + consumer->table_count * sizeof tables->kept[0]);

    if (!tables)
        abort();
    tables->consumer = consumer;
    o2c_arena_init(&tables->arena, SIZE_MAX / 2);
    return tables;
}

void memory_tables_free(struct memory_tables *tables)
{
    for (size_t t = 0; t < tables->consumer->table_count; t++)
        free(tables->kept[t].at);
    o2c_arena_clear(&tables->arena);
    free(tables);
}

static struct o2c_str account_of(const void *row, const struct o2c_table *table)
{
    return *(const struct o2c_str *)(const void *)((const char *)row +
                                                   table->columns[0].offset);
}

/* By account and key, whatever account objects the rows belong to. */
static int cmp(const void *a, const void *b, const struct o2c_table *table)
{
    int order = 0;

    for (size_t c = 0; !order && c < table->key_count; c++) {
        struct o2c_key_part x, y;

        (void)o2c_row_part(a, &table->columns[c], &x);
        (void)o2c_row_part(b, &table->columns[c], &y);
        order = x.text.at ? o2c_str_cmp(x.text, y.text)
                          : (x.number > y.number) - (x.number < y.number);
    }
    return order;
}

/* Where the row is, or belongs. */
static size_t place(const struct kept *kept, const void *row, const struct o2c_table *table,
                    bool *ret_found)
{
    size_t low = 0, high = kept->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (cmp(kept->at[middle], row, table) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low < kept->count && !cmp(kept->at[low], row, table);
    return low;
}

/* The bytes in the arena; at least one, so that something empty is there. */
static void *owned(const void *at, size_t bytes, struct o2c_arena *arena)
{
    void *copy = o2c_arena_alloc(arena, bytes + 1);

    if (!copy)
        abort();
    if (bytes)
        memcpy(copy, at, bytes);
    return copy;
}

/* Copies what the columns point to, so that nothing borrows from where it was. */
static void own_columns(void *row, const struct o2c_table *table, struct o2c_arena *arena)
{
    for (size_t c = 0; c < table->column_count; c++) {
        void *at = (char *)row + table->columns[c].offset;

        if (table->columns[c].kind == O2C_COLUMN_TEXT ||
            table->columns[c].kind == O2C_COLUMN_BYTES) {
            if (!o2c_arena_copy(arena, *(struct o2c_str *)at, at))
                abort();
        } else if (table->columns[c].kind == O2C_COLUMN_INT4_ARRAY) {
            struct o2c_int4_array *array = at;

            if (array->at)
                array->at = owned(array->at, array->count * sizeof *array->at, arena);
        } else if (table->columns[c].kind == O2C_COLUMN_INT8_ARRAY) {
            struct o2c_int8_array *array = at;

            if (array->at)
                array->at = owned(array->at, array->count * sizeof *array->at, arena);
        }
    }
}

/* ---- loading */

static bool is_wanted(const void *kept_row, struct o2c_account *account,
                      const struct rows_table *table)
{
    struct o2c_key key;
    const struct o2c_row *row;

    (void)o2c_row_way_key(kept_row, table, table->table->key_count - 1, &key);
    row = o2c_rows_get(account, table, &key);
    if (row && (row->state & ROW_KNOWN))
        return true;
    for (size_t w = 0; w < table->way_count; w++)
        for (const struct row_set *set = table->ways[w].wanted; set; set = set->next_in_way)
            if (set->account == account && o2c_row_matches(kept_row, table, w, &set->key))
                return true;
    return false;
}

static void load_row(const void *kept_row, struct o2c_rows *rows, struct rows_table *table)
{
    const struct o2c_table *described = table->table;
    struct o2c_account *account =
        o2c_rows_find_account(rows, account_of(kept_row, described));
    struct o2c_key key;
    struct o2c_row *row;

    if (!account || !is_wanted(kept_row, account, table))
        return;
    (void)o2c_row_way_key(kept_row, table, described->key_count - 1, &key);
    row = o2c_rows_get_or_make(account, table, &key,
                               o2c_row_key_hash(account->hash, table, key.count, &key));
    if (row->state & ROW_SCRATCH)
        return;
    if (row->state & ROW_STORED) {
        o2c_rows_join(table, row, NULL);
        return;
    }
    memcpy(row + 1, (const struct o2c_row *)kept_row + 1,
           described->row_bytes - sizeof(struct o2c_row));
    own_columns(row, described, rows->arena);
    o2c_rows_enter(table, row);
}

static bool is_anything_wanted(const struct o2c_rows *rows)
{
    for (size_t t = 0; t < rows->consumer->table_count; t++) {
        const struct rows_table *table = &rows->tables[t];

        if (table->wanted_count)
            return true;
        for (size_t w = 0; w < table->way_count; w++)
            if (table->ways[w].wanted_count)
                return true;
    }
    return false;
}

bool memory_tables_load(struct memory_tables *tables, struct o2c_rows *rows)
{
    bool wanted;

    o2c_rows_settle_wants(rows);
    wanted = is_anything_wanted(rows);
    for (size_t t = 0; t < tables->consumer->table_count; t++)
        for (size_t i = 0; i < tables->kept[t].count; i++)
            load_row(tables->kept[t].at[i], rows, &rows->tables[t]);
    o2c_rows_forget_wanted(rows);
    return wanted;
}

/* ---- storing */

static void remove_at(struct kept *kept, size_t at)
{
    kept->count--;
    memmove(kept->at + at, kept->at + at + 1, (kept->count - at) * sizeof *kept->at);
}

static void insert_at(struct kept *kept, size_t at, void *row)
{
    if (kept->count == kept->cap) {
        kept->cap = kept->cap ? kept->cap * 2 : 64;
        kept->at = realloc(kept->at, kept->cap * sizeof *kept->at);
        if (!kept->at)
            abort();
    }
    memmove(kept->at + at + 1, kept->at + at, (kept->count - at) * sizeof *kept->at);
    kept->at[at] = row;
    kept->count++;
}

static void store_row(struct memory_tables *tables, struct kept *kept,
                      const struct o2c_row *row)
{
    bool found;
    size_t at = place(kept, row, row->table, &found);
    void *copy;

    if (!(row->state & ROW_PRESENT)) {
        if (found)
            remove_at(kept, at);
        return;
    }
    copy = o2c_arena_alloc(&tables->arena, row->table->row_bytes);
    if (!copy)
        abort();
    memcpy(copy, row, row->table->row_bytes);
    own_columns(copy, row->table, &tables->arena);
    if (found)
        kept->at[at] = copy;
    else
        insert_at(kept, at, copy);
}

void memory_tables_store(struct memory_tables *tables, struct o2c_rows *rows)
{
    for (size_t t = 0; t < tables->consumer->table_count; t++)
        for (const struct o2c_row *row = rows->tables[t].changed; row;
             row = row->next_in_table)
            store_row(tables, &tables->kept[t], row);
}

/* ---- looking */

static const struct kept *find(const struct memory_tables *tables,
                               const struct o2c_table *table)
{
    size_t t = 0;

    while (tables->consumer->tables[t] != table) {
        t++;
        assert(t < tables->consumer->table_count);
    }
    return &tables->kept[t];
}

const void *memory_tables_row(const struct memory_tables *tables,
                              const struct o2c_table *table, size_t i)
{
    const struct kept *kept = find(tables, table);

    return i < kept->count ? kept->at[i] : NULL;
}

size_t memory_tables_count(const struct memory_tables *tables,
                           const struct o2c_table *table)
{
    return find(tables, table)->count;
}
