/*
 * What stands in the topics that this consumer publishes to.  A record of its
 * own there that its database has not given out means that the database was
 * restored from before: it would decide again, perhaps differently, what
 * others have read.
 *
 * The newest record does not tell: another consumer may have written it, or
 * the relay may have sent an older one of this consumer again.  So a claim
 * looks at every record behind an offset below which stood nothing unknown
 * when it was noted in the database: a restored one begins before whatever was
 * published since.  While the consumer works the ends are noted every few
 * seconds (lag.c asks for them), so that a claim has little to look at.
 */
#include "consumers/host/engine.h"

#include <inttypes.h>
#include <string.h>

#include "consumers/host/batch.h"
#include "runtime/base/log.h"
#include "runtime/pg/pg.h"

#include "runtime/base/banned.h"

static struct outbound *find(struct engine *engine, const char *name, int32_t partition,
                             int *ret_emit)
{
    for (int i = 0; i < engine->emit_count; i++)
        if (!strcmp(engine->emit_name[i], name)) {
            *ret_emit = i;
            return &engine->unit[partition].outbound[i];
        }
    return NULL;
}

#define EACH_OUTBOUND(engine, unit, i)                                                     \
    for (struct unit *unit = (engine)->unit;                                               \
         unit && unit < (engine)->unit + (engine)->partition_count; unit++)                \
        for (int i = 0; unit->claimed && i < (engine)->emit_count; i++)

/* ---- what the database knows */

void outbound_forget(struct unit *unit)
{
    for (int i = 0; i < TOPICS_MAX; i++)
        unit->outbound[i] = (struct outbound){.seen = 0, .kept = RD_KAFKA_OFFSET_INVALID};
}

void outbound_set(struct engine *engine, struct unit *unit, struct o2c_str topic,
                  int64_t seen)
{
    for (int i = 0; i < engine->emit_count; i++)
        if (o2c_str_eq(o2c_str_from(engine->consumer->emits[i]), topic))
            unit->outbound[i].seen = unit->outbound[i].kept = seen;
}

static void on_kept(void *user, enum o2c_verdict verdict, bool lost,
                    const struct o2c_err *err)
{
    struct engine *engine = user;

    if (!verdict || lost)
        return;
    o2c_log_warn("ends of topics not noted, will try again", O2C_S("error", err->text));
    EACH_OUTBOUND(engine, unit, i)
    unit->outbound[i].kept = RD_KAFKA_OFFSET_INVALID;
}

static bool any_moved(struct engine *engine)
{
    EACH_OUTBOUND(engine, unit, i)
    if (unit->outbound[i].kept != unit->outbound[i].seen)
        return true;
    return false;
}

void outbound_keep(struct engine *engine)
{
    struct o2c_pg_array array;

    if (engine->replay.on || !any_moved(engine))
        return;
    o2c_pg_params_reset(&engine->params);
#define MOVED(oid, add)                                                                    \
    do {                                                                                   \
        o2c_pg_array_begin(&array, &engine->params, oid);                                  \
        EACH_OUTBOUND(engine, unit, i)                                                     \
        if (unit->outbound[i].kept != unit->outbound[i].seen)                              \
            add;                                                                           \
        o2c_pg_array_end(&array);                                                          \
    } while (0)
    MOVED(O2C_OID_INT4, o2c_pg_array_int4(&array, unit->partition));
    MOVED(O2C_OID_TEXT,
          o2c_pg_array_text(&array, o2c_str_from(engine->consumer->emits[i])));
    MOVED(O2C_OID_INT8, o2c_pg_array_int8(&array, unit->outbound[i].seen));
#undef MOVED
    o2c_pg_send(engine->pg, "outbound_write", &engine->params, NULL, NULL);
    o2c_pg_sync(engine->pg, on_kept, engine);
    EACH_OUTBOUND(engine, unit, i)
    unit->outbound[i].kept = unit->outbound[i].seen;
}

bool outbound_note(struct engine *engine, const char *name, int32_t partition, int64_t end)
{
    int i;
    struct outbound *outbound = find(engine, name, partition, &i);
    bool asked = outbound && outbound->asked;

    if (outbound && end >= 0 && engine->state == ENGINE_RUNNING && !engine->replay.on &&
        engine->unit[partition].claimed)
        outbound->seen = end;
    if (asked)
        outbound->asked = false;
    return asked;
}

/* ---- the check */

static void look(struct engine *engine, bool only_gone)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);

    engine->checks_open = 0;
    EACH_OUTBOUND(engine, unit, i)
    {
        struct outbound *outbound = &unit->outbound[i];

        if (only_gone && !outbound->gone)
            continue;
        rd_kafka_topic_partition_list_add(list, engine->emit_name[i], unit->partition)
            ->offset = outbound->seen;
        outbound->open = true;
        outbound->gone = false;
        outbound->until = -1;
        engine->checks_open++;
    }
    if (engine->checks_open) {
        intake_assign(engine, list);
    } else {
        rd_kafka_topic_partition_list_destroy(list);
        outbound_keep(engine);
        intake_start(engine);
    }
}

void outbound_check(struct engine *engine)
{
    look(engine, false);
}

static void close_one(struct engine *engine, struct outbound *outbound)
{
    outbound->open = false;
    if (--engine->checks_open == 0)
        look(engine, true);
}

/*
 * Up to the partition's end, as the first answer gave it.  Not its last stable
 * offset: behind a transaction that somebody keeps open stands what he would
 * have to see too.
 */
static void looked(struct engine *engine, struct unit *unit, int i, int64_t next)
{
    struct outbound *outbound = &unit->outbound[i];

    if (outbound->until < 0)
        outbound->until = lag_end_seen(engine->rk, engine->emit_name[i], unit->partition);
    if (next < outbound->until)
        return;
    outbound->seen = next;
    close_one(engine, outbound);
}

/*
 * Of this consumer, and not given out by this database.  An incarnation before
 * the one of this database is the past, unless the database has none itself.
 */
static bool is_unknown(const struct engine *engine, const struct unit *unit, int i,
                       const struct o2c_stream_headers *headers)
{
    int order;

    if (!headers->present ||
        !o2c_str_eq(headers->source, o2c_str_from(engine->consumer->name)))
        return false;
    order = memcmp(headers->incarnation.byte, unit->incarnation.byte,
                   sizeof unit->incarnation.byte);
    if (order < 0)
        return unit->stored.batch_seq == 0;
    return order > 0 || headers->stream_seq > unit->stored.stream_seq[i];
}

static void refuse(struct engine *engine, const struct unit *unit, int i,
                   const rd_kafka_message_t *message, int64_t stream_seq)
{
    struct o2c_err err;

    o2c_fail(&err, O2C_FATAL,
             "%s partition %" PRId32 " has stream_seq %" PRId64
             " of this consumer at offset %" PRId64 ", its database only %" PRId64,
             engine->emit_name[i], unit->partition, stream_seq, message->offset,
             unit->stored.stream_seq[i]);
    engine_fatal(
        engine, &err,
        "the database is older than the topics (docs/operations.md, restored database)");
}

void outbound_take(struct engine *engine, const rd_kafka_message_t *message)
{
    int i;
    struct outbound *outbound =
        find(engine, rd_kafka_topic_name(message->rkt), message->partition, &i);
    struct unit *unit = &engine->unit[message->partition];
    struct o2c_stream_headers headers = {0};
    struct o2c_err err;

    if (!outbound || !outbound->open)
        return;
    if (!o2c_stream_headers_read(message, &headers, &err) &&
        is_unknown(engine, unit, i, &headers))
        refuse(engine, unit, i, message, headers.stream_seq);
    else
        looked(engine, unit, i, message->offset + 1);
}

void outbound_ended(struct engine *engine, const rd_kafka_topic_partition_t *end)
{
    int i;
    struct outbound *outbound = find(engine, end->topic, end->partition, &i);

    if (outbound && outbound->open)
        looked(engine, &engine->unit[end->partition], i, end->offset);
}

bool outbound_gone(struct engine *engine, const rd_kafka_topic_partition_t *at)
{
    int i;
    struct outbound *outbound = NULL;

    if (engine->state == ENGINE_CHECKING)
        outbound = find(engine, at->topic, at->partition, &i);
    if (!outbound || !outbound->open)
        return false;
    if (outbound->seen)
        o2c_log_warn("a topic it publishes to has not the offset that was noted: all of it "
                     "is looked at",
                     O2C_S("topic", at->topic), O2C_I("partition", at->partition),
                     O2C_I("offset", outbound->seen));
    outbound->seen = RD_KAFKA_OFFSET_BEGINNING;
    outbound->gone = true;
    close_one(engine, outbound);
    return true;
}
