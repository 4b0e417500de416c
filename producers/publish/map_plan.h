/*
 * map_plan.h - a mapping file made ready: names resolved to files, columns and
 * fields, everything that can be wrong with it found.  Internal to map*.c.
 */
#ifndef O2C_PUBLISH_MAP_PLAN_H
#define O2C_PUBLISH_MAP_PLAN_H

#include <jansson.h>

#include "producers/publish/decimal.h"
#include "producers/publish/map.h"
#include "producers/publish/table.h"
#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/hash.h"

struct o2c_event_type_row;
struct o2c_intake;
struct o2c_record;

enum {
    MAP_MAX_SLOTS = 64,
    MAP_MAX_KEYS = 8,
};

/*
 * While a row is worked on, every file that takes part in it has a slot: the
 * row itself, its joins, the group row under way, that one's joins.
 */
struct map_column {
    int slot;
    size_t column;
    struct o2c_str name; /* as written in the mapping */
};

struct map_condition {
    struct map_column column;
    const struct o2c_str *texts;
    size_t text_count;
    bool wanted; /* the cell must be among the texts; false: must not */
};

struct map_when {
    const struct map_condition *conditions;
    size_t count;
};

struct map_key {
    struct map_column columns[MAP_MAX_KEYS]; /* of the row */
    size_t columns_there[MAP_MAX_KEYS];      /* of the file that is searched */
    size_t count;
};

struct map_join {
    struct o2c_table *table;
    int slot;
    struct map_key key;
    bool may_be_missing;
    struct o2c_table_index index;
};

struct map_joins {
    struct map_join *joins;
    size_t count;
};

struct map_group {
    const char *name;
    struct o2c_table *table;
    int slot;
    struct map_key key;
    const size_t *sorts;
    size_t sort_count;
    struct map_joins joins;
    struct map_when when;
    struct o2c_table_index index;
};

enum map_as {
    MAP_AS_TEXT,
    MAP_AS_INTEGER,
    MAP_AS_BOOLEAN,
    MAP_AS_DATE,
    MAP_AS_TIMESTAMP,
    MAP_AS_MINOR,
    MAP_AS_MICRO,
    MAP_AS_MILLI,
    MAP_AS_PPM,
    MAP_AS_PERCENT,
};

enum map_value_kind {
    MAP_VALUE_COLUMN,
    MAP_VALUE_TEXT,
    MAP_VALUE_CONSTANT,
    MAP_VALUE_RECORD,
    MAP_VALUE_ROWS,
    MAP_VALUE_LIST,
};

struct map_text_part {
    struct o2c_str literal; /* before the column */
    bool has_column;
    struct map_column column;
};

struct map_pair {
    struct o2c_str from, to; /* to absent: the field is left out */
};

struct map_fields {
    struct map_field *fields;
    size_t count;
};

struct map_value {
    enum map_value_kind kind;
    enum map_as as;
    struct map_column column;
    const struct map_text_part *parts;
    size_t part_count;
    json_t *constant; /* borrowed from the document */
    struct map_fields record;
    const struct map_group *group;
    struct map_value *items; /* LIST: item_count of them; ROWS: one */
    size_t item_count;

    bool has_pairs;
    const struct map_pair *pairs;
    size_t pair_count;
    struct o2c_str fallback; /* for an empty cell; absent: the field is left out */
    const struct o2c_str *formats;
    size_t format_count;
    int32_t second, zone_minutes;
    int32_t plus_days;
    struct o2c_decimal_format decimal;
    struct map_value *currency; /* NULL: the event's own */
};

struct map_field {
    const char *name;
    struct map_value value;
};

/* Keys seen so far, as hashes. */
struct map_seen {
    struct o2c_hash128 *hashes;
    bool *taken;
    size_t count, cap;
};

struct map_event {
    const struct o2c_event_type_row *type;
    struct map_when when;
    struct map_column *once;
    size_t once_count;
    struct map_seen seen;
    struct map_fields fields;
};

struct map_rows {
    struct o2c_table *table;
    struct map_when when;
    struct map_joins joins;
    struct map_group *groups;
    size_t group_count;
    struct map_event *events;
    size_t event_count;
    int slot_count;
    struct o2c_table *tables[MAP_MAX_SLOTS]; /* of each slot */
};

struct o2c_map {
    const char *path;
    json_t *document;
    struct o2c_arena arena; /* everything below */
    struct o2c_table *tables;
    size_t table_count;
    struct map_rows *rows;
    size_t rows_count;
    int stdin_copy; /* -1: none */
};

/* Complaints about the mapping; the path is where in the document. */
struct map_compile {
    struct o2c_map *map;
    o2c_map_fault_fn *on_fault;
    void *user;
    struct o2c_buf path;
    bool good;
    struct map_rows *rows;        /* the entry under way */
    int current_slot;             /* whose columns need no file name before them */
    int visible_from, visible_to; /* further slots that may be named: joins of a group */
    int base_slots;               /* the row and its joins: always visible */
};

void map_complain(struct map_compile *compile, const char *fmt, ...) O2C_PRINTF(2, 3);
size_t map_push(struct map_compile *compile, const char *fmt, ...) O2C_PRINTF(2, 3);
void map_pop(struct map_compile *compile, size_t len);
void *map_alloc(struct map_compile *compile, size_t count, size_t bytes);

/* map_files.c: "files" to tables with headers. */
void map_compile_files(struct map_compile *compile, const char *input);
struct o2c_table *map_table_by_name(struct map_compile *compile, const char *name);

/* map_rows.c: "rows", columns, keys, conditions. */
void map_compile_rows(struct map_compile *compile);
bool map_find_column(struct map_compile *compile, const char *name,
                     struct map_column *ret_column);

/* map_values.c: "fields" and what stands in them. */
void map_compile_fields(struct map_compile *compile, const json_t *document,
                        const struct o2c_record *record, struct map_fields *ret_fields);

/* map_eval.c: the rows under way, and the JSON they make. */
struct map_eval {
    struct o2c_map *map;
    const struct map_rows *rows;
    struct o2c_intake *intake;
    struct o2c_table_row bound[MAP_MAX_SLOTS]; /* fields NULL: nothing there */
    const struct map_event *event;
    struct o2c_buf path;    /* of the field under way */
    struct o2c_arena texts; /* of the event under way */
    bool failed;            /* a fault of the event was told */
};

void map_eval_init(struct map_eval *eval, struct o2c_map *map, struct o2c_intake *intake);
void map_eval_clear(struct map_eval *eval);

struct o2c_str map_cell(const struct map_eval *eval, const struct map_column *column);
bool map_holds(const struct map_eval *eval, const struct map_when *when);

/* Finds the joined rows; false, with a fault told, where one is missing. */
bool map_bind_joins(struct map_eval *eval, const struct map_joins *joins);

/* The event of the row under way; NULL when a fault was told: want of memory is one. */
json_t *map_make_event(struct map_eval *eval, const struct map_event *event);

/* Which column the field at a path was made of; "" if none. */
const char *map_column_of(const void *event, const char *path);

#endif
