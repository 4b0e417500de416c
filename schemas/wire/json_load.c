#include <string.h>

#include "runtime/base/buf.h"
#include "schemas/wire/json.h"

#include "runtime/base/banned.h"

/* Behind a string that begins at `at`. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\' && at + 1 < end)
            at++;
    return at < end ? at + 1 : end;
}

static bool is_of_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' ||
           c == 'E';
}

static bool begins_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-';
}

static const char *skip_number(const char *at, const char *end)
{
    while (at < end && is_of_number(*at))
        at++;
    return at;
}

static void put_number(struct o2c_buf *buf, struct o2c_str text)
{
    int64_t number;

    if (o2c_str_to_int64(text, &number))
        o2c_buf_add(buf, text.at, text.len);
    else
        o2c_buf_printf(buf, "{\"" O2C_JSON_NUMBER "\":\"%.*s\"}", O2C_STR_ARG(text));
}

/* The same text, but for the numbers of which there is no int64_t.  Nothing of it is taken
 * as an event, so that a number need not be looked at closely. */
static void put_all(struct o2c_buf *buf, struct o2c_str text)
{
    const char *at = text.at, *end = text.at + text.len;

    while (at < end) {
        const char *from = at;

        if (begins_number(*at)) {
            at = skip_number(at, end);
            put_number(buf, (struct o2c_str){from, (size_t)(at - from)});
        } else {
            at = *at == '"' ? skip_string(at, end) : at + 1;
            o2c_buf_add(buf, from, (size_t)(at - from));
        }
    }
}

/* A text that is one number is no object to anybody. */
static json_t *without_root_number(json_t *json)
{
    if (!json_object_get(json, O2C_JSON_NUMBER))
        return json;
    json_decref(json);
    return NULL;
}

json_t *o2c_json_load(struct o2c_str text, size_t flags, json_error_t *ret_error)
{
    json_t *json = json_loadb(text.at, text.len, flags, ret_error);
    json_error_t ignored;
    struct o2c_buf buf;

    if (json || json_error_code(ret_error) != json_error_numeric_overflow)
        return json;
    o2c_buf_init(&buf, SIZE_MAX / 4);
    put_all(&buf, text);
    if (!buf.failed)
        json = json_loadb(buf.at, buf.len, flags, &ignored);
    o2c_buf_clear(&buf);
    return without_root_number(json);
}
