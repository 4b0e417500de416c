/*
 * no_memory.h - lets the n-th allocation of the linked libraries fail: malloc,
 * calloc, realloc, strdup and strndup of what is linked statically.
 *
 *     for (size_t n = 1; no_memory_at(n); n++)
 *         ... what must end with a verdict, however it goes ...
 *
 * ends after the first turn in which everything was given.
 */
#ifndef O2C_TESTS_NO_MEMORY_H
#define O2C_TESTS_NO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The n-th from now on (1: the next) gives NULL.  False when the one before was never asked
 * for; then all are given again. */
bool no_memory_at(size_t n);

/* Whether it was asked for already.  From here on all are given. */
bool no_memory_met(void);

#endif
