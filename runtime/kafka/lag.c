#include "runtime/kafka/lag.h"

#include "runtime/base/banned.h"

enum o2c_lag_status o2c_lag_judge(const struct o2c_lag_state *state,
                                  const struct o2c_lag_limits *limits)
{
    bool moved = state->since_stored_us >= 0 && state->since_stored_us < limits->stall_us;

    if (state->behind <= 0)
        return O2C_LAG_OK;
    if (!state->owned)
        return O2C_LAG_STOP;
    /* A record that has only just arrived says nothing about a quiet partition. */
    if (!moved && state->waited_us >= limits->stall_us)
        return O2C_LAG_STALL;
    return state->waited_us >= limits->warn_us ? O2C_LAG_WARN : O2C_LAG_OK;
}
