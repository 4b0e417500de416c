#include "producers/simulator/parts.h"

#include <assert.h>

#include "producers/simulator/goods.h"
#include "producers/simulator/random.h"

#include "runtime/base/banned.h"

static void add_line(struct o2c_sim_lines *lines, const struct o2c_sim_line *line,
                     int64_t quantity_milli)
{
    assert(lines->count < O2C_SIM_MAX_LINES);
    lines->at[lines->count] = *line;
    lines->at[lines->count++].quantity_milli = quantity_milli;
}

static int64_t step_of(const struct o2c_sim_line *line)
{
    return o2c_sim_product(line->product)->step_milli;
}

/* Every part gets some of it, so that no part is empty. */
static void spread(struct o2c_sim_plan *plan, const struct o2c_sim_line *line)
{
    int64_t units = line->quantity_milli / step_of(line), share = units / plan->part_count;
    for (int32_t i = 0; i < plan->part_count; i++) {
        int64_t here = i + 1 < plan->part_count ? share : units - share * i;
        add_line(&plan->parts[i], line, here * step_of(line));
    }
}

void o2c_sim_split(struct o2c_sim_plan *plan, const struct o2c_sim_lines *lines,
                   int32_t want, struct o2c_sim_random *random)
{
    const struct o2c_sim_line *first = &lines->at[0];
    int64_t units = first->quantity_milli / step_of(first);
    plan->part_count = units < want ? (int32_t)units : want;
    spread(plan, first);
    for (int32_t i = 1; i < lines->count; i++) {
        const struct o2c_sim_line *line = &lines->at[i];
        int32_t part = (int32_t)o2c_sim_between(random, 0, plan->part_count - 1);
        add_line(&plan->parts[part], line, line->quantity_milli);
    }
}

void o2c_sim_miscount(struct o2c_sim_plan *plan, struct o2c_sim_random *random)
{
    struct o2c_sim_lines *part = &plan->parts[plan->part_count - 1];
    struct o2c_sim_line *line = &part->at[o2c_sim_between(random, 0, part->count - 1)];
    int64_t step = step_of(line), units = line->quantity_milli / step;
    int64_t wrong = o2c_sim_between(random, 1, 1 + units / 10);
    if (o2c_sim_chance(random, 500000) && units > wrong)
        wrong = -wrong;
    line->quantity_milli += wrong * step;
}

void o2c_sim_give_back(struct o2c_sim_plan *plan, int32_t part,
                       struct o2c_sim_random *random)
{
    const struct o2c_sim_lines *sent = &plan->parts[part];
    plan->returned_part = part;
    if (o2c_sim_chance(random, 200000)) {
        plan->returned = *sent;
        return;
    }
    const struct o2c_sim_line *line =
        &sent->at[o2c_sim_between(random, 0, sent->count - 1)];
    int64_t units = line->quantity_milli / step_of(line);
    if (!o2c_sim_chance(random, 300000))
        units = o2c_sim_between(random, 1, units);
    add_line(&plan->returned, line, units * step_of(line));
}
