/*
 * buf.h - a growing byte buffer with a maximum.  A write that does not fit
 * sets `failed` and is dropped, and so is every later one: write first, check
 * once at the end.
 */
#ifndef O2C_BASE_BUF_H
#define O2C_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct o2c_buf {
    char *at; /* not NUL-terminated; see o2c_buf_text */
    size_t len, cap, max;
    bool failed;
    bool no_memory; /* why it failed: not for the maximum */
};

void o2c_buf_init(struct o2c_buf *buf, size_t max_bytes);
void o2c_buf_reset(struct o2c_buf *buf); /* len 0, failed false; keeps the memory */
void o2c_buf_clear(struct o2c_buf *buf); /* frees the memory, keeps the maximum */

void o2c_buf_add(struct o2c_buf *buf, const void *bytes, size_t len);
void o2c_buf_add_str(struct o2c_buf *buf, struct o2c_str text);
void o2c_buf_add_text(struct o2c_buf *buf, const char *text);
void o2c_buf_add_u8(struct o2c_buf *buf, uint8_t value);
void o2c_buf_add_be16(struct o2c_buf *buf, uint16_t value);
void o2c_buf_add_be32(struct o2c_buf *buf, uint32_t value);
void o2c_buf_add_be64(struct o2c_buf *buf, uint64_t value);
void o2c_buf_printf(struct o2c_buf *buf, const char *fmt, ...) O2C_PRINTF(2, 3);

/* Space for `len` bytes at the end, to be filled by the caller; NULL when it does not fit.
 */
void *o2c_buf_extend(struct o2c_buf *buf, size_t len);

/* Makes room so that the next `len` bytes can be written without growing. */
bool o2c_buf_reserve(struct o2c_buf *buf, size_t len);

/* The content with a NUL after it, valid until the next write; "" after a failure. */
const char *o2c_buf_text(struct o2c_buf *buf);

#endif
