#include "producers/simulator/simulate.h"

#include "producers/simulator/customers.h"
#include "producers/simulator/lifecycle.h"
#include "producers/simulator/render.h"
#include "producers/simulator/timetable.h"
#include "runtime/base/buf.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    FLUSH_BYTES = 256 * 1024,
    MAX_BYTES = 2 * FLUSH_BYTES
};

/* Lines gathered for the sink. */
struct output {
    struct o2c_buf buf;
    o2c_sim_sink_fn *sink;
    void *user;
};

static enum o2c_verdict flush_over(struct output *output, size_t bytes, struct o2c_err *err)
{
    if (output->buf.failed)
        return o2c_fail(err, O2C_FATAL, "out of memory for a line");
    if (output->buf.len <= bytes)
        return O2C_OK;
    enum o2c_verdict verdict =
        output->sink(output->user, output->buf.at, output->buf.len, err);
    o2c_buf_reset(&output->buf);
    return verdict;
}

static enum o2c_verdict write_customers(const struct o2c_sim_settings *settings,
                                        struct output *output, struct o2c_err *err)
{
    for (int64_t account = 0; account < settings->accounts; account++) {
        o2c_sim_customer_write(settings, account, false, &output->buf);
        if (o2c_sim_has_branch(settings, account))
            o2c_sim_customer_write(settings, account, true, &output->buf);
        if (flush_over(output, FLUSH_BYTES, err))
            return err->verdict;
    }
    return O2C_OK;
}

static enum o2c_verdict write_orders(const struct o2c_sim_settings *settings,
                                     const struct o2c_sim_timetable *timetable,
                                     struct output *output, struct o2c_err *err)
{
    struct o2c_sim_plan plan;
    int32_t next_day = (int32_t)settings->start_date;
    for (size_t i = 0; i < timetable->count; i++) {
        const struct o2c_sim_arrival *arrival = &timetable->arrivals[i];
        for (; settings->ticks && next_day <= o2c_timestamp_date(arrival->at_us);
             next_day++)
            o2c_sim_write_tick(&output->buf, settings, next_day);
        o2c_sim_plan_order(settings, arrival->order, &plan);
        o2c_sim_write_step(&output->buf, settings, &plan, arrival->step,
                           (enum o2c_sim_variant)arrival->variant);
        if (flush_over(output, FLUSH_BYTES, err))
            return err->verdict;
    }
    return O2C_OK;
}

enum o2c_verdict o2c_simulate(const struct o2c_sim_settings *settings,
                              o2c_sim_sink_fn *sink, void *user, struct o2c_err *err)
{
    struct output output = {.sink = sink, .user = user};
    struct o2c_sim_timetable timetable;
    if (o2c_sim_timetable_make(settings, &timetable, err))
        return err->verdict;
    o2c_buf_init(&output.buf, MAX_BYTES);
    enum o2c_verdict verdict = write_customers(settings, &output, err);
    if (!verdict)
        verdict = write_orders(settings, &timetable, &output, err);
    if (!verdict)
        verdict = flush_over(&output, 0, err);
    o2c_buf_clear(&output.buf);
    o2c_sim_timetable_clear(&timetable);
    return verdict;
}
