/*
 * lines.h - reads a file line by line (NDJSON) with a limit for the length of
 * a line: one that is longer is reported and skipped.  LF or CRLF; a byte
 * order mark at the start is dropped.
 */
#ifndef O2C_PUBLISH_LINES_H
#define O2C_PUBLISH_LINES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

enum {
    O2C_LINES_MAX_BYTES = 1 << 20
};

struct o2c_lines;

/* Fills at most `room` bytes; 0 at the end, -1 with errno set when reading fails. */
typedef ssize_t o2c_lines_read_fn(void *user, char *into, size_t room);

struct o2c_lines *o2c_lines_new(size_t max_bytes, o2c_lines_read_fn *read, void *user);
void o2c_lines_free(struct o2c_lines *lines);

/*
 * The next line without its end, valid until the next call; at == NULL at the
 * end of the file.  PARK: the line *ret_number is too long, the next call goes
 * on behind it.  FATAL: reading failed.
 */
enum o2c_verdict o2c_lines_next(struct o2c_lines *lines, struct o2c_str *ret_line,
                                uint64_t *ret_number, struct o2c_err *err) O2C_MUST_CHECK;

#endif
