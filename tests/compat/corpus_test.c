/*
 * Records of every schema version, written once and kept for ever: what was
 * readable stays readable, says the same, and has the same content hash.
 *
 *   corpus_test FOLDER SCHEMAS          reads corpus/<id>.txt for every id
 *   corpus_test FOLDER SCHEMAS --write  makes the files that are missing
 *
 * A file has three lines per record: its bytes in hexadecimal, its JSON, the
 * first 16 bytes of its content.  Fields that were added since may be in the
 * JSON of today and not in the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "schemas/wire/content.h"
#include "schemas/wire/json.h"
#include "tests/compat/avro_oracle.h"
#include "tests/compat/random_event.h"

enum {
    RECORDS = 5 /* per version: sparse, full, three at random */
};

static const char *corpus, *schemas;

struct room {
    struct oracle *oracle;
    struct o2c_arena arena;
    struct o2c_buf buf;
    struct o2c_err err;
};

static FILE *open_file(int32_t id, const char *mode)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%03d.txt", corpus, (int)id);
    return fopen(path, mode);
}

static void print_hex(FILE *out, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fprintf(out, "%02x", ((const unsigned char *)bytes)[i]);
    fputc('\n', out);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static void read_hex(const char *text, struct o2c_buf *out)
{
    o2c_buf_reset(out);
    int high, low;
    for (; (high = hex_digit(text[0])) >= 0; text += 2) {
        low = hex_digit(text[1]);
        assert_true(low >= 0);
        o2c_buf_add_u8(out, (uint8_t)(high << 4 | low));
    }
}

static struct o2c_event decode(struct room *room, int32_t id)
{
    struct o2c_event event;
    struct o2c_str bytes = {room->buf.at, room->buf.len};
    if (o2c_event_decode(bytes, &room->arena, &event, &room->err))
        fail_msg("id %d: %s", (int)id, room->err.text);
    assert_int_equal(event.type, o2c_event_type_by_schema(id));
    return event;
}

static void write_file(struct room *room, int32_t id)
{
    FILE *out = open_file(id, "w");
    assert_non_null(out);
    uint64_t seed = (uint64_t)id;
    for (int i = 0; i < RECORDS; i++) {
        o2c_buf_reset(&room->buf);
        struct o2c_event event = random_event(&seed, o2c_event_type_by_schema(id),
                                              i == 0   ? RANDOM_SPARSE
                                              : i == 1 ? RANDOM_FULL
                                                       : RANDOM_ANY,
                                              &room->arena);
        assert_true(oracle_encode(room->oracle, id, &event, &room->buf));
        event = decode(room, id);
        json_t *json = o2c_event_to_json(&event);
        char *text = json_dumps(json, JSON_COMPACT);
        struct o2c_content content;
        o2c_content_of(&event, &content);
        print_hex(out, room->buf.at, room->buf.len);
        fprintf(out, "%s\n", text);
        print_hex(out, content.byte, O2C_CONTENT_HASH_BYTES);
        free(text);
        json_decref(json);
    }
    fclose(out);
}

static void write_missing_files(struct room *room)
{
    for (int32_t id = 1; id <= oracle_id_count(room->oracle); id++) {
        FILE *there = open_file(id, "r");
        if (there)
            fclose(there);
        else
            write_file(room, id);
    }
}

/* Everything the old object says must still be said. */
static bool holds(const json_t *now, const json_t *old)
{
    if (json_is_array(old)) {
        bool same = json_array_size(now) == json_array_size(old) && json_is_array(now);
        for (size_t i = 0; same && i < json_array_size(old); i++)
            same = holds(json_array_get(now, i), json_array_get(old, i));
        return same;
    }
    if (!json_is_object(old))
        return json_equal(now, old);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)old, name, value)
    {
        if (!holds(json_object_get(now, name), value))
            return false;
    }
    return true;
}

static void check_record(struct room *room, int32_t id, char *const line[3])
{
    read_hex(line[0], &room->buf);
    struct o2c_event event = decode(room, id);
    json_t *old = json_loads(line[1], 0, NULL), *now = o2c_event_to_json(&event);
    assert_non_null(old);
    if (!holds(now, old))
        fail_msg("id %d does not say any more: %s", (int)id, line[1]);
    json_decref(old);
    json_decref(now);
    struct o2c_content content;
    o2c_content_of(&event, &content);
    read_hex(line[2], &room->buf);
    assert_int_equal(room->buf.len, O2C_CONTENT_HASH_BYTES);
    assert_memory_equal(room->buf.at, content.byte, O2C_CONTENT_HASH_BYTES);
}

static int check_file(struct room *room, int32_t id, FILE *in)
{
    char *line[3] = {NULL, NULL, NULL};
    size_t size[3] = {0, 0, 0};
    int records = 0;
    while (getline(&line[0], &size[0], in) > 0 && getline(&line[1], &size[1], in) > 0 &&
           getline(&line[2], &size[2], in) > 0) {
        check_record(room, id, line);
        records++;
    }
    for (int i = 0; i < 3; i++)
        free(line[i]);
    return records;
}

static void records_of_every_version_are_read_for_ever(void **state)
{
    struct room *room = *state;
    for (int32_t id = 1; id <= oracle_id_count(room->oracle); id++) {
        FILE *in = open_file(id, "r");
        if (!in)
            fail_msg("id %d has no records here: run corpus_test with --write", (int)id);
        assert_int_equal(check_file(room, id, in), RECORDS);
        fclose(in);
        o2c_arena_reset(&room->arena);
    }
}

static void no_version_with_records_has_lost_its_id(void **state)
{
    struct room *room = *state;
    for (int32_t id = oracle_id_count(room->oracle) + 1; id < 1000; id++) {
        FILE *in = open_file(id, "r");
        assert_null(in);
    }
}

static struct room *the_room(void)
{
    static struct room room;
    room.oracle = oracle_open(schemas);
    o2c_arena_init(&room.arena, 64 << 20);
    o2c_buf_init(&room.buf, 4 << 20);
    return &room;
}

static int set_up(void **state)
{
    *state = the_room();
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;
    oracle_close(room->oracle);
    o2c_arena_clear(&room->arena);
    o2c_buf_clear(&room->buf);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_every_version_are_read_for_ever),
        cmocka_unit_test(no_version_with_records_has_lost_its_id),
    };
    if (argc < 3)
        return 2;
    corpus = argv[1];
    schemas = argv[2];
    if (argc > 3 && !strcmp(argv[3], "--write")) {
        void *room = the_room();
        write_missing_files(room);
        return tear_down(&room);
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
