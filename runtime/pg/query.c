#include "runtime/pg/query.h"

#include "runtime/pg/dsn.h"
#include "runtime/pg/errors.h"

#include "runtime/base/banned.h"

enum {
    VALUES_MAX = 32
};

static void ignore_notice(void *user, const PGresult *result)
{
    (void)user;
    (void)result;
}

/* What stands before dbname is a default: the connection string may say otherwise. */
enum o2c_verdict o2c_pg_connect(PGconn **ret_conn, const char *dsn,
                                const char *application_name, struct o2c_err *err)
{
    const char *names[] = {O2C_PG_TCP_OPTIONS, "fallback_application_name",
                           "connect_timeout", "dbname", NULL};
    const char *values[] = {O2C_PG_TCP_VALUES, application_name, "10", dsn, NULL};
    PGconn *conn = PQconnectdbParams(names, values, 1);

    if (!conn || PQstatus(conn) != CONNECTION_OK) {
        o2c_pg_fail_connection(err, conn, "PostgreSQL");
        PQfinish(conn);
        return err->verdict;
    }
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    *ret_conn = conn;
    return O2C_OK;
}

static enum o2c_verdict taken(PGresult *result, PGresult **ret_result, struct o2c_err *err)
{
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK &&
        status != PGRES_EMPTY_QUERY) {
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

enum o2c_verdict o2c_pg_query(PGconn *conn, const char *sql, const char *const *values,
                              size_t value_count, PGresult **ret_result,
                              struct o2c_err *err)
{
    return taken(PQexecParams(conn, sql, (int)value_count, NULL, values, NULL, NULL, 0),
                 ret_result, err);
}

enum o2c_verdict o2c_pg_script(PGconn *conn, const char *sql, struct o2c_err *err)
{
    enum o2c_verdict verdict = taken(PQexec(conn, sql), NULL, err);

    /* A script that failed inside its own BEGIN leaves the session in it. */
    if (verdict && PQtransactionStatus(conn) == PQTRANS_INERROR)
        PQclear(PQexec(conn, "ROLLBACK"));
    return verdict;
}
