/*
 * avro.h - the primitives that the generated readers and writers are made of.
 * Only generated code and event.c call them.
 *
 * A reader or writer fails once and for good: the first fault is kept with the
 * path of its field, later calls do nothing and give zeros, so that straight
 * code needs no checks between fields.  Nothing is trusted: a length or count
 * is compared with the bytes that are left before anything is allocated.
 */
#ifndef O2C_SCHEMAS_WIRE_AVRO_H
#define O2C_SCHEMAS_WIRE_AVRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/buf.h"
#include "runtime/base/str.h"

struct o2c_arena;

enum {
    O2C_AVRO_PATH = 96,
    O2C_AVRO_SLACK_BYTES = 10 /* a buffer with more room than this refuses no number */
};

struct o2c_avro_fault {
    bool failed;
    bool no_memory;           /* the arena or buffer could not grow: try again later */
    const char *what;         /* what is wrong, constant */
    char path[O2C_AVRO_PATH]; /* "lines[3].sku" */
};

/* Puts "field." (or "field[index].") before the path of a fault inside a record. */
void o2c_avro_within(struct o2c_avro_fault *fault, const char *field);
void o2c_avro_within_item(struct o2c_avro_fault *fault, const char *field, size_t index);
/* The fault is in an item that is no record. */
void o2c_avro_at_item(struct o2c_avro_fault *fault, const char *field, size_t index);

struct o2c_avro_reader {
    const uint8_t *at, *end;
    struct o2c_arena *arena;
    size_t budget_bytes; /* what may still be allocated */
    struct o2c_avro_fault fault;
};

void o2c_avro_fail(struct o2c_avro_reader *in, const char *field, const char *what);

int64_t o2c_avro_long_slow(struct o2c_avro_reader *in, const char *field);

static inline int64_t o2c_avro_long(struct o2c_avro_reader *in, const char *field)
{
    if (in->at == in->end || *in->at > 0x7f)
        return o2c_avro_long_slow(in, field);
    uint8_t byte = *in->at++; /* one byte: -64 to 63 */
    return (int64_t)(byte >> 1) ^ -(int64_t)(byte & 1);
}

int32_t o2c_avro_int(struct o2c_avro_reader *in, const char *field);
int32_t o2c_avro_date(struct o2c_avro_reader *in, const char *field); /* years 1 to 9999 */
int64_t o2c_avro_timestamp(struct o2c_avro_reader *in, const char *field); /* likewise */
bool o2c_avro_boolean(struct o2c_avro_reader *in, const char *field);
size_t o2c_avro_enum(struct o2c_avro_reader *in, size_t symbol_count, const char *field);
struct o2c_str o2c_avro_string(struct o2c_avro_reader *in, const char *field);
struct o2c_str o2c_avro_uuid(struct o2c_avro_reader *in, const char *field);

/* The branch of ["null", T]: true if a T follows. */
bool o2c_avro_present(struct o2c_avro_reader *in, const char *field);

/* From the arena; NULL after a fault. */
void *o2c_avro_alloc(struct o2c_avro_reader *in, size_t bytes, const char *field);

/*
 * Reads the head of an array's next block: items [read, count) follow.  False
 * at the end of the array or after a fault; `items` is then not NULL.
 */
struct o2c_avro_array {
    size_t item_bytes;       /* of the struct; 0: the items are skipped */
    size_t least_wire_bytes; /* of one item */
    void *items;
    size_t count, read, cap;
};
bool o2c_avro_block(struct o2c_avro_reader *in, struct o2c_avro_array *array,
                    const char *field);
const void *o2c_avro_no_items(void); /* an array that is empty, not absent */

struct o2c_avro_writer {
    struct o2c_buf *out;
    struct o2c_avro_fault fault;
};

void o2c_avro_put_long_slow(struct o2c_avro_writer *to, int64_t value);

/* buf.h keeps one byte for a NUL, which is not to be used up here. */
static inline void o2c_avro_put_long(struct o2c_avro_writer *to, int64_t value)
{
    if (value < 0 || value > 63 || to->out->failed || to->out->cap - to->out->len < 2)
        o2c_avro_put_long_slow(to, value);
    else
        to->out->at[to->out->len++] = (char)(2 * value);
}

static inline void o2c_avro_put_boolean(struct o2c_avro_writer *to, bool value)
{
    o2c_buf_add_u8(to->out, value);
}

void o2c_avro_put_date(struct o2c_avro_writer *to, int32_t days, const char *field);
void o2c_avro_put_timestamp(struct o2c_avro_writer *to, int64_t us, const char *field);
void o2c_avro_put_enum(struct o2c_avro_writer *to, int64_t index, size_t symbol_count,
                       const char *field);
void o2c_avro_put_string(struct o2c_avro_writer *to, struct o2c_str text,
                         const char *field);
void o2c_avro_put_uuid(struct o2c_avro_writer *to, struct o2c_str text, const char *field);

/* The block head of an array with its items to follow; an array of none is complete. */
void o2c_avro_put_items(struct o2c_avro_writer *to, size_t count, const void *items,
                        const char *field);

#endif
