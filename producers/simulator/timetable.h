/*
 * timetable.h - in which order the lines of all orders are published: by the
 * moment they happened, but for the late ones, with repeats and
 * contradictions some time after their original.
 */
#ifndef O2C_SIMULATOR_TIMETABLE_H
#define O2C_SIMULATOR_TIMETABLE_H

#include <stddef.h>
#include <stdint.h>

#include "producers/simulator/render.h"
#include "runtime/base/err.h"

struct o2c_sim_settings;

struct o2c_sim_arrival {
    int64_t at_us;
    int32_t order;
    int16_t step;
    int16_t variant; /* enum o2c_sim_variant */
};

struct o2c_sim_timetable {
    struct o2c_sim_arrival *arrivals;
    size_t count, room;
};

/* Plans every order once and sorts what happens; FATAL when memory runs out. */
enum o2c_verdict o2c_sim_timetable_make(const struct o2c_sim_settings *settings,
                                        struct o2c_sim_timetable *ret_timetable,
                                        struct o2c_err *err) O2C_MUST_CHECK;
void o2c_sim_timetable_clear(struct o2c_sim_timetable *timetable);

#endif
