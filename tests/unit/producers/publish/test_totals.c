#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "producers/publish/facts.h"
#include "producers/publish/totals.h"

static char told[512];

static void add(json_t *totals, const char *customer, int64_t amount)
{
    const struct o2c_facts facts = {.type = O2C_PAYMENT_RECEIVED,
                                    .customer = o2c_str_from(customer),
                                    .currency = O2C_STR("EUR"),
                                    .has_amount = true,
                                    .amount_minor = amount};
    assert_true(o2c_totals_add(totals, &facts));
}

static void assert_dump(const json_t *totals, const char *expected)
{
    char *text = json_dumps(totals, JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
}

static void events_are_counted_and_summed(void **state)
{
    json_t *totals = json_object();
    (void)state;
    add(totals, "A", 5);
    add(totals, "A", 6);
    add(totals, "B", 7);
    assert_dump(totals, "{\"PaymentReceived\":{"
                        "\"A\":{\"EUR\":{\"amount_minor\":11,\"count\":2}},"
                        "\"B\":{\"EUR\":{\"amount_minor\":7,\"count\":1}}}}");
    json_decref(totals);
}

static void a_sum_that_does_not_fit_is_null_for_good(void **state)
{
    json_t *totals = json_object();
    (void)state;
    add(totals, "A", INT64_MAX);
    add(totals, "A", 1);
    add(totals, "A", -5);
    assert_dump(
        totals,
        "{\"PaymentReceived\":{\"A\":{\"EUR\":{\"amount_minor\":null,\"count\":3}}}}");
    json_decref(totals);
}

static void on_difference(void *user, const char *type, const char *customer,
                          const char *currency, const json_t *left, const json_t *right)
{
    size_t at = strlen(told);
    (void)user;
    snprintf(told + at, sizeof(told) - at, "%s %s %s %s%s;", type, customer, currency,
             left ? "left" : "", right ? "right" : "");
}

static void every_difference_is_told_once(void **state)
{
    json_t *left = json_object(), *right = json_object();
    (void)state;
    add(left, "A", 1);
    add(left, "B", 2);
    add(left, "C", 3);
    add(right, "A", 1);
    add(right, "B", 1);
    add(right, "D", 4);
    told[0] = '\0';
    o2c_totals_compare(left, right, on_difference, NULL);
    assert_string_equal(told, "PaymentReceived B EUR leftright;PaymentReceived C EUR left;"
                              "PaymentReceived D EUR right;");
    json_decref(left);
    json_decref(right);
}

static void a_file_is_written_and_read_back(void **state)
{
    char folder[] = "/tmp/totals-XXXXXX", path[64], beside[64];
    struct o2c_err err;
    json_t *read = NULL, *run = json_pack("{s{s{}}}", "totals", "PaymentReceived");
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/r.json", folder);
    snprintf(beside, sizeof(beside), "%s/none/r.json", folder);
    assert_int_equal(o2c_totals_read(path, &read, &err), O2C_RETRY);
    assert_int_equal(o2c_totals_write(path, run, &err), O2C_OK);
    assert_int_equal(o2c_totals_read(path, &read, &err), O2C_OK);
    assert_true(json_equal(read, run));
    assert_int_equal(o2c_totals_write(beside, run, &err), O2C_RETRY);
    assert_non_null(strstr(err.text, "No such file or directory"));
    json_object_del(run, "totals");
    assert_int_equal(o2c_totals_write(path, run, &err), O2C_OK);
    json_decref(read);
    assert_int_equal(o2c_totals_read(path, &read, &err), O2C_PARK);
    json_decref(run);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void a_run_is_named_so_that_its_file_lies_here(void **state)
{
    char longest[O2C_RUN_ID_BYTES + 2] = "", path[O2C_TOTALS_PATH_BYTES];
    (void)state;
    memset(longest, 'r', O2C_RUN_ID_BYTES);
    assert_true(o2c_run_id_is_valid(longest));
    o2c_totals_path(longest, path);
    assert_memory_equal(path, longest, O2C_RUN_ID_BYTES);
    assert_string_equal(path + O2C_RUN_ID_BYTES, ".totals.json");
    longest[O2C_RUN_ID_BYTES] = 'r';
    const char *const bad[] = {"",    "../r", ".r",          "-r",
                               "a b", "a/b",  "caf\xc3\xa9", longest};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(o2c_run_id_is_valid(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_counted_and_summed),
        cmocka_unit_test(a_sum_that_does_not_fit_is_null_for_good),
        cmocka_unit_test(every_difference_is_told_once),
        cmocka_unit_test(a_file_is_written_and_read_back),
        cmocka_unit_test(a_run_is_named_so_that_its_file_lies_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
