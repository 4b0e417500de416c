#include "producers/clock/days.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producers/publish/outgoing.h"
#include "producers/publish/publisher.h"
#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/base/stop.h"
#include "runtime/kafka/ask.h"
#include "runtime/kafka/client.h"
#include "runtime/kafka/offsets.h"
#include "schemas/events.h"
#include "schemas/units/time.h"
#include "schemas/wire/json.h"

#include "runtime/base/banned.h"

enum {
    ASK_TIMEOUT_MS = 10000,
    LAST_RECORDS = 20, /* enough to find a day among what else may stand there */
    EVENT_MAX_BYTES = 1 << 16
};

static const char topic[] = "o2c.clock";
static const char source[] = "o2c-clock";

struct o2c_days {
    const struct o2c_kafka_settings *kafka;
    struct o2c_publisher *publisher;
    rd_kafka_t *rk; /* reads ends and the last days; of no group */
    char *name;     /* of the topic, with the prefix */
    int32_t partition_count;
    int32_t *last;                         /* [partition]: the last day that stands there */
    rd_kafka_topic_partition_list_t *ends; /* of all topics, partition by partition */
    const struct o2c_topic **ended;        /* [element of ends]: which topic */
    struct o2c_arena arena;                /* of the day that begins */
    struct o2c_arena copy;                 /* of its copy for one partition */
    struct o2c_buf bytes;
};

static void *must(void *at)
{
    if (!at)
        abort();
    return at;
}

/* ---- opening */

/* isolation.level read_committed: ends are those that a consumer of ours reaches. */
static enum o2c_verdict open_reader(struct o2c_days *days, struct o2c_err *err)
{
    static const char *const rows[][2] = {
        {"group.id", "o2c-tools"},
        {"enable.auto.commit", "false"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "earliest"},
        {"isolation.level", "read_committed"},
        {"fetch.wait.max.ms", "10"},
    };
    rd_kafka_conf_t *conf;
    char text[O2C_ERR_TEXT];

    if (o2c_kafka_conf(&conf, days->kafka, source, err))
        return err->verdict;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (o2c_kafka_set(conf, rows[i][0], rows[i][1], err)) {
            rd_kafka_conf_destroy(conf);
            return err->verdict;
        }
    days->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!days->rk) {
        rd_kafka_conf_destroy(conf);
        return o2c_fail(err, O2C_FATAL, "Kafka client: %s", text);
    }
    rd_kafka_poll_set_consumer(days->rk);
    return O2C_OK;
}

static void add_topic(struct o2c_days *days, const struct o2c_topic *of, const char *name)
{
    for (int32_t p = 0; p < days->partition_count; p++) {
        days->ended[days->ends->cnt] = of;
        rd_kafka_topic_partition_list_add(days->ends, name, p);
    }
}

/* Every topic of the contract that is there with as many partitions as the clock. */
static enum o2c_verdict list_topics(struct o2c_days *days, struct o2c_err *err)
{
    size_t count;
    const struct o2c_topic *topics = o2c_topics(&count);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = o2c_kafka_ask_topics(days->rk, &metadata, ASK_TIMEOUT_MS);
    char name[512];

    if (code)
        return o2c_kafka_fail(err, code, "metadata");
    days->ended =
        must(calloc(count * (size_t)days->partition_count + 1, sizeof *days->ended));
    days->ends = rd_kafka_topic_partition_list_new(64);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s%s", days->kafka->topic_prefix, topics[i].name);
        for (int m = 0; m < metadata->topic_cnt && strcmp(topics[i].name, topic) != 0; m++)
            if (!strcmp(metadata->topics[m].topic, name) && !metadata->topics[m].err &&
                metadata->topics[m].partition_cnt == days->partition_count)
                add_topic(days, &topics[i], name);
    }
    rd_kafka_metadata_destroy(metadata);
    return O2C_OK;
}

static void note_day(struct o2c_days *days, const rd_kafka_message_t *message)
{
    struct o2c_str value = {message->payload, message->len};
    struct o2c_event event;
    struct o2c_err err;

    o2c_arena_reset(&days->arena);
    if (value.at && !o2c_event_decode(value, &days->arena, &event, &err) &&
        event.type == O2C_BUSINESS_DAY_STARTED &&
        event.business_day_started->business_date > days->last[message->partition])
        days->last[message->partition] = event.business_day_started->business_date;
}

/* Where the last records of each partition begin.  By number: offsets.h says why. */
static enum o2c_verdict find_last_records(struct o2c_days *days,
                                          rd_kafka_topic_partition_list_t *list,
                                          struct o2c_err *err)
{
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(list);
    enum o2c_verdict verdict = o2c_kafka_ends(days->rk, ends, ASK_TIMEOUT_MS, err);

    if (!verdict)
        verdict = o2c_kafka_begins(days->rk, list, ASK_TIMEOUT_MS, err);
    for (int i = 0; !verdict && i < list->cnt; i++)
        if (list->elems[i].offset < ends->elems[i].offset - LAST_RECORDS)
            list->elems[i].offset = ends->elems[i].offset - LAST_RECORDS;
    rd_kafka_topic_partition_list_destroy(ends);
    return verdict;
}

static enum o2c_verdict read_last_days(struct o2c_days *days, struct o2c_err *err)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(days->partition_count);
    int64_t deadline = o2c_clock_monotonic_us() + ASK_TIMEOUT_MS * INT64_C(1000);
    int32_t open = days->partition_count;
    rd_kafka_resp_err_t code;

    for (int32_t p = 0; p < days->partition_count; p++)
        rd_kafka_topic_partition_list_add(list, days->name, p);
    if (find_last_records(days, list, err)) {
        rd_kafka_topic_partition_list_destroy(list);
        return err->verdict;
    }
    code = rd_kafka_assign(days->rk, list);
    while (!code && open > 0) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(days->rk, 100);

        if (!message && (o2c_stopped() || o2c_clock_monotonic_us() > deadline))
            code = RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (!message)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            open -= o2c_kafka_ended(list, message);
        else if (message->err)
            code = message->err;
        else
            note_day(days, message);
        rd_kafka_message_destroy(message);
    }
    (void)rd_kafka_assign(days->rk, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? o2c_kafka_fail(err, code, days->name) : O2C_OK;
}

enum o2c_verdict o2c_days_open(struct o2c_days **ret_days,
                               const struct o2c_kafka_settings *kafka,
                               struct o2c_publisher *publisher, struct o2c_err *err)
{
    struct o2c_days *days = must(calloc(1, sizeof *days));

    days->kafka = kafka;
    days->publisher = publisher;
    if (asprintf(&days->name, "%s%s", kafka->topic_prefix, topic) < 0)
        abort();
    o2c_arena_init(&days->arena, O2C_EVENT_MAX_ARENA_BYTES);
    o2c_arena_init(&days->copy, O2C_EVENT_MAX_ARENA_BYTES);
    o2c_buf_init(&days->bytes, EVENT_MAX_BYTES);
    err->verdict = O2C_OK;
    if (!open_reader(days, err) &&
        !o2c_kafka_partition_count(days->rk, days->name, ASK_TIMEOUT_MS,
                                   &days->partition_count, err) &&
        !days->partition_count)
        o2c_fail(err, O2C_FATAL, "topic %s does not exist; run `o2c topics create` first",
                 days->name);
    if (!err->verdict) {
        assert(days->partition_count > 0);
        days->last = must(calloc((size_t)days->partition_count, sizeof *days->last));
        for (int32_t p = 0; p < days->partition_count; p++)
            days->last[p] = O2C_DAYS_NEVER;
        if (!list_topics(days, err) && !read_last_days(days, err)) {
            *ret_days = days;
            return O2C_OK;
        }
    }
    o2c_days_close(days);
    return err->verdict;
}

void o2c_days_close(struct o2c_days *days)
{
    if (!days)
        return;
    if (days->ends)
        rd_kafka_topic_partition_list_destroy(days->ends);
    if (days->rk)
        rd_kafka_destroy_flags(days->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    o2c_arena_clear(&days->arena);
    o2c_arena_clear(&days->copy);
    o2c_buf_clear(&days->bytes);
    free(days->ended);
    free(days->last);
    free(days->name);
    free(days);
}

int32_t o2c_days_last(const struct o2c_days *days)
{
    int32_t last = days->last[0];

    for (int32_t p = 1; p < days->partition_count; p++)
        if (days->last[p] < last)
            last = days->last[p];
    return last;
}

/* ---- beginning a day */

/* The cut of one partition. */
static void set_cut(struct o2c_days *days, int32_t partition,
                    struct o2c_business_day_started *day)
{
    size_t count = (size_t)(days->ends->cnt / days->partition_count), n = 0;
    struct o2c_cut_end *cut = must(o2c_arena_alloc(&days->copy, (count + 1) * sizeof *cut));

    for (int i = 0; i < days->ends->cnt; i++)
        if (days->ends->elems[i].partition == partition)
            cut[n++] = (struct o2c_cut_end){o2c_str_from(days->ended[i]->name),
                                            days->ends->elems[i].offset};
    day->cut = cut;
    day->cut_count = n;
}

static enum o2c_verdict write_day(struct o2c_days *days, int32_t partition,
                                  const struct o2c_business_day_started *day,
                                  struct o2c_err *err)
{
    struct o2c_business_day_started whole = *day;
    struct o2c_event event = o2c_event_of(O2C_BUSINESS_DAY_STARTED, &whole);
    struct o2c_outgoing outgoing;

    o2c_arena_reset(&days->copy);
    set_cut(days, partition, &whole);
    if (o2c_outgoing_make(&event, &days->copy, &days->bytes, &outgoing, err))
        return err->verdict;
    outgoing.placed = true;
    outgoing.partition = partition;
    return o2c_publisher_send(days->publisher, &outgoing, err);
}

enum o2c_verdict o2c_days_start(struct o2c_days *days,
                                const struct o2c_business_day_started *day,
                                struct o2c_err *err)
{
    if (day->business_date <= o2c_days_last(days))
        return O2C_OK;
    if (o2c_publisher_flush(days->publisher, -1, err) ||
        o2c_kafka_ends(days->rk, days->ends, ASK_TIMEOUT_MS, err))
        return err->verdict;
    for (int32_t p = 0; p < days->partition_count; p++)
        if (days->last[p] < day->business_date && write_day(days, p, day, err))
            return err->verdict;
    if (o2c_publisher_flush(days->publisher, -1, err))
        return err->verdict;
    for (int32_t p = 0; p < days->partition_count; p++)
        if (days->last[p] < day->business_date)
            days->last[p] = day->business_date;
    return O2C_OK;
}

enum o2c_verdict o2c_days_start_date(struct o2c_days *days, int32_t date,
                                     const char *calendar, bool late, struct o2c_err *err)
{
    struct o2c_json_given given = {o2c_str_from(source), o2c_clock_utc_us()};
    char text[O2C_DATE_TEXT + 1];
    enum o2c_verdict verdict;
    struct o2c_event event;
    json_t *object;

    o2c_date_format(date, text);
    object =
        must(json_pack("{ss ss}", "type", "BusinessDayStarted", "business_date", text));
    if (calendar && json_object_set_new(object, "calendar", json_string(calendar)))
        abort();
    if (late && json_object_set_new(object, "late", json_true()))
        abort();
    o2c_arena_reset(&days->arena);
    verdict = o2c_event_from_json(object, &given, &days->arena, NULL, NULL, &event, err);
    if (!verdict)
        verdict = o2c_days_start(days, event.business_day_started, err);
    json_decref(object);
    return verdict;
}
