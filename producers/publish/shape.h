/*
 * shape.h - checks a JSON document against a JSON Schema of the kind
 * map.schema.json is: type, properties, required, additionalProperties, items,
 * enum, const, minItems, minProperties, minLength, maxLength, $ref into $defs,
 * and oneOf over `required` (and `type`) alone.  Any other keyword is a mistake in the
 * schema and asserted.
 */
#ifndef O2C_PUBLISH_SHAPE_H
#define O2C_PUBLISH_SHAPE_H

#include <jansson.h>
#include <stdbool.h>

/* path: "rows[1].events[0].type", "" for the whole document. */
typedef void o2c_shape_fault_fn(void *user, const char *path, const char *what);

/* True when nothing is wrong; otherwise every fault was told. */
bool o2c_shape_check(const json_t *schema, const json_t *document,
                     o2c_shape_fault_fn *on_fault, void *user);

#endif
