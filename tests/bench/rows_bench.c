/*
 * What the rows of a batch cost in this process, in ns per event, without
 * PostgreSQL: batches of 50,000 events over 600,000 orders of 60,000 accounts.
 *   blind       want, put, commit: a route that loads nothing
 *   find, edit  want, load from memory, find, edit, commit
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "consumers/host/consumer.h"
#include "consumers/host/rows.h"
#include "consumers/host/rows_private.h"
#include "consumers/host/wants.h"
#include "runtime/base/arena.h"
#include "runtime/base/clock.h"

#include "runtime/base/banned.h"

enum {
    BATCH = 50000,
    BATCHES = 20,
    WARM_UP = 2,
    ORDERS = 600000,
    ACCOUNTS = 60000,
    MESSAGE_BYTES = 128
};

struct order {
    struct o2c_row row;
    struct o2c_str account_id, order_id;
    int64_t revision;
    struct o2c_str state, shipment_state;
    bool has_net_minor;
    int64_t net_minor;
    int64_t placed_at_us;
};

static const struct o2c_column order_columns[] = {
    O2C_COLUMN(TEXT, struct order, account_id),
    O2C_COLUMN(TEXT, struct order, order_id),
    O2C_COLUMN(INT8, struct order, revision),
    O2C_COLUMN(TEXT, struct order, state),
    O2C_COLUMN(TEXT, struct order, shipment_state),
    O2C_NULLABLE(INT8, struct order, net_minor),
    O2C_COLUMN(TIMESTAMP, struct order, placed_at_us),
};
static const struct o2c_table order_table = {
    "sales_order", "sales_order_row", sizeof(struct order), order_columns, 7, 2, NULL, 0};
static const struct o2c_table *const tables[] = {&order_table};
static const struct o2c_consumer consumer = {
    .name = "bench", .tables = tables, .table_count = 1};

struct message {
    char bytes[MESSAGE_BYTES];
    struct o2c_str account, order;
};

static struct message messages[BATCH];
static uint64_t seed = 88172645463325252u;

static uint32_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32);
}

static void receive(void)
{
    for (size_t i = 0; i < BATCH; i++) {
        struct message *message = &messages[i];
        uint32_t order = draw() % ORDERS;
        int account_len = snprintf(message->bytes, 32, "ACC-%08" PRIu32, order % ACCOUNTS);
        int order_len = snprintf(message->bytes + 32, 32, "ORD-%09" PRIu32, order);

        message->account = (struct o2c_str){message->bytes, (size_t)account_len};
        message->order = (struct o2c_str){message->bytes + 32, (size_t)order_len};
    }
}

struct times {
    int64_t want_us, load_us, fold_us, sort_us, rows;
};

static void change(struct order *order, size_t i)
{
    order->revision++;
    order->state = O2C_STR("processing");
    order->shipment_state = O2C_STR("part_shipped");
    order->has_net_minor = true;
    order->net_minor = (int64_t)i;
    order->placed_at_us = 1767225600000000 + (int64_t)i;
}

static void fold(struct o2c_rows *rows, bool blind)
{
    for (size_t i = 0; i < BATCH; i++) {
        const struct o2c_key *key = O2C_KEY(O2C_K(messages[i].order));
        struct o2c_account *account = o2c_rows_account(rows, messages[i].account);
        const struct order *order;

        o2c_rows_begin(rows);
        if (blind) {
            change(o2c_row_put(account, &order_table, key), i);
        } else {
            order = o2c_row_find(account, &order_table, key);
            change(order ? o2c_row_edit(order) : o2c_row_add(account, &order_table, key),
                   i);
        }
        o2c_rows_commit(rows);
    }
}

static void want(struct o2c_rows *rows, bool blind)
{
    for (size_t i = 0; i < BATCH; i++) {
        struct o2c_wants *wants = o2c_rows_want(rows, messages[i].account);
        const struct o2c_key *key = O2C_KEY(O2C_K(messages[i].order));

        if (blind)
            o2c_want_blind(wants, &order_table, key);
        else
            o2c_want_row(wants, &order_table, key);
    }
    o2c_rows_settle_wants(rows);
}

/* As if the database had every second of the wanted rows. */
static void load(struct o2c_rows *rows)
{
    struct rows_table *table = &rows->tables[0];

    for (size_t i = 0; i < BATCH; i += 2) {
        struct o2c_row *row = o2c_rows_get(o2c_rows_find_account(rows, messages[i].account),
                                           table, O2C_KEY(O2C_K(messages[i].order)));

        o2c_rows_enter(table, row);
    }
    o2c_rows_forget_wanted(rows);
}

static void sort(struct o2c_rows *rows, struct o2c_arena *arena, struct times *times)
{
    const struct rows_table *table = &rows->tables[0];
    const void **at = o2c_arena_alloc(arena, table->changed_count * sizeof *at);
    size_t count = 0;

    for (const struct o2c_row *row = table->changed; row; row = row->next_in_table)
        at[count++] = row;
    if (!o2c_rows_sort(rows, at, count))
        abort();
    times->rows += (int64_t)count;
}

static void add_since(int64_t *total, int64_t *since)
{
    int64_t now = o2c_clock_monotonic_us();

    *total += now - *since;
    *since = now;
}

static void run(const char *name, bool blind)
{
    struct o2c_arena arena;
    struct o2c_rows *rows;
    struct o2c_err err;
    struct times times = {0};
    const int64_t events = (int64_t)BATCH * (BATCHES - WARM_UP);

    o2c_arena_init(&arena, (size_t)1 << 30);
    if (o2c_rows_new(&rows, &consumer, &arena, &err))
        abort();
    for (int b = 0; b < BATCHES; b++) {
        int64_t since;

        if (b == WARM_UP)
            times = (struct times){0};
        receive();
        since = o2c_clock_monotonic_us();
        want(rows, blind);
        add_since(&times.want_us, &since);
        if (!blind)
            load(rows);
        add_since(&times.load_us, &since);
        fold(rows, blind);
        add_since(&times.fold_us, &since);
        sort(rows, &arena, &times);
        add_since(&times.sort_us, &since);
        o2c_arena_reset(&arena);
        o2c_rows_reset(rows);
        add_since(&times.fold_us, &since);
    }
    printf("%-10s  want %4" PRId64 "  load %4" PRId64 "  fold %4" PRId64 "  sort %4" PRId64
           " ns/event  (%" PRId64 " rows per batch)\n",
           name, times.want_us * 1000 / events, times.load_us * 1000 / events,
           times.fold_us * 1000 / events, times.sort_us * 1000 / events,
           times.rows / (BATCHES - WARM_UP));
    o2c_rows_free(rows);
    o2c_arena_clear(&arena);
}

int main(void)
{
    run("blind", true);
    run("find, edit", false);
    return 0;
}
