/*
 * The order in which all of it happens.  engine_step() is called after every
 * event and does whatever can be done: at most one batch is between load and
 * store (`current`), one more fills and loads meanwhile (`next`).
 */
#include "consumers/host/engine.h"

#include <assert.h>
#include <inttypes.h>
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

enum {
    RETRY_MIN_MS = 50,
    RETRY_MAX_MS = 5000,
    PAUSE_AFTER_US = 1000000,
    RESUME_AFTER_US = 1000000
};

void engine_fatal(struct engine *engine, const struct o2c_err *err, const char *sentence)
{
    if (engine->exit_status)
        return;
    o2c_log_error(sentence, O2C_S("error", err->text));
    engine->exit_status = 1;
    engine->state = ENGINE_CLOSED;
    o2c_service_exit(engine->service, 1);
}

/* ---- taking records */

/*
 * What ends a batch goes beyond its bytes.  Folded again by the recorded order, topic by
 * topic, that record may come before the others: there any one of them may be it.
 */
static size_t bytes_before_last(const struct engine *engine)
{
    const struct batch *next = engine->next;

    return record_bytes(next) - (engine->replay.on ? next->largest_bytes : 0);
}

bool engine_has_room(const struct engine *engine)
{
    const struct batch *next = engine->next;

    return next->state == BATCH_FILLING &&
           (engine->replay.on || next->record_count < engine->take.limit) &&
           bytes_before_last(engine) < (size_t)engine->settings->batch_bytes;
}

bool engine_can_take(const struct engine *engine)
{
    return engine->replay.on || /* its records wait in hold.c */
           (engine->held.count == 0 && engine_has_room(engine));
}

static rd_kafka_topic_partition_list_t *claimed_list(const struct engine *engine)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(engine->partition_count);

    for (int32_t p = 0; p < engine->partition_count; p++)
        for (int t = 0;
             engine->unit[p].claimed && !engine->unit[p].stopped && t < engine->topic_count;
             t++)
            if (!engine->unit[p].hold[t].paused)
                rd_kafka_topic_partition_list_add(list, engine->topic_name[t], p);
    return list;
}

/*
 * When PostgreSQL is slow or away the queue would hide a rebalance behind
 * thousands of records: paused partitions leave it to the group's own events,
 * and what waits in memory does not grow.
 */
void engine_pause(struct engine *engine, bool pause)
{
    if (engine->paused == pause || !engine->reading)
        return;
    engine->paused = pause;
    o2c_log_info(pause ? "reading pauses: no batch has room" : "reading goes on",
                 O2C_I("waiting", (int64_t)engine->held.count));
    if (pause)
        intake_pause(engine, claimed_list(engine));
    else
        intake_resume(engine, claimed_list(engine));
}

/*
 * librdkafka remembers a pause over assignments, though whoever had asked for
 * it is gone.  Not in the same moment as the assignment: a resume makes the
 * start of the fetch outdated where that was not served yet, and the partition
 * is never read, without an error (librdkafka #2190, #5591).
 */
static void resume_forgotten(struct engine *engine, int64_t now)
{
    if (!engine->resume_due || !engine->reading || engine->paused ||
        now - engine->reading_since_us < RESUME_AFTER_US)
        return;
    engine->resume_due = false;
    intake_resume(engine, claimed_list(engine));
}

/* The batch that waits becomes the current one; the other fills as soon as that is sent. */
static void swap(struct engine *engine)
{
    engine->current = engine->next;
    engine->next =
        engine->current == &engine->batch[0] ? &engine->batch[1] : &engine->batch[0];
    engine->full_since_us = 0;
    engine->swapped = true;
}

/*
 * Freeing the 20,000 messages of a stored batch takes some milliseconds:
 * PostgreSQL has the batch behind it to work on meanwhile.
 */
static void clear_stored(struct engine *engine)
{
    if (engine->spent)
        batch_reset(engine->spent);
    engine->spent = NULL;
    if (!engine->swapped)
        return;
    engine->swapped = false;
    intake_unhold(engine);
    engine_pause(engine, false);
    o2c_kafka_bridge_wake(&engine->bridge);
}

/* A dropped batch whose answer has come: it can fill again. */
static void forget(struct batch *batch)
{
    struct engine *engine = batch->engine;

    batch->dropped = false;
    batch_reset(batch);
    if (batch != engine->next)
        return;
    intake_unhold(engine);
    o2c_kafka_bridge_wake(&engine->bridge);
}

/* ---- load */

static void on_loaded(void *user, enum o2c_verdict verdict, bool lost,
                      const struct o2c_err *err)
{
    struct batch *batch = user;
    struct engine *engine = batch->engine;

    O2C_FAILPOINT("load.after");
    batch->state = batch->stale || verdict ? BATCH_CLOSED : BATCH_LOADED;
    batch->stale = false;
    if (batch->dropped) {
        forget(batch);
    } else if (verdict && !lost) {
        if (verdict == O2C_RETRY)
            engine_retry_later(engine, err);
        else
            engine_fatal(engine, err, "rows could not be loaded");
    }
    engine_step(engine);
}

static void load(struct batch *batch)
{
    struct engine *engine = batch->engine;

    O2C_FAILPOINT("load.before");
    if (!batch_load(batch)) {
        batch->state = BATCH_LOADED;
        return;
    }
    batch->state = BATCH_LOADING;
    o2c_pg_sync(engine->pg, on_loaded, batch);
}

/* What was loaded ahead is of no use: the batch before it did not do what was expected. */
static void make_stale(struct batch *batch)
{
    if (batch->state == BATCH_LOADED)
        batch->state = BATCH_CLOSED;
    else if (batch->state == BATCH_LOADING)
        batch->stale = true;
}

/* ---- store */

static void finish_part(struct engine *engine)
{
    struct batch *batch = engine->current;

    engine->retry_delay_ms = 0;
    if (batch->stored < batch->fold.count && !batch->order_blocked) {
        batch->state = BATCH_CLOSED;
        make_stale(engine->next);
        return;
    }
    batch->state = BATCH_CLOSED;
    engine->current = NULL;
    if (batch_was_read(batch))
        engine->spent = batch;
    else
        batch_reset(batch); /* may be the next one again */
    store_mirror(engine);
    if (engine->holds)
        o2c_kafka_bridge_wake(&engine->bridge);
}

static void fatal_at(const struct batch *batch, const struct record *record,
                     const struct o2c_err *err)
{
    struct o2c_err at;

    record_fail_at(&at, batch, record, err->text);
    engine_fatal(batch->engine, &at,
                 record->kind == RECORD_TICK
                     ? "a business day could not be stored"
                     : "a record could not be stored, nor that it was refused");
}

/*
 * The data of one event cannot be stored.  Halves of the batch are tried until
 * it stands alone; then it is parked with what PostgreSQL said.
 */
static void bisect(struct batch *batch, const struct o2c_err *err)
{
    size_t part = batch->end - batch->stored;
    struct record *record =
        batch->stored < batch->end ? batch->fold.at[batch->stored] : NULL;

    batch_undo(batch);
    batch->state = BATCH_CLOSED;
    make_stale(batch->engine->next);
    if (part > 1) {
        batch->limit = part / 2;
        return;
    }
    if (!record)
        engine_fatal(batch->engine, err, "an order could not be closed");
    else if (record_can_be_refused(record))
        record_refuse(batch, record, err->text);
    else
        fatal_at(batch, record, err);
}

static void fenced(struct engine *engine, const struct o2c_err *err)
{
    o2c_log_warn("another process has claimed since: the batch is dropped",
                 O2C_S("error", err->text));
    host_metrics_fenced(engine);
    engine->current->state = BATCH_CLOSED;
    if (engine->state != ENGINE_REVOKING && engine->state != ENGINE_STOPPING)
        intake_rejoin(engine); /* else the partitions are given back, with the batch */
}

static void on_stored(void *user, enum o2c_verdict verdict, bool lost,
                      const struct o2c_err *err)
{
    struct batch *batch = user;
    struct engine *engine = batch->engine;

    O2C_FAILPOINT("store.acknowledged");
    if (batch->dropped) {
        batch->state = BATCH_CLOSED;
        forget(batch);
    } else if (lost) {
        batch->in_doubt =
            true; /* the claim that follows the reconnection tells (claim.c) */
        return;
    } else if (!verdict) {
        batch_stored(batch);
        finish_part(engine);
    } else if (verdict == O2C_PARK) {
        bisect(batch, err);
    } else if (verdict == O2C_FENCED) {
        fenced(engine, err);
    } else if (verdict == O2C_RETRY) {
        batch_undo(batch);
        batch->state = BATCH_CLOSED;
        make_stale(engine->next);
        engine_retry_later(engine, err);
    } else {
        engine_fatal(engine, err, "a batch could not be stored");
    }
    engine_step(engine);
}

/* Folds the loaded part and sends it; a failure leaves the batch closed, to be loaded
 * again. */
static void fold_and_store(struct engine *engine)
{
    struct batch *batch = engine->current;
    struct o2c_err err = {0};
    size_t part = batch->end - batch->stored;
    enum o2c_verdict verdict = batch_fold(batch, &err);

    if (engine->replay.on && batch->limit < part) {
        replay_lacks_bytes(engine);
        return;
    }
    if (!verdict && engine->replay.on && replay_check(engine, &err)) {
        engine_fatal(
            engine, &err,
            "a rebuild departs from what was recorded (docs/operations.md, rebuild)");
        return;
    }
    if (verdict == O2C_RETRY) { /* a smaller part, see too_big */
        batch->state = BATCH_CLOSED;
        return;
    }
    if (verdict || batch_store(batch, &err)) {
        engine_fatal(engine, &err, "a batch could not be folded or sent");
        return;
    }
    batch->state = BATCH_STORING;
    o2c_pg_sync(engine->pg, on_stored, batch);
    O2C_FAILPOINT("store.after_sync");
}

/* ---- what can be done now */

static bool pick_recorded(struct engine *engine)
{
    if (!replay_pick(engine))
        return false;
    if (!engine->current)
        swap(engine);
    return true;
}

static bool pick(struct engine *engine)
{
    if (engine->replay.on)
        return pick_recorded(engine);
    if (ticks_pick(engine)) {
        engine->current = engine->ticks;
        make_stale(engine->next);
        return true;
    }
    if (engine->orders_due) {
        engine->orders_due = false;
        engine->current = engine->orders;
        make_stale(engine->next);
        return true;
    }
    if (!engine->next->record_count)
        return false;
    swap(engine);
    return true;
}

static void work_on_current(struct engine *engine)
{
    struct batch *batch = engine->current;

    if (batch->state == BATCH_FILLING && batch == engine->ticks)
        ticks_list(batch);
    else if (batch->state == BATCH_FILLING)
        batch_close(batch);
    if (batch->state == BATCH_CLOSED)
        load(batch);
    if (batch->state != BATCH_LOADED)
        return;
    if (batch_load_more(batch)) {
        batch->state = BATCH_LOADING;
        o2c_pg_sync(engine->pg, on_loaded, batch);
    } else {
        fold_and_store(engine);
    }
}

/* While the current batch is being stored, a full next one already loads behind it. */
static void work_ahead(struct engine *engine)
{
    struct batch *next = engine->next;

    if (engine->replay.on || !engine->current || engine->current->state != BATCH_STORING ||
        engine->current == engine->ticks || /* its next part may change the same rows */
        engine->current->end < engine->current->fold.count)
        return;
    if (next->state == BATCH_FILLING && next->record_count && !engine_can_take(engine))
        batch_close(next);
    if (next->state == BATCH_CLOSED)
        load(next);
}

static void note_full(struct engine *engine)
{
    if (engine_can_take(engine))
        engine->full_since_us = 0;
    else if (!engine->full_since_us)
        engine->full_since_us = o2c_clock_monotonic_us();
}

static bool in_flight(const struct engine *engine)
{
    return engine->current && (engine->current->state == BATCH_STORING ||
                               engine->current->state == BATCH_LOADING ||
                               engine->current->state == BATCH_LISTING);
}

static void forget_partitions(struct engine *engine)
{
    engine_drop(engine);
    claim_forget(engine);
}

/* No batch is in flight any more. */
static void give_back(struct engine *engine)
{
    bool stopping = engine->state == ENGINE_STOPPING;

    store_mirror(engine);
    forget_partitions(engine);
    if (engine->revoke)
        intake_answer_revoke(engine);
    else
        intake_unassign(engine);
    engine->state = stopping ? ENGINE_STOPPING : ENGINE_JOINING;
    if (stopping)
        engine_close(engine);
}

void engine_step(struct engine *engine)
{
    if (engine->state == ENGINE_REVOKING || engine->state == ENGINE_STOPPING) {
        if (!in_flight(engine) || !engine->pg_ready)
            give_back(engine);
        return;
    }
    while (engine->state == ENGINE_RUNNING && engine->pg_ready && !engine->retry_armed) {
        if (!engine->current && !pick(engine)) {
            engine->progress_us = o2c_clock_monotonic_us();
            break;
        }
        if (in_flight(engine))
            break;
        work_on_current(engine);
    }
    clear_stored(engine);
    if (engine->state == ENGINE_RUNNING && engine->pg_ready && !engine->retry_armed) {
        work_ahead(engine);
        packing_step(engine);
    }
    note_full(engine);
}

/* ---- dropping, retrying, resuming */

static void drop(struct batch *batch)
{
    if (batch->state == BATCH_LISTING || batch->state == BATCH_LOADING ||
        (batch->state == BATCH_STORING && !batch->in_doubt)) {
        batch->dropped = true; /* its answer is still to come */
        return;
    }
    batch->state = BATCH_CLOSED;
    batch_reset(batch);
}

void engine_drop(struct engine *engine)
{
    if (engine->current)
        batch_undo(engine->current);
    for (size_t i = 0; i < sizeof engine->batch / sizeof engine->batch[0]; i++)
        drop(&engine->batch[i]);
    intake_drop_held(engine);
    engine->current = engine->spent = NULL;
    engine->swapped = false;
    engine->orders_due = false;
    engine->paused = false;
}

static void on_retry(uv_timer_t *timer)
{
    struct engine *engine = timer->data;

    engine->retry_armed = false;
    engine->tried_us = o2c_clock_monotonic_us();
    if (engine->state == ENGINE_CLAIMING && engine->rejoins)
        intake_rejoin(engine);
    else if (engine->state == ENGINE_CLAIMING)
        claim_start(engine);
    else
        engine_step(engine);
    engine->rejoins = false;
}

void engine_retry_later(struct engine *engine, const struct o2c_err *err)
{
    int64_t delay = engine->retry_delay_ms;

    delay = delay ? 2 * delay : RETRY_MIN_MS;
    engine->retry_delay_ms = delay > RETRY_MAX_MS ? RETRY_MAX_MS : delay;
    delay = engine->retry_delay_ms / 2 +
            o2c_clock_monotonic_us() % (engine->retry_delay_ms / 2 + 1);
    o2c_log_warn("will try again", O2C_S("error", err->text), O2C_I("delay_ms", delay));
    engine->retry_armed = true;
    uv_timer_start(&engine->retry, on_retry, (uint64_t)delay, 0);
}

void engine_retry_no_more(struct engine *engine)
{
    uv_timer_stop(&engine->retry);
    engine->retry_armed = engine->rejoins = false;
}

void engine_resume(struct engine *engine, bool committed)
{
    struct batch *batch = engine->current;

    if (batch && batch->state == BATCH_STORING) {
        batch->in_doubt = false;
        if (committed) {
            finish_part(engine);
        } else {
            batch_undo(batch);
            batch->state = BATCH_CLOSED;
        }
    }
    make_stale(engine->next);
    engine_step(engine);
}

/* ---- giving partitions back */

void engine_revoke(struct engine *engine)
{
    if (engine->state == ENGINE_STOPPING) {
        if (engine->closing)
            intake_answer_revoke(engine);
        return;
    }
    engine->state = ENGINE_REVOKING;
    engine->revoke_deadline_us =
        o2c_clock_monotonic_us() + engine->settings->revoke_wait_ms * 1000;
    engine_step(engine);
}

/* ---- once a second */

static void give_memory_back(struct engine *engine)
{
    if (!o2c_heap_trim_due(&engine->heap) || engine->current || engine->next->record_count)
        return;
    for (size_t i = 0; i < sizeof engine->batch / sizeof engine->batch[0]; i++)
        batch_trim(&engine->batch[i]);
    o2c_pg_params_clear(&engine->params);
    o2c_heap_trim(&engine->heap);
}

void engine_tick(struct engine *engine)
{
    int64_t now = o2c_clock_monotonic_us();

    if (engine->state == ENGINE_STARTING)
        host_start(engine);
    if ((engine->state == ENGINE_REVOKING || engine->state == ENGINE_STOPPING) &&
        now > engine->revoke_deadline_us && in_flight(engine))
        o2c_pg_cancel(engine->pg);
    if (engine->full_since_us && now - engine->full_since_us > PAUSE_AFTER_US)
        engine_pause(engine, true);
    resume_forgotten(engine, now);
    give_memory_back(engine);
    if (engine->pg_ready && !engine->replay.on)
        parked_poll(engine);
    if (engine->pg_ready && engine->state == ENGINE_RUNNING)
        outbound_keep(engine);
    lag_look(engine);
}
