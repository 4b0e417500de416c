/*
 * libpq in pipeline mode on uv_poll.  What was sent stands in a ring of items,
 * oldest first: statements and the Syncs that close units.  libpq answers in
 * the same order, so the head of the ring always tells what an answer is for.
 * What the socket does not take waits in a second ring: libpq would keep it in
 * a buffer that never gets smaller.
 * Syncs that were not sent, because there was no connection for all of their
 * unit, stand apart: the server will not answer them.
 */
#include "runtime/pg/pg.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/pg/binary.h"
#include "runtime/pg/dsn.h"
#include "runtime/pg/errors.h"

#include "runtime/base/banned.h"

enum {
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 5000,
    CONNECT_TIMEOUT_MS = 10000,
    AHEAD_BYTES =
        64 * 1024, /* given to libpq without asking whether the socket took them */
    HANDLES = 3    /* beside the poll handle: retry, timeout, deferred */
};

enum pg_state {
    PG_WAITING, /* for the next try to connect */
    PG_CONNECTING,
    PG_PREPARING,
    PG_UP,
    PG_REFUSED, /* a statement cannot be prepared: no use in trying again */
    PG_CLOSED
};

struct item {
    bool is_sync;
    const char *statement;
    struct o2c_pg_params *params; /* of one that waits; heap */
    o2c_pg_result_fn *on_result;
    o2c_pg_done_fn *on_done;
    void *user;
};

struct ring {
    struct item *items; /* `cap` of them, a power of two */
    size_t head, count, cap;
};

/* The unit that the next Sync closes. */
enum unit {
    UNIT_EMPTY,
    UNIT_SENT,
    UNIT_LOST /* something of it was not sent, or went with a connection */
};

struct o2c_pg {
    struct o2c_pg_options options;
    enum pg_state state;
    PGconn *conn;
    uv_poll_t *poll; /* heap: closed asynchronously, one per socket */
    int poll_events;
    uv_timer_t retry, timeout, deferred;
    int64_t backoff_ms;
    struct ring sent, waiting, unsent;
    size_t ahead_bytes; /* given to libpq since it was last flushed */
    enum unit unit;
    struct o2c_err unit_err; /* the first of the unit being answered */
    struct o2c_err told;     /* why it does not come up */
    bool broken; /* a send failed: the connection is given up on the next turn */
    int handles_open;
    void (*on_closed)(void *user);
    void *closed_user;
};

static void lose(struct o2c_pg *pg, const struct o2c_err *err);

/* ---- the ring */

static void grow(struct ring *ring)
{
    size_t cap = ring->cap ? 2 * ring->cap : 64;
    struct item *items = calloc(cap, sizeof *items);

    if (!items)
        abort();
    for (size_t i = 0; i < ring->count; i++)
        items[i] = ring->items[(ring->head + i) & (ring->cap - 1)];
    free(ring->items);
    ring->items = items;
    ring->head = 0;
    ring->cap = cap;
}

static void push(struct ring *ring, struct item item)
{
    if (ring->count == ring->cap)
        grow(ring);
    ring->items[(ring->head + ring->count++) & (ring->cap - 1)] = item;
}

static struct item *head(struct ring *ring)
{
    return &ring->items[ring->head];
}

static struct item pop(struct ring *ring)
{
    struct item item = *head(ring);

    ring->head = (ring->head + 1) & (ring->cap - 1);
    ring->count--;
    return item;
}

/* ---- the socket */

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void drop_poll(struct o2c_pg *pg)
{
    if (!pg->poll)
        return;
    uv_poll_stop(pg->poll);
    uv_close((uv_handle_t *)pg->poll, free_handle);
    pg->poll = NULL;
    pg->poll_events = 0;
}

static void on_socket(uv_poll_t *poll, int status, int events);

static void watch(struct o2c_pg *pg, int events)
{
    if (!pg->poll) {
        pg->poll = calloc(1, sizeof *pg->poll);
        if (!pg->poll || uv_poll_init(pg->options.loop, pg->poll, PQsocket(pg->conn)))
            abort();
        pg->poll->data = pg;
    }
    if (events == pg->poll_events)
        return;
    pg->poll_events = events;
    if (uv_poll_start(pg->poll, events, on_socket))
        abort();
}

static void on_deferred(uv_timer_t *timer);

static void defer(struct o2c_pg *pg)
{
    if (pg->state != PG_CLOSED)
        uv_timer_start(&pg->deferred, on_deferred, 0, 0);
}

static void give_up(struct o2c_pg *pg)
{
    pg->broken = true;
    defer(pg);
}

/* Whether the socket has not taken all that libpq was given. */
static bool is_full(struct o2c_pg *pg)
{
    int left = PQflush(pg->conn);

    if (left < 0)
        give_up(pg);
    pg->ahead_bytes = 0;
    return left != 0;
}

static void free_params(struct o2c_pg_params *params)
{
    if (params)
        o2c_pg_params_clear(params);
    free(params);
}

static struct o2c_pg_params *copy_params(const struct o2c_pg_params *params)
{
    struct o2c_pg_params *copy = malloc(sizeof *copy);

    if (!copy)
        return NULL;
    *copy = *params;
    o2c_buf_init(&copy->buf, params->buf.max);
    o2c_buf_add(&copy->buf, params->buf.at, params->buf.len);
    if (!copy->buf.failed)
        return copy;
    free_params(copy);
    return NULL;
}

static bool send_statement(struct o2c_pg *pg, const char *statement,
                           const struct o2c_pg_params *params)
{
    const char *values[O2C_PG_PARAMS_MAX];
    int formats[O2C_PG_PARAMS_MAX];

    for (int i = 0; i < params->count; i++) {
        values[i] = params->len[i] < 0 ? NULL
                    : params->buf.at   ? params->buf.at + params->start[i]
                                       : "";
        formats[i] = 1;
    }
    pg->ahead_bytes += params->buf.len;
    return PQsendQueryPrepared(pg->conn, statement, params->count, values, params->len,
                               formats, 1);
}

/* The oldest that waits. */
static void send_waiting(struct o2c_pg *pg)
{
    struct item *item = head(&pg->waiting);

    if (!(item->is_sync ? PQpipelineSync(pg->conn)
                        : send_statement(pg, item->statement, item->params))) {
        give_up(pg);
        return;
    }
    free_params(item->params);
    item->params = NULL;
    push(&pg->sent, pop(&pg->waiting));
}

static void flush(struct o2c_pg *pg)
{
    bool full;

    while (!(full = is_full(pg)) && pg->waiting.count && !pg->broken)
        while (pg->waiting.count && pg->ahead_bytes < AHEAD_BYTES && !pg->broken)
            send_waiting(pg);
    if (!pg->broken)
        watch(pg, UV_READABLE | (full ? UV_WRITABLE : 0));
}

/* ---- connecting */

static void on_retry(uv_timer_t *timer);

static void retry_later(struct o2c_pg *pg)
{
    int64_t delay = pg->backoff_ms ? 2 * pg->backoff_ms : BACKOFF_MIN_MS;

    pg->backoff_ms = delay > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : delay;
    /* Full jitter, from a clock: several processes lose one server at the same time. */
    delay = 1 + (o2c_clock_monotonic_us() / 7) % pg->backoff_ms;
    pg->state = PG_WAITING;
    uv_timer_start(&pg->retry, on_retry, (uint64_t)delay, 0);
}

static void close_connection(struct o2c_pg *pg)
{
    drop_poll(pg);
    uv_timer_stop(&pg->timeout);
    if (pg->conn)
        PQfinish(pg->conn);
    pg->conn = NULL;
    pg->broken = false;
    pg->ahead_bytes = 0;
}

static void on_prepared(void *user, enum o2c_verdict verdict, bool lost,
                        const struct o2c_err *err)
{
    struct o2c_pg *pg = user;
    struct o2c_err refused;

    if (lost || pg->state == PG_CLOSED)
        return;
    uv_timer_stop(&pg->timeout);
    if (verdict == O2C_OK) {
        pg->state = PG_UP;
        pg->backoff_ms = 0;
        pg->told.text[0] = '\0';
        pg->options.on_up(pg->options.user, NULL);
        return;
    }
    refused = *err;
    if (verdict == O2C_RETRY) {
        lose(pg, &refused);
        return;
    }
    refused.verdict = O2C_FATAL;
    close_connection(pg);
    pg->state = PG_REFUSED;
    pg->options.on_down(pg->options.user, &refused);
}

static void on_silence(uv_timer_t *timer)
{
    struct o2c_pg *pg = timer->data;
    struct o2c_err err;

    o2c_fail(&err, O2C_RETRY, "PostgreSQL: no answer within %" PRId64 " ms (pg-timeout-ms)",
             pg->options.timeout_ms);
    lose(pg, &err);
}

/* The loop may have stood still itself: what came meanwhile is read before. */
static void on_long_wait(uv_timer_t *timer)
{
    uv_timer_start(timer, on_silence, 1, 0);
}

/* Something has moved, in either direction, or begins to. */
static void await_answer(struct o2c_pg *pg)
{
    if (pg->state != PG_UP || !pg->options.timeout_ms)
        return;
    if (pg->sent.count || pg->waiting.count)
        uv_timer_start(&pg->timeout, on_long_wait, (uint64_t)pg->options.timeout_ms, 0);
    else
        uv_timer_stop(&pg->timeout);
}

static bool set_up(struct o2c_pg *pg, const char *sql)
{
    push(&pg->sent, (struct item){0});
    return PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 1);
}

/* Two thirds of the patience with the server, so that it answers: what waits is a lock, and
 * the session need not go for it.  A shorter one that the server was given counts. */
static bool limit_locks(struct o2c_pg *pg)
{
    char sql[200];

    if (!pg->options.timeout_ms)
        return true;
    snprintf(sql, sizeof sql,
             "SELECT set_config('lock_timeout', least(nullif(setting::bigint, 0), %" PRId64
             ")::text, false) FROM pg_settings WHERE name = 'lock_timeout'",
             pg->options.timeout_ms * 2 / 3);
    return set_up(pg, sql);
}

static void prepare_all(struct o2c_pg *pg)
{
    bool sent = PQsetnonblocking(pg->conn, 1) == 0 && PQenterPipelineMode(pg->conn) == 1;

    pg->state = PG_PREPARING;
    sent = sent && set_up(pg, O2C_PG_TCP_SQL) && limit_locks(pg);
    for (size_t i = 0; sent && i < pg->options.statement_count; i++) {
        const struct o2c_pg_statement *statement = &pg->options.statements[i];

        sent = PQsendPrepare(pg->conn, statement->name, statement->sql, 0, NULL);
        push(&pg->sent, (struct item){0});
    }
    sent = sent && PQpipelineSync(pg->conn);
    push(&pg->sent, (struct item){.is_sync = true, .on_done = on_prepared, .user = pg});
    if (sent)
        flush(pg);
    else
        give_up(pg);
}

static void connect_step(struct o2c_pg *pg)
{
    PostgresPollingStatusType step = PQconnectPoll(pg->conn);
    struct o2c_err err;

    drop_poll(pg); /* the socket may be another one now */
    switch (step) {
    case PGRES_POLLING_READING:
        watch(pg, UV_READABLE);
        break;
    case PGRES_POLLING_WRITING:
        watch(pg, UV_WRITABLE);
        break;
    case PGRES_POLLING_OK:
        prepare_all(pg);
        break;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
        o2c_pg_fail_connection(&err, pg->conn, "PostgreSQL");
        lose(pg, &err);
        break;
    }
}

static void log_notice(void *user, const PGresult *result)
{
    (void)user;
    o2c_log_debug("PostgreSQL says",
                  O2C_S("notice", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
}

static void on_timeout(uv_timer_t *timer)
{
    struct o2c_pg *pg = timer->data;
    struct o2c_err err;

    o2c_fail(&err, O2C_RETRY, "PostgreSQL: no connection within %d ms", CONNECT_TIMEOUT_MS);
    lose(pg, &err);
}

static void start_connecting(struct o2c_pg *pg)
{
    const char *names[] = {O2C_PG_TCP_OPTIONS, "fallback_application_name", "dbname", NULL};
    const char *values[] = {O2C_PG_TCP_VALUES, pg->options.application_name,
                            pg->options.dsn, NULL};
    struct o2c_err err;

    pg->conn = PQconnectStartParams(names, values, 1);
    pg->state = PG_CONNECTING;
    if (!pg->conn || PQstatus(pg->conn) == CONNECTION_BAD) {
        o2c_pg_fail_connection(&err, pg->conn, "PostgreSQL");
        lose(pg, &err);
        return;
    }
    PQsetNoticeReceiver(pg->conn, log_notice, NULL);
    uv_timer_start(&pg->timeout, on_timeout, CONNECT_TIMEOUT_MS, 0);
    watch(pg, UV_WRITABLE);
}

static void on_retry(uv_timer_t *timer)
{
    start_connecting(timer->data);
}

/* ---- losing the connection */

/*
 * Answers everything that stands in the ring as lost, oldest first.  An answer
 * may close the connection, and empty the ring.
 */
static void answer_lost(struct ring *ring, const struct o2c_err *err)
{
    size_t count = ring->count;

    while (count-- > 0 && ring->count) {
        struct item item = pop(ring);

        free_params(item.params);
        if (item.is_sync)
            item.on_done(item.user, O2C_RETRY, true, err);
    }
}

static void answer_all_lost(struct o2c_pg *pg, const struct o2c_err *err)
{
    pg->unit_err.verdict = O2C_OK;
    if (pg->unit == UNIT_SENT)
        pg->unit = UNIT_LOST;
    answer_lost(&pg->sent, err);
    answer_lost(&pg->waiting, err);
    answer_lost(&pg->unsent, err);
}

/* Why it does not come up; each reason once, however often it is tried. */
static void tell_once(struct o2c_pg *pg, const struct o2c_err *err)
{
    if (!strcmp(err->text, pg->told.text))
        return;
    pg->told = *err;
    if (pg->options.on_unreachable)
        pg->options.on_unreachable(pg->options.user, err);
}

static void lose(struct o2c_pg *pg, const struct o2c_err *err)
{
    struct o2c_err copy = *err;
    bool was_up = pg->state == PG_UP;

    if (pg->state == PG_CLOSED)
        return;
    copy.verdict = O2C_RETRY;
    close_connection(pg);
    retry_later(pg);
    answer_all_lost(pg, &copy);
    if (!was_up)
        tell_once(pg, &copy);
    else if (pg->state != PG_CLOSED) /* by an answer */
        pg->options.on_down(pg->options.user, &copy);
}

static void on_deferred(uv_timer_t *timer)
{
    struct o2c_pg *pg = timer->data;
    struct o2c_err err;

    if (pg->broken) {
        o2c_pg_fail_connection(&err, pg->conn, "PostgreSQL");
        lose(pg, &err);
    } else {
        o2c_fail(&err, O2C_RETRY, "PostgreSQL is not connected");
        answer_lost(&pg->unsent, &err);
    }
}

/* ---- answers */

/* Somebody else's lock may be on any table: it is named by the statement that waited. */
static void refuse(struct o2c_pg *pg, const char *statement, const PGresult *result)
{
    struct o2c_err *err = &pg->unit_err;

    o2c_pg_fail_result(err, result, "PostgreSQL");
    if (statement && err->native == o2c_pg_sqlstate("55P03"))
        o2c_fail_in(err, "statement %s", statement);
}

static void take_result(struct o2c_pg *pg, PGresult *result)
{
    struct item *first = head(&pg->sent);
    struct item done;
    struct o2c_err err;

    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        done = pop(&pg->sent);
        assert(done.is_sync);
        err = pg->unit_err;
        pg->unit_err = (struct o2c_err){0};
        done.on_done(done.user, err.verdict, false, &err);
        break;
    case PGRES_PIPELINE_ABORTED:
        break;
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        if (first->on_result && !pg->unit_err.verdict)
            first->on_result(first->user, result);
        break;
    default:
        if (!pg->unit_err.verdict)
            refuse(pg, first->statement, result);
        break;
    }
}

/* libpq gives a statement's results, then NULL; a Sync's result stands alone. */
static void read_results(struct o2c_pg *pg)
{
    while (pg->conn && pg->sent.count && !PQisBusy(pg->conn)) {
        PGresult *result = PQgetResult(pg->conn);

        if (result) {
            take_result(pg, result);
            PQclear(result);
        } else if (!head(&pg->sent)->is_sync) {
            pop(&pg->sent);
        } else if (PQstatus(pg->conn) == CONNECTION_BAD) {
            break;
        }
    }
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct o2c_pg *pg = poll->data;
    struct o2c_err err;

    if (status) /* libuv watches no more; what it is shows when libpq reads */
        pg->poll_events = 0;
    if (pg->state == PG_CONNECTING) {
        connect_step(pg);
        return;
    }
    if ((events & UV_READABLE || status) && !PQconsumeInput(pg->conn)) {
        read_results(pg); /* what came before the end */
        if (pg->conn) {
            o2c_pg_fail_connection(&err, pg->conn, "PostgreSQL");
            lose(pg, &err);
        }
        return;
    }
    flush(pg);
    read_results(pg);
    await_answer(pg);
    if (pg->conn && PQstatus(pg->conn) == CONNECTION_BAD)
        give_up(pg);
}

/* ---- public */

enum o2c_verdict o2c_pg_open(struct o2c_pg **ret_pg, const struct o2c_pg_options *options,
                             struct o2c_err *err)
{
    struct o2c_pg *pg;

    if (o2c_pg_check_dsn("pg-dsn", options->dsn, err))
        return err->verdict;
    pg = calloc(1, sizeof *pg);
    if (!pg)
        return o2c_fail(err, O2C_FATAL, "no memory");
    pg->options = *options;
    uv_timer_init(options->loop, &pg->retry);
    uv_timer_init(options->loop, &pg->timeout);
    uv_timer_init(options->loop, &pg->deferred);
    pg->retry.data = pg->timeout.data = pg->deferred.data = pg;
    pg->handles_open = HANDLES;
    pg->state = PG_WAITING;
    uv_timer_start(&pg->retry, on_retry, 0, 0);
    *ret_pg = pg;
    return O2C_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct o2c_pg *pg = handle->data;

    if (--pg->handles_open)
        return;
    if (pg->on_closed)
        pg->on_closed(pg->closed_user);
    free(pg->sent.items);
    free(pg->waiting.items);
    free(pg->unsent.items);
    free(pg);
}

void o2c_pg_close(struct o2c_pg *pg, void (*on_closed)(void *user), void *user)
{
    struct o2c_err err;

    if (pg->state == PG_CLOSED)
        return;
    pg->state = PG_CLOSED;
    pg->on_closed = on_closed;
    pg->closed_user = user;
    close_connection(pg);
    o2c_fail(&err, O2C_RETRY, "PostgreSQL: closed");
    answer_all_lost(pg, &err);
    uv_close((uv_handle_t *)&pg->retry, on_handle_closed);
    uv_close((uv_handle_t *)&pg->timeout, on_handle_closed);
    uv_close((uv_handle_t *)&pg->deferred, on_handle_closed);
}

/* Sent at once, or put behind what waits already. */
void o2c_pg_send(struct o2c_pg *pg, const char *statement,
                 const struct o2c_pg_params *params, o2c_pg_result_fn *on_result,
                 void *user)
{
    struct item item = {.statement = statement, .on_result = on_result, .user = user};
    bool waits;

    if (pg->state != PG_UP || pg->broken || pg->unit == UNIT_LOST) {
        pg->unit = UNIT_LOST;
        return;
    }
    pg->unit = UNIT_SENT;
    if (params->buf.failed) { /* what is there could be a statement too, and a wrong one */
        give_up(pg);
        return;
    }
    waits = pg->waiting.count || (pg->ahead_bytes >= AHEAD_BYTES && is_full(pg));
    if (pg->broken)
        return;
    if (waits)
        item.params = copy_params(params);
    if (waits ? !item.params : !send_statement(pg, statement, params))
        give_up(pg);
    else
        push(waits ? &pg->waiting : &pg->sent, item);
}

void o2c_pg_sync(struct o2c_pg *pg, o2c_pg_done_fn *on_done, void *user)
{
    bool whole = pg->state == PG_UP && !pg->broken && pg->unit != UNIT_LOST;

    pg->unit = UNIT_EMPTY;
    push(whole ? &pg->waiting : &pg->unsent,
         (struct item){.is_sync = true, .on_done = on_done, .user = user});
    if (!whole) {
        defer(pg);
        return;
    }
    flush(pg);
    if (!uv_is_active((uv_handle_t *)&pg->timeout))
        await_answer(pg);
}

/* ---- cancelling: PQcancel opens a connection of its own and waits */

struct cancel {
    uv_work_t work;
    PGcancel *cancel;
};

/* any thread */
static void run_cancel(uv_work_t *work)
{
    struct cancel *cancel = work->data;
    char text[256];

    (void)PQcancel(cancel->cancel, text, sizeof text);
}

static void end_cancel(uv_work_t *work, int status)
{
    struct cancel *cancel = work->data;

    (void)status;
    PQfreeCancel(cancel->cancel);
    free(cancel);
}

void o2c_pg_cancel(struct o2c_pg *pg)
{
    struct cancel *cancel;

    if (pg->state != PG_UP)
        return;
    cancel = calloc(1, sizeof *cancel);
    if (!cancel)
        return;
    cancel->cancel = PQgetCancel(pg->conn);
    cancel->work.data = cancel;
    if (!cancel->cancel ||
        uv_queue_work(pg->options.loop, &cancel->work, run_cancel, end_cancel)) {
        PQfreeCancel(cancel->cancel);
        free(cancel);
    }
}
