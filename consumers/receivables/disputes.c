/* What is disputed of a document, as the consumer `disputes` says it. */
#include "consumers/host/effects.h"
#include "consumers/host/rows.h"
#include "consumers/receivables/apply.h"
#include "consumers/receivables/given.h"
#include "consumers/receivables/work.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

static const struct dispute *find_dispute(struct o2c_account *account,
                                          struct o2c_str dispute_id)
{
    return o2c_row_find(account, &receivables_dispute, O2C_KEY(O2C_K(dispute_id)));
}

/* Its document has claimed_dispute_minor more, or less, of it. */
static void claim(struct work *work, const struct dispute *dispute, int64_t delta_minor)
{
    const struct o2c_key *key = O2C_KEY(O2C_K(dispute->kind), O2C_K(dispute->document_id));
    const struct document *known = o2c_row_find(work->account, &receivables_document, key);
    struct document *document;

    if (!delta_minor)
        return;
    if (known && known->issued) {
        struct touched *touched = receivables_touch(work, known);

        if (touched)
            receivables_add(work, &touched->document->claimed_dispute_minor, delta_minor);
        return;
    }
    document = known ? o2c_row_edit(known)
                     : o2c_row_add(work->account, &receivables_document, key);
    if (!known)
        document->state = O2C_STR("open");
    receivables_add(work, &document->claimed_dispute_minor, delta_minor);
}

/* The dispute now counts with this amount, or no more. */
static void count(struct work *work, const struct dispute *known, int64_t amount_minor,
                  bool active)
{
    int64_t before = known->active ? known->amount_minor : 0;
    struct dispute *dispute = o2c_row_edit(known);

    dispute->amount_minor = amount_minor;
    dispute->active = active;
    claim(work, dispute, (active ? amount_minor : 0) - before);
}

enum o2c_verdict receivables_on_dispute_opened(struct o2c_account *account,
                                               const struct o2c_event *event,
                                               const struct o2c_moment *moment,
                                               struct o2c_effects *effects,
                                               struct o2c_err *err)
{
    const struct o2c_dispute_opened *opened = event->dispute_opened;
    struct o2c_str kind = receivables_disputed_kind(opened);
    struct dispute *dispute;
    struct work work;

    if (!o2c_str_eq(kind, KIND_INVOICE) && !o2c_str_eq(kind, KIND_DEBIT_NOTE))
        return o2c_fail(err, O2C_PARK, "kind: a %.*s cannot be disputed",
                        O2C_STR_ARG(kind));
    if (o2c_minor_check("amount_minor", opened->amount_minor, 0, err))
        return err->verdict;
    if (find_dispute(account, opened->dispute_id)) {
        o2c_effects_repeat(effects);
        return O2C_OK;
    }
    dispute =
        o2c_row_add(account, &receivables_dispute, O2C_KEY(O2C_K(opened->dispute_id)));
    dispute->kind = kind;
    dispute->document_id = opened->invoice_id;
    receivables_begin(&work, account, moment, effects, &opened->head, "disputed",
                      opened->dispute_id);
    count(&work, dispute, opened->amount_minor, true);
    return receivables_end(&work, err);
}

static bool is_active(enum o2c_dispute_phase phase)
{
    switch (phase) {
    case O2C_DISPUTE_PHASE_OPEN:
    case O2C_DISPUTE_PHASE_INVESTIGATING:
    case O2C_DISPUTE_PHASE_WAITING_CUSTOMER:
    case O2C_DISPUTE_PHASE_IN_APPROVAL:
    case O2C_DISPUTE_PHASE_APPROVED:
        return true;
    case O2C_DISPUTE_PHASE_REJECTED:
    case O2C_DISPUTE_PHASE_CLOSED:
    case O2C_DISPUTE_PHASE_WITHDRAWN:
        return false;
    }
    return false;
}

enum o2c_verdict receivables_on_dispute_changed(struct o2c_account *account,
                                                const struct o2c_event *event,
                                                const struct o2c_moment *moment,
                                                struct o2c_effects *effects,
                                                struct o2c_err *err)
{
    const struct o2c_dispute_state_changed *changed = event->dispute_state_changed;
    const struct dispute *dispute = find_dispute(account, changed->dispute_id);
    struct work work;

    if (!dispute)
        return o2c_fail(err, O2C_PARK, "dispute_id: \"%.*s\" was never opened",
                        O2C_STR_ARG(changed->dispute_id));
    if (changed->has_amount_minor &&
        o2c_minor_check("amount_minor", changed->amount_minor, 0, err))
        return err->verdict;
    receivables_begin(&work, account, moment, effects, &changed->head, "disputed",
                      changed->dispute_id);
    count(&work, dispute,
          changed->has_amount_minor ? changed->amount_minor : dispute->amount_minor,
          is_active(changed->state));
    return receivables_end(&work, err);
}

enum o2c_verdict receivables_on_dispute_closed(struct o2c_account *account,
                                               const struct o2c_event *event,
                                               const struct o2c_moment *moment,
                                               struct o2c_effects *effects,
                                               struct o2c_err *err)
{
    const struct o2c_dispute_closed *closed = event->dispute_closed;
    const struct dispute *dispute = find_dispute(account, closed->dispute_id);
    struct work work;

    if (!dispute)
        return o2c_fail(err, O2C_PARK, "dispute_id: \"%.*s\" was never opened",
                        O2C_STR_ARG(closed->dispute_id));
    receivables_begin(&work, account, moment, effects, &closed->head, "disputed",
                      closed->dispute_id);
    count(&work, dispute, dispute->amount_minor, false);
    return receivables_end(&work, err);
}
