#include "consumers/disputes/apply.h"

#include "consumers/disputes/rows.h"
#include "consumers/host/effects.h"
#include "consumers/host/novelty.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "schemas/events.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

static const struct o2c_str absent = {NULL, 0};

/* ---- what is looked at */

static struct o2c_str dispute_id_of(const struct o2c_event *event)
{
    if (event->type == O2C_DISPUTE_EVIDENCE_ADDED)
        return event->dispute_evidence_added->dispute_id;
    if (event->type == O2C_DISPUTE_ASSIGNED)
        return event->dispute_assigned->dispute_id;
    if (event->type == O2C_DISPUTE_DECIDED)
        return event->dispute_decided->dispute_id;
    return event->dispute_withdrawn->dispute_id;
}

static struct o2c_str event_id_of(const struct o2c_event *event)
{
    return ((const struct o2c_head *)event->body)->event_id;
}

void disputes_needs_raised(const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_dispute_raised *raised = event->dispute_raised;

    o2c_want_row(wants, &disputes_dispute, O2C_KEY(O2C_K(raised->dispute_id)));
    o2c_want_row(wants, &disputes_document, O2C_KEY(O2C_K(raised->invoice_id)));
}

void disputes_needs_request(const struct o2c_event *event, struct o2c_wants *wants)
{
    struct o2c_str dispute_id = dispute_id_of(event);

    o2c_want_row(wants, &disputes_dispute, O2C_KEY(O2C_K(dispute_id)));
    o2c_want_row(wants, &disputes_event,
                 O2C_KEY(O2C_K(dispute_id), O2C_K(event_id_of(event))));
}

static void want_its_document(struct o2c_account *account, struct o2c_str dispute_id,
                              struct o2c_wants *wants)
{
    const struct dispute *dispute =
        o2c_row_find(account, &disputes_dispute, O2C_KEY(O2C_K(dispute_id)));

    if (dispute && dispute->document_id.at)
        o2c_want_row(wants, &disputes_document, O2C_KEY(O2C_K(dispute->document_id)));
}

void disputes_needs_more_request(struct o2c_account *account, const struct o2c_event *event,
                                 struct o2c_wants *wants)
{
    want_its_document(account, dispute_id_of(event), wants);
}

void disputes_needs_item(const struct o2c_event *event, struct o2c_wants *wants)
{
    const struct o2c_open_item_changed *changed = event->open_item_changed;

    o2c_want_row(wants, &disputes_document, O2C_KEY(O2C_K(changed->document_id)));
    o2c_want_lookup(wants, &disputes_dispute, DISPUTE_BY_DOCUMENT,
                    O2C_KEY(O2C_K(changed->document_id)));
    if (changed->dispute_id.at)
        o2c_want_row(wants, &disputes_dispute, O2C_KEY(O2C_K(changed->dispute_id)));
}

void disputes_needs_more_item(struct o2c_account *account, const struct o2c_event *event,
                              struct o2c_wants *wants)
{
    if (event->open_item_changed->dispute_id.at)
        want_its_document(account, event->open_item_changed->dispute_id, wants);
}

/* ---- a case, step by step */

struct work {
    struct o2c_account *account;
    const struct o2c_moment *moment;
    struct o2c_effects *effects;
    struct o2c_str cause_id; /* what settled of the document; absent: nothing else */
};

static struct o2c_head head_of(const struct dispute *dispute)
{
    return (struct o2c_head){.customer_id = dispute->customer_id,
                             .company_id = dispute->company_id};
}

/* Of a case that is open, or was: its document is known. */
static enum o2c_document_kind kind_of(const struct work *work,
                                      const struct dispute *dispute)
{
    const struct document *document = o2c_row_find(work->account, &disputes_document,
                                                   O2C_KEY(O2C_K(dispute->document_id)));

    return o2c_document_kind_of(document->kind);
}

static void change_state(struct work *work, struct dispute *dispute,
                         enum o2c_dispute_phase phase, struct o2c_str reason)
{
    struct o2c_dispute_state_changed changed = {
        .head = head_of(dispute),
        .dispute_id = dispute->dispute_id,
        .state = phase,
        .reason = reason,
        .invoice_id = dispute->document_id,
        .has_amount_minor = true,
        .amount_minor = dispute->amount_minor,
        .assignee = dispute->assignee,
        .has_kind = true,
        .kind = kind_of(work, dispute),
    };
    struct o2c_event event = o2c_event_of(O2C_DISPUTE_STATE_CHANGED, &changed);

    dispute->state = o2c_dispute_phase_text(phase);
    o2c_effects_emit(work->effects, &event);
}

/*
 * `phase` is the state it keeps.  Where it is paid, a reversal may open it again; where it
 * was rejected or withdrawn, credit notes that name it have the last word.
 */
static void close_case(struct work *work, struct dispute *dispute,
                       enum o2c_dispute_phase phase, enum o2c_dispute_resolution resolution)
{
    struct o2c_dispute_closed closed = {
        .head = head_of(dispute),
        .dispute_id = dispute->dispute_id,
        .resolution = resolution,
        .invoice_id = dispute->document_id,
        .has_amount_minor = true,
        .amount_minor = dispute->amount_minor,
        .document_id = work->cause_id,
        .has_kind = true,
        .kind = kind_of(work, dispute),
    };
    struct o2c_event event = o2c_event_of(O2C_DISPUTE_CLOSED, &closed);

    dispute->resolution = o2c_dispute_resolution_text(resolution);
    if (resolution == O2C_DISPUTE_RESOLUTION_CREDIT_NOTE ||
        resolution == O2C_DISPUTE_RESOLUTION_WRITE_OFF)
        dispute->live_document_id = absent;
    change_state(work, dispute, phase, dispute->resolution);
    o2c_effects_emit(work->effects, &event);
}

static void open_case(struct work *work, struct dispute *dispute,
                      const struct document *document)
{
    struct o2c_dispute_opened opened = {
        .head = head_of(dispute),
        .dispute_id = dispute->dispute_id,
        .invoice_id = dispute->document_id,
        .has_line_no = dispute->has_line_no,
        .line_no = dispute->line_no,
        .amount_minor = dispute->amount_minor,
        .currency = document->currency,
        .reason_code = dispute->reason_code,
        .origin = O2C_DISPUTE_ORIGIN_CUSTOMER,
        .has_kind = true,
        .kind = kind_of(work, dispute),
    };
    struct o2c_event event = o2c_event_of(O2C_DISPUTE_OPENED, &opened);

    dispute->state = o2c_dispute_phase_text(O2C_DISPUTE_PHASE_OPEN);
    dispute->opened_at = work->moment->recorded_us;
    o2c_effects_emit(work->effects, &event);
}

static bool is_in(const struct dispute *dispute, enum o2c_dispute_phase phase)
{
    return o2c_str_eq(dispute->state, o2c_dispute_phase_text(phase));
}

static bool is_closed(const struct dispute *dispute)
{
    return dispute->resolution.at;
}

static bool is_paid(const struct dispute *dispute)
{
    return o2c_str_eq(dispute->resolution,
                      o2c_dispute_resolution_text(O2C_DISPUTE_RESOLUTION_PAID));
}

static bool is_approval(const struct dispute *dispute)
{
    return dispute->decision.at && !o2c_str_eq(dispute->decision, O2C_STR("rejected"));
}

static void approve(struct work *work, struct dispute *dispute, struct o2c_str reason)
{
    if (o2c_str_eq(dispute->decision, O2C_STR("partly_approved")) &&
        dispute->decided_minor < dispute->amount_minor)
        dispute->amount_minor = dispute->decided_minor;
    change_state(work, dispute, O2C_DISPUTE_PHASE_APPROVED, reason);
}

/* What it was before it was closed as paid, or has become by a decision since. */
static void reopen(struct work *work, struct dispute *dispute)
{
    dispute->resolution = absent;
    if (is_approval(dispute))
        approve(work, dispute, O2C_STR("reopened"));
    else
        change_state(work, dispute,
                     dispute->assignee.at ? O2C_DISPUTE_PHASE_INVESTIGATING
                                          : O2C_DISPUTE_PHASE_OPEN,
                     O2C_STR("reopened"));
}

static void decide(struct work *work, struct dispute *dispute)
{
    if (is_approval(dispute)) {
        approve(work, dispute, dispute->decision);
        return;
    }
    change_state(work, dispute, O2C_DISPUTE_PHASE_REJECTED, O2C_STR("rejected"));
    close_case(work, dispute, O2C_DISPUTE_PHASE_CLOSED, O2C_DISPUTE_RESOLUTION_CHARGE_BACK);
}

static bool is_state(const struct document *document, enum o2c_invoice_phase phase)
{
    return o2c_str_eq(document->state, o2c_invoice_phase_text(phase));
}

/* Nothing is open any more. */
static void close_settled(struct work *work, struct dispute *dispute,
                          const struct document *document)
{
    enum o2c_dispute_resolution resolution = O2C_DISPUTE_RESOLUTION_PAID;

    if (is_state(document, O2C_INVOICE_PHASE_CANCELLED))
        resolution = O2C_DISPUTE_RESOLUTION_CREDIT_NOTE;
    else if (is_state(document, O2C_INVOICE_PHASE_WRITTEN_OFF))
        resolution = O2C_DISPUTE_RESOLUTION_WRITE_OFF;
    close_case(work, dispute, O2C_DISPUTE_PHASE_CLOSED, resolution);
}

/* Whoever issues credit notes for a case has decided it. */
static bool is_named(const struct dispute *dispute)
{
    return dispute->named_credit_minor >= dispute->amount_minor;
}

/*
 * What was credited counts once: from where it stood when the dispute was raised, or was
 * used by the last one that it closed.  Notes that come to all that was raised undo an
 * approval of a part.
 */
static void close_credited(struct work *work, struct dispute *dispute,
                           const struct document *document)
{
    int64_t from = dispute->opened_credited_minor > document->used_credit_minor
                       ? dispute->opened_credited_minor
                       : document->used_credit_minor;
    int64_t credited = document->credited_minor - from;
    struct document *used;

    if (!(is_in(dispute, O2C_DISPUTE_PHASE_APPROVED) || is_named(dispute)) ||
        credited < dispute->amount_minor)
        return;
    if (dispute->named_credit_minor >= dispute->raised_minor &&
        credited >= dispute->raised_minor)
        dispute->amount_minor = dispute->raised_minor;
    used = o2c_row_edit(document);
    used->used_credit_minor = from + dispute->amount_minor;
#ifdef O2C_MUTANT_CREDIT_COUNTS_TWICE
    used->used_credit_minor = 0;
#endif
    close_case(work, dispute, O2C_DISPUTE_PHASE_CLOSED, O2C_DISPUTE_RESOLUTION_CREDIT_NOTE);
}

/* Nobody looks into what was settled before it was raised. */
static void open_settled(struct work *work, struct dispute *dispute,
                         const struct document *document)
{
    dispute->assignee = absent;
    open_case(work, dispute, document);
    close_credited(work, dispute, document);
    if (!is_closed(dispute))
        close_settled(work, dispute, document);
}

/* Also where it was closed as paid: who pays and withdraws does both in any order. */
static void withdraw(struct work *work, struct dispute *dispute)
{
#ifdef O2C_MUTANT_PAID_STAYS_PAID
    if (is_closed(dispute))
        return;
#endif
    if (dispute->withdrawn && (!is_closed(dispute) || is_paid(dispute)))
        close_case(work, dispute, O2C_DISPUTE_PHASE_WITHDRAWN,
                   O2C_DISPUTE_RESOLUTION_WITHDRAWN);
}

static void apply_what_arrived(struct work *work, struct dispute *dispute,
                               const struct document *document)
{
    if (dispute->assignee.at && is_in(dispute, O2C_DISPUTE_PHASE_OPEN))
        change_state(work, dispute, O2C_DISPUTE_PHASE_INVESTIGATING, O2C_STR("assigned"));
    if (dispute->decision.at && !is_in(dispute, O2C_DISPUTE_PHASE_APPROVED))
        decide(work, dispute);
    withdraw(work, dispute);
    close_credited(work, dispute, document);
    if (!is_closed(dispute) && !document->open_minor)
        close_settled(work, dispute, document);
}

/* Takes the case as far as what has arrived allows. */
static void advance(struct work *work, struct dispute *dispute)
{
    const struct document *document;

    if (!dispute->live_document_id.at)
        return;
    document = o2c_row_find(work->account, &disputes_document,
                            O2C_KEY(O2C_K(dispute->live_document_id)));
    if (!document)
        return;
    if (is_closed(dispute) && !is_paid(dispute)) {
        close_credited(work, dispute, document);
        return;
    }
    if (!document->open_minor && (!dispute->state.at || is_closed(dispute))) {
        if (!dispute->state.at)
            open_settled(work, dispute, document);
        withdraw(work, dispute);
        return;
    }
    if (!dispute->state.at)
        open_case(work, dispute, document);
    if (is_closed(dispute))
        reopen(work, dispute);
    apply_what_arrived(work, dispute, document);
}

static struct dispute *begin_dispute(struct work *work, struct o2c_str dispute_id)
{
    const struct o2c_key *key = O2C_KEY(O2C_K(dispute_id));
    const struct dispute *known = o2c_row_find(work->account, &disputes_dispute, key);
    struct dispute *dispute;

    if (known)
        return o2c_row_edit(known);
    dispute = o2c_row_add(work->account, &disputes_dispute, key);
    dispute->first_seen = work->moment->recorded_us;
    return dispute;
}

/* ---- requests */

enum o2c_verdict disputes_on_raised(struct o2c_account *account,
                                    const struct o2c_event *event,
                                    const struct o2c_moment *moment,
                                    struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_dispute_raised *raised = event->dispute_raised;
    struct o2c_str content = o2c_kept_content(event, moment);
    const struct dispute *known =
        o2c_row_find(account, &disputes_dispute, O2C_KEY(O2C_K(raised->dispute_id)));
    const struct document *document =
        o2c_row_find(account, &disputes_document, O2C_KEY(O2C_K(raised->invoice_id)));
    struct work work = {account, moment, effects, absent};
    struct dispute *dispute;

    if (!raised->dispute_id.len)
        return o2c_fail(err, O2C_PARK, "dispute_id: is empty");
    if (!raised->invoice_id.len)
        return o2c_fail(err, O2C_PARK, "invoice_id: is empty");
    if (o2c_minor_check("amount_minor", raised->amount_minor, 1, err))
        return err->verdict;
    if (known && !o2c_is_new(effects, event, content, known->raised_content,
                             known->raised_seen, "dispute", raised->dispute_id))
        return O2C_OK;
    dispute = begin_dispute(&work, raised->dispute_id);
    dispute->raised_content = content;
    dispute->raised_seen = moment->recorded_us;
    dispute->document_id = dispute->live_document_id = raised->invoice_id;
    dispute->customer_id = raised->head.customer_id;
    dispute->company_id = raised->head.company_id;
    dispute->reason_code = raised->reason_code;
    dispute->has_line_no = raised->has_line_no;
    dispute->line_no = raised->line_no;
    dispute->raised_minor = dispute->amount_minor = raised->amount_minor;
    if (document && document->credited_minor > dispute->named_credit_minor)
        dispute->opened_credited_minor =
            document->credited_minor - dispute->named_credit_minor;
    advance(&work, dispute);
    return O2C_OK;
}

/* False: it was seen before. */
static bool keep_event(struct work *work, const struct o2c_event *event,
                       struct o2c_str said)
{
    const struct o2c_key *key =
        O2C_KEY(O2C_K(dispute_id_of(event)), O2C_K(event_id_of(event)));
    struct dispute_event *kept;

    if (o2c_row_find(work->account, &disputes_event, key)) {
        o2c_effects_repeat(work->effects);
        return false;
    }
    kept = o2c_row_add(work->account, &disputes_event, key);
    kept->type = o2c_str_from(o2c_event_type_row(event->type)->name);
    kept->said = said;
    kept->recorded_at = work->moment->recorded_us;
    return true;
}

enum o2c_verdict disputes_on_evidence(struct o2c_account *account,
                                      const struct o2c_event *event,
                                      const struct o2c_moment *moment,
                                      struct o2c_effects *effects, struct o2c_err *err)
{
    struct work work = {account, moment, effects, absent};

    (void)err;
    if (keep_event(&work, event, event->dispute_evidence_added->note))
        (void)begin_dispute(&work, event->dispute_evidence_added->dispute_id);
    return O2C_OK;
}

enum o2c_verdict disputes_on_assigned(struct o2c_account *account,
                                      const struct o2c_event *event,
                                      const struct o2c_moment *moment,
                                      struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_dispute_assigned *assigned = event->dispute_assigned;
    struct work work = {account, moment, effects, absent};
    struct dispute *dispute;

    if (!assigned->assignee.len)
        return o2c_fail(err, O2C_PARK, "assignee: is empty");
    if (!keep_event(&work, event, assigned->assignee))
        return O2C_OK;
    dispute = begin_dispute(&work, assigned->dispute_id);
    if (is_closed(dispute))
        return O2C_OK;
    dispute->assignee = assigned->assignee;
    if (is_in(dispute, O2C_DISPUTE_PHASE_INVESTIGATING))
        change_state(&work, dispute, O2C_DISPUTE_PHASE_INVESTIGATING, O2C_STR("assigned"));
    advance(&work, dispute);
    return O2C_OK;
}

static enum o2c_verdict check_decision(const struct o2c_dispute_decided *decided,
                                       struct o2c_err *err)
{
    if (decided->outcome != O2C_DISPUTE_OUTCOME_PARTLY_APPROVED)
        return O2C_OK;
    if (!decided->has_amount_minor)
        return o2c_fail(err, O2C_PARK, "amount_minor: is missing where partly_approved");
    return o2c_minor_check("amount_minor", decided->amount_minor, 1, err);
}

enum o2c_verdict disputes_on_decided(struct o2c_account *account,
                                     const struct o2c_event *event,
                                     const struct o2c_moment *moment,
                                     struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_dispute_decided *decided = event->dispute_decided;
    struct o2c_str content = o2c_kept_content(event, moment);
    const struct dispute *known =
        o2c_row_find(account, &disputes_dispute, O2C_KEY(O2C_K(decided->dispute_id)));
    struct work work = {account, moment, effects, absent};
    struct dispute *dispute;

    if (check_decision(decided, err))
        return err->verdict;
    if (known && !o2c_is_new(effects, event, content, known->decided_content,
                             known->decided_seen, "decision", decided->dispute_id))
        return O2C_OK;
    dispute = begin_dispute(&work, decided->dispute_id);
    dispute->decided_content = content;
    dispute->decided_seen = moment->recorded_us;
    dispute->decision = o2c_dispute_outcome_text(decided->outcome);
    dispute->decided_minor = decided->amount_minor;
    advance(&work, dispute);
    return O2C_OK;
}

enum o2c_verdict disputes_on_withdrawn(struct o2c_account *account,
                                       const struct o2c_event *event,
                                       const struct o2c_moment *moment,
                                       struct o2c_effects *effects, struct o2c_err *err)
{
    struct work work = {account, moment, effects, absent};
    struct dispute *dispute;

    (void)err;
    if (!keep_event(&work, event, event->dispute_withdrawn->note))
        return O2C_OK;
    dispute = begin_dispute(&work, event->dispute_withdrawn->dispute_id);
    dispute->withdrawn = true;
    advance(&work, dispute);
    return O2C_OK;
}

/* ---- open items */

/* NULL: not of a document that cases are about. */
static const struct document *take_item(struct work *work,
                                        const struct o2c_open_item_changed *changed)
{
    const struct o2c_key *key = O2C_KEY(O2C_K(changed->document_id));
    const struct document *known = o2c_row_find(work->account, &disputes_document, key);
    struct o2c_str kind = o2c_document_kind_text(changed->kind);
    struct document *document;

    if (changed->kind != O2C_DOCUMENT_KIND_INVOICE &&
        changed->kind != O2C_DOCUMENT_KIND_DEBIT_NOTE)
        return NULL;
    if (known && !o2c_str_eq(known->kind, kind))
        return NULL;
    document =
        known ? o2c_row_edit(known) : o2c_row_add(work->account, &disputes_document, key);
    document->kind = kind;
    document->customer_id = changed->head.customer_id;
    document->company_id = changed->head.company_id;
    document->currency = changed->currency;
    document->state = o2c_invoice_phase_text(changed->state);
    document->open_minor = changed->has_document_open_minor ? changed->document_open_minor
                                                            : changed->open_minor;
    document->credited_minor = changed->document_credited_minor;
    return document;
}

/* Cases of the document: those that are named first take what was credited. */
static void advance_all(struct work *work, struct o2c_str document_id, bool named)
{
    const struct dispute *dispute;
    struct o2c_walk walk;

    o2c_walk_lookup(&walk, work->account, &disputes_dispute, DISPUTE_BY_DOCUMENT,
                    O2C_KEY(O2C_K(document_id)));
    while ((dispute = o2c_walk_next(&walk)))
        if (is_named(dispute) == named)
            advance(work, o2c_row_edit(dispute));
}

/* A credit note that says which dispute it is for, which may come before the dispute. */
static enum o2c_verdict take_named_credit(struct work *work,
                                          const struct o2c_open_item_changed *changed,
                                          struct o2c_err *err)
{
    struct dispute *dispute = begin_dispute(work, changed->dispute_id);

    if (!o2c_minor_add(dispute->named_credit_minor, changed->amount_minor,
                       &dispute->named_credit_minor))
        return o2c_fail(err, O2C_PARK, "dispute_id: the credit for \"%.*s\" does not fit",
                        O2C_STR_ARG(changed->dispute_id));
    advance(work, dispute);
    return O2C_OK;
}

enum o2c_verdict disputes_on_item(struct o2c_account *account,
                                  const struct o2c_event *event,
                                  const struct o2c_moment *moment,
                                  struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_open_item_changed *changed = event->open_item_changed;
    bool by_itself = o2c_str_eq(changed->cause_id, changed->document_id);
    struct work work = {account, moment, effects, by_itself ? absent : changed->cause_id};

    if (changed->dispute_id.at)
        return take_named_credit(&work, changed, err);
    if (!take_item(&work, changed))
        return O2C_OK;
    advance_all(&work, changed->document_id, true);
    advance_all(&work, changed->document_id, false);
    return O2C_OK;
}
