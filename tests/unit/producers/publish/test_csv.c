#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "producers/publish/csv.h"
#include "runtime/base/buf.h"

/* Gives a text in pieces of `step` bytes, so that every border is met. */
struct feed {
    const char *at;
    size_t rest, step;
    int fail_errno;
};

static ssize_t read_feed(void *user, char *into, size_t room)
{
    struct feed *feed = user;
    size_t len = feed->rest < feed->step ? feed->rest : feed->step;
    if (len > room)
        len = room;
    if (!len && feed->fail_errno) {
        errno = feed->fail_errno;
        return -1;
    }
    memcpy(into, feed->at, len);
    feed->at += len;
    feed->rest -= len;
    return (ssize_t)len;
}

/* "1:a|b" per row, "1!why" per bad row, joined by "/". */
static void render(struct o2c_buf *out, struct o2c_csv *csv)
{
    for (;;) {
        struct o2c_csv_row row;
        struct o2c_err err;
        enum o2c_verdict verdict = o2c_csv_next(csv, &row, &err);
        if (!verdict && !row.fields)
            return;
        o2c_buf_printf(out, "%s%llu%s", out->len ? "/" : "", (unsigned long long)row.line,
                       verdict ? "!" : ":");
        if (verdict)
            o2c_buf_add_text(out, err.text);
        for (size_t i = 0; !verdict && i < row.field_count; i++)
            o2c_buf_printf(out, "%s%.*s", i ? "|" : "", O2C_STR_ARG(row.fields[i]));
        if (verdict == O2C_FATAL)
            return;
    }
}

static void check_with(const struct o2c_csv_options *options, const char *text, size_t len,
                       const char *expected, size_t columns)
{
    for (size_t step = 1; step <= len + 1; step = step < 4 ? step + 1 : step * 3) {
        struct feed feed = {text, len, step, 0};
        struct o2c_buf out;
        struct o2c_csv *csv = o2c_csv_new(options, read_feed, &feed);
        o2c_buf_init(&out, 1 << 20);
        if (columns)
            o2c_csv_expect_columns(csv, columns);
        render(&out, csv);
        assert_string_equal(o2c_buf_text(&out), expected);
        o2c_buf_clear(&out);
        o2c_csv_free(csv);
    }
}

static void check(const char *text, const char *expected)
{
    check_with(&O2C_CSV_DEFAULTS, text, strlen(text), expected, 0);
}

static void rows_of_rfc_4180_are_read(void **state)
{
    (void)state;
    check("", "");
    check("a,b\n", "1:a|b");
    check("a,b", "1:a|b");
    check("a,b\r\nc,d\r\n", "1:a|b/2:c|d");
    check(",\n", "1:|");
    check("a,,\n", "1:a||");
    check("\"a\",\"b,c\"\n", "1:a|b,c");
    check("\"say \"\"hi\"\"\",x\n", "1:say \"hi\"|x");
    check("\"\"\n", "1:");
    check("\"\",\"\"\n", "1:|");
    check("a b , c\n", "1:a b | c");
    check("a\rb,c\n", "1:a\rb|c");
}

static void a_line_break_inside_quotes_belongs_to_the_field(void **state)
{
    (void)state;
    check("a,\"b\nc\"\nd,e\n", "1:a|b\nc/3:d|e");
    check("\"b\r\nc\"\r\nd\r\n", "1:b\r\nc/3:d");
}

static void blank_lines_are_skipped_and_counted(void **state)
{
    (void)state;
    check("\n\na\n\r\nb\n\n", "3:a/5:b");
}

static void a_byte_order_mark_is_dropped(void **state)
{
    (void)state;
    check("\xEF\xBB\xBF"
          "a,b\n",
          "1:a|b");
}

static void utf_16_is_refused_by_name(void **state)
{
    const char text[] = "\xFF\xFE"
                        "a\0b\0";
    struct feed feed = {text, sizeof(text) - 1, 100, 0};
    struct o2c_csv *csv = o2c_csv_new(&O2C_CSV_DEFAULTS, read_feed, &feed);
    struct o2c_csv_row row;
    struct o2c_err err;
    (void)state;
    assert_int_equal(o2c_csv_next(csv, &row, &err), O2C_FATAL);
    assert_string_equal(err.text, "is UTF-16; convert it to UTF-8");
    o2c_csv_free(csv);
}

static void a_ragged_row_is_reported_and_reading_goes_on(void **state)
{
    const char text[] = "a,b\nc\nd,e,f\ng,h\n";
    (void)state;
    check_with(&O2C_CSV_DEFAULTS, text, strlen(text),
               "1:a|b/2!the row has 1 columns instead of 2/"
               "3!the row has 3 columns instead of 2/4:g|h",
               2);
}

static void misplaced_quotes_are_reported_with_their_column(void **state)
{
    (void)state;
    check("a,b\"c\nd\n",
          "1!column 2: a quote inside a field that does not begin with one/2:d");
    check("\"a\"b,c\nd\n", "1!column 1: something follows the closing quote/2:d");
    check("x,\"a\nb\n", "1!column 2: the quote opened on line 1 is never closed");
    check("x\ny,\"", "1:x/2!column 2: the quote opened on line 2 is never closed");
}

static void quotes_count_in_a_bad_row_too(void **state)
{
    const char *text = "a,C\xFF,\"x\nforged,row\ny\"\nb,c,d\n";
    (void)state;
    check(text, "1!column 2: the bytes are no UTF-8 text (is the file Latin-1?)/4:b|c|d");
    check("a,5\" pipe,\"x\nforged,row\ny\"\nb,c,d\n",
          "1!column 2: a quote inside a field that does not begin with one/4:b|c|d");
    check("\"a\"b\"c,\"x\nforged\"\nd\n",
          "1!column 1: something follows the closing quote/3:d");
    check("a,\xFF,\"x\nforged,row\n", "1!the quote opened on line 1 is never closed");
}

static void a_file_may_have_other_marks_or_no_quotes_at_all(void **state)
{
    struct o2c_csv_options options = O2C_CSV_DEFAULTS;
    (void)state;
    options.delimiter = ';';
    options.quote = '\'';
    check_with(&options, "a;'b;c';d,e\n", 12, "1:a|b;c|d,e", 0);
    options.delimiter = '\t';
    options.quote = '\0';
    check_with(&options, "a\"b\t\"c\n", 7, "1:a\"b|\"c", 0);
}

static void blanks_around_fields_go_where_asked(void **state)
{
    struct o2c_csv_options options = O2C_CSV_DEFAULTS;
    const char text[] = " a ,\t b c\t, \"d \" ,\"\" \n";
    (void)state;
    options.trim = true;
    check_with(&options, text, strlen(text), "1:a|b c|d|", 0);
}

static void latin_1_comes_out_as_utf_8(void **state)
{
    struct o2c_csv_options options = O2C_CSV_DEFAULTS;
    (void)state;
    options.latin1 = true;
    check_with(&options, "M\xFCller,\xA3\n", 9, "1:M\xC3\xBCller|\xC2\xA3", 0);
}

static void bytes_that_are_no_text_are_reported(void **state)
{
    (void)state;
    check("a,M\xFCller\nb,c\n",
          "1!column 2: the bytes are no UTF-8 text (is the file Latin-1?)/2:b|c");
    check_with(&O2C_CSV_DEFAULTS, "a\0b\nc\n", 6,
               "1!column 1: the bytes are no UTF-8 text (is the file Latin-1?)/2:c", 0);
}

static void fields_and_rows_have_limits(void **state)
{
    struct o2c_csv_options options = O2C_CSV_DEFAULTS;
    (void)state;
    options.max_field_bytes = 3;
    options.max_columns = 2;
    check_with(
        &options, "abc,d\nabcd,e\nf,g,h\ni,j\n", 23,
        "1:abc|d/2!column 1: the field is too long/3!column 3: too many columns/4:i|j", 0);
}

static void a_reading_error_is_told(void **state)
{
    struct feed feed = {"a,b\nc", 5, 100, EIO};
    struct o2c_csv *csv = o2c_csv_new(&O2C_CSV_DEFAULTS, read_feed, &feed);
    struct o2c_csv_row row;
    struct o2c_err err;
    (void)state;
    assert_int_equal(o2c_csv_next(csv, &row, &err), O2C_OK);
    assert_int_equal(o2c_csv_next(csv, &row, &err), O2C_FATAL);
    assert_string_equal(err.text, "cannot be read: Input/output error");
    o2c_csv_free(csv);
}

static void a_row_of_many_columns_moves_the_buffer_and_stays_whole(void **state)
{
    char text[4000] = "";
    size_t len = 0;
    struct o2c_csv_row row;
    struct o2c_err err;
    (void)state;
    for (int i = 0; i < 500; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d", i ? "," : "", i);
    struct feed feed = {text, len, 7, 0};
    struct o2c_csv *csv = o2c_csv_new(&O2C_CSV_DEFAULTS, read_feed, &feed);
    assert_int_equal(o2c_csv_next(csv, &row, &err), O2C_OK);
    assert_int_equal(row.field_count, 500);
    assert_true(o2c_str_eq(row.fields[0], O2C_STR("0")));
    assert_true(o2c_str_eq(row.fields[499], O2C_STR("499")));
    o2c_csv_free(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_rfc_4180_are_read),
        cmocka_unit_test(a_line_break_inside_quotes_belongs_to_the_field),
        cmocka_unit_test(blank_lines_are_skipped_and_counted),
        cmocka_unit_test(a_byte_order_mark_is_dropped),
        cmocka_unit_test(utf_16_is_refused_by_name),
        cmocka_unit_test(a_ragged_row_is_reported_and_reading_goes_on),
        cmocka_unit_test(misplaced_quotes_are_reported_with_their_column),
        cmocka_unit_test(quotes_count_in_a_bad_row_too),
        cmocka_unit_test(a_file_may_have_other_marks_or_no_quotes_at_all),
        cmocka_unit_test(blanks_around_fields_go_where_asked),
        cmocka_unit_test(latin_1_comes_out_as_utf_8),
        cmocka_unit_test(bytes_that_are_no_text_are_reported),
        cmocka_unit_test(fields_and_rows_have_limits),
        cmocka_unit_test(a_reading_error_is_told),
        cmocka_unit_test(a_row_of_many_columns_moves_the_buffer_and_stays_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
