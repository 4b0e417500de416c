#include "producers/publish/map.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producers/publish/embedded.h"
#include "producers/publish/map_plan.h"
#include "producers/publish/shape.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

enum {
    MAX_PLAN_BYTES = 64 << 20,
    MAX_PATH_BYTES = 4096,
};

void map_complain(struct map_compile *compile, const char *fmt, ...)
{
    char what[1024], sentence[1536];
    const char *path = o2c_buf_text(&compile->path);
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    snprintf(sentence, sizeof(sentence), "%s: %s%s%s", compile->map->path, path,
             *path ? ": " : "", what);
    compile->good = false;
    compile->on_fault(compile->user, sentence);
}

size_t map_push(struct map_compile *compile, const char *fmt, ...)
{
    size_t len = compile->path.len;
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    o2c_buf_add_text(&compile->path, text);
    return len;
}

void map_pop(struct map_compile *compile, size_t len)
{
    compile->path.len = len;
}

void *map_alloc(struct map_compile *compile, size_t count, size_t bytes)
{
    void *at = o2c_arena_zalloc(&compile->map->arena, (count + 1) * bytes);
    if (!at)
        map_complain(compile, "the mapping is too large");
    return at;
}

static void on_shape_fault(void *user, const char *path, const char *what)
{
    struct map_compile *compile = user;
    size_t len = map_push(compile, "%s", path);
    map_complain(compile, "%s", what);
    map_pop(compile, len);
}

static bool has_good_shape(struct map_compile *compile)
{
    json_t *schema = json_loads(o2c_publish_map_schema, 0, NULL);
    bool good =
        schema && o2c_shape_check(schema, compile->map->document, on_shape_fault, compile);
    json_decref(schema);
    return good;
}

static void compile_map(struct map_compile *compile, const char *input)
{
    if (!has_good_shape(compile))
        return;
    map_compile_files(compile, input);
    if (compile->good)
        map_compile_rows(compile);
}

enum o2c_verdict o2c_map_open(struct o2c_map **ret_map, const char *map_path,
                              const char *input, o2c_map_fault_fn *on_fault, void *user,
                              struct o2c_err *err)
{
    json_error_t error;
    struct o2c_map *map = calloc(1, sizeof(*map));
    if (!map)
        return o2c_fail(err, O2C_FATAL, "no memory");
    map->path = map_path;
    map->stdin_copy = -1;
    o2c_arena_init(&map->arena, MAX_PLAN_BYTES);
    map->document = json_load_file(map_path, JSON_REJECT_DUPLICATES, &error);
    struct map_compile compile = {
        .map = map, .on_fault = on_fault, .user = user, .good = map->document};
    o2c_buf_init(&compile.path, MAX_PATH_BYTES);
    if (!map->document && access(map_path, R_OK))
        o2c_fail(err, O2C_FATAL, "%s: %s", map_path, strerror(errno));
    else if (!map->document)
        o2c_fail(err, O2C_FATAL, "%s:%d: %s", map_path, error.line, error.text);
    else
        compile_map(&compile, input);
    o2c_buf_clear(&compile.path);
    if (compile.good) {
        *ret_map = map;
        return O2C_OK;
    }
    if (map->document)
        o2c_fail(err, O2C_PARK, "%s cannot be used", map_path);
    o2c_map_close(map);
    return err->verdict;
}

static void clear_joins(struct map_joins *joins)
{
    for (size_t i = 0; i < joins->count; i++)
        o2c_table_index_clear(&joins->joins[i].index);
}

static void clear_rows(struct map_rows *rows)
{
    clear_joins(&rows->joins);
    for (size_t i = 0; i < rows->group_count; i++) {
        o2c_table_index_clear(&rows->groups[i].index);
        clear_joins(&rows->groups[i].joins);
    }
    for (size_t i = 0; i < rows->event_count; i++) {
        free(rows->events[i].seen.hashes);
        free(rows->events[i].seen.taken);
    }
}

void o2c_map_close(struct o2c_map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->rows_count; i++)
        clear_rows(&map->rows[i]);
    for (size_t i = 0; i < map->table_count; i++)
        o2c_table_clear(&map->tables[i]);
    if (map->stdin_copy >= 0)
        (void)close(map->stdin_copy);
    json_decref(map->document);
    o2c_arena_clear(&map->arena);
    free(map);
}

struct o2c_str o2c_map_source(const struct o2c_map *map)
{
    return o2c_str_from(json_string_value(json_object_get(map->document, "source")));
}
