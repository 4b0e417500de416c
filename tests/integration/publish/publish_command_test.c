#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/integration/publish/command.h"
#include "tests/integration/publish/mock_kafka.h"
#include "tests/support/await.h"

enum {
    PARTITIONS = 3
};

#define ORDER(id)                                                                          \
    "{\"type\":\"OrderCancelled\",\"source\":\"shop\",\"customer_id\":\"c1\","             \
    "\"order_id\":\"" id "\",\"revision\":2,\"reason\":\"changed my mind\"}\n"

#define RUN(...) command_run(&command, NULL, (const char *const[]){__VA_ARGS__, NULL})

static struct command command;
static struct mock_cluster mock;

static int set_up(void **state)
{
    (void)state;
    command_init(&command);
    mock_kafka_start(&mock, PARTITIONS, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mock_kafka_stop(&mock);
    command_clear(&command);
    return 0;
}

static size_t published(struct mock_record **ret_records)
{
    return mock_kafka_read(&mock, "o2c.orders", PARTITIONS, ret_records);
}

static size_t published_count(void)
{
    struct mock_record *records;
    size_t count = published(&records);
    free(records);
    return count;
}

static void assert_said(const char *text)
{
    if (!strstr(command.said, text))
        fail_msg("\"%s\" is not in:\n%s", text, command.said);
}

static void check_lists_every_fault_with_line_field_and_value(void **state)
{
    (void)state;
    command_file(
        &command, "orders.ndjson",
        ORDER(
            "o1") "{\"type\":\"OrderPlaced\",\"source\":\"s\",\"customer_id\":\"c\","
                  "\"order_id\":\"o\",\"placed_at\":\"2026-13-01T00:00:00Z\",\"currency\":"
                  "\"EUR\",\"invoice_policy\":\"sometimes\",\"ship_policy\":\"on_order\","
                  "\"lines\":[{\"line_no\":1,\"sku\":\"A\",\"quantity_milli\":1},{\"line_"
                  "no\":"
                  "2,\"quantity_milli\":\"abc\"}],\"colour\":\"red\"}\n"
                  "\n"
                  "{\"type\":\"OrderLost\"}\n"
                  "{\"type\":\"OrderCancelled\"\n"
                  "17\n"
                  "{\"barrier\": true}\n"
                  "{\"type\":\"OrderStatusChanged\",\"source\":\"s\",\"customer_id\":\"c\","
                  "\"order_id\":\"o\",\"state\":\"received\",\"shipment_state\":\"none\","
                  "\"invoice_state\":\"none\"}\n" ORDER("o2"));
    assert_int_equal(RUN("publish", "--check", "--kafka", "127.0.0.1:9", "orders.ndjson"),
                     1);
    assert_said("orders.ndjson:2: OrderPlaced.placed_at: \"2026-13-01T00:00:00Z\" is not ");
    assert_said(
        "orders.ndjson:2: OrderPlaced.invoice_policy: \"sometimes\" is not one of ");
    assert_said("orders.ndjson:2: OrderPlaced.lines[1].sku: is missing; expected ");
    assert_said(
        "orders.ndjson:2: OrderPlaced.lines[1].quantity_milli: \"abc\" is not a whole "
        "number");
    assert_said(
        "orders.ndjson:2: OrderPlaced.colour: (not shown) is not a field of OrderPlaced");
    assert_said("orders.ndjson:4: type: \"OrderLost\" is not ");
    assert_said("orders.ndjson:5: is no JSON: ");
    assert_said("orders.ndjson:6: the line is no JSON object\n");
    assert_said("orders.ndjson:7: barrier: only with --barriers\n");
    assert_said(
        "orders.ndjson:8: OrderStatusChanged is published by the pipeline itself\n");
    assert_said("OrderCancelled                          2          0\n");
    assert_said("OrderPlaced                             0          1\n");
    assert_said("(type unknown)                          0          4\n");
    assert_int_equal(published_count(), 0);
}

static void good_lines_are_published_beside_bad_ones(void **state)
{
    struct mock_record *records;
    (void)state;
    command_file(&command, "o.ndjson", ORDER("o1") "nonsense\n" ORDER("o2"));
    assert_int_equal(RUN("publish", "--kafka", mock.bootstrap, "o.ndjson"), 1);
    assert_said("o.ndjson:2: is no JSON");
    assert_said("total                                   2          1\n");
    assert_int_equal(published(&records), 2);
    assert_string_equal(records[0].key, "c1");
    assert_int_equal(records[0].value[0], 0);
    assert_non_null(strstr(records[0].headers, "ce_type=OrderCancelled;ce_source=shop;"));
    free(records);
}

static void strict_publishes_nothing_when_anything_is_wrong(void **state)
{
    (void)state;
    command_file(&command, "o.ndjson", ORDER("o1") "nonsense\n" ORDER("o2"));
    assert_int_equal(RUN("publish", "--strict", "--kafka", mock.bootstrap, "o.ndjson"), 1);
    assert_said("nothing was published: --strict, and one was refused");
    assert_int_equal(published_count(), 0);
}

static void strict_reads_standard_input_first_and_then_publishes_all(void **state)
{
    const char *const args[] = {"publish",      "-", "--strict", "--kafka",
                                mock.bootstrap, NULL};
    (void)state;
    assert_int_equal(command_run(&command, ORDER("o1") ORDER("o2") ORDER("o3"), args), 0);
    assert_said("total                                   3          0\n");
    assert_int_equal(published_count(), 3);
}

static void a_line_that_is_published_twice_is_the_same_event(void **state)
{
    struct mock_record *records;
    const char *const args[] = {"publish", "--kafka", mock.bootstrap, "-", NULL};
    (void)state;
    assert_int_equal(command_run(&command, ORDER("o1") ORDER("o1"), args), 0);
    assert_int_equal(published(&records), 2);
    const char *first = strstr(records[0].headers, "ce_id=");
    const char *second = strstr(records[1].headers, "ce_id=");
    assert_memory_equal(first, second, strlen("ce_id=") + 36);
    free(records);
}

static void the_source_may_come_from_the_command_line(void **state)
{
    struct mock_record *records;
    const char *const args[] = {"publish",      "--source", "erp", "--kafka",
                                mock.bootstrap, "-",        NULL};
    (void)state;
    assert_int_equal(command_run(&command,
                                 "{\"type\":\"OrderCancelled\",\"customer_id\":\"c1\","
                                 "\"order_id\":\"o\",\"revision\":2,\"reason\":\"x\"}",
                                 args),
                     0);
    assert_int_equal(published(&records), 1);
    assert_non_null(strstr(records[0].headers, "ce_source=erp;"));
    free(records);
}

static void a_line_beyond_the_limit_is_refused(void **state)
{
    const char *const args[] = {"publish", "--check", "-", NULL};
    size_t len = (1 << 20) + 100;
    char *text = malloc(len + sizeof(ORDER("o1")) + 1);
    (void)state;
    assert_non_null(text);
    memset(text, ' ', len);
    text[len] = '\n';
    memcpy(text + len + 1, ORDER("o1"), sizeof(ORDER("o1")));
    assert_int_equal(command_run(&command, text, args), 1);
    assert_said("stdin:1: the line is longer than 1048576 bytes\n");
    assert_said("total                                   1          1\n");
    free(text);
}

static void usage_and_unreadable_files_end_with_2(void **state)
{
    (void)state;
    assert_int_equal(RUN("publish"), 2);
    assert_int_equal(RUN("publish", "a", "b"), 2);
    assert_int_equal(RUN("publish", "--no-such-option", "a"), 2);
    assert_int_equal(RUN("publish", "--check", "absent.ndjson"), 2);
    assert_said("absent.ndjson: No such file or directory");
    assert_int_equal(RUN("publish", "--check", "."), 2);
    assert_said(". is a directory; with --map it may be one");
    command_file(&command, "orders.CSV", "id,customer\n1,C-1\n");
    assert_int_equal(RUN("publish", "--check", "orders.CSV"), 2);
    assert_said("orders.CSV: CSV needs --map, which says how to read it");
    assert_int_equal(RUN("publish", "--barriers", "--by-day", "placed_at", "x"), 2);
    assert_int_equal(RUN("publish", "--log-level", "loud", "x"), 2);
}

static void an_unreachable_kafka_ends_with_3(void **state)
{
    (void)state;
    command_file(&command, "o.ndjson", ORDER("o1"));
    assert_int_equal(
        RUN("publish", "--kafka", "127.0.0.1:9", "--patience-s", "1", "o.ndjson"), 3);
    assert_said("Kafka at 127.0.0.1:9 cannot be reached");
}

static void topics_that_do_not_exist_end_with_3_and_name_the_remedy(void **state)
{
    (void)state;
    command_file(&command, "o.ndjson", ORDER("o1"));
    assert_int_equal(
        RUN("publish", "--kafka", mock.bootstrap, "--topic-prefix", "other.", "o.ndjson"),
        3);
    assert_said("run `o2c topics create` first");
}

/* Ctrl-C once Kafka has all of it, while more may come. */
static void interrupt_after(const char *lines, size_t count)
{
    const char *const args[] = {"publish", "--kafka", mock.bootstrap, "-", NULL};
    size_t before = published_count();
    int input;
    pid_t pid = command_start(&command, args, &input);
    assert_int_equal(write(input, lines, strlen(lines)), strlen(lines));
    struct await await = await_begin();
    while (published_count() < before + count)
        if (!await_more(&await))
            fail_msg("%zu of %zu lines are published", published_count() - before, count);
    kill(pid, SIGINT);
    assert_int_equal(command_wait(&command, pid), 130);
    (void)close(input);
}

/* The lines that were read are published and acknowledged before it ends. */
static void ctrl_c_flushes_and_says_how_far_it_came(void **state)
{
    (void)state;
    interrupt_after(ORDER("o1") ORDER("o2") ORDER("o3"), 3);
    assert_said("3 events are acknowledged, all of stdin up to line 3");
    assert_said("publishing everything again is harmless: repeats are recognised");
    interrupt_after(ORDER("o4"), 1);
    assert_said("1 event is acknowledged, all of stdin up to line 1");
}

/* Kafka has answered long ago when the end of the input makes it wait for the answer. */
static void
an_input_that_pauses_longer_than_the_patience_is_no_silence_of_kafka(void **state)
{
    const char *const args[] = {"publish", "--kafka", mock.bootstrap, "--patience-s", "1",
                                "-",       NULL};
    const char text[] = ORDER("o1");
    const struct timespec pause = {1, 300000000}; /* the pause is what is tested */
    int input;
    (void)state;
    pid_t pid = command_start(&command, args, &input);
    assert_int_equal(write(input, text, sizeof(text) - 1), sizeof(text) - 1);
    while (published_count() < 1)
        ;
    nanosleep(&pause, NULL);
    (void)close(input);
    assert_int_equal(command_wait(&command, pid), 0);
}

static void a_day_field_that_no_event_has_is_refused(void **state)
{
    (void)state;
    command_file(&command, "o.ndjson", ORDER("o1"));
    assert_int_equal(RUN("publish", "--check", "--by-day", "placed_on", "o.ndjson"), 2);
    assert_said("by-day: \"placed_on\" is no date or time of any event");
    assert_int_equal(RUN("publish", "--check", "--by-day", "order_id", "o.ndjson"), 2);
    assert_int_equal(RUN("publish", "--check", "--by-day", "placed_at", "o.ndjson"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(check_lists_every_fault_with_line_field_and_value),
        TEST(good_lines_are_published_beside_bad_ones),
        TEST(strict_publishes_nothing_when_anything_is_wrong),
        TEST(strict_reads_standard_input_first_and_then_publishes_all),
        TEST(a_line_that_is_published_twice_is_the_same_event),
        TEST(the_source_may_come_from_the_command_line),
        TEST(a_line_beyond_the_limit_is_refused),
        TEST(usage_and_unreadable_files_end_with_2),
        TEST(an_unreachable_kafka_ends_with_3),
        TEST(topics_that_do_not_exist_end_with_3_and_name_the_remedy),
        TEST(ctrl_c_flushes_and_says_how_far_it_came),
        TEST(an_input_that_pauses_longer_than_the_patience_is_no_silence_of_kafka),
        TEST(a_day_field_that_no_event_has_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
