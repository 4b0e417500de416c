/* lifecycle.c, parts.c: what can happen to an order, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "producers/simulator/goods.h"
#include "producers/simulator/lifecycle.h"
#include "producers/simulator/settings.h"
#include "tests/unit/producers/simulator/sim_options.h"

#include "runtime/base/banned.h"

enum {
    ORDERS = 4000
};

static void default_settings(struct o2c_sim_settings *ret_settings)
{
    struct o2c_err err;
    assert_int_equal(sim_options_default(ret_settings, &err), 0);
    ret_settings->orders = ORDERS;
}

static int64_t quantity_of(const struct o2c_sim_lines *lines, int32_t line_no)
{
    int64_t sum_milli = 0;
    for (int32_t i = 0; i < lines->count; i++)
        if (lines->at[i].line_no == line_no)
            sum_milli += lines->at[i].quantity_milli;
    return sum_milli;
}

static int count_steps(const struct o2c_sim_plan *plan, enum o2c_sim_step_kind kind)
{
    int count = 0;
    for (int32_t i = 0; i < plan->step_count; i++)
        count += plan->steps[i].kind == kind;
    return count;
}

static void a_plan_can_be_made_again(void **state)
{
    (void)state;
    static struct o2c_sim_plan first, again;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    memset(&first, 0, sizeof first);
    memset(&again, 0, sizeof again);
    for (int64_t number = 0; number < 200; number++) {
        o2c_sim_plan_order(&settings, number, &first);
        o2c_sim_plan_order(&settings, number + 1, &again);
        o2c_sim_plan_order(&settings, number, &again);
        assert_int_equal(first.step_count, again.step_count);
        assert_memory_equal(first.steps, again.steps,
                            (size_t)first.step_count * sizeof first.steps[0]);
        assert_string_equal(first.customer.id, again.customer.id);
    }
}

static void an_order_begins_with_its_placing_and_steps_follow_in_time(void **state)
{
    (void)state;
    static struct o2c_sim_plan plan;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    for (int64_t number = 0; number < ORDERS; number++) {
        o2c_sim_plan_order(&settings, number, &plan);
        int32_t revision = 0;
        assert_int_equal(plan.steps[0].kind, O2C_SIM_PLACED);
        for (int32_t i = 0; i < plan.step_count; i++) {
            assert_true(i == 0 || plan.steps[i].at_us > plan.steps[i - 1].at_us);
            if (plan.steps[i].revision)
                assert_int_equal(plan.steps[i].revision, ++revision);
        }
    }
}

static void lines_are_numbered_priced_and_sold_in_whole_units(void **state)
{
    (void)state;
    static struct o2c_sim_plan plan;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    int longest = 0, shortest = 99;
    for (int64_t number = 0; number < ORDERS; number++) {
        o2c_sim_plan_order(&settings, number, &plan);
        const struct o2c_sim_lines *lines = &plan.contents[0];
        longest = lines->count > longest ? lines->count : longest;
        shortest = lines->count < shortest ? lines->count : shortest;
        for (int32_t i = 0; i < lines->count; i++) {
            int64_t step = o2c_sim_product(lines->at[i].product)->step_milli;
            assert_int_equal(lines->at[i].line_no, i + 1);
            assert_true(lines->at[i].quantity_milli >= 2 * step);
            assert_true(lines->at[i].quantity_milli % step == 0);
            assert_true(lines->at[i].price_micro > 0);
        }
    }
    assert_int_equal(shortest, 1);
    assert_int_equal(longest, 20);
}

/* True when some line that is sent is sent in another quantity than wanted. */
static bool is_miscounted(const struct o2c_sim_plan *plan)
{
    const struct o2c_sim_lines *content = &plan->contents[plan->content_count - 1];
    for (int32_t i = 0; i < content->count; i++) {
        int64_t sent_milli = 0;
        for (int32_t part = 0; part < plan->part_count; part++)
            sent_milli += quantity_of(&plan->parts[part], content->at[i].line_no);
        if (sent_milli && sent_milli != content->at[i].quantity_milli)
            return true;
    }
    return false;
}

static void every_share_is_met(void **state)
{
    (void)state;
    static struct o2c_sim_plan plan;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    for (settings.seed = 1; settings.seed <= 5; settings.seed++) {
        int amended = 0, cancelled = 0, split = 0, miscounted = 0, returned = 0, unsent = 0;
        for (int64_t number = 0; number < ORDERS; number++) {
            o2c_sim_plan_order(&settings, number, &plan);
            int sent = count_steps(&plan, O2C_SIM_DISPATCHED);
            bool gone = count_steps(&plan, O2C_SIM_CANCELLED) > 0;
            amended += count_steps(&plan, O2C_SIM_AMENDED) > 0;
            cancelled += gone;
            split += sent > 1;
            miscounted += is_miscounted(&plan) && (sent > 1 || !gone);
            returned += count_steps(&plan, O2C_SIM_RETURNED) > 0;
            unsent += sent == 0 && !gone;
        }
        assert_in_range((uintmax_t)amended, ORDERS * 19 / 100, ORDERS * 21 / 100);
        assert_in_range((uintmax_t)cancelled, ORDERS * 15 / 200, ORDERS * 17 / 200);
        assert_in_range((uintmax_t)split, ORDERS * 24 / 100, ORDERS * 26 / 100);
        assert_in_range((uintmax_t)miscounted, ORDERS * 9 / 200, ORDERS * 11 / 200);
        assert_in_range((uintmax_t)returned, ORDERS * 11 / 200, ORDERS * 13 / 200);
        assert_in_range((uintmax_t)unsent, ORDERS * 7 / 200, ORDERS * 9 / 200);
    }
}

static void parts_are_never_empty_and_hold_only_ordered_lines(void **state)
{
    (void)state;
    static struct o2c_sim_plan plan;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    settings.split = 100;
    for (int64_t number = 0; number < ORDERS; number++) {
        o2c_sim_plan_order(&settings, number, &plan);
        const struct o2c_sim_lines *content = &plan.contents[plan.content_count - 1];
        for (int32_t part = 0; part < plan.part_count; part++) {
            assert_in_range((uintmax_t)plan.parts[part].count, 1, O2C_SIM_MAX_LINES);
            for (int32_t i = 0; i < plan.parts[part].count; i++) {
                assert_true(plan.parts[part].at[i].quantity_milli > 0);
                assert_true(quantity_of(content, plan.parts[part].at[i].line_no) > 0);
            }
        }
    }
}

static void no_more_comes_back_than_was_sent(void **state)
{
    (void)state;
    static struct o2c_sim_plan plan;
    struct o2c_sim_settings settings;
    default_settings(&settings);
    settings.returned = 100;
    int seen = 0;
    for (int64_t number = 0; number < ORDERS; number++) {
        o2c_sim_plan_order(&settings, number, &plan);
        for (int32_t i = 0; i < plan.returned.count; i++, seen++) {
            int32_t line_no = plan.returned.at[i].line_no;
            int64_t sent_milli = quantity_of(&plan.parts[plan.returned_part], line_no);
            assert_in_range((uintmax_t)plan.returned.at[i].quantity_milli, 1,
                            (uintmax_t)sent_milli);
        }
    }
    assert_true(seen > ORDERS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_can_be_made_again),
        cmocka_unit_test(an_order_begins_with_its_placing_and_steps_follow_in_time),
        cmocka_unit_test(lines_are_numbered_priced_and_sold_in_whole_units),
        cmocka_unit_test(every_share_is_met),
        cmocka_unit_test(parts_are_never_empty_and_hold_only_ordered_lines),
        cmocka_unit_test(no_more_comes_back_than_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
