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
 * o2c_pg_check_dsn does not know.  Tries to connect; to be asked after a failure.
 */
bool o2c_pg_dsn_is_usable(const char *dsn);

#endif
