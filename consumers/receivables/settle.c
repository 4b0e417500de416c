#include "consumers/receivables/settle.h"

#include <assert.h>

#include "consumers/host/rows.h"
#include "schemas/units/chart.h"

#include "runtime/base/banned.h"

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int32_t later(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* ---- which document a line means */

static const struct document *find_issued(struct o2c_account *account, struct o2c_str kind,
                                          struct o2c_str id)
{
    const struct document *document =
        o2c_row_find(account, &receivables_document, O2C_KEY(O2C_K(kind), O2C_K(id)));

    return document && document->issued ? document : NULL;
}

/* Something open first, then by issue date, kind and id: the walk has the last two. */
static bool is_better(const struct document *a, const struct document *b)
{
    if (!b || (a->open_minor > 0) != (b->open_minor > 0))
        return !b || a->open_minor > 0;
    return a->issue_date < b->issue_date;
}

/* Currencies never meet, and neither do companies. */
static bool can_meet(const struct remittance_line *line, const struct document *document)
{
#ifdef O2C_MUTANT_CURRENCIES_MEET
    return o2c_str_eq(line->company_id, document->company_id);
#endif
    return o2c_str_eq(line->currency, document->currency) &&
           o2c_str_eq(line->company_id, document->company_id);
}

static const struct document *find_numbered(struct o2c_account *account,
                                            const struct remittance_line *line)
{
    const struct document *document, *best = NULL;
    struct o2c_walk walk;

    o2c_walk_lookup(&walk, account, &receivables_document, DOCUMENT_BY_NUMBER,
                    O2C_KEY(O2C_K(line->named_number)));
    while ((document = o2c_walk_next(&walk)))
        if (document->issued && !document->cancel_content.at &&
            !o2c_str_eq(document->kind, KIND_CREDIT_NOTE) && can_meet(line, document) &&
            is_better(document, best))
            best = document;
    return best;
}

/* NULL while there is none. */
static const struct document *named(struct o2c_account *account,
                                    const struct remittance_line *line)
{
    const struct document *document;

    if (!line->named_invoice_id.at)
        return line->named_number.at ? find_numbered(account, line) : NULL;
    document = find_issued(account, KIND_INVOICE, line->named_invoice_id);
    return document ? document
                    : find_issued(account, KIND_DEBIT_NOTE, line->named_invoice_id);
}

/* ---- sources: a payment, or a credit note */

struct source {
    struct o2c_str kind, id;
    struct payment *payment;
    struct touched *note;
};

static struct source source_of(struct work *work, struct o2c_str kind, struct o2c_str id)
{
    struct source source = {.kind = kind, .id = id};

    if (o2c_str_eq(kind, SOURCE_PAYMENT))
        source.payment = o2c_row_edit(
            o2c_row_find(work->account, &receivables_payment, O2C_KEY(O2C_K(id))));
    else
        source.note = receivables_touch(
            work, o2c_row_find(work->account, &receivables_document,
                               O2C_KEY(O2C_K(KIND_CREDIT_NOTE), O2C_K(id))));
    return source;
}

static struct touched *note_of(const struct source *source)
{
    assert(source->note && "what is no payment is a credit note");
    return source->note;
}

static bool is_reversed(const struct source *source)
{
    return source->payment && source->payment->has_reversed_date;
}

/* Of a reversed payment what it had: its lines are applied, and then undone. */
static int64_t available(const struct source *source)
{
    return source->payment ? source->payment->amount_minor - source->payment->applied_minor
                           : note_of(source)->document->open_minor;
}

/* How a source settles documents, in the tables. */
static struct o2c_str cause_of(const struct source *source)
{
    return source->payment ? O2C_STR("applied") : O2C_STR("credited");
}

/* Takes x from the source; gives it back where x is negative. */
static void use(struct work *work, const struct source *source, int64_t x, int32_t date,
                struct o2c_str cause, struct o2c_str application_id)
{
    if (source->payment) {
        receivables_add(work, &source->payment->applied_minor, x);
        receivables_move_cash(work, source->payment, -x, date, cause, application_id);
    } else if (note_of(source)->item_count) {
        receivables_add(work, &note_of(source)->document->applied_minor, x);
        if (x > 0)
            note_of(source)->document->settled_to =
                later(note_of(source)->document->settled_to, date);
        receivables_move_item(work, note_of(source), note_of(source)->items[0], -x, date,
                              cause, application_id);
    }
}

static struct o2c_str source_customer(const struct source *source)
{
    return source->payment ? source->payment->customer_id
                           : note_of(source)->document->customer_id;
}

static struct o2c_str source_company(const struct source *source)
{
    return source->payment ? source->payment->company_id
                           : note_of(source)->document->company_id;
}

/* A payment and a credit note may have one id. */
static struct o2c_str name_application(struct work *work, const struct source *source,
                                       int32_t no)
{
    return receivables_text(work, "%s%.*s/%d", source->payment ? "" : "credit_note/",
                            O2C_STR_ARG(source->id), (int)no);
}

/*
 * Of the journal of an application.  The ids of applications of payment
 * "credit_note/K" and of credit note "K" are the same: the journals' are not.
 */
static struct o2c_str name_journal(struct work *work, const struct source *source,
                                   struct o2c_str application_id, const char *mark)
{
    return receivables_text(work, "%sapplication:%.*s%s", source->payment ? "" : "credit_",
                            O2C_STR_ARG(application_id), mark);
}

/* ---- one application */

/* Cash x and discount d of one source for one document; exchanged when undone. */
struct settling {
    const struct source *source;
    struct touched *target;
    struct o2c_str application_id;
    int64_t cash_minor, discount_minor;
    int32_t date;
};

static void post(struct work *work, const struct settling *settling,
                 struct o2c_str journal_id, const char *posting, int sign)
{
    const struct source *source = settling->source;
    const struct document *document = settling->target->document;
    struct o2c_str payer = source_customer(source);
    int64_t cash = sign * settling->cash_minor, discount = sign * settling->discount_minor;
    struct journal *journal;

    if (source->note && o2c_str_eq(payer, document->customer_id))
        return; /* both are on one control account of one customer */
    journal = receivables_journal(work, posting, journal_id, settling->date, payer,
                                  source_company(source), document->currency);
    receivables_post(work, journal,
                     source->payment ? O2C_ACCOUNT_UNAPPLIED : O2C_ACCOUNT_RECEIVABLE,
                     payer, source->id, cash);
    receivables_post(work, journal, O2C_ACCOUNT_DISCOUNT, document->customer_id,
                     document->document_id, discount);
    receivables_post(work, journal, O2C_ACCOUNT_RECEIVABLE, document->customer_id,
                     document->document_id, -(cash + discount));
}

static void take_off(struct work *work, const struct settling *settling, int sign)
{
    struct document *document = settling->target->document;

    receivables_add(work,
                    settling->source->payment ? &document->applied_minor
                                              : &document->credited_minor,
                    sign * settling->cash_minor);
    receivables_add(work, &document->discount_minor, sign * settling->discount_minor);
    if (sign > 0)
        document->settled_to = later(document->settled_to, settling->date);
}

static struct allocation *allocate(struct work *work, const struct settling *settling,
                                   const struct remittance_line *line,
                                   int32_t application_no, int32_t instalment_no)
{
    const struct document *document = settling->target->document;
    struct allocation *allocation =
        o2c_row_append(work->account, &receivables_allocation,
                       O2C_KEY(O2C_K(line->source), O2C_K(line->source_id),
                               O2C_N(application_no), O2C_N(instalment_no)));

    allocation->kind = document->kind;
    allocation->document_id = document->document_id;
    allocation->rule =
        settling->source->payment ? O2C_STR("remittance") : O2C_STR("credit_note");
    allocation->line_no = line->line_no;
    allocation->effective_date = settling->date;
    allocation->recorded_at = work->moment->recorded_us;
    if (o2c_str_eq(document->kind, KIND_INVOICE))
        allocation->live_invoice_id = document->document_id;
    return allocation;
}

/* Fills instalments in their order, cash first; the published form of it is returned. */
static struct application *fill(struct work *work, const struct settling *settling,
                                const struct remittance_line *line, int32_t application_no)
{
    struct touched *target = settling->target;
    struct application *application = receivables_room(work, sizeof *application);
    int64_t cash = settling->cash_minor, discount = settling->discount_minor;
    struct o2c_str cause = cause_of(settling->source);

    if (!application)
        return NULL;
    application->allocations =
        receivables_room(work, (target->item_count + 1) * sizeof *application->allocations);
    for (size_t i = 0; application->allocations && i < target->item_count; i++) {
        struct open_item *item = target->items[i];
        int64_t by_cash = min(cash, item->open_minor);
        int64_t by_discount = min(discount, item->open_minor - by_cash);
        struct allocation *allocation;

        if (!by_cash && !by_discount)
            continue;
        cash -= by_cash;
        discount -= by_discount;
        receivables_move_item(work, target, item, -by_cash, settling->date, cause,
                              settling->application_id);
        receivables_move_item(work, target, item, -by_discount, settling->date,
                              O2C_STR("discount"), settling->application_id);
        allocation = allocate(work, settling, line, application_no, item->instalment_no);
        allocation->applied_minor = by_cash;
        allocation->discount_minor = by_discount;
        application->allocations[application->allocation_count++] =
            (struct o2c_allocation){.invoice_id = target->document->document_id,
                                    .instalment_no = item->instalment_no,
                                    .applied_minor = by_cash,
                                    .discount_minor = by_discount,
                                    .has_kind = true,
                                    .kind = o2c_document_kind_of(target->document->kind)};
    }
    return application;
}

static void tell_applied(struct work *work, struct application *application,
                         const struct settling *settling,
                         const struct remittance_line *line)
{
    const struct payment *payment = settling->source->payment;

    if (!application || !payment)
        return;
    application->payment = payment;
    application->application_id = settling->application_id;
    application->date = settling->date;
    application->line_no = line->line_no;
    application->document_id = settling->target->document->document_id;
    application->unapplied_minor =
        payment->unapplied_minor > 0 ? payment->unapplied_minor : 0; /* of a reversed one */
    *work->applied_end = application;
    work->applied_end = &application->next;
}

static int64_t discount_for(const struct remittance_line *line, const struct source *source,
                            const struct document *document, int64_t cash)
{
    int64_t offered = document->offered_discount_minor - document->discount_minor;

#ifdef O2C_MUTANT_DISCOUNT_ON_ANY_DAY
    if (source->payment && document->has_discount_until)
        return min(min(line->discount_minor, offered), document->open_minor - cash);
#endif
    if (!source->payment || cash + line->applied_minor < line->amount_minor ||
        !document->has_discount_until ||
        source->payment->received_date > document->discount_until)
        return 0;
    return min(min(line->discount_minor, offered), document->open_minor - cash);
}

static int32_t next_application_no(const struct source *source)
{
    return source->payment ? ++source->payment->application_count
                           : ++note_of(source)->document->application_count;
}

static void close_line(const struct remittance_line *line)
{
    struct remittance_line *changed = o2c_row_edit(line);

    changed->claims_invoice_id = changed->claims_number = (struct o2c_str){NULL, 0};
}

static void apply_line(struct work *work, const struct remittance_line *line,
                       const struct document *document)
{
    struct application *application;
    struct settling settling;
    struct source source;
    int32_t no;

    if (!can_meet(line, document)) { /* it is named by its id: no other is meant */
        close_line(line);
        return;
    }
    source = source_of(work, line->source, line->source_id);
    settling = (struct settling){.source = &source,
                                 .target = receivables_touch(work, document),
                                 .date = later(line->source_date, document->issue_date)};
    if (work->no_room)
        return;
    settling.cash_minor = min(line->amount_minor - line->applied_minor,
                              min(available(&source), document->open_minor));
#ifdef O2C_MUTANT_TAKES_MORE_THAN_IS_OPEN
    settling.cash_minor = min(line->amount_minor - line->applied_minor, available(&source));
#endif
    if (settling.cash_minor <= 0)
        return;
    settling.discount_minor = discount_for(line, &source, document, settling.cash_minor);
    no = next_application_no(&source);
    settling.application_id = name_application(work, &source, no);
    application = fill(work, &settling, line, no);
    take_off(work, &settling, 1);
    use(work, &source, settling.cash_minor, settling.date, cause_of(&source),
        settling.application_id);
    tell_applied(work, application, &settling, line);
    post(work, &settling, name_journal(work, &source, settling.application_id, ""),
         "application", 1);
    ((struct remittance_line *)o2c_row_edit(line))->applied_minor += settling.cash_minor;
    if (line->applied_minor >= line->amount_minor)
        close_line(line);
}

/* ---- undoing */

/* What allocations of one application add up to; they are marked as undone. */
static bool take_back(struct work *work, const struct source *source,
                      int32_t application_no, int32_t date, struct settling *ret_settling)
{
    const struct allocation *allocation;
    struct o2c_walk walk;

    *ret_settling = (struct settling){.source = source};
    o2c_walk_children(
        &walk, work->account, &receivables_allocation,
        O2C_KEY(O2C_K(source->kind), O2C_K(source->id), O2C_N(application_no)));
    while ((allocation = o2c_walk_next(&walk)) && !work->no_room) {
        struct allocation *undone = o2c_row_edit(allocation);
        struct touched *target = receivables_touch(
            work, o2c_row_find(work->account, &receivables_document,
                               O2C_KEY(O2C_K(undone->kind), O2C_K(undone->document_id))));

        if (!target || undone->has_undone_date)
            continue;
        undone->has_undone_date = true;
        undone->undone_date = later(date, undone->effective_date);
        undone->live_invoice_id = (struct o2c_str){NULL, 0};
#ifdef O2C_MUTANT_DISCOUNT_STAYS
        undone->discount_minor = 0;
#endif
        ret_settling->target = target;
        ret_settling->date = undone->undone_date;
        ret_settling->cash_minor += undone->applied_minor;
        ret_settling->discount_minor += undone->discount_minor;
        for (size_t i = 0; i < target->item_count; i++)
            if (target->items[i]->instalment_no == undone->instalment_no) {
#ifdef O2C_MUTANT_REOPENS_THE_WHOLE
                undone->applied_minor =
                    target->items[i]->amount_minor - target->items[i]->open_minor;
#endif
                receivables_move_item(work, target, target->items[i], undone->applied_minor,
                                      undone->undone_date, O2C_STR("undone"),
                                      name_application(work, source, application_no));
                receivables_move_item(work, target, target->items[i],
                                      undone->discount_minor, undone->undone_date,
                                      O2C_STR("discount_undone"),
                                      name_application(work, source, application_no));
            }
    }
    return ret_settling->target;
}

static void tell_undone(struct work *work, const struct settling *settling,
                        const char *reason)
{
    struct application *application;

    if (!settling->source->payment)
        return;
    application = receivables_room(work, sizeof *application);
    if (!application)
        return;
    application->payment = settling->source->payment;
    application->application_id = settling->application_id;
    application->date = settling->date;
    application->reason = reason;
    *work->undone_end = application;
    work->undone_end = &application->next;
}

/* `applied_minor` of a payment that is reversed stays what it was: see available(). */
static void undo_application(struct work *work, const struct source *source,
                             int32_t application_no, int32_t date, const char *reason)
{
    struct settling settling;

    if (!take_back(work, source, application_no, date, &settling))
        return;
    settling.application_id = name_application(work, source, application_no);
    take_off(work, &settling, -1);
    settling.target->reopened = true;
    use(work, source, -settling.cash_minor, settling.date, O2C_STR("undone"),
        settling.application_id);
    if (is_reversed(source))
        receivables_add(work, &source->payment->applied_minor, settling.cash_minor);
    post(work, &settling, name_journal(work, source, settling.application_id, ":undone"),
         "application_undone", -1);
    tell_undone(work, &settling, reason);
}

/* ---- lines */

void receivables_settle_new_line(struct work *work, const struct remittance_line *line)
{
    const struct document *document;
    int64_t before;

    do { /* by number it goes on to the next document it means */
        document = named(work->account, line);
        before = line->applied_minor;
        if (document && document->cancel_content.at)
            close_line(line);
        else if (document)
            apply_line(work, line, document);
    } while (line->claims_number.at && line->applied_minor > before && !work->no_room);
}

/* Credit notes before payments. */
static int line_cmp(const struct remittance_line *a, const struct remittance_line *b)
{
    int order;

    if (a->source_date != b->source_date)
        return a->source_date < b->source_date ? -1 : 1;
    order = o2c_str_cmp(a->source, b->source);
    if (!order)
        order = o2c_str_cmp(a->source_id, b->source_id);
    return order ? order : (a->line_no > b->line_no) - (a->line_no < b->line_no);
}

struct lines {
    const struct remittance_line **at;
    size_t count;
};

static void gather(struct lines *lines, struct o2c_walk *walk)
{
    const struct remittance_line *line;

    while ((line = o2c_walk_next(walk))) {
        size_t at = lines->count++;

        for (; at && line_cmp(line, lines->at[at - 1]) < 0; at--)
            lines->at[at] = lines->at[at - 1];
        lines->at[at] = line;
    }
}

/* Those from there on that are of one source. */
static struct lines of_one_source(const struct lines *lines, size_t from)
{
    struct lines own = {lines->at + from, 0};

    while (from + own.count < lines->count &&
           o2c_str_eq(own.at[own.count]->source, own.at[0]->source) &&
           o2c_str_eq(own.at[own.count]->source_id, own.at[0]->source_id))
        own.count++;
    return own;
}

/* By id it may be the debit note that is meant only until the invoice is there. */
static bool means(struct work *work, const struct remittance_line *line,
                  const struct document *document)
{
    return line->named_number.at ? can_meet(line, document)
                                 : named(work->account, line) == document;
}

/*
 * The lines of one source.  What a reversed payment applies is undone after its last
 * line: no line meets what another of them has just given back.
 */
static void settle_source(struct work *work, const struct document *document,
                          const struct source *source, const struct lines *own)
{
    int32_t before = source->payment ? source->payment->application_count : 0;

    for (size_t i = 0; i < own->count && document->open_minor > 0; i++)
        if (means(work, own->at[i], document))
            apply_line(work, own->at[i], document);
    if (!is_reversed(source))
        return;
    for (int32_t no = before + 1; no <= source->payment->application_count; no++)
        undo_application(work, source, no, source->payment->reversed_date, "reversed");
}

static void settle_lines(struct work *work, const struct document *document, bool reopened)
{
    struct o2c_walk by_id, by_number;
    struct lines lines = {0};

    o2c_walk_lookup(&by_id, work->account, &receivables_remittance_line, LINE_BY_INVOICE_ID,
                    O2C_KEY(O2C_K(document->document_id)));
    o2c_walk_lookup(&by_number, work->account, &receivables_remittance_line, LINE_BY_NUMBER,
                    O2C_KEY(O2C_K(document->number)));
    lines.at =
        receivables_room(work, (by_id.count + by_number.count + 1) * sizeof *lines.at);
    if (!lines.at)
        return;
    gather(&lines, &by_id);
    gather(&lines, &by_number);
    for (size_t from = 0; from < lines.count && document->open_minor > 0;) {
        struct lines own = of_one_source(&lines, from);
        struct source source = source_of(work, own.at[0]->source, own.at[0]->source_id);

        if (work->no_room)
            return;
        if (!(reopened && is_reversed(&source))) /* it has had its turn */
            settle_source(work, document, &source, &own);
        from += own.count;
    }
}

void receivables_settle_waiting_lines(struct work *work, const struct document *document)
{
    settle_lines(work, document, false);
}

/* ---- when something is open again */

void receivables_settle_reversal(struct work *work, struct payment *payment)
{
    struct source source = {
        .kind = SOURCE_PAYMENT, .id = payment->payment_id, .payment = payment};

    for (int32_t no = 1; no <= payment->application_count; no++)
        undo_application(work, &source, no, payment->reversed_date, "reversed");
    for (const struct touched *t = work->documents; t; t = t->next)
        if (t->reopened)
            settle_lines(work, t->document, true);
}

/* The line is no longer complete; by its id it can claim the invoice no more. */
static void reopen_line(struct work *work, const struct allocation *allocation)
{
    struct remittance_line *line = o2c_row_edit(
        o2c_row_find(work->account, &receivables_remittance_line,
                     O2C_KEY(O2C_K(allocation->source), O2C_K(allocation->source_id),
                             O2C_N(allocation->line_no))));

    line->applied_minor -= allocation->applied_minor;
    if (!line->named_invoice_id.at)
        line->claims_number = line->named_number;
}

void receivables_settle_cancellation(struct work *work, const struct document *invoice,
                                     int32_t date)
{
    const struct allocation *allocation;
    const struct remittance_line *line;
    struct o2c_walk allocations, lines;

    o2c_walk_lookup(&allocations, work->account, &receivables_allocation,
                    ALLOCATION_BY_INVOICE, O2C_KEY(O2C_K(invoice->document_id)));
    while ((allocation = o2c_walk_next(&allocations))) {
        struct source source;

        reopen_line(work, allocation);
        if (allocation->has_undone_date)
            continue; /* with an earlier instalment of its application */
        source = source_of(work, allocation->source, allocation->source_id);
        if (!work->no_room)
            undo_application(work, &source, allocation->application_no, date,
                             "invoice_cancelled");
    }
    o2c_walk_lookup(&lines, work->account, &receivables_remittance_line, LINE_BY_INVOICE_ID,
                    O2C_KEY(O2C_K(invoice->document_id)));
    while ((line = o2c_walk_next(&lines)))
        close_line(line);
}
