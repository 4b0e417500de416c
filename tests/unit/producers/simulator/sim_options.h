/*
 * sim_options.h - the settings that the words of a command line give, as
 * o2c simulate reads them.  For the tests of the simulator.
 */
#ifndef O2C_TESTS_UNIT_PRODUCERS_SIMULATOR_SIM_OPTIONS_H
#define O2C_TESTS_UNIT_PRODUCERS_SIMULATOR_SIM_OPTIONS_H

#include <stddef.h>

#include "producers/simulator/settings.h"

/* `words` begins with the name of the command and ends with NULL. */
static inline enum o2c_verdict sim_options_read(const char *const *words,
                                                struct o2c_sim_settings *ret,
                                                struct o2c_err *err)
{
    struct o2c_config *config;
    enum o2c_verdict verdict;
    char *argv[8] = {0};
    int argc = 0, next;

    for (; words[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    verdict =
        o2c_config_load(&config, &o2c_sim_settings_table, 1, ret, argc, argv, &next, err);
    if (verdict)
        return verdict;
    verdict = o2c_sim_settings_check(ret, err);
    o2c_config_free(config);
    return verdict;
}

static inline enum o2c_verdict sim_options_default(struct o2c_sim_settings *ret,
                                                   struct o2c_err *err)
{
    return sim_options_read((const char *const[]){"simulate", NULL}, ret, err);
}

#endif
