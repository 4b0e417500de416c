/*
 * The management port.  libmicrohttpd keeps its connections in one epoll
 * descriptor; the loop polls that descriptor and lets it work.  They are
 * accepted here: where no descriptor is left it would try without end, and a
 * process in that state is to be asked how it is.  It is meant for loopback or
 * a management network: no TLS, GET only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/base/buf.h"
#include "runtime/base/metrics.h"
#include "runtime/service/service_private.h"

#include "runtime/base/banned.h"

enum {
    ANSWER_MAX = 1 << 22,
    CONNECTIONS_MAX = 32,
    BACKLOG = 32,
    IDLE_S = 10,
    REST_MS = 100 /* after a connection that could not be accepted */
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
                              const char *type, struct o2c_buf *body)
{
    const char *text = o2c_buf_text(body);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static unsigned write_health(bool good, struct o2c_buf *body)
{
    o2c_buf_add_text(body, good ? "ok\n" : "\n"); /* after why not */
    return good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

const struct o2c_metric o2c_service_build = {"o2c_build_info", O2C_METRIC_GAUGE,
                                             "program,version",
                                             "The release of this program.", 0};

static void write_build(const struct o2c_service *service, struct o2c_buf *body)
{
    const char *name = o2c_service_build.name;

    o2c_buf_printf(body,
                   "# HELP %s %s\n"
                   "# TYPE %s gauge\n"
                   "%s{program=\"%s\",version=\"%s\"} 1\n",
                   name, o2c_service_build.help, name, name, service->name, O2C_VERSION);
}

static unsigned write_answer(struct o2c_service *service, const char *path,
                             struct o2c_buf *body)
{
    if (!strcmp(path, "/metrics")) {
        if (service->hooks.before_metrics)
            service->hooks.before_metrics(service->hooks.user);
        write_build(service, body);
        o2c_metrics_write(service->metrics, body);
        return MHD_HTTP_OK;
    }
    if (!strcmp(path, "/livez"))
        return write_health(o2c_service_is_healthy(service, body), body);
    if (!strcmp(path, "/readyz"))
        return write_health(o2c_service_is_ready(service, body), body);
    if (!strcmp(path, "/startupz"))
        return write_health(o2c_service_has_started(service, body), body);
    o2c_buf_add_text(body, "there are /livez, /readyz, /startupz and /metrics\n");
    return MHD_HTTP_NOT_FOUND;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **request)
{
    struct o2c_service *service = user;
    struct o2c_buf body;
    enum MHD_Result result;
    unsigned status = MHD_HTTP_METHOD_NOT_ALLOWED;

    (void)version;
    (void)upload;
    (void)request;
    *upload_size = 0;
    o2c_buf_init(&body, ANSWER_MAX);
    if (!strcmp(method, MHD_HTTP_METHOD_GET))
        status = write_answer(service, path, &body);
    else
        o2c_buf_add_text(&body, "GET only\n");
    result = answer(connection, status, "text/plain; version=0.0.4; charset=utf-8", &body);
    o2c_buf_clear(&body);
    return result;
}

/* ---- on the loop */

static void work(struct o2c_service *service);

static void on_timeout(uv_timer_t *timer)
{
    work(timer->data);
}

static void work(struct o2c_service *service)
{
    struct management *management = &service->management;
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    MHD_run(management->daemon);
    if (management->spare_fd < 0) /* before anybody else takes what was closed */
        management->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (MHD_get_timeout(management->daemon, &timeout_ms) == MHD_YES)
        uv_timer_start(&management->timer, on_timeout, timeout_ms, 0);
    else
        uv_timer_stop(&management->timer);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    work(poll->data);
}

/* ---- clients */

static int accept_client(struct management *management)
{
    int fd = accept4(management->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0 || (errno != EMFILE && errno != ENFILE) || management->spare_fd < 0)
        return fd;
    close(management->spare_fd);
    management->spare_fd = -1;
    return accept4(management->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static void on_client(uv_poll_t *poll, int status, int events);

static void on_rested(uv_timer_t *timer)
{
    struct o2c_service *service = timer->data;

    uv_poll_start(&service->management.listener, UV_READABLE, on_client);
}

static void on_client(uv_poll_t *poll, int status, int events)
{
    static const struct sockaddr_in anybody = {.sin_family = AF_INET};
    struct o2c_service *service = poll->data;
    struct management *management = &service->management;
    int fd = accept_client(management);

    (void)status;
    (void)events;
    if (fd >= 0) {
        MHD_add_connection(management->daemon, fd, (const struct sockaddr *)&anybody,
                           sizeof anybody); /* closes it where there are too many */
        work(service);
        return;
    }
    uv_poll_stop(poll);
    uv_timer_start(&management->rest, on_rested, REST_MS, 0);
}

/* ---- opening and closing */

/* "127.0.0.1:8081" */
static bool parse(const char *listen, struct sockaddr_in *ret_address)
{
    const char *colon = strrchr(listen, ':');
    char host[INET_ADDRSTRLEN];
    int64_t port;

    if (!colon || (size_t)(colon - listen) >= sizeof host ||
        !o2c_str_to_int64(o2c_str_from(colon + 1), &port) || port < 0 || port > 65535)
        return false;
    memcpy(host, listen, (size_t)(colon - listen));
    host[colon - listen] = '\0';
    *ret_address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, host, &ret_address->sin_addr) == 1;
}

static bool listen_at(struct management *management, const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

    management->listen_fd = fd;
    return fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
           !bind(fd, (const struct sockaddr *)address, sizeof *address) &&
           !listen(fd, BACKLOG);
}

static void note_address(struct management *management)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    char host[INET_ADDRSTRLEN];

    getsockname(management->listen_fd, (struct sockaddr *)&address, &size);
    inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    snprintf(management->address, sizeof management->address, "%s:%d", host,
             ntohs(address.sin_port));
}

static void watch(struct o2c_service *service, uv_poll_t *poll, int fd, uv_poll_cb on_event)
{
    uv_poll_init(&service->loop, poll, fd);
    poll->data = service;
    uv_poll_start(poll, UV_READABLE, on_event);
    uv_unref((uv_handle_t *)poll);
}

static void prepare(struct o2c_service *service, uv_timer_t *timer)
{
    uv_timer_init(&service->loop, timer);
    timer->data = service;
    uv_unref((uv_handle_t *)timer);
}

enum o2c_verdict o2c_management_open(struct o2c_service *service, const char *listen,
                                     struct o2c_err *err)
{
    struct management *management = &service->management;
    const union MHD_DaemonInfo *info;
    struct sockaddr_in address;

    if (!*listen)
        return O2C_OK;
    if (!parse(listen, &address))
        return o2c_fail(err, O2C_FATAL, "management: \"%s\" is no IPv4 address and port",
                        listen);
    if (listen_at(management, &address))
        management->daemon = MHD_start_daemon(
            MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, service,
            MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
    if (!management->daemon) {
        if (management->listen_fd >= 0)
            close(management->listen_fd);
        return o2c_fail(err, O2C_FATAL, "management: cannot listen on %s", listen);
    }
    note_address(management);
    info = MHD_get_daemon_info(management->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    prepare(service, &management->timer);
    prepare(service, &management->rest);
    watch(service, &management->poll, info->epoll_fd, on_readable);
    watch(service, &management->listener, management->listen_fd, on_client);
    management->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return O2C_OK;
}

void o2c_management_close(struct o2c_service *service)
{
    struct management *management = &service->management;

    if (!management->daemon)
        return;
    uv_close((uv_handle_t *)&management->poll, NULL);
    uv_close((uv_handle_t *)&management->listener, NULL);
    uv_close((uv_handle_t *)&management->timer, NULL);
    uv_close((uv_handle_t *)&management->rest, NULL);
    MHD_stop_daemon(management->daemon);
    management->daemon = NULL;
    close(management->listen_fd);
    if (management->spare_fd >= 0)
        close(management->spare_fd);
}
