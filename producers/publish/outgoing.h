/*
 * outgoing.h - one event ready to leave: its bytes, its key and what its
 * CloudEvents headers say.  Made from a decoded event by the readers, carried
 * by the spool, sent by the publisher.
 */
#ifndef O2C_PUBLISH_OUTGOING_H
#define O2C_PUBLISH_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct o2c_arena;
struct o2c_buf;
struct o2c_event;
struct o2c_event_type_row;
struct o2c_topic;

struct o2c_outgoing {
    const struct o2c_event_type_row *type;
    uint64_t line; /* of the file it came from, from 1 */
    bool placed;   /* into `partition`; otherwise as the key hashes */
    int32_t partition;
    struct o2c_str key;    /* the account; absent: the event is about none */
    struct o2c_str value;  /* framed Avro */
    struct o2c_str id;     /* ce_id */
    struct o2c_str source; /* ce_source */
    struct o2c_str time;   /* ce_time */
    struct o2c_str
        place; /* o2c_line: "17", of CSV "orders.csv:17"; absent: not of a file */
};

/* Whether events of upstream systems are written to this topic. */
bool o2c_topic_is_for_upstream(const struct o2c_topic *topic);

/* What all parts take together. */
size_t o2c_outgoing_bytes(const struct o2c_outgoing *outgoing);

/* Copies the parts one behind the other to `into` and lets *outgoing point there. */
void o2c_outgoing_move(struct o2c_outgoing *outgoing, char *into);

/*
 * Encodes the event; value lies in `bytes` (reset first), the rest in the event
 * or the arena.  PARK, with the field where one is to blame, for what cannot
 * be published: no account, or a type that only the pipeline publishes.  A
 * business day has no account, and goes where days.h of the clock says.
 */
enum o2c_verdict o2c_outgoing_make(const struct o2c_event *event, struct o2c_arena *arena,
                                   struct o2c_buf *bytes, struct o2c_outgoing *ret_outgoing,
                                   struct o2c_err *err) O2C_MUST_CHECK;

#endif
