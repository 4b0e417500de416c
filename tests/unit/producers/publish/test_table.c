#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "producers/publish/table.h"

static char path[] = "/tmp/o2c-table-XXXXXX";
static struct o2c_table table;

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    (void)state;
    memcpy(strrchr(path, '-') + 1, "XXXXXX", sizeof "XXXXXX");
    close(mkstemp(path));
    o2c_table_init(&table, "orders");
    assert_true(o2c_table_add_path(&table, path, "orders.csv"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    o2c_table_clear(&table);
    unlink(path);
    return 0;
}

static void read_header(void)
{
    struct o2c_err err;

    assert_int_equal(o2c_table_read_header(&table, &err), O2C_OK);
}

static char faults[200];

static void on_fault(void *user, const char *file, uint64_t line, const char *what)
{
    (void)user;
    snprintf(faults, sizeof faults, "%s:%llu %s", file, (unsigned long long)line, what);
}

static void a_bad_row_is_named_and_the_others_are_kept(void **state)
{
    struct o2c_err err;

    (void)state;
    write_file("id,amount\n1,10\n2\n3,30\n");
    read_header();
    assert_int_equal(o2c_table_load(&table, on_fault, NULL, &err), O2C_OK);
    assert_true(table.bad);
    assert_int_equal(table.row_count, 2);
    assert_memory_equal(faults, "orders.csv:3 ", 13);
}

/* Rows under another header would be taken for those of the first. */
static void a_file_replaced_after_its_header_was_read_is_fatal(void **state)
{
    static const char *const now[] = {"", "amount,id\n10,1\n", "id\n1\n", "id,id\n1,1\n"};

    (void)state;
    write_file("id,amount\n1,10\n");
    read_header();
    for (size_t i = 0; i < sizeof now / sizeof now[0]; i++) {
        struct o2c_table_reader reader;
        struct o2c_table_row row;
        struct o2c_err err;

        write_file(now[i]);
        o2c_table_reader_init(&reader, &table);
        assert_int_equal(o2c_table_next(&reader, &row, &err), O2C_FATAL);
        assert_memory_equal(err.text, "orders.csv: ", 12);
        o2c_table_reader_clear(&reader);
        assert_int_equal(o2c_table_load(&table, on_fault, NULL, &err), O2C_FATAL);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_bad_row_is_named_and_the_others_are_kept),
        TEST(a_file_replaced_after_its_header_was_read_is_fatal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
