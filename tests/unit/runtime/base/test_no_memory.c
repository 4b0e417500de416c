/* What base answers when an allocation fails, whichever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "runtime/base/arena.h"
#include "runtime/base/buf.h"
#include "runtime/base/config.h"
#include "tests/support/no_memory.h"

#include "runtime/base/banned.h"

static void a_buffer_fails_and_keeps_what_it_had(void **state)
{
    size_t turns = 0;

    (void)state;
    for (size_t n = 1; no_memory_at(n); n++, turns++) {
        struct o2c_buf buf;

        o2c_buf_init(&buf, 100000);
        for (int i = 0; i < 2000; i++)
            o2c_buf_printf(&buf, "%d,", i);
        assert_int_equal(buf.failed, no_memory_met());
        assert_int_equal(buf.no_memory, buf.failed);
        if (buf.len)
            assert_memory_equal(buf.at, "0,1,2,3", 7);
        o2c_buf_reset(&buf);
        o2c_buf_add_text(&buf, "again");
        assert_string_equal(o2c_buf_text(&buf), "again");
        o2c_buf_clear(&buf);
    }
    assert_true(turns > 3);
}

static void an_arena_gives_null_and_goes_on(void **state)
{
    size_t turns = 0;

    (void)state;
    for (size_t n = 1; no_memory_at(n); n++, turns++) {
        struct o2c_arena arena;
        size_t refused = 0;

        o2c_arena_init(&arena, 1 << 24);
        for (size_t i = 1; i < 100; i++) {
            char *at = o2c_arena_alloc(&arena, i * 3000);

            if (at)
                memset(at, 1, i * 3000);
            else
                refused++;
        }
        assert_int_equal(refused, no_memory_met() ? 1 : 0);
        o2c_arena_trim(&arena);
        assert_non_null(o2c_arena_alloc(&arena, 100000));
        o2c_arena_clear(&arena);
    }
    assert_true(turns > 3);
}

struct settings {
    const char *dsn, *prefix;
    int64_t limit;
};

static const struct o2c_setting settings[] = {
    {"pg-dsn", O2C_SETTING_TEXT, offsetof(struct settings, dsn), NULL, 0, 0, NULL,
     "where PostgreSQL is", true},
    {"topic-prefix", O2C_SETTING_TEXT, offsetof(struct settings, prefix), "", 0, 0, NULL,
     "put before every topic", false},
    {"batch-limit", O2C_SETTING_INT, offsetof(struct settings, limit), "10", 1, 1000,
     "events", "events in one batch", false},
};

static void load_all_or_nothing(char *argv[])
{
    const struct o2c_settings_table table = {settings, 3};

    for (size_t n = 1; no_memory_at(n); n++) {
        struct o2c_config *config = NULL;
        struct settings got = {0};
        struct o2c_err err;
        int next = 0;
        enum o2c_verdict verdict =
            o2c_config_load(&config, &table, 1, &got, 5, argv, &next, &err);

        assert_int_equal(verdict, no_memory_met() ? O2C_FATAL : O2C_OK);
        if (verdict) {
            assert_true(*err.text);
            continue;
        }
        assert_string_equal(got.dsn, "dbname=o2c");
        assert_string_equal(got.prefix, "a.");
        assert_int_equal(got.limit, 7);
        o2c_config_free(config);
    }
}

static char path[64];

static int write_settings(void **state)
{
    int fd;

    (void)state;
    snprintf(path, sizeof path, "/tmp/o2c-no-memory-XXXXXX");
    fd = mkstemp(path);
    assert_int_equal(write(fd, "topic-prefix = a.\n", 18), 18);
    return close(fd);
}

static int remove_settings(void **state)
{
    (void)state;
    return unlink(path);
}

static void settings_are_all_there_or_the_start_is_refused(void **state)
{
    (void)state;
    setenv("O2C_PG_DSN", "dbname=o2c", 1);
    load_all_or_nothing(
        (char *[]){"program", "--batch-limit", "7", "--config", path, NULL});
    load_all_or_nothing(
        (char *[]){"program", "--config", path, "--batch-limit", "7", NULL});
    unsetenv("O2C_PG_DSN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_fails_and_keeps_what_it_had),
        cmocka_unit_test(an_arena_gives_null_and_goes_on),
        cmocka_unit_test_setup_teardown(settings_are_all_there_or_the_start_is_refused,
                                        write_settings, remove_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
