#include "schemas/events.h"

#include <string.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "schemas/wire/frame.h"
#include "schemas/wire/generated.h"

#include "runtime/base/banned.h"

static const char *name_of(enum o2c_event_type type)
{
    const struct o2c_event_type_row *row = o2c_event_type_row(type);
    return row ? row->name : "event";
}

static enum o2c_verdict fail_with(const struct o2c_avro_fault *fault,
                                  enum o2c_event_type type, struct o2c_err *err)
{
    return o2c_fail(err, fault->no_memory ? O2C_RETRY : O2C_PARK, "%s: field %s: %s",
                    name_of(type), fault->path, fault->what);
}

static enum o2c_verdict read_body(const struct o2c_reader_row *row,
                                  struct o2c_avro_reader *in, struct o2c_event *ret_event,
                                  struct o2c_err *err)
{
    void *body = o2c_arena_alloc(in->arena, row->body_bytes);
    if (!body)
        return o2c_fail(err, O2C_RETRY, "%s: no memory for it", name_of(row->type));
    row->read(in, body);
    if (in->fault.failed)
        return fail_with(&in->fault, row->type, err);
    if (in->at != in->end)
        return o2c_fail(err, O2C_PARK, "%s: %td bytes follow its last field",
                        name_of(row->type), in->end - in->at);
    *ret_event = o2c_event_of(row->type, body);
    return O2C_OK;
}

enum o2c_verdict o2c_event_decode(struct o2c_str bytes, struct o2c_arena *arena,
                                  struct o2c_event *ret_event, struct o2c_err *err)
{
    int32_t id;
    struct o2c_str body;
    if (o2c_frame_read(bytes, &id, &body, err))
        return err->verdict;
    if (o2c_event_type_by_schema(id) == O2C_EVENT_NONE)
        return o2c_fail(err, O2C_PARK, "schema id %ld is not known here", (long)id);
    struct o2c_avro_reader in;
    in.at = (const uint8_t *)body.at;
    in.end = in.at + body.len;
    in.arena = arena;
    in.budget_bytes = O2C_EVENT_MAX_ARENA_BYTES;
    in.fault.failed = in.fault.no_memory = false; /* its path stays unset until then */
    return read_body(&o2c_reader_rows[id], &in, ret_event, err);
}

static enum o2c_verdict no_room(const struct o2c_buf *out, enum o2c_event_type type,
                                struct o2c_err *err)
{
    if (out->max - out->len > O2C_AVRO_SLACK_BYTES)
        return o2c_fail(err, O2C_RETRY, "%s: no memory to encode it", name_of(type));
    return o2c_fail(err, O2C_PARK, "%s: it takes more than the %zu bytes allowed",
                    name_of(type), out->max);
}

enum o2c_verdict o2c_event_encode(const struct o2c_event *event, struct o2c_buf *out,
                                  struct o2c_err *err)
{
    const struct o2c_event_type_row *row = o2c_event_type_row(event->type);
    if (!row)
        return o2c_fail(err, O2C_PARK, "event type %d is not known", (int)event->type);
    size_t before = out->len;
    bool failed_before = out->failed;
    struct o2c_avro_writer to;
    to.out = out;
    to.fault.failed = to.fault.no_memory = false;
    o2c_frame_write(out, row->schema_id);
    o2c_writers[row->type](&to, event->body);
    if (!to.fault.failed && !out->failed)
        return O2C_OK;
    enum o2c_verdict verdict = to.fault.failed ? fail_with(&to.fault, row->type, err)
                                               : no_room(out, row->type, err);
    out->len = before;
    out->failed = failed_before;
    return verdict;
}

struct o2c_event o2c_event_of(enum o2c_event_type type, const void *body)
{
    const struct o2c_event_type_row *row = o2c_event_type_row(type);
    return (struct o2c_event){
        .type = type, .body = body, .head = row && row->has_head ? body : NULL};
}

const struct o2c_event_type_row *o2c_event_type_row(enum o2c_event_type type)
{
    if ((int)type <= O2C_EVENT_NONE || (int)type >= O2C_EVENT_TYPE_COUNT)
        return NULL;
    return &o2c_event_type_rows[type];
}

enum o2c_event_type o2c_event_type_by_name(struct o2c_str name)
{
    for (int type = O2C_EVENT_NONE + 1; type < O2C_EVENT_TYPE_COUNT; type++)
        if (o2c_str_eq(name, o2c_str_from(o2c_event_type_rows[type].name)))
            return (enum o2c_event_type)type;
    return O2C_EVENT_NONE;
}

enum o2c_event_type o2c_event_type_by_schema(int32_t schema_id)
{
    if (schema_id < 1 || (size_t)schema_id >= o2c_reader_row_count)
        return O2C_EVENT_NONE;
    return o2c_reader_rows[schema_id].type;
}

static struct o2c_str text_field(const struct o2c_event *event,
                                 const struct o2c_event_type_row *row, const char *name)
{
    const struct o2c_field *field = o2c_record_field(row->record, o2c_str_from(name));
    if (!field || field->kind != O2C_KIND_STRING || field->array)
        return (struct o2c_str){NULL, 0};
    return *(const struct o2c_str *)((const char *)event->body + field->offset);
}

struct o2c_str o2c_event_account(const struct o2c_event *event)
{
    if (event->head)
        return event->head->account_id.at ? event->head->account_id
                                          : event->head->customer_id;
    const struct o2c_event_type_row *row = o2c_event_type_row(event->type);
    if (!row)
        return (struct o2c_str){NULL, 0};
    struct o2c_str account = text_field(event, row, "account_id");
    return account.at ? account : text_field(event, row, "customer_id");
}

const struct o2c_topic *o2c_topic_by_name(const char *name)
{
    for (size_t i = 0; i < o2c_topic_row_count; i++)
        if (!strcmp(o2c_topic_rows[i].name, name))
            return &o2c_topic_rows[i];
    return NULL;
}

const struct o2c_topic *o2c_topics(size_t *ret_count)
{
    *ret_count = o2c_topic_row_count;
    return o2c_topic_rows;
}
