#include "producers/simulator/timetable.h"

#include <assert.h>
#include <stdlib.h>

#include "producers/simulator/hours.h"
#include "producers/simulator/lifecycle.h"
#include "producers/simulator/random.h"
#include "producers/simulator/settings.h"

#include "runtime/base/banned.h"

enum {
    PERCENT_PPM = 10000,
    FIRST_ROOM = 4096,
    MAX_PER_STEP = 3 /* the original, a repeat and a contradiction */
};

static bool make_room(struct o2c_sim_timetable *timetable, size_t more)
{
    if (timetable->room - timetable->count >= more)
        return true;
    size_t room = timetable->room ? timetable->room * 2 : FIRST_ROOM;
    void *grown = realloc(timetable->arrivals, room * sizeof *timetable->arrivals);
    if (!grown)
        return false;
    timetable->arrivals = grown;
    timetable->room = room;
    return true;
}

static void add(struct o2c_sim_timetable *timetable, const struct o2c_sim_plan *plan,
                int32_t step, enum o2c_sim_variant variant, int64_t at_us)
{
    assert(timetable->count < timetable->room);
    timetable->arrivals[timetable->count++] = (struct o2c_sim_arrival){
        at_us, (int32_t)plan->number, (int16_t)step, (int16_t)variant};
}

/* Behind the next event of the same order where there is one, or else hours to days. */
static int64_t late_moment(const struct o2c_sim_plan *plan, int32_t step,
                           struct o2c_sim_random *random)
{
    int64_t minutes = o2c_sim_between(random, 1, 60);
    if (step + 1 < plan->step_count)
        return plan->steps[step + 1].at_us + minutes * O2C_SIM_MINUTE_US;
    return plan->steps[step].at_us + (120 + 60 * minutes) * O2C_SIM_MINUTE_US;
}

static bool has_share(const struct o2c_sim_settings *settings, enum o2c_sim_share share,
                      uint64_t number, int64_t percent)
{
    return o2c_sim_place((uint64_t)settings->seed, share, number) < percent * PERCENT_PPM;
}

/* `number` is that of the event, over all orders. */
static void add_step(const struct o2c_sim_settings *settings,
                     struct o2c_sim_timetable *timetable, const struct o2c_sim_plan *plan,
                     int32_t step, uint64_t number, struct o2c_sim_random *random)
{
    int64_t at_us = plan->steps[step].at_us;
    if (has_share(settings, O2C_SIM_SHARE_LATE, number, settings->late))
        at_us = late_moment(plan, step, random);
    add(timetable, plan, step, O2C_SIM_ORIGINAL, at_us);
    int64_t again_us = at_us + o2c_sim_between(random, 1, 2880) * O2C_SIM_MINUTE_US;
    if (has_share(settings, O2C_SIM_SHARE_REPEATED, number, settings->repeated))
        add(timetable, plan, step,
            o2c_sim_chance(random, 500000) ? O2C_SIM_REPEAT : O2C_SIM_SENT_AGAIN, again_us);
    if (has_share(settings, O2C_SIM_SHARE_CONTRADICTED, number, settings->contradicted))
        add(timetable, plan, step, O2C_SIM_CONTRADICTION, again_us + O2C_SIM_MINUTE_US);
}

/* Total: no two arrivals are alike, so the result is the same with every sort. */
static int by_moment(const void *left, const void *right)
{
    const struct o2c_sim_arrival *a = left, *b = right;
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->step != b->step)
        return a->step < b->step ? -1 : 1;
    return (a->variant > b->variant) - (a->variant < b->variant);
}

enum o2c_verdict o2c_sim_timetable_make(const struct o2c_sim_settings *settings,
                                        struct o2c_sim_timetable *ret_timetable,
                                        struct o2c_err *err)
{
    struct o2c_sim_timetable timetable = {0};
    struct o2c_sim_plan plan;
    uint64_t event = 0;
    for (int64_t number = 0; number < settings->orders; number++) {
        o2c_sim_plan_order(settings, number, &plan);
        struct o2c_sim_random random = o2c_sim_random_for(
            (uint64_t)settings->seed, O2C_SIM_FOR_ARRIVAL, (uint64_t)number);
        if (!make_room(&timetable, (size_t)plan.step_count * MAX_PER_STEP)) {
            o2c_sim_timetable_clear(&timetable);
            return o2c_fail(err, O2C_FATAL, "out of memory for the events of %jd orders",
                            (intmax_t)settings->orders);
        }
        for (int32_t step = 0; step < plan.step_count; step++)
            add_step(settings, &timetable, &plan, step, event++, &random);
    }
    if (timetable.count)
        qsort(timetable.arrivals, timetable.count, sizeof *timetable.arrivals, by_moment);
    *ret_timetable = timetable;
    return O2C_OK;
}

void o2c_sim_timetable_clear(struct o2c_sim_timetable *timetable)
{
    free(timetable->arrivals);
    *timetable = (struct o2c_sim_timetable){0};
}
