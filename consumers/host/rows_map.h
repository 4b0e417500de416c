/*
 * rows_map.h - items by a 64-bit hash; several may have the same, who asks
 * compares.  Rows, accounts and sets of a batch are found through it, and its
 * due dates.
 */
#ifndef O2C_HOST_ROWS_MAP_H
#define O2C_HOST_ROWS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row_slot {
    uint64_t hash;
    void *item;
};

struct row_map {
    struct row_slot *slots;
    size_t mask, count;
};

bool o2c_row_map_init(struct row_map *map);
void o2c_row_map_clear(struct row_map *map);
void o2c_row_map_reset(struct row_map *map); /* empty, of a size that fits what was in it */
void o2c_row_map_trim(struct row_map *map);  /* an empty one gives its memory back */
bool o2c_row_map_add(struct row_map *map, uint64_t hash, void *item); /* false: no memory */

/* Begins to bring the place of this hash into the cache; later, what lies there. */
void o2c_row_map_prefetch(const struct row_map *map, uint64_t hash);
void o2c_row_map_prefetch_item(const struct row_map *map, uint64_t hash);

/* The next item with this hash; *at is the hash at first.  NULL: no more. */
void *o2c_row_map_next(const struct row_map *map, uint64_t hash, size_t *at);

#endif
