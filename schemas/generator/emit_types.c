/* The structs and enums: schemas/event_types.h. */
#include "schemas/generator/emit.h"

#include <string.h>

#include "runtime/base/banned.h"

static const char *const scalar_names[] = {
    [KIND_STRING] = "struct o2c_str", [KIND_UUID] = "struct o2c_str",
    [KIND_BOOLEAN] = "bool",          [KIND_INT] = "int32_t",
    [KIND_LONG] = "int64_t",          [KIND_DATE] = "int32_t",
    [KIND_TIMESTAMP] = "int64_t",
};

const char *ctype_name(const struct type *type)
{
    if (type->kind == KIND_RECORD)
        return pool_printf("struct o2c_%s", snake(type->record->name));
    if (type->kind == KIND_ENUM)
        return pool_printf("enum o2c_%s", snake(type->symbols->name));
    return scalar_names[type->kind];
}

bool is_scalar(const struct type *type)
{
    return !type->array && type->kind != KIND_STRING && type->kind != KIND_UUID &&
           type->kind != KIND_RECORD;
}

const char *member_name(const struct field *field)
{
    return field->type.kind == KIND_TIMESTAMP ? pool_printf("%s_us", field->name)
                                              : field->name;
}

bool is_in_head(const struct record *record, const struct field *field)
{
    return (size_t)(field - record->fields) < record->head_count;
}

const char *member_of(const struct record *record, const struct field *field)
{
    return pool_printf("x->%s%s", is_in_head(record, field) ? "head." : "",
                       member_name(field));
}

static void add_symbols(struct ctypes *types, const char *file,
                        const struct symbols *symbols)
{
    for (size_t i = 0; i < types->symbols_count; i++) {
        if (strcmp(types->symbols[i]->name, symbols->name) != 0)
            continue;
        if (strcmp(shape_of_symbols(types->symbols[i]), shape_of_symbols(symbols)) != 0)
            refuse(file, NULL, "enum %s is not the same as in another file", symbols->name);
        return;
    }
    types->symbols =
        pool_grow(types->symbols, types->symbols_count * sizeof(*types->symbols),
                  (types->symbols_count + 1) * sizeof(*types->symbols));
    types->symbols[types->symbols_count++] = symbols;
}

static void add_record(struct ctypes *types, const char *file, const struct record *record)
{
    for (size_t i = 0; i < types->record_count; i++) {
        if (strcmp(types->records[i]->name, record->name) != 0)
            continue;
        if (strcmp(shape_of_record(types->records[i]), shape_of_record(record)) != 0)
            refuse(file, NULL, "record %s is not the same as in another file",
                   record->name);
        return;
    }
    for (size_t i = 0; i < record->field_count; i++) {
        const struct type *type = &record->fields[i].type;
        if (type->kind == KIND_ENUM)
            add_symbols(types, file, type->symbols);
        if (type->kind == KIND_RECORD)
            add_record(types, file, type->record);
    }
    types->records =
        pool_grow(types->records, types->record_count * sizeof(*types->records),
                  (types->record_count + 1) * sizeof(*types->records));
    types->records[types->record_count++] = record;
}

/* enum o2c_x beside struct o2c_x, or one constant twice, would not compile: say it here. */
static void check_clashes(const struct ctypes *types)
{
    for (size_t i = 0; i < types->record_count; i++)
        for (size_t k = 0; k < types->symbols_count; k++)
            if (!strcmp(snake(types->records[i]->name), snake(types->symbols[k]->name)))
                refuse("schemas", NULL, "%s is a record and an enum",
                       types->records[i]->name);
}

void ctypes_collect(struct ctypes *types, const struct registry *registry)
{
    for (size_t i = 0; i < registry->type_count; i++)
        add_record(types, registry->types[i].current->file,
                   registry->types[i].current->schema->root);
    for (size_t i = 0; i < registry->type_count; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(registry->types[i].name, registry->types[k].name))
                refuse(registry->types[i].current->file, NULL,
                       "an event of this name stands on another topic");
    check_clashes(types);
}

static void emit_symbols(FILE *out, const struct symbols *symbols)
{
    const char *name = snake(symbols->name), *constant = upper(symbols->name);
    fprintf(out, "enum o2c_%s {\n", name);
    for (size_t i = 0; i < symbols->count; i++)
        fprintf(out, "    O2C_%s_%s = %zu,\n", constant, upper(symbols->at[i]), i);
    fprintf(out, "};\nextern const struct o2c_enum o2c_%s_enum;\n", name);
    fprintf(out, "struct o2c_str o2c_%s_text(enum o2c_%s value); /* its symbol */\n", name,
            name);
    fprintf(
        out,
        "enum o2c_%s o2c_%s_of(struct o2c_str symbol); /* the symbol must be one */\n\n",
        name, name);
}

static void emit_member(FILE *out, const struct field *field)
{
    const struct type *type = &field->type;
    const char *name = member_name(field), *ctype = ctype_name(type);
    if (type->array)
        fprintf(out, "    const %s *%s; /* %s */\n    size_t %s_count;\n", ctype, name,
                field->doc, name);
    else if (type->optional && type->kind == KIND_RECORD)
        fprintf(out, "    const %s *%s; /* %s */\n", ctype, name, field->doc);
    else
        fprintf(out, "    %s %s; /* %s */\n", ctype, name, field->doc);
    if (type->optional && is_scalar(type))
        fprintf(out, "    bool has_%s;\n", field->name);
}

static void emit_record(FILE *out, const struct record *record)
{
    fprintf(out, "/* %s */\nstruct o2c_%s {\n", record->doc, snake(record->name));
    if (record->head_count)
        fprintf(out, "    struct o2c_head head;\n");
    for (size_t i = record->head_count; i < record->field_count; i++)
        emit_member(out, &record->fields[i]);
    fprintf(out, "};\n\n");
}

static void emit_event(FILE *out, const struct registry *registry)
{
    fprintf(out, "enum o2c_event_type {\n    O2C_EVENT_NONE = 0,\n");
    for (size_t i = 0; i < registry->type_count; i++)
        fprintf(out, "    O2C_%s, /* %s */\n", upper(registry->types[i].name),
                registry->types[i].topic->name);
    fprintf(out, "    O2C_EVENT_TYPE_COUNT\n};\n\n");
    fprintf(out, "/* One event: which type it is, and its fields. */\n"
                 "struct o2c_event {\n    enum o2c_event_type type;\n    union {\n"
                 "        const void *body;\n");
    for (size_t i = 0; i < registry->type_count; i++)
        fprintf(out, "        const struct o2c_%s *%s;\n", snake(registry->types[i].name),
                snake(registry->types[i].name));
    fprintf(out, "    };\n    const struct o2c_head *head; /* the first member of the body;"
                 " NULL for state records */\n};\n\n");
}

void emit_types(FILE *out, const struct registry *registry, const struct ctypes *types)
{
    fprintf(out,
            "/* Generated from the .avsc files by schemas/generator; include"
            " schemas/events.h. */\n"
            "#ifndef O2C_SCHEMAS_EVENT_TYPES_H\n#define O2C_SCHEMAS_EVENT_TYPES_H\n\n"
            "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n"
            "#include \"runtime/base/str.h\"\n#include \"schemas/wire/describe.h\"\n\n");
    for (size_t i = 0; i < types->symbols_count; i++)
        emit_symbols(out, types->symbols[i]);
    for (size_t i = 0; i < types->record_count; i++)
        emit_record(out, types->records[i]);
    emit_event(out, registry);
    fprintf(out, "#endif\n");
}
