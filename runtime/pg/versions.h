/*
 * versions.h - whether a program goes with what migrations have made of a
 * database (docs/decisions/0017): every service asks at each connection.
 */
#ifndef O2C_PG_VERSIONS_H
#define O2C_PG_VERSIONS_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

/* Of deploy/migrations/relay and deploy/migrations/host: the last ones that programs are
 * made for, and the first one of the engine that knows business days. */
enum {
    O2C_RELAY_VERSION = 1,
    O2C_ENGINE_VERSION = 6,
    O2C_ENGINE_WITH_DAYS = 2
};

/* What a schema has had of one folder of migrations. */
struct o2c_pg_version {
    int32_t applied;         /* the last one; 0: none */
    int32_t compatible_from; /* programs made for this one, or a later one, go with all */
};

/* A statement: of the schemas in $1::text[], a row per schema and folder that has any. */
extern const char o2c_pg_versions_sql[];

/* One of them; the names are borrowed from the result. */
struct o2c_pg_version o2c_pg_get_version(const PGresult *result, int row,
                                         struct o2c_str *ret_schema,
                                         struct o2c_str *ret_folder);

/*
 * The database has no less than a program needs (`oldest`), and nothing later than the
 * version it was `made_for` that does not say that such a program may go on.
 */
bool o2c_pg_version_fits(const struct o2c_pg_version *found, int32_t oldest,
                         int32_t made_for);

/*
 * The same for what a program reads of another's schema; FATAL: not, in words of an
 * operator. `what` is "relay" or "engine", `program` "clock".
 */
enum o2c_verdict o2c_pg_version_check(const struct o2c_pg_version *found,
                                      const char *schema, const char *what,
                                      const char *program, int32_t oldest, int32_t made_for,
                                      struct o2c_err *err) O2C_MUST_CHECK;

#endif
