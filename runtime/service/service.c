#include "runtime/service/service.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/stop.h"
#include "runtime/service/service_private.h"

#include "runtime/base/banned.h"

enum {
    BEAT_MS = 1000,
    LIVE_US = 5000000 /* a loop that has not turned for so long is stuck */
};

bool o2c_service_is_ready(struct o2c_service *service, struct o2c_buf *why_not)
{
    if (service->stopping) {
        o2c_buf_add_text(why_not, "stopping");
        return false;
    }
    return service->hooks.ready(service->hooks.user, why_not);
}

/* Once ready, started for good: what comes later is told by readiness. */
bool o2c_service_has_started(struct o2c_service *service, struct o2c_buf *why_not)
{
    if (!service->announced && o2c_service_is_ready(service, why_not)) {
        service->announced = true;
        sd_notify(0, "READY=1");
    }
    return service->announced;
}

bool o2c_service_is_healthy(struct o2c_service *service, struct o2c_buf *why_not)
{
    if (o2c_clock_monotonic_us() - service->turned_us > LIVE_US) {
        o2c_buf_add_text(why_not, "the loop was stuck");
        return false;
    }
    return service->hooks.healthy(service->hooks.user, why_not);
}

/* ---- signals */

static void on_deadline(uv_timer_t *timer)
{
    struct o2c_service *service = timer->data;

    o2c_log_error("did not stop in time: ended at once",
                  O2C_I("stop_deadline_ms", service->stop_deadline_ms));
    _exit(1);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct o2c_service *service = signal->data;

    (void)number;
    if (service->stopping) {
        o2c_log_error("second signal: ended at once", O2C_NO_FIELDS);
        _exit(1);
    }
    service->stopping = true;
    sd_notify(0, "STOPPING=1");
    uv_timer_start(&service->deadline, on_deadline, (uint64_t)service->stop_deadline_ms, 0);
    service->hooks.on_stop(service->hooks.user);
}

static void watch_signal(struct o2c_service *service, uv_signal_t *signal, int number)
{
    uv_signal_init(&service->loop, signal);
    signal->data = service;
    uv_signal_start(signal, on_signal, number);
    uv_unref((uv_handle_t *)signal);
}

/* ---- while the loop stands still, in which libuv's own handlers wait for it */

static const int blocking_signals[] = {SIGTERM, SIGINT};
static struct sigaction of_loop[sizeof blocking_signals / sizeof blocking_signals[0]];
static volatile sig_atomic_t came; /* the signal; 0: none */

static void on_blocking_signal(int number)
{
    came = number;
}

void o2c_service_blocks(void)
{
    struct sigaction action = {.sa_handler = on_blocking_signal,
                               .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    o2c_stop_on(&came);
    for (size_t i = 0; i < sizeof blocking_signals / sizeof blocking_signals[0]; i++)
        sigaction(blocking_signals[i], &action, &of_loop[i]);
}

void o2c_service_goes_on(void)
{
    for (size_t i = 0; i < sizeof blocking_signals / sizeof blocking_signals[0]; i++)
        sigaction(blocking_signals[i], &of_loop[i], NULL);
    if (came)
        raise(came);
}

/* ---- once a second: a word to the supervisor */

static void on_beat(uv_timer_t *timer)
{
    struct o2c_service *service = timer->data;
    struct o2c_buf why_not;

    o2c_buf_init(&why_not, 4096);
    (void)o2c_service_has_started(service, &why_not);
    if (!service->stopping)
        sd_notifyf(0, "STATUS=%s", why_not.len ? o2c_buf_text(&why_not) : "working");
    o2c_buf_reset(&why_not);
    if (o2c_service_is_healthy(service, &why_not))
        sd_notify(0, "WATCHDOG=1");
    o2c_buf_clear(&why_not);
    service->turned_us = o2c_clock_monotonic_us();
}

/* ---- life cycle */

enum o2c_verdict o2c_service_new(struct o2c_service **ret_service, const char *name,
                                 const struct o2c_service_settings *settings,
                                 const struct o2c_service_hooks *hooks,
                                 struct o2c_metrics *metrics, struct o2c_err *err)
{
    struct o2c_service *service = calloc(1, sizeof *service);

    if (!service)
        return o2c_fail(err, O2C_FATAL, "no memory");
    service->name = name;
    service->hooks = *hooks;
    service->metrics = metrics;
    service->stop_deadline_ms = settings->stop_deadline_ms;
    service->turned_us = o2c_clock_monotonic_us();
    if (uv_loop_init(&service->loop)) {
        free(service);
        return o2c_fail(err, O2C_FATAL, "no event loop");
    }
    signal(SIGPIPE, SIG_IGN);
    watch_signal(service, &service->term, SIGTERM);
    watch_signal(service, &service->interrupt, SIGINT);
    uv_timer_init(&service->loop, &service->deadline);
    uv_timer_init(&service->loop, &service->beat);
    service->deadline.data = service->beat.data = service;
    uv_timer_start(&service->beat, on_beat, BEAT_MS, BEAT_MS);
    uv_unref((uv_handle_t *)&service->beat);
    *ret_service = service;
    if (o2c_management_open(service, settings->management, err)) {
        o2c_service_free(service);
        return err->verdict;
    }
    return O2C_OK;
}

uv_loop_t *o2c_service_loop(struct o2c_service *service)
{
    return &service->loop;
}

const char *o2c_service_address(const struct o2c_service *service)
{
    return service->management.address;
}

int o2c_service_run(struct o2c_service *service)
{
    uv_run(&service->loop, UV_RUN_DEFAULT);
    return service->status;
}

void o2c_service_warn_unreachable(void *user, const struct o2c_err *err)
{
    (void)user;
    o2c_log_warn("PostgreSQL cannot be reached", O2C_S("error", err->text));
}

void o2c_service_exit(struct o2c_service *service, int status)
{
    service->status = status;
    uv_stop(&service->loop);
}

void o2c_service_free(struct o2c_service *service)
{
    int busy;

    if (!service)
        return;
    o2c_management_close(service);
    uv_close((uv_handle_t *)&service->term, NULL);
    uv_close((uv_handle_t *)&service->interrupt, NULL);
    uv_close((uv_handle_t *)&service->deadline, NULL);
    uv_close((uv_handle_t *)&service->beat, NULL);
    uv_run(&service->loop, UV_RUN_DEFAULT);
    busy = uv_loop_close(&service->loop);
    assert(!busy);
    free(service);
}
