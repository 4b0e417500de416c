/*
 * What rules emit becomes rows of the outbox at once: encoded, numbered and
 * named.  Numbers are those of the unit's pending position, so an event or a
 * batch that is undone gives them back.
 */
#include "consumers/host/effects.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consumers/host/engine.h"
#include "schemas/wire/content.h"

#include "runtime/base/banned.h"

void effects_begin(struct o2c_effects *effects, struct batch *batch, struct record *record)
{
    *effects = (struct o2c_effects){
        .batch = batch, .record = record, .outbox_mark = batch->outbox.count};
    due_begin(batch);
}

void effects_undo(struct o2c_effects *effects)
{
    struct batch *batch = effects->batch;

    while (batch->outbox.count > effects->outbox_mark) {
        struct outbox_row *row = &batch->outbox.at[--batch->outbox.count];

        row->unit->pending.outbox_no--;
        row->unit->pending.stream_seq[row->emit]--;
    }
    effects->emitted = 0;
    due_undo(batch);
    effects->err.verdict = O2C_OK;
}

static int find_emit(const struct engine *engine, const char *topic)
{
    for (int i = 0; i < engine->emit_count; i++)
        if (!strcmp(engine->consumer->emits[i], topic))
            return i;
    return -1;
}

static struct o2c_str printed(struct o2c_effects *effects, const char *text, int len)
{
    struct o2c_str copy = {NULL, 0};

    if (!o2c_arena_copy(&effects->batch->work, (struct o2c_str){text, (size_t)len}, &copy))
        effects->failed = true;
    return copy;
}

/* ce_id: the same for the same place in the same stream, for ever. */
static struct o2c_uuid stream_id(const struct engine *engine, const struct outbox_row *row)
{
    char incarnation[O2C_UUID_TEXT + 1], text[320];
    int len;

    o2c_uuid_format(&row->unit->incarnation, incarnation);
    len =
        snprintf(text, sizeof text, "%s/%s/%" PRId32 "/%s/%" PRId32 "/%" PRId64,
                 engine->consumer->name, incarnation, row->unit->partition,
                 engine->consumer->emits[row->emit], row->unit->partition, row->stream_seq);
    return o2c_uuid_v5(&O2C_UUID_NAMESPACE, text, (size_t)len);
}

/* The next row of the outbox on this topic; NULL without one of that name among `emits`. */
static struct outbox_row *add_row(struct o2c_effects *effects, const char *topic)
{
    struct engine *engine = effects->batch->engine;
    struct record *record = effects->record;
    struct unit *unit = record->unit;
    struct outbox_row row = {.unit = unit, .emit = find_emit(engine, topic)};
    char cause[160];

    if (row.emit < 0) {
        o2c_fail(&effects->err, O2C_FATAL, "%s is not among the topics %s emits to", topic,
                 engine->consumer->name);
        return NULL;
    }
    row.outbox_no = ++unit->pending.outbox_no;
    row.stream_seq = ++unit->pending.stream_seq[row.emit];
    row.recorded_us = record->recorded_us;
    row.business_date = unit->pending.business_date;
    row.event_id = stream_id(engine, &row);
    row.cause = printed(effects, cause,
                        snprintf(cause, sizeof cause, "%s/%" PRId32 "/%" PRId64 "#%" PRId32,
                                 engine->consumer->topics[record->topic], unit->partition,
                                 record->offset, effects->emitted++));
    VEC_ADD(effects->batch->outbox, row);
    return &effects->batch->outbox.at[effects->batch->outbox.count - 1];
}

/* Kafka would refuse it, and the outbox of the partition would stand still for ever. */
static void check_size(struct o2c_effects *effects, const struct outbox_row *row)
{
    size_t bytes = row->key.len + row->headers.len + row->value.len;

    if (bytes > OUTBOX_BYTES)
        o2c_fail(&effects->err, O2C_PARK,
                 "a record of %zu bytes for %s: at most %d are published", bytes,
                 effects->batch->engine->consumer->emits[row->emit], OUTBOX_BYTES);
}

void effects_emit_raw(struct o2c_effects *effects, const char *topic, struct o2c_str type,
                      struct o2c_str headers, struct o2c_str key, struct o2c_str value)
{
    struct outbox_row *row = add_row(effects, topic);

    if (!row)
        return;
    row->type = type;
    row->headers = headers;
    row->subject = row->key = key;
    row->value = value;
    check_size(effects, row);
}

/* The event with its head filled in, in the work arena. */
static bool complete(struct o2c_effects *effects, const struct o2c_event_type_row *type,
                     const struct outbox_row *row, const struct o2c_event *event,
                     struct o2c_event *ret_full)
{
    struct o2c_arena *arena = &effects->batch->work;
    char id[O2C_UUID_TEXT + 1], source[64];
    struct o2c_head *head;
    void *body = o2c_arena_alloc(arena, type->record->bytes);

    if (!body) {
        effects->failed = true;
        return false;
    }
    memcpy(body, event->body, type->record->bytes);
    head = body; /* the head is the first member of every event */
    o2c_uuid_format(&row->event_id, id);
    head->event_id = printed(effects, id, O2C_UUID_TEXT);
    head->occurred_at_us = effects->record->recorded_us;
    head->source = printed(
        effects, source,
        snprintf(source, sizeof source, "o2c.%s", effects->batch->engine->consumer->name));
    if (!head->company_id.at)
        head->company_id = O2C_STR("main");
    head->account_id = effects->record->account;
    if (!head->customer_id.at)
        head->customer_id = effects->record->account;
    *ret_full = o2c_event_of(event->type, body);
    return true;
}

static void encode(struct o2c_effects *effects, struct outbox_row *row,
                   const struct o2c_event *event)
{
    struct o2c_buf *scratch = &effects->batch->engine->scratch;

    o2c_buf_reset(scratch);
    if (o2c_event_encode(event, scratch, &effects->err)) {
        effects->err.verdict = O2C_PARK;
        return;
    }
    if (!o2c_arena_copy(&effects->batch->work, (struct o2c_str){scratch->at, scratch->len},
                        &row->value))
        effects->failed = true;
    check_size(effects, row);
}

static void emit(struct o2c_effects *effects, struct o2c_str key,
                 const struct o2c_event *event)
{
    const struct o2c_event_type_row *type = o2c_event_type_row(event->type);
    struct outbox_row *row = add_row(effects, type->topic->name);
    struct o2c_event full = *event;

    if (!row)
        return;
    row->type = o2c_str_from(type->full_name);
    if (!o2c_arena_copy(&effects->batch->work, key, &row->key))
        effects->failed = true;
    row->subject = row->key;
    if (type->has_head && !complete(effects, type, row, event, &full))
        return;
    encode(effects, row, &full);
}

void o2c_effects_emit(struct o2c_effects *effects, const struct o2c_event *event)
{
    emit(effects, effects->record->account, event);
}

void o2c_effects_emit_state(struct o2c_effects *effects, struct o2c_str entity_id,
                            const struct o2c_event *state)
{
    emit(effects, entity_id, state);
}

void o2c_effects_no_room(struct o2c_effects *effects)
{
    effects->failed = true;
}

void o2c_effects_repeat(struct o2c_effects *effects)
{
    effects->repeat = true;
}

void o2c_effects_conflict(struct o2c_effects *effects, const struct o2c_event *event,
                          struct o2c_str natural_key, struct o2c_str before,
                          int64_t first_seen_us)
{
    struct record *record = effects->record;
    struct o2c_conflict_found found = {.head = *event->head};
    struct o2c_str names[O2C_CONTENT_MAX_FIELDS];
    struct o2c_content now;
    struct o2c_event found_event;

    found.topic = o2c_str_from(effects->batch->engine->consumer->topics[record->topic]);
    found.partition = record->unit->partition;
    found.offset = record->offset;
    found.natural_key = natural_key;
    found.event_type = o2c_str_from(o2c_event_type_row(event->type)->name);
    found.first_seen_at_us = first_seen_us;
    o2c_content_of(event, &now);
    found.fields_count = o2c_content_differs(event->type, before, o2c_content_bytes(&now),
                                             names, O2C_CONTENT_MAX_FIELDS);
    found.fields = names;
    found_event = o2c_event_of(O2C_CONFLICT_FOUND, &found);
    o2c_effects_emit(effects, &found_event);
}
