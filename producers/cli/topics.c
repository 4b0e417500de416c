/* o2c topics: creates the topics of the contract and writes where each consumer begins. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "producers/cli/stack.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/kafka/offsets.h"
#include "runtime/pg/query.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

enum {
    ASK_TIMEOUT_MS = 10000,
    LEADER_TIMEOUT_MS = 30000,
    CREATE_TIMEOUT_MS =
        60000, /* all at once: half of that was seen not to do on a busy machine */
    ASK_AGAIN_MS = 20
};

struct topics_settings {
    struct stack_settings stack;
    int64_t partitions;
    int64_t replication;
};

static const struct o2c_setting settings_rows[] = {
    {"partitions", O2C_SETTING_INT, offsetof(struct topics_settings, partitions), "0", 0,
     512, NULL, "partitions of every topic, for life; 0: as topics.json says", false},
    {"replication", O2C_SETTING_INT, offsetof(struct topics_settings, replication), "-1",
     -1, 15, NULL, "copies of every partition; -1: the broker's default", false},
    STACK_SETTINGS(struct topics_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

static int32_t partitions_of(const struct topics_settings *settings,
                             const struct o2c_topic *topic)
{
    return settings->partitions ? (int32_t)settings->partitions : topic->partition_count;
}

/* The request to create waits for a broker, for longer than anybody looks at silence. */
static int reach_kafka(struct stack *stack)
{
    size_t count;
    int32_t partitions;

    return o2c_kafka_partition_count(stack->rk, o2c_topics(&count)->name, ASK_TIMEOUT_MS,
                                     &partitions, &stack->err)
               ? stack_failed(stack)
               : EXIT_OK;
}

static int create(struct stack *stack, const struct topics_settings *settings)
{
    size_t count;
    const struct o2c_topic *topics = o2c_topics(&count);
    struct o2c_kafka_new_topic *wanted = calloc(count, sizeof *wanted);
    char(*names)[160] = calloc(count, sizeof *names);
    int status = EXIT_OK;

    if (!wanted || !names)
        abort();
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "%s%s", settings->stack.kafka.topic_prefix,
                 topics[i].name);
        wanted[i] = (struct o2c_kafka_new_topic){
            .name = names[i],
            .partition_count = partitions_of(settings, &topics[i]),
            .replication = (int)settings->replication,
            .config = topics[i].config,
        };
    }
    if (o2c_kafka_create_topics(stack->rk, wanted, count, CREATE_TIMEOUT_MS, &stack->err))
        status = stack->err.verdict == O2C_RETRY || stack->err.native
                     ? stack_failed(stack)
                     : stack_fail(stack, EXIT_FINDINGS, "%s", stack->err.text);
    free(names);
    free(wanted);
    return status;
}

/* ---- first offsets */

/* A topic just made has no leader for a moment. */
static enum o2c_verdict ask_begins(struct stack *stack,
                                   rd_kafka_topic_partition_list_t *list)
{
    int64_t deadline = o2c_clock_monotonic_us() + LEADER_TIMEOUT_MS * INT64_C(1000);
    struct timespec pause = {0, ASK_AGAIN_MS * 1000000L};

    while (o2c_kafka_begins(stack->rk, list, ASK_TIMEOUT_MS, &stack->err)) {
        if (stack->err.verdict != O2C_RETRY || o2c_clock_monotonic_us() > deadline)
            return stack->err.verdict;
        nanosleep(&pause, NULL);
    }
    return O2C_OK;
}

/* Every partition of a topic, with its first offset; NULL after printing what failed. */
static rd_kafka_topic_partition_list_t *begins(struct stack *stack, const char *topic)
{
    char name[160];
    int32_t count = 0;
    rd_kafka_topic_partition_list_t *list;

    snprintf(name, sizeof name, "%s%s", stack->settings->kafka.topic_prefix, topic);
    if (o2c_kafka_partition_count(stack->rk, name, ASK_TIMEOUT_MS, &count, &stack->err)) {
        stack_failed(stack);
        return NULL;
    }
    list = rd_kafka_topic_partition_list_new(count);
    for (int32_t p = 0; p < count; p++)
        rd_kafka_topic_partition_list_add(list, name, p);
    if (count && !ask_begins(stack, list))
        return list;
    stack_fail(stack, EXIT_STACK_FAILED, "%s: %s", name,
               count ? stack->err.text : "the topic is not there yet");
    rd_kafka_topic_partition_list_destroy(list);
    return NULL;
}

/* Only where a consumer has none yet: a first offset never moves. */
static int write_firsts(struct stack *stack, const char *schema, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = begins(stack, topic);
    struct o2c_buf sql;
    const char *separator = "";
    int status = EXIT_OK;

    if (!list)
        return EXIT_STACK_FAILED;
    o2c_buf_init(&sql, 1 << 20);
    o2c_buf_printf(&sql,
                   "INSERT INTO %s.first_offset (topic, partition, next_offset) VALUES ",
                   schema);
    for (int i = 0; i < list->cnt; i++) {
        o2c_buf_printf(&sql, "%s('%s', %" PRId32 ", %" PRId64 ")", separator, topic,
                       list->elems[i].partition, list->elems[i].offset);
        separator = ", ";
    }
    o2c_buf_add_text(&sql, " ON CONFLICT DO NOTHING");
    if (o2c_pg_script(stack->pg, o2c_buf_text(&sql), &stack->err))
        status = stack_failed(stack);
    o2c_buf_clear(&sql);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

static int write_all_firsts(struct stack *stack)
{
    PGresult *result = stack_query(stack,
                                   "SELECT quote_ident(schema), topic FROM o2c.consumer"
                                   " JOIN o2c.consumer_topic USING (consumer)"
                                   " WHERE direction = 'in' ORDER BY 1, 2",
                                   NULL, 0);
    int status = result ? EXIT_OK : EXIT_STACK_FAILED;

    for (int i = 0; result && i < PQntuples(result) && !status; i++)
        status = write_firsts(stack, PQgetvalue(result, i, 0), PQgetvalue(result, i, 1));
    PQclear(result);
    return status;
}

/* ---- list */

static const char *key_name(enum o2c_topic_key key)
{
    switch (key) {
    case O2C_TOPIC_KEY_ACCOUNT:
        return "account";
    case O2C_TOPIC_KEY_CODE:
        return "code";
    case O2C_TOPIC_KEY_BANK_ACCOUNT:
        return "bank account";
    case O2C_TOPIC_KEY_ENTITY:
        return "entity";
    case O2C_TOPIC_KEY_NONE:
        break;
    }
    return "none";
}

static int list_topics(struct stack *stack)
{
    size_t count;
    const struct o2c_topic *topics = o2c_topics(&count);
    const char *prefix = stack->settings->kafka.topic_prefix;
    int width = 5;
    int32_t partitions;
    char name[160], number[16];

    for (size_t i = 0; i < count; i++)
        if ((int)(strlen(prefix) + strlen(topics[i].name)) > width)
            width = (int)(strlen(prefix) + strlen(topics[i].name));
    printf("%-*s  %-12s %10s  %s\n", width, "topic", "key", "partitions", "what");
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, topics[i].name);
        if (o2c_kafka_partition_count(stack->rk, name, ASK_TIMEOUT_MS, &partitions,
                                      &stack->err))
            return stack_failed(stack);
        snprintf(number, sizeof number, "%" PRId32, partitions);
        printf("%-*s  %-12s %10s  %s\n", width, name, key_name(topics[i].key),
               partitions ? number : "missing", topics[i].doc);
    }
    return EXIT_OK;
}

static int run(struct stack *stack, const struct topics_settings *settings,
               const char *what)
{
    int status = stack_open_kafka(stack);

    if (status)
        return status;
    if (!strcmp(what, "list"))
        return list_topics(stack);
    if (strcmp(what, "create") != 0)
        return stack_fail(stack, EXIT_USAGE, "\"%s\" is neither create nor list", what);
    status = reach_kafka(stack);
    if (!status)
        status = create(stack, settings);
    if (!status)
        status = stack_open_pg(stack);
    return status ? status : write_all_firsts(stack);
}

int topics_run(int argc, char **argv)
{
    struct topics_settings settings = {0};
    struct options options = {
        .usage = "o2c topics [options] create|list",
        .about =
            "create: makes the topics that are missing and writes, for each consumer, where\n"
            "its topics begin; safe to run again. list: what there is.\n",
        .exits = {.done = "all are there (create), or listed (list)",
                  .findings = "a topic is there with another partition count",
                  .servers = "Kafka or PostgreSQL"},
        .table = &table,
        .settings = &settings,
        .min_operands = 1,
        .max_operands = 1,
    };
    struct stack stack = {.command = argv[0], .settings = &settings.stack};
    int status;

    if (options_load(&options, argc, argv, &status))
        status = run(&stack, &settings, options.operands[0]);
    stack_close(&stack);
    options_clear(&options);
    return status;
}
