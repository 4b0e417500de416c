#include "schemas/wire/content.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "runtime/base/hash.h"

#include "runtime/base/banned.h"

/*
 * A value as bytes that mean the same in every schema version: numbers as 8
 * bytes, symbols as text, fields by the tag of their name, defaults left out.
 * Whenever the block is full it is replaced by its hash, so that a value of any
 * size needs no memory; where the borders fall depends on the bytes alone.
 */
struct pouring {
    uint8_t block[2048];
    size_t len;
};

static void pour_over(struct pouring *to, const uint8_t *at, size_t len)
{
    while (len > sizeof(to->block) - to->len) {
        size_t fits = sizeof(to->block) - to->len;
        memcpy(to->block + to->len, at, fits);
        at += fits;
        len -= fits;
        struct o2c_hash128 hash = o2c_hash_128(to->block, sizeof(to->block));
        memcpy(to->block, hash.byte, sizeof(hash.byte));
        to->len = sizeof(hash.byte);
    }
    memcpy(to->block + to->len, at, len);
    to->len += len;
}

static inline void pour(struct pouring *to, const void *bytes, size_t len)
{
    if (len > sizeof(to->block) - to->len) {
        pour_over(to, bytes, len);
        return;
    }
    if (len)
        memcpy(to->block + to->len, bytes, len);
    to->len += len;
}

static void pour_32(struct pouring *to, uint32_t value)
{
    value = htole32(value);
    pour(to, &value, sizeof(value));
}

static void pour_64(struct pouring *to, int64_t value)
{
    uint64_t bytes = htole64((uint64_t)value);
    pour(to, &bytes, sizeof(bytes));
}

static void pour_text(struct pouring *to, struct o2c_str text)
{
    pour_32(to, (uint32_t)text.len);
    pour(to, text.at, text.len);
}

static int64_t number_at(const struct o2c_field *field, const char *at)
{
    switch (field->kind) {
    case O2C_KIND_BOOLEAN:
        return *(const bool *)at;
    case O2C_KIND_INT:
    case O2C_KIND_DATE:
        return *(const int32_t *)at;
    case O2C_KIND_LONG:
    case O2C_KIND_TIMESTAMP:
        return *(const int64_t *)at;
    case O2C_KIND_ENUM:
        return *(const int *)at;
    case O2C_KIND_STRING:
    case O2C_KIND_UUID:
    case O2C_KIND_RECORD:
        break;
    }
    return 0;
}

static bool is_text(const struct o2c_field *field)
{
    return field->kind == O2C_KIND_STRING || field->kind == O2C_KIND_UUID;
}

static bool has_default(const struct o2c_field *field, const char *body)
{
    if (field->optional || !field->has_default)
        return !o2c_field_is_present(field, body);
    const char *at = body + field->offset;
    if (field->array)
        return !*(const size_t *)(body + field->beside);
    if (is_text(field))
        return o2c_str_eq(*(const struct o2c_str *)at, field->default_text);
    return number_at(field, at) == field->default_number;
}

static void pour_record(struct pouring *to, const struct o2c_record *record,
                        const char *body);

static void pour_value(struct pouring *to, const struct o2c_field *field, const char *at)
{
    if (is_text(field))
        pour_text(to, *(const struct o2c_str *)at);
    else if (field->kind == O2C_KIND_RECORD)
        pour_record(to, field->record, at);
    else if (field->kind == O2C_KIND_ENUM)
        pour_text(to, field->symbols->symbols[number_at(field, at)]);
    else
        pour_64(to, number_at(field, at));
}

static void pour_field(struct pouring *to, const struct o2c_field *field, const char *body)
{
    const char *at = body + field->offset;
    if (field->array) {
        size_t count = *(const size_t *)(body + field->beside);
        pour_32(to, (uint32_t)count);
        at = *(const char *const *)at;
        for (size_t i = 0; i < count; i++)
            pour_value(to, field, at + i * o2c_field_item_bytes(field));
        return;
    }
    if (field->kind == O2C_KIND_RECORD && field->optional)
        at = *(const char *const *)at;
    pour_value(to, field, at);
}

static void pour_record(struct pouring *to, const struct o2c_record *record,
                        const char *body)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (has_default(&record->fields[i], body))
            continue;
        pour_32(to, record->fields[i].tag);
        pour_field(to, &record->fields[i], body);
    }
    pour_32(to, 0); /* no field has this tag */
}

/* Never 0, which says that a field has its default. */
static void put_short(uint8_t *to, const void *bytes, size_t len)
{
    uint32_t hash = (uint32_t)o2c_hash_64(bytes, len);
    hash = htole32(hash ? hash : 1);
    memcpy(to, &hash, sizeof(hash));
}

static void pour_top_field(struct pouring *all, const struct o2c_field *field,
                           const char *body, uint8_t *slot)
{
    struct pouring one;
    one.len = 0;
    pour_field(&one, field, body);
    put_short(slot, one.block, one.len);
    pour_32(all, field->tag);
    pour_32(all, (uint32_t)one.len);
    pour(all, one.block, one.len);
}

void o2c_content_of(const struct o2c_event *event, struct o2c_content *ret)
{
    const struct o2c_event_type_row *row = o2c_event_type_row(event->type);
    assert(row && row->record->field_count <= O2C_CONTENT_MAX_FIELDS);
    struct pouring all;
    all.len = 0;
    struct o2c_str name = o2c_str_from(row->full_name);
    uint8_t *slot = ret->byte + O2C_CONTENT_HASH_BYTES;
    pour_text(&all, name);
    put_short(slot, name.at, name.len);
    slot += 4;
    for (size_t i = 0; i < row->record->field_count; i++) {
        const struct o2c_field *field = &row->record->fields[i];
        if (field->envelope)
            continue;
        memset(slot, 0, 4);
        if (!has_default(field, event->body))
            pour_top_field(&all, field, event->body, slot);
        slot += 4;
    }
    struct o2c_hash128 hash = o2c_hash_128(all.block, all.len);
    memcpy(ret->byte, hash.byte, O2C_CONTENT_HASH_BYTES);
    ret->len = (size_t)(slot - ret->byte);
}

struct o2c_str o2c_content_bytes(const struct o2c_content *content)
{
    return (struct o2c_str){(const char *)content->byte, content->len};
}

bool o2c_content_same(struct o2c_str before, struct o2c_str now)
{
    return before.len >= O2C_CONTENT_HASH_BYTES && now.len >= O2C_CONTENT_HASH_BYTES &&
           !memcmp(before.at, now.at, O2C_CONTENT_HASH_BYTES);
}

/* The 4 bytes of a slot; 0 where the older bytes do not have it yet. */
static uint32_t slot_of(struct o2c_str bytes, size_t slot)
{
    uint32_t value = 0;
    size_t at = O2C_CONTENT_HASH_BYTES + 4 * slot;
    if (bytes.len >= at + sizeof(value))
        memcpy(&value, bytes.at + at, sizeof(value));
    return value;
}

size_t o2c_content_differs(enum o2c_event_type type, struct o2c_str before,
                           struct o2c_str now, struct o2c_str *ret_names, size_t max_names)
{
    const struct o2c_event_type_row *row = o2c_event_type_row(type);
    assert(row);
    if (!max_names || o2c_content_same(before, now))
        return 0;
    if (slot_of(before, 0) != slot_of(now, 0)) {
        ret_names[0] = O2C_STR("type");
        return 1;
    }
    size_t count = 0, slot = 1;
    for (size_t i = 0; i < row->record->field_count && count < max_names; i++) {
        const struct o2c_field *field = &row->record->fields[i];
        if (field->envelope)
            continue;
        if (slot_of(before, slot) != slot_of(now, slot))
            ret_names[count++] = o2c_str_from(field->name);
        slot++;
    }
    return count;
}
