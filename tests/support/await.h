/*
 * await.h - waiting for what another process does: look, and while it is not
 * there yet, look again.
 *
 *     struct await await = await_begin();
 *     while (!there())
 *         if (!await_more(&await))
 *             fail_msg("...");
 */
#ifndef O2C_TESTS_SUPPORT_AWAIT_H
#define O2C_TESTS_SUPPORT_AWAIT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

struct await {
    int64_t deadline_us;
};

struct await await_begin(void);
bool await_more(struct await *await); /* false: long enough */

/* Until the first column of the query's only row is this text. */
void await_sql(PGconn *conn, const char *expected, const char *sql);

/* What it is now; valid until the next call. */
const char *sql_text(PGconn *conn, const char *sql);

#endif
