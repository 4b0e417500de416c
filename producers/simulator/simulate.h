/*
 * simulate.h - an invented trading history as NDJSON: what `o2c simulate`
 * prints, what the local stack shows and what the benchmarks are fed with.
 */
#ifndef O2C_SIMULATOR_SIMULATE_H
#define O2C_SIMULATOR_SIMULATE_H

#include <stddef.h>

#include "producers/simulator/settings.h"
#include "runtime/base/err.h"

/* Takes whole lines as they are made; its failure ends the simulation. */
typedef enum o2c_verdict o2c_sim_sink_fn(void *user, const char *lines, size_t len,
                                         struct o2c_err *err);

/* Writes the whole history: customers first, then all else in order of publication. */
enum o2c_verdict o2c_simulate(const struct o2c_sim_settings *settings,
                              o2c_sim_sink_fn *sink, void *user,
                              struct o2c_err *err) O2C_MUST_CHECK;

#endif
