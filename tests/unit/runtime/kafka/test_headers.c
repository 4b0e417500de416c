/* headers.c: records that carry stream headers, and those that only seem to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/base/buf.h"
#include "runtime/kafka/headers.h"
#include "tests/support/mock_cluster.h"

#include "runtime/base/banned.h"

static struct mock_cluster mock;
static rd_kafka_t *rk;
static int64_t next_offset;

#define INCARNATION "018e9f3a-1b2c-7d4e-8f50-123456789abc"

/* Names and values in turn, NULL-terminated; the value "(null)" stands for null. */
static rd_kafka_message_t *record_with(const char *const *words)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    for (; *words; words += 2)
        rd_kafka_header_add(headers, words[0], -1,
                            strcmp(words[1], "(null)") == 0 ? NULL : words[1],
                            strcmp(words[1], "(null)") == 0 ? 0 : -1);
    mock_cluster_produce(&mock, "t", 0, "v", headers);
    for (;;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 10000);
        assert_non_null(message);
        assert_int_equal(message->err, 0);
        if (message->offset == next_offset) {
            next_offset++;
            return message;
        }
        rd_kafka_message_destroy(message);
    }
}

#define RECORD(...) record_with((const char *const[]){__VA_ARGS__, NULL})

static void assert_parked(rd_kafka_message_t *message, const char *words)
{
    struct o2c_stream_headers headers = {.stream_seq = 77};
    struct o2c_err err;
    assert_int_equal(o2c_stream_headers_read(message, &headers, &err), O2C_PARK);
    assert_string_equal(err.text, words);
    assert_int_equal(headers.stream_seq, 77);
    rd_kafka_message_destroy(message);
}

static void assert_upstream(rd_kafka_message_t *message)
{
    struct o2c_stream_headers headers = {.present = true};
    struct o2c_err err;
    assert_int_equal(o2c_stream_headers_read(message, &headers, &err), O2C_OK);
    assert_false(headers.present);
    rd_kafka_message_destroy(message);
}

static void all_five_make_a_stream(void **state)
{
    (void)state;
    rd_kafka_message_t *message =
        RECORD("ce_id", "x", "source", "orders", "incarnation", INCARNATION,
               "source_partition", "11", "stream_seq", "9223372036854775807", "o2c_tick",
               "2026-01-31", "o2c_cause", "o2c.orders/11/42#0");
    struct o2c_stream_headers headers;
    struct o2c_err err;
    assert_int_equal(o2c_stream_headers_read(message, &headers, &err), O2C_OK);
    assert_true(headers.present);
    assert_true(o2c_str_eq(headers.source, O2C_STR("orders")));
    char text[O2C_UUID_TEXT + 1];
    o2c_uuid_format(&headers.incarnation, text);
    assert_string_equal(text, INCARNATION);
    assert_int_equal(headers.source_partition, 11);
    assert_true(headers.stream_seq == INT64_MAX);
    assert_true(o2c_str_eq(headers.cause, O2C_STR("o2c.orders/11/42#0")));
    assert_true(o2c_str_eq(headers.tick, O2C_STR("2026-01-31")));
    assert_true(o2c_str_eq(o2c_stream_tick(message), O2C_STR("2026-01-31")));
    rd_kafka_message_destroy(message);
}

static void without_them_it_comes_from_upstream(void **state)
{
    (void)state;
    assert_upstream(RECORD("ce_id", "x", "ce_source", "shop", "traceparent", "00-1-2-01"));
    assert_upstream(RECORD("o2c_tick", "2026-01-31", "sourcex", "y"));
    assert_upstream(record_with((const char *const[]){NULL}));
}

static void the_tick_may_be_missing(void **state)
{
    (void)state;
    rd_kafka_message_t *message =
        RECORD("source", "orders", "incarnation", INCARNATION, "source_partition", "11",
               "stream_seq", "1", "o2c_cause", "c");
    struct o2c_stream_headers headers;
    struct o2c_err err;
    assert_int_equal(o2c_stream_headers_read(message, &headers, &err), O2C_OK);
    assert_null(headers.tick.at);
    assert_null(o2c_stream_tick(message).at);
    rd_kafka_message_destroy(message);
    message = RECORD("o2c_tick", "2026-01-31", "o2c_tick", "2026-01-30");
    assert_null(o2c_stream_tick(message).at);
    rd_kafka_message_destroy(message);
}

static void one_that_is_missing_is_named(void **state)
{
    (void)state;
    assert_parked(RECORD("incarnation", INCARNATION, "source_partition", "0", "stream_seq",
                         "1", "o2c_cause", "c"),
                  "header source is missing");
    assert_parked(RECORD("source", "orders"), "header incarnation is missing");
    assert_parked(RECORD("source", "orders", "incarnation", INCARNATION, "source_partition",
                         "0", "stream_seq", "1"),
                  "header o2c_cause is missing");
}

static void one_that_is_malformed_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *source, *incarnation, *partition, *seq, *cause, *words;
    } cases[] = {
        {"", INCARNATION, "0", "1", "c", "header source is malformed"},
        {"caf\xc3\xa9", INCARNATION, "0", "1", "c", "header source is malformed"},
        {"(null)", INCARNATION, "0", "1", "c", "header source is malformed"},
        {"o", "018e9f3a", "0", "1", "c", "header incarnation is malformed"},
        {"o", INCARNATION, "-1", "1", "c", "header source_partition is malformed"},
        {"o", INCARNATION, "2147483648", "1", "c", "header source_partition is malformed"},
        {"o", INCARNATION, "zero", "1", "c", "header source_partition is malformed"},
        {"o", INCARNATION, "0", "0", "c", "header stream_seq is malformed"},
        {"o", INCARNATION, "0", "9223372036854775808", "c",
         "header stream_seq is malformed"},
        {"o", INCARNATION, "0", "1", "a\nb", "header o2c_cause is malformed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_parked(RECORD("source", cases[i].source, "incarnation", cases[i].incarnation,
                             "source_partition", cases[i].partition, "stream_seq",
                             cases[i].seq, "o2c_cause", cases[i].cause),
                      cases[i].words);
}

static void one_that_is_there_twice_is_named(void **state)
{
    (void)state;
    assert_parked(RECORD("source", "orders", "incarnation", INCARNATION, "source_partition",
                         "0", "stream_seq", "1", "o2c_cause", "c", "stream_seq", "2"),
                  "header stream_seq is there twice");
}

static void packed_headers_come_back_as_they_were(void **state)
{
    (void)state;
    static const char binary[] = {'\0', '\xff', '\0'};
    const struct {
        const char *name, *value;
        size_t len;
    } given[] = {
        {"traceparent", "00-ab-cd-01", 11},
        {"same", "first", 5},
        {"same", "second", 6},
        {"null", NULL, 0},
        {"empty", "", 0},
        {"binary", binary, 3},
        {"", "without a name", 14},
    };
    enum {
        COUNT = sizeof given / sizeof given[0]
    };
    rd_kafka_headers_t *headers = rd_kafka_headers_new(COUNT), *again;
    struct o2c_buf packed;
    struct o2c_err err;
    o2c_buf_init(&packed, 1000);
    for (size_t i = 0; i < COUNT; i++)
        rd_kafka_header_add(headers, given[i].name, -1, given[i].value,
                            (ssize_t)given[i].len);
    o2c_headers_pack(headers, &packed);
    assert_int_equal(
        o2c_headers_unpack((struct o2c_str){packed.at, packed.len}, &again, &err), O2C_OK);
    for (size_t i = 0; i <= COUNT; i++) {
        const char *name;
        const void *value;
        size_t len;
        bool there = !rd_kafka_header_get_all(again, i, &name, &value, &len);
        assert_int_equal(there, i < COUNT);
        if (!there)
            break;
        assert_string_equal(name, given[i].name);
        assert_true(o2c_str_eq((struct o2c_str){value, len},
                               (struct o2c_str){given[i].value, given[i].len}));
    }
    rd_kafka_headers_destroy(headers);
    rd_kafka_headers_destroy(again);
    o2c_buf_clear(&packed);
}

static void packed_headers_that_end_early_are_refused(void **state)
{
    (void)state;
    static const char whole[] = "name\0\0\0\0\3abc";
    struct o2c_err err;
    for (size_t len = 1; len < sizeof whole - 1; len++) {
        char *exact = malloc(len);
        rd_kafka_headers_t *headers = NULL;
        assert_non_null(exact);
        memcpy(exact, whole, len);
        assert_int_equal(o2c_headers_unpack((struct o2c_str){exact, len}, &headers, &err),
                         O2C_PARK);
        assert_string_equal(err.text, "packed headers are malformed at byte 0");
        assert_null(headers);
        free(exact);
    }
}

static int setup(void **state)
{
    (void)state;
    mock_cluster_open(&mock, 1);
    mock_cluster_topic(&mock, "t", 1);
    rk = mock_cluster_client(&mock, RD_KAFKA_CONSUMER, "group.id=g");
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "t", 0)->offset = 0;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rd_kafka_destroy(rk);
    mock_cluster_close(&mock);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_five_make_a_stream),
        cmocka_unit_test(without_them_it_comes_from_upstream),
        cmocka_unit_test(the_tick_may_be_missing),
        cmocka_unit_test(one_that_is_missing_is_named),
        cmocka_unit_test(one_that_is_malformed_is_named),
        cmocka_unit_test(one_that_is_there_twice_is_named),
        cmocka_unit_test(packed_headers_come_back_as_they_were),
        cmocka_unit_test(packed_headers_that_end_early_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
