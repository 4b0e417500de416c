/*
 * Rows through a real PostgreSQL: what is stored comes back, every way of
 * wanting finds its rows, where a batch ends changes nothing, and no statement
 * reads a whole table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/pg/pg.h"
#include "runtime/pg/query.h"
#include "tests/support/postgres.h"

#include "runtime/base/banned.h"

/* ---- tables */

struct kinds {
    struct o2c_row row;
    struct o2c_str account_id, document;
    int32_t line;
    int64_t part;
    struct o2c_str label, hash;
    bool has_big;
    int64_t big;
    bool has_small;
    int32_t small;
    bool has_flag;
    bool flag;
    bool has_day;
    int32_t day;
    bool has_moment;
    int64_t moment;
    struct o2c_int4_array numbers;
    struct o2c_int8_array sums;
    int64_t revision;
};

static const struct o2c_column kinds_columns[] = {
    O2C_COLUMN(TEXT, struct kinds, account_id),
    O2C_COLUMN(TEXT, struct kinds, document),
    O2C_COLUMN(INT4, struct kinds, line),
    O2C_COLUMN(INT8, struct kinds, part),
    O2C_COLUMN(TEXT, struct kinds, label),
    O2C_COLUMN(BYTES, struct kinds, hash),
    O2C_NULLABLE(INT8, struct kinds, big),
    O2C_NULLABLE(INT4, struct kinds, small),
    O2C_NULLABLE(BOOL, struct kinds, flag),
    O2C_NULLABLE(DATE, struct kinds, day),
    O2C_NULLABLE(TIMESTAMP, struct kinds, moment),
    O2C_COLUMN(INT4_ARRAY, struct kinds, numbers),
    O2C_COLUMN(INT8_ARRAY, struct kinds, sums),
    O2C_COLUMN(INT8, struct kinds, revision),
};

enum {
    BY_LABEL,
    BY_HASH,
    BY_DAY,
    BY_MOMENT_AND_BIG,
    KINDS_COLUMNS = sizeof kinds_columns / sizeof kinds_columns[0]
};
static const int label_columns[] = {0, 4}, hash_columns[] = {0, 5}, day_columns[] = {0, 9},
                 moment_columns[] = {0, 10, 6};
static const struct o2c_lookup kinds_lookups[] = {
    [BY_LABEL] = {"label", label_columns, 2},
    [BY_HASH] = {"hash", hash_columns, 2},
    [BY_DAY] = {"day", day_columns, 2},
    [BY_MOMENT_AND_BIG] = {"moment", moment_columns, 3},
};
static const struct o2c_table kinds_table = {
    "kinds",       "kinds_row", sizeof(struct kinds), kinds_columns,
    KINDS_COLUMNS, 4,           kinds_lookups,        4};

/* A table with nothing but its key: the account's one row. */
struct mark {
    struct o2c_row row;
    struct o2c_str account_id;
};
static const struct o2c_column mark_columns[] = {O2C_COLUMN(TEXT, struct mark, account_id)};
static const struct o2c_table mark_table = {
    "mark", "mark_row", sizeof(struct mark), mark_columns, 1, 1, NULL, 0};

static const struct o2c_table *const tables[] = {&kinds_table, &mark_table};
static const struct o2c_consumer consumer = {
    .name = "rows_test", .tables = tables, .table_count = 2};

static const char schema_sql[] =
    "DROP SCHEMA IF EXISTS rows_test CASCADE;"
    "CREATE SCHEMA rows_test;"
    "CREATE TABLE rows_test.kinds (account_id text, document text, line integer, part bigint,"
    " label text, hash bytea, big bigint, small integer, flag boolean, day date,"
    " moment timestamptz, numbers integer[], sums bigint[], revision bigint NOT NULL,"
    " PRIMARY KEY (account_id, document, line, part)) WITH (fillfactor = 50);"
    "CREATE INDEX ON rows_test.kinds (account_id, label);"
    "CREATE INDEX ON rows_test.kinds (account_id, hash);"
    "CREATE INDEX ON rows_test.kinds (account_id, day);"
    "CREATE INDEX ON rows_test.kinds (account_id, moment, big);"
    "CREATE TYPE rows_test.kinds_row AS (account_id text, document text, line integer,"
    " part bigint, label text, hash bytea, big bigint, small integer, flag boolean, day date,"
    " moment timestamptz, numbers integer[], sums bigint[], revision bigint);"
    "CREATE TABLE rows_test.mark (account_id text PRIMARY KEY);"
    "CREATE TYPE rows_test.mark_row AS (account_id text);";

/* ---- one connection, driven until an answer is there */

struct stand {
    uv_loop_t loop;
    struct o2c_pg *pg;
    struct o2c_rows_statements *statements;
    struct o2c_arena arena;
    struct o2c_rows *rows;
    bool up, done, closed;
    enum o2c_verdict verdict;
    struct o2c_err err;
};

static char dsn[TEST_DSN_BYTES];

static void on_up(void *user, const struct o2c_err *err)
{
    (void)err;
    ((struct stand *)user)->up = true;
}

static void on_down(void *user, const struct o2c_err *err)
{
    (void)user;
    fail_msg("connection lost: %s", err->text);
}

static void on_done(void *user, enum o2c_verdict verdict, bool lost,
                    const struct o2c_err *err)
{
    struct stand *stand = user;

    (void)lost;
    stand->done = true;
    stand->verdict = verdict;
    if (verdict)
        stand->err = *err;
}

static void on_closed(void *user)
{
    ((struct stand *)user)->closed = true;
}

static void run_until(struct stand *stand, const bool *flag)
{
    while (!*flag)
        uv_run(&stand->loop, UV_RUN_ONCE);
}

/* Closes the unit and waits for its answer. */
static void settle(struct stand *stand)
{
    stand->done = false;
    o2c_pg_sync(stand->pg, on_done, stand);
    run_until(stand, &stand->done);
    if (stand->verdict)
        fail_msg("unit failed: %s", stand->err.text);
}

/* The first column of all rows, lines joined; to be freed. */
static char *lines_of(PGconn *conn, const char *sql)
{
    struct o2c_err err;
    struct o2c_buf text;
    PGresult *result;

    if (o2c_pg_query(conn, sql, NULL, 0, &result, &err))
        fail_msg("%s", err.text);
    o2c_buf_init(&text, 1 << 24);
    for (int r = 0; r < PQntuples(result); r++)
        o2c_buf_printf(&text, "%s\n", PQgetvalue(result, r, 0));
    o2c_buf_add(&text, "", 1);
    PQclear(result);
    assert_false(text.failed);
    return text.at;
}

static void fresh_schema(void)
{
    PGconn *conn = test_postgres_connect(dsn);

    test_postgres_run(conn, schema_sql);
    PQfinish(conn);
}

static int make_database(void **state)
{
    (void)state;
    test_postgres_database(dsn);
    return 0;
}

static int set_up(void **state)
{
    struct stand *stand = calloc(1, sizeof *stand);
    struct o2c_pg_options options = {.loop = &stand->loop,
                                     .dsn = dsn,
                                     .application_name = "test",
                                     .on_up = on_up,
                                     .on_down = on_down,
                                     .user = stand};

    fresh_schema();
    assert_int_equal(uv_loop_init(&stand->loop), 0);
    stand->statements = o2c_rows_statements_new(&consumer);
    assert_non_null(stand->statements);
    options.statements =
        o2c_rows_statements_list(stand->statements, &options.statement_count);
    o2c_arena_init(&stand->arena, 256 << 20);
    assert_int_equal(o2c_rows_new(&stand->rows, &consumer, &stand->arena, &stand->err),
                     O2C_OK);
    assert_int_equal(o2c_pg_open(&stand->pg, &options, &stand->err), O2C_OK);
    run_until(stand, &stand->up);
    o2c_rows_send_types(stand->rows, stand->pg);
    settle(stand);
    *state = stand;
    return 0;
}

static int tear_down(void **state)
{
    struct stand *stand = *state;

    o2c_pg_close(stand->pg, on_closed, stand);
    run_until(stand, &stand->closed);
    uv_run(&stand->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&stand->loop), 0);
    o2c_rows_free(stand->rows);
    o2c_rows_statements_free(stand->statements);
    o2c_arena_clear(&stand->arena);
    free(stand);
    return 0;
}

static void load(struct stand *stand)
{
    if (o2c_rows_send_load(stand->rows, stand->pg))
        settle(stand);
    assert_false(o2c_rows_failed(stand->rows));
}

static void store(struct stand *stand)
{
    if (o2c_rows_send_store(stand->rows, stand->pg, &stand->err))
        fail_msg("%s", stand->err.text);
    settle(stand);
    o2c_arena_reset(&stand->arena);
    o2c_rows_reset(stand->rows);
}

#define ACCOUNT O2C_STR("acc")
#define KEY(document, line, part)                                                          \
    O2C_KEY(O2C_K(O2C_STR(document)), O2C_N(line), O2C_N(part))

static struct o2c_wants *wants_of(struct stand *stand)
{
    return o2c_rows_want(stand->rows, ACCOUNT);
}

static struct o2c_account *begin(struct stand *stand)
{
    o2c_rows_begin(stand->rows);
    return o2c_rows_account(stand->rows, ACCOUNT);
}

/* ---- columns */

static const int32_t some_numbers[] = {0, -1, INT32_MAX, INT32_MIN};
static const int64_t some_sums[] = {-1, INT64_MAX, INT64_MIN};

static void fill_all(struct kinds *row)
{
    row->label = O2C_STR("gr\xc3\xbc\xc3\x9f"
                         "e, \"quoted\", {braced}");
    row->hash = O2C_STR("\x00\xff\x01");
    row->has_big = row->has_small = row->has_flag = row->has_day = row->has_moment = true;
    row->big = INT64_MIN;
    row->small = INT32_MIN;
    row->flag = true;
    row->day = 20484;
    row->moment = 1767225600123456;
    row->numbers = (struct o2c_int4_array){some_numbers, 4};
    row->sums = (struct o2c_int8_array){some_sums, 3};
}

static void fill_empty(struct kinds *row)
{
    row->label = O2C_STR("");
    row->hash = O2C_STR("");
    row->has_day = row->has_moment = true;
    row->day = -25567; /* 1900-01-01 */
    row->moment = -1;
    row->numbers = (struct o2c_int4_array){some_numbers, 0};
    row->sums = (struct o2c_int8_array){some_sums, 0};
}

static void check_str(struct o2c_str actual, struct o2c_str expected)
{
    assert_true(o2c_str_eq(actual, expected));
}

static void check_same(const struct kinds *actual, const struct kinds *expected)
{
    check_str(actual->account_id, expected->account_id);
    check_str(actual->document, expected->document);
    assert_int_equal(actual->line, expected->line);
    assert_int_equal(actual->part, expected->part);
    check_str(actual->label, expected->label);
    check_str(actual->hash, expected->hash);
    assert_int_equal(actual->has_big, expected->has_big);
    assert_int_equal(actual->big, expected->big);
    assert_int_equal(actual->has_small, expected->has_small);
    assert_int_equal(actual->small, expected->small);
    assert_int_equal(actual->has_flag, expected->has_flag);
    assert_int_equal(actual->flag, expected->flag);
    assert_int_equal(actual->has_day, expected->has_day);
    assert_int_equal(actual->day, expected->day);
    assert_int_equal(actual->has_moment, expected->has_moment);
    assert_int_equal(actual->moment, expected->moment);
    assert_int_equal(!actual->numbers.at, !expected->numbers.at);
    assert_int_equal(actual->numbers.count, expected->numbers.count);
    if (expected->numbers.count)
        assert_memory_equal(actual->numbers.at, expected->numbers.at,
                            expected->numbers.count * sizeof *expected->numbers.at);
    assert_int_equal(!actual->sums.at, !expected->sums.at);
    assert_int_equal(actual->sums.count, expected->sums.count);
    if (expected->sums.count)
        assert_memory_equal(actual->sums.at, expected->sums.at,
                            expected->sums.count * sizeof *expected->sums.at);
}

static void every_kind_of_column_comes_back_as_it_was_stored(void **state)
{
    static void (*const fills[])(struct kinds *) = {fill_all, fill_empty, NULL};
    struct stand *stand = *state;
    struct kinds expected[3];
    struct o2c_account *account;

    for (int i = 0; i < 3; i++)
        o2c_want_row(wants_of(stand), &kinds_table, KEY("d", i, INT64_MAX));
    load(stand);
    account = begin(stand);
    for (int i = 0; i < 3; i++) {
        struct kinds *row = o2c_row_add(account, &kinds_table, KEY("d", i, INT64_MAX));

        if (fills[i])
            fills[i](row);
        expected[i] = *row;
        expected[i].account_id = ACCOUNT; /* the batch's own goes with the batch */
    }
    o2c_rows_commit(stand->rows);
    store(stand);
    for (int i = 0; i < 3; i++)
        o2c_want_row(wants_of(stand), &kinds_table, KEY("d", i, INT64_MAX));
    load(stand);
    account = begin(stand);
    for (int i = 0; i < 3; i++)
        check_same(o2c_row_find(account, &kinds_table, KEY("d", i, INT64_MAX)),
                   &expected[i]);
    o2c_rows_undo(stand->rows);
}

static void a_table_of_nothing_but_keys_is_stored_and_found(void **state)
{
    struct stand *stand = *state;

    for (int round = 0; round < 2; round++) {
        const void *row;

        o2c_want_row(wants_of(stand), &mark_table, O2C_KEY_NONE);
        load(stand);
        row = o2c_row_find(begin(stand), &mark_table, O2C_KEY_NONE);
        assert_int_equal(!!row, round);
        if (!row)
            (void)o2c_row_add(o2c_rows_account(stand->rows, ACCOUNT), &mark_table,
                              O2C_KEY_NONE);
        o2c_rows_commit(stand->rows);
        store(stand);
    }
}

/* ---- ways of wanting */

static void keep_some(struct stand *stand)
{
    struct o2c_account *account;

    o2c_want_children(wants_of(stand), &kinds_table, O2C_KEY_NONE);
    load(stand);
    account = begin(stand);
    fill_all(o2c_row_add(account, &kinds_table, KEY("a", 2, 1)));
    fill_all(o2c_row_add(account, &kinds_table, KEY("a", 1, 1)));
    fill_empty(o2c_row_add(account, &kinds_table, KEY("a", 1, 2)));
    (void)o2c_row_add(account, &kinds_table, KEY("b", 1, 1));
    o2c_rows_commit(stand->rows);
    store(stand);
}

static void check_next(struct o2c_walk *walk, const char *document, int32_t line,
                       int64_t part)
{
    const struct kinds *row = o2c_walk_next(walk);

    assert_non_null(row);
    check_str(row->document, o2c_str_from(document));
    assert_int_equal(row->line, line);
    assert_int_equal(row->part, part);
}

static void check_lookup(struct o2c_account *account, size_t lookup,
                         const struct o2c_key *values)
{
    struct o2c_walk walk;

    o2c_walk_lookup(&walk, account, &kinds_table, lookup, values);
    assert_int_equal(walk.count, 2);
    check_next(&walk, "a", 1, 1);
    check_next(&walk, "a", 2, 1);
}

static void rows_are_found_by_prefix_and_look_up_each_once(void **state)
{
    struct stand *stand = *state;
    struct kinds all;
    struct o2c_account *account;
    struct o2c_walk walk;

    keep_some(stand);
    fill_all(&all);
    o2c_want_row(wants_of(stand), &kinds_table, KEY("a", 1, 1));
    o2c_want_children(wants_of(stand), &kinds_table, O2C_KEY(O2C_K(O2C_STR("a"))));
    o2c_want_children(wants_of(stand), &kinds_table,
                      O2C_KEY(O2C_K(O2C_STR("a")), O2C_N(1)));
    o2c_want_lookup(wants_of(stand), &kinds_table, BY_LABEL, O2C_KEY(O2C_K(all.label)));
    o2c_want_lookup(wants_of(stand), &kinds_table, BY_HASH, O2C_KEY(O2C_K(all.hash)));
    o2c_want_lookup(wants_of(stand), &kinds_table, BY_DAY, O2C_KEY(O2C_N(all.day)));
    o2c_want_lookup(wants_of(stand), &kinds_table, BY_MOMENT_AND_BIG,
                    O2C_KEY(O2C_N(all.moment), O2C_N(all.big)));
    load(stand);
    account = begin(stand);
    o2c_walk_children(&walk, account, &kinds_table, O2C_KEY(O2C_K(O2C_STR("a"))));
    check_next(&walk, "a", 1, 1);
    check_next(&walk, "a", 1, 2);
    check_next(&walk, "a", 2, 1);
    assert_null(o2c_walk_next(&walk));
    o2c_walk_children(&walk, account, &kinds_table, O2C_KEY(O2C_K(O2C_STR("a")), O2C_N(1)));
    assert_int_equal(walk.count, 2);
    check_lookup(account, BY_LABEL, O2C_KEY(O2C_K(all.label)));
    check_lookup(account, BY_HASH, O2C_KEY(O2C_K(all.hash)));
    check_lookup(account, BY_DAY, O2C_KEY(O2C_N(all.day)));
    check_lookup(account, BY_MOMENT_AND_BIG, O2C_KEY(O2C_N(all.moment), O2C_N(all.big)));
    o2c_rows_undo(stand->rows);
}

static void what_loaded_rows_name_is_loaded_too(void **state)
{
    struct stand *stand = *state;
    struct o2c_account *account;
    struct o2c_wants *wants;
    struct o2c_walk walk;

    keep_some(stand);
    o2c_want_row(wants_of(stand), &kinds_table, KEY("a", 1, 2));
    load(stand);
    wants = o2c_rows_want_more(stand->rows, ACCOUNT, &account);
    assert_non_null(o2c_row_find(account, &kinds_table, KEY("a", 1, 2)));
    o2c_want_children(wants, &kinds_table, O2C_KEY(O2C_K(O2C_STR("a")), O2C_N(1)));
    load(stand);
    o2c_walk_children(&walk, begin(stand), &kinds_table,
                      O2C_KEY(O2C_K(O2C_STR("a")), O2C_N(1)));
    check_next(&walk, "a", 1, 1);
    check_next(&walk, "a", 1, 2);
    assert_null(o2c_walk_next(&walk));
    o2c_rows_undo(stand->rows);
}

static void removed_rows_are_deleted_also_those_put_blind(void **state)
{
    struct stand *stand = *state;
    PGconn *conn = test_postgres_connect(dsn);
    struct o2c_account *account;
    char *left;

    keep_some(stand);
    o2c_want_row(wants_of(stand), &kinds_table, KEY("a", 1, 1));
    o2c_want_blind(wants_of(stand), &kinds_table, KEY("a", 1, 2));
    load(stand);
    account = begin(stand);
    o2c_row_remove(o2c_row_find(account, &kinds_table, KEY("a", 1, 1)));
    o2c_row_remove(o2c_row_put(account, &kinds_table, KEY("a", 1, 2)));
    o2c_rows_commit(stand->rows);
    store(stand);
    left =
        lines_of(conn, "SELECT document || line || part FROM rows_test.kinds ORDER BY 1");
    assert_string_equal(left, "a21\nb11\n");
    free(left);
    PQfinish(conn);
}

/* ---- batches */

enum {
    EVENTS = 700
};

static uint32_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

struct event {
    struct o2c_str account, document, label;
    uint64_t seed;
};

static struct event event_no(int no)
{
    static const char *const names[] = {"x", "yy", "zzz"};
    struct event event = {.seed = (uint64_t)no * 7919 + 1};

    event.account = o2c_str_from(names[draw(&event.seed) % 3]);
    event.document = o2c_str_from(names[draw(&event.seed) % 3]);
    event.label = o2c_str_from(names[draw(&event.seed) % 3]);
    return event;
}

static void want(const struct event *event, struct o2c_wants *wants)
{
    o2c_want_children(wants, &kinds_table, O2C_KEY(O2C_K(event->document)));
    o2c_want_lookup(wants, &kinds_table, BY_LABEL, O2C_KEY(O2C_K(event->label)));
}

/* Adds, moves or removes lines of the document, and counts what the look-up finds. */
static void apply(struct event *event, struct o2c_account *account)
{
    const struct o2c_key *key =
        O2C_KEY(O2C_K(event->document), O2C_N(draw(&event->seed) % 5), O2C_N(0));
    const struct kinds *line = o2c_row_find(account, &kinds_table, key);
    struct o2c_walk walk;
    struct kinds *row;

    if (line && draw(&event->seed) % 4 == 0) {
        o2c_row_remove(line);
        return;
    }
    o2c_walk_lookup(&walk, account, &kinds_table, BY_LABEL, O2C_KEY(O2C_K(event->label)));
    row = line ? o2c_row_edit(line) : o2c_row_add(account, &kinds_table, key);
    row->label = event->label;
    row->revision = row->revision * 3 + (int64_t)walk.count;
    row->has_big = draw(&event->seed) % 2;
    row->big = row->has_big ? row->revision : 0;
}

static char *run_in_batches_of(struct stand *stand, int limit)
{
    PGconn *conn = test_postgres_connect(dsn);
    char *rows;

    test_postgres_run(conn, "TRUNCATE rows_test.kinds");
    for (int from = 0; from < EVENTS; from += limit) {
        int to = from + limit < EVENTS ? from + limit : EVENTS;

        for (int e = from; e < to; e++) {
            struct event event = event_no(e);

            want(&event, o2c_rows_want(stand->rows, event.account));
        }
        load(stand);
        for (int e = from; e < to; e++) {
            struct event event = event_no(e);

            o2c_rows_begin(stand->rows);
            apply(&event, o2c_rows_account(stand->rows, event.account));
            if (e % 5 == 0)
                o2c_rows_undo(stand->rows);
            else
                o2c_rows_commit(stand->rows);
        }
        store(stand);
    }
    rows = lines_of(conn, "SELECT k::text FROM rows_test.kinds k"
                          " ORDER BY account_id, document, line, part");
    PQfinish(conn);
    return rows;
}

static void where_a_batch_ends_changes_nothing(void **state)
{
    struct stand *stand = *state;
    char *by_one = run_in_batches_of(stand, 1), *by_seven = run_in_batches_of(stand, 7),
         *at_once = run_in_batches_of(stand, 10000);

    assert_true(strlen(by_one) > 500);
    assert_string_equal(by_seven, by_one);
    assert_string_equal(at_once, by_one);
    free(by_one);
    free(by_seven);
    free(at_once);
}

/* ---- plans */

/* "EXPLAIN EXECUTE name(array, ...)", every parameter an array of 20,000. */
static char *explain(PGconn *conn, const struct o2c_pg_statement *statement)
{
    struct o2c_buf sql;
    char mark[8];
    const char *at;
    char *plan;

    o2c_buf_init(&sql, 1 << 16);
    o2c_buf_printf(&sql, "PREPARE %s AS %s", statement->name, statement->sql);
    test_postgres_run(conn, o2c_buf_text(&sql));
    o2c_buf_reset(&sql);
    o2c_buf_printf(&sql, "EXPLAIN EXECUTE %s", statement->name);
    for (int p = 1;
         snprintf(mark, sizeof mark, "$%d::", p) && (at = strstr(statement->sql, mark));
         p++) {
        at += strlen(mark);
        o2c_buf_printf(&sql, "%carray_fill(NULL::%.*s, ARRAY[20000])", p == 1 ? '(' : ',',
                       (int)strcspn(at, "["), at);
    }
    o2c_buf_add_text(&sql, ")");
    plan = lines_of(conn, o2c_buf_text(&sql));
    o2c_buf_clear(&sql);
    return plan;
}

static void check_plans(const struct stand *stand)
{
    PGconn *conn = test_postgres_connect(dsn);
    size_t count, checked = 0;
    const struct o2c_pg_statement *list =
        o2c_rows_statements_list(stand->statements, &count);

    test_postgres_run(conn, list[0].sql); /* the settings of a connection */
    for (size_t i = 0; i < count; i++) {
        char *plan;

        if (!strchr(list[i].sql, '$'))
            continue;
        plan = explain(conn, &list[i]);
        if (strstr(plan, "Seq Scan") || !strstr(plan, "Index") ||
            !strstr(plan, "Nested Loop"))
            fail_msg("%s:\n%s", list[i].sql, plan);
        free(plan);
        checked++;
    }
    assert_int_equal(checked, 4 + 4 + 2 + 1 + 2);
    PQfinish(conn);
}

static void no_statement_reads_a_whole_table_be_it_new_or_large(void **state)
{
    struct stand *stand = *state;
    PGconn *conn;

    check_plans(stand);
    conn = test_postgres_connect(dsn);
    test_postgres_run(
        conn,
        "INSERT INTO rows_test.kinds SELECT 'a' || i % 1000, 'd' || i, 1, 1, 'l' || i % 7,"
        " '', 1, 1, true, '2026-01-01', now(), '{1}', '{1}', 1 FROM generate_series(1, 100000) i;"
        "INSERT INTO rows_test.mark SELECT 'a' || i FROM generate_series(1, 100000) i;");
    check_plans(stand);
    test_postgres_run(conn, "ANALYZE rows_test.kinds, rows_test.mark");
    check_plans(stand);
    PQfinish(conn);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest all[] = {
        TEST(every_kind_of_column_comes_back_as_it_was_stored),
        TEST(a_table_of_nothing_but_keys_is_stored_and_found),
        TEST(rows_are_found_by_prefix_and_look_up_each_once),
        TEST(what_loaded_rows_name_is_loaded_too),
        TEST(removed_rows_are_deleted_also_those_put_blind),
        TEST(where_a_batch_ends_changes_nothing),
        TEST(no_statement_reads_a_whole_table_be_it_new_or_large),
    };

    return cmocka_run_group_tests(all, make_database, NULL);
}
