/* settings.c: what the command line may say and what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "producers/simulator/settings.h"

#include "runtime/base/banned.h"

static enum o2c_verdict parse(const char *const *words, struct o2c_sim_settings *settings,
                              bool *help, struct o2c_err *err)
{
    char *argv[8] = {0};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    return o2c_sim_settings_read(argc, argv, settings, help, err);
}

#define READ(...)                                                                          \
    parse((const char *const[]){"simulate", __VA_ARGS__, NULL}, &settings, &help, &err)

static void the_defaults_are_a_month_of_a_middling_company(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_err err;
    bool help;
    assert_int_equal(parse((const char *const[]){"simulate", NULL}, &settings, &help, &err),
                     0);
    assert_false(help);
    assert_int_equal(settings.accounts, 200);
    assert_int_equal(settings.orders, 1500);
    assert_int_equal(settings.days, 31);
    assert_int_equal(settings.start_date, 20513);
    assert_int_equal(settings.amended, 20);
    assert_int_equal(settings.cancelled, 8);
    assert_int_equal(settings.split, 25);
    assert_int_equal(settings.over_under, 5);
    assert_int_equal(settings.returned, 6);
    assert_int_equal(settings.repeated, 2);
    assert_int_equal(settings.late, 3);
    assert_int_equal(settings.conflicts, 0);
    assert_int_equal(settings.receivables, 1);
    assert_int_equal(settings.ticks, 0);
}

static void values_stand_behind_a_blank_or_an_equals_sign(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_err err;
    bool help;
    assert_int_equal(READ("--orders", "7", "--seed=9", "--start-date=2024-02-29"), 0);
    assert_int_equal(settings.orders, 7);
    assert_int_equal(settings.seed, 9);
    assert_int_equal(settings.start_date, 19782);
}

static void what_it_does_not_understand_is_named(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_err err;
    bool help;
    assert_int_equal(READ("--order", "7"), O2C_PARK);
    assert_string_equal(err.text, "there is no option --order");
    assert_int_equal(READ("many"), O2C_PARK);
    assert_string_equal(err.text, "\"many\" is no option");
    assert_int_equal(READ("--orders"), O2C_PARK);
    assert_string_equal(err.text, "--orders needs a value");
    assert_int_equal(READ("--orders", "-1"), O2C_PARK);
    assert_string_equal(err.text, "--orders: \"-1\" is no number from 0 to 20000000");
    assert_int_equal(READ("--split-percent=101"), O2C_PARK);
    assert_int_equal(READ("--days", "x"), O2C_PARK);
    assert_int_equal(READ("--start-date", "2026-02-30"), O2C_PARK);
    assert_string_equal(err.text,
                        "--start-date: \"2026-02-30\" is no date like 2026-03-01");
    assert_int_equal(READ("--cancelled-percent=60", "--unshipped-percent=41"), O2C_PARK);
}

static void help_is_told_apart_from_a_mistake(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_err err;
    bool help;
    assert_int_equal(READ("--orders=3", "--help"), 0);
    assert_true(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_a_month_of_a_middling_company),
        cmocka_unit_test(values_stand_behind_a_blank_or_an_equals_sign),
        cmocka_unit_test(what_it_does_not_understand_is_named),
        cmocka_unit_test(help_is_told_apart_from_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
