/*
 * Parking keeps order: once a record of an account cannot be applied, every
 * later record of that account is queued behind it, until a person releases
 * or discards it.  The set of such accounts is kept in memory, each with the
 * number of its records; `pending` changes follow the batch.
 */
#include "consumers/host/engine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/notice.h"
#include "consumers/host/replay.h"
#include "runtime/base/hash.h"
#include "runtime/base/log.h"
#include "runtime/pg/pg.h"

#include "runtime/base/banned.h"

enum {
    HEADERS_BYTES = 8192 /* of an announcement */
};

/* Also one that has nothing parked any more, until the batch is stored. */
static struct parked_account *find(const struct unit *unit, struct o2c_str account,
                                   uint64_t hash)
{
    size_t at = hash;

    if (!unit->parked)
        return NULL;
    for (struct parked_account *parked;
         (parked = o2c_row_map_next(&unit->parked_map, hash, &at));)
        if (parked->len == account.len && !memcmp(parked->account, account.at, account.len))
            return parked;
    return NULL;
}

static uint64_t hash_of(struct o2c_str account)
{
    return o2c_hash_64(account.at, account.len);
}

struct parked_account *parked_find(const struct unit *unit, struct o2c_str account)
{
    struct parked_account *parked = find(unit, account, hash_of(account));

    return parked && parked->records > 0 ? parked : NULL;
}

static struct parked_account *add(struct unit *unit, struct o2c_str account, uint64_t hash)
{
    struct parked_account *parked = calloc(1, sizeof *parked);

    if (!parked || !(parked->account = strndup(account.at, account.len)) ||
        (!unit->parked && !o2c_row_map_init(&unit->parked_map)) ||
        !o2c_row_map_add(&unit->parked_map, hash, parked))
        abort();
    parked->len = account.len;
    parked->hash = hash;
    parked->next = unit->parked;
    unit->parked = parked;
    return parked;
}

void parked_set(struct unit *unit, struct o2c_str account, int64_t records)
{
    uint64_t hash = hash_of(account);
    struct parked_account *parked = find(unit, account, hash);

    if (!parked)
        parked = add(unit, account, hash);
    parked->records = records;
}

static int64_t count_of(const struct unit *unit, struct o2c_str account)
{
    const struct parked_account *parked = parked_find(unit, account);

    return parked ? parked->records : 0;
}

void parked_undo(struct unit *unit)
{
    for (struct parked_account *parked = unit->parked; parked; parked = parked->next)
        parked->records = parked->stored_records;
}

/* After some have been forgotten. */
static void map_again(struct unit *unit)
{
    if (!unit->parked) {
        o2c_row_map_clear(&unit->parked_map);
        return;
    }
    o2c_row_map_reset(&unit->parked_map);
    for (struct parked_account *parked = unit->parked; parked; parked = parked->next)
        if (!o2c_row_map_add(&unit->parked_map, parked->hash, parked))
            abort();
}

/* Forgets accounts with nothing parked any more. */
void parked_keep(struct unit *unit)
{
    bool forgotten = false;

    for (struct parked_account **at = &unit->parked; *at;) {
        struct parked_account *parked = *at;

        parked->stored_records = parked->records;
        if (parked->records > 0) {
            at = &parked->next;
            continue;
        }
        *at = parked->next;
        free(parked->account);
        free(parked);
        forgotten = true;
    }
    if (forgotten)
        map_again(unit);
}

void parked_clear(struct unit *unit)
{
    parked_undo(unit);
    for (struct parked_account *parked = unit->parked; parked; parked = parked->next)
        parked->records = 0;
    parked_keep(unit);
}

static void add_header(struct o2c_buf *json, const char *name, struct o2c_str value)
{
    o2c_buf_printf(json, "%s\"%s\":\"", json->len > 1 ? "," : "", name);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];

        if (c == '"' || c == '\\')
            o2c_buf_printf(json, "\\%c", c);
        else if (c >= 0x20 && c < 0x7f)
            o2c_buf_add(json, &c, 1);
        else
            o2c_buf_add(json, "?", 1); /* headers are ASCII */
    }
    o2c_buf_add(json, "\"", 1);
}

static void add_number(struct o2c_buf *json, const char *name, int64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, number);
    add_header(json, name, o2c_str_from(text));
}

/*
 * Published are the record that cannot be applied, its leaving, and the leaving
 * of the last one behind it.  Each says how many of the account are left: who
 * holds something for the account does so until there are none.
 * A value too large to be published is left to the table, its bytes are told.
 */
static void announce(struct o2c_effects *effects, const struct record *record,
                     const char *state, const char *reason)
{
    struct engine *engine = effects->batch->engine;
    char topic[128];
    struct o2c_str headers = {NULL, 0}, value = {NULL, 0};
    struct o2c_buf json;

    if (!strcmp(state, "parked"))
        value = record->value;
    snprintf(topic, sizeof topic, "o2c.parked.%s", engine->consumer->name);
    o2c_buf_init(&json, HEADERS_BYTES);
    o2c_buf_add(&json, "{", 1);
    add_header(&json, NOTICE_STATE, o2c_str_from(state));
    add_number(&json, NOTICE_LEFT, count_of(record->unit, record->account));
    add_header(&json, "__connect.errors.topic",
               o2c_str_from(engine->consumer->topics[record->topic]));
    add_number(&json, "__connect.errors.partition", record->unit->partition);
    add_number(&json, "__connect.errors.offset", record->offset);
    add_header(&json, "__connect.errors.connector.name",
               o2c_str_from(engine->consumer->name));
    if (reason)
        add_header(&json, "__connect.errors.exception.message", o2c_str_from(reason));
    if (value.len + record->account.len + HEADERS_BYTES > OUTBOX_BYTES) {
        add_number(&json, "o2c_value_left_out", (int64_t)value.len);
        value = (struct o2c_str){NULL, 0};
    }
    o2c_buf_add(&json, "}", 1);
    if (json.failed || !o2c_arena_copy(&effects->batch->work,
                                       (struct o2c_str){json.at, json.len}, &headers))
        effects->failed = true;
    o2c_buf_clear(&json);
    effects_emit_raw(effects, topic, O2C_STR(NOTICE_TYPE), headers, record->account, value);
}

static struct o2c_str kept(struct batch *batch, const char *text)
{
    struct o2c_str copy = {NULL, 0};

    if (text)
        (void)o2c_arena_copy(&batch->work, o2c_str_from(text), &copy);
    return copy;
}

void parked_add(struct o2c_effects *effects, const struct record *record,
                const char *reason)
{
    struct batch *batch = effects->batch;
    struct unit *unit = record->unit;
    struct parked_row row = {
        record, ++unit->pending.parked_no, kept(batch, reason), {NULL, 0}};
    bool room = record_headers(record, &batch->work, &row.headers);

    VEC_ADD(batch->parked, row);
    parked_set(unit, record->account, count_of(unit, record->account) + 1);
    if (reason)
        announce(effects, record, "parked", reason);
    effects->failed = effects->failed || !room;
}

void parked_left(struct o2c_effects *effects, const struct record *record,
                 const char *state)
{
    struct parked_change change = {record, state, {NULL, 0}};
    struct unit *unit = record->unit;
    int64_t left = count_of(unit, record->account) - 1;

    VEC_ADD(effects->batch->parked_changes, change);
    parked_set(unit, record->account, left);
    if (record->parked_first || !left)
        announce(effects, record, state, NULL);
}

void parked_again(struct o2c_effects *effects, const struct record *record,
                  const char *reason)
{
    struct parked_change change = {record, "parked", kept(effects->batch, reason)};

    VEC_ADD(effects->batch->parked_changes, change);
    if (!record->parked_first) /* that one was announced when it was parked */
        announce(effects, record, "parked", reason);
}

/* ---- what a person asked for: parked_order rows, one batch each */

/* The unit may have been given back, or may be claimed anew, since the order was asked for.
 */
static bool still_wanted(const struct batch *batch)
{
    return !batch->dropped && batch->engine->state == ENGINE_RUNNING;
}

static void forget_order(struct batch *batch)
{
    batch->state = BATCH_CLOSED;
    batch->dropped = false;
    batch_reset(batch);
}

static void on_parked_records(void *user, const PGresult *result)
{
    struct batch *batch = user;
    struct engine *engine = batch->engine;
    int rows = PQntuples(result);

    if (batch->dropped)
        return; /* the unit has been given back */
    for (int i = 0; i < rows; i++) {
        struct o2c_str name = o2c_pg_get_text(result, i, 1);
        struct parked_record parked = {
            .unit = batch->order_unit,
            .topic = -1,
            .offset = o2c_pg_get_int8(result, i, 2),
            .recorded_us = o2c_pg_get_timestamp(result, i, 3),
            .parked_no = o2c_pg_get_int8(result, i, 0),
            .account = o2c_str_from(batch->order_account),
            .headers = o2c_pg_get_text(result, i, 4),
            .value = o2c_pg_get_text(result, i, 5),
            .first = o2c_pg_get_bool(result, i, 6),
        };
        for (int t = 0; t < engine->topic_count; t++)
            if (o2c_str_eq(o2c_str_from(engine->consumer->topics[t]), name))
                parked.topic = t;
        if (parked.topic < 0) {
            o2c_log_warn("a parked record stays: its topic is not read any more",
                         O2C_T("topic", name), O2C_T("account", parked.account));
            batch->order_unread = true;
            break;
        }
        if (batch->intake.used_bytes > (size_t)engine->settings->batch_bytes)
            break; /* decoded they are larger: the order goes on with the next batch */
        record_from_parked(batch, &parked);
    }
}

static void on_parked_read(void *user, enum o2c_verdict verdict, bool lost,
                           const struct o2c_err *err)
{
    struct batch *batch = user;
    struct engine *engine = batch->engine;

    (void)lost;
    if (verdict && !batch->dropped)
        o2c_log_warn("parked records could not be read", O2C_S("error", err->text));
    if (verdict || !still_wanted(batch)) {
        forget_order(batch);
        return;
    }
    batch_close(batch);
    engine->orders_due = true;
    engine_step(engine);
}

static void on_order(void *user, const PGresult *result)
{
    struct engine *engine = user;
    struct batch *batch = engine->orders;
    struct o2c_str account, action;

    if (PQntuples(result) == 0 || batch->dropped)
        return;
    account = o2c_pg_get_text(result, 0, 2);
    action = o2c_pg_get_text(result, 0, 3);
    batch->order_no = o2c_pg_get_int8(result, 0, 0);
    batch->order_unit = &engine->unit[o2c_pg_get_int4(result, 0, 1)];
    batch->order_discards = o2c_str_eq(action, O2C_STR("discard"));
    free(batch->order_account);
    batch->order_account = strndup(account.at, account.len);
    if (!batch->order_account)
        abort();
}

static void on_order_read(void *user, enum o2c_verdict verdict, bool lost,
                          const struct o2c_err *err)
{
    struct engine *engine = user;
    struct batch *batch = engine->orders;

    (void)lost;
    if (verdict && !batch->dropped)
        o2c_log_warn("orders about parked records could not be read",
                     O2C_S("error", err->text));
    if (verdict || !batch->order_no || !still_wanted(batch)) {
        bool lacks = !verdict && !batch->order_no && still_wanted(batch);

        forget_order(batch);
        if (lacks && engine->replay.on)
            replay_lacks_order(engine);
        return;
    }
    o2c_pg_params_reset(&engine->params);
    o2c_pg_add_int4(&engine->params, batch->order_unit->partition);
    o2c_pg_add_text(&engine->params, o2c_str_from(batch->order_account));
    o2c_pg_add_int8(&engine->params, PARKED_BATCH);
    o2c_pg_add_int8(&engine->params, engine->settings->batch_bytes);
    o2c_pg_send(engine->pg, "parked_next", &engine->params, on_parked_records, batch);
    o2c_pg_sync(engine->pg, on_parked_read, batch);
}

/* A rebuild carries orders out where they were: those of one partition at a time. */
static void add_ordered(struct engine *engine)
{
    struct o2c_pg_array array;

    if (!engine->replay.on) {
        engine_add_partitions(engine);
        return;
    }
    o2c_pg_array_begin(&array, &engine->params, O2C_OID_INT4);
    o2c_pg_array_int4(&array, replay_unit(engine)->partition);
    o2c_pg_array_end(&array);
}

void parked_poll(struct engine *engine)
{
    if (engine->state != ENGINE_RUNNING || engine->orders->state != BATCH_FILLING)
        return;
    engine->orders->state = BATCH_LISTING;
    o2c_pg_params_reset(&engine->params);
    add_ordered(engine);
    o2c_pg_send(engine->pg, "parked_orders", &engine->params, on_order, engine);
    o2c_pg_sync(engine->pg, on_order_read, engine);
}
