/* "rows" of a mapping: files, joins, groups, keys, conditions, events. */

#include <string.h>

#include "producers/publish/map_plan.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

static bool is_visible(const struct map_compile *compile, int slot)
{
    return slot < compile->base_slots ||
           (slot >= compile->visible_from && slot < compile->visible_to);
}

/* The slot that "file." before a column means; -1: none. */
static int slot_by_name(const struct map_compile *compile, const char *name, size_t len)
{
    for (int slot = 0; slot < compile->rows->slot_count; slot++) {
        const char *file = compile->rows->tables[slot]->name;
        if (is_visible(compile, slot) && strlen(file) == len && !memcmp(file, name, len))
            return slot;
    }
    return -1;
}

static void complain_of_column(struct map_compile *compile, const char *name,
                               const struct o2c_table *table)
{
    char known[400] = "";
    size_t len = 0;
    for (size_t i = 0; i < table->column_count && len < sizeof(known); i++) {
        int more = snprintf(known + len, sizeof(known) - len, "%s%.*s", i ? ", " : "",
                            O2C_STR_ARG(table->columns[i]));
        len += more > 0 ? (size_t)more : 0;
    }
    map_complain(compile, "\"%s\" is no column of %s (%s)", name, table->name, known);
}

bool map_find_column(struct map_compile *compile, const char *name,
                     struct map_column *ret_column)
{
    const struct o2c_table *table = compile->rows->tables[compile->current_slot];
    int slot = compile->current_slot, column = o2c_table_column(table, o2c_str_from(name));
    const char *dot = strchr(name, '.');
    if (column < 0 && dot) {
        slot = slot_by_name(compile, name, (size_t)(dot - name));
        if (slot >= 0) {
            table = compile->rows->tables[slot];
            column = o2c_table_column(table, o2c_str_from(dot + 1));
            name = column < 0 ? dot + 1 : name;
        }
    }
    if (column < 0) {
        complain_of_column(compile, name, table);
        return false;
    }
    *ret_column = (struct map_column){slot, (size_t)column, o2c_str_from(name)};
    return true;
}

static bool column_there(struct map_compile *compile, const struct o2c_table *table,
                         const char *name, size_t *ret_column)
{
    int column = o2c_table_column(table, o2c_str_from(name));
    if (column < 0) {
        complain_of_column(compile, name, table);
        return false;
    }
    *ret_column = (size_t)column;
    return true;
}

/* {"column of the row": "column of the other file"} */
static void compile_key(struct map_compile *compile, const json_t *on,
                        const struct o2c_table *table, struct map_key *ret_key)
{
    const char *here;
    json_t *there;
    size_t len = map_push(compile, ".on");
    if (json_object_size(on) > MAP_MAX_KEYS) {
        map_complain(compile, "at most %d columns can be compared", MAP_MAX_KEYS);
    } else {
        json_object_foreach((json_t *)(uintptr_t)on, here, there)
        {
            size_t i = ret_key->count;
            if (map_find_column(compile, here, &ret_key->columns[i]) &&
                column_there(compile, table, json_string_value(there),
                             &ret_key->columns_there[i]))
                ret_key->count++;
        }
    }
    map_pop(compile, len);
}

static int new_slot(struct map_compile *compile, struct o2c_table *table)
{
    if (compile->rows->slot_count == MAP_MAX_SLOTS) {
        map_complain(compile, "too many files take part");
        return 0;
    }
    compile->rows->tables[compile->rows->slot_count] = table;
    return compile->rows->slot_count++;
}

static void compile_condition(struct map_compile *compile, const json_t *document,
                              struct map_condition *condition)
{
    const json_t *equals = json_object_get(document, "equals");
    const json_t *empty = json_object_get(document, "empty");
    const json_t *in = json_object_get(document, "in");
    const json_t *list = in ? in : json_object_get(document, "not_in");
    size_t count = list ? json_array_size(list) : 1;
    struct o2c_str *texts = map_alloc(compile, count, sizeof(*texts));
    if (!texts ||
        !map_find_column(compile, json_string_value(json_object_get(document, "column")),
                         &condition->column))
        return;
    texts[0] = equals ? o2c_str_from(json_string_value(equals)) : O2C_STR("");
    for (size_t i = 0; list && i < count; i++)
        texts[i] = o2c_str_from(json_string_value(json_array_get(list, i)));
    condition->texts = texts;
    condition->text_count = count;
    condition->wanted = equals || in || json_is_true(empty);
}

static void compile_when(struct map_compile *compile, const json_t *document,
                         struct map_when *ret_when)
{
    size_t count = json_array_size(document);
    struct map_condition *conditions = map_alloc(compile, count, sizeof(*conditions));
    if (!conditions)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t len = map_push(compile, ".when[%zu]", i);
        compile_condition(compile, json_array_get(document, i), &conditions[i]);
        map_pop(compile, len);
    }
    *ret_when = (struct map_when){conditions, count};
}

static void compile_join(struct map_compile *compile, const json_t *document,
                         struct map_join *join)
{
    const char *missing = json_string_value(json_object_get(document, "missing"));
    join->table =
        map_table_by_name(compile, json_string_value(json_object_get(document, "file")));
    if (!join->table)
        return;
    compile_key(compile, json_object_get(document, "on"), join->table, &join->key);
    join->slot = new_slot(compile, join->table);
    join->may_be_missing = missing && !strcmp(missing, "empty");
    join->index = (struct o2c_table_index){.table = join->table,
                                           .keys = join->key.columns_there,
                                           .key_count = join->key.count};
}

static void compile_joins(struct map_compile *compile, const json_t *document,
                          struct map_joins *ret_joins)
{
    size_t count = json_array_size(document);
    ret_joins->joins = map_alloc(compile, count, sizeof(*ret_joins->joins));
    if (!ret_joins->joins)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t len = map_push(compile, ".join[%zu]", i);
        compile_join(compile, json_array_get(document, i), &ret_joins->joins[i]);
        if (ret_joins->joins[i].table)
            ret_joins->count++;
        map_pop(compile, len);
        compile->visible_to = compile->rows->slot_count;
    }
}

static void compile_sorts(struct map_compile *compile, const json_t *document,
                          struct map_group *group)
{
    size_t count = json_array_size(document);
    size_t *sorts = map_alloc(compile, count, sizeof(*sorts));
    for (size_t i = 0; sorts && i < count; i++) {
        size_t len = map_push(compile, ".sort[%zu]", i);
        if (column_there(compile, group->table,
                         json_string_value(json_array_get(document, i)), &sorts[i]))
            group->sort_count++;
        map_pop(compile, len);
    }
    group->sorts = sorts;
}

static void compile_group(struct map_compile *compile, const json_t *document,
                          struct map_group *group)
{
    group->table =
        map_table_by_name(compile, json_string_value(json_object_get(document, "from")));
    if (!group->table)
        return;
    compile_key(compile, json_object_get(document, "on"), group->table, &group->key);
    compile_sorts(compile, json_object_get(document, "sort"), group);
    group->slot = new_slot(compile, group->table);
    compile->current_slot = compile->visible_from = group->slot;
    compile->visible_to = compile->rows->slot_count;
    compile_joins(compile, json_object_get(document, "join"), &group->joins);
    compile_when(compile, json_object_get(document, "when"), &group->when);
    compile->current_slot = compile->visible_from = compile->visible_to = 0;
    group->index = (struct o2c_table_index){.table = group->table,
                                            .keys = group->key.columns_there,
                                            .key_count = group->key.count,
                                            .sorts = group->sorts,
                                            .sort_count = group->sort_count};
}

static void compile_groups(struct map_compile *compile, const json_t *document)
{
    struct map_rows *rows = compile->rows;
    const char *name;
    json_t *group;
    rows->groups = map_alloc(compile, json_object_size(document), sizeof(*rows->groups));
    if (!rows->groups)
        return;
    json_object_foreach((json_t *)(uintptr_t)document, name, group)
    {
        size_t len = map_push(compile, ".groups.%s", name);
        rows->groups[rows->group_count].name = name;
        compile_group(compile, group, &rows->groups[rows->group_count]);
        if (rows->groups[rows->group_count].table)
            rows->group_count++;
        map_pop(compile, len);
    }
}

static void compile_once(struct map_compile *compile, const json_t *document,
                         struct map_event *event)
{
    event->once = map_alloc(compile, json_array_size(document), sizeof(*event->once));
    for (size_t i = 0; event->once && i < json_array_size(document); i++) {
        size_t len = map_push(compile, ".once[%zu]", i);
        if (map_find_column(compile, json_string_value(json_array_get(document, i)),
                            &event->once[event->once_count]))
            event->once_count++;
        map_pop(compile, len);
    }
}

static void compile_event(struct map_compile *compile, const json_t *document,
                          struct map_event *event)
{
    const char *name = json_string_value(json_object_get(document, "type"));
    event->type = o2c_event_type_row(o2c_event_type_by_name(o2c_str_from(name)));
    compile_when(compile, json_object_get(document, "when"), &event->when);
    compile_once(compile, json_object_get(document, "once"), event);
    if (!event->type) {
        size_t len = map_push(compile, ".type");
        map_complain(compile, "\"%s\" is no event type", name);
        map_pop(compile, len);
        return;
    }
    size_t len = map_push(compile, ".fields");
    map_compile_fields(compile, json_object_get(document, "fields"), event->type->record,
                       &event->fields);
    map_pop(compile, len);
}

static void compile_events(struct map_compile *compile, const json_t *document)
{
    struct map_rows *rows = compile->rows;
    size_t count = json_array_size(document);
    rows->events = map_alloc(compile, count, sizeof(*rows->events));
    if (!rows->events)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t len = map_push(compile, ".events[%zu]", i);
        compile_event(compile, json_array_get(document, i), &rows->events[i]);
        map_pop(compile, len);
    }
    rows->event_count = count;
}

static void compile_entry(struct map_compile *compile, const json_t *document)
{
    struct map_rows *rows = compile->rows;
    rows->table =
        map_table_by_name(compile, json_string_value(json_object_get(document, "from")));
    if (!rows->table)
        return;
    compile->current_slot = new_slot(compile, rows->table);
    compile->visible_from = 0;
    compile->visible_to = 1;
    compile_joins(compile, json_object_get(document, "join"), &rows->joins);
    compile->base_slots = rows->slot_count;
    compile->visible_from = compile->visible_to = 0;
    compile_when(compile, json_object_get(document, "when"), &rows->when);
    compile_groups(compile, json_object_get(document, "groups"));
    compile_events(compile, json_object_get(document, "events"));
}

void map_compile_rows(struct map_compile *compile)
{
    const json_t *document = json_object_get(compile->map->document, "rows");
    size_t count = json_array_size(document);
    struct o2c_map *map = compile->map;
    map->rows = map_alloc(compile, count, sizeof(*map->rows));
    for (size_t i = 0; map->rows && i < count; i++) {
        size_t len = map_push(compile, "rows[%zu]", i);
        compile->rows = &map->rows[i];
        compile->base_slots = 0;
        compile_entry(compile, json_array_get(document, i));
        map->rows_count++;
        map_pop(compile, len);
    }
}
