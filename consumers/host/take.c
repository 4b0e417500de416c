#include "consumers/host/take.h"

#include "runtime/base/banned.h"

enum {
    FIRST = 1000,
    SLOWLY = 32 /* 1/32 more than was taken before */
};

void take_init(struct take *take, size_t most)
{
    *take = (struct take){.limit = most < FIRST ? most : FIRST, .most = most};
}

void take_fitted(struct take *take, size_t events)
{
    if (events < take->limit / 2)
        return; /* says nothing about larger ones */
    take->limit += take->slowly ? take->limit / SLOWLY + 1 : take->limit;
    if (take->limit > take->most)
        take->limit = take->most;
}

void take_ended(struct take *take, size_t events)
{
    take->limit = events;
    take->slowly = true;
}
