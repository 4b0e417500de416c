/* How a subcommand reads its words: options anywhere, flags without a value, operands. */
#include "producers/cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "producers/cli/commands.h"

#include "runtime/base/banned.h"

enum {
    WORDS_MAX = 12
};

struct given {
    const char *name;
    int64_t count;
    bool check;
};

static const struct o2c_setting rows[] = {
    {"name", O2C_SETTING_TEXT, offsetof(struct given, name), "", 0, 0, NULL, "a name",
     false},
    {"count", O2C_SETTING_INT, offsetof(struct given, count), "3", 1, 9, NULL, "how many",
     false},
    {"check", O2C_SETTING_FLAG, offsetof(struct given, check), "false", 0, 0, NULL,
     "only look", false},
};

static const struct o2c_settings_table table = {rows, 3};

static struct given given;
static struct options options;
static int status;

static bool load(const char *const *words)
{
    static char *argv[WORDS_MAX + 1];
    int argc = 1;

    given = (struct given){NULL, 0, false};
    options = (struct options){.usage = "o2c tested [options] FILE",
                               .about = "Tests.\n",
                               .table = &table,
                               .settings = &given,
                               .max_operands = 2};
    argv[0] = (char *)(uintptr_t) "tested";
    for (; *words; words++)
        argv[argc++] = (char *)(uintptr_t)*words;
    argv[argc] = NULL;
    status = -1;
    return options_load(&options, argc, argv, &status);
}

static int clear(void **state)
{
    (void)state;
    options_clear(&options);
    return 0;
}

/* The same meaning, however the words are put. */
static void options_stand_before_behind_and_between_operands(void **state)
{
    static const char *const ways[][WORDS_MAX] = {
        {"--check", "--count", "5", "--name", "x", "one", "two", NULL},
        {"one", "two", "--name=x", "--count=5", "--check", NULL},
        {"one", "--check", "two", "--count", "5", "--name=x", NULL},
        {"--check=true", "one", "--name", "x", "--count=5", "two", NULL},
    };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        assert_true(load(ways[i]));
        assert_string_equal(given.name, "x");
        assert_int_equal(given.count, 5);
        assert_true(given.check);
        assert_int_equal(options.operand_count, 2);
        assert_string_equal(options.operands[0], "one");
        assert_string_equal(options.operands[1], "two");
        clear(state);
    }
    assert_true(load((const char *const[]){NULL}));
    assert_int_equal(given.count, 3);
    assert_false(given.check);
}

static void behind_two_dashes_all_are_operands(void **state)
{
    (void)state;
    assert_true(load((const char *const[]){"--count=4", "--", "--check", "--help", NULL}));
    assert_int_equal(given.count, 4);
    assert_false(given.check);
    assert_int_equal(options.operand_count, 2);
    assert_string_equal(options.operands[0], "--check");
    assert_string_equal(options.operands[1], "--help");
}

static void a_dash_is_an_operand_and_a_value_may_look_like_an_option(void **state)
{
    (void)state;
    assert_true(load((const char *const[]){"-", "--name", "--check", NULL}));
    assert_string_equal(options.operands[0], "-");
    assert_string_equal(given.name, "--check");
    assert_false(given.check);
    clear(state);
    assert_true(load((const char *const[]){"--name=a=b", NULL}));
    assert_string_equal(given.name, "a=b");
}

static void what_is_wrong_is_a_usage_error(void **state)
{
    static const char *const wrong[][4] = {
        {"--nme", "x", NULL},
        {"--count", "10", NULL},
        {"--count", "x", NULL},
        {"--count", NULL},
        {"--check=maybe", NULL},
        {"one", "two", "three", NULL},
        {"--name=x", "--count=0", NULL},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(load(wrong[i]));
        assert_int_equal(status, EXIT_USAGE);
        clear(state);
    }
    assert_true(load((const char *const[]){NULL}));
}

static char *said_of(const char *const *words)
{
    char *said = NULL;
    size_t len;
    FILE *own = stderr;

    stderr = open_memstream(&said, &len);
    assert_non_null(stderr);
    assert_false(load(words));
    fclose(stderr);
    stderr = own;
    return said;
}

static void a_word_too_many_is_named(void **state)
{
    char *said =
        said_of((const char *const[]){"one", "two", "--check", "three", "four", NULL});

    (void)state;
    assert_string_equal(said, "o2c tested: \"three\" is a word too many\n"
                              "usage: o2c tested [options] FILE\n");
    free(said);
}

static void help_wins_over_everything_but_two_dashes(void **state)
{
    (void)state;
    assert_false(load((const char *const[]){"--nonsense", "--help", NULL}));
    assert_int_equal(status, EXIT_OK);
    clear(state);
    assert_false(load((const char *const[]){"-h", NULL}));
    assert_int_equal(status, EXIT_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, clear)
    const struct CMUnitTest tests[] = {
        TEST(options_stand_before_behind_and_between_operands),
        TEST(behind_two_dashes_all_are_operands),
        TEST(a_dash_is_an_operand_and_a_value_may_look_like_an_option),
        TEST(what_is_wrong_is_a_usage_error),
        TEST(a_word_too_many_is_named),
        TEST(help_wins_over_everything_but_two_dashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
