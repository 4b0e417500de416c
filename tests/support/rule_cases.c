#include "tests/support/rule_cases.h"

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "schemas/wire/json.h"

static json_t *parsed(const char *text)
{
    char *json = strdup(text);
    json_error_t error;
    json_t *object;

    for (char *at = json; *at; at++)
        if (*at == '\'')
            *at = '"';
    object = json_loads(json, 0, &error);
    if (!object)
        fail_msg("%s: %s", json, error.text);
    free(json);
    if (!json_object_get(object, "customer_id"))
        json_object_set_new(object, "customer_id", json_string("C1"));
    return object;
}

static void print_fault(void *user, const struct o2c_json_fault *fault)
{
    print_error("%s: %s is %s, not %s\n", (const char *)user, fault->path, fault->value,
                fault->expected);
}

struct o2c_event rule_event(const char *json, struct o2c_arena *arena)
{
    struct o2c_json_given given = {O2C_STR("test"), 1767225600000000};
    json_t *object = parsed(json);
    struct o2c_event event;
    struct o2c_err err;

    if (o2c_event_from_json(object, &given, arena, print_fault, (void *)(uintptr_t)json,
                            &event, &err))
        fail_msg("%s: %s", json, err.text);
    json_decref(object);
    return event;
}

enum o2c_verdict rule_apply(struct rows_fixture *fixture, const char *json,
                            struct o2c_err *err)
{
    struct o2c_arena arena;
    struct o2c_event event;
    enum o2c_verdict verdict;

    o2c_arena_init(&arena, O2C_EVENT_MAX_ARENA_BYTES);
    event = rule_event(json, &arena);
    verdict = rows_fixture_apply(fixture, event.type, event.body, err);
    o2c_arena_clear(&arena);
    return verdict;
}

void rule_apply_batch(struct rows_fixture *fixture, const char *const *events)
{
    struct o2c_event batch[2 * RULE_EVENTS_MAX];
    const struct rows_effect *refused;
    struct o2c_arena arena;
    size_t count = 0;

    o2c_arena_init(&arena, (size_t)2 * RULE_EVENTS_MAX * O2C_EVENT_MAX_ARENA_BYTES);
    for (; events[count]; count++) {
        assert_true(count < sizeof batch / sizeof batch[0]);
        batch[count] = rule_event(events[count], &arena);
    }
    rows_fixture_apply_batch(fixture, batch, count);
    refused = rows_fixture_effect(fixture, ROWS_PARKED, O2C_EVENT_NONE, 0);
    if (refused)
        fail_msg("%s: refused: %s", events[refused->event_no], refused->reason);
    o2c_arena_clear(&arena);
}

static void one_by_one(struct rows_fixture *fixture, const char *const *events)
{
    struct o2c_err err;

    for (; *events; events++)
        if (rule_apply(fixture, *events, &err))
            fail_msg("%s: refused: %s", *events, err.text);
}

typedef void rule_apply_fn(struct rows_fixture *fixture, const char *const *events);

static void check_rows(const struct rule_case *rule_case,
                       const struct o2c_consumer *consumer, const size_t *order,
                       size_t count, rule_describe_fn *describe, rule_apply_fn *apply)
{
    struct rows_fixture *fixture = rows_fixture_new(consumer);
    const char *events[2 * RULE_EVENTS_MAX + 1] = {NULL};
    struct o2c_buf rows;

    for (size_t i = 0; i < count; i++)
        events[i] = rule_case->events[order[i]];
    apply(fixture, events);
    o2c_buf_init(&rows, 1 << 20);
    describe(fixture, &rows);
    if (strcmp(o2c_buf_text(&rows), rule_case->rows) != 0) {
        print_error("%s, %s, in the order", rule_case->name,
                    apply == one_by_one ? "one by one" : "in one batch");
        for (size_t i = 0; i < count; i++)
            print_error(" %zu", order[i]);
        print_error("\nexpected:\n%sfound:\n%s", rule_case->rows, o2c_buf_text(&rows));
        fail();
    }
    o2c_buf_clear(&rows);
    rows_fixture_free(fixture);
}

static void check(const struct rule_case *rule_case, const struct o2c_consumer *consumer,
                  const size_t *order, size_t count, rule_describe_fn *describe)
{
    check_rows(rule_case, consumer, order, count, describe, one_by_one);
    check_rows(rule_case, consumer, order, count, describe, rule_apply_batch);
}

static void swap(size_t *a, size_t *b)
{
    size_t kept = *a;

    *a = *b;
    *b = kept;
}

static void permute(const struct rule_case *rule_case, const struct o2c_consumer *consumer,
                    size_t *order, size_t from, size_t count, rule_describe_fn *describe)
{
    if (from == count) {
        check(rule_case, consumer, order, count, describe);
        return;
    }
    for (size_t i = from; i < count; i++) {
        swap(&order[from], &order[i]);
        permute(rule_case, consumer, order, from + 1, count, describe);
        swap(&order[from], &order[i]);
    }
}

static void check_twice(const struct rule_case *rule_case,
                        const struct o2c_consumer *consumer, size_t count,
                        rule_describe_fn *describe)
{
    size_t order[2 * RULE_EVENTS_MAX];

    for (size_t i = 0; i < count; i++)
        order[i] = order[2 * count - 1 - i] = i;
    check(rule_case, consumer, order, 2 * count, describe);
}

void rule_cases_run(const struct o2c_consumer *consumer, const struct rule_case *cases,
                    size_t count, rule_describe_fn *describe)
{
    for (size_t i = 0; i < count; i++) {
        size_t order[RULE_EVENTS_MAX], events = 0;

        while (cases[i].events[events]) {
            order[events] = events;
            events++;
        }
        permute(&cases[i], consumer, order, 0, events, describe);
        check_twice(&cases[i], consumer, events, describe);
    }
}

/* ---- drawn histories */

unsigned rule_draw(unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 16) % below;
}

static void play_in_batches(const struct rule_histories *histories,
                            const struct o2c_event *events, size_t limit,
                            struct o2c_buf *out)
{
    struct rows_fixture *fixture = rows_fixture_new(histories->consumer);

    for (size_t from = 0; from < histories->events_each; from += limit) {
        size_t left = histories->events_each - from;

        rows_fixture_apply_batch(fixture, events + from, left < limit ? left : limit);
        assert_null(rows_fixture_effect(fixture, ROWS_PARKED, O2C_EVENT_NONE, 0));
        histories->published(fixture, out);
    }
    histories->tables(fixture, out);
    rows_fixture_free(fixture);
}

static void play_history(const struct rule_histories *histories,
                         const struct o2c_event *events)
{
    const size_t limits[] = {1, 7, histories->events_each};
    struct o2c_buf out[3];

    for (size_t i = 0; i < 3; i++) {
        o2c_buf_init(&out[i], 1 << 22);
        play_in_batches(histories, events, limits[i], &out[i]);
        assert_string_equal(o2c_buf_text(&out[i]), o2c_buf_text(&out[0]));
    }
    for (size_t i = 0; i < 3; i++)
        o2c_buf_clear(&out[i]);
}

void rule_histories_run(const struct rule_histories *histories)
{
    struct o2c_event *events = calloc(histories->events_each, sizeof *events);
    char json[1024];

    assert_non_null(events);
    for (unsigned history = 0; history < histories->count; history++) {
        struct o2c_arena arena;
        unsigned state = history;

        o2c_arena_init(&arena, 1 << 24);
        for (unsigned i = 0; i < histories->events_each; i++) {
            histories->draw(&state, json, sizeof json);
            events[i] = rule_event(json, &arena);
        }
        play_history(histories, events);
        o2c_arena_clear(&arena);
    }
    free(events);
}
