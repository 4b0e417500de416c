/*
 * The job last_wins with librdkafka and libpq alone, as somebody would write
 * it for this one job: what the host is measured against.  The same fold per
 * key, the same set-based MERGE with one binary array of a composite type, the
 * offsets in the same transaction, the next batch taken while PostgreSQL is at
 * work on the one before.  No rebalancing, no fence, no parking, no checks.
 *
 *     bare_last_wins BOOTSTRAP TOPIC DSN PARTITION...
 *
 * Runs until SIGTERM; prints one log line when it begins to read, as the host does.
 */
#include <assert.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bare_kafka.h"

enum {
    BATCH = 20000,
    SLOTS = 1 << 16,
    PARTITIONS = 64,
    ROW_BYTES = 512, /* at most, in the parameter */
    COLUMNS = 7,
    OID_TEXT = 25,
    OID_TIMESTAMPTZ = 1184,
    OID_INT8 = 20,
    OID_INT4 = 23
};

static const int64_t PG_EPOCH_US = INT64_C(946684800000000);

struct text {
    const char *at;
    size_t len;
};

struct order {
    struct text account, order, customer;
    uint64_t states[3];
    int64_t changed_at_us;
    uint64_t hash;
};

struct batch {
    rd_kafka_event_t *held[BATCH];
    size_t held_count;
    struct order orders[BATCH];
    size_t order_count;
    uint32_t slots[SLOTS]; /* number of the order + 1 */
    int64_t next[PARTITIONS];
};

static const char *const states[3][8] = {
    {"received", "held", "acknowledged", "rejected", "processing", "done", "cancelled"},
    {"none", "waiting", "part_shipped", "shipped", "exception"},
    {"none", "pending", "part_invoiced", "awaiting_payment", "part_paid", "paid",
     "exception"},
};

static struct batch batches[2];
static char *param;
static size_t param_len;
static uint32_t row_oid;

/* ---- Avro */

static uint64_t number(const uint8_t **at)
{
    uint64_t coded = 0;
    int shift = 0;

    do
        coded |= (uint64_t)(**at & 0x7f) << shift, shift += 7;
    while (*(*at)++ & 0x80);
    return coded >> 1 ^ -(coded & 1);
}

static struct text string(const uint8_t **at)
{
    size_t len = number(at);
    struct text text = {(const char *)*at, len};

    *at += len;
    return text;
}

/* OrderStatusChanged after the five bytes of framing. */
static void decode(const uint8_t *at, struct order *order)
{
    (void)string(&at); /* event_id */
    order->changed_at_us = (int64_t)number(&at);
    (void)string(&at); /* source */
    (void)string(&at); /* company_id */
    order->customer = string(&at);
    order->account = number(&at) ? string(&at) : order->customer;
    order->order = string(&at);
    for (int i = 0; i < 3; i++)
        order->states[i] = number(&at);
}

/* ---- fold */

static uint64_t hash_of(struct text text, uint64_t hash)
{
    for (size_t i = 0; i + 8 <= text.len; i += 8) {
        uint64_t part;

        memcpy(&part, text.at + i, 8);
        hash = (hash ^ part) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    for (size_t i = text.len & ~(size_t)7; i < text.len; i++)
        hash = (hash ^ (uint8_t)text.at[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

static bool same(struct text a, struct text b)
{
    return a.len == b.len && !memcmp(a.at, b.at, a.len);
}

static void fold(struct batch *batch, const struct order *order)
{
    size_t slot = order->hash & (SLOTS - 1);

    for (; batch->slots[slot]; slot = (slot + 1) & (SLOTS - 1)) {
        struct order *known = &batch->orders[batch->slots[slot] - 1];

        if (known->hash == order->hash && same(known->order, order->order) &&
            same(known->account, order->account)) {
            *known = *order;
            return;
        }
    }
    batch->orders[batch->order_count++] = *order;
    batch->slots[slot] = (uint32_t)batch->order_count;
}

static void take(struct batch *batch, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message = rd_kafka_event_message_next(event);
    struct order order;

    if (message->err)
        bare_die("consume", rd_kafka_message_errstr(message));
    decode((const uint8_t *)message->payload + 5, &order);
    order.hash = hash_of(order.order, hash_of(order.account, 0));
    fold(batch, &order);
    batch->next[message->partition] = message->offset + 1;
    batch->held[batch->held_count++] = event;
}

static void empty(struct batch *batch)
{
    for (size_t i = 0; i < batch->held_count; i++)
        rd_kafka_event_destroy(batch->held[i]);
    batch->held_count = batch->order_count = 0;
    memset(batch->slots, 0, sizeof batch->slots);
    for (int p = 0; p < PARTITIONS; p++)
        batch->next[p] = -1;
}

/* Takes what there is while the batch has room. */
static void fill(struct batch *batch, struct bare_kafka *kafka)
{
    rd_kafka_event_t *event;

    while (batch->held_count < BATCH && (event = bare_kafka_take(kafka)))
        take(batch, event);
}

/* ---- the parameter */

static void put32(uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(param + param_len, &value, 4);
    param_len += 4;
}

static void put_field(uint32_t oid, const void *at, size_t len)
{
    put32(oid);
    put32((uint32_t)len);
    memcpy(param + param_len, at, len);
    param_len += len;
}

static void put_header(uint32_t oid, size_t count)
{
    put32(1);
    put32(0);
    put32(oid);
    put32((uint32_t)count);
    put32(1);
}

static void put_order(const struct order *order)
{
    size_t start = param_len;
    uint64_t changed = __builtin_bswap64((uint64_t)(order->changed_at_us - PG_EPOCH_US));
    uint32_t len;

    param_len += 4;
    put32(COLUMNS);
    put_field(OID_TEXT, order->account.at, order->account.len);
    put_field(OID_TEXT, order->order.at, order->order.len);
    put_field(OID_TEXT, order->customer.at, order->customer.len);
    for (int i = 0; i < 3; i++)
        put_field(OID_TEXT, states[i][order->states[i]],
                  strlen(states[i][order->states[i]]));
    put_field(OID_TIMESTAMPTZ, &changed, sizeof changed);
    len = __builtin_bswap32((uint32_t)(param_len - start - 4));
    memcpy(param + start, &len, 4);
    assert(param_len - start <= ROW_BYTES);
}

static int by_key(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    size_t len = x->account.len < y->account.len ? x->account.len : y->account.len;
    int order = memcmp(x->account.at, y->account.at, len);

    if (!order)
        order = (x->account.len > y->account.len) - (x->account.len < y->account.len);
    if (order)
        return order;
    len = x->order.len < y->order.len ? x->order.len : y->order.len;
    order = memcmp(x->order.at, y->order.at, len);
    return order ? order : (x->order.len > y->order.len) - (x->order.len < y->order.len);
}

/* ---- PostgreSQL */

static PGconn *connect_to(const char *dsn)
{
    static const char *const sql[] = {"SET plan_cache_mode = force_generic_plan",
                                      "SET enable_seqscan = off",
                                      "SET enable_bitmapscan = off",
                                      "SET enable_hashjoin = off",
                                      "SET enable_mergejoin = off",
                                      "SET jit = off"};
    PGconn *conn = PQconnectdb(dsn);
    PGresult *result;

    if (PQstatus(conn) != CONNECTION_OK)
        bare_die("connect", PQerrorMessage(conn));
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++)
        PQclear(PQexec(conn, sql[i]));
    result = PQexec(conn, "SELECT 'bare.order_state_row'::regtype::oid");
    row_oid = (uint32_t)strtoul(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    PQclear(PQprepare(
        conn, "merge",
        "MERGE INTO bare.order_state t USING unnest($1::bare.order_state_row[]) s"
        " ON t.account_id = s.account_id AND t.order_id = s.order_id"
        " WHEN MATCHED THEN UPDATE SET customer_id = s.customer_id, state = s.state,"
        " shipment_state = s.shipment_state, invoice_state = s.invoice_state,"
        " changed_at = s.changed_at"
        " WHEN NOT MATCHED THEN INSERT VALUES (s.account_id, s.order_id, s.customer_id,"
        " s.state, s.shipment_state, s.invoice_state, s.changed_at)",
        0, NULL));
    PQclear(PQprepare(conn, "offsets",
                      "INSERT INTO bare.next_offset SELECT * FROM unnest($1::int[], "
                      "$2::bigint[]) ON CONFLICT (partition) DO UPDATE SET next_offset = "
                      "excluded.next_offset",
                      0, NULL));
    if (PQsetnonblocking(conn, 1) || !PQenterPipelineMode(conn))
        bare_die("pipeline mode", PQerrorMessage(conn));
    return conn;
}

static void send_offsets(PGconn *conn, const struct batch *batch)
{
    size_t count = 0, second;
    const char *values[2];
    int lengths[2], formats[2] = {1, 1};

    for (int p = 0; p < PARTITIONS; p++)
        count += batch->next[p] >= 0;
    param_len = 0;
    put_header(OID_INT4, count);
    for (uint32_t p = 0; p < PARTITIONS; p++)
        if (batch->next[p] >= 0)
            put32(4), put32(p);
    second = param_len;
    put_header(OID_INT8, count);
    for (int p = 0; p < PARTITIONS; p++)
        if (batch->next[p] >= 0) {
            put32(8);
            put32((uint32_t)((uint64_t)batch->next[p] >> 32));
            put32((uint32_t)batch->next[p]);
        }
    values[0] = param;
    values[1] = param + second;
    lengths[0] = (int)second;
    lengths[1] = (int)(param_len - second);
    if (!PQsendQueryPrepared(conn, "offsets", 2, values, lengths, formats, 1))
        bare_die("offsets", PQerrorMessage(conn));
}

static void store(PGconn *conn, struct batch *batch)
{
    const char *values[1] = {param};
    int lengths[1], formats[1] = {1};

    /* slots name orders by number: the batch is folded to the end when it is sorted */
    qsort(batch->orders, batch->order_count, sizeof batch->orders[0], by_key);
    param_len = 0;
    put_header(row_oid, batch->order_count);
    for (size_t i = 0; i < batch->order_count; i++)
        put_order(&batch->orders[i]);
    lengths[0] = (int)param_len;
    if (!PQsendQueryPrepared(conn, "merge", 1, values, lengths, formats, 1))
        bare_die("merge", PQerrorMessage(conn));
    send_offsets(conn, batch);
    if (!PQpipelineSync(conn) || PQflush(conn) < 0)
        bare_die("sync", PQerrorMessage(conn));
}

/* True when the Sync is answered. */
static bool stored(PGconn *conn)
{
    if (!PQconsumeInput(conn))
        bare_die("answer", PQerrorMessage(conn));
    while (!PQisBusy(conn)) {
        PGresult *result = PQgetResult(conn);
        ExecStatusType status = result ? PQresultStatus(result) : PGRES_COMMAND_OK;

        if (status == PGRES_FATAL_ERROR)
            bare_die("store", PQresultErrorMessage(result));
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC)
            return true;
    }
    return false;
}

static void wait_for_either(PGconn *conn, bool storing, int wake_fd)
{
    int unsent = PQflush(conn);
    struct pollfd fds[2] = {{PQsocket(conn), (short)(POLLIN | (unsent ? POLLOUT : 0)), 0},
                            {wake_fd, POLLIN, 0}};
    uint64_t woken;

    (void)poll(storing ? fds : fds + 1, storing ? 2 : 1, 100);
    if (wake_fd >= 0)
        (void)!read(wake_fd, &woken, sizeof woken);
}

/* ---- all of it */

static void assign(struct bare_kafka *kafka, const char *topic, char **partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);

    for (; *partitions; partitions++)
        rd_kafka_topic_partition_list_add(list, topic,
                                          (int32_t)strtol(*partitions, NULL, 10))
            ->offset = 0;
    bare_kafka_assign(kafka, list);
}

static void run(struct bare_kafka *kafka, PGconn *conn)
{
    struct batch *filling = &batches[0], *storing = NULL;

    empty(&batches[0]);
    empty(&batches[1]);
    while (!bare_stopped) {
        fill(filling, kafka);
        if (storing && stored(conn)) {
            empty(storing);
            storing = NULL;
        }
        if (!storing && filling->held_count) {
            storing = filling;
            filling = filling == &batches[0] ? &batches[1] : &batches[0];
            store(conn, storing);
            continue;
        }
        wait_for_either(conn, storing, filling->held_count == BATCH ? -1 : kafka->wake_fd);
    }
}

int main(int argc, char **argv)
{
    struct bare_kafka kafka;
    PGconn *conn;

    if (argc < 5) {
        fprintf(stderr, "bare_last_wins BOOTSTRAP TOPIC DSN PARTITION...\n");
        return 2;
    }
    param = malloc((size_t)BATCH * ROW_BYTES);
    if (!param)
        bare_die("memory", "none");
    conn = connect_to(argv[3]);
    bare_kafka_open(&kafka, argv[1]);
    assign(&kafka, argv[2], argv + 4);
    run(&kafka, conn);
    PQfinish(conn);
    empty(&batches[0]);
    empty(&batches[1]);
    bare_kafka_close(&kafka);
    free(param);
    return 0;
}
