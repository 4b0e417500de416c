#include "consumers/host/host.h"
#include "consumers/receivables/receivables.h"

#include "runtime/base/banned.h"

int main(int argc, char **argv)
{
    return o2c_host_main(&receivables_consumer, argc, argv);
}
