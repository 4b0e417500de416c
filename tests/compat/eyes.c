/*
 * Our side of python_eyes.py, which reads and writes the other.
 *
 *   eyes write SEED  prints bytes in hexadecimal and JSON of random events of every type
 *   eyes read        reads bytes in hexadecimal, prints JSON or "refused: why"
 *   eyes publish     reads JSON, prints the event_id it gets, or "refused: why"
 *
 * The last two line by line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "schemas/wire/json.h"
#include "tests/compat/random_event.h"

enum {
    PER_TYPE = 30
};

struct room {
    struct o2c_arena arena;
    struct o2c_buf buf;
    struct o2c_err err;
};

static void print_json(const struct o2c_event *event)
{
    json_t *json = o2c_event_to_json(event);
    char *text = json_dumps(json, JSON_COMPACT);
    puts(text ? text : "no memory");
    free(text);
    json_decref(json);
}

static int write_events(struct room *room, uint64_t seed)
{
    for (int type = 1; type < O2C_EVENT_TYPE_COUNT; type++)
        for (int i = 0; i < PER_TYPE; i++) {
            o2c_arena_reset(&room->arena);
            o2c_buf_reset(&room->buf);
            struct o2c_event event = random_event(&seed, (enum o2c_event_type)type,
                                                  i == 0   ? RANDOM_SPARSE
                                                  : i == 1 ? RANDOM_FULL
                                                           : RANDOM_ANY,
                                                  &room->arena);
            if (o2c_event_encode(&event, &room->buf, &room->err)) {
                fprintf(stderr, "%s\n", room->err.text);
                return 1;
            }
            for (size_t k = 0; k < room->buf.len; k++)
                printf("%02x", (unsigned char)room->buf.at[k]);
            putchar('\t');
            print_json(&event);
        }
    return 0;
}

static void read_line(struct room *room, const char *line)
{
    unsigned byte;
    struct o2c_event event;
    for (; sscanf(line, "%2x", &byte) == 1; line += 2)
        o2c_buf_add_u8(&room->buf, (uint8_t)byte);
    struct o2c_str bytes = {room->buf.at, room->buf.len};
    if (o2c_event_decode(bytes, &room->arena, &event, &room->err))
        printf("refused: %s\n", room->err.text);
    else
        print_json(&event);
}

static void publish_line(struct room *room, const char *line)
{
    static const struct o2c_json_given given = {.source = {"eyes", 4}, .now_us = 1};
    struct o2c_event event;
    json_t *json = json_loads(line, 0, NULL);
    if (o2c_event_from_json(json, &given, &room->arena, NULL, NULL, &event, &room->err))
        printf("refused: %s\n", room->err.text);
    else
        printf("%.*s\n", O2C_STR_ARG(event.head->event_id));
    json_decref(json);
}

static int each_line(struct room *room, void (*call)(struct room *room, const char *line))
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        o2c_arena_reset(&room->arena);
        o2c_buf_reset(&room->buf);
        call(room, line);
    }
    free(line);
    return 0;
}

int main(int argc, char **argv)
{
    struct room room;
    int status = 2;
    o2c_arena_init(&room.arena, 64 << 20);
    o2c_buf_init(&room.buf, 4 << 20);
    if (argc == 3 && !strcmp(argv[1], "write"))
        status = write_events(&room, strtoull(argv[2], NULL, 10));
    else if (argc == 2 && !strcmp(argv[1], "read"))
        status = each_line(&room, read_line);
    else if (argc == 2 && !strcmp(argv[1], "publish"))
        status = each_line(&room, publish_line);
    o2c_arena_clear(&room.arena);
    o2c_buf_clear(&room.buf);
    return status;
}
