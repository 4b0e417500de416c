#include "tests/unit/producers/publish/personal_fields.h"

#include <assert.h>

static size_t visit(const struct o2c_record *record, struct personal_field *field,
                    void (*each)(const struct personal_field *field))
{
    size_t count = 0;

    assert(field->depth < PERSONAL_DEPTH_MAX);
    for (size_t i = 0; i < record->field_count; i++) {
        if (!o2c_field_holds_personal_data(&record->fields[i]))
            continue;
        field->path[field->depth++] = &record->fields[i];
        each(field);
        count++;
        if (record->fields[i].record)
            count += visit(record->fields[i].record, field, each);
        field->depth--;
    }
    return count;
}

size_t personal_fields_each(void (*each)(const struct personal_field *field))
{
    size_t count = 0;

    for (int type = 1; type < O2C_EVENT_TYPE_COUNT; type++) {
        struct personal_field field = {.type =
                                           o2c_event_type_row((enum o2c_event_type)type)};

        count += visit(field.type->record, &field, each);
    }
    return count;
}
