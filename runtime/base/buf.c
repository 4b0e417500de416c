#include "runtime/base/buf.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/banned.h"

enum {
    FIRST_BYTES = 256
};

void o2c_buf_init(struct o2c_buf *buf, size_t max_bytes)
{
    *buf = (struct o2c_buf){.max = max_bytes};
}

void o2c_buf_reset(struct o2c_buf *buf)
{
    buf->len = 0;
    buf->failed = buf->no_memory = false;
}

void o2c_buf_clear(struct o2c_buf *buf)
{
    free(buf->at);
    o2c_buf_init(buf, buf->max);
}

/* Room for one byte more than `len`, which o2c_buf_text needs for its NUL. */
bool o2c_buf_reserve(struct o2c_buf *buf, size_t len)
{
    if (buf->failed)
        return false;
    if (len < buf->cap - buf->len)
        return true;
    if (len > buf->max - buf->len)
        return false;
    size_t need = buf->len + len + 1;
    size_t cap = buf->cap ? 2 * buf->cap : FIRST_BYTES;
    if (cap - 1 > buf->max)
        cap = buf->max + 1;
    if (cap < need)
        cap = need;
    char *at = realloc(buf->at, cap);
    if (!at) {
        buf->no_memory = true;
        return false;
    }
    buf->at = at;
    buf->cap = cap;
    return true;
}

void *o2c_buf_extend(struct o2c_buf *buf, size_t len)
{
    if (!o2c_buf_reserve(buf, len)) {
        buf->failed = true;
        return NULL;
    }
    char *at = buf->at + buf->len;
    buf->len += len;
    return at;
}

void o2c_buf_add(struct o2c_buf *buf, const void *bytes, size_t len)
{
    void *at = o2c_buf_extend(buf, len);
    if (at && len)
        memcpy(at, bytes, len);
}

void o2c_buf_add_str(struct o2c_buf *buf, struct o2c_str text)
{
    o2c_buf_add(buf, text.at, text.len);
}

void o2c_buf_add_text(struct o2c_buf *buf, const char *text)
{
    o2c_buf_add(buf, text, strlen(text));
}

void o2c_buf_add_u8(struct o2c_buf *buf, uint8_t value)
{
    o2c_buf_add(buf, &value, sizeof value);
}

void o2c_buf_add_be16(struct o2c_buf *buf, uint16_t value)
{
    value = htobe16(value);
    o2c_buf_add(buf, &value, sizeof value);
}

void o2c_buf_add_be32(struct o2c_buf *buf, uint32_t value)
{
    value = htobe32(value);
    o2c_buf_add(buf, &value, sizeof value);
}

void o2c_buf_add_be64(struct o2c_buf *buf, uint64_t value)
{
    value = htobe64(value);
    o2c_buf_add(buf, &value, sizeof value);
}

void o2c_buf_printf(struct o2c_buf *buf, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *at = len < 0 ? NULL : o2c_buf_extend(buf, (size_t)len);
    if (at)
        vsnprintf(at, (size_t)len + 1, fmt,
                  again); /* o2c_buf_reserve left room for the NUL */
    else
        buf->failed = true;
    va_end(again);
}

const char *o2c_buf_text(struct o2c_buf *buf)
{
    if (buf->failed || !o2c_buf_reserve(buf, 0))
        return "";
    buf->at[buf->len] = '\0';
    return buf->at;
}
