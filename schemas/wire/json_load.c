#include <assert.h>
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

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (is_digit(at, end))
        at++;
    return at;
}

/* Behind the longest number that begins at `at`; `at` where none does. */
static const char *skip_number(const char *at, const char *end)
{
    const char *digits = at + (at < end && *at == '-'), *exponent;

    if (!is_digit(digits, end))
        return at;
    at = *digits == '0' ? digits + 1 : skip_digits(digits, end);
    if (at < end && *at == '.' && is_digit(at + 1, end))
        at = skip_digits(at + 1, end);
    if (at == end || (*at != 'e' && *at != 'E'))
        return at;
    exponent = at + 1;
    if (exponent < end && (*exponent == '+' || *exponent == '-'))
        exponent++;
    return is_digit(exponent, end) ? skip_digits(exponent, end) : at;
}

typedef void put_number_fn(struct o2c_buf *buf, struct o2c_str number);

static void put_object(struct o2c_buf *buf, struct o2c_str number)
{
    o2c_buf_printf(buf, "{\"" O2C_JSON_NUMBER "\":\"%.*s\"}", O2C_STR_ARG(number));
}

/* As long, so that what is wrong behind it stands where it stood. */
static void put_small(struct o2c_buf *buf, struct o2c_str number)
{
    const char *small = *number.at == '-' ? "-1." : "1.";
    size_t len = strlen(small);

    assert(number.len > len);
    o2c_buf_add(buf, small, len);
    for (; len < number.len; len++)
        o2c_buf_add_u8(buf, '0');
}

/* The same text, but for the numbers of which there is no int64_t. */
static void put_all(struct o2c_buf *buf, struct o2c_str text, put_number_fn *put_number)
{
    const char *at = text.at, *end = text.at + text.len;
    int64_t ignored;

    while (at < end) {
        struct o2c_str number = {at, (size_t)(skip_number(at, end) - at)};
        const char *from = at;

        if (number.len && !o2c_str_to_int64(number, &ignored)) {
            put_number(buf, number);
            at += number.len;
            continue;
        }
        at = number.len ? at + number.len : *at == '"' ? skip_string(at, end) : at + 1;
        o2c_buf_add(buf, from, (size_t)(at - from));
    }
}

static json_t *load_with(struct o2c_str text, put_number_fn *put_number, size_t flags,
                         json_error_t *ret_error)
{
    json_t *json = NULL;
    struct o2c_buf buf;

    o2c_buf_init(&buf, SIZE_MAX / 4);
    put_all(&buf, text, put_number);
    if (!buf.failed)
        json = json_loadb(buf.at, buf.len, flags, ret_error);
    o2c_buf_clear(&buf);
    return json;
}

/* Whether the numbers are all that is wrong; else *error is what else is wrong first. */
static bool is_json_otherwise(struct o2c_str text, size_t flags, json_error_t *error)
{
    json_error_t other = *error;
    json_t *json = load_with(text, put_small, flags, &other);
    char *quoted = strstr(other.text, " near '");

    if (quoted) /* what stands there may be no number of the text */
        *quoted = '\0';
    json_decref(json);
    if (!json)
        *error = other;
    return json;
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

    if (json || json_error_code(ret_error) != json_error_numeric_overflow ||
        !is_json_otherwise(text, flags, ret_error))
        return json;
    return without_root_number(load_with(text, put_object, flags, &ignored));
}
