#include "runtime/pg/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/clock.h"
#include "runtime/pg/await.h"
#include "runtime/pg/dsn.h"
#include "runtime/pg/errors.h"

#include "runtime/base/banned.h"

enum {
    COPY_AHEAD_BYTES = 64 * 1024 /* given to libpq without asking whether they were taken */
};

static void ignore_notice(void *user, const PGresult *result)
{
    (void)user;
    (void)result;
}

static void say_how_long(int64_t begun_us, struct o2c_err *err)
{
    int64_t waited_s = (o2c_clock_monotonic_us() - begun_us) / 1000000;
    size_t len = strlen(err->text);

    if (waited_s)
        snprintf(err->text + len, sizeof err->text - len, " (waited for %" PRId64 " s)",
                 waited_s);
}

/* What stands before dbname is a default: the connection string may say otherwise. */
enum o2c_verdict o2c_pg_connect(PGconn **ret_conn, const char *dsn,
                                const char *application_name, struct o2c_err *err)
{
    const char *names[] = {O2C_PG_TCP_OPTIONS, "fallback_application_name",
                           "connect_timeout", "dbname", NULL};
    const char *values[] = {O2C_PG_TCP_VALUES, application_name, "10", dsn, NULL};
    int64_t begun_us = o2c_clock_monotonic_us();
    PGconn *conn = PQconnectdbParams(names, values, 1);

    if (!conn || PQstatus(conn) != CONNECTION_OK || PQsetnonblocking(conn, 1)) {
        o2c_pg_fail_connection(err, conn, "PostgreSQL");
        PQfinish(conn);
        say_how_long(begun_us, err);
        return err->verdict;
    }
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    *ret_conn = conn;
    return O2C_OK;
}

/* ---- answers */

static bool is_copy(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT;
}

static bool is_refusal(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK &&
           status != PGRES_EMPTY_QUERY && !is_copy(result);
}

/* The next result; NULL: there is no further one. */
static enum o2c_verdict next(PGconn *conn, PGresult **ret_result, struct o2c_err *err)
{
    while (PQisBusy(conn))
        if (o2c_pg_await(conn, err))
            return err->verdict;
    *ret_result = PQgetResult(conn);
    return O2C_OK;
}

/* The last of several, or the one that begins a COPY.  Behind a refusal comes none, but
 * that the connection is gone. */
static enum o2c_verdict last(PGconn *conn, PGresult **ret_result, struct o2c_err *err)
{
    PGresult *result = NULL, *further = NULL;
    enum o2c_verdict verdict;

    while (!(verdict = next(conn, &further, err)) && further) {
        if (result && is_refusal(result)) {
            PQclear(further);
            continue;
        }
        PQclear(result);
        result = further;
        if (is_copy(result))
            break;
    }
    if (verdict && !(result && is_refusal(result))) {
        PQclear(result);
        return verdict;
    }
    *ret_result = result;
    return O2C_OK;
}

static enum o2c_verdict answer(PGconn *conn, int sent, PGresult **ret_result,
                               struct o2c_err *err)
{
    PGresult *result = NULL;

    if (!sent)
        return o2c_pg_fail_connection(err, conn, "PostgreSQL");
    if (last(conn, &result, err))
        return err->verdict;
    if (is_refusal(result)) {
        o2c_pg_fail_result(err, result, "PostgreSQL");
        PQclear(result);
        return err->verdict;
    }
    if (ret_result)
        *ret_result = result;
    else
        PQclear(result);
    return O2C_OK;
}

/* ---- questions */

enum o2c_verdict o2c_pg_query(PGconn *conn, const char *sql, const char *const *values,
                              size_t value_count, PGresult **ret_result,
                              struct o2c_err *err)
{
    return answer(
        conn, PQsendQueryParams(conn, sql, (int)value_count, NULL, values, NULL, NULL, 0),
        ret_result, err);
}

enum o2c_verdict o2c_pg_prepare(PGconn *conn, const char *name, const char *sql,
                                struct o2c_err *err)
{
    return answer(conn, PQsendPrepare(conn, name, sql, 0, NULL), NULL, err);
}

enum o2c_verdict o2c_pg_execute(PGconn *conn, const char *name, PGresult **ret_result,
                                struct o2c_err *err)
{
    return answer(conn, PQsendQueryPrepared(conn, name, 0, NULL, NULL, NULL, 0), ret_result,
                  err);
}

enum o2c_verdict o2c_pg_script(PGconn *conn, const char *sql, struct o2c_err *err)
{
    enum o2c_verdict verdict = answer(conn, PQsendQuery(conn, sql), NULL, err);
    struct o2c_err ignored;

    /* A script that failed inside its own BEGIN leaves the session in it. */
    if (verdict && PQtransactionStatus(conn) == PQTRANS_INERROR)
        (void)!answer(conn, PQsendQuery(conn, "ROLLBACK"), NULL, &ignored);
    return verdict;
}

/* ---- rows from one database into another */

/* One row, to be freed by PQfreemem; NULL behind the last one. */
static enum o2c_verdict get_row(PGconn *conn, char **ret_row, int *ret_len,
                                struct o2c_err *err)
{
    int len;

    *ret_row = NULL;
    while (!(len = PQgetCopyData(conn, ret_row, 1)))
        if (o2c_pg_await(conn, err))
            return err->verdict;
    *ret_len = len;
    return len == -2 ? o2c_pg_fail_connection(err, conn, "PostgreSQL") : O2C_OK;
}

static enum o2c_verdict put_row(PGconn *conn, const char *row, int len, size_t *ahead_bytes,
                                struct o2c_err *err)
{
    if (PQputCopyData(conn, row, len) != 1)
        return o2c_pg_fail_connection(err, conn, "PostgreSQL");
    *ahead_bytes += (size_t)len;
    if (*ahead_bytes < COPY_AHEAD_BYTES)
        return O2C_OK;
    *ahead_bytes = 0;
    return o2c_pg_flush(conn, err);
}

static enum o2c_verdict copy_rows(PGconn *from, PGconn *to, PGconn **ret_failed,
                                  struct o2c_err *err)
{
    size_t ahead_bytes = 0;
    char *row;
    int len = 0;

    for (;;) {
        *ret_failed = from;
        if (get_row(from, &row, &len, err))
            return err->verdict;
        if (!row)
            return O2C_OK;
        *ret_failed = to;
        enum o2c_verdict verdict = put_row(to, row, len, &ahead_bytes, err);
        PQfreemem(row);
        if (verdict)
            return verdict;
    }
}

enum o2c_verdict o2c_pg_copy(PGconn *from, const char *out_sql, PGconn *to,
                             const char *in_sql, PGconn **ret_failed, struct o2c_err *err)
{
    *ret_failed = from;
    if (o2c_pg_query(from, out_sql, NULL, 0, NULL, err))
        return err->verdict;
    *ret_failed = to;
    if (o2c_pg_query(to, in_sql, NULL, 0, NULL, err) ||
        copy_rows(from, to, ret_failed, err))
        return err->verdict;
    *ret_failed = from;
    if (answer(from, 1, NULL, err))
        return err->verdict;
    *ret_failed = to;
    return answer(to, PQputCopyEnd(to, NULL) == 1, NULL, err);
}
