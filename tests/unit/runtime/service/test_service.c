/*
 * A process around its loop: the management port, signals, and what the
 * supervisor is told.  A thread asks as a client would, while the loop runs.
 */
#include "runtime/service/service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/base/buf.h"
#include "runtime/base/log.h"
#include "runtime/base/metrics.h"

#include "runtime/base/banned.h"

enum {
    ASKS_MAX = 8
};

static const struct o2c_metric metrics_table[] = {
    {"tested_turns_total", O2C_METRIC_COUNTER, NULL, "How often it was asked.", 0}};

static struct o2c_service *service;
static struct o2c_metrics *metrics;
static struct o2c_service_settings settings;
static bool is_ready, is_healthy, exits;
static int stops;

static void on_stop(void *user)
{
    (void)user;
    stops++;
    if (exits)
        o2c_service_exit(service, 7);
}

static bool ready(void *user, struct o2c_buf *why_not)
{
    (void)user;
    if (!is_ready)
        o2c_buf_add_text(why_not, "not yet");
    return is_ready;
}

static bool healthy(void *user, struct o2c_buf *why_not)
{
    (void)user;
    if (!is_healthy)
        o2c_buf_add_text(why_not, "no progress");
    return is_healthy;
}

static void before_metrics(void *user)
{
    (void)user;
    o2c_series_add(o2c_metrics_series(metrics, 0, NULL), 1);
}

static const struct o2c_service_hooks hooks = {.on_stop = on_stop,
                                               .ready = ready,
                                               .healthy = healthy,
                                               .before_metrics = before_metrics};

/* What a program has open keeps its loop running; here a timer, which ends it in the end.
 */
static uv_timer_t open_handle;

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    abort();
}

static void open_service(void)
{
    struct o2c_err err;

    metrics = o2c_metrics_new(metrics_table, 1);
    assert_non_null(metrics);
    assert_int_equal(o2c_service_new(&service, "tested", &settings, &hooks, metrics, &err),
                     O2C_OK);
    uv_timer_init(o2c_service_loop(service), &open_handle);
    uv_timer_start(&open_handle, on_patience, 30000, 0);
}

static int setup(void **state)
{

    (void)state;
    settings = (struct o2c_service_settings){"127.0.0.1:0", "info", 10000};
    is_ready = is_healthy = exits = true;
    stops = 0;
    open_service();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    uv_close((uv_handle_t *)&open_handle, NULL);
    o2c_service_free(service);
    o2c_metrics_free(metrics);
    return 0;
}

/* ---- a client: asks one after the other, then sends the process SIGTERM */

struct ask {
    const char *request;
    char answer[4000];
};

static struct ask asks[ASKS_MAX];

static int connect_to(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_port = htons((uint16_t)strtoul(strchr(address, ':') + 1, NULL, 10));
    if (connect(fd, (struct sockaddr *)&to, sizeof to))
        abort();
    return fd;
}

static void *client(void *user)
{
    (void)user;
    for (struct ask *ask = asks; ask->request; ask++) {
        int fd = connect_to(o2c_service_address(service));
        size_t len = 0;
        ssize_t got;
        char text[200];
        int written = snprintf(text, sizeof text, "%s HTTP/1.0\r\n\r\n", ask->request);

        if (send(fd, text, (size_t)written, MSG_NOSIGNAL) != written)
            abort();
        while ((got = recv(fd, ask->answer + len, sizeof ask->answer - 1 - len, 0)) > 0)
            len += (size_t)got;
        close(fd);
    }
    kill(getpid(), SIGTERM);
    return NULL;
}

/* The loop runs until the client has its answers; they are in asks[]. */
static int serve(const char *const *requests)
{
    pthread_t thread;
    int status;

    memset(asks, 0, sizeof asks);
    for (size_t i = 0; requests[i]; i++)
        asks[i].request = requests[i];
    assert_int_equal(pthread_create(&thread, NULL, client, NULL), 0);
    status = o2c_service_run(service);
    pthread_join(thread, NULL);
    return status;
}

static void expect(size_t i, const char *status, const char *body)
{
    const char *found = strstr(asks[i].answer, "\r\n\r\n");

    if (!strstr(asks[i].answer, status) || !found || strcmp(found + 4, body) != 0)
        fail_msg("%s answered: %s", asks[i].request, asks[i].answer);
}

static void the_management_port_says_how_it_is(void **state)
{
    static const char *const requests[] = {"GET /livez",    "GET /readyz", "GET /metrics",
                                           "GET /metrics",  "GET /",       "POST /livez",
                                           "GET /readyz/x", NULL};

    (void)state;
    assert_int_equal(serve(requests), 7);
    assert_int_equal(stops, 1);
    expect(0, " 200 ", "ok\n");
    expect(1, " 200 ", "ok\n");
    assert_non_null(strstr(asks[2].answer, "tested_turns_total 1\n"));
    assert_non_null(strstr(asks[3].answer, "tested_turns_total 2\n"));
    assert_non_null(strstr(asks[3].answer, "text/plain; version=0.0.4"));
    assert_non_null(strstr(asks[4].answer, " 404 "));
    assert_non_null(strstr(asks[4].answer, "there are /livez, /readyz, "));
    expect(5, " 405 ", "GET only\n");
    assert_non_null(strstr(asks[6].answer, " 404 "));
}

static void what_is_not_well_is_told_with_its_reason(void **state)
{
    static const char *const requests[] = {"GET /livez", "GET /readyz", "GET /startupz",
                                           NULL};

    (void)state;
    is_ready = is_healthy = false;
    assert_int_equal(serve(requests), 7);
    expect(0, " 503 ", "no progress\n");
    expect(1, " 503 ", "not yet\n");
    assert_non_null(strstr(asks[2].answer, " 503 "));
}

/* ---- without descriptors */

static rlim_t set_descriptor_limit(rlim_t limit)
{
    struct rlimit at;
    rlim_t before;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &at), 0);
    before = at.rlim_cur;
    at.rlim_cur = limit;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &at), 0);
    return before;
}

/* All up to this one are in use; the limit there was. */
static rlim_t use_up_descriptors(int last)
{
    rlim_t before = set_descriptor_limit((rlim_t)last + 1);

    assert_int_equal(dup(last), -1);
    assert_int_equal(errno, EMFILE);
    return before;
}

/* A socket that is there before the limit; the server has not seen it yet. */
static int knock(void)
{
    static const char request[] = "GET /readyz HTTP/1.0\r\n\r\n";
    int fd = connect_to(o2c_service_address(service));

    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL),
                     sizeof request - 1);
    return fd;
}

static void await_status(int fd, const char *status)
{
    char answer[1000] = "";

    while (recv(fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_PEEK) <= 0)
        uv_run(o2c_service_loop(service), UV_RUN_ONCE);
    assert_non_null(strstr(answer, status));
}

static void it_says_how_it_is_where_no_descriptor_is_left(void **state)
{
    int clients[3];
    rlim_t before;

    (void)state;
    is_ready = false;
    for (size_t i = 0; i < 3; i++)
        clients[i] = knock();
    before = use_up_descriptors(clients[2]);
    for (size_t i = 0; i < 3; i++)
        await_status(clients[i], " 503 ");
    set_descriptor_limit(before);
    for (size_t i = 0; i < 3; i++)
        close(clients[i]);
}

static void count_turn(uv_prepare_t *prepare)
{
    ++*(int *)prepare->data;
}

static void stop_loop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* How often the loop turns in this time. */
static int turns_in(uint64_t ms)
{
    uv_loop_t *loop = o2c_service_loop(service);
    int turns = 0;
    uv_prepare_t prepare;
    uv_timer_t timer;

    uv_prepare_init(loop, &prepare);
    prepare.data = &turns;
    uv_prepare_start(&prepare, count_turn);
    uv_timer_init(loop, &timer);
    uv_timer_start(&timer, stop_loop, ms, 0);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    return turns;
}

/* The first, which says nothing, has the last descriptor. */
static void who_cannot_be_accepted_is_asked_for_again_at_rest(void **state)
{
    int silent, client;
    rlim_t before;

    (void)state;
    silent = connect_to(o2c_service_address(service));
    client = knock();
    before = use_up_descriptors(client);
    assert_in_range(turns_in(500), 1, 100);
    set_descriptor_limit(before);
    await_status(client, " 200 ");
    close(client);
    close(silent);
}

static void a_refused_address_is_named(void **state)
{
    static const char *const addresses[] = {"nonsense", "127.0.0.1", "127.0.0.1:70000",
                                            "localhost:80", "127.0.0.1:-1"};
    struct o2c_service *refused;
    struct o2c_err err;

    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        settings.management = addresses[i];
        assert_int_equal(
            o2c_service_new(&refused, "tested", &settings, &hooks, metrics, &err),
            O2C_FATAL);
        assert_non_null(strstr(err.text, addresses[i]));
    }
    settings.management = o2c_service_address(service);
    assert_int_equal(o2c_service_new(&refused, "tested", &settings, &hooks, metrics, &err),
                     O2C_FATAL);
    assert_non_null(strstr(err.text, "cannot listen on"));
}

static void without_an_address_there_is_no_port(void **state)
{
    teardown(state);
    settings.management = "";
    open_service();
    assert_string_equal(o2c_service_address(service), "");
    assert_int_equal(serve((const char *const[]){NULL}), 7);
}

/* ---- signals: in a child, as they end a process */

/* Says "r" when it runs, then never exits by itself. */
static _Noreturn void be_stubborn(int64_t deadline_ms, int say)
{
    exits = false;
    settings.management = "";
    settings.stop_deadline_ms = deadline_ms;
    open_service();
    if (write(say, "r", 1) != 1)
        _exit(99);
    _exit(o2c_service_run(service));
}

static int end_of_stubborn(int64_t deadline_ms, int first, int second)
{
    int ends[2], status;
    char said;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (!pid)
        be_stubborn(deadline_ms, ends[1]);
    assert_int_equal(read(ends[0], &said, 1), 1);
    kill(pid, first);
    if (second)
        kill(pid, second);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void it_is_ended_when_it_does_not_stop_in_time(void **state)
{
    (void)state;
    assert_int_equal(end_of_stubborn(100, SIGTERM, 0), 1);
}

/* Two signals of different numbers, so that neither hides the other. */
static void a_second_signal_ends_it_at_once(void **state)
{
    (void)state;
    assert_int_equal(end_of_stubborn(600000, SIGTERM, SIGINT), 1);
}

/* ---- what systemd is told */

static void take_words(int fd, struct o2c_buf *all)
{
    char word[500];
    ssize_t got;

    while ((got = recv(fd, word, sizeof word, MSG_DONTWAIT)) > 0) {
        o2c_buf_add(all, word, (size_t)got);
        o2c_buf_add_text(all, "\n");
    }
}

static void the_supervisor_is_told(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct o2c_buf all;

    (void)state;
    o2c_buf_init(&all, 100000);
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/o2c-test-notify-%ld",
             (long)getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    while (!strstr(o2c_buf_text(&all), "WATCHDOG=1")) { /* its beat */
        uv_run(o2c_service_loop(service), UV_RUN_NOWAIT);
        take_words(fd, &all);
    }
    assert_string_equal(o2c_buf_text(&all), "READY=1\nSTATUS=working\nWATCHDOG=1\n");
    assert_int_equal(serve((const char *const[]){NULL}), 7);
    take_words(fd, &all);
    assert_non_null(strstr(o2c_buf_text(&all), "STOPPING=1\n"));
    unsetenv("NOTIFY_SOCKET");
    o2c_buf_clear(&all);
    close(fd);
    unlink(address.sun_path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_management_port_says_how_it_is),
        TEST(what_is_not_well_is_told_with_its_reason),
        TEST(it_says_how_it_is_where_no_descriptor_is_left),
        TEST(who_cannot_be_accepted_is_asked_for_again_at_rest),
        TEST(a_refused_address_is_named),
        TEST(without_an_address_there_is_no_port),
        TEST(it_is_ended_when_it_does_not_stop_in_time),
        TEST(a_second_signal_ends_it_at_once),
        TEST(the_supervisor_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
