#include "tests/integration/host/host_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/buf.h"
#include "runtime/base/hash.h"
#include "schemas/events.h"
#include "tests/integration/host/embedded.h"

#include "runtime/base/banned.h"

enum {
    SETTINGS_MAX = 30
};

struct broker broker;
PGconn *conn;
char dsn[TEST_DSN_BYTES];
struct service first, second;

const char *const host_topic_names[HOST_TOPICS] = {"o2c.orders", "o2c.order-status",
                                                   "o2c.parked.orders", "o2c.conflicts",
                                                   "o2c.parked.probe"};

/* ---- a test's own world */

void host_setup_on(const char *bootstrap)
{
    int version;

    test_postgres_database(dsn);
    conn = test_postgres_connect(dsn);
    test_postgres_migrate(conn, "o2c/0001_registry.sql", "");
    version = test_postgres_migrate(conn, "host", "probe");
    test_postgres_run(conn, o2c_integration_host_probe);
    run_sql("INSERT INTO o2c.migration VALUES ('probe', 'host', %d)", version);
    broker_open(&broker, bootstrap);
}

int host_setup_bare(void **state)
{
    (void)state;
    host_setup_on(NULL);
    return 0;
}

static void make_topics(const char *without, int partitions)
{
    for (size_t i = 0; i < HOST_TOPICS; i++)
        if (!without || strcmp(host_topic_names[i], without) != 0)
            broker_topic(&broker, host_topic_names[i], partitions,
                         "message.timestamp.type=LogAppendTime,max.message.bytes=16777216");
}

void host_topics(const char *without)
{
    make_topics(without, PARTITIONS);
}

int host_setup(void **state)
{
    host_setup_bare(state);
    host_topics(NULL);
    return 0;
}

int host_setup_one_partition(void **state)
{
    host_setup_bare(state);
    make_topics(NULL, 1);
    return 0;
}

int host_teardown(void **state)
{
    (void)state;
    service_clear(&first, true);
    service_clear(&second, true);
    broker_close(&broker);
    PQfinish(conn);
    return 0;
}

void host_launch(struct service *member, const char *const *settings,
                 const char *failpoints)
{
    const char *words[SETTINGS_MAX] = {"--kafka",        broker.bootstrap,
                                       "--topic-prefix", broker.prefix,
                                       "--pg-dsn",       dsn,
                                       "--instance",     member == &first ? "1" : "2"};
    char variable[200];
    const char *variables[] = {variable, NULL};
    size_t count = 8;

    for (; settings && *settings; settings++)
        words[count++] = *settings;
    words[count] = NULL;
    snprintf(variable, sizeof variable, "O2C_FAILPOINTS=%s", failpoints ? failpoints : "");
    service_start(member, O2C_PROBE, words, variables);
}

void host_start(struct service *member, const char *const *settings, const char *failpoints)
{
    host_launch(member, settings, failpoints);
    service_wait_log(member, "\"reading\"");
}

void host_expect_refusal(const char *const *settings, int status, const char *words)
{
    host_launch(&first, settings, NULL);
    assert_int_equal(service_wait(&first), status);
    if (!service_log_count(&first, words))
        fail_msg("it did not say \"%s\"", words);
}

/* ---- events */

static struct o2c_head head_of(const char *account)
{
    return (struct o2c_head){.event_id = O2C_STR("5f0a5c4e-0000-7000-8000-000000000001"),
                             .occurred_at_us = 1767225600000000,
                             .source = O2C_STR("test"),
                             .company_id = O2C_STR("main"),
                             .customer_id = o2c_str_from(account)};
}

static void encode(const struct o2c_event *event, struct o2c_buf *bytes)
{
    struct o2c_err err;

    o2c_buf_init(bytes, 1 << 20);
    if (o2c_event_encode(event, bytes, &err))
        fail_msg("%s", err.text);
}

static void put(const char *topic, int32_t partition, struct o2c_str key,
                const struct o2c_event *event, rd_kafka_headers_t *headers)
{
    struct broker_record record = {topic, partition, key, {NULL, 0}, headers};
    struct o2c_buf bytes;

    encode(event, &bytes);
    record.value = (struct o2c_str){bytes.at, bytes.len};
    broker_put(&broker, &record);
    o2c_buf_clear(&bytes);
}

int32_t partition_of(const char *account)
{
    return o2c_hash_partition(o2c_str_from(account), PARTITIONS);
}

const char *account_of(int32_t partition, int n)
{
    static char names[PARTITIONS][64][16];
    static int found[PARTITIONS], next;

    while (found[partition] <= n) {
        char name[16];
        int32_t p;

        snprintf(name, sizeof name, "acc-%d", next++);
        p = partition_of(name);
        if (found[p] < 64)
            memcpy(names[p][found[p]++], name, sizeof name);
    }
    return names[partition][n];
}

static struct o2c_order_cancelled cancelled(const char *account, const char *order_id,
                                            const char *reason)
{
    return (struct o2c_order_cancelled){.head = head_of(account),
                                        .order_id = o2c_str_from(order_id),
                                        .revision = 1,
                                        .reason = o2c_str_from(reason)};
}

static void put_cancelled(int32_t partition, struct o2c_str key, const char *account,
                          const char *order_id, const char *reason)
{
    struct o2c_order_cancelled body = cancelled(account, order_id, reason);
    struct o2c_event event = o2c_event_of(O2C_ORDER_CANCELLED, &body);

    put("o2c.orders", partition, key, &event, NULL);
}

void put_order(const char *account, const char *order_id, const char *reason)
{
    put_cancelled(partition_of(account), o2c_str_from(account), account, order_id, reason);
}

void put_order_of_lines(const char *account, const char *order_id, size_t lines)
{
    struct o2c_order_cancelled body = cancelled(account, order_id, "");
    struct o2c_event event = o2c_event_of(O2C_ORDER_CANCELLED, &body);
    int32_t *line_nos = calloc(lines, sizeof *line_nos);

    assert_non_null(line_nos);
    body.line_nos = line_nos;
    body.line_nos_count = lines;
    put("o2c.orders", partition_of(account), o2c_str_from(account), &event, NULL);
    free(line_nos);
}

void put_order_at(int32_t partition, struct o2c_str key, const char *account,
                  const char *order_id)
{
    put_cancelled(partition, key, account, order_id, "");
}

void put_order_with_header(int32_t partition, struct o2c_str key, const char *account,
                           const char *name, struct o2c_str value)
{
    struct o2c_order_cancelled body = cancelled(account, "with-header", "");
    struct o2c_event event = o2c_event_of(O2C_ORDER_CANCELLED, &body);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);

    rd_kafka_header_add(headers, name, -1, value.at, (ssize_t)value.len);
    put("o2c.orders", partition, key, &event, headers);
}

void put_order_in_transaction(const char *account, const char *order_id, bool commit)
{
    struct o2c_order_cancelled body = cancelled(account, order_id, "");
    struct o2c_event event = o2c_event_of(O2C_ORDER_CANCELLED, &body);
    struct o2c_buf bytes;

    encode(&event, &bytes);
    broker_transaction(&broker, "o2c.orders", partition_of(account), o2c_str_from(account),
                       (struct o2c_str){bytes.at, bytes.len}, commit);
    o2c_buf_clear(&bytes);
}

void put_placed(const char *account, const char *order_id)
{
    struct o2c_order_line line = {
        .line_no = 1, .sku = O2C_STR("sku"), .quantity_milli = 1000};
    struct o2c_order_placed body = {.head = head_of(account),
                                    .order_id = o2c_str_from(order_id),
                                    .revision = 1,
                                    .placed_at_us = 1767225600000000,
                                    .currency = O2C_STR("EUR"),
                                    .lines = &line,
                                    .lines_count = 1};
    struct o2c_event event = o2c_event_of(O2C_ORDER_PLACED, &body);

    put("o2c.orders", partition_of(account), o2c_str_from(account), &event, NULL);
}

static rd_kafka_headers_t *pipeline_headers(const char *source, const char *incarnation,
                                            int32_t source_partition, int64_t seq)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    char number[24], partition[16];

    snprintf(number, sizeof number, "%lld", (long long)seq);
    snprintf(partition, sizeof partition, "%d", (int)source_partition);
    rd_kafka_header_add(headers, "source", -1, source, -1);
    rd_kafka_header_add(headers, "incarnation", -1, incarnation, -1);
    rd_kafka_header_add(headers, "source_partition", -1, partition, -1);
    rd_kafka_header_add(headers, "stream_seq", -1, number, -1);
    rd_kafka_header_add(headers, "o2c_cause", -1, "o2c.orders/0/1#0", -1);
    return headers;
}

static rd_kafka_headers_t *stream_headers(const struct stream *stream)
{
    char incarnation[] = "01900000-0000-7000-8000-00000000000?";

    incarnation[sizeof incarnation - 2] = stream->incarnation;
    return pipeline_headers(stream->source, incarnation, 0, stream->seq);
}

void put_published(const char *source, int32_t partition, const char *incarnation,
                   int64_t seq)
{
    struct broker_record record = {"o2c.conflicts", partition, O2C_STR("acc"), O2C_STR("x"),
                                   NULL};
    char sql[100];

    snprintf(sql, sizeof sql, "SELECT incarnation FROM probe.claim WHERE partition = %d",
             (int)partition);
    record.headers = pipeline_headers(
        source, incarnation ? incarnation : sql_text(conn, sql), partition, seq);
    broker_put(&broker, &record);
}

void put_rejected(const char *account, const char *order_id, const struct stream *stream)
{
    put_rejected_with_key(account, account, order_id, stream);
}

void put_rejected_with_key(const char *account, const char *key, const char *order_id,
                           const struct stream *stream)
{
    struct o2c_str none = O2C_STR("test");
    struct o2c_order_rejected body = {.head = head_of(account),
                                      .order_id = o2c_str_from(order_id),
                                      .reasons = &none,
                                      .reasons_count = 1};
    struct o2c_event event = o2c_event_of(O2C_ORDER_REJECTED, &body);

    put("o2c.order-status", partition_of(account), o2c_str_from(key), &event,
        stream_headers(stream));
}

void put_notice_at(int32_t partition, struct o2c_str key, const char *state,
                   const char *left, const struct stream *stream)
{
    bool parked = !strcmp(state, "parked");
    struct broker_record record = {
        .topic = "o2c.parked.orders",
        .partition = partition,
        .key = key,
        .value = parked ? O2C_STR("what cannot be read") : (struct o2c_str){NULL, 0},
        .headers = stream_headers(stream),
    };

    rd_kafka_header_add(record.headers, "o2c_parked", -1, state, -1);
    if (left)
        rd_kafka_header_add(record.headers, "o2c_parked_left", -1, left, -1);
    broker_put(&broker, &record);
}

/* ---- what a person asks for */

void ask_parking(const char *account, const char *action)
{
    run_sql("INSERT INTO probe.parked_order (partition, account_id, action, actor, reason)"
            " VALUES (%d, '%s', '%s', 'test', 'test')",
            (int)partition_of(account), account, action);
}

void await_outcome(const char *outcome)
{
    await_sql(conn, outcome,
              "SELECT outcome FROM probe.parked_order WHERE done_at IS NOT NULL"
              " ORDER BY order_no DESC LIMIT 1");
}

/* ---- what came of it */

void expect_notices(const char *notices)
{
    expect_sql(notices,
               "SELECT string_agg(headers->>'o2c_parked' || '/' ||"
               "                  (headers->>'o2c_parked_left'), ' ' ORDER BY outbox_no)"
               "  FROM probe.outbox WHERE topic = 'o2c.parked.probe'");
}

void run_sql(const char *fmt, ...)
{
    char sql[4000];
    va_list args;

    va_start(args, fmt);
    vsnprintf(sql, sizeof sql, fmt, args);
    va_end(args);
    test_postgres_run(conn, sql);
}

void expect_sql(const char *expected, const char *sql)
{
    assert_string_equal(sql_text(conn, sql), expected);
}

void await_applied(int count)
{
    char expected[24];

    snprintf(expected, sizeof expected, "%d", count);
    await_sql(conn, expected, "SELECT applied FROM probe.done");
}

void expect_trail(const char *account, const char *orders)
{
    char sql[200];

    snprintf(sql, sizeof sql, "SELECT orders FROM probe.trail WHERE account_id = '%s'",
             account);
    assert_string_equal(sql_text(conn, sql), orders);
}
