#include "schemas/wire/describe.h"

#include "runtime/base/banned.h"

int o2c_enum_parse(const struct o2c_enum *symbols, struct o2c_str text)
{
    for (size_t i = 0; i < symbols->symbol_count; i++)
        if (o2c_str_eq(symbols->symbols[i], text))
            return (int)i;
    return -1;
}

const struct o2c_field *o2c_record_field(const struct o2c_record *record,
                                         struct o2c_str name)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (o2c_str_eq(o2c_str_from(record->fields[i].name), name))
            return &record->fields[i];
    return NULL;
}

size_t o2c_field_item_bytes(const struct o2c_field *field)
{
    static const size_t bytes[] = {
        [O2C_KIND_STRING] = sizeof(struct o2c_str),
        [O2C_KIND_UUID] = sizeof(struct o2c_str),
        [O2C_KIND_BOOLEAN] = sizeof(bool),
        [O2C_KIND_INT] = sizeof(int32_t),
        [O2C_KIND_LONG] = sizeof(int64_t),
        [O2C_KIND_DATE] = sizeof(int32_t),
        [O2C_KIND_TIMESTAMP] = sizeof(int64_t),
        [O2C_KIND_ENUM] = sizeof(int),
    };
    return field->kind == O2C_KIND_RECORD ? field->record->bytes : bytes[field->kind];
}

bool o2c_field_holds_personal_data(const struct o2c_field *field)
{
    const struct o2c_record *record = field->record;

    if (field->pii)
        return true;
    for (size_t i = 0; record && i < record->field_count; i++)
        if (o2c_field_holds_personal_data(&record->fields[i]))
            return true;
    return false;
}

bool o2c_field_is_present(const struct o2c_field *field, const void *body)
{
    const char *at = (const char *)body + field->offset;
    if (!field->optional)
        return true;
    if (field->array || field->kind == O2C_KIND_RECORD)
        return *(const void *const *)at != NULL;
    if (field->kind == O2C_KIND_STRING || field->kind == O2C_KIND_UUID)
        return ((const struct o2c_str *)at)->at != NULL;
    return *(const bool *)((const char *)body + field->beside);
}
