/*
 * wants.h - what a needs() function says: which rows its apply() will look at.
 * The account is that of the event.  Wanting a row twice, in one event or in
 * several of a batch, costs nothing more.
 */
#ifndef O2C_HOST_WANTS_H
#define O2C_HOST_WANTS_H

#include "consumers/host/table.h"

struct o2c_wants;

/* The row with this whole key. */
void o2c_want_row(struct o2c_wants *wants, const struct o2c_table *table,
                  const struct o2c_key *key);

/* Every row whose key begins with these values: the lines of an order. */
void o2c_want_children(struct o2c_wants *wants, const struct o2c_table *table,
                       const struct o2c_key *prefix);

/* Every row that table->lookups[lookup] finds for these values. */
void o2c_want_lookup(struct o2c_wants *wants, const struct o2c_table *table, size_t lookup,
                     const struct o2c_key *values);

/*
 * Nothing is loaded for this row: apply() adds it with o2c_row_put() and the
 * last one wins.  For routes that store what the event says, whole.
 */
void o2c_want_blind(struct o2c_wants *wants, const struct o2c_table *table,
                    const struct o2c_key *key);

#endif
