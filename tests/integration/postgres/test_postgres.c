/* tests/support/postgres.c: the throw-away PostgreSQL that other tests stand on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/postgres.h"

#include "runtime/base/banned.h"

static int count(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    int found = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return found;
}

static void every_test_gets_an_empty_database(void **state)
{
    (void)state;
    char first[TEST_DSN_BYTES], second[TEST_DSN_BYTES];
    test_postgres_database(first);
    test_postgres_database(second);
    assert_string_not_equal(first, second);
    PGconn *conn = test_postgres_connect(first);
    test_postgres_run(conn, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)");
    assert_int_equal(count(conn, "SELECT count(*) FROM t"), 2);
    PQfinish(conn);
    conn = test_postgres_connect(second);
    assert_int_equal(count(conn, "SELECT count(*) FROM pg_class WHERE relname = 't'"), 0);
    PQfinish(conn);
}

static void a_copy_has_what_was_there_and_nothing_that_came_later(void **state)
{
    (void)state;
    char dsn[TEST_DSN_BYTES], copy[TEST_DSN_BYTES];
    test_postgres_database(dsn);
    PGconn *conn = test_postgres_connect(dsn);
    test_postgres_run(conn, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)");
    PQfinish(conn);
    test_postgres_copy(dsn, copy);
    conn = test_postgres_connect(dsn);
    test_postgres_run(conn, "INSERT INTO t VALUES (3)");
    PQfinish(conn);
    conn = test_postgres_connect(copy);
    assert_int_equal(count(conn, "SELECT count(*) FROM t"), 2);
    PQfinish(conn);
}

static void migrations_run_under_the_name_of_a_consumer(void **state)
{
    (void)state;
    char dsn[TEST_DSN_BYTES];
    test_postgres_database(dsn);
    PGconn *conn = test_postgres_connect(dsn);
    test_postgres_migrate(conn, "o2c/0001_registry.sql", "");
    test_postgres_migrate(conn, "host", "orders");
    test_postgres_migrate(conn, "host", "shipments");
    assert_int_equal(
        count(conn, "SELECT count(*) FROM o2c.consumer WHERE consumer = schema"), 2);
    assert_int_equal(count(conn, "SELECT count(*) FROM shipments.outbox"), 0);
    PQfinish(conn);
}

static void a_crash_loses_the_connections_and_nothing_else(void **state)
{
    (void)state;
    char dsn[TEST_DSN_BYTES];
    test_postgres_database(dsn);
    PGconn *conn = test_postgres_connect(dsn);
    test_postgres_run(conn, "CREATE TABLE t AS SELECT 7 AS a");
    test_postgres_crash();
    PGresult *result = PQexec(conn, "SELECT 1");
    assert_int_not_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    PQclear(result);
    PQfinish(conn);
    test_postgres_restart();
    conn = test_postgres_connect(dsn);
    assert_int_equal(count(conn, "SELECT a FROM t"), 7);
    PQfinish(conn);
}

enum {
    WORD_FD = 9 /* where the copy says which folder it has */
};

/* The child's whole family holds the pipe: its end of file says that all are through. */
static pid_t start_copy(int *ret_fd)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(pipes[1], WORD_FD);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        execl("/proc/self/exe", "test_postgres", "--wait", (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    *ret_fd = pipes[0];
    return child;
}

static void a_killed_test_leaves_nothing_behind(void **state)
{
    (void)state;
    int fd;
    char dsn[TEST_DSN_BYTES] = "", folder[100] = "";
    struct stat status;
    pid_t child = start_copy(&fd);
    ssize_t got = read(fd, dsn, sizeof dsn - 1);
    int named = sscanf(dsn, "host=%99s ", folder);
    int there = stat(folder, &status);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (read(fd, dsn, sizeof dsn) > 0)
        continue;
    close(fd);
    assert_true(got > 0);
    assert_int_equal(named, 1);
    assert_int_equal(there, 0);
    assert_int_equal(stat(folder, &status), -1);
}

static void wait_to_be_killed(void **state)
{
    (void)state;
    char dsn[TEST_DSN_BYTES];
    test_postgres_database(dsn);
    assert_true(write(WORD_FD, dsn, strlen(dsn)) > 0);
    pause();
}

int main(int argc, char **argv)
{
    (void)argv;
    const struct CMUnitTest waiting[] = {cmocka_unit_test(wait_to_be_killed)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_test_gets_an_empty_database),
        cmocka_unit_test(a_copy_has_what_was_there_and_nothing_that_came_later),
        cmocka_unit_test(migrations_run_under_the_name_of_a_consumer),
        cmocka_unit_test(a_crash_loses_the_connections_and_nothing_else),
        cmocka_unit_test(a_killed_test_leaves_nothing_behind),
    };
    return argc > 1 ? cmocka_run_group_tests(waiting, NULL, NULL)
                    : cmocka_run_group_tests(tests, NULL, NULL);
}
