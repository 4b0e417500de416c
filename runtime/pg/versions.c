#include "runtime/pg/versions.h"

#include <inttypes.h>

#include "runtime/pg/binary.h"

#include "runtime/base/banned.h"

/* Read as JSON: a release before compatible_from had no such column. */
const char o2c_pg_versions_sql[] =
    "SELECT schema, folder, max(version)::integer,"
    "       max(coalesce((to_jsonb(m) ->> 'compatible_from')::integer, version))::integer"
    "  FROM o2c.migration m WHERE schema = ANY ($1::text[]) GROUP BY schema, folder";

struct o2c_pg_version o2c_pg_get_version(const PGresult *result, int row,
                                         struct o2c_str *ret_schema,
                                         struct o2c_str *ret_folder)
{
    *ret_schema = o2c_pg_get_text(result, row, 0);
    *ret_folder = o2c_pg_get_text(result, row, 1);
    return (struct o2c_pg_version){o2c_pg_get_int4(result, row, 2),
                                   o2c_pg_get_int4(result, row, 3)};
}

bool o2c_pg_version_fits(const struct o2c_pg_version *found, int32_t oldest,
                         int32_t made_for)
{
    return found->applied >= oldest &&
           (found->applied <= made_for || found->compatible_from <= made_for);
}

enum o2c_verdict o2c_pg_version_check(const struct o2c_pg_version *found,
                                      const char *schema, const char *what,
                                      const char *program, int32_t oldest, int32_t made_for,
                                      struct o2c_err *err)
{
    if (o2c_pg_version_fits(found, oldest, made_for))
        return O2C_OK;
    return o2c_fail(err, O2C_FATAL,
                    "schema %s: %s is at version %" PRId32 ", compatible from %" PRId32
                    ", this %s works with %" PRId32 " to %" PRId32
                    ": run o2c migrate or the right release",
                    schema, what, found->applied, found->compatible_from, program, oldest,
                    made_for);
}
