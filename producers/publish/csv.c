#include "producers/publish/csv.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/buf.h"

#include "runtime/base/banned.h"

enum {
    CHUNK_BYTES = 65536,
    END_OF_FILE = -1,
    READ_FAILED = -2,
};

const struct o2c_csv_options O2C_CSV_DEFAULTS = {
    .delimiter = ',',
    .quote = '"',
    .max_field_bytes = 1 << 20,
    .max_columns = 1000,
};

enum place {
    FIELD_START,
    UNQUOTED,
    QUOTED,
    AFTER_QUOTED,
};

struct o2c_csv {
    struct o2c_csv_options options;
    o2c_csv_read_fn *read;
    void *user;
    char chunk[CHUNK_BYTES];
    size_t chunk_len, chunk_at;
    bool at_end, begun;
    int read_errno;
    uint64_t line; /* of the next character */
    size_t expected_columns;

    /* the row being read */
    struct o2c_buf text;
    size_t *ends; /* end of field i in text */
    struct o2c_str *fields;
    size_t field_count, field_cap, field_from;
    enum place place;
    uint64_t quote_line; /* where the open quote stands */
    bool bad;            /* *err is filled: the rest of the row is read, not kept */
    bool any;            /* the row has a character */
    bool no_memory;      /* not the row's fault: it ends the reading */
};

struct o2c_csv *o2c_csv_new(const struct o2c_csv_options *options, o2c_csv_read_fn *read,
                            void *user)
{
    struct o2c_csv *csv = calloc(1, sizeof(*csv));
    if (!csv)
        return NULL;
    csv->options = *options;
    csv->read = read;
    csv->user = user;
    csv->line = 1;
    o2c_buf_init(&csv->text, options->max_field_bytes * 4 + options->max_columns);
    return csv;
}

void o2c_csv_free(struct o2c_csv *csv)
{
    if (!csv)
        return;
    o2c_buf_clear(&csv->text);
    free(csv->ends);
    free(csv->fields);
    free(csv);
}

void o2c_csv_expect_columns(struct o2c_csv *csv, size_t column_count)
{
    csv->expected_columns = column_count;
}

/* Adds what comes next to the chunk. */
static bool read_more(struct o2c_csv *csv)
{
    ssize_t got;
    if (csv->at_end)
        return false;
    do
        got = csv->read(csv->user, csv->chunk + csv->chunk_len,
                        sizeof(csv->chunk) - csv->chunk_len);
    while (got < 0 && errno == EINTR);
    csv->chunk_len += got > 0 ? (size_t)got : 0;
    csv->at_end = got <= 0;
    if (got < 0)
        csv->read_errno = errno;
    return got > 0;
}

static bool fill(struct o2c_csv *csv)
{
    csv->chunk_at = csv->chunk_len = 0;
    return read_more(csv);
}

static int next_char(struct o2c_csv *csv)
{
    if (csv->chunk_at == csv->chunk_len && !fill(csv))
        return csv->read_errno ? READ_FAILED : END_OF_FILE;
    return (unsigned char)csv->chunk[csv->chunk_at++];
}

static int peek_char(struct o2c_csv *csv)
{
    int c = next_char(csv);
    if (c >= 0)
        csv->chunk_at--;
    return c;
}

static void bad(struct o2c_csv *csv, struct o2c_err *err, const char *what)
{
    if (csv->bad)
        return;
    csv->bad = true;
    o2c_fail(err, O2C_PARK, "column %zu: %s", csv->field_count + 1, what);
}

static void without_memory(struct o2c_csv *csv)
{
    csv->bad = csv->no_memory = true;
}

static bool grow_fields(struct o2c_csv *csv)
{
    size_t cap = csv->field_cap ? csv->field_cap * 2 : 32;
    size_t *ends = realloc(csv->ends, cap * sizeof(*ends));
    if (ends)
        csv->ends = ends;
    struct o2c_str *fields = ends ? realloc(csv->fields, cap * sizeof(*fields)) : NULL;
    if (!fields)
        return false;
    csv->fields = fields;
    csv->field_cap = cap;
    return true;
}

static void drop_blanks_at_end(struct o2c_csv *csv)
{
    while (csv->text.len > csv->field_from && (csv->text.at[csv->text.len - 1] == ' ' ||
                                               csv->text.at[csv->text.len - 1] == '\t'))
        csv->text.len--;
}

static void end_field(struct o2c_csv *csv, struct o2c_err *err)
{
    if (!csv->bad && csv->field_count == csv->options.max_columns)
        bad(csv, err, "too many columns");
    if (!csv->bad && csv->field_count == csv->field_cap && !grow_fields(csv))
        without_memory(csv);
    csv->place = FIELD_START;
    if (csv->bad)
        return;
    if (csv->options.trim)
        drop_blanks_at_end(csv);
    size_t len = csv->text.len - csv->field_from;
    if (len && !o2c_str_is_text((struct o2c_str){csv->text.at + csv->field_from, len})) {
        bad(csv, err, "the bytes are no UTF-8 text (is the file Latin-1?)");
        return;
    }
    csv->ends[csv->field_count++] = csv->text.len;
    csv->field_from = csv->text.len;
}

static void add_char(struct o2c_csv *csv, int c, struct o2c_err *err)
{
    if (csv->bad)
        return;
    bool leading = csv->text.len == csv->field_from;
    if (csv->options.trim && leading && (c == ' ' || c == '\t'))
        return;
    if (csv->options.latin1 && c >= 0x80) {
        o2c_buf_add_u8(&csv->text, (uint8_t)(0xC0 | (c >> 6)));
        o2c_buf_add_u8(&csv->text, (uint8_t)(0x80 | (c & 0x3F)));
    } else {
        o2c_buf_add_u8(&csv->text, (uint8_t)c);
    }
    if (csv->text.no_memory)
        without_memory(csv);
    else if (csv->text.failed)
        bad(csv, err, "the row is too long");
    else if (csv->text.len - csv->field_from > csv->options.max_field_bytes)
        bad(csv, err, "the field is too long");
}

static void in_quotes(struct o2c_csv *csv, int c, struct o2c_err *err)
{
    if (c != csv->options.quote) {
        add_char(csv, c, err);
    } else if (peek_char(csv) == csv->options.quote) {
        (void)next_char(csv);
        add_char(csv, c, err);
    } else {
        csv->place = AFTER_QUOTED;
    }
}

static bool is_quote(const struct o2c_csv *csv, int c)
{
    return csv->options.quote && c == (unsigned char)csv->options.quote;
}

static bool is_blank(const struct o2c_csv *csv, int c)
{
    return csv->options.trim && (c == ' ' || c == '\t');
}

/* A character outside quotes that ends neither field nor row. */
static void plain_char(struct o2c_csv *csv, int c, struct o2c_err *err)
{
    if (csv->place == AFTER_QUOTED) {
        if (!is_blank(csv, c))
            bad(csv, err, "something follows the closing quote");
    } else if (is_quote(csv, c) && csv->place == FIELD_START) {
        csv->place = QUOTED;
        csv->quote_line = csv->line;
    } else if (is_quote(csv, c)) {
        bad(csv, err, "a quote inside a field that does not begin with one");
    } else if (csv->place != FIELD_START || !is_blank(csv, c)) {
        csv->place = UNQUOTED;
        add_char(csv, c, err);
    }
}

/* True when the row is complete. */
static bool take(struct o2c_csv *csv, int c, struct o2c_err *err)
{
    if (c == '\n')
        csv->line++;
    if (csv->place == QUOTED) {
        in_quotes(csv, c, err);
        return false;
    }
    if (c == '\r' && peek_char(csv) == '\n') {
        (void)next_char(csv);
        csv->line++;
        return true;
    }
    if (c == '\n')
        return true;
    csv->any = true;
    if (c == (unsigned char)csv->options.delimiter) {
        end_field(csv, err);
    } else {
        plain_char(csv, c, err);
    }
    return false;
}

static void begin_row(struct o2c_csv *csv)
{
    o2c_buf_reset(&csv->text);
    csv->field_count = 0;
    csv->field_from = 0;
    csv->place = FIELD_START;
    csv->bad = csv->any = false;
}

/* Where the bytes lie is known only now: the buffer may have moved while it grew. */
static void point_fields(struct o2c_csv *csv, struct o2c_csv_row *row)
{
    size_t from = 0;
    for (size_t i = 0; i < csv->field_count; i++) {
        csv->fields[i].at = csv->text.at ? csv->text.at + from : "";
        csv->fields[i].len = csv->ends[i] - from;
        from = csv->ends[i];
    }
    row->fields = csv->fields;
    row->field_count = csv->field_count;
}

static enum o2c_verdict skip_mark(struct o2c_csv *csv, struct o2c_err *err)
{
    csv->begun = true;
    while (csv->chunk_len < 3 && read_more(csv))
        ;
    if (csv->read_errno)
        return o2c_fail(err, O2C_FATAL, "cannot be read: %s", strerror(csv->read_errno));
    size_t room = csv->chunk_len - csv->chunk_at;
    if (room >= 3 && memcmp(csv->chunk, "\xEF\xBB\xBF", 3) == 0)
        csv->chunk_at += 3;
    if (room >= 2 &&
        (memcmp(csv->chunk, "\xFF\xFE", 2) == 0 || memcmp(csv->chunk, "\xFE\xFF", 2) == 0))
        return o2c_fail(err, O2C_FATAL, "is UTF-16; convert it to UTF-8");
    return O2C_OK;
}

static enum o2c_verdict finish_row(struct o2c_csv *csv, struct o2c_csv_row *row,
                                   struct o2c_err *err)
{
    end_field(csv, err);
    if (csv->no_memory)
        return o2c_fail(err, O2C_FATAL, "line %llu: no memory",
                        (unsigned long long)row->line);
    if (csv->bad)
        return O2C_PARK;
    if (csv->expected_columns && csv->field_count != csv->expected_columns)
        return o2c_fail(err, O2C_PARK, "the row has %zu columns instead of %zu",
                        csv->field_count, csv->expected_columns);
    point_fields(csv, row);
    return O2C_OK;
}

/* Told also of a row that was bad before: more is lost by this. */
static void never_closed(struct o2c_csv *csv, struct o2c_err *err)
{
    char column[32] = "";
    if (!csv->bad) /* columns are counted up to what is bad */
        snprintf(column, sizeof(column), "column %zu: ", csv->field_count + 1);
    csv->bad = true;
    o2c_fail(err, O2C_PARK, "%sthe quote opened on line %llu is never closed", column,
             (unsigned long long)csv->quote_line);
}

/* Reads up to the end of a row; false at the end of the file when nothing was there. */
static bool read_row(struct o2c_csv *csv, struct o2c_err *err)
{
    for (;;) {
        int c = next_char(csv);
        if (c >= 0) {
            if (take(csv, c, err))
                return true;
            continue;
        }
        if (csv->place == QUOTED)
            never_closed(csv, err);
        return csv->any || csv->place == QUOTED;
    }
}

enum o2c_verdict o2c_csv_next(struct o2c_csv *csv, struct o2c_csv_row *ret_row,
                              struct o2c_err *err)
{
    *ret_row = (struct o2c_csv_row){.line = csv->line};
    if (!csv->begun && skip_mark(csv, err))
        return err->verdict;
    for (;;) {
        begin_row(csv);
        struct o2c_csv_row row = {.line = csv->line};
        bool any = read_row(csv, err);
        ret_row->line = row.line;
        if (csv->read_errno)
            return o2c_fail(err, O2C_FATAL, "cannot be read: %s",
                            strerror(csv->read_errno));
        if (csv->any || csv->place == QUOTED) {
            enum o2c_verdict verdict = finish_row(csv, &row, err);
            if (verdict == O2C_OK)
                *ret_row = row;
            return verdict;
        }
        if (!any) {
            *ret_row = row;
            return O2C_OK;
        }
    }
}
