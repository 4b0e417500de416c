#include "schemas/wire/json_canonical.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "runtime/base/buf.h"

static void must_give(const char *json, const char *without, const char *expected)
{
    struct o2c_buf buf;
    o2c_buf_init(&buf, 1 << 16);
    json_t *object = json_loads(json, 0, NULL);
    assert_non_null(object);
    o2c_json_canonical(&buf, object, without);
    assert_string_equal(o2c_buf_text(&buf), expected);
    json_decref(object);
    o2c_buf_clear(&buf);
}

static void names_are_sorted_at_every_depth(void **state)
{
    (void)state;
    must_give("{\"b\": 1, \"a\": [{\"z\": true, \"y\": null}, []], \"B\": false}", NULL,
              "{\"B\":false,\"a\":[{\"y\":null,\"z\":true},[]],\"b\":1}");
    must_give("{}", NULL, "{}");
}

static void texts_are_escaped_as_rfc_8785_says(void **state)
{
    (void)state;
    must_give("{\"t\": \"\\u20ac$\\u000f\\nA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"}", NULL,
              "{\"t\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
    must_give("{\"t\": \"\\b\\t\\u000b\\f\\r\\u001f\\u007f\"}", NULL,
              "{\"t\":\"\\b\\t\\u000b\\f\\r\\u001f\x7f\"}");
}

static void whole_numbers_keep_every_digit(void **state)
{
    (void)state;
    must_give("{\"n\": [0, -1, 9007199254740993, -9223372036854775808]}", NULL,
              "{\"n\":[0,-1,9007199254740993,-9223372036854775808]}");
}

static void the_member_left_out_is_left_out_at_the_top_only(void **state)
{
    (void)state;
    must_give("{\"type\": \"X\", \"a\": {\"type\": 1}}", "type", "{\"a\":{\"type\":1}}");
}

static void a_number_with_a_fraction_has_no_canonical_form_here(void **state)
{
    (void)state;
    struct o2c_buf buf;
    o2c_buf_init(&buf, 1 << 16);
    json_t *object = json_pack("{s:f}", "n", 1.5);
    o2c_json_canonical(&buf, object, NULL);
    assert_true(buf.failed);
    json_decref(object);
    o2c_buf_clear(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_sorted_at_every_depth),
        cmocka_unit_test(texts_are_escaped_as_rfc_8785_says),
        cmocka_unit_test(whole_numbers_keep_every_digit),
        cmocka_unit_test(the_member_left_out_is_left_out_at_the_top_only),
        cmocka_unit_test(a_number_with_a_fraction_has_no_canonical_form_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
