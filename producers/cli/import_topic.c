#include "producers/cli/import_topic.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "producers/cli/stack.h"
#include "producers/publish/evidence.h"
#include "producers/publish/outgoing.h"
#include "runtime/kafka/offsets.h"

#include "runtime/base/banned.h"

enum {
    ASK_TIMEOUT_MS = 10000
};

struct reading {
    struct stack *stack;
    const char *run;
    struct o2c_evidence *evidence;
    struct o2c_arena arena;
};

/* Every partition of every topic that upstream events are published to. */
static int list_partitions(struct stack *stack, rd_kafka_topic_partition_list_t *list)
{
    size_t topic_count;
    const struct o2c_topic *topics = o2c_topics(&topic_count);

    for (size_t i = 0; i < topic_count; i++) {
        char name[160];
        int32_t count = 0;

        if (!o2c_topic_is_for_upstream(&topics[i]))
            continue;
        snprintf(name, sizeof name, "%s%s", stack->settings->kafka.topic_prefix,
                 topics[i].name);
        if (o2c_kafka_partition_count(stack->rk, name, ASK_TIMEOUT_MS, &count, &stack->err))
            return stack_failed(stack);
        if (!count)
            return stack_no_topic(stack, name);
        for (int32_t p = 0; p < count; p++)
            rd_kafka_topic_partition_list_add(list, name, p);
    }
    return EXIT_OK;
}

static bool is_of_run(const struct reading *reading, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;

    return !rd_kafka_message_headers(message, &headers) &&
           !rd_kafka_header_get_last(headers, "o2c_run", &value, &len) && value &&
           o2c_str_eq((struct o2c_str){value, len}, o2c_str_from(reading->run));
}

static int take(struct reading *reading, const rd_kafka_message_t *message)
{
    struct stack *stack = reading->stack;
    struct o2c_str value = {message->payload, message->len};
    const char *topic = rd_kafka_topic_name(message->rkt);
    struct o2c_event event;
    struct o2c_facts facts;
    char place[200];

    if (!is_of_run(reading, message))
        return EXIT_OK;
    snprintf(place, sizeof place, "%s/%" PRId32 "/%" PRId64,
             topic + strlen(stack->settings->kafka.topic_prefix), message->partition,
             message->offset);
    o2c_arena_reset(&reading->arena);
    if (o2c_event_decode(value, &reading->arena, &event, &stack->err))
        return stack_fail(stack, EXIT_FINDINGS, "%s: %s", place, stack->err.text);
    if (o2c_facts_of(&event, &facts) &&
        o2c_evidence_add(reading->evidence, &facts, o2c_str_from(place), &stack->err))
        return stack_failed(stack);
    return EXIT_OK;
}

static int read_to_the_ends(struct reading *reading, rd_kafka_topic_partition_list_t *list)
{
    struct stack *stack = reading->stack;
    int status = EXIT_OK, left = list->cnt;

    while (left && !status) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(stack->rk, ASK_TIMEOUT_MS);

        if (!message)
            return stack_fail(stack, EXIT_STACK_FAILED,
                              "%d partitions could not be read to their end", left);
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            left -= o2c_kafka_ended(list, message);
        else if (message->err)
            status = stack_fail(stack, EXIT_STACK_FAILED, "%s",
                                rd_kafka_message_errstr(message));
        else
            status = take(reading, message);
        rd_kafka_message_destroy(message);
    }
    return status;
}

int import_topic_read(struct stack *stack, const char *run, struct o2c_evidence *evidence)
{
    struct reading reading = {.stack = stack, .run = run, .evidence = evidence};
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(64);
    int status = list_partitions(stack, list);

    o2c_arena_init(&reading.arena, O2C_EVENT_MAX_ARENA_BYTES);
    if (!status && list->cnt &&
        o2c_kafka_with_records(stack->rk, list, ASK_TIMEOUT_MS, &stack->err))
        status = stack_failed(stack);
    if (!status && list->cnt) {
        if (rd_kafka_assign(stack->rk, list))
            status = stack_fail(stack, EXIT_STACK_FAILED, "the topics cannot be read");
        else
            status = read_to_the_ends(&reading, list);
        (void)rd_kafka_assign(stack->rk, NULL);
    }
    rd_kafka_topic_partition_list_destroy(list);
    o2c_arena_clear(&reading.arena);
    return status;
}
