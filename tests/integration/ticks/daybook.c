/*
 * o2c-daybook - a consumer with due dates, that shows what ticks did to it.
 *
 * PaymentPromised (o2c.customers): each of its invoice_ids is an item of the
 * account, due on promised_date.  RemindersBlocked takes the item invoice_id
 * back, whose date is `until`.  OrderHeld (o2c.order-status) is counted.
 *
 * A tick that reaches an item writes "DATE+HELD" behind its runs: the business
 * date, and how many OrderHeld the account had by then.  It publishes
 * ConflictFound with the item as natural_key on o2c.conflicts.  An item whose
 * name begins with
 *     again-    asks for the same date again, once
 *     next-     asks for the day after the tick
 *     pair-     takes item "pair-b" of its date back, and adds "late" for it
 *     refused-  is refused as long as its account has held nothing
 *     storm-    puts a text into its row that PostgreSQL refuses
 */
#include <stdio.h>
#include <string.h>

#include "consumers/host/consumer.h"
#include "consumers/host/effects.h"
#include "consumers/host/host.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "runtime/base/arena.h"
#include "schemas/events.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

static const char promise[] = "promise";

struct page {
    struct o2c_row row;
    struct o2c_str account_id;
    int64_t held;
};

struct entry {
    struct o2c_row row;
    struct o2c_str account_id, item;
    struct o2c_str runs;
};

static const struct o2c_column page_columns[] = {
    O2C_COLUMN(TEXT, struct page, account_id),
    O2C_COLUMN(INT8, struct page, held),
};

static const struct o2c_table page_table = {
    .name = "page",
    .row_type = "page_row",
    .row_bytes = sizeof(struct page),
    .columns = page_columns,
    .column_count = 2,
    .key_count = 1,
};

static const struct o2c_column entry_columns[] = {
    O2C_COLUMN(TEXT, struct entry, account_id),
    O2C_COLUMN(TEXT, struct entry, item),
    O2C_COLUMN(TEXT, struct entry, runs),
};

static const struct o2c_table entry_table = {
    .name = "entry",
    .row_type = "entry_row",
    .row_bytes = sizeof(struct entry),
    .columns = entry_columns,
    .column_count = 3,
    .key_count = 2,
};

static bool is_called(struct o2c_str item, const char *beginning)
{
    size_t len = strlen(beginning);

    return item.len >= len && !memcmp(item.at, beginning, len);
}

/* ---- events */

static void needs_promise(const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_payment_promised *promised = event->payment_promised;

    for (size_t i = 0; i < promised->invoice_ids_count; i++)
        o2c_want_row(wants, &entry_table, O2C_KEY(O2C_K(promised->invoice_ids[i])));
}

static enum o2c_verdict on_promise(struct o2c_account *account,
                                   const struct o2c_event *event,
                                   const struct o2c_moment *moment,
                                   struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_payment_promised *promised = event->payment_promised;

    (void)moment;
    for (size_t i = 0; i < promised->invoice_ids_count; i++) {
        const struct o2c_key *key = O2C_KEY(O2C_K(promised->invoice_ids[i]));

        if (!o2c_row_find(account, &entry_table, key))
            ((struct entry *)o2c_row_add(account, &entry_table, key))->runs = O2C_STR("");
        o2c_effects_due(effects, promised->promised_date, promise,
                        promised->invoice_ids[i]);
        if (is_called(promised->invoice_ids[i], "parked-"))
            return o2c_fail(err, O2C_PARK, "it is called so");
    }
    return O2C_OK;
}

static enum o2c_verdict on_blocked(struct o2c_account *account,
                                   const struct o2c_event *event,
                                   const struct o2c_moment *moment,
                                   struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_reminders_blocked *blocked = event->reminders_blocked;

    (void)account;
    (void)moment;
    (void)err;
    o2c_effects_due_cancel(effects, blocked->until, promise, blocked->invoice_id);
    return O2C_OK;
}

static void needs_page(const struct o2c_event *event, struct o2c_wants *wants)
{
    (void)event;
    o2c_want_row(wants, &page_table, O2C_KEY_NONE);
}

static enum o2c_verdict on_held(struct o2c_account *account, const struct o2c_event *event,
                                const struct o2c_moment *moment,
                                struct o2c_effects *effects, struct o2c_err *err)
{
    const struct page *known = o2c_row_find(account, &page_table, O2C_KEY_NONE);
    struct page *page =
        known ? o2c_row_edit(known) : o2c_row_add(account, &page_table, O2C_KEY_NONE);

    (void)event;
    (void)moment;
    (void)effects;
    (void)err;
    page->held++;
    return O2C_OK;
}

/* ---- due items */

static void needs_item(const struct o2c_due *due, struct o2c_wants *wants)
{
    o2c_want_row(wants, &entry_table, O2C_KEY(O2C_K(due->item)));
}

/* The page by a second load, as rules do whose rows name others. */
static void needs_page_of_item(struct o2c_account *account, const struct o2c_due *due,
                               int32_t business_date, struct o2c_wants *wants)
{
    (void)business_date;
    if (o2c_row_find(account, &entry_table, O2C_KEY(O2C_K(due->item))))
        o2c_want_row(wants, &page_table, O2C_KEY_NONE);
}

static void say(struct o2c_effects *effects, const struct o2c_due *due)
{
    struct o2c_str fields[] = {due->kind};
    struct o2c_conflict_found told = {
        .topic = O2C_STR("o2c.clock"),
        .natural_key = due->item,
        .event_type = due->kind,
        .fields = fields,
        .fields_count = 1,
    };
    struct o2c_event event = o2c_event_of(O2C_CONFLICT_FOUND, &told);

    o2c_effects_emit(effects, &event);
}

static void write_run(struct entry *entry, const struct o2c_moment *moment, int64_t held,
                      struct o2c_effects *effects)
{
    char text[2000], date[O2C_DATE_TEXT + 1];
    int len;

    o2c_date_format(moment->business_date, date);
    len = snprintf(text, sizeof text, "%.*s%s%s+%lld", O2C_STR_ARG(entry->runs),
                   entry->runs.len ? " " : "", date + 5, (long long)held);
    if (is_called(entry->item, "storm-") && !held)
        text[0] = '\xff'; /* no UTF-8 */
    if (!o2c_arena_copy(moment->arena, (struct o2c_str){text, (size_t)len}, &entry->runs))
        o2c_effects_no_room(effects);
}

static void ask_for_more(const struct entry *entry, const struct o2c_due *due,
                         const struct o2c_moment *moment, struct o2c_effects *effects)
{
    if (is_called(due->item, "again-") && !entry->runs.len)
        o2c_effects_due(effects, due->date, promise, due->item);
    if (is_called(due->item, "next-"))
        o2c_effects_due(effects, moment->business_date + 1, promise, due->item);
    if (is_called(due->item, "pair-")) {
        o2c_effects_due_cancel(effects, due->date, promise, O2C_STR("pair-b"));
        o2c_effects_due(effects, due->date, "late", due->item);
    }
}

static enum o2c_verdict on_due(struct o2c_account *account, const struct o2c_due *due,
                               const struct o2c_moment *moment, struct o2c_effects *effects,
                               struct o2c_err *err)
{
    const struct entry *known =
        o2c_row_find(account, &entry_table, O2C_KEY(O2C_K(due->item)));
    const struct page *page;
    struct entry *entry;

    if (!known)
        return o2c_fail(err, O2C_FATAL, "an item without its entry");
    page = o2c_row_find(account, &page_table, O2C_KEY_NONE);
    say(effects, due);
    if (o2c_str_eq(due->kind, o2c_str_from(promise)))
        ask_for_more(known, due, moment, effects);
    entry = o2c_row_edit(known);
    write_run(entry, moment, page ? page->held : 0, effects);
    if (is_called(due->item, "refused-") && !page)
        return o2c_fail(err, O2C_PARK, "nothing is held yet");
    return O2C_OK;
}

static const char *const topics[] = {"o2c.customers", "o2c.order-status", "o2c.clock",
                                     NULL};

static const char *const emits[] = {"o2c.conflicts", "o2c.parked.daybook", NULL};

static const struct o2c_route routes[] = {
    {.event_type = O2C_PAYMENT_PROMISED, .needs = needs_promise, .apply = on_promise},
    {.event_type = O2C_REMINDERS_BLOCKED, .apply = on_blocked},
    {.event_type = O2C_ORDER_HELD, .needs = needs_page, .apply = on_held},
};

static const struct o2c_table *const tables[] = {&page_table, &entry_table};

static const struct o2c_consumer daybook_consumer = {
    .name = "daybook",
    .topics = topics,
    .emits = emits,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .due_needs = needs_item,
    .due_needs_more = needs_page_of_item,
    .on_due = on_due,
    .schema_version_min = 1,
    .schema_version_max = 1,
};

int main(int argc, char **argv)
{
    return o2c_host_main(&daybook_consumer, argc, argv);
}
