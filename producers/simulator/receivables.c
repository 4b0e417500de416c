#include "producers/simulator/receivables.h"

#include <assert.h>
#include <string.h>

#include "producers/simulator/goods.h"
#include "producers/simulator/hours.h"
#include "producers/simulator/random.h"
#include "producers/simulator/settings.h"
#include "schemas/units/money.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    MILLION = 1000000,
    PERCENT = MILLION / 100,
    DISCOUNT_PPM = 20000,  /* of the terms 2-10-net30 */
    DISCOUNT_DAYS = 10,    /* as the terms say */
    DISCOUNT_SHARE = 60,   /* of 100 invoices with such terms: taken */
    TOGETHER_SHARE = 40,   /* of 100 orders with several invoices: paid at once */
    BY_NUMBER_SHARE = 30,  /* of 100 payments with remittance: by number, not by id */
    PAID_AGAIN_SHARE = 50, /* of 100 reversed or part payments: the rest comes later */
    DECIDED_SHARE = 30,    /* of 100 disputes: rejected; the others are withdrawn */
    INSTALMENT_DAYS = 30   /* between two instalments */
};

struct paying {
    const struct o2c_sim_settings *settings;
    struct o2c_sim_plan *plan;
    struct o2c_sim_random *random;
};

int32_t o2c_sim_local_date(const struct o2c_sim_plan *plan, int64_t at_us)
{
    return o2c_timestamp_date(at_us + plan->customer.offset_minutes * O2C_SIM_MINUTE_US);
}

static bool chance(struct paying *paying, int64_t percent)
{
    return o2c_sim_chance(paying->random, percent * PERCENT);
}

/* part in a million, half up; amounts of the simulator are positive and small. */
static int64_t share_of(int64_t minor, int64_t ppm)
{
    return (minor * ppm + MILLION / 2) / MILLION;
}

int64_t o2c_sim_charged_price(const struct o2c_sim_plan *plan,
                              const struct o2c_sim_line *line)
{
    return line->price_micro
               ? line->price_micro
               : o2c_sim_product(line->product)->price_micro[plan->customer.currency];
}

int64_t o2c_sim_line_net(const struct o2c_sim_plan *plan, const struct o2c_sim_line *line)
{
    const char *currency = o2c_sim_currency_code(plan->customer.currency);
    int64_t net_minor = 0;
    bool fits = o2c_line_net(line->quantity_milli, o2c_sim_charged_price(plan, line),
                             o2c_currency_exponent(o2c_str_from(currency)), &net_minor);
    assert(fits);
    return net_minor;
}

static struct o2c_sim_amounts amounts_of(const struct o2c_sim_plan *plan,
                                         const struct o2c_sim_lines *lines)
{
    struct o2c_sim_amounts amounts = {0};
    for (int32_t i = 0; i < lines->count; i++)
        amounts.net_minor += o2c_sim_line_net(plan, &lines->at[i]);
    amounts.tax_minor = share_of(amounts.net_minor, O2C_SIM_TAX_PPM);
    amounts.gross_minor = amounts.net_minor + amounts.tax_minor;
    return amounts;
}

static int32_t net_days(const char *terms)
{
    return !strcmp(terms, "net14") ? 14 : !strcmp(terms, "net60") ? 60 : 30;
}

/* The second half takes the odd cent. */
static void plan_instalments(struct paying *paying, struct o2c_sim_invoice *invoice)
{
    int32_t due = invoice->issue_date + net_days(paying->plan->customer.payment_terms);
    int64_t gross_minor = invoice->amounts.gross_minor;
    invoice->due_date[0] = due;
    invoice->instalment_minor[0] = gross_minor;
    invoice->instalment_count = 1;
    if (!chance(paying, paying->settings->instalments) || gross_minor < 2)
        return;
    invoice->instalment_count = 2;
    invoice->instalment_minor[0] = gross_minor / 2;
    invoice->instalment_minor[1] = gross_minor - gross_minor / 2;
    invoice->due_date[1] = due + INSTALMENT_DAYS;
}

static int64_t plan_invoice(struct paying *paying, int32_t part, int64_t sent_us)
{
    struct o2c_sim_plan *plan = paying->plan;
    struct o2c_sim_invoice *invoice = &plan->invoices[part];
    int64_t at_us = o2c_sim_minutes_later(paying->random, sent_us, 30, 600,
                                          plan->customer.offset_minutes);
    *invoice = (struct o2c_sim_invoice){.is_issued = true};
    invoice->amounts = amounts_of(plan, &plan->parts[part]);
    invoice->issue_date = o2c_sim_local_date(plan, at_us);
    plan_instalments(paying, invoice);
    if (!strcmp(plan->customer.payment_terms, "2-10-net30")) {
        invoice->discount_minor = share_of(invoice->amounts.gross_minor, DISCOUNT_PPM);
        invoice->discount_until = invoice->issue_date + DISCOUNT_DAYS;
    }
    o2c_sim_add_step(plan, O2C_SIM_INVOICED, part, 0, at_us);
    return at_us;
}

/* A credit note some days after a return: when, or 0 where nothing came back. */
static int64_t plan_credit(struct paying *paying)
{
    struct o2c_sim_plan *plan = paying->plan;
    for (int32_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].kind != O2C_SIM_RETURNED)
            continue;
        int64_t at_us = o2c_sim_workdays_later(paying->random, plan->steps[i].at_us, 1, 3,
                                               plan->customer.offset_minutes);
        plan->credit = amounts_of(plan, &plan->returned);
        o2c_sim_add_step(plan, O2C_SIM_CREDITED, plan->returned_part, 0, at_us);
        return at_us;
    }
    return 0;
}

/* Raised some days after the invoice, withdrawn or rejected some days after that. */
static void plan_dispute(struct paying *paying, int32_t part, int64_t invoiced_us)
{
    struct o2c_sim_plan *plan = paying->plan;
    int32_t offset = plan->customer.offset_minutes;
    int64_t at_us = o2c_sim_workdays_later(paying->random, invoiced_us, 1, 5, offset);
    struct o2c_sim_invoice *invoice = &plan->invoices[part];
    int64_t percent = o2c_sim_between(paying->random, 10, 100);
    invoice->disputed_minor = share_of(invoice->amounts.gross_minor, percent * PERCENT);
    if (!invoice->disputed_minor)
        return;
    o2c_sim_add_step(plan, O2C_SIM_DISPUTED, part, 0, at_us);
    bool decided = chance(paying, DECIDED_SHARE);
    at_us = o2c_sim_workdays_later(paying->random, at_us, 2, 10, offset);
    o2c_sim_add_step(plan, decided ? O2C_SIM_DISPUTE_REJECTED : O2C_SIM_DISPUTE_WITHDRAWN,
                     part, 0, at_us);
}

/* When the money for an invoice comes: most of it around the due date. */
static int64_t paid_at(struct paying *paying, int32_t part, bool takes_discount)
{
    struct o2c_sim_plan *plan = paying->plan;
    const struct o2c_sim_invoice *invoice = &plan->invoices[part];
    int64_t day = invoice->due_date[0];
    if (takes_discount)
        day = invoice->discount_until - o2c_sim_between(paying->random, 4, 6);
    else if (chance(paying, paying->settings->late_paid))
        day +=
            o2c_sim_between(paying->random, 3, 3 * o2c_sim_between(paying->random, 2, 15));
    else
        day -= o2c_sim_between(paying->random, 2, 7);
    return o2c_sim_workdays_later(paying->random, day * O2C_DAY_US, 1, 1,
                                  plan->customer.offset_minutes);
}

static struct o2c_sim_payment *add_payment(struct o2c_sim_plan *plan, int64_t at_us)
{
    assert(plan->payment_count < O2C_SIM_MAX_PAYMENTS);
    struct o2c_sim_payment *payment = &plan->payments[plan->payment_count];
    *payment = (struct o2c_sim_payment){.date = o2c_sim_local_date(plan, at_us)};
    o2c_sim_add_step(plan, O2C_SIM_PAID, plan->payment_count++, 0, at_us);
    return payment;
}

static void claim(struct o2c_sim_payment *payment, int32_t part, int64_t minor,
                  int64_t discount_minor)
{
    payment->claims[payment->claim_count++] =
        (struct o2c_sim_claim){part, minor, discount_minor};
    payment->amount_minor += minor;
}

/* What is left of an invoice to pay at a moment: credit that came before it is taken off.
 */
static int64_t owed(const struct o2c_sim_plan *plan, int32_t part, int64_t credited_us,
                    int64_t at_us)
{
    int64_t credit_minor = plan->returned_part == part && credited_us && credited_us < at_us
                               ? plan->credit.gross_minor
                               : 0;
    int64_t gross_minor = plan->invoices[part].amounts.gross_minor;
    return gross_minor > credit_minor ? gross_minor - credit_minor : 0;
}

/* The payment is taken back some days later; often it comes once more. */
static void plan_reversal(struct paying *paying, int32_t number, int64_t at_us)
{
    struct o2c_sim_plan *plan = paying->plan;
    int32_t offset = plan->customer.offset_minutes;
    at_us = o2c_sim_workdays_later(paying->random, at_us, 2, 5, offset);
    plan->payments[number].reversed_date = o2c_sim_local_date(plan, at_us);
    o2c_sim_add_step(plan, O2C_SIM_REVERSED, number, 0, at_us);
    if (!chance(paying, PAID_AGAIN_SHARE))
        return;
    const struct o2c_sim_payment *before = &plan->payments[number];
    struct o2c_sim_payment *again =
        add_payment(plan, o2c_sim_workdays_later(paying->random, at_us, 1, 10, offset));
    for (int32_t i = 0; i < before->claim_count; i++)
        claim(again, before->claims[i].part, before->claims[i].amount_minor, 0);
}

static void finish_payment(struct paying *paying, struct o2c_sim_payment *payment,
                           int64_t at_us)
{
    if (chance(paying, paying->settings->overpaid))
        payment->amount_minor += o2c_sim_between(paying->random, 1, 5000);
    if (chance(paying, paying->settings->unreferenced))
        payment->remittance = O2C_SIM_REMITTANCE_NONE;
    else
        payment->remittance = chance(paying, BY_NUMBER_SHARE) ? O2C_SIM_REMITTANCE_BY_NUMBER
                                                              : O2C_SIM_REMITTANCE_BY_ID;
    if (chance(paying, paying->settings->reversed))
        plan_reversal(paying, (int32_t)(payment - paying->plan->payments), at_us);
}

/* Some of it now, the rest later or never. */
static void pay_in_part(struct paying *paying, int32_t part, int64_t owed_minor,
                        int64_t at_us)
{
    struct o2c_sim_plan *plan = paying->plan;
    int64_t first_minor =
        share_of(owed_minor, o2c_sim_between(paying->random, 30, 80) * PERCENT);
    if (first_minor)
        claim(add_payment(plan, at_us), part, first_minor, 0);
    if (first_minor == owed_minor || !chance(paying, PAID_AGAIN_SHARE))
        return;
    at_us =
        o2c_sim_workdays_later(paying->random, at_us, 5, 20, plan->customer.offset_minutes);
    claim(add_payment(plan, at_us), part, owed_minor - first_minor, 0);
}

static void pay_alone(struct paying *paying, int32_t part, int64_t credited_us)
{
    struct o2c_sim_plan *plan = paying->plan;
    const struct o2c_sim_invoice *invoice = &plan->invoices[part];
    if (chance(paying, paying->settings->unpaid))
        return;
    bool in_full = !chance(paying, paying->settings->part_paid);
    bool discounted = in_full && invoice->discount_minor && chance(paying, DISCOUNT_SHARE);
    int64_t at_us = paid_at(paying, part, discounted);
    int64_t owed_minor = owed(plan, part, credited_us, at_us);
    int64_t discount_minor =
        discounted && owed_minor > invoice->discount_minor ? invoice->discount_minor : 0;
    if (!owed_minor)
        return;
    if (!in_full) {
        pay_in_part(paying, part, owed_minor, at_us);
        return;
    }
    struct o2c_sim_payment *payment = add_payment(plan, at_us);
    claim(payment, part, owed_minor - discount_minor, discount_minor);
    finish_payment(paying, payment, at_us);
}

/* All invoices of the order, when the last of them is due. */
static void pay_together(struct paying *paying, int32_t last_part, int64_t credited_us)
{
    struct o2c_sim_plan *plan = paying->plan;
    int64_t at_us = paid_at(paying, last_part, false);
    int64_t owed_minor = 0;
    for (int32_t part = 0; part < plan->part_count; part++)
        owed_minor += owed(plan, part, credited_us, at_us);
    if (!owed_minor)
        return;
    struct o2c_sim_payment *payment = add_payment(plan, at_us);
    for (int32_t part = 0; part < plan->part_count; part++) {
        int64_t minor = owed(plan, part, credited_us, at_us);
        if (minor)
            claim(payment, part, minor, 0);
    }
    finish_payment(paying, payment, at_us);
}

/* An invoice of nothing (goods for less than half a cent) is not written. */
static bool is_worth_it(const struct o2c_sim_plan *plan, int32_t part)
{
    return amounts_of(plan, &plan->parts[part]).gross_minor > 0;
}

static void plan_invoices(struct paying *paying)
{
    struct o2c_sim_plan *plan = paying->plan;
    struct o2c_sim_step sent[O2C_SIM_MAX_PARTS];
    int32_t count = 0;
    for (int32_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == O2C_SIM_DISPATCHED)
            sent[count++] = plan->steps[i];
    for (int32_t i = 0; i < count; i++) {
        if (!is_worth_it(plan, sent[i].index))
            continue;
        int64_t at_us = plan_invoice(paying, sent[i].index, sent[i].at_us);
        if (chance(paying, paying->settings->disputed))
            plan_dispute(paying, sent[i].index, at_us);
    }
}

void o2c_sim_plan_receivables(const struct o2c_sim_settings *settings,
                              struct o2c_sim_plan *plan)
{
    struct o2c_sim_random random = o2c_sim_random_for(
        (uint64_t)settings->seed, O2C_SIM_FOR_RECEIVABLES, (uint64_t)plan->number);
    struct paying paying = {settings, plan, &random};
    int64_t credited_us = 0;
    int32_t invoice_count = 0, last_part = 0;
    plan_invoices(&paying);
    for (int32_t part = 0; part < plan->part_count; part++)
        if (plan->invoices[part].is_issued) {
            invoice_count++;
            last_part = part;
        }
    if (!invoice_count)
        return;
    if (plan->returned.count && plan->invoices[plan->returned_part].is_issued)
        credited_us = plan_credit(&paying);
    if (invoice_count > 1 && chance(&paying, TOGETHER_SHARE)) {
        pay_together(&paying, last_part, credited_us);
        return;
    }
    for (int32_t part = 0; part < plan->part_count; part++)
        if (plan->invoices[part].is_issued)
            pay_alone(&paying, part, credited_us);
}
