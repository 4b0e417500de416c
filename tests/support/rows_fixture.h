/*
 * rows_fixture.h - a consumer's rules without database, Kafka and engine: one
 * event, or a batch of them, goes through needs, load, apply and store on
 * tables in memory, and what the rules emitted is there to be looked at.
 *
 *     struct rows_fixture *fixture = rows_fixture_new(&orders_consumer);
 *     struct o2c_order_placed placed = {.head.customer_id = O2C_STR("c1"), ...};
 *     assert_int_equal(rows_fixture_apply(fixture, O2C_ORDER_PLACED, &placed, &err),
 * O2C_OK); effects = rows_fixture_effects(fixture, &count); order =
 * rows_fixture_row(fixture, &order_table, 0);
 *
 * An event is encoded and decoded first, so it looks as from a topic.  Of its
 * head only customer_id is needed; event_id, source, company_id and
 * occurred_at are filled in where absent.  Rules that look at rows they did
 * not want abort, as each call is a batch of its own.
 *
 * It defines o2c_effects_* itself: not to be linked with o2c_host.
 */
#ifndef O2C_TESTS_ROWS_FIXTURE_H
#define O2C_TESTS_ROWS_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "consumers/host/consumer.h"
#include "runtime/base/err.h"
#include "schemas/events.h"

struct o2c_table;
struct rows_fixture;

enum rows_effect_kind {
    ROWS_EMITTED,  /* o2c_effects_emit: event, key = account */
    ROWS_STATE,    /* o2c_effects_emit_state: event, key = entity id */
    ROWS_REPEAT,   /* o2c_effects_repeat */
    ROWS_CONFLICT, /* o2c_effects_conflict: key = natural key, first_seen_us, fields */
    ROWS_PARKED,   /* apply() or on_due() refused: reason */
    ROWS_DUE,      /* o2c_effects_due: due */
    ROWS_DUE_GONE  /* o2c_effects_due_cancel: due */
};

struct rows_effect {
    enum rows_effect_kind kind;
    size_t event_no; /* in the batch */
    struct o2c_event event;
    struct o2c_str key;
    int64_t first_seen_us;
    const struct o2c_str *fields; /* names of those that differ */
    size_t field_count;
    const char *reason;
    struct o2c_due due;
};

struct rows_fixture *rows_fixture_new(const struct o2c_consumer *consumer);
void rows_fixture_free(struct rows_fixture *fixture);

/*
 * One event as a batch of its own.  Its recorded time is one second after the
 * one before (the first: 2026-01-01), or what rows_fixture_recorded_at says.
 * A type without a route is O2C_OK without effects.
 */
enum o2c_verdict rows_fixture_apply(struct rows_fixture *fixture, enum o2c_event_type type,
                                    const void *body, struct o2c_err *err);
void rows_fixture_recorded_at(struct rows_fixture *fixture, int64_t utc_us);

/* What rules see as moment->settings; must live as long as the fixture. */
void rows_fixture_settings(struct rows_fixture *fixture, const void *settings);

/* Several events in one batch; a refused one is an effect of kind ROWS_PARKED. */
void rows_fixture_apply_batch(struct rows_fixture *fixture, const struct o2c_event *events,
                              size_t count);

/* What another consumer says of this account on its topic, as a batch of its own. */
enum o2c_verdict rows_fixture_notice(struct rows_fixture *fixture, const char *topic,
                                     struct o2c_str account,
                                     const struct o2c_parked_notice *notice,
                                     struct o2c_err *err);

/*
 * A business day begins: on_due() for everything that is due, each item as a
 * batch of its own, in the host's order.  Returns how many ran; those refused
 * stay.  The effects of all of them are there afterwards.
 */
size_t rows_fixture_start_day(struct rows_fixture *fixture, int32_t business_date);

/* The i-th entry that is there, in the order in which ticks run them; NULL: no more. */
const struct o2c_due *rows_fixture_due(const struct rows_fixture *fixture, size_t i);

/* What the last call made happen, in order; valid until the next. */
const struct rows_effect *rows_fixture_effects(const struct rows_fixture *fixture,
                                               size_t *ret_count);

/* The i-th of them with this kind and, for EMITTED and STATE, this type (O2C_EVENT_NONE:
 * any). */
const struct rows_effect *rows_fixture_effect(const struct rows_fixture *fixture,
                                              enum rows_effect_kind kind,
                                              enum o2c_event_type type, size_t i);

/* The table as stored, in key order (account first); NULL past the last row. */
const void *rows_fixture_row(const struct rows_fixture *fixture,
                             const struct o2c_table *table, size_t i);
size_t rows_fixture_row_count(const struct rows_fixture *fixture,
                              const struct o2c_table *table);

#endif
