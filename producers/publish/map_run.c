/* The events of a mapping, file after file, row after row. */

#include <stdlib.h>
#include <string.h>

#include "producers/publish/intake.h"
#include "producers/publish/map_plan.h"
#include "schemas/events.h"

#include "runtime/base/banned.h"

enum {
    FIRST_SEEN_CAP = 1024, /* a power of two */
};

static void on_table_fault(void *user, const char *file, uint64_t line, const char *what)
{
    struct o2c_origin origin = {.file = file, .line = line};
    o2c_intake_refuse(user, &origin, "%s", what);
}

/* A join must find one row: a second one with the same key is a fault of the file. */
static void check_unique(const struct map_join *join, struct o2c_intake *intake)
{
    const struct o2c_table_index *index = &join->index;
    for (size_t i = 1; i < join->table->row_count; i++) {
        const struct o2c_table_row *row = &join->table->rows[index->rows[i]];
        const struct o2c_table_row *before = &join->table->rows[index->rows[i - 1]];
        bool same = true;
        for (size_t k = 0; same && k < index->key_count; k++)
            same = o2c_str_eq(row->fields[index->keys[k]], before->fields[index->keys[k]]);
        if (!same)
            continue;
        struct o2c_origin origin = {.file = row->file, .line = row->line};
        if (o2c_table_is_hidden(join->table, index->keys[0]))
            o2c_intake_refuse(intake, &origin, O2C_NOT_SHOWN " stands already on line %llu",
                              (unsigned long long)before->line);
        else
            o2c_intake_refuse(intake, &origin, "\"%.*s\" stands already on line %llu",
                              O2C_STR_ARG(row->fields[index->keys[0]]),
                              (unsigned long long)before->line);
        join->table->bad = true;
    }
}

static enum o2c_verdict load(struct o2c_table *table, struct o2c_table_index *index,
                             struct o2c_intake *intake, struct o2c_err *err)
{
    if (o2c_table_load(table, on_table_fault, intake, err))
        return err->verdict;
    if (!o2c_table_index_build(index))
        return o2c_fail(err, O2C_FATAL, "no memory to sort %s", table->shown[0]);
    return O2C_OK;
}

static enum o2c_verdict load_joins(struct map_joins *joins, struct o2c_intake *intake,
                                   const struct o2c_table **ret_bad, struct o2c_err *err)
{
    for (size_t i = 0; i < joins->count; i++) {
        struct map_join *join = &joins->joins[i];
        if (load(join->table, &join->index, intake, err))
            return err->verdict;
        check_unique(join, intake);
        if (join->table->bad)
            *ret_bad = join->table;
    }
    return O2C_OK;
}

/* *ret_bad: a file with rows that could not be read; untouched if there is none. */
static enum o2c_verdict load_all(struct map_rows *rows, struct o2c_intake *intake,
                                 const struct o2c_table **ret_bad, struct o2c_err *err)
{
    if (load_joins(&rows->joins, intake, ret_bad, err))
        return err->verdict;
    for (size_t i = 0; i < rows->group_count; i++) {
        struct map_group *group = &rows->groups[i];
        if (load(group->table, &group->index, intake, err) ||
            load_joins(&group->joins, intake, ret_bad, err))
            return err->verdict;
        if (group->table->bad)
            *ret_bad = group->table;
    }
    return O2C_OK;
}

static bool grow_seen(struct map_seen *seen)
{
    size_t cap = seen->cap ? seen->cap * 2 : FIRST_SEEN_CAP;
    struct map_seen grown = {calloc(cap, sizeof(*grown.hashes)), calloc(cap, sizeof(bool)),
                             seen->count, cap};
    if (!grown.hashes || !grown.taken) {
        free(grown.hashes);
        free(grown.taken);
        return false;
    }
    for (size_t i = 0; i < seen->cap; i++) {
        size_t at = 0;
        if (!seen->taken[i])
            continue;
        memcpy(&at, seen->hashes[i].byte, sizeof(at));
        while (grown.taken[at & (cap - 1)])
            at++;
        grown.taken[at & (cap - 1)] = true;
        grown.hashes[at & (cap - 1)] = seen->hashes[i];
    }
    free(seen->hashes);
    free(seen->taken);
    *seen = grown;
    return true;
}

/* O2C_OK and *ret_first: whether the hash is new. */
static enum o2c_verdict is_first(struct map_seen *seen, const struct o2c_hash128 *hash,
                                 bool *ret_first, struct o2c_err *err)
{
    size_t at = 0;
    if (seen->count * 2 >= seen->cap && !grow_seen(seen))
        return o2c_fail(err, O2C_FATAL, "no memory for the keys seen so far");
    memcpy(&at, hash->byte, sizeof(at));
    for (at &= seen->cap - 1; seen->taken[at]; at = (at + 1) & (seen->cap - 1))
        if (!memcmp(&seen->hashes[at], hash, sizeof(*hash))) {
            *ret_first = false;
            return O2C_OK;
        }
    seen->taken[at] = true;
    seen->hashes[at] = *hash;
    seen->count++;
    *ret_first = true;
    return O2C_OK;
}

static enum o2c_verdict may_happen(struct map_eval *eval, struct map_event *event,
                                   bool *ret_may, struct o2c_err *err)
{
    *ret_may = map_holds(eval, &event->when);
    if (!*ret_may || !event->once_count)
        return O2C_OK;
    struct o2c_hash128 key[2] = {0}; /* of the columns before, of this one */
    for (size_t i = 0; i < event->once_count; i++) {
        struct o2c_str cell = map_cell(eval, &event->once[i]);
        key[1] = o2c_hash_128(cell.at, cell.len);
        key[0] = o2c_hash_128(key, sizeof(key));
    }
    return is_first(&event->seen, &key[0], ret_may, err);
}

static enum o2c_verdict make_one(struct map_eval *eval, struct map_event *event,
                                 struct o2c_err *err)
{
    const struct o2c_table_row *row = &eval->bound[0];
    struct o2c_origin origin = {row->file, row->line, map_column_of, event};
    bool may;
    if (may_happen(eval, event, &may, err))
        return err->verdict;
    if (!may)
        return O2C_OK;
    json_t *object = map_make_event(eval, event);
    if (!object) {
        eval->intake->sink->refused(eval->intake->sink->user, event->type);
        return O2C_OK;
    }
    enum o2c_verdict verdict = o2c_intake_take(eval->intake, object, &origin, err);
    json_decref(object);
    return verdict;
}

static enum o2c_verdict take_row(struct map_eval *eval, struct map_rows *rows,
                                 const struct o2c_table_row *row, struct o2c_err *err)
{
    memset(eval->bound, 0, sizeof(eval->bound));
    eval->bound[0] = *row;
    if (!map_bind_joins(eval, &rows->joins)) {
        eval->intake->sink->refused(eval->intake->sink->user, NULL);
        return O2C_OK;
    }
    if (!map_holds(eval, &rows->when))
        return O2C_OK;
    for (size_t i = 0; i < rows->event_count; i++)
        if (make_one(eval, &rows->events[i], err))
            return err->verdict;
    return O2C_OK;
}

static enum o2c_verdict take_rows(struct map_eval *eval, struct map_rows *rows,
                                  struct o2c_table_reader *reader, struct o2c_err *err)
{
    for (;;) {
        struct o2c_table_row row;
        enum o2c_verdict verdict = o2c_table_next(reader, &row, err);
        if (verdict == O2C_PARK)
            on_table_fault(eval->intake, row.file, row.line, err->text);
        else if (verdict)
            return verdict;
        else if (!row.fields)
            return O2C_OK;
        else if (take_row(eval, rows, &row, err))
            return err->verdict;
    }
}

static enum o2c_verdict run_entry(struct map_eval *eval, struct map_rows *rows,
                                  struct o2c_err *err)
{
    const struct o2c_table *bad = NULL;
    struct o2c_table_reader reader;
    if (load_all(rows, eval->intake, &bad, err))
        return err->verdict;
    if (bad) {
        struct o2c_origin origin = {.file = rows->table->shown[0]};
        o2c_intake_fault(eval->intake, &origin,
                         "nothing is made of its rows, because rows of %s are faulty and "
                         "some might be incomplete",
                         bad->shown[0]);
        return O2C_OK;
    }
    eval->rows = rows;
    o2c_table_reader_init(&reader, rows->table);
    enum o2c_verdict verdict = take_rows(eval, rows, &reader, err);
    o2c_table_reader_clear(&reader);
    return verdict;
}

enum o2c_verdict o2c_map_run(struct o2c_map *map, struct o2c_intake *intake,
                             struct o2c_err *err)
{
    struct map_eval eval;
    enum o2c_verdict verdict = O2C_OK;
    map_eval_init(&eval, map, intake);
    for (size_t i = 0; !verdict && i < map->rows_count; i++)
        verdict = run_entry(&eval, &map->rows[i], err);
    map_eval_clear(&eval);
    return verdict;
}
