/* random.c: one seed is one sequence, shares come out as asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "producers/simulator/random.h"

#include "runtime/base/banned.h"

static void one_seed_is_one_sequence(void **state)
{
    (void)state;
    struct o2c_sim_random a = o2c_sim_random_for(1, O2C_SIM_FOR_ORDER, 7), b = a;
    for (int i = 0; i < 100; i++)
        assert_true(o2c_sim_next(&a) == o2c_sim_next(&b));
}

static void subjects_purposes_and_seeds_draw_differently(void **state)
{
    (void)state;
    struct o2c_sim_random made[] = {o2c_sim_random_for(1, O2C_SIM_FOR_ORDER, 7),
                                    o2c_sim_random_for(2, O2C_SIM_FOR_ORDER, 7),
                                    o2c_sim_random_for(1, O2C_SIM_FOR_ORDER, 8),
                                    o2c_sim_random_for(1, O2C_SIM_FOR_CUSTOMER, 7)};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(made[i].state != made[j].state);
}

static void a_number_lies_between_its_bounds_and_reaches_them(void **state)
{
    (void)state;
    struct o2c_sim_random random = o2c_sim_random_for(1, O2C_SIM_FOR_ORDER, 0);
    int counts[5] = {0};
    for (int i = 0; i < 5000; i++) {
        int64_t at = o2c_sim_between(&random, -2, 2);
        assert_in_range((uintmax_t)(at + 2), 0, 4);
        counts[at + 2]++;
    }
    for (int i = 0; i < 5; i++)
        assert_in_range((uintmax_t)counts[i], 900, 1100);
    assert_true(o2c_sim_between(&random, 3, 3) == 3);
}

static void chance_knows_never_and_always(void **state)
{
    (void)state;
    struct o2c_sim_random random = o2c_sim_random_for(1, O2C_SIM_FOR_ORDER, 0);
    for (int i = 0; i < 1000; i++) {
        assert_false(o2c_sim_chance(&random, 0));
        assert_true(o2c_sim_chance(&random, 1000000));
    }
}

static void a_share_of_a_thousand_is_met_within_a_few(void **state)
{
    (void)state;
    for (int share = O2C_SIM_SHARE_FATE; share <= O2C_SIM_SHARE_CONTRADICTED; share++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            int count = 0;
            for (uint64_t number = 0; number < 1000; number++)
                count += o2c_sim_place(seed, (enum o2c_sim_share)share, number) < 200000;
            assert_in_range((uintmax_t)count, 196, 204);
        }
}

static void two_shares_are_independent(void **state)
{
    (void)state;
    for (int share = O2C_SIM_SHARE_AMENDED; share <= O2C_SIM_SHARE_CONTRADICTED; share++) {
        int both = 0;
        for (uint64_t number = 0; number < 10000; number++)
            both += o2c_sim_place(1, O2C_SIM_SHARE_FATE, number) < 300000 &&
                    o2c_sim_place(1, (enum o2c_sim_share)share, number) < 200000;
        assert_in_range((uintmax_t)both, 570, 630);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_is_one_sequence),
        cmocka_unit_test(subjects_purposes_and_seeds_draw_differently),
        cmocka_unit_test(a_number_lies_between_its_bounds_and_reaches_them),
        cmocka_unit_test(chance_knows_never_and_always),
        cmocka_unit_test(a_share_of_a_thousand_is_met_within_a_few),
        cmocka_unit_test(two_shares_are_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
