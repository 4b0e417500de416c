/*
 * service.h - what every long-running process is: one libuv loop, signals,
 * a management port, readiness, and a word to the supervisor.
 *
 * SIGTERM or SIGINT calls on_stop once: the program drains and then calls
 * o2c_service_exit.  A second signal, or stop_deadline_ms without exit, ends
 * the process at once with status 1.  The management port answers
 *   /livez   200 while the loop turns and `healthy` says true (progress watchdog)
 *   /readyz  200 while `ready` says true, otherwise 503 and the reason
 *   /startupz 200 once it has been ready
 *   /metrics Prometheus text
 * It is served by libmicrohttpd through its epoll descriptor on the same loop.
 * Under systemd READY=1, STATUS= and WATCHDOG=1 are sent.
 */
#ifndef O2C_SERVICE_SERVICE_H
#define O2C_SERVICE_SERVICE_H

#include <stdbool.h>
#include <uv.h>

#include "runtime/base/config.h"
#include "runtime/base/err.h"

struct o2c_buf;
struct o2c_metrics;
struct o2c_service;

struct o2c_service_settings {
    const char *management; /* "127.0.0.1:0", "" = none; port 0: any free one, logged */
    const char *log_level;
    int64_t stop_deadline_ms;
};

#define O2C_SERVICE_SETTINGS(type, member)                                                 \
    {"management",                                                                         \
     O2C_SETTING_TEXT,                                                                     \
     offsetof(type, member.management),                                                    \
     "127.0.0.1:0",                                                                        \
     0,                                                                                    \
     0,                                                                                    \
     NULL,                                                                                 \
     "address of /livez, /readyz, /startupz and /metrics; empty: none; port 0: any free "  \
     "one",                                                                                \
     false},                                                                               \
        {"log-level",                                                                      \
         O2C_SETTING_TEXT,                                                                 \
         offsetof(type, member.log_level),                                                 \
         "info",                                                                           \
         0,                                                                                \
         0,                                                                                \
         NULL,                                                                             \
         "error, warn, info or debug",                                                     \
         false},                                                                           \
    {                                                                                      \
        "stop-deadline-ms", O2C_SETTING_INT, offsetof(type, member.stop_deadline_ms),      \
            "10000", 100, 600000, "ms", "how long a stopping process may drain", false     \
    }

struct o2c_service_hooks {
    void (*on_stop)(void *user);                          /* once */
    bool (*ready)(void *user, struct o2c_buf *why_not);   /* for /readyz and READY=1 */
    bool (*healthy)(void *user, struct o2c_buf *why_not); /* for /livez and WATCHDOG=1 */
    void (*before_metrics)(void *user);                   /* refresh gauges; may be NULL */
    void *user;
};

enum o2c_verdict o2c_service_new(struct o2c_service **ret_service, const char *name,
                                 const struct o2c_service_settings *settings,
                                 const struct o2c_service_hooks *hooks,
                                 struct o2c_metrics *metrics,
                                 struct o2c_err *err) O2C_MUST_CHECK;
uv_loop_t *o2c_service_loop(struct o2c_service *service);

/* Where the management port listens, "127.0.0.1:43210"; "" if nowhere. */
const char *o2c_service_address(const struct o2c_service *service);

/* Runs the loop until o2c_service_exit; hands back the status given there. */
int o2c_service_run(struct o2c_service *service);

/* A server that the program waits for, as o2c_pg_options.on_unreachable: a warning. */
void o2c_service_warn_unreachable(void *user, const struct o2c_err *err);

/*
 * A program that asks a server on the loop's thread and waits for it does so between these
 * two: a signal ends waiting (runtime/base/stop.h), and is on the loop's turn what it
 * always is.  A second one before that ends the process.
 */
void o2c_service_blocks(void);
void o2c_service_goes_on(void);

void o2c_service_exit(struct o2c_service *service, int status);

/* Closes what is left and the loop itself; all other handles must be closed already. */
void o2c_service_free(struct o2c_service *service);

#endif
