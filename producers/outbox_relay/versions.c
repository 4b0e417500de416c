/* Whether this relay goes with what migrations have made of the database. */
#include "producers/outbox_relay/relay.h"

#include "runtime/base/banned.h"

static const struct o2c_str relay_schema = {"relay", 5};

static void forget(struct relay *relay)
{
    relay->version = (struct o2c_pg_version){0};
    for (size_t i = 0; i < relay->of_count; i++)
        relay->of[i].version = (struct o2c_pg_version){0};
}

static void on_versions(void *user, const PGresult *result)
{
    struct relay *relay = user;

    forget(relay);
    for (int r = 0; r < PQntuples(result); r++) {
        struct o2c_str schema, folder;
        struct o2c_pg_version found = o2c_pg_get_version(result, r, &schema, &folder);

        if (o2c_str_eq(schema, relay_schema) && o2c_str_eq(folder, relay_schema))
            relay->version = found;
        for (size_t i = 0; i < relay->of_count; i++)
            if (o2c_str_eq(schema, o2c_str_from(relay->of[i].schema)) &&
                o2c_str_eq(folder, O2C_STR("host")))
                relay->of[i].version = found;
    }
}

static bool fits(struct relay *relay, const char *schema, const char *what,
                 const struct o2c_pg_version *found, int32_t oldest, int32_t made_for)
{
    struct o2c_err err;

    if (!o2c_pg_version_check(found, schema, what, "relay", oldest, made_for, &err))
        return true;
    relay_fatal(relay, &err, "the database does not fit this program");
    return false;
}

static bool all_fit(struct relay *relay)
{
    if (!fits(relay, "relay", "relay", &relay->version, O2C_RELAY_VERSION,
              O2C_RELAY_VERSION))
        return false;
    for (size_t i = 0; i < relay->of_count; i++)
        if (!fits(relay, relay->of[i].schema, "engine", &relay->of[i].version,
                  O2C_ENGINE_WITH_DAYS, O2C_ENGINE_VERSION))
            return false;
    return true;
}

static void on_asked(void *user, enum o2c_verdict verdict, bool lost,
                     const struct o2c_err *err)
{
    struct relay *relay = user;

    relay->asking = false;
    if (lost)
        return;
    relay_take_answer(relay, ASK_VERSIONS, verdict, err);
    if (!verdict && all_fit(relay))
        claims_begin(relay);
}

void versions_ask(struct relay *relay)
{
    struct o2c_pg_array array;

    if (!relay->connected || relay->up || relay->asking || relay->stopping)
        return;
    relay->asking = true;
    o2c_pg_params_reset(&relay->params);
    o2c_pg_array_begin(&array, &relay->params, O2C_OID_TEXT);
    o2c_pg_array_text(&array, relay_schema);
    for (size_t i = 0; i < relay->of_count; i++)
        o2c_pg_array_text(&array, o2c_str_from(relay->of[i].schema));
    o2c_pg_array_end(&array);
    o2c_pg_send(relay->pg, "versions", &relay->params, on_versions, relay);
    o2c_pg_sync(relay->pg, on_asked, relay);
}
