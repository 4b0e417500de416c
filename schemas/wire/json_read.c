#include "schemas/wire/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/uuid.h"
#include "schemas/units/time.h"
#include "schemas/wire/json_canonical.h"

#include "runtime/base/banned.h"

enum {
    PATH_BYTES = 192,
    VALUE_BYTES = 60,
    EXPECTED_BYTES = 400
};

struct reading {
    const struct o2c_event_type_row *row;
    const struct o2c_json_given *given;
    struct o2c_arena *arena;
    o2c_json_fault_fn *on_fault;
    void *user;
    size_t fault_count;
    bool no_memory;
    char path[PATH_BYTES];
    char first[O2C_ERR_TEXT]; /* the first fault, without its value */
};

/* A text that was cut may end within a character. */
static void trim(char *text)
{
    while (!o2c_str_is_text(o2c_str_from(text)))
        text[strlen(text) - 1] = '\0';
}

/* Longer paths are cut; the returned length takes the path back to where it was. */
static size_t enter(struct reading *in, const char *fmt, ...) O2C_PRINTF(2, 3);
static size_t enter(struct reading *in, const char *fmt, ...)
{
    size_t before = strlen(in->path);
    va_list args;
    va_start(args, fmt);
    vsnprintf(in->path + before, sizeof(in->path) - before, fmt, args);
    va_end(args);
    trim(in->path);
    return before;
}

static void leave(struct reading *in, size_t before)
{
    in->path[before] = '\0';
}

struct excerpt {
    char text[VALUE_BYTES + 4];
    size_t len;
    bool full;
};

/* Stops the dump when there is enough; jansson may call once more all the same. */
static int excerpt_more(const char *bytes, size_t len, void *user)
{
    struct excerpt *to = user;
    if (to->full)
        return -1;
    size_t fits = VALUE_BYTES - to->len;
    memcpy(to->text + to->len, bytes, len < fits ? len : fits);
    to->len += len < fits ? len : fits;
    if (len <= fits)
        return 0;
    while (to->len && (to->text[to->len - 1] & 0xC0) == 0x80)
        to->len--;
    if (to->len && (to->text[to->len - 1] & 0x80))
        to->len--;
    to->full = true;
    memcpy(to->text + to->len, "...", 3);
    to->len += 3;
    return -1;
}

static void note_first(struct reading *in, const char *expected)
{
    char path[VALUE_BYTES];
    snprintf(path, sizeof(path), "%.*s", (int)sizeof(path) - 1, in->path);
    trim(path);
    snprintf(in->first, sizeof(in->first), "%s: expected %.150s", path, expected);
    trim(in->first);
}

static void tell(struct reading *in, const char *value, const char *expected)
{
    if (!in->fault_count++)
        note_first(in, expected);
    struct o2c_json_fault told = {in->path, value, expected};
    if (in->on_fault)
        in->on_fault(in->user, &told);
}

/* The text of a number that jansson cannot hold; NULL: the value is none. */
static const json_t *number_of(const json_t *value)
{
    const json_t *text = json_object_get(value, O2C_JSON_NUMBER);
    return json_is_string(text) && json_object_size(value) == 1 ? text : NULL;
}

static void fault(struct reading *in, const json_t *value, const char *expected)
{
    struct excerpt excerpt = {.len = 0};
    const json_t *number = number_of(value);
    if (number)
        excerpt_more(json_string_value(number), json_string_length(number), &excerpt);
    else if (value)
        json_dump_callback(value, excerpt_more, &excerpt, JSON_ENCODE_ANY | JSON_COMPACT);
    excerpt.text[excerpt.len] = '\0';
    tell(in, excerpt.text, expected);
}

static void fault_of(struct reading *in, const struct o2c_field *field, const json_t *value,
                     const char *expected)
{
    if (value && o2c_field_holds_personal_data(field))
        tell(in, O2C_NOT_SHOWN, expected);
    else
        fault(in, value, expected);
}

/* Of what has no field nobody knows whether it is personal data. */
static void fault_unknown(struct reading *in, const char *expected)
{
    tell(in, "(not shown)", expected);
}

static void describe_symbols(const struct o2c_enum *symbols, char ret_text[EXPECTED_BYTES])
{
    size_t len = (size_t)snprintf(ret_text, EXPECTED_BYTES, "one of");
    for (size_t i = 0; i < symbols->symbol_count && len < EXPECTED_BYTES; i++)
        len += (size_t)snprintf(ret_text + len, EXPECTED_BYTES - len, "%s %.*s",
                                i ? "," : "", O2C_STR_ARG(symbols->symbols[i]));
}

static void fault_in(struct reading *in, const struct o2c_field *field, const json_t *value)
{
    static const char *const kinds[] = {
        [O2C_KIND_STRING] = "a text",
        [O2C_KIND_UUID] = "a UUID",
        [O2C_KIND_BOOLEAN] = "true or false",
        [O2C_KIND_INT] = "a whole number from -2147483648 to 2147483647",
        [O2C_KIND_LONG] = "a whole number",
        [O2C_KIND_DATE] = "a date like \"2026-01-31\"",
        [O2C_KIND_TIMESTAMP] = "a UTC time like \"2026-01-31T10:20:30Z\"",
        [O2C_KIND_RECORD] = "an object",
    };
    char symbols[EXPECTED_BYTES];
    const char *expected = field->kind == O2C_KIND_ENUM ? symbols : kinds[field->kind];
    if (field->kind == O2C_KIND_ENUM)
        describe_symbols(field->symbols, symbols);
    if (field->kind == O2C_KIND_LONG && number_of(value))
        expected = "a whole number of 64 bits";
    fault_of(in, field, value, expected);
}

static const char a_list[] = "a list of at most 10000 items";

/* value: NULL, or JSON's null */
static void fault_missing(struct reading *in, const struct o2c_field *field,
                          const json_t *value)
{
    if (field->array)
        fault_of(in, field, value, a_list);
    else
        fault_in(in, field, value);
}

static void *take(struct reading *in, size_t bytes)
{
    void *memory = o2c_arena_zalloc(in->arena, bytes ? bytes : 1);
    if (!memory)
        in->no_memory = true;
    return memory;
}

static bool copy_text(struct reading *in, struct o2c_str text, struct o2c_str *ret)
{
    if (!o2c_str_is_text(text))
        return false;
    if (!o2c_arena_copy(in->arena, text, ret))
        in->no_memory = true;
    return true;
}

static bool read_uuid(struct reading *in, struct o2c_str text, struct o2c_str *ret)
{
    struct o2c_uuid uuid;
    return o2c_uuid_parse(text, &uuid) && copy_text(in, text, ret);
}

static bool read_symbol(const struct o2c_enum *symbols, struct o2c_str text, int *ret)
{
    int index = text.at ? o2c_enum_parse(symbols, text) : -1;
    if (index >= 0)
        *ret = index;
    return index >= 0;
}

static bool read_int(const json_t *value, int32_t *ret)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < INT32_MIN || number > INT32_MAX)
        return false;
    *ret = (int32_t)number;
    return true;
}

/* A text, number, boolean or symbol; false if the value is none. */
static bool read_plain(struct reading *in, const struct o2c_field *field,
                       const json_t *value, void *at)
{
    struct o2c_str text = {json_string_value(value), json_string_length(value)};
    switch (field->kind) {
    case O2C_KIND_STRING:
        return text.at && copy_text(in, text, at);
    case O2C_KIND_UUID:
        return text.at && read_uuid(in, text, at);
    case O2C_KIND_BOOLEAN:
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value);
    case O2C_KIND_INT:
        return read_int(value, at);
    case O2C_KIND_LONG:
        *(int64_t *)at = json_integer_value(value);
        return json_is_integer(value);
    case O2C_KIND_DATE:
        return text.at && o2c_date_parse(text, at);
    case O2C_KIND_TIMESTAMP:
        return text.at && o2c_timestamp_parse(text, at);
    case O2C_KIND_ENUM:
        return read_symbol(field->symbols, text, at);
    case O2C_KIND_RECORD:
        break;
    }
    return false;
}

static void read_record(struct reading *in, const struct o2c_record *record,
                        const json_t *object, char *body);

static void read_value(struct reading *in, const struct o2c_field *field,
                       const json_t *value, void *at)
{
    if (field->kind == O2C_KIND_RECORD && json_is_object(value))
        read_record(in, field->record, value, at);
    else if (!read_plain(in, field, value, at))
        fault_in(in, field, value);
}

static void read_array(struct reading *in, const struct o2c_field *field,
                       const json_t *value, char *body)
{
    size_t count = json_array_size(value), bytes = o2c_field_item_bytes(field);
    if (!json_is_array(value) || count > O2C_EVENT_MAX_ITEMS) {
        fault_of(in, field, value, a_list);
        return;
    }
    char *items = take(in, count * bytes);
    for (size_t i = 0; items && i < count; i++) {
        size_t before = enter(in, "[%zu]", i);
        read_value(in, field, json_array_get(value, i), items + i * bytes);
        leave(in, before);
    }
    *(const void **)(body + field->offset) = items;
    *(size_t *)(body + field->beside) = count;
}

static bool is_scalar(const struct o2c_field *field)
{
    return !field->array && field->kind != O2C_KIND_STRING &&
           field->kind != O2C_KIND_UUID && field->kind != O2C_KIND_RECORD;
}

static void read_given(struct reading *in, const struct o2c_field *field,
                       const json_t *value, char *body)
{
    void *at = body + field->offset;
    if (field->array) {
        read_array(in, field, value, body);
        return;
    }
    if (field->optional && is_scalar(field))
        *(bool *)(body + field->beside) = true;
    if (field->optional && field->kind == O2C_KIND_RECORD) {
        void *record = take(in, field->record->bytes);
        *(const void **)at = record;
        at = record;
    }
    if (at)
        read_value(in, field, value, at);
}

static void put_default(const struct o2c_field *field, char *body)
{
    void *at = body + field->offset;
    switch (field->kind) {
    case O2C_KIND_STRING:
    case O2C_KIND_UUID:
        *(struct o2c_str *)at = field->default_text;
        break;
    case O2C_KIND_BOOLEAN:
        *(bool *)at = field->default_number != 0;
        break;
    case O2C_KIND_INT:
    case O2C_KIND_DATE:
        *(int32_t *)at = (int32_t)field->default_number;
        break;
    case O2C_KIND_LONG:
    case O2C_KIND_TIMESTAMP:
        *(int64_t *)at = field->default_number;
        break;
    case O2C_KIND_ENUM:
        *(int *)at = (int)field->default_number;
        break;
    case O2C_KIND_RECORD:
        break;
    }
}

/* event_id, occurred_at and source are seen to by complete(). */
static bool is_completed(const struct reading *in, const struct o2c_field *field)
{
    if (!field->envelope)
        return false;
    if (!strcmp(field->name, "source"))
        return in->given->source.at != NULL;
    return strcmp(field->name, "occurred_at") != 0 || !in->row->occurred_at ||
           strcmp(in->row->occurred_at, "required") != 0;
}

static void read_field(struct reading *in, const struct o2c_field *field,
                       const json_t *value, char *body)
{
    size_t before = enter(in, "%s%s", *in->path ? "." : "", field->name);
    if (value && !json_is_null(value))
        read_given(in, field, value, body);
    else if (field->optional || is_completed(in, field))
        ; /* the body is zero: absent */
    else if (!field->has_default)
        fault_missing(in, field, value);
    else if (!field->array)
        put_default(field, body);
    leave(in, before);
}

static void refuse_unknown(struct reading *in, const struct o2c_record *record,
                           const json_t *object, bool root)
{
    char expected[EXPECTED_BYTES];
    snprintf(expected, sizeof(expected), "a field of %s", record->name);
    for (void *at = json_object_iter((json_t *)object); at;
         at = json_object_iter_next((json_t *)object, at)) {
        const char *name = json_object_iter_key(at);
        if (o2c_record_field(record, o2c_str_from(name)) || (root && !strcmp(name, "type")))
            continue;
        size_t before = enter(in, "%s%s", *in->path ? "." : "", name);
        fault_unknown(in, expected);
        leave(in, before);
    }
}

static void read_record(struct reading *in, const struct o2c_record *record,
                        const json_t *object, char *body)
{
    refuse_unknown(in, record, object, record == in->row->record);
    for (size_t i = 0; i < record->field_count; i++)
        read_field(in, &record->fields[i], json_object_get(object, record->fields[i].name),
                   body);
}

static bool derive_id(struct reading *in, const json_t *object, struct o2c_str *ret)
{
    struct o2c_buf text;
    o2c_buf_init(&text, SIZE_MAX / 4);
    o2c_buf_add(&text, in->row->name, strlen(in->row->name) + 1); /* with its 0 */
    o2c_json_canonical(&text, object, "type");
    struct o2c_uuid id = {{0}};
    if (!text.failed)
        id = o2c_uuid_v5(&O2C_UUID_NAMESPACE, text.at, text.len);
    bool made = !text.failed;
    o2c_buf_clear(&text);
    char *at = o2c_arena_alloc(in->arena, O2C_UUID_TEXT + 1);
    if (!made || !at)
        return false;
    o2c_uuid_format(&id, at);
    *ret = (struct o2c_str){at, O2C_UUID_TEXT};
    return true;
}

static int64_t own_moment(const struct reading *in, const char *body)
{
    const struct o2c_record *record = in->row->record;
    const char *name = in->row->occurred_at;
    const struct o2c_field *field =
        name ? o2c_record_field(record, o2c_str_from(name)) : NULL;
    return field ? *(const int64_t *)(body + field->offset) : in->given->now_us;
}

static bool is_given(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return value && !json_is_null(value);
}

static void complete(struct reading *in, const json_t *object, struct o2c_head *head)
{
    if (!is_given(object, "occurred_at"))
        head->occurred_at_us = own_moment(in, (const char *)head);
    if (!head->source.at && !o2c_arena_copy(in->arena, in->given->source, &head->source))
        in->no_memory = true;
    if (!head->event_id.at && !derive_id(in, object, &head->event_id))
        in->no_memory = true;
}

static const struct o2c_event_type_row *find_row(struct reading *in, const json_t *object)
{
    const json_t *type = json_object_get(object, "type");
    struct o2c_str name = {json_string_value(type), json_string_length(type)};
    const struct o2c_event_type_row *row = NULL;
    if (name.at)
        row = o2c_event_type_row(o2c_event_type_by_name(name));
    if (json_is_object(object) && !row) {
        size_t before = enter(in, "type");
        fault(in, type, "the name of an event type");
        leave(in, before);
    } else if (!row)
        fault_unknown(in, "an object");
    return row;
}

static enum o2c_verdict outcome(const struct reading *in, struct o2c_err *err)
{
    const char *name = in->row ? in->row->name : "event";
    if (in->fault_count > 1)
        return o2c_fail(err, O2C_PARK, "%s: %s (and %zu more)", name, in->first,
                        in->fault_count - 1);
    if (in->fault_count)
        return o2c_fail(err, O2C_PARK, "%s: %s", name, in->first);
    if (in->no_memory)
        return o2c_fail(err, O2C_RETRY, "%s: no memory for it", name);
    return O2C_OK;
}

enum o2c_verdict o2c_event_from_json(const json_t *object,
                                     const struct o2c_json_given *given,
                                     struct o2c_arena *arena, o2c_json_fault_fn *on_fault,
                                     void *user, struct o2c_event *ret_event,
                                     struct o2c_err *err)
{
    struct reading in = {
        .given = given, .arena = arena, .on_fault = on_fault, .user = user};
    in.row = find_row(&in, object);
    char *body = in.row ? take(&in, in.row->record->bytes) : NULL;
    if (body) {
        read_record(&in, in.row->record, object, body);
        if (in.row->has_head && !in.fault_count && !in.no_memory)
            complete(&in, object, (struct o2c_head *)body);
    }
    if (outcome(&in, err))
        return err->verdict;
    *ret_event = o2c_event_of(in.row->type, body);
    return O2C_OK;
}
