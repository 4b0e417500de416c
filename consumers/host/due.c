/*
 * What rules want to be called for.  Entries are changed in memory and written
 * with the batch: one statement takes entries away, then one adds.  Nobody
 * asks the database what is there, so a change says what is to be so
 * afterwards, whatever was before.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/effects.h"
#include "consumers/host/engine.h"
#include "runtime/base/hash.h"
#include "runtime/pg/pg.h"
#include "schemas/units/time.h"

#include "runtime/base/banned.h"

enum {
    ITEM_MAX_BYTES = 1000 /* with account and kind it is the key of an index */
};

void due_open(struct batch *batch)
{
    if (!o2c_row_map_init(&batch->due_map))
        abort();
}

void due_clear(struct batch *batch)
{
    o2c_row_map_clear(&batch->due_map);
    free(batch->due_changes.at);
    free(batch->due_undo.at);
    free(batch->due_refused.at);
}

void due_reset(struct batch *batch)
{
    if (batch->due_changes.count)
        o2c_row_map_reset(&batch->due_map);
    batch->due_changes.count = batch->due_undo.count = batch->due_refused.count = 0;
    batch->due_ran = batch->due_waiting = 0;
}

void due_trim(struct batch *batch)
{
    o2c_row_map_trim(&batch->due_map);
    VEC_TRIM(batch->due_changes);
    VEC_TRIM(batch->due_undo);
    VEC_TRIM(batch->due_refused);
}

void due_begin(struct batch *batch)
{
    batch->due_undo.count = 0;
}

void due_undo(struct batch *batch)
{
    while (batch->due_undo.count) {
        struct due_undo *undo = &batch->due_undo.at[--batch->due_undo.count];

        undo->change->fate = undo->fate;
        undo->change->since = undo->since;
    }
}

/* ---- finding */

static uint64_t hash_of(const struct o2c_due *due)
{
    uint64_t part[3] = {o2c_hash_64(due->account_id.at, due->account_id.len),
                        o2c_hash_64(due->kind.at, due->kind.len) + (uint64_t)due->date,
                        o2c_hash_64(due->item.at, due->item.len)};

    return o2c_hash_64(part, sizeof part);
}

static bool is_same(const struct o2c_due *a, const struct o2c_due *b)
{
    return a->date == b->date && o2c_str_eq(a->account_id, b->account_id) &&
           o2c_str_eq(a->kind, b->kind) && o2c_str_eq(a->item, b->item);
}

static struct due_change *find(const struct batch *batch, const struct o2c_due *due,
                               uint64_t hash)
{
    size_t at = hash;

    for (struct due_change *change;
         (change = o2c_row_map_next(&batch->due_map, hash, &at));)
        if (is_same(&change->due, due))
            return change;
    return NULL;
}

/* NULL: no memory, and the effects know it. */
static struct due_change *find_or_make(struct o2c_effects *effects,
                                       const struct o2c_due *due)
{
    struct batch *batch = effects->batch;
    uint64_t hash = hash_of(due);
    struct due_change *change = find(batch, due, hash);

    if (change)
        return change;
    change = o2c_arena_zalloc(&batch->work, sizeof *change);
    if (!change ||
        !o2c_arena_copy(&batch->work, due->account_id, &change->due.account_id) ||
        !o2c_arena_copy(&batch->work, due->kind, &change->due.kind) ||
        !o2c_arena_copy(&batch->work, due->item, &change->due.item) ||
        !o2c_row_map_add(&batch->due_map, hash, change)) {
        effects->failed = true;
        return NULL;
    }
    change->due.date = due->date;
    change->unit = effects->record->unit;
    VEC_ADD(batch->due_changes, change);
    return change;
}

static void set(struct batch *batch, struct due_change *change, enum due_fate fate,
                int32_t since)
{
    struct due_undo undo = {change, change->fate, change->since};

    VEC_ADD(batch->due_undo, undo);
    change->fate = fate;
    change->since = since;
}

/* ---- what rules do */

static bool is_fine(struct o2c_effects *effects, const struct o2c_due *due)
{
    assert(effects->batch->engine->consumer->on_due && "due dates need on_due()");
    assert(due->kind.len > 0 && due->kind.len <= ITEM_MAX_BYTES);
    if (due->date < O2C_DATE_MIN || due->date > O2C_DATE_MAX)
        o2c_fail(&effects->err, O2C_PARK, "day %d of a due date is no date", due->date);
    else if (due->item.len > ITEM_MAX_BYTES)
        o2c_fail(&effects->err, O2C_PARK,
                 "the item of a due date has %zu bytes, at most %d "
                 "fit",
                 due->item.len, ITEM_MAX_BYTES);
    else
        return true;
    return false;
}

static struct o2c_due due_of(const struct o2c_effects *effects, int32_t date,
                             const char *kind, struct o2c_str item)
{
    return (struct o2c_due){date, effects->record->account, o2c_str_from(kind),
                            item.at ? item : O2C_STR("")};
}

void o2c_effects_due(struct o2c_effects *effects, int32_t date, const char *kind,
                     struct o2c_str item)
{
    struct o2c_due due = due_of(effects, date, kind, item);
    struct due_change *change = is_fine(effects, &due) ? find_or_make(effects, &due) : NULL;
    int32_t since = effects->record->unit->pending.business_date;

    if (!change)
        return;
    if (change->fate == DUE_UNTOUCHED)
        set(effects->batch, change, DUE_ADDED, since);
    else if (change->fate == DUE_GONE)
        set(effects->batch, change, DUE_RENEWED, since);
}

void o2c_effects_due_cancel(struct o2c_effects *effects, int32_t date, const char *kind,
                            struct o2c_str item)
{
    struct o2c_due due = due_of(effects, date, kind, item);
    struct due_change *change = is_fine(effects, &due) ? find_or_make(effects, &due) : NULL;

    if (change)
        set(effects->batch, change, DUE_GONE, 0);
}

/* ---- what a tick does */

bool due_take(struct o2c_effects *effects)
{
    struct due_change *change = find_or_make(effects, &effects->record->due);

    if (!change)
        return false;
    if (change->fate == DUE_GONE || change->fate == DUE_RENEWED)
        return false;
    set(effects->batch, change, DUE_GONE, 0);
    return true;
}

void due_refuse(struct batch *batch, const struct record *record, const char *reason)
{
    struct due_refusal refusal = {record, {"no memory for the reason", 24}};

    (void)o2c_arena_copy(&batch->work, o2c_str_from(reason), &refusal.reason);
    VEC_ADD(batch->due_refused, refusal);
}

/* ---- writing */

static bool goes(const struct due_change *change)
{
    return change->fate == DUE_GONE || change->fate == DUE_RENEWED;
}

static bool comes(const struct due_change *change)
{
    return change->fate == DUE_ADDED || change->fate == DUE_RENEWED;
}

typedef bool choose_fn(const struct due_change *change);

/* The five columns of the keys of the chosen changes. */
static void add_keys(struct engine *engine, const struct batch *batch, choose_fn *chosen)
{
    struct o2c_pg_array array;

    o2c_pg_params_reset(&engine->params);
#define KEYS(oid, add)                                                                     \
    do {                                                                                   \
        o2c_pg_array_begin(&array, &engine->params, oid);                                  \
        for (size_t i = 0; i < batch->due_changes.count; i++) {                            \
            const struct due_change *change = batch->due_changes.at[i];                    \
            if (chosen(change))                                                            \
                add;                                                                       \
        }                                                                                  \
        o2c_pg_array_end(&array);                                                          \
    } while (0)
    KEYS(O2C_OID_INT4, o2c_pg_array_int4(&array, change->unit->partition));
    KEYS(O2C_OID_DATE, o2c_pg_array_date(&array, change->due.date));
    KEYS(O2C_OID_TEXT, o2c_pg_array_text(&array, change->due.account_id));
    KEYS(O2C_OID_TEXT, o2c_pg_array_text(&array, change->due.kind));
    KEYS(O2C_OID_TEXT, o2c_pg_array_text(&array, change->due.item));
    if (chosen == comes)
        KEYS(O2C_OID_DATE, change->since == O2C_NO_BUSINESS_DATE
                               ? o2c_pg_array_null(&array)
                               : o2c_pg_array_date(&array, change->since));
#undef KEYS
}

static bool any(const struct batch *batch, choose_fn *chosen)
{
    for (size_t i = 0; i < batch->due_changes.count; i++)
        if (chosen(batch->due_changes.at[i]))
            return true;
    return false;
}

static void send_refused(struct engine *engine, const struct batch *batch)
{
    struct o2c_pg_array array;

    if (!batch->due_refused.count)
        return;
    o2c_pg_params_reset(&engine->params);
#define REFUSED(oid, add)                                                                  \
    do {                                                                                   \
        o2c_pg_array_begin(&array, &engine->params, oid);                                  \
        for (size_t i = 0; i < batch->due_refused.count; i++) {                            \
            const struct due_refusal *refusal = &batch->due_refused.at[i];                 \
            add;                                                                           \
        }                                                                                  \
        o2c_pg_array_end(&array);                                                          \
    } while (0)
    REFUSED(O2C_OID_INT4, o2c_pg_array_int4(&array, refusal->record->unit->partition));
    REFUSED(O2C_OID_DATE, o2c_pg_array_date(&array, refusal->record->due.date));
    REFUSED(O2C_OID_TEXT, o2c_pg_array_text(&array, refusal->record->due.account_id));
    REFUSED(O2C_OID_TEXT, o2c_pg_array_text(&array, refusal->record->due.kind));
    REFUSED(O2C_OID_TEXT, o2c_pg_array_text(&array, refusal->record->due.item));
    REFUSED(O2C_OID_TEXT, o2c_pg_array_text(&array, refusal->reason));
#undef REFUSED
    store_send(engine, "due_refuse");
}

void due_send(struct engine *engine, struct batch *batch)
{
    if (any(batch, goes)) {
        add_keys(engine, batch, goes);
        store_send(engine, "due_delete");
    }
    if (any(batch, comes)) {
        add_keys(engine, batch, comes);
        store_send(engine, "due_insert");
    }
    send_refused(engine, batch);
}
