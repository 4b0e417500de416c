/*
 * o2c rebuild: gives a new, migrated database what its consumers need to fold the
 * topics again as another database's consumers did (docs/operations.md, Rebuild):
 *   - where topics began, and the settings and claims that what is published bears;
 *   - the order in which inputs were folded, batch by batch, into SCHEMA.replay;
 *   - what people ordered about parked records, to be done again where it was done;
 *   - how far the relay had published: what was published is not published again.
 * Asked again it adds what the original has folded since.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "producers/cli/stack.h"
#include "runtime/base/buf.h"
#include "runtime/pg/query.h"

#include "runtime/base/banned.h"

enum {
    SQL_BYTES = 1 << 16
};

struct rebuild_settings {
    struct stack_settings stack;
    const char *from;
};

static const struct o2c_setting settings_rows[] = {
    {"from", O2C_OPTION_TEXT, offsetof(struct rebuild_settings, from), "", 0, 0, NULL,
     "PostgreSQL connection string of the database to follow", true},
    STACK_PG_SETTINGS(struct rebuild_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

struct run {
    struct stack_settings from_settings;
    struct stack to, from;
    const char *schema; /* of the consumer under way, quoted */
    int status;         /* of the first failure */
};

static bool failed(struct run *run, int status)
{
    if (run->status == EXIT_OK)
        run->status = status;
    return false;
}

/* NULL after saying what failed. */
static PGresult *ask(struct run *run, struct stack *stack, const char *sql,
                     const char *const *values, size_t count)
{
    struct o2c_buf text;
    PGresult *result;

    o2c_buf_init(&text, SQL_BYTES);
    stack_put_schema(&text, run->schema, sql);
    result = stack_query(stack, o2c_buf_text(&text), values, count);
    if (!result)
        (void)failed(run, EXIT_STACK_FAILED);
    o2c_buf_clear(&text);
    return result;
}

static bool tell(struct run *run, struct stack *stack, const char *sql)
{
    PGresult *result = ask(run, stack, sql, NULL, 0);

    PQclear(result);
    return result != NULL;
}

/* ---- rows from one database into the other */

/* `select` of the one becomes rows of `incoming` in the other. */
static bool copy(struct run *run, const char *select)
{
    PGconn *which = NULL;
    struct o2c_buf sql, text;
    struct o2c_err err;

    o2c_buf_init(&sql, SQL_BYTES);
    o2c_buf_init(&text, SQL_BYTES);
    o2c_buf_printf(&sql, "COPY (%s) TO STDOUT", select);
    stack_put_schema(&text, run->schema, o2c_buf_text(&sql));
    enum o2c_verdict verdict = o2c_pg_copy(run->from.pg, o2c_buf_text(&text), run->to.pg,
                                           "COPY incoming FROM STDIN", &which, &err);
    o2c_buf_clear(&text);
    o2c_buf_clear(&sql);
    if (!verdict)
        return true;
    struct stack *stack = which == run->from.pg ? &run->from : &run->to;
    stack->err = err;
    (void)stack_failed(stack);
    return failed(run, EXIT_STACK_FAILED);
}

/* ---- what does not fit */

/* Rows are (partition, batch), the batch NULL where it is of all of them; true: there are
 * none. */
static bool none(struct run *run, const char *sql, const char *sentence)
{
    PGresult *rows = ask(run, &run->to, sql, NULL, 0);
    bool fits = rows && !PQntuples(rows);

    if (rows && !fits) {
        (void)stack_fail(&run->to, EXIT_FINDINGS, "%s partition %s%s%s: %s", run->schema,
                         PQgetvalue(rows, 0, 0), PQgetisnull(rows, 0, 1) ? "" : " batch ",
                         PQgetvalue(rows, 0, 1), sentence);
        (void)failed(run, EXIT_FINDINGS);
    }
    PQclear(rows);
    return fits;
}

static bool has_not_gone_on(struct run *run)
{
    return none(run,
                "SELECT p.partition, p.batch_seq FROM $schema.position p"
                " WHERE p.batch_seq > coalesce((SELECT max(batch_seq) FROM $schema.replay r"
                "                                WHERE r.partition = p.partition), 0)"
                " ORDER BY 1 LIMIT 1",
                "the database to be rebuilt has gone on by itself; a rebuild begins with a "
                "new one (o2c migrate)");
}

static bool is_whole(struct run *run)
{
    return none(run,
                "SELECT partition, min(batch_seq) FROM incoming GROUP BY partition"
                " HAVING min(batch_seq) <> 1 OR max(batch_seq) <> count(*)"
                " ORDER BY 1 LIMIT 1",
                "the order before it is not recorded, or has a gap behind it: it cannot be "
                "followed");
}

static bool is_the_same_original(struct run *run)
{
    return none(run,
                "SELECT partition, batch_seq FROM incoming i"
                "  JOIN $schema.replay r USING (partition, batch_seq)"
                " WHERE (i.next_offsets, i.parked, i.unparked, i.business_date,"
                "        i.cursor_date, i.cursor_account, i.cursor_kind, i.cursor_item)"
                "       IS DISTINCT FROM"
                "       (r.next_offsets, r.parked, r.unparked, r.business_date,"
                "        r.cursor_date, r.cursor_account, r.cursor_kind, r.cursor_item)"
                " ORDER BY 1, 2 LIMIT 1",
                "was taken over before in another order: this is not the same original, or "
                "it was restored since");
}

static bool has_the_same_claims(struct run *run)
{
    return none(
        run,
        "SELECT partition, NULL FROM incoming i JOIN $schema.claim c USING (partition)"
        " WHERE i.incarnation <> c.incarnation ORDER BY 1 LIMIT 1",
        "was claimed before by a consumer that follows no original; a rebuild "
        "begins with a new database (o2c migrate)");
}

/* ---- the order */

/* All of it, packed or not; without an order of its own it goes from row to row. */
static bool copy_order(struct run *run)
{
    return copy(run,
                "SELECT partition, batch_seq, next_offsets,"
                "       (SELECT outbox_no FROM $schema.progress p"
                "         WHERE p.partition = o.partition AND p.batch_seq = o.batch_seq),"
                "       parked, unparked, business_date, cursor_date, cursor_account,"
                "       cursor_kind, cursor_item"
                "  FROM $schema.fold_order o");
}

static bool take_order(struct run *run)
{
    return has_not_gone_on(run) &&
           tell(run, &run->to,
                "CREATE TEMP TABLE incoming (LIKE $schema.replay) ON COMMIT DROP") &&
           copy_order(run) && is_whole(run) && is_the_same_original(run) &&
           tell(run, &run->to,
                "INSERT INTO $schema.replay SELECT * FROM incoming"
                "    ON CONFLICT DO NOTHING") &&
           tell(run, &run->to, "DROP TABLE incoming");
}

/* ---- the rest */

static const struct kept {
    const char *table; /* the rows have its columns, in their order */
    const char *select, *insert;
    bool (*check)(struct run *run);
} all_kept[] = {
    {"$schema.first_offset",
     "SELECT topic, partition, next_offset FROM $schema.first_offset",
     "INSERT INTO $schema.first_offset SELECT * FROM incoming"
     "    ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
     NULL},
    {"$schema.fixed_setting", "SELECT name, value, fixed_at FROM $schema.fixed_setting",
     "INSERT INTO $schema.fixed_setting SELECT * FROM incoming"
     "    ON CONFLICT (name) DO UPDATE SET value = excluded.value",
     NULL},
    {"$schema.claim",
     "SELECT partition, 0, -1, 'o2c rebuild', 0, now(), incarnation, cluster_id,"
     "       partition_count, now() FROM $schema.claim",
     "INSERT INTO $schema.claim SELECT * FROM incoming ON CONFLICT DO NOTHING",
     has_the_same_claims},
    {"$schema.parked_order",
     "SELECT order_no, partition, account_id, action, actor, reason, requested_at,"
     "       NULL, NULL FROM $schema.parked_order",
     "WITH taken AS ("
     "    INSERT INTO $schema.parked_order OVERRIDING SYSTEM VALUE"
     "    SELECT * FROM incoming ON CONFLICT DO NOTHING)"
     "SELECT setval(pg_get_serial_sequence('$schema.parked_order', 'order_no'),"
     "              (SELECT max(order_no) FROM incoming))",
     NULL},
    {"relay.cursor",
     "SELECT k.consumer, partition, acked_no FROM relay.cursor k JOIN o2c.consumer c"
     "    USING (consumer) WHERE quote_ident(c.schema) = '$schema'",
     "INSERT INTO relay.cursor AS old SELECT * FROM incoming"
     "    ON CONFLICT (consumer, partition)"
     "    DO UPDATE SET acked_no = greatest(old.acked_no, excluded.acked_no)",
     NULL},
};

static bool take(struct run *run, const struct kept *kept)
{
    struct o2c_buf sql;
    bool taken;

    o2c_buf_init(&sql, SQL_BYTES);
    o2c_buf_printf(&sql, "CREATE TEMP TABLE incoming (LIKE %s) ON COMMIT DROP",
                   kept->table);
    taken = tell(run, &run->to, o2c_buf_text(&sql)) && copy(run, kept->select) &&
            (!kept->check || kept->check(run)) && tell(run, &run->to, kept->insert) &&
            tell(run, &run->to, "DROP TABLE incoming");
    o2c_buf_clear(&sql);
    return taken;
}

/* Not every consumer has limits of its stages, which are changed with SQL. */
static bool take_limits(struct run *run)
{
    static const struct kept limits = {
        "$schema.flow_limit", "SELECT stage, days FROM $schema.flow_limit",
        "INSERT INTO $schema.flow_limit SELECT * FROM incoming"
        "    ON CONFLICT (stage) DO UPDATE SET days = excluded.days",
        NULL};
    PGresult *has =
        ask(run, &run->from, "SELECT 1 WHERE to_regclass('$schema.flow_limit') IS NOT NULL",
            NULL, 0);
    bool taken = has && (!PQntuples(has) || take(run, &limits));

    PQclear(has);
    return taken;
}

/* ---- all consumers */

static bool is_one(const PGresult *counts, int column)
{
    return !strcmp(PQgetvalue(counts, 0, column), "1");
}

static const char *plural(const PGresult *counts, int column, const char *ending)
{
    return is_one(counts, column) ? "" : ending;
}

/* Batches, their partitions, orders of people. */
static void tell_counts(const char *consumer, const PGresult *counts)
{
    if (!strcmp(PQgetvalue(counts, 0, 0), "0")) {
        printf("%s: nothing to be folded\n", consumer);
        return;
    }
    printf("%s: %s batch%s of %s partition%s to be folded", consumer,
           PQgetvalue(counts, 0, 0), plural(counts, 0, "es"), PQgetvalue(counts, 0, 1),
           plural(counts, 1, "s"));
    if (strcmp(PQgetvalue(counts, 0, 2), "0") != 0)
        printf(", with %s release%s or discard%s", PQgetvalue(counts, 0, 2),
               plural(counts, 2, "s"), plural(counts, 2, "s"));
    putchar('\n');
}

static bool report(struct run *run, const char *consumer)
{
    PGresult *counts =
        ask(run, &run->to,
            "SELECT count(*), count(DISTINCT partition),"
            "       (SELECT count(*) FROM $schema.parked_order WHERE done_at IS NULL)"
            "  FROM $schema.replay r LEFT JOIN $schema.position p USING (partition)"
            " WHERE r.batch_seq > coalesce(p.batch_seq, 0)",
            NULL, 0);
    PGresult *marks = ask(run, &run->from,
                          "SELECT count(*) FROM $schema.set_aside"
                          " WHERE republished_at IS NOT NULL",
                          NULL, 0);
    bool told = counts && marks;

    if (told)
        tell_counts(consumer, counts);
    if (told && strcmp(PQgetvalue(marks, 0, 0), "0") != 0)
        printf("%s: not taken over: who published %s record%s again that %s set aside\n",
               consumer, PQgetvalue(marks, 0, 0), plural(marks, 0, "s"),
               is_one(marks, 0) ? "was" : "were");
    PQclear(counts);
    PQclear(marks);
    return told;
}

static bool is_in_original(struct run *run, const char *consumer, bool *ret_is)
{
    const char *values[] = {consumer};
    PGresult *rows =
        ask(run, &run->from, "SELECT 1 FROM o2c.consumer WHERE consumer = $1", values, 1);

    *ret_is = rows && PQntuples(rows);
    PQclear(rows);
    return rows != NULL;
}

static bool take_consumer(struct run *run, const char *consumer, const char *schema)
{
    bool known;

    run->schema = schema;
    if (!is_in_original(run, consumer, &known))
        return false;
    if (!known) {
        printf("%s: the original has no such consumer; it begins anew\n", consumer);
        return true;
    }
    if (!take_order(run))
        return false;
    for (size_t i = 0; i < sizeof all_kept / sizeof all_kept[0]; i++)
        if (!take(run, &all_kept[i]))
            return false;
    return take_limits(run) && report(run, consumer);
}

static bool take_all(struct run *run)
{
    PGresult *rows =
        ask(run, &run->to,
            "SELECT consumer, quote_ident(schema) FROM o2c.consumer ORDER BY 1", NULL, 0);
    bool taken = rows != NULL;

    for (int i = 0; taken && i < PQntuples(rows); i++)
        taken = take_consumer(run, PQgetvalue(rows, i, 0), PQgetvalue(rows, i, 1));
    PQclear(rows);
    return taken;
}

static int rebuild(struct run *run)
{
    run->schema = "o2c";
    if (tell(run, &run->from, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") &&
        tell(run, &run->to, "BEGIN") && take_all(run))
        (void)tell(run, &run->to, "COMMIT");
    return run->status;
}

/* Of one cluster and its standbys each database has another number. */
static PGresult *ask_which(struct run *run, struct stack *stack)
{
    return ask(run, stack,
               "SELECT format('%s/%s', system_identifier, oid)"
               "  FROM pg_control_system(), pg_database WHERE datname = current_database()",
               NULL, 0);
}

static bool are_two(struct run *run)
{
    PGresult *from = ask_which(run, &run->from);
    PGresult *to = from ? ask_which(run, &run->to) : NULL;
    bool differ = to && strcmp(PQgetvalue(from, 0, 0), PQgetvalue(to, 0, 0)) != 0;

    if (to && !differ) {
        (void)stack_fail(&run->to, EXIT_USAGE,
                         "from and pg-dsn are the same database, \"%s\"; pg-dsn is the new "
                         "one, to be rebuilt",
                         PQdb(run->to.pg));
        (void)failed(run, EXIT_USAGE);
    }
    PQclear(from);
    PQclear(to);
    return differ;
}

static int open_both(struct run *run)
{
    int status;

    if (!*run->from_settings.pg_dsn)
        return stack_fail(&run->to, EXIT_USAGE, "--from is missing");
    status = stack_open_pg(&run->to);
    if (!status)
        status = stack_open_pg(&run->from);
    return status || are_two(run) ? status : run->status;
}

int rebuild_run(int argc, char **argv)
{
    struct rebuild_settings settings = {0};
    struct options options = {
        .usage = "o2c rebuild --from DSN --pg-dsn NEW",
        .about =
            "Makes the database NEW (made by o2c migrate) fold the topics again in the order\n"
            "in which the consumers of the database DSN have folded them. Its consumers are\n"
            "started afterwards, beside those of the original with a group-suffix; they\n"
            "publish nothing that was published. Asked again, before they have gone on by\n"
            "themselves, it adds what the original has folded since.\n"
            "The order of all consumers is taken over; each of them may be started alone,\n"
            "to be compared. What replaces the original are all of them.\n",
        .exits = {.done = "the order is taken over",
                  .findings = "it cannot be followed; nothing is taken over",
                  .servers = "one of the databases"},
        .table = &table,
        .settings = &settings,
    };
    struct run run = {
        .to = {.command = argv[0], .settings = &settings.stack, .pg_setting = "pg-dsn"}};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        run.from_settings.pg_dsn = settings.from;
        run.from = (struct stack){
            .command = argv[0], .settings = &run.from_settings, .pg_setting = "from"};
        status = open_both(&run);
        if (!status)
            status = rebuild(&run);
    }
    stack_close(&run.to);
    stack_close(&run.from);
    options_clear(&options);
    return status;
}
