/*
 * o2c lag: how far each consumer is behind.  Positions come from PostgreSQL,
 * ends and the age of the oldest unprocessed record from Kafka, so it needs no
 * living consumer and never shows a number frozen by a dead one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "producers/cli/commands.h"
#include "producers/cli/lag_status.h"
#include "producers/cli/options.h"
#include "producers/cli/stack.h"
#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/kafka/offsets.h"

#include "runtime/base/banned.h"

enum {
    ASK_TIMEOUT_MS = 5000,
    OLDEST_TIMEOUT_MS = 3000,
    WATCH_EVERY_S = 2
};

struct lag_settings {
    struct stack_settings stack;
    bool json, total, watch;
    int64_t warn_s, stall_s;
};

static const struct o2c_setting settings_rows[] = {
    {"json", O2C_SETTING_FLAG, offsetof(struct lag_settings, json), "false", 0, 0, NULL,
     "one JSON object per partition and line", false},
    {"total", O2C_SETTING_FLAG, offsetof(struct lag_settings, total), "false", 0, 0, NULL,
     "one row per consumer", false},
    {"watch", O2C_SETTING_FLAG, offsetof(struct lag_settings, watch), "false", 0, 0, NULL,
     "show it again every 2 s", false},
    {"warn-s", O2C_SETTING_INT, offsetof(struct lag_settings, warn_s), "60", 1, 86400, "s",
     "WARN when the oldest unprocessed record has waited so long", false},
    {"stall-s", O2C_SETTING_INT, offsetof(struct lag_settings, stall_s), "15", 1, 86400,
     "s", "STALL when records wait and nothing was stored for so long", false},
    STACK_SETTINGS(struct lag_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

/* One partition of one topic as one consumer sees it. */
struct lag {
    char *consumer, *topic, *owner;
    int32_t partition;
    int64_t next, end;
    struct lag_state state;
    int64_t parked, per_second;
    bool oldest_known;
};

/* What belongs to a consumer as a whole. */
struct consumer {
    char *name;
    int64_t set_aside, unsent, out_per_second;
};

struct report {
    struct lag *lag;
    size_t lag_count;
    struct consumer *consumer;
    size_t consumer_count;
};

static void report_clear(struct report *report)
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
    *report = (struct report){0};
}

static char *copied(const PGresult *result, int row, int column)
{
    char *copy = strdup(PQgetvalue(result, row, column));

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

/* The rate is that of the last 100 batches, if they are of the last minute. */
static const char partition_sql[] =
    "SELECT '%1$s', f.topic, f.partition,"
    "       coalesce((n.next_offsets ->> f.topic)::bigint, f.next_offset),"
    "       coalesce(n.owner, '-'),"
    "       EXISTS (SELECT 1 FROM pg_stat_activity a JOIN %1$s.claim c"
    "                   ON a.pid = c.backend_pid AND a.backend_start = c.backend_start"
    "                WHERE c.partition = f.partition)::integer,"
    "       coalesce((extract(epoch FROM clock_timestamp() - n.stored_at) * "
    "1000000)::bigint, -1),"
    "       (SELECT count(*) FROM %1$s.parked k WHERE k.partition = f.partition"
    "           AND k.topic = f.topic AND k.state IN ('parked', 'queued')),"
    "       CASE WHEN n.stored_at > clock_timestamp() - interval '1 minute'"
    "             AND n.stored_at > b.stored_at"
    "            THEN (((n.next_offsets ->> f.topic)::bigint - (b.next_offsets ->> "
    "f.topic)::bigint)"
    "                  / extract(epoch FROM n.stored_at - b.stored_at))::bigint ELSE 0 END"
    "  FROM %1$s.first_offset f"
    "  LEFT JOIN %1$s.position n USING (partition)"
    "  LEFT JOIN LATERAL (SELECT * FROM %1$s.progress p WHERE p.partition = f.partition"
    "       AND p.batch_seq >= n.batch_seq - 100 ORDER BY p.batch_seq LIMIT 1) b ON true";

static const char consumer_sql[] =
    "SELECT '%1$s', (SELECT count(*) FROM %1$s.set_aside),"
    "       coalesce(sum(n.outbox_no - coalesce(c.acked_no, 0)), 0),"
    "       coalesce(sum(CASE WHEN n.stored_at > clock_timestamp() - interval '1 minute'"
    "                          AND n.stored_at > b.stored_at"
    "                         THEN (n.outbox_no - b.outbox_no)"
    "                              / extract(epoch FROM n.stored_at - b.stored_at)"
    "                         ELSE 0 END), 0)::bigint"
    "  FROM %1$s.position n"
    "  LEFT JOIN relay.cursor c ON c.consumer = '%1$s' AND c.partition = n.partition"
    "  LEFT JOIN LATERAL (SELECT * FROM %1$s.progress p WHERE p.partition = n.partition"
    "       AND p.batch_seq >= n.batch_seq - 100 ORDER BY p.batch_seq LIMIT 1) b ON true";

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

static void read_partitions(struct report *report, const PGresult *result)
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
            .per_second = number(result, i, 8),
        };
}

static void read_consumers(struct report *report, const PGresult *result)
{
    report->consumer_count = (size_t)PQntuples(result);
    report->consumer = calloc(report->consumer_count + 1, sizeof *report->consumer);
    if (!report->consumer)
        abort();
    for (int i = 0; i < PQntuples(result); i++)
        report->consumer[i] = (struct consumer){copied(result, i, 0), number(result, i, 1),
                                                number(result, i, 2), number(result, i, 3)};
}

static int read_positions(struct stack *stack, struct report *report)
{
    PGresult *schemas = stack_query(
        stack, "SELECT quote_ident(schema) FROM o2c.consumer ORDER BY 1", NULL, 0);
    PGresult *partitions = NULL, *consumers = NULL;
    int status = EXIT_FINDINGS;

    if (schemas && PQntuples(schemas) == 0)
        stack_fail(stack, status, "no consumer is registered: run o2c migrate");
    else if (schemas && (partitions = query_all(stack, schemas, partition_sql)) &&
             (consumers = query_all(stack, schemas, consumer_sql))) {
        read_partitions(report, partitions);
        read_consumers(report, consumers);
        status = EXIT_OK;
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

static int read_ends(struct stack *stack, struct report *report)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)report->lag_count);
    char name[160];
    int status = EXIT_OK;

    for (size_t i = 0; i < report->lag_count; i++) {
        full_name(stack, &report->lag[i], name);
        if (!rd_kafka_topic_partition_list_find(list, name, report->lag[i].partition))
            rd_kafka_topic_partition_list_add(list, name, report->lag[i].partition);
    }
    if (o2c_kafka_ends(stack->rk, list, ASK_TIMEOUT_MS, &stack->err))
        status = stack_fail(stack, EXIT_UNREACHABLE, "%s", stack->err.text);
    for (size_t i = 0; !status && i < report->lag_count; i++) {
        struct lag *lag = &report->lag[i];

        full_name(stack, lag, name);
        lag->end = rd_kafka_topic_partition_list_find(list, name, lag->partition)->offset;
        lag->state.behind = lag->end > lag->next ? lag->end - lag->next : 0;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

static void note_oldest(struct stack *stack, struct report *report, const char *consumer,
                        const rd_kafka_message_t *message)
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

static size_t oldest_unknown(const struct report *report, const char *consumer)
{
    size_t unknown = 0;

    for (size_t i = 0; i < report->lag_count; i++)
        unknown += !strcmp(report->lag[i].consumer, consumer) &&
                   report->lag[i].state.behind > 0 && !report->lag[i].oldest_known;
    return unknown;
}

/* The record at each next offset says since when it waits. */
static void read_oldest(struct stack *stack, struct report *report, const char *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    int64_t deadline = o2c_clock_monotonic_us() + OLDEST_TIMEOUT_MS * 1000;
    char name[160];

    for (size_t i = 0; i < report->lag_count; i++)
        if (!strcmp(report->lag[i].consumer, consumer) && report->lag[i].state.behind > 0) {
            full_name(stack, &report->lag[i], name);
            rd_kafka_topic_partition_list_add(list, name, report->lag[i].partition)
                ->offset = report->lag[i].next;
        }
    if (list->cnt && !rd_kafka_assign(stack->rk, list)) {
        while (oldest_unknown(report, consumer) && o2c_clock_monotonic_us() < deadline) {
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
    rd_kafka_topic_partition_list_destroy(list);
}

static int gather(struct stack *stack, struct report *report)
{
    int status = read_positions(stack, report);

    if (!status)
        status = read_ends(stack, report);
    for (size_t i = 0; !status && i < report->consumer_count; i++)
        read_oldest(stack, report, report->consumer[i].name);
    return status;
}

/* ---- showing */

static enum lag_status judge(const struct lag *lag, const struct lag_settings *settings)
{
    struct lag_limits limits = {settings->warn_s * 1000000, settings->stall_s * 1000000};

    return lag_judge(&lag->state, &limits);
}

static void print_json(const struct report *report, const struct lag_settings *settings)
{
    for (size_t i = 0; i < report->lag_count; i++) {
        const struct lag *lag = &report->lag[i];

        printf("{\"consumer\":\"%s\",\"topic\":\"%s\",\"partition\":%" PRId32
               ",\"next_offset\":%" PRId64 ",\"end_offset\":%" PRId64
               ",\"records_behind\":%" PRId64 ",\"seconds_behind\":%" PRId64 ".%06" PRId64
               ",\"parked\":%" PRId64 ",\"owner\":\"%s\",\"events_per_second\":%" PRId64
               ",\"status\":\"%s\"}\n",
               lag->consumer, lag->topic, lag->partition, lag->next, lag->end,
               lag->state.behind, lag->state.waited_us / 1000000,
               lag->state.waited_us % 1000000, lag->parked, lag->owner, lag->per_second,
               lag_status_name(judge(lag, settings)));
    }
    for (size_t i = 0; i < report->consumer_count; i++) {
        const struct consumer *consumer = &report->consumer[i];

        printf("{\"consumer\":\"%s\",\"set_aside\":%" PRId64 ",\"outbox_unsent\":%" PRId64
               ",\"outbox_per_second\":%" PRId64 "}\n",
               consumer->name, consumer->set_aside, consumer->unsent,
               consumer->out_per_second);
    }
}

static void print_drain(const struct lag *lag, char text[24])
{
    if (lag->state.behind <= 0)
        snprintf(text, 24, "-");
    else if (lag->per_second <= 0)
        snprintf(text, 24, "?");
    else
        snprintf(text, 24, "%" PRId64 " s", lag->state.behind / lag->per_second);
}

static void print_table(const struct report *report, const struct lag_settings *settings)
{
    char drain[24];

    printf("%-10s %-16s %4s %9s %9s %7s %-14s %8s %7s %s\n", "consumer", "topic", "part",
           "behind", "seconds", "parked", "owner", "in/s", "drain", "status");
    for (size_t i = 0; i < report->lag_count; i++) {
        const struct lag *lag = &report->lag[i];

        print_drain(lag, drain);
        printf("%-10s %-16s %4" PRId32 " %9" PRId64 " %7" PRId64 ".%01" PRId64 " %7" PRId64
               " %-14s %8" PRId64 " %7s %s\n",
               lag->consumer, lag->topic, lag->partition, lag->state.behind,
               lag->state.waited_us / 1000000, lag->state.waited_us / 100000 % 10,
               lag->parked, lag->owner, lag->per_second, drain,
               lag_status_name(judge(lag, settings)));
    }
    putchar('\n');
    for (size_t i = 0; i < report->consumer_count; i++) {
        const struct consumer *consumer = &report->consumer[i];

        printf("%-10s outbox: %" PRId64 " unsent, %" PRId64 "/s out; set aside: %" PRId64
               "\n",
               consumer->name, consumer->unsent, consumer->out_per_second,
               consumer->set_aside);
    }
}

/* One consumer's partitions together: sums, and the worst of age and status. */
struct total {
    int64_t partitions, behind, waited_us, parked;
    enum lag_status status;
};

static struct total total_of(const struct report *report, const char *consumer,
                             const struct lag_settings *settings)
{
    struct total total = {0};

    for (size_t i = 0; i < report->lag_count; i++) {
        const struct lag *lag = &report->lag[i];
        enum lag_status status = judge(lag, settings);

        if (strcmp(lag->consumer, consumer) != 0)
            continue;
        total.partitions++;
        total.behind += lag->state.behind;
        total.parked += lag->parked;
        if (lag->state.waited_us > total.waited_us)
            total.waited_us = lag->state.waited_us;
        if (status > total.status)
            total.status = status;
    }
    return total;
}

static void print_totals(const struct report *report, const struct lag_settings *settings)
{
    printf("%-12s %10s %9s %9s %7s %9s %7s %s\n", "consumer", "partitions", "behind",
           "seconds", "parked", "set aside", "unsent", "status");
    for (size_t i = 0; i < report->consumer_count; i++) {
        const struct consumer *consumer = &report->consumer[i];
        struct total total = total_of(report, consumer->name, settings);

        printf("%-12s %10" PRId64 " %9" PRId64 " %7" PRId64 ".%01" PRId64 " %7" PRId64
               " %9" PRId64 " %7" PRId64 " %s\n",
               consumer->name, total.partitions, total.behind, total.waited_us / 1000000,
               total.waited_us / 100000 % 10, total.parked, consumer->set_aside,
               consumer->unsent, lag_status_name(total.status));
    }
}

/* What a script may act on: 1 when a partition stands still. */
static int verdict(const struct report *report, const struct lag_settings *settings)
{
    for (size_t i = 0; i < report->lag_count; i++)
        if (judge(&report->lag[i], settings) >= LAG_STALL)
            return EXIT_FINDINGS;
    return EXIT_OK;
}

static int show(struct stack *stack, const struct lag_settings *settings)
{
    struct report report = {0};
    int status;

    do {
        report_clear(&report);
        status = gather(stack, &report);
        if (status)
            break;
        if (settings->watch && !settings->json && isatty(STDOUT_FILENO))
            fputs("\033[H\033[2J", stdout);
        if (settings->json)
            print_json(&report, settings);
        else if (settings->total)
            print_totals(&report, settings);
        else
            print_table(&report, settings);
        fflush(stdout);
        status = verdict(&report, settings);
        if (settings->watch) {
            struct timespec pause = {WATCH_EVERY_S, 0};

            nanosleep(&pause, NULL);
        }
    } while (settings->watch);
    report_clear(&report);
    return status;
}

int lag_run(int argc, char **argv)
{
    struct lag_settings settings = {0};
    struct options options = {
        .usage = "o2c lag [options]",
        .about =
            "Per consumer, topic and partition: records behind, seconds since the oldest\n"
            "unprocessed record was written, parked records, owner, events per second, "
            "time to\n"
            "drain, and a status: OK, WARN (oldest record waits long), STALL (nothing was "
            "stored\n"
            "although records wait), STOP (records wait and nobody owns the partition).\n\n"
            "Exit status: 0 fine, 1 something is STALL or STOP, 3 cannot be reached.\n",
        .table = &table,
        .settings = &settings,
    };
    struct stack stack = {.command = argv[0], .settings = &settings.stack};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        status = stack_open_pg(&stack);
        if (!status)
            status = stack_open_kafka(&stack);
        if (!status)
            status = show(&stack, &settings);
    }
    stack_close(&stack);
    options_clear(&options);
    return status;
}
