#include "schemas/generator/schema.h"

#include <ctype.h>
#include <string.h>

#include "runtime/base/banned.h"

enum {
    MAX_NAMED = 64,  /* named types of one file */
    MAX_FIELDS = 64, /* of one record: O2C_CONTENT_MAX_FIELDS */
};

/* One file being read. */
struct reading {
    const char *file, *space;
    struct record *records[MAX_NAMED];
    struct symbols *symbols[MAX_NAMED];
    size_t record_count, symbols_count;
};

/* Common fields of all events; struct o2c_head. */
static const struct {
    const char *name;
    enum kind kind;
    bool optional;
} head_fields[] = {
    {"event_id", KIND_UUID, false},      {"occurred_at", KIND_TIMESTAMP, false},
    {"source", KIND_STRING, false},      {"company_id", KIND_STRING, false},
    {"customer_id", KIND_STRING, false}, {"account_id", KIND_STRING, true},
};

static const char *const reserved[] = {
    "auto",     "bool",   "break",  "case",     "char",   "const",  "continue", "default",
    "do",       "double", "else",   "enum",     "extern", "false",  "float",    "for",
    "goto",     "head",   "if",     "inline",   "int",    "long",   "register", "return",
    "short",    "signed", "sizeof", "static",   "struct", "switch", "true",     "typedef",
    "unsigned", "union",  "void",   "volatile", "while",
};

const char *full_name(const char *space, const char *name)
{
    return pool_printf("%s.%s", space, name);
}

const struct field *record_field(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (!strcmp(record->fields[i].name, name))
            return &record->fields[i];
    return NULL;
}

/* Refuses attributes that would change the meaning without our noticing (aliases, order
 * ...). */
static void only(const struct reading *in, const char *field, const json_t *object,
                 const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (!known[i])
            refuse(in->file, field, "attribute \"%s\" is not supported", key);
    }
}

static const char *text_of(const struct reading *in, const char *field,
                           const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text || !*text)
        refuse(in->file, field, "\"%s\" is missing", key);
    return text;
}

static const char *name_of(const struct reading *in, const char *field,
                           const json_t *object)
{
    const char *name = text_of(in, field, object, "name");
    for (const char *at = name; *at; at++)
        if (!isalpha((unsigned char)*at) && *at != '_' &&
            (at == name || !isdigit((unsigned char)*at)))
            refuse(in->file, field, "\"%s\" is no Avro name without a namespace", name);
    return name;
}

/* A named type used again: by its simple or its full name. */
static bool names(const struct reading *in, const char *text, const char *name)
{
    size_t space = strlen(in->space);
    return !strcmp(text, name) || (!strncmp(text, in->space, space) && text[space] == '.' &&
                                   !strcmp(text + space + 1, name));
}

static bool find_named(const struct reading *in, const char *field, const char *text,
                       struct type *ret)
{
    for (size_t i = 0; i < in->symbols_count; i++)
        if (names(in, text, in->symbols[i]->name)) {
            *ret = (struct type){.kind = KIND_ENUM, .symbols = in->symbols[i]};
            return true;
        }
    for (size_t i = 0; i < in->record_count; i++)
        if (names(in, text, in->records[i]->name)) {
            if (!in->records[i]->complete)
                refuse(in->file, field, "recursive type \"%s\" is not supported", text);
            *ret = (struct type){.kind = KIND_RECORD, .record = in->records[i]};
            return true;
        }
    return false;
}

static void new_name(const struct reading *in, const char *field, const char *name)
{
    struct type unused;
    if (find_named(in, field, name, &unused))
        refuse(in->file, field, "\"%s\" is defined twice", name);
    if (in->record_count == MAX_NAMED || in->symbols_count == MAX_NAMED)
        refuse(in->file, field, "more than %d named types", MAX_NAMED);
}

static struct symbols *read_enum(struct reading *in, const char *field, const json_t *json)
{
    only(in, field, json, (const char *const[]){"type", "name", "doc", "symbols", NULL});
    struct symbols *symbols = pool_alloc(sizeof(*symbols));
    symbols->name = name_of(in, field, json);
    symbols->space = in->space;
    new_name(in, field, symbols->name);
    const json_t *list = json_object_get(json, "symbols");
    symbols->count = json_array_size(list);
    if (!symbols->count)
        refuse(in->file, field, "enum without symbols");
    symbols->at = pool_alloc(symbols->count * sizeof(*symbols->at));
    for (size_t i = 0; i < symbols->count; i++) {
        json_t *entry = json_pack("{s:O}", "name", json_array_get(list, i));
        name_of(in, field, entry);
        json_decref(entry);
        symbols->at[i] = json_string_value(json_array_get(list, i));
        for (size_t k = 0; k < i; k++)
            if (!strcmp(symbols->at[k], symbols->at[i]))
                refuse(in->file, field, "symbol \"%s\" stands twice", symbols->at[i]);
    }
    in->symbols[in->symbols_count++] = symbols;
    return symbols;
}

static struct type read_primitive(const struct reading *in, const char *field,
                                  const char *name, const char *logical)
{
    static const struct {
        const char *name, *logical;
        enum kind kind;
    } kinds[] = {
        {"string", "", KIND_STRING},
        {"string", "uuid", KIND_UUID},
        {"boolean", "", KIND_BOOLEAN},
        {"int", "", KIND_INT},
        {"int", "date", KIND_DATE},
        {"long", "", KIND_LONG},
        {"long", "timestamp-micros", KIND_TIMESTAMP},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(kinds[i].name, name) && !strcmp(kinds[i].logical, logical))
            return (struct type){.kind = kinds[i].kind};
    if (*logical)
        refuse(in->file, field, "type \"%s\" with logicalType \"%s\" is not supported",
               name, logical);
    refuse(in->file, field, "type \"%s\" is not supported", name);
}

static struct record *read_record(struct reading *in, const char *field,
                                  const json_t *json);
static struct type read_type(struct reading *in, const char *field, const json_t *json);

static struct type read_array(struct reading *in, const char *field, const json_t *json)
{
    only(in, field, json, (const char *const[]){"type", "items", NULL});
    struct type type = read_type(in, field, json_object_get(json, "items"));
    if (type.array || type.optional)
        refuse(in->file, field, "an array of %s is not supported",
               type.array ? "arrays" : "unions");
    type.array = true;
    return type;
}

static struct type read_union(struct reading *in, const char *field, const json_t *json)
{
    const char *first = json_string_value(json_array_get(json, 0));
    if (json_array_size(json) != 2 || !first || strcmp(first, "null") != 0)
        refuse(in->file, field, "a union other than [\"null\", type] is not supported");
    struct type type = read_type(in, field, json_array_get(json, 1));
    if (type.optional)
        refuse(in->file, field, "a union in a union is not Avro");
    type.optional = true;
    return type;
}

static struct type read_object_type(struct reading *in, const char *field,
                                    const json_t *json)
{
    const char *name = text_of(in, field, json, "type");
    if (!strcmp(name, "array"))
        return read_array(in, field, json);
    if (!strcmp(name, "enum"))
        return (struct type){.kind = KIND_ENUM, .symbols = read_enum(in, field, json)};
    if (!strcmp(name, "record"))
        return (struct type){.kind = KIND_RECORD, .record = read_record(in, field, json)};
    const char *logical = "";
    if (json_object_get(json, "logicalType"))
        logical = text_of(in, field, json, "logicalType");
    struct type type = read_primitive(in, field, name, logical);
    only(in, field, json, (const char *const[]){"type", "logicalType", NULL});
    return type;
}

static struct type read_type(struct reading *in, const char *field, const json_t *json)
{
    struct type type;
    if (json_is_array(json))
        return read_union(in, field, json);
    if (json_is_object(json))
        return read_object_type(in, field, json);
    const char *name = json_string_value(json);
    if (!name)
        refuse(in->file, field, "its type is missing");
    if (find_named(in, field, name, &type))
        return type;
    return read_primitive(in, field, name, "");
}

static void read_default_text(const struct reading *in, struct field *field,
                              const char *text)
{
    if (!text)
        refuse(in->file, field->name, "its default must be a text");
    field->default_text = text;
    if (field->type.kind != KIND_ENUM) {
        for (const char *at = text; *at; at++)
            if (!isprint((unsigned char)*at) || *at == '"' || *at == '\\')
                refuse(in->file, field->name, "its default must be plain ASCII");
        return;
    }
    const struct symbols *symbols = field->type.symbols;
    for (size_t i = 0; i < symbols->count; i++)
        if (!strcmp(symbols->at[i], text)) {
            field->default_number = (int64_t)i;
            return;
        }
    refuse(in->file, field->name, "its default \"%s\" is no symbol", text);
}

static void read_default_number(const struct reading *in, struct field *field,
                                const json_t *json)
{
    if (!json_is_integer(json))
        refuse(in->file, field->name, "its default must be a whole number");
    field->default_number = json_integer_value(json);
    bool is_int = field->type.kind == KIND_INT || field->type.kind == KIND_DATE;
    if (is_int && field->default_number != (int32_t)field->default_number)
        refuse(in->file, field->name, "its default does not fit an int");
}

static void read_default(const struct reading *in, struct field *field, const json_t *json)
{
    field->has_default = json != NULL;
    if (field->type.optional && !json_is_null(json))
        refuse(in->file, field->name, "an optional field needs the default null");
    if (!json || field->type.optional)
        return;
    if (field->type.array) {
        if (!json_is_array(json) || json_array_size(json))
            refuse(in->file, field->name, "the only default of an array is []");
        return;
    }
    switch (field->type.kind) {
    case KIND_STRING:
    case KIND_ENUM:
        read_default_text(in, field, json_string_value(json));
        return;
    case KIND_BOOLEAN:
        if (!json_is_boolean(json))
            refuse(in->file, field->name, "its default must be true or false");
        field->default_number = json_is_true(json);
        return;
    case KIND_INT:
    case KIND_LONG:
    case KIND_DATE:
    case KIND_TIMESTAMP:
        read_default_number(in, field, json);
        return;
    case KIND_UUID:
    case KIND_RECORD:
        refuse(in->file, field->name, "a default of this type is not supported");
    }
}

static void read_field(struct reading *in, struct field *field, const json_t *json)
{
    if (!json_is_object(json))
        refuse(in->file, NULL, "a field is no object");
    field->name = name_of(in, "?", json);
    only(in, field->name, json,
         (const char *const[]){"name", "type", "default", "doc", "pii", "o2c", NULL});
    for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
        if (!strcmp(reserved[i], field->name))
            refuse(in->file, field->name, "the name is a word of C");
    field->doc = text_of(in, field->name, json, "doc");
    field->type = read_type(in, field->name, json_object_get(json, "type"));
    read_default(in, field, json_object_get(json, "default"));
    const json_t *pii = json_object_get(json, "pii"), *mark = json_object_get(json, "o2c");
    if (pii && !json_is_boolean(pii))
        refuse(in->file, field->name, "\"pii\" must be true or false");
    field->pii = json_is_true(pii);
    if (mark && (!json_string_value(mark) || strcmp(json_string_value(mark), "id") != 0))
        refuse(in->file, field->name, "\"o2c\" of a field can only be \"id\"");
    field->id = mark != NULL;
}

static struct record *read_record(struct reading *in, const char *field, const json_t *json)
{
    struct record *record = pool_alloc(sizeof(*record));
    if (in->record_count)
        only(in, field, json, (const char *const[]){"type", "name", "doc", "fields", NULL});
    record->name = name_of(in, field, json);
    record->space = in->space;
    record->doc = text_of(in, record->name, json, "doc");
    new_name(in, field, record->name);
    in->records[in->record_count++] = record;
    const json_t *fields = json_object_get(json, "fields");
    record->field_count = json_array_size(fields);
    if (!record->field_count || record->field_count > MAX_FIELDS)
        refuse(in->file, field, "record %s has not 1 to %d fields", record->name,
               MAX_FIELDS);
    record->fields = pool_alloc(record->field_count * sizeof(*record->fields));
    for (size_t i = 0; i < record->field_count; i++) {
        read_field(in, &record->fields[i], json_array_get(fields, i));
        if (record_field(record, record->fields[i].name) != &record->fields[i])
            refuse(in->file, record->fields[i].name, "the field stands twice");
    }
    record->complete = true;
    return record;
}

/* An event begins with event_id and as many of the common fields as it has, in their order.
 */
static void find_head(const struct reading *in, struct record *root)
{
    size_t taken = 0, count = sizeof(head_fields) / sizeof(*head_fields);
    for (size_t i = 0; i < count && taken < root->field_count; i++) {
        const struct field *field = &root->fields[taken];
        if (strcmp(field->name, head_fields[i].name) != 0)
            continue;
        if (!taken && i)
            return;
        if (field->type.kind != head_fields[i].kind || field->type.array ||
            field->type.optional != head_fields[i].optional)
            refuse(in->file, field->name, "a common field has not its common type");
        taken++;
    }
    root->head_count = taken;
}

static const char *read_occurred_at(const struct reading *in, const struct record *root,
                                    const json_t *json)
{
    const json_t *mark = json_object_get(json, "o2c");
    if (!mark)
        return NULL;
    only(in, NULL, mark, (const char *const[]){"occurred_at", NULL});
    const char *text = text_of(in, NULL, mark, "occurred_at");
    const struct field *field = record_field(root, text);
    if (strcmp(text, "required") != 0 &&
        (!field || field->type.kind != KIND_TIMESTAMP || field->type.optional))
        refuse(in->file, NULL, "occurred_at must be \"required\" or a timestamp that is");
    return text;
}

struct schema *schema_read(const char *folder, const char *file)
{
    const json_t *json = pool_json(pool_printf("%s/%s", folder, file));
    struct reading in = {.file = file};
    static const char *const known[] = {"type", "name",   "namespace", "doc",
                                        "o2c",  "fields", NULL};
    in.space = text_of(&in, NULL, json, "namespace");
    const char *type = text_of(&in, NULL, json, "type");
    if (strcmp(type, "record") != 0)
        refuse(file, NULL, "the schema is no record");
    only(&in, NULL, json, known);
    struct schema *schema = pool_alloc(sizeof(*schema));
    schema->file = file;
    schema->root = read_record(&in, NULL, json);
    find_head(&in, schema->root);
    schema->occurred_at = read_occurred_at(&in, schema->root, json);
    return schema;
}

size_t type_least_bytes(const struct type *type)
{
    if (type->array || type->optional || type->kind != KIND_RECORD)
        return 1;
    size_t bytes = 0;
    for (size_t i = 0; i < type->record->field_count; i++)
        bytes += type_least_bytes(&type->record->fields[i].type);
    return bytes;
}
