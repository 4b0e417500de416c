/*
 * batch.h - the rows of one batch, as the engine sees them: what is wanted is
 * collected, loaded with one query per table and kind of want, changed by the
 * rules through rows.h, and stored with one statement per table.
 *
 * Memory only, apart from the statements it hands to runtime/pg: no clock, no
 * Kafka, no retry.  The engine has one for each of its batches, so that batch
 * N+1 collects its wants while batch N is being stored.
 *
 * Order of calls, per batch:
 *   o2c_rows_reset
 *   o2c_rows_want             once per event, before any load
 *   o2c_rows_send_load        then o2c_pg_sync by the engine; rows arrive
 *   o2c_rows_want_more        for events whose rows name further rows; load again
 *   per event: o2c_rows_account, o2c_rows_begin, apply(), o2c_rows_commit or o2c_rows_undo
 *   o2c_rows_send_store       inside the engine's unit, after the fence
 */
#ifndef O2C_HOST_BATCH_H
#define O2C_HOST_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct o2c_account;
struct o2c_arena;
struct o2c_consumer;
struct o2c_pg;
struct o2c_pg_statement;
struct o2c_rows;
struct o2c_wants;

/*
 * Rows are allocated in `arena`, which the engine owns, resets after the store
 * and uses for events too.
 */
enum o2c_verdict o2c_rows_new(struct o2c_rows **ret_rows,
                              const struct o2c_consumer *consumer, struct o2c_arena *arena,
                              struct o2c_err *err) O2C_MUST_CHECK;
void o2c_rows_free(struct o2c_rows *rows);
void o2c_rows_reset(struct o2c_rows *rows);

/* Gives back what a large batch needed; only after a reset. */
void o2c_rows_trim(struct o2c_rows *rows);

/*
 * The statements to prepare, generated from the table descriptions, for all
 * o2c_rows of a process: names and SQL live until o2c_rows_statements_free.
 * One per (table, way of wanting) to load, one MERGE and one DELETE per table.
 */
struct o2c_rows_statements;
struct o2c_rows_statements *o2c_rows_statements_new(const struct o2c_consumer *consumer);
const struct o2c_pg_statement *
o2c_rows_statements_list(const struct o2c_rows_statements *statements, size_t *ret_count);
void o2c_rows_statements_free(struct o2c_rows_statements *statements);

/*
 * Once per connection and o2c_rows, in a unit before its first load: makes the
 * planner keep to indexes (rows_statements.c says why), for every statement of
 * the connection, and reads the row types' OIDs.
 */
void o2c_rows_send_types(struct o2c_rows *rows, struct o2c_pg *pg);

/* Where a needs() function puts what it wants for this account. */
struct o2c_wants *o2c_rows_want(struct o2c_rows *rows, struct o2c_str account_id);

/*
 * Between loads: the account's rows as loaded, and where to put what is wanted
 * beyond them.
 */
struct o2c_wants *o2c_rows_want_more(struct o2c_rows *rows, struct o2c_str account_id,
                                     struct o2c_account **ret_account);

/*
 * Adds the load statements to the open unit; their results fill the rows.
 * False: nothing wanted, or no memory (o2c_rows_failed).  After a unit that failed: reset,
 * and want again.
 */
bool o2c_rows_send_load(struct o2c_rows *rows, struct o2c_pg *pg);

/* The account's rows as apply() gets them. */
struct o2c_account *o2c_rows_account(struct o2c_rows *rows, struct o2c_str account_id);

/* Around one apply(): undo puts every row back as it was at begin. */
void o2c_rows_begin(struct o2c_rows *rows);
void o2c_rows_commit(struct o2c_rows *rows);
void o2c_rows_undo(struct o2c_rows *rows);

/* Memory ran out since reset: scratch rows were handed out, the batch must be dropped. */
bool o2c_rows_failed(const struct o2c_rows *rows);

/* Adds MERGEs (and a DELETE) per changed table to the open unit.  Unchanged rows are not
 * sent. */
enum o2c_verdict o2c_rows_send_store(struct o2c_rows *rows, struct o2c_pg *pg,
                                     struct o2c_err *err) O2C_MUST_CHECK;

#endif
