/*
 * personal_fields.h - every field of every event that holds personal data, for
 * tests that none of them is ever shown.
 */
#ifndef O2C_TESTS_PERSONAL_FIELDS_H
#define O2C_TESTS_PERSONAL_FIELDS_H

#include <stddef.h>

#include "schemas/events.h"

enum {
    PERSONAL_DEPTH_MAX = 4
};

/* From the event's own field down to the one marked, or to a record that holds such. */
struct personal_field {
    const struct o2c_event_type_row *type;
    const struct o2c_field *path[PERSONAL_DEPTH_MAX];
    size_t depth;
};

/* How many there were. */
size_t personal_fields_each(void (*each)(const struct personal_field *field));

#endif
