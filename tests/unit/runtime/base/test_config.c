/* config.c: where a value comes from, and what refuses the start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "runtime/base/buf.h"
#include "runtime/base/config.h"

#include "runtime/base/banned.h"

struct settings {
    const char *dsn, *prefix;
    int64_t limit;
    bool quiet;
};

static const struct o2c_setting database[] = {
    {"pg-dsn", O2C_SETTING_TEXT, offsetof(struct settings, dsn), NULL, 0, 0, NULL,
     "where PostgreSQL is", true},
};
static const struct o2c_setting other[] = {
    {"topic-prefix", O2C_SETTING_TEXT, offsetof(struct settings, prefix), "", 0, 0, NULL,
     "put before every topic", false},
    {"batch-limit", O2C_SETTING_INT, offsetof(struct settings, limit), "10", 1, 1000,
     "events", "events in one batch", false},
    {"quiet", O2C_SETTING_FLAG, offsetof(struct settings, quiet), "no", 0, 0, NULL,
     "say little", false},
};
static const struct o2c_settings_table tables[] = {{database, 1}, {other, 3}};

/* A program beside that one, which needs no topics. */
static const struct o2c_setting beside[] = {
    {"topic-prefix", O2C_SETTING_OF_OTHERS, 0, "", 0, 0, NULL, "", false},
    {"pg-dsn", O2C_OPTION_TEXT, offsetof(struct settings, dsn), "here", 0, 0, NULL,
     "where this once", false},
    {"batch-limit", O2C_OPTION_INT, offsetof(struct settings, limit), "10", 1, 1000, NULL,
     "how many", false},
    {"quiet", O2C_OPTION_FLAG, offsetof(struct settings, quiet), "no", 0, 0, NULL,
     "say little", false},
};

struct loaded {
    enum o2c_verdict verdict;
    struct settings settings;
    struct o2c_config *config;
    struct o2c_err err;
    int next;
};

/* words: the whole command line, NULL-terminated */
static struct loaded load_from(const struct o2c_settings_table *list, size_t count,
                               const char *const *words)
{
    struct loaded loaded = {.next = -1};
    char *argv[16];
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    loaded.verdict = o2c_config_load(&loaded.config, list, count, &loaded.settings, argc,
                                     argv, &loaded.next, &loaded.err);
    return loaded;
}

#define LOAD_FROM(list, count, ...)                                                        \
    load_from(list, count, (const char *const[]){__VA_ARGS__, NULL})
#define LOAD(...) LOAD_FROM(tables, 2, __VA_ARGS__)

static void a_word_too_many_is_named_where_none_is_taken(void **state)
{
    (void)state;
    struct o2c_config *config = NULL;
    struct settings settings;
    struct o2c_err err;
    char *argv[] = {(char[]){"program"}, (char[]){"--pg-dsn=x"}, (char[]){"one"},
                    (char[]){"two"}};
    assert_int_equal(o2c_config_load(&config, tables, 2, &settings, 4, argv, NULL, &err),
                     O2C_FATAL);
    assert_string_equal(err.text, "\"one\" is a word too many");
    assert_null(config);
    assert_int_equal(o2c_config_load(&config, tables, 2, &settings, 2, argv, NULL, &err),
                     O2C_OK);
    o2c_config_free(config);
}

static void assert_refused(struct loaded loaded, const char *words)
{
    assert_int_equal(loaded.verdict, O2C_FATAL);
    assert_int_equal(loaded.err.verdict, O2C_FATAL);
    assert_string_equal(loaded.err.text, words);
    assert_null(loaded.config);
    assert_int_equal(loaded.next, -1);
}

static char file_path[] = "/tmp/o2c-test-config-XXXXXX";

static void write_bytes(const char *bytes, size_t len)
{
    FILE *file = fopen(file_path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    setenv("O2C_CONFIG", file_path, 1);
}

static void write_file(const char *content)
{
    write_bytes(content, strlen(content));
}

static int forget(void **state)
{
    (void)state;
    static const char *const names[] = {"O2C_CONFIG",        "O2C_PG_DSN",
                                        "O2C_TOPIC_PREFIX",  "O2C_BATCH_LIMIT",
                                        "O2C_QUIET",         "O2C_FAILPOINTS",
                                        "O2C_FAILPOINT_LOG", "O2C_PG_DNS",
                                        "O2C_pg_dsn",        "O2C_"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    return 0;
}

static void defaults_hold_where_nothing_is_given(void **state)
{
    (void)state;
    struct loaded loaded = LOAD("program", "--pg-dsn", "host=a");
    assert_int_equal(loaded.verdict, O2C_OK);
    assert_string_equal(loaded.settings.dsn, "host=a");
    assert_string_equal(loaded.settings.prefix, "");
    assert_int_equal(loaded.settings.limit, 10);
    assert_false(loaded.settings.quiet);
    assert_int_equal(loaded.next, 3);
    o2c_config_free(loaded.config);
}

static void arguments_beat_the_environment_and_that_the_file(void **state)
{
    (void)state;
    write_file(
        "# a comment\n\n  pg-dsn = from file \r\ntopic-prefix=file.\nbatch-limit = 5\n"
        "quiet=yes");
    struct loaded loaded = LOAD("program");
    assert_int_equal(loaded.verdict, O2C_OK);
    assert_string_equal(loaded.settings.dsn, "from file");
    assert_string_equal(loaded.settings.prefix, "file.");
    assert_int_equal(loaded.settings.limit, 5);
    assert_true(loaded.settings.quiet);
    o2c_config_free(loaded.config);

    setenv("O2C_TOPIC_PREFIX", "environment.", 1);
    setenv("O2C_BATCH_LIMIT", "6", 1);
    setenv("O2C_QUIET", "0", 1);
    loaded = LOAD("program", "--batch-limit=7");
    assert_int_equal(loaded.verdict, O2C_OK);
    assert_string_equal(loaded.settings.dsn, "from file");
    assert_string_equal(loaded.settings.prefix, "environment.");
    assert_int_equal(loaded.settings.limit, 7);
    assert_false(loaded.settings.quiet);
    o2c_config_free(loaded.config);
}

static void an_empty_value_is_a_value(void **state)
{
    (void)state;
    write_file("pg-dsn = x\ntopic-prefix = y\n");
    struct loaded loaded = LOAD("program", "--topic-prefix=", "--pg-dsn", "");
    assert_int_equal(loaded.verdict, O2C_OK);
    assert_string_equal(loaded.settings.prefix, "");
    assert_string_equal(loaded.settings.dsn, "");
    o2c_config_free(loaded.config);
}

static void a_value_may_hold_equals_signs_and_hashes(void **state)
{
    (void)state;
    write_file("pg-dsn = host=a password=#1\n");
    struct loaded loaded = LOAD("program", "--topic-prefix=a=b");
    assert_string_equal(loaded.settings.dsn, "host=a password=#1");
    assert_string_equal(loaded.settings.prefix, "a=b");
    o2c_config_free(loaded.config);
}

static void the_file_named_by_the_option_is_the_one_read(void **state)
{
    (void)state;
    write_file("pg-dsn = right\n");
    setenv("O2C_CONFIG", "/nonexistent/o2c.conf", 1);
    struct loaded loaded = LOAD("program", "--config", file_path);
    assert_int_equal(loaded.verdict, O2C_OK);
    assert_string_equal(loaded.settings.dsn, "right");
    o2c_config_free(loaded.config);
    assert_refused(LOAD("program", "--pg-dsn=x"),
                   "configuration /nonexistent/o2c.conf: No such file or directory");
}

static void reading_stops_at_the_first_word_that_is_no_option(void **state)
{
    (void)state;
    struct loaded loaded = LOAD("program", "--pg-dsn=x", "publish", "--unknown");
    assert_int_equal(loaded.verdict, O2C_OK);
    assert_int_equal(loaded.next, 2);
    o2c_config_free(loaded.config);
    loaded = LOAD("program", "--pg-dsn=x", "-");
    assert_int_equal(loaded.next, 2);
    o2c_config_free(loaded.config);
    loaded = LOAD("program", "--pg-dsn=x", "--", "--file");
    assert_int_equal(loaded.next, 3);
    o2c_config_free(loaded.config);
}

static void a_flag_takes_the_next_word_only_if_it_is_a_truth(void **state)
{
    (void)state;
    struct loaded loaded = LOAD("program", "--pg-dsn=x", "--quiet", "file");
    assert_true(loaded.settings.quiet);
    assert_int_equal(loaded.next, 3);
    o2c_config_free(loaded.config);
    loaded = LOAD("program", "--pg-dsn=x", "--quiet", "no", "file");
    assert_false(loaded.settings.quiet);
    assert_int_equal(loaded.next, 4);
    o2c_config_free(loaded.config);
    loaded = LOAD("program", "--pg-dsn=x", "--quiet");
    assert_true(loaded.settings.quiet);
    o2c_config_free(loaded.config);
}

static void an_unknown_key_is_refused_by_its_name(void **state)
{
    (void)state;
    assert_refused(LOAD("program", "--pg-dns", "x"), "unknown option --pg-dns");
    assert_refused(LOAD("program", "--pg-dns=x"), "unknown option --pg-dns");
    assert_refused(LOAD("program", "-q"), "unknown option -q");
    setenv("O2C_PG_DNS", "x", 1);
    assert_refused(LOAD("program", "--pg-dsn=x"),
                   "unknown setting O2C_PG_DNS in the environment");
    unsetenv("O2C_PG_DNS");
    setenv("O2C_pg_dsn", "x", 1);
    assert_refused(LOAD("program", "--pg-dsn=x"),
                   "unknown setting O2C_pg_dsn in the environment");
    unsetenv("O2C_pg_dsn");
    write_file("pg-dsn = x\npg_dsn = y\n");
    char words[200];
    snprintf(words, sizeof words, "%s line 2: unknown setting pg_dsn", file_path);
    assert_refused(LOAD("program"), words);
}

static void what_only_others_use_is_passed_over_and_no_option(void **state)
{
    (void)state;
    const struct o2c_settings_table table = {beside, 4};
    setenv("O2C_TOPIC_PREFIX", "environment.", 1);
    write_file("topic-prefix = file.\n");
    struct loaded loaded = LOAD_FROM(&table, 1, "program", "--batch-limit", "7");
    assert_int_equal(loaded.verdict, O2C_OK);
    assert_null(loaded.settings.prefix);
    assert_int_equal(loaded.settings.limit, 7);
    o2c_config_free(loaded.config);
    assert_refused(LOAD_FROM(&table, 1, "program", "--topic-prefix", "x"),
                   "unknown option --topic-prefix");
}

static void what_belongs_to_one_call_is_given_on_its_command_line(void **state)
{
    (void)state;
    const struct o2c_settings_table table = {beside, 4};
    struct loaded loaded =
        LOAD_FROM(&table, 1, "program", "--quiet", "--pg-dsn", "x", "--batch-limit=5");
    assert_int_equal(loaded.verdict, O2C_OK);
    assert_string_equal(loaded.settings.dsn, "x");
    assert_int_equal(loaded.settings.limit, 5);
    assert_true(loaded.settings.quiet);
    o2c_config_free(loaded.config);
    setenv("O2C_PG_DSN", "y", 1);
    assert_refused(LOAD_FROM(&table, 1, "program"),
                   "O2C_PG_DSN: --pg-dsn is given on the command line alone");
    unsetenv("O2C_PG_DSN");
    write_file("\nquiet = yes\n");
    char words[200];
    snprintf(words, sizeof words, "%s line 2: --quiet is given on the command line alone",
             file_path);
    assert_refused(LOAD_FROM(&table, 1, "program"), words);
}

static void without_any_setting_neither_environment_nor_file_is_read(void **state)
{
    (void)state;
    const struct o2c_settings_table table = {beside + 1, 3};
    setenv("O2C_BATCH_LIMIT", "6", 1);
    setenv("O2C_CONFIG", "/nonexistent/o2c.conf", 1);
    struct loaded loaded = LOAD_FROM(&table, 1, "program");
    assert_int_equal(loaded.verdict, O2C_OK);
    assert_int_equal(loaded.settings.limit, 10);
    o2c_config_free(loaded.config);
    assert_refused(LOAD_FROM(&table, 1, "program", "--config", "x"),
                   "unknown option --config");
}

static void variables_of_the_test_build_are_no_settings(void **state)
{
    (void)state;
    setenv("O2C_FAILPOINTS", "store.after_sync=kill", 1);
    setenv("O2C_FAILPOINT_LOG", "/tmp/log", 1);
    setenv("O2C_CONFIG", "", 1);
    struct loaded loaded = LOAD("program", "--pg-dsn=x");
    assert_int_equal(loaded.verdict, O2C_OK);
    o2c_config_free(loaded.config);
}

static void what_is_wrong_with_a_value_is_said_with_its_place(void **state)
{
    (void)state;
    assert_refused(LOAD("program"), "setting pg-dsn is required: --pg-dsn or O2C_PG_DSN");
    assert_refused(LOAD("program", "--pg-dsn"), "option --pg-dsn needs a value");
    assert_refused(LOAD("program", "--pg-dsn=x", "--batch-limit=0"),
                   "--batch-limit: \"0\" is not a number from 1 to 1000");
    setenv("O2C_BATCH_LIMIT", "1001", 1);
    assert_refused(LOAD("program", "--pg-dsn=x"),
                   "O2C_BATCH_LIMIT: \"1001\" is not a number from 1 to 1000");
    unsetenv("O2C_BATCH_LIMIT");
    write_file("pg-dsn = x\n\nquiet = perhaps\n");
    char words[200];
    snprintf(words, sizeof words, "%s line 3: quiet: \"perhaps\" is not true or false",
             file_path);
    assert_refused(LOAD("program"), words);
}

static void a_file_that_is_no_text_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char nul[] = "pg-dsn = x\nbatch-limit = 5\0\0\n";
    char words[200];
    snprintf(words, sizeof words, "%s line 2: not UTF-8 text", file_path);
    write_bytes(nul, sizeof nul - 1); /* not 5 with something unread behind it */
    assert_refused(LOAD("program"), words);
    write_file("pg-dsn = x\ntopic-prefix = caf\xe9\n");
    assert_refused(LOAD("program"), words);
}

/* The file by a path that takes more room than a whole message. */
static void a_long_path_hides_neither_setting_nor_value(void **state)
{
    (void)state;
    char path[400] = "/tmp", words[300];
    for (size_t len = strlen(path); len < 340; len += 2)
        snprintf(path + len, sizeof path - len, "/.");
    snprintf(path + strlen(path), sizeof path - strlen(path), "%s", file_path + 4);
    write_file("pg-dsn = x\nquiet = perhaps\n");
    setenv("O2C_CONFIG", path, 1);
    snprintf(words, sizeof words, "...%s line 2: quiet: \"perhaps\" is not true or false",
             path + strlen(path) - 80);
    assert_refused(LOAD("program"), words);
}

static void a_malformed_file_is_refused_with_its_line(void **state)
{
    (void)state;
    char words[200];
    write_file("pg-dsn = x\nquiet\n");
    snprintf(words, sizeof words, "%s line 2: not name = value", file_path);
    assert_refused(LOAD("program"), words);
    write_file("pg-dsn = x\nquiet = no\npg-dsn = y\n");
    snprintf(words, sizeof words, "%s line 3: pg-dsn stands on line 1 already", file_path);
    assert_refused(LOAD("program"), words);
    assert_refused(LOAD("program", "--pg-dsn=z"), words); /* whatever is stronger */
    setenv("O2C_CONFIG", "/tmp", 1);
    assert_refused(LOAD("program"), "configuration /tmp cannot be read");
}

static void the_table_describes_itself(void **state)
{
    (void)state;
    struct o2c_buf out;
    o2c_buf_init(&out, 10000);
    o2c_config_describe(&out, tables, 2, true);
    assert_string_equal(
        o2c_buf_text(&out),
        "| setting | variable | values | default | meaning |\n|---|---|---|---|---|\n"
        "| `pg-dsn` | `O2C_PG_DSN` | text | required | where PostgreSQL is (secret) |\n"
        "| `topic-prefix` | `O2C_TOPIC_PREFIX` | text | empty | put before every topic |\n"
        "| `batch-limit` | `O2C_BATCH_LIMIT` | 1..1000 events | 10 events | events in one "
        "batch |\n"
        "| `quiet` | `O2C_QUIET` | true or false | no | say little |\n");
    o2c_buf_reset(&out);
    o2c_config_describe(&out, tables, 2, false);
    assert_non_null(strstr(o2c_buf_text(&out),
                           "  --batch-limit VALUE\n      events in one batch\n"
                           "      O2C_BATCH_LIMIT; 1..1000 events; default 10 events\n"));
    assert_non_null(strstr(o2c_buf_text(&out), "  --quiet\n      say little\n"));
    const struct o2c_settings_table of_one_call = {beside, 4};
    o2c_buf_reset(&out);
    o2c_config_describe(&out, &of_one_call, 1, false);
    assert_string_equal(
        o2c_buf_text(&out),
        "  --pg-dsn VALUE\n      where this once\n      text; default here\n"
        "  --batch-limit VALUE\n      how many\n      1..1000; default 10\n"
        "  --quiet\n      say little\n      true or false; default no\n");
    o2c_buf_reset(&out);
    o2c_config_describe(&out, &of_one_call, 1, true);
    assert_non_null(strstr(o2c_buf_text(&out), "| `pg-dsn` | none | text | here |"));
    assert_null(strstr(o2c_buf_text(&out), "topic-prefix"));
    o2c_buf_clear(&out);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(file_path);
}

static int make_file(void **state)
{
    (void)state;
    return close(mkstemp(file_path));
}

#define config_test(f) cmocka_unit_test_setup_teardown(f, forget, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        config_test(defaults_hold_where_nothing_is_given),
        config_test(arguments_beat_the_environment_and_that_the_file),
        config_test(an_empty_value_is_a_value),
        config_test(a_value_may_hold_equals_signs_and_hashes),
        config_test(the_file_named_by_the_option_is_the_one_read),
        config_test(reading_stops_at_the_first_word_that_is_no_option),
        config_test(a_word_too_many_is_named_where_none_is_taken),
        config_test(a_flag_takes_the_next_word_only_if_it_is_a_truth),
        config_test(an_unknown_key_is_refused_by_its_name),
        config_test(what_only_others_use_is_passed_over_and_no_option),
        config_test(what_belongs_to_one_call_is_given_on_its_command_line),
        config_test(without_any_setting_neither_environment_nor_file_is_read),
        config_test(variables_of_the_test_build_are_no_settings),
        config_test(what_is_wrong_with_a_value_is_said_with_its_place),
        config_test(a_file_that_is_no_text_is_refused_with_its_line),
        config_test(a_long_path_hides_neither_setting_nor_value),
        config_test(a_malformed_file_is_refused_with_its_line),
        config_test(the_table_describes_itself),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
