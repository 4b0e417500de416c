/*
 * Any bytes as a record.  They are refused, or they are an event that Avro C
 * reads the same way, that comes back from its own encoding, and that every
 * table-driven reader can walk.
 */
#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "schemas/wire/content.h"
#include "schemas/wire/json.h"
#include "tests/compat/avro_oracle.h"
#include "tests/compat/random_event.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/target.h"

struct room {
    struct oracle *oracle;
    struct o2c_arena arena;
    struct o2c_buf buf;
};

static struct room *the_room(void)
{
    static struct room room;
    if (!room.oracle) {
        room.oracle = oracle_open(O2C_SCHEMAS_FOLDER);
        o2c_arena_init(&room.arena, 64 << 20);
        o2c_buf_init(&room.buf, 16 << 20);
    }
    o2c_arena_reset(&room.arena);
    o2c_buf_reset(&room.buf);
    return &room;
}

static void try_event(struct room *room, struct o2c_str bytes,
                      const struct o2c_event *event)
{
    const char *field;
    struct o2c_err err;
    struct o2c_event again;
    struct o2c_content content;
    if (!oracle_agrees(room->oracle, bytes, event, &field))
        must(false, field);
    must(o2c_event_encode(event, &room->buf, &err) == O2C_OK, "it cannot be written");
    struct o2c_str written = {room->buf.at, room->buf.len};
    must(o2c_event_decode(written, &room->arena, &again, &err) == O2C_OK, "nor read again");
    must(same_event(event, &again, &field), field);
    o2c_content_of(event, &content);
    json_t *json = o2c_event_to_json(event);
    must(json != NULL, "it has no JSON");
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct room *room = the_room();
    struct o2c_str bytes = {(const char *)at, len};
    struct o2c_event event;
    struct o2c_err err;
    enum o2c_verdict verdict = o2c_event_decode(bytes, &room->arena, &event, &err);
    must(verdict == O2C_OK || verdict == O2C_PARK, "the verdict");
    must(room->arena.used_bytes <= O2C_EVENT_MAX_ARENA_BYTES + 4096, "the memory");
    if (verdict == O2C_OK)
        try_event(room, bytes, &event);
    return 0;
}
