/*
 * One batch becomes one unit: the fence with the new positions, the rows, the
 * outbox, streams received, parked and set-aside records; then one Sync.  No
 * step of this process lies between them.
 */
#include "consumers/host/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "consumers/host/batch.h"
#include "consumers/host/embedded.h"
#include "consumers/host/notice.h"
#include "runtime/base/clock.h"
#include "runtime/base/failpoint.h"
#include "runtime/base/hash.h"
#include "runtime/pg/pg.h"

#include "runtime/base/banned.h"

/* ---- statements */

static const struct {
    const char *name, *sql;
} engine_sql[] = {
    {"lock_timeout", o2c_host_sql_lock_timeout},
    {"claim", o2c_host_sql_claim},
    {"terminate", o2c_host_sql_terminate},
    {"first_offsets", o2c_host_sql_first_offsets},
    {"inbound_read", o2c_host_sql_inbound_read},
    {"outbound_read", o2c_host_sql_outbound_read},
    {"parked_read", o2c_host_sql_parked_read},
    {"replay_ends", o2c_host_sql_replay_ends},
    {"replay_next", o2c_host_sql_replay_next},
    {"versions", o2c_pg_versions_sql},
    {"types", o2c_host_sql_types},
    {"fix_setting", o2c_host_sql_fix_setting},
#ifdef O2C_MUTANT_NO_EPOCH /* whatever epoch a partition has is taken for one's own */
    {"fence", "SELECT :schema.fence(ARRAY(SELECT jsonb_populate_record(mine,"
              "         jsonb_build_object('epoch', c.epoch))"
              "  FROM unnest($1:::schema.progress_row_2[]) mine"
              "  JOIN :schema.claim c ON c.partition = mine.partition))"},
#else
    {"fence", o2c_host_sql_fence},
#endif
    {"outbox_write", o2c_host_sql_outbox_write},
    {"inbound_write", o2c_host_sql_inbound_write},
    {"outbound_write", o2c_host_sql_outbound_write},
    {"parked_write", o2c_host_sql_parked_write},
    {"parked_left", o2c_host_sql_parked_left},
    {"parked_orders", o2c_host_sql_parked_orders},
    {"parked_next", o2c_host_sql_parked_next},
    {"parked_order_done", o2c_host_sql_parked_order_done},
    {"parked_order_go_on", o2c_host_sql_parked_order_go_on},
    {"aside_write", o2c_host_sql_aside_write},
    {"give_up", o2c_host_sql_give_up},
    {"pack_order", o2c_host_sql_pack_order},
    {"due_next", o2c_host_sql_due_next},
    {"due_delete", o2c_host_sql_due_delete},
    {"due_insert", o2c_host_sql_due_insert},
    {"due_refuse", o2c_host_sql_due_refuse},
};

/* The SQL with the consumer's schema in place of :schema, as psql would put it. */
static char *with_schema(const char *sql, const char *schema)
{
    struct o2c_buf buf;
    const char *at;

    o2c_buf_init(&buf, 1 << 16);
    while ((at = strstr(sql, ":schema"))) {
        o2c_buf_add(&buf, sql, (size_t)(at - sql));
        o2c_buf_add_text(&buf, schema);
        sql = at + strlen(":schema");
    }
    o2c_buf_add_text(&buf, sql);
    o2c_buf_add(&buf, "", 1);
    if (buf.failed)
        abort();
    return buf.at;
}

void store_statements_make(struct engine *engine)
{
    const struct o2c_pg_statement *rows;
    size_t own = sizeof engine_sql / sizeof engine_sql[0], row_count;

    rows = o2c_rows_statements_list(engine->rows_statements, &row_count);
    engine->statements = calloc(own + row_count, sizeof *engine->statements);
    if (!engine->statements)
        abort();
    for (size_t i = 0; i < own; i++) {
        char *text = with_schema(engine_sql[i].sql, engine->consumer->name);

        VEC_ADD(engine->texts, text);
        engine->statements[i] = (struct o2c_pg_statement){engine_sql[i].name, text};
    }
    memcpy(engine->statements + own, rows, row_count * sizeof *rows);
    engine->statement_count = own + row_count;
}

/* Into the open unit; one whose parameters have no room is given up, see batch_store. */
void store_send(struct engine *engine, const char *statement)
{
    if (engine->params.buf.failed)
        engine->unfit = statement;
    else
        o2c_pg_send(engine->pg, statement, &engine->params, NULL, NULL);
}

/*
 * A unit that cannot be sent whole ends with an error of its own: PostgreSQL
 * refuses it as it refuses other data, and smaller parts are tried.
 */
static void give_up(struct engine *engine, const struct o2c_err *err)
{
    o2c_pg_params_reset(&engine->params);
    o2c_pg_add_text(&engine->params, o2c_str_from(err->text));
    o2c_pg_send(engine->pg, "give_up", &engine->params, NULL, NULL);
}

/* ---- the fence and the positions */

static void add_offsets(struct engine *engine, const struct position *position)
{
    o2c_buf_reset(&engine->scratch);
    for (int t = 0; t < engine->topic_count; t++)
        o2c_buf_printf(&engine->scratch, "%c\"%s\":%" PRId64, t ? ',' : '{',
                       engine->consumer->topics[t], position->next[t]);
    o2c_buf_add(&engine->scratch, "}", 1);
}

static void add_last(struct engine *engine, const struct position *position)
{
    const char *separator = "{";

    o2c_buf_reset(&engine->scratch);
    for (int t = 0; t < engine->topic_count; t++) {
        if (!position->last[t].hash)
            continue;
        o2c_buf_printf(&engine->scratch, "%s\"%s\":[%" PRId64 ",\"%" PRIx64 "\"]",
                       separator, engine->consumer->topics[t], position->last[t].offset,
                       position->last[t].hash);
        separator = ",";
    }
    o2c_buf_add_text(&engine->scratch, *separator == '{' ? "{}" : "}");
}

static void add_streams(struct engine *engine, const struct unit *unit)
{
    const char *separator = "{";

    o2c_buf_reset(&engine->scratch);
    for (int i = 0; i < engine->emit_count; i++) {
        if (!unit->pending.stream_seq[i])
            continue;
        o2c_buf_printf(&engine->scratch, "%s\"%s/%" PRId32 "\":%" PRId64, separator,
                       engine->consumer->emits[i], unit->partition,
                       unit->pending.stream_seq[i]);
        separator = ",";
    }
    o2c_buf_add_text(&engine->scratch, *separator == '{' ? "{}" : "}");
}

static struct o2c_str scratch_text(const struct engine *engine)
{
    return (struct o2c_str){engine->scratch.at, engine->scratch.len};
}

static void add_day(struct o2c_pg_array *array, int32_t date)
{
    if (date == O2C_NO_BUSINESS_DATE)
        o2c_pg_field_null(array, O2C_OID_DATE);
    else
        o2c_pg_field_date(array, date);
}

static void add_cursor(struct o2c_pg_array *array, const struct position *position)
{
    static const struct o2c_due none = {.date = O2C_NO_BUSINESS_DATE};
    const struct o2c_due *cursor = position->in_tick ? &position->cursor : &none;

    add_day(array, cursor->date);
    o2c_pg_field_text(array, cursor->account_id);
    o2c_pg_field_text(array, cursor->kind);
    o2c_pg_field_text(array, cursor->item);
}

static void add_position(struct engine *engine, struct o2c_pg_array *array,
                         struct unit *unit)
{
    struct position *pending = &unit->pending;

    o2c_pg_composite_begin(array, 13 + TOTAL_COUNT);
    o2c_pg_field_int4(array, unit->partition);
    o2c_pg_field_int8(array, ++pending->batch_seq);
    o2c_pg_field_int8(array, unit->epoch);
    add_offsets(engine, pending);
    o2c_pg_field_text(array, scratch_text(engine));
    add_last(engine, pending);
    o2c_pg_field_text(array, scratch_text(engine));
    add_streams(engine, unit);
    o2c_pg_field_text(array, scratch_text(engine));
    o2c_pg_field_int8(array, pending->outbox_no);
    for (int i = 0; i < TOTAL_COUNT; i++)
        o2c_pg_field_int8(array, pending->total[i]);
    add_day(array, pending->business_date);
    add_cursor(array, pending);
    o2c_pg_field_int4(array, pending->tick_emitted);
    o2c_pg_composite_end(array);
}

static void remember_newest(struct unit *unit, int topic_count)
{
    for (int t = 0; t < topic_count; t++) {
        const struct record *record = unit->newest[t];

        if (!record)
            continue;
        unit->pending.last[t].offset = record->offset;
        unit->pending.last[t].hash = o2c_hash_64(record->value.at, record->value.len) | 1;
    }
}

static void send_fence(struct engine *engine)
{
    struct o2c_pg_array array;

    o2c_pg_params_reset(&engine->params);
    o2c_pg_array_begin(&array, &engine->params, engine->progress_oid);
    for (int32_t p = 0; p < engine->partition_count; p++) {
        struct unit *unit = &engine->unit[p];

        if (!unit->claimed || !unit->touched)
            continue;
        remember_newest(unit, engine->topic_count);
        add_position(engine, &array, unit);
    }
    o2c_pg_array_end(&array);
    store_send(engine, "fence");
}

/* ---- what the rules emitted */

enum {
    OUTBOX_PIECE = 2000 /* rows of one statement */
};

static void add_outbox_row(struct engine *engine, struct o2c_pg_array *array,
                           const struct outbox_row *row)
{
    o2c_pg_composite_begin(array, 15);
    o2c_pg_field_int4(array, row->unit->partition);
    o2c_pg_field_int8(array, row->outbox_no);
    o2c_pg_field_text(array, o2c_str_from(engine->consumer->emits[row->emit]));
    o2c_pg_field_int4(array, row->unit->partition);
    o2c_pg_field_int8(array, row->stream_seq);
    o2c_pg_field_uuid(array, &row->unit->incarnation);
    o2c_pg_field_uuid(array, &row->event_id);
    o2c_pg_field_text(array, row->type);
    o2c_pg_field_text(array, row->subject);
    o2c_pg_field_timestamp(array, row->recorded_us);
    o2c_pg_field_text(array, row->cause);
    o2c_pg_field_text(array, row->headers);
    o2c_pg_field_bytes(array, row->key);
    o2c_pg_field_bytes(array, row->value);
    add_day(array, row->business_date);
    o2c_pg_composite_end(array);
}

/* In pieces, as rows are (rows_store.c). */
static void send_outbox(struct engine *engine, const struct batch *batch)
{
    for (size_t begin = 0; begin < batch->outbox.count; begin += OUTBOX_PIECE) {
        size_t left = batch->outbox.count - begin;
        struct o2c_pg_array array;

        o2c_pg_params_reset(&engine->params);
        o2c_pg_array_begin(&array, &engine->params, engine->outbox_oid);
        for (size_t i = 0; i < left && i < OUTBOX_PIECE; i++)
            add_outbox_row(engine, &array, &batch->outbox.at[begin + i]);
        o2c_pg_array_end(&array);
        store_send(engine, "outbox_write");
    }
}

/* ---- the rarer tables, one array per column */

static struct o2c_pg_array *column(struct engine *engine, struct o2c_pg_array *array,
                                   uint32_t oid)
{
    o2c_pg_array_begin(array, &engine->params, oid);
    return array;
}

#define COLUMN(engine, oid, vec, index, add)                                               \
    do {                                                                                   \
        struct o2c_pg_array array_, *array = column(engine, &array_, oid);                 \
        for (size_t index = 0; index < (vec).count; index++)                               \
            add;                                                                           \
        o2c_pg_array_end(array);                                                           \
    } while (0)

static void send_aside(struct engine *engine, struct batch *batch)
{
    if (!batch->aside.count)
        return;
    o2c_pg_params_reset(&engine->params);
#define ASIDE(oid, add) COLUMN(engine, oid, batch->aside, i, add)
    ASIDE(O2C_OID_INT4,
          o2c_pg_array_int4(array, batch->aside.at[i].record->unit->partition));
    ASIDE(O2C_OID_TEXT,
          o2c_pg_array_text(
              array,
              o2c_str_from(engine->consumer->topics[batch->aside.at[i].record->topic])));
    ASIDE(O2C_OID_INT8, o2c_pg_array_int8(array, batch->aside.at[i].record->offset));
    ASIDE(O2C_OID_TEXT,
          o2c_pg_array_text(array, o2c_str_from(batch->aside.at[i].record->aside_reason)));
    ASIDE(O2C_OID_TEXT,
          o2c_pg_array_text(array, o2c_str_from(batch->aside.at[i].record->reason)));
    ASIDE(O2C_OID_TIMESTAMPTZ,
          o2c_pg_array_timestamp(array, batch->aside.at[i].record->recorded_us));
    ASIDE(O2C_OID_BYTEA, o2c_pg_array_text(array, batch->aside.at[i].record->key));
    ASIDE(O2C_OID_BYTEA, o2c_pg_array_text(array, batch->aside.at[i].headers));
    ASIDE(O2C_OID_BYTEA, o2c_pg_array_text(array, batch->aside.at[i].record->value));
#undef ASIDE
    store_send(engine, "aside_write");
}

static struct o2c_str type_name(const struct record *record)
{
    if (!record_was_read(record))
        return (struct o2c_str){NULL, 0};
    if (record->parked_route)
        return O2C_STR(NOTICE_TYPE);
    return o2c_str_from(o2c_event_type_row(record->event.type)->name);
}

static void send_parked(struct engine *engine, struct batch *batch)
{
    if (!batch->parked.count)
        return;
    o2c_pg_params_reset(&engine->params);
#define PARKED(oid, add) COLUMN(engine, oid, batch->parked, i, add)
    PARKED(O2C_OID_INT4,
           o2c_pg_array_int4(array, batch->parked.at[i].record->unit->partition));
    PARKED(O2C_OID_INT8, o2c_pg_array_int8(array, batch->parked.at[i].parked_no));
    PARKED(O2C_OID_TEXT, o2c_pg_array_text(array, batch->parked.at[i].record->account));
    PARKED(O2C_OID_TEXT, o2c_pg_array_text(array, batch->parked.at[i].reason));
    PARKED(O2C_OID_TEXT,
           o2c_pg_array_text(
               array,
               o2c_str_from(engine->consumer->topics[batch->parked.at[i].record->topic])));
    PARKED(O2C_OID_INT8, o2c_pg_array_int8(array, batch->parked.at[i].record->offset));
    PARKED(O2C_OID_TIMESTAMPTZ,
           o2c_pg_array_timestamp(array, batch->parked.at[i].record->recorded_us));
    PARKED(O2C_OID_TEXT, o2c_pg_array_text(array, type_name(batch->parked.at[i].record)));
    PARKED(O2C_OID_BYTEA, o2c_pg_array_text(array, batch->parked.at[i].headers));
    PARKED(O2C_OID_BYTEA, o2c_pg_array_text(array, batch->parked.at[i].record->value));
#undef PARKED
    store_send(engine, "parked_write");
}

static void send_parked_changes(struct engine *engine, struct batch *batch)
{
    if (!batch->parked_changes.count)
        return;
    o2c_pg_params_reset(&engine->params);
#define CHANGE(oid, add) COLUMN(engine, oid, batch->parked_changes, i, add)
    CHANGE(O2C_OID_INT4,
           o2c_pg_array_int4(array, batch->parked_changes.at[i].record->unit->partition));
    CHANGE(O2C_OID_INT8,
           o2c_pg_array_int8(array, batch->parked_changes.at[i].record->parked_no));
    CHANGE(O2C_OID_TEXT,
           o2c_pg_array_text(array, o2c_str_from(batch->parked_changes.at[i].state)));
    CHANGE(O2C_OID_TEXT, o2c_pg_array_text(array, batch->parked_changes.at[i].reason));
#undef CHANGE
    store_send(engine, "parked_left");
}

/* An order is done when nothing of the account is parked any more, or something is again.
 */
static void send_order(struct engine *engine, struct batch *batch)
{
    bool blocked = batch->order_blocked || batch->order_unread;
    const char *outcome = "released";

    if (!batch->order_no || (batch->end < batch->fold.count && !batch->order_blocked))
        return;
    o2c_pg_params_reset(&engine->params);
    o2c_pg_add_int8(&engine->params, batch->order_no);
    if (!blocked && parked_find(batch->order_unit, o2c_str_from(batch->order_account)) &&
        batch->fold.count > 0) {
        store_send(engine, "parked_order_go_on");
        return;
    }
    if (blocked)
        outcome = "parked again";
    else if (!batch->fold.count)
        outcome = "nothing was parked";
    else if (batch->order_discards)
        outcome = "discarded";
    o2c_pg_add_text(&engine->params, o2c_str_from(outcome));
    store_send(engine, "parked_order_done");
}

struct inbound_ref {
    const struct unit *unit;
    const struct inbound *in;
};

static void send_inbound(struct engine *engine)
{
    VEC(struct inbound_ref) refs = {NULL, 0, 0};

    for (int32_t p = 0; p < engine->partition_count; p++)
        for (struct inbound *in = engine->unit[p].inbound; in; in = in->next)
            if (in->touched) {
                struct inbound_ref ref = {&engine->unit[p], in};

                VEC_ADD(refs, ref);
            }
    if (refs.count) {
        o2c_pg_params_reset(&engine->params);
#define INBOUND(oid, add) COLUMN(engine, oid, refs, i, add)
        INBOUND(O2C_OID_INT4, o2c_pg_array_int4(array, refs.at[i].unit->partition));
        INBOUND(O2C_OID_TEXT,
                o2c_pg_array_text(
                    array, o2c_str_from(engine->consumer->topics[refs.at[i].in->topic])));
        INBOUND(O2C_OID_TEXT,
                o2c_pg_array_text(array, o2c_str_from(refs.at[i].in->source)));
        INBOUND(O2C_OID_INT4, o2c_pg_array_int4(array, refs.at[i].in->source_partition));
        INBOUND(O2C_OID_UUID, o2c_pg_array_uuid(array, &refs.at[i].in->incarnation));
        INBOUND(O2C_OID_INT8, o2c_pg_array_int8(array, refs.at[i].in->last_seq));
#undef INBOUND
        store_send(engine, "inbound_write");
    }
    free(refs.at);
}

/* ---- the unit */

static bool anything_touched(const struct engine *engine)
{
    for (int32_t p = 0; p < engine->partition_count; p++)
        if (engine->unit[p].claimed && engine->unit[p].touched)
            return true;
    return false;
}

/* Only the fence of a claimed partition keeps a process that was overtaken from storing. */
static enum o2c_verdict check_claimed(const struct batch *batch, struct o2c_err *err)
{
    for (size_t i = batch->stored; i < batch->end; i++)
        if (!batch->fold.at[i]->unit->claimed)
            return o2c_fail(err, O2C_FATAL,
                            "a batch has a record of partition %" PRId32
                            ", which this process has not claimed",
                            batch->fold.at[i]->unit->partition);
    if (batch->order_no && !batch->order_unit->claimed)
        return o2c_fail(err, O2C_FATAL,
                        "a batch has an order about partition %" PRId32
                        ", which this process has not claimed",
                        batch->order_unit->partition);
    return O2C_OK;
}

enum o2c_verdict batch_store(struct batch *batch, struct o2c_err *err)
{
    struct engine *engine = batch->engine;
    enum o2c_verdict verdict;

    if (check_claimed(batch, err))
        return err->verdict;
    if (batch->order_no)
        batch->order_unit->touched = true; /* also where nothing was parked */
    O2C_FAILPOINT("store.before");
    engine->unfit = NULL;
    if (anything_touched(engine))
        send_fence(engine);
    verdict = o2c_rows_send_store(batch->rows, engine->pg, err);
    if (verdict == O2C_FATAL)
        return verdict;
    send_outbox(engine, batch);
    due_send(engine, batch);
    send_inbound(engine);
    send_parked(engine, batch);
    send_parked_changes(engine, batch);
    send_aside(engine, batch);
    send_order(engine, batch);
    if (!verdict && engine->unfit)
        verdict =
            o2c_fail(err, O2C_RETRY, "no room for the parameters of %s", engine->unfit);
    if (verdict)
        give_up(engine, err);
    batch->store_started_us = o2c_clock_monotonic_us();
    return O2C_OK;
}

static void wake_relay(struct engine *engine)
{
    /* Lost where nobody listens: the relay polls too. */
    if (engine->wake_socket >= 0)
        (void)sendto(engine->wake_socket, "", 1, MSG_DONTWAIT,
                     (const struct sockaddr *)&engine->wake_address,
                     sizeof engine->wake_address);
}

void batch_stored(struct batch *batch)
{
    struct engine *engine = batch->engine;

    O2C_FAILPOINT("store.committed");
    for (int32_t p = 0; p < engine->partition_count; p++) {
        struct unit *unit = &engine->unit[p];

        if (!unit->claimed || !unit->touched)
            continue;
        host_metrics_stored(engine, unit);
        packing_stored(engine);
        unit->stored = unit->pending;
        unit->stored_us = o2c_clock_monotonic_us();
        unit->touched = false;
        memset(unit->newest, 0, sizeof unit->newest);
        parked_keep(unit);
        inbound_keep(unit);
        ticks_stored(engine, unit);
        unit->pending = unit->stored;
    }
    if (batch->outbox.count)
        wake_relay(engine);
    host_metrics_batch(engine, batch);
    if (batch_was_read(batch) && !batch->stored && batch->end == batch->fold.count)
        take_fitted(&engine->take, batch->record_count);
    batch->stored = batch->end;
    if (batch->limit < SIZE_MAX / 2)
        batch->limit *= 2;
    engine->progress_us = o2c_clock_monotonic_us();
}

/* Kafka's own offsets follow, for lag tools only; the automatic commit sends them. */
void store_mirror(struct engine *engine)
{
    rd_kafka_topic_partition_list_t *list;

    if (!engine->assigned)
        return;
    list = rd_kafka_topic_partition_list_new(engine->partition_count);
    for (int32_t p = 0; p < engine->partition_count; p++)
        for (int t = 0; engine->unit[p].claimed && t < engine->topic_count; t++)
            rd_kafka_topic_partition_list_add(list, engine->topic_name[t], p)->offset =
                engine->unit[p].stored.next[t];
    (void)rd_kafka_offsets_store(engine->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}
