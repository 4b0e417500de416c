/*
 * consumer.h - what a consumer is.
 *
 * A consumer declares which events it listens to, what each of them needs
 * loaded, and what the event changes.  The host (host.h) does the rest:
 * claiming partitions, decoding, batching, loading, storing, offsets, parking,
 * due dates, metrics, shutdown.
 *
 * For every batch the host
 *   1. decodes the events and asks each route what it needs;
 *   2. loads those rows with one query per table, and what those rows name;
 *   3. calls apply() once per event, in the recorded order;
 *   4. stores changed rows, emitted events, due dates, parked records and the
 *      new position in one transaction, behind the fence.
 * If step 4 fails, nothing of the batch has happened.
 *
 * A consumer with "o2c.clock" among its topics takes ticks: when a business
 * day has begun and everything from before it is applied, the host calls
 * on_due() for every item that is due (docs/time.md).
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
struct o2c_effects;        /* host/effects.h: what apply() makes happen elsewhere */
struct o2c_event;          /* schemas: one decoded event */
struct o2c_settings_table; /* runtime/base/config.h */
struct o2c_table;          /* host/table.h: columns and keys of a table the consumer owns */
struct o2c_wants;          /* host/wants.h: the rows apply() will look at */

/* Where and when the record stands in the log: the same in every replay. */
struct o2c_moment {
    int64_t recorded_us; /* log-append time of the record */
    const char *topic;   /* as in the contract, without the deployment's prefix */
    int32_t partition;
    int64_t offset;
    struct o2c_arena *arena; /* scratch memory that lives until the batch is stored */
    int32_t business_date;   /* the last business day this partition has begun, as days
                                since 1970; in on_due() the one that begins */
    const void *settings;    /* the consumer's own; NULL: it has none */
};

enum {
    O2C_NO_BUSINESS_DATE = INT32_MIN /* before the first tick, or the consumer takes none */
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

/* Something to look at when its day has begun: what o2c_effects_due() was given. */
struct o2c_due {
    int32_t date; /* days since 1970; a tick of this day or a later one reaches it */
    struct o2c_str account_id;
    struct o2c_str kind; /* the rule's own word: "dunning" */
    struct o2c_str item; /* what it is about: "INV-7/1" */
};

/* Says which rows on_due() will look at; may be NULL. */
typedef void o2c_due_needs_fn(const struct o2c_due *due, struct o2c_wants *wants);

/*
 * Which further rows the loaded ones name, as with events; may be NULL.
 * business_date is that of the tick.
 */
typedef void o2c_due_needs_more_fn(struct o2c_account *account, const struct o2c_due *due,
                                   int32_t business_date, struct o2c_wants *wants);

/*
 * What to do for one item whose day has begun: moment->business_date is that
 * of the tick, later than due->date where the item was created late or a day
 * was left out.  The item may be closed by now: then there is nothing to do.
 * The host has taken the entry away already; a rule that wants to be called
 * again emits a new one.  On O2C_PARK the host undoes what this call changed,
 * keeps the entry and calls again at the next tick.
 */
typedef enum o2c_verdict o2c_on_due_fn(struct o2c_account *account,
                                       const struct o2c_due *due,
                                       const struct o2c_moment *moment,
                                       struct o2c_effects *effects, struct o2c_err *err);

/*
 * What another consumer has said on its topic o2c.parked.<consumer>: an event of
 * the account could not be applied there, or one that could not has left.
 */
enum o2c_notice_state {
    O2C_NOTICE_PARKED, /* it cannot be applied; later ones of the account queue behind it */
    O2C_NOTICE_RELEASED,
    O2C_NOTICE_DISCARDED
};

struct o2c_parked_notice {
    enum o2c_notice_state state; /* of one record */
    int64_t left; /* records of the account that were parked then, this one included
                     while it is; 0: what that consumer knows is whole again */
};

typedef void o2c_notice_needs_fn(const struct o2c_parked_notice *notice,
                                 struct o2c_wants *wants);

/* Like o2c_apply_fn. */
typedef enum o2c_verdict o2c_notice_fn(struct o2c_account *account,
                                       const struct o2c_parked_notice *notice,
                                       const struct o2c_moment *moment,
                                       struct o2c_effects *effects, struct o2c_err *err);

/*
 * A topic of notices.  Those that name no account (of a record that was set
 * aside alone) are skipped; for the others holds what holds for events.
 */
struct o2c_parked_route {
    const char *topic; /* "o2c.parked.receivables"; among the consumer's topics, too */
    o2c_notice_needs_fn *needs;
    o2c_notice_fn *apply;
};

struct o2c_route {
    int event_type; /* enum o2c_event_type, generated; types without a route are skipped */
    o2c_needs_fn *needs;
    o2c_apply_fn *apply;
    o2c_needs_more_fn *needs_more; /* NULL: one load is enough */
};

/*
 * Settings of a consumer beside those that all have (host.h); rules see them as
 * moment->settings.  What decides what is published belongs among the fixed
 * ones: a fixed setting is kept in the database at the first start, "" too; a
 * later start with another value that is not "" is refused, and one without a
 * value goes on with the kept one.
 */
struct o2c_consumer_settings {
    const struct o2c_settings_table *table; /* offsets into a struct of `bytes` */
    size_t bytes;
    const char *const *fixed; /* NULL-terminated names, of kind TEXT; NULL: none */
    enum o2c_verdict (*check)(const void *settings, struct o2c_err *err); /* NULL: none */
};

/* One per process, const, defined in the consumer's own folder. */
struct o2c_consumer {
    const char *name; /* group id, PostgreSQL schema, metric label, log component */
    const char *const *topics; /* NULL-terminated; the recorded order inside a batch */
    const char *const *emits;  /* NULL-terminated: topics its rules publish to */
    const struct o2c_route *routes;
    size_t route_count;
    const struct o2c_parked_route *parked_routes; /* NULL: it hears no notices */
    size_t parked_route_count;
    const struct o2c_table *const *tables; /* every table the rules touch */
    size_t table_count;
    o2c_due_needs_fn *due_needs;
    o2c_due_needs_more_fn *due_needs_more;
    o2c_on_due_fn *on_due;                        /* NULL: its rules emit no due dates */
    const struct o2c_consumer_settings *settings; /* NULL: it has none of its own */
    /* Migrations this binary works with: those it was made for (max), and from min on.  Of
     * later ones the database says whether it may go on. */
    int32_t schema_version_min, schema_version_max;
};

#endif
