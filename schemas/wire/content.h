/*
 * content.h - what an event says, as hashes: enough to tell a repeat from a
 * conflict, and to name the fields that differ, without keeping the event.
 *
 * The content of an event is its type and all fields but event_id,
 * occurred_at and source.  Its bytes are
 *   16  hash of the type's name and of every field that has not its default
 *    4  hash of the type's name
 *    4  per field in schema order: hash of its value, 0 where it has its default
 * They are stored in bytea columns and compared for years: a field with a
 * default added at the end of a schema (or of a nested record) changes nothing
 * for events that do not use it.
 */
#ifndef O2C_SCHEMAS_WIRE_CONTENT_H
#define O2C_SCHEMAS_WIRE_CONTENT_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/str.h"
#include "schemas/events.h"

enum {
    O2C_CONTENT_HASH_BYTES = 16,
    O2C_CONTENT_MAX_FIELDS = 64, /* the generator refuses records with more */
    O2C_CONTENT_MAX_BYTES = O2C_CONTENT_HASH_BYTES + 4 + 4 * O2C_CONTENT_MAX_FIELDS
};

struct o2c_content {
    uint8_t byte[O2C_CONTENT_MAX_BYTES];
    size_t len;
};

void o2c_content_of(const struct o2c_event *event, struct o2c_content *ret);

/* The bytes as they are stored; borrows from the content. */
struct o2c_str o2c_content_bytes(const struct o2c_content *content);

/* Same type and same fields.  `before` are stored bytes, perhaps of an older schema
 * version. */
bool o2c_content_same(struct o2c_str before, struct o2c_str now);

/*
 * The names of the fields that differ between stored bytes and those of an
 * event of `type`, at most `max_names` of them; just "type" when they are of
 * different types.  Returns how many were written: 0 means the same content.
 */
size_t o2c_content_differs(enum o2c_event_type type, struct o2c_str before,
                           struct o2c_str now, struct o2c_str *ret_names, size_t max_names);

#endif
