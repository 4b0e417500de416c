#include "consumers/host/host.h"
#include "consumers/orders/orders.h"

#include "runtime/base/banned.h"

int main(int argc, char **argv)
{
    return o2c_host_main(&orders_consumer, argc, argv);
}
