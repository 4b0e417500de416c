#include "producers/cli/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include "producers/cli/commands.h"
#include "runtime/base/stop.h"

#include "runtime/base/banned.h"

static volatile sig_atomic_t came, ends;

static void on_signal(int number)
{
    (void)number;
    came = 1;
    if (ends)
        _exit(EXIT_INTERRUPTED);
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    o2c_stop_on(&came);
}

bool interrupt_came(void)
{
    return came;
}

void interrupt_ends(bool at_once)
{
    ends = at_once;
    if (came && at_once)
        _exit(EXIT_INTERRUPTED);
}
