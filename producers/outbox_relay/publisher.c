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
    NO_BITS = 48 /* of an opaque: the outbox number; above it which source */
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

static struct known_topic *known_topic(struct relay *relay, struct o2c_str name)
{
    struct known_topic *topic;
    char full[256];

    for (size_t i = 0; i < relay->topic_count; i++)
        if (o2c_str_eq(o2c_str_from(relay->topic[i].name), name))
            return &relay->topic[i];
    if (relay->topic_count == TOPICS_MAX)
        return NULL;
    topic = &relay->topic[relay->topic_count];
    topic->name = strndup(name.at, name.len);
    snprintf(full, sizeof full, "%s%.*s", relay->settings->kafka.topic_prefix,
             O2C_STR_ARG(name));
    topic->handle = rd_kafka_topic_new(relay->rk, full, NULL);
    if (!topic->name || !topic->handle)
        return NULL;
    topic->published = relay_metrics_published(relay, topic->name);
    relay->topic_count++;
    return topic;
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

enum o2c_verdict publisher_send(struct source *source, const struct outgoing *row,
                                struct o2c_err *err)
{
    struct relay *relay = source->of->relay;
    struct known_topic *topic = known_topic(relay, row->topic);
    rd_kafka_headers_t *headers;
    rd_kafka_resp_err_t code;

    if (!topic)
        return o2c_fail(err, O2C_FATAL, "too many topics");
    headers = headers_of(source, row);
    code = rd_kafka_producev(
        relay->rk, RD_KAFKA_V_RKT(topic->handle),
        RD_KAFKA_V_PARTITION(row->target_partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(row->key.at, row->key.len),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)row->value.at, row->value.len),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque_of(source, row->outbox_no)),
        RD_KAFKA_V_END);
    if (code) {
        rd_kafka_headers_destroy(headers);
        o2c_kafka_fail(err, code, "produce");
        /* of a producer that librdkafka has given up nothing is lost: replace() follows */
        return rd_kafka_fatal_error(relay->rk, NULL, 0) ? O2C_RETRY : err->verdict;
    }
    if (++relay->records_in_flight == SWOLLEN_RECORDS)
        o2c_heap_swell(&relay->heap);
    relay->bytes_in_flight += (int64_t)row->value.len;
    o2c_series_add(topic->published, 1);
    return O2C_OK;
}

/* ---- delivery reports */

static void replace(struct relay *relay);

static void take_report(struct relay *relay, const rd_kafka_message_t *message)
{
    int64_t no;
    struct source *source = source_of(relay, message->_private, &no);
    struct o2c_err err;

    relay->records_in_flight--;
    relay->bytes_in_flight -= (int64_t)message->len;
    if (message->err) {
        if (rd_kafka_fatal_error(relay->rk, NULL, 0))
            return; /* a new producer sends it again */
        o2c_kafka_fail(&err, message->err, rd_kafka_topic_name(message->rkt));
        source->stopped = true;
        o2c_log_error("a decision was refused by Kafka: its outbox is stopped "
                      "(docs/operations.md, outbox stopped)",
                      O2C_S("consumer", source->of->consumer),
                      O2C_I("partition", source->partition), O2C_I("outbox_no", no),
                      O2C_S("error", err.text));
        return;
    }
    if (in_flight_acked(&source->in_flight, no))
        source->unsent_since_us =
            source->given > source->in_flight.acked_no ? o2c_clock_monotonic_us() : 0;
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

static void on_ready(void *user)
{
    struct relay *relay = user;
    rd_kafka_event_t *event;

    while (relay->producing && (event = rd_kafka_queue_poll(relay->queue, 0)))
        take_event(relay, event);
    if (relay->producing && rd_kafka_fatal_error(relay->rk, NULL, 0))
        replace(relay);
    claims_store(relay);
    reader_fill(relay);
    relay_stop_step(relay);
}

/* ---- the producer's life */

enum o2c_verdict publisher_open(struct relay *relay, struct o2c_err *err)
{
    static const char *const fixed[][2] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"message.timeout.ms", "0"},
        {"max.in.flight", "5"},
        {"linger.ms", "1"},
        {"batch.num.messages", "10000"},
        {"message.max.bytes", "8388608"},
        {"queue.buffering.max.messages", "50000"},
        {"queue.buffering.max.kbytes", "131072"},
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
    return O2C_OK;
}

static void destroy(struct relay *relay)
{
    for (size_t i = 0; i < relay->topic_count; i++) {
        rd_kafka_topic_destroy(relay->topic[i].handle);
        free(relay->topic[i].name);
    }
    relay->topic_count = 0;
    rd_kafka_purge(relay->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_queue_destroy(relay->queue);
    rd_kafka_destroy(relay->rk);
    relay->rk = NULL;
}

static void on_bridge_closed(void *user)
{
    struct relay *relay = user;
    struct o2c_err err;

    relay->handles_open--;
    destroy(relay);
    if (relay->closing) {
        relay_handle_closed(relay);
        return;
    }
    relay->records_in_flight = relay->bytes_in_flight = 0;
    for (size_t i = 0; i < relay->of_count; i++)
        for (int32_t p = 0; p < PARTITIONS_MAX; p++)
            in_flight_rewind(&relay->of[i].source[p].in_flight);
    if (publisher_open(relay, &err))
        relay_fatal(relay, &err, "no producer");
    else
        reader_fill(relay);
}

/* An idempotent producer can report a false fatal (librdkafka #4438): begin anew from the
 * cursor. */
static void replace(struct relay *relay)
{
    char text[O2C_ERR_TEXT];

    rd_kafka_fatal_error(relay->rk, text, sizeof text);
    o2c_log_warn("producer failed: a new one goes on from the cursor",
                 O2C_S("error", text));
    relay->producing = false;
    o2c_kafka_bridge_close(&relay->bridge, on_bridge_closed);
}

void publisher_close(struct relay *relay)
{
    if (!relay->producing)
        return; /* being replaced: on_bridge_closed sees `closing` */
    relay->producing = false;
    o2c_kafka_bridge_close(&relay->bridge, on_bridge_closed);
}
