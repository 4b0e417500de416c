#include "consumers/disputes/disputes.h"
#include "consumers/host/host.h"

#include "runtime/base/banned.h"

int main(int argc, char **argv)
{
    return o2c_host_main(&disputes_consumer, argc, argv);
}
