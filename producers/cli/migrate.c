/* o2c migrate: applies what deploy/migrations holds and the database has not. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/migrations/migrations.h"
#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "producers/cli/stack.h"
#include "runtime/base/buf.h"
#include "runtime/pg/errors.h"
#include "runtime/pg/query.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

enum {
    TRY_S = 2 /* lock_timeout, below */
};

struct migrate_settings {
    struct stack_settings stack;
    int64_t wait_s;
};

static const struct o2c_setting settings_rows[] = {
    {"wait-s", O2C_SETTING_INT, offsetof(struct migrate_settings, wait_s), "30", 1, 86400,
     "s", "how long to wait for a lock", false},
    STACK_PG_SETTINGS(struct migrate_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

struct run {
    struct stack stack;
    int64_t wait_s;
    int applied_count;
};

static const char bootstrap[] =
    "SET lock_timeout = '2s';" /* of the advisory lock too: two people at once take turns */
    "SELECT pg_advisory_lock(hashtext('o2c migrate'));"
    "CREATE SCHEMA IF NOT EXISTS o2c;"
    "CREATE TABLE IF NOT EXISTS o2c.migration ("
    "    schema     text NOT NULL,"
    "    folder     text NOT NULL,"
    "    version    integer NOT NULL,"
    "    name       text NOT NULL,"
    "    sha256     text NOT NULL,"
    "    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
    "    PRIMARY KEY (schema, folder, version));"
    /* NULL, as releases left it that had no such column: its own version. Asked first: an
     * ALTER would wait for a dump even where it has nothing to do. */
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_attribute"
    "     WHERE attrelid = 'o2c.migration'::regclass AND attname = 'compatible_from') THEN"
    " ALTER TABLE o2c.migration ADD compatible_from integer; END IF; END $$";

static void digest(const char *sql, char ret_hex[65])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!EVP_Digest(sql, strlen(sql), bytes, &len, EVP_sha256(), NULL))
        abort();
    for (size_t i = 0; i < len && i < 32; i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", bytes[i]);
}

/* :schema and :consumer by the consumer's name; the files use no other psql variables. */
static void substitute(struct o2c_buf *out, const char *sql, const char *schema)
{
    const char *at;

    while ((at = strchr(sql, ':'))) {
        size_t len = !strncmp(at, ":schema", 7) ? 7 : !strncmp(at, ":consumer", 9) ? 9 : 0;

        o2c_buf_add(out, sql, (size_t)(at - sql) + (len ? 0 : 1));
        if (len)
            o2c_buf_add_text(out, schema);
        sql = at + (len ? len : 1);
    }
    o2c_buf_add_text(out, sql);
}

/* 0, or the exit status after printing that the file was changed or the query failed. */
static int is_applied(struct stack *stack, const struct o2c_migration *migration,
                      const char *schema, const char *sha256, bool *ret_applied)
{
    char version[16];
    const char *values[] = {schema, migration->folder, version};
    PGresult *result;
    int status = EXIT_OK;

    snprintf(version, sizeof version, "%d", migration->version);
    result = stack_query(stack,
                         "SELECT sha256 FROM o2c.migration"
                         " WHERE schema = $1 AND folder = $2 AND version = $3::integer",
                         values, 3);
    if (!result)
        return EXIT_STACK_FAILED;
    *ret_applied = PQntuples(result) > 0;
    if (*ret_applied && strcmp(PQgetvalue(result, 0, 0), sha256) != 0)
        status = stack_fail(
            stack, EXIT_FINDINGS,
            "%s/%s was applied to schema %s with other content (SHA-256 %s, now %s): a "
            "released file never changes",
            migration->folder, migration->name, schema, PQgetvalue(result, 0, 0), sha256);
    PQclear(result);
    return status;
}

static int execute(struct run *run, struct o2c_buf *script)
{
    struct stack *stack = &run->stack;

    for (int64_t waited_s = 0; waited_s < run->wait_s; waited_s += TRY_S) {
        if (!o2c_pg_script(stack->pg, o2c_buf_text(script), &stack->err))
            return EXIT_OK;
        if (stack->err.native != o2c_pg_sqlstate("55P03"))
            return stack_failed(stack);
        fprintf(stderr, "o2c migrate: waiting for a lock\n");
    }
    return stack_fail(stack, EXIT_TIMEOUT, "%s", stack->err.text);
}

static int apply(struct run *run, const struct o2c_migration *migration, const char *schema)
{
    struct stack *stack = &run->stack;
    struct o2c_buf script;
    char sha256[65];
    bool applied = false;
    int status;

    digest(migration->sql, sha256);
    status = is_applied(stack, migration, schema, sha256, &applied);
    if (status || applied)
        return status;
    o2c_buf_init(&script, 1 << 22);
    o2c_buf_add_text(&script, "BEGIN;\n");
    substitute(&script, migration->sql, schema);
    o2c_buf_printf(&script,
                   "\n;INSERT INTO o2c.migration"
                   " (schema, folder, version, name, sha256, compatible_from)"
                   " VALUES ('%s', '%s', %d, '%s', '%s', %d); COMMIT",
                   schema, migration->folder, migration->version, migration->name, sha256,
                   migration->compatible_from);
    status = execute(run, &script);
    o2c_buf_clear(&script);
    if (status)
        return stack_fail(stack, status, "%s/%s was not applied to schema %s",
                          migration->folder, migration->name, schema);
    printf("applied  %-13s %s/%s\n", schema, migration->folder, migration->name);
    run->applied_count++;
    return EXIT_OK;
}

static int apply_folder(struct run *run, const char *folder, const char *schema)
{
    int status = EXIT_OK;

    for (size_t i = 0; i < o2c_migration_count && !status; i++)
        if (!strcmp(o2c_migrations[i].folder, folder))
            status = apply(run, &o2c_migrations[i], schema);
    return status;
}

static bool is_consumer(const char *folder)
{
    return strcmp(folder, "o2c") != 0 && strcmp(folder, "host") != 0 &&
           strcmp(folder, "relay") != 0;
}

static int apply_all(struct run *run)
{
    const char *last = "";
    int status = apply_folder(run, "o2c", "o2c");

    for (size_t i = 0; i < o2c_migration_count && !status; i++) {
        const char *folder = o2c_migrations[i].folder;

        if (!is_consumer(folder) || !strcmp(folder, last))
            continue;
        last = folder;
        status = apply_folder(run, "host", folder);
        if (!status)
            status = apply_folder(run, folder, folder);
    }
    if (!status)
        status = apply_folder(run, "relay", "relay");
    return status;
}

static int prepare(struct run *run)
{
    struct o2c_buf script;
    int status;

    o2c_buf_init(&script, 4096);
    o2c_buf_add_text(&script, bootstrap);
    status = execute(run, &script);
    o2c_buf_clear(&script);
    return status;
}

static bool is_known(const char *folder, const char *version)
{
    for (size_t i = 0; i < o2c_migration_count; i++)
        if (!strcmp(o2c_migrations[i].folder, folder) &&
            o2c_migrations[i].version == strtol(version, NULL, 10))
            return true;
    return false;
}

/* What a newer release has done cannot be judged by this one. */
static int refuse_unknown(struct stack *stack)
{
    PGresult *result = stack_query(
        stack, "SELECT schema, folder, version, name FROM o2c.migration ORDER BY 1, 2, 3",
        NULL, 0);
    int status = result ? EXIT_OK : EXIT_STACK_FAILED;

    for (int i = 0; result && !status && i < PQntuples(result); i++)
        if (!is_known(PQgetvalue(result, i, 1), PQgetvalue(result, i, 2)))
            status = stack_fail(stack, EXIT_FINDINGS,
                                "schema %s has %s/%s, which this release does not know: "
                                "use the release that applied it, or a newer one",
                                PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
                                PQgetvalue(result, i, 3));
    PQclear(result);
    return status;
}

static int refresh_views(struct stack *stack)
{
    PGresult *result = stack_query(stack, "SELECT o2c.refresh_union_views()", NULL, 0);

    PQclear(result);
    return result ? EXIT_OK : EXIT_STACK_FAILED;
}

/* Of this release, whatever the one before knew. */
static int fill_currencies(struct stack *stack)
{
    int status = EXIT_OK;

    for (int i = 0; o2c_currency_codes(i) && !status; i++) {
        char exponent[16];
        const char *values[] = {o2c_currency_codes(i), exponent};
        PGresult *result;

        snprintf(exponent, sizeof exponent, "%d", i);
        result = stack_query(stack,
                             "INSERT INTO o2c.currency AS c (currency, exponent)"
                             " SELECT code, $2::smallint"
                             "   FROM regexp_split_to_table($1, ' ') code WHERE code <> ''"
                             " ON CONFLICT (currency) DO UPDATE SET exponent = $2::smallint"
                             " WHERE c.exponent <> $2::smallint",
                             values, 2);
        status = result ? EXIT_OK : EXIT_STACK_FAILED;
        PQclear(result);
    }
    return status;
}

int migrate_run(int argc, char **argv)
{
    struct migrate_settings settings = {0};
    struct options options = {
        .usage = "o2c migrate [options]",
        .about =
            "Applies the migrations that the database does not have yet, each in a\n"
            "transaction of its own, and says which. Safe to run again, and by two people\n"
            "at once.\n",
        .exits = {.done = "up to date",
                  .findings =
                      "the database has a migration of another content or of a newer "
                      "release",
                  .servers = "PostgreSQL",
                  .timeout = "a lock was not given in time"},
        .table = &table,
        .settings = &settings,
    };
    struct run run = {.stack = {.command = argv[0], .settings = &settings.stack}};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        run.wait_s = settings.wait_s;
        status = stack_open_pg(&run.stack);
        if (!status)
            status = prepare(&run);
        if (!status)
            status = refuse_unknown(&run.stack);
        if (!status)
            status = apply_all(&run);
        if (!status)
            status = fill_currencies(&run.stack);
        if (!status && run.applied_count)
            status = refresh_views(&run.stack);
        if (!status && !run.applied_count)
            printf("nothing to apply: the database is up to date\n");
    }
    stack_close(&run.stack);
    options_clear(&options);
    return status;
}
