#include "tests/support/postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/base/buf.h"
#include "runtime/base/clock.h"

#include "runtime/base/banned.h"

/*
 * A guardian process stands between the test and the server: it is the
 * server's parent, does what the test says over a socket, and cleans up when
 * that socket ends, however the test ended.
 */
enum {
    START_US = 30 * 1000000,
    MIGRATION_MAX_BYTES = 1024 * 1024
};

enum order {
    START = 's',
    CRASH = 'c'
};

static char folder[] = "/tmp/o2c-test-pg-XXXXXX";
static pid_t owner, guardian;
static int to_guardian = -1;
static int databases;

/* In the guardian. */

static int remove_entry(const char *path, const struct stat *status, int type,
                        struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void become_postgres(void)
{
    if (geteuid() != 0)
        return;
    const struct passwd *user = getpwnam("postgres");
    if (!user || initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) ||
        setuid(user->pw_uid))
        _exit(126);
}

/* Runs a program of PostgreSQL in the folder, its output in FOLDER/log. */
static pid_t spawn(const char *const *words)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char program[300];
    snprintf(program, sizeof program, "%s/%s", POSTGRES_BIN, words[0]);
    become_postgres();
    int log = open("log", O_WRONLY | O_APPEND | O_CREAT, 0600);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close(nothing);
    close(log);
    execv(program, (char **)(uintptr_t)words);
    _exit(127);
}

/* Without fsync a commit still reaches the kernel, so it outlives a crash of the server. */
static pid_t spawn_server(void)
{
    return spawn((const char *const[]){"postgres", "-D", "data", "-k", folder, "-c",
                                       "listen_addresses=", "-c", "fsync=off", "-c",
                                       "full_page_writes=off", "-c", "shared_buffers=32MB",
                                       "-c", "max_connections=60", NULL});
}

/* Immediate shutdown: no checkpoint; the next start recovers. */
static void end_server(pid_t *server)
{
    if (*server > 0) {
        kill(*server, SIGQUIT);
        waitpid(*server, NULL, 0);
    }
    *server = 0;
}

static _Noreturn void guard(int socket)
{
    char order;
    pid_t server = 0;
    setsid();
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    if (chdir(folder))
        _exit(1);
    for (;;) {
        ssize_t got = read(socket, &order, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != 1)
            break;
        end_server(&server);
        if (order == START)
            server = spawn_server();
        if (write(socket, &order, 1) != 1)
            break;
    }
    end_server(&server);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    _exit(0);
}

/* In the test. */

static void tell_guardian(char order)
{
    char done = 0;
    if (write(to_guardian, &order, 1) != 1 || read(to_guardian, &done, 1) != 1 ||
        done != order)
        fail_msg("the throw-away PostgreSQL is gone");
}

static void print_log(void)
{
    char path[sizeof folder + 8], part[1000];
    snprintf(path, sizeof path, "%s/log", folder);
    FILE *log = fopen(path, "r");
    while (log && fgets(part, sizeof part, log))
        fputs(part, stderr);
    if (log)
        fclose(log);
}

static void wait_until_up(void)
{
    char dsn[TEST_DSN_BYTES];
    const struct timespec moment = {0, 10000000};
    int64_t deadline_us = o2c_clock_monotonic_us() + START_US;
    snprintf(dsn, sizeof dsn, "host=%s user=postgres dbname=postgres", folder);
    while (PQping(dsn) != PQPING_OK) {
        if (o2c_clock_monotonic_us() > deadline_us) {
            print_log();
            fail_msg("the throw-away PostgreSQL does not start");
        }
        nanosleep(&moment, NULL);
    }
}

static void stop_at_exit(void)
{
    if (getpid() != owner) /* a child that called exit() */
        return;
    close(to_guardian);
    waitpid(guardian, NULL, 0);
}

static void make_folder(void)
{
    if (!mkdtemp(folder))
        fail_msg("no folder under /tmp");
    const struct passwd *user = geteuid() == 0 ? getpwnam("postgres") : NULL;
    if (user && chown(folder, user->pw_uid, user->pw_gid))
        fail_msg("cannot give %s to postgres", folder);
}

static void make_cluster(void)
{
    int status = 0;
    char here[4096];
    if (!getcwd(here, sizeof here) || chdir(folder))
        fail_msg("cannot go to %s", folder);
    pid_t pid = spawn((const char *const[]){"initdb", "-D", "data", "-A", "trust", "-U",
                                            "postgres", "-E", "UTF8", "--locale=C",
                                            "--no-sync", "--no-instructions", NULL});
    waitpid(pid, &status, 0);
    if (chdir(here) || status) {
        print_log();
        fail_msg("%s/initdb failed", POSTGRES_BIN);
    }
}

static void start_once(void)
{
    int pair[2];
    if (guardian)
        return;
    make_folder();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        fail_msg("no socket pair");
    owner = getpid();
    guardian = fork();
    if (guardian == 0) {
        close(pair[0]);
        guard(pair[1]);
    }
    close(pair[1]);
    to_guardian = pair[0];
    atexit(stop_at_exit);
    make_cluster();
    test_postgres_restart();
}

void test_postgres_crash(void)
{
    tell_guardian(CRASH);
}

void test_postgres_restart(void)
{
    tell_guardian(START);
    wait_until_up();
}

PGconn *test_postgres_connect(const char *dsn)
{
    PGconn *conn = PQconnectdb(dsn);
    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return conn;
}

void test_postgres_run(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
}

static void make_database(const char *template, char ret_dsn[TEST_DSN_BYTES])
{
    char sql[200];
    snprintf(ret_dsn, TEST_DSN_BYTES, "host=%s user=postgres dbname=postgres", folder);
    snprintf(sql, sizeof sql, "CREATE DATABASE test_%d TEMPLATE %s", ++databases, template);
    PGconn *conn = test_postgres_connect(ret_dsn);
    test_postgres_run(conn, sql);
    PQfinish(conn);
    snprintf(
        ret_dsn, TEST_DSN_BYTES,
        "host=%s user=postgres dbname=test_%d options='-c client_min_messages=warning'",
        folder, databases);
}

void test_postgres_database(char ret_dsn[TEST_DSN_BYTES])
{
    start_once();
    make_database("template0", ret_dsn);
}

void test_postgres_copy(const char *dsn, char ret_dsn[TEST_DSN_BYTES])
{
    char name[100];
    PGconn *conn = test_postgres_connect(dsn);
    snprintf(name, sizeof name, "%s", PQdb(conn));
    PQfinish(conn);
    make_database(name, ret_dsn);
}

static void read_file(const char *path, struct o2c_buf *content)
{
    char part[4096];
    size_t got;
    FILE *in = fopen(path, "r");
    if (!in)
        fail_msg("%s: %s", path, strerror(errno));
    while ((got = fread(part, 1, sizeof part, in)) > 0)
        o2c_buf_add(content, part, got);
    fclose(in);
}

/* Copies `text`, and `name` for every :schema and :consumer in it. */
static void put_names(struct o2c_buf *out, const char *text, const char *name)
{
    static const char *const variables[] = {":schema", ":consumer"};
    while (*text) {
        const char *variable = NULL;
        for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
            if (strncmp(text, variables[i], strlen(variables[i])) == 0)
                variable = variables[i];
        if (variable) {
            o2c_buf_add_text(out, name);
            text += strlen(variable);
        } else {
            o2c_buf_add_u8(out, (uint8_t)*text++);
        }
    }
}

static void run_file(PGconn *conn, const char *file, const char *name)
{
    struct o2c_buf content, sql;
    o2c_buf_init(&content, MIGRATION_MAX_BYTES);
    o2c_buf_init(&sql, MIGRATION_MAX_BYTES);
    read_file(file, &content);
    put_names(&sql, o2c_buf_text(&content), name);
    o2c_buf_clear(&content);
    PGresult *result = PQexec(conn, o2c_buf_text(&sql));
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    o2c_buf_clear(&sql);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", file, PQerrorMessage(conn));
}

int test_postgres_migrate(PGconn *conn, const char *path, const char *name)
{
    char pattern[1000];
    glob_t files;
    snprintf(pattern, sizeof pattern, "%s/deploy/migrations/%s%s", SOURCE_FOLDER, path,
             strchr(path, '/') ? "" : "/*.sql");
    if (glob(pattern, 0, NULL, &files))
        fail_msg("%s: no such file", pattern);
    int count = (int)files.gl_pathc;
    for (int i = 0; i < count; i++)
        run_file(conn, files.gl_pathv[i], name);
    globfree(&files);
    return count;
}
