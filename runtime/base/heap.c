#include "runtime/base/heap.h"

#include <malloc.h>

#include "runtime/base/banned.h"

enum {
    TRIMS = 10
};

void o2c_heap_open(void)
{
    mallopt(M_ARENA_MAX, 1);
}

void o2c_heap_swell(struct o2c_heap *heap)
{
    heap->trims_due = TRIMS;
}

void o2c_heap_trim(struct o2c_heap *heap)
{
    heap->trims_due--;
    malloc_trim(0);
}
