/* What a row says, as the JSON object of an event. */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producers/publish/day.h"
#include "producers/publish/intake.h"
#include "producers/publish/map_plan.h"
#include "schemas/events.h"
#include "schemas/units/money.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    MAX_PATH_BYTES = 1024,
    MAX_TEXT_BYTES = 16 << 20,
    SHOWN_BYTES = 60,
};

static json_t *make_value(struct map_eval *eval, const struct map_value *value);

void map_eval_init(struct map_eval *eval, struct o2c_map *map, struct o2c_intake *intake)
{
    *eval = (struct map_eval){.map = map, .intake = intake};
    o2c_buf_init(&eval->path, MAX_PATH_BYTES);
    o2c_arena_init(&eval->texts, MAX_TEXT_BYTES);
}

void map_eval_clear(struct map_eval *eval)
{
    o2c_buf_clear(&eval->path);
    o2c_arena_clear(&eval->texts);
}

struct o2c_str map_cell(const struct map_eval *eval, const struct map_column *column)
{
    const struct o2c_table_row *row = &eval->bound[column->slot];
    return row->fields ? row->fields[column->column] : O2C_STR("");
}

static bool condition_holds(const struct map_eval *eval,
                            const struct map_condition *condition)
{
    struct o2c_str cell = map_cell(eval, &condition->column);
    for (size_t i = 0; i < condition->text_count; i++)
        if (o2c_str_eq(cell, condition->texts[i]))
            return condition->wanted;
    return !condition->wanted;
}

bool map_holds(const struct map_eval *eval, const struct map_when *when)
{
    for (size_t i = 0; i < when->count; i++)
        if (!condition_holds(eval, &when->conditions[i]))
            return false;
    return true;
}

/* Tells a fault at the row that holds the slot; the field's path comes before it. */
static void complain(struct map_eval *eval, int slot, const char *fmt, ...)
{
    const struct o2c_table_row *row = &eval->bound[slot];
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (!row->file)
        row = &eval->bound[0];
    struct o2c_origin origin = {.file = row->file, .line = row->line};
    if (eval->event)
        o2c_intake_fault(eval->intake, &origin, "%s%s: %s", eval->event->type->name,
                         o2c_buf_text(&eval->path), text);
    else
        o2c_intake_fault(eval->intake, &origin, "%s", text);
    eval->failed = true;
}

/* An event without a field that its row has is no event. */
static void no_memory(struct map_eval *eval)
{
    complain(eval, 0, "no memory for the event");
}

static json_t *made(struct map_eval *eval, json_t *json)
{
    if (!json)
        no_memory(eval);
    return json;
}

static void add_member(struct map_eval *eval, json_t *object, const char *name,
                       json_t *member)
{
    if (json_object_set_new(object, name, member))
        no_memory(eval);
}

static void add_item(struct map_eval *eval, json_t *array, json_t *item)
{
    if (item && json_array_append_new(array, item))
        no_memory(eval);
}

static bool is_hidden(const struct map_eval *eval, const struct map_column *column)
{
    return o2c_table_is_hidden(eval->rows->tables[column->slot], column->column);
}

static void complain_of_value(struct map_eval *eval, const struct map_column *column,
                              bool hidden, struct o2c_str text, const char *what)
{
    if (hidden)
        complain(eval, column->slot, "column \"%.*s\": " O2C_NOT_SHOWN " %s",
                 O2C_STR_ARG(column->name), what);
    else
        complain(eval, column->slot, "column \"%.*s\": \"%.*s%s\" %s",
                 O2C_STR_ARG(column->name),
                 (int)(text.len > SHOWN_BYTES ? SHOWN_BYTES : text.len), text.at,
                 text.len > SHOWN_BYTES ? "..." : "", what);
}

static void complain_of_cell(struct map_eval *eval, const struct map_value *value,
                             struct o2c_str text, const char *what)
{
    const struct map_column *column = &value->column;
    bool hidden = value->kind == MAP_VALUE_COLUMN && is_hidden(eval, column);
    for (size_t i = 0; value->kind == MAP_VALUE_TEXT && i < value->part_count; i++)
        if (value->parts[i].has_column) {
            column = &value->parts[i].column;
            hidden = hidden || is_hidden(eval, column);
        }
    complain_of_value(eval, column, hidden, text, what);
}

static void key_of(const struct map_eval *eval, const struct map_key *key,
                   struct o2c_str *ret_values)
{
    for (size_t i = 0; i < key->count; i++)
        ret_values[i] = map_cell(eval, &key->columns[i]);
}

static bool bind_join(struct map_eval *eval, const struct map_join *join)
{
    struct o2c_str values[MAP_MAX_KEYS];
    size_t count, first;
    char what[1024];
    key_of(eval, &join->key, values);
    first = o2c_table_index_find(&join->index, values, &count);
    eval->bound[join->slot] = count ? join->table->rows[join->index.rows[first]]
                                    : (struct o2c_table_row){.fields = NULL};
    if (count || join->may_be_missing)
        return true;
    snprintf(what, sizeof(what), "is not in %s", join->table->shown[0]);
    complain_of_value(eval, &join->key.columns[0],
                      is_hidden(eval, &join->key.columns[0]) ||
                          o2c_table_is_hidden(join->table, join->key.columns_there[0]),
                      values[0], what);
    return false;
}

bool map_bind_joins(struct map_eval *eval, const struct map_joins *joins)
{
    for (size_t i = 0; i < joins->count; i++)
        if (!bind_join(eval, &joins->joins[i]))
            return false;
    return true;
}

static size_t push(struct map_eval *eval, const char *fmt, ...) O2C_PRINTF(2, 3);
static size_t push(struct map_eval *eval, const char *fmt, ...)
{
    size_t len = eval->path.len;
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    o2c_buf_add_text(&eval->path, text);
    return len;
}

static void pop(struct map_eval *eval, size_t len)
{
    eval->path.len = len;
}

/* The template with its columns filled in; a text of empty columns alone is empty. */
static struct o2c_str assemble(struct map_eval *eval, const struct map_value *value)
{
    size_t len = 0, at = 0, filled = 0, columns = 0;
    for (size_t i = 0; i < value->part_count; i++) {
        const struct map_text_part *part = &value->parts[i];
        struct o2c_str cell =
            part->has_column ? map_cell(eval, &part->column) : O2C_STR("");
        len += part->literal.len + cell.len;
        columns += part->has_column;
        filled += cell.len > 0;
    }
    if (columns && !filled)
        return O2C_STR("");
    char *text = o2c_arena_alloc(&eval->texts, len + 1);
    if (!text) {
        no_memory(eval);
        return O2C_STR("");
    }
    for (size_t i = 0; i < value->part_count; i++) {
        const struct map_text_part *part = &value->parts[i];
        struct o2c_str cell =
            part->has_column ? map_cell(eval, &part->column) : O2C_STR("");
        memcpy(text + at, part->literal.at, part->literal.len);
        at += part->literal.len;
        memcpy(text + at, cell.at, cell.len);
        at += cell.len;
    }
    return (struct o2c_str){text, len};
}

/* The value map's answer; false where the text is not in it. */
static bool look_up(const struct map_value *value, struct o2c_str *text)
{
    const struct map_pair *other = NULL;
    if (!value->has_pairs)
        return true;
    for (size_t i = 0; i < value->pair_count; i++) {
        if (o2c_str_eq(value->pairs[i].from, *text)) {
            *text = value->pairs[i].to;
            return true;
        }
        if (o2c_str_eq(value->pairs[i].from, O2C_STR("*")))
            other = &value->pairs[i];
    }
    if (!text->len)
        return true; /* an empty cell needs no entry */
    if (other)
        *text = other->to;
    return other;
}

static json_t *as_day(struct map_eval *eval, const struct map_value *value,
                      struct o2c_str text)
{
    char wanted[160] = "";
    size_t len = 0;
    for (size_t i = 0; i < value->format_count; i++) {
        struct o2c_day day;
        char iso[O2C_TIMESTAMP_TEXT + 1];
        if (!o2c_day_parse(text, value->formats[i], &day)) {
            int more = snprintf(wanted + len, sizeof(wanted) - len, "%s%.*s",
                                len ? " or " : "is no date of the form ",
                                O2C_STR_ARG(value->formats[i]));
            len += more > 0 && len + (size_t)more < sizeof(wanted) ? (size_t)more : 0;
            continue;
        }
        if (day.second < 0)
            day.second = value->second;
        day.days += value->plus_days;
        if (day.days < O2C_DATE_MIN || day.days > O2C_DATE_MAX) {
            complain_of_cell(eval, value, text, "leaves the calendar with plus_days");
            return NULL;
        }
        int64_t moment_us = o2c_day_moment_us(&day, value->zone_minutes);
        if (value->as == MAP_AS_DATE) {
            o2c_date_format(day.days, iso);
        } else if (moment_us < O2C_TIMESTAMP_MIN || moment_us > O2C_TIMESTAMP_MAX) {
            complain_of_cell(eval, value, text, "leaves the calendar with its time zone");
            return NULL;
        } else {
            o2c_timestamp_format(moment_us, iso);
        }
        return made(eval, json_string(iso));
    }
    complain_of_cell(eval, value, text, wanted);
    return NULL;
}

/* Of the event's own field "currency", or of the value the mapping names. */
static int currency_exponent(struct map_eval *eval, const struct map_value *value)
{
    const struct map_fields *fields = &eval->event->fields;
    const struct map_value *currency = value->currency;
    for (size_t i = 0; !currency && i < fields->count; i++)
        if (!strcmp(fields->fields[i].name, "currency"))
            currency = &fields->fields[i].value;
    json_t *code = currency ? make_value(eval, currency) : NULL;
    int exponent = code ? o2c_currency_exponent(o2c_str_from(json_string_value(code))) : -1;
    json_decref(code);
    return exponent;
}

static int places_of(struct map_eval *eval, const struct map_value *value)
{
    switch (value->as) {
    case MAP_AS_MINOR:
        return currency_exponent(eval, value);
    case MAP_AS_MICRO:
    case MAP_AS_PPM:
        return 6;
    case MAP_AS_MILLI:
        return 3;
    case MAP_AS_PERCENT:
        return 4;
    case MAP_AS_TEXT:
    case MAP_AS_INTEGER:
    case MAP_AS_BOOLEAN:
    case MAP_AS_DATE:
    case MAP_AS_TIMESTAMP:
        return 0;
    }
    return 0;
}

static json_t *as_number(struct map_eval *eval, const struct map_value *value,
                         struct o2c_str text)
{
    struct o2c_err err;
    int64_t number;
    int places = places_of(eval, value);
    if (places < 0) {
        complain_of_cell(eval, value, text, "is an amount, but its currency is not known");
        return NULL;
    }
    if (o2c_decimal_parse(text, &value->decimal, places, &number, &err)) {
        complain_of_cell(eval, value, text, err.text);
        return NULL;
    }
    return made(eval, json_integer(number));
}

static json_t *as_boolean(struct map_eval *eval, const struct map_value *value,
                          struct o2c_str text)
{
    if (o2c_str_eq(text, O2C_STR("true")) || o2c_str_eq(text, O2C_STR("1")))
        return json_true();
    if (o2c_str_eq(text, O2C_STR("false")) || o2c_str_eq(text, O2C_STR("0")))
        return json_false();
    complain_of_cell(eval, value, text, "is neither true nor false (a map can say which)");
    return NULL;
}

static json_t *convert(struct map_eval *eval, const struct map_value *value,
                       struct o2c_str text)
{
    if (!look_up(value, &text)) {
        complain_of_cell(eval, value, text, "is not in the value map");
        return NULL;
    }
    if (text.at && !text.len)
        text = value->fallback;
    if (!text.at)
        return NULL;
    switch (value->as) {
    case MAP_AS_TEXT:
        return made(eval, json_stringn(text.at, text.len));
    case MAP_AS_BOOLEAN:
        return as_boolean(eval, value, text);
    case MAP_AS_DATE:
    case MAP_AS_TIMESTAMP:
        return as_day(eval, value, text);
    case MAP_AS_INTEGER:
    case MAP_AS_MINOR:
    case MAP_AS_MICRO:
    case MAP_AS_MILLI:
    case MAP_AS_PPM:
    case MAP_AS_PERCENT:
        return as_number(eval, value, text);
    }
    return NULL;
}

/* NULL where no member has a value: the record is left out as a whole. */
static json_t *make_record(struct map_eval *eval, const struct map_fields *fields)
{
    json_t *object = NULL;
    for (size_t i = 0; i < fields->count; i++) {
        size_t len = push(eval, ".%s", fields->fields[i].name);
        json_t *member = make_value(eval, &fields->fields[i].value);
        if (member && !object)
            object = made(eval, json_object());
        if (member)
            add_member(eval, object, fields->fields[i].name, member);
        pop(eval, len);
    }
    return object;
}

static json_t *make_rows(struct map_eval *eval, const struct map_value *value)
{
    const struct map_group *group = value->group;
    struct o2c_str values[MAP_MAX_KEYS];
    size_t count, first;
    json_t *array = made(eval, json_array());
    key_of(eval, &group->key, values);
    first = o2c_table_index_find(&group->index, values, &count);
    for (size_t i = 0; i < count; i++) {
        eval->bound[group->slot] = group->table->rows[group->index.rows[first + i]];
        size_t len = push(eval, "[%zu]", json_array_size(array));
        if (map_bind_joins(eval, &group->joins) && map_holds(eval, &group->when))
            add_item(eval, array, make_value(eval, value->items));
        pop(eval, len);
    }
    eval->bound[group->slot] = (struct o2c_table_row){.fields = NULL};
    return array;
}

static json_t *make_list(struct map_eval *eval, const struct map_value *value)
{
    json_t *array = made(eval, json_array());
    for (size_t i = 0; i < value->item_count; i++) {
        size_t len = push(eval, "[%zu]", json_array_size(array));
        add_item(eval, array, make_value(eval, &value->items[i]));
        pop(eval, len);
    }
    return array;
}

static json_t *make_value(struct map_eval *eval, const struct map_value *value)
{
    switch (value->kind) {
    case MAP_VALUE_COLUMN:
        return convert(eval, value, map_cell(eval, &value->column));
    case MAP_VALUE_TEXT:
        return convert(eval, value, assemble(eval, value));
    case MAP_VALUE_CONSTANT:
        return json_incref(value->constant);
    case MAP_VALUE_RECORD:
        return make_record(eval, &value->record);
    case MAP_VALUE_ROWS:
        return make_rows(eval, value);
    case MAP_VALUE_LIST:
        return make_list(eval, value);
    }
    return NULL;
}

json_t *map_make_event(struct map_eval *eval, const struct map_event *event)
{
    o2c_arena_reset(&eval->texts);
    o2c_buf_reset(&eval->path);
    eval->event = event;
    eval->failed = false;
    json_t *object = make_record(eval, &event->fields);
    if (!object)
        object = made(eval, json_object());
    add_member(eval, object, "type", made(eval, json_string(event->type->name)));
    eval->event = NULL;
    if (!eval->failed)
        return object;
    json_decref(object);
    return NULL;
}

static const struct map_value *step(const struct map_fields *fields, const char *path,
                                    size_t len)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strlen(fields->fields[i].name) == len &&
            !memcmp(fields->fields[i].name, path, len))
            return &fields->fields[i].value;
    return NULL;
}

const char *map_column_of(const void *user, const char *path)
{
    const struct map_event *event = user;
    const struct map_fields *fields = &event->fields;
    const struct map_value *value = NULL;
    while (*path) {
        size_t len = strcspn(path, ".[");
        value = step(fields, path, len);
        path += len;
        if (!value)
            return "";
        if (*path == '[') {
            size_t i = strtoul(path + 1, NULL, 10);
            bool list = value->kind == MAP_VALUE_LIST && i < value->item_count;
            if (!list && value->kind != MAP_VALUE_ROWS)
                return "";
            value = &value->items[list ? i : 0];
            path += strcspn(path, "]");
            path += *path == ']';
        }
        path += *path == '.';
        fields = &value->record;
    }
    bool column = value && value->kind == MAP_VALUE_COLUMN;
    return column ? value->column.name.at : "";
}
