/*
 * rule_cases.h - tables of rule tests: events as short JSON, the rows they
 * must give as text.  Events are applied one by one, each a batch of its own,
 * and all of them as one batch, whose rows are loaded before its first event.
 *
 * In the JSON, ' stands for " and what every event has may be left out: each
 * gets customer_id 'C1', and source and occurred_at of the test.
 */
#ifndef O2C_TESTS_RULE_CASES_H
#define O2C_TESTS_RULE_CASES_H

#include <stddef.h>

#include "runtime/base/err.h"
#include "tests/support/rows_fixture.h"

enum {
    RULE_EVENTS_MAX = 6
};

struct rule_case {
    const char *name;
    const char *events[RULE_EVENTS_MAX + 1]; /* NULL-terminated */
    const char *rows;                        /* as `describe` writes them */
};

/* The event, in the arena; fails the test where the JSON is none. */
struct o2c_arena;
struct o2c_event rule_event(const char *json, struct o2c_arena *arena);

/* Applies one event; fails the test where the JSON is no event. */
enum o2c_verdict rule_apply(struct rows_fixture *fixture, const char *json,
                            struct o2c_err *err);

/* All in one batch, up to NULL; fails the test where one is refused. */
void rule_apply_batch(struct rows_fixture *fixture, const char *const *events);

/* Writes what is in the tables, so that two states can be compared. */
struct o2c_buf;
typedef void rule_describe_fn(const struct rows_fixture *fixture, struct o2c_buf *out);

/*
 * Every case in every order of its events, event by event and in one batch,
 * and once more with each event applied twice: always the same rows.
 */
void rule_cases_run(const struct o2c_consumer *consumer, const struct rule_case *cases,
                    size_t count, rule_describe_fn *describe);

/*
 * Drawn histories, each in batches of 1, of 7 and as one: the tables and what
 * was published must be the same, and nothing refused.  `draw` writes one event
 * as JSON; use few ids, so that everything meets everything.
 */
struct rule_histories {
    const struct o2c_consumer *consumer;
    void (*draw)(unsigned *state, char *json, size_t size);
    rule_describe_fn *tables, *published;
    unsigned count, events_each;
};
void rule_histories_run(const struct rule_histories *histories);

/* The next of a row of numbers, below the given one. */
unsigned rule_draw(unsigned *state, unsigned below);

#endif
