/* o2c-outbox-relay - publishes what consumers have decided; see relay.h. */
#include "producers/outbox_relay/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/base/buf.h"
#include "runtime/base/log.h"
#include "runtime/base/metrics.h"
#include "runtime/service/program.h"

#include "runtime/base/banned.h"

enum {
    POLL_MS = 20,        /* without a wake socket */
    POLL_WOKEN_MS = 200, /* with one: for datagrams that were lost */
    MAINTAIN_S = 60,
    STRANGERS_S = 10
};

static const struct o2c_setting settings_rows[] = {
    O2C_KAFKA_SETTINGS(struct relay_settings, kafka),
    O2C_SERVICE_SETTINGS(struct relay_settings, service),
    {"pg-dsn", O2C_SETTING_TEXT, offsetof(struct relay_settings, pg_dsn), "dbname=o2c", 0,
     0, NULL, "PostgreSQL connection string", true},
    O2C_PG_TIMEOUT_SETTING(struct relay_settings, pg_timeout_ms),
    {"instance", O2C_SETTING_TEXT, offsetof(struct relay_settings, instance), "1", 0, 0,
     NULL, "name of this relay among several; the others stand by", false},
    {"wake", O2C_SETTING_TEXT, offsetof(struct relay_settings, wake), "", 0, 0, NULL,
     "datagram socket on which consumers wake it after a commit; empty: it polls every 20 "
     "ms",
     false},
    {"in-flight-records", O2C_SETTING_INT,
     offsetof(struct relay_settings, in_flight_records), "10000", 1, 40000, NULL,
     "most records with Kafka at once", false},
    {"in-flight-bytes", O2C_SETTING_INT, offsetof(struct relay_settings, in_flight_bytes),
     "33554432", 1048576, 134217728, "bytes", "most bytes with Kafka at once", false},
    {"keep-records", O2C_SETTING_INT, offsetof(struct relay_settings, keep_records),
     "2000000", 0, 1000000000000, NULL,
     "published records that stay in the outbox before their range is dropped", false},
};

static const struct o2c_settings_table settings_table = {
    settings_rows, sizeof settings_rows / sizeof settings_rows[0]};

void relay_fatal(struct relay *relay, const struct o2c_err *err, const char *sentence)
{
    o2c_log_error(sentence, O2C_S("error", err->text));
    relay->exit_status = 1;
    o2c_service_exit(relay->service, 1);
}

static const char *const cannot[ASKS] = {
    [ASK_VERSIONS] = "the versions of the database cannot be read",
    [ASK_CLAIM] = "consumers cannot be claimed",
    [ASK_LOOK] = "outboxes cannot be looked at",
    [ASK_READ] = "an outbox cannot be read",
    [ASK_STORE] = "the cursor cannot be stored",
};

void relay_take_answer(struct relay *relay, enum ask ask, enum o2c_verdict verdict,
                       const struct o2c_err *err)
{
    struct asked *asked = &relay->asked[ask];

    if (verdict && verdict != O2C_RETRY) {
        relay_fatal(relay, err, cannot[ask]);
        return;
    }
    if (verdict && !asked->refused)
        o2c_log_warn(cannot[ask], O2C_S("error", err->text),
                     O2C_S("again", "every second"));
    asked->refused = asked->rests = verdict != O2C_OK;
}

static void ask_again(struct relay *relay)
{
    for (int ask = 0; ask < ASKS; ask++)
        relay->asked[ask].rests = false;
    versions_ask(relay);
    claims_take(relay);
    claims_store(relay);
    reader_fill(relay);
}

/* ---- timers and the wake socket */

static void on_poll(uv_timer_t *timer)
{
    claims_look(timer->data);
}

static void on_wake(uv_poll_t *poll, int status, int events)
{
    struct relay *relay = poll->data;
    char byte[16];

    (void)status;
    (void)events;
    while (recv(relay->wake_fd, byte, sizeof byte, MSG_DONTWAIT) > 0)
        ;
    claims_look(relay);
}

/* A socket on which nobody listens goes.  RETRY: another relay does. */
static enum o2c_verdict make_way(const struct sockaddr_un *address, struct o2c_err *err)
{
    const char *path = address->sun_path;
    struct stat there;
    int fd, why;

    if (lstat(path, &there))
        return O2C_OK;
    if (!S_ISSOCK(there.st_mode))
        return o2c_fail(err, O2C_FATAL, "wake: \"%s\" is no socket", path);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return o2c_fail(err, O2C_FATAL, "wake: cannot look at \"%s\": %s", path,
                        strerror(errno));
    why = connect(fd, (const struct sockaddr *)address, sizeof *address) ? errno : 0;
    close(fd);
    if (!why)
        return o2c_fail(err, O2C_RETRY, "wake: another relay listens on \"%s\"", path);
    if (why != ECONNREFUSED && why != ENOENT)
        return o2c_fail(err, O2C_FATAL, "wake: \"%s\" is no socket of a relay: %s", path,
                        strerror(why));
    unlink(path); /* of a relay that was killed */
    return O2C_OK;
}

static enum o2c_verdict open_wake(struct relay *relay, struct o2c_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = relay->settings->wake;
    int fd;

    if (!*path)
        return O2C_OK;
    if (strlen(path) >= sizeof address.sun_path)
        return o2c_fail(err, O2C_FATAL, "wake: \"%s\" is too long for a socket", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (make_way(&address, err))
        return err->verdict;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address)) {
        o2c_fail(err, O2C_FATAL, "wake: cannot listen on \"%s\": %s", path,
                 strerror(errno));
        if (fd >= 0)
            close(fd);
        return err->verdict;
    }
    relay->wake_fd = fd;
    (void)lstat(path, &relay->wake_file);
    uv_poll_init(relay->loop, &relay->wake, relay->wake_fd);
    relay->wake.data = relay;
    uv_poll_start(&relay->wake, UV_READABLE, on_wake);
    relay->handles_open++;
    return O2C_OK;
}

/* Where another relay has the path: polls as if datagrams were lost, until that one is
 * gone. */
static enum o2c_verdict open_wake_or_wait(struct relay *relay, struct o2c_err *err)
{
    relay->wake_fd = -1;
    if (open_wake(relay, err) != O2C_RETRY)
        return err->verdict;
    o2c_log_info(err->text, O2C_NO_FIELDS);
    err->verdict = O2C_OK;
    return O2C_OK;
}

static void take_wake_over(struct relay *relay)
{
    struct o2c_err err = {0};

    if (relay->wake_fd >= 0 || !*relay->settings->wake || relay->stopping)
        return;
    if (open_wake(relay, &err) == O2C_OK)
        o2c_log_info("wake: listens where another relay did", O2C_NO_FIELDS);
}

static void on_second(uv_timer_t *timer)
{
    struct relay *relay = timer->data;

    ask_again(relay);
    publisher_on_second(relay);
    take_wake_over(relay);
    if (relay->maintain_in_s-- <= 0) {
        claims_maintain(relay);
        relay->maintain_in_s = MAINTAIN_S;
    }
    if (relay->strangers_in_s-- <= 0) {
        claims_look_for_strangers(relay);
        relay->strangers_in_s = STRANGERS_S;
    }
    if (!relay->records_in_flight && o2c_heap_trim_due(&relay->heap))
        o2c_heap_trim(&relay->heap);
}

static void open_timers(struct relay *relay)
{
    uint64_t every = *relay->settings->wake ? POLL_WOKEN_MS : POLL_MS;

    uv_timer_init(relay->loop, &relay->poll);
    uv_timer_init(relay->loop, &relay->second);
    uv_timer_init(relay->loop, &relay->pause);
    relay->poll.data = relay->second.data = relay->pause.data = relay;
    uv_timer_start(&relay->poll, on_poll, every, every);
    uv_timer_start(&relay->second, on_second, 1000, 1000);
    relay->handles_open += 3;
}

/* ---- stopping */

void relay_handle_closed(struct relay *relay)
{
    if (relay->handles_open == 0)
        o2c_service_exit(relay->service, relay->exit_status);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct relay *relay = handle->data;

    relay->handles_open--;
    relay_handle_closed(relay);
}

static void on_pg_closed(void *user)
{
    struct relay *relay = user;

    relay->handles_open--;
    relay_handle_closed(relay);
}

static bool all_acknowledged(const struct relay *relay)
{
    for (size_t i = 0; i < relay->of_count; i++)
        for (int32_t p = 0; p < PARTITIONS_MAX; p++) {
            const struct source *source = &relay->of[i].source[p];

            if (source->stopped || source->in_flight.acked_no < source->in_flight.sent_no)
                return false;
        }
    return true;
}

static void tell_stopped(const struct relay *relay)
{
    if (all_acknowledged(relay) && claims_settled(relay))
        o2c_log_info("stopped: everything sent is acknowledged and marked", O2C_NO_FIELDS);
    else
        o2c_log_warn(
            "stopped: what is not acknowledged and marked is sent again by the next "
            "relay",
            O2C_NO_FIELDS);
}

void relay_stop_step(struct relay *relay)
{
    if (!relay->stopping || relay->closing ||
        (relay->up && (relay->records_in_flight || !claims_settled(relay))))
        return;
    relay->closing = true;
    tell_stopped(relay);
    uv_close((uv_handle_t *)&relay->poll, on_handle_closed);
    uv_close((uv_handle_t *)&relay->second, on_handle_closed);
    uv_close((uv_handle_t *)&relay->pause, on_handle_closed);
    if (relay->wake_fd >= 0)
        uv_close((uv_handle_t *)&relay->wake, on_handle_closed);
    publisher_close(relay);
    o2c_pg_close(relay->pg, on_pg_closed, relay);
}

static void on_stop(void *user)
{
    struct relay *relay = user;

    o2c_log_info("stopping", O2C_NO_FIELDS);
    relay->stopping = true;
    claims_store(relay);
    relay_stop_step(relay);
}

/* ---- what the supervisor asks */

static void add_stopped(const struct publisher_of *of, struct o2c_buf *why_not)
{
    for (int32_t p = 0; p < PARTITIONS_MAX; p++)
        if (of->source[p].stopped) {
            o2c_buf_printf(why_not, "outbox of %s partition %d is stopped; ", of->consumer,
                           p);
            return;
        }
}

static bool is_ready(void *user, struct o2c_buf *why_not)
{
    const struct relay *relay = user;

    if (!relay->connected)
        o2c_buf_add_text(why_not, "PostgreSQL is away; ");
    for (int ask = 0; ask < ASKS; ask++)
        if (relay->asked[ask].refused)
            o2c_buf_printf(why_not, "%s; ", cannot[ask]);
    if (relay->failures > 1)
        o2c_buf_printf(why_not, "the producer fails: %s; ", relay->failure);
    for (size_t i = 0; relay->up && i < relay->of_count; i++)
        add_stopped(&relay->of[i], why_not);
    return why_not->len == 0;
}

static bool is_healthy(void *user, struct o2c_buf *why_not)
{
    (void)user;
    (void)why_not;
    return true; /* a loop that turns; what cannot be published is told by readiness */
}

static void before_metrics(void *user)
{
    relay_metrics_refresh(user);
}

/* ---- the process */

static enum o2c_verdict relay_open(struct relay *relay, struct o2c_err *err)
{
    struct o2c_service_hooks hooks = {on_stop, is_ready, is_healthy, before_metrics, relay};

    relay_metrics_open(relay);
    if (o2c_service_new(&relay->service, "outbox_relay", &relay->settings->service, &hooks,
                        relay->metrics, err))
        return err->verdict;
    relay->loop = o2c_service_loop(relay->service);
    o2c_pg_params_init(&relay->params, 1 << 22);
    if (open_wake_or_wait(relay, err) || publisher_open(relay, err) ||
        claims_open(relay, err))
        return err->verdict;
    open_timers(relay);
    return O2C_OK;
}

/* The path may be another's by now. */
static void close_wake(struct relay *relay)
{
    struct stat there;

    if (relay->wake_fd < 0)
        return;
    close(relay->wake_fd);
    if (!lstat(relay->settings->wake, &there) && there.st_ino == relay->wake_file.st_ino &&
        there.st_dev == relay->wake_file.st_dev)
        unlink(relay->settings->wake);
}

static void relay_clear(struct relay *relay)
{
    o2c_service_free(relay->service);
    o2c_metrics_free(relay->metrics);
    claims_clear(relay);
    publisher_clear(relay);
    o2c_pg_params_clear(&relay->params);
    close_wake(relay);
}

static int run(void *user)
{
    static struct relay relay;
    struct o2c_err err = {0};
    int status;

    relay.settings = user;
    if (relay_open(&relay, &err)) {
        o2c_log_error("cannot start", O2C_S("error", err.text));
        _exit(err.verdict == O2C_FATAL ? 2 : 1);
    }
    o2c_log_info("started", O2C_S("management", o2c_service_address(relay.service)));
    status = o2c_service_run(relay.service);
    if (status)
        _exit(status);
    relay_clear(&relay);
    return 0;
}

int main(int argc, char **argv)
{
    static struct relay_settings settings;
    struct o2c_service_program program = {
        .name = "outbox_relay",
        .about = {.program = "o2c-outbox-relay",
                  .settings = &settings_table,
                  .settings_count = 1},
        .settings = &settings,
        .service = &settings.service,
        .run = run,
        .user = &settings,
    };

    program.about.metrics = relay_metrics_table(&program.about.metric_count);
    return o2c_service_main(&program, argc, argv);
}
