/* err.c: what a failure says on its way up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/err.h"

#include "runtime/base/banned.h"

static void a_failure_carries_verdict_and_words(void **state)
{
    (void)state;
    struct o2c_err err = {.native = 7};
    assert_int_equal(o2c_fail(&err, O2C_PARK, "line %d: %s", 3, "no quantity"), O2C_PARK);
    assert_int_equal(err.verdict, O2C_PARK);
    assert_int_equal(err.native, 0);
    assert_string_equal(err.text, "line 3: no quantity");
}

static void a_failure_may_quote_itself(void **state)
{
    (void)state;
    struct o2c_err err;
    o2c_fail(&err, O2C_RETRY, "refused");
    o2c_fail(&err, O2C_FATAL, "gave up: %s", err.text);
    assert_string_equal(err.text, "gave up: refused");
}

static void a_prefix_keeps_the_verdict_and_the_native_code(void **state)
{
    (void)state;
    struct o2c_err err;
    o2c_fail(&err, O2C_FENCED, "claimed");
    err.native = 42;
    assert_int_equal(o2c_fail_in(&err, "partition %d", 5), O2C_FENCED);
    assert_int_equal(err.native, 42);
    assert_string_equal(err.text, "partition 5: claimed");
}

static void a_long_text_is_not_cut_inside_a_character(void **state)
{
    (void)state;
    static const char *const characters[] = {"\xC3\xBC", "\xE2\x82\xAC",
                                             "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++)
        for (size_t lead = 0; lead < 4; lead++) {
            struct o2c_err err;
            char words[2 * O2C_ERR_TEXT] = "xxxx";
            size_t len = lead, one = strlen(characters[i]);
            while (len + one < sizeof words) {
                memcpy(words + len, characters[i], one);
                len += one;
            }
            words[len] = '\0';
            o2c_fail(&err, O2C_PARK, "%s", words);
            assert_int_equal((strlen(err.text) - lead) % one, 0);
            assert_true(strlen(err.text) + one > O2C_ERR_TEXT - 1);
            o2c_fail_in(&err, "in");
            assert_int_equal((strlen(err.text) - lead - 4) % one, 0);
        }
}

static void a_long_text_is_cut_at_the_end(void **state)
{
    (void)state;
    struct o2c_err err;
    char words[2 * O2C_ERR_TEXT];
    memset(words, 'x', sizeof words);
    words[sizeof words - 1] = '\0';
    o2c_fail(&err, O2C_PARK, "%s", words);
    assert_int_equal(strlen(err.text), O2C_ERR_TEXT - 1);
    o2c_fail_in(&err, "orders");
    assert_int_equal(strlen(err.text), O2C_ERR_TEXT - 1);
    assert_memory_equal(err.text, "orders: xxx", 11);
    o2c_fail_in(&err, "%s", words);
    assert_int_equal(strlen(err.text), O2C_ERR_TEXT - 1);
}

static void every_verdict_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(o2c_verdict_name(O2C_OK), "ok");
    assert_string_equal(o2c_verdict_name(O2C_RETRY), "retry");
    assert_string_equal(o2c_verdict_name(O2C_PARK), "park");
    assert_string_equal(o2c_verdict_name(O2C_FENCED), "fenced");
    assert_string_equal(o2c_verdict_name(O2C_FATAL), "fatal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_carries_verdict_and_words),
        cmocka_unit_test(a_failure_may_quote_itself),
        cmocka_unit_test(a_prefix_keeps_the_verdict_and_the_native_code),
        cmocka_unit_test(a_long_text_is_not_cut_inside_a_character),
        cmocka_unit_test(a_long_text_is_cut_at_the_end),
        cmocka_unit_test(every_verdict_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
