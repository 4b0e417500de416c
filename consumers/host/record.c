#include "consumers/host/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/host/notice.h"
#include "runtime/base/hash.h"
#include "schemas/units/time.h"
#include "schemas/wire/lengths.h"

#include "runtime/base/banned.h"

static const char too_large[] = "the record needs more memory than a whole batch has";

struct record *record_new(struct batch *batch, struct unit *unit, int topic, int64_t offset)
{
    struct record *record = o2c_arena_zalloc(&batch->intake, sizeof *record);
    size_t chain =
        (size_t)unit->partition * (size_t)batch->engine->topic_count + (size_t)topic;

    if (!record)
        abort(); /* no memory: the intake stops at batch-bytes, far below the arena's end */
    record->unit = unit;
    record->topic = topic;
    record->offset = offset;
    record->business_date = O2C_NO_BUSINESS_DATE;
    record->outcome = -1;
    if (batch->chain_tail.at[chain])
        batch->chain_tail.at[chain]->next = record;
    else
        batch->chain_head.at[chain] = record;
    batch->chain_tail.at[chain] = record;
    batch->record_count++;
    return record;
}

static const char *keep_text(struct batch *batch, const char *text)
{
    struct o2c_str copy = {"", 0};

    if (!o2c_arena_copy(&batch->intake, (struct o2c_str){text, strlen(text) + 1}, &copy))
        return "(no memory for the reason)";
    return copy.at;
}

static void set_aside(struct record *record, const char *code, const char *detail)
{
    record->kind = RECORD_ASIDE;
    record->aside_reason = code;
    record->reason = detail;
}

/* No rule is asked about it again. */
void record_refuse(struct batch *batch, struct record *record, const char *reason)
{
    if (record->kind != RECORD_DUE)
        record->kind = RECORD_BAD;
    record->reason = keep_text(batch, reason);
}

/* A record is refused once: what remains of it then is no longer the rule's. */
bool record_can_be_refused(const struct record *record)
{
    return record->kind == RECORD_EVENT || record->kind == RECORD_NOTICE ||
           (record->kind == RECORD_DUE && !record->reason);
}

enum o2c_verdict record_fail_at(struct o2c_err *err, const struct batch *batch,
                                const struct record *record, const char *text)
{
    return o2c_fail(err, O2C_FATAL, "%s partition %" PRId32 " offset %" PRId64 ": %s",
                    batch->engine->consumer->topics[record->topic], record->unit->partition,
                    record->offset, text);
}

static void set_bad(struct batch *batch, struct record *record, const struct o2c_err *err)
{
    record_refuse(batch, record, err->text);
}

/* A notice lies where the account lies that it is about: in the partition of its source. */
static bool is_placed_by_key(const struct engine *engine, int topic)
{
    return engine->topic[topic]->placement == O2C_PLACEMENT_HASH ||
           engine->parked_route[topic];
}

/* True if the record's key can be an account of this partition. */
static bool key_is_usable(struct batch *batch, struct record *record)
{
    const struct engine *engine = batch->engine;
    bool placed = is_placed_by_key(engine, record->topic);
    struct o2c_err err;

    if (!record->key.at || record->key.len == 0) {
        set_aside(record, "no-key", "the record has no key; the key is the account");
        return false;
    }
    if (!o2c_str_is_text(record->key)) {
        set_aside(record, "no-key", "the key is no UTF-8 text; the key is the account");
        return false;
    }
    if (record->key.len > O2C_KEY_MAX_BYTES) {
        o2c_fail(&err, O2C_PARK, "the key has %zu bytes, an account has at most %d",
                 record->key.len, O2C_KEY_MAX_BYTES);
        set_aside(record, "no-key", keep_text(batch, err.text));
        return false;
    }
#ifdef O2C_MUTANT_NO_PARTITION_CHECK
    (void)placed;
    return true;
#endif
    if (placed && o2c_hash_partition(record->key, engine->partition_count) !=
                      record->unit->partition) {
        set_aside(
            record, "wrong-partition",
            "the key hashes to another partition: set partitioner=murmur2_random in the "
            "publishing client");
        return false;
    }
    return true;
}

/* Of a record just received: its own; of a parked one: unpacked, to be destroyed. */
static enum o2c_verdict headers_of(const struct record *record,
                                   rd_kafka_headers_t **ret_headers, struct o2c_err *err)
{
    if (!record->message)
        return o2c_headers_unpack(record->headers, ret_headers, err);
    if (rd_kafka_message_headers(record->message, ret_headers))
        return o2c_fail(err, O2C_PARK, "the record has no headers");
    return O2C_OK;
}

static void decode_notice(struct batch *batch, struct record *record)
{
    rd_kafka_headers_t *headers = NULL;
    struct o2c_err err;

    if (headers_of(record, &headers, &err) || notice_read(headers, &record->notice, &err)) {
        set_bad(batch, record, &err);
    } else {
        record->parked_route = batch->engine->parked_route[record->topic];
        record->kind = RECORD_NOTICE;
    }
    if (headers && !record->message)
        rd_kafka_headers_destroy(headers);
}

static void decode_event(struct batch *batch, struct record *record)
{
    const struct engine *engine = batch->engine;
    struct o2c_err err;

    if (!record->value.at) {
        o2c_fail(&err, O2C_PARK, "the record has no value");
        set_bad(batch, record, &err);
        return;
    }
    switch (o2c_event_decode(record->value, &batch->intake, &record->event, &err)) {
    case O2C_OK:
        break;
    case O2C_RETRY: /* of a parked record the bytes lie in the batch too */
        if (!record->parked_no)
            abort();
        record_refuse(batch, record, too_large);
        return;
    case O2C_PARK:
    case O2C_FENCED:
    case O2C_FATAL:
        set_bad(batch, record, &err);
        return;
    }
    if (o2c_check_ids(o2c_event_type_row(record->event.type)->record, record->event.body,
                      &err)) {
        set_bad(batch, record, &err);
        return;
    }
    record->route = engine->route[record->event.type];
    record->kind = record->route ? RECORD_EVENT : RECORD_SKIPPED;
    if (engine->topic[record->topic]->placement == O2C_PLACEMENT_HASH &&
        record->event.head && !o2c_str_eq(o2c_event_account(&record->event), record->key))
        set_aside(
            record, "key-mismatch",
            "the key is not the account of the event (account_id, or else customer_id)");
}

static void decode(struct batch *batch, struct record *record)
{
    record->account = record->key;
    if (batch->engine->parked_route[record->topic])
        decode_notice(batch, record);
    else
        decode_event(batch, record);
}

static enum o2c_verdict find_stream(const struct batch *batch, struct record *record,
                                    struct o2c_err *err)
{
    struct o2c_stream_headers *stream = &record->stream;

    if (!batch->engine->topic[record->topic]->pipeline_records)
        return O2C_OK;
    if (o2c_stream_headers_read(record->message, stream, err))
        return err->verdict;
    if (stream->source.len > O2C_SOURCE_MAX_BYTES) {
        stream->present = false; /* no stream of that name is kept */
        return o2c_fail(err, O2C_PARK, "header source has %zu bytes, a name has at most %d",
                        stream->source.len, O2C_SOURCE_MAX_BYTES);
    }
    if (stream->tick.at && !o2c_date_parse(stream->tick, &record->business_date))
        return o2c_fail(err, O2C_PARK, "header o2c_tick is malformed");
    return O2C_OK;
}

/* False: its headers are no good. */
static bool read_stream(struct batch *batch, struct record *record)
{
    struct o2c_err err;

    if (!find_stream(batch, record, &err))
        return true;
    record->account = record->key;
    set_bad(batch, record, &err);
    return false;
}

/*
 * It has a number in a stream too, which the one behind it follows; from headers
 * that are no good nothing follows.
 */
static void read_stream_of_aside(struct batch *batch, struct record *record)
{
    struct o2c_err err;

    (void)find_stream(batch, record, &err);
}

/* As long as they are when packed; librdkafka keeps them as long as the record. */
static size_t header_bytes(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t len, bytes = 0;

    if (rd_kafka_message_headers(message, &headers))
        return 0;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++)
        bytes += strlen(name) + 1 + sizeof(int32_t) + len;
    return bytes;
}

/* Of a record that was set aside alone: it holds nothing, and counts in its stream. */
static void skip_notice(struct batch *batch, struct record *record)
{
    if (read_stream(batch, record))
        record->kind = RECORD_SKIPPED;
    else
        set_aside(record, "no-key", record->reason);
}

size_t record_bytes(const struct batch *batch)
{
    return batch->intake.used_bytes + batch->message_bytes;
}

void record_take(struct batch *batch, struct unit *unit, int topic,
                 rd_kafka_event_t *holder, const rd_kafka_message_t *message)
{
    size_t before = record_bytes(batch);
    struct record *record = record_new(batch, unit, topic, message->offset);

    record->holder = holder;
    record->message = message;
    record->recorded_us = rd_kafka_message_timestamp(message, NULL) * 1000;
    batch->message_bytes +=
        message->len + message->key_len + header_bytes(message) + sizeof *message;
    record->key = (struct o2c_str){message->key, message->key_len};
    record->value = (struct o2c_str){message->payload, message->len};
    if (batch->engine->parked_route[topic] && !record->key.at)
        skip_notice(batch, record);
    else if (!key_is_usable(batch, record))
        read_stream_of_aside(batch, record);
    else if (read_stream(batch, record))
        decode(batch, record);
    if (record_bytes(batch) - before > batch->largest_bytes)
        batch->largest_bytes = record_bytes(batch) - before;
}

void record_from_parked(struct batch *batch, const struct parked_record *parked)
{
    struct record *record = record_new(batch, parked->unit, parked->topic, parked->offset);
    bool kept = o2c_arena_copy(&batch->intake, parked->account, &record->key) &&
                o2c_arena_copy(&batch->intake, parked->headers, &record->headers) &&
                o2c_arena_copy(&batch->intake, parked->value, &record->value);

    record->recorded_us = parked->recorded_us;
    record->parked_no = parked->parked_no;
    record->parked_first = parked->first;
    record->account = record->key;
    if (kept)
        decode(batch, record);
    else
        record_refuse(batch, record, too_large);
}

void record_marker(struct batch *batch, struct unit *unit, int topic, int64_t next_offset)
{
    struct record *record = record_new(batch, unit, topic, next_offset - 1);

    record->kind = RECORD_MARKER;
}

bool record_was_read(const struct record *record)
{
    return record->route || record->parked_route;
}

bool record_headers(const struct record *record, struct o2c_arena *arena,
                    struct o2c_str *ret_packed)
{
    rd_kafka_headers_t *headers;
    struct o2c_buf buf;
    bool kept;

    *ret_packed = record->headers;
    if (!record->message || rd_kafka_message_headers(record->message, &headers))
        return true;
    o2c_buf_init(&buf, INT32_MAX);
    o2c_headers_pack(headers, &buf);
    kept =
        !buf.failed && o2c_arena_copy(arena, (struct o2c_str){buf.at, buf.len}, ret_packed);
    o2c_buf_clear(&buf);
    return kept;
}
