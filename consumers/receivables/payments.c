/* Payments and their reversal. */
#include <inttypes.h>
#include <stdio.h>

#include "consumers/host/novelty.h"
#include "consumers/host/rows.h"
#include "consumers/receivables/apply.h"
#include "consumers/receivables/given.h"
#include "consumers/receivables/settle.h"
#include "consumers/receivables/work.h"
#include "schemas/units/chart.h"
#include "schemas/units/money.h"

#include "runtime/base/banned.h"

/* ---- refusals; PARK names the field and the value */

static enum o2c_verdict check_line(const struct o2c_remittance_line *line, size_t i,
                                   struct o2c_err *err)
{
    struct naming naming = receivables_naming(line);
    char field[FIELD_BYTES];

    if (!naming.invoice_id.at && !naming.number.at)
        return o2c_fail(err, O2C_PARK,
                        "remittance[%zu]: neither invoice_id nor number is given", i);
    snprintf(field, sizeof field, "remittance[%zu].amount_minor", i);
    if (o2c_minor_check(field, line->amount_minor, -O2C_MINOR_MAX, err))
        return err->verdict;
    snprintf(field, sizeof field, "remittance[%zu].discount_minor", i);
    if (line->has_discount_minor && o2c_minor_check(field, line->discount_minor, 0, err))
        return err->verdict;
    return O2C_OK;
}

static enum o2c_verdict check_received(const struct o2c_payment_received *given,
                                       struct o2c_err *err)
{
    if (!given->payment_id.len)
        return o2c_fail(err, O2C_PARK, "payment_id: is empty");
    if (o2c_currency_exponent(given->currency) < 0)
        return o2c_fail(err, O2C_PARK, "currency: \"%.*s\" is no ISO 4217 code",
                        O2C_STR_ARG(given->currency));
    if (o2c_minor_check("amount_minor", given->amount_minor, 1, err))
        return err->verdict;
    for (size_t i = 0; i < given->remittance_count; i++)
        if (check_line(&given->remittance[i], i, err))
            return err->verdict;
    return O2C_OK;
}

/* ---- a payment */

static struct payment *begin_payment(struct o2c_account *account, struct o2c_str payment_id)
{
    const struct o2c_key *key = O2C_KEY(O2C_K(payment_id));
    const struct payment *known = o2c_row_find(account, &receivables_payment, key);
    struct payment *payment;

    if (known)
        return o2c_row_edit(known);
    payment = o2c_row_add(account, &receivables_payment, key);
    payment->state = O2C_STR("unapplied");
    return payment;
}

/* Money that came in (sign 1) or went back (-1). */
static void post_cash(struct work *work, const struct payment *payment, const char *what,
                      int32_t date, int sign)
{
    struct journal *journal = receivables_journal(
        work, what,
        receivables_text(work, "payment:%.*s:%s", O2C_STR_ARG(payment->payment_id), what),
        date, payment->customer_id, payment->company_id, payment->currency);

    receivables_post(
        work, journal, payment->opening ? O2C_ACCOUNT_OPENING : O2C_ACCOUNT_BANK,
        payment->customer_id, payment->payment_id, sign * payment->amount_minor);
    receivables_post(work, journal, O2C_ACCOUNT_UNAPPLIED, payment->customer_id,
                     payment->payment_id, -sign * payment->amount_minor);
}

static void reverse(struct work *work, struct payment *payment)
{
    int32_t date = payment->reversed_date > payment->received_date ? payment->reversed_date
                                                                   : payment->received_date;

    receivables_settle_reversal(work, payment);
    receivables_move_cash(work, payment, -payment->amount_minor, date, O2C_STR("reversed"),
                          payment->payment_id);
    post_cash(work, payment, "reversal", date, -1);
}

static void take_line(struct work *work, const struct payment *payment, int32_t line_no,
                      const struct o2c_remittance_line *given)
{
    struct naming naming = receivables_naming(given);
    struct remittance_line *line = o2c_row_add(
        work->account, &receivables_remittance_line,
        O2C_KEY(O2C_K(SOURCE_PAYMENT), O2C_K(payment->payment_id), O2C_N(line_no)));

    line->customer_id = payment->customer_id;
    line->company_id = payment->company_id;
    line->currency = payment->currency;
    line->source_date = payment->received_date;
    line->amount_minor = given->amount_minor;
    line->discount_minor = given->has_discount_minor ? given->discount_minor : 0;
    line->named_invoice_id = naming.invoice_id;
    line->named_number = naming.number;
    if (line->amount_minor <= 0)
        return;
    line->claims_invoice_id = line->named_invoice_id;
    line->claims_number = line->named_number;
    receivables_settle_new_line(work, line);
}

enum o2c_verdict receivables_on_received(struct o2c_account *account,
                                         const struct o2c_event *event,
                                         const struct o2c_moment *moment,
                                         struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_payment_received *given = event->payment_received;
    struct o2c_str content = o2c_kept_content(event, moment);
    const struct payment *known =
        o2c_row_find(account, &receivables_payment, O2C_KEY(O2C_K(given->payment_id)));
    struct payment *payment;
    struct work work;

    if (check_received(given, err))
        return err->verdict;
    if (known && !o2c_is_new(effects, event, content, known->content, known->first_seen,
                             "payment", given->payment_id))
        return O2C_OK;
    receivables_begin(&work, account, moment, effects, &given->head, "applied",
                      given->payment_id);
    payment = begin_payment(account, given->payment_id);
    payment->received = true;
    payment->content = content;
    payment->first_seen = moment->recorded_us;
    payment->customer_id = given->head.customer_id;
    payment->company_id = given->head.company_id;
    payment->currency = given->currency;
    payment->received_date = given->received_date;
    payment->amount_minor = given->amount_minor;
    payment->opening = given->opening;
    post_cash(&work, payment, "receipt", payment->received_date, 1);
    receivables_move_cash(&work, payment, payment->amount_minor, payment->received_date,
                          O2C_STR("received"), payment->payment_id);
    for (size_t i = 0; i < given->remittance_count; i++)
        take_line(&work, payment, (int32_t)i + 1, &given->remittance[i]);
    if (payment->has_reversed_date)
        reverse(&work, payment);
    return receivables_end(&work, err);
}

enum o2c_verdict receivables_on_reversed(struct o2c_account *account,
                                         const struct o2c_event *event,
                                         const struct o2c_moment *moment,
                                         struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_payment_reversed *given = event->payment_reversed;
    struct o2c_str content = o2c_kept_content(event, moment);
    const struct payment *known =
        o2c_row_find(account, &receivables_payment, O2C_KEY(O2C_K(given->payment_id)));
    struct payment *payment;
    struct work work;

    if (!given->payment_id.len)
        return o2c_fail(err, O2C_PARK, "payment_id: is empty");
    if (known && !o2c_is_new(effects, event, content, known->reversal_content,
                             known->reversal_seen, "reversal", given->payment_id))
        return O2C_OK;
    receivables_begin(&work, account, moment, effects, &given->head, "unapplied",
                      given->payment_id);
    payment = begin_payment(account, given->payment_id);
    payment->reversal_content = content;
    payment->reversal_seen = moment->recorded_us;
    payment->has_reversed_date = true;
    payment->reversed_date = given->reversed_date;
    payment->reversal_reason = o2c_reversal_reason_text(given->reason);
    if (payment->received)
        reverse(&work, payment);
    return receivables_end(&work, err);
}

/*
 * There is no rule for refunds yet.  Passed over, the money that left would be
 * applied to the next invoice; so the account waits for a person.
 */
enum o2c_verdict receivables_on_refunded(struct o2c_account *account,
                                         const struct o2c_event *event,
                                         const struct o2c_moment *moment,
                                         struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_refund_paid *given = event->refund_paid;

    (void)account;
    (void)moment;
    (void)effects;
    return o2c_fail(err, O2C_PARK,
                    "refund_id: \"%.*s\" of amount_minor %" PRId64
                    " was paid back: there is no rule for refunds yet",
                    O2C_STR_ARG(given->refund_id), given->amount_minor);
}
