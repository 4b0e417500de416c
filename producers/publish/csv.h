/*
 * csv.h - reads CSV (RFC 4180) row by row from anything that gives bytes:
 * quotes, line breaks inside quotes, CRLF or LF, a byte order mark, UTF-8 or
 * Latin-1 (handed out as UTF-8).  A bad row is reported and skipped; reading
 * goes on behind it.  Called by the mapping (table.c, run.c).
 */
#ifndef O2C_PUBLISH_CSV_H
#define O2C_PUBLISH_CSV_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct o2c_csv;

struct o2c_csv_options {
    char delimiter;         /* ',' */
    char quote;             /* '"'; 0: no quoting, every quote is an ordinary character */
    bool latin1;            /* the file is ISO 8859-1, otherwise UTF-8 */
    bool trim;              /* blanks around a field are dropped */
    size_t max_field_bytes; /* as UTF-8 */
    size_t max_columns;
};

extern const struct o2c_csv_options O2C_CSV_DEFAULTS;

/* Fills at most `room` bytes; 0 at the end, -1 with errno set when reading fails. */
typedef ssize_t o2c_csv_read_fn(void *user, char *into, size_t room);

struct o2c_csv_row {
    const struct o2c_str *fields; /* NULL at the end; valid until the next call */
    size_t field_count;
    uint64_t line; /* on which the row begins, from 1 */
};

struct o2c_csv *o2c_csv_new(const struct o2c_csv_options *options, o2c_csv_read_fn *read,
                            void *user);
void o2c_csv_free(struct o2c_csv *csv);

/* From now on a row with another number of columns is a bad row. */
void o2c_csv_expect_columns(struct o2c_csv *csv, size_t column_count);

/*
 * The next row; blank lines are skipped.  PARK: this row is bad, ret_row->line
 * says where it began and err why, the next call goes on behind it.  FATAL:
 * the file cannot be read any further.
 */
enum o2c_verdict o2c_csv_next(struct o2c_csv *csv, struct o2c_csv_row *ret_row,
                              struct o2c_err *err) O2C_MUST_CHECK;

#endif
