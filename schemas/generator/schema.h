/*
 * schema.h - an .avsc file as the generator sees it.  Everything it does not
 * understand is refused with file and field; nothing is guessed.
 *
 * The generator runs for a moment and gives nothing back: memory lives until
 * exit (pool.c).
 */
#ifndef O2C_SCHEMAS_GENERATOR_SCHEMA_H
#define O2C_SCHEMAS_GENERATOR_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind { /* in the order of enum o2c_kind */
    KIND_STRING,
    KIND_UUID,
    KIND_BOOLEAN,
    KIND_INT,
    KIND_LONG,
    KIND_DATE,
    KIND_TIMESTAMP,
    KIND_ENUM,
    KIND_RECORD,
};

struct symbols {
    const char *name, *space;
    const char **at;
    size_t count;
};

struct record;

struct type {
    enum kind kind; /* of the value; of an array: of its items */
    bool array, optional;
    struct record *record;
    struct symbols *symbols;
};

struct field {
    const char *name, *doc;
    struct type type;
    bool pii, id, has_default;
    int64_t default_number;
    const char *default_text;
};

struct record {
    const char *name, *space, *doc;
    struct field *fields;
    size_t field_count;
    size_t head_count; /* of a root: how many of its first fields are the common ones */
    bool complete;     /* false while it is being read: naming it then is recursion */
};

struct schema {
    const char *file; /* "orders/OrderPlaced.avsc" */
    struct record *root;
    const char *occurred_at; /* NULL, "required" or a field */
};

/* Reads folder/file.  Exits with a message when there is anything it does not support. */
struct schema *schema_read(const char *folder, const char *file);

const struct field *record_field(const struct record *record, const char *name);
const char *full_name(const char *space, const char *name);

/* The fewest bytes a value takes on the wire. */
size_t type_least_bytes(const struct type *type);

/*
 * The schema as text: Avro's parsing canonical form, or (whole) the same with
 * logical types and defaults, which also decide what bytes mean.
 */
char *schema_text(const struct record *record, bool whole);

/* As schema_text whole, but without namespaces: equal for types that share a C type. */
char *shape_of_record(const struct record *record);
char *shape_of_symbols(const struct symbols *symbols);

/* CRC-64-AVRO, 16 hexadecimal digits. */
const char *fingerprint(const char *text);

/* pool.c */
void *pool_alloc(size_t bytes);
void *pool_grow(const void *old, size_t old_bytes, size_t bytes);
char *pool_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *pool_keep(char *text); /* takes over a malloc'ed text */
json_t *pool_json(const char *path);
_Noreturn void refuse(const char *file, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "OrderPlaced" as "order_placed" and "ORDER_PLACED". */
const char *snake(const char *name);
const char *upper(const char *name);

#endif
