/*
 * o2c verify: the invariants that must hold whenever the pipeline is drained.
 *   - in a rebuild, all of the order that it follows is folded: before that nothing
 *     else can be said of a consumer;
 *   - the recorded order has every batch, and none goes back: <schema>.verify_order();
 *   - conservation: every record from a consumer's first offset on is applied,
 *     a repeat, skipped, parked, set aside or a marker, and is counted once;
 *   - the outbox of each consumer, as far as the relay keeps it, equals what is in
 *     its topics, in order;
 *   - what a consumer's own tables must add up to: <schema>.verify();
 *   - what consumers that hear the same events must agree on: o2c.verify().
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producers/cli/commands.h"
#include "producers/cli/options.h"
#include "producers/cli/stack.h"
#include "runtime/base/buf.h"
#include "runtime/base/uuid.h"
#include "runtime/kafka/drained.h"
#include "runtime/kafka/headers.h"
#include "runtime/kafka/offsets.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

enum {
    ASK_TIMEOUT_MS = 10000,
    MAX_REASON_BYTES = 4096,
    ROWS_AT_ONCE = 2000
};

struct verify_settings {
    struct stack_settings stack;
    bool digest;
};

static const struct o2c_setting settings_rows[] = {
    {"digest", O2C_SETTING_FLAG, offsetof(struct verify_settings, digest), "false", 0, 0,
     NULL, "print positions and a digest of the tables, to compare two pipelines", false},
    STACK_SETTINGS(struct verify_settings, stack),
};

static const struct o2c_settings_table table = {settings_rows, sizeof settings_rows /
                                                                   sizeof settings_rows[0]};

struct run {
    struct stack stack;
    bool prints_digest;
    bool failed;   /* a server did: what was seen since proves nothing */
    bool rebuilds; /* a consumer has not folded what was recorded */
    int findings;
    int64_t records, outbox_rows;
};

static void finding(struct run *run, const char *fmt, ...) O2C_PRINTF(2, 3);

static void finding(struct run *run, const char *fmt, ...)
{
    va_list args;

    if (run->failed)
        return;
    run->findings++;
    fputs("broken: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

static PGresult *ask(struct run *run, const char *schema, const char *fmt,
                     const char *const *values, size_t count)
{
    struct o2c_buf sql;
    PGresult *result;

    o2c_buf_init(&sql, 1 << 16);
    stack_put_schema(&sql, schema, fmt);
    result = stack_query(&run->stack, o2c_buf_text(&sql), values, count);
    run->failed = run->failed || !result;
    o2c_buf_clear(&sql);
    return result;
}

/* ---- a rebuild under way */

static bool check_folded(struct run *run, const char *consumer, const char *schema,
                         bool *ret_folded)
{
    PGresult *counts =
        ask(run, schema,
            "SELECT count(*), count(*) FILTER (WHERE r.batch_seq <= p.batch_seq)"
            "  FROM $schema.replay r LEFT JOIN $schema.position p USING (partition)",
            NULL, 0);

    *ret_folded = counts && !strcmp(PQgetvalue(counts, 0, 0), PQgetvalue(counts, 0, 1));
    if (counts && !*ret_folded) {
        run->rebuilds = true;
        finding(run, "%s: of %s recorded batches %s are folded; start it until it is ready",
                consumer, PQgetvalue(counts, 0, 0), PQgetvalue(counts, 0, 1));
    }
    PQclear(counts);
    return counts != NULL;
}

/* ---- conservation */

static bool check_conservation(struct run *run, const char *consumer, const char *schema)
{
    PGresult *result =
        ask(run, schema,
            "SELECT p.partition, sum((p.next_offsets ->> f.topic)::bigint - f.next_offset)"
            "       AS taken,"
            "       p.applied + p.repeats + p.skipped + p.parked + p.set_aside + p.markers"
            "       AS told,"
            "       p.parked - p.unparked AS still,"
            "       (SELECT count(*) FROM $schema.parked k WHERE k.partition = p.partition"
            "           AND k.state IN ('parked', 'queued')) AS kept,"
            "       p.set_aside, (SELECT count(*) FROM $schema.set_aside s"
            "                      WHERE s.partition = p.partition) AS aside"
            "  FROM $schema.position p JOIN $schema.first_offset f USING (partition)"
            " WHERE p.batch_seq IS NOT NULL"
            " GROUP BY p.partition, p.applied, p.repeats, p.skipped, p.parked, p.unparked,"
            "          p.set_aside, p.markers ORDER BY 1",
            NULL, 0);

    for (int i = 0; result && i < PQntuples(result); i++) {
        if (strcmp(PQgetvalue(result, i, 1), PQgetvalue(result, i, 2)) != 0)
            finding(run, "%s partition %s: %s records taken, but %s accounted for",
                    consumer, PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
                    PQgetvalue(result, i, 2));
        if (strcmp(PQgetvalue(result, i, 3), PQgetvalue(result, i, 4)) != 0)
            finding(run, "%s partition %s: %s records counted as parked, %s rows", consumer,
                    PQgetvalue(result, i, 0), PQgetvalue(result, i, 3),
                    PQgetvalue(result, i, 4));
        if (strcmp(PQgetvalue(result, i, 5), PQgetvalue(result, i, 6)) != 0)
            finding(run, "%s partition %s: %s records counted as set aside, %s rows",
                    consumer, PQgetvalue(result, i, 0), PQgetvalue(result, i, 5),
                    PQgetvalue(result, i, 6));
        run->records += strtoll(PQgetvalue(result, i, 1), NULL, 10);
    }
    PQclear(result);
    return result != NULL;
}

/* ---- what the consumer's own tables must add up to */

/* Calls a function of the schema that not every consumer has; false after saying what
 * failed. */
static bool call(struct run *run, const char *schema, const char *function, const char *sql,
                 PGresult **ret_rows)
{
    const char *values[] = {schema, function};
    PGresult *has = stack_query(&run->stack,
                                "SELECT 1 FROM pg_proc p JOIN pg_namespace n"
                                "    ON n.oid = p.pronamespace"
                                " WHERE quote_ident(n.nspname) = $1 AND p.proname = $2",
                                values, 2);
    bool ok = has && !PQntuples(has);

    *ret_rows = NULL;
    if (has && PQntuples(has)) {
        *ret_rows = ask(run, schema, sql, NULL, 0);
        ok = *ret_rows != NULL;
    }
    PQclear(has);
    return ok;
}

static bool check_with(struct run *run, const char *consumer, const char *schema,
                       const char *function, const char *sql)
{
    PGresult *rows;
    bool ok = call(run, schema, function, sql, &rows);

    for (int i = 0; rows && i < PQntuples(rows); i++)
        finding(run, "%s: %s", consumer, PQgetvalue(rows, i, 0));
    PQclear(rows);
    return ok;
}

static bool check_own(struct run *run, const char *consumer, const char *schema)
{
    return check_with(run, consumer, schema, "verify", "SELECT * FROM $schema.verify()");
}

static bool check_order(struct run *run, const char *consumer, const char *schema)
{
    return check_with(run, consumer, schema, "verify_order",
                      "SELECT * FROM $schema.verify_order()");
}

/* ---- the digest, and the positions at which it is true: one statement, one snapshot */

static bool print_digest(struct run *run, const char *consumer, const char *schema)
{
    PGresult *rows;
    bool ok = call(run, schema, "digest",
                   "SELECT partition,"
                   "       string_agg(key || ' ' || value, ', ' ORDER BY key COLLATE \"C\")"
                   "  FROM $schema.position, jsonb_each_text(next_offsets)"
                   " WHERE batch_seq IS NOT NULL GROUP BY partition"
                   " UNION ALL SELECT NULL, $schema.digest() ORDER BY 1 NULLS LAST",
                   &rows);

    for (int i = 0; rows && i < PQntuples(rows); i++)
        if (PQgetisnull(rows, i, 0))
            printf("%s: sha256 %s\n", consumer, PQgetvalue(rows, i, 1));
        else
            printf("%s partition %s: %s\n", consumer, PQgetvalue(rows, i, 0),
                   PQgetvalue(rows, i, 1));
    PQclear(rows);
    return ok;
}

/* ---- outbox = topic */

struct stream {
    const char *consumer, *schema, *topic;
    bool compacted, at_end;
    bool begun;   /* first_seq is known */
    bool unknown; /* the last record is not in the outbox, which was told */
    int32_t partition;
    int64_t oldest_no; /* of the outbox; 0: it has no row */
    int64_t first_seq; /* what is older went with its range of the outbox */
    int64_t last_seq;  /* of the record last compared */
    int64_t outbox_no; /* of the row last loaded */
    PGresult *rows;
    int row;
};

/* The oldest row of the stream that is not compared yet; false behind the last one, or when
 * the query failed. */
static bool has_row(struct run *run, struct stream *stream)
{
    char partition[16], after[24];
    const char *values[] = {partition, after, stream->topic};
    int count = stream->rows ? PQntuples(stream->rows) : ROWS_AT_ONCE;

    if (stream->rows && (stream->row < count || count < ROWS_AT_ONCE))
        return stream->row < count;
    snprintf(partition, sizeof partition, "%" PRId32, stream->partition);
    snprintf(after, sizeof after, "%" PRId64, stream->outbox_no);
    PQclear(stream->rows);
    stream->rows =
        ask(run, stream->schema,
            "SELECT outbox_no, stream_seq, event_id, value FROM $schema.outbox"
            " WHERE partition = $1::integer AND outbox_no > $2::bigint AND topic = $3"
            " ORDER BY outbox_no LIMIT 2000",
            values, 3);
    stream->row = 0;
    count = stream->rows ? PQntuples(stream->rows) : 0;
    if (count)
        stream->outbox_no = strtoll(PQgetvalue(stream->rows, count - 1, 0), NULL, 10);
    return count > 0;
}

static int64_t row_seq(const struct stream *stream)
{
    return strtoll(PQgetvalue(stream->rows, stream->row, 1), NULL, 10);
}

/*
 * The relay drops ranges that are published: where the outbox of the partition
 * does not begin with its first number, the stream is compared from its oldest
 * row on, or, without a row, from the next number it will give.
 */
static bool begin(struct run *run, struct stream *stream)
{
    char partition[16];
    const char *values[] = {partition, stream->topic};
    PGresult *result;

    snprintf(partition, sizeof partition, "%" PRId32, stream->partition);
    result = ask(run, stream->schema,
                 "SELECT coalesce((SELECT min(outbox_no) FROM $schema.outbox"
                 "                  WHERE partition = $1::integer), 0),"
                 "       coalesce((SELECT (stream_seqs ->> ($2 || '/' || $1))::bigint"
                 "                   FROM $schema.position"
                 "                  WHERE partition = $1::integer), 0) + 1",
                 values, 2);
    stream->begun = result != NULL;
    stream->oldest_no = result ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    if (result && stream->oldest_no != 1)
        stream->first_seq = has_row(run, stream)
                                ? row_seq(stream)
                                : strtoll(PQgetvalue(result, 0, 1), NULL, 10);
    PQclear(result);
    return stream->begun;
}

/* The relay has dropped a range that was not compared to its end: what is left begins
 * later. */
static bool has_gone(struct run *run, struct stream *stream, int64_t seq)
{
    int64_t oldest_no = stream->oldest_no;

    return begin(run, stream) && stream->oldest_no != oldest_no && seq < stream->first_seq;
}

static bool same_value(const PGresult *rows, int row, const rd_kafka_message_t *message)
{
    size_t len = 0;
    unsigned char *bytes;
    bool same;

    if (PQgetisnull(rows, row, 3))
        return message->payload == NULL;
    bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(rows, row, 3), &len);
    same = bytes && message->payload && len == message->len &&
           !memcmp(bytes, message->payload, len);
    PQfreemem(bytes);
    return same;
}

static bool same_id(const PGresult *rows, int row, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *id;
    size_t len;

    return !rd_kafka_message_headers(message, &headers) &&
           !rd_kafka_header_get_last(headers, "ce_id", &id, &len) &&
           len == strlen(PQgetvalue(rows, row, 2)) &&
           !memcmp(id, PQgetvalue(rows, row, 2), len);
}

/* Rows before the record's number have no record: one finding, however many they are. */
static void pass_missing(struct run *run, struct stream *stream, int64_t record_seq)
{
    int64_t first = 0, last = 0;

    while (has_row(run, stream) && row_seq(stream) < record_seq) {
        last = row_seq(stream);
        first = first ? first : last;
        stream->row++;
        run->outbox_rows++;
    }
    if (!first || stream->compacted)
        return;
    if (first == last)
        finding(run, "%s partition %" PRId32 ": stream_seq %" PRId64 " of %s is missing",
                stream->topic, stream->partition, first, stream->consumer);
    else
        finding(run,
                "%s partition %" PRId32 ": stream_seq %" PRId64 " to %" PRId64
                " of %s are missing",
                stream->topic, stream->partition, first, last, stream->consumer);
}

static void tell_unknown(struct run *run, struct stream *stream,
                         const rd_kafka_message_t *message, int64_t record_seq)
{
    if (!stream->unknown)
        finding(run,
                "%s partition %" PRId32 " offset %" PRId64 ": stream_seq %" PRId64
                " is not in the outbox of %s",
                stream->topic, stream->partition, message->offset, record_seq,
                stream->consumer);
    stream->unknown = true;
}

/* A record of the stream against the outbox's next row; repeats are allowed. */
static void compare(struct run *run, struct stream *stream,
                    const rd_kafka_message_t *message,
                    const struct o2c_stream_headers *headers)
{
    int64_t seq = headers->stream_seq;

    if (seq <= stream->last_seq || (!stream->begun && !begin(run, stream)) ||
        seq < stream->first_seq)
        return;
    stream->last_seq = seq;
    pass_missing(run, stream, seq);
    if (!has_row(run, stream) || row_seq(stream) > seq) {
        if (!has_gone(run, stream, seq))
            tell_unknown(run, stream, message, seq);
        return;
    }
    stream->unknown = false;
    if (!same_id(stream->rows, stream->row, message) ||
        !same_value(stream->rows, stream->row, message))
        finding(run,
                "%s partition %" PRId32 " offset %" PRId64
                ": differs from the outbox of %s at stream_seq %" PRId64,
                stream->topic, stream->partition, message->offset, stream->consumer, seq);
    stream->row++;
    run->outbox_rows++;
}

/* What the outbox has beyond the end of the topic. */
static void check_rest(struct run *run, struct stream *stream)
{
    if (!stream->compacted && has_row(run, stream))
        finding(run,
                "%s partition %" PRId32 ": stream_seq %" PRId64 " of %s is not published",
                stream->topic, stream->partition, row_seq(stream), stream->consumer);
}

static void kafka_failed(struct run *run, const char *topic, int32_t partition,
                         const char *why)
{
    run->failed = true;
    (void)stack_fail(&run->stack, EXIT_STACK_FAILED, "%s partition %" PRId32 ": %s", topic,
                     partition, why);
}

/* False at the end of its partition. */
static bool take(struct run *run, struct stream *stream, const rd_kafka_message_t *message)
{
    struct o2c_stream_headers headers = {0};
    struct o2c_err err;

    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return false;
    if (message->err) {
        kafka_failed(run, stream->topic, stream->partition,
                     rd_kafka_message_errstr(message));
        return false;
    }
    if (!o2c_stream_headers_read(message, &headers, &err) && headers.present &&
        o2c_str_eq(headers.source, o2c_str_from(stream->consumer)))
        compare(run, stream, message, &headers);
    return true;
}

/* Reads all partitions of a topic at once, each to its end. */
static void read_streams(struct run *run, struct stream *streams, int count, int left)
{
    while (left && !run->failed) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(run->stack.rk, ASK_TIMEOUT_MS);

        if (!message)
            break;
        if (message->rkt && message->partition < count &&
            !streams[message->partition].at_end &&
            !take(run, &streams[message->partition], message)) {
            streams[message->partition].at_end = true;
            left--;
        }
        rd_kafka_message_destroy(message);
    }
    for (int p = 0; p < count && !run->failed; p++)
        if (streams[p].at_end)
            check_rest(run, &streams[p]);
        else
            kafka_failed(run, streams[p].topic, p, "could not be read to its end");
}

/* `list` has the partitions with records, of `count`. */
static void check_streams(struct run *run, const char *consumer, const char *schema,
                          const char *topic, int count,
                          const rd_kafka_topic_partition_list_t *list)
{
    const struct o2c_topic *described = o2c_topic_by_name(topic);
    struct stream *streams = calloc((size_t)count + 1, sizeof *streams);

    if (!streams)
        abort();
    for (int p = 0; p < count; p++)
        streams[p] = (struct stream){
            .consumer = consumer,
            .schema = schema,
            .topic = topic,
            .compacted =
                described && described->config && strstr(described->config, "compact"),
            .partition = p,
            .at_end = true,
        };
    for (int i = 0; i < list->cnt; i++)
        streams[list->elems[i].partition].at_end = false;
    if (list->cnt && rd_kafka_assign(run->stack.rk, list))
        kafka_failed(run, topic, list->elems[0].partition, "cannot be read");
    else
        read_streams(run, streams, count, list->cnt);
    if (list->cnt)
        (void)rd_kafka_assign(run->stack.rk, NULL);
    for (int p = 0; p < count; p++)
        PQclear(streams[p].rows);
    free(streams);
}

/* The partitions of a topic that have records; NULL after printing what failed. */
static rd_kafka_topic_partition_list_t *with_records(struct run *run, const char *topic,
                                                     int32_t *ret_count)
{
    struct stack *stack = &run->stack;
    rd_kafka_topic_partition_list_t *list;
    char name[160];

    snprintf(name, sizeof name, "%s%s", stack->settings->kafka.topic_prefix, topic);
    if (o2c_kafka_partition_count(stack->rk, name, ASK_TIMEOUT_MS, ret_count,
                                  &stack->err)) {
        stack_failed(stack);
        return NULL;
    }
    if (!*ret_count) {
        (void)stack_no_topic(stack, name);
        return NULL;
    }
    list = rd_kafka_topic_partition_list_new(*ret_count);
    for (int32_t p = 0; p < *ret_count; p++)
        rd_kafka_topic_partition_list_add(list, name, p);
    if (!o2c_kafka_with_records(stack->rk, list, ASK_TIMEOUT_MS, &stack->err))
        return list;
    stack_failed(stack);
    rd_kafka_topic_partition_list_destroy(list);
    return NULL;
}

static bool check_topics(struct run *run, const char *consumer, const char *schema)
{
    const char *values[] = {consumer};
    PGresult *result = stack_query(&run->stack,
                                   "SELECT topic FROM o2c.consumer_topic"
                                   " WHERE consumer = $1 AND direction = 'out' ORDER BY 1",
                                   values, 1);
    bool asked = result != NULL;

    for (int i = 0; asked && i < PQntuples(result); i++) {
        const char *topic = PQgetvalue(result, i, 0);
        int32_t count = 0;
        rd_kafka_topic_partition_list_t *list = with_records(run, topic, &count);

        if (list) {
            check_streams(run, consumer, schema, topic, count, list);
            rd_kafka_topic_partition_list_destroy(list);
        }
        asked = list && !run->failed;
    }
    PQclear(result);
    return asked;
}

typedef bool on_consumer_fn(struct run *run, const char *consumer, const char *schema);

static bool check_consumer(struct run *run, const char *consumer, const char *schema)
{
    bool folded;

    if (!check_folded(run, consumer, schema, &folded))
        return false;
    return !folded ||
           (check_conservation(run, consumer, schema) &&
            check_order(run, consumer, schema) && check_own(run, consumer, schema) &&
            check_topics(run, consumer, schema));
}

/* False after saying what failed. */
static bool for_each_consumer(struct run *run, on_consumer_fn *act)
{
    PGresult *result = stack_query(
        &run->stack, "SELECT consumer, quote_ident(schema) FROM o2c.consumer ORDER BY 1",
        NULL, 0);
    bool asked = result != NULL;

    for (int i = 0; asked && i < PQntuples(result); i++)
        asked = act(run, PQgetvalue(result, i, 0), PQgetvalue(result, i, 1));
    PQclear(result);
    return asked;
}

/* Of a pipeline at work nothing need hold: where it is, that is said. */
static int broken(struct run *run)
{
    struct stack *stack = &run->stack;
    bool drained = true;
    struct o2c_buf why;
    int status = EXIT_FINDINGS;

    o2c_buf_init(&why, MAX_REASON_BYTES);
    if (!run->rebuilds &&
        o2c_drained(stack->pg, stack->rk, stack->settings->kafka.topic_prefix, &drained,
                    &why, &stack->err))
        status = stack_failed(stack);
    else
        stack_fail(
            stack, status, "%d invariant%s broken%s%s", run->findings,
            run->findings == 1 ? " is" : "s are",
            drained ? "" : "; but the pipeline is not drained: ", o2c_buf_text(&why));
    o2c_buf_clear(&why);
    return status;
}

static int verify(struct run *run)
{
    if (!for_each_consumer(run, check_consumer) ||
        (!run->rebuilds && !check_own(run, "all", "o2c")))
        return EXIT_STACK_FAILED;
    if (run->findings)
        return broken(run);
    printf("verified: %" PRId64 " records accounted for, %" PRId64
           " published decisions equal the outbox\n",
           run->records, run->outbox_rows);
    return run->prints_digest && !for_each_consumer(run, print_digest) ? EXIT_STACK_FAILED
                                                                       : EXIT_OK;
}

int verify_run(int argc, char **argv)
{
    struct verify_settings settings = {0};
    struct options options = {
        .usage = "o2c verify [options]",
        .about =
            "Checks, on a drained pipeline, that nothing was lost or invented: every record\n"
            "is accounted for once, in a recorded order without a gap, every decision in an outbox\n"
            "is in its topic and the other way round, each consumer's tables add up, and consumers\n"
            "agree with each other.\n"
            "--digest: two pipelines that heard the same events, in any order, print the same\n"
            "digest of what is owed and paid; what it leaves open, docs/operations.md says.\n",
        .exits = {.done = "all hold",
                  .findings = "some are broken; each is named",
                  .servers = "Kafka or PostgreSQL"},
        .table = &table,
        .settings = &settings,
    };
    struct run run = {.stack = {.command = argv[0], .settings = &settings.stack}};
    int status;

    if (options_load(&options, argc, argv, &status)) {
        run.prints_digest = settings.digest;
        status = stack_open_pg(&run.stack);
        if (!status)
            status = stack_open_kafka(&run.stack);
        if (!status)
            status = verify(&run);
    }
    stack_close(&run.stack);
    options_clear(&options);
    return status;
}
