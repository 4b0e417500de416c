/*
 * Items that may be reminded are armed under their due date; a due entry per
 * customer, currency and due date says when they are overdue enough.  The first
 * entry of a customer and currency at a tick writes the letter for all days
 * reached, the others find nothing left.  What receivables say of an account
 * with something parked may be wrong: its letters are put off day by day.
 */
#include "consumers/reminders/apply.h"

#include <inttypes.h>
#include <stdio.h>

#include "consumers/host/effects.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "consumers/reminders/rows.h"
#include "consumers/reminders/settings.h"
#include "runtime/base/arena.h"
#include "schemas/events.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    TEXT_MAX_BYTES = 1024,
    LEVEL = 1
};

#define KIND_OVERDUE "overdue"

/* ---- open items */

static struct o2c_str kind_of(const struct o2c_open_item_changed *changed)
{
    return o2c_document_kind_text(changed->kind);
}

static bool is_reminded_kind(enum o2c_document_kind kind)
{
    switch (kind) {
    case O2C_DOCUMENT_KIND_INVOICE:
    case O2C_DOCUMENT_KIND_DEBIT_NOTE:
        return true;
    case O2C_DOCUMENT_KIND_CREDIT_NOTE:
    case O2C_DOCUMENT_KIND_FEE:
    case O2C_DOCUMENT_KIND_INTEREST:
    case O2C_DOCUMENT_KIND_DEDUCTION:
        return false;
    }
    return false;
}

static void want_day(struct o2c_wants *wants, struct o2c_str customer_id,
                     struct o2c_str currency, int32_t due_day)
{
    o2c_want_row(wants, &reminders_armed_day,
                 O2C_KEY(O2C_K(customer_id), O2C_K(currency), O2C_N(due_day)));
}

void reminders_needs_item(const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_open_item_changed *changed = event->open_item_changed;

    o2c_want_row(wants, &reminders_item,
                 O2C_KEY(O2C_K(kind_of(changed)), O2C_K(changed->document_id),
                         O2C_N(changed->instalment_no)));
    want_day(wants, changed->head.customer_id, changed->currency, changed->due_date);
}

static const struct item *find_item(struct o2c_account *account,
                                    const struct o2c_open_item_changed *changed)
{
    return o2c_row_find(account, &reminders_item,
                        O2C_KEY(O2C_K(kind_of(changed)), O2C_K(changed->document_id),
                                O2C_N(changed->instalment_no)));
}

void reminders_needs_more_item(struct o2c_account *account, const struct o2c_event *event,
                               struct o2c_wants *wants)
{
    const struct item *item = find_item(account, event->open_item_changed);

    if (item && item->reminder_id.at)
        o2c_want_row(wants, &reminders_reminder, O2C_KEY(O2C_K(item->reminder_id)));
}

/* "customer/currency", what a due entry is about; it borrows from the arena. */
static struct o2c_str group_of(const struct item *item, const struct o2c_moment *moment,
                               struct o2c_effects *effects)
{
    char text[TEXT_MAX_BYTES];
    int len = snprintf(text, sizeof text, "%.*s/%.*s", O2C_STR_ARG(item->customer_id),
                       O2C_STR_ARG(item->currency));
    struct o2c_str group = O2C_STR("");

    if (len < 0 || (size_t)len >= sizeof text ||
        !o2c_arena_copy(moment->arena, (struct o2c_str){text, (size_t)len}, &group))
        o2c_effects_no_room(effects);
    return group;
}

static struct armed_day *edit_day(struct o2c_account *account, const struct item *item)
{
    const struct o2c_key *key =
        O2C_KEY(O2C_K(item->customer_id), O2C_K(item->currency), O2C_N(item->due_date));
    const struct armed_day *known = o2c_row_find(account, &reminders_armed_day, key);

    return known ? o2c_row_edit(known) : o2c_row_add(account, &reminders_armed_day, key);
}

static void disarm(struct o2c_account *account, struct item *item)
{
    struct armed_day *day;

    if (!item->has_armed_on)
        return;
    item->has_armed_on = false;
    item->armed_on = 0;
    day = edit_day(account, item);
    if (--day->item_count == 0)
        o2c_row_remove(day);
}

static void arm(struct o2c_account *account, struct item *item,
                const struct o2c_moment *moment, struct o2c_effects *effects)
{
    const struct reminders_settings *settings = moment->settings;
    struct armed_day *day;

    if (item->has_armed_on)
        return;
    item->has_armed_on = true;
    item->armed_on = item->due_date;
    day = edit_day(account, item);
    if (!day->item_count)
        day->remind_date = item->due_date + (int32_t)settings->days_overdue;
    day->item_count++;
#ifdef O2C_MUTANT_REMINDS_A_DAY_LATE
    o2c_effects_due(effects, day->remind_date + 1, KIND_OVERDUE,
                    group_of(item, moment, effects));
    return;
#endif
    o2c_effects_due(effects, day->remind_date, KIND_OVERDUE,
                    group_of(item, moment, effects));
}

/* The letter that named the item has one more, or one less, that is still to be paid. */
static void count_live(struct o2c_account *account, const struct item *item, int32_t delta,
                       struct o2c_effects *effects)
{
    const struct reminder *known =
        o2c_row_find(account, &reminders_reminder, O2C_KEY(O2C_K(item->reminder_id)));
    struct reminder *reminder = o2c_row_edit(known);
    struct o2c_reminder_cancelled cancelled = {
        .head = {.customer_id = reminder->customer_id, .company_id = reminder->company_id},
        .reminder_id = reminder->reminder_id,
        .reason = item->open_minor ? O2C_STR("disputed") : O2C_STR("settled"),
        .document_id = item->document_id,
    };
    struct o2c_event event = o2c_event_of(O2C_REMINDER_CANCELLED, &cancelled);

    reminder->live_count += delta;
    if (reminder->live_count || !o2c_str_eq(reminder->state, O2C_STR("issued")))
        return;
    reminder->state = O2C_STR("cancelled");
    o2c_effects_emit(effects, &event);
}

static struct item *take_item(struct o2c_account *account,
                              const struct o2c_open_item_changed *changed)
{
    const struct item *known = find_item(account, changed);
    struct item *item =
        known ? o2c_row_edit(known)
              : o2c_row_add(account, &reminders_item,
                            O2C_KEY(O2C_K(kind_of(changed)), O2C_K(changed->document_id),
                                    O2C_N(changed->instalment_no)));

    item->customer_id = changed->head.customer_id;
    item->company_id = changed->head.company_id;
    item->currency = changed->currency;
    item->due_date = changed->due_date;
    item->open_minor = changed->open_minor;
    item->disputed_minor = changed->disputed_minor;
    item->remind = !changed->has_remind || changed->remind;
    return item;
}

enum o2c_verdict reminders_on_item(struct o2c_account *account,
                                   const struct o2c_event *event,
                                   const struct o2c_moment *moment,
                                   struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_open_item_changed *changed = event->open_item_changed;
    bool was_live;
    struct item *item;

    (void)err;
    if (!is_reminded_kind(changed->kind))
        return O2C_OK;
    item = take_item(account, changed);
    was_live = item->live;
    item->live = item->open_minor > 0 && !item->disputed_minor;
#ifdef O2C_MUTANT_DISPUTED_IS_REMINDED
    item->live = item->open_minor > 0;
#endif
    if (item->reminder_id.at) {
        if (item->live != was_live)
            count_live(account, item, item->live ? 1 : -1, effects);
    } else if (item->live && item->remind) {
        arm(account, item, moment, effects);
    } else {
        disarm(account, item);
    }
    return O2C_OK;
}

/* ---- accounts with something parked in receivables */

void reminders_needs_held(const struct o2c_parked_notice *notice, struct o2c_wants *wants)
{
    (void)notice;
    o2c_want_row(wants, &reminders_held, O2C_KEY_NONE);
}

static const struct held *find_held(struct o2c_account *account)
{
    return o2c_row_find(account, &reminders_held, O2C_KEY_NONE);
}

/* Only what is left counts: another record may take the place of one that has left. */
enum o2c_verdict reminders_on_parked(struct o2c_account *account,
                                     const struct o2c_parked_notice *notice,
                                     const struct o2c_moment *moment,
                                     struct o2c_effects *effects, struct o2c_err *err)
{
    const struct held *known = find_held(account);
    struct held *held;
#ifndef O2C_MUTANT_NEVER_HELD
    bool is_held = notice->left > 0;
#else
    bool is_held = notice->left < 0;
#endif

    (void)err;
    if ((known != NULL) == is_held) {
        o2c_effects_repeat(effects);
    } else if (known) {
        o2c_row_remove(known);
    } else {
        held = o2c_row_add(account, &reminders_held, O2C_KEY_NONE);
        held->since = moment->recorded_us;
    }
    return O2C_OK;
}

/* Asks again on the next business day, whatever its date. */
static void put_off(const struct held *known, const struct o2c_due *due,
                    const struct o2c_moment *moment, struct o2c_effects *effects)
{
    struct held *held = o2c_row_edit(known);

    held->has_put_off_on = true;
    held->put_off_on = moment->business_date;
    o2c_effects_due(effects, moment->business_date + 1, KIND_OVERDUE, due->item);
}

/* ---- ticks */

/* The customer and currency of an entry; an id may hold a slash, a currency does not. */
struct group {
    struct o2c_str customer_id, currency;
};

static struct group group_in(const struct o2c_due *due)
{
    struct group group = {due->item, O2C_STR("")};

    for (size_t i = due->item.len; i-- > 0;)
        if (due->item.at[i] == '/') {
            group.customer_id.len = i;
            group.currency = (struct o2c_str){due->item.at + i + 1, due->item.len - i - 1};
            break;
        }
    return group;
}

static struct o2c_str reminder_id_of(const struct group *group, int32_t date,
                                     struct o2c_arena *arena)
{
    char text[TEXT_MAX_BYTES], day[O2C_DATE_TEXT + 1];
    struct o2c_str id = {NULL, 0};
    int len;

    o2c_date_format(date, day);
    len = snprintf(text, sizeof text, "%.*s/%.*s/%s", O2C_STR_ARG(group->customer_id),
                   O2C_STR_ARG(group->currency), day);
    if (len > 0 && (size_t)len < sizeof text)
        (void)o2c_arena_copy(arena, (struct o2c_str){text, (size_t)len}, &id);
    return id;
}

static const struct o2c_key *days_key(const struct group *group, struct o2c_key *ret_key)
{
    *ret_key = *O2C_KEY(O2C_K(group->customer_id), O2C_K(group->currency));
    return ret_key;
}

void reminders_due_needs(const struct o2c_due *due, struct o2c_wants *wants)
{
    struct group group = group_in(due);
    struct o2c_key key;

    o2c_want_row(wants, &reminders_held, O2C_KEY_NONE);
    o2c_want_children(wants, &reminders_armed_day, days_key(&group, &key));
}

static void walk_items(struct o2c_walk *walk, struct o2c_account *account,
                       const struct group *group, int32_t due_day)
{
    o2c_walk_lookup(
        walk, account, &reminders_item, ITEM_ARMED,
        O2C_KEY(O2C_K(group->customer_id), O2C_K(group->currency), O2C_N(due_day)));
}

void reminders_due_needs_more(struct o2c_account *account, const struct o2c_due *due,
                              int32_t business_date, struct o2c_wants *wants)
{
    struct group group = group_in(due);
    const struct armed_day *day;
    struct o2c_walk days;
    struct o2c_key key;

    if (find_held(account))
        return;
    o2c_walk_children(&days, account, &reminders_armed_day, days_key(&group, &key));
    while ((day = o2c_walk_next(&days)))
        if (day->remind_date <= business_date)
            o2c_want_lookup(wants, &reminders_item, ITEM_ARMED,
                            O2C_KEY(O2C_K(group.customer_id), O2C_K(group.currency),
                                    O2C_N(day->due_day)));
}

/* A letter being written. */
struct letter {
    const struct o2c_moment *moment;
    struct o2c_account *account;
    struct reminder *reminder;
    struct o2c_reminder_item *items;
    int32_t days_overdue; /* what the setting was when its days were armed; the lowest */
};

static void add_item(struct letter *letter, const struct item *known)
{
    struct reminder *reminder = letter->reminder;
    struct item *item = o2c_row_edit(known);
    struct reminder_item *kept = o2c_row_append(
        letter->account, &reminders_reminder_item,
        O2C_KEY(O2C_K(reminder->reminder_id), O2C_N(reminder->item_count + 1)));

    kept->kind = item->kind;
    kept->document_id = item->document_id;
    kept->instalment_no = item->instalment_no;
    kept->due_date = item->due_date;
    kept->days_overdue = letter->moment->business_date - item->due_date;
    kept->open_minor = item->open_minor;
    letter->items[reminder->item_count++] =
        (struct o2c_reminder_item){.invoice_id = item->document_id,
                                   .instalment_no = item->instalment_no,
                                   .due_date = item->due_date,
                                   .open_minor = item->open_minor,
                                   .days_overdue = kept->days_overdue,
                                   .has_kind = true,
                                   .kind = o2c_document_kind_of(item->kind)};
    reminder->live_count++;
    reminder->total_minor += item->open_minor;
    reminder->company_id = item->company_id;
    item->reminder_id = reminder->reminder_id;
    disarm(letter->account, item);
}

static size_t count_items(struct o2c_account *account, const struct group *group,
                          int32_t business_date)
{
    const struct armed_day *day;
    struct o2c_walk days;
    struct o2c_key key;
    size_t count = 0;

    o2c_walk_children(&days, account, &reminders_armed_day, days_key(group, &key));
    while ((day = o2c_walk_next(&days)))
        if (day->remind_date <= business_date)
            count += (size_t)day->item_count;
    return count;
}

/* By due date, kind, document and instalment: as the walks go. */
static void fill_letter(struct letter *letter, const struct group *group)
{
    const struct armed_day *day;
    struct o2c_walk days;
    struct o2c_key key;

    o2c_walk_children(&days, letter->account, &reminders_armed_day, days_key(group, &key));
    while ((day = o2c_walk_next(&days))) {
        const struct item *item;
        struct o2c_walk items;

        if (day->remind_date > letter->moment->business_date)
            continue;
        if (day->remind_date - day->due_day < letter->days_overdue)
            letter->days_overdue = day->remind_date - day->due_day;
        walk_items(&items, letter->account, group, day->due_day);
        while ((item = o2c_walk_next(&items)))
            add_item(letter, item);
    }
}

static void send_letter(const struct letter *letter, struct o2c_effects *effects)
{
    const struct reminder *reminder = letter->reminder;
    char policy[64];
    struct o2c_reminder_issued issued = {
        .head = {.customer_id = reminder->customer_id, .company_id = reminder->company_id},
        .reminder_id = reminder->reminder_id,
        .run_date = reminder->run_date,
        .level = reminder->level,
        .currency = reminder->currency,
        .items = letter->items,
        .items_count = (size_t)reminder->item_count,
        .channel = O2C_REMINDER_CHANNEL_EMAIL,
    };
    struct o2c_event event = o2c_event_of(O2C_REMINDER_ISSUED, &issued);

    snprintf(policy, sizeof policy, "days_overdue=%" PRId32, letter->days_overdue);
    issued.policy.configured = o2c_str_from(policy);
    o2c_effects_emit(effects, &event);
}

static int32_t go_live_of(const struct o2c_moment *moment)
{
    const struct reminders_settings *settings = moment->settings;
    int32_t date;

    return o2c_date_parse(o2c_str_from(settings->go_live), &date) ? date : INT32_MIN;
}

enum o2c_verdict reminders_on_due(struct o2c_account *account, const struct o2c_due *due,
                                  const struct o2c_moment *moment,
                                  struct o2c_effects *effects, struct o2c_err *err)
{
    const struct held *held = find_held(account);
    struct group group = group_in(due);
    struct letter letter = {
        .moment = moment, .account = account, .days_overdue = INT32_MAX};
    struct o2c_str id;
    size_t count;

    (void)err;
    if (moment->business_date < go_live_of(moment)) {
        o2c_effects_due(effects, go_live_of(moment), KIND_OVERDUE, due->item);
        return O2C_OK;
    }
    count = count_items(account, &group, moment->business_date);
    if (!count)
        return O2C_OK; /* paid or disputed meanwhile, or in a letter of this day already */
    if (held) {
        put_off(held, due, moment, effects);
        return O2C_OK;
    }
    id = reminder_id_of(&group, moment->business_date, moment->arena);
    letter.items = o2c_arena_zalloc(moment->arena, count * sizeof *letter.items);
    if (!id.at || !letter.items) {
        o2c_effects_no_room(effects);
        return O2C_OK;
    }
    letter.reminder = o2c_row_append(account, &reminders_reminder, O2C_KEY(O2C_K(id)));
    letter.reminder->customer_id = group.customer_id;
    letter.reminder->currency = group.currency;
    letter.reminder->run_date = moment->business_date;
    letter.reminder->level = LEVEL;
    letter.reminder->state = O2C_STR("issued");
    letter.reminder->channel = o2c_reminder_channel_text(O2C_REMINDER_CHANNEL_EMAIL);
    fill_letter(&letter, &group);
    send_letter(&letter, effects);
    return O2C_OK;
}
