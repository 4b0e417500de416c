/* What needs() functions say becomes rows to be asked for, and sets. */
#include "consumers/host/wants.h"

#include <assert.h>

#include "consumers/host/rows_private.h"

#include "runtime/base/banned.h"

void o2c_want_row(struct o2c_wants *wants, const struct o2c_table *table,
                  const struct o2c_key *key)
{
    struct rows_table *rows_table = o2c_rows_table(wants->rows, table);
    struct o2c_row *row = o2c_rows_get_or_make(wants->account, rows_table, key);

    if (row->state & (ROW_KNOWN | ROW_SCRATCH))
        return;
    row->state |= ROW_KNOWN;
    row->next_in_table = rows_table->wanted;
    rows_table->wanted = row;
    rows_table->wanted_count++;
}

void o2c_want_children(struct o2c_wants *wants, const struct o2c_table *table,
                       const struct o2c_key *prefix)
{
    assert(prefix->count + 1 < table->key_count);
    o2c_rows_want_set(wants->account, o2c_rows_table(wants->rows, table), prefix->count,
                      prefix);
}

void o2c_want_lookup(struct o2c_wants *wants, const struct o2c_table *table, size_t lookup,
                     const struct o2c_key *values)
{
    assert(lookup < table->lookup_count);
    assert(values->count + 1 == table->lookups[lookup].column_count);
    o2c_rows_want_set(wants->account, o2c_rows_table(wants->rows, table),
                      table->key_count + lookup, values);
}

void o2c_want_blind(struct o2c_wants *wants, const struct o2c_table *table,
                    const struct o2c_key *key)
{
    o2c_rows_get_or_make(wants->account, o2c_rows_table(wants->rows, table), key)->state |=
        ROW_BLIND;
}
