/*
 * Records in recorded order through the rules.  The order inside a batch is
 * partition, then topic as the consumer lists them, then offset, so that the
 * vector of next offsets says which records were folded.
 */
#include "consumers/host/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "runtime/base/log.h"
#include "runtime/pg/pg.h"

#include "runtime/base/banned.h"

void *o2c_vec_room(void *at, size_t *cap, size_t count, size_t element_bytes)
{
    if (count < *cap)
        return at;
    *cap = *cap ? *cap * 2 : 64;
    at = realloc(at, *cap * element_bytes);
    if (!at)
        abort();
    return at;
}

void batch_init(struct batch *batch, struct engine *engine)
{
    batch->engine = engine;
    /* Records are taken up to batch-bytes: the last of them has room, whatever it holds. */
    o2c_arena_init(&batch->intake,
                   4 * (size_t)engine->settings->batch_bytes + O2C_EVENT_MAX_ARENA_BYTES);
    o2c_arena_init(&batch->work, 8 * (size_t)engine->settings->batch_bytes + RECORD_BYTES);
    due_open(batch);
    batch->limit = SIZE_MAX;
}

void batch_chains(struct batch *batch)
{
    size_t chains =
        (size_t)batch->engine->partition_count * (size_t)batch->engine->topic_count;

    batch->chain_head.at = calloc(chains, sizeof(struct record *));
    batch->chain_tail.at = calloc(chains, sizeof(struct record *));
    if (!batch->chain_head.at || !batch->chain_tail.at)
        abort();
    batch->chain_head.count = batch->chain_tail.count = chains;
}

/* The part being folded, back to nothing; the records stay. */
static void reset_work(struct batch *batch)
{
    o2c_rows_reset(batch->rows);
    o2c_arena_reset(&batch->work);
    batch->outbox.count = 0;
    batch->parked.count = 0;
    batch->parked_changes.count = 0;
    batch->aside.count = 0;
    batch->order_blocked = false;
    due_reset(batch);
}

static void release_messages(struct batch *batch)
{
    for (size_t c = 0; c < batch->chain_head.count; c++) {
        for (struct record *r = batch->chain_head.at[c]; r; r = r->next)
            if (r->holder)
                rd_kafka_event_destroy(r->holder);
        batch->chain_head.at[c] = batch->chain_tail.at[c] = NULL;
    }
}

bool batch_was_read(const struct batch *batch)
{
    return batch != batch->engine->orders && batch != batch->engine->ticks;
}

void batch_reset(struct batch *batch)
{
    assert(batch->state != BATCH_LISTING && batch->state != BATCH_LOADING &&
           batch->state != BATCH_STORING);
    if (batch->intake.used_bytes + batch->work.used_bytes > SWOLLEN_BYTES)
        o2c_heap_swell(&batch->engine->heap);
    release_messages(batch);
    reset_work(batch);
    o2c_arena_reset(&batch->intake);
    batch->fold.count = 0;
    batch->record_count = 0;
    batch->stored = batch->end = 0;
    batch->limit = SIZE_MAX;
    batch->message_bytes = batch->largest_bytes = 0;
    batch->order_no = 0;
    batch->order_unread = false;
    batch->stale = batch->in_doubt = false;
    batch->state = BATCH_FILLING;
}

void batch_trim(struct batch *batch)
{
    if (batch->state != BATCH_FILLING || batch->record_count)
        return;
    o2c_arena_trim(&batch->intake);
    o2c_arena_trim(&batch->work);
    o2c_rows_trim(batch->rows);
    VEC_TRIM(batch->fold);
    VEC_TRIM(batch->outbox);
    VEC_TRIM(batch->parked);
    VEC_TRIM(batch->parked_changes);
    VEC_TRIM(batch->aside);
    due_trim(batch);
}

void batch_clear(struct batch *batch)
{
    release_messages(batch);
    o2c_rows_free(batch->rows);
    o2c_arena_clear(&batch->intake);
    o2c_arena_clear(&batch->work);
    free(batch->chain_head.at);
    free(batch->chain_tail.at);
    free(batch->fold.at);
    free(batch->outbox.at);
    free(batch->parked.at);
    free(batch->parked_changes.at);
    free(batch->aside.at);
    free(batch->order_account);
    due_clear(batch);
}

static int by_parked_no(const void *left, const void *right)
{
    const struct record *a = *(struct record *const *)left;
    const struct record *b = *(struct record *const *)right;

    return (a->parked_no > b->parked_no) - (a->parked_no < b->parked_no);
}

void batch_close(struct batch *batch)
{
    batch->fold.count = 0;
    for (size_t c = 0; c < batch->chain_head.count; c++)
        for (struct record *r = batch->chain_head.at[c]; r; r = r->next)
            VEC_ADD(batch->fold, r);
    if (batch->order_no && batch->fold.count) /* in the order in which they came */
        qsort(batch->fold.at, batch->fold.count, sizeof *batch->fold.at, by_parked_no);
    batch->state = BATCH_CLOSED;
}

static void want(struct batch *batch, const struct record *record)
{
    const struct o2c_consumer *consumer = batch->engine->consumer;

    if (record->kind == RECORD_EVENT && record->route->needs)
        record->route->needs(&record->event, o2c_rows_want(batch->rows, record->account));
    else if (record->kind == RECORD_NOTICE && record->parked_route->needs)
        record->parked_route->needs(&record->notice,
                                    o2c_rows_want(batch->rows, record->account));
    else if (record->kind == RECORD_DUE && consumer->due_needs)
        consumer->due_needs(&record->due, o2c_rows_want(batch->rows, record->account));
}

bool batch_load(struct batch *batch)
{
    size_t left = batch->fold.count - batch->stored;

    reset_work(batch);
    batch->end = batch->stored + (left < batch->limit ? left : batch->limit);
    for (size_t i = batch->stored; i < batch->end; i++)
        want(batch, batch->fold.at[i]);
    return o2c_rows_send_load(batch->rows, batch->engine->pg);
}

static void want_more(struct batch *batch, const struct record *record)
{
    const struct o2c_consumer *consumer = batch->engine->consumer;
    bool event = record->kind == RECORD_EVENT && record->route->needs_more;
    bool due = record->kind == RECORD_DUE && consumer->due_needs_more;
    struct o2c_account *account;
    struct o2c_wants *wants;

    if (!event && !due)
        return;
    wants = o2c_rows_want_more(batch->rows, record->account, &account);
    if (event)
        record->route->needs_more(account, &record->event, wants);
    else
        consumer->due_needs_more(account, &record->due, record->business_date, wants);
}

bool batch_load_more(struct batch *batch)
{
    if (!batch->engine->loads_twice)
        return false;
    for (size_t i = batch->stored; i < batch->end; i++)
        want_more(batch, batch->fold.at[i]);
    return !o2c_rows_failed(batch->rows) &&
           o2c_rows_send_load(batch->rows, batch->engine->pg);
}

/* ---- one record */

struct fold {
    struct batch *batch;
    struct engine *engine;
    struct o2c_effects effects;
    struct o2c_err err;
};

static void count(struct record *record, enum total total)
{
    record->unit->pending.total[total]++;
    record->outcome = (int)total;
    record->outcome_count = 1;
}

/* Who takes no ticks passes on the latest day that what it read was decided in. */
static void hear_of_day(struct fold *fold, const struct record *record)
{
    struct position *pending = &record->unit->pending;

    if (fold->engine->clock < 0 && record->business_date > pending->business_date)
        pending->business_date = record->business_date;
}

/* A record of a pipeline stream: repeats are dropped, a gap stops the partition. */
static bool stream_lets_through(struct fold *fold, struct record *record)
{
    int64_t expected = 0;

    if (!record->stream.present)
        return true;
    switch (inbound_judge(record->unit, record->topic, &record->stream, &expected)) {
    case INBOUND_APPLY:
        hear_of_day(fold, record);
        return true;
    case INBOUND_REPEAT:
        count(record, TOTAL_REPEATS);
        return false;
    case INBOUND_GAP:
        break;
    }
    o2c_log_error(
        "a stream has a gap: the partition is stopped (docs/operations.md, stream gap)",
        O2C_S("topic", fold->engine->consumer->topics[record->topic]),
        O2C_I("partition", record->unit->partition), O2C_I("offset", record->offset),
        O2C_T("source", record->stream.source),
        O2C_I("stream_seq", record->stream.stream_seq), O2C_I("expected", expected));
    intake_stop_unit(fold->engine, record->unit);
    return false;
}

static struct o2c_moment moment_of(struct fold *fold, const struct record *record)
{
    return (struct o2c_moment){
        .recorded_us = record->recorded_us,
        .topic = fold->engine->consumer->topics[record->topic],
        .partition = record->unit->partition,
        .offset = record->offset,
        .arena = &fold->batch->work,
        .settings = fold->engine->own_settings,
        .business_date = fold->engine->clock >= 0 ? record->unit->pending.business_date
                                                  : O2C_NO_BUSINESS_DATE,
    };
}

static enum o2c_verdict call_rule(struct fold *fold, struct record *record)
{
    struct o2c_moment moment = moment_of(fold, record);
    struct o2c_account *account = o2c_rows_account(fold->batch->rows, record->account);

    if (record->kind == RECORD_DUE)
        return fold->engine->consumer->on_due(account, &record->due, &moment,
                                              &fold->effects, &fold->err);
    if (record->kind == RECORD_NOTICE)
        return record->parked_route->apply(account, &record->notice, &moment,
                                           &fold->effects, &fold->err);
    return record->route->apply(account, &record->event, &moment, &fold->effects,
                                &fold->err);
}

/*
 * One rule, its effects begun, between begin and commit or undo.  PARK: err
 * says why and nothing of it is left; any other failure fails the batch.
 */
static enum o2c_verdict apply(struct fold *fold, struct record *record)
{
    struct batch *batch = fold->batch;
    enum o2c_verdict verdict;

    o2c_rows_begin(batch->rows);
    verdict = call_rule(fold, record);
    if (!verdict && fold->effects.err.verdict) {
        fold->err = fold->effects.err;
        verdict = fold->err.verdict;
    }
    if (!verdict) {
        o2c_rows_commit(batch->rows);
        return O2C_OK;
    }
    o2c_rows_undo(batch->rows);
    effects_undo(&fold->effects);
    return verdict;
}

static void log_parked(struct fold *fold, const struct record *record, const char *reason)
{
    o2c_log_warn(
        "event parked", O2C_S("topic", fold->engine->consumer->topics[record->topic]),
        O2C_I("partition", record->unit->partition), O2C_I("offset", record->offset),
        O2C_T("account", record->account), O2C_S("reason", reason));
}

static void put_aside(struct fold *fold, struct record *record)
{
    struct aside_row row = {record, {NULL, 0}};

    if (!record_headers(record, &fold->batch->work, &row.headers))
        fold->effects.failed = true;
    VEC_ADD(fold->batch->aside, row);
    count(record, TOTAL_SET_ASIDE);
}

/* reason NULL: it queues behind one that was parked. */
static void park(struct fold *fold, struct record *record, const char *reason)
{
    parked_add(&fold->effects, record, reason);
    count(record, TOTAL_PARKED);
    if (reason)
        log_parked(fold, record, reason);
}

static void leave(struct fold *fold, struct record *record, const char *state)
{
    parked_left(&fold->effects, record, state);
    count(record, TOTAL_UNPARKED);
}

static enum o2c_verdict fold_fresh(struct fold *fold, struct record *record)
{
    enum o2c_verdict verdict;

    if (!stream_lets_through(fold, record))
        return O2C_OK;
    if (record->kind == RECORD_SKIPPED) {
        count(record, TOTAL_SKIPPED);
        return O2C_OK;
    }
    effects_begin(&fold->effects, fold->batch, record);
    if (parked_find(record->unit, record->account)) {
        park(fold, record, NULL);
        return O2C_OK;
    }
    if (record->kind == RECORD_BAD) {
        park(fold, record, record->reason);
        return O2C_OK;
    }
    verdict = apply(fold, record);
    if (verdict == O2C_PARK) {
        park(fold, record, fold->err.text);
        return O2C_OK;
    }
    if (!verdict)
        count(record, fold->effects.repeat ? TOTAL_REPEATS : TOTAL_APPLIED);
    return verdict;
}

/* A record that was parked, tried again because a person asked for it. */
static enum o2c_verdict fold_parked(struct fold *fold, struct record *record)
{
    struct batch *batch = fold->batch;
    enum o2c_verdict verdict = O2C_OK;
    const char *reason = record->reason;

    if (batch->order_blocked)
        return O2C_OK; /* stays queued behind the one parked again */
    effects_begin(&fold->effects, batch, record);
    if (batch->order_discards && record->parked_first) {
        leave(fold, record, "discarded");
        return O2C_OK;
    }
    if ((record->kind == RECORD_EVENT || record->kind == RECORD_NOTICE) && !reason) {
        verdict = apply(fold, record);
        reason = fold->err.text;
    }
    if (record->kind == RECORD_BAD || record->kind == RECORD_ASIDE || verdict == O2C_PARK) {
        parked_again(&fold->effects, record, reason);
        log_parked(fold, record, reason);
        batch->order_blocked = true;
        return O2C_OK;
    }
    if (!verdict)
        leave(fold, record, "released");
    return verdict;
}

static void log_refused(const struct record *record, const char *reason)
{
    o2c_log_warn("due item refused: it is tried again at the next tick",
                 O2C_I("partition", record->unit->partition),
                 O2C_T("account", record->account), O2C_T("kind", record->due.kind),
                 O2C_T("item", record->due.item), O2C_S("reason", reason));
}

/* An item that a tick has reached; that of an account with parked records stays. */
static enum o2c_verdict fold_due(struct fold *fold, struct record *record)
{
    struct batch *batch = fold->batch;
    struct position *pending = &record->unit->pending;
    enum o2c_verdict verdict = O2C_OK;
    const char *reason = record->reason;

    pending->business_date = record->business_date;
    pending->in_tick = true;
    pending->cursor = record->due;
    if (parked_find(record->unit, record->account)) {
        batch->due_waiting++;
        return O2C_OK;
    }
    effects_begin(&fold->effects, batch, record);
    fold->effects.emitted = pending->tick_emitted;
    if (!reason && !due_take(&fold->effects))
        return O2C_OK;
    if (!reason) {
        verdict = apply(fold, record);
        reason = fold->err.text;
    }
    if (verdict == O2C_PARK || record->reason) {
        due_refuse(batch, record, reason);
        log_refused(record, reason);
        return O2C_OK;
    }
    if (!verdict) {
        pending->tick_emitted = fold->effects.emitted;
        batch->due_ran++;
    }
    return verdict;
}

static void fold_tick(struct record *record)
{
    struct position *pending = &record->unit->pending;

    if (record->business_date <= pending->business_date && !pending->in_tick) {
        count(record, TOTAL_REPEATS);
        return;
    }
    pending->business_date = record->business_date;
    pending->in_tick = false;
    pending->tick_emitted = 0;
    count(record, TOTAL_APPLIED);
}

static void advance(struct record *record)
{
    struct unit *unit = record->unit;

    unit->touched = true;
    if (record->parked_no || record->kind == RECORD_DUE)
        return;
    if (record->kind == RECORD_MARKER) {
        record->outcome = TOTAL_MARKERS;
        record->outcome_count = record->offset + 1 - unit->pending.next[record->topic];
        unit->pending.total[TOTAL_MARKERS] += record->outcome_count;
    } else {
        unit->newest[record->topic] = record;
    }
    unit->pending.next[record->topic] = record->offset + 1;
}

static enum o2c_verdict fold_record(struct fold *fold, struct record *record)
{
    enum o2c_verdict verdict = O2C_OK;

    if (record->unit->stopped)
        return O2C_OK;
    if (record->parked_no) {
        verdict = fold_parked(fold, record);
    } else if (record->kind == RECORD_ASIDE) {
        if (stream_lets_through(fold, record))
            put_aside(fold, record);
    } else if (record->kind == RECORD_DUE) {
        verdict = fold_due(fold, record);
    } else if (record->kind == RECORD_TICK) {
        fold_tick(record);
    } else if (record->kind != RECORD_MARKER) {
        verdict = fold_fresh(fold, record);
    }
    if (!verdict && !record->unit->stopped)
        advance(record);
    return verdict;
}

void batch_undo(struct batch *batch)
{
    struct engine *engine = batch->engine;

    for (int32_t p = 0; p < engine->partition_count; p++) {
        struct unit *unit = &engine->unit[p];

        if (!unit->claimed)
            continue;
        unit->pending = unit->stored;
        unit->touched = false;
        memset(unit->newest, 0, sizeof unit->newest);
        parked_undo(unit);
        inbound_undo(unit);
    }
    reset_work(batch);
}

/*
 * RETRY with batch->limit made smaller: the part did not fit into memory.  An
 * event that does not fit alone is parked.
 */
static enum o2c_verdict too_big(struct batch *batch, struct o2c_err *err)
{
    size_t part = batch->end - batch->stored;
    struct record *record = batch->fold.at[batch->stored];

    batch_undo(batch);
    if (part == 1 && !record_can_be_refused(record))
        return record_fail_at(err, batch, record, "it needs more memory than a batch has");
    if (part == 1) {
        record_refuse(batch, record, "the event needs more memory than a whole batch has");
        return o2c_fail(err, O2C_RETRY, "%s", record->reason);
    }
    batch->limit = part / 2;
    return o2c_fail(err, O2C_RETRY, "a part of %zu events did not fit into memory", part);
}

/*
 * Rows and effects of some events are ten times the size of the events: what
 * was folded is a part of its own once it holds batch-bytes, and the records
 * behind it are loaded again.  The batches after it take fewer.
 */
static bool part_is_full(const struct batch *batch)
{
    return batch->work.used_bytes > (size_t)batch->engine->settings->batch_bytes;
}

static void end_part(struct batch *batch, size_t end)
{
    size_t part = end - batch->stored;

    batch->end = end;
    batch->limit = (part + 1) / 2; /* doubled once it is stored */
    if (batch_was_read(batch))
        take_ended(&batch->engine->take, part);
}

enum o2c_verdict batch_fold(struct batch *batch, struct o2c_err *err)
{
    struct fold fold = {.batch = batch, .engine = batch->engine};

    for (size_t i = batch->stored; i < batch->end; i++) {
        enum o2c_verdict verdict = fold_record(&fold, batch->fold.at[i]);

        if (o2c_rows_failed(batch->rows) || fold.effects.failed)
            return too_big(batch, err);
        if (verdict) {
            *err = fold.err;
            batch_undo(batch);
            return verdict;
        }
        if (part_is_full(batch) && i + 1 < batch->end)
            end_part(batch, i + 1);
    }
    return O2C_OK;
}
