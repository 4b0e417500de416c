/*
 * Records that wait for a tick (decision 4), or for their batch (replay.h).  No tick may
 * see what the same tick caused: a record whose writer had begun a later business day than
 * this partition waits for that day here.  And a tick sees nothing from beyond its cut as
 * far as that can be: what comes after a tick that is not applied yet waits for it too.
 * What waits stays in memory, at most what had been fetched when the partition was paused;
 * the clock's own partition never waits, so the tick always comes (docs/decisions, 0011
 * says why it can be applied then).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/engine.h"
#include "consumers/host/replay.h"
#include "runtime/base/log.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

static const struct tick *first_day(const struct unit *unit)
{
    const struct tick *tick = unit->tick;

    while (tick && tick->kind != RECORD_TICK)
        tick = tick->next;
    return tick;
}

static bool is_of_a_later_day(const struct engine *engine, const struct unit *unit,
                              int topic, const rd_kafka_message_t *message)
{
    int32_t date;

    return engine->topic[topic]->pipeline_records &&
           o2c_date_parse(o2c_stream_tick(message), &date) && date > ticks_done(unit);
}

static bool must_wait(const struct engine *engine, const struct unit *unit, int topic,
                      const rd_kafka_message_t *message)
{
    const struct tick *day;

    if (engine->clock < 0)
        return false;
    if (!unit->clock_read)
        return true; /* there may be ticks for it to wait for */
    day = first_day(unit);
    return (day && message->offset >= day->cut[topic]) ||
           is_of_a_later_day(engine, unit, topic, message);
}

static void set_paused(struct engine *engine, struct unit *unit, int topic, bool paused)
{
    struct hold *hold = &unit->hold[topic];
    rd_kafka_topic_partition_list_t *list;

    if (hold->paused == paused)
        return;
    hold->paused = paused;
    engine->holds += paused ? 1 : (size_t)-1;
    if (!paused && (engine->paused || !engine->reading))
        return; /* resumed with all the others, or not read at all */
    list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, engine->topic_name[topic], unit->partition);
    if (paused)
        intake_pause(engine, list);
    else
        intake_resume(engine, list);
}

/* Offsets without records before this one are known to be empty. */
static void skip_to(struct engine *engine, struct unit *unit, int topic, int64_t offset)
{
    if (offset <= unit->given[topic])
        return;
    record_marker(engine->next, unit, topic, offset);
    unit->given[topic] = offset;
}

static void give(struct engine *engine, struct unit *unit, int topic,
                 rd_kafka_event_t *holder, const rd_kafka_message_t *message)
{
    skip_to(engine, unit, topic, message->offset);
    unit->given[topic] = message->offset + 1;
    record_take(engine->next, unit, topic, holder, message);
}

static void add(struct hold *hold, rd_kafka_event_t *holder,
                const rd_kafka_message_t *message)
{
    struct held held = {holder, message};

    VEC_ADD(hold->records, held);
    hold->bytes += message->len + message->key_len;
}

static void remove_first(struct hold *hold, size_t count)
{
    if (!count)
        return;
    for (size_t i = 0; i < count; i++)
        hold->bytes -=
            hold->records.at[i].message->len + hold->records.at[i].message->key_len;
    hold->records.count -= count;
    memmove(hold->records.at, hold->records.at + count,
            hold->records.count * sizeof *hold->records.at);
}

/* Each record waits for the batch in which it was folded; of the partition whose turn it
 * is, enough to go on with. */
static void wait_for_batch(struct engine *engine, struct unit *unit, int topic,
                           rd_kafka_event_t *holder, const rd_kafka_message_t *message)
{
    struct hold *hold = &unit->hold[topic];
    bool its_turn = unit == replay_unit(engine);

    add(hold, holder, message);
    if (!its_turn || hold->records.count >= REPLAY_AHEAD ||
        hold->bytes >= (size_t)engine->settings->batch_bytes / TOPICS_MAX)
        set_paused(engine, unit, topic, true);
}

void hold_or_give(struct engine *engine, struct unit *unit, int topic,
                  rd_kafka_event_t *holder, const rd_kafka_message_t *message)
{
    struct hold *hold = &unit->hold[topic];

    if (engine->replay.on) {
        wait_for_batch(engine, unit, topic, holder, message);
        return;
    }
    if (!hold->paused && !must_wait(engine, unit, topic, message)) {
        give(engine, unit, topic, holder, message);
        return;
    }
    /* A tick whose cut is this offset waits for nothing in this topic any more. */
    if (!hold->paused)
        skip_to(engine, unit, topic, message->offset);
    add(hold, holder, message);
    set_paused(engine, unit, topic, true);
}

void hold_end(struct engine *engine, struct unit *unit, int topic, int64_t end)
{
    if (unit->hold[topic].paused || engine->replay.on)
        unit->hold[topic].end = end;
    else
        skip_to(engine, unit, topic, end);
}

static void release(struct engine *engine, struct unit *unit, int topic)
{
    struct hold *hold = &unit->hold[topic];
    size_t given = 0;

    while (given < hold->records.count && engine_can_take(engine) &&
           !must_wait(engine, unit, topic, hold->records.at[given].message)) {
        give(engine, unit, topic, hold->records.at[given].holder,
             hold->records.at[given].message);
        given++;
    }
    remove_first(hold, given);
    if (hold->records.count)
        return;
    skip_to(engine, unit, topic, hold->end);
    hold->end = 0;
    set_paused(engine, unit, topic, false);
}

void hold_release(struct engine *engine)
{
    if (engine->replay.on || !engine->holds || !engine->reading || !engine_can_take(engine))
        return;
    for (int32_t p = 0; p < engine->partition_count; p++)
        for (int t = 0; t < engine->topic_count; t++)
            if (engine->unit[p].hold[t].paused && !engine->unit[p].stopped &&
                engine_can_take(engine))
                release(engine, &engine->unit[p], t);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What waits below `until`; true when the batch has all of it. */
static bool fill(struct engine *engine, struct unit *unit, int topic, int64_t until)
{
    struct hold *hold = &unit->hold[topic];
    size_t given = 0;

    while (given < hold->records.count && hold->records.at[given].message->offset < until &&
           engine_has_room(engine)) {
        give(engine, unit, topic, hold->records.at[given].holder,
             hold->records.at[given].message);
        given++;
    }
    remove_first(hold, given);
    if (hold->records.count) {
        skip_to(engine, unit, topic, earlier(hold->records.at[0].message->offset, until));
    } else {
        skip_to(engine, unit, topic, earlier(hold->end, until));
        set_paused(engine, unit, topic, false);
    }
    return unit->given[topic] >= until;
}

bool hold_fill(struct engine *engine, struct unit *unit, const int64_t *until)
{
    bool whole = true;

    if (engine->next->state != BATCH_FILLING)
        return false;
    for (int t = 0; t < engine->topic_count; t++)
        if (t != engine->clock)
            whole = fill(engine, unit, t, until[t]) && whole;
    return whole;
}

void hold_clear(struct engine *engine, struct unit *unit)
{
    for (int t = 0; t < engine->topic_count; t++) {
        struct hold *hold = &unit->hold[t];

        while (hold->records.count)
            rd_kafka_event_destroy(hold->records.at[--hold->records.count].holder);
        free(hold->records.at);
        engine->holds -= hold->paused;
        *hold = (struct hold){{NULL, 0, 0}, 0, 0, false};
    }
}
