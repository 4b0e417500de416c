/* runtime/pg on a real PostgreSQL: units, verdicts, and connections that end. */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/base/buf.h"
#include "runtime/pg/binary.h"
#include "runtime/pg/errors.h"
#include "runtime/pg/pg.h"
#include "tests/support/await.h"
#include "tests/support/postgres.h"

#include "runtime/base/banned.h"

#define TESTED_SESSION                                                                     \
    "  FROM pg_stat_activity"                                                              \
    " WHERE application_name = 'tested' AND datname = current_database()"

static uv_loop_t loop;
static uv_timer_t patience;
static struct o2c_pg *pg;
static struct o2c_pg_params params;
static PGconn *conn;
static char dsn[TEST_DSN_BYTES];
static struct o2c_buf story; /* what was called back, in order */
static struct o2c_buf expected;
static const char *awaited;
static struct o2c_err down, refused;
static int64_t timeout_ms;

static const struct o2c_pg_statement statements[] = {
    {"put", "INSERT INTO kept VALUES ($1::bigint)"},
    {"all", "SELECT string_agg(n::text, ' ' ORDER BY n) FROM kept"},
    {"say", "INSERT INTO said VALUES ($1::text)"},
    {"all_said", "SELECT string_agg(word, ' ') FROM said"},
    {"raise", "SELECT raise($1::text)"},
    {"sleep", "SELECT pg_sleep(60)"},
    {"die", "SELECT pg_terminate_backend(pg_backend_pid())"},
    {"weigh", "SELECT $1::bigint || ' ' || length($2::bytea)"},
};

/* ---- the loop, until the story has got so far */

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("waited for \"%s\", happened: %s", awaited, o2c_buf_text(&story));
}

static void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void tell(const char *fmt, ...)
{
    char text[300];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    o2c_buf_add_text(&story, text);
    if (awaited && strstr(o2c_buf_text(&story), awaited))
        uv_stop(&loop);
}

static void run_until(const char *text)
{
    awaited = text;
    if (!strstr(o2c_buf_text(&story), text))
        uv_run(&loop, UV_RUN_DEFAULT);
    awaited = NULL;
}

static void expect(const char *told)
{
    assert_string_equal(o2c_buf_text(&story), told);
    o2c_buf_reset(&story);
}

static void on_up(void *user, const struct o2c_err *none)
{
    (void)user;
    assert_null(none);
    tell("up;");
}

static void on_down(void *user, const struct o2c_err *err)
{
    (void)user;
    down = *err;
    tell("down %d;", err->verdict);
}

static void on_unreachable(void *user, const struct o2c_err *err)
{
    (void)user;
    assert_true(*err->text);
    tell("unreachable;");
}

static void on_done(void *user, enum o2c_verdict verdict, bool lost,
                    const struct o2c_err *err)
{
    tell("%s %d%s", (const char *)user, verdict, lost ? " lost;" : ";");
    if (!verdict)
        return;
    assert_true(*err->text);
    refused = *err;
}

static void on_all(void *user, const PGresult *result)
{
    (void)user;
    tell("[%.*s]", O2C_STR_ARG(o2c_pg_get_text(result, 0, 0)));
}

static void on_closed(void *user)
{
    (void)user;
    tell("closed;");
}

/* ---- a test's own world */

static void open_pg(const struct o2c_pg_statement *list, size_t count)
{
    const struct o2c_pg_options options = {.loop = &loop,
                                           .dsn = dsn,
                                           .application_name = "tested",
                                           .statements = list,
                                           .statement_count = count,
                                           .on_up = on_up,
                                           .on_down = on_down,
                                           .on_unreachable = on_unreachable,
                                           .timeout_ms = timeout_ms};
    struct o2c_err err;

    assert_int_equal(o2c_pg_open(&pg, &options, &err), O2C_OK);
}

static void open_all(void)
{
    open_pg(statements, sizeof statements / sizeof statements[0]);
}

static int setup_closed(void **state)
{
    (void)state;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &patience);
    o2c_buf_init(&story, 10000);
    o2c_buf_init(&expected, 10000);
    o2c_pg_params_init(&params, 2 << 20);
    test_postgres_database(dsn);
    conn = test_postgres_connect(dsn);
    test_postgres_run(conn, "CREATE TABLE kept (n bigint PRIMARY KEY);"
                            "CREATE TABLE said (word text NOT NULL);"
                            "CREATE FUNCTION raise(code text) RETURNS void LANGUAGE plpgsql"
                            " AS $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = code,"
                            " DETAIL = 'so it was asked'; END $$");
    uv_update_time(&loop); /* making the database may have taken long */
    uv_timer_start(&patience, on_patience, 40000, 0);
    return 0;
}

static int setup(void **state)
{
    setup_closed(state);
    open_all();
    run_until("up;");
    expect("up;");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (pg) {
        o2c_pg_close(pg, on_closed, NULL);
        run_until("closed;");
    }
    pg = NULL;
    timeout_ms = 0;
    uv_close((uv_handle_t *)&patience, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    o2c_buf_clear(&story);
    o2c_buf_clear(&expected);
    o2c_pg_params_clear(&params);
    PQfinish(conn);
    return 0;
}

static void put(int64_t n)
{
    o2c_pg_params_reset(&params);
    o2c_pg_add_int8(&params, n);
    o2c_pg_send(pg, "put", &params, NULL, NULL);
}

static void raise_error(const char *code)
{
    o2c_pg_params_reset(&params);
    o2c_pg_add_text(&params, o2c_str_from(code));
    o2c_pg_send(pg, "raise", &params, NULL, NULL);
}

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void); /* its header is not always there */
#endif

/* How much of the heap is in use. */
static size_t in_use(void)
{
#ifdef __SANITIZE_ADDRESS__
    return __sanitizer_get_current_allocated_bytes();
#else
    struct mallinfo2 heap = mallinfo2();

    return heap.uordblks + heap.hblkhd;
#endif
}

static void weigh(int64_t n, size_t bytes)
{
    static const char zeros[1 << 20];

    assert_true(bytes <= sizeof zeros);
    o2c_pg_params_reset(&params);
    o2c_pg_add_int8(&params, n);
    o2c_pg_add_text(&params, (struct o2c_str){zeros, bytes});
    assert_false(params.buf.failed);
    o2c_pg_send(pg, "weigh", &params, on_all, NULL);
}

static void send_bare(const char *statement)
{
    o2c_pg_params_reset(&params);
    o2c_pg_send(pg, statement, &params, on_all, NULL);
}

static void sync_unit(const char *name)
{
    o2c_pg_sync(pg, on_done, (void *)(uintptr_t)name);
}

/* Until what "sleep" asks for runs in the server. */
static void run_until_it_sleeps(void)
{
    while (!strcmp(sql_text(conn, "SELECT count(*) FROM pg_stat_activity WHERE state = "
                                  "'active' AND query LIKE 'SELECT pg_sleep(60)%'"),
                   "0"))
        uv_run(&loop, UV_RUN_NOWAIT);
}

/* ---- units */

static void units_are_answered_in_order_each_committed_or_not_at_all(void **state)
{
    (void)state;
    put(1);
    put(2);
    sync_unit("a");
    put(3);
    put(1); /* is there already */
    put(4);
    sync_unit("b");
    put(5);
    sync_unit("c");
    send_bare("all");
    sync_unit("d");
    expect(""); /* never from inside the call */
    run_until("d 0;");
    expect("a 0;b 2;c 0;[1 2 5]d 0;");
}

/* More than a socket takes, while the server waits for a lock and reads nothing; a small
   one behind large ones, and a unit behind a unit. */
static void what_the_socket_does_not_take_waits_and_leaves_no_memory_behind(void **state)
{
    const size_t bytes = 1 << 20;
    size_t before;

    (void)state;
    weigh(0, bytes);
    sync_unit("first");
    run_until("first 0;");
    o2c_buf_reset(&story);
    test_postgres_run(conn, "BEGIN; LOCK TABLE kept");
    before = in_use();
    put(7);
    for (int64_t n = 1; n <= 30; n++)
        weigh(n, bytes);
    sync_unit("a");
    weigh(31, 5);
    sync_unit("b");
    assert_in_range(in_use() - before, 20 * bytes, 60 * bytes);
    test_postgres_run(conn, "COMMIT");
    run_until("b 0;");
    for (int64_t n = 1; n <= 30; n++) {
        char text[40];

        snprintf(text, sizeof text, "[%d 1048576]", (int)n);
        o2c_buf_add_text(&expected, text);
    }
    o2c_buf_add_text(&expected, "a 0;[31 5]b 0;");
    expect(o2c_buf_text(&expected));
    assert_in_range(in_use(), 0, before + 2 * bytes);
}

static void what_waits_is_lost_with_the_connection(void **state)
{
    (void)state;
    send_bare("die");
    sync_unit("a");
    for (int64_t n = 1; n <= 30; n++)
        weigh(n, 1 << 20);
    sync_unit("b");
    run_until("up;");
    expect("a 1 lost;b 1 lost;down 1;up;");
    send_bare("all");
    sync_unit("c");
    run_until("c 0;");
    expect("[]c 0;");
}

static void an_empty_unit_is_answered_too(void **state)
{
    (void)state;
    sync_unit("a");
    run_until("a 0;");
    expect("a 0;");
}

/* The one table from SQLSTATE to verdict, as errors.h says it. */
static void what_postgres_says_becomes_a_verdict(void **state)
{
    static const struct {
        const char *code;
        enum o2c_verdict verdict;
    } rows[] = {
        {"O2C01", O2C_FENCED}, {"08006", O2C_RETRY}, {"40001", O2C_RETRY},
        {"53100", O2C_RETRY},  {"55P03", O2C_RETRY}, {"57014", O2C_RETRY},
        {"58030", O2C_RETRY},  {"54000", O2C_PARK},  {"22003", O2C_PARK},
        {"23514", O2C_PARK},   {"42P01", O2C_FATAL}, {"28000", O2C_FATAL},
        {"O2C02", O2C_FATAL},  {"P0001", O2C_FATAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char told[40];

        raise_error(rows[i].code);
        sync_unit(rows[i].code);
        snprintf(told, sizeof told, "%s %d;", rows[i].code, rows[i].verdict);
        run_until(told);
        expect(told);
    }
}

static struct o2c_err last;

static void keep_err(void *user, enum o2c_verdict verdict, bool lost,
                     const struct o2c_err *err)
{
    last = *err;
    on_done(user, verdict, lost, err);
}

static void an_error_carries_state_message_and_detail(void **state)
{
    (void)state;
    raise_error("23514");
    o2c_pg_sync(pg, keep_err, (void *)(uintptr_t) "a");
    run_until("a 2;");
    assert_non_null(strstr(last.text, "23514 raised (so it was asked)"));
    assert_int_equal(last.native, o2c_pg_sqlstate("23514"));
}

/* ---- connections that end */

static void units_not_answered_are_lost_before_the_connection_is_down(void **state)
{
    (void)state;
    put(1);
    sync_unit("a");
    run_until("a 0;");
    o2c_buf_reset(&story);
    send_bare("die");
    sync_unit("b");
    put(2);
    sync_unit("c");
    run_until("up;");
    /* what the server said before it went may have been read or not: down comes last */
    assert_non_null(strstr(o2c_buf_text(&story), "c 1 lost;down 1;up;"));
    o2c_buf_reset(&story);
    put(3);
    send_bare("all");
    sync_unit("d");
    run_until("d 0;");
    expect("[1 3]d 0;");
}

/* The server ends with input it has not read: the connection is reset, not closed. */
static void a_connection_that_is_reset_is_noticed(void **state)
{
    pid_t server;

    (void)state;
    send_bare("sleep");
    weigh(1, 30000); /* the socket takes all of it, the server reads 8192 bytes */
    sync_unit("a");
    run_until_it_sleeps();
    server = (pid_t)strtol(sql_text(conn, "SELECT pid" TESTED_SESSION), NULL, 10);
    test_postgres_run(conn, "SELECT pg_terminate_backend(pid)" TESTED_SESSION);
    while (!kill(server, 0) || errno != ESRCH)
        ; /* what it said last and the reset arrive at once */
    run_until("up;");
    expect("a 1 lost;down 1;up;");
}

static void on_done_close(void *user, enum o2c_verdict verdict, bool lost,
                          const struct o2c_err *err)
{
    on_done(user, verdict, lost, err);
    o2c_pg_close(pg, on_closed, NULL);
    pg = NULL;
}

/* What was answered before is not answered again. */
static void an_answer_may_close_the_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) { /* the ring has been round */
        put(i);
        sync_unit("x");
    }
    run_until("x 0;x 0;x 0;");
    send_bare("all");
    sync_unit("a");
    run_until("a 0;");
    o2c_buf_reset(&story);
    send_bare("die");
    sync_unit("b");
    put(2);
    o2c_pg_sync(pg, on_done_close, (void *)(uintptr_t) "c");
    put(3);
    sync_unit("d");
    run_until("closed;");
    assert_non_null(strstr(o2c_buf_text(&story), "c 1 lost;d 1 lost;closed;"));
    assert_null(strstr(o2c_buf_text(&story), "x "));
    assert_null(strstr(o2c_buf_text(&story), "a "));
    assert_null(strstr(o2c_buf_text(&story), "down"));
}

/* The server would take what is there for a statement, and keep an empty word. */
static void a_unit_whose_parameters_did_not_fit_leaves_nothing(void **state)
{
    struct o2c_pg_params small;

    (void)state;
    put(1);
    o2c_pg_params_init(&small, 4);
    o2c_pg_add_text(&small, O2C_STR("too long"));
    assert_true(small.buf.failed);
    o2c_pg_send(pg, "say", &small, NULL, NULL);
    o2c_pg_params_clear(&small);
    put(2);
    sync_unit("a");
    run_until("up;");
    expect("a 1 lost;down 1;up;");
    send_bare("all");
    send_bare("all_said");
    sync_unit("b");
    run_until("b 0;");
    expect("[][]b 0;");
}

static void what_is_sent_while_it_is_down_is_lost(void **state)
{
    (void)state;
    test_postgres_crash();
    run_until("down 1;");
    o2c_buf_reset(&story);
    put(1);
    sync_unit("a");
    expect("");
    run_until("a 1 lost;");
    test_postgres_restart();
    run_until("up;");
    o2c_buf_reset(&story);
    send_bare("all");
    sync_unit("b");
    run_until("b 0;");
    expect("[]b 0;");
    PQreset(conn);
}

/* ---- connections that are being made */

static void expect_kept(const char *numbers)
{
    char told[40];

    send_bare("all");
    sync_unit("all");
    snprintf(told, sizeof told, "[%s]all 0;", numbers);
    run_until("all 0;");
    expect(told);
}

static void a_unit_begun_before_there_is_a_server_process_is_lost(void **state)
{
    (void)state;
    open_all();
    uv_run(&loop,
           UV_RUN_NOWAIT); /* begins to connect; more takes an answer of the server */
    put(1);
    sync_unit("a");
    run_until("up;");
    expect("a 1 lost;up;");
    expect_kept("");
}

/* The server prepares "put" when it gets the lock on its table. */
static void open_and_hold_in_prepare(void)
{
    test_postgres_run(conn, "BEGIN; LOCK TABLE kept");
    open_all();
    while (!strcmp(sql_text(conn, "SELECT count(*) FROM pg_locks WHERE NOT granted"), "0"))
        uv_run(&loop, UV_RUN_NOWAIT);
    expect("");
}

static void a_unit_begun_while_statements_are_prepared_is_lost(void **state)
{
    (void)state;
    open_and_hold_in_prepare();
    put(1);
    sync_unit("a");
    expect("");
    test_postgres_run(conn, "COMMIT");
    run_until("up;");
    expect("a 1 lost;up;");
    expect_kept("");
}

static void a_connection_lost_in_prepare_answers_what_was_begun_meanwhile(void **state)
{
    (void)state;
    open_and_hold_in_prepare();
    put(1);
    sync_unit("a");
    test_postgres_run(conn, "SELECT pg_terminate_backend(pid) FROM pg_locks"
                            " WHERE NOT granted");
    put(2);
    sync_unit("b");
    run_until("b 1 lost;");
    test_postgres_run(conn, "COMMIT");
    run_until("up;");
    expect("a 1 lost;b 1 lost;unreachable;up;");
    expect_kept("");
}

static void a_unit_that_the_connection_came_up_within_is_lost(void **state)
{
    (void)state;
    open_all();
    put(1);
    run_until("up;");
    put(2);
    sync_unit("a");
    run_until("a 1 lost;");
    expect("up;a 1 lost;");
    expect_kept("");
}

static void a_unit_over_two_connections_leaves_nothing(void **state)
{
    (void)state;
    put(1);
    test_postgres_run(conn, "SELECT pg_terminate_backend(pid)" TESTED_SESSION);
    run_until("up;");
    put(2);
    sync_unit("a");
    run_until("a 1 lost;");
    expect("down 1;up;a 1 lost;");
    expect_kept("");
}

static void a_cancel_ends_what_runs_and_keeps_the_connection(void **state)
{
    (void)state;
    put(1);
    send_bare("sleep");
    sync_unit("a");
    run_until_it_sleeps();
    o2c_pg_cancel(pg);
    run_until("a 1;");
    expect("a 1;");
    do { /* the server is signalled twice, the second time maybe after "a" */
        o2c_buf_reset(&story);
        send_bare("all");
        sync_unit("b");
        run_until("b ");
    } while (!strcmp(o2c_buf_text(&story), "b 1;"));
    expect("[]b 0;");
}

/* ---- silence */

static void open_impatient(int64_t ms)
{
    timeout_ms = ms;
    open_all();
    run_until("up;");
    expect("up;");
}

static void a_server_that_owes_an_answer_for_too_long_is_lost(void **state)
{
    (void)state;
    open_impatient(500);
    put(1);
    send_bare("sleep");
    sync_unit("a");
    put(2);
    sync_unit("b");
    run_until("up;");
    expect("a 1 lost;b 1 lost;down 1;up;");
    assert_string_equal(down.text, "PostgreSQL: no answer within 500 ms (pg-timeout-ms)");
    test_postgres_run(conn, "SELECT pg_terminate_backend(pid)" TESTED_SESSION
                            " AND state = 'active'");
    assert_string_equal(sql_text(conn, "SELECT count(*) FROM kept"), "0");
}

/* Nothing but the unit is lost: the session is the same. */
static void a_lock_that_is_not_given_in_time_is_told(void **state)
{
    (void)state;
    open_impatient(1500);
    test_postgres_run(conn, "BEGIN; LOCK TABLE kept");
    put(1);
    sync_unit("a");
    run_until("a ");
    expect("a 1;");
    assert_string_equal(refused.text,
                        "statement put: PostgreSQL: 55P03 canceling statement "
                        "due to lock timeout");
    test_postgres_run(conn, "ROLLBACK");
    put(2);
    send_bare("all");
    sync_unit("b");
    run_until("b ");
    expect("[2]b 0;");
}

static void a_shorter_lock_timeout_of_the_server_counts(void **state)
{
    (void)state;
    test_postgres_run(conn, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout"
                            " = 200', current_database()); END $$");
    open_impatient(3600000);
    test_postgres_run(conn, "BEGIN; LOCK TABLE kept");
    put(1);
    sync_unit("a");
    run_until("a ");
    expect("a 1;");
    assert_int_equal(refused.native, o2c_pg_sqlstate("55P03"));
}

static void count_timer(uv_handle_t *handle, void *count)
{
    *(int *)count += handle->type == UV_TIMER && uv_is_active(handle);
}

static int active_timers(void)
{
    int count = 0;

    uv_walk(&loop, count_timer, &count);
    return count;
}

static void a_server_that_owes_nothing_may_be_silent(void **state)
{
    int before;

    (void)state;
    open_impatient(60000);
    before = active_timers();
    put(1);
    sync_unit("a");
    put(2);
    sync_unit("b");
    assert_int_equal(active_timers(), before + 1);
    run_until("b 0;");
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(active_timers(), before);
}

/* As after SIGSTOP: the answer has come, but nobody looked. */
static void a_loop_that_stood_still_reads_before_it_calls_the_server_silent(void **state)
{
    (void)state;
    open_impatient(500);
    put(1);
    sync_unit("a");
    while (strcmp(sql_text(conn, "SELECT count(*) FROM kept"), "1") != 0)
        ;
    test_postgres_run(conn, "SELECT pg_sleep(1)");
    run_until("a ");
    expect("a 0;");
}

static void closing_answers_what_is_open_and_comes_last(void **state)
{
    (void)state;
    send_bare("sleep");
    sync_unit("a");
    put(1);
    sync_unit("b");
    o2c_pg_close(pg, on_closed, NULL);
    pg = NULL;
    run_until("closed;");
    expect("a 1 lost;b 1 lost;closed;");
}

static void a_statement_that_does_not_fit_the_database_is_fatal(void **state)
{
    static const struct o2c_pg_statement wrong[] = {{"ok", "SELECT 1"},
                                                    {"wrong", "SELECT x FROM missing"}};

    (void)state;
    open_pg(wrong, 2);
    run_until("down 4;");
    assert_int_equal(down.verdict, O2C_FATAL);
    assert_non_null(strstr(down.text, "missing"));
}

static void why_it_does_not_come_up_is_told_once(void **state)
{
    size_t len = strlen(dsn);
    char name[40], sql[100];

    (void)state;
    snprintf(name, sizeof name, "late_%d", (int)getpid());
    snprintf(dsn + len, sizeof dsn - len, " dbname=%s", name);
    open_pg(NULL, 0);
    run_until("unreachable;");
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
    test_postgres_run(conn, sql);
    run_until("up;");
    expect("unreachable;up;");
    o2c_pg_close(pg, on_closed, NULL);
    pg = NULL;
    run_until("closed;");
    snprintf(sql, sizeof sql, "DROP DATABASE %s (FORCE)", name);
    test_postgres_run(conn, sql);
}

static void a_malformed_dsn_is_refused_at_once(void **state)
{
    const struct o2c_pg_options options = {
        .loop = &loop, .dsn = "dbname=x nonsense", .on_up = on_up, .on_down = on_down};
    struct o2c_err err;

    (void)state;
    assert_int_equal(o2c_pg_open(&pg, &options, &err), O2C_FATAL);
    pg = NULL;
    assert_true(*err.text);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, setup_closed, teardown)
    const struct CMUnitTest tests[] = {
        TEST(units_are_answered_in_order_each_committed_or_not_at_all),
        TEST(an_empty_unit_is_answered_too),
        TEST(what_the_socket_does_not_take_waits_and_leaves_no_memory_behind),
        TEST(what_waits_is_lost_with_the_connection),
        TEST(what_postgres_says_becomes_a_verdict),
        TEST(an_error_carries_state_message_and_detail),
        TEST(units_not_answered_are_lost_before_the_connection_is_down),
        TEST(a_connection_that_is_reset_is_noticed),
        TEST(an_answer_may_close_the_connection),
        TEST(a_unit_whose_parameters_did_not_fit_leaves_nothing),
        TEST(what_is_sent_while_it_is_down_is_lost),
        TEST(a_cancel_ends_what_runs_and_keeps_the_connection),
        CLOSED(a_server_that_owes_an_answer_for_too_long_is_lost),
        CLOSED(a_lock_that_is_not_given_in_time_is_told),
        CLOSED(a_shorter_lock_timeout_of_the_server_counts),
        CLOSED(a_server_that_owes_nothing_may_be_silent),
        CLOSED(a_loop_that_stood_still_reads_before_it_calls_the_server_silent),
        TEST(closing_answers_what_is_open_and_comes_last),
        CLOSED(a_unit_begun_before_there_is_a_server_process_is_lost),
        CLOSED(a_unit_begun_while_statements_are_prepared_is_lost),
        CLOSED(a_connection_lost_in_prepare_answers_what_was_begun_meanwhile),
        CLOSED(a_unit_that_the_connection_came_up_within_is_lost),
        TEST(a_unit_over_two_connections_leaves_nothing),
        CLOSED(a_statement_that_does_not_fit_the_database_is_fatal),
        CLOSED(why_it_does_not_come_up_is_told_once),
        CLOSED(a_malformed_dsn_is_refused_at_once),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
