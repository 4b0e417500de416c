/*
 * json_canonical.h - a JSON object as RFC 8785 writes it, for ids derived from
 * content.  Names are sorted as bytes, which is RFC 8785's order for the ASCII
 * names that events have; whole numbers are written digit by digit (RFC 8785
 * agrees up to 2^53); there are no others in an event.
 */
#ifndef O2C_SCHEMAS_WIRE_JSON_CANONICAL_H
#define O2C_SCHEMAS_WIRE_JSON_CANONICAL_H

#include <jansson.h>

struct o2c_buf;

/* Leaves out the member called `without` of the object itself (NULL: none). */
void o2c_json_canonical(struct o2c_buf *out, const json_t *object, const char *without);

#endif
