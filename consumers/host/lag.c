/*
 * How far behind this process is, for its metrics.  The answers to its own
 * fetches say where the topics end, but not once it fetches no more.  So a
 * second client that belongs to no group reads the record at each next
 * offset: its age is the lag, however full the queues are and whatever
 * PostgreSQL or the first client do.
 */
#include "consumers/host/engine.h"

#include <string.h>

#include "runtime/base/clock.h"

#include "runtime/base/banned.h"

enum {
    LOOK_EVERY_US = 5000000,
    GIVE_UP_US = 4000000
};

/* ---- the second client */

static void on_ready(void *user);

enum o2c_verdict lag_open(struct engine *engine, struct o2c_err *err)
{
    static const char *const fixed[][2] = {
        {"enable.auto.commit", "false"},    {"auto.offset.reset", "earliest"},
        {"enable.partition.eof", "true"},   {"isolation.level", "read_committed"},
        {"fetch.wait.max.ms", "10"},        {"queued.min.messages", "1"},
        {"fetch.message.max.bytes", "1024"} /* the broker still gives a whole batch */
    };
    rd_kafka_conf_t *conf;
    char text[O2C_ERR_TEXT];

    if (o2c_kafka_conf(&conf, &engine->settings->kafka, engine->group, err))
        return err->verdict;
    if (o2c_kafka_set(conf, "group.id", engine->group, err)) /* never joined */
        goto refused;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (o2c_kafka_set(conf, fixed[i][0], fixed[i][1], err))
            goto refused;
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_ERROR);
    engine->lag.rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!engine->lag.rk) {
        o2c_fail(err, O2C_FATAL, "Kafka consumer: %s", text);
        goto refused;
    }
    rd_kafka_poll_set_consumer(engine->lag.rk);
    engine->lag.queue = rd_kafka_queue_get_consumer(engine->lag.rk);
    o2c_kafka_bridge_open(&engine->lag.bridge, engine->loop, engine->lag.queue, on_ready,
                          engine);
    engine->handles_open++;
    return O2C_OK;
refused:
    rd_kafka_conf_destroy(conf);
    return err->verdict;
}

void lag_destroy(struct engine *engine)
{
    rd_kafka_queue_destroy(engine->lag.queue);
    rd_kafka_destroy_flags(engine->lag.rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* ---- looking */

int64_t lag_end_seen(rd_kafka_t *rk, const char *topic, int32_t partition)
{
    int64_t low, high;

    if (rd_kafka_get_watermark_offsets(rk, topic, partition, &low, &high) || high < 0)
        return -1;
    return high;
}

/* Records that wait, as far as is known now. */
static int64_t behind(const struct engine *engine, const struct unit *unit, int topic)
{
    int64_t next = unit->stored.next[topic], end = unit->waiting[topic].end;
    int64_t seen = lag_end_seen(engine->rk, engine->topic_name[topic], unit->partition);

    if (seen > end)
        end = seen;
    return end > next ? end - next : 0;
}

static void stop_looking(struct engine *engine)
{
    engine->lag.open = 0;
    (void)rd_kafka_assign(engine->lag.rk, NULL);
}

static bool is_read(const struct engine *engine, const char *name)
{
    for (int t = 0; t < engine->topic_count; t++)
        if (!strcmp(engine->topic_name[t], name))
            return true;
    return false;
}

/* Where the topics end that it only publishes to; of the others the answers tell it too. */
static void add_outbound(struct engine *engine, rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; engine->unit && i < engine->emit_count; i++)
        for (int32_t p = 0;
             p < engine->partition_count && !is_read(engine, engine->emit_name[i]); p++) {
            if (!engine->unit[p].claimed)
                continue;
            engine->unit[p].outbound[i].asked = true;
            rd_kafka_topic_partition_list_add(list, engine->emit_name[i], p)->offset =
                RD_KAFKA_OFFSET_END;
        }
}

void lag_look(struct engine *engine)
{
    int64_t now = o2c_clock_monotonic_us();
    rd_kafka_topic_partition_list_t *list;

    if (engine->lag.open && now - engine->lag.looked_us > GIVE_UP_US)
        stop_looking(engine);
    if (engine->lag.open || now - engine->lag.looked_us < LOOK_EVERY_US)
        return;
    list = rd_kafka_topic_partition_list_new(8);
    add_outbound(engine, list);
    for (int32_t p = 0; engine->unit && p < engine->partition_count; p++)
        for (int t = 0; engine->unit[p].claimed && t < engine->topic_count; t++) {
            struct unit *unit = &engine->unit[p];

            unit->waiting[t].asked = true;
            rd_kafka_topic_partition_list_add(list, engine->topic_name[t], p)->offset =
                unit->stored.next[t];
        }
    if (list->cnt && !rd_kafka_assign(engine->lag.rk, list)) {
        engine->lag.open = list->cnt;
        engine->lag.looked_us = now;
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* oldest_us 0: nothing but transaction markers waits. */
static void note(struct engine *engine, const char *name, int32_t partition,
                 int64_t oldest_us)
{
    struct unit *unit = &engine->unit[partition];

    for (int t = 0; t < engine->topic_count; t++) {
        struct waiting *waiting = &unit->waiting[t];

        if (!waiting->asked || strcmp(engine->topic_name[t], name) != 0)
            continue;
        waiting->asked = false;
        waiting->from = unit->stored.next[t];
        waiting->told_us = o2c_clock_monotonic_us();
        waiting->oldest_us = oldest_us;
        waiting->end = lag_end_seen(engine->lag.rk, name, partition);
        if (--engine->lag.open == 0)
            stop_looking(engine);
    }
    if (outbound_note(engine, name, partition,
                      lag_end_seen(engine->lag.rk, name, partition)) &&
        --engine->lag.open == 0)
        stop_looking(engine);
}

static void take(struct engine *engine, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message;
    rd_kafka_topic_partition_t *at;

    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH) {
        message = rd_kafka_event_message_next(event);
        note(engine, rd_kafka_topic_name(message->rkt), message->partition,
             rd_kafka_message_timestamp(message, NULL) * 1000);
    } else if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        at = rd_kafka_event_topic_partition(event); /* ours */
        note(engine, at->topic, at->partition, 0);
        rd_kafka_topic_partition_destroy(at);
    }
}

static void on_ready(void *user)
{
    struct engine *engine = user;
    rd_kafka_event_t *event;

    while ((event = rd_kafka_queue_poll(engine->lag.queue, 0))) {
        if (engine->lag.open)
            take(engine, event);
        rd_kafka_event_destroy(event);
    }
}

/* ---- what the metrics show */

/* True for as long as nothing was stored since, and a little while beyond. */
static bool still_tells(const struct unit *unit, int topic)
{
    const struct waiting *waiting = &unit->waiting[topic];

    return waiting->oldest_us &&
           (waiting->from == unit->stored.next[topic] ||
            o2c_clock_monotonic_us() - waiting->told_us < INT64_C(2) * LOOK_EVERY_US);
}

void lag_of(const struct engine *engine, const struct unit *unit, int topic,
            struct lag *ret_lag)
{
    const struct waiting *waiting = &unit->waiting[topic];
    int64_t since_stored_us = o2c_clock_monotonic_us() - unit->stored_us;
    struct o2c_lag_limits limits = {O2C_LAG_WARN_S * INT64_C(1000000),
                                    O2C_LAG_STALL_S * INT64_C(1000000)};
    struct o2c_lag_state state = {behind(engine, unit, topic), 0, since_stored_us, true};

    *ret_lag = (struct lag){.records = state.behind};
    if (state.behind > 0 && still_tells(unit, topic)) {
        ret_lag->oldest_us = waiting->oldest_us;
        state.waited_us = o2c_clock_utc_us() - waiting->oldest_us;
        if (state.waited_us < 0)
            state.waited_us = 0;
    }
    ret_lag->waited_us = state.waited_us;
    ret_lag->status = o2c_lag_judge(&state, &limits);
    if (unit->mirrored[topic] >= 0)
        ret_lag->mirror_drift = unit->stored.next[topic] - unit->mirrored[topic];
}

/* The group's coordinator has taken over the offsets that follow our positions. */
void lag_mirrored(struct engine *engine, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *elem = &list->elems[i];

        for (int t = 0; t < engine->topic_count; t++)
            if (!elem->err && elem->offset >= 0 &&
                elem->partition < engine->partition_count &&
                !strcmp(engine->topic_name[t], elem->topic))
                engine->unit[elem->partition].mirrored[t] = elem->offset;
    }
}

/* Claimed: what this process knew of the partition before counts no more. */
void lag_begin(struct unit *unit, int topic_count)
{
    unit->stored_us = o2c_clock_monotonic_us();
    for (int t = 0; t < topic_count; t++) {
        unit->waiting[t] = (struct waiting){.end = -1};
        unit->mirrored[t] = -1;
    }
}
