/*
 * Positions come from PostgreSQL, ends and the age of the oldest unprocessed
 * record from Kafka.
 */
#include "producers/cli/lag_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producers/cli/interrupt.h"
#include "producers/cli/stack.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/kafka/ask.h"
#include "runtime/kafka/offsets.h"

#include "runtime/base/banned.h"

enum {
    ASK_TIMEOUT_MS = 5000,
    OLDEST_TIMEOUT_MS = 3000,
    RATE_OVER_S = 60
};

void lag_report_clear(struct lag_report *report)
{
    for (size_t i = 0; i < report->lag_count; i++) {
        free(report->lag[i].consumer);
        free(report->lag[i].topic);
        free(report->lag[i].owner);
    }
    for (size_t i = 0; i < report->consumer_count; i++)
        free(report->consumer[i].name);
    free(report->lag);
    free(report->consumer);
    *report = (struct lag_report){0};
}

static char *copied(const PGresult *result, int row, int column)
{
    char *copy;

    if (PQgetisnull(result, row, column))
        return NULL;
    copy = strdup(PQgetvalue(result, row, column));
    if (!copy)
        abort();
    return copy;
}

static int64_t number(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column)
               ? 0
               : strtoll(PQgetvalue(result, row, column), NULL, 10);
}

/* ---- from PostgreSQL */

/* Macros between literals are text too. */
/* clang-format off */

/* %1$s is the schema.  The rate is that of the last minute, or of the last 100 batches. */
#define RATE_SQL(moved)                                                                    \
    "round((" moved ") / greatest(1, extract(epoch FROM now() -"                           \
    "      greatest(b.stored_at, now() - interval '1 minute'))))::bigint"
#define RATE_FROM                                                                          \
    "  LEFT JOIN LATERAL (SELECT min(batch_seq) AS batch_seq FROM %1$s.progress p"         \
    "       WHERE p.partition = n.partition AND p.batch_seq > n.batch_seq - 100"           \
    "         AND p.stored_at > now() - interval '1 minute') w ON true"                    \
    "  LEFT JOIN %1$s.progress b ON b.partition = n.partition"                             \
    "       AND b.batch_seq = greatest(1, coalesce(w.batch_seq - 1, n.batch_seq))"

static const char partition_sql[] =
    "SELECT '%1$s', f.topic, f.partition,"
    "       coalesce((n.next_offsets ->> f.topic)::bigint, f.next_offset),"
    "       n.owner,"
    "       EXISTS (SELECT 1 FROM pg_stat_activity a JOIN %1$s.claim c"
    "                   ON a.pid = c.backend_pid AND a.backend_start = c.backend_start"
    "                WHERE c.partition = f.partition)::integer,"
    "       coalesce((extract(epoch FROM now() - n.stored_at) * 1000000)::bigint, -1),"
    "       (SELECT count(*) FROM %1$s.parked k WHERE k.partition = f.partition"
    "           AND k.topic = f.topic AND k.state IN ('parked', 'queued')),"
    "       " RATE_SQL("(n.next_offsets ->> f.topic)::bigint"
                       " - (b.next_offsets ->> f.topic)::bigint")
    "  FROM %1$s.first_offset f"
    "  LEFT JOIN %1$s.position n USING (partition)"
    RATE_FROM;

static const char consumer_sql[] =
    "SELECT '%1$s', (SELECT count(*) FROM %1$s.set_aside WHERE republished_at IS NULL),"
    "       coalesce(sum(n.outbox_no - coalesce(c.acked_no, 0)), 0),"
    "       coalesce(sum(" RATE_SQL("n.outbox_no - b.outbox_no") "), 0)"
    "  FROM %1$s.position n"
    "  LEFT JOIN relay.cursor c ON c.consumer = '%1$s' AND c.partition = n.partition"
    RATE_FROM;

/* clang-format on */

/* The query for every consumer schema, as one UNION ALL. */
static PGresult *query_all(struct stack *stack, const PGresult *schemas, const char *sql)
{
    struct o2c_buf buf;
    PGresult *result;

    o2c_buf_init(&buf, 1 << 20);
    for (int i = 0; i < PQntuples(schemas); i++) {
        const char *at = sql, *mark;

        o2c_buf_add_text(&buf, i ? " UNION ALL " : "");
        while ((mark = strstr(at, "%1$s"))) {
            o2c_buf_add(&buf, at, (size_t)(mark - at));
            o2c_buf_add_text(&buf, PQgetvalue(schemas, i, 0));
            at = mark + 4;
        }
        o2c_buf_add_text(&buf, at);
    }
    o2c_buf_add_text(&buf, " ORDER BY 1, 2, 3");
    result = stack_query(stack, o2c_buf_text(&buf), NULL, 0);
    o2c_buf_clear(&buf);
    return result;
}

static void read_partitions(struct lag_report *report, const PGresult *result)
{
    report->lag_count = (size_t)PQntuples(result);
    report->lag = calloc(report->lag_count + 1, sizeof *report->lag);
    if (!report->lag)
        abort();
    for (int i = 0; i < PQntuples(result); i++)
        report->lag[i] = (struct lag){
            .consumer = copied(result, i, 0),
            .topic = copied(result, i, 1),
            .partition = (int32_t)number(result, i, 2),
            .next = number(result, i, 3),
            .owner = copied(result, i, 4),
            .state = {.owned = number(result, i, 5),
                      .since_stored_us = number(result, i, 6)},
            .parked = number(result, i, 7),
            .taken = number(result, i, 8),
        };
}

static void read_consumers(struct lag_report *report, const PGresult *result)
{
    report->consumer_count = (size_t)PQntuples(result);
    report->consumer = calloc(report->consumer_count + 1, sizeof *report->consumer);
    if (!report->consumer)
        abort();
    for (int i = 0; i < PQntuples(result); i++)
        report->consumer[i] =
            (struct lag_consumer){copied(result, i, 0), number(result, i, 1),
                                  number(result, i, 2), number(result, i, 3)};
}

static int read_positions(struct stack *stack, struct lag_report *report)
{
    PGresult *schemas = stack_query(
        stack, "SELECT quote_ident(schema) FROM o2c.consumer ORDER BY 1", NULL, 0);
    PGresult *partitions = NULL, *consumers = NULL;
    int status = EXIT_STACK_FAILED;

    if (schemas && PQntuples(schemas) == 0) {
        stack_fail(stack, status, "no consumer is registered: run o2c migrate");
    } else if (schemas && (partitions = query_all(stack, schemas, partition_sql)) &&
               (consumers = query_all(stack, schemas, consumer_sql))) {
        read_partitions(report, partitions);
        read_consumers(report, consumers);
        status = report->lag_count ? EXIT_OK
                                   : stack_fail(stack, EXIT_STACK_FAILED,
                                                "no topic has a first offset: run o2c "
                                                "topics create");
    }
    PQclear(schemas);
    PQclear(partitions);
    PQclear(consumers);
    return status;
}

/* ---- from Kafka */

static void full_name(const struct stack *stack, const struct lag *lag, char name[160])
{
    snprintf(name, 160, "%s%s", stack->settings->kafka.topic_prefix, lag->topic);
}

/* Every partition once. */
static rd_kafka_topic_partition_list_t *partitions_of(const struct stack *stack,
                                                      const struct lag_report *report)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)report->lag_count);
    char name[160];

    for (size_t i = 0; i < report->lag_count; i++) {
        full_name(stack, &report->lag[i], name);
        if (!rd_kafka_topic_partition_list_find(list, name, report->lag[i].partition))
            rd_kafka_topic_partition_list_add(list, name, report->lag[i].partition);
    }
    return list;
}

static int64_t offset_in(const struct stack *stack, rd_kafka_topic_partition_list_t *list,
                         const struct lag *lag)
{
    char name[160];

    full_name(stack, lag, name);
    return rd_kafka_topic_partition_list_find(list, name, lag->partition)->offset;
}

/* Where each partition was a minute ago: how many records a second arrive. */
static int read_arriving(struct stack *stack, struct lag_report *report,
                         rd_kafka_topic_partition_list_t *list)
{
    int64_t then_ms = o2c_clock_utc_us() / 1000 - RATE_OVER_S * INT64_C(1000);
    rd_kafka_resp_err_t code;

    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = then_ms;
    code = o2c_kafka_ask_times(stack->rk, list, ASK_TIMEOUT_MS);
    if (code) {
        o2c_kafka_fail(&stack->err, code, "offsets a minute ago");
        return stack_failed(stack);
    }
    for (size_t i = 0; i < report->lag_count; i++) {
        struct lag *lag = &report->lag[i];
        int64_t then = offset_in(stack, list, lag); /* RD_KAFKA_OFFSET_END: nothing since */

        if (then >= 0 && lag->end > then)
            lag->arriving = (lag->end - then + RATE_OVER_S / 2) / RATE_OVER_S;
    }
    return EXIT_OK;
}

static int read_ends(struct stack *stack, struct lag_report *report)
{
    rd_kafka_topic_partition_list_t *list = partitions_of(stack, report);
    int status = EXIT_OK;

    if (o2c_kafka_ends(stack->rk, list, ASK_TIMEOUT_MS, &stack->err))
        status = stack_failed(stack);
    for (size_t i = 0; !status && i < report->lag_count; i++) {
        struct lag *lag = &report->lag[i];

        lag->end = offset_in(stack, list, lag);
        lag->state.behind = lag->end > lag->next ? lag->end - lag->next : 0;
    }
    if (!status)
        status = read_arriving(stack, report, list);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

static void note_oldest(struct stack *stack, struct lag_report *report,
                        const char *consumer, const rd_kafka_message_t *message)
{
    char name[160];

    for (size_t i = 0; i < report->lag_count; i++) {
        struct lag *lag = &report->lag[i];
        int64_t waited;

        full_name(stack, lag, name);
        if (strcmp(lag->consumer, consumer) != 0 || lag->partition != message->partition ||
            strcmp(name, rd_kafka_topic_name(message->rkt)) != 0 || lag->oldest_known)
            continue;
        lag->oldest_known = true;
        if (message->err) /* only markers lie between */
            continue;
        waited = o2c_clock_utc_us() - rd_kafka_message_timestamp(message, NULL) * 1000;
        lag->state.waited_us = waited > 0 ? waited : 0;
    }
}

static size_t oldest_unknown(const struct lag_report *report, const char *consumer)
{
    size_t unknown = 0;

    for (size_t i = 0; i < report->lag_count; i++)
        unknown += !strcmp(report->lag[i].consumer, consumer) &&
                   report->lag[i].state.behind > 0 && !report->lag[i].oldest_known;
    return unknown;
}

/* What waits, from its next offset, or from the first one that retention has left. */
static rd_kafka_topic_partition_list_t *
waiting(struct stack *stack, const struct lag_report *report, const char *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    char name[160];

    for (size_t i = 0; i < report->lag_count; i++)
        if (!strcmp(report->lag[i].consumer, consumer) && report->lag[i].state.behind > 0) {
            full_name(stack, &report->lag[i], name);
            rd_kafka_topic_partition_list_add(list, name, report->lag[i].partition);
        }
    if (o2c_kafka_begins(stack->rk, list, ASK_TIMEOUT_MS, &stack->err)) {
        rd_kafka_topic_partition_list_destroy(list);
        return NULL;
    }
    for (size_t i = 0; i < report->lag_count; i++) {
        const struct lag *lag = &report->lag[i];
        rd_kafka_topic_partition_t *elem;

        full_name(stack, lag, name);
        elem = rd_kafka_topic_partition_list_find(list, name, lag->partition);
        if (!strcmp(lag->consumer, consumer) && elem && elem->offset < lag->next)
            elem->offset = lag->next;
    }
    return list;
}

/* The record at each next offset says since when it waits. */
static int read_oldest(struct stack *stack, struct lag_report *report, const char *consumer)
{
    rd_kafka_topic_partition_list_t *list = waiting(stack, report, consumer);
    int64_t deadline = o2c_clock_monotonic_us() + OLDEST_TIMEOUT_MS * INT64_C(1000);
    int status = EXIT_OK;

    if (!list)
        return stack_failed(stack);
    if (list->cnt && !rd_kafka_assign(stack->rk, list)) {
        while (oldest_unknown(report, consumer) && o2c_clock_monotonic_us() < deadline &&
               !interrupt_came()) {
            rd_kafka_message_t *message = rd_kafka_consumer_poll(stack->rk, 100);

            if (!message)
                continue;
            if (message->rkt &&
                (!message->err || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF))
                note_oldest(stack, report, consumer, message);
            rd_kafka_message_destroy(message);
        }
        (void)rd_kafka_assign(stack->rk, NULL);
    }
    if (interrupt_came())
        status = EXIT_INTERRUPTED;
    else if (oldest_unknown(report, consumer))
        status =
            stack_fail(stack, EXIT_STACK_FAILED,
                       "Kafka does not give the oldest waiting record of %s within %d ms",
                       consumer, OLDEST_TIMEOUT_MS);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

int lag_report_read(struct stack *stack, struct lag_report *report)
{
    int status = read_positions(stack, report);

    if (!status)
        status = read_ends(stack, report);
    for (size_t i = 0; !status && i < report->consumer_count; i++)
        status = read_oldest(stack, report, report->consumer[i].name);
    return status;
}

int64_t lag_seconds_to_drain(const struct lag *lag, enum o2c_lag_status status)
{
    int64_t gained = lag->taken - lag->arriving;

    if (lag->state.behind <= 0)
        return 0;
    if (status == O2C_LAG_STOP || status == O2C_LAG_STALL) /* what was taken is over */
        return -1;
    return gained > 0 ? (lag->state.behind + gained - 1) / gained : -1;
}
