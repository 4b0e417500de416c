#include "consumers/host/host.h"
#include "consumers/shipments/shipments.h"

#include "runtime/base/banned.h"

int main(int argc, char **argv)
{
    return o2c_host_main(&shipments_consumer, argc, argv);
}
