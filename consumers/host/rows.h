/*
 * rows.h - the rows of one account as a rule sees them: those it wanted, plus
 * what earlier events of the batch changed.  Changes go through an undo log;
 * a refused event leaves no trace.
 *
 * None of these functions fails.  When the batch's memory is used up they hand
 * out a scratch row and the host drops the batch and tries smaller ones, so
 * rules need no checks.  Asking for a row that the event did not want is a
 * programming error and asserts.
 */
#ifndef O2C_HOST_ROWS_H
#define O2C_HOST_ROWS_H

#include "consumers/host/table.h"

struct o2c_account;

/* The account every row here belongs to. */
struct o2c_str o2c_account_id(const struct o2c_account *account);

/* The row with this whole key, NULL if there is none.  Read only until o2c_row_edit. */
const void *o2c_row_find(struct o2c_account *account, const struct o2c_table *table,
                         const struct o2c_key *key);

/*
 * Makes a row changeable: remembers what it was, marks it for storing, hands
 * the same row back.  Key columns must not be changed.  Strings assigned to a
 * row must live in the batch arena, the event or another row.
 */
void *o2c_row_edit(const void *row);

/* A new row with its key set and all else zero; there must be none with that key. */
void *o2c_row_add(struct o2c_account *account, const struct o2c_table *table,
                  const struct o2c_key *key);

/*
 * A new row that nobody wanted: its key is one that no row can have yet, such
 * as the next number of a count kept in a row the event holds.
 */
void *o2c_row_append(struct o2c_account *account, const struct o2c_table *table,
                     const struct o2c_key *key);

/* Of a blind want: the row as an earlier event of the batch left it, or a new one. */
void *o2c_row_put(struct o2c_account *account, const struct o2c_table *table,
                  const struct o2c_key *key);

/* Deletes the row; find and the walks no longer see it. */
void o2c_row_remove(const void *row);

/*
 * Walks over the rows of a wanted prefix (in key order) or look-up (in key
 * order too).  Rows may be edited, not added or removed, while walking.
 *
 *     struct o2c_walk walk;
 *     o2c_walk_children(&walk, account, &line_table, O2C_KEY(O2C_K(order_id)));
 *     for (const struct line *line; (line = o2c_walk_next(&walk));)
 */
struct o2c_walk {
    const void *const *rows; /* in the batch arena */
    size_t count, at;
};

void o2c_walk_children(struct o2c_walk *walk, struct o2c_account *account,
                       const struct o2c_table *table, const struct o2c_key *prefix);
void o2c_walk_lookup(struct o2c_walk *walk, struct o2c_account *account,
                     const struct o2c_table *table, size_t lookup,
                     const struct o2c_key *values);
const void *o2c_walk_next(struct o2c_walk *walk);

#endif
