/*
 * random_event.h - valid events made from a seed by walking the descriptors,
 * and a comparison of two events field by field: for tests that must hold for
 * every schema, also those written later.
 */
#ifndef O2C_TESTS_COMPAT_RANDOM_EVENT_H
#define O2C_TESTS_COMPAT_RANDOM_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/events.h"

struct o2c_arena;

/* The next number of a sequence that is the same on every machine (splitmix64). */
uint64_t random_next(uint64_t *seed);
uint64_t random_below(uint64_t *seed, uint64_t limit);

enum random_shape {
    RANDOM_ANY,    /* optional fields now and then, arrays of 0 to 4 */
    RANDOM_SPARSE, /* no optional field, arrays empty */
    RANDOM_FULL,   /* every field, arrays of 2 */
};

struct o2c_event random_event(uint64_t *seed, enum o2c_event_type type,
                              enum random_shape shape, struct o2c_arena *arena);

/* False, with the name of the first field that differs, unless both say the same. */
bool same_event(const struct o2c_event *a, const struct o2c_event *b,
                const char **ret_field);

#endif
