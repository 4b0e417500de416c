#include "consumers/host/host.h"
#include "consumers/reminders/reminders.h"

#include "runtime/base/banned.h"

int main(int argc, char **argv)
{
    return o2c_host_main(&reminders_consumer, argc, argv);
}
