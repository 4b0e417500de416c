/*
 * A map with open addressing.  The slots hold the whole hash, so that an item
 * is looked at only when it is most probably the one.
 */
#include "consumers/host/rows_private.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/banned.h"

enum {
    SLOTS_MIN = 256
};

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

/* Small batches after a large one pay a few times for its size, not for ever. */
void o2c_row_map_reset(struct row_map *map)
{
    size_t slots = map->mask + 1;

    if (slots > SLOTS_MIN && map->count * 16 < slots) {
        map->count = 0;
        memset(map->slots, 0, slots / 4 * sizeof *map->slots);
        map->mask = slots / 4 - 1;
        return;
    }
    memset(map->slots, 0, slots * sizeof *map->slots);
    map->count = 0;
}

bool o2c_row_map_add(struct row_map *map, uint64_t hash, void *item)
{
    size_t i;

    if (map->count * 2 > map->mask && !resize(map, (map->mask + 1) * 4) &&
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
