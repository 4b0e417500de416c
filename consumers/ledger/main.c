#include "consumers/host/host.h"
#include "consumers/ledger/ledger.h"

#include "runtime/base/banned.h"

int main(int argc, char **argv)
{
    return o2c_host_main(&ledger_consumer, argc, argv);
}
