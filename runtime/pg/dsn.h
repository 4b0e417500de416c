/*
 * dsn.h - whether a connection string can be one at all: what no server has to
 * be asked for.
 */
#ifndef O2C_PG_DSN_H
#define O2C_PG_DSN_H

#include <stdbool.h>

#include "runtime/base/err.h"

/* FATAL for what is no connection string, an unknown option, or a number that is none; says
 * of which setting. */
enum o2c_verdict o2c_pg_check_dsn(const char *setting, const char *dsn,
                                  struct o2c_err *err) O2C_MUST_CHECK;

/*
 * Whether libpq gets as far as asking a server: false where it refuses a value that
 * o2c_pg_check_dsn does not know.  Tries to connect, 2 s for each server at most; to be
 * asked after a failure.
 */
bool o2c_pg_dsn_is_usable(const char *dsn);

/*
 * Defaults before the connection string, which may override them: a peer that
 * acknowledges nothing is given up 10 s after something was sent to it, or at
 * the third probe (11 s) where nothing was.  libpq's options ...
 */
#define O2C_PG_IDLE_S "5"
#define O2C_PG_PROBE_S "3"
#define O2C_PG_PROBES "3"
#define O2C_PG_UNANSWERED_MS "10000"
#define O2C_PG_TCP_OPTIONS                                                                 \
    "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"
#define O2C_PG_TCP_VALUES O2C_PG_IDLE_S, O2C_PG_PROBE_S, O2C_PG_PROBES, O2C_PG_UNANSWERED_MS

/*
 * ... and the same for the server's side of a session: the locks of a client
 * that is gone without a word go with it, not after Linux's two hours.
 */
#define O2C_PG_TCP_SQL                                                                     \
    "SELECT set_config('tcp_keepalives_idle', '" O2C_PG_IDLE_S "', false),"                \
    "       set_config('tcp_keepalives_interval', '" O2C_PG_PROBE_S "', false),"           \
    "       set_config('tcp_keepalives_count', '" O2C_PG_PROBES "', false),"               \
    "       set_config('tcp_user_timeout', '" O2C_PG_UNANSWERED_MS "', false)"

#endif
