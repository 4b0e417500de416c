/* May bytes written with an older schema be read as the present one?  Avro's rules, less
 * some: int to long, T to optional T, missing fields from defaults, more symbols. */
#include "schemas/generator/registry.h"

#include <string.h>

#include "runtime/base/banned.h"

static bool kind_fits(enum kind writer, enum kind reader)
{
    return writer == reader || (writer == KIND_INT && reader == KIND_LONG) ||
           (writer == KIND_UUID && reader == KIND_STRING);
}

static void check_symbols(const char *file, const char *field, const struct symbols *writer,
                          const struct symbols *reader)
{
    for (size_t i = 0; i < writer->count; i++) {
        size_t k = 0;
        while (k < reader->count && strcmp(reader->at[k], writer->at[i]) != 0)
            k++;
        if (k == reader->count)
            refuse(file, field,
                   "symbol \"%s\" of %s is gone: bytes with it could not be read",
                   writer->at[i], writer->name);
    }
}

static void check_field(const char *file, const struct field *writer,
                        const struct field *reader)
{
    const struct type *from = &writer->type, *to = &reader->type;
    if (from->array != to->array || !kind_fits(from->kind, to->kind))
        refuse(file, writer->name, "its type has changed: bytes with it could not be read");
    if (from->array && from->kind != to->kind)
        refuse(file, writer->name, "the items of its array have changed");
    if (from->optional && !to->optional)
        refuse(file, writer->name, "it is not optional any more: a null could not be read");
    if (from->kind == KIND_ENUM)
        check_symbols(file, writer->name, from->symbols, to->symbols);
    if (from->kind == KIND_RECORD)
        resolve_check(file, from->record, to->record);
}

void resolve_check(const char *file, const struct record *writer,
                   const struct record *reader)
{
    if (strcmp(writer->name, reader->name) != 0)
        refuse(file, NULL, "record %s was called %s", reader->name, writer->name);
    for (size_t i = 0; i < writer->field_count; i++) {
        const struct field *to = record_field(reader, writer->fields[i].name);
        if (to)
            check_field(file, &writer->fields[i], to);
    }
    for (size_t i = 0; i < reader->field_count; i++)
        if (!record_field(writer, reader->fields[i].name) && !reader->fields[i].has_default)
            refuse(file, reader->fields[i].name,
                   "it has no default and is missing in an older version of %s",
                   reader->name);
}
