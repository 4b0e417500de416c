#include "tests/support/service.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "schemas/units/time.h"
#include "tests/support/await.h"

#include "runtime/base/banned.h"

enum {
    WORDS_MAX = 48,
    ENVIRONMENT_MAX = 500,
    LOG_BYTES = 1 << 20
};

static void program_path(const char *program, char *path, size_t room)
{
    const char *folder = getenv("TEST_PROGRAMS");
    const char *name = strrchr(program, '/');

    snprintf(path, room, "%s/%s", folder ? folder : "", name ? name + 1 : program);
    if (!folder || access(path, X_OK))
        snprintf(path, room, "%s", program);
}

static bool is_among(const char *const *variables, const char *entry)
{
    size_t name_and_equals = strcspn(entry, "=") + 1;

    for (; variables && *variables; variables++)
        if (!strncmp(*variables, entry, name_and_equals))
            return true;
    return false;
}

/* This process's environment with the variables in it instead of their namesakes. */
static void fill_environment(char **ret_environment, const char *const *variables)
{
    size_t count = 0;

    for (size_t i = 0; variables && variables[i]; i++)
        ret_environment[count++] = (char *)(uintptr_t)variables[i];
    for (char **entry = environ; *entry; entry++)
        if (!is_among(variables, *entry)) {
            assert_true(count + 1 < ENVIRONMENT_MAX);
            ret_environment[count++] = *entry;
        }
    ret_environment[count] = NULL;
}

/*
 * Between fork and exec only what is safe after a fork: this process has other
 * threads, and a lock that one of them held (malloc's) stays locked in the child.
 */
static pid_t run(const char *path, char *const *words, char *const *environment, int log)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execve(path, words, environment);
    _exit(127);
}

void service_start(struct service *service, const char *program, const char *const *words,
                   const char *const *variables)
{
    static int starts;
    static char path[1024], *given[WORDS_MAX] = {path}, *environment[ENVIRONMENT_MAX];
    int log;

    assert_int_equal(service->pid, 0);
    if (!*service->log)
        snprintf(service->log, sizeof service->log, "/tmp/o2c-test-service-%ld-%d.log",
                 (long)getpid(), ++starts);
    program_path(program, path, sizeof path);
    for (size_t i = 0; i == 0 || words[i - 1]; i++) {
        assert_true(i + 1 < WORDS_MAX);
        given[i + 1] = (char *)(uintptr_t)words[i];
    }
    fill_environment(environment, variables);
    log = open(service->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(log >= 0);
    service->from = (long)lseek(log, 0, SEEK_END);
    service->pid = run(path, given, environment, log);
    close(log);
    assert_true(service->pid > 0);
}

/* ---- its log */

static const char *read_log(const struct service *service, long from)
{
    static char text[LOG_BYTES];
    FILE *log = fopen(service->log, "r");
    size_t got = 0;

    if (log && !fseek(log, from, SEEK_SET))
        got = fread(text, 1, sizeof text - 1, log);
    if (log)
        (void)fclose(log);
    text[got] = '\0';
    return text;
}

int service_log_count(const struct service *service, const char *text)
{
    int count = 0;

    for (const char *at = read_log(service, service->from); (at = strstr(at, text)); at++)
        count++;
    return count;
}

int64_t service_log_time_us(const struct service *service, const char *text, int nth)
{
    static const char before[] = "{\"time\":\"";
    const char *begin = read_log(service, service->from), *at = begin;
    int64_t time_us = 0;

    for (int i = 1; at && (at = strstr(at, text)) && i < nth; i++)
        at++;
    if (!at) {
        fail_msg("has not said \"%s\" %d times", text, nth);
        return 0;
    }
    while (at > begin && at[-1] != '\n')
        at--;
    at += sizeof before - 1;
    if (!o2c_timestamp_parse((struct o2c_str){at, strcspn(at, "\"")}, &time_us))
        fail_msg("no time: %.60s", at);
    return time_us;
}

/* Notices that it has ended. */
static bool runs(struct service *service, int *ret_status)
{
    pid_t pid = waitpid(service->pid, ret_status, WNOHANG);

    return pid == 0;
}

void service_wait_log(struct service *service, const char *text)
{
    service_wait_log_times(service, text, 1);
}

void service_wait_log_times(struct service *service, const char *text, int times)
{
    struct await await = await_begin();
    bool alive = true;
    int status = 0;

    while (service_log_count(service, text) < times) {
        if (!alive) {
            service->pid = 0;
            fail_msg("ended with status %d before it said \"%s\"", WEXITSTATUS(status),
                     text);
        }
        alive = runs(service, &status);
        if (!await_more(&await))
            fail_msg("never said \"%s\"", text);
    }
    if (!alive)
        service->pid = 0;
}

/* ---- its management port */

static int connect_to_management(struct service *service)
{
    static const char before[] = "\"management\":\"127.0.0.1:";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const char *at;

    service_wait_log(service, before);
    at = strstr(read_log(service, service->from), before) + strlen(before);
    to.sin_port = htons((uint16_t)strtoul(at, NULL, 10));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

const char *service_ask(struct service *service, const char *path)
{
    static char answer[LOG_BYTES];
    const struct timeval patience = {40, 0};
    int fd = connect_to_management(service);
    char request[200];
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", path);
    size_t got = 0;
    ssize_t more;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(send(fd, request, (size_t)len, MSG_NOSIGNAL), len);
    while ((more = recv(fd, answer + got, sizeof answer - 1 - got, 0)) > 0)
        got += (size_t)more;
    close(fd);
    answer[got] = '\0';
    return answer;
}

void service_wait_answer(struct service *service, const char *path, const char *text)
{
    struct await await = await_begin();

    while (!strstr(service_ask(service, path), text))
        if (!await_more(&await))
            fail_msg("%s never says \"%s\" but: %s", path, text,
                     service_ask(service, path));
}

/* ---- signals */

void service_wait_stopped(struct service *service)
{
    struct await await = await_begin();
    int status;

    while (waitpid(service->pid, &status, WUNTRACED | WNOHANG) == 0)
        if (!await_more(&await))
            fail_msg("does not stop");
    if (!WIFSTOPPED(status)) {
        service->pid = 0;
        fail_msg("ended instead of stopping");
    }
}

void service_continue(struct service *service)
{
    kill(service->pid, SIGCONT);
}

int service_wait(struct service *service)
{
    struct await await = await_begin();
    int status;

    while (runs(service, &status))
        if (!await_more(&await))
            fail_msg("does not end");
    service->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void service_ask_to_end(struct service *service)
{
    kill(service->pid, SIGTERM);
}

int service_end(struct service *service)
{
    service_ask_to_end(service);
    return service_wait(service);
}

void service_kill(struct service *service)
{
    if (!service->pid)
        return;
    kill(service->pid, SIGKILL);
    waitpid(service->pid, NULL, 0);
    service->pid = 0;
}

void service_clear(struct service *service, bool print_log)
{
    service_kill(service);
    if (print_log && *service->log)
        fprintf(stderr, "---- %s\n%s----\n", service->log, read_log(service, 0));
    if (*service->log)
        unlink(service->log);
    *service = (struct service){.pid = 0};
}
