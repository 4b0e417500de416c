/*
 * The idempotent producer.  message.timeout.ms is 0: with a timeout an
 * idempotent producer was measured to time records out in the middle of a
 * stream and to acknowledge later ones.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "producers/outbox_relay/relay.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/base/failpoint.h"
#include "runtime/base/log.h"
#include "runtime/base/metrics.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    NO_BITS = 48,   /* of an opaque: the outbox number; above it which source */
    PAUSE_MS = 100, /* before the third producer in a row; then twice as long each time */
    PAUSE_MAX_MS = 5000,
    SOUND_US = 10000000 /* a producer that did not fail for so long works */
};

/* ---- which record a delivery report is about */

static void *opaque_of(const struct source *source, int64_t outbox_no)
{
    const struct relay *relay = source->of->relay;
    uint64_t index =
        (uint64_t)(source->of - relay->of) * PARTITIONS_MAX + (uint64_t)source->partition;

    return (void *)(uintptr_t)(index << NO_BITS | (uint64_t)outbox_no);
}

static struct source *source_of(struct relay *relay, const void *opaque, int64_t *ret_no)
{
    uint64_t bits = (uint64_t)(uintptr_t)opaque;
    uint64_t index = bits >> NO_BITS;

    *ret_no = (int64_t)(bits & (((uint64_t)1 << NO_BITS) - 1));
    return &relay->of[index / PARTITIONS_MAX].source[index % PARTITIONS_MAX];
}

/* ---- one record */

static struct known_topic *find_topic(struct relay *relay, struct o2c_str name)
{
    struct known_topic *topic;

    for (size_t i = 0; i < relay->topic_count; i++)
        if (o2c_str_eq(o2c_str_from(relay->topic[i].name), name))
            return &relay->topic[i];
    if (relay->topic_count == TOPICS_MAX)
        return NULL;
    topic = &relay->topic[relay->topic_count++];
    topic->name = strndup(name.at, name.len);
    if (!topic->name)
        abort();
    topic->published = relay_metrics_published(relay, topic->name);
    return topic;
}

static enum o2c_verdict open_topic(struct relay *relay, struct known_topic *topic,
                                   struct o2c_err *err)
{
    rd_kafka_topic_conf_t *conf;
    char full[256];

    if (topic->handle)
        return O2C_OK;
    snprintf(full, sizeof full, "%s%s", relay->settings->kafka.topic_prefix, topic->name);
    conf = rd_kafka_default_topic_conf_dup(relay->rk);
    rd_kafka_topic_conf_set_opaque(conf, topic);
    topic->handle = rd_kafka_topic_new(relay->rk, full, conf);
    if (topic->handle)
        return O2C_OK;
    rd_kafka_topic_conf_destroy(conf);
    return o2c_kafka_fail(err, rd_kafka_last_error(), topic->name);
}

static void add(rd_kafka_headers_t *headers, const char *name, struct o2c_str value)
{
    rd_kafka_header_add(headers, name, -1, value.at, (ssize_t)value.len);
}

static void add_number(rd_kafka_headers_t *headers, const char *name, int64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRId64, number);

    rd_kafka_header_add(headers, name, -1, text, len);
}

static void add_uuid(rd_kafka_headers_t *headers, const char *name,
                     const struct o2c_uuid *uuid)
{
    char text[O2C_UUID_TEXT + 1];

    o2c_uuid_format(uuid, text);
    rd_kafka_header_add(headers, name, -1, text, O2C_UUID_TEXT);
}

/* Headers that came with the row: traceparent, or the error headers of a parked record. */
static void add_further(rd_kafka_headers_t *headers, struct o2c_str text)
{
    json_t *json = text.at ? json_loadb(text.at, text.len, 0, NULL) : NULL;
    const char *name;
    json_t *value;

    json_object_foreach(json, name, value) if (json_is_string(value)) rd_kafka_header_add(
        headers, name, -1, json_string_value(value), (ssize_t)json_string_length(value));
    json_decref(json);
}

static rd_kafka_headers_t *headers_of(const struct source *source,
                                      const struct outgoing *row)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(16);
    char text[64];

    add(headers, "ce_specversion", O2C_STR("1.0"));
    add_uuid(headers, "ce_id", &row->event_id);
    snprintf(text, sizeof text, "/o2c/%s", source->of->consumer);
    add(headers, "ce_source", o2c_str_from(text));
    add(headers, "ce_type", row->type);
    o2c_timestamp_format(row->recorded_us, text);
    add(headers, "ce_time", o2c_str_from(text));
    if (row->subject.at)
        add(headers, "ce_subject", row->subject);
    add(headers, "content-type", O2C_STR("application/avro"));
    add(headers, "source", row->consumer);
    add_uuid(headers, "incarnation", &row->incarnation);
    add_number(headers, "source_partition", source->partition);
    add_number(headers, "stream_seq", row->stream_seq);
    add(headers, "o2c_cause", row->cause);
    if (row->tick.at)
        add(headers, "o2c_tick", row->tick);
    add_further(headers, row->headers);
    return headers;
}

static rd_kafka_resp_err_t produce(struct source *source, const struct outgoing *row,
                                   const struct known_topic *topic)
{
    rd_kafka_headers_t *headers = headers_of(source, row);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        source->of->relay->rk, RD_KAFKA_V_RKT(topic->handle),
        RD_KAFKA_V_PARTITION(row->target_partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(row->key.at, row->key.len),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)row->value.at, row->value.len),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque_of(source, row->outbox_no)),
        RD_KAFKA_V_END);

    if (code)
        rd_kafka_headers_destroy(headers);
    return code;
}

static void count_sent(struct relay *relay, const struct outgoing *row)
{
    if (++relay->records_in_flight == SWOLLEN_RECORDS)
        o2c_heap_swell(&relay->heap);
    relay->bytes_in_flight += (int64_t)row->value.len;
}

enum o2c_verdict publisher_send(struct source *source, const struct outgoing *row,
                                struct o2c_err *err)
{
    struct relay *relay = source->of->relay;
    struct known_topic *topic = find_topic(relay, row->topic);
    int64_t now_us = o2c_clock_monotonic_us();
    rd_kafka_resp_err_t code;
    struct lane *lane;

    if (!topic)
        return o2c_fail(err, O2C_FATAL, "topic %.*s is one more than %d topics",
                        O2C_STR_ARG(row->topic), TOPICS_MAX);
    if (row->target_partition < 0 || row->target_partition >= PARTITIONS_MAX)
        return o2c_fail(err, O2C_FATAL, "%s has no partition %" PRId32, topic->name,
                        row->target_partition);
    lane = &topic->lane[row->target_partition];
    if (!lane_takes(lane, now_us)) {
        source->waits_for = lane;
        return o2c_fail(err, O2C_RETRY, "%s/%" PRId32 " is busy", topic->name,
                        row->target_partition);
    }
    if (open_topic(relay, topic, err))
        return err->verdict;
    code = produce(source, row, topic);
    if (code) {
        o2c_kafka_fail(err, code, topic->name);
        /* of a producer that librdkafka has given up nothing is lost: replace() follows */
        return rd_kafka_fatal_error(relay->rk, NULL, 0) ? O2C_RETRY : err->verdict;
    }
    lane_sent(lane, now_us);
    count_sent(relay, row);
    o2c_series_add(topic->published, 1);
    return O2C_OK;
}

/* ---- delivery reports */

static void replace(struct relay *relay);
static void empty(struct relay *relay);

static struct lane *lane_of(const rd_kafka_message_t *message)
{
    struct known_topic *topic = rd_kafka_topic_opaque(message->rkt);

    return &topic->lane[message->partition];
}

/* Lost with its producer, which says nothing about the record: a new one sends it again. */
static bool is_lost(const struct relay *relay, rd_kafka_resp_err_t code)
{
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(relay->rk, NULL, 0);

    return (fatal && fatal != RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE) ||
           code == RD_KAFKA_RESP_ERR__FATAL || code == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
           code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
           code == RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
}

/* Whatever the producer still has of this stream must not follow: it is replaced. */
static void take_refusal(struct source *source, int64_t no,
                         const rd_kafka_message_t *message)
{
    struct o2c_err err;

    source->of->relay->refused = true;
    if (!lane_refused(lane_of(message)) || source->stopped)
        return; /* one of a batch: each is sent alone by the next producer */
    o2c_kafka_fail(&err, message->err, rd_kafka_topic_name(message->rkt));
    source->stopped = true;
    o2c_log_error("a decision was refused by Kafka: its outbox is stopped "
                  "(docs/operations.md, outbox stopped)",
                  O2C_S("consumer", source->of->consumer),
                  O2C_I("partition", source->partition), O2C_I("outbox_no", no),
                  O2C_S("error", err.text));
}

static void take_report(struct relay *relay, const rd_kafka_message_t *message)
{
    int64_t no, now_us = o2c_clock_monotonic_us();
    struct source *source = source_of(relay, message->_private, &no);

    relay->records_in_flight--;
    relay->bytes_in_flight -= (int64_t)message->len;
    if (message->err) {
        if (!is_lost(relay, message->err))
            take_refusal(source, no, message);
        return;
    }
    relay->failures = 0;
    lane_acked(lane_of(message), now_us);
    if (in_flight_acked(&source->in_flight, no))
        source->unsent_since_us = source->given > source->in_flight.acked_no ? now_us : 0;
}

static void take_event(struct relay *relay, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message;

    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR) {
        while ((message = rd_kafka_event_message_next(event)))
            take_report(relay, message);
        O2C_FAILPOINT("relay.after_ack");
    } else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR &&
               !rd_kafka_event_error_is_fatal(event)) {
        o2c_log_warn("Kafka reports", O2C_S("text", rd_kafka_event_error_string(event)));
    }
    rd_kafka_event_destroy(event);
}

static void take_events(struct relay *relay)
{
    rd_kafka_event_t *event;

    while ((event = rd_kafka_queue_poll(relay->queue, 0)))
        take_event(relay, event);
}

static void on_ready(void *user)
{
    struct relay *relay = user;

    take_events(relay);
    if (relay->producing && (relay->refused || rd_kafka_fatal_error(relay->rk, NULL, 0)))
        replace(relay);
    if (relay->emptying)
        empty(relay);
    claims_store(relay);
    reader_fill(relay);
    relay_stop_step(relay);
}

/* ---- the producer's life */

enum o2c_verdict publisher_open(struct relay *relay, struct o2c_err *err)
{
    static const char *const fixed[][2] = {
        {"enable.idempotence", "true"},
        {"enable.gapless.guarantee", "true"}, /* after a refusal nothing more is sent */
        {"acks", "all"},
        {"message.timeout.ms", "0"},
        {"max.in.flight", "5"},
        {"linger.ms", "1"},
        {"batch.num.messages", "10000"},
        {"message.max.bytes", "8388608"},
        {"queue.buffering.max.messages", "50000"}, /* in-flight-records ends below */
        {"queue.buffering.max.kbytes", "2097151"}, /* in-flight-bytes is the limit */
    };
    rd_kafka_conf_t *conf;
    char text[O2C_ERR_TEXT];

    if (o2c_kafka_conf(&conf, &relay->settings->kafka, "o2c-outbox-relay", err))
        return err->verdict;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (o2c_kafka_set(conf, fixed[i][0], fixed[i][1], err)) {
            rd_kafka_conf_destroy(conf);
            return err->verdict;
        }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    relay->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!relay->rk) {
        rd_kafka_conf_destroy(conf);
        return o2c_fail(err, O2C_FATAL, "Kafka producer: %s", text);
    }
    relay->queue = rd_kafka_queue_get_main(relay->rk);
    o2c_kafka_bridge_open(&relay->bridge, relay->loop, relay->queue, on_ready, relay);
    relay->handles_open++;
    relay->producing = true;
    relay->opened_us = o2c_clock_monotonic_us();
    relay->refused = false;
    return O2C_OK;
}

static void destroy(struct relay *relay)
{
    for (size_t i = 0; i < relay->topic_count; i++) {
        struct known_topic *topic = &relay->topic[i];

        if (topic->handle)
            rd_kafka_topic_destroy(topic->handle);
        topic->handle = NULL;
        for (int32_t p = 0; p < PARTITIONS_MAX; p++)
            lane_begin_anew(&topic->lane[p]);
    }
    rd_kafka_purge(relay->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_queue_destroy(relay->queue);
    rd_kafka_destroy(relay->rk);
    relay->rk = NULL;
}

static void begin_anew(struct relay *relay)
{
    struct o2c_err err;

    relay->records_in_flight = relay->bytes_in_flight = 0;
    for (size_t i = 0; i < relay->of_count; i++)
        for (int32_t p = 0; p < PARTITIONS_MAX; p++) {
            relay->of[i].source[p].waits_for = NULL;
            in_flight_rewind(&relay->of[i].source[p].in_flight);
        }
    if (publisher_open(relay, &err))
        relay_fatal(relay, &err, "no producer");
    else
        reader_fill(relay);
}

static void on_paused(uv_timer_t *timer)
{
    begin_anew(timer->data);
}

/* At once where one failed; one after the other would only load the broker. */
static void begin_anew_in_a_while(struct relay *relay)
{
    uint64_t pause_ms = 0;

    for (int i = 1; i < relay->failures && pause_ms < PAUSE_MAX_MS; i++)
        pause_ms = pause_ms ? 2 * pause_ms : PAUSE_MS;
    uv_timer_start(&relay->pause, on_paused,
                   pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS, 0);
}

static void on_bridge_closed(void *user)
{
    struct relay *relay = user;

    relay->handles_open--;
    destroy(relay);
    if (relay->closing)
        relay_handle_closed(relay);
    else
        begin_anew_in_a_while(relay);
}

/* Until every record is reported: one that was refused may be among them.  Purged each
 * time: a late answer can put records back into the producer's queue. */
static void empty(struct relay *relay)
{
    if (relay->records_in_flight) {
        rd_kafka_purge(relay->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                      RD_KAFKA_PURGE_F_NON_BLOCKING);
        return;
    }
    relay->emptying = false;
    o2c_kafka_bridge_close(&relay->bridge, on_bridge_closed);
}

/*
 * A record was refused, or librdkafka has given its producer up, which an
 * idempotent one can do without need (#4438): begin anew from the cursors.
 */
static void replace(struct relay *relay)
{
    snprintf(relay->failure, sizeof relay->failure, "a record was refused");
    rd_kafka_fatal_error(relay->rk, relay->failure, sizeof relay->failure);
    o2c_log_warn("producer failed: a new one goes on from the cursor",
                 O2C_S("error", relay->failure));
    relay->failures++;
    relay->producing = false;
    relay->emptying = true;
}

/* Where nothing is sent, no acknowledgement tells that the producer works again. */
void publisher_on_second(struct relay *relay)
{
    if (relay->producing && o2c_clock_monotonic_us() - relay->opened_us > SOUND_US)
        relay->failures = 0;
}

void publisher_close(struct relay *relay)
{
    if (!relay->producing && !relay->emptying)
        return; /* being replaced: on_bridge_closed sees `closing` */
    relay->producing = relay->emptying = false;
    o2c_kafka_bridge_close(&relay->bridge, on_bridge_closed);
}

void publisher_clear(struct relay *relay)
{
    while (relay->topic_count)
        free(relay->topic[--relay->topic_count].name);
}
