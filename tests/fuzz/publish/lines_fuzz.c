/*
 * Any bytes as lines, the first one choosing in what pieces they come: however
 * they arrive, the lines are the same, none longer than allowed, and what was
 * not a line end or too long is all there.
 */
#include <string.h>

#include "producers/publish/lines.h"
#include "runtime/base/buf.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/target.h"

enum {
    MAX_LINE = 32
};

struct feed {
    const uint8_t *at;
    size_t rest, step;
};

static ssize_t read_feed(void *user, char *into, size_t room)
{
    struct feed *feed = user;
    size_t len = feed->rest < feed->step ? feed->rest : feed->step;
    if (len > room)
        len = room;
    if (len)
        memcpy(into, feed->at, len);
    feed->at += len;
    feed->rest -= len;
    return (ssize_t)len;
}

static void read_all(struct feed feed, struct o2c_buf *out)
{
    struct o2c_lines *lines = o2c_lines_new(MAX_LINE, read_feed, &feed);
    uint64_t before = 0, number;
    must(lines != NULL, "memory");
    for (;;) {
        struct o2c_str line = {NULL, 0};
        struct o2c_err err;
        enum o2c_verdict verdict = o2c_lines_next(lines, &line, &number, &err);
        must(verdict == O2C_OK || verdict == O2C_PARK, "the verdict");
        if (!verdict && !line.at)
            break;
        must(number > before, "the numbers rise");
        before = number;
        must(verdict || (line.len <= MAX_LINE && !memchr(line.at, '\n', line.len)),
             "the line");
        o2c_buf_printf(out, "%llu%c", (unsigned long long)number, verdict ? '!' : ':');
        if (!verdict)
            o2c_buf_add_str(out, line);
    }
    o2c_lines_free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct o2c_buf whole, pieces;
    if (!len)
        return 0;
    o2c_buf_init(&whole, 1 << 20);
    o2c_buf_init(&pieces, 1 << 20);
    read_all((struct feed){at + 1, len - 1, len}, &whole);
    read_all((struct feed){at + 1, len - 1, 1 + (size_t)(at[0] & 15)}, &pieces);
    must(whole.len == pieces.len, "other lines");
    must(!whole.len || !memcmp(whole.at, pieces.at, whole.len), "other bytes");
    o2c_buf_clear(&whole);
    o2c_buf_clear(&pieces);
    return 0;
}
