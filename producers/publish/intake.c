#include "producers/publish/intake.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "producers/publish/opening.h"
#include "producers/publish/outgoing.h"
#include "runtime/base/clock.h"
#include "schemas/events.h"
#include "schemas/wire/json.h"

#include "runtime/base/banned.h"

enum {
    MAX_SENTENCE_BYTES = 4096,
    MAX_EVENT_BYTES = 1 << 20,
    MAX_LINE_TEXT = 24,
};

void o2c_intake_init(struct o2c_intake *intake, const struct o2c_intake_sink *sink,
                     struct o2c_str source)
{
    *intake = (struct o2c_intake){.sink = sink, .source = source};
    o2c_arena_init(&intake->arena, O2C_EVENT_MAX_ARENA_BYTES);
    o2c_buf_init(&intake->bytes, MAX_EVENT_BYTES);
    o2c_buf_init(&intake->sentence, MAX_SENTENCE_BYTES);
}

void o2c_intake_clear(struct o2c_intake *intake)
{
    o2c_arena_clear(&intake->arena);
    o2c_buf_clear(&intake->bytes);
    o2c_buf_clear(&intake->sentence);
}

static void begin(struct o2c_intake *intake, const struct o2c_origin *origin)
{
    o2c_buf_reset(&intake->sentence);
    o2c_buf_printf(&intake->sentence, "%s:", origin->file);
    if (origin->line)
        o2c_buf_printf(&intake->sentence, "%llu:", (unsigned long long)origin->line);
    o2c_buf_add_u8(&intake->sentence, ' ');
}

static void tell(struct o2c_intake *intake)
{
    const char *text = o2c_buf_text(&intake->sentence);
    intake->sink->fault(intake->sink->user, *text ? text : "a fault too long to be shown");
}

static void O2C_PRINTF(3, 0)
    fault(struct o2c_intake *intake, const struct o2c_origin *origin, const char *fmt,
          va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof(text), fmt, args);
    begin(intake, origin);
    o2c_buf_add_text(&intake->sentence, text);
    tell(intake);
}

void o2c_intake_fault(struct o2c_intake *intake, const struct o2c_origin *origin,
                      const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fault(intake, origin, fmt, args);
    va_end(args);
}

void o2c_intake_refuse(struct o2c_intake *intake, const struct o2c_origin *origin,
                       const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fault(intake, origin, fmt, args);
    va_end(args);
    intake->sink->refused(intake->sink->user, NULL);
}

struct fault_frame {
    struct o2c_intake *intake;
    const struct o2c_origin *origin;
    const char *type_name; /* "" while unknown */
};

static void on_fault(void *user, const struct o2c_json_fault *fault)
{
    struct fault_frame *frame = user;
    struct o2c_buf *out = &frame->intake->sentence;
    const char *column = frame->origin->column
                             ? frame->origin->column(frame->origin->user, fault->path)
                             : "";
    begin(frame->intake, frame->origin);
    o2c_buf_printf(out, "%s%s%s: ", frame->type_name, *frame->type_name ? "." : "",
                   fault->path);
    if (*column)
        o2c_buf_printf(out, "column \"%s\": ", column);
    if (*fault->value)
        o2c_buf_printf(out, "%s is not %s", fault->value, fault->expected);
    else
        o2c_buf_printf(out, "is missing; expected %s", fault->expected);
    tell(frame->intake);
}

static const struct o2c_event_type_row *type_of(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "type"));
    return name ? o2c_event_type_row(o2c_event_type_by_name(o2c_str_from(name))) : NULL;
}

static enum o2c_verdict refuse(struct o2c_intake *intake, const struct o2c_origin *origin,
                               const struct o2c_event_type_row *type,
                               const struct o2c_err *why)
{
    if (why)
        o2c_intake_fault(intake, origin, "%s", why->text);
    intake->sink->refused(intake->sink->user, type);
    return O2C_OK;
}

/* The line for header o2c_line; of CSV with its file, without the folder. */
static enum o2c_verdict name_place(struct o2c_intake *intake,
                                   const struct o2c_origin *origin,
                                   struct o2c_str *ret_place, struct o2c_err *err)
{
    const char *slash = strrchr(origin->file, '/');
    const char *file = slash ? slash + 1 : origin->file;
    size_t room = strlen(file) + MAX_LINE_TEXT;
    char *text = o2c_arena_alloc(&intake->arena, room);
    if (!text)
        return o2c_fail(err, O2C_RETRY, "no memory for the event");
    if (origin->column)
        snprintf(text, room, "%s:%llu", file, (unsigned long long)origin->line);
    else
        snprintf(text, room, "%llu", (unsigned long long)origin->line);
    *ret_place = o2c_str_from(text);
    return O2C_OK;
}

static enum o2c_verdict take(struct o2c_intake *intake, const json_t *object,
                             const struct o2c_origin *origin, struct o2c_err *err)
{
    const struct o2c_event_type_row *type = type_of(object);
    struct fault_frame frame = {intake, origin, type ? type->name : ""};
    struct o2c_json_given given = {intake->source, o2c_clock_utc_us()};
    struct o2c_event event;
    struct o2c_outgoing outgoing;
    o2c_arena_reset(&intake->arena);
    if (o2c_event_from_json(object, &given, &intake->arena, on_fault, &frame, &event, err))
        return refuse(intake, origin, type, err->verdict == O2C_PARK ? NULL : err);
    enum o2c_verdict verdict =
        intake->opening ? o2c_opening_check_date(*intake->opening, &event, err) : O2C_OK;
    if (!verdict)
        verdict = o2c_outgoing_make(&event, &intake->arena, &intake->bytes, &outgoing, err);
    if (!verdict)
        verdict = name_place(intake, origin, &outgoing.place, err);
    if (!verdict) {
        outgoing.line = origin->line;
        verdict = intake->sink->event(intake->sink->user, &outgoing, &event, err);
    }
    return verdict == O2C_PARK ? refuse(intake, origin, type, err) : verdict;
}

enum o2c_verdict o2c_intake_take(struct o2c_intake *intake, const json_t *object,
                                 const struct o2c_origin *origin, struct o2c_err *err)
{
    const struct o2c_event_type_row *type = type_of(object);
    json_t *marked;
    if (!intake->opening || !type)
        return take(intake, object, origin, err);
    if (o2c_opening_mark(type, object, &marked, err))
        return refuse(intake, origin, type, err);
    enum o2c_verdict verdict = take(intake, marked, origin, err);
    json_decref(marked);
    return verdict;
}
