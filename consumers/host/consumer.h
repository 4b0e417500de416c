/*
 * consumer.h - what a consumer is.
 *
 * A consumer declares which events it listens to, what each of them needs
 * loaded, and what the event changes.  The host (host.h) does the rest:
 * claiming partitions, decoding, batching, loading, storing, offsets, parking,
 * metrics, shutdown.
 *
 * For every batch the host
 *   1. decodes the events and asks each route what it needs;
 *   2. loads those rows with one query per table, and what those rows name;
 *   3. calls apply() once per event, in the recorded order;
 *   4. stores changed rows, emitted events, parked records and the new
 *      position in one transaction, behind the fence.
 * If step 4 fails, nothing of the batch has happened.
 */
#ifndef O2C_HOST_CONSUMER_H
#define O2C_HOST_CONSUMER_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct o2c_account; /* host/rows.h: the loaded rows of one account, edited through an undo
                       log */
struct o2c_arena;
struct o2c_effects; /* host/effects.h: what apply() makes happen elsewhere */
struct o2c_event;   /* schemas: one decoded event */
struct o2c_table;   /* host/table.h: columns and keys of a table the consumer owns */
struct o2c_wants;   /* host/wants.h: the rows apply() will look at */

/* Where and when the record stands in the log: the same in every replay. */
struct o2c_moment {
    int64_t recorded_us; /* log-append time of the record */
    const char *topic;   /* as in the contract, without the deployment's prefix */
    int32_t partition;
    int64_t offset;
    struct o2c_arena *arena; /* scratch memory that lives until the batch is stored */
};

/* Says which rows apply() will look at.  Called before anything is loaded; may be NULL. */
typedef void o2c_needs_fn(const struct o2c_event *event, struct o2c_wants *wants);

/*
 * Says which further rows the loaded ones name: the payment behind a line that
 * waits for this invoice.  Called after a load, before any event of the batch
 * is applied, again and again until nothing new is wanted.  Rows that are not
 * loaded yet are not there for it.  What other events of the batch do needs no
 * asking: they want what they touch.
 */
typedef void o2c_needs_more_fn(struct o2c_account *account, const struct o2c_event *event,
                               struct o2c_wants *wants);

/*
 * Changes the account for one event and says what should happen elsewhere.
 *
 * No I/O, no clock, no logging, nothing kept past the call.  An event already
 * reflected in the rows must leave them unchanged and emit nothing; it answers
 * O2C_OK and tells so with o2c_effects_repeat().  On O2C_PARK (err says why)
 * the host undoes what this call changed.
 */
typedef enum o2c_verdict o2c_apply_fn(struct o2c_account *account,
                                      const struct o2c_event *event,
                                      const struct o2c_moment *moment,
                                      struct o2c_effects *effects, struct o2c_err *err);

struct o2c_route {
    int event_type; /* enum o2c_event_type, generated; types without a route are skipped */
    o2c_needs_fn *needs;
    o2c_apply_fn *apply;
    o2c_needs_more_fn *needs_more; /* NULL: one load is enough */
};

/* One per process, const, defined in the consumer's own folder. */
struct o2c_consumer {
    const char *name; /* group id, PostgreSQL schema, metric label, log component */
    const char *const *topics; /* NULL-terminated; the recorded order inside a batch */
    const char *const *emits;  /* NULL-terminated: topics its rules publish to */
    const struct o2c_route *routes;
    size_t route_count;
    const struct o2c_table *const *tables; /* every table the rules touch */
    size_t table_count;
    int32_t schema_version_min, schema_version_max; /* migrations this binary works with */
};

#endif
