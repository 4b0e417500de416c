#include "runtime/kafka/offsets.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/base/clock.h"
#include "runtime/kafka/ask.h"
#include "runtime/kafka/client.h"

#include "runtime/base/banned.h"

enum {
    LOOK_AGAIN_MS = 20,
    CONFIG_MAX_BYTES = 512
};

/*
 * Of all topics: asking a broker for one that does not exist would create it
 * where auto.create.topics.enable is on (a producer's client cannot say no).
 */
static enum o2c_verdict read_metadata(rd_kafka_t *rk, int timeout_ms,
                                      const struct rd_kafka_metadata **ret_metadata,
                                      struct o2c_err *err)
{
    rd_kafka_resp_err_t code = o2c_kafka_ask_topics(rk, ret_metadata, timeout_ms);
    return code ? o2c_kafka_fail(err, code, "topics") : O2C_OK;
}

static const rd_kafka_metadata_topic_t *find(const struct rd_kafka_metadata *metadata,
                                             const char *name)
{
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const rd_kafka_metadata_topic_t *topic = &metadata->topics[i];
        if (strcmp(topic->topic, name) == 0)
            return topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? NULL : topic;
    }
    return NULL;
}

enum o2c_verdict o2c_kafka_partition_count(rd_kafka_t *rk, const char *topic,
                                           int timeout_ms, int32_t *ret_count,
                                           struct o2c_err *err)
{
    const struct rd_kafka_metadata *metadata;
    if (read_metadata(rk, timeout_ms, &metadata, err))
        return o2c_fail_in(err, "%s", topic);
    const rd_kafka_metadata_topic_t *found = find(metadata, topic);
    *ret_count = found ? found->partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    return O2C_OK;
}

struct request {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    int64_t deadline_us;
};

static int ms_left(int64_t deadline_us)
{
    int64_t left_us = deadline_us - o2c_clock_monotonic_us();
    return left_us < 1000 ? 1 : (int)(left_us / 1000);
}

static enum o2c_verdict request_open(struct request *request, rd_kafka_t *rk,
                                     rd_kafka_admin_op_t operation, int64_t deadline_us,
                                     struct o2c_err *err)
{
    char words[128];
    *request = (struct request){.rk = rk, .deadline_us = deadline_us};
    request->options = rd_kafka_AdminOptions_new(rk, operation);
    request->queue = rd_kafka_queue_new(rk);
    int timeout_ms = ms_left(deadline_us);
    rd_kafka_resp_err_t code = rd_kafka_AdminOptions_set_request_timeout(
        request->options, timeout_ms, words, sizeof words);
    if (!code)
        code = rd_kafka_AdminOptions_set_operation_timeout(request->options, timeout_ms,
                                                           words, sizeof words);
    return code ? o2c_kafka_fail(err, code, words) : O2C_OK;
}

static void request_close(struct request *request)
{
    rd_kafka_queue_destroy(request->queue);
    rd_kafka_AdminOptions_destroy(request->options);
}

/* Results of what was asked for already are no failure. */
static enum o2c_verdict judge(const rd_kafka_topic_result_t *const *results, size_t count,
                              rd_kafka_resp_err_t harmless, const char *what,
                              struct o2c_err *err)
{
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        const char *words = rd_kafka_topic_result_error_string(results[i]);
        if (!code || code == harmless)
            continue;
        o2c_kafka_fail(err, code, words ? words : what);
        return o2c_fail_in(err, "%s %s", what, rd_kafka_topic_result_name(results[i]));
    }
    return O2C_OK;
}

static enum o2c_verdict await_result(struct request *request, const char *what,
                                     rd_kafka_event_t **ret_event, struct o2c_err *err)
{
    rd_kafka_event_t *event =
        rd_kafka_queue_poll(request->queue, ms_left(request->deadline_us) + 1000);
    if (!event)
        return o2c_kafka_fail(err, RD_KAFKA_RESP_ERR__TIMED_OUT, what);
    if (rd_kafka_event_error(event)) {
        o2c_kafka_fail(err, rd_kafka_event_error(event),
                       rd_kafka_event_error_string(event));
        o2c_fail_in(err, "%s", what);
        rd_kafka_event_destroy(event);
        return err->verdict;
    }
    *ret_event = event;
    return O2C_OK;
}

/* "name=value,name=value"; a part without '=' belongs to the value before it. */
static enum o2c_verdict set_config(rd_kafka_NewTopic_t *topic, const char *config,
                                   struct o2c_err *err)
{
    char text[CONFIG_MAX_BYTES];
    size_t len = strlen(config);
    if (len >= sizeof text)
        return o2c_fail(err, O2C_FATAL, "topic configuration is too long: %.60s", config);
    memcpy(text, config, len + 1);
    for (char *name = text; *name;) {
        char *value = strchr(name, '=');
        if (!value)
            return o2c_fail(err, O2C_FATAL, "topic configuration: %s is not name=value",
                            name);
        *value++ = '\0';
        char *end = value + strcspn(value, ",");
        while (*end && end[1 + strcspn(end + 1, ",=")] != '=')
            end += 1 + strcspn(end + 1, ",");
        char *next = *end ? end + 1 : end;
        *end = '\0';
        rd_kafka_resp_err_t code = rd_kafka_NewTopic_set_config(topic, name, value);
        if (code)
            return o2c_kafka_fail(err, code, name);
        name = next;
    }
    return O2C_OK;
}

static enum o2c_verdict new_topic(const struct o2c_kafka_new_topic *wanted,
                                  rd_kafka_NewTopic_t **ret_topic, struct o2c_err *err)
{
    char words[160] = "needs a partition count";
    rd_kafka_NewTopic_t *topic =
        wanted->partition_count < 1
            ? NULL
            : rd_kafka_NewTopic_new(wanted->name, wanted->partition_count,
                                    wanted->replication, words, sizeof words);
    if (!topic)
        return o2c_fail(err, O2C_FATAL, "topic %s: %s", wanted->name, words);
    if (set_config(topic, wanted->config ? wanted->config : "", err)) {
        rd_kafka_NewTopic_destroy(topic);
        return o2c_fail_in(err, "topic %s", wanted->name);
    }
    *ret_topic = topic;
    return O2C_OK;
}

static enum o2c_verdict send_create(struct request *request, rd_kafka_NewTopic_t **topics,
                                    size_t count, struct o2c_err *err)
{
    rd_kafka_event_t *event = NULL;
    rd_kafka_CreateTopics(request->rk, topics, count, request->options, request->queue);
    if (await_result(request, "creating topics", &event, err))
        return err->verdict;
    const rd_kafka_CreateTopics_result_t *result =
        rd_kafka_event_CreateTopics_result(event);
    size_t result_count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(result, &result_count);
    enum o2c_verdict verdict =
        judge(results, result_count, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS,
              "creating topic", err);
    rd_kafka_event_destroy(event);
    return verdict;
}

/* Asks for those that `metadata` does not show. */
static enum o2c_verdict create_missing(rd_kafka_t *rk,
                                       const struct rd_kafka_metadata *metadata,
                                       const struct o2c_kafka_new_topic *wanted,
                                       size_t wanted_count, int64_t deadline_us,
                                       struct o2c_err *err)
{
    struct request request;
    size_t count = 0;
    rd_kafka_NewTopic_t **topics = calloc(wanted_count, sizeof *topics);
    if (!topics)
        return o2c_fail(err, O2C_FATAL, "no memory for %zu topics", wanted_count);
    enum o2c_verdict verdict =
        request_open(&request, rk, RD_KAFKA_ADMIN_OP_CREATETOPICS, deadline_us, err);
    for (size_t i = 0; !verdict && i < wanted_count; i++)
        if (!find(metadata, wanted[i].name)) {
            verdict = new_topic(&wanted[i], &topics[count], err);
            count += verdict == O2C_OK;
        }
    if (!verdict && count)
        verdict = send_create(&request, topics, count, err);
    rd_kafka_NewTopic_destroy_array(topics, count);
    free(topics);
    request_close(&request);
    return verdict;
}

/* Whether all are there, each partition with a leader.  FATAL: another count. */
static enum o2c_verdict look(const struct rd_kafka_metadata *metadata,
                             const struct o2c_kafka_new_topic *wanted, size_t wanted_count,
                             bool *ret_complete, struct o2c_err *err)
{
    bool complete = true;
    for (size_t i = 0; i < wanted_count; i++) {
        const rd_kafka_metadata_topic_t *topic = find(metadata, wanted[i].name);
        if (!topic || topic->err) {
            complete = false;
            continue;
        }
        if (topic->partition_cnt != wanted[i].partition_count)
            return o2c_fail(err, O2C_FATAL, "topic %s has %d partitions, not %d",
                            wanted[i].name, topic->partition_cnt,
                            (int)wanted[i].partition_count);
        for (int p = 0; p < topic->partition_cnt; p++)
            if (topic->partitions[p].leader < 0)
                complete = false;
    }
    *ret_complete = complete;
    return O2C_OK;
}

static void pause_a_moment(void)
{
    const struct timespec moment = {0, LOOK_AGAIN_MS * 1000000L};
    nanosleep(&moment, NULL);
}

enum o2c_verdict o2c_kafka_create_topics(rd_kafka_t *rk,
                                         const struct o2c_kafka_new_topic *topics,
                                         size_t topic_count, int timeout_ms,
                                         struct o2c_err *err)
{
    int64_t deadline_us = o2c_clock_monotonic_us() + (int64_t)timeout_ms * 1000;
    for (bool asked = false, complete = false;; asked = true) {
        const struct rd_kafka_metadata *metadata;
        if (read_metadata(rk, ms_left(deadline_us), &metadata, err))
            return err->verdict;
        enum o2c_verdict verdict = look(metadata, topics, topic_count, &complete, err);
        if (!verdict && !complete && !asked)
            verdict = create_missing(rk, metadata, topics, topic_count, deadline_us, err);
        rd_kafka_metadata_destroy(metadata);
        if (verdict || complete)
            return verdict;
        if (o2c_clock_monotonic_us() > deadline_us)
            return o2c_kafka_fail(err, RD_KAFKA_RESP_ERR__TIMED_OUT,
                                  "waiting for new topics");
        pause_a_moment();
    }
}

static enum o2c_verdict send_delete(struct request *request,
                                    rd_kafka_DeleteTopic_t **topics, size_t count,
                                    struct o2c_err *err)
{
    rd_kafka_event_t *event = NULL;
    rd_kafka_DeleteTopics(request->rk, topics, count, request->options, request->queue);
    if (await_result(request, "deleting topics", &event, err))
        return err->verdict;
    const rd_kafka_DeleteTopics_result_t *result =
        rd_kafka_event_DeleteTopics_result(event);
    size_t result_count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(result, &result_count);
    enum o2c_verdict verdict =
        judge(results, result_count, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
              "deleting topic", err);
    rd_kafka_event_destroy(event);
    return verdict;
}

static enum o2c_verdict wait_until_gone(rd_kafka_t *rk, const char *const *names,
                                        size_t name_count, int64_t deadline_us,
                                        struct o2c_err *err)
{
    for (;;) {
        const struct rd_kafka_metadata *metadata;
        if (read_metadata(rk, ms_left(deadline_us), &metadata, err))
            return err->verdict;
        bool gone = true;
        for (size_t i = 0; i < name_count; i++)
            gone = gone && !find(metadata, names[i]);
        rd_kafka_metadata_destroy(metadata);
        if (gone)
            return O2C_OK;
        if (o2c_clock_monotonic_us() > deadline_us)
            return o2c_kafka_fail(err, RD_KAFKA_RESP_ERR__TIMED_OUT,
                                  "waiting for deleted topics");
        pause_a_moment();
    }
}

enum o2c_verdict o2c_kafka_delete_topics(rd_kafka_t *rk, const char *const *names,
                                         size_t name_count, int timeout_ms,
                                         struct o2c_err *err)
{
    int64_t deadline_us = o2c_clock_monotonic_us() + (int64_t)timeout_ms * 1000;
    struct request request;
    if (name_count == 0)
        return O2C_OK;
    rd_kafka_DeleteTopic_t **topics = calloc(name_count, sizeof *topics);
    if (!topics)
        return o2c_fail(err, O2C_FATAL, "no memory for %zu topics", name_count);
    for (size_t i = 0; i < name_count; i++)
        topics[i] = rd_kafka_DeleteTopic_new(names[i]);
    enum o2c_verdict verdict =
        request_open(&request, rk, RD_KAFKA_ADMIN_OP_DELETETOPICS, deadline_us, err);
    if (!verdict)
        verdict = send_delete(&request, topics, name_count, err);
    rd_kafka_DeleteTopic_destroy_array(topics, name_count);
    free(topics);
    request_close(&request);
    return verdict ? verdict : wait_until_gone(rk, names, name_count, deadline_us, err);
}
