/*
 * errors.h - the one table from SQLSTATE to verdict:
 *
 *   O2C01                          FENCED   raised by the fence
 *   08 40 53 55 57 58              RETRY    connection, serialization, resources, lock,
 * shutdown, system 22 23                          PARK     the data: after bisection to the
 * event 42 3D 3F 28 and anything else  FATAL    missing table, wrong privileges, bug
 */
#ifndef O2C_PG_ERRORS_H
#define O2C_PG_ERRORS_H

#include <libpq-fe.h>

#include "runtime/base/err.h"

/* "O2C01" as the number err.native carries; five characters of [0-9A-Z]. */
int o2c_pg_sqlstate(const char text[5]);

/* Fills err from a failed result: "what: SQLSTATE message (detail)". */
enum o2c_verdict o2c_pg_fail_result(struct o2c_err *err, const PGresult *result,
                                    const char *what);

/* Fills err (RETRY) from a connection that failed. */
enum o2c_verdict o2c_pg_fail_connection(struct o2c_err *err, const PGconn *conn,
                                        const char *what);

#endif
