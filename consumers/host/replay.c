#include "consumers/host/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "consumers/host/engine.h"
#include "runtime/base/log.h"
#include "runtime/pg/pg.h"

#include "runtime/base/banned.h"

/* ---- the recorded order */

static bool has_rows_left(const struct unit *unit)
{
    return unit->claimed && unit->stored.batch_seq < unit->replay_end;
}

struct unit *replay_unit(const struct engine *engine)
{
    for (int32_t p = 0; p < engine->partition_count; p++)
        if (has_rows_left(&engine->unit[p]))
            return &engine->unit[p];
    return NULL;
}

void replay_clear(struct engine *engine)
{
    struct replay *replay = &engine->replay;

    for (size_t i = 0; i < replay->rows.count; i++)
        free(replay->rows.at[i].cursor_text);
    free(replay->rows.at);
    *replay = (struct replay){.asked = replay->asked};
}

bool replay_begins(struct engine *engine)
{
    replay_clear(engine);
    engine->replay.on = replay_unit(engine) != NULL;
    if (engine->replay.on)
        o2c_log_info("folding by the recorded order", O2C_NO_FIELDS);
    return engine->replay.on;
}

static void forget_rows(struct engine *engine)
{
    replay_clear(engine);
    engine->replay.on = true;
}

static void keep_row(struct engine *engine, const PGresult *result, int i)
{
    struct replay_row row = {.cursor_text = NULL};
    struct position *position = &row.position;

    position->batch_seq = o2c_pg_get_int8(result, i, 0);
    claim_read_offsets(engine, position, o2c_pg_get_text(result, i, 1));
    position->outbox_no =
        o2c_pg_get_null(result, i, 2) ? -1 : o2c_pg_get_int8(result, i, 2);
    position->total[TOTAL_PARKED] = o2c_pg_get_int8(result, i, 3);
    position->total[TOTAL_UNPARKED] = o2c_pg_get_int8(result, i, 4);
    claim_read_day(position, &row.cursor_text, result, i, 5);
    VEC_ADD(engine->replay.rows, row);
}

static void on_rows(void *user, const PGresult *result)
{
    struct engine *engine = user;
    struct unit *unit = engine->replay.on ? replay_unit(engine) : NULL;

    if (!unit || unit->partition != engine->replay.asked_partition)
        return; /* given back meanwhile */
    forget_rows(engine);
    engine->replay.partition = unit->partition;
    for (int i = 0; i < PQntuples(result); i++)
        keep_row(engine, result, i);
}

static void on_rows_read(void *user, enum o2c_verdict verdict, bool lost,
                         const struct o2c_err *err)
{
    struct engine *engine = user;

    engine->replay.asked = false;
    if (lost)
        return;
    if (verdict == O2C_RETRY)
        engine_retry_later(engine, err);
    else if (verdict)
        engine_fatal(engine, err, "the recorded order could not be read");
    engine_step(engine);
}

static void ask(struct engine *engine, const struct unit *unit)
{
    if (engine->replay.asked)
        return;
    engine->replay.asked = true;
    engine->replay.asked_partition = unit->partition;
    o2c_pg_params_reset(&engine->params);
    o2c_pg_add_int4(&engine->params, unit->partition);
    o2c_pg_add_int8(&engine->params, unit->stored.batch_seq);
    o2c_pg_send(engine->pg, "replay_next", &engine->params, on_rows, engine);
    o2c_pg_sync(engine->pg, on_rows_read, engine);
}

/* The row behind the unit's position; NULL: it has not been read. */
static const struct replay_row *row_of(const struct engine *engine, const struct unit *unit)
{
    const struct replay *replay = &engine->replay;
    int64_t behind;

    if (!replay->rows.count || replay->partition != unit->partition)
        return NULL;
    behind = unit->stored.batch_seq + 1 - replay->rows.at[0].position.batch_seq;
    return behind >= 0 && (size_t)behind < replay->rows.count ? &replay->rows.at[behind]
                                                              : NULL;
}

/* Of the batch being folded. */
static const struct replay_row *current_row(const struct engine *engine)
{
    const struct unit *unit = engine->replay.on ? replay_unit(engine) : NULL;

    return unit ? row_of(engine, unit) : NULL;
}

/* ---- what kind of batch it was */

static bool same_text(struct o2c_str a, struct o2c_str b)
{
    return a.len == b.len && (!a.len || !memcmp(a.at, b.at, a.len));
}

static bool same_due(const struct o2c_due *a, const struct o2c_due *b)
{
    return a->date == b->date && same_text(a->account_id, b->account_id) &&
           same_text(a->kind, b->kind) && same_text(a->item, b->item);
}

static bool same_cursor(const struct position *a, const struct position *b)
{
    return a->in_tick == b->in_tick && (!a->in_tick || same_due(&a->cursor, &b->cursor));
}

/* Where the row leaves a topic; one that was not read then stays where it is. */
static int64_t end_of(const struct position *row, const struct position *stored, int topic)
{
    return row->next[topic] < 0 ? stored->next[topic] : row->next[topic];
}

static bool is_tick(const struct engine *engine, const struct position *row,
                    const struct position *stored)
{
    return engine->clock >= 0 &&
           (end_of(row, stored, engine->clock) != stored->next[engine->clock] ||
            !same_cursor(row, stored));
}

static bool has_records(const struct engine *engine, const struct position *row,
                        const struct position *stored)
{
    for (int t = 0; t < engine->topic_count; t++)
        if (end_of(row, stored, t) != stored->next[t])
            return true;
    return false;
}

bool replay_cuts(const struct engine *engine, const struct o2c_due *due)
{
    const struct replay_row *row = current_row(engine);

    return row && row->position.in_tick && same_due(&row->position.cursor, due);
}

bool replay_ends_tick(const struct engine *engine)
{
    const struct replay_row *row = current_row(engine);

    return row && !row->position.in_tick;
}

int64_t replay_marker(const struct engine *engine, int64_t offset)
{
    const struct replay_row *row = current_row(engine);
    int64_t last = row ? row->position.next[engine->clock] - 1 : offset;

    return last < offset ? last : offset;
}

/* ---- what can be folded now */

static void fail(struct engine *engine, const struct unit *unit, const char *what)
{
    struct o2c_err err;

    o2c_fail(&err, O2C_FATAL, "partition %" PRId32 " batch %" PRId64 ": %s",
             unit->partition, unit->stored.batch_seq + 1, what);
    engine_fatal(engine, &err,
                 "the recorded order cannot be followed (docs/operations.md, rebuild)");
}

/* Rows of a database that has folded further than its topics go back; or meddled with. */
static bool goes_forward(const struct engine *engine, const struct position *row,
                         const struct position *stored)
{
    for (int t = 0; t < engine->topic_count; t++)
        if (end_of(row, stored, t) < stored->next[t])
            return false;
    return true;
}

void replay_lacks_bytes(struct engine *engine)
{
    const struct unit *unit = replay_unit(engine);
    char what[96];

    snprintf(what, sizeof what,
             "it needs more than batch-bytes, %" PRId64 "; give what the original had",
             engine->settings->batch_bytes);
    if (unit)
        fail(engine, unit, what);
}

static bool pick_records(struct engine *engine, struct unit *unit,
                         const struct position *row)
{
    int64_t until[TOPICS_MAX];

    for (int t = 0; t < engine->topic_count; t++)
        until[t] = end_of(row, &unit->stored, t);
    if (hold_fill(engine, unit, until))
        return true;
    if (engine->next->state == BATCH_FILLING && !engine_has_room(engine))
        replay_lacks_bytes(engine);
    return false;
}

static bool pick_tick(struct engine *engine)
{
    if (!ticks_pick(engine))
        return false;
    engine->current = engine->ticks;
    return true;
}

static bool pick_order(struct engine *engine)
{
    if (!engine->orders_due) {
        parked_poll(engine);
        return false;
    }
    engine->orders_due = false;
    engine->current = engine->orders;
    return true;
}

void replay_lacks_order(struct engine *engine)
{
    const struct unit *unit = replay_unit(engine);

    if (unit)
        fail(engine, unit, "nothing was read, and no release or discard was ordered");
}

/* Behind the last row: as after an assignment, with a look at what was published. */
static void finish(struct engine *engine)
{
    o2c_log_info("the recorded order is folded; going on from there", O2C_NO_FIELDS);
    claim_anew(engine);
}

bool replay_pick(struct engine *engine)
{
    struct unit *unit = replay_unit(engine);
    const struct replay_row *row = unit ? row_of(engine, unit) : NULL;
    const struct position *stored;

    if (!unit) {
        finish(engine);
        return false;
    }
    stored = &unit->stored;
    if (!row) {
        ask(engine, unit);
        return false;
    }
    if (row->position.batch_seq != stored->batch_seq + 1 ||
        !goes_forward(engine, &row->position, stored)) {
        fail(engine, unit, "the order goes back, or has a gap");
        return false;
    }
    if (is_tick(engine, &row->position, stored))
        return pick_tick(engine);
    if (has_records(engine, &row->position, stored))
        return pick_records(engine, unit, &row->position);
    return pick_order(engine);
}

/* ---- what came of it */

static enum o2c_verdict departs(struct o2c_err *err, const struct unit *unit,
                                const char *what, int64_t now, int64_t recorded)
{
    return o2c_fail(err, O2C_FATAL,
                    "partition %" PRId32 " batch %" PRId64 ": %s is %" PRId64
                    ", recorded was %" PRId64,
                    unit->partition, unit->stored.batch_seq + 1, what, now, recorded);
}

static enum o2c_verdict check_counts(const struct unit *unit, const struct position *row,
                                     struct o2c_err *err)
{
    const struct position *now = &unit->pending;
    const struct {
        const char *what;
        int64_t now, recorded;
    } counts[] = {
        {"the last number of the outbox", now->outbox_no, row->outbox_no},
        {"parked", now->total[TOTAL_PARKED], row->total[TOTAL_PARKED]},
        {"unparked", now->total[TOTAL_UNPARKED], row->total[TOTAL_UNPARKED]},
    };

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i].recorded >= 0 && counts[i].now != counts[i].recorded)
            return departs(err, unit, counts[i].what, counts[i].now, counts[i].recorded);
    return O2C_OK;
}

enum o2c_verdict replay_check(struct engine *engine, struct o2c_err *err)
{
    const struct unit *unit = replay_unit(engine);
    const struct replay_row *row = current_row(engine);
    const struct position *now;

    if (!unit || !row)
        return o2c_fail(err, O2C_FATAL, "a batch without a row of the recorded order");
    now = &unit->pending;
    for (int t = 0; t < engine->topic_count; t++)
        if (now->next[t] != end_of(&row->position, &unit->stored, t))
            return departs(err, unit, engine->consumer->topics[t], now->next[t],
                           end_of(&row->position, &unit->stored, t));
    if (now->business_date != row->position.business_date)
        return departs(err, unit, "the business day (days since 1970)", now->business_date,
                       row->position.business_date);
    if (!same_cursor(now, &row->position))
        return o2c_fail(err, O2C_FATAL,
                        "partition %" PRId32 " batch %" PRId64
                        ": the tick ends at another item than was recorded",
                        unit->partition, row->position.batch_seq);
    return check_counts(unit, &row->position, err);
}

void replay_tell(const struct engine *engine, struct o2c_buf *text)
{
    const struct unit *unit = replay_unit(engine);

    if (unit)
        o2c_buf_printf(text,
                       "folding by the recorded order: partition %" PRId32
                       ", batch %" PRId64 " of %" PRId64,
                       unit->partition, unit->stored.batch_seq, unit->replay_end);
}
