/*
 * json.h - events as JSON objects, {"type": "OrderPlaced", ...fields}: the
 * form of NDJSON files, the publishing CLI and the HTTP gateway (from), and of
 * tools that show records (to).
 *
 * Dates are "2026-01-31", timestamps "2026-01-31T10:20:30[.ffffff]Z", numbers
 * whole, enums their symbol.  Optional fields may be left out or null.
 */
#ifndef O2C_SCHEMAS_WIRE_JSON_H
#define O2C_SCHEMAS_WIRE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "schemas/events.h"

struct o2c_arena;

/*
 * The JSON of a text, as json_loadb reads it; NULL: *ret_error says what is wrong first.
 * What jansson refuses though it is JSON, a number that it cannot hold, comes as an object:
 * {O2C_JSON_NUMBER: "the number as it was written"}, and in that text so does every other
 * number that is no int64_t.  No field takes that, so the fault names field and number.
 */
json_t *o2c_json_load(struct o2c_str text, size_t flags, json_error_t *ret_error);
#define O2C_JSON_NUMBER "#"

/* One thing wrong with an object; the texts are gone when the callback returns. */
struct o2c_json_fault {
    const char *path;     /* "lines[2].quantity_milli"; "type" */
    const char *value;    /* as JSON, cut after some 60 characters; "" when missing;
                             never personal data: that is said in its place */
    const char *expected; /* "a whole number from -2147483648 to 2147483647" */
};

typedef void o2c_json_fault_fn(void *user, const struct o2c_json_fault *fault);

/* What the publisher fills in where the object is silent. */
struct o2c_json_given {
    struct o2c_str source; /* absent: source must be in the object */
    int64_t now_us;        /* time of publishing */
};

/*
 * Makes the event that the object describes.  Every fault is told to on_fault
 * (may be NULL); PARK if there was one, RETRY when the arena is exhausted.
 * Everything lies in the arena; the object may go.
 *
 * event_id left out: UUIDv5 over type, 0x00 and the canonical JSON (RFC 8785)
 * of the given fields without type, so that a repeated line is the same event.
 * occurred_at left out: the event's own moment where its type has one
 * (OrderPlaced: placed_at), otherwise now_us; refused for types that have
 * neither id nor revision, for which two events could otherwise not be told
 * apart.
 */
enum o2c_verdict o2c_event_from_json(const json_t *object,
                                     const struct o2c_json_given *given,
                                     struct o2c_arena *arena, o2c_json_fault_fn *on_fault,
                                     void *user, struct o2c_event *ret_event,
                                     struct o2c_err *err) O2C_MUST_CHECK;

/* The object with "type" first and the fields in schema order, absent ones left out; NULL:
 * no memory. */
json_t *o2c_event_to_json(const struct o2c_event *event);

#endif
