#include "schemas/wire/avro.h"

#include <stdio.h>
#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/uuid.h"
#include "schemas/events.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    VARINT_BYTES = 10
};

static void set_fault(struct o2c_avro_fault *fault, const char *field, const char *what)
{
    if (fault->failed)
        return;
    fault->failed = true;
    fault->what = what;
    snprintf(fault->path, sizeof(fault->path), "%s", field);
}

/* What does not fit is cut off at the end. */
static void put_before(struct o2c_avro_fault *fault, const char *prefix)
{
    size_t most = sizeof(fault->path) - 1, len = strlen(fault->path),
           add = strlen(prefix) + 1;
    if (add > most)
        return;
    if (len > most - add)
        len = most - add;
    memmove(fault->path + add, fault->path, len);
    memcpy(fault->path, prefix, add - 1);
    fault->path[add - 1] = '.';
    fault->path[add + len] = '\0';
}

void o2c_avro_within(struct o2c_avro_fault *fault, const char *field)
{
    if (fault->failed)
        put_before(fault, field);
}

void o2c_avro_within_item(struct o2c_avro_fault *fault, const char *field, size_t index)
{
    if (!fault->failed)
        return;
    char prefix[O2C_AVRO_PATH];
    snprintf(prefix, sizeof(prefix), "%s[%zu]", field, index);
    put_before(fault, prefix);
}

void o2c_avro_at_item(struct o2c_avro_fault *fault, const char *field, size_t index)
{
    if (fault->failed)
        snprintf(fault->path, sizeof(fault->path), "%s[%zu]", field, index);
}

void o2c_avro_fail(struct o2c_avro_reader *in, const char *field, const char *what)
{
    set_fault(&in->fault, field, what);
    in->at = in->end;
}

/*
 * At most ten bytes, the tenth of which may only hold the 64th bit: what is
 * longer or would overflow is no int64.
 */
int64_t o2c_avro_long_slow(struct o2c_avro_reader *in, const char *field)
{
    uint64_t value = 0;
    const uint8_t *at = in->at;
    for (int i = 0; i < VARINT_BYTES; i++) {
        if (at == in->end) {
            o2c_avro_fail(in, field, "the bytes end in it");
            return 0;
        }
        value |= (uint64_t)(*at & 0x7f) << (7 * i);
        if (*at++ < 0x80) {
            if (i == VARINT_BYTES - 1 && at[-1] > 1)
                break;
            in->at = at;
            return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
        }
    }
    o2c_avro_fail(in, field, "its number does not fit 64 bits");
    return 0;
}

static int64_t within(struct o2c_avro_reader *in, int64_t value, int64_t least,
                      int64_t greatest, const char *field, const char *what)
{
    if (value >= least && value <= greatest)
        return value;
    o2c_avro_fail(in, field, what);
    return 0;
}

int32_t o2c_avro_int(struct o2c_avro_reader *in, const char *field)
{
    return (int32_t)within(in, o2c_avro_long(in, field), INT32_MIN, INT32_MAX, field,
                           "its number does not fit 32 bits");
}

static const char no_date[] = "its date is not in the years 1 to 9999";
static const char no_moment[] = "its time is not in the years 1 to 9999";
static const char no_symbol[] = "its enum has no such symbol";

int32_t o2c_avro_date(struct o2c_avro_reader *in, const char *field)
{
    return (int32_t)within(in, o2c_avro_long(in, field), O2C_DATE_MIN, O2C_DATE_MAX, field,
                           no_date);
}

int64_t o2c_avro_timestamp(struct o2c_avro_reader *in, const char *field)
{
    return within(in, o2c_avro_long(in, field), O2C_TIMESTAMP_MIN, O2C_TIMESTAMP_MAX, field,
                  no_moment);
}

bool o2c_avro_boolean(struct o2c_avro_reader *in, const char *field)
{
    if (in->at < in->end && *in->at <= 1)
        return *in->at++;
    o2c_avro_fail(in, field,
                  in->at < in->end ? "its byte is no boolean" : "the bytes end before it");
    return false;
}

size_t o2c_avro_enum(struct o2c_avro_reader *in, size_t symbol_count, const char *field)
{
    return (size_t)within(in, o2c_avro_long(in, field), 0, (int64_t)symbol_count - 1, field,
                          no_symbol);
}

static struct o2c_str take_bytes(struct o2c_avro_reader *in, const char *field)
{
    int64_t len = o2c_avro_long(in, field);
    if (len < 0 || len > in->end - in->at) {
        o2c_avro_fail(in, field, "its length is not that of the bytes");
        len = 0;
    }
    struct o2c_str text = {(const char *)in->at, (size_t)len};
    in->at += len;
    return text;
}

struct o2c_str o2c_avro_string(struct o2c_avro_reader *in, const char *field)
{
    struct o2c_str text = take_bytes(in, field);
    if (!o2c_str_is_text(text))
        o2c_avro_fail(in, field, "it is no UTF-8 text, or has a NUL in it");
    return text;
}

struct o2c_str o2c_avro_uuid(struct o2c_avro_reader *in, const char *field)
{
    struct o2c_str text = take_bytes(in, field);
    struct o2c_uuid uuid;
    if (!o2c_uuid_parse(text, &uuid))
        o2c_avro_fail(in, field, "it is no UUID");
    return text;
}

bool o2c_avro_present(struct o2c_avro_reader *in, const char *field)
{
    return within(in, o2c_avro_long(in, field), 0, 1, field,
                  "its union has no such branch");
}

void *o2c_avro_alloc(struct o2c_avro_reader *in, size_t bytes, const char *field)
{
    if (in->fault.failed)
        return NULL;
    if (bytes > in->budget_bytes) {
        o2c_avro_fail(in, field, "the event takes too much memory");
        return NULL;
    }
    in->budget_bytes -= bytes;
    void *memory = o2c_arena_alloc(in->arena, bytes);
    if (!memory) {
        in->fault.no_memory = true;
        o2c_avro_fail(in, field, "no memory for it");
    }
    return memory;
}

const void *o2c_avro_no_items(void)
{
    static const max_align_t none;
    return &none;
}

static bool end_of_array(struct o2c_avro_array *array)
{
    if (!array->items) /* an empty array is not an absent one */
        array->items = (void *)(uintptr_t)o2c_avro_no_items();
    return false;
}

static bool grow(struct o2c_avro_reader *in, struct o2c_avro_array *array, size_t count,
                 const char *field)
{
    if (count <= array->cap || !array->item_bytes)
        return true;
    size_t cap = count > 2 * array->cap || !array->cap ? count : 2 * array->cap;
    void *items = o2c_avro_alloc(in, cap * array->item_bytes, field);
    if (!items)
        return false;
    if (array->count)
        memcpy(items, array->items, array->count * array->item_bytes);
    array->items = items;
    array->cap = cap;
    return true;
}

/* A negative count is followed by the block's size in bytes, which must not lie either. */
static int64_t block_count(struct o2c_avro_reader *in, const char *field)
{
    int64_t count = o2c_avro_long(in, field);
    if (count >= 0)
        return count;
    int64_t bytes = o2c_avro_long(in, field);
    if (count == INT64_MIN || bytes < 0 || bytes > in->end - in->at) {
        o2c_avro_fail(in, field, "its block is longer than the bytes");
        return 0;
    }
    return -count;
}

bool o2c_avro_block(struct o2c_avro_reader *in, struct o2c_avro_array *array,
                    const char *field)
{
    int64_t count = block_count(in, field);
    if (count == 0)
        return end_of_array(array);
    size_t left = (size_t)(in->end - in->at);
    if ((uint64_t)count > left / array->least_wire_bytes)
        o2c_avro_fail(in, field, "it has more items than bytes");
    else if ((uint64_t)count > O2C_EVENT_MAX_ITEMS - array->count)
        o2c_avro_fail(in, field, "it has too many items");
    else if (grow(in, array, array->count + (size_t)count, field)) {
        array->count += (size_t)count;
        return true;
    }
    return end_of_array(array);
}

static void put_fault(struct o2c_avro_writer *to, const char *field, const char *what)
{
    set_fault(&to->fault, field, what);
}

static size_t write_varint(uint8_t *at, int64_t value)
{
    uint64_t rest = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
    size_t len = 0;
    for (; rest > 0x7f; rest >>= 7)
        at[len++] = (uint8_t)(rest | 0x80);
    at[len++] = (uint8_t)rest;
    return len;
}

void o2c_avro_put_long_slow(struct o2c_avro_writer *to, int64_t value)
{
    struct o2c_buf *out = to->out;
    if (!out->failed && out->cap - out->len > VARINT_BYTES) {
        out->len += write_varint((uint8_t *)out->at + out->len, value);
        return;
    }
    uint8_t bytes[VARINT_BYTES];
    o2c_buf_add(out, bytes, write_varint(bytes, value));
}

static void put_within(struct o2c_avro_writer *to, int64_t value, int64_t least,
                       int64_t greatest, const char *field, const char *what)
{
    if (value < least || value > greatest)
        put_fault(to, field, what);
    o2c_avro_put_long(to, value);
}

void o2c_avro_put_date(struct o2c_avro_writer *to, int32_t days, const char *field)
{
    put_within(to, days, O2C_DATE_MIN, O2C_DATE_MAX, field, no_date);
}

void o2c_avro_put_timestamp(struct o2c_avro_writer *to, int64_t us, const char *field)
{
    put_within(to, us, O2C_TIMESTAMP_MIN, O2C_TIMESTAMP_MAX, field, no_moment);
}

void o2c_avro_put_enum(struct o2c_avro_writer *to, int64_t index, size_t symbol_count,
                       const char *field)
{
    put_within(to, index, 0, (int64_t)symbol_count - 1, field, no_symbol);
}

static void put_bytes(struct o2c_avro_writer *to, struct o2c_str text, const char *field)
{
    o2c_avro_put_long(to, (int64_t)text.len);
    if (!to->out->failed && text.len > to->out->max - to->out->len)
        put_fault(to, field, "it takes more bytes than are allowed");
    else
        o2c_buf_add(to->out, text.at, text.len);
}

void o2c_avro_put_string(struct o2c_avro_writer *to, struct o2c_str text, const char *field)
{
    if (!text.at)
        put_fault(to, field, "it is required and absent");
    else if (!o2c_str_is_text(text))
        put_fault(to, field, "it is no UTF-8 text, or has a NUL in it");
    else
        put_bytes(to, text, field);
}

void o2c_avro_put_uuid(struct o2c_avro_writer *to, struct o2c_str text, const char *field)
{
    struct o2c_uuid uuid;
    if (!text.at)
        put_fault(to, field, "it is required and absent");
    else if (!o2c_uuid_parse(text, &uuid))
        put_fault(to, field, "it is no UUID");
    else
        put_bytes(to, text, field);
}

void o2c_avro_put_items(struct o2c_avro_writer *to, size_t count, const void *items,
                        const char *field)
{
    if (count > O2C_EVENT_MAX_ITEMS)
        put_fault(to, field, "it has too many items");
    else if (count && !items)
        put_fault(to, field, "its items are absent");
    else
        o2c_avro_put_long(to, (int64_t)count);
}
