/*
 * arena.h - memory that lives as long as a batch: allocated by bumping a
 * pointer, given back all at once by o2c_arena_reset.  Chunks are kept across
 * resets, so a warm arena calls malloc no more; o2c_arena_clear frees them.
 */
#ifndef O2C_BASE_ARENA_H
#define O2C_BASE_ARENA_H

#include <stddef.h>

#include "runtime/base/str.h"

struct o2c_arena_chunk;

struct o2c_arena {
    struct o2c_arena_chunk *first, *current;
    size_t used_bytes; /* handed out since the last reset */
    size_t max_bytes;
};

void o2c_arena_init(struct o2c_arena *arena, size_t max_bytes);
void o2c_arena_reset(struct o2c_arena *arena); /* keeps the chunks */
void o2c_arena_trim(
    struct o2c_arena *arena); /* reset, and frees all chunks but the first */
void o2c_arena_clear(
    struct o2c_arena *arena); /* frees everything; usable after init again */

/* Aligned for any type, not zeroed; NULL when max_bytes is reached or malloc fails. */
void *o2c_arena_alloc(struct o2c_arena *arena, size_t bytes);
void *o2c_arena_zalloc(struct o2c_arena *arena, size_t bytes);

/* A copy of the bytes (absent stays absent).  False, *ret untouched, when there is no room.
 */
bool o2c_arena_copy(struct o2c_arena *arena, struct o2c_str text, struct o2c_str *ret_copy);

#endif
