/* How many events a batch takes, by what became of those before it. */
#include "consumers/host/take.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "runtime/base/banned.h"

static void the_first_batch_is_small_or_all_that_is_allowed(void **state)
{
    struct take take;

    (void)state;
    take_init(&take, 20000);
    assert_int_equal(take.limit, 1000);
    take_init(&take, 7);
    assert_int_equal(take.limit, 7);
}

static void full_batches_double_the_next_up_to_the_most(void **state)
{
    static const size_t limits[] = {2000, 4000, 8000, 16000, 20000, 20000};
    struct take take;

    (void)state;
    take_init(&take, 20000);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        take_fitted(&take, take.limit);
        assert_int_equal(take.limit, limits[i]);
    }
}

static void a_batch_that_took_little_says_nothing(void **state)
{
    struct take take;

    (void)state;
    take_init(&take, 20000);
    take_fitted(&take, 499);
    assert_int_equal(take.limit, 1000);
    take_fitted(&take, 500);
    assert_int_equal(take.limit, 2000);
}

static void after_a_part_that_had_to_end_growth_is_slow(void **state)
{
    struct take take;

    (void)state;
    take_init(&take, 20000);
    take_ended(&take, 640);
    assert_int_equal(take.limit, 640);
    take_fitted(&take, 640);
    assert_int_equal(take.limit, 661);
    take_ended(&take, 1);
    take_fitted(&take, 1);
    assert_int_equal(take.limit, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_batch_is_small_or_all_that_is_allowed),
        cmocka_unit_test(full_batches_double_the_next_up_to_the_most),
        cmocka_unit_test(a_batch_that_took_little_says_nothing),
        cmocka_unit_test(after_a_part_that_had_to_end_growth_is_slow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
