/*
 * events.h - the events of the contract as C structs, and the way between
 * them and the bytes on a topic.  Producers encode, the host and the tools
 * decode; rules see the structs only.
 *
 * The structs, enums and struct o2c_event come from the .avsc files: they are
 * in the generated schemas/event_types.h.  How a field becomes a member:
 *   string            struct o2c_str x; absent: x.at == NULL
 *   int, date         int32_t x (date: days since 1970-01-01)
 *   long              int64_t x
 *   timestamp         int64_t x_us, UTC
 *   boolean, enum     bool x; enum o2c_<name> x
 *   optional number, boolean or enum: bool has_x beside it (x is 0 when false)
 *   record            struct o2c_<name> x; optional: a pointer, NULL when absent
 *   array             const T *x and size_t x_count; an absent optional array
 *                     is NULL, an empty one is not
 * The fields that every event begins with are `struct o2c_head head`.
 */
#ifndef O2C_SCHEMAS_EVENTS_H
#define O2C_SCHEMAS_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"
#include "schemas/event_types.h"
#include "schemas/wire/describe.h"

struct o2c_arena;
struct o2c_buf;

enum {
    O2C_EVENT_MAX_ITEMS = 10000,                /* of one array, written or read */
    O2C_EVENT_MAX_ARENA_BYTES = 8 * 1024 * 1024 /* what one decoded event may take */
};

/* What the generator knows about a type; lives as long as the process. */
struct o2c_event_type_row {
    enum o2c_event_type type;
    const char *name;      /* "OrderPlaced" */
    const char *full_name; /* "o2c.orders.OrderPlaced" */
    const struct o2c_topic *topic;
    int32_t schema_id;               /* of the version that is written */
    const struct o2c_record *record; /* descriptor: fields, kinds, offsets, pii */
    bool has_head;                   /* false: a flat state record */
    const char *occurred_at; /* JSON without occurred_at: "required", a field's name, or
                                NULL for the time of publishing */
};

/*
 * Decodes one record value: Confluent framing, then Avro of any version in
 * ids.json.  Strings borrow from `bytes`, the struct and its arrays lie in the
 * arena.  PARK names the field; RETRY only when the arena is exhausted.
 */
enum o2c_verdict o2c_event_decode(struct o2c_str bytes, struct o2c_arena *arena,
                                  struct o2c_event *ret_event,
                                  struct o2c_err *err) O2C_MUST_CHECK;

/*
 * Appends the framed bytes of the current version.  PARK, naming the field,
 * for what no reader would accept (a required string absent, bytes that are no
 * text, an enum out of range, too many items, more bytes than the buffer may
 * hold); the buffer is then as it was.
 */
enum o2c_verdict o2c_event_encode(const struct o2c_event *event, struct o2c_buf *out,
                                  struct o2c_err *err) O2C_MUST_CHECK;

/* An event around a struct of that type; the head is found by its type. */
struct o2c_event o2c_event_of(enum o2c_event_type type, const void *body);

/* NULL for O2C_EVENT_NONE and what is no type. */
const struct o2c_event_type_row *o2c_event_type_row(enum o2c_event_type type);
enum o2c_event_type
o2c_event_type_by_name(struct o2c_str name); /* "OrderPlaced"; or NONE */

/* The type that this schema id was given to, in any version; or NONE. */
enum o2c_event_type o2c_event_type_by_schema(int32_t schema_id);

/* Who the event is about: account_id, or else customer_id; absent where it has neither. */
struct o2c_str o2c_event_account(const struct o2c_event *event);

/* topics.json; the name is without a deployment's prefix.  NULL: no such topic. */
const struct o2c_topic *o2c_topic_by_name(const char *name);
const struct o2c_topic *o2c_topics(size_t *ret_count);

#endif
