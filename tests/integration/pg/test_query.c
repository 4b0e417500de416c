/* runtime/pg's questions that are waited for: what ends waiting, and what does not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/base/stop.h"
#include "runtime/pg/await.h"
#include "runtime/pg/dsn.h"
#include "runtime/pg/query.h"
#include "tests/support/postgres.h"
#include "tests/support/silent_server.h"

#include "runtime/base/banned.h"

static char dsn[TEST_DSN_BYTES];
static PGconn *conn, *other;
static volatile sig_atomic_t stop;

static int setup(void **state)
{
    struct o2c_err err;

    (void)state;
    test_postgres_database(dsn);
    assert_int_equal(o2c_pg_connect(&conn, dsn, "tested", &err), O2C_OK);
    other = test_postgres_connect(dsn);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    o2c_pg_answer_within(0);
    o2c_stop_on(NULL);
    PQfinish(conn);
    PQfinish(other);
    return 0;
}

static char *ask(PGconn *whom, const char *sql)
{
    static char answer[200];
    PGresult *result = NULL;
    struct o2c_err err;

    if (o2c_pg_query(whom, sql, NULL, 0, &result, &err))
        fail_msg("%s: %s", sql, err.text);
    snprintf(answer, sizeof answer, "%s",
             PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return answer;
}

static pid_t process(PGconn *whom, const char *sql)
{
    return (pid_t)strtol(ask(whom, sql), NULL, 10);
}

static pid_t postmaster(void)
{
    return process(other, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)");
}

/* Nobody says anything any more: what it comes to be told. */
static void must_be_lost(const char *sql, const char *words)
{
    struct o2c_err err;

    assert_int_equal(o2c_pg_query(conn, sql, NULL, 0, NULL, &err), O2C_RETRY);
    if (!strstr(err.text, "PostgreSQL at /") || !strstr(err.text, words))
        fail_msg("%s", err.text);
}

/* ---- silence */

/* Each second connection is one, which is counted when it has ended. */
static const char sessions_sql[] =
    "SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()";

static int sessions(void)
{
    (void)ask(other, sessions_sql);
    return (int)strtol(
        ask(other,
            "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"),
        NULL, 10);
}

static void a_long_query_is_waited_for_while_its_server_answers(void **state)
{
    int before;

    (void)state;
    before = sessions();
    assert_string_equal(ask(conn, "SELECT 'done' FROM pg_sleep(2.5)"), "done");
    while (sessions() == before)
        ;
}

static void a_server_that_is_frozen_as_a_whole_is_lost(void **state)
{
    pid_t server = postmaster(), backend = process(conn, "SELECT pg_backend_pid()");

    (void)state;
    kill(server, SIGSTOP);
    kill(backend, SIGSTOP);
    must_be_lost("SELECT 1", ": no answer, nor one to another connection (waited for ");
    kill(backend, SIGCONT);
    kill(server, SIGCONT);
    assert_string_equal(ask(other, "SELECT 'here'"), "here");
}

static void who_has_a_limit_waits_no_longer_for_a_server_that_works(void **state)
{
    (void)state;
    o2c_pg_answer_within(500);
    must_be_lost("SELECT pg_sleep(3600)", ": no answer (waited for ");
}

static void a_server_that_ends_the_connection_is_heard(void **state)
{
    struct o2c_err err;

    (void)state;
    assert_int_equal(o2c_pg_query(conn, "SELECT pg_terminate_backend(pg_backend_pid())",
                                  NULL, 0, NULL, &err),
                     O2C_RETRY);
    assert_string_equal(err.text, "PostgreSQL: 57P01 terminating connection due to "
                                  "administrator command");
    assert_int_equal(o2c_pg_query(conn, "SELECT 1", NULL, 0, NULL, &err), O2C_RETRY);
    assert_non_null(strstr(err.text, "PostgreSQL: "));
}

static void a_server_that_is_gone_is_named(void **state)
{
    (void)state;
    test_postgres_crash();
    must_be_lost("SELECT 1",
                 ": server closed the connection unexpectedly (waited for 0 s)");
    test_postgres_restart();
}

/* ---- Ctrl-C */

static void on_alarm(int number)
{
    (void)number;
    stop = 1;
}

static void waiting_ends_where_it_is_stopped(void **state)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 200000}};
    const struct sigaction action = {.sa_handler = on_alarm};
    struct o2c_err err;

    (void)state;
    stop = 0;
    o2c_stop_on(&stop);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    assert_int_equal(o2c_pg_script(conn, "SELECT pg_sleep(3600)", &err), O2C_RETRY);
    assert_string_equal(err.text, "interrupted");
}

/* ---- connecting */

static void a_server_that_takes_connections_and_says_nothing_is_told(void **state)
{
    char silent[64], patient[100];
    int port;
    int fd = silent_server_open(&port);
    struct o2c_err err;
    PGconn *none = NULL;

    (void)state;
    snprintf(silent, sizeof silent, "host=127.0.0.1 port=%d", port);
    snprintf(patient, sizeof patient, "%s connect_timeout=2", silent);
    assert_int_equal(o2c_pg_connect(&none, patient, "tested", &err), O2C_RETRY);
    assert_non_null(strstr(err.text, "\"127.0.0.1\""));
    assert_non_null(strstr(err.text, "timeout expired (waited for 2 s)"));
    assert_true(o2c_pg_dsn_is_usable(silent));
    close(fd);
}

/* ---- rows from one database into another */

static void rows_are_copied_to_the_last_one(void **state)
{
    PGconn *which;
    struct o2c_err err;

    (void)state;
    test_postgres_run(other, "CREATE TABLE there (n int, word text)");
    PQsetnonblocking(other, 1);
    assert_int_equal(o2c_pg_copy(conn,
                                 "COPY (SELECT n, repeat('x', 1000)"
                                 " FROM generate_series(1, 20000) n) TO STDOUT",
                                 other, "COPY there FROM STDIN", &which, &err),
                     O2C_OK);
    assert_string_equal(ask(other, "SELECT concat(count(*), ' ', sum(n)) FROM there"),
                        "20000 200010000");
    assert_string_equal(ask(conn, "SELECT 'free'"), "free");
}

static void copy_must_fail(const char *out_sql, PGconn *failed, const char *words)
{
    PGconn *which = NULL;
    struct o2c_err err;

    test_postgres_run(other, "CREATE TABLE there (n int)");
    PQsetnonblocking(other, 1);
    assert_int_not_equal(
        o2c_pg_copy(conn, out_sql, other, "COPY there FROM STDIN", &which, &err), O2C_OK);
    assert_ptr_equal(which, failed);
    assert_non_null(strstr(err.text, words));
}

static void whose_copy_failed_is_known(void **state)
{
    (void)state;
    copy_must_fail("COPY (SELECT 1 / 0) TO STDOUT", conn, "22012");
}

static void a_connection_lost_in_a_copy_is_told(void **state)
{
    (void)state;
    copy_must_fail("COPY (SELECT n FROM generate_series(1, 1000) n UNION ALL"
                   " SELECT pg_terminate_backend(pg_backend_pid())::int) TO STDOUT",
                   conn, "57P01");
}

static void rows_that_are_refused_are_told_of_their_database(void **state)
{
    (void)state;
    copy_must_fail("COPY (SELECT 'x') TO STDOUT", other, "22P02");
}

#define ON_POSTGRES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_POSTGRES(a_long_query_is_waited_for_while_its_server_answers),
        ON_POSTGRES(a_server_that_is_frozen_as_a_whole_is_lost),
        ON_POSTGRES(who_has_a_limit_waits_no_longer_for_a_server_that_works),
        ON_POSTGRES(a_server_that_ends_the_connection_is_heard),
        ON_POSTGRES(a_server_that_is_gone_is_named),
        ON_POSTGRES(waiting_ends_where_it_is_stopped),
        ON_POSTGRES(a_server_that_takes_connections_and_says_nothing_is_told),
        ON_POSTGRES(rows_are_copied_to_the_last_one),
        ON_POSTGRES(whose_copy_failed_is_known),
        ON_POSTGRES(a_connection_lost_in_a_copy_is_told),
        ON_POSTGRES(rows_that_are_refused_are_told_of_their_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
