/* Our decoders and encoders against Avro C, both ways, for every id in ids.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "tests/compat/avro_oracle.h"
#include "tests/compat/random_event.h"

enum {
    ROUNDS = 200,
    SPOILED_ROUNDS = 2000
};

struct bench {
    struct oracle *oracle;
    struct o2c_arena arena;
    struct o2c_buf buf;
    uint64_t seed;
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    bench->oracle = oracle_open(O2C_SCHEMAS_FOLDER);
    o2c_arena_init(&bench->arena, 64 << 20);
    o2c_buf_init(&bench->buf, 4 << 20);
    bench->seed = 20260131;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    oracle_close(bench->oracle);
    o2c_arena_clear(&bench->arena);
    o2c_buf_clear(&bench->buf);
    free(bench);
    return 0;
}

static struct o2c_event next_event(struct bench *bench, int32_t id, int round)
{
    o2c_arena_reset(&bench->arena);
    o2c_buf_reset(&bench->buf);
    enum random_shape shape = round == 0   ? RANDOM_SPARSE
                              : round == 1 ? RANDOM_FULL
                                           : RANDOM_ANY;
    return random_event(&bench->seed, o2c_event_type_by_schema(id), shape, &bench->arena);
}

static void must_agree(struct bench *bench, const struct o2c_event *event)
{
    const char *field;
    struct o2c_str bytes = {bench->buf.at, bench->buf.len};
    if (!oracle_agrees(bench->oracle, bytes, event, &field))
        fail_msg("%s: %s", o2c_event_type_row(event->type)->name, field);
}

static void what_we_write_avro_c_reads(void **state)
{
    struct bench *bench = *state;
    for (int type = 1; type < O2C_EVENT_TYPE_COUNT; type++) {
        int32_t id = o2c_event_type_row((enum o2c_event_type)type)->schema_id;
        for (int round = 0; round < ROUNDS; round++) {
            struct o2c_err err;
            struct o2c_event event = next_event(bench, id, round);
            if (o2c_event_encode(&event, &bench->buf, &err))
                fail_msg("%s", err.text);
            must_agree(bench, &event);
        }
    }
}

static void what_avro_c_writes_we_read(void **state)
{
    struct bench *bench = *state;
    for (int32_t id = 1; id <= oracle_id_count(bench->oracle); id++)
        for (int round = 0; round < ROUNDS; round++) {
            struct o2c_err err;
            struct o2c_event event = next_event(bench, id, round), read;
            assert_true(oracle_encode(bench->oracle, id, &event, &bench->buf));
            struct o2c_str bytes = {bench->buf.at, bench->buf.len};
            if (o2c_event_decode(bytes, &bench->arena, &read, &err))
                fail_msg("%s: %s", oracle_name(bench->oracle, id), err.text);
            must_agree(bench, &read);
        }
}

static void what_we_write_we_read_unchanged(void **state)
{
    struct bench *bench = *state;
    for (int type = 1; type < O2C_EVENT_TYPE_COUNT; type++)
        for (int round = 0; round < ROUNDS; round++) {
            struct o2c_err err;
            const char *field;
            const struct o2c_event_type_row *row =
                o2c_event_type_row((enum o2c_event_type)type);
            struct o2c_event event = next_event(bench, row->schema_id, round), read;
            assert_int_equal(o2c_event_encode(&event, &bench->buf, &err), O2C_OK);
            struct o2c_str bytes = {bench->buf.at, bench->buf.len};
            assert_int_equal(o2c_event_decode(bytes, &bench->arena, &read, &err), O2C_OK);
            if (!same_event(&event, &read, &field))
                fail_msg("%s: %s", row->name, field);
        }
}

/* Changes, cuts, doubles or replaces some bytes behind the frame. */
static void spoil(struct bench *bench)
{
    struct o2c_buf *buf = &bench->buf;
    for (uint64_t times = 1 + random_below(&bench->seed, 3); times && buf->len > 5;
         times--) {
        size_t at = 5 + (size_t)random_below(&bench->seed, buf->len - 5);
        switch (random_below(&bench->seed, 5)) {
        case 0:
            buf->at[at] = (char)random_next(&bench->seed);
            break;
        case 1:
            buf->at[at] = (char)(buf->at[at] ^ (1 << random_below(&bench->seed, 8)));
            break;
        case 2:
            buf->len = at;
            break;
        case 3:
            memmove(buf->at + at, buf->at + at + 1, buf->len - at - 1);
            buf->len--;
            break;
        default:
            o2c_buf_add_u8(buf, (uint8_t)random_next(&bench->seed));
        }
    }
}

/* Only what we accept is asked: whatever it is, Avro C must have read the same from it. */
static void spoiled_bytes_are_refused_or_mean_the_same_to_both(void **state)
{
    struct bench *bench = *state;
    int taken = 0, refused = 0;
    for (int32_t id = 1; id <= oracle_id_count(bench->oracle); id++)
        for (int round = 0; round < SPOILED_ROUNDS; round++) {
            struct o2c_err err = {.text = ""};
            struct o2c_event event = next_event(bench, id, round), read;
            assert_true(oracle_encode(bench->oracle, id, &event, &bench->buf));
            spoil(bench);
            struct o2c_str bytes = {bench->buf.at, bench->buf.len};
            enum o2c_verdict verdict = o2c_event_decode(bytes, &bench->arena, &read, &err);
            if (verdict == O2C_OK)
                must_agree(bench, &read);
            else {
                assert_int_equal(verdict, O2C_PARK);
                assert_true(strlen(err.text) > 0);
            }
            taken += verdict == O2C_OK;
            refused += verdict != O2C_OK;
        }
    assert_true(taken > 100 && refused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_write_avro_c_reads),
        cmocka_unit_test(what_avro_c_writes_we_read),
        cmocka_unit_test(what_we_write_we_read_unchanged),
        cmocka_unit_test(spoiled_bytes_are_refused_or_mean_the_same_to_both),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
