/*
 * intake.h - takes events as JSON objects, checks them against the contract,
 * says everything that is wrong with them, and hands the good ones on, encoded.
 * What reads files (ndjson.h, map.h) stands before it, what publishes or
 * spools behind it.
 */
#ifndef O2C_PUBLISH_INTAKE_H
#define O2C_PUBLISH_INTAKE_H

#include <jansson.h>
#include <stdint.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct o2c_event;
struct o2c_event_type_row;
struct o2c_outgoing;

/* Where an object comes from, for messages. */
struct o2c_origin {
    const char *file;
    uint64_t line;
    /* Which column a field was made of; "" if none.  NULL: not from columns. */
    const char *(*column)(const void *user, const char *path);
    const void *user;
};

struct o2c_intake_sink {
    /* A good event; what it points to is gone when the call returns.  Other than OK or PARK
     * ends the reading; PARK: refused after all. */
    enum o2c_verdict (*event)(void *user, const struct o2c_outgoing *outgoing,
                              const struct o2c_event *event, struct o2c_err *err);
    /* One sentence per fault: "orders.ndjson:17: OrderPlaced.currency: ...". */
    void (*fault)(void *user, const char *sentence);
    /* Something was refused; the type is NULL where not even that could be read. */
    void (*refused)(void *user, const struct o2c_event_type_row *type);
    /* {"barrier": true} */
    enum o2c_verdict (*barrier)(void *user, uint64_t line, struct o2c_err *err);
    void *user;
};

struct o2c_intake {
    const struct o2c_intake_sink *sink;
    struct o2c_str source; /* for objects that name none; absent: they must */
    const int32_t
        *opening; /* the cut-over as of which everything is (opening.h); or NULL */
    struct o2c_arena arena;
    struct o2c_buf bytes;
    struct o2c_buf sentence;
};

/* The sink and the source are borrowed; `opening` may be set after it. */
void o2c_intake_init(struct o2c_intake *intake, const struct o2c_intake_sink *sink,
                     struct o2c_str source);
void o2c_intake_clear(struct o2c_intake *intake);

/* One object.  OK also when it was refused; otherwise the sink's verdict ends the reading.
 */
enum o2c_verdict o2c_intake_take(struct o2c_intake *intake, const json_t *object,
                                 const struct o2c_origin *origin,
                                 struct o2c_err *err) O2C_MUST_CHECK;

/* Says "file:line: ..." to the sink. */
void o2c_intake_fault(struct o2c_intake *intake, const struct o2c_origin *origin,
                      const char *fmt, ...) O2C_PRINTF(3, 4);

/* A fault with which a whole line or row is refused. */
void o2c_intake_refuse(struct o2c_intake *intake, const struct o2c_origin *origin,
                       const char *fmt, ...) O2C_PRINTF(3, 4);

#endif
