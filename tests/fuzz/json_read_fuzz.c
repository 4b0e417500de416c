/* Any text as JSON: refused with at least one fault, or an event that can be written and
 * read. */
#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "schemas/wire/json.h"
#include "tests/compat/random_event.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/target.h"

static void note(void *user, const struct o2c_json_fault *fault)
{
    size_t *faults = user;
    must(strlen(fault->path) < 256 && strlen(fault->value) < 256, "a fault is too long");
    must(*fault->expected != '\0', "a fault does not say what was expected");
    must(o2c_str_is_text(o2c_str_from(fault->value)), "a fault's value is no text");
    must(o2c_str_is_text(o2c_str_from(fault->path)), "a fault's path is no text");
    ++*faults;
}

static void try_event(const struct o2c_event *event, struct o2c_arena *arena)
{
    struct o2c_buf buf;
    struct o2c_err err;
    struct o2c_event again;
    const char *field;
    o2c_buf_init(&buf, 16 << 20);
    must(o2c_event_encode(event, &buf, &err) == O2C_OK, "it cannot be written");
    must(o2c_event_decode((struct o2c_str){buf.at, buf.len}, arena, &again, &err) == O2C_OK,
         "it cannot be read");
    must(same_event(event, &again, &field), field);
    o2c_buf_clear(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static const struct o2c_json_given given = {.source = {"fuzz", 4}, .now_us = 1};
    json_error_t error;
    json_t *json =
        o2c_json_load((struct o2c_str){(const char *)at, len},
                      JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return 0;
    struct o2c_arena arena;
    struct o2c_event event;
    struct o2c_err err;
    size_t faults = 0;
    o2c_arena_init(&arena, 64 << 20);
    enum o2c_verdict verdict =
        o2c_event_from_json(json, &given, &arena, note, &faults, &event, &err);
    must(verdict == (faults ? O2C_PARK : O2C_OK), "the verdict");
    if (verdict == O2C_OK)
        try_event(&event, &arena);
    o2c_arena_clear(&arena);
    json_decref(json);
    return 0;
}
