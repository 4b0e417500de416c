#include "runtime/base/stop.h"

#include <stddef.h>

#include "runtime/base/banned.h"

static const volatile sig_atomic_t *stop_flag;

void o2c_stop_on(const volatile sig_atomic_t *stop)
{
    stop_flag = stop;
}

bool o2c_can_be_stopped(void)
{
    return stop_flag != NULL;
}

bool o2c_stopped(void)
{
    return stop_flag && *stop_flag;
}
