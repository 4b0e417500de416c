#include "schemas/wire/json_canonical.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

static void put_string(struct o2c_buf *out, const char *text, size_t len)
{
    static const char short_of[] = "btn.fr"; /* from U+0008 on; U+000B has none */
    o2c_buf_add_u8(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            o2c_buf_printf(out, "\\%c", c);
        else if (c >= 0x08 && c <= 0x0d && c != 0x0b)
            o2c_buf_printf(out, "\\%c", short_of[c - 0x08]);
        else if (c < 0x20)
            o2c_buf_printf(out, "\\u%04x", c);
        else
            o2c_buf_add_u8(out, c);
    }
    o2c_buf_add_u8(out, '"');
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_value(struct o2c_buf *out, const json_t *value);

static void put_object(struct o2c_buf *out, const json_t *object, const char *without)
{
    size_t count = 0;
    const char **names = malloc((json_object_size(object) + 1) * sizeof(*names));
    if (!names) {
        out->failed = true;
        return;
    }
    for (void *at = json_object_iter((json_t *)object); at;
         at = json_object_iter_next((json_t *)object, at))
        if (!without || strcmp(json_object_iter_key(at), without) != 0)
            names[count++] = json_object_iter_key(at);
    qsort(names, count, sizeof(*names), by_name);
    o2c_buf_add_u8(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            o2c_buf_add_u8(out, ',');
        put_string(out, names[i], strlen(names[i]));
        o2c_buf_add_u8(out, ':');
        put_value(out, json_object_get(object, names[i]));
    }
    o2c_buf_add_u8(out, '}');
    free(names);
}

static void put_array(struct o2c_buf *out, const json_t *array)
{
    o2c_buf_add_u8(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i)
            o2c_buf_add_u8(out, ',');
        put_value(out, json_array_get(array, i));
    }
    o2c_buf_add_u8(out, ']');
}

static void put_value(struct o2c_buf *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(out, value, NULL);
        break;
    case JSON_ARRAY:
        put_array(out, value);
        break;
    case JSON_STRING:
        put_string(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        o2c_buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_TRUE:
        o2c_buf_add_text(out, "true");
        break;
    case JSON_FALSE:
        o2c_buf_add_text(out, "false");
        break;
    case JSON_NULL:
        o2c_buf_add_text(out, "null");
        break;
    case JSON_REAL:
        out->failed = true; /* no field of an event takes one */
        break;
    }
}

void o2c_json_canonical(struct o2c_buf *out, const json_t *object, const char *without)
{
    put_object(out, object, without);
}
