/* Keys of rows: from columns and from what rules say, hashed, compared and sorted. */
#include "consumers/host/rows_private.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/rows.h"
#include "runtime/base/hash.h"

#include "runtime/base/banned.h"

static bool is_text(const struct o2c_column *column)
{
    return column->kind == O2C_COLUMN_TEXT || column->kind == O2C_COLUMN_BYTES;
}

static int64_t number_at(const char *at, enum o2c_column_kind kind)
{
    switch (kind) {
    case O2C_COLUMN_INT8:
    case O2C_COLUMN_TIMESTAMP:
        return *(const int64_t *)(const void *)at;
    case O2C_COLUMN_INT4:
    case O2C_COLUMN_DATE:
        return *(const int32_t *)(const void *)at;
    case O2C_COLUMN_BOOL:
        return *(const bool *)(const void *)at;
    case O2C_COLUMN_TEXT:
    case O2C_COLUMN_BYTES:
    case O2C_COLUMN_INT4_ARRAY:
    case O2C_COLUMN_INT8_ARRAY:
        break;
    }
    assert(false && "a key or look-up column is a text or a number");
    return 0;
}

bool o2c_row_part(const void *row, const struct o2c_column *column,
                  struct o2c_key_part *ret)
{
    const char *at = row;

    *ret = (struct o2c_key_part){{NULL, 0}, 0};
    if (is_text(column)) {
        ret->text = *(const struct o2c_str *)(const void *)(at + column->offset);
        return ret->text.at;
    }
    if (column->has_offset && !*(const bool *)(at + column->has_offset))
        return false;
    ret->number = number_at(at + column->offset, column->kind);
    return true;
}

void o2c_row_set_key(struct o2c_row *row, const struct o2c_key *key)
{
    const struct o2c_column *column = row->table->columns;
    char *at = (char *)row;

    *(struct o2c_str *)(void *)(at + column->offset) = o2c_account_id(row->account);
    for (size_t i = 0; i < key->count; i++) {
        column++;
        if (is_text(column))
            *(struct o2c_str *)(void *)(at + column->offset) = key->part[i].text;
        else if (column->kind == O2C_COLUMN_INT4)
            *(int32_t *)(void *)(at + column->offset) = (int32_t)key->part[i].number;
        else
            *(int64_t *)(void *)(at + column->offset) = key->part[i].number;
    }
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

uint64_t o2c_row_key_hash(uint64_t account_hash, const struct rows_table *table,
                          size_t way_no, const struct o2c_key *key)
{
    uint64_t hash = mix(account_hash, (uint64_t)table->no << 8 | way_no);

    for (size_t i = 0; i < key->count; i++)
        hash = mix(hash, key->part[i].text.at
                             ? o2c_hash_64(key->part[i].text.at, key->part[i].text.len)
                             : (uint64_t)key->part[i].number);
    return hash;
}

static bool part_eq(const struct o2c_key_part *a, const struct o2c_key_part *b)
{
    if (!a->text.at || !b->text.at)
        return a->text.at == b->text.at && a->number == b->number;
    return a->text.len == b->text.len &&
           (a->text.at == b->text.at || !memcmp(a->text.at, b->text.at, a->text.len));
}

bool o2c_row_key_eq(const struct o2c_key *a, const struct o2c_key *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!part_eq(&a->part[i], &b->part[i]))
            return false;
    return true;
}

bool o2c_row_way_key(const void *row, const struct rows_table *table, size_t way_no,
                     struct o2c_key *ret_key)
{
    const struct row_way *way = &table->ways[way_no];

    ret_key->count = way->column_count;
    for (size_t i = 0; i < way->column_count; i++)
        if (!o2c_row_part(row, &table->table->columns[way->columns[i]], &ret_key->part[i]))
            return false;
    return true;
}

bool o2c_row_matches(const void *row, const struct rows_table *table, size_t way_no,
                     const struct o2c_key *key)
{
    const struct row_way *way = &table->ways[way_no];
    struct o2c_key_part part;

    for (size_t i = 0; i < key->count; i++)
        if (!o2c_row_part(row, &table->table->columns[way->columns[i]], &part) ||
            !part_eq(&part, &key->part[i]))
            return false;
    return true;
}

static int text_cmp(struct o2c_str a, struct o2c_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.at, b.at, len) : 0; /* absent: at is NULL */

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

int o2c_row_cmp(const void *a, const void *b)
{
    const struct o2c_row *row_a = a, *row_b = b;
    const struct o2c_table *table = row_a->table;
    int order = row_a->account == row_b->account ? 0
                                                 : text_cmp(o2c_account_id(row_a->account),
                                                            o2c_account_id(row_b->account));

    for (size_t i = 1; !order && i < table->key_count; i++) {
        struct o2c_key_part x, y;

        (void)o2c_row_part(a, &table->columns[i], &x);
        (void)o2c_row_part(b, &table->columns[i], &y);
        order = x.text.at ? text_cmp(x.text, y.text)
                          : (x.number > y.number) - (x.number < y.number);
    }
    return order;
}

static void sort_few(const void **at, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const void *row = at[i];
        size_t j = i;

        for (; j && o2c_row_cmp(at[j - 1], row) > 0; j--)
            at[j] = at[j - 1];
        at[j] = row;
    }
}

/* Merges the sorted halves of `at`; the first half goes through `space`. */
static void merge(const void **at, size_t half, size_t count, const void **space)
{
    size_t i = 0, j = half, out = 0;

    if (o2c_row_cmp(at[half - 1], at[half]) <= 0)
        return;
    memcpy(space, at, half * sizeof *at);
    while (i < half && j < count)
        at[out++] = o2c_row_cmp(space[i], at[j]) <= 0 ? space[i++] : at[j++];
    memcpy(at + out, space + i, (half - i) * sizeof *at);
}

static void sort(const void **at, size_t count, const void **space)
{
    if (count <= 12) {
        sort_few(at, count);
        return;
    }
    sort(at, count / 2, space);
    sort(at + count / 2, count - count / 2, space);
    merge(at, count / 2, count, space);
}

/* ---- many rows: by eight bytes of the account's id first */

struct entry {
    uint64_t prefix;
    const void *item;
};

enum {
    FEW = 64,
    RADIX = 256
};

/* The bytes after what all ids begin with, as a number that compares like them. */
static uint64_t prefix_of(const struct o2c_account *account, size_t skip)
{
    struct o2c_str id = account->id;
    uint8_t bytes[sizeof(uint64_t)] = {0};
    uint64_t prefix;

    if (id.len >= skip + sizeof prefix)
        memcpy(bytes, id.at + skip, sizeof prefix);
    else
        memcpy(bytes, id.at + skip, id.len - skip);
    memcpy(&prefix, bytes, sizeof prefix);
    return be64toh(prefix);
}

/* Counts of each value of each byte of the prefixes. */
static void count_bytes(const struct entry *entries, size_t count,
                        uint32_t counts[sizeof(uint64_t)][RADIX])
{
    memset(counts, 0, sizeof(uint64_t) * RADIX * sizeof counts[0][0]);
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < sizeof(uint64_t); b++)
            counts[b][entries[i].prefix >> (8 * b) & (RADIX - 1)]++;
}

/* Least byte first; bytes that are the same everywhere cost nothing.  Returns where the
 * result is. */
static struct entry *sort_by_prefix(struct entry *from, struct entry *to, size_t count)
{
    uint32_t counts[sizeof(uint64_t)][RADIX];

    count_bytes(from, count, counts);
    for (size_t b = 0; b < sizeof(uint64_t); b++) {
        uint32_t *starts = counts[b], sum = 0;
        struct entry *swap = from;

        if (starts[from[0].prefix >> (8 * b) & (RADIX - 1)] == count)
            continue;
        for (size_t v = 0; v < RADIX; v++) {
            uint32_t n = starts[v];

            starts[v] = sum;
            sum += n;
        }
        for (size_t i = 0; i < count; i++)
            to[starts[from[i].prefix >> (8 * b) & (RADIX - 1)]++] = from[i];
        from = to;
        to = swap;
    }
    return from;
}

static void sort_many(size_t skip, const void **at, size_t count, struct entry *space)
{
    struct entry *sorted;
    size_t i = 0;

    for (size_t e = 0; e < count; e++)
        space[e] = (struct entry){prefix_of(((const struct o2c_row *)at[e])->account, skip),
                                  at[e]};
    sorted = sort_by_prefix(space, space + count, count);
    for (size_t e = 0; e < count; e++)
        at[e] = sorted[e].item;
    while (i < count) {
        size_t end = i + 1;

        while (end < count && sorted[end].prefix == sorted[i].prefix)
            end++;
        /* what was sorted out up to `end` is not looked at again: its space is free */
        sort(at + i, end - i, (const void **)(void *)(sorted + i));
        i = end;
    }
}

static bool make_room(struct o2c_rows *rows, size_t count)
{
    size_t bytes = 2 * count * sizeof(struct entry);
    void *space;

    if (bytes <= rows->sort_bytes)
        return true;
    space = realloc(rows->sort_space, bytes);
    if (!space)
        return false;
    rows->sort_space = space;
    rows->sort_bytes = bytes;
    return true;
}

/*
 * Not qsort(): glibc's takes memory for every call of some size, and comparing
 * 50,000 rows by their texts is 400 ns a row, mostly cache misses (so: 100 ns).
 */
bool o2c_rows_sort(struct o2c_rows *rows, const void **at, size_t count)
{
    if (!make_room(rows, count))
        return false;
    if (count > FEW)
        sort_many(rows->id_skip, at, count, rows->sort_space);
    else
        sort(at, count, rows->sort_space);
    return true;
}

bool o2c_rows_sort_sets(struct o2c_rows *rows, const void **at, size_t count)
{
    struct entry *space;

    if (!make_room(rows, count))
        return false;
    space = rows->sort_space;
    for (size_t e = 0; e < count; e++)
        space[e] = (struct entry){
            prefix_of(((const struct row_set *)at[e])->account, rows->id_skip), at[e]};
    space = sort_by_prefix(space, space + count, count);
    for (size_t e = 0; e < count; e++)
        at[e] = space[e].item;
    return true;
}
