#include "runtime/kafka/lag.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <setjmp.h>

#include <cmocka.h>

#include "runtime/base/banned.h"

#define S INT64_C(1000000)

static const struct {
    const char *name;
    struct o2c_lag_state state;
    enum o2c_lag_status status;
} cases[] = {
    {"nothing waits", {0, 0, 3600 * S, true}, O2C_LAG_OK},
    {"nothing waits and nobody is there", {0, 0, 3600 * S, false}, O2C_LAG_OK},
    {"it has only just come, after a quiet day", {1, 1, 86400 * S, true}, O2C_LAG_OK},
    {"it moves, not late", {900, 59 * S, 0, true}, O2C_LAG_OK},
    {"it moves, late", {900, 60 * S, 14 * S, true}, O2C_LAG_WARN},
    {"it waits, not yet for long", {1, 14 * S, 86400 * S, true}, O2C_LAG_OK},
    {"it waits and nothing moves", {1, 15 * S, 15 * S, true}, O2C_LAG_STALL},
    {"it waits and nothing ever moved", {1, 15 * S, -1, true}, O2C_LAG_STALL},
    {"nobody is there", {1, 0, 0, false}, O2C_LAG_STOP},
    {"nobody is there for long", {1, 3600 * S, 3600 * S, false}, O2C_LAG_STOP},
};

static void each_state_has_its_word(void **state)
{
    struct o2c_lag_limits limits = {O2C_LAG_WARN_S * S, O2C_LAG_STALL_S * S};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum o2c_lag_status found = o2c_lag_judge(&cases[i].state, &limits);

        if (found != cases[i].status)
            fail_msg("%s: %d, expected %d", cases[i].name, found, cases[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_state_has_its_word)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
