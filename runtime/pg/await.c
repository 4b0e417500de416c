#include "runtime/pg/await.h"

#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/base/clock.h"
#include "runtime/base/stop.h"

#include "runtime/base/banned.h"

/* Until the server is asked, and until that has lasted too long.  A test compiles this with
 * less. */
#ifndef O2C_PG_SILENT_MS
#define O2C_PG_SILENT_MS 10000
#endif

enum {
    SLICE_MS = 100,
    SILENT_US = O2C_PG_SILENT_MS * 1000
};

static int64_t limit_us;

void o2c_pg_answer_within(int64_t timeout_ms)
{
    limit_us = timeout_ms * 1000;
}

struct wait {
    PGconn *conn;
    PGconn *second; /* NULL: none is under way */
    short second_events;
    int64_t begun_us;
    int64_t moved_us; /* on the connection, or it was asked whether the server is there */
    int64_t second_moved_us; /* on the second one */
};

static enum o2c_verdict lost(const struct wait *wait, const char *why, struct o2c_err *err)
{
    int64_t waited_s = (o2c_clock_monotonic_us() - wait->begun_us + 500000) / 1000000;

    return o2c_fail(err, O2C_RETRY, "PostgreSQL at %s:%s: %.*s (waited for %" PRId64 " s)",
                    PQhost(wait->conn), PQport(wait->conn), (int)strcspn(why, "\n"), why,
                    waited_s);
}

/* ---- the second connection */

static void end_second(struct wait *wait)
{
    PQfinish(wait->second);
    wait->second = NULL;
    wait->moved_us = o2c_clock_monotonic_us();
}

static void take_step(struct wait *wait)
{
    wait->second_moved_us = o2c_clock_monotonic_us();
    switch (PQconnectPoll(wait->second)) {
    case PGRES_POLLING_READING:
        wait->second_events = POLLIN;
        break;
    case PGRES_POLLING_WRITING:
        wait->second_events = POLLOUT;
        break;
    case PGRES_POLLING_OK:
    case PGRES_POLLING_FAILED: /* refused is answered, too */
    case PGRES_POLLING_ACTIVE:
        end_second(wait);
        break;
    }
}

enum {
    OPTIONS_MAX = 100 /* more than libpq has */
};

struct options {
    const char *names[OPTIONS_MAX + 1], *values[OPTIONS_MAX + 1];
    int count;
};

static void put_option(struct options *options, const char *name, const char *value)
{
    assert(options->count < OPTIONS_MAX);
    options->names[options->count] = name;
    options->values[options->count++] = value;
}

/* Which of several servers it is, the connection itself says; how long this one may be
 * silent is looked at here. */
static bool is_copied(const PQconninfoOption *option)
{
    static const char *const others[] = {"host", "hostaddr", "port", "tcp_user_timeout"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (!strcmp(option->keyword, others[i]))
            return false;
    return option->val != NULL;
}

static PGconn *start_second(PGconn *conn)
{
    PQconninfoOption *all = PQconninfo(conn);
    struct options options = {.count = 0};
    PGconn *second;

    for (const PQconninfoOption *option = all; option && option->keyword; option++)
        if (is_copied(option))
            put_option(&options, option->keyword, option->val);
    put_option(&options, "host", PQhost(conn));
    put_option(&options, "hostaddr", PQhostaddr(conn));
    put_option(&options, "port", PQport(conn));
    second = PQconnectStartParams(options.names, options.values, 0);
    PQconninfoFree(all);
    return second;
}

static void begin_second(struct wait *wait)
{
    wait->second = start_second(wait->conn);
    wait->second_moved_us = o2c_clock_monotonic_us();
    wait->second_events = POLLOUT;
    if (!wait->second || PQstatus(wait->second) == CONNECTION_BAD)
        end_second(wait);
}

/* ---- waiting */

/* Nothing has moved for a slice; so what came while this process stood still was seen. */
static enum o2c_verdict check_silence(struct wait *wait, struct o2c_err *err)
{
    int64_t now_us = o2c_clock_monotonic_us();

    if (limit_us)
        return now_us - wait->begun_us < limit_us ? O2C_OK : lost(wait, "no answer", err);
    if (wait->second && now_us - wait->second_moved_us >= SILENT_US)
        return lost(wait, "no answer, nor one to another connection", err);
    if (!wait->second && now_us - wait->moved_us >= SILENT_US)
        begin_second(wait);
    return O2C_OK;
}

/* What has moved, on each of the two. */
static int look(const struct wait *wait, bool full, struct pollfd fds[2])
{
    fds[0] = (struct pollfd){.fd = PQsocket(wait->conn),
                             .events = (short)(full ? POLLIN | POLLOUT : POLLIN)};
    fds[1] = (struct pollfd){.fd = wait->second ? PQsocket(wait->second) : -1,
                             .events = wait->second_events};
    return poll(fds, 2, SLICE_MS);
}

static enum o2c_verdict run(struct wait *wait, bool for_input, struct o2c_err *err)
{
    struct pollfd fds[2];

    for (;;) {
        int left = PQflush(wait->conn);

        if (left < 0 || PQsocket(wait->conn) < 0)
            return lost(wait, PQerrorMessage(wait->conn), err);
        if (!left && !for_input)
            return O2C_OK;
        if (o2c_stopped())
            return o2c_fail(err, O2C_RETRY, "interrupted");
        int moved = look(wait, left, fds);
        if (!moved && check_silence(wait, err))
            return err->verdict;
        if (moved > 0 && fds[1].revents)
            take_step(wait);
        if (moved <= 0 || !fds[0].revents)
            continue;
        wait->begun_us = wait->moved_us = o2c_clock_monotonic_us();
        if (fds[0].revents & ~POLLOUT) {
            if (!PQconsumeInput(wait->conn))
                return lost(wait, PQerrorMessage(wait->conn), err);
            if (for_input)
                return O2C_OK;
        }
    }
}

static enum o2c_verdict await(PGconn *conn, bool for_input, struct o2c_err *err)
{
    struct wait wait = {.conn = conn, .begun_us = o2c_clock_monotonic_us()};

    wait.moved_us = wait.begun_us;
    enum o2c_verdict verdict = run(&wait, for_input, err);
    PQfinish(wait.second);
    return verdict;
}

enum o2c_verdict o2c_pg_await(PGconn *conn, struct o2c_err *err)
{
    return await(conn, true, err);
}

enum o2c_verdict o2c_pg_flush(PGconn *conn, struct o2c_err *err)
{
    return await(conn, false, err);
}
