/*
 * pg.h - one PostgreSQL connection in pipeline mode on a libuv loop: prepared
 * statements with binary parameters, grouped in units.  A unit is what lies
 * between two Syncs: one implicit transaction (READ COMMITTED), all or nothing.
 *
 * Life cycle: o2c_pg_open connects and keeps connecting, with back-off and
 * jitter (100 ms .. 5 s), until o2c_pg_close.  At each connection the
 * statements are prepared, then on_up is called.  When the connection is
 * lost, first every unit not yet answered gets on_done with O2C_RETRY and
 * lost = true, oldest first (its outcome is unknown: it may have been
 * committed), then on_down is called; then it connects again by itself.
 * So is a connection on which nothing moves for timeout_ms although the
 * server owes an answer: TCP tells of a peer that acknowledges nothing, not
 * of one that is frozen.  A lock that is not given for two thirds of that time costs the
 * unit alone (RETRY, 55P03), as long as it is the only one that the unit waits for.
 *
 * Callbacks run on the loop thread and may call any function here.
 */
#ifndef O2C_PG_PG_H
#define O2C_PG_PG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "runtime/base/err.h"

struct o2c_pg;
struct o2c_pg_params; /* binary.h */

struct o2c_pg_statement {
    const char *name;
    const char *sql;
};

typedef void o2c_pg_state_fn(void *user,
                             const struct o2c_err *err); /* err NULL for on_up */

struct o2c_pg_options {
    uv_loop_t *loop;
    const char *dsn;                           /* libpq connection string */
    const char *application_name;              /* shown in pg_stat_activity */
    const struct o2c_pg_statement *statements; /* borrowed while open */
    size_t statement_count;
    o2c_pg_state_fn *on_up;
    o2c_pg_state_fn *on_down;
    o2c_pg_state_fn *on_unreachable; /* each reason once; may be NULL */
    int64_t timeout_ms;              /* 0: silence is never too long, nor a lock */
    void *user;
};

#define O2C_PG_TIMEOUT_SETTING(type, member)                                               \
    {                                                                                      \
        "pg-timeout-ms", O2C_SETTING_INT, offsetof(type, member), "30000", 1000, 3600000,  \
            "ms",                                                                          \
            "without a sign of PostgreSQL for so long although it owes an answer, the "    \
            "connection is made anew",                                                     \
            false                                                                          \
    }

/* FATAL for a malformed dsn or no memory; a server that does not answer is no error here.
 */
enum o2c_verdict o2c_pg_open(struct o2c_pg **ret_pg, const struct o2c_pg_options *options,
                             struct o2c_err *err) O2C_MUST_CHECK;

/* Closes at once; units not answered get their on_done.  on_closed (may be NULL) comes
 * last. */
void o2c_pg_close(struct o2c_pg *pg, void (*on_closed)(void *user), void *user);

/* The rows of one statement of a unit; only for statements that succeeded.  Not to be
 * cleared. */
typedef void o2c_pg_result_fn(void *user, const PGresult *result);

/*
 * The unit is committed (O2C_OK), or nothing of it has happened (the verdict
 * by the table in errors.h), or the connection was lost (RETRY and `lost`).
 */
typedef void o2c_pg_done_fn(void *user, enum o2c_verdict verdict, bool lost,
                            const struct o2c_err *err);

/*
 * Adds a statement to the open unit.  The parameters are copied out before it
 * returns; the name must live as long as the connection.  on_result may be NULL.  A unit
 * fails as if it had been lost when the connection was not up for all of it; so does one
 * whose parameters did not fit into their buffer, which gives the connection up.
 */
void o2c_pg_send(struct o2c_pg *pg, const char *statement,
                 const struct o2c_pg_params *params, o2c_pg_result_fn *on_result,
                 void *user);

/* Closes the unit with a Sync and flushes.  on_done is never called from inside this call.
 */
void o2c_pg_sync(struct o2c_pg *pg, o2c_pg_done_fn *on_done, void *user);

/*
 * Asks the server to cancel what it is doing, from a short-lived thread of libuv's
 * pool.  PostgreSQL signals its process and then the group of it: what runs next may
 * be cancelled too (RETRY).
 */
void o2c_pg_cancel(struct o2c_pg *pg);

#endif
