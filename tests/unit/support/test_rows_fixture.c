/* The fixture that drives rules without a database, with a consumer of two rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "consumers/host/consumer.h"
#include "consumers/host/effects.h"
#include "consumers/host/rows.h"
#include "consumers/host/wants.h"
#include "runtime/base/arena.h"
#include "schemas/wire/content.h"
#include "tests/support/rows_fixture.h"

#include "runtime/base/banned.h"

/* ---- a consumer that remembers cancellations and says so */

struct seen {
    struct o2c_row row;
    struct o2c_str account_id, order_id;
    struct o2c_str content;
    int64_t seen_us;
};

static const struct o2c_column seen_columns[] = {
    O2C_COLUMN(TEXT, struct seen, account_id),
    O2C_COLUMN(TEXT, struct seen, order_id),
    O2C_COLUMN(BYTES, struct seen, content),
    O2C_COLUMN(TIMESTAMP, struct seen, seen_us),
};
static const struct o2c_table seen_table = {
    "seen", "seen_row", sizeof(struct seen), seen_columns, 4, 2, NULL, 0};

static void needs_seen(const struct o2c_event *event, struct o2c_wants *wants)
{
    o2c_want_row(wants, &seen_table, O2C_KEY(O2C_K(event->order_cancelled->order_id)));
}

static void say(struct o2c_effects *effects, const struct o2c_order_cancelled *cancelled)
{
    struct o2c_order_status_changed changed = {.head = cancelled->head,
                                               .order_id = cancelled->order_id};
    struct o2c_event event = o2c_event_of(O2C_ORDER_STATUS_CHANGED, &changed);

    changed.head.event_id = changed.head.account_id = (struct o2c_str){NULL, 0};
    o2c_effects_emit(effects, &event);
}

static enum o2c_verdict on_cancelled(struct o2c_account *account,
                                     const struct o2c_event *event,
                                     const struct o2c_moment *moment,
                                     struct o2c_effects *effects, struct o2c_err *err)
{
    const struct o2c_order_cancelled *cancelled = event->order_cancelled;
    const struct o2c_key *key = O2C_KEY(O2C_K(cancelled->order_id));
    const struct seen *before = o2c_row_find(account, &seen_table, key);
    struct o2c_content now;
    struct seen *seen;

    o2c_content_of(event, &now);
    if (before && o2c_content_same(before->content, o2c_content_bytes(&now))) {
        o2c_effects_repeat(effects);
        return O2C_OK;
    }
    if (before) {
        o2c_effects_conflict(effects, event, cancelled->order_id, before->content,
                             before->seen_us);
        return O2C_OK;
    }
    seen = o2c_row_add(account, &seen_table, key);
    seen->seen_us = moment->recorded_us;
    if (!o2c_arena_copy(moment->arena, o2c_content_bytes(&now), &seen->content))
        o2c_effects_no_room(effects);
    say(effects, cancelled);
    if (cancelled->revision < 0)
        return o2c_fail(err, O2C_PARK, "a revision below zero");
    return O2C_OK;
}

static const struct o2c_route routes[] = {
    {O2C_ORDER_CANCELLED, needs_seen, on_cancelled, NULL}};
static const struct o2c_table *const tables[] = {&seen_table};
static const struct o2c_consumer consumer = {
    .name = "t", .routes = routes, .route_count = 1, .tables = tables, .table_count = 1};

static struct o2c_order_cancelled cancellation(const char *order_id, const char *reason)
{
    return (struct o2c_order_cancelled){.head.customer_id = O2C_STR("c1"),
                                        .order_id = o2c_str_from(order_id),
                                        .revision = 2,
                                        .reason = o2c_str_from(reason)};
}

static int set_up(void **state)
{
    *state = rows_fixture_new(&consumer);
    return 0;
}

static int tear_down(void **state)
{
    rows_fixture_free(*state);
    return 0;
}

static enum o2c_verdict cancel(struct rows_fixture *fixture,
                               const struct o2c_order_cancelled *cancelled)
{
    struct o2c_err err;

    return rows_fixture_apply(fixture, O2C_ORDER_CANCELLED, cancelled, &err);
}

static void rows_are_kept_and_events_recorded(void **state)
{
    struct o2c_order_cancelled cancelled = cancellation("o1", "mistake");
    const struct rows_effect *effect;
    const struct seen *seen;
    size_t count;

    rows_fixture_recorded_at(*state, 1000000);
    assert_int_equal(cancel(*state, &cancelled), O2C_OK);
    seen = rows_fixture_row(*state, &seen_table, 0);
    assert_true(o2c_str_eq(seen->order_id, O2C_STR("o1")));
    assert_int_equal(seen->seen_us, 1000000);
    rows_fixture_effects(*state, &count);
    assert_int_equal(count, 1);
    effect = rows_fixture_effect(*state, ROWS_EMITTED, O2C_ORDER_STATUS_CHANGED, 0);
    assert_true(o2c_str_eq(effect->key, O2C_STR("c1")));
    assert_true(o2c_str_eq(effect->event.head->account_id, O2C_STR("c1")));
    assert_true(o2c_str_eq(effect->event.order_status_changed->order_id, O2C_STR("o1")));
}

static void the_same_again_is_a_repeat_and_another_content_a_conflict(void **state)
{
    struct o2c_order_cancelled first = cancellation("o1", "mistake");
    struct o2c_order_cancelled other = cancellation("o1", "too late");
    const struct rows_effect *conflict;

    rows_fixture_recorded_at(*state, 5000000);
    assert_int_equal(cancel(*state, &first), O2C_OK);
    assert_int_equal(cancel(*state, &first), O2C_OK);
    assert_non_null(rows_fixture_effect(*state, ROWS_REPEAT, O2C_EVENT_NONE, 0));
    assert_int_equal(cancel(*state, &other), O2C_OK);
    conflict = rows_fixture_effect(*state, ROWS_CONFLICT, O2C_EVENT_NONE, 0);
    assert_non_null(conflict);
    assert_int_equal(conflict->first_seen_us, 5000000);
    assert_int_equal(conflict->field_count, 1);
    assert_true(o2c_str_eq(conflict->fields[0], O2C_STR("reason")));
    assert_int_equal(rows_fixture_row_count(*state, &seen_table), 1);
}

static void a_refused_event_leaves_neither_rows_nor_events(void **state)
{
    struct o2c_order_cancelled refused = cancellation("o1", "mistake");
    const struct rows_effect *effects;
    size_t count;

    refused.revision = -1;
    assert_int_equal(cancel(*state, &refused), O2C_PARK);
    effects = rows_fixture_effects(*state, &count);
    assert_int_equal(count, 1);
    assert_int_equal(effects[0].kind, ROWS_PARKED);
    assert_string_equal(effects[0].reason, "a revision below zero");
    assert_int_equal(rows_fixture_row_count(*state, &seen_table), 0);
}

static void a_batch_is_folded_in_order(void **state)
{
    struct o2c_order_cancelled cancelled[] = {
        cancellation("o2", "a"), cancellation("o1", "a"), cancellation("o2", "a"),
        cancellation("o1", "b")};
    struct o2c_event events[4];
    const struct rows_effect *effects;
    size_t count;

    for (int i = 0; i < 4; i++)
        events[i] = o2c_event_of(O2C_ORDER_CANCELLED, &cancelled[i]);
    rows_fixture_apply_batch(*state, events, 4);
    effects = rows_fixture_effects(*state, &count);
    assert_int_equal(count, 4);
    assert_int_equal(effects[1].kind, ROWS_EMITTED);
    assert_int_equal(effects[2].kind, ROWS_REPEAT);
    assert_int_equal(effects[2].event_no, 2);
    assert_int_equal(effects[3].kind, ROWS_CONFLICT);
    assert_int_equal(rows_fixture_row_count(*state, &seen_table), 2);
    assert_null(rows_fixture_row(*state, &seen_table, 2));
}

static void a_type_without_a_route_does_nothing(void **state)
{
    struct o2c_reminders_unblocked unblocked = {.head.customer_id = O2C_STR("c1")};
    struct o2c_err err;
    size_t count;

    assert_int_equal(rows_fixture_apply(*state, O2C_REMINDERS_UNBLOCKED, &unblocked, &err),
                     O2C_OK);
    rows_fixture_effects(*state, &count);
    assert_int_equal(count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest all[] = {
        TEST(rows_are_kept_and_events_recorded),
        TEST(the_same_again_is_a_repeat_and_another_content_a_conflict),
        TEST(a_refused_event_leaves_neither_rows_nor_events),
        TEST(a_batch_is_folded_in_order),
        TEST(a_type_without_a_route_does_nothing),
    };

    return cmocka_run_group_tests(all, NULL, NULL);
}
