/*
 * Any bytes as CSV, the first choosing the options.  However the bytes arrive,
 * the rows are the same; every field is text within the limits; lines rise.
 */
#include <stdlib.h>
#include <string.h>

#include "producers/publish/csv.h"
#include "runtime/base/buf.h"
#include "tests/fuzz/target.h"

enum {
    MAX_FIELD = 64,
    MAX_COLUMNS = 8,
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

static void must(bool kept)
{
    if (!kept)
        abort();
}

static void keep_row(struct o2c_buf *out, const struct o2c_csv_row *row)
{
    must(row->field_count <= MAX_COLUMNS);
    for (size_t i = 0; i < row->field_count; i++) {
        must(row->fields[i].len <= MAX_FIELD);
        must(!row->fields[i].len || o2c_str_is_text(row->fields[i]));
        o2c_buf_printf(out, "%zu|", i);
        o2c_buf_add_str(out, row->fields[i]);
    }
}

static void read_all(const struct o2c_csv_options *options, struct feed feed,
                     struct o2c_buf *out)
{
    struct o2c_csv *csv = o2c_csv_new(options, read_feed, &feed);
    uint64_t line = 0;
    must(csv);
    for (;;) {
        struct o2c_csv_row row;
        struct o2c_err err;
        enum o2c_verdict verdict = o2c_csv_next(csv, &row, &err);
        if (verdict == O2C_FATAL || (!verdict && !row.fields))
            break;
        must(row.line > line);
        line = row.line;
        o2c_buf_printf(out, "\n%llu%s", (unsigned long long)line, verdict ? err.text : ":");
        if (!verdict)
            keep_row(out, &row);
    }
    o2c_csv_free(csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct o2c_csv_options options = {',', '"', false, false, MAX_FIELD, MAX_COLUMNS};
    struct o2c_buf whole, pieces;
    if (!len)
        return 0;
    options.latin1 = at[0] & 1;
    options.trim = at[0] & 2;
    options.quote = at[0] & 4 ? '\0' : '"';
    options.delimiter = at[0] & 8 ? ';' : ',';
    o2c_buf_init(&whole, 1 << 24);
    o2c_buf_init(&pieces, 1 << 24);
    read_all(&options, (struct feed){at + 1, len - 1, len}, &whole);
    read_all(&options, (struct feed){at + 1, len - 1, 1 + (size_t)(at[0] >> 4)}, &pieces);
    must(whole.len == pieces.len &&
         !memcmp(o2c_buf_text(&whole), o2c_buf_text(&pieces), whole.len));
    o2c_buf_clear(&whole);
    o2c_buf_clear(&pieces);
    return 0;
}
