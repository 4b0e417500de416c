/* What needs() functions say becomes rows to be asked for, and sets. */
#include "consumers/host/wants.h"

#include <assert.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "consumers/host/rows_private.h"
#include "runtime/base/hash.h"

#include "runtime/base/banned.h"

struct o2c_wants *o2c_rows_want(struct o2c_rows *rows, struct o2c_str account_id)
{
    assert(!rows->event && "wants come before the first event is applied");
    rows->wants =
        (struct o2c_wants){rows, account_id, o2c_hash_64(account_id.at, account_id.len),
                           o2c_rows_add_hint(rows, account_id)};
    o2c_row_map_prefetch(&rows->by_account, rows->wants.account_hash);
    return &rows->wants;
}

/* Without a hint: those lie in the order in which the events are applied. */
struct o2c_wants *o2c_rows_want_more(struct o2c_rows *rows, struct o2c_str account_id,
                                     struct o2c_account **ret_account)
{
    uint64_t hash = o2c_hash_64(account_id.at, account_id.len);

    assert(!rows->event && "wants come before the first event is applied");
    rows->wants = (struct o2c_wants){rows, account_id, hash, SIZE_MAX};
    rows->hinted_now = rows->hinted_end = NULL;
    *ret_account = o2c_rows_find_or_make_account(rows, account_id, hash);
    return &rows->wants;
}

/* ---- dealing with a want */

static void want_row(struct rows_table *table, struct o2c_row *row)
{
    if (row->state & (ROW_KNOWN | ROW_SCRATCH))
        return;
    row->state |= ROW_KNOWN;
    row->next_in_table = table->wanted;
    table->wanted = row;
    table->wanted_count++;
}

static void settle(struct o2c_rows *rows, const struct pending_want *want)
{
    struct o2c_account *account =
        o2c_rows_find_or_make_account(rows, want->account_id, want->account_hash);
    struct o2c_row *row;

    if (want->hint != SIZE_MAX)
        rows->hints[want->hint].account = account;
    if (want->kind == WANT_SET) {
        o2c_rows_want_set(account, want->table, want->way_no, &want->key);
        return;
    }
    row = o2c_rows_get_or_make(account, want->table, &want->key, want->key_hash);
    if (want->hinted != SIZE_MAX)
        rows->hinted[want->hinted] = row;
    if (want->kind == WANT_ROW)
        want_row(want->table, row);
    else
        row->state |= ROW_BLIND;
}

static struct pending_want *pending(struct o2c_rows *rows, size_t no)
{
    return &rows->pending[no % PENDING_WANTS];
}

void o2c_rows_settle_wants(struct o2c_rows *rows)
{
    while (rows->pending_first < rows->pending_end)
        settle(rows, pending(rows, rows->pending_first++));
}

static const struct row_map *map_of(const struct o2c_rows *rows, enum want_kind kind)
{
    return kind == WANT_SET ? &rows->by_set : &rows->by_key;
}

/* Of the want half way: its places in the maps have come, now what lies there. */
static void look_ahead(struct o2c_rows *rows)
{
    const struct pending_want *want;

    if (rows->pending_end - rows->pending_first <= PENDING_WANTS / 2)
        return;
    want = pending(rows, rows->pending_first + PENDING_WANTS / 2);
    o2c_row_map_prefetch_item(&rows->by_account, want->account_hash);
    o2c_row_map_prefetch_item(map_of(rows, want->kind), want->key_hash);
}

static void add(struct o2c_wants *wants, enum want_kind kind, const struct o2c_table *table,
                size_t way_no, const struct o2c_key *key)
{
    struct o2c_rows *rows = wants->rows;
    struct pending_want *want;

    if (rows->pending_end - rows->pending_first == PENDING_WANTS)
        settle(rows, pending(rows, rows->pending_first++));
    want = pending(rows, rows->pending_end++);
    want->kind = kind;
    want->way_no = (uint8_t)way_no;
    want->table = o2c_rows_table(rows, table);
    want->account_id = wants->account_id;
    want->account_hash = wants->account_hash;
    want->key_hash = o2c_row_key_hash(wants->account_hash, want->table, way_no, key);
    want->hint = wants->hint;
    want->hinted =
        kind == WANT_SET || wants->hint == SIZE_MAX ? SIZE_MAX : o2c_rows_add_hinted(rows);
    want->key.count = key->count;
    memcpy(want->key.part, key->part, key->count * sizeof key->part[0]);
    o2c_row_map_prefetch(map_of(rows, kind), want->key_hash);
    look_ahead(rows);
}

/* ---- what may be said */

void o2c_want_row(struct o2c_wants *wants, const struct o2c_table *table,
                  const struct o2c_key *key)
{
    assert(key->count + 1 == table->key_count);
    add(wants, WANT_ROW, table, key->count, key);
}

void o2c_want_children(struct o2c_wants *wants, const struct o2c_table *table,
                       const struct o2c_key *prefix)
{
    assert(prefix->count + 1 < table->key_count);
    add(wants, WANT_SET, table, prefix->count, prefix);
}

void o2c_want_lookup(struct o2c_wants *wants, const struct o2c_table *table, size_t lookup,
                     const struct o2c_key *values)
{
    assert(lookup < table->lookup_count);
    assert(values->count + 1 == table->lookups[lookup].column_count);
    add(wants, WANT_SET, table, table->key_count + lookup, values);
}

void o2c_want_blind(struct o2c_wants *wants, const struct o2c_table *table,
                    const struct o2c_key *key)
{
    assert(key->count + 1 == table->key_count);
    add(wants, WANT_BLIND, table, key->count, key);
}
