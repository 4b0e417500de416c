#include "runtime/pg/errors.h"

#include <string.h>

#include "runtime/base/banned.h"

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 0;
}

int o2c_pg_sqlstate(const char text[5])
{
    int state = 0;

    for (int i = 0; i < 5; i++)
        state = state * 36 + digit(text[i]);
    return state;
}

static enum o2c_verdict verdict_of(const char *state)
{
    static const struct {
        const char *prefix;
        enum o2c_verdict verdict;
    } table[] = {
        {"O2C01", O2C_FENCED}, {"08", O2C_RETRY}, {"40", O2C_RETRY}, {"53", O2C_RETRY},
        {"55", O2C_RETRY},     {"57", O2C_RETRY}, {"58", O2C_RETRY}, {"22", O2C_PARK},
        {"23", O2C_PARK},      {"54", O2C_PARK},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (!strncmp(state, table[i].prefix, strlen(table[i].prefix)))
            return table[i].verdict;
    return O2C_FATAL;
}

/* libpq ends its messages with a newline. */
static int line_length(const char *text)
{
    return (int)strcspn(text, "\n");
}

enum o2c_verdict o2c_pg_fail_result(struct o2c_err *err, const PGresult *result,
                                    const char *what)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

    if (!state) { /* made by libpq itself: the connection */
        message = PQresultErrorMessage(result);
        return o2c_fail(err, O2C_RETRY, "%s: %.*s", what, line_length(message), message);
    }
    o2c_fail(err, verdict_of(state), "%s: %s %s%s%s%s", what, state, message ? message : "",
             detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
    err->native = o2c_pg_sqlstate(state);
    return err->verdict;
}

enum o2c_verdict o2c_pg_fail_connection(struct o2c_err *err, const PGconn *conn,
                                        const char *what)
{
    const char *message = conn ? PQerrorMessage(conn) : "no memory\n";

    return o2c_fail(err, O2C_RETRY, "%s: %.*s", what, line_length(message), message);
}
