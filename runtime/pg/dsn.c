#include "runtime/pg/dsn.h"

#include <libpq-fe.h>
#include <string.h>

#include "runtime/base/str.h"

#include "runtime/base/banned.h"

enum {
    PORT_MAX = 65535
};

/* libpq reads these only once it connects. */
static bool is_number(const char *option)
{
    static const char *const numbers[] = {
        "connect_timeout",     "keepalives",       "keepalives_idle",
        "keepalives_interval", "keepalives_count", "tcp_user_timeout",
    };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (!strcmp(option, numbers[i]))
            return true;
    return false;
}

/* One for each host, separated by commas; an empty one is the default. */
static bool are_ports(const char *text)
{
    for (;;) {
        struct o2c_str port = {text, strcspn(text, ",")};
        int64_t number = 1;

        if ((port.len && !o2c_str_to_int64(port, &number)) || number < 1 ||
            number > PORT_MAX)
            return false;
        if (!text[port.len])
            return true;
        text += port.len + 1;
    }
}

static enum o2c_verdict check_option(const char *setting, const PQconninfoOption *option,
                                     struct o2c_err *err)
{
    int64_t number;

    if (!option->val || !*option->val)
        return O2C_OK;
    if (!strcmp(option->keyword, "port") && !are_ports(option->val))
        return o2c_fail(err, O2C_FATAL, "%s: port \"%s\" is no number from 1 to %d",
                        setting, option->val, PORT_MAX);
    if (is_number(option->keyword) && !o2c_str_to_int64(o2c_str_from(option->val), &number))
        return o2c_fail(err, O2C_FATAL, "%s: %s \"%s\" is no whole number", setting,
                        option->keyword, option->val);
    return O2C_OK;
}

enum o2c_verdict o2c_pg_check_dsn(const char *setting, const char *dsn, struct o2c_err *err)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(dsn, &message);
    enum o2c_verdict verdict = O2C_OK;

    if (!options) {
        o2c_fail(err, O2C_FATAL, "%s: %.*s", setting,
                 message ? (int)strcspn(message, "\n") : 9,
                 message ? message : "no memory");
        PQfreemem(message);
        return err->verdict;
    }
    for (const PQconninfoOption *option = options; option->keyword && !verdict; option++)
        verdict = check_option(setting, option, err);
    PQconninfoFree(options);
    return verdict;
}

/* 2 is the least that libpq takes. */
bool o2c_pg_dsn_is_usable(const char *dsn)
{
    const char *names[] = {"dbname", "connect_timeout", NULL};
    const char *values[] = {dsn, "2", NULL};

    return PQpingParams(names, values, 1) != PQPING_NO_ATTEMPT;
}
