/*
 * The Kafka consumer.  Events are taken one by one from its queue (see
 * banned.h for why not in batches), never waiting: the bridge wakes the loop.
 * A record's bytes stay in librdkafka until its batch is stored.
 */
#include "consumers/host/engine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/clock.h"
#include "runtime/base/failpoint.h"
#include "runtime/base/hash.h"
#include "runtime/base/log.h"

#include "runtime/base/banned.h"

/*
 * So many session timeouts the broker waits for a member's answer to a revoke before it
 * gives its partitions away all the same: 60 s by default, as librdkafka's rebalance
 * timeout is its max.poll.interval.ms.  Then only the fence is left.
 */
enum {
    REBALANCE_SESSIONS = 6
};

/* ---- opening */

static enum o2c_verdict set_int(rd_kafka_conf_t *conf, const char *name, int64_t value,
                                struct o2c_err *err)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    return o2c_kafka_set(conf, name, text, err);
}

static enum o2c_verdict set_all(struct engine *engine, rd_kafka_conf_t *conf,
                                struct o2c_err *err)
{
    static const char *const fixed[][2] = {
        {"partition.assignment.strategy", "range"},
        {"auto.offset.reset", "error"},
        {"enable.auto.commit", "true"}, /* of what store_mirror put aside only */
        {"enable.auto.offset.store", "false"},
        {"auto.commit.interval.ms", "1000"},
        {"enable.partition.eof", "true"},
        {"isolation.level", "read_committed"},
        {"heartbeat.interval.ms", "1000"},
        {"topic.metadata.refresh.interval.ms", "10000"},
        {"fetch.wait.max.ms", "100"},
        {"fetch.max.bytes", "4194304"}, /* as much, unpacked, comes on top of the queue */
        {"fetch.error.backoff.ms", "50"},
        {"check.crcs", "true"},
    };
    const struct host_settings *settings = engine->settings;

    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (o2c_kafka_set(conf, fixed[i][0], fixed[i][1], err))
            return err->verdict;
    if (o2c_kafka_set(conf, "group.id", engine->group, err) ||
        o2c_kafka_set(conf, "group.instance.id", engine->instance, err) ||
        set_int(conf, "session.timeout.ms", settings->session_timeout_ms, err) ||
        set_int(conf, "max.poll.interval.ms",
                REBALANCE_SESSIONS * settings->session_timeout_ms, err) ||
        set_int(conf, "queued.min.messages", settings->fetch_queue_events, err) ||
        set_int(conf, "queued.max.messages.kbytes", settings->fetch_queue_kib, err))
        return err->verdict;
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_REBALANCE |
                                       RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR);
    return O2C_OK;
}

static void on_ready(void *user);

enum o2c_verdict intake_open(struct engine *engine, struct o2c_err *err)
{
    rd_kafka_conf_t *conf;
    char text[O2C_ERR_TEXT];

    if (o2c_kafka_conf(&conf, &engine->settings->kafka, engine->group, err))
        return err->verdict;
    if (set_all(engine, conf, err)) {
        rd_kafka_conf_destroy(conf);
        return err->verdict;
    }
    engine->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!engine->rk) {
        rd_kafka_conf_destroy(conf);
        return o2c_fail(err, O2C_FATAL, "Kafka consumer: %s", text);
    }
    rd_kafka_poll_set_consumer(engine->rk);
    engine->queue = rd_kafka_queue_get_consumer(engine->rk);
    o2c_kafka_bridge_open(&engine->bridge, engine->loop, engine->queue, on_ready, engine);
    engine->handles_open++;
    return O2C_OK;
}

enum o2c_verdict intake_subscribe(struct engine *engine, struct o2c_err *err)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(engine->topic_count);
    rd_kafka_resp_err_t code;

    for (int t = 0; t < engine->topic_count; t++)
        rd_kafka_topic_partition_list_add(list, engine->topic_name[t],
                                          RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(engine->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? o2c_kafka_fail(err, code, "subscribe") : O2C_OK;
}

/*
 * librdkafka has no getter: int32 in host byte order after "CGMDv2:" of the
 * written group metadata; -1 after having been dropped from the group.
 */
int32_t intake_generation(struct engine *engine)
{
    rd_kafka_consumer_group_metadata_t *metadata =
        rd_kafka_consumer_group_metadata(engine->rk);
    static const char magic[] = "CGMDv2:";
    void *bytes = NULL;
    size_t len = 0;
    int32_t generation = -1;

    if (!metadata)
        return -1;
    if (!rd_kafka_consumer_group_metadata_write(metadata, &bytes, &len)) {
        if (len >= sizeof magic - 1 + sizeof generation &&
            !memcmp(bytes, magic, sizeof magic - 1))
            memcpy(&generation, (char *)bytes + sizeof magic - 1, sizeof generation);
        rd_kafka_mem_free(engine->rk, bytes);
    }
    rd_kafka_consumer_group_metadata_destroy(metadata);
    return generation;
}

/* ---- which partitions are read, from where */

void intake_assign(struct engine *engine, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = rd_kafka_assign(engine->rk, list);
    struct o2c_err err;

    engine->answered = true;
    if (list)
        rd_kafka_topic_partition_list_destroy(list);
    if (code && o2c_kafka_fail(&err, code, "assign"))
        engine_fatal(engine, &err, "partitions could not be assigned");
}

/*
 * NULL is no answer to what the group gave: a member that never gave one would
 * keep its place with heartbeats and take part in no rebalance (librdkafka
 * 2.0.2: wait-assign-call).
 */
void intake_unassign(struct engine *engine)
{
    engine->reading = false;
    intake_assign(engine, engine->answered ? NULL : rd_kafka_topic_partition_list_new(0));
}

/* Starts at the newest record folded, to see that it is still the same one. */
static int64_t start_offset(const struct unit *unit, int topic)
{
    const struct last_record *last = &unit->stored.last[topic];

    return last->hash && last->offset < unit->stored.next[topic] ? last->offset
                                                                 : unit->stored.next[topic];
}

void intake_start(struct engine *engine)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(engine->partition_count);
    int32_t claimed = 0;

    for (int32_t p = 0; p < engine->partition_count; p++) {
        struct unit *unit = &engine->unit[p];

        claimed += unit->claimed;
        for (int t = 0; unit->claimed && t < engine->topic_count; t++) {
            int64_t start = start_offset(unit, t);

            unit->verified[t] = start == unit->stored.next[t];
            rd_kafka_topic_partition_list_add(list, engine->topic_name[t], p)->offset =
                start;
        }
    }
    engine->reading = true;
    engine->resume_due = engine->has_paused;
    engine->reading_since_us = o2c_clock_monotonic_us();
    intake_assign(engine, list);
    o2c_log_info("reading", O2C_I("partitions", claimed),
                 O2C_I("generation", engine->generation));
    engine->state = ENGINE_RUNNING;
}

void intake_pause(struct engine *engine, rd_kafka_topic_partition_list_t *list)
{
    engine->has_paused = true;
    (void)rd_kafka_pause_partitions(engine->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

void intake_resume(struct engine *engine, rd_kafka_topic_partition_list_t *list)
{
    (void)rd_kafka_resume_partitions(engine->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

void intake_stop_unit(struct engine *engine, struct unit *unit)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(engine->topic_count);

    unit->stopped = true;
    for (int t = 0; t < engine->topic_count; t++)
        rd_kafka_topic_partition_list_add(list, engine->topic_name[t], unit->partition);
    intake_pause(engine, list);
}

/* ---- what comes out of the queue */

static int find_topic(char *const *names, int count, const char *name)
{
    for (int t = 0; t < count; t++)
        if (!strcmp(names[t], name))
            return t;
    return -1;
}

static void take_in_order(struct engine *engine, rd_kafka_event_t *event);
static void fatal_text(struct engine *engine, const char *sentence, const char *fmt, ...)
    O2C_PRINTF(3, 4);

static void fatal_text(struct engine *engine, const char *sentence, const char *fmt, ...)
{
    struct o2c_err err = {.verdict = O2C_FATAL};
    va_list args;

    va_start(args, fmt);
    vsnprintf(err.text, sizeof err.text, fmt, args);
    va_end(args);
    engine_fatal(engine, &err, sentence);
}

/* The record before the first one to fold: is it the one that was folded? */
static bool is_still_there(struct engine *engine, struct unit *unit, int topic,
                           const rd_kafka_message_t *message)
{
    const struct last_record *last = &unit->stored.last[topic];

    unit->verified[topic] = true;
    if (message->offset == last->offset &&
        (o2c_hash_64(message->payload, message->len) | 1) == last->hash)
        return true;
    fatal_text(engine,
               "a topic was deleted and filled anew (docs/operations.md, topic made anew)",
               "%s partition %" PRId32 ": the record at offset %" PRId64
               " is not the one that was applied",
               engine->consumer->topics[topic], unit->partition, last->offset);
    return false;
}

/* Records and ends of partitions that came while no batch had room, in their order. */
void intake_unhold(struct engine *engine)
{
    size_t given = 0;

    while (given < engine->held.count && engine_has_room(engine))
        take_in_order(engine, engine->held.at[given++]);
    for (size_t i = given; given && i < engine->held.count; i++)
        engine->held.at[i - given] = engine->held.at[i];
    engine->held.count -= given;
}

void intake_drop_held(struct engine *engine)
{
    while (engine->held.count)
        rd_kafka_event_destroy(engine->held.at[--engine->held.count]);
}

static void take_message(struct engine *engine, rd_kafka_event_t *event,
                         const rd_kafka_message_t *message)
{
    const char *name = rd_kafka_topic_name(message->rkt);
    int topic = find_topic(engine->topic_name, engine->topic_count, name);
    struct unit *unit = &engine->unit[message->partition];

    if (engine->state == ENGINE_CHECKING) {
        outbound_take(engine, message);
    } else if (topic >= 0 && unit->claimed && !unit->stopped && engine->reading) {
        if (!unit->verified[topic] && !is_still_there(engine, unit, topic, message))
            goto done;
        if (message->offset >= unit->taken[topic]) {
            unit->taken[topic] = message->offset + 1;
            O2C_FAILPOINT("intake.record");
            if (topic == engine->clock)
                ticks_take(engine, unit, event, message);
            else
                hold_or_give(engine, unit, topic, event, message);
            return;
        }
    }
done:
    rd_kafka_event_destroy(event);
}

static void reached_end(struct engine *engine, const rd_kafka_topic_partition_t *end)
{
    int topic = find_topic(engine->topic_name, engine->topic_count, end->topic);
    struct unit *unit = &engine->unit[end->partition];

    if (engine->state == ENGINE_CHECKING) {
        outbound_ended(engine, end);
        return;
    }
    if (topic < 0 || !unit->claimed || unit->stopped || !engine->reading)
        return;
    unit->clock_read = unit->clock_read || topic == engine->clock;
    if (end->offset < unit->taken[topic]) {
        fatal_text(engine,
                   "a topic is shorter than what was read (docs/operations.md, topic "
                   "made anew)",
                   "%s partition %" PRId32 " ends at %" PRId64
                   ", but was read up to %" PRId64,
                   engine->consumer->topics[topic], end->partition, end->offset,
                   unit->taken[topic]);
    } else if (end->offset > unit->taken[topic]) {
        unit->taken[topic] = end->offset;
        if (topic == engine->clock)
            ticks_marker(unit, end->offset);
        else
            hold_end(engine, unit, topic, end->offset);
    }
}

static void take_error(struct engine *engine, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    rd_kafka_topic_partition_t *at = rd_kafka_event_topic_partition(event); /* ours */
    char text[O2C_ERR_TEXT];

    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        reached_end(engine, at);
    } else if (rd_kafka_event_error_is_fatal(event)) {
        code = rd_kafka_fatal_error(engine->rk, text, sizeof text);
        fatal_text(engine, "Kafka says this process must end", "%s: %s",
                   rd_kafka_err2name(code), text);
    } else if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
               code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        if (!at || !outbound_gone(engine, at))
            fatal_text(engine,
                       "the offset to go on from is gone (docs/operations.md, offset gone)",
                       "%s partition %" PRId32 ": %s", at ? at->topic : "?",
                       at ? at->partition : -1, rd_kafka_event_error_string(event));
    } else {
        o2c_log_warn("Kafka reports", O2C_S("error", rd_kafka_err2name(code)),
                     O2C_S("text", rd_kafka_event_error_string(event)));
    }
    if (at)
        rd_kafka_topic_partition_destroy(at);
}

/* ---- the group */

static bool counts_still_fit(struct engine *engine)
{
    for (int i = 0; i < engine->assigned->cnt; i++)
        if (engine->assigned->elems[i].partition >= engine->partition_count) {
            fatal_text(engine,
                       "partition counts changed (docs/operations.md, partition count)",
                       "%s has a partition %" PRId32 ", all topics began with %" PRId32
                       " partitions",
                       engine->assigned->elems[i].topic,
                       engine->assigned->elems[i].partition, engine->partition_count);
            return false;
        }
    return true;
}

static void answer_assign(struct engine *engine, rd_kafka_event_t *event)
{
    engine_drop(engine);
    claim_forget(engine);
    if (engine->assigned)
        rd_kafka_topic_partition_list_destroy(engine->assigned);
    engine->assigned =
        rd_kafka_topic_partition_list_copy(rd_kafka_event_topic_partition_list(event));
    o2c_log_info("assigned", O2C_I("topic_partitions", engine->assigned->cnt));
    host_metrics_rebalance(engine, "assign");
    rd_kafka_event_destroy(event);
    engine->reading = false;
    if (counts_still_fit(engine))
        claim_start(engine);
}

static void take_rebalance(struct engine *engine, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);

    engine->answered = code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && engine->state != ENGINE_STOPPING) {
        answer_assign(engine, event);
        return;
    }
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        rd_kafka_event_destroy(event);
        intake_unassign(engine);
        return;
    }
    o2c_log_info("revoked",
                 O2C_S("how", rd_kafka_assignment_lost(engine->rk) ? "lost" : "asked for"));
    host_metrics_rebalance(engine, "revoke");
    assert(!engine->revoke);
    engine->revoke = event;
    engine_revoke(engine);
}

/* What the group gave or asks back is ours no more: a new connection claims nothing of it.
 */
static void forget_assignment(struct engine *engine)
{
    if (engine->revoke)
        rd_kafka_event_destroy(engine->revoke);
    engine->revoke = NULL;
    if (engine->assigned)
        rd_kafka_topic_partition_list_destroy(engine->assigned);
    engine->assigned = NULL;
}

/* The revoke is answered when the batch in flight is stored or given up. */
void intake_answer_revoke(struct engine *engine)
{
    forget_assignment(engine);
    intake_unassign(engine);
}

void intake_rejoin(struct engine *engine)
{
    struct o2c_err err;

    engine_drop(engine);
    claim_forget(engine);
    intake_answer_revoke(engine);
    engine->state = ENGINE_JOINING;
    (void)rd_kafka_unsubscribe(engine->rk);
    if (intake_subscribe(engine, &err))
        engine_fatal(engine, &err, "cannot join the group again");
}

static void take_in_order(struct engine *engine, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_FETCH:
        take_message(engine, event, rd_kafka_event_message_next(event));
        return;
    case RD_KAFKA_EVENT_REBALANCE:
        take_rebalance(engine, event);
        return;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        if (!rd_kafka_event_error(event))
            lag_mirrored(engine, rd_kafka_event_topic_partition_list(event));
        break;
    case RD_KAFKA_EVENT_ERROR:
        take_error(engine, event);
        break;
    default:
        break;
    }
    rd_kafka_event_destroy(event);
}

/* The end of a partition says something about the records before it: it keeps its place. */
static bool has_a_place(rd_kafka_event_t *event)
{
    return rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH ||
           (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR &&
            rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__PARTITION_EOF);
}

static void take_event(struct engine *engine, rd_kafka_event_t *event)
{
    if (!has_a_place(event) || engine_can_take(engine)) {
        take_in_order(engine, event);
        return;
    }
    VEC_ADD(engine->held, event);
    if (engine->held.count >= HELD_MAX)
        engine_pause(engine, true);
}

/*
 * Takes what there is while a batch has room.  When none has, one event per
 * call of the bridge's timer keeps max.poll.interval.ms satisfied: a few such
 * events wait, then reading pauses.
 */
static void on_ready(void *user)
{
    struct engine *engine = user;
    rd_kafka_event_t *event;

    if (engine->state == ENGINE_CLOSED || engine->in_poll)
        return;
    engine->in_poll = true;
    hold_release(engine);
    do {
        event = rd_kafka_queue_poll(engine->queue, 0);
        if (event)
            take_event(engine, event);
    } while (event && engine_can_take(engine));
    hold_release(engine);
    engine->in_poll = false;
    engine_step(engine);
}
