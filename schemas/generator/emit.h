/* emit.h - writes the C that the schemas mean: event_types.h and three .c files. */
#ifndef O2C_SCHEMAS_GENERATOR_EMIT_H
#define O2C_SCHEMAS_GENERATOR_EMIT_H

#include <stdio.h>

#include "schemas/generator/registry.h"

/*
 * The named types that have a C type, each once, those that others contain
 * first.  Types of one name in several files or namespaces share it and must
 * be the same.
 */
struct ctypes {
    const struct symbols **symbols;
    const struct record **records;
    size_t symbols_count, record_count;
};

void ctypes_collect(struct ctypes *types, const struct registry *registry);

/* "struct o2c_order_line" and so on: of one value, not of the array. */
const char *ctype_name(const struct type *type);

/* "x->head.source", "x->placed_at_us": how generated code names a field of the record. */
const char *member_of(const struct record *record, const struct field *field);
const char *member_name(const struct field *field);

/* Number, boolean or enum: absence is told by a bool beside it. */
bool is_scalar(const struct type *type);
bool is_in_head(const struct record *record, const struct field *field);

void emit_types(FILE *out, const struct registry *registry, const struct ctypes *types);
void emit_readers(FILE *out, const struct registry *registry);
void emit_writers(FILE *out, const struct registry *registry, const struct ctypes *types);
void emit_tables(FILE *out, const struct registry *registry, const struct ctypes *types);

#endif
