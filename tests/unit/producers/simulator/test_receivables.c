/* receivables.c: what is invoiced, credited, paid and disputed of an order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "producers/simulator/receivables.h"
#include "producers/simulator/settings.h"
#include "schemas/units/time.h"
#include "tests/unit/producers/simulator/sim_options.h"

#include "runtime/base/banned.h"

enum {
    ORDERS = 2000
};

static struct o2c_sim_settings settings;
static struct o2c_sim_plan plan;

static int set_up(void **state)
{
    (void)state;
    struct o2c_err err;
    return sim_options_default(&settings, &err) != O2C_OK;
}

static const struct o2c_sim_step *step_of(enum o2c_sim_step_kind kind, int32_t index)
{
    for (int32_t i = 0; i < plan.step_count; i++)
        if (plan.steps[i].kind == kind && plan.steps[i].index == index)
            return &plan.steps[i];
    return NULL;
}

static void every_shipment_is_invoiced_after_it_has_left(void **state)
{
    (void)state;
    int seen = 0;
    for (int64_t number = 0; number < ORDERS; number++) {
        o2c_sim_plan_order(&settings, number, &plan);
        for (int32_t part = 0; part < O2C_SIM_MAX_PARTS; part++) {
            const struct o2c_sim_step *sent = step_of(O2C_SIM_DISPATCHED, part);
            const struct o2c_sim_step *invoiced = step_of(O2C_SIM_INVOICED, part);
            assert_true(!sent == !invoiced || plan.invoices[part].amounts.gross_minor == 0);
            assert_true(sent || !invoiced);
            if (!sent || !invoiced)
                continue;
            seen++;
            assert_true(invoiced->at_us > sent->at_us);
            assert_true(invoiced->at_us < sent->at_us + 4 * O2C_DAY_US);
        }
    }
    assert_in_range((uintmax_t)seen, ORDERS, 2 * ORDERS);
}

static void an_invoice_adds_up(void **state)
{
    (void)state;
    int halves = 0, seen = 0;
    for (int64_t number = 0; number < ORDERS; number++) {
        o2c_sim_plan_order(&settings, number, &plan);
        for (int32_t part = 0; part < plan.part_count; part++) {
            const struct o2c_sim_invoice *invoice = &plan.invoices[part];
            if (!invoice->is_issued)
                continue;
            int64_t net_minor = 0, due_minor = 0;
            for (int32_t i = 0; i < plan.parts[part].count; i++)
                net_minor += o2c_sim_line_net(&plan, &plan.parts[part].at[i]);
            for (int32_t i = 0; i < invoice->instalment_count; i++)
                due_minor += invoice->instalment_minor[i];
            assert_int_equal(invoice->amounts.net_minor, net_minor);
            assert_int_equal(invoice->amounts.tax_minor, (net_minor * 2 + 5) / 10);
            assert_int_equal(due_minor, net_minor + invoice->amounts.tax_minor);
            assert_int_equal(invoice->amounts.gross_minor, due_minor);
            halves += invoice->instalment_count == 2;
            seen++;
        }
    }
    assert_in_range((uintmax_t)halves, (uintmax_t)seen * 8 / 100,
                    (uintmax_t)seen * 12 / 100);
}

/* What all payments that stay claim of a part, with discounts. */
static int64_t claimed(int32_t part)
{
    int64_t minor = 0;
    for (int32_t i = 0; i < plan.payment_count; i++)
        for (int32_t k = 0;
             !plan.payments[i].reversed_date && k < plan.payments[i].claim_count; k++)
            if (plan.payments[i].claims[k].part == part)
                minor += plan.payments[i].claims[k].amount_minor +
                         plan.payments[i].claims[k].discount_minor;
    return minor;
}

static void nobody_claims_more_than_was_invoiced(void **state)
{
    (void)state;
    int in_full = 0, in_part = 0, nothing = 0;
    settings.reversed = settings.part_paid = 20;
    for (int64_t number = 0; number < ORDERS; number++) {
        o2c_sim_plan_order(&settings, number, &plan);
        for (int32_t part = 0; part < plan.part_count; part++) {
            int64_t gross_minor = plan.invoices[part].amounts.gross_minor;
            assert_in_range((uintmax_t)claimed(part), 0, (uintmax_t)gross_minor);
            in_full += gross_minor && claimed(part) == gross_minor;
            nothing += gross_minor && !claimed(part);
            in_part += claimed(part) && claimed(part) < gross_minor;
        }
    }
    assert_true(in_full > ORDERS / 2 && in_part > 50 && nothing > 50);
}

static void payments_name_follow_and_end_as_asked_for(void **state)
{
    (void)state;
    int payments = 0, unnamed = 0, reversed = 0, late = 0, over = 0;
    settings.part_paid = 0;
    for (int64_t number = 0; number < ORDERS; number++) {
        o2c_sim_plan_order(&settings, number, &plan);
        for (int32_t i = 0; i < plan.payment_count; i++) {
            const struct o2c_sim_payment *payment = &plan.payments[i];
            const struct o2c_sim_step *paid = step_of(O2C_SIM_PAID, i);
            int64_t claimed_minor = 0;
            for (int32_t k = 0; k < payment->claim_count; k++) {
                const struct o2c_sim_invoice *of = &plan.invoices[payment->claims[k].part];
                claimed_minor += payment->claims[k].amount_minor;
                assert_true(payment->date >= of->issue_date);
                assert_true(!payment->claims[k].discount_minor ||
                            payment->date <= of->discount_until);
            }
            assert_int_equal(payment->date, o2c_sim_local_date(&plan, paid->at_us));
            assert_true(payment->amount_minor >= claimed_minor);
            assert_true(!payment->reversed_date || payment->reversed_date > payment->date);
            payments++;
            unnamed += payment->remittance == O2C_SIM_REMITTANCE_NONE;
            reversed += payment->reversed_date > 0;
            over += payment->amount_minor > claimed_minor;
            late += payment->date > plan.invoices[payment->claims[0].part].due_date[0];
        }
    }
    assert_in_range((uintmax_t)unnamed, (uintmax_t)payments * 9 / 100,
                    (uintmax_t)payments * 15 / 100);
    assert_in_range((uintmax_t)reversed, (uintmax_t)payments * 3 / 1000,
                    (uintmax_t)payments * 20 / 1000);
    assert_in_range((uintmax_t)over, (uintmax_t)payments * 10 / 1000,
                    (uintmax_t)payments * 32 / 1000);
    assert_in_range((uintmax_t)late, (uintmax_t)payments * 18 / 100,
                    (uintmax_t)payments * 30 / 100);
}

static void what_came_back_is_credited_once(void **state)
{
    (void)state;
    int seen = 0;
    settings.returned = 100;
    for (int64_t number = 0; number < ORDERS / 4; number++) {
        o2c_sim_plan_order(&settings, number, &plan);
        const struct o2c_sim_step *credit = step_of(O2C_SIM_CREDITED, plan.returned_part);
        if (!plan.returned.count)
            continue;
        assert_non_null(credit);
        assert_true(credit->at_us > step_of(O2C_SIM_RETURNED, plan.returned_part)->at_us);
        assert_in_range((uintmax_t)plan.credit.gross_minor, 1,
                        (uintmax_t)plan.invoices[plan.returned_part].amounts.gross_minor);
        seen++;
    }
    assert_true(seen > ORDERS / 8);
}

static void a_dispute_ends(void **state)
{
    (void)state;
    int seen = 0, rejected = 0;
    settings.disputed = 100;
    for (int64_t number = 0; number < ORDERS / 4; number++) {
        o2c_sim_plan_order(&settings, number, &plan);
        for (int32_t part = 0; part < plan.part_count; part++) {
            const struct o2c_sim_step *raised = step_of(O2C_SIM_DISPUTED, part);
            const struct o2c_sim_step *ended = step_of(O2C_SIM_DISPUTE_WITHDRAWN, part);
            if (!raised)
                continue;
            if (!ended) {
                ended = step_of(O2C_SIM_DISPUTE_REJECTED, part);
                rejected++;
            }
            assert_true(ended->at_us > raised->at_us);
            assert_in_range((uintmax_t)plan.invoices[part].disputed_minor, 1,
                            (uintmax_t)plan.invoices[part].amounts.gross_minor);
            seen++;
        }
    }
    assert_true(seen > ORDERS / 4);
    assert_in_range((uintmax_t)rejected, (uintmax_t)seen / 5, (uintmax_t)seen * 2 / 5);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_shipment_is_invoiced_after_it_has_left),
        TEST(an_invoice_adds_up),
        TEST(nobody_claims_more_than_was_invoiced),
        TEST(payments_name_follow_and_end_as_asked_for),
        TEST(what_came_back_is_credited_once),
        TEST(a_dispute_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
