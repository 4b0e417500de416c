/* What the headers of a record on o2c.parked.<consumer> say. */
#include "consumers/host/notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/banned.h"

enum {
    WORDS_MAX = 6
};

static rd_kafka_headers_t *headers_with(const char *const *words)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);

    for (; *words; words += 2)
        rd_kafka_header_add(headers, words[0], -1, words[1], -1);
    return headers;
}

static void state_and_what_is_left_are_read(void **state)
{
    static const struct {
        const char *text, *left;
        struct o2c_parked_notice notice;
    } rows[] = {
        {"parked", "1", {O2C_NOTICE_PARKED, 1}},
        {"parked", "9000000000", {O2C_NOTICE_PARKED, INT64_C(9000000000)}},
        {"released", "0", {O2C_NOTICE_RELEASED, 0}},
        {"released", "2", {O2C_NOTICE_RELEASED, 2}},
        {"discarded", "0", {O2C_NOTICE_DISCARDED, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *words[] = {"source",          "orders",     "o2c_parked", rows[i].text,
                               "o2c_parked_left", rows[i].left, NULL};
        rd_kafka_headers_t *headers = headers_with(words);
        struct o2c_parked_notice notice = {O2C_NOTICE_DISCARDED, 77};
        struct o2c_err err;

        if (notice_read(headers, &notice, &err))
            fail_msg("%s %s: %s", rows[i].text, rows[i].left, err.text);
        assert_int_equal(notice.state, rows[i].notice.state);
        assert_int_equal(notice.left, rows[i].notice.left);
        rd_kafka_headers_destroy(headers);
    }
}

static void what_makes_no_sense_is_refused_by_its_header(void **state)
{
    static const struct {
        const char *words[WORDS_MAX + 1];
        const char *header;
    } rows[] = {
        {{NULL}, "o2c_parked"},
        {{"o2c_parked_left", "1", NULL}, "o2c_parked"},
        {{"o2c_parked", "Parked", "o2c_parked_left", "1", NULL}, "o2c_parked"},
        {{"o2c_parked", "", "o2c_parked_left", "1", NULL}, "o2c_parked"},
        {{"o2c_parked", NULL}, "o2c_parked"},
        {{"o2c_parked", "parked", "o2c_parked", "parked", "o2c_parked_left", "1"},
         "o2c_parked"},
        {{"o2c_parked", "parked", NULL}, "o2c_parked_left"},
        {{"o2c_parked", "parked", "o2c_parked_left", "0", NULL}, "o2c_parked_left"},
        {{"o2c_parked", "released", "o2c_parked_left", "-1", NULL}, "o2c_parked_left"},
        {{"o2c_parked", "released", "o2c_parked_left", "", NULL}, "o2c_parked_left"},
        {{"o2c_parked", "released", "o2c_parked_left", "1x", NULL}, "o2c_parked_left"},
        {{"o2c_parked", "released", "o2c_parked_left", "0", "o2c_parked_left", "0"},
         "o2c_parked_left"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rd_kafka_headers_t *headers = headers_with(rows[i].words);
        struct o2c_parked_notice notice = {O2C_NOTICE_DISCARDED, 77};
        struct o2c_err err;
        char expected[80];

        snprintf(expected, sizeof expected, "header %s is missing or malformed",
                 rows[i].header);
        if (notice_read(headers, &notice, &err) != O2C_PARK)
            fail_msg("row %zu was read", i);
        assert_string_equal(err.text, expected);
        assert_int_equal(notice.left, 77);
        rd_kafka_headers_destroy(headers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_and_what_is_left_are_read),
        cmocka_unit_test(what_makes_no_sense_is_refused_by_its_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
