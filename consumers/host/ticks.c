/*
 * Business days.  Records of the clock do not go through the batches of the
 * other topics: they wait here until everything below their cut is stored,
 * then a batch of their own runs what is due, at most so many items in one
 * transaction, and moves the clock's offset with the last of them.  Such a
 * batch has nothing else of its partitions, so positions say what was folded
 * in which order (decision 11).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/engine.h"
#include "consumers/host/replay.h"
#include "runtime/base/failpoint.h"
#include "runtime/base/log.h"
#include "runtime/pg/pg.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

/* ---- records of the clock, as they come */

static void add(struct unit *unit, struct tick *tick)
{
    if (unit->last_tick)
        unit->last_tick->next = tick;
    else
        unit->tick = tick;
    unit->last_tick = tick;
}

static struct tick *tick_new(enum record_kind kind, int64_t offset)
{
    struct tick *tick = calloc(1, sizeof *tick);

    if (!tick)
        abort();
    tick->kind = kind;
    tick->offset = offset;
    return tick;
}

/* A topic that the cut does not name was not there yet: all of it comes after the tick. */
static void take_cut(const struct engine *engine, struct tick *tick,
                     const struct o2c_business_day_started *day)
{
    for (size_t i = 0; i < day->cut_count; i++)
        for (int t = 0; t < engine->topic_count; t++)
            if (o2c_str_eq(day->cut[i].topic, o2c_str_from(engine->consumer->topics[t])))
                tick->cut[t] = day->cut[i].end_offset;
    tick->cut[engine->clock] = 0; /* the clock's own order says it */
}

static void decode(struct engine *engine, struct tick *tick)
{
    struct o2c_str value = {tick->message->payload, tick->message->len};
    struct o2c_event event;
    struct o2c_err err = {.text = "the record has no value"};

    o2c_arena_reset(&engine->clock_arena);
    if (!value.at || o2c_event_decode(value, &engine->clock_arena, &event, &err)) {
        snprintf(tick->reason, sizeof tick->reason, "%s", err.text);
        tick->kind = RECORD_ASIDE;
        return;
    }
    tick->type = event.type;
    if (event.type != O2C_BUSINESS_DAY_STARTED) {
        tick->kind = RECORD_SKIPPED;
    } else {
        const struct o2c_business_day_started *day = event.body;

        tick->business_date = day->business_date;
        take_cut(engine, tick, day);
    }
}

void ticks_take(struct engine *engine, struct unit *unit, rd_kafka_event_t *holder,
                const rd_kafka_message_t *message)
{
    struct tick *tick = tick_new(RECORD_TICK, message->offset);

    tick->holder = holder;
    tick->message = message;
    tick->recorded_us = rd_kafka_message_timestamp(message, NULL) * 1000;
    decode(engine, tick);
    if (message->offset > unit->given[engine->clock])
        ticks_marker(unit, message->offset);
    unit->given[engine->clock] = message->offset + 1;
    add(unit, tick);
}

void ticks_marker(struct unit *unit, int64_t next_offset)
{
    add(unit, tick_new(RECORD_MARKER, next_offset - 1));
}

static void drop_first(struct unit *unit)
{
    struct tick *tick = unit->tick;

    unit->tick = tick->next;
    if (!unit->tick)
        unit->last_tick = NULL;
    if (tick->holder)
        rd_kafka_event_destroy(tick->holder);
    free(tick);
}

void ticks_drop(struct unit *unit)
{
    while (unit->tick)
        drop_first(unit);
    unit->clock_read = unit->tick_chosen = false;
}

void ticks_clear(struct unit *unit)
{
    ticks_drop(unit);
    free(unit->cursor_text);
    free(unit->claiming_text);
    unit->cursor_text = unit->claiming_text = NULL;
}

/* ---- which may be applied */

int32_t ticks_done(const struct unit *unit)
{
    const struct position *stored = &unit->stored;

    return stored->in_tick ? stored->business_date - 1 : stored->business_date;
}

/* A tick dated no later than the last is a repeat; it runs nothing. */
static bool is_repeat(const struct unit *unit, const struct tick *tick)
{
    return tick->business_date <= ticks_done(unit);
}

static bool is_ripe(const struct engine *engine, const struct unit *unit)
{
    const struct tick *tick = unit->tick;

    if (!unit->claimed || unit->stopped || !tick)
        return false;
    if (tick->kind != RECORD_TICK || is_repeat(unit, tick))
        return true;
    for (int t = 0; t < engine->topic_count; t++)
        if (t != engine->clock && unit->stored.next[t] < tick->cut[t])
            return false;
    return true;
}

bool ticks_pick(struct engine *engine)
{
    bool any = false;

    if (engine->clock < 0 || engine->ticks->state != BATCH_FILLING)
        return false;
    for (int32_t p = 0; p < engine->partition_count; p++) {
        struct unit *unit = &engine->unit[p];

        unit->tick_chosen = engine->replay.on ? unit->tick && unit == replay_unit(engine)
                                              : is_ripe(engine, unit);
        any = any || unit->tick_chosen;
    }
    return any;
}

/* ---- what is due */

static bool runs_items(const struct engine *engine, const struct unit *unit)
{
    return unit->tick_chosen && engine->consumer->on_due &&
           unit->tick->kind == RECORD_TICK && !is_repeat(unit, unit->tick);
}

static const struct record *add_due(struct batch *batch, struct unit *unit,
                                    const PGresult *result, int i)
{
    struct engine *engine = batch->engine;
    const struct tick *tick = unit->tick;
    struct record *record = record_new(batch, unit, engine->clock, tick->offset);
    bool kept =
        o2c_arena_copy(&batch->intake, o2c_pg_get_text(result, i, 2),
                       &record->due.account_id) &&
        o2c_arena_copy(&batch->intake, o2c_pg_get_text(result, i, 3), &record->due.kind) &&
        o2c_arena_copy(&batch->intake, o2c_pg_get_text(result, i, 4), &record->due.item);

    assert(kept); /* far below the arena's maximum, see on_due_rows */
    record->kind = RECORD_DUE;
    record->due.date = o2c_pg_get_date(result, i, 1);
    record->account = record->due.account_id;
    record->business_date = tick->business_date;
    record->recorded_us = tick->recorded_us;
    return record;
}

static size_t due_limit(const struct engine *engine)
{
    return engine->replay.on ? DUE_BATCH : engine->due_limit; /* as many as there were */
}

/* The record of the clock itself, behind its last item. */
static void add_tick(struct batch *batch, struct unit *unit)
{
    const struct tick *tick = unit->tick;
    int64_t offset = tick->kind == RECORD_MARKER
                         ? replay_marker(batch->engine, tick->offset)
                         : tick->offset;
    struct record *record = record_new(batch, unit, batch->engine->clock, offset);

    record->kind = tick->kind;
    record->event.type = tick->type;
    record->business_date = tick->business_date;
    record->recorded_us = tick->recorded_us;
    if (!tick->message)
        return;
    record->message = tick->message;
    record->key = (struct o2c_str){tick->message->key, tick->message->key_len};
    record->value = (struct o2c_str){tick->message->payload, tick->message->len};
    record->aside_reason = "unreadable";
    record->reason = tick->kind == RECORD_ASIDE ? tick->reason : NULL;
}

static void add_ticks_below(struct batch *batch, int32_t *partition, int32_t below)
{
    for (; *partition < below; ++*partition)
        if (batch->engine->unit[*partition].tick_chosen)
            add_tick(batch, &batch->engine->unit[*partition]);
}

/*
 * Rows come in the order of partitions.  Where there may be more than were
 * asked for, the last partition goes on in the next batch, and those behind it
 * begin there.
 */
static void on_due_rows(void *user, const PGresult *result)
{
    struct batch *batch = user;
    struct engine *engine = batch->engine;
    int rows = PQntuples(result);
    bool complete = (size_t)rows < due_limit(engine);
    int32_t partition = 0;
    const struct record *item;

    if (batch->dropped)
        return; /* the units have been given back */
    for (int i = 0; i < rows; i++) {
        int32_t of = o2c_pg_get_int4(result, i, 0);

        add_ticks_below(batch, &partition, of);
        if (batch->intake.used_bytes > (size_t)engine->settings->batch_bytes) {
            complete = false;
            break;
        }
        item = add_due(batch, &engine->unit[of], result, i);
        if (engine->replay.on && replay_cuts(engine, &item->due))
            break;
    }
    if (complete && (!engine->replay.on || replay_ends_tick(engine)))
        add_ticks_below(batch, &partition, engine->partition_count);
}

static void on_listed(void *user, enum o2c_verdict verdict, bool lost,
                      const struct o2c_err *err)
{
    struct batch *batch = user;
    struct engine *engine = batch->engine;
    bool dropped = batch->dropped;

    batch->state = BATCH_CLOSED;
    batch->dropped = false;
    if (verdict || dropped) {
        batch_reset(batch);
        if (engine->current == batch)
            engine->current = NULL; /* chosen again, once there is a connection */
        if (!dropped && !lost && verdict == O2C_RETRY)
            engine_retry_later(engine, err);
        else if (!dropped && !lost)
            engine_fatal(engine, err, "what is due could not be read");
    } else {
        batch_close(batch);
    }
    engine_step(engine);
}

/* One element of each array per unit whose tick runs items; false: there is none. */
static bool add_units(struct engine *engine)
{
    struct o2c_pg_array array;
    bool any = false;

    o2c_pg_params_reset(&engine->params);
#define UNITS(oid, add)                                                                    \
    do {                                                                                   \
        o2c_pg_array_begin(&array, &engine->params, oid);                                  \
        for (int32_t p = 0; p < engine->partition_count; p++) {                            \
            const struct unit *unit = &engine->unit[p];                                    \
            const struct o2c_due *cursor = &unit->stored.cursor;                           \
            bool begun = unit->stored.in_tick;                                             \
            (void)cursor;                                                                  \
            (void)begun;                                                                   \
            if (!runs_items(engine, unit))                                                 \
                continue;                                                                  \
            any = true;                                                                    \
            add;                                                                           \
        }                                                                                  \
        o2c_pg_array_end(&array);                                                          \
    } while (0)
    UNITS(O2C_OID_INT4, o2c_pg_array_int4(&array, unit->partition));
    UNITS(O2C_OID_DATE, o2c_pg_array_date(&array, unit->tick->business_date));
    UNITS(O2C_OID_DATE, o2c_pg_array_date(&array, begun ? cursor->date : O2C_DATE_MIN));
    UNITS(O2C_OID_TEXT,
          o2c_pg_array_text(&array, begun ? cursor->account_id : O2C_STR("")));
    UNITS(O2C_OID_TEXT, o2c_pg_array_text(&array, begun ? cursor->kind : O2C_STR("")));
    UNITS(O2C_OID_TEXT, o2c_pg_array_text(&array, begun ? cursor->item : O2C_STR("")));
#undef UNITS
    o2c_pg_add_int8(&engine->params, (int64_t)due_limit(engine));
    return any;
}

void ticks_list(struct batch *batch)
{
    struct engine *engine = batch->engine;
    int32_t partition = 0;

    if (!add_units(engine)) {
        add_ticks_below(batch, &partition, engine->partition_count);
        batch_close(batch);
        return;
    }
    batch->state = BATCH_LISTING;
    o2c_pg_send(engine->pg, "due_next", &engine->params, on_due_rows, batch);
    o2c_pg_sync(engine->pg, on_listed, batch);
}

/* ---- after a store */

/* The position's cursor lives in memory of the unit's own. */
void ticks_own_cursor(struct position *position, char **text)
{
    struct o2c_due *cursor = &position->cursor;
    char *own = NULL, *at;

    if (position->in_tick) {
        at = own = malloc(cursor->account_id.len + cursor->kind.len + cursor->item.len + 1);
        if (!own)
            abort();
        for (struct o2c_str *
                 part[] = {&cursor->account_id, &cursor->kind, &cursor->item, NULL},
                **p = part;
             *p; at += (*p)->len, p++) {
            memcpy(at, (*p)->at, (*p)->len);
            (*p)->at = at;
        }
    }
    free(*text);
    *text = own;
}

void ticks_stored(struct engine *engine, struct unit *unit)
{
    if (engine->clock < 0)
        return;
    ticks_own_cursor(&unit->stored, &unit->cursor_text);
    while (unit->tick && unit->tick->offset < unit->stored.next[engine->clock])
        drop_first(unit);
    if (unit->stored.in_tick)
        O2C_FAILPOINT("tick.chunk");
}
