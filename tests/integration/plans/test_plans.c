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
    test_postgres_run(
        conn,
        "DO $$ DECLARE c record; BEGIN"
        "  FOR c IN SELECT attrelid::regclass AS t, attname FROM pg_attribute"
        "            WHERE attrelid::regclass::text IN ('receivables.document',"
        "                                               'shipments.shipment')"
        "              AND attnum > 0 AND attnotnull AND attname NOT IN"
        "                  ('account_id', 'kind', 'document_id', 'shipment_id') LOOP"
        "   EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', c.t, c.attname);"
        "  END LOOP; END $$;"
        "INSERT INTO receivables.document (account_id, kind, document_id, number)"
        " SELECT 'a' || i, 'invoice', 'd' || i, 'n' || i FROM generate_series(1, 5000) i;"
        "INSERT INTO shipments.shipment (account_id, shipment_id, order_id)"
        " SELECT 'a' || i, 's' || i, 'o' || i FROM generate_series(1, 5000) i;"
        "ANALYZE receivables.document, shipments.shipment");
    check_plans(&receivables_consumer);
    check_plans(&shipments_consumer);
    PQfinish(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(
        every_condition_stands_in_the_index_be_the_tables_new_or_of_small_accounts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
