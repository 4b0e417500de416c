#include "producers/publish/ndjson.h"

#include <jansson.h>
#include <string.h>

#include "producers/publish/intake.h"
#include "schemas/wire/json.h"

#include "runtime/base/banned.h"

static bool is_blank(struct o2c_str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] != ' ' && line.at[i] != '\t')
            return false;
    return true;
}

static enum o2c_verdict take_object(struct o2c_intake *intake, const json_t *object,
                                    const struct o2c_origin *origin, struct o2c_err *err)
{
    const json_t *barrier = json_object_get(object, "barrier");
    if (!json_is_object(object)) {
        o2c_intake_refuse(intake, origin, "the line is no JSON object");
        return O2C_OK;
    }
    if (!barrier)
        return o2c_intake_take(intake, object, origin, err);
    if (!json_is_true(barrier) || json_object_size(object) != 1) {
        o2c_intake_refuse(intake, origin,
                          "barrier: a barrier is exactly {\"barrier\": true}");
        return O2C_OK;
    }
    enum o2c_verdict verdict = intake->sink->barrier(intake->sink->user, origin->line, err);
    if (verdict != O2C_PARK)
        return verdict;
    o2c_intake_refuse(intake, origin, "%s", err->text);
    return O2C_OK;
}

/* Ends before the text that jansson quotes, which may be personal data. */
static void refuse_text(struct o2c_intake *intake, const json_error_t *error,
                        const struct o2c_origin *origin)
{
    const char *quoted = strstr(error->text, " near '");
    size_t len = quoted ? (size_t)(quoted - error->text) : strlen(error->text);

    o2c_intake_refuse(intake, origin, "is no JSON: %.*s (at character %d)", (int)len,
                      error->text, error->position);
}

static enum o2c_verdict take_line(struct o2c_intake *intake, struct o2c_str line,
                                  const struct o2c_origin *origin, struct o2c_err *err)
{
    json_error_t error;
    if (is_blank(line))
        return O2C_OK;
    json_t *object = o2c_json_load(line, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!object) {
        refuse_text(intake, &error, origin);
        return O2C_OK;
    }
    enum o2c_verdict verdict = take_object(intake, object, origin, err);
    json_decref(object);
    return verdict;
}

static enum o2c_verdict read_lines(struct o2c_intake *intake, struct o2c_lines *lines,
                                   const char *file, struct o2c_err *err)
{
    struct o2c_origin origin = {.file = file};
    for (;;) {
        struct o2c_str line;
        enum o2c_verdict verdict = o2c_lines_next(lines, &line, &origin.line, err);
        if (verdict == O2C_PARK)
            o2c_intake_refuse(intake, &origin, "%s", err->text);
        else if (verdict)
            return o2c_fail_in(err, "%s", file);
        else if (!line.at)
            return O2C_OK;
        else if (take_line(intake, line, &origin, err))
            return err->verdict;
    }
}

enum o2c_verdict o2c_ndjson_read(struct o2c_intake *intake, const char *file,
                                 o2c_lines_read_fn *read, void *user, struct o2c_err *err)
{
    struct o2c_lines *lines = o2c_lines_new(O2C_LINES_MAX_BYTES, read, user);
    if (!lines)
        return o2c_fail(err, O2C_FATAL, "no memory");
    enum o2c_verdict verdict = read_lines(intake, lines, file, err);
    o2c_lines_free(lines);
    return verdict;
}
