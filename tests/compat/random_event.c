#include "tests/compat/random_event.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/uuid.h"
#include "schemas/units/time.h"

struct making {
    uint64_t *seed;
    enum random_shape shape;
    struct o2c_arena *arena;
};

uint64_t random_next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t random_below(uint64_t *seed, uint64_t limit)
{
    return random_next(seed) % limit;
}

static void *take(const struct making *in, size_t bytes)
{
    void *memory = o2c_arena_zalloc(in->arena, bytes ? bytes : 1);
    assert(memory);
    return memory;
}

static struct o2c_str make_text(const struct making *in)
{
    static const char *const pieces[] = {
        "A-1", "",     "Zürich",           "x", "日本", "0123456789abcdef", "\"\\\n", " ",
        "€",   "ORD-", "\xf0\x9f\x93\xa6", "7"};
    size_t count = random_below(in->seed, 16) ? random_below(in->seed, 4) : 40, len = 0;
    char *text = take(in, count * 16 + 1);
    for (size_t i = 0; i < count; i++) {
        struct o2c_str piece =
            o2c_str_from(pieces[random_below(in->seed, sizeof(pieces) / sizeof(*pieces))]);
        memcpy(text + len, piece.at, piece.len);
        len += piece.len;
    }
    return (struct o2c_str){text, len};
}

static struct o2c_str make_uuid(const struct making *in)
{
    struct o2c_uuid uuid;
    for (size_t i = 0; i < sizeof(uuid.byte); i++)
        uuid.byte[i] = (uint8_t)random_next(in->seed);
    char *text = take(in, O2C_UUID_TEXT + 1);
    o2c_uuid_format(&uuid, text);
    return (struct o2c_str){text, O2C_UUID_TEXT};
}

/* Mostly small, sometimes of any size, now and then a limit. */
static int64_t make_number(const struct making *in, int64_t least, int64_t greatest)
{
    uint64_t span = (uint64_t)greatest - (uint64_t)least;
    switch (random_below(in->seed, 8)) {
    case 0:
        return least;
    case 1:
        return greatest;
    case 2:
    case 3:
        return (int64_t)((uint64_t)least + (span == UINT64_MAX
                                                ? random_next(in->seed)
                                                : random_below(in->seed, span + 1)));
    default:
        return (int64_t)random_below(in->seed, 1000);
    }
}

static void make_record(const struct making *in, const struct o2c_record *record,
                        char *body);

static void make_value(const struct making *in, const struct o2c_field *field, void *at)
{
    switch (field->kind) {
    case O2C_KIND_STRING:
        *(struct o2c_str *)at = make_text(in);
        break;
    case O2C_KIND_UUID:
        *(struct o2c_str *)at = make_uuid(in);
        break;
    case O2C_KIND_BOOLEAN:
        *(bool *)at = random_below(in->seed, 2);
        break;
    case O2C_KIND_INT:
        *(int32_t *)at = (int32_t)make_number(in, INT32_MIN, INT32_MAX);
        break;
    case O2C_KIND_LONG:
        *(int64_t *)at = make_number(in, INT64_MIN, INT64_MAX);
        break;
    case O2C_KIND_DATE:
        *(int32_t *)at = (int32_t)make_number(in, O2C_DATE_MIN, O2C_DATE_MAX);
        break;
    case O2C_KIND_TIMESTAMP:
        *(int64_t *)at = make_number(in, O2C_TIMESTAMP_MIN, O2C_TIMESTAMP_MAX);
        break;
    case O2C_KIND_ENUM:
        *(int *)at = (int)random_below(in->seed, field->symbols->symbol_count);
        break;
    case O2C_KIND_RECORD:
        make_record(in, field->record, at);
        break;
    }
}

static void make_array(const struct making *in, const struct o2c_field *field, char *body)
{
    size_t count = in->shape == RANDOM_SPARSE ? 0
                   : in->shape == RANDOM_FULL ? 2
                                              : random_below(in->seed, 5);
    size_t bytes = o2c_field_item_bytes(field);
    char *items = take(in, count * bytes);
    for (size_t i = 0; i < count; i++)
        make_value(in, field, items + i * bytes);
    *(void **)(body + field->offset) = items;
    *(size_t *)(body + field->beside) = count;
}

static void make_field(const struct making *in, const struct o2c_field *field, char *body)
{
    void *at = body + field->offset;
    if (field->optional && (in->shape == RANDOM_SPARSE ||
                            (in->shape == RANDOM_ANY && random_below(in->seed, 2))))
        return;
    if (field->array) {
        make_array(in, field, body);
        return;
    }
    if (field->optional && field->kind == O2C_KIND_RECORD)
        at = *(void **)at = take(in, field->record->bytes);
    else if (field->optional && field->kind != O2C_KIND_STRING &&
             field->kind != O2C_KIND_UUID)
        *(bool *)(body + field->beside) = true;
    make_value(in, field, at);
}

static void make_record(const struct making *in, const struct o2c_record *record,
                        char *body)
{
    for (size_t i = 0; i < record->field_count; i++)
        make_field(in, &record->fields[i], body);
}

struct o2c_event random_event(uint64_t *seed, enum o2c_event_type type,
                              enum random_shape shape, struct o2c_arena *arena)
{
    const struct o2c_event_type_row *row = o2c_event_type_row(type);
    struct making in = {seed, shape, arena};
    char *body = take(&in, row->record->bytes);
    make_record(&in, row->record, body);
    return o2c_event_of(type, body);
}

static bool same_record(const struct o2c_record *record, const char *a, const char *b,
                        const char **ret_field);

static bool same_value(const struct o2c_field *field, const char *a, const char *b,
                       const char **ret_field)
{
    if (field->kind == O2C_KIND_RECORD)
        return same_record(field->record, a, b, ret_field);
    if (field->kind == O2C_KIND_STRING || field->kind == O2C_KIND_UUID)
        return o2c_str_eq(*(const struct o2c_str *)a, *(const struct o2c_str *)b);
    return !memcmp(a, b, o2c_field_item_bytes(field));
}

static bool same_array(const struct o2c_field *field, const char *a, const char *b,
                       const char **ret_field)
{
    size_t count = *(const size_t *)(a + field->beside),
           bytes = o2c_field_item_bytes(field);
    if (count != *(const size_t *)(b + field->beside))
        return false;
    const char *as = *(const char *const *)(a + field->offset);
    const char *bs = *(const char *const *)(b + field->offset);
    for (size_t i = 0; i < count; i++)
        if (!same_value(field, as + i * bytes, bs + i * bytes, ret_field))
            return false;
    return true;
}

static bool same_field(const struct o2c_field *field, const char *a, const char *b,
                       const char **ret_field)
{
    if (o2c_field_is_present(field, a) != o2c_field_is_present(field, b))
        return false;
    if (!o2c_field_is_present(field, a))
        return true;
    if (field->array)
        return same_array(field, a, b, ret_field);
    a += field->offset;
    b += field->offset;
    if (field->optional && field->kind == O2C_KIND_RECORD) {
        a = *(const char *const *)a;
        b = *(const char *const *)b;
    }
    return same_value(field, a, b, ret_field);
}

static bool same_record(const struct o2c_record *record, const char *a, const char *b,
                        const char **ret_field)
{
    for (size_t i = 0; i < record->field_count; i++) {
        *ret_field = record->fields[i].name;
        if (!same_field(&record->fields[i], a, b, ret_field))
            return false;
    }
    return true;
}

bool same_event(const struct o2c_event *a, const struct o2c_event *b,
                const char **ret_field)
{
    *ret_field = "type";
    return a->type == b->type &&
           same_record(o2c_event_type_row(a->type)->record, a->body, b->body, ret_field);
}
