/*
 * query.h - blocking queries for the command line tools and for start-up,
 * where no loop runs yet.  Text results.
 */
#ifndef O2C_PG_QUERY_H
#define O2C_PG_QUERY_H

#include <libpq-fe.h>
#include <stddef.h>

#include "runtime/base/err.h"

/* 10 s for each server at most, unless the connection string has a connect_timeout. */
enum o2c_verdict o2c_pg_connect(PGconn **ret_conn, const char *dsn,
                                const char *application_name,
                                struct o2c_err *err) O2C_MUST_CHECK;

/* `values` are text, NULL for SQL NULL.  The caller clears *ret_result (may be NULL: no
 * rows wanted). */
enum o2c_verdict o2c_pg_query(PGconn *conn, const char *sql, const char *const *values,
                              size_t value_count, PGresult **ret_result,
                              struct o2c_err *err) O2C_MUST_CHECK;

/* A script of several statements, as one simple-protocol message. */
enum o2c_verdict o2c_pg_script(PGconn *conn, const char *sql,
                               struct o2c_err *err) O2C_MUST_CHECK;

#endif
