#include "producers/publish/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

enum {
    CHUNK_BYTES = 65536
};

struct o2c_lines {
    o2c_lines_read_fn *read;
    void *user;
    size_t max_bytes;
    struct o2c_buf line;
    uint64_t number;
    char chunk[CHUNK_BYTES];
    size_t chunk_len, chunk_at;
    bool at_end;
};

struct o2c_lines *o2c_lines_new(size_t max_bytes, o2c_lines_read_fn *read, void *user)
{
    struct o2c_lines *lines = calloc(1, sizeof(*lines));
    if (!lines)
        return NULL;
    lines->read = read;
    lines->user = user;
    lines->max_bytes = max_bytes;
    o2c_buf_init(&lines->line, max_bytes + 2); /* CR, and one too many */
    return lines;
}

void o2c_lines_free(struct o2c_lines *lines)
{
    if (!lines)
        return;
    o2c_buf_clear(&lines->line);
    free(lines);
}

static enum o2c_verdict fill(struct o2c_lines *lines, struct o2c_err *err)
{
    ssize_t got;
    do
        got = lines->read(lines->user, lines->chunk, sizeof(lines->chunk));
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return o2c_fail(err, O2C_FATAL, "cannot be read: %s", strerror(errno));
    lines->chunk_at = 0;
    lines->chunk_len = (size_t)got;
    lines->at_end = got == 0;
    return O2C_OK;
}

/* Adds what the chunk has of the line; true when the line is complete. */
static bool take(struct o2c_lines *lines)
{
    char *from = lines->chunk + lines->chunk_at;
    size_t rest = lines->chunk_len - lines->chunk_at;
    char *end = memchr(from, '\n', rest);
    size_t len = end ? (size_t)(end - from) : rest;
    o2c_buf_add(&lines->line, from, len);
    lines->chunk_at += len + (end ? 1 : 0);
    return end;
}

static struct o2c_str trimmed(struct o2c_lines *lines)
{
    struct o2c_str line = {lines->line.at ? lines->line.at : "", lines->line.len};
    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    if (lines->number == 1 && line.len >= 3 && memcmp(line.at, "\xEF\xBB\xBF", 3) == 0) {
        line.at += 3;
        line.len -= 3;
    }
    return line;
}

enum o2c_verdict o2c_lines_next(struct o2c_lines *lines, struct o2c_str *ret_line,
                                uint64_t *ret_number, struct o2c_err *err)
{
    bool any = false, complete = false;
    o2c_buf_reset(&lines->line);
    while (!complete && !lines->at_end) {
        if (lines->chunk_at == lines->chunk_len && fill(lines, err))
            return err->verdict;
        if (lines->at_end)
            break;
        any = true;
        complete = take(lines);
    }
    if (!any) {
        *ret_line = (struct o2c_str){NULL, 0};
        return O2C_OK;
    }
    *ret_number = ++lines->number;
    struct o2c_str line = trimmed(lines);
    if (lines->line.no_memory)
        return o2c_fail(err, O2C_FATAL, "line %llu: no memory",
                        (unsigned long long)lines->number);
    if (lines->line.failed || line.len > lines->max_bytes)
        return o2c_fail(err, O2C_PARK, "the line is longer than %zu bytes",
                        lines->max_bytes);
    *ret_line = line;
    return O2C_OK;
}
