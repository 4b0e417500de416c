/* settings.c: what the command line may say and what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "producers/simulator/settings.h"
#include "tests/unit/producers/simulator/sim_options.h"

#include "runtime/base/banned.h"

#define READ(...)                                                                          \
    sim_options_read((const char *const[]){"simulate", __VA_ARGS__, NULL}, &settings, &err)

static void the_defaults_are_a_month_of_a_middling_company(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_err err;
    assert_int_equal(sim_options_default(&settings, &err), 0);
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
    assert_int_equal(settings.contradicted, 0);
    assert_true(settings.receivables);
    assert_false(settings.ticks);
}

static void values_stand_behind_a_blank_or_an_equals_sign(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_err err;
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
    assert_int_equal(READ("--order", "7"), O2C_FATAL);
    assert_string_equal(err.text, "unknown option --order");
    assert_int_equal(READ("--orders"), O2C_FATAL);
    assert_string_equal(err.text, "option --orders needs a value");
    assert_int_equal(READ("--orders", "-1"), O2C_FATAL);
    assert_string_equal(err.text, "--orders: \"-1\" is not a number from 0 to 20000000");
    assert_int_equal(READ("--split-percent=101"), O2C_FATAL);
    assert_int_equal(READ("--days", "x"), O2C_FATAL);
    assert_int_equal(READ("--start-date", "2026-02-30"), O2C_PARK);
    assert_string_equal(err.text, "--start-date \"2026-02-30\" is no date (YYYY-MM-DD)");
    assert_int_equal(READ("--cancelled-percent=60", "--unshipped-percent=41"), O2C_PARK);
    assert_string_equal(
        err.text,
        "--cancelled-percent 60 and --unshipped-percent 41 are over 100 together");
    assert_int_equal(READ("--repeated-percent=99", "--contradicted-percent=2"), O2C_PARK);
    assert_string_equal(
        err.text,
        "--repeated-percent 99 and --contradicted-percent 2 are over 100 together");
}

static void the_environment_says_nothing(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_err err;
    setenv("O2C_SEED", "9", 1);
    setenv("O2C_CONFIG", "/nonexistent", 1);
    setenv("O2C_INSTANCE", "of a program beside it", 1);
    assert_int_equal(sim_options_default(&settings, &err), 0);
    assert_int_equal(settings.seed, 1);
    unsetenv("O2C_SEED");
    unsetenv("O2C_CONFIG");
    unsetenv("O2C_INSTANCE");
}

static void a_flag_is_switched_by_its_name_or_a_value(void **state)
{
    (void)state;
    struct o2c_sim_settings settings;
    struct o2c_err err;
    assert_int_equal(READ("--ticks", "--receivables=0"), 0);
    assert_true(settings.ticks);
    assert_false(settings.receivables);
    assert_int_equal(READ("--ticks=maybe"), O2C_FATAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_a_month_of_a_middling_company),
        cmocka_unit_test(values_stand_behind_a_blank_or_an_equals_sign),
        cmocka_unit_test(what_it_does_not_understand_is_named),
        cmocka_unit_test(the_environment_says_nothing),
        cmocka_unit_test(a_flag_is_switched_by_its_name_or_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
