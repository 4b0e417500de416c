/*
 * Claiming: which partitions this process decides for, and where they stand.
 * A fresh assignment claims them; after a lost connection the same process
 * claims again, expecting its own epochs, and learns whether the batch in
 * doubt was committed.  Safety is the epoch alone (the fence in store.c).
 */
#include "consumers/host/engine.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "consumers/host/replay.h"
#include "runtime/base/clock.h"
#include "runtime/base/failpoint.h"
#include "runtime/base/log.h"
#include "runtime/pg/errors.h"
#include "runtime/pg/pg.h"

#include "runtime/base/banned.h"

static void on_claim_done(void *user, enum o2c_verdict verdict, bool lost,
                          const struct o2c_err *err);

/* ---- which partitions */

static bool assigned_whole(const struct engine *engine, int32_t partition)
{
    for (int t = 0; t < engine->topic_count; t++)
        if (!rd_kafka_topic_partition_list_find(engine->assigned, engine->topic_name[t],
                                                partition))
            return false;
    return true;
}

/* A partition number counts only when every topic's partition of that number is ours. */
static int choose_partitions(struct engine *engine)
{
    int chosen = 0;

    for (int32_t p = 0; p < engine->partition_count; p++) {
        struct unit *unit = &engine->unit[p];

        unit->wanted = assigned_whole(engine, p);
        chosen += unit->wanted;
        if (!unit->wanted && engine->assigned->cnt)
            for (int t = 0; t < engine->topic_count; t++)
                if (rd_kafka_topic_partition_list_find(engine->assigned,
                                                       engine->topic_name[t], p)) {
                    o2c_log_warn("partition not opened: not all of its topics are assigned "
                                 "here",
                                 O2C_I("partition", p),
                                 O2C_S("assigned", engine->topic_name[t]));
                    break;
                }
    }
    return chosen;
}

void engine_add_partitions(struct engine *engine)
{
    struct o2c_pg_array array;

    o2c_pg_array_begin(&array, &engine->params, O2C_OID_INT4);
    for (int32_t p = 0; p < engine->partition_count; p++)
        if (engine->unit[p].wanted)
            o2c_pg_array_int4(&array, p);
    o2c_pg_array_end(&array);
}

static void add_expected(struct engine *engine)
{
    struct o2c_pg_array array;

    o2c_pg_array_begin(&array, &engine->params, O2C_OID_INT8);
    for (int32_t p = 0; p < engine->partition_count; p++) {
        if (!engine->unit[p].wanted)
            continue;
        if (engine->unit[p].claimed)
            o2c_pg_array_int8(&array, engine->unit[p].epoch);
        else
            o2c_pg_array_null(&array);
    }
    o2c_pg_array_end(&array);
}

static void add_incarnations(struct engine *engine)
{
    struct o2c_pg_array array;
    struct o2c_uuid made;

    o2c_pg_array_begin(&array, &engine->params, O2C_OID_UUID);
    for (int32_t p = 0; p < engine->partition_count; p++) {
        if (!engine->unit[p].wanted)
            continue;
        made = o2c_uuid_v7(o2c_clock_utc_us());
        o2c_pg_array_uuid(&array, &made);
    }
    o2c_pg_array_end(&array);
}

/* ---- what PostgreSQL answers */

static struct unit *answered(struct engine *engine, const PGresult *result, int row,
                             int column)
{
    return &engine->unit[o2c_pg_get_int4(result, row, column)];
}

static int topic_index(const struct engine *engine, struct o2c_str name)
{
    for (int t = 0; t < engine->topic_count; t++)
        if (o2c_str_eq(o2c_str_from(engine->consumer->topics[t]), name))
            return t;
    return -1;
}

static json_t *object(struct o2c_str text)
{
    json_t *json = json_loadb(text.at, text.len, 0, NULL);

    return json ? json : json_object();
}

void claim_read_offsets(const struct engine *engine, struct position *position,
                        struct o2c_str text)
{
    json_t *json = object(text);

    for (int t = 0; t < engine->topic_count; t++) {
        json_t *next = json_object_get(json, engine->consumer->topics[t]);

        position->next[t] = json_is_integer(next) ? json_integer_value(next) : -1;
    }
    json_decref(json);
}

static void read_last(const struct engine *engine, struct position *position,
                      struct o2c_str text)
{
    json_t *json = object(text);

    for (int t = 0; t < engine->topic_count; t++) {
        json_t *pair = json_object_get(json, engine->consumer->topics[t]);
        const char *hash = json_string_value(json_array_get(pair, 1));

        position->last[t].offset = json_integer_value(json_array_get(pair, 0));
        position->last[t].hash = hash ? strtoull(hash, NULL, 16) : 0;
    }
    json_decref(json);
}

static void read_streams(const struct engine *engine, int32_t partition,
                         struct position *position, struct o2c_str text)
{
    json_t *json = object(text);
    char name[160];

    for (int i = 0; i < engine->emit_count; i++) {
        snprintf(name, sizeof name, "%s/%" PRId32, engine->consumer->emits[i], partition);
        position->stream_seq[i] = json_integer_value(json_object_get(json, name));
    }
    json_decref(json);
}

void claim_read_day(struct position *position, char **text, const PGresult *result, int row,
                    int column)
{
    position->business_date = O2C_NO_BUSINESS_DATE;
    if (!o2c_pg_get_null(result, row, column))
        position->business_date = o2c_pg_get_date(result, row, column);
    position->in_tick = !o2c_pg_get_null(result, row, column + 1);
    if (position->in_tick)
        position->cursor = (struct o2c_due){o2c_pg_get_date(result, row, column + 1),
                                            o2c_pg_get_text(result, row, column + 2),
                                            o2c_pg_get_text(result, row, column + 3),
                                            o2c_pg_get_text(result, row, column + 4)};
    ticks_own_cursor(position, text);
}

static void on_claimed(void *user, const PGresult *result)
{
    struct engine *engine = user;

    for (int i = 0; i < PQntuples(result); i++) {
        struct unit *unit = answered(engine, result, i, 0);
        struct position *position = &unit->claiming;

        *position = (struct position){0};
        unit->claiming_epoch = o2c_pg_get_int8(result, i, 1);
        unit->incarnation = o2c_pg_get_uuid(result, i, 2);
        position->batch_seq = o2c_pg_get_int8(result, i, 3);
        claim_read_offsets(engine, position, o2c_pg_get_text(result, i, 4));
        read_last(engine, position, o2c_pg_get_text(result, i, 5));
        read_streams(engine, unit->partition, position, o2c_pg_get_text(result, i, 6));
        position->outbox_no = o2c_pg_get_int8(result, i, 7);
        for (int n = 0; n < TOTAL_COUNT; n++)
            position->total[n] = o2c_pg_get_int8(result, i, 8 + n);
        claim_read_day(position, &unit->claiming_text, result, i, 8 + TOTAL_COUNT);
        position->tick_emitted = o2c_pg_get_int4(result, i, 8 + TOTAL_COUNT + 5);
    }
}

static void on_first_offsets(void *user, const PGresult *result)
{
    struct engine *engine = user;

    for (int i = 0; i < PQntuples(result); i++) {
        struct unit *unit = answered(engine, result, i, 1);
        int t = topic_index(engine, o2c_pg_get_text(result, i, 0));

        if (t >= 0 && unit->claiming.next[t] < 0)
            unit->claiming.next[t] = o2c_pg_get_int8(result, i, 2);
    }
}

static void on_inbound(void *user, const PGresult *result)
{
    struct engine *engine = user;

    for (int32_t p = 0; p < engine->partition_count; p++)
        if (engine->unit[p].wanted)
            inbound_clear(&engine->unit[p]);
    for (int i = 0; i < PQntuples(result); i++) {
        int t = topic_index(engine, o2c_pg_get_text(result, i, 1));
        struct o2c_uuid incarnation = o2c_pg_get_uuid(result, i, 4);

        if (t >= 0)
            inbound_set(answered(engine, result, i, 0), t, o2c_pg_get_text(result, i, 2),
                        o2c_pg_get_int4(result, i, 3), &incarnation,
                        o2c_pg_get_int8(result, i, 5));
    }
}

static void on_outbound(void *user, const PGresult *result)
{
    struct engine *engine = user;

    for (int32_t p = 0; p < engine->partition_count; p++)
        if (engine->unit[p].wanted)
            outbound_forget(&engine->unit[p]);
    for (int i = 0; i < PQntuples(result); i++)
        outbound_set(engine, answered(engine, result, i, 0), o2c_pg_get_text(result, i, 1),
                     o2c_pg_get_int8(result, i, 2));
}

static void on_parked(void *user, const PGresult *result)
{
    struct engine *engine = user;

    for (int32_t p = 0; p < engine->partition_count; p++)
        if (engine->unit[p].wanted)
            parked_clear(&engine->unit[p]);
    for (int i = 0; i < PQntuples(result); i++) {
        struct unit *unit = answered(engine, result, i, 0);

        if (o2c_pg_get_null(result, i, 1))
            unit->claiming.parked_no = o2c_pg_get_int8(result, i, 3);
        else
            parked_set(unit, o2c_pg_get_text(result, i, 1), o2c_pg_get_int8(result, i, 2));
    }
}

static void on_replay_ends(void *user, const PGresult *result)
{
    struct engine *engine = user;

    for (int32_t p = 0; p < engine->partition_count; p++)
        if (engine->unit[p].wanted)
            engine->unit[p].replay_end = 0;
    for (int i = 0; i < PQntuples(result); i++)
        answered(engine, result, i, 0)->replay_end = o2c_pg_get_int8(result, i, 1);
}

/* ---- asking */

void claim_start(struct engine *engine)
{
    engine->state = ENGINE_CLAIMING;
    /* Of a claim before: two at once would fence each other. */
    engine_retry_no_more(engine);
    if (!engine->pg_ready || !engine->assigned)
        return; /* comes back when the connection is up or the group has answered */
    if (!choose_partitions(engine)) {
        intake_unassign(engine);
        engine->state = ENGINE_RUNNING;
        return;
    }
    O2C_FAILPOINT("claim.before");
    engine->generation = intake_generation(engine);
    o2c_pg_params_reset(&engine->params);
    o2c_pg_send(engine->pg, "lock_timeout", &engine->params, NULL, NULL);
    engine_add_partitions(engine);
    add_expected(engine);
    o2c_pg_add_int4(&engine->params, engine->generation);
    o2c_pg_add_text(&engine->params, o2c_str_from(engine->instance));
    o2c_pg_add_text(&engine->params, o2c_str_from(engine->cluster_id));
    o2c_pg_add_int4(&engine->params, engine->partition_count);
    add_incarnations(engine);
    o2c_pg_add_int8(&engine->params, 2 * engine->settings->session_timeout_ms);
    o2c_pg_send(engine->pg, "claim", &engine->params, on_claimed, engine);
    o2c_pg_params_reset(&engine->params);
    engine_add_partitions(engine);
    o2c_pg_send(engine->pg, "first_offsets", &engine->params, on_first_offsets, engine);
    o2c_pg_send(engine->pg, "inbound_read", &engine->params, on_inbound, engine);
    o2c_pg_send(engine->pg, "outbound_read", &engine->params, on_outbound, engine);
    o2c_pg_send(engine->pg, "parked_read", &engine->params, on_parked, engine);
    o2c_pg_send(engine->pg, "replay_ends", &engine->params, on_replay_ends, engine);
    engine->claims_open++;
    o2c_pg_sync(engine->pg, on_claim_done, engine);
}

static void on_terminated(void *user, enum o2c_verdict verdict, bool lost,
                          const struct o2c_err *err)
{
    struct engine *engine = user;

    if (lost || engine->state != ENGINE_CLAIMING || engine->claims_open)
        return;
    if (verdict)
        engine_fatal(engine, err, "the owner before could not be ended");
    else
        claim_start(engine);
}

static void on_owners(void *user, const PGresult *result)
{
    (void)user;
    if (PQntuples(result))
        o2c_log_warn("the owner before holds its claim: ending its backend", O2C_NO_FIELDS);
    else
        o2c_log_warn("a claim is locked, but not by its owner: asking again",
                     O2C_NO_FIELDS);
}

/* A stopped process can hold its claim rows for ever: no server timeout fires in a
 * pipeline. */
static void terminate_owner(struct engine *engine)
{
    o2c_pg_params_reset(&engine->params);
    engine_add_partitions(engine);
    o2c_pg_send(engine->pg, "terminate", &engine->params, on_owners, engine);
    o2c_pg_sync(engine->pg, on_terminated, engine);
}

/* ---- settling */

/* The positions PostgreSQL has: of the batch in doubt, or of the one before? */
static bool batch_was_committed(const struct engine *engine)
{
    for (int32_t p = 0; p < engine->partition_count; p++) {
        const struct unit *unit = &engine->unit[p];

        if (unit->claimed && unit->touched)
#ifdef O2C_MUTANT_DOUBT_IS_COMMITTED
            return true;
#else
            return unit->claiming.batch_seq == unit->pending.batch_seq;
#endif
    }
    return false;
}

static bool offsets_known(struct engine *engine)
{
    struct o2c_err err;

    for (int32_t p = 0; p < engine->partition_count; p++)
        for (int t = 0; engine->unit[p].wanted && t < engine->topic_count; t++)
            if (engine->unit[p].claiming.next[t] < 0) {
                o2c_fail(&err, O2C_FATAL,
                         "%s partition %" PRId32
                         " has no first offset for consumer %s: run "
                         "o2c topics create",
                         engine->consumer->topics[t], p, engine->consumer->name);
                engine_fatal(engine, &err, "cannot start reading");
                return false;
            }
    return true;
}

static void take_positions(struct engine *engine)
{
    for (int32_t p = 0; p < engine->partition_count; p++) {
        struct unit *unit = &engine->unit[p];

        if (!unit->wanted)
            continue;
        if (!unit->claimed) {
            memcpy(unit->taken, unit->claiming.next, sizeof unit->taken);
            memcpy(unit->given, unit->claiming.next, sizeof unit->given);
            memset(unit->verified, 0, sizeof unit->verified);
            unit->stopped = false;
            lag_begin(unit, engine->topic_count);
        }
        unit->claimed = true;
        unit->epoch = unit->claiming_epoch;
        ticks_own_cursor(&unit->claiming, &unit->cursor_text);
        unit->stored = unit->pending = unit->claiming;
        unit->touched = false;
        memset(unit->newest, 0, sizeof unit->newest);
        parked_keep(unit);
        inbound_keep(unit);
    }
    packing_soon(engine);
}

/* Claimed again after a lost connection: goes on with the records it has. */
static void go_on(struct engine *engine)
{
    struct batch *current = engine->current;
    bool in_doubt = current && current->state == BATCH_STORING;
    bool committed = in_doubt && batch_was_committed(engine);

    if (in_doubt) {
        host_metrics_in_doubt(engine, committed);
        o2c_log_info("batch in doubt resolved",
                     O2C_S("resolution", committed ? "committed" : "not committed"));
    }
    if (committed)
        batch_stored(current);
    take_positions(engine);
    engine->state = ENGINE_RUNNING;
    engine_resume(engine, committed);
}

static void begin(struct engine *engine)
{
    take_positions(engine);
    if (replay_begins(engine)) { /* the topics are ahead of it until it ends */
        intake_start(engine);
        return;
    }
    engine->state = ENGINE_CHECKING;
    outbound_check(engine);
}

/* Of each partition the batch that was stored last, or the one that was sent last. */
static bool positions_hold(const struct engine *engine)
{
    bool in_doubt = engine->current && engine->current->state == BATCH_STORING;

    for (int32_t p = 0; p < engine->partition_count; p++) {
        const struct unit *unit = &engine->unit[p];
        int64_t found = unit->claiming.batch_seq;

        if (unit->claimed && found != unit->stored.batch_seq &&
            (!in_doubt || !unit->touched || found != unit->pending.batch_seq))
            return false;
    }
    return true;
}

static void drop_reading(struct engine *engine)
{
    engine_drop(engine);
    engine->reading = false;
    for (int32_t p = 0; p < engine->partition_count; p++) {
        struct unit *unit = &engine->unit[p];

        hold_clear(engine, unit);
        ticks_drop(unit);
        unit->claimed = false;
    }
}

/* Restored while the connection was lost, or a standby took over that had not everything.
 */
static void begin_anew(struct engine *engine)
{
    o2c_log_warn("the database has gone back since: reading from its positions",
                 O2C_NO_FIELDS);
    drop_reading(engine);
    begin(engine);
}

void claim_anew(struct engine *engine)
{
    drop_reading(engine);
    claim_start(engine);
}

static void claim_refused(struct engine *engine, enum o2c_verdict verdict,
                          const struct o2c_err *err)
{
    if (err->native == o2c_pg_sqlstate("55P03")) {
        terminate_owner(engine);
    } else if (verdict == O2C_FENCED || err->native == o2c_pg_sqlstate("O2C03")) {
        o2c_log_warn("claim refused: joining the group again", O2C_S("reason", err->text));
        host_metrics_fenced(engine);
        engine->rejoins = true; /* later: each time all members of the group stand still */
        engine_retry_later(engine, err);
    } else if (verdict == O2C_RETRY) {
        engine_retry_later(engine, err);
    } else {
        engine_fatal(engine, err, "the partitions cannot be claimed");
    }
}

static void on_claim_done(void *user, enum o2c_verdict verdict, bool lost,
                          const struct o2c_err *err)
{
    struct engine *engine = user;

    /* Asked again when the connection is back, no longer wanted, or overtaken by another.
     */
    if (--engine->claims_open || lost || engine->state != ENGINE_CLAIMING)
        return;
    if (verdict) {
        claim_refused(engine, verdict, err);
        return;
    }
    O2C_FAILPOINT("claim.after");
    engine->retry_delay_ms = 0;
    if (!offsets_known(engine))
        return;
    if (!engine->reading)
        begin(engine);
    else if (positions_hold(engine))
        go_on(engine);
    else
        begin_anew(engine);
}

void claim_forget(struct engine *engine)
{
    for (int32_t p = 0; engine->unit && p < engine->partition_count; p++) {
        struct unit *unit = &engine->unit[p];

        unit->claimed = unit->wanted = unit->touched = unit->stopped = false;
        hold_clear(engine, unit);
        ticks_clear(unit);
        parked_clear(unit);
        inbound_clear(unit);
    }
    replay_clear(engine);
}
