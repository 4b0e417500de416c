#include "schemas/wire/lengths.h"

#include <string.h>

#include "runtime/base/banned.h"

static enum o2c_verdict check_id(const struct o2c_field *field, const struct o2c_str *id,
                                 struct o2c_err *err)
{
    if (id->len <= O2C_ID_MAX_BYTES)
        return O2C_OK;
    return o2c_fail(err, O2C_PARK, "field %s has %zu bytes, an id has at most %d",
                    field->name, id->len, O2C_ID_MAX_BYTES);
}

static enum o2c_verdict check_value(const struct o2c_field *field, const void *at,
                                    struct o2c_err *err)
{
    if (field->kind == O2C_KIND_RECORD)
        return o2c_check_ids(field->record, at, err);
    return check_id(field, at, err);
}

static size_t bytes_of(const struct o2c_field *field)
{
    return field->kind == O2C_KIND_RECORD ? field->record->bytes : sizeof(struct o2c_str);
}

static enum o2c_verdict check_field(const struct o2c_field *field, const char *body,
                                    struct o2c_err *err)
{
    const char *at = body + field->offset;
    size_t count = 1;

    if (field->array) {
        memcpy(&count, body + field->beside, sizeof count);
        memcpy(&at, body + field->offset, sizeof at);
    } else if (field->kind == O2C_KIND_RECORD && field->optional) {
        memcpy(&at, body + field->offset, sizeof at);
    }
    for (size_t i = 0; at && i < count; i++)
        if (check_value(field, at + i * bytes_of(field), err))
            return err->verdict;
    return O2C_OK;
}

enum o2c_verdict o2c_check_ids(const struct o2c_record *record, const void *body,
                               struct o2c_err *err)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct o2c_field *field = &record->fields[i];
        bool id = field->id && field->kind == O2C_KIND_STRING;

        if ((id || field->kind == O2C_KIND_RECORD) && check_field(field, body, err))
            return err->verdict;
    }
    return O2C_OK;
}
