/*
 * await.h - how query.h waits for PostgreSQL on a connection of its own, which is in
 * libpq's nonblocking mode.
 *
 * TCP tells of a peer that acknowledges nothing (dsn.h), not of one that is frozen.  How
 * long an answer may take is not known of a query, so that a long one is told from a silent
 * server by asking: after 10 s without an answer a second connection to the same server is
 * begun. Whatever comes of it, the server is there, and it is waited for again; where it
 * does not move for 10 s either, the server is lost.  A service, whose questions are short,
 * has a limit instead.
 *
 * Ends with RETRY: "interrupted" (runtime/base/stop.h), or that the server, which is named,
 * is lost.  Nothing can be asked on this connection then.
 */
#ifndef O2C_PG_AWAIT_H
#define O2C_PG_AWAIT_H

#include <libpq-fe.h>
#include <stdint.h>

#include "runtime/base/err.h"

/* Of the whole process; 0: none, the server is asked. */
void o2c_pg_answer_within(int64_t timeout_ms);

/* Sends what is to be sent, and takes in something of the answer. */
enum o2c_verdict o2c_pg_await(PGconn *conn, struct o2c_err *err) O2C_MUST_CHECK;

/* Sends what is to be sent; takes in what comes meanwhile. */
enum o2c_verdict o2c_pg_flush(PGconn *conn, struct o2c_err *err) O2C_MUST_CHECK;

#endif
