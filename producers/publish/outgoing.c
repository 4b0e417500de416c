#include "producers/publish/outgoing.h"

#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "schemas/events.h"
#include "schemas/units/time.h"
#include "schemas/wire/lengths.h"

#include "runtime/base/banned.h"

size_t o2c_outgoing_bytes(const struct o2c_outgoing *outgoing)
{
    return outgoing->key.len + outgoing->value.len + outgoing->id.len +
           outgoing->source.len + outgoing->time.len + outgoing->place.len;
}

static char *move(struct o2c_str *part, char *into)
{
    if (part->len)
        memcpy(into, part->at, part->len);
    part->at = into;
    return into + part->len;
}

void o2c_outgoing_move(struct o2c_outgoing *outgoing, char *into)
{
    into = move(&outgoing->key, into);
    into = move(&outgoing->value, into);
    into = move(&outgoing->id, into);
    into = move(&outgoing->source, into);
    into = move(&outgoing->time, into);
    (void)move(&outgoing->place, into);
}

/* Topics for which nobody but the consumers' outboxes writes events. */
static const char *const pipeline_topics[] = {"o2c.order-status", "o2c.conflicts"};

bool o2c_topic_is_for_upstream(const struct o2c_topic *topic)
{
    for (size_t i = 0; i < sizeof(pipeline_topics) / sizeof(pipeline_topics[0]); i++)
        if (!strcmp(topic->name, pipeline_topics[i]))
            return false;
    return topic->placement == O2C_PLACEMENT_EVERY_PARTITION ||
           (topic->placement == O2C_PLACEMENT_HASH && topic->key == O2C_TOPIC_KEY_ACCOUNT);
}

static enum o2c_verdict may_be_published(const struct o2c_event_type_row *type,
                                         struct o2c_err *err)
{
    if (type->has_head && o2c_topic_is_for_upstream(type->topic))
        return O2C_OK;
    return o2c_fail(err, O2C_PARK, "%s is published by the pipeline itself", type->name);
}

enum o2c_verdict o2c_outgoing_make(const struct o2c_event *event, struct o2c_arena *arena,
                                   struct o2c_buf *bytes, struct o2c_outgoing *ret_outgoing,
                                   struct o2c_err *err)
{
    struct o2c_outgoing out = {.type = o2c_event_type_row(event->type)};
    if (may_be_published(out.type, err))
        return err->verdict;
    out.key = o2c_event_account(event);
    if (!out.key.len && out.type->topic->key == O2C_TOPIC_KEY_ACCOUNT)
        return o2c_fail(err, O2C_PARK, "%s.customer_id: \"\" is no account",
                        out.type->name);
    if (o2c_check_ids(out.type->record, event->body, err))
        return o2c_fail_in(err, "%s", out.type->name);
    o2c_buf_reset(bytes);
    if (o2c_event_encode(event, bytes, err))
        return err->verdict;
    out.value = (struct o2c_str){bytes->at, bytes->len};
    out.id = event->head->event_id;
    out.source = event->head->source;
    char *time = o2c_arena_alloc(arena, O2C_TIMESTAMP_TEXT + 1);
    if (!time)
        return o2c_fail(err, O2C_RETRY, "no memory for the event");
    o2c_timestamp_format(event->head->occurred_at_us, time);
    out.time = o2c_str_from(time);
    *ret_outgoing = out;
    return O2C_OK;
}
