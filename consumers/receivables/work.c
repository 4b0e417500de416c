#include "consumers/receivables/work.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "consumers/host/effects.h"
#include "consumers/host/rows.h"
#include "runtime/base/arena.h"
#include "schemas/units/chart.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

enum {
    TEXT_MAX_BYTES = 1024
};

void receivables_begin(struct work *work, struct o2c_account *account,
                       const struct o2c_moment *moment, struct o2c_effects *effects,
                       const struct o2c_head *head, const char *cause,
                       struct o2c_str cause_id)
{
    *work = (struct work){.account = account,
                          .moment = moment,
                          .effects = effects,
                          .head = head,
                          .cause = cause,
                          .cause_id = cause_id};
    work->applied_end = &work->applied;
    work->undone_end = &work->undone;
    work->journals_end = &work->journals;
}

void *receivables_room(struct work *work, size_t bytes)
{
    void *room = o2c_arena_zalloc(work->moment->arena, bytes);

    if (!room)
        work->no_room = true;
    return room;
}

/* The first reason is told: what follows may only be its consequence. */
static void mark_broken(struct work *work, const char *reason)
{
    if (!work->broken)
        work->broken = reason;
}

struct o2c_str receivables_text(struct work *work, const char *fmt, ...)
{
    char text[TEXT_MAX_BYTES];
    struct o2c_str copy = O2C_STR("");
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text)
        mark_broken(work, "an id is too long");
    else if (!o2c_arena_copy(work->moment->arena, (struct o2c_str){text, (size_t)len},
                             &copy))
        work->no_room = true;
    return copy;
}

void receivables_add(struct work *work, int64_t *at, int64_t delta)
{
    if (!o2c_minor_add(*at, delta, at))
        mark_broken(work, "a total does not fit");
}

/* ---- documents */

static int document_cmp(const struct document *a, const struct document *b)
{
    int order = o2c_str_cmp(a->kind, b->kind);

    return order ? order : o2c_str_cmp(a->document_id, b->document_id);
}

static bool fills_before(const struct open_item *a, const struct open_item *b)
{
    return a->due_date != b->due_date ? a->due_date < b->due_date
                                      : a->instalment_no < b->instalment_no;
}

/* Its instalments, changeable, by due date and number. */
static void take_items(struct work *work, struct touched *touched)
{
    const struct document *document = touched->document;
    const struct o2c_key *key =
        O2C_KEY(O2C_K(document->kind), O2C_K(document->document_id));
    const struct open_item *item;
    struct o2c_walk walk;
    size_t count;

    o2c_walk_children(&walk, work->account, &receivables_open_item, key);
    count = walk.count;
    touched->items = receivables_room(work, (count + 1) * sizeof *touched->items);
    touched->before = receivables_room(work, (count + 1) * sizeof *touched->before);
    if (!touched->items || !touched->before)
        return;
    while ((item = o2c_walk_next(&walk))) {
        size_t at = touched->item_count++;

        for (; at && fills_before(item, touched->items[at - 1]); at--)
            touched->items[at] = touched->items[at - 1];
        touched->items[at] = o2c_row_edit(item);
    }
    for (size_t i = 0; i < touched->item_count; i++)
        touched->before[i] =
            (struct item_before){false, touched->items[i]->open_minor,
                                 touched->items[i]->disputed_minor, document->state};
}

struct touched *receivables_touch(struct work *work, const struct document *document)
{
    struct touched **at = &work->documents, *touched;

    while (*at && document_cmp((*at)->document, document) < 0)
        at = &(*at)->next;
    if (*at && document_cmp((*at)->document, document) == 0)
        return *at;
    touched = receivables_room(work, sizeof *touched);
    if (!touched)
        return NULL;
    touched->next = *at;
    *at = touched;
    touched->document = o2c_row_edit(document);
    touched->disputed_before = document->disputed_minor;
    touched->credited_before = document->credited_minor;
    take_items(work, touched);
    return touched;
}

/* ---- totals */

static int balance_cmp(const struct balance *a, const struct balance *b)
{
    int order = o2c_str_cmp(a->customer_id, b->customer_id);

    if (!order)
        order = o2c_str_cmp(a->company_id, b->company_id);
    return order ? order : o2c_str_cmp(a->currency, b->currency);
}

/* Of a customer in a currency with a company; made where there are none. */
static struct balance *balance_for(struct work *work, struct o2c_str customer_id,
                                   struct o2c_str currency, struct o2c_str company_id)
{
    const struct o2c_key *key =
        O2C_KEY(O2C_K(customer_id), O2C_K(company_id), O2C_K(currency));
    const struct balance *known = o2c_row_find(work->account, &receivables_balance, key);
    struct touched_balance **at = &work->balances, *touched;
    struct balance *balance;

    balance =
        known ? o2c_row_edit(known) : o2c_row_add(work->account, &receivables_balance, key);
    for (; *at; at = &(*at)->next) {
        int order = balance_cmp((*at)->balance, balance);

        if (!order)
            return balance;
        if (order > 0)
            break;
    }
    touched = receivables_room(work, sizeof *touched);
    if (touched) {
        *touched = (struct touched_balance){*at, balance};
        *at = touched;
    }
    return balance;
}

static struct balance *balance_of(struct work *work, const struct document *document)
{
    return balance_for(work, document->customer_id, document->currency,
                       document->company_id);
}

static struct balance *balance_of_payer(struct work *work, const struct payment *payment)
{
    return balance_for(work, payment->customer_id, payment->currency, payment->company_id);
}

/* ---- movements */

static struct movement *append(struct work *work, struct o2c_str subject,
                               struct o2c_str subject_id, int32_t movement_no)
{
    return o2c_row_append(work->account, &receivables_movement,
                          O2C_KEY(O2C_K(subject), O2C_K(subject_id), O2C_N(movement_no)));
}

void receivables_move_item(struct work *work, struct touched *touched,
                           struct open_item *item, int64_t delta_minor, int32_t date,
                           struct o2c_str cause, struct o2c_str cause_id)
{
    struct document *document = touched->document;
    struct balance *balance = balance_of(work, document);
    struct movement *movement;

    if (!delta_minor)
        return;
    receivables_add(work, &item->open_minor, delta_minor);
    receivables_add(work, &document->open_minor, delta_minor);
    receivables_add(work,
                    o2c_str_eq(document->kind, KIND_CREDIT_NOTE) ? &balance->credit_minor
                                                                 : &balance->open_minor,
                    delta_minor);
    movement =
        append(work, document->kind, document->document_id, ++document->movement_count);
    movement->instalment_no = item->instalment_no;
    movement->customer_id = document->customer_id;
    movement->currency = document->currency;
    movement->due_date = item->due_date;
    movement->effective_date = date;
    movement->delta_minor = delta_minor;
    movement->cause = cause;
    movement->cause_id = cause_id;
    movement->recorded_at = work->moment->recorded_us;
}

static void show_state(struct payment *payment)
{
    if (payment->has_reversed_date)
        payment->state = O2C_STR("reversed");
    else if (!payment->unapplied_minor)
        payment->state = O2C_STR("applied");
    else if (payment->applied_minor)
        payment->state = O2C_STR("part_applied");
    else
        payment->state = O2C_STR("unapplied");
}

static void note_moved(struct work *work, const struct payment *payment)
{
    struct moved_payment *moved = receivables_room(work, sizeof *moved);

    if (!moved)
        return;
    *moved = (struct moved_payment){work->payments, payment};
    work->payments = moved;
}

void receivables_move_cash(struct work *work, struct payment *payment, int64_t delta_minor,
                           int32_t date, struct o2c_str cause, struct o2c_str cause_id)
{
    struct balance *balance = balance_of_payer(work, payment);
    struct movement *movement;

    if (!delta_minor)
        return;
    note_moved(work, payment);
    receivables_add(work, &payment->unapplied_minor, delta_minor);
    show_state(payment);
    receivables_add(work, &balance->unapplied_minor, delta_minor);
    movement = append(work, SOURCE_PAYMENT, payment->payment_id, ++payment->movement_count);
    movement->customer_id = payment->customer_id;
    movement->currency = payment->currency;
    movement->due_date = movement->effective_date = date;
    movement->delta_minor = delta_minor;
    movement->cause = cause;
    movement->cause_id = cause_id;
    movement->recorded_at = work->moment->recorded_us;
}

/* ---- journals */

struct journal *receivables_journal(struct work *work, const char *posting,
                                    struct o2c_str journal_id, int32_t date,
                                    struct o2c_str customer_id, struct o2c_str company_id,
                                    struct o2c_str currency)
{
    struct journal *journal = receivables_room(work, sizeof *journal);

    if (!journal)
        return NULL;
    journal->posting = posting;
    journal->journal_id = journal_id;
    journal->date = date;
    journal->customer_id = customer_id;
    journal->company_id = company_id;
    journal->currency = currency;
    journal->end = &journal->lines;
    *work->journals_end = journal;
    work->journals_end = &journal->next;
    return journal;
}

static void note_control(struct work *work, const struct journal *journal,
                         const char *account, struct o2c_str customer_id,
                         int64_t amount_minor)
{
    struct balance *balance;

    if (strcmp(account, O2C_ACCOUNT_RECEIVABLE) != 0 &&
        strcmp(account, O2C_ACCOUNT_UNAPPLIED) != 0)
        return;
    balance = balance_for(work, customer_id, journal->currency, journal->company_id);
    if (!strcmp(account, O2C_ACCOUNT_RECEIVABLE))
        receivables_add(work, &balance->receivable_minor, amount_minor);
    else
        receivables_add(work, &balance->unapplied_control_minor, -amount_minor);
}

void receivables_post(struct work *work, struct journal *journal, const char *account,
                      struct o2c_str customer_id, struct o2c_str document,
                      int64_t amount_minor)
{
    struct journal_line *line = journal ? receivables_room(work, sizeof *line) : NULL;

    if (!line || !amount_minor)
        return;
    *line = (struct journal_line){NULL, account, customer_id, document, amount_minor};
    *journal->end = line;
    journal->end = &line->next;
    note_control(work, journal, account, customer_id, amount_minor);
}

/* ---- what has become of a document */

static void spread_dispute(struct touched *touched)
{
    struct document *document = touched->document;
    int64_t left = document->claimed_dispute_minor;

    if (left > document->open_minor)
        left = document->open_minor;
    document->disputed_minor = left;
    for (size_t i = 0; i < touched->item_count; i++) {
        struct open_item *item = touched->items[i];

        item->disputed_minor = left < item->open_minor ? left : item->open_minor;
        left -= item->disputed_minor;
    }
}

static enum o2c_invoice_phase phase_of(bool cancelled, int64_t open_minor,
                                       int64_t whole_minor)
{
    if (cancelled)
        return O2C_INVOICE_PHASE_CANCELLED;
    if (!open_minor)
        return O2C_INVOICE_PHASE_PAID;
    return open_minor < whole_minor ? O2C_INVOICE_PHASE_PART_PAID : O2C_INVOICE_PHASE_OPEN;
}

static bool is_cancelled(const struct document *document)
{
    return document->issued && document->cancel_content.at;
}

static void derive(struct work *work, struct touched *touched)
{
    struct document *document = touched->document;

    if (!document->issued)
        return;
    spread_dispute(touched);
    receivables_add(work, &balance_of(work, document)->disputed_minor,
                    document->disputed_minor - touched->disputed_before);
    touched->phase =
        phase_of(is_cancelled(document), document->open_minor, document->gross_minor);
    document->state = o2c_invoice_phase_text(touched->phase);
    document->has_closed_date = !document->open_minor;
    document->closed_date = 0;
    if (document->open_minor)
        return;
    document->closed_date = document->settled_to;
    if (document->closed_date < document->issue_date) /* of nothing: nothing settled it */
        document->closed_date = document->issue_date;
}

/* The earliest instalment with something open; else the last due date. */
static int32_t due_date_of(const struct touched *touched)
{
    for (size_t i = 0; i < touched->item_count; i++)
        if (touched->items[i]->open_minor)
            return touched->items[i]->due_date;
    return touched->document->last_due_date;
}

/* ---- publishing */

static struct o2c_head head_for(const struct work *work, struct o2c_str customer_id,
                                struct o2c_str company_id)
{
    return (struct o2c_head){.customer_id = customer_id,
                             .company_id =
                                 company_id.at ? company_id : work->head->company_id};
}

/* What is opening is reminded only if asked for, everything else unless asked not to. */
static bool is_reminded(const struct document *document)
{
    return document->has_remind ? document->remind : !document->opening;
}

static bool item_changed(const struct touched *touched, size_t i,
                         const struct item_before *before)
{
    const struct open_item *item = touched->items[i];

    if (before->new_item || touched->document->credited_minor != touched->credited_before ||
        item->open_minor != before->open_minor ||
        item->disputed_minor != before->disputed_minor)
        return true;
    /* open and disputed say the state, but for a cancellation of what was settled */
    return is_cancelled(touched->document) &&
           !o2c_str_eq(before->document_state, touched->document->state);
}

static void emit_item(struct work *work, const struct touched *touched, size_t i)
{
    const struct document *document = touched->document;
    const struct open_item *item = touched->items[i];
    struct o2c_open_item_changed changed = {
        .head = head_for(work, document->customer_id, document->company_id),
        .document_id = document->document_id,
        .kind = o2c_document_kind_of(document->kind),
        .instalment_no = item->instalment_no,
        .due_date = item->due_date,
        .currency = document->currency,
        .open_minor = item->open_minor,
        .disputed_minor = item->disputed_minor,
        .state = phase_of(is_cancelled(document), item->open_minor, item->amount_minor),
        .cause = o2c_str_from(touched->before[i].new_item ? "issued" : work->cause),
        .cause_id = work->cause_id,
        .has_amount_minor = true,
        .amount_minor = item->amount_minor,
        .number = document->number,
        .has_issue_date = true,
        .issue_date = document->issue_date,
        .order_id = document->order_id,
        .has_remind = true,
        .remind = is_reminded(document),
        .has_document_open_minor = true,
        .document_open_minor = document->open_minor,
        .has_document_credited_minor = true,
        .document_credited_minor = document->credited_minor,
    };
    struct o2c_event event = o2c_event_of(O2C_OPEN_ITEM_CHANGED, &changed);

    if (touched->before[i].new_item)
        changed.dispute_id = work->dispute_id;
    o2c_effects_emit(work->effects, &event);
}

/* In the order of their numbers, which need not be that of their due dates. */
static void emit_items(struct work *work, const struct touched *touched)
{
    for (size_t no = 1; no <= touched->item_count; no++)
        for (size_t i = 0; i < touched->item_count; i++)
            if ((size_t)touched->items[i]->instalment_no == no &&
                item_changed(touched, i, &touched->before[i]))
                emit_item(work, touched, i);
}

static void emit_applied(struct work *work, const struct application *application)
{
    const struct payment *payment = application->payment;
    struct o2c_payment_applied applied = {
        .head = head_for(work, payment->customer_id, payment->company_id),
        .application_id = application->application_id,
        .payment_id = payment->payment_id,
        .rule = O2C_STR("remittance"),
        .allocations = application->allocations,
        .allocations_count = application->allocation_count,
        .unapplied_minor = application->unapplied_minor,
        .explanation = receivables_text(work, "remittance line %d names %.*s",
                                        (int)application->line_no,
                                        O2C_STR_ARG(application->document_id)),
        .currency = payment->currency,
        .has_applied_date = true,
        .applied_date = application->date,
    };
    struct o2c_event event = o2c_event_of(O2C_PAYMENT_APPLIED, &applied);

    o2c_effects_emit(work->effects, &event);
}

static void emit_unapplied(struct work *work, const struct application *application)
{
    const struct payment *payment = application->payment;
    struct o2c_payment_unapplied unapplied = {
        .head = head_for(work, payment->customer_id, payment->company_id),
        .application_id = application->application_id,
        .reason = o2c_str_from(application->reason),
        .payment_id = payment->payment_id,
        .has_unapplied_date = true,
        .unapplied_date = application->date,
    };
    struct o2c_event event = o2c_event_of(O2C_PAYMENT_UNAPPLIED, &unapplied);

    o2c_effects_emit(work->effects, &event);
}

static void emit_journal(struct work *work, const struct journal *journal)
{
    struct o2c_journal_posted posted = {
        .head = head_for(work, journal->customer_id, journal->company_id),
        .journal_id = journal->journal_id,
        .posting_date = journal->date,
        .source_event_id = work->head->event_id,
        .posting = o2c_str_from(journal->posting),
    };
    struct o2c_event event = o2c_event_of(O2C_JOURNAL_POSTED, &posted);
    struct o2c_journal_line *lines;
    size_t count = 0;

    for (const struct journal_line *line = journal->lines; line; line = line->next)
        count++;
    lines = receivables_room(work, (count + 1) * sizeof *lines);
    if (!count || !lines)
        return;
    for (const struct journal_line *line = journal->lines; line; line = line->next)
        lines[posted.lines_count++] = (struct o2c_journal_line){
            .account = o2c_str_from(line->account),
            .debit_minor = line->amount_minor > 0 ? line->amount_minor : 0,
            .credit_minor = line->amount_minor < 0 ? -line->amount_minor : 0,
            .currency = journal->currency,
            .customer_id = line->customer_id,
            .document = line->document,
        };
    posted.lines = lines;
    o2c_effects_emit(work->effects, &event);
}

static void emit_document_state(struct work *work, const struct touched *touched)
{
    const struct document *document = touched->document;
    struct o2c_str id = document->document_id;
    struct o2c_invoice_state state = {
        .invoice_id = document->document_id,
        .kind = o2c_document_kind_of(document->kind),
        .customer_id = document->customer_id,
        .account_id = o2c_account_id(work->account),
        .company_id = document->company_id,
        .number = document->number,
        .order_id = document->order_id,
        .issue_date = document->issue_date,
        .has_due_date = true,
        .due_date = due_date_of(touched),
        .currency = document->currency,
        .gross_minor = document->gross_minor,
        .applied_minor = document->applied_minor,
        .credited_minor = document->credited_minor,
        .discount_minor = document->discount_minor,
        .written_off_minor = document->written_off_minor,
        .open_minor = document->open_minor,
        .disputed_minor = document->disputed_minor,
        .state = touched->phase,
        .has_closed_date = document->has_closed_date,
        .closed_date = document->closed_date,
    };
    struct o2c_event event = o2c_event_of(O2C_INVOICE_STATE, &state);

    if (state.kind != O2C_DOCUMENT_KIND_INVOICE)
        id = receivables_text(work, "%.*s/%.*s", O2C_STR_ARG(document->kind),
                              O2C_STR_ARG(document->document_id));
    o2c_effects_emit_state(work->effects, id, &event);
}

static void emit_account_state(struct work *work, const struct balance *balance)
{
    struct o2c_str account_id = o2c_account_id(work->account);
    struct o2c_account_state state = {
        .account_id = account_id,
        .customer_id = balance->customer_id,
        .company_id = balance->company_id,
        .currency = balance->currency,
        .open_minor = balance->open_minor,
        .credit_minor = balance->credit_minor,
        .disputed_minor = balance->disputed_minor,
        .unapplied_minor = balance->unapplied_minor,
        .balance_minor =
            balance->open_minor - balance->credit_minor - balance->unapplied_minor,
    };
    struct o2c_event event = o2c_event_of(O2C_ACCOUNT_STATE, &state);

    o2c_effects_emit_state(
        work->effects,
        receivables_text(work, "%.*s/%.*s/%.*s/%.*s", O2C_STR_ARG(account_id),
                         O2C_STR_ARG(balance->customer_id),
                         O2C_STR_ARG(balance->company_id), O2C_STR_ARG(balance->currency)),
        &event);
}

static void publish(struct work *work)
{
    for (const struct touched *t = work->documents; t; t = t->next)
        if (t->document->issued)
            emit_items(work, t);
    for (const struct application *a = work->applied; a; a = a->next)
        emit_applied(work, a);
    for (const struct application *a = work->undone; a; a = a->next)
        emit_unapplied(work, a);
    for (const struct journal *j = work->journals; j; j = j->next)
        emit_journal(work, j);
    for (const struct touched *t = work->documents; t; t = t->next)
        if (t->document->issued)
            emit_document_state(work, t);
    for (const struct touched_balance *b = work->balances; b; b = b->next)
        emit_account_state(work, b->balance);
}

/* ---- checks: what must hold after every event */

static void check_journal(struct work *work, const struct journal *journal)
{
    int64_t sum = 0;

    for (const struct journal_line *line = journal->lines; line; line = line->next)
        receivables_add(work, &sum, line->amount_minor);
#ifdef O2C_MUTANT_SIDES_MAY_DIFFER
    sum = 0;
#endif
    if (sum)
        mark_broken(work, "a journal's debits and credits differ");
}

static void check_document(struct work *work, const struct touched *touched)
{
    const struct document *document = touched->document;
    int64_t settled = document->applied_minor + document->credited_minor +
                      document->discount_minor + document->written_off_minor;
    int64_t asked = is_cancelled(document) ? 0 : document->gross_minor;
    int64_t items = 0;

    if (!document->issued)
        return;
    for (size_t i = 0; i < touched->item_count; i++) {
        receivables_add(work, &items, touched->items[i]->open_minor);
        if (touched->items[i]->open_minor < 0 ||
            touched->items[i]->open_minor > touched->items[i]->amount_minor)
            mark_broken(work, "an instalment is open below zero or above its amount");
    }
    if (items != document->open_minor || items != asked - settled)
        mark_broken(work, "a document is not open for what its instalments are");
}

/* A reversal leaves what had been applied in its row, and nothing unapplied. */
static void check_payment(struct work *work, const struct payment *payment)
{
    int64_t rest =
        payment->has_reversed_date ? 0 : payment->amount_minor - payment->applied_minor;

    if (payment->unapplied_minor != rest)
        mark_broken(work,
                    "a payment's amount differs from what is applied and unapplied of it");
}

static void check_balance(struct work *work, const struct balance *balance)
{
    if (balance->receivable_minor != balance->open_minor - balance->credit_minor)
        mark_broken(work, "the receivable control account differs from the open items");
    if (balance->unapplied_control_minor != balance->unapplied_minor)
        mark_broken(work, "the unapplied control account differs from the unapplied cash");
}

static void check(struct work *work)
{
    for (const struct journal *j = work->journals; j; j = j->next)
        check_journal(work, j);
    for (const struct touched *t = work->documents; t; t = t->next)
        check_document(work, t);
    for (const struct moved_payment *p = work->payments; p; p = p->next)
        check_payment(work, p->payment);
    for (const struct touched_balance *b = work->balances; b; b = b->next)
        check_balance(work, b->balance);
}

enum o2c_verdict receivables_end(struct work *work, struct o2c_err *err)
{
    if (!work->no_room) {
        for (struct touched *t = work->documents; t; t = t->next)
            derive(work, t);
        check(work);
    }
    if (!work->no_room && !work->broken)
        publish(work);
    if (work->no_room) {
        o2c_effects_no_room(work->effects);
        return O2C_OK;
    }
    if (work->broken)
        return o2c_fail(err, O2C_PARK, "%s", work->broken);
    return O2C_OK;
}
