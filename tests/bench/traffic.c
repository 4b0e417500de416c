/*
 * What the benchmark publishes and how it sees it arrive.
 *
 *   traffic fill BOOTSTRAP TOPIC EVENTS ORDERS clustered|even
 *       order-state events (OrderStatusChanged), as fast as they go.
 *       clustered: an order's events lie among those of some 20,000 others,
 *       then it is done; even: any order at any time.
 *   traffic count BOOTSTRAP TOPIC
 *       how many offsets there are.
 *   traffic pace BOOTSTRAP TOPIC changed|placed|paid RATE SECONDS DSN POSITIONS_SQL
 * [OUT_TOPIC] RATE events a second. For each: how long until POSITIONS_SQL (partition, next
 * offset) shows it stored, and until a record on OUT_TOPIC names it as its cause. Prints
 * percentiles as JSON. paid: invoice n of money.py is paid by payment n, and the record on
 *       OUT_TOPIC must be its PaymentApplied.
 */
#include <assert.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/base/buf.h"
#include "runtime/base/clock.h"
#include "runtime/base/hash.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

enum {
    ACCOUNTS = 60000,
    WINDOW = 20000,   /* orders under way at a time */
    ORDER_EVENTS = 5, /* of one order, when clustered */
    PARTITIONS = 64,  /* at most */
    TURN_US = 300,    /* of the paced loop */
    ASK_EVERY_US = 1000,
    OUT_WAIT_US = 60000000, /* after the last one was published */
    WARM_UP_PART = 10,      /* the first 1/10 of the events does not count */
    PAID_MINOR = 11900,     /* as money.py */
    PAID_DATE = 20486       /* 2026-02-02 */
};

static const int64_t BEGIN_US = INT64_C(1767225600000000);

struct traffic {
    rd_kafka_t *rk;
    const char *topic;
    int32_t partition_count;
    struct o2c_buf buf;
    uint64_t seed;
    int64_t refused;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "traffic: %s: %s\n", what, why);
    exit(1);
}

static uint64_t draw(struct traffic *traffic, uint64_t below)
{
    traffic->seed ^= traffic->seed << 13;
    traffic->seed ^= traffic->seed >> 7;
    traffic->seed ^= traffic->seed << 17;
    return (traffic->seed >> 32) % below;
}

static int64_t count_of(const char *text)
{
    int64_t value;

    if (!o2c_str_to_int64(o2c_str_from(text), &value) || value < 1)
        die("not a count", text);
    return value;
}

/* ---- Kafka */

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char words[256];

    if (rd_kafka_conf_set(conf, name, value, words, sizeof words))
        die(name, words);
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char words[256];
    rd_kafka_t *rk = rd_kafka_new(type, conf, words, sizeof words);

    if (!rk)
        die("Kafka", words);
    return rk;
}

static int32_t partitions_of(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    const struct rd_kafka_metadata *metadata;
    int32_t count;

    if (rd_kafka_metadata(rk, 0, handle, &metadata, 10000))
        die("no such topic", topic);
    count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    if (count < 1 || count > PARTITIONS)
        die("partitions", topic);
    return count;
}

static void open_producer(struct traffic *traffic, const char *bootstrap,
                          const char *linger_ms, void *opaque,
                          void (*on_delivery)(rd_kafka_t *, const rd_kafka_message_t *,
                                              void *))
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    set(conf, "bootstrap.servers", bootstrap);
    set(conf, "linger.ms", linger_ms);
    set(conf, "acks", "all");
    set(conf, "socket.nagle.disable", "true");
    set(conf, "queue.buffering.max.messages", "200000");
    rd_kafka_conf_set_opaque(conf, opaque);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    traffic->rk = client(RD_KAFKA_PRODUCER, conf);
    traffic->partition_count = partitions_of(traffic->rk, traffic->topic);
    traffic->seed = UINT64_C(88172645463325252);
    o2c_buf_init(&traffic->buf, 1 << 16);
}

static void publish(struct traffic *traffic, const struct o2c_event *event, void *opaque)
{
    struct o2c_str key = o2c_event_account(event);
    struct o2c_err err;

    o2c_buf_reset(&traffic->buf);
    if (o2c_event_encode(event, &traffic->buf, &err))
        die("encode", err.text);
    for (;;) {
        rd_kafka_resp_err_t code = rd_kafka_producev(
            traffic->rk, RD_KAFKA_V_TOPIC(traffic->topic),
            RD_KAFKA_V_PARTITION(o2c_hash_partition(key, traffic->partition_count)),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.at, key.len),
            RD_KAFKA_V_VALUE(traffic->buf.at, traffic->buf.len), RD_KAFKA_V_OPAQUE(opaque),
            RD_KAFKA_V_END);

        if (!code)
            return;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("produce", rd_kafka_err2str(code));
        rd_kafka_poll(traffic->rk, 10);
    }
}

/* ---- events */

struct names {
    char event_id[40], account[24], order[24];
};

static void fill_head(struct o2c_head *head, struct names *names, uint64_t order,
                      uint64_t number)
{
    snprintf(names->event_id, sizeof names->event_id, "00000000-0000-4000-8000-%012" PRIx64,
             number);
    snprintf(names->account, sizeof names->account, "ACC-%08" PRIu64, order % ACCOUNTS);
    snprintf(names->order, sizeof names->order, "ORD-%09" PRIu64, order);
    *head = (struct o2c_head){
        .event_id = o2c_str_from(names->event_id),
        .occurred_at_us = BEGIN_US + (int64_t)number * 1000,
        .source = O2C_STR("bench"),
        .company_id = O2C_STR("main"),
        .customer_id = o2c_str_from(names->account),
        .account_id = o2c_str_from(names->account),
    };
}

static void publish_changed(struct traffic *traffic, uint64_t order, uint64_t number,
                            void *opaque)
{
    struct names names;
    struct o2c_order_status_changed changed = {
        .state = (enum o2c_order_phase)(number % 7),
        .shipment_state = (enum o2c_order_shipment_state)(number % 5),
        .invoice_state = (enum o2c_order_invoice_state)(number % 4),
    };
    struct o2c_event event;

    fill_head(&changed.head, &names, order, number);
    changed.order_id = o2c_str_from(names.order);
    event = o2c_event_of(O2C_ORDER_STATUS_CHANGED, &changed);
    publish(traffic, &event, opaque);
}

static void publish_placed(struct traffic *traffic, uint64_t order, uint64_t number,
                           void *opaque)
{
    struct names names;
    const struct o2c_order_line lines[] = {
        {.line_no = 1,
         .sku = O2C_STR("SKU-0001"),
         .quantity_milli = 2000,
         .has_unit_price_micro = true,
         .unit_price_micro = 12500000},
        {.line_no = 2,
         .sku = O2C_STR("SKU-0002"),
         .quantity_milli = 1000,
         .has_unit_price_micro = true,
         .unit_price_micro = 990000},
    };
    struct o2c_order_placed placed = {
        .revision = 1, .currency = O2C_STR("EUR"), .lines = lines, .lines_count = 2};
    struct o2c_event event;

    fill_head(&placed.head, &names, order, number);
    placed.order_id = o2c_str_from(names.order);
    placed.placed_at_us = placed.head.occurred_at_us;
    event = o2c_event_of(O2C_ORDER_PLACED, &placed);
    publish(traffic, &event, opaque);
}

static void publish_paid(struct traffic *traffic, uint64_t order, uint64_t number,
                         void *opaque)
{
    struct names names;
    char invoice_id[24], payment_id[24];
    struct o2c_remittance_line line = {.amount_minor = PAID_MINOR};
    struct o2c_payment_received received = {.received_date = PAID_DATE,
                                            .amount_minor = PAID_MINOR,
                                            .currency = O2C_STR("EUR"),
                                            .method = O2C_PAYMENT_MEANS_TRANSFER,
                                            .remittance = &line,
                                            .remittance_count = 1};
    struct o2c_event event;

    fill_head(&received.head, &names, order, number);
    snprintf(invoice_id, sizeof invoice_id, "INV-%09" PRIu64, order);
    snprintf(payment_id, sizeof payment_id, "PAY-%09" PRIu64, order);
    line.invoice_id = o2c_str_from(invoice_id);
    received.payment_id = o2c_str_from(payment_id);
    event = o2c_event_of(O2C_PAYMENT_RECEIVED, &received);
    publish(traffic, &event, opaque);
}

struct kind {
    const char *name;
    void (*publish)(struct traffic *, uint64_t order, uint64_t number, void *opaque);
    bool own_orders;      /* at every call; else from 0 */
    const char *out_type; /* NULL: any */
};

static const struct kind kinds[] = {
    {"changed", publish_changed, true, NULL},
    {"placed", publish_placed, true, NULL},
    {"paid", publish_paid, false, "o2c.cash.PaymentApplied"},
};

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!strcmp(kinds[i].name, name))
            return &kinds[i];
    die("neither changed nor placed nor paid", name);
    return NULL;
}

/* ---- fill */

static void on_filled(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (message->err)
        die("produce", rd_kafka_message_errstr(message));
}

struct under_way {
    uint64_t order;
    int events;
};

/* The order of the next event: a random one of those under way, replaced when it is done.
 */
static uint64_t clustered_order(struct traffic *traffic, struct under_way *window,
                                uint64_t *next_order, uint64_t orders)
{
    struct under_way *at = &window[draw(traffic, WINDOW < orders ? WINDOW : orders)];

    if (!at->events) {
        at->order = (*next_order)++ % orders;
        at->events = ORDER_EVENTS;
    }
    at->events--;
    return at->order;
}

static void fill(char **argv)
{
    struct traffic traffic = {.topic = argv[3]};
    uint64_t events = (uint64_t)count_of(argv[4]), orders = (uint64_t)count_of(argv[5]);
    bool clustered = !strcmp(argv[6], "clustered");
    struct under_way *window = calloc(WINDOW, sizeof *window);
    uint64_t next_order = 0;

    if (!window || (!clustered && strcmp(argv[6], "even") != 0))
        die("neither clustered nor even", argv[6]);
    open_producer(&traffic, argv[2], "20", NULL, on_filled);
    for (uint64_t n = 0; n < events; n++) {
        publish_changed(&traffic,
                        clustered ? clustered_order(&traffic, window, &next_order, orders)
                                  : draw(&traffic, orders),
                        n, NULL);
        if (n % 1000 == 0)
            rd_kafka_poll(traffic.rk, 0);
    }
    if (rd_kafka_flush(traffic.rk, 60000))
        die("produce", "Kafka does not take everything within 60 s");
    rd_kafka_destroy(traffic.rk);
    o2c_buf_clear(&traffic.buf);
    free(window);
}

/* ---- count */

static void count(char **argv)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int64_t total = 0;
    rd_kafka_t *rk;

    set(conf, "bootstrap.servers", argv[2]);
    rk = client(RD_KAFKA_PRODUCER, conf);
    for (int32_t p = 0; p < partitions_of(rk, argv[3]); p++) {
        int64_t low, high;

        if (rd_kafka_query_watermark_offsets(rk, argv[3], p, &low, &high, 10000))
            die("offsets", argv[3]);
        total += high;
    }
    printf("%" PRId64 "\n", total);
    rd_kafka_destroy(rk);
}

/* ---- pace */

/* What happened to the record at an offset of a partition; 0: not yet. */
struct seen {
    int64_t sent_us, stored_us, out_us;
};

struct pace {
    struct traffic traffic;
    const struct kind *kind;
    PGconn *conn;
    const char *positions_sql;
    rd_kafka_t *out;
    struct seen *seen[PARTITIONS];
    size_t capacity; /* of each of them */
    int64_t base[PARTITIONS], next[PARTITIONS];
    bool asked;
    int64_t asked_us, delivered;
};

static struct seen *at(struct pace *pace, int32_t partition, int64_t offset)
{
    if (partition < 0 || partition >= pace->traffic.partition_count ||
        offset < pace->base[partition] ||
        (size_t)(offset - pace->base[partition]) >= pace->capacity)
        return NULL;
    return &pace->seen[partition][offset - pace->base[partition]];
}

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct pace *pace = opaque;
    struct seen *seen = at(pace, message->partition, message->offset);

    (void)rk;
    if (message->err || !seen)
        die("produce",
            message->err ? rd_kafka_message_errstr(message) : "an offset nobody awaits");
    seen->sent_us = (int64_t)(intptr_t)message->_private;
    pace->delivered++;
}

static void open_seen(struct pace *pace, size_t capacity)
{
    pace->capacity = capacity;
    for (int32_t p = 0; p < pace->traffic.partition_count; p++) {
        int64_t low, high;

        if (rd_kafka_query_watermark_offsets(pace->traffic.rk, pace->traffic.topic, p, &low,
                                             &high, 10000))
            die("offsets", pace->traffic.topic);
        pace->base[p] = pace->next[p] = high;
        pace->seen[p] = calloc(capacity, sizeof *pace->seen[p]);
        if (!pace->seen[p])
            abort();
    }
}

static void open_out(struct pace *pace, const char *bootstrap, const char *topic)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);

    set(conf, "bootstrap.servers", bootstrap);
    set(conf, "group.id", "bench-out");
    set(conf, "enable.auto.commit", "false");
    set(conf, "isolation.level", "read_committed");
    set(conf, "auto.offset.reset", "latest");
    set(conf, "fetch.wait.max.ms", "100");
    pace->out = client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(pace->out);
    for (int32_t p = 0; p < partitions_of(pace->traffic.rk, topic); p++) {
        int64_t low, high;

        if (rd_kafka_query_watermark_offsets(pace->out, topic, p, &low, &high, 10000))
            die("offsets", topic);
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = high;
    }
    if (rd_kafka_assign(pace->out, list))
        die("assign", topic);
    rd_kafka_topic_partition_list_destroy(list);
}

/* "topic/partition/offset#n" of a record that the pipeline published. */
static bool parse_cause(struct o2c_str cause, int32_t *ret_partition, int64_t *ret_offset)
{
    char text[200];
    const char *slash;

    if (cause.len >= sizeof text)
        return false;
    memcpy(text, cause.at, cause.len);
    text[cause.len] = '\0';
    slash = strchr(text, '/');
    return slash && sscanf(slash, "/%" SCNd32 "/%" SCNd64, ret_partition, ret_offset) == 2;
}

static bool is_awaited(const struct pace *pace, const rd_kafka_headers_t *headers)
{
    const void *type;
    size_t len;

    return !pace->kind->out_type ||
           (!rd_kafka_header_get_last(headers, "ce_type", &type, &len) &&
            o2c_str_eq((struct o2c_str){type, len}, o2c_str_from(pace->kind->out_type)));
}

static void take_out(struct pace *pace)
{
    rd_kafka_message_t *message;

    while (pace->out && (message = rd_kafka_consumer_poll(pace->out, 0))) {
        rd_kafka_headers_t *headers;
        const void *value;
        size_t len;
        int32_t partition;
        int64_t offset;
        struct seen *seen = NULL;

        if (!message->err && !rd_kafka_message_headers(message, &headers) &&
            is_awaited(pace, headers) &&
            !rd_kafka_header_get_last(headers, "o2c_cause", &value, &len) &&
            parse_cause((struct o2c_str){value, len}, &partition, &offset))
            seen = at(pace, partition, offset);
        if (seen && !seen->out_us)
            seen->out_us = o2c_clock_monotonic_us();
        rd_kafka_message_destroy(message);
    }
}

static void note_stored(struct pace *pace, int32_t partition, int64_t next, int64_t now_us)
{
    if (partition < 0 || partition >= pace->traffic.partition_count)
        return;
    for (; pace->next[partition] < next; pace->next[partition]++) {
        struct seen *seen = at(pace, partition, pace->next[partition]);

        if (seen)
            seen->stored_us = now_us;
    }
}

static void ask(struct pace *pace)
{
    int64_t now_us = o2c_clock_monotonic_us();
    PGresult *result;

    if (pace->asked) {
        if (!PQconsumeInput(pace->conn))
            die("PostgreSQL", PQerrorMessage(pace->conn));
        if (PQisBusy(pace->conn))
            return;
        while ((result = PQgetResult(pace->conn))) {
            if (PQresultStatus(result) != PGRES_TUPLES_OK)
                die("positions", PQresultErrorMessage(result));
            for (int r = 0; r < PQntuples(result); r++)
                note_stored(pace, (int32_t)strtol(PQgetvalue(result, r, 0), NULL, 10),
                            strtoll(PQgetvalue(result, r, 1), NULL, 10), now_us);
            PQclear(result);
        }
        pace->asked = false;
    }
    if (now_us - pace->asked_us < ASK_EVERY_US)
        return;
    if (!PQsendQueryPrepared(pace->conn, "positions", 0, NULL, NULL, NULL, 0))
        die("positions", PQerrorMessage(pace->conn));
    pace->asked = true;
    pace->asked_us = now_us;
}

static bool all_seen(const struct pace *pace)
{
    for (int32_t p = 0; p < pace->traffic.partition_count; p++)
        for (size_t i = 0; i < pace->capacity; i++) {
            const struct seen *seen = &pace->seen[p][i];

            if (seen->sent_us && (!seen->stored_us || (pace->out && !seen->out_us)))
                return false;
        }
    return true;
}

/* ---- percentiles */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void print_latencies(const char *name, int64_t *us, size_t count)
{
    qsort(us, count, sizeof *us, by_value);
    printf(", \"%s\": {\"count\": %zu", name, count);
    if (count)
        printf(", \"p50_us\": %" PRId64 ", \"p99_us\": %" PRId64 ", \"max_us\": %" PRId64,
               us[count / 2], us[count * 99 / 100], us[count - 1]);
    printf("}");
}

static void report(struct pace *pace, int64_t count_from_us)
{
    size_t total = pace->capacity * (size_t)pace->traffic.partition_count;
    int64_t *stored = calloc(total, sizeof *stored), *out = calloc(total, sizeof *out);
    size_t stored_count = 0, out_count = 0, sent = 0;

    if (!stored || !out)
        abort();
    for (int32_t p = 0; p < pace->traffic.partition_count; p++)
        for (size_t i = 0; i < pace->capacity; i++) {
            const struct seen *seen = &pace->seen[p][i];

            if (seen->sent_us < count_from_us)
                continue;
            sent++;
            if (seen->stored_us)
                stored[stored_count++] = seen->stored_us - seen->sent_us;
            if (seen->out_us)
                out[out_count++] = seen->out_us - seen->sent_us;
        }
    printf("{\"sent\": %zu", sent);
    print_latencies("stored", stored, stored_count);
    if (pace->out)
        print_latencies("published", out, out_count);
    printf("}\n");
    free(stored);
    free(out);
}

/* ---- the paced loop */

static void open_pace(struct pace *pace, char **argv, size_t events)
{
    PGresult *result;

    pace->traffic.topic = argv[3];
    open_producer(&pace->traffic, argv[2], "0", pace, on_delivered);
    open_seen(pace, events);
    if (argv[9])
        open_out(pace, argv[2], argv[9]);
    pace->conn = PQconnectdb(argv[7]);
    if (PQstatus(pace->conn) != CONNECTION_OK)
        die("PostgreSQL", PQerrorMessage(pace->conn));
    result = PQprepare(pace->conn, "positions", argv[8], 0, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        die("positions", PQresultErrorMessage(result));
    PQclear(result);
}

static void turn(struct pace *pace)
{
    const struct timespec rest = {0, TURN_US * 1000L};

    rd_kafka_poll(pace->traffic.rk, 0);
    take_out(pace);
    ask(pace);
    nanosleep(&rest, NULL);
}

static void close_pace(struct pace *pace)
{
    for (int32_t p = 0; p < pace->traffic.partition_count; p++)
        free(pace->seen[p]);
    if (pace->out) {
        rd_kafka_consumer_close(pace->out);
        rd_kafka_destroy(pace->out);
    }
    rd_kafka_destroy(pace->traffic.rk);
    o2c_buf_clear(&pace->traffic.buf);
    PQfinish(pace->conn);
}

static void pace_run(char **argv)
{
    static struct pace pace;
    int64_t rate = count_of(argv[5]), events = rate * count_of(argv[6]), begin_us, sent = 0,
            count_from_us, deadline_us;
    uint64_t first_order = 0;

    pace.kind = kind_of(argv[4]);
    if (pace.kind->own_orders)
        first_order = 1000000 + (uint64_t)(o2c_clock_utc_us() / 1000000 % 1000000) * 100;
    open_pace(&pace, argv, (size_t)events);
    begin_us = o2c_clock_monotonic_us();
    count_from_us = begin_us + events / WARM_UP_PART * 1000000 / rate;
    while (sent < events) {
        int64_t now_us = o2c_clock_monotonic_us();

        for (; sent < events && begin_us + sent * 1000000 / rate <= now_us; sent++)
            pace.kind->publish(&pace.traffic, first_order + (uint64_t)sent, (uint64_t)sent,
                               (void *)(intptr_t)o2c_clock_monotonic_us());
        turn(&pace);
    }
    deadline_us = o2c_clock_monotonic_us() + OUT_WAIT_US;
    while ((pace.delivered < events || !all_seen(&pace)) &&
           o2c_clock_monotonic_us() < deadline_us)
        turn(&pace);
    report(&pace, count_from_us);
    close_pace(&pace);
}

int main(int argc, char **argv)
{
    if (argc == 7 && !strcmp(argv[1], "fill"))
        fill(argv);
    else if (argc == 4 && !strcmp(argv[1], "count"))
        count(argv);
    else if ((argc == 9 || argc == 10) && !strcmp(argv[1], "pace"))
        pace_run(argv);
    else
        die("usage", "see the head of traffic.c");
    return 0;
}
