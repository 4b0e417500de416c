#include "producers/clock/versions.h"

#include <string.h>

#include "runtime/base/str.h"
#include "runtime/pg/query.h"
#include "runtime/pg/versions.h"

#include "runtime/base/banned.h"

enum {
    SCHEMA,
    FOLDER,
    APPLIED,
    COMPATIBLE_FROM
};

static int32_t number(const PGresult *result, int row, int column)
{
    int64_t value = 0;

    o2c_str_to_int64(o2c_str_from(PQgetvalue(result, row, column)), &value);
    return (int32_t)value;
}

static struct o2c_pg_version find(const PGresult *versions, const char *schema,
                                  const char *folder)
{
    for (int i = 0; i < PQntuples(versions); i++)
        if (!strcmp(PQgetvalue(versions, i, SCHEMA), schema) &&
            !strcmp(PQgetvalue(versions, i, FOLDER), folder))
            return (struct o2c_pg_version){number(versions, i, APPLIED),
                                           number(versions, i, COMPATIBLE_FROM)};
    return (struct o2c_pg_version){0};
}

static bool fits(const PGresult *versions, const char *schema, const char *folder,
                 const char *what, int32_t oldest, int32_t made_for, struct o2c_err *err)
{
    struct o2c_pg_version found = find(versions, schema, folder);

    return !o2c_pg_version_check(&found, schema, what, "clock", oldest, made_for, err);
}

static bool all_fit(const PGresult *schemas, const PGresult *versions, struct o2c_err *err)
{
    if (!fits(versions, "relay", "relay", "relay", O2C_RELAY_VERSION, O2C_RELAY_VERSION,
              err))
        return false;
    for (int i = 0; i < PQntuples(schemas); i++)
        if (!fits(versions, PQgetvalue(schemas, i, 0), "host", "engine",
                  O2C_ENGINE_WITH_DAYS, O2C_ENGINE_VERSION, err))
            return false;
    return true;
}

enum o2c_verdict o2c_clock_versions(PGconn *pg, bool *ret_fits, struct o2c_err *err)
{
    static const char schemas_sql[] =
        "SELECT schema, array_agg(schema) OVER () || 'relay'::text FROM o2c.consumer";
    PGresult *schemas = NULL, *versions = NULL;
    const char *names;
    enum o2c_verdict verdict = o2c_pg_query(pg, schemas_sql, NULL, 0, &schemas, err);

    if (verdict)
        return verdict;
    names = PQntuples(schemas) ? PQgetvalue(schemas, 0, 1) : "{relay}";
    verdict = o2c_pg_query(pg, o2c_pg_versions_sql, &names, 1, &versions, err);
    if (!verdict)
        *ret_fits = all_fit(schemas, versions, err);
    PQclear(versions);
    PQclear(schemas);
    return verdict;
}
