#include "producers/publish/publisher.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producers/publish/in_flight.h"
#include "runtime/base/clock.h"
#include "runtime/base/hash.h"
#include "runtime/base/stop.h"
#include "runtime/kafka/ask.h"
#include "runtime/kafka/client.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

enum {
    MAX_RENEWALS =
        5, /* producers given up one after the other without an acknowledgement */
    PURGE_MS = 5000,
    SLICE_MS = 100,
};

const struct o2c_publisher_options O2C_PUBLISHER_DEFAULTS = {
    .client_id = "o2c-publish",
    .max_in_flight = 50000,
    .max_in_flight_bytes = 32 << 20,
    .patience_ms = 30000,
    .renewal_pause_ms = 200,
};

struct target {
    const struct o2c_topic *topic;
    char *name; /* with the prefix */
    rd_kafka_topic_t *rkt;
};

struct o2c_publisher {
    struct o2c_publisher_options options;
    rd_kafka_t *rk;
    struct target *targets; /* in the order of o2c_topics */
    const struct o2c_topic *topics;
    size_t topic_count;
    int32_t partition_count;
    struct o2c_in_flight flight;
    int renewals;        /* since the oldest record in flight was acknowledged */
    bool giving_up;      /* reports of a purge: an error says nothing */
    int64_t progress_us; /* last acknowledgement, or when there was nothing to wait for */
    struct o2c_err refused; /* the last record Kafka refused; verdict OK: none */
};

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct o2c_publisher *publisher = opaque;
    struct o2c_parcel *parcel = message->_private;
    (void)rk;
    if (message->err) {
        if (!publisher->giving_up)
            o2c_fail(&publisher->refused, O2C_FATAL, "line %llu: %s",
                     (unsigned long long)parcel->outgoing.line,
                     rd_kafka_err2str(message->err));
        return;
    }
    size_t before = publisher->flight.count;
    publisher->progress_us = o2c_clock_monotonic_us();
    if (publisher->options.on_acked)
        publisher->options.on_acked(publisher->options.user, &parcel->outgoing);
    o2c_in_flight_ack(&publisher->flight, parcel);
    if (publisher->flight.count < before)
        publisher->renewals = 0;
}

static bool is_target(const struct o2c_topic *topic)
{
    return topic->placement == O2C_PLACEMENT_EVERY_PARTITION ||
           (topic->placement == O2C_PLACEMENT_HASH && topic->key == O2C_TOPIC_KEY_ACCOUNT);
}

static enum o2c_verdict configure(rd_kafka_conf_t *conf,
                                  const struct o2c_publisher_options *options,
                                  struct o2c_err *err)
{
    char count[24];
    snprintf(count, sizeof(count), "%zu", options->max_in_flight);
    const char *const rows[][2] = {
        {"enable.idempotence", "true"},
        {"enable.gapless.guarantee", "true"},
        {"acks", "all"},
        {"message.timeout.ms", "0"},
        {"linger.ms", "5"},
        {"compression.type", "lz4"},
        {"queue.buffering.max.messages", count},
        {"queue.buffering.max.kbytes", "2097151"}, /* the ring is the limit */
        {"allow.auto.create.topics", "false"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (o2c_kafka_set(conf, rows[i][0], rows[i][1], err))
            return err->verdict;
    return O2C_OK;
}

static enum o2c_verdict open_topics(struct o2c_publisher *publisher, struct o2c_err *err)
{
    for (size_t i = 0; i < publisher->topic_count; i++) {
        struct target *target = &publisher->targets[i];
        if (!is_target(target->topic))
            continue;
        target->rkt = rd_kafka_topic_new(publisher->rk, target->name, NULL);
        if (!target->rkt)
            return o2c_kafka_fail(err, rd_kafka_last_error(), target->name);
    }
    return O2C_OK;
}

static enum o2c_verdict open_producer(struct o2c_publisher *publisher, struct o2c_err *err)
{
    rd_kafka_conf_t *conf;
    char text[O2C_ERR_TEXT];
    if (o2c_kafka_conf(&conf, publisher->options.kafka, publisher->options.client_id, err))
        return err->verdict;
    if (configure(conf, &publisher->options, err)) {
        rd_kafka_conf_destroy(conf);
        return err->verdict;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_opaque(conf, publisher);
    publisher->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (!publisher->rk) {
        rd_kafka_conf_destroy(conf);
        return o2c_fail(err, O2C_FATAL, "%s", text);
    }
    return O2C_OK;
}

/* Nothing of what is in flight is reported after this. */
static void close_producer(struct o2c_publisher *publisher)
{
    if (!publisher->rk)
        return;
    publisher->giving_up = true;
    (void)rd_kafka_purge(publisher->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_flush(publisher->rk, PURGE_MS);
    publisher->giving_up = false;
    for (size_t i = 0; i < publisher->topic_count; i++)
        if (publisher->targets[i].rkt) {
            rd_kafka_topic_destroy(publisher->targets[i].rkt);
            publisher->targets[i].rkt = NULL;
        }
    rd_kafka_destroy(publisher->rk);
    publisher->rk = NULL;
}

static const rd_kafka_metadata_topic_t *described(const struct rd_kafka_metadata *metadata,
                                                  const char *name)
{
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (strcmp(metadata->topics[i].topic, name) == 0 && !metadata->topics[i].err)
            return &metadata->topics[i];
    return NULL;
}

static enum o2c_verdict check_counts(struct o2c_publisher *publisher,
                                     const struct rd_kafka_metadata *metadata,
                                     struct o2c_err *err)
{
    const struct target *first = NULL;
    for (size_t i = 0; i < publisher->topic_count; i++) {
        const struct target *target = &publisher->targets[i];
        if (!is_target(target->topic))
            continue;
        const rd_kafka_metadata_topic_t *found = described(metadata, target->name);
        if (!found)
            return o2c_fail(err, O2C_FATAL,
                            "topic %s does not exist; run `o2c topics create` first",
                            target->name);
        if (!first) {
            first = target;
            publisher->partition_count = found->partition_cnt;
        }
        if (found->partition_cnt != publisher->partition_count)
            return o2c_fail(err, O2C_FATAL,
                            "topic %s has %d partitions, %s has %d: all must have the same "
                            "number",
                            target->name, found->partition_cnt, first->name,
                            publisher->partition_count);
    }
    return O2C_OK;
}

static enum o2c_verdict check_topics(struct o2c_publisher *publisher, struct o2c_err *err)
{
    const struct rd_kafka_metadata *metadata;
    int patience_ms = publisher->options.patience_ms;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TRANSPORT;
    if (!o2c_kafka_await(publisher->rk, patience_ms, err))
        code = o2c_kafka_ask_topics(publisher->rk, &metadata, patience_ms);
    if (code && o2c_stopped())
        return o2c_fail(err, O2C_RETRY, "interrupted");
    if (code)
        return o2c_fail(err, O2C_RETRY, "Kafka at %s cannot be reached: %s",
                        publisher->options.kafka->bootstrap, rd_kafka_err2str(code));
    enum o2c_verdict verdict = check_counts(publisher, metadata, err);
    rd_kafka_metadata_destroy(metadata);
    return verdict;
}

static bool name_targets(struct o2c_publisher *publisher)
{
    publisher->topics = o2c_topics(&publisher->topic_count);
    publisher->targets = calloc(publisher->topic_count, sizeof(*publisher->targets));
    for (size_t i = 0; publisher->targets && i < publisher->topic_count; i++) {
        struct target *target = &publisher->targets[i];
        target->topic = &publisher->topics[i];
        if (asprintf(&target->name, "%s%s", publisher->options.kafka->topic_prefix,
                     target->topic->name) < 0) {
            target->name = NULL;
            return false;
        }
    }
    return publisher->targets;
}

enum o2c_verdict o2c_publisher_open(struct o2c_publisher **ret_publisher,
                                    const struct o2c_publisher_options *options,
                                    struct o2c_err *err)
{
    struct o2c_publisher *publisher = calloc(1, sizeof(*publisher));
    if (!publisher)
        return o2c_fail(err, O2C_FATAL, "no memory");
    publisher->options = *options;
    publisher->progress_us = o2c_clock_monotonic_us();
    if (!name_targets(publisher) ||
        !o2c_in_flight_init(&publisher->flight, options->max_in_flight,
                            options->max_in_flight_bytes))
        o2c_fail(err, O2C_FATAL, "no memory for %zu bytes in flight",
                 options->max_in_flight_bytes);
    else if (!open_producer(publisher, err) && !check_topics(publisher, err) &&
             !open_topics(publisher, err)) {
        *ret_publisher = publisher;
        return O2C_OK;
    }
    o2c_publisher_close(publisher);
    return err->verdict;
}

void o2c_publisher_close(struct o2c_publisher *publisher)
{
    if (!publisher)
        return;
    close_producer(publisher);
    for (size_t i = 0; publisher->targets && i < publisher->topic_count; i++)
        free(publisher->targets[i].name);
    free(publisher->targets);
    o2c_in_flight_clear(&publisher->flight);
    free(publisher);
}

static rd_kafka_headers_t *headers_of(const struct o2c_outgoing *out, const char *run)
{
    const struct {
        const char *name;
        struct o2c_str value;
    } rows[] = {
        {"ce_specversion", O2C_STR("1.0")},
        {"ce_id", out->id},
        {"ce_type", o2c_str_from(out->type->name)},
        {"ce_source", out->source},
        {"ce_time", out->time},
        {"ce_subject", out->key},
        {"content-type", O2C_STR("application/avro")},
        {"o2c_run", o2c_str_from(run)},
        {"o2c_line", out->place},
    };
    enum {
        ROW_COUNT = sizeof(rows) / sizeof(rows[0])
    };
    rd_kafka_headers_t *headers = rd_kafka_headers_new(ROW_COUNT);
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].value.len) /* an event about no account has no subject, and so on */
            rd_kafka_header_add(headers, rows[i].name, -1, rows[i].value.at,
                                (ssize_t)rows[i].value.len);
    return headers;
}

/*
 * librdkafka's own code: 0, or why it did not take the record.  A producer that
 * it has given up answers with the reason for that; here it is always __FATAL.
 */
static rd_kafka_resp_err_t produce(struct o2c_publisher *publisher,
                                   struct o2c_parcel *parcel)
{
    const struct o2c_outgoing *out = &parcel->outgoing;
    const struct target *target = &publisher->targets[out->type->topic - publisher->topics];
    rd_kafka_headers_t *headers = headers_of(out, publisher->options.run);
    int32_t partition = out->placed
                            ? out->partition
                            : o2c_hash_partition(out->key, publisher->partition_count);
    assert(target->rkt && (out->placed || out->key.len));
    /* the API wants pointers to what it does not change */
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = target->rkt},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {out->key.len ? (void *)(uintptr_t)out->key.at : NULL, out->key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {(void *)(uintptr_t)out->value.at, out->value.len}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = 0},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = parcel},
    };
    rd_kafka_error_t *error =
        rd_kafka_produceva(publisher->rk, parts, sizeof(parts) / sizeof(parts[0]));
    if (!error)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(headers);
    return rd_kafka_fatal_error(publisher->rk, NULL, 0) ? RD_KAFKA_RESP_ERR__FATAL : code;
}

static enum o2c_verdict resend(struct o2c_publisher *publisher, struct o2c_err *err)
{
    for (size_t i = 0; i < publisher->flight.count; i++) {
        struct o2c_parcel *parcel = o2c_in_flight_at(&publisher->flight, i);
        rd_kafka_resp_err_t code = parcel->acked ? 0 : produce(publisher, parcel);
        if (code && code != RD_KAFKA_RESP_ERR__FATAL)
            return o2c_kafka_fail(err, code, "sending again");
        if (code)
            return O2C_OK; /* the next round begins anew */
    }
    return O2C_OK;
}

/* A new producer in place of one that librdkafka has given up. */
static enum o2c_verdict renew(struct o2c_publisher *publisher, const char *why,
                              struct o2c_err *err)
{
    if (publisher->renewals == MAX_RENEWALS)
        return o2c_fail(err, O2C_FATAL, "Kafka refuses for good: %s", why);
    /* before the old one is closed: its last reports may set renewals to 0 */
    int pause_ms = publisher->options.renewal_pause_ms << publisher->renewals++;
    publisher->refused.verdict = O2C_OK;
    close_producer(publisher);
    if (open_producer(publisher, err) || open_topics(publisher, err))
        return err->verdict;
    rd_kafka_poll(publisher->rk, pause_ms);
    return resend(publisher, err);
}

/* Takes reports for at most wait_ms and renews the producer where needed. */
static enum o2c_verdict serve(struct o2c_publisher *publisher, int wait_ms,
                              struct o2c_err *err)
{
    char why[O2C_ERR_TEXT];
    rd_kafka_poll(publisher->rk, wait_ms);
    bool fatal = rd_kafka_fatal_error(publisher->rk, why, sizeof(why));
    if (publisher->refused.verdict) /* says more: the line and the broker's own reason */
        snprintf(why, sizeof(why), "%s", publisher->refused.text);
    else if (!fatal)
        return O2C_OK;
    return renew(publisher, why, err);
}

/* Takes what has come meanwhile before it judges the silence. */
static enum o2c_verdict wait_a_little(struct o2c_publisher *publisher, struct o2c_err *err)
{
    if (serve(publisher, SLICE_MS, err))
        return err->verdict;
    int64_t silent_us = o2c_clock_monotonic_us() - publisher->progress_us;
    if (silent_us > (int64_t)publisher->options.patience_ms * 1000)
        return o2c_fail(err, O2C_RETRY,
                        "Kafka at %s has not answered for %d s; %zu records are not "
                        "acknowledged",
                        publisher->options.kafka->bootstrap,
                        publisher->options.patience_ms / 1000, publisher->flight.not_acked);
    return O2C_OK;
}

static enum o2c_verdict wait_for_room(struct o2c_publisher *publisher,
                                      const struct o2c_outgoing *outgoing,
                                      struct o2c_parcel **ret_parcel, struct o2c_err *err)
{
    while (!(*ret_parcel = o2c_in_flight_push(&publisher->flight, outgoing))) {
        if (!publisher->flight.count)
            return o2c_fail(err, O2C_PARK, "the event is too large (%zu bytes)",
                            o2c_outgoing_bytes(outgoing));
        if (o2c_stopped())
            return o2c_fail(err, O2C_RETRY, "interrupted");
        if (wait_a_little(publisher, err))
            return err->verdict;
    }
    return O2C_OK;
}

enum o2c_verdict o2c_publisher_send(struct o2c_publisher *publisher,
                                    const struct o2c_outgoing *outgoing,
                                    struct o2c_err *err)
{
    struct o2c_parcel *parcel;
    if (!publisher->flight.count)
        publisher->progress_us = o2c_clock_monotonic_us();
    if (serve(publisher, 0, err) || wait_for_room(publisher, outgoing, &parcel, err))
        return err->verdict;
    rd_kafka_resp_err_t code = produce(publisher, parcel);
    if (!code)
        return O2C_OK;
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        return serve(publisher, 0, err); /* the ring is sent again, this parcel with it */
    o2c_in_flight_unpush(&publisher->flight);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return o2c_fail(err, O2C_PARK, "the event is too large (%zu bytes)",
                        outgoing->value.len);
    return o2c_kafka_fail(err, code, "sending");
}

enum o2c_verdict o2c_publisher_flush(struct o2c_publisher *publisher, int timeout_ms,
                                     struct o2c_err *err)
{
    int64_t until_us = o2c_clock_monotonic_us() + (int64_t)timeout_ms * 1000;
    while (publisher->flight.count) {
        if (timeout_ms >= 0 && o2c_clock_monotonic_us() > until_us)
            return o2c_fail(err, O2C_RETRY, "%zu records are not acknowledged",
                            publisher->flight.not_acked);
        if (timeout_ms < 0 && o2c_stopped())
            return o2c_fail(err, O2C_RETRY, "interrupted");
        if (wait_a_little(publisher, err))
            return err->verdict;
    }
    return O2C_OK;
}

size_t o2c_publisher_in_flight(const struct o2c_publisher *publisher)
{
    return publisher->flight.not_acked;
}

uint64_t o2c_publisher_acked_line(const struct o2c_publisher *publisher)
{
    return publisher->flight.acked_line;
}
