#include "producers/cli/text_table.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "runtime/base/banned.h"

enum {
    GAP = 2
};

void text_table_init(struct text_table *table, size_t max_bytes)
{
    *table = (struct text_table){0};
    o2c_buf_init(&table->cells, max_bytes);
}

void text_table_clear(struct text_table *table)
{
    o2c_buf_clear(&table->cells);
}

void text_table_column(struct text_table *table, const char *heading, bool is_right)
{
    assert(table->column_count < TEXT_COLUMNS_MAX);
    table->columns[table->column_count++] = (struct text_column){heading, is_right};
}

/* Of a control character that ends a line or moves a terminal's cursor: a byte below 0x20,
 * 0x7f, or U+0080 to U+009F as UTF-8.  0 where none stands. */
static size_t control_bytes(const char *text)
{
    unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];

    if (first < 0x20 || first == 0x7f)
        return 1;
    return first == 0xC2 && second >= 0x80 && second < 0xA0 ? 2 : 0;
}

/* An id or a reason is what somebody sent. */
void text_table_add(struct text_table *table, const char *text)
{
    while (*text) {
        size_t len = control_bytes(text);

        if (len)
            o2c_buf_printf(&table->cells, "\\u%04x", (unsigned char)text[len - 1]);
        else
            o2c_buf_add_u8(&table->cells, (uint8_t)*text);
        text += len ? len : 1;
    }
    o2c_buf_add_u8(&table->cells, 0);
}

void text_table_add_number(struct text_table *table, int64_t number)
{
    o2c_buf_printf(&table->cells, "%" PRId64, number);
    o2c_buf_add_u8(&table->cells, 0);
}

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void measure(const struct text_table *table, size_t width[TEXT_COLUMNS_MAX])
{
    const char *cell = table->cells.at, *end = cell + table->cells.len;

    for (size_t c = 0; c < table->column_count; c++)
        width[c] = width_of(table->columns[c].heading);
    for (size_t c = 0; cell < end; c = (c + 1) % table->column_count) {
        size_t needed = width_of(cell);

        width[c] = needed > width[c] ? needed : width[c];
        cell += strlen(cell) + 1;
    }
}

/* Nothing stands behind the last text of a line. */
static void write_cell(const struct text_table *table, size_t column,
                       const size_t width[TEXT_COLUMNS_MAX], const char *text,
                       struct o2c_buf *out)
{
    int space = (int)(width[column] - width_of(text));
    bool is_right = table->columns[column].is_right;

    if (column + 1 == table->column_count)
        o2c_buf_printf(out, "%*s%s\n", is_right ? space : 0, "", text);
    else
        o2c_buf_printf(out, "%*s%s%*s", is_right ? space : 0, "", text,
                       GAP + (is_right ? 0 : space), "");
}

void text_table_write(struct text_table *table, struct o2c_buf *out)
{
    size_t width[TEXT_COLUMNS_MAX] = {0};
    const char *cell = table->cells.at, *end = cell + table->cells.len;

    assert(table->column_count);
    if (table->cells.failed) {
        out->failed = true;
        return;
    }
    measure(table, width);
    for (size_t c = 0; c < table->column_count; c++)
        write_cell(table, c, width, table->columns[c].heading, out);
    for (size_t c = 0; cell < end; c = (c + 1) % table->column_count) {
        write_cell(table, c, width, cell, out);
        cell += strlen(cell) + 1;
    }
}
