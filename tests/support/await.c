#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "runtime/base/clock.h"

#include "runtime/base/banned.h"

enum {
    PATIENCE_US = 40 * 1000000,
    LOOK_EVERY_NS = 5 * 1000000
};

struct await await_begin(void)
{
    return (struct await){o2c_clock_monotonic_us() + PATIENCE_US};
}

bool await_more(struct await *await)
{
    const struct timespec moment = {0, LOOK_EVERY_NS};

    nanosleep(&moment, NULL);
    return o2c_clock_monotonic_us() < await->deadline_us;
}

const char *sql_text(PGconn *conn, const char *sql)
{
    static char text[65536];
    PGresult *result = PQexec(conn, sql);

    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    snprintf(text, sizeof text, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return text;
}

void await_sql(PGconn *conn, const char *expected, const char *sql)
{
    struct await await = await_begin();

    while (strcmp(sql_text(conn, sql), expected) != 0)
        if (!await_more(&await))
            fail_msg("%s: is \"%s\", expected \"%s\"", sql, sql_text(conn, sql), expected);
}
