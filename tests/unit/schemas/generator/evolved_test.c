/*
 * The generator on a folder of its own (evolved/), in which one record went
 * through every change that is allowed: fields removed, added, reordered,
 * widened, made optional, symbols added and moved, at every depth.  The bytes
 * of version 1 are put together here by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "schemas/events.h"
#include "schemas/wire/avro.h"
#include "schemas/wire/frame.h"

enum {
    RED,
    GREEN,
    BLUE
}; /* as version 1 numbered them */

static void put_text(struct o2c_avro_writer *to, const char *text)
{
    o2c_avro_put_string(to, o2c_str_from(text), "");
}

static void put_leg(struct o2c_avro_writer *to, int hours, const char *old_code,
                    const char *place)
{
    o2c_avro_put_long(to, hours);
    o2c_avro_put_long(to, old_code != NULL);
    if (old_code)
        put_text(to, old_code);
    put_text(to, place);
}

static void put_stamp(struct o2c_avro_writer *to, const char *country)
{
    o2c_avro_put_long(to, 85);
    o2c_avro_put_long(to, country != NULL);
    if (country)
        put_text(to, country);
}

/* parcel_id to trace: what comes before the fields a test wants to spoil. */
static void put_first_half(struct o2c_avro_writer *to)
{
    put_text(to, "018f0000-0000-7000-8000-000000000001");
    o2c_avro_put_long(to, 1000);
    put_text(to, "depot");
    put_text(to, "P1");
    o2c_avro_put_long(to, INT32_MAX); /* grams */
    put_stamp(to, NULL);
    o2c_avro_put_long(to, 1); /* stamps: given */
    o2c_avro_put_long(to, 2);
    put_stamp(to, "CH");
    put_stamp(to, NULL);
    o2c_avro_put_long(to, 0);
    o2c_avro_put_long(to, GREEN); /* colour */
    o2c_avro_put_long(to, 2);     /* colours */
    o2c_avro_put_long(to, BLUE);
    o2c_avro_put_long(to, RED);
    o2c_avro_put_long(to, 0);
    put_text(to, "a trace");
}

static void put_second_half(struct o2c_avro_writer *to)
{
    o2c_avro_put_boolean(to, true); /* insured */
    o2c_avro_put_long(to, 1);       /* marks */
    put_text(to, "fragile");
    o2c_avro_put_long(to, 0);
    o2c_avro_put_long(to, 1); /* tints */
    o2c_avro_put_long(to, BLUE);
    o2c_avro_put_long(to, 0);
    put_text(to, "a note");
    o2c_avro_put_long(to, 7); /* zone */
    put_leg(to, -3, "x", "Bern");
    o2c_avro_put_long(to, 2); /* legs */
    put_leg(to, 1, NULL, "Olten");
    put_leg(to, 2, "y", "Basel");
    o2c_avro_put_long(to, 0);
    o2c_avro_put_long(to, 0); /* extra_legs: none */
    o2c_avro_put_long(to, 1); /* due */
    o2c_avro_put_long(to, 20000);
}

struct room {
    struct o2c_arena arena;
    struct o2c_buf buf;
    struct o2c_err err;
};

static int set_up(void **state)
{
    static struct room room;
    o2c_arena_init(&room.arena, 1 << 20);
    o2c_buf_init(&room.buf, 1 << 16);
    *state = &room;
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;
    o2c_arena_clear(&room->arena);
    o2c_buf_clear(&room->buf);
    return 0;
}

static void put_version_1(struct room *room)
{
    struct o2c_avro_writer to = {.out = &room->buf};
    o2c_frame_write(&room->buf, 1);
    put_first_half(&to);
    put_second_half(&to);
}

static enum o2c_verdict decode(struct room *room, size_t len, struct o2c_event *ret_event)
{
    return o2c_event_decode((struct o2c_str){room->buf.at, len}, &room->arena, ret_event,
                            &room->err);
}

static void what_both_versions_have_is_read_by_name(void **state)
{
    struct room *room = *state;
    struct o2c_event event;
    put_version_1(room);
    if (decode(room, room->buf.len, &event))
        fail_msg("%s", room->err.text);
    const struct o2c_parcel_posted *parcel = event.parcel_posted;
    assert_true(o2c_str_eq(parcel->parcel_id, O2C_STR("P1")));
    assert_true(parcel->grams == INT32_MAX);
    assert_int_equal(parcel->colour, O2C_COLOUR_GREEN);
    assert_int_equal(parcel->colours_count, 2);
    assert_int_equal(parcel->colours[0], O2C_COLOUR_BLUE);
    assert_int_equal(parcel->colours[1], O2C_COLOUR_RED);
    assert_true(o2c_str_eq(parcel->note, O2C_STR("a note")));
    assert_true(parcel->has_zone && parcel->zone == 7);
    assert_true(parcel->has_due && parcel->due == 20000);
    assert_true(o2c_str_eq(parcel->first_leg->to, O2C_STR("Bern")));
    assert_true(parcel->first_leg->hours == -3);
    assert_int_equal(parcel->legs_count, 2);
    assert_true(o2c_str_eq(parcel->legs[1].to, O2C_STR("Basel")));
    assert_true(o2c_str_eq(parcel->legs[1].carrier, O2C_STR("post")));
    assert_null(parcel->extra_legs);
}

static void what_version_1_lacks_gets_its_default(void **state)
{
    struct room *room = *state;
    struct o2c_event event;
    put_version_1(room);
    assert_int_equal(decode(room, room->buf.len, &event), O2C_OK);
    const struct o2c_parcel_posted *parcel = event.parcel_posted;
    assert_true(o2c_str_eq(parcel->label, O2C_STR("plain")));
    assert_int_equal(parcel->pieces, 1);
    assert_true(parcel->metres == INT64_C(-5000000000));
    assert_true(parcel->fragile);
    assert_int_equal(parcel->lid, O2C_COLOUR_GREEN);
    assert_int_equal(parcel->day, 3);
    assert_int_equal(parcel->moment_us, 4);
    assert_non_null(parcel->tags);
    assert_int_equal(parcel->tags_count, 0);
    assert_null(parcel->spare);
    assert_null(parcel->spares);
    assert_null(parcel->reference.at);
    assert_false(parcel->has_priority);
}

static void a_type_with_part_of_the_common_fields_has_the_rest_absent(void **state)
{
    struct room *room = *state;
    struct o2c_event event;
    put_version_1(room);
    assert_int_equal(decode(room, room->buf.len, &event), O2C_OK);
    assert_non_null(event.head);
    assert_true(o2c_str_eq(event.head->source, O2C_STR("depot")));
    assert_int_equal(event.head->occurred_at_us, 1000);
    assert_null(event.head->company_id.at);
    assert_null(o2c_event_account(&event).at);
}

static void version_1_that_ends_anywhere_inside_is_refused(void **state)
{
    struct room *room = *state;
    struct o2c_event event;
    put_version_1(room);
    for (size_t len = 0; len < room->buf.len; len++)
        assert_int_equal(decode(room, len, &event), O2C_PARK);
}

/* What is skipped is checked as if it were kept: the same bytes mean the same to all. */
static void a_removed_field_must_be_well_formed_too(void **state)
{
    struct room *room = *state;
    struct o2c_event event;
    struct o2c_avro_writer to = {.out = &room->buf};
    o2c_frame_write(&room->buf, 1);
    put_first_half(&to);
    o2c_avro_put_boolean(&to, true);
    o2c_avro_put_long(&to, 1);
    o2c_avro_put_long(&to, 2);
    o2c_buf_add(&room->buf, "\xff\xff", 2);
    assert_int_equal(decode(room, room->buf.len, &event), O2C_PARK);
    assert_string_equal(room->err.text, "ParcelPosted: field marks[0]: it is no UTF-8 text,"
                                        " or has a NUL in it");
}

static void version_2_comes_back_as_it_was_written(void **state)
{
    struct room *room = *state;
    static const enum o2c_colour colours[] = {O2C_COLOUR_WHITE, O2C_COLOUR_RED};
    static const struct o2c_str tags[] = {{"a", 1}, {"", 0}};
    struct o2c_leg leg = {.to = O2C_STR("Chur"), .hours = 9, .carrier = O2C_STR("rail")};
    struct o2c_parcel_posted parcel = {
        .head = {.event_id = O2C_STR("018f0000-0000-7000-8000-000000000001"),
                 .source = O2C_STR("depot")},
        .legs = &leg,
        .legs_count = 1,
        .colour = O2C_COLOUR_WHITE,
        .colours = colours,
        .colours_count = 2,
        .parcel_id = O2C_STR("P2"),
        .label = O2C_STR(""),
        .tags = tags,
        .tags_count = 2,
        .spare = &leg,
        .has_priority = true,
        .priority = -1};
    struct o2c_event event = o2c_event_of(O2C_PARCEL_POSTED, &parcel), read;
    assert_int_equal(o2c_event_encode(&event, &room->buf, &room->err), O2C_OK);
    assert_int_equal(decode(room, room->buf.len, &read), O2C_OK);
    assert_int_equal(read.parcel_posted->colours[1], O2C_COLOUR_RED);
    assert_int_equal(read.parcel_posted->tags_count, 2);
    assert_true(o2c_str_eq(read.parcel_posted->spare->to, O2C_STR("Chur")));
    assert_int_equal(read.parcel_posted->priority, -1);
    assert_false(read.parcel_posted->has_zone);
    assert_null(read.parcel_posted->spares);
}

static void a_fault_is_named_down_to_the_item(void **state)
{
    struct room *room = *state;
    struct o2c_leg legs[2] = {{.to = O2C_STR("Chur"), .carrier = O2C_STR("rail")},
                              {.to = O2C_STR("Sion")}};
    struct o2c_parcel_posted parcel = {
        .head = {.event_id = O2C_STR("018f0000-0000-7000-8000-000000000001"),
                 .source = O2C_STR("depot")},
        .parcel_id = O2C_STR("P2"),
        .label = O2C_STR(""),
        .extra_legs = legs,
        .extra_legs_count = 2};
    struct o2c_event event = o2c_event_of(O2C_PARCEL_POSTED, &parcel);
    assert_int_equal(o2c_event_encode(&event, &room->buf, &room->err), O2C_PARK);
    assert_string_equal(room->err.text, "ParcelPosted: field extra_legs[1].carrier: it is"
                                        " required and absent");
    parcel.extra_legs_count = 1;
    parcel.spare = &legs[1];
    assert_int_equal(o2c_event_encode(&event, &room->buf, &room->err), O2C_PARK);
    assert_string_equal(room->err.text, "ParcelPosted: field spare.carrier: it is required"
                                        " and absent");
}

static void a_topic_may_have_its_own_partition_count(void **state)
{
    (void)state;
    const struct o2c_topic *topic = o2c_topic_by_name("o2c.parcels");
    assert_non_null(topic);
    assert_int_equal(topic->partition_count, 5);
    assert_int_equal(topic->key, O2C_TOPIC_KEY_NONE);
    assert_int_equal(topic->placement, O2C_PLACEMENT_EVERY_PARTITION);
}

#define IN_A_ROOM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_ROOM(what_both_versions_have_is_read_by_name),
        IN_A_ROOM(what_version_1_lacks_gets_its_default),
        IN_A_ROOM(a_type_with_part_of_the_common_fields_has_the_rest_absent),
        IN_A_ROOM(version_1_that_ends_anywhere_inside_is_refused),
        IN_A_ROOM(a_removed_field_must_be_well_formed_too),
        IN_A_ROOM(version_2_comes_back_as_it_was_written),
        IN_A_ROOM(a_fault_is_named_down_to_the_item),
        cmocka_unit_test(a_topic_may_have_its_own_partition_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
