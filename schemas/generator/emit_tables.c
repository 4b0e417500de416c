/* Descriptors, the rows of the event types, the topics. */
#include "schemas/generator/emit.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/base/banned.h"

static const char *const kind_names[] = {
    [KIND_STRING] = "STRING",       [KIND_UUID] = "UUID",
    [KIND_BOOLEAN] = "BOOLEAN",     [KIND_INT] = "INT",
    [KIND_LONG] = "LONG",           [KIND_DATE] = "DATE",
    [KIND_TIMESTAMP] = "TIMESTAMP", [KIND_ENUM] = "ENUM",
    [KIND_RECORD] = "RECORD",
};

/* FNV-1a: stands for the field's name in content hashes, so it must never change. */
static uint32_t tag_of(const char *name)
{
    uint32_t tag = 2166136261u;
    for (; *name; name++)
        tag = (tag ^ (unsigned char)*name) * 16777619u;
    return tag;
}

static void check_tags(const struct record *record)
{
    for (size_t i = 0; i < record->field_count; i++)
        for (size_t k = 0; k <= i; k++)
            if (!tag_of(record->fields[i].name) ||
                (k < i && tag_of(record->fields[i].name) == tag_of(record->fields[k].name)))
                refuse(record->name, record->fields[i].name,
                       "its name has the same hash as %s: choose another",
                       record->fields[k].name);
}

static const char *quoted(const char *text)
{
    char *out = pool_alloc(2 * strlen(text) + 3), *at = out;
    *at++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *at++ = '\\';
        *at++ = *text;
    }
    *at = '"';
    return out;
}

static void emit_symbols(FILE *out, const struct symbols *symbols)
{
    const char *name = snake(symbols->name);
    fprintf(out, "static const struct o2c_str %s_symbols[] = {\n", name);
    for (size_t i = 0; i < symbols->count; i++)
        fprintf(out, "    {\"%s\", %zu},\n", symbols->at[i], strlen(symbols->at[i]));
    fprintf(out, "};\nconst struct o2c_enum o2c_%s_enum = {\"%s\", %s_symbols, %zu};\n",
            name, symbols->name, name, symbols->count);
    fprintf(out,
            "struct o2c_str o2c_%s_text(enum o2c_%s value)\n{\n"
            "    assert((size_t)value < %zu);\n    return %s_symbols[value];\n}\n",
            name, name, symbols->count, name);
    fprintf(out,
            "enum o2c_%s o2c_%s_of(struct o2c_str symbol)\n{\n"
            "    int value = o2c_enum_parse(&o2c_%s_enum, symbol);\n\n"
            "    assert(value >= 0);\n    return (enum o2c_%s)value;\n}\n\n",
            name, name, name, name);
}

static const char *flags_of(const struct field *field, bool in_head)
{
    static const char *const envelope[] = {"event_id", "occurred_at", "source"};
    const char *flags = "";
    if (field->type.array)
        flags = pool_printf("%s .array = true,", flags);
    if (field->type.optional)
        flags = pool_printf("%s .optional = true,", flags);
    if (field->has_default)
        flags = pool_printf("%s .has_default = true,", flags);
    if (field->pii)
        flags = pool_printf("%s .pii = true,", flags);
    if (field->id)
        flags = pool_printf("%s .id = true,", flags);
    for (size_t i = 0; in_head && i < sizeof(envelope) / sizeof(*envelope); i++)
        if (!strcmp(envelope[i], field->name))
            flags = pool_printf("%s .envelope = true,", flags);
    return flags;
}

static void emit_field(FILE *out, const struct record *record, const struct field *field)
{
    bool in_head = is_in_head(record, field);
    const struct type *type = &field->type;
    const char *owner = in_head ? "head" : snake(record->name),
               *member = member_name(field);
    fprintf(out, "    {.name = \"%s\", .kind = O2C_KIND_%s,%s\n", field->name,
            kind_names[type->kind], flags_of(field, in_head));
    fprintf(out, "     .offset = offsetof(struct o2c_%s, %s), .tag = 0x%08" PRIx32 ",\n",
            owner, member, tag_of(field->name));
    if (type->array)
        fprintf(out, "     .beside = offsetof(struct o2c_%s, %s_count),\n", owner, member);
    else if (type->optional && is_scalar(type))
        fprintf(out, "     .beside = offsetof(struct o2c_%s, has_%s),\n", owner,
                field->name);
    if (type->kind == KIND_RECORD)
        fprintf(out, "     .record = &%s_record,\n", snake(type->record->name));
    if (type->kind == KIND_ENUM)
        fprintf(out, "     .symbols = &o2c_%s_enum,\n", snake(type->symbols->name));
    if (field->default_number)
        fprintf(out, "     .default_number = INT64_C(%" PRId64 "),\n",
                field->default_number);
    if (field->default_text && type->kind == KIND_STRING)
        fprintf(out, "     .default_text = {\"%s\", %zu},\n", field->default_text,
                strlen(field->default_text));
    fprintf(out, "     .doc = %s},\n", quoted(field->doc));
}

static void emit_record(FILE *out, const struct record *record)
{
    const char *name = snake(record->name);
    check_tags(record);
    fprintf(out, "static const struct o2c_field %s_fields[] = {\n", name);
    for (size_t i = 0; i < record->field_count; i++)
        emit_field(out, record, &record->fields[i]);
    fprintf(out,
            "};\nstatic const struct o2c_record %s_record = {\n"
            "    \"%s\", \"%s\", %s_fields, %zu, sizeof(struct o2c_%s),\n    %s};\n\n",
            name, record->name, full_name(record->space, record->name), name,
            record->field_count, name, quoted(record->doc));
}

static void emit_topics(FILE *out, const struct registry *registry)
{
    fprintf(out, "const struct o2c_topic o2c_topic_rows[] = {\n");
    for (size_t i = 0; i < registry->topic_count; i++) {
        const struct topic *topic = &registry->topics[i];
        fprintf(out,
                "    {\"%s\", O2C_TOPIC_KEY_%s, O2C_PLACEMENT_%s, %d, %s,\n     %s,\n"
                "     %s},\n",
                topic->name, upper(topic->key), upper(topic->placement),
                topic->partition_count, topic->pipeline_records ? "true" : "false",
                quoted(topic->config), quoted(topic->doc));
    }
    fprintf(out, "};\nconst size_t o2c_topic_row_count = %zu;\n\n", registry->topic_count);
}

static void emit_rows(FILE *out, const struct registry *registry)
{
    fprintf(out, "const struct o2c_event_type_row o2c_event_type_rows[] = {\n"
                 "    {.type = O2C_EVENT_NONE},\n");
    for (size_t i = 0; i < registry->type_count; i++) {
        const struct event_type *type = &registry->types[i];
        const char *occurred_at = type->current->schema->occurred_at;
        fprintf(out,
                "    {O2C_%s, \"%s\", \"%s\", &o2c_topic_rows[%td], %d, &%s_record, %s,\n"
                "     %s},\n",
                upper(type->name), type->name, type->full, type->topic - registry->topics,
                type->current->id, snake(type->name),
                type->current->schema->root->head_count ? "true" : "false",
                occurred_at ? quoted(occurred_at) : "NULL");
    }
    fprintf(out, "};\n");
}

void emit_tables(FILE *out, const struct registry *registry, const struct ctypes *types)
{
    fprintf(out, "/* Generated from the .avsc files by schemas/generator. */\n"
                 "#include \"schemas/wire/generated.h\"\n\n#include <assert.h>\n\n");
    for (size_t i = 0; i < types->symbols_count; i++)
        emit_symbols(out, types->symbols[i]);
    for (size_t i = 0; i < types->record_count; i++)
        emit_record(out, types->records[i]);
    emit_topics(out, registry);
    emit_rows(out, registry);
}
