#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "runtime/base/str.h"
#include "schemas/wire/json.h"

enum {
    LONG_DIGITS = 400
};

static json_t *load(const char *text, json_error_t *error)
{
    return o2c_json_load(o2c_str_from(text), JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                         error);
}

static void must_become(const char *text, const char *expected)
{
    json_error_t error;
    json_t *json = load(text, &error);
    char *dumped = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

    if (!json)
        fail_msg("%s: %s", text, error.text);
    assert_string_equal(dumped, expected);
    free(dumped);
    json_decref(json);
}

static void what_jansson_can_hold_stays(void **state)
{
    static const char *const texts[] = {
        "{\"a\":[9223372036854775807,-9223372036854775808,0],\"b\":1.5,\"c\":null}",
        "[\"99999999999999999999\",\"\\\"99999999999999999999\"]", "17", "\"1e999\""};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        must_become(texts[i], texts[i]);
}

static void a_number_it_cannot_hold_is_kept_as_it_was_written(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"{\"a\":9223372036854775808}", "{\"a\":{\"#\":\"9223372036854775808\"}}"},
        {"[-9223372036854775809]", "[{\"#\":\"-9223372036854775809\"}]"},
        {"[ 1E999 ,-1e+999]", "[{\"#\":\"1E999\"},{\"#\":\"-1e+999\"}]"},
        {"[99999999999999999999, 7, -0, 1.50]",
         "[{\"#\":\"99999999999999999999\"},7,0,{\"#\":\"1.50\"}]"},
        {"{\"1e999\":1e999, \"x\\\\\":\"\\\\\\\"5\", \"y\": 1}",
         "{\"1e999\":{\"#\":\"1e999\"},\"x\\\\\":\"\\\\\\\"5\",\"y\":1}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        must_become(rows[i].text, rows[i].expected);
}

static void a_number_may_have_hundreds_of_digits(void **state)
{
    char digits[LONG_DIGITS + 1], text[LONG_DIGITS + 8];
    json_error_t error;
    json_t *json;

    (void)state;
    memset(digits, '7', LONG_DIGITS);
    digits[LONG_DIGITS] = '\0';
    snprintf(text, sizeof text, "[%s]", digits);
    json = load(text, &error);
    assert_non_null(json);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json, 0), O2C_JSON_NUMBER)),
        digits);
    json_decref(json);
}

/* Where it stands in the text that was given. */
static void what_is_no_json_beside_it_is_told(void **state)
{
    static const struct {
        const char *text;
        enum json_error_code code;
        int position;
    } rows[] = {
        {"[99999999999999999999", json_error_premature_end_of_input, 21},
        {"[99999999999999999999,]", json_error_invalid_syntax, 23},
        {"[99999999999999999999,01]", json_error_invalid_syntax, 23},
        {"[99999999999999999999-1]", json_error_invalid_syntax, 23},
        {"[99999999999999999999.]", json_error_invalid_syntax, 22},
        {"[-99999999999999999999, -1e999, +]", json_error_invalid_syntax, 33},
        {"[1e999,\"\\", json_error_invalid_syntax, 9},
        {"[1e999, \"a", json_error_premature_end_of_input, 10},
        {"[1 1e999]", json_error_invalid_syntax, 8},
        {"{\"a\":1e999,\"a\":1}", json_error_duplicate_key, 14},
    };
    json_error_t error;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (load(rows[i].text, &error))
            fail_msg("taken: %s", rows[i].text);
        if (json_error_code(&error) != rows[i].code || error.position != rows[i].position)
            fail_msg("%s: %s at %d, code %d", rows[i].text, error.text, error.position,
                     json_error_code(&error));
        if (strstr(error.text, "1.0"))
            fail_msg("%s: %s", rows[i].text, error.text);
    }
}

/* What comes behind it is not looked at. */
static void what_is_no_json_before_a_number_it_cannot_hold_is_told(void **state)
{
    json_error_t error;

    (void)state;
    assert_null(load("[01, 99999999999999999999]", &error));
    assert_int_equal(json_error_code(&error), json_error_invalid_syntax);
    assert_int_equal(error.position, 2);
}

static void a_text_that_is_one_number_is_no_object(void **state)
{
    json_error_t error;

    (void)state;
    assert_null(load("99999999999999999999", &error));
    assert_int_equal(json_error_code(&error), json_error_numeric_overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_jansson_can_hold_stays),
        cmocka_unit_test(a_number_it_cannot_hold_is_kept_as_it_was_written),
        cmocka_unit_test(a_number_may_have_hundreds_of_digits),
        cmocka_unit_test(what_is_no_json_beside_it_is_told),
        cmocka_unit_test(what_is_no_json_before_a_number_it_cannot_hold_is_told),
        cmocka_unit_test(a_text_that_is_one_number_is_no_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
