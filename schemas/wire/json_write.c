#include "schemas/wire/json.h"

#include "schemas/units/time.h"

#include "runtime/base/banned.h"

static json_t *text_json(struct o2c_str text)
{
    return json_stringn_nocheck(text.at ? text.at : "", text.len);
}

static json_t *date_json(int32_t days)
{
    char text[O2C_DATE_TEXT + 1];
    o2c_date_format(days, text);
    return json_string_nocheck(text);
}

static json_t *timestamp_json(int64_t us)
{
    char text[O2C_TIMESTAMP_TEXT + 1];
    o2c_timestamp_format(us, text);
    return json_string_nocheck(text);
}

static bool add_fields(json_t *object, const struct o2c_record *record, const char *body);

static json_t *record_json(const struct o2c_record *record, const char *body)
{
    json_t *object = json_object();
    if (object && add_fields(object, record, body))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *value_json(const struct o2c_field *field, const char *at)
{
    switch (field->kind) {
    case O2C_KIND_STRING:
    case O2C_KIND_UUID:
        return text_json(*(const struct o2c_str *)at);
    case O2C_KIND_BOOLEAN:
        return json_boolean(*(const bool *)at);
    case O2C_KIND_INT:
        return json_integer(*(const int32_t *)at);
    case O2C_KIND_LONG:
        return json_integer(*(const int64_t *)at);
    case O2C_KIND_DATE:
        return date_json(*(const int32_t *)at);
    case O2C_KIND_TIMESTAMP:
        return timestamp_json(*(const int64_t *)at);
    case O2C_KIND_ENUM:
        return text_json(field->symbols->symbols[*(const int *)at]);
    case O2C_KIND_RECORD:
        return record_json(field->record, at);
    }
    return NULL;
}

static json_t *array_json(const struct o2c_field *field, const char *body)
{
    const char *items = *(const char *const *)(body + field->offset);
    size_t count = *(const size_t *)(body + field->beside),
           bytes = o2c_field_item_bytes(field);
    json_t *array = json_array();
    for (size_t i = 0; array && i < count; i++)
        if (json_array_append_new(array, value_json(field, items + i * bytes)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static bool add_field(json_t *object, const struct o2c_field *field, const char *body)
{
    const char *at = body + field->offset;
    if (!o2c_field_is_present(field, body))
        return true;
    if (field->optional && field->kind == O2C_KIND_RECORD && !field->array)
        at = *(const char *const *)at;
    json_t *value = field->array ? array_json(field, body) : value_json(field, at);
    return json_object_set_new_nocheck(object, field->name, value) == 0;
}

static bool add_fields(json_t *object, const struct o2c_record *record, const char *body)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (!add_field(object, &record->fields[i], body))
            return false;
    return true;
}

json_t *o2c_event_to_json(const struct o2c_event *event)
{
    const struct o2c_event_type_row *row = o2c_event_type_row(event->type);
    json_t *object = row ? json_object() : NULL;
    if (!object)
        return NULL;
    if (json_object_set_new(object, "type", json_string(row->name)) == 0 &&
        add_fields(object, row->record, event->body))
        return object;
    json_decref(object);
    return NULL;
}
