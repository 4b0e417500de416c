/*
 * A map with open addressing.  The slots hold the whole hash, so that an item
 * is looked at only when it is most probably the one.
 */
#include "consumers/host/rows_map.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/banned.h"

enum {
    SLOTS_MIN = 256
};

/* Into fresh memory: a batch that outgrows the one before pays for it once. */
static bool resize(struct row_map *map, size_t slots)
{
    struct row_slot *old = map->slots;
    size_t old_mask = map->mask;
    struct row_slot *fresh = calloc(slots, sizeof *fresh);

    if (!fresh)
        return false;
    map->slots = fresh;
    map->mask = slots - 1;
    map->count = 0;
    for (size_t i = 0; old && i <= old_mask; i++)
        if (old[i].item)
            (void)o2c_row_map_add(map, old[i].hash, old[i].item); /* there is room */
    free(old);
    return true;
}

bool o2c_row_map_init(struct row_map *map)
{
    *map = (struct row_map){0};
    return resize(map, SLOTS_MIN);
}

void o2c_row_map_clear(struct row_map *map)
{
    free(map->slots);
    *map = (struct row_map){0};
}

/*
 * Small batches after a large one pay a few times for its size, not for ever:
 * the mask gets smaller, the memory stays.
 */
void o2c_row_map_reset(struct row_map *map)
{
    size_t slots = map->mask + 1;

    if (slots > SLOTS_MIN && map->count * 8 < slots)
        slots /= 4;
    memset(map->slots, 0, slots * sizeof *map->slots);
    map->mask = slots - 1;
    map->count = 0;
}

void o2c_row_map_trim(struct row_map *map)
{
    struct row_map small;

    if (!o2c_row_map_init(&small))
        return; /* then it stays as it is */
    o2c_row_map_clear(map);
    *map = small;
}

bool o2c_row_map_add(struct row_map *map, uint64_t hash, void *item)
{
    size_t i;

    if (map->count * 4 >= (map->mask + 1) * 3 && !resize(map, (map->mask + 1) * 2) &&
        map->count >= map->mask)
        return false;
    for (i = hash & map->mask; map->slots[i].item; i = (i + 1) & map->mask)
        ;
    map->slots[i] = (struct row_slot){hash, item};
    map->count++;
    return true;
}

void *o2c_row_map_next(const struct row_map *map, uint64_t hash, size_t *at)
{
    const struct row_slot *slot;

    while ((slot = &map->slots[*at & map->mask])->item) {
        ++*at;
        if (slot->hash == hash)
            return slot->item;
    }
    return NULL;
}

void o2c_row_map_prefetch(const struct row_map *map, uint64_t hash)
{
    __builtin_prefetch(&map->slots[hash & map->mask]);
}

void o2c_row_map_prefetch_item(const struct row_map *map, uint64_t hash)
{
    __builtin_prefetch(map->slots[hash & map->mask].item);
}
