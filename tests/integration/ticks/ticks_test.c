#include "tests/integration/ticks/ticks_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/buf.h"
#include "runtime/base/hash.h"
#include "runtime/kafka/offsets.h"
#include "schemas/events.h"
#include "schemas/units/time.h"
#include "tests/integration/ticks/embedded.h"

#include "runtime/base/banned.h"

enum {
    ITEMS_MAX = 64,
    ASK_TIMEOUT_MS = 10000
};

struct broker broker;
PGconn *conn;
struct service daybook;
static char dsn[TEST_DSN_BYTES];

/* ---- a test's own world */

/* The same incarnation in every run: what is published is then the same to the byte. */
static void fix_incarnations(void)
{
    char *cluster = rd_kafka_clusterid(broker.rk, ASK_TIMEOUT_MS);
    char sql[600];

    assert_non_null(cluster);
    snprintf(sql, sizeof sql,
             "INSERT INTO daybook.claim"
             " SELECT p, 0, 0, '-', 0, '-infinity',"
             "        '01900000-0000-7000-8000-000000000001', '%s', %d, '-infinity'"
             "   FROM generate_series(0, %d) p",
             cluster, PARTITIONS, PARTITIONS - 1);
    rd_kafka_mem_free(broker.rk, cluster);
    test_postgres_run(conn, sql);
}

void ticks_database(void)
{
    char sql[100];
    int version;

    if (conn)
        PQfinish(conn);
    test_postgres_database(dsn);
    conn = test_postgres_connect(dsn);
    test_postgres_migrate(conn, "o2c/0001_registry.sql", "");
    version = test_postgres_migrate(conn, "host", "daybook");
    test_postgres_run(conn, o2c_integration_ticks_daybook);
    test_postgres_run(conn, o2c_integration_ticks_alone);
    snprintf(sql, sizeof sql, "INSERT INTO o2c.migration VALUES ('daybook', 'host', %d)",
             version);
    test_postgres_run(conn, sql);
    fix_incarnations();
}

int ticks_setup(void **state)
{
    static const char *const topics[] = {"o2c.customers", "o2c.order-status", "o2c.clock",
                                         "o2c.conflicts", "o2c.parked.daybook"};

    (void)state;
    broker_open(&broker, NULL);
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        broker_topic(&broker, topics[i], PARTITIONS,
                     "message.timestamp.type=LogAppendTime");
    ticks_database();
    return 0;
}

int ticks_teardown(void **state)
{
    (void)state;
    service_clear(&daybook, true);
    broker_close(&broker);
    PQfinish(conn);
    conn = NULL;
    return 0;
}

void daybook_start(int batch_events, const char *failpoints)
{
    char number[24], variable[200];
    const char *words[] = {"--kafka",        broker.bootstrap, "--topic-prefix",
                           broker.prefix,    "--pg-dsn",       dsn,
                           "--batch-events", number,           NULL};
    const char *variables[] = {variable, NULL};

    snprintf(number, sizeof number, "%d", batch_events ? batch_events : 20000);
    snprintf(variable, sizeof variable, "O2C_FAILPOINTS=%s", failpoints ? failpoints : "");
    service_start(&daybook, O2C_DAYBOOK, words, variables);
    service_wait_log(&daybook, "\"reading\"");
}

/* ---- events */

static int32_t partition_of(const char *account)
{
    return o2c_hash_partition(o2c_str_from(account), PARTITIONS);
}

const char *account_of(int32_t partition, int n)
{
    static char name[PARTITIONS][8][16];

    for (int number = 0, left = n;; number++) {
        snprintf(name[partition][n], sizeof name[partition][n], "A%d", number);
        if (partition_of(name[partition][n]) == partition && !left--)
            return name[partition][n];
    }
}

static int32_t date_of(int day)
{
    int32_t date;

    assert_true(o2c_date_of(2026, 1, day, &date));
    return date;
}

static struct o2c_head head_of(const char *account)
{
    return (struct o2c_head){.event_id = O2C_STR("5f0a5c4e-0000-7000-8000-000000000001"),
                             .occurred_at_us = 1767225600000000,
                             .source = O2C_STR("test"),
                             .company_id = O2C_STR("main"),
                             .customer_id = o2c_str_from(account)};
}

static void put(const char *topic, int32_t partition, const char *key,
                const struct o2c_event *event, rd_kafka_headers_t *headers)
{
    struct broker_record record = {topic, partition, o2c_str_from(key), {NULL, 0}, headers};
    struct o2c_buf bytes;
    struct o2c_err err;

    o2c_buf_init(&bytes, 1 << 20);
    if (o2c_event_encode(event, &bytes, &err))
        fail_msg("%s", err.text);
    record.value = (struct o2c_str){bytes.at, bytes.len};
    broker_put(&broker, &record);
    o2c_buf_clear(&bytes);
}

void put_promise(const char *account, int day, const char *items)
{
    struct o2c_str ids[ITEMS_MAX];
    struct o2c_payment_promised body = {.head = head_of(account),
                                        .invoice_ids = ids,
                                        .amount_minor = 1,
                                        .promised_date = date_of(day)};
    struct o2c_event event = o2c_event_of(O2C_PAYMENT_PROMISED, &body);

    for (; *items; items += items[0] == ' ') {
        size_t len = strcspn(items, " ");

        assert_true(body.invoice_ids_count < ITEMS_MAX);
        ids[body.invoice_ids_count++] = (struct o2c_str){items, len};
        items += len;
    }
    put("o2c.customers", partition_of(account), account, &event, NULL);
}

void put_block(const char *account, int day, const char *item)
{
    struct o2c_reminders_blocked body = {.head = head_of(account),
                                         .invoice_id = o2c_str_from(item),
                                         .until = date_of(day),
                                         .reason = O2C_STR("test")};
    struct o2c_event event = o2c_event_of(O2C_REMINDERS_BLOCKED, &body);

    put("o2c.customers", partition_of(account), account, &event, NULL);
}

static rd_kafka_headers_t *stream_headers(int64_t seq, int day)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    char number[24], date[O2C_DATE_TEXT + 1];

    snprintf(number, sizeof number, "%lld", (long long)seq);
    rd_kafka_header_add(headers, "source", -1, "elsewhere", -1);
    rd_kafka_header_add(headers, "incarnation", -1, "01900000-0000-7000-8000-000000000002",
                        -1);
    rd_kafka_header_add(headers, "source_partition", -1, "0", -1);
    rd_kafka_header_add(headers, "stream_seq", -1, number, -1);
    rd_kafka_header_add(headers, "o2c_cause", -1, "o2c.clock/0/1#0", -1);
    if (day) {
        o2c_date_format(date_of(day), date);
        rd_kafka_header_add(headers, "o2c_tick", -1, date, -1);
    }
    return headers;
}

void put_held(const char *account, int64_t seq, int day)
{
    struct o2c_str reason = O2C_STR("test");
    struct o2c_order_held body = {.head = head_of(account),
                                  .order_id = O2C_STR("SO-1"),
                                  .reasons = &reason,
                                  .reasons_count = 1};
    struct o2c_event event = o2c_event_of(O2C_ORDER_HELD, &body);

    put("o2c.order-status", partition_of(account), account, &event,
        seq ? stream_headers(seq, day) : NULL);
}

void put_day(int32_t partition, int day, int64_t customers, int64_t status)
{
    struct o2c_cut_end cut[] = {{O2C_STR("o2c.customers"), customers},
                                {O2C_STR("o2c.order-status"), status},
                                {O2C_STR("o2c.elsewhere"), 1000000}};
    struct o2c_business_day_started body = {
        .head = head_of(""), .business_date = date_of(day), .cut = cut, .cut_count = 3};
    struct o2c_event event = o2c_event_of(O2C_BUSINESS_DAY_STARTED, &body);

    body.head.customer_id = (struct o2c_str){NULL, 0};
    put("o2c.clock", partition, "", &event, NULL);
}

void put_clock_bytes(int32_t partition, const char *bytes)
{
    struct broker_record record = {
        "o2c.clock", partition, {NULL, 0}, o2c_str_from(bytes), NULL};

    broker_put(&broker, &record);
}

static int64_t end_of(const char *topic, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    char name[80];
    struct o2c_err err;
    int64_t end;

    snprintf(name, sizeof name, "%s%s", broker.prefix, topic);
    rd_kafka_topic_partition_list_add(list, name, partition);
    if (o2c_kafka_ends(broker.rk, list, ASK_TIMEOUT_MS, &err))
        fail_msg("%s", err.text);
    end = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return end;
}

void put_day_everywhere(int day)
{
    for (int32_t p = 0; p < PARTITIONS; p++)
        put_day(p, day, end_of("o2c.customers", p), end_of("o2c.order-status", p));
}

/* ---- what came of it */

void await_applied(int count)
{
    char expected[24];

    snprintf(expected, sizeof expected, "%d", count);
    await_sql(conn, expected, "SELECT applied FROM daybook.done");
}

void await_day(int32_t partition, int day)
{
    char expected[24], sql[200];

    snprintf(expected, sizeof expected, "2026-01-%02d", day);
    snprintf(sql, sizeof sql,
             "SELECT business_date FROM daybook.position"
             " WHERE partition = %d AND cursor_date IS NULL",
             partition);
    await_sql(conn, expected, sql);
}

void expect_sql(const char *expected, const char *sql)
{
    assert_string_equal(sql_text(conn, sql), expected);
}

void expect_runs(const char *runs)
{
    expect_sql(runs, "SELECT runs FROM daybook.runs");
}
