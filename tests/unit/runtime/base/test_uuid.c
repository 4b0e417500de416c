/* uuid.c: against the examples of RFC 9562, appendix A. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/uuid.h"

#include "runtime/base/banned.h"

static struct o2c_uuid parsed(const char *text)
{
    struct o2c_uuid uuid;
    assert_true(o2c_uuid_parse(o2c_str_from(text), &uuid));
    return uuid;
}

static void version_5_is_that_of_the_rfc(void **state)
{
    (void)state;
    char text[O2C_UUID_TEXT + 1];
    struct o2c_uuid dns = parsed("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    struct o2c_uuid uuid = o2c_uuid_v5(&dns, "www.example.com", 15);
    o2c_uuid_format(&uuid, text);
    assert_string_equal(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

/* RFC 9562 A.6: 2022-02-22T19:22:22.000Z is 0x017F22E279B0. */
static void version_7_begins_with_the_time(void **state)
{
    (void)state;
    char text[O2C_UUID_TEXT + 1];
    struct o2c_uuid uuid = o2c_uuid_v7(INT64_C(1645557742000) * 1000);
    o2c_uuid_format(&uuid, text);
    assert_memory_equal(text, "017f22e2-79b0-7000-", 19);
    assert_non_null(strchr("89ab", text[19]));
    struct o2c_uuid half = o2c_uuid_v7(INT64_C(1645557742000) * 1000 + 500);
    o2c_uuid_format(&half, text);
    assert_memory_equal(text, "017f22e2-79b0-7800-", 19);
}

static void version_7_sorts_by_time_and_repeats_never(void **state)
{
    (void)state;
    struct o2c_uuid last = o2c_uuid_v7(INT64_C(1700000000000000));
    for (int64_t us = 1; us < 3000; us++) {
        struct o2c_uuid uuid = o2c_uuid_v7(INT64_C(1700000000000000) + us);
        assert_true(memcmp(uuid.byte, last.byte, 8) >= 0);
        assert_true(memcmp(uuid.byte, last.byte, 16) != 0);
        last = uuid;
    }
    struct o2c_uuid a = o2c_uuid_v7(1), b = o2c_uuid_v7(1);
    assert_memory_not_equal(a.byte, b.byte, 16);
}

static void text_is_read_in_either_case_and_written_in_lower(void **state)
{
    (void)state;
    char text[O2C_UUID_TEXT + 1];
    struct o2c_uuid uuid = parsed("0123ABCD-eF01-2345-6789-abcdefABCDEF");
    o2c_uuid_format(&uuid, text);
    assert_string_equal(text, "0123abcd-ef01-2345-6789-abcdefabcdef");
}

static void other_forms_are_refused(void **state)
{
    (void)state;
    const char *bad[] = {NULL,
                         "",
                         "0123abcd-ef01-2345-6789-abcdefabcde",
                         "0123abcd-ef01-2345-6789-abcdefabcdef0",
                         "0123abcdef0123456789abcdefabcdef",
                         "{123abcd-ef01-2345-6789-abcdefabcde}",
                         "0123abcd-ef01-2345-6789_abcdefabcdef",
                         "0123abcg-ef01-2345-6789-abcdefabcdef",
                         "0123abcde-f01-2345-6789-abcdefabcdef"};
    struct o2c_uuid uuid, before;
    memset(&uuid, 0x55, sizeof uuid);
    before = uuid;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(o2c_uuid_parse(o2c_str_from(bad[i]), &uuid));
    assert_memory_equal(&uuid, &before, sizeof uuid);
}

/* Derived ids of records already written depend on it: it never changes. */
static void the_namespace_is_what_it_always_was(void **state)
{
    (void)state;
    char text[O2C_UUID_TEXT + 1];
    o2c_uuid_format(&O2C_UUID_NAMESPACE, text);
    assert_string_equal(text, "5f2e1c86-0b5d-4a33-9e47-6dc113f08a72");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_5_is_that_of_the_rfc),
        cmocka_unit_test(version_7_begins_with_the_time),
        cmocka_unit_test(version_7_sorts_by_time_and_repeats_never),
        cmocka_unit_test(text_is_read_in_either_case_and_written_in_lower),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(the_namespace_is_what_it_always_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
