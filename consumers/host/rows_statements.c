/*
 * The statements rows are loaded and stored with, from the table descriptions.
 *
 * Every one of them must find its rows by nested loops over the primary key or
 * a look-up's index.  Left to itself the planner does not (PostgreSQL 15, 1 M
 * rows): with a custom plan a load or MERGE of 20,000 keys is a hash join over
 * a sequential scan, 460 and 370 ms against 90 and 110 ms; and a generic plan
 * that was made while the table was new and empty is a hash join over a
 * sequential scan too, and stays that until the table is analyzed.  So the
 * connection is told (rows_settings) to make generic plans, which do not know
 * how long the arrays are, and to use nothing but nested loops over indexes.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/host/rows_private.h"
#include "runtime/base/buf.h"
#include "runtime/pg/pg.h"

#include "runtime/base/banned.h"

enum {
    SQL_MAX_BYTES = 64 * 1024
};

struct o2c_rows_statements {
    struct o2c_pg_statement *list;
    size_t count;
    struct o2c_buf sql;
    bool failed;
};

static const char settings_sql[] =
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', false),"
    " set_config('enable_seqscan', 'off', false),"
    " set_config('enable_bitmapscan', 'off', false),"
    " set_config('enable_hashjoin', 'off', false),"
    " set_config('enable_mergejoin', 'off', false),"
    " set_config('jit', 'off', false)";

void o2c_rows_name_load(char ret_name[ROWS_STATEMENT_NAME], uint8_t table_no,
                        uint8_t way_no)
{
    snprintf(ret_name, ROWS_STATEMENT_NAME, "rows_load_%u_%u", table_no, way_no);
}

void o2c_rows_name_store(char ret_merge[ROWS_STATEMENT_NAME],
                         char ret_remove[ROWS_STATEMENT_NAME], uint8_t table_no)
{
    snprintf(ret_merge, ROWS_STATEMENT_NAME, "rows_merge_%u", table_no);
    snprintf(ret_remove, ROWS_STATEMENT_NAME, "rows_remove_%u", table_no);
}

static const char *sql_type(enum o2c_column_kind kind)
{
    switch (kind) {
    case O2C_COLUMN_TEXT:
        return "text";
    case O2C_COLUMN_BYTES:
        return "bytea";
    case O2C_COLUMN_INT8:
        return "bigint";
    case O2C_COLUMN_INT4:
        return "integer";
    case O2C_COLUMN_DATE:
        return "date";
    case O2C_COLUMN_TIMESTAMP:
        return "timestamptz";
    case O2C_COLUMN_BOOL:
    case O2C_COLUMN_INT4_ARRAY:
    case O2C_COLUMN_INT8_ARRAY:
        break;
    }
    assert(false && "a key or look-up column is a text or a number");
    return "";
}

/* "prefix.a, prefix.b, ..." of all columns. */
static void add_columns(struct o2c_buf *sql, const struct o2c_table *table,
                        const char *prefix)
{
    for (size_t c = 0; c < table->column_count; c++)
        o2c_buf_printf(sql, "%s%s%s", c ? ", " : "", prefix, table->columns[c].name);
}

static int way_column(const struct o2c_table *table, size_t way_no, size_t i)
{
    if (way_no < table->key_count)
        return (int)i;
    return table->lookups[way_no - table->key_count].columns[i];
}

/* "unnest($1::text[], $2::bigint[]) w(k0, k1)": one array per column of the way. */
static void add_wanted(struct o2c_buf *sql, const struct o2c_table *table, size_t way_no,
                       size_t column_count)
{
    o2c_buf_add_text(sql, "unnest(");
    for (size_t i = 0; i < column_count; i++)
        o2c_buf_printf(sql, "%s$%zu::%s[]", i ? ", " : "", i + 1,
                       sql_type(table->columns[way_column(table, way_no, i)].kind));
    o2c_buf_add_text(sql, ") w(");
    for (size_t i = 0; i < column_count; i++)
        o2c_buf_printf(sql, "%sk%zu", i ? ", " : "", i);
    o2c_buf_add_text(sql, ")");
}

static void add_conditions(struct o2c_buf *sql, const struct o2c_table *table,
                           size_t way_no, size_t column_count)
{
    for (size_t i = 0; i < column_count; i++)
        o2c_buf_printf(sql, "%st.%s = w.k%zu", i ? " AND " : "",
                       table->columns[way_column(table, way_no, i)].name, i);
}

static size_t way_width(const struct o2c_table *table, size_t way_no)
{
    if (way_no < table->key_count)
        return way_no + 1;
    return table->lookups[way_no - table->key_count].column_count;
}

static void load_sql(struct o2c_buf *sql, const char *schema, const struct o2c_table *table,
                     size_t way_no)
{
    size_t width = way_width(table, way_no);

    o2c_buf_add_text(sql, "SELECT ");
    add_columns(sql, table, "t.");
    o2c_buf_printf(sql, " FROM %s.%s t JOIN ", schema, table->name);
    add_wanted(sql, table, way_no, width);
    o2c_buf_add_text(sql, " ON ");
    add_conditions(sql, table, way_no, width);
}

static void merge_sql(struct o2c_buf *sql, const char *schema,
                      const struct o2c_table *table)
{
    o2c_buf_printf(sql, "MERGE INTO %s.%s t USING unnest($1::%s.%s[]) s ON ", schema,
                   table->name, schema, table->row_type);
    for (size_t c = 0; c < table->key_count; c++)
        o2c_buf_printf(sql, "%st.%s = s.%s", c ? " AND " : "", table->columns[c].name,
                       table->columns[c].name);
    o2c_buf_add_text(sql, " WHEN MATCHED THEN ");
    o2c_buf_add_text(sql,
                     table->key_count < table->column_count ? "UPDATE SET " : "DO NOTHING");
    for (size_t c = table->key_count; c < table->column_count; c++)
        o2c_buf_printf(sql, "%s%s = s.%s", c > table->key_count ? ", " : "",
                       table->columns[c].name, table->columns[c].name);
    o2c_buf_add_text(sql, " WHEN NOT MATCHED THEN INSERT (");
    add_columns(sql, table, "");
    o2c_buf_add_text(sql, ") VALUES (");
    add_columns(sql, table, "s.");
    o2c_buf_add_text(sql, ")");
}

static void remove_sql(struct o2c_buf *sql, const char *schema,
                       const struct o2c_table *table)
{
    o2c_buf_printf(sql, "DELETE FROM %s.%s t USING ", schema, table->name);
    add_wanted(sql, table, 0, table->key_count);
    o2c_buf_add_text(sql, " WHERE ");
    add_conditions(sql, table, 0, table->key_count);
}

static void types_sql(struct o2c_buf *sql, const struct o2c_consumer *consumer)
{
    o2c_buf_add_text(sql, "SELECT true"); /* there may be no tables */
    for (size_t t = 0; t < consumer->table_count; t++)
        o2c_buf_printf(sql, ", to_regtype('%s.%s')::oid::bigint", consumer->name,
                       consumer->tables[t]->row_type);
}

/* Takes the text out of the buffer. */
static void add(struct o2c_rows_statements *statements, const char *name)
{
    struct o2c_pg_statement *slot = &statements->list[statements->count++];

    slot->name = strdup(name);
    slot->sql = statements->sql.failed ? NULL : strdup(o2c_buf_text(&statements->sql));
    if (!slot->name || !slot->sql)
        statements->failed = true;
    o2c_buf_reset(&statements->sql);
}

static void add_table(struct o2c_rows_statements *statements,
                      const struct o2c_consumer *consumer, uint8_t no)
{
    const struct o2c_table *table = consumer->tables[no];
    char name[ROWS_STATEMENT_NAME], remove[ROWS_STATEMENT_NAME];

    for (uint8_t w = 0; w < table->key_count + table->lookup_count; w++) {
        load_sql(&statements->sql, consumer->name, table, w);
        o2c_rows_name_load(name, no, w);
        add(statements, name);
    }
    o2c_rows_name_store(name, remove, no);
    merge_sql(&statements->sql, consumer->name, table);
    add(statements, name);
    remove_sql(&statements->sql, consumer->name, table);
    add(statements, remove);
}

struct o2c_rows_statements *o2c_rows_statements_new(const struct o2c_consumer *consumer)
{
    struct o2c_rows_statements *statements = calloc(1, sizeof *statements);
    size_t count = 2;

    if (!statements)
        return NULL;
    o2c_buf_init(&statements->sql, SQL_MAX_BYTES);
    for (size_t t = 0; t < consumer->table_count; t++)
        count += consumer->tables[t]->key_count + consumer->tables[t]->lookup_count + 2;
    statements->list = calloc(count, sizeof *statements->list);
    if (statements->list) {
        o2c_buf_add_text(&statements->sql, settings_sql);
        add(statements, ROWS_SETTINGS_STATEMENT);
        types_sql(&statements->sql, consumer);
        add(statements, ROWS_TYPES_STATEMENT);
        for (uint8_t t = 0; t < consumer->table_count; t++)
            add_table(statements, consumer, t);
    }
    if (!statements->list || statements->failed) {
        o2c_rows_statements_free(statements);
        return NULL;
    }
    return statements;
}

const struct o2c_pg_statement *
o2c_rows_statements_list(const struct o2c_rows_statements *statements, size_t *ret_count)
{
    *ret_count = statements->count;
    return statements->list;
}

void o2c_rows_statements_free(struct o2c_rows_statements *statements)
{
    if (!statements)
        return;
    for (size_t i = 0; statements->list && i < statements->count; i++) {
        free((char *)(uintptr_t)statements->list[i].name);
        free((char *)(uintptr_t)statements->list[i].sql);
    }
    free(statements->list);
    o2c_buf_clear(&statements->sql);
    free(statements);
}
