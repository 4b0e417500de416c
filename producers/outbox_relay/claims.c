/* Which consumers this relay publishes for, and how far it is. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producers/outbox_relay/relay.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/base/failpoint.h"
#include "runtime/base/log.h"
#include "runtime/pg/await.h"
#include "runtime/pg/query.h"

#include "runtime/base/banned.h"

enum {
    AHEAD_RECORDS = 2000000
};

/* ---- statements, made from the registry of consumers */

static char *printed(const char *fmt, ...) O2C_PRINTF(1, 2);

static char *printed(const char *fmt, ...)
{
    va_list args;
    char *text;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        abort();
    va_end(args);
    return text;
}

static void add_look(struct o2c_buf *sql, const char *consumer_literal, const char *schema)
{
    o2c_buf_printf(
        sql,
        "%sSELECT %s::text, p.partition, n.outbox_no, coalesce(k.acked_no, 0)"
        "  FROM %s.claim p"
        " CROSS JOIN LATERAL (SELECT outbox_no FROM %s.progress g"
        "      WHERE g.partition = p.partition ORDER BY batch_seq DESC LIMIT 1) n"
        "  LEFT JOIN relay.cursor k"
        "    ON k.consumer = %s AND k.partition = p.partition",
        sql->len ? " UNION ALL " : "", consumer_literal, schema, schema, consumer_literal);
}

static char *read_sql(const char *schema)
{
    return printed(
        "SELECT outbox_no, topic, target_partition, stream_seq, incarnation,"
        "       event_id, event_type, subject, recorded_at, cause, headers::text,"
        "       key, value, business_date::text"
        "  FROM %s.outbox WHERE partition = $1::integer AND outbox_no > $2::bigint"
        " ORDER BY outbox_no LIMIT $3::bigint",
        schema);
}

static void make_statements(struct relay *relay, const PGresult *consumers)
{
    static const struct o2c_pg_statement fixed[] = {
        {"versions", o2c_pg_versions_sql},
        {"claim",
         "SELECT consumer, epoch FROM relay.claim_consumers($1::text, $2::text[])"},
        {"advance",
         "SELECT relay.advance($1::text[], $2::bigint[], $3::integer[], $4::bigint[])"},
        {"lock_timeout", "SELECT set_config('lock_timeout', '2s', true)"},
        {"maintain", "SELECT relay.maintain($1::text, $2::bigint, $3::bigint)"},
        {"strangers", "SELECT consumer FROM o2c.consumer"
                      " WHERE consumer <> ALL ($1::text[]) ORDER BY 1"},
    };
    size_t fixed_count = sizeof fixed / sizeof fixed[0];
    struct o2c_buf look;

    relay->of_count = (size_t)PQntuples(consumers);
    relay->of = calloc(relay->of_count + 1, sizeof *relay->of);
    relay->statements =
        calloc(fixed_count + relay->of_count + 1, sizeof *relay->statements);
    if (!relay->of || !relay->statements)
        abort();
    memcpy(relay->statements, fixed, sizeof fixed);
    relay->statement_count = fixed_count + relay->of_count + 1;
    o2c_buf_init(&look, 1 << 20);
    for (size_t i = 0; i < relay->of_count; i++) {
        struct publisher_of *of = &relay->of[i];
        const char *schema = PQgetvalue(consumers, (int)i, 1);

        of->relay = relay;
        of->consumer = printed("%s", PQgetvalue(consumers, (int)i, 0));
        of->schema = printed("%s", PQgetvalue(consumers, (int)i, 3));
        of->read_name = printed("read_%s", of->consumer);
        relay->statements[fixed_count + i] =
            (struct o2c_pg_statement){of->read_name, read_sql(schema)};
        add_look(&look, PQgetvalue(consumers, (int)i, 2), schema);
        for (int32_t p = 0; p < PARTITIONS_MAX; p++) {
            of->source[p].of = of;
            of->source[p].partition = p;
        }
    }
    relay->statements[relay->statement_count - 1] =
        (struct o2c_pg_statement){"look", printed("%s", o2c_buf_text(&look))};
    o2c_buf_clear(&look);
}

void claims_clear(struct relay *relay)
{
    for (size_t i = 0; i < relay->of_count; i++) {
        free((void *)(uintptr_t)relay->statements[relay->statement_count - 2 - i].sql);
        free(relay->of[i].consumer);
        free(relay->of[i].schema);
        free(relay->of[i].read_name);
    }
    if (relay->statement_count)
        free((void *)(uintptr_t)relay->statements[relay->statement_count - 1].sql);
    free(relay->statements);
    free(relay->of);
}

/* ---- taking consumers over */

static struct publisher_of *find_of(struct relay *relay, struct o2c_str consumer)
{
    for (size_t i = 0; i < relay->of_count; i++)
        if (o2c_str_eq(o2c_str_from(relay->of[i].consumer), consumer))
            return &relay->of[i];
    return NULL;
}

static void on_claimed(void *user, const PGresult *result)
{
    struct relay *relay = user;

    for (int i = 0; i < PQntuples(result); i++) {
        struct publisher_of *of = find_of(relay, o2c_pg_get_text(result, i, 0));

        if (!of)
            continue; /* never: only those were asked for */
        of->claimed = true;
        of->epoch = o2c_pg_get_int8(result, i, 1);
        relay->maintain_in_s = 0;
        for (int32_t p = 0; p < PARTITIONS_MAX; p++)
            of->source[p].known = false;
        o2c_log_info("publishing for", O2C_S("consumer", of->consumer),
                     O2C_I("epoch", of->epoch));
    }
}

static void on_claim_done(void *user, enum o2c_verdict verdict, bool lost,
                          const struct o2c_err *err)
{
    struct relay *relay = user;

    relay->claiming = false;
    if (lost)
        return;
    relay_take_answer(relay, ASK_CLAIM, verdict, err);
    claims_look(relay);
}

static void add_consumers(struct relay *relay, bool also_claimed)
{
    struct o2c_pg_array array;

    o2c_pg_array_begin(&array, &relay->params, O2C_OID_TEXT);
    for (size_t i = 0; i < relay->of_count; i++)
        if (also_claimed || !relay->of[i].claimed)
            o2c_pg_array_text(&array, o2c_str_from(relay->of[i].consumer));
    o2c_pg_array_end(&array);
}

void claims_take(struct relay *relay)
{
    size_t missing = 0;

    for (size_t i = 0; i < relay->of_count; i++)
        missing += !relay->of[i].claimed;
    if (!missing || relay->claiming || !relay->up || relay->stopping)
        return;
    relay->claiming = true;
    o2c_pg_params_reset(&relay->params);
    o2c_pg_add_text(&relay->params, o2c_str_from(relay->settings->instance));
    add_consumers(relay, false);
    o2c_pg_send(relay->pg, "claim", &relay->params, on_claimed, relay);
    o2c_pg_sync(relay->pg, on_claim_done, relay);
}

/* ---- looking for work */

/*
 * A cursor that is behind what this process knows to be acknowledged is stored
 * again.  What stopped the source is tried again, before anything behind it.
 */
static void know(struct source *source, int64_t acked)
{
    source->known = true;
    if (source->stopped)
        in_flight_rewind(&source->in_flight);
    source->stopped = false;
    source->unsent_since_us = 0;
    source->stored_no = acked;
    if (acked > source->in_flight.sent_no)
        in_flight_start(&source->in_flight, acked);
}

static void on_look(void *user, const PGresult *result)
{
    struct relay *relay = user;

    for (int i = 0; i < PQntuples(result); i++) {
        struct publisher_of *of = find_of(relay, o2c_pg_get_text(result, i, 0));
        int32_t partition = o2c_pg_get_int4(result, i, 1);
        struct source *source;

        if (!of || !of->claimed || partition >= PARTITIONS_MAX)
            continue;
        source = &of->source[partition];
        if (!source->known)
            know(source, o2c_pg_get_int8(result, i, 3));
        source->given = o2c_pg_get_int8(result, i, 2);
        if (source->given > source->in_flight.acked_no && !source->unsent_since_us)
            source->unsent_since_us = o2c_clock_monotonic_us();
    }
}

static void on_look_done(void *user, enum o2c_verdict verdict, bool lost,
                         const struct o2c_err *err)
{
    struct relay *relay = user;

    relay->looking = false;
    if (lost)
        return;
    relay_take_answer(relay, ASK_LOOK, verdict, err);
    reader_fill(relay);
}

void claims_look(struct relay *relay)
{
    if (relay->looking || !relay->up || relay->stopping || relay->asked[ASK_LOOK].rests)
        return;
    relay->looking = true;
    o2c_pg_params_reset(&relay->params);
    o2c_pg_send(relay->pg, "look", &relay->params, on_look, relay);
    o2c_pg_sync(relay->pg, on_look_done, relay);
}

/* ---- the cursor */

static bool moved(const struct source *source)
{
    return source->of->claimed && source->known &&
           source->in_flight.acked_no > source->stored_no;
}

#define EACH_SOURCE(relay, source)                                                         \
    for (size_t of_ = 0; of_ < (relay)->of_count; of_++)                                   \
        for (struct source *source = (relay)->of[of_].source;                              \
             source < (relay)->of[of_].source + PARTITIONS_MAX; source++)

bool claims_settled(const struct relay *relay)
{
    EACH_SOURCE(relay, source)
    if (moved(source))
        return false;
    return !relay->storing;
}

/* The next second claims what is free again: what this session's locks still hold too. */
static void lose_claims(struct relay *relay, const struct o2c_err *err)
{
    o2c_log_warn("another relay has claimed since: claims anew and begins at its cursors",
                 O2C_S("error", err->text));
    for (size_t i = 0; i < relay->of_count; i++)
        relay->of[i].claimed = false;
}

static void note_stored(struct relay *relay)
{
    EACH_SOURCE(relay, source)
    if (source->storing_no) {
        source->stored_no = source->storing_no;
        source->storing_no = 0;
    }
}

static void on_stored(void *user, enum o2c_verdict verdict, bool lost,
                      const struct o2c_err *err)
{
    struct relay *relay = user;

    relay->storing = false;
    O2C_FAILPOINT("relay.after_cursor");
    if (lost)
        return;
    if (verdict == O2C_FENCED)
        lose_claims(relay, err);
    else
        relay_take_answer(relay, ASK_STORE, verdict, err);
    if (!verdict)
        note_stored(relay);
    claims_store(relay);
    relay_stop_step(relay);
}

static void add_moved(struct relay *relay)
{
    struct o2c_pg_array array;

    o2c_pg_array_begin(&array, &relay->params, O2C_OID_TEXT);
    EACH_SOURCE(relay, source)
    if (source->storing_no)
        o2c_pg_array_text(&array, o2c_str_from(source->of->consumer));
    o2c_pg_array_end(&array);
    o2c_pg_array_begin(&array, &relay->params, O2C_OID_INT8);
    EACH_SOURCE(relay, source)
    if (source->storing_no)
        o2c_pg_array_int8(&array, source->of->epoch);
    o2c_pg_array_end(&array);
    o2c_pg_array_begin(&array, &relay->params, O2C_OID_INT4);
    EACH_SOURCE(relay, source)
    if (source->storing_no)
        o2c_pg_array_int4(&array, source->partition);
    o2c_pg_array_end(&array);
    o2c_pg_array_begin(&array, &relay->params, O2C_OID_INT8);
    EACH_SOURCE(relay, source)
    if (source->storing_no)
        o2c_pg_array_int8(&array, source->storing_no);
    o2c_pg_array_end(&array);
}

void claims_store(struct relay *relay)
{
    bool any = false;

    if (relay->storing || !relay->up || relay->asked[ASK_STORE].rests)
        return;
    EACH_SOURCE(relay, source)
    {
        source->storing_no = moved(source) ? source->in_flight.acked_no : 0;
        any |= source->storing_no != 0;
    }
    if (!any)
        return;
    O2C_FAILPOINT("relay.before_cursor");
    relay->storing = true;
    o2c_pg_params_reset(&relay->params);
    add_moved(relay);
    o2c_pg_send(relay->pg, "advance", &relay->params, NULL, NULL);
    o2c_pg_sync(relay->pg, on_stored, relay);
}

/* ---- once in a while: ranges ahead, published ranges away, consumers that came since */

static void on_ranges(void *user, const PGresult *result)
{
    struct publisher_of *of = user;
    int32_t skipped = o2c_pg_get_int4(result, 0, 0);

    if (skipped && !of->ranges_skipped)
        o2c_log_warn("ranges are missing: outbox_rest keeps their numbers until they are "
                     "published and old",
                     O2C_S("consumer", of->consumer), O2C_I("ranges", skipped));
    of->ranges_skipped = skipped;
}

static void on_maintained(void *user, enum o2c_verdict verdict, bool lost,
                          const struct o2c_err *err)
{
    (void)user;
    if (verdict && !lost)
        o2c_log_warn("outbox ranges not maintained, will try again",
                     O2C_S("error", err->text));
}

static void on_strangers(void *user, const PGresult *result)
{
    struct relay *relay = user;
    int count = PQntuples(result);

    for (int i = relay->strangers; i < count; i++)
        o2c_log_warn("a consumer was registered since this relay started: it is not "
                     "published for until a restart",
                     O2C_S("consumer", PQgetvalue(result, i, 0)));
    relay->strangers = count;
}

static void on_strangers_done(void *user, enum o2c_verdict verdict, bool lost,
                              const struct o2c_err *err)
{
    (void)user;
    if (verdict && !lost)
        o2c_log_warn("not known whether consumers were registered since",
                     O2C_S("error", err->text));
}

void claims_look_for_strangers(struct relay *relay)
{
    if (!relay->up)
        return;
    o2c_pg_params_reset(&relay->params);
    add_consumers(relay, true);
    o2c_pg_send(relay->pg, "strangers", &relay->params, on_strangers, relay);
    o2c_pg_sync(relay->pg, on_strangers_done, relay);
}

void claims_maintain(struct relay *relay)
{
    for (size_t i = 0; relay->up && i < relay->of_count; i++) {
        if (!relay->of[i].claimed)
            continue;
        o2c_pg_params_reset(&relay->params);
        o2c_pg_send(relay->pg, "lock_timeout", &relay->params, NULL, NULL);
        o2c_pg_add_text(&relay->params, o2c_str_from(relay->of[i].consumer));
        o2c_pg_add_int8(&relay->params, AHEAD_RECORDS);
        o2c_pg_add_int8(&relay->params, relay->settings->keep_records);
        o2c_pg_send(relay->pg, "maintain", &relay->params, on_ranges, &relay->of[i]);
        o2c_pg_sync(relay->pg, on_maintained, relay);
    }
}

/* ---- the connection */

static void on_up(void *user, const struct o2c_err *none)
{
    struct relay *relay = user;

    (void)none;
    relay->connected = true;
    versions_ask(relay);
}

void claims_begin(struct relay *relay)
{
    relay->up = true;
    claims_take(relay);
}

/* The session's locks are gone with it: who publishes is decided anew. */
static void on_down(void *user, const struct o2c_err *err)
{
    struct relay *relay = user;

    relay->connected = relay->up = false;
    memset(relay->asked, 0, sizeof relay->asked);
    for (size_t i = 0; i < relay->of_count; i++)
        relay->of[i].claimed = false;
    if (relay->closing)
        return;
    if (err->verdict == O2C_FATAL)
        relay_fatal(relay, err, "PostgreSQL refuses what this program asks");
    else
        o2c_log_warn("PostgreSQL is away", O2C_S("error", err->text));
}

enum o2c_verdict claims_open(struct relay *relay, struct o2c_err *err)
{
    struct o2c_pg_options options = {
        .loop = relay->loop,
        .dsn = relay->settings->pg_dsn,
        .application_name = "o2c-outbox-relay",
        .on_up = on_up,
        .on_down = on_down,
        .on_unreachable = o2c_service_warn_unreachable,
        .timeout_ms = relay->settings->pg_timeout_ms,
        .user = relay,
    };
    PGconn *conn = NULL;
    PGresult *consumers = NULL;

    o2c_pg_answer_within(relay->settings->pg_timeout_ms);
    if (o2c_pg_connect(&conn, relay->settings->pg_dsn, "o2c-outbox-relay", err))
        return err->verdict;
    /* before the loop turns: a lock must not hold it without a word */
    if (o2c_pg_query(conn, "SET statement_timeout = '10s'", NULL, 0, NULL, err) == O2C_OK &&
        o2c_pg_query(conn,
                     "SELECT consumer, quote_ident(schema), quote_literal(consumer), schema"
                     "  FROM o2c.consumer ORDER BY 1",
                     NULL, 0, &consumers, err) == O2C_OK)
        make_statements(relay, consumers);
    PQclear(consumers);
    PQfinish(conn);
    if (err->verdict)
        return err->verdict;
    if (!relay->of_count)
        return o2c_fail(err, O2C_FATAL, "no consumer is registered: run o2c migrate");
    options.statements = relay->statements;
    options.statement_count = relay->statement_count;
    relay->handles_open++;
    return o2c_pg_open(&relay->pg, &options, err);
}
