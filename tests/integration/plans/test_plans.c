/*
 * Which index PostgreSQL takes for the statements of every consumer, on the
 * tables that deploy/migrations makes: one that has a column for every
 * condition.  One that has the account alone reads the whole account for every
 * row, which shows first where an account is very large.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "consumers/disputes/disputes.h"
#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/ledger/ledger.h"
#include "consumers/orders/orders.h"
#include "consumers/receivables/receivables.h"
#include "consumers/reminders/reminders.h"
#include "consumers/shipments/shipments.h"
#include "runtime/base/buf.h"
#include "runtime/pg/pg.h"
#include "tests/support/postgres.h"

#include "runtime/base/banned.h"

static const struct o2c_consumer *const consumers[] = {
    &disputes_consumer,    &ledger_consumer,    &orders_consumer,
    &receivables_consumer, &reminders_consumer, &shipments_consumer};

static char dsn[TEST_DSN_BYTES];

/* The plan of a statement as a connection of the host makes it; any array will do. */
static void explain(PGconn *conn, const struct o2c_pg_statement *statement,
                    struct o2c_buf *plan)
{
    struct o2c_buf sql;
    PGresult *result;
    char mark[8];

    o2c_buf_init(&sql, 1 << 16);
    o2c_buf_printf(&sql, "PREPARE %s AS %s", statement->name, statement->sql);
    test_postgres_run(conn, o2c_buf_text(&sql));
    o2c_buf_reset(&sql);
    o2c_buf_printf(&sql, "EXPLAIN EXECUTE %s", statement->name);
    for (int p = 1; snprintf(mark, sizeof mark, "$%d::", p) && strstr(statement->sql, mark);
         p++)
        o2c_buf_add_text(&sql, p == 1 ? "(NULL" : ",NULL");
    o2c_buf_add_text(&sql, ")");
    result = PQexec(conn, o2c_buf_text(&sql));
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    for (int r = 0; r < PQntuples(result); r++)
        o2c_buf_printf(plan, "%s\n", PQgetvalue(result, r, 0));
    PQclear(result);
    o2c_buf_clear(&sql);
}

static void check_plans(const struct o2c_consumer *consumer)
{
    struct o2c_rows_statements *statements = o2c_rows_statements_new(consumer);
    PGconn *conn = test_postgres_connect(dsn);
    size_t count, checked = 0;
    const struct o2c_pg_statement *list;

    assert_non_null(statements);
    list = o2c_rows_statements_list(statements, &count);
    test_postgres_run(conn, list[0].sql); /* the settings of a connection */
    for (size_t i = 0; i < count; i++) {
        struct o2c_buf plan;

        if (!strchr(list[i].sql, '$'))
            continue;
        o2c_buf_init(&plan, 1 << 16);
        explain(conn, &list[i], &plan);
        if (strstr(o2c_buf_text(&plan), "Filter:") ||
            !strstr(o2c_buf_text(&plan), "Index Cond:"))
            fail_msg("%s:\n%s", list[i].sql, o2c_buf_text(&plan));
        o2c_buf_clear(&plan);
        checked++;
    }
    assert_true(checked >= 3 * consumer->table_count); /* by key, MERGE, DELETE */
    PQfinish(conn);
    o2c_rows_statements_free(statements);
}

static void migrate(PGconn *conn)
{
    test_postgres_migrate(conn, "o2c/0001_registry.sql", "");
    for (size_t c = 0; c < sizeof consumers / sizeof consumers[0]; c++) {
        test_postgres_migrate(conn, "host", consumers[c]->name);
        test_postgres_migrate(conn, consumers[c]->name, "");
    }
}

/* Rows of these tables may be inserted with their keys alone. */
static void loosen(PGconn *conn, const char *tables)
{
    struct o2c_buf sql;

    o2c_buf_init(&sql, 1 << 12);
    o2c_buf_printf(
        &sql,
        "DO $$ DECLARE c record; BEGIN"
        "  FOR c IN SELECT attrelid::regclass AS t, attname FROM pg_attribute a"
        "            WHERE attrelid::regclass::text IN (%s) AND attnum > 0 AND attnotnull"
        "              AND NOT EXISTS (SELECT FROM pg_index i"
        "                               WHERE i.indrelid = a.attrelid AND i.indisprimary"
        "                                 AND a.attnum = ANY (i.indkey)) LOOP"
        "   EXECUTE format('ALTER TABLE %%s ALTER %%I DROP NOT NULL', c.t, c.attname);"
        "  END LOOP; END $$;",
        tables);
    test_postgres_run(conn, o2c_buf_text(&sql));
    o2c_buf_clear(&sql);
}

static void
every_condition_stands_in_the_index_be_the_tables_new_or_of_small_accounts(void **state)
{
    PGconn *conn;

    (void)state;
    test_postgres_database(dsn);
    conn = test_postgres_connect(dsn);
    migrate(conn);
    for (size_t c = 0; c < sizeof consumers / sizeof consumers[0]; c++)
        check_plans(consumers[c]);
    /* one document, one shipment per account: the account alone seems to be enough */
    loosen(conn, "'receivables.document', 'shipments.shipment'");
    test_postgres_run(
        conn,
        "INSERT INTO receivables.document (account_id, kind, document_id, number)"
        " SELECT 'a' || i, 'invoice', 'd' || i, 'n' || i FROM generate_series(1, 5000) i;"
        "INSERT INTO shipments.shipment (account_id, shipment_id, order_id)"
        " SELECT 'a' || i, 's' || i, 'o' || i FROM generate_series(1, 5000) i;"
        "ANALYZE receivables.document, shipments.shipment");
    check_plans(&receivables_consumer);
    check_plans(&shipments_consumer);
    PQfinish(conn);
}

/* ---- what readers ask for */

enum {
    CUSTOMERS = 5000,
    READ_MOST = 10
};

/* Of receivables, in order or by an index, by the statements of this transaction and
 * perhaps of earlier ones. */
static long rows_read_so_far(PGconn *conn)
{
    PGresult *result =
        PQexec(conn, "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))"
                     "  FROM pg_stat_xact_user_tables WHERE schemaname = 'receivables'");
    long rows;

    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    rows = strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return rows;
}

static long rows_read(PGconn *conn, const char *query)
{
    long before, after;

    test_postgres_run(conn, "BEGIN");
    before = rows_read_so_far(conn);
    test_postgres_run(conn, query);
    after = rows_read_so_far(conn);
    test_postgres_run(conn, "ROLLBACK");
    return after - before;
}

static void fill_receivables(PGconn *conn)
{
    loosen(conn, "'receivables.document', 'receivables.open_item', 'receivables.payment',"
                 "'receivables.allocation', 'receivables.movement'");
    test_postgres_run(
        conn,
        "INSERT INTO receivables.document (account_id, kind, document_id, customer_id,"
        "                                  issued, issue_date, last_due_date)"
        " SELECT 'a' || i, 'invoice', 'd' || i, 'c' || i, i > 3, '2026-01-10', '2026-02-10'"
        "   FROM generate_series(1, 5000) i;"
        "INSERT INTO receivables.open_item (account_id, kind, document_id, instalment_no,"
        "                                   due_date, open_minor)"
        " SELECT 'a' || i, 'invoice', 'd' || i, 1, '2026-02-10', 5"
        "   FROM generate_series(1, 5000) i;"
        "INSERT INTO receivables.payment (account_id, payment_id, customer_id, received,"
        "                                 received_date)"
        " SELECT 'a' || i, 'p' || i, 'c' || i, i > 3, '2026-01-20'"
        "   FROM generate_series(1, 5000) i;"
        "INSERT INTO receivables.allocation (account_id, source, source_id, application_no,"
        "                                    instalment_no, kind, document_id)"
        " SELECT 'a' || i, 'payment', 'p' || i, 1, 1, 'invoice', 'd' || i"
        "   FROM generate_series(1, 5000) i;"
        "INSERT INTO receivables.movement (account_id, subject, subject_id, movement_no,"
        "                                  instalment_no, customer_id, currency, due_date,"
        "                                  effective_date, delta_minor)"
        " SELECT 'a' || i, 'invoice', 'd' || i, 1, 1, 'c' || i, 'EUR', '2026-02-10',"
        "        '2026-01-10', 5"
        "   FROM generate_series(1, 5000) i;"
        "ANALYZE receivables.document, receivables.open_item, receivables.payment,"
        "        receivables.allocation, receivables.movement");
}

static void what_is_asked_of_one_is_read_of_one(void **state)
{
    static const char *const queries[] = {
        "SELECT * FROM o2c.invoice WHERE customer_id = 'c7'",
        "SELECT * FROM o2c.payment WHERE customer_id = 'c7'",
        "SELECT * FROM o2c.cash_application WHERE invoice_id = 'd7'",
        "SELECT * FROM o2c.ageing('2026-03-01', 'c7')",
        "SELECT * FROM o2c.customer_statement('c7', '2026-01-01', '2026-01-31')",
        "SELECT * FROM receivables.waiting",
    };
    PGconn *conn;

    (void)state;
    test_postgres_database(dsn);
    conn = test_postgres_connect(dsn);
    migrate(conn);
    fill_receivables(conn);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        long rows = rows_read(conn, queries[i]);

        if (rows > READ_MOST)
            fail_msg("%s reads %ld rows", queries[i], rows);
    }
    assert_true(rows_read(conn, "SELECT * FROM o2c.ageing('2026-03-01')") >= CUSTOMERS);
    PQfinish(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_condition_stands_in_the_index_be_the_tables_new_or_of_small_accounts),
        cmocka_unit_test(what_is_asked_of_one_is_read_of_one)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
