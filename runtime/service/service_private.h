/* service_private.h - what service.c, management.c and describe.c share. */
#ifndef O2C_SERVICE_SERVICE_PRIVATE_H
#define O2C_SERVICE_SERVICE_PRIVATE_H

#include <uv.h>

#include "runtime/service/service.h"

struct MHD_Daemon;
struct o2c_metric;

/* The management port: libmicrohttpd behind its epoll descriptor, on the loop. */
struct management {
    struct MHD_Daemon *daemon; /* NULL: no port */
    int listen_fd;
    int spare_fd; /* given up for a client where no descriptor is left; -1: it is */
    uv_poll_t poll, listener;
    uv_timer_t timer, rest;
    char address[64];
};

struct o2c_service {
    uv_loop_t loop;
    const char *name;
    struct o2c_service_hooks hooks;
    struct o2c_metrics *metrics;
    struct management management;
    uv_signal_t term, interrupt;
    uv_timer_t deadline, beat;
    int64_t stop_deadline_ms;
    int64_t turned_us; /* monotonic time of the last beat */
    bool stopping, announced;
    int status;
};

enum o2c_verdict o2c_management_open(struct o2c_service *service, const char *listen,
                                     struct o2c_err *err) O2C_MUST_CHECK;
void o2c_management_close(struct o2c_service *service);

/* What every process shows beside the metrics of its program. */
extern const struct o2c_metric o2c_service_build;

/* Empty `why_not`: yes. */
bool o2c_service_is_ready(struct o2c_service *service, struct o2c_buf *why_not);
bool o2c_service_has_started(struct o2c_service *service, struct o2c_buf *why_not);
bool o2c_service_is_healthy(struct o2c_service *service, struct o2c_buf *why_not);

#endif
