/* "fields" of a mapping: what each field of an event is made of. */

#include <stdio.h>
#include <string.h>

#include "producers/publish/day.h"
#include "producers/publish/map_plan.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

enum {
    MAX_PLUS_DAYS = 36600 /* a century */
};

static bool compile_value(struct map_compile *compile, const json_t *document,
                          const struct o2c_field *field, struct map_value *value);

/* An option of the value, or of the mapping's defaults. */
static const json_t *option(const struct map_compile *compile, const json_t *document,
                            const char *name)
{
    const json_t *own = json_object_get(document, name);
    return own ? own
               : json_object_get(json_object_get(compile->map->document, "defaults"), name);
}

static bool ends_with(const char *text, const char *ending)
{
    size_t len = strlen(text), ending_len = strlen(ending);
    return len >= ending_len && !strcmp(text + len - ending_len, ending);
}

static enum map_as as_of_number(const char *name)
{
    static const struct {
        const char *ending;
        enum map_as as;
    } rows[] = {{"_minor", MAP_AS_MINOR},
                {"_micro", MAP_AS_MICRO},
                {"_milli", MAP_AS_MILLI},
                {"_ppm", MAP_AS_PPM}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (ends_with(name, rows[i].ending))
            return rows[i].as;
    return MAP_AS_INTEGER;
}

static enum map_as as_of_field(const struct o2c_field *field)
{
    switch (field->kind) {
    case O2C_KIND_STRING:
    case O2C_KIND_UUID:
    case O2C_KIND_ENUM:
    case O2C_KIND_RECORD:
        return MAP_AS_TEXT;
    case O2C_KIND_BOOLEAN:
        return MAP_AS_BOOLEAN;
    case O2C_KIND_INT:
    case O2C_KIND_LONG:
        return as_of_number(field->name);
    case O2C_KIND_DATE:
        return MAP_AS_DATE;
    case O2C_KIND_TIMESTAMP:
        return MAP_AS_TIMESTAMP;
    }
    return MAP_AS_TEXT;
}

/* In the order of enum map_as. */
static enum map_as as_by_name(const char *name)
{
    static const char *const names[] = {"text",  "integer", "boolean", "date", "timestamp",
                                        "minor", "micro",   "milli",   "ppm",  "percent"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(names[i], name))
            return (enum map_as)i;
    return MAP_AS_TEXT;
}

static void compile_formats(struct map_compile *compile, const json_t *document,
                            struct map_value *value)
{
    static const struct o2c_str iso[] = {
        {"YYYY-MM-DD", 10}, {"YYYY-MM-DDThh:mm:ssZ", 20}, {"YYYY-MM-DD hh:mm:ss", 19}};
    const json_t *list = option(compile, document, "format");
    struct o2c_str *formats = map_alloc(compile, json_array_size(list), sizeof(*formats));
    struct o2c_err err;
    value->formats = list ? formats : iso;
    value->format_count = list ? 0 : sizeof(iso) / sizeof(iso[0]);
    for (size_t i = 0; formats && i < json_array_size(list); i++) {
        formats[i] = o2c_str_from(json_string_value(json_array_get(list, i)));
        if (o2c_day_pattern_check(formats[i], &err))
            map_complain(compile, "format \"%.*s\": %s", O2C_STR_ARG(formats[i]), err.text);
        value->format_count++;
    }
}

static void compile_clock(struct map_compile *compile, const json_t *document,
                          struct map_value *value)
{
    const char *time = json_string_value(option(compile, document, "time"));
    const char *zone = json_string_value(option(compile, document, "zone"));
    if (time && !o2c_day_time(o2c_str_from(time), &value->second))
        map_complain(compile, "time: \"%s\" is not hh:mm or hh:mm:ss", time);
    if (zone && !o2c_day_zone(o2c_str_from(zone), &value->zone_minutes))
        map_complain(compile, "zone: \"%s\" is not +hh:mm or -hh:mm", zone);
}

static void compile_plus_days(struct map_compile *compile, const json_t *document,
                              struct map_value *value)
{
    const json_t *days = json_object_get(document, "plus_days");
    if (!days)
        return;
    if (value->as != MAP_AS_DATE && value->as != MAP_AS_TIMESTAMP)
        map_complain(compile, "plus_days: only a date has days to add to");
    else if (json_integer_value(days) < -MAX_PLUS_DAYS ||
             json_integer_value(days) > MAX_PLUS_DAYS)
        map_complain(compile, "plus_days: not from -%d to %d", MAX_PLUS_DAYS,
                     MAX_PLUS_DAYS);
    else
        value->plus_days = (int32_t)json_integer_value(days);
}

static enum o2c_rounding rounding_by_name(const char *name)
{
    if (!name || !strcmp(name, "none"))
        return O2C_ROUNDING_NONE;
    if (!strcmp(name, "half_up"))
        return O2C_ROUNDING_HALF_UP;
    return strcmp(name, "half_even") ? O2C_ROUNDING_DOWN : O2C_ROUNDING_HALF_EVEN;
}

static void compile_decimal(struct map_compile *compile, const json_t *document,
                            struct map_value *value)
{
    const char *point = json_string_value(option(compile, document, "decimal_point"));
    const char *thousands = json_string_value(option(compile, document, "thousands"));
    value->decimal.point = *(point ? point : ".");
    value->decimal.thousands = *(thousands ? thousands : "");
    value->decimal.rounding =
        rounding_by_name(json_string_value(option(compile, document, "rounding")));
    if (value->decimal.point == value->decimal.thousands)
        map_complain(compile, "decimal_point and thousands are the same character");
}

static void compile_pairs(struct map_compile *compile, const json_t *document,
                          struct map_value *value)
{
    const json_t *map = json_object_get(document, "map");
    const char *name = json_string_value(map), *from;
    json_t *to;
    if (name)
        map = json_object_get(json_object_get(compile->map->document, "values"), name);
    if (name && !map)
        map_complain(compile, "map: \"%s\" is not among the values of this mapping", name);
    struct map_pair *pairs = map_alloc(compile, json_object_size(map), sizeof(*pairs));
    value->has_pairs = map;
    value->pairs = pairs;
    json_object_foreach((json_t *)(uintptr_t)map, from, to)
    {
        if (!pairs)
            return;
        pairs[value->pair_count++] =
            (struct map_pair){o2c_str_from(from), o2c_str_from(json_string_value(to))};
    }
}

/* Cuts the template at the next "{"; NULL: the end, or it is broken. */
static const char *next_part(struct map_compile *compile, const char *at,
                             struct map_text_part *part)
{
    size_t len = strcspn(at, "{");
    part->literal = (struct o2c_str){at, len};
    if (!at[len])
        return NULL;
    if (at[len + 1] == '{') {
        part->literal.len++;
        return at + len + 2;
    }
    const char *name = at + len + 1, *end = strchr(name, '}');
    char copy[256];
    if (!end || (size_t)(end - name) >= sizeof(copy)) {
        map_complain(compile, "text: a \"{\" is not closed");
        return NULL;
    }
    snprintf(copy, sizeof(copy), "%.*s", (int)(end - name), name);
    part->has_column = map_find_column(compile, copy, &part->column);
    part->column.name = (struct o2c_str){name, (size_t)(end - name)};
    return end + 1;
}

static void compile_text(struct map_compile *compile, const char *text,
                         struct map_value *value)
{
    size_t most = 1;
    for (const char *at = text; *at; at++)
        most += *at == '{';
    struct map_text_part *parts = map_alloc(compile, most, sizeof(*parts));
    for (const char *at = text; parts && at;)
        at = next_part(compile, at, &parts[value->part_count++]);
    value->parts = parts;
}

static void compile_currency(struct map_compile *compile, const json_t *document,
                             struct map_value *value)
{
    const json_t *currency = json_object_get(document, "currency");
    if (!currency)
        return;
    struct o2c_field text = {.name = "currency", .kind = O2C_KIND_STRING};
    value->currency = map_alloc(compile, 1, sizeof(*value->currency));
    size_t len = map_push(compile, ".currency");
    if (value->currency && !compile_value(compile, currency, &text, value->currency))
        value->currency = NULL;
    map_pop(compile, len);
}

static void compile_conversion(struct map_compile *compile, const json_t *document,
                               const struct o2c_field *field, struct map_value *value)
{
    const char *as = json_string_value(json_object_get(document, "as"));
    value->as = as ? as_by_name(as) : as_of_field(field);
    if (value->as == MAP_AS_MINOR && !strcmp(field->name, "currency"))
        map_complain(compile, "as: minor is an amount, but a currency is a text");
    value->fallback = o2c_str_from(json_string_value(json_object_get(document, "default")));
    compile_pairs(compile, document, value);
    if (value->as == MAP_AS_DATE || value->as == MAP_AS_TIMESTAMP)
        compile_formats(compile, document, value);
    compile_clock(compile, document, value);
    compile_plus_days(compile, document, value);
    compile_decimal(compile, document, value);
    compile_currency(compile, document, value);
}

static const struct map_group *group_by_name(struct map_compile *compile, const char *name)
{
    for (size_t i = 0; i < compile->rows->group_count; i++)
        if (!strcmp(compile->rows->groups[i].name, name))
            return &compile->rows->groups[i];
    map_complain(compile, "\"%s\" is not among the groups of these rows", name);
    return NULL;
}

static struct o2c_field item_of(const struct o2c_field *field)
{
    struct o2c_field item = *field;
    item.array = false;
    return item;
}

static void compile_group_rows(struct map_compile *compile, const json_t *document,
                               const struct o2c_field *field, struct map_value *value)
{
    struct o2c_field item = item_of(field);
    const json_t *each = json_object_get(document, "item");
    int outer = compile->current_slot;
    value->group =
        group_by_name(compile, json_string_value(json_object_get(document, "rows")));
    if (!value->group)
        return;
    if (!each) {
        map_complain(compile, "item is missing: what each row makes");
        return;
    }
    compile->current_slot = compile->visible_from = value->group->slot;
    compile->visible_to = value->group->slot + 1 + (int)value->group->joins.count;
    value->items = map_alloc(compile, 1, sizeof(*value->items));
    size_t len = map_push(compile, ".item");
    if (value->items && compile_value(compile, each, &item, value->items))
        value->item_count = 1;
    map_pop(compile, len);
    compile->current_slot = outer;
    compile->visible_from = compile->visible_to = 0;
}

static void compile_list(struct map_compile *compile, const json_t *list,
                         const struct o2c_field *field, struct map_value *value)
{
    struct o2c_field item = item_of(field);
    value->items = map_alloc(compile, json_array_size(list), sizeof(*value->items));
    for (size_t i = 0; value->items && i < json_array_size(list); i++) {
        size_t len = map_push(compile, ".list[%zu]", i);
        if (compile_value(compile, json_array_get(list, i), &item,
                          &value->items[value->item_count]))
            value->item_count++;
        map_pop(compile, len);
    }
}

static enum map_value_kind kind_of(const json_t *document)
{
    static const struct {
        const char *name;
        enum map_value_kind kind;
    } rows[] = {{"column", MAP_VALUE_COLUMN},     {"text", MAP_VALUE_TEXT},
                {"constant", MAP_VALUE_CONSTANT}, {"record", MAP_VALUE_RECORD},
                {"rows", MAP_VALUE_ROWS},         {"list", MAP_VALUE_LIST}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (json_object_get(document, rows[i].name))
            return rows[i].kind;
    return MAP_VALUE_COLUMN; /* just the column's name */
}

static bool fits(struct map_compile *compile, const struct o2c_field *field,
                 enum map_value_kind kind)
{
    bool many = kind == MAP_VALUE_ROWS || kind == MAP_VALUE_LIST;
    bool record = kind == MAP_VALUE_RECORD;
    if (kind == MAP_VALUE_CONSTANT)
        return true;
    if (field->array && !many)
        map_complain(compile, "%s is a list: use rows, list or constant", field->name);
    else if (!field->array && many)
        map_complain(compile, "%s is no list", field->name);
    else if (!field->array && record != (field->kind == O2C_KIND_RECORD))
        map_complain(compile, "%s is %s record", field->name, record ? "no" : "a");
    else
        return true;
    return false;
}

/* What becomes personal data is not shown, whatever else is made of it. */
static void hide(struct map_compile *compile, const struct o2c_field *field,
                 const struct map_column *column)
{
    if (field->pii && !o2c_table_hide(compile->rows->tables[column->slot], column->column))
        map_complain(compile, "no memory");
}

static void hide_parts(struct map_compile *compile, const struct o2c_field *field,
                       const struct map_value *value)
{
    for (size_t i = 0; i < value->part_count; i++)
        if (value->parts[i].has_column)
            hide(compile, field, &value->parts[i].column);
}

static bool compile_value(struct map_compile *compile, const json_t *document,
                          const struct o2c_field *field, struct map_value *value)
{
    const char *column = json_string_value(document);
    value->kind = kind_of(document);
    if (!fits(compile, field, value->kind))
        return false;
    switch (value->kind) {
    case MAP_VALUE_COLUMN:
        if (!column)
            column = json_string_value(json_object_get(document, "column"));
        if (!map_find_column(compile, column, &value->column))
            return false;
        hide(compile, field, &value->column);
        compile_conversion(compile, document, field, value);
        break;
    case MAP_VALUE_TEXT:
        compile_text(compile, json_string_value(json_object_get(document, "text")), value);
        hide_parts(compile, field, value);
        compile_conversion(compile, document, field, value);
        break;
    case MAP_VALUE_CONSTANT:
        value->constant = json_object_get(document, "constant");
        break;
    case MAP_VALUE_RECORD: {
        size_t len = map_push(compile, ".record");
        map_compile_fields(compile, json_object_get(document, "record"), field->record,
                           &value->record);
        map_pop(compile, len);
        break;
    }
    case MAP_VALUE_ROWS:
        compile_group_rows(compile, document, field, value);
        break;
    case MAP_VALUE_LIST:
        compile_list(compile, json_object_get(document, "list"), field, value);
        break;
    }
    return true;
}

/* A field that every event needs and nothing else fills in. */
static bool must_be_mapped(const struct o2c_field *field)
{
    return !field->optional && !field->has_default && !field->envelope;
}

static void check_missing(struct map_compile *compile, const json_t *document,
                          const struct o2c_record *record)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (must_be_mapped(&record->fields[i]) &&
            !json_object_get(document, record->fields[i].name))
            map_complain(compile, "%s is missing: %s cannot be made without it",
                         record->fields[i].name, record->name);
}

void map_compile_fields(struct map_compile *compile, const json_t *document,
                        const struct o2c_record *record, struct map_fields *ret_fields)
{
    const char *name;
    json_t *value;
    ret_fields->fields =
        map_alloc(compile, json_object_size(document), sizeof(*ret_fields->fields));
    if (!ret_fields->fields)
        return;
    check_missing(compile, document, record);
    json_object_foreach((json_t *)(uintptr_t)document, name, value)
    {
        const struct o2c_field *field = o2c_record_field(record, o2c_str_from(name));
        struct map_field *made = &ret_fields->fields[ret_fields->count];
        size_t len = map_push(compile, ".%s", name);
        made->name = name;
        if (!field)
            map_complain(compile, "\"%s\" is no field of %s", name, record->name);
        else if (compile_value(compile, value, field, &made->value))
            ret_fields->count++;
        map_pop(compile, len);
    }
}
