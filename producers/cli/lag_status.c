#include "producers/cli/lag_status.h"

#include "runtime/base/banned.h"

enum lag_status lag_judge(const struct lag_state *state, const struct lag_limits *limits)
{
    bool moved = state->since_stored_us >= 0 && state->since_stored_us < limits->stall_us;

    if (state->behind <= 0)
        return LAG_OK;
    if (!state->owned)
        return LAG_STOP;
    /* A record that has only just arrived says nothing about a quiet partition. */
    if (!moved && state->waited_us >= limits->stall_us)
        return LAG_STALL;
    return state->waited_us >= limits->warn_us ? LAG_WARN : LAG_OK;
}

const char *lag_status_name(enum lag_status status)
{
    switch (status) {
    case LAG_OK:
        return "OK";
    case LAG_WARN:
        return "WARN";
    case LAG_STALL:
        return "STALL";
    case LAG_STOP:
        return "STOP";
    }
    return "?";
}
