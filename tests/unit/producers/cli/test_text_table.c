/* Tables for a person: columns as wide as what stands in them, and nothing cut. */
#include "producers/cli/text_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/banned.h"

enum {
    MAX_BYTES = 4096
};

static void add_columns(struct text_table *table, size_t max_bytes)
{
    text_table_init(table, max_bytes);
    text_table_column(table, "who", false);
    text_table_column(table, "how many", true);
    text_table_column(table, "why", false);
}

static void columns_are_as_wide_as_what_stands_in_them(void **state)
{
    (void)state;
    struct text_table table;
    struct o2c_buf out;
    o2c_buf_init(&out, MAX_BYTES);
    add_columns(&table, MAX_BYTES);
    text_table_add(&table, "M\xc3\xbcller"); /* characters count, not bytes */
    text_table_add_number(&table, -7);
    text_table_add(&table, "late");
    text_table_add(&table, "C");
    text_table_add_number(&table, INT64_MAX);
    text_table_add(&table, "");
    text_table_write(&table, &out);
    assert_false(out.failed);
    assert_string_equal(o2c_buf_text(&out), "who                how many  why\n"
                                            "M\xc3\xbcller                   -7  late\n"
                                            "C       9223372036854775807  \n");
    text_table_clear(&table);
    o2c_buf_clear(&out);
}

static void a_control_character_leaves_line_and_terminal_alone(void **state)
{
    (void)state;
    struct text_table table;
    struct o2c_buf out;
    o2c_buf_init(&out, MAX_BYTES);
    add_columns(&table, MAX_BYTES);
    text_table_add(&table, "A\n\x1b[2J");
    text_table_add_number(&table, 1);
    text_table_add(&table, "\x7f \xc2\x9b \xc2\xa0"); /* U+009B begins a sequence too */
    text_table_write(&table, &out);
    assert_string_equal(o2c_buf_text(&out),
                        "who               how many  why\n"
                        "A\\u000a\\u001b[2J         1  \\u007f \\u009b \xc2\xa0\n");
    text_table_clear(&table);
    o2c_buf_clear(&out);
}

static void without_rows_the_headings_stand_alone(void **state)
{
    (void)state;
    struct text_table table;
    struct o2c_buf out;
    o2c_buf_init(&out, MAX_BYTES);
    add_columns(&table, MAX_BYTES);
    text_table_write(&table, &out);
    assert_string_equal(o2c_buf_text(&out), "who  how many  why\n");
    text_table_clear(&table);
    o2c_buf_clear(&out);
}

static void what_does_not_fit_is_a_failure_and_no_shorter_table(void **state)
{
    (void)state;
    struct text_table table;
    struct o2c_buf out;
    o2c_buf_init(&out, MAX_BYTES);
    add_columns(&table, 8);
    text_table_add(&table, "0123456789");
    text_table_write(&table, &out);
    assert_true(out.failed);
    text_table_clear(&table);
    o2c_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_what_stands_in_them),
        cmocka_unit_test(a_control_character_leaves_line_and_terminal_alone),
        cmocka_unit_test(without_rows_the_headings_stand_alone),
        cmocka_unit_test(what_does_not_fit_is_a_failure_and_no_shorter_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
