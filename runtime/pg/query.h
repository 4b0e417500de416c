/*
 * query.h - questions to PostgreSQL that are waited for: for the command line tools and for
 * start-up, where no loop runs yet.  Text results.  How long an answer may take, and what
 * ends waiting, says await.h.
 */
#ifndef O2C_PG_QUERY_H
#define O2C_PG_QUERY_H

#include <libpq-fe.h>
#include <stddef.h>

#include "runtime/base/err.h"

/* 10 s for each server at most, unless the connection string has a connect_timeout; nothing
 * else ends it. */
enum o2c_verdict o2c_pg_connect(PGconn **ret_conn, const char *dsn,
                                const char *application_name,
                                struct o2c_err *err) O2C_MUST_CHECK;

/* `values` are text, NULL for SQL NULL.  The caller clears *ret_result (may be NULL: no
 * rows wanted). */
enum o2c_verdict o2c_pg_query(PGconn *conn, const char *sql, const char *const *values,
                              size_t value_count, PGresult **ret_result,
                              struct o2c_err *err) O2C_MUST_CHECK;

/* A statement without parameters, which has its plan once. */
enum o2c_verdict o2c_pg_prepare(PGconn *conn, const char *name, const char *sql,
                                struct o2c_err *err) O2C_MUST_CHECK;
enum o2c_verdict o2c_pg_execute(PGconn *conn, const char *name, PGresult **ret_result,
                                struct o2c_err *err) O2C_MUST_CHECK;

/* A script of several statements, as one simple-protocol message. */
enum o2c_verdict o2c_pg_script(PGconn *conn, const char *sql,
                               struct o2c_err *err) O2C_MUST_CHECK;

/*
 * The rows of `COPY ... TO STDOUT` in one database become those of `COPY ... FROM STDIN` in
 * another.  Which of the two it was that failed, *ret_failed says.
 */
enum o2c_verdict o2c_pg_copy(PGconn *from, const char *out_sql, PGconn *to,
                             const char *in_sql, PGconn **ret_failed,
                             struct o2c_err *err) O2C_MUST_CHECK;

#endif
