/* What rules emit becomes rows of the outbox: numbered, named, undone, refused. */
#include "consumers/host/effects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "consumers/host/consumer.h"
#include "consumers/host/engine.h"

#include "runtime/base/banned.h"

static const char *const topics[] = {"o2c.orders", NULL};
static const char *const emits[] = {"o2c.order-status", "o2c.conflicts", NULL};
static const struct o2c_consumer consumer = {
    .name = "tested", .topics = topics, .emits = emits};

static struct engine *engine;
static struct batch *batch;
static struct unit unit;
static struct record record;
static struct o2c_effects effects;

static void open_with(size_t arena_bytes)
{
    engine = calloc(1, sizeof *engine);
    assert_non_null(engine);
    engine->consumer = &consumer;
    engine->emit_count = 2;
    o2c_buf_init(&engine->scratch, 1 << 20);
    batch = &engine->batch[0];
    batch->engine = engine;
    o2c_arena_init(&batch->work, arena_bytes);
    unit = (struct unit){.partition = 2, .incarnation = {{1}}};
    unit.pending.outbox_no = 40;
    unit.pending.stream_seq[0] = 7;
    record = (struct record){.unit = &unit,
                             .offset = 99,
                             .recorded_us = 1767225600000000,
                             .account = O2C_STR("acc")};
    effects_begin(&effects, batch, &record);
}

static int setup(void **state)
{
    (void)state;
    open_with(1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(batch->outbox.at);
    o2c_arena_clear(&batch->work);
    o2c_buf_clear(&engine->scratch);
    free(engine);
    return 0;
}

static void emit_rejected(const char *order_id)
{
    struct o2c_str reason = O2C_STR("why");
    struct o2c_order_rejected body = {
        .order_id = o2c_str_from(order_id), .reasons = &reason, .reasons_count = 1};
    struct o2c_event event = o2c_event_of(O2C_ORDER_REJECTED, &body);

    o2c_effects_emit(&effects, &event);
}

static void emit_conflict(void)
{
    struct o2c_str field = O2C_STR("lines");
    struct o2c_conflict_found body = {.topic = O2C_STR("o2c.orders"),
                                      .natural_key = O2C_STR("k"),
                                      .event_type = O2C_STR("OrderPlaced"),
                                      .fields = &field,
                                      .fields_count = 1};
    struct o2c_event event = o2c_event_of(O2C_CONFLICT_FOUND, &body);

    o2c_effects_emit(&effects, &event);
}

static const struct outbox_row *row(size_t i)
{
    assert_true(i < batch->outbox.count);
    return &batch->outbox.at[i];
}

static void numbers_follow_each_other_per_partition_and_per_topic(void **state)
{
    (void)state;
    emit_rejected("o1");
    emit_conflict();
    emit_rejected("o2");
    assert_int_equal(batch->outbox.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(row(i)->outbox_no, 41 + i);
    assert_int_equal(row(0)->stream_seq, 8);
    assert_int_equal(row(1)->stream_seq, 1);
    assert_int_equal(row(2)->stream_seq, 9);
    assert_true(o2c_str_eq(row(0)->cause, O2C_STR("o2c.orders/2/99#0")));
    assert_true(o2c_str_eq(row(2)->cause, O2C_STR("o2c.orders/2/99#2")));
    assert_true(o2c_str_eq(row(1)->type, O2C_STR("o2c.conflicts.ConflictFound")));
    assert_true(o2c_str_eq(row(0)->key, O2C_STR("acc")));
}

static void the_head_is_filled_in_by_the_host(void **state)
{
    struct o2c_arena arena;
    struct o2c_event event;
    struct o2c_err err;
    char id[O2C_UUID_TEXT + 1];

    (void)state;
    emit_rejected("o1");
    o2c_arena_init(&arena, 1 << 20);
    assert_int_equal(o2c_event_decode(row(0)->value, &arena, &event, &err), O2C_OK);
    o2c_uuid_format(&row(0)->event_id, id);
    assert_true(o2c_str_eq(event.head->event_id, o2c_str_from(id)));
    assert_true(o2c_str_eq(event.head->source, O2C_STR("o2c.tested")));
    assert_true(o2c_str_eq(event.head->company_id, O2C_STR("main")));
    assert_true(o2c_str_eq(event.head->customer_id, O2C_STR("acc")));
    assert_true(o2c_str_eq(event.head->account_id, O2C_STR("acc")));
    assert_int_equal(event.head->occurred_at_us, record.recorded_us);
    o2c_arena_clear(&arena);
}

/* Decided again at the same place it has the same id and bytes; elsewhere another. */
static void an_event_undone_and_emitted_again_is_the_same(void **state)
{
    struct outbox_row before;

    (void)state;
    emit_rejected("o1");
    emit_conflict();
    before = *row(1);
    effects_undo(&effects);
    assert_int_equal(batch->outbox.count, 0);
    assert_int_equal(unit.pending.outbox_no, 40);
    assert_int_equal(unit.pending.stream_seq[0], 7);
    assert_int_equal(unit.pending.stream_seq[1], 0);
    effects_begin(&effects, batch, &record);
    emit_rejected("o1");
    emit_conflict();
    assert_memory_equal(&row(1)->event_id, &before.event_id, sizeof before.event_id);
    assert_true(o2c_str_eq(row(1)->value, before.value));
    assert_memory_not_equal(&row(0)->event_id, &before.event_id, sizeof before.event_id);
}

static void an_undo_goes_back_to_the_event_s_own_beginning_only(void **state)
{
    (void)state;
    emit_rejected("o1");
    record.offset++;
    effects_begin(&effects, batch, &record);
    emit_rejected("o2");
    emit_rejected("o3");
    effects_undo(&effects);
    assert_int_equal(batch->outbox.count, 1);
    assert_int_equal(unit.pending.outbox_no, 41);
    assert_int_equal(unit.pending.stream_seq[0], 8);
}

static void what_cannot_be_encoded_parks_the_event(void **state)
{
    struct o2c_order_rejected body = {.reasons = NULL};
    struct o2c_event event = o2c_event_of(O2C_ORDER_REJECTED, &body);

    (void)state;
    o2c_effects_emit(&effects, &event);
    assert_int_equal(effects.err.verdict, O2C_PARK);
    assert_non_null(strstr(effects.err.text, "order_id"));
    effects_undo(&effects);
    assert_int_equal(effects.err.verdict, O2C_OK);
    assert_int_equal(unit.pending.outbox_no, 40);
}

static void what_is_too_large_to_be_published_parks_the_event(void **state)
{
    static char large[OUTBOX_BYTES];

    (void)state;
    effects_emit_raw(&effects, "o2c.conflicts", O2C_STR("x"), O2C_STR("{}"), O2C_STR("k"),
                     (struct o2c_str){large, sizeof large - 3});
    assert_int_equal(effects.err.verdict, O2C_OK);
    effects_emit_raw(&effects, "o2c.conflicts", O2C_STR("x"), O2C_STR("{}"), O2C_STR("k"),
                     (struct o2c_str){large, sizeof large - 2});
    assert_int_equal(effects.err.verdict, O2C_PARK);
    assert_string_equal(effects.err.text, "a record of 8323073 bytes for o2c.conflicts: at "
                                          "most 8323072 are published");
    effects_undo(&effects);
    assert_int_equal(unit.pending.outbox_no, 40);
}

static void a_topic_that_was_not_declared_is_a_fault_of_the_program(void **state)
{
    (void)state;
    effects_emit_raw(&effects, "o2c.undeclared", O2C_STR("x"), O2C_STR("{}"), O2C_STR("k"),
                     O2C_STR("v"));
    assert_int_equal(effects.err.verdict, O2C_FATAL);
    assert_string_equal(effects.err.text,
                        "o2c.undeclared is not among the topics tested emits to");
    assert_int_equal(batch->outbox.count, 0);
    assert_int_equal(unit.pending.outbox_no, 40);
}

/* Wherever in an emit memory ends, the host is told and can take everything back. */
static void without_memory_the_host_is_told_wherever_it_ends(void **state)
{
    size_t told = 0;
    bool worked = false;

    teardown(state);
    for (size_t bytes = 0; !worked; bytes += 16) {
        assert_true(bytes < (1 << 20));
        open_with(bytes);
        emit_conflict();
        worked = !effects.failed;
        told += effects.failed;
        if (worked)
            assert_true(row(0)->value.len > 0);
        effects_undo(&effects);
        assert_int_equal(unit.pending.outbox_no, 40);
        assert_int_equal(unit.pending.stream_seq[1], 0);
        if (!worked)
            teardown(state);
    }
    assert_true(told > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(numbers_follow_each_other_per_partition_and_per_topic),
        TEST(the_head_is_filled_in_by_the_host),
        TEST(an_event_undone_and_emitted_again_is_the_same),
        TEST(an_undo_goes_back_to_the_event_s_own_beginning_only),
        TEST(what_cannot_be_encoded_parks_the_event),
        TEST(what_is_too_large_to_be_published_parks_the_event),
        TEST(a_topic_that_was_not_declared_is_a_fault_of_the_program),
        TEST(without_memory_the_host_is_told_wherever_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
