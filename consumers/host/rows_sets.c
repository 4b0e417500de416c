/*
 * Sets of rows: what a wanted prefix or look-up names.  Members are added when
 * a row is loaded and when an event that added or moved one is committed, and
 * checked again by every walk: a row that was removed or whose look-up columns
 * changed is left out there.  What the present event has done so far is read
 * from the undo log, so that undoing it needs nothing here.
 */
#include <assert.h>
#include <string.h>

#include "consumers/host/rows.h"
#include "consumers/host/rows_private.h"
#include "runtime/base/arena.h"

#include "runtime/base/banned.h"

static struct row_set *find_set(struct o2c_account *account, const struct rows_table *table,
                                size_t way_no, const struct o2c_key *key)
{
    struct o2c_rows *rows = account->rows;
    uint64_t hash;
    size_t at;

    if (!table->ways[way_no].set_count)
        return NULL;
    at = hash = o2c_row_key_hash(account->hash, table, way_no, key);
    for (struct row_set *set; (set = o2c_row_map_next(&rows->by_set, hash, &at));)
        if (set->account == account && set->table_no == table->no &&
            set->way_no == way_no && o2c_row_key_eq(&set->key, key))
            return set;
    return NULL;
}

void o2c_rows_want_set(struct o2c_account *account, struct rows_table *table, size_t way_no,
                       const struct o2c_key *key)
{
    struct o2c_rows *rows = account->rows;
    struct row_way *way = &table->ways[way_no];
    struct row_set *set;

    if (account == rows->scratch_account || find_set(account, table, way_no, key))
        return;
    set = o2c_arena_zalloc(rows->arena, sizeof *set);
    if (!set ||
        !o2c_row_map_add(&rows->by_set, o2c_row_key_hash(account->hash, table, way_no, key),
                         set)) {
        o2c_rows_fail(rows);
        return;
    }
    set->account = account;
    set->key = *key;
    set->table_no = table->no;
    set->way_no = (uint8_t)way_no;
    set->sorted = true;
    set->next_in_way = way->wanted;
    way->wanted = set;
    way->wanted_count++;
    way->set_count++;
    table->set_count++;
}

static struct row_set *find_covering(struct o2c_account *account,
                                     const struct rows_table *table,
                                     const struct o2c_key *key)
{
    struct o2c_key prefix = *key;

    if (!table->set_count)
        return NULL;
    for (size_t n = key->count + 1; n-- > 0;) {
        struct row_set *set;

        prefix.count = n;
        set = find_set(account, table, n, &prefix);
        if (set)
            return set;
    }
    return NULL;
}

bool o2c_rows_covered(struct o2c_account *account, const struct rows_table *table,
                      const struct o2c_key *key)
{
    return find_covering(account, table, key);
}

static void add_member(struct o2c_rows *rows, struct row_set *set,
                       const struct o2c_row *row)
{
    if (set->count == set->cap) {
        size_t cap = set->cap ? set->cap * 2 : 4;
        const void **members = o2c_arena_alloc(rows->arena, cap * sizeof *members);

        if (!members) {
            o2c_rows_fail(rows);
            return;
        }
        if (set->count)
            memcpy(members, set->members, set->count * sizeof *members);
        set->members = members;
        set->cap = cap;
    }
    if (set->count && o2c_row_cmp(set->members[set->count - 1], row) >= 0)
        set->sorted = false;
    set->members[set->count++] = row;
}

void o2c_rows_join(struct rows_table *table, const struct o2c_row *row, const void *before)
{
    for (size_t w = 0; w < table->way_count; w++) {
        struct row_set *set;
        struct o2c_key key;

        if (!table->ways[w].set_count || !o2c_row_way_key(row, table, w, &key))
            continue;
        if (before && o2c_row_matches(before, table, w, &key))
            continue;
        set = find_set(row->account, table, w, &key);
        if (set)
            add_member(row->account->rows, set, row);
    }
}

/* ---- walks */

static bool is_member(const struct o2c_row *row, const struct rows_table *table,
                      size_t way_no, const struct o2c_key *key)
{
    return (row->state & ROW_PRESENT) && o2c_row_matches(row, table, way_no, key);
}

/* Sorted by key, each row once; returns how many are left. */
static size_t put_in_order(struct o2c_rows *rows, const void **at, size_t count)
{
    size_t out = 0;

    if (!o2c_rows_sort(rows, at, count)) {
        o2c_rows_fail(rows);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        if (!out || at[out - 1] != at[i])
            at[out++] = at[i];
    return out;
}

/* With nothing of the table changed by the present event, the set can be put right for
 * good. */
static void walk_in_place(struct o2c_walk *walk, struct row_set *set,
                          const struct rows_table *table)
{
    size_t out = 0;

    for (size_t i = 0; i < set->count; i++)
        if (is_member(set->members[i], table, set->way_no, &set->key))
            set->members[out++] = set->members[i];
    set->count = out;
    if (!set->sorted) {
        set->count = put_in_order(table->rows, set->members, set->count);
        set->sorted = true;
    }
    *walk = (struct o2c_walk){set->members, set->count, 0};
}

/* Members of `set` and rows the present event touched, as far as they match the key. */
static void walk_copy(struct o2c_walk *walk, struct o2c_account *account,
                      const struct row_set *set, const struct rows_table *table,
                      size_t way_no, const struct o2c_key *key)
{
    struct o2c_rows *rows = account->rows;
    const void **at =
        o2c_arena_alloc(rows->arena, (set->count + rows->log_count + 1) * sizeof *at);
    size_t count = 0;

    if (!at) {
        o2c_rows_fail(rows);
        return;
    }
    for (size_t i = 0; i < set->count; i++)
        if (is_member(set->members[i], table, way_no, key))
            at[count++] = set->members[i];
    for (size_t i = 0; i < rows->log_count; i++) {
        const struct o2c_row *row = rows->log[i].row;

        if (row->table_no == table->no && row->account == account &&
            is_member(row, table, way_no, key))
            at[count++] = row;
    }
    *walk = (struct o2c_walk){at, put_in_order(rows, at, count), 0};
}

static void walk(struct o2c_walk *ret_walk, struct o2c_account *account,
                 const struct o2c_table *table, size_t way_no, const struct o2c_key *key)
{
    struct o2c_rows *rows = account->rows;
    struct rows_table *rows_table = o2c_rows_table(rows, table);
    struct row_set *set = find_set(account, rows_table, way_no, key);
    bool touched = rows->in_event && rows_table->touched_by == rows->event;

    *ret_walk = (struct o2c_walk){NULL, 0, 0};
    if (set && !touched) {
        walk_in_place(ret_walk, set, rows_table);
        return;
    }
    if (!set && way_no < table->key_count)
        set = find_covering(account, rows_table, key);
    assert((set || rows->failed || !rows->in_event) &&
           "a walk over rows that the event did not want");
    if (set)
        walk_copy(ret_walk, account, set, rows_table, way_no, key);
}

void o2c_walk_children(struct o2c_walk *ret_walk, struct o2c_account *account,
                       const struct o2c_table *table, const struct o2c_key *prefix)
{
    assert(prefix->count + 1 < table->key_count);
    walk(ret_walk, account, table, prefix->count, prefix);
}

void o2c_walk_lookup(struct o2c_walk *ret_walk, struct o2c_account *account,
                     const struct o2c_table *table, size_t lookup,
                     const struct o2c_key *values)
{
    assert(lookup < table->lookup_count);
    walk(ret_walk, account, table, table->key_count + lookup, values);
}

const void *o2c_walk_next(struct o2c_walk *ret_walk)
{
    return ret_walk->at < ret_walk->count ? ret_walk->rows[ret_walk->at++] : NULL;
}
