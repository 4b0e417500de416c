#include "producers/publish/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/banned.h"

#define MAX_TABLE_BYTES ((size_t)1 << 30)

void o2c_table_init(struct o2c_table *table, const char *name)
{
    *table =
        (struct o2c_table){.name = name, .options = O2C_CSV_DEFAULTS, .has_header = true};
    o2c_arena_init(&table->arena, MAX_TABLE_BYTES);
}

void o2c_table_clear(struct o2c_table *table)
{
    for (size_t i = 0; i < table->path_count; i++) {
        free(table->paths[i]);
        free(table->shown[i]);
    }
    for (size_t i = 0; i < table->column_count; i++)
        free((void *)(uintptr_t)table->columns[i].at);
    free(table->paths);
    free(table->shown);
    free(table->columns);
    free(table->hidden);
    free(table->rows);
    o2c_arena_clear(&table->arena);
}

static bool add_text(char ***texts, size_t count, const char *text)
{
    char **grown = realloc(*texts, (count + 1) * sizeof(*grown));
    if (!grown)
        return false;
    *texts = grown;
    grown[count] = strdup(text);
    return grown[count];
}

bool o2c_table_add_path(struct o2c_table *table, const char *path, const char *shown)
{
    if (!add_text(&table->paths, table->path_count, path))
        return false;
    if (!add_text(&table->shown, table->path_count, shown)) {
        free(table->paths[table->path_count]);
        return false;
    }
    table->path_count++;
    return true;
}

int o2c_table_column(const struct o2c_table *table, struct o2c_str name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (o2c_str_eq(table->columns[i], name))
            return (int)i;
    return -1;
}

bool o2c_table_hide(struct o2c_table *table, size_t column)
{
    if (!table->hidden)
        table->hidden = calloc(table->column_count, sizeof(*table->hidden));
    if (table->hidden)
        table->hidden[column] = true;
    return table->hidden;
}

bool o2c_table_is_hidden(const struct o2c_table *table, size_t column)
{
    return table->hidden && table->hidden[column];
}

static ssize_t read_fd(void *user, char *into, size_t room)
{
    const struct o2c_table_reader *reader = user;
    return read(reader->fd, into, room);
}

void o2c_table_reader_init(struct o2c_table_reader *reader, struct o2c_table *table)
{
    *reader = (struct o2c_table_reader){.table = table, .fd = -1};
}

static void close_file(struct o2c_table_reader *reader)
{
    o2c_csv_free(reader->csv);
    reader->csv = NULL;
    if (reader->fd >= 0)
        (void)close(reader->fd);
    reader->fd = -1;
}

void o2c_table_reader_clear(struct o2c_table_reader *reader)
{
    close_file(reader);
}

static enum o2c_verdict open_file(struct o2c_table_reader *reader, struct o2c_err *err)
{
    const char *path = reader->table->paths[reader->path];
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0)
        return o2c_fail(err, O2C_FATAL, "%s: %s", reader->table->shown[reader->path],
                        strerror(errno));
    reader->csv = o2c_csv_new(&reader->table->options, read_fd, reader);
    if (!reader->csv)
        return o2c_fail(err, O2C_FATAL, "no memory");
    return O2C_OK;
}

static enum o2c_verdict in_file(const struct o2c_table_reader *reader, struct o2c_err *err)
{
    return o2c_fail_in(err, "%s", reader->table->shown[reader->path]);
}

static bool keep_columns(struct o2c_table *table, const struct o2c_csv_row *row)
{
    table->columns = calloc(row->field_count, sizeof(*table->columns));
    for (size_t i = 0; table->columns && i < row->field_count; i++) {
        char *text = strndup(row->fields[i].at, row->fields[i].len);
        if (!text)
            return false;
        table->columns[i] = (struct o2c_str){text, row->fields[i].len};
        table->column_count++;
    }
    return table->columns;
}

static enum o2c_verdict check_twice(const struct o2c_table *table, struct o2c_err *err)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].len && o2c_table_column(table, table->columns[i]) != (int)i)
            return o2c_fail(err, O2C_PARK, "the header has the column \"%.*s\" twice",
                            O2C_STR_ARG(table->columns[i]));
    return O2C_OK;
}

static enum o2c_verdict same_columns(const struct o2c_table *table,
                                     const struct o2c_csv_row *row, struct o2c_err *err)
{
    bool same = row->field_count == table->column_count;
    for (size_t i = 0; same && i < row->field_count; i++)
        same = o2c_str_eq(row->fields[i], table->columns[i]);
    if (same)
        return O2C_OK;
    return o2c_fail(err, O2C_PARK, "the header differs from that of %s", table->shown[0]);
}

static enum o2c_verdict take_header(struct o2c_table_reader *reader, struct o2c_err *err)
{
    struct o2c_csv_row row;
    struct o2c_table *table = reader->table;
    if (o2c_csv_next(reader->csv, &row, err))
        return in_file(reader, err);
    if (!row.fields) {
        o2c_fail(err, O2C_PARK, "is empty; a header was expected");
        return in_file(reader, err);
    }
    if (table->columns)
        return same_columns(table, &row, err) ? in_file(reader, err) : O2C_OK;
    if (!keep_columns(table, &row))
        return o2c_fail(err, O2C_FATAL, "no memory");
    return check_twice(table, err) ? in_file(reader, err) : O2C_OK;
}

enum o2c_verdict o2c_table_read_header(struct o2c_table *table, struct o2c_err *err)
{
    enum o2c_verdict verdict = O2C_OK;
    for (size_t i = 0; !verdict && i < table->path_count; i++) {
        struct o2c_table_reader reader = {.table = table, .path = i, .fd = -1};
        verdict = open_file(&reader, err);
        if (!verdict && table->has_header)
            verdict = take_header(&reader, err);
        close_file(&reader);
    }
    return verdict;
}

enum o2c_verdict o2c_table_next(struct o2c_table_reader *reader,
                                struct o2c_table_row *ret_row, struct o2c_err *err)
{
    struct o2c_table *table = reader->table;
    *ret_row = (struct o2c_table_row){0};
    for (; reader->path < table->path_count; reader->path++) {
        struct o2c_csv_row row;
        if (!reader->csv) {
            if (open_file(reader, err))
                return err->verdict;
            if (table->has_header && take_header(reader, err))
                return err->verdict = O2C_FATAL; /* another file than was checked before */
            o2c_csv_expect_columns(reader->csv, table->column_count);
        }
        ret_row->file = table->shown[reader->path];
        enum o2c_verdict verdict = o2c_csv_next(reader->csv, &row, err);
        ret_row->line = row.line;
        if (verdict)
            return verdict == O2C_PARK ? verdict : in_file(reader, err);
        ret_row->fields = row.fields;
        if (row.fields)
            return O2C_OK;
        close_file(reader);
    }
    return O2C_OK;
}

static bool keep_row(struct o2c_table *table, const struct o2c_table_row *row)
{
    if (table->row_count == table->row_cap) {
        size_t cap = table->row_cap ? table->row_cap * 2 : 256;
        struct o2c_table_row *rows = realloc(table->rows, cap * sizeof(*rows));
        if (!rows)
            return false;
        table->rows = rows;
        table->row_cap = cap;
    }
    struct o2c_str *fields =
        o2c_arena_alloc(&table->arena, table->column_count * sizeof(*fields));
    if (!fields)
        return false;
    for (size_t i = 0; i < table->column_count; i++)
        if (!o2c_arena_copy(&table->arena, row->fields[i], &fields[i]))
            return false;
    table->rows[table->row_count++] = (struct o2c_table_row){fields, row->file, row->line};
    return true;
}

static enum o2c_verdict load_rows(struct o2c_table_reader *reader,
                                  o2c_table_fault_fn *on_fault, void *user,
                                  struct o2c_err *err)
{
    for (;;) {
        struct o2c_table_row row;
        enum o2c_verdict verdict = o2c_table_next(reader, &row, err);
        if (verdict == O2C_PARK) {
            reader->table->bad = true;
            on_fault(user, row.file, row.line, err->text);
        } else if (verdict) {
            return verdict;
        } else if (!row.fields) {
            return O2C_OK;
        } else if (!keep_row(reader->table, &row)) {
            return o2c_fail(err, O2C_FATAL,
                            "%s is too large to be joined (1 GiB in memory)", row.file);
        }
    }
}

enum o2c_verdict o2c_table_load(struct o2c_table *table, o2c_table_fault_fn *on_fault,
                                void *user, struct o2c_err *err)
{
    struct o2c_table_reader reader;
    if (table->loaded)
        return O2C_OK;
    o2c_table_reader_init(&reader, table);
    enum o2c_verdict verdict = load_rows(&reader, on_fault, user, err);
    o2c_table_reader_clear(&reader);
    table->loaded = !verdict;
    return verdict;
}

static int compare_sorted(struct o2c_str a, struct o2c_str b)
{
    int64_t x, y;
    bool a_number = o2c_str_to_int64(a, &x), b_number = o2c_str_to_int64(b, &y);
    if (a_number != b_number)
        return a_number ? -1 : 1;
    if (a_number)
        return x < y ? -1 : x > y;
    return o2c_str_cmp(a, b);
}

static int compare_rows(const void *a, const void *b, void *user)
{
    const struct o2c_table_index *index = user;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    const struct o2c_str *first = index->table->rows[x].fields;
    const struct o2c_str *second = index->table->rows[y].fields;
    int order = 0;
    for (size_t i = 0; !order && i < index->key_count; i++)
        order = o2c_str_cmp(first[index->keys[i]], second[index->keys[i]]);
    for (size_t i = 0; !order && i < index->sort_count; i++)
        order = compare_sorted(first[index->sorts[i]], second[index->sorts[i]]);
    return order ? order : (x < y ? -1 : x > y);
}

bool o2c_table_index_build(struct o2c_table_index *index)
{
    size_t count = index->table->row_count;
    index->rows = malloc((count + 1) * sizeof(*index->rows));
    if (!index->rows)
        return false;
    for (size_t i = 0; i < count; i++)
        index->rows[i] = i;
    qsort_r(index->rows, count, sizeof(*index->rows), compare_rows, index);
    return true;
}

void o2c_table_index_clear(struct o2c_table_index *index)
{
    free(index->rows);
    index->rows = NULL;
}

static int compare_key(const struct o2c_table_index *index, size_t at,
                       const struct o2c_str *values)
{
    const struct o2c_str *fields = index->table->rows[index->rows[at]].fields;
    int order = 0;
    for (size_t i = 0; !order && i < index->key_count; i++)
        order = o2c_str_cmp(fields[index->keys[i]], values[i]);
    return order;
}

size_t o2c_table_index_find(const struct o2c_table_index *index,
                            const struct o2c_str *values, size_t *ret_count)
{
    size_t low = 0, high = index->table->row_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_key(index, middle, values) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < index->table->row_count && compare_key(index, end, values) == 0)
        end++;
    *ret_count = end - low;
    return low;
}
