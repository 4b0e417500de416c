/*
 * Straight-line decoders, one per schema id.  A record that an older version
 * wrote is read in its own order into the present struct: what the struct does
 * not know is skipped, what the bytes do not have gets its default.
 */
#include "schemas/generator/emit.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/base/banned.h"

/* Functions written so far, so that equal nested records share one. */
struct function {
    const char *what; /* writer and reader shape */
    const char *name;
};

struct readers {
    FILE *out;
    int id; /* schema id being written */
    struct function *functions;
    size_t count;
};

/* The name given to this pair before; NULL: it is new and now called `name`. */
static const char *known(struct readers *to, const char *what, const char *name)
{
    for (size_t i = 0; i < to->count; i++)
        if (!strcmp(to->functions[i].what, what))
            return to->functions[i].name;
    to->functions = pool_grow(to->functions, to->count * sizeof(*to->functions),
                              (to->count + 1) * sizeof(*to->functions));
    to->functions[to->count++] = (struct function){what, name};
    return NULL;
}

static const char *shape(const struct type *type)
{
    if (type->kind == KIND_RECORD)
        return shape_of_record(type->record);
    return type->kind == KIND_ENUM ? shape_of_symbols(type->symbols)
                                   : pool_printf("%d", type->kind);
}

static const char *kind_call(enum kind kind)
{
    static const char *const calls[] = {
        [KIND_STRING] = "string",       [KIND_UUID] = "uuid",
        [KIND_BOOLEAN] = "boolean",     [KIND_INT] = "int",
        [KIND_LONG] = "long",           [KIND_DATE] = "date",
        [KIND_TIMESTAMP] = "timestamp",
    };
    return calls[kind];
}

static bool same_order(const struct symbols *writer, const struct symbols *reader)
{
    for (size_t i = 0; i < writer->count; i++)
        if (i >= reader->count || strcmp(writer->at[i], reader->at[i]) != 0)
            return false;
    return true;
}

/* Where the symbols have moved: a table from the writer's index to the reader's. */
static const char *emit_symbol_map(struct readers *to, const struct symbols *writer,
                                   const struct symbols *reader)
{
    const char *name = pool_printf("%s_symbols_of_%d", snake(reader->name), to->id);
    const char *what =
        pool_printf("map %s %s", shape_of_symbols(writer), shape_of_symbols(reader));
    const char *before = known(to, what, name);
    if (before)
        return before;
    fprintf(to->out, "static const enum o2c_%s %s[] = {\n", snake(reader->name), name);
    for (size_t i = 0; i < writer->count; i++)
        fprintf(to->out, "    O2C_%s_%s,\n", upper(reader->name), upper(writer->at[i]));
    fprintf(to->out, "};\n\n");
    return name;
}

/* The expression that reads one string, number, boolean or enum. */
static const char *value_call(struct readers *to, const struct type *writer,
                              const struct type *reader, const char *field)
{
    if (writer->kind != KIND_ENUM)
        return pool_printf("o2c_avro_%s(in, %s)", kind_call(writer->kind), field);
    const char *index =
        pool_printf("o2c_avro_enum(in, %zu, %s)", writer->symbols->count, field);
    if (!reader)
        return index;
    if (same_order(writer->symbols, reader->symbols))
        return pool_printf("(%s)%s", ctype_name(reader), index);
    return pool_printf("%s[%s]", emit_symbol_map(to, writer->symbols, reader->symbols),
                       index);
}

static const char *emit_record(struct readers *to, const struct record *writer,
                               const struct record *reader);

/* A function that reads (reader NULL: skips) an array with this kind of items. */
static const char *emit_array(struct readers *to, const struct type *writer,
                              const struct type *reader)
{
    const char *item = NULL, *call = NULL;
    if (writer->kind == KIND_RECORD)
        item = emit_record(to, writer->record, reader ? reader->record : NULL);
    else
        call = value_call(to, writer, reader, "field");
    const char *what =
        pool_printf("array %s %s", shape(writer), reader ? shape(reader) : "-");
    const char *name =
        pool_printf("%s_%s_array_%zu", reader ? "read" : "skip",
                    writer->kind == KIND_RECORD ? snake(writer->record->name)
                    : writer->kind == KIND_ENUM ? snake(writer->symbols->name)
                                                : kind_call(writer->kind),
                    to->count);
    const char *before = known(to, what, name);
    if (before)
        return before;
    struct type least = *writer;
    least.array = least.optional = false;
    const char *ctype = reader ? ctype_name(reader) : "";
    fprintf(to->out, "static void %s(struct o2c_avro_reader *in, const char *field", name);
    if (reader)
        fprintf(to->out, ",\n    const %s **ret_items, size_t *ret_count", ctype);
    fprintf(to->out, ")\n{\n    struct o2c_avro_array array = {.least_wire_bytes = %zu",
            type_least_bytes(&least));
    if (reader)
        fprintf(to->out, ", .item_bytes = sizeof(%s)", ctype);
    fprintf(to->out, "};\n    while (o2c_avro_block(in, &array, field))\n"
                     "        for (; array.read < array.count; array.read++) {\n"
                     "            ");
    const char *at = pool_printf("(%s *)array.items + array.read", ctype);
    if (item && reader)
        fprintf(to->out, "%s(in, %s);\n", item, at);
    else if (item)
        fprintf(to->out, "%s(in);\n", item);
    else if (reader)
        fprintf(to->out, "*(%s) = %s;\n", at, call);
    else
        fprintf(to->out, "(void)%s;\n", call);
    fprintf(to->out,
            "            if (in->fault.failed) {\n"
            "                %s(&in->fault, field, array.read);\n"
            "                break;\n            }\n        }\n",
            item ? "o2c_avro_within_item" : "o2c_avro_at_item");
    if (reader)
        fprintf(to->out, "    *ret_items = array.items;\n    *ret_count = array.count;\n");
    fprintf(to->out, "}\n\n");
    return name;
}

/* Emitted before the function that calls it: everything nested in the field. */
static const char *prepare(struct readers *to, const struct type *writer,
                           const struct type *reader)
{
    if (writer->array)
        return emit_array(to, writer, reader);
    if (writer->kind == KIND_RECORD)
        return emit_record(to, writer->record, reader ? reader->record : NULL);
    return value_call(to, writer, reader, "%s");
}

static void emit_skip(struct readers *to, const struct field *field, const char *nested)
{
    const char *name = field->name, *pad = "    ";
    if (field->type.optional) {
        fprintf(to->out, "    if (o2c_avro_present(in, \"%s\")) {\n", name);
        pad = "        ";
    }
    if (field->type.array)
        fprintf(to->out, "%s%s(in, \"%s\");\n", pad, nested, name);
    else if (field->type.kind == KIND_RECORD)
        fprintf(to->out, "%s%s(in);\n%so2c_avro_within(&in->fault, \"%s\");\n", pad, nested,
                pad, name);
    else
        fprintf(to->out, "%s(void)%s;\n", pad,
                value_call(to, &field->type, NULL, pool_printf("\"%s\"", name)));
    if (field->type.optional)
        fprintf(to->out, "    }\n");
}

static const char *absent(const struct type *type)
{
    if (type->kind == KIND_ENUM)
        return pool_printf("(%s)0", ctype_name(type));
    if (type->kind == KIND_BOOLEAN)
        return "false";
    return is_scalar(type) ? "0" : "(struct o2c_str){NULL, 0}";
}

static void emit_value(struct readers *to, const struct field *from,
                       const struct field *field, const char *member)
{
    const char *call =
        value_call(to, &from->type, &field->type, pool_printf("\"%s\"", from->name));
    const char *condition = pool_printf("o2c_avro_present(in, \"%s\")", from->name);
    if (field->type.optional && is_scalar(&field->type)) {
        fprintf(to->out, "    x->has_%s = %s;\n", field->name,
                from->type.optional ? condition : "true");
        condition = pool_printf("x->has_%s", field->name);
    }
    if (from->type.optional)
        fprintf(to->out, "    %s = %s ? %s : %s;\n", member, condition, call,
                absent(&field->type));
    else
        fprintf(to->out, "    %s = %s;\n", member, call);
}

static void emit_nested(struct readers *to, const struct field *from,
                        const struct field *field, const char *member, const char *nested)
{
    const char *ctype = ctype_name(&field->type), *name = from->name;
    if (!field->type.optional) {
        fprintf(to->out, "    %s(in, &%s);\n    o2c_avro_within(&in->fault, \"%s\");\n",
                nested, member, name);
        return;
    }
    fprintf(to->out, "    %s = NULL;\n", member);
    if (from->type.optional)
        fprintf(to->out, "    if (o2c_avro_present(in, \"%s\"))", name);
    else
        fprintf(to->out, "   ");
    fprintf(to->out, " {\n        %s *item = o2c_avro_alloc(in, sizeof(*item), \"%s\");\n",
            ctype, name);
    fprintf(to->out,
            "        if (item) {\n            %s(in, item);\n"
            "            o2c_avro_within(&in->fault, \"%s\");\n        }\n"
            "        %s = item;\n    }\n",
            nested, name, member);
}

static void emit_items(struct readers *to, const struct field *from, const char *member,
                       const char *nested)
{
    const char *pad = "    ";
    if (from->type.optional) {
        fprintf(to->out, "    %s = NULL;\n    %s_count = 0;\n", member, member);
        fprintf(to->out, "    if (o2c_avro_present(in, \"%s\"))\n", from->name);
        pad = "        ";
    }
    fprintf(to->out, "%s%s(in, \"%s\", &%s, &%s_count);\n", pad, nested, from->name, member,
            member);
}

static void emit_default(struct readers *to, const struct field *field, const char *member)
{
    const struct type *type = &field->type;
    if (type->array) {
        fprintf(to->out, "    %s = %s;\n    %s_count = 0;\n", member,
                type->optional ? "NULL" : "o2c_avro_no_items()", member);
        return;
    }
    if (type->optional && is_scalar(type))
        fprintf(to->out, "    x->has_%s = false;\n", field->name);
    if (type->optional)
        fprintf(to->out, "    %s = %s;\n", member,
                type->kind == KIND_RECORD ? "NULL" : absent(type));
    else if (type->kind == KIND_STRING)
        fprintf(to->out, "    %s = O2C_STR(\"%s\");\n", member, field->default_text);
    else if (type->kind == KIND_ENUM)
        fprintf(to->out, "    %s = O2C_%s_%s;\n", member, upper(type->symbols->name),
                upper(field->default_text));
    else if (type->kind == KIND_LONG || type->kind == KIND_TIMESTAMP)
        fprintf(to->out, "    %s = INT64_C(%" PRId64 ");\n", member, field->default_number);
    else
        fprintf(to->out, "    %s = %" PRId64 ";\n", member, field->default_number);
}

static void emit_fields(struct readers *to, const struct record *writer,
                        const struct record *reader, const char *const *nested)
{
    for (size_t i = 0; i < writer->field_count; i++) {
        const struct field *from = &writer->fields[i];
        const struct field *field = reader ? record_field(reader, from->name) : NULL;
        if (!field) {
            emit_skip(to, from, nested[i]);
            continue;
        }
        const char *member = member_of(reader, field);
        if (from->type.array)
            emit_items(to, from, member, nested[i]);
        else if (from->type.kind == KIND_RECORD)
            emit_nested(to, from, field, member, nested[i]);
        else
            emit_value(to, from, field, member);
    }
    for (size_t i = 0; reader && i < reader->field_count; i++)
        if (!record_field(writer, reader->fields[i].name))
            emit_default(to, &reader->fields[i], member_of(reader, &reader->fields[i]));
}

static const char *const *prepare_fields(struct readers *to, const struct record *writer,
                                         const struct record *reader)
{
    const char **nested = pool_alloc(writer->field_count * sizeof(*nested));
    for (size_t i = 0; i < writer->field_count; i++) {
        const struct field *field =
            reader ? record_field(reader, writer->fields[i].name) : NULL;
        nested[i] = prepare(to, &writer->fields[i].type, field ? &field->type : NULL);
    }
    return nested;
}

/* A function that reads (reader NULL: skips) a nested record. */
static const char *emit_record(struct readers *to, const struct record *writer,
                               const struct record *reader)
{
    const char *const *nested = prepare_fields(to, writer, reader);
    const char *what = pool_printf("record %s %s", shape_of_record(writer),
                                   reader ? shape_of_record(reader) : "-");
    const char *name =
        pool_printf("%s_%s_%zu", reader ? "read" : "skip", snake(writer->name), to->count);
    const char *before = known(to, what, name);
    if (before)
        return before;
    fprintf(to->out, "static void %s(struct o2c_avro_reader *in", name);
    if (reader)
        fprintf(to->out, ", struct o2c_%s *x", snake(reader->name));
    fprintf(to->out, ")\n{\n");
    emit_fields(to, writer, reader, nested);
    fprintf(to->out, "}\n\n");
    return name;
}

static void emit_root(struct readers *to, const struct entry *entry,
                      const struct record *reader)
{
    to->id = entry->id;
    const struct record *writer = entry->schema->root;
    const char *const *nested = prepare_fields(to, writer, reader);
    fprintf(to->out,
            "/* %s */\nstatic void read_id_%d(struct o2c_avro_reader *in, void *body)\n"
            "{\n    struct o2c_%s *x = body;\n",
            entry->file, entry->id, snake(reader->name));
    /* The common fields the type does not have must not be left to chance. */
    if (reader->head_count && reader->head_count < 6)
        fprintf(to->out, "    x->head = (struct o2c_head){0};\n");
    emit_fields(to, writer, reader, nested);
    fprintf(to->out, "}\n\n");
}

void emit_readers(FILE *out, const struct registry *registry)
{
    struct readers to = {.out = out};
    fprintf(out, "/* Generated from the .avsc files by schemas/generator. */\n"
                 "#include \"schemas/wire/generated.h\"\n\n");
    for (size_t i = 0; i < registry->entry_count; i++)
        for (size_t k = 0; k < registry->type_count; k++)
            if (!strcmp(registry->entries[i].name, registry->types[k].full))
                emit_root(&to, &registry->entries[i],
                          registry->types[k].current->schema->root);
    fprintf(out, "const struct o2c_reader_row o2c_reader_rows[] = {\n"
                 "    {O2C_EVENT_NONE, 0, NULL},\n");
    for (size_t i = 0; i < registry->entry_count; i++) {
        const char *name = registry->entries[i].schema->root->name;
        fprintf(out, "    {O2C_%s, sizeof(struct o2c_%s), read_id_%d},\n", upper(name),
                snake(name), registry->entries[i].id);
    }
    fprintf(out, "};\nconst size_t o2c_reader_row_count ="
                 " sizeof(o2c_reader_rows) / sizeof(*o2c_reader_rows);\n");
}
