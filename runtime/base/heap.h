/*
 * heap.h - memory that a burst of work leaves free goes back to the system,
 * which malloc alone would not do (measured: 212 MB kept after a backlog).
 */
#ifndef O2C_BASE_HEAP_H
#define O2C_BASE_HEAP_H

#include <stdbool.h>

/* All zero: nothing to give back. */
struct o2c_heap {
    int trims_due;
};

/* Before the first thread: all threads allocate from one arena. malloc_trim gives back the
 * free end of the main arena only (glibc 2.36), and a Kafka client's thread would keep the
 * end of its own; what one thread frees, another may use. */
void o2c_heap_open(void);

/* A burst has passed: it is trimmed ten times from now on, since the threads of a Kafka
 * client let go of theirs later. */
void o2c_heap_swell(struct o2c_heap *heap);

/* To ask once a second, while idle; if so, free what is kept for reuse and trim. */
static inline bool o2c_heap_trim_due(const struct o2c_heap *heap)
{
    return heap->trims_due > 0;
}
void o2c_heap_trim(struct o2c_heap *heap);

#endif
