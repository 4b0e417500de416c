/*
 * take.h - how many events the next batch takes.  What the events of a batch
 * leave behind them (rows, effects) is known only when it is folded, and may be
 * ten times their size.  So the first batches are small; each that took at least
 * half of what it might and was stored in one part doubles the next, until one
 * has to end before its last event.  From then on growth is slow.
 */
#ifndef O2C_HOST_TAKE_H
#define O2C_HOST_TAKE_H

#include <stdbool.h>
#include <stddef.h>

struct take {
    size_t limit; /* events of the next batch, at least 1 */
    size_t most;  /* what the settings allow */
    bool slowly;
};

void take_init(struct take *take, size_t most);

/* A batch of so many events was stored in one part. */
void take_fitted(struct take *take, size_t events);

/* A part had to end after so many events. */
void take_ended(struct take *take, size_t events);

#endif
