/* Straight-line encoders of the present versions. */
#include "schemas/generator/emit.h"

#include <string.h>

#include "runtime/base/banned.h"

static const char *put_call(const struct type *type, const char *value, const char *field)
{
    switch (type->kind) {
    case KIND_STRING:
        return pool_printf("o2c_avro_put_string(to, %s, %s)", value, field);
    case KIND_UUID:
        return pool_printf("o2c_avro_put_uuid(to, %s, %s)", value, field);
    case KIND_BOOLEAN:
        return pool_printf("o2c_avro_put_boolean(to, %s)", value);
    case KIND_INT:
    case KIND_LONG:
        return pool_printf("o2c_avro_put_long(to, %s)", value);
    case KIND_DATE:
        return pool_printf("o2c_avro_put_date(to, %s, %s)", value, field);
    case KIND_TIMESTAMP:
        return pool_printf("o2c_avro_put_timestamp(to, %s, %s)", value, field);
    case KIND_ENUM:
        return pool_printf("o2c_avro_put_enum(to, (int64_t)%s, %zu, %s)", value,
                           type->symbols->count, field);
    case KIND_RECORD:
        return pool_printf("write_%s(to, &%s)", snake(type->record->name), value);
    }
    return "";
}

static void emit_array(FILE *out, const struct field *field, const char *member,
                       const char *pad)
{
    const char *quoted = pool_printf("\"%s\"", field->name);
    fprintf(out, "%so2c_avro_put_items(to, %s_count, %s, %s);\n", pad, member, member,
            quoted);
    fprintf(out, "%sfor (size_t i = 0; i < %s_count && !to->fault.failed; i++) {\n", pad,
            member);
    fprintf(out, "%s    %s;\n", pad,
            put_call(&field->type, pool_printf("%s[i]", member), quoted));
    fprintf(out, "%s    %s(&to->fault, %s, i);\n%s}\n", pad,
            field->type.kind == KIND_RECORD ? "o2c_avro_within_item" : "o2c_avro_at_item",
            quoted, pad);
    fprintf(out, "%sif (%s_count)\n%s    o2c_avro_put_long(to, 0);\n", pad, member, pad);
}

static void emit_value(FILE *out, const struct field *field, const char *member,
                       const char *pad)
{
    const struct type *type = &field->type;
    const char *quoted = pool_printf("\"%s\"", field->name);
    if (type->array) {
        emit_array(out, field, member, pad);
        return;
    }
    if (type->kind == KIND_RECORD && type->optional)
        member = pool_printf("(*%s)", member);
    fprintf(out, "%s%s;\n", pad, put_call(type, member, quoted));
    if (type->kind == KIND_RECORD)
        fprintf(out, "%so2c_avro_within(&to->fault, %s);\n", pad, quoted);
}

static const char *presence(const struct field *field, const char *member)
{
    if (is_scalar(&field->type))
        return pool_printf("x->has_%s", field->name);
    if (field->type.array || field->type.kind == KIND_RECORD)
        return pool_printf("%s != NULL", member);
    return pool_printf("%s.at != NULL", member);
}

static void emit_fields(FILE *out, const struct record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        const char *member = member_of(record, field);
        if (!field->type.optional) {
            emit_value(out, field, member, "    ");
            continue;
        }
        const char *present = presence(field, member);
        fprintf(out, "    o2c_avro_put_long(to, %s);\n    if (%s) {\n", present, present);
        emit_value(out, field, member, "        ");
        fprintf(out, "    }\n");
    }
}

void emit_writers(FILE *out, const struct registry *registry, const struct ctypes *types)
{
    fprintf(out, "/* Generated from the .avsc files by schemas/generator. */\n"
                 "#include \"schemas/wire/generated.h\"\n\n");
    for (size_t i = 0; i < types->record_count; i++) {
        const struct record *record = types->records[i];
        fprintf(out,
                "static void write_%s(struct o2c_avro_writer *to,"
                " const struct o2c_%s *x)\n{\n",
                snake(record->name), snake(record->name));
        emit_fields(out, record);
        fprintf(out, "}\n\n");
    }
    for (size_t i = 0; i < registry->type_count; i++) {
        const char *name = snake(registry->types[i].name);
        fprintf(out,
                "static void put_%s(struct o2c_avro_writer *to, const void *body)\n"
                "{\n    write_%s(to, body);\n}\n\n",
                name, name);
    }
    fprintf(out, "o2c_write_fn *const o2c_writers[] = {\n    NULL,\n");
    for (size_t i = 0; i < registry->type_count; i++)
        fprintf(out, "    put_%s,\n", snake(registry->types[i].name));
    fprintf(out, "};\n");
}
