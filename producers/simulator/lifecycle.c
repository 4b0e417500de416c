#include "producers/simulator/lifecycle.h"

#include <assert.h>
#include <string.h>

#include "producers/simulator/goods.h"
#include "producers/simulator/hours.h"
#include "producers/simulator/parts.h"
#include "producers/simulator/random.h"
#include "producers/simulator/receivables.h"
#include "producers/simulator/settings.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    MILLION = 1000000,
    PERCENT = MILLION / 100,
    MAX_UNITS = 400,
    WHOLE_SHARE = 45, /* of 100 cancelled orders: nothing is sent */
    LINES_SHARE = 30, /* some lines are not wanted, the others are sent */
    REST_SHARE = 25,  /* the rest is not wanted once a part was sent */
    VOID_SHARE =
        40 /* of 100 cancellations of lines in an amended order: amended after it */
};

/* How an order ends; one draw decides, so that the shares are of all orders. */
enum fate {
    SHIPPED,
    UNSHIPPED,
    CANCELLED_WHOLE,
    CANCELLED_LINES,
    CANCELLED_REST
};

static enum fate draw_fate(const struct o2c_sim_settings *settings, int64_t number)
{
    int64_t at =
        o2c_sim_place((uint64_t)settings->seed, O2C_SIM_SHARE_FATE, (uint64_t)number);
    int64_t of_cancelled = settings->cancelled * PERCENT / 100;
    if ((at -= of_cancelled * WHOLE_SHARE) < 0)
        return CANCELLED_WHOLE;
    if ((at -= of_cancelled * LINES_SHARE) < 0)
        return CANCELLED_LINES;
    if ((at -= of_cancelled * REST_SHARE) < 0)
        return CANCELLED_REST;
    return at < settings->unshipped * PERCENT ? UNSHIPPED : SHIPPED;
}

static bool has_share(const struct o2c_sim_settings *settings, enum o2c_sim_share share,
                      int64_t number, int64_t ppm)
{
    return o2c_sim_place((uint64_t)settings->seed, share, (uint64_t)number) < ppm;
}

/* A share of all orders that only those sent (all of them, or those sent whole) can have.
 */
static bool has_share_sent(const struct o2c_sim_settings *settings,
                           enum o2c_sim_share share, int64_t number, int64_t percent,
                           bool whole)
{
    int64_t others = settings->cancelled * (WHOLE_SHARE + (whole ? REST_SHARE : 0)) +
                     settings->unshipped * 100;
    int64_t sent = 10000 - others;
    return has_share(settings, share, number,
                     sent > 0 ? percent * 100 * MILLION / sent : 0);
}

void o2c_sim_add_step(struct o2c_sim_plan *plan, enum o2c_sim_step_kind kind, int32_t index,
                      int32_t revision, int64_t at_us)
{
    assert(plan->step_count < O2C_SIM_MAX_STEPS);
    int32_t at = 0;
    for (; at < plan->step_count && plan->steps[at].at_us <= at_us; at++)
        if (plan->steps[at].at_us == at_us)
            at_us += O2C_SIM_SECOND_US;
    memmove(&plan->steps[at + 1], &plan->steps[at],
            (size_t)(plan->step_count++ - at) * sizeof plan->steps[0]);
    plan->steps[at] = (struct o2c_sim_step){kind, index, revision, at_us};
}

/* Few accounts buy much, many buy a little. */
static int64_t draw_account(const struct o2c_sim_settings *settings,
                            struct o2c_sim_random *random)
{
    int64_t a = o2c_sim_between(random, 0, settings->accounts - 1);
    int64_t b = o2c_sim_between(random, 0, settings->accounts - 1);
    return o2c_sim_chance(random, 500000) ? a : (a < b ? a : b);
}

static int64_t price_of(const struct o2c_sim_plan *plan,
                        const struct o2c_sim_product *product)
{
    enum o2c_sim_currency currency = plan->customer.currency;
    int64_t list = product->price_micro[currency];
    return o2c_sim_price_round(list - list / MILLION * plan->customer.discount_ppm -
                                   list % MILLION * plan->customer.discount_ppm / MILLION,
                               currency);
}

/* At least two of the smallest unit, so that a line can be sent in two parts. */
static struct o2c_sim_line draw_line(const struct o2c_sim_plan *plan, int32_t line_no,
                                     struct o2c_sim_random *random)
{
    int32_t product = (int32_t)o2c_sim_between(random, 0, O2C_SIM_PRODUCT_COUNT - 1);
    const struct o2c_sim_product *goods = o2c_sim_product(product);
    int64_t units = o2c_sim_between(random, 2, o2c_sim_between(random, 4, MAX_UNITS));
    return (struct o2c_sim_line){line_no, product, units * goods->step_milli,
                                 price_of(plan, goods)};
}

static void draw_content(const struct o2c_sim_settings *settings, struct o2c_sim_plan *plan,
                         struct o2c_sim_random *random)
{
    struct o2c_sim_lines *lines = &plan->contents[0];
    lines->count = (int32_t)o2c_sim_between(random, 1, settings->max_lines);
    for (int32_t i = 0; i < lines->count; i++)
        lines->at[i] = draw_line(plan, i + 1, random);
    if (o2c_sim_chance(random, settings->unpriced * PERCENT))
        lines->at[o2c_sim_between(random, 0, lines->count - 1)].price_micro = 0;
    plan->content_count = 1;
}

/* The content again with another quantity, and perhaps a line more or less. */
static void amend(const struct o2c_sim_settings *settings, struct o2c_sim_plan *plan,
                  struct o2c_sim_random *random)
{
    const struct o2c_sim_lines *before = &plan->contents[plan->content_count - 1];
    struct o2c_sim_lines *lines = &plan->contents[plan->content_count++];
    *lines = *before;
    struct o2c_sim_line *line = &lines->at[o2c_sim_between(random, 0, lines->count - 1)];
    line->quantity_milli +=
        o2c_sim_between(random, 1, 20) * o2c_sim_product(line->product)->step_milli;
    int64_t change = o2c_sim_between(random, 0, 3);
    if (change == 0 && lines->count < settings->max_lines) {
        lines->at[lines->count] =
            draw_line(plan, lines->at[lines->count - 1].line_no + 1, random);
        lines->count++;
    } else if (change == 1 && lines->count > 1) {
        lines->count--;
    }
}

/* Placed, amended, cancelled: *ret_at_us is when the last of it happened. */
struct intake {
    struct o2c_sim_random *random;
    enum fate fate;
    int32_t revision;
    int64_t at_us;
};

static void later_today(struct o2c_sim_plan *plan, struct intake *intake)
{
    intake->at_us = o2c_sim_minutes_later(intake->random, intake->at_us, 20, 300,
                                          plan->customer.offset_minutes);
}

static void add_amendment(const struct o2c_sim_settings *settings,
                          struct o2c_sim_plan *plan, struct intake *intake)
{
    later_today(plan, intake);
    amend(settings, plan, intake->random);
    o2c_sim_add_step(plan, O2C_SIM_AMENDED, plan->content_count - 1, ++intake->revision,
                     intake->at_us);
}

static void add_cancellation(struct o2c_sim_plan *plan, struct intake *intake)
{
    later_today(plan, intake);
    o2c_sim_add_step(plan, O2C_SIM_CANCELLED, 0, ++intake->revision, intake->at_us);
}

/* The first line stays; an order of one line is cancelled whole. */
static void choose_cancelled_lines(struct o2c_sim_plan *plan, struct o2c_sim_random *random)
{
    const struct o2c_sim_lines *lines = &plan->contents[plan->content_count - 1];
    for (int32_t i = 1; i < lines->count; i++)
        if (plan->cancelled_count == 0 || o2c_sim_chance(random, 150000))
            plan->cancelled[plan->cancelled_count++] = lines->at[i].line_no;
}

static bool is_cancelled(const struct o2c_sim_plan *plan, int32_t line_no)
{
    for (int32_t i = 0; i < plan->cancelled_count; i++)
        if (plan->cancelled[i] == line_no)
            return true;
    return false;
}

/* What is to be sent: the last content without the lines that a cancellation took off. */
static void wanted_lines(const struct o2c_sim_plan *plan, bool void_cancellation,
                         struct o2c_sim_lines *ret_lines)
{
    const struct o2c_sim_lines *content = &plan->contents[plan->content_count - 1];
    ret_lines->count = 0;
    for (int32_t i = 0; i < content->count; i++)
        if (void_cancellation || !is_cancelled(plan, content->at[i].line_no))
            ret_lines->at[ret_lines->count++] = content->at[i];
}

/* Everything until the goods leave; true when the cancellation was overtaken by an
 * amendment. */
static bool plan_intake(const struct o2c_sim_settings *settings, struct o2c_sim_plan *plan,
                        struct intake *intake)
{
    struct o2c_sim_random *random = intake->random;
    o2c_sim_add_step(plan, O2C_SIM_PLACED, 0, ++intake->revision, intake->at_us);
    bool amended = has_share(settings, O2C_SIM_SHARE_AMENDED, plan->number,
                             settings->amended * PERCENT);
    bool twice = o2c_sim_chance(random, 250000);
    bool overtaken = o2c_sim_chance(random, (int64_t)VOID_SHARE * PERCENT) && amended &&
                     intake->fate == CANCELLED_LINES;
    if (amended && twice)
        add_amendment(settings, plan, intake);
    if (overtaken)
        add_cancellation(plan, intake);
    if (amended)
        add_amendment(settings, plan, intake);
    if (intake->fate == CANCELLED_LINES)
        choose_cancelled_lines(plan, random);
    if (intake->fate == CANCELLED_LINES && !overtaken && plan->cancelled_count == 0)
        intake->fate = CANCELLED_WHOLE;
    if (intake->fate == CANCELLED_WHOLE || (intake->fate == CANCELLED_LINES && !overtaken))
        add_cancellation(plan, intake);
    return overtaken;
}

static void plan_delivery(const struct o2c_sim_settings *settings,
                          struct o2c_sim_plan *plan, int32_t part, int64_t sent_us,
                          struct o2c_sim_random *random)
{
    int32_t offset = plan->customer.offset_minutes;
    bool comes_back = plan->returned.count && plan->returned_part == part;
    bool refused = o2c_sim_chance(random, settings->refused * PERCENT);
    bool arrived = !o2c_sim_chance(random, settings->undelivered * PERCENT) || comes_back;
    if (!arrived)
        return;
    int64_t at_us = o2c_sim_workdays_later(random, sent_us, 1, 4, offset);
    if (refused && !comes_back)
        plan->refused_line[part] = plan->parts[part].at[0].line_no;
    o2c_sim_add_step(plan, O2C_SIM_DELIVERED, part, 0, at_us);
    if (comes_back)
        o2c_sim_add_step(plan, O2C_SIM_RETURNED, part, 0,
                         o2c_sim_workdays_later(random, at_us, 2, 12, offset));
}

static void plan_shipments(const struct o2c_sim_settings *settings,
                           struct o2c_sim_plan *plan, const struct o2c_sim_lines *wanted,
                           struct intake *intake)
{
    struct o2c_sim_random *random = intake->random;
    bool rest = intake->fate == CANCELLED_REST;
    bool several = rest || has_share_sent(settings, O2C_SIM_SHARE_SPLIT, plan->number,
                                          settings->split, true);
    o2c_sim_split(plan, wanted, several ? (int32_t)o2c_sim_between(random, 2, 4) : 1,
                  random);
    if (rest)
        plan->part_count = 1;
    if (!rest && has_share_sent(settings, O2C_SIM_SHARE_OVER_UNDER, plan->number,
                                settings->over_under, true))
        o2c_sim_miscount(plan, random);
    if (has_share_sent(settings, O2C_SIM_SHARE_RETURNED, plan->number, settings->returned,
                       false))
        o2c_sim_give_back(plan, (int32_t)o2c_sim_between(random, 0, plan->part_count - 1),
                          random);
    for (int32_t i = 0; i < plan->part_count; i++) {
        intake->at_us = o2c_sim_workdays_later(random, intake->at_us, 1, i ? 5 : 3,
                                               plan->customer.offset_minutes);
        o2c_sim_add_step(plan, O2C_SIM_DISPATCHED, i, 0, intake->at_us);
        plan_delivery(settings, plan, i, intake->at_us, random);
    }
    if (rest)
        add_cancellation(plan, intake);
}

/* Orders follow each other through the month; the subject's own draw blurs the distance. */
static int64_t placed_at(const struct o2c_sim_settings *settings,
                         const struct o2c_sim_plan *plan, struct o2c_sim_random *random)
{
    uint64_t width = (UINT64_C(1) << 32) / (uint64_t)settings->orders;
    uint64_t share = ((uint64_t)plan->number << 32) / (uint64_t)settings->orders;
    if (width > 1)
        share += (uint64_t)o2c_sim_between(random, 0, (int64_t)width - 1);
    return o2c_sim_working_moment((int32_t)settings->start_date, (int32_t)settings->days,
                                  share, plan->customer.offset_minutes);
}

void o2c_sim_plan_order(const struct o2c_sim_settings *settings, int64_t number,
                        struct o2c_sim_plan *ret_plan)
{
    struct o2c_sim_random random =
        o2c_sim_random_for((uint64_t)settings->seed, O2C_SIM_FOR_ORDER, (uint64_t)number);
    struct o2c_sim_plan *plan = ret_plan;
    plan->number = number;
    plan->content_count = plan->cancelled_count = plan->part_count = plan->step_count = 0;
    plan->returned.count = plan->payment_count = 0;
    for (int32_t i = 0; i < O2C_SIM_MAX_PARTS; i++) {
        plan->parts[i].count = plan->refused_line[i] = 0;
        plan->invoices[i] = (struct o2c_sim_invoice){0};
    }

    int64_t account = draw_account(settings, &random);
    bool is_branch =
        o2c_sim_chance(&random, 400000) && o2c_sim_has_branch(settings, account);
    o2c_sim_customer_of(settings, account, is_branch, &plan->customer);
    struct intake intake = {.random = &random};
    intake.at_us = placed_at(settings, plan, &random);
    intake.fate = draw_fate(settings, number);
    plan->requested_date =
        o2c_timestamp_date(intake.at_us) + (int32_t)o2c_sim_between(&random, 3, 21);
    draw_content(settings, plan, &random);
    bool overtaken = plan_intake(settings, plan, &intake);
    if (intake.fate == UNSHIPPED || intake.fate == CANCELLED_WHOLE)
        return;
    struct o2c_sim_lines wanted;
    wanted_lines(plan, overtaken, &wanted);
    plan_shipments(settings, plan, &wanted, &intake);
    if (settings->receivables)
        o2c_sim_plan_receivables(settings, plan);
}
