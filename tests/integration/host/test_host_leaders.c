/*
 * Leaders of partitions and the group's coordinator move to other brokers, as
 * in a rolling restart of a cluster, while a consumer works: on librdkafka's
 * mock cluster, since the stack has one broker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/integration/host/host_test.h"
#include "tests/support/mock_cluster.h"

#include "runtime/base/banned.h"

enum {
    BROKERS = 3,
    MOVES = 6,
    NAME_BYTES = 160
};

static struct mock_cluster mock;

static void with_prefix(char name[NAME_BYTES], const char *what)
{
    snprintf(name, NAME_BYTES, "%s%s", broker.prefix, what);
}

/* Partition p of each topic to the broker p + shift, of brokers 1 to 3. */
static void lead(const char *topic, int shift)
{
    char name[NAME_BYTES];

    with_prefix(name, topic);
    for (int32_t p = 0; p < PARTITIONS; p++)
        assert_int_equal(rd_kafka_mock_partition_set_leader(mock.cluster, name, p,
                                                            (p + shift) % BROKERS + 1),
                         0);
}

static void move_leaders(int shift)
{
    for (size_t i = 0; i < HOST_TOPICS; i++)
        lead(host_topic_names[i], shift);
}

static void move_coordinator(int shift)
{
    char group[NAME_BYTES];

    with_prefix(group, "probe");
    assert_int_equal(
        rd_kafka_mock_coordinator_set(mock.cluster, "group", group, shift % BROKERS + 1),
        0);
}

static int setup(void **state)
{
    (void)state;
    mock_cluster_open(&mock, BROKERS);
    host_setup_on(mock.bootstrap);
    for (size_t i = 0; i < HOST_TOPICS; i++) {
        char name[NAME_BYTES];

        with_prefix(name, host_topic_names[i]);
        mock_cluster_topic(&mock, name, PARTITIONS);
    }
    move_leaders(0);
    move_coordinator(0);
    return 0;
}

static int teardown(void **state)
{
    host_teardown(state);
    mock_cluster_close(&mock);
    return 0;
}

/* An order for an account of each partition; how many. */
static int put_everywhere(int number)
{
    char order_id[16];

    snprintf(order_id, sizeof order_id, "%d", number);
    for (int32_t p = 0; p < PARTITIONS; p++)
        put_order(account_of(p, 0), order_id, "");
    return PARTITIONS;
}

static void expect_each_once_in_order(const char *orders)
{
    for (int32_t p = 0; p < PARTITIONS; p++)
        expect_trail(account_of(p, 0), orders);
}

/* Before the move some wait to be fetched from the old leader, behind it some come to the
 * new.
 */
static void events_count_once_while_leaders_and_coordinator_move(void **state)
{
    int put = 0;

    (void)state;
    host_start(&first, NULL, NULL);
    for (int move = 1; move <= MOVES; move++) {
        put += put_everywhere(2 * move - 1);
        move_leaders(move);
        move_coordinator(move);
        put += put_everywhere(2 * move);
        await_applied(put);
    }
    expect_each_once_in_order("1 2 3 4 5 6 7 8 9 10 11 12");
    assert_int_equal(service_end(&first), 0);
}

static void a_member_joins_at_the_coordinator_s_new_place(void **state)
{
    int put;

    (void)state;
    host_start(&first, NULL, NULL);
    put = put_everywhere(1);
    await_applied(put);
    move_leaders(1);
    move_coordinator(1);
    host_start(&second, NULL, NULL);
    put += put_everywhere(2);
    await_applied(put);
    expect_each_once_in_order("1 2");
    expect_sql("2", "SELECT count(DISTINCT owner) FROM probe.claim");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(events_count_once_while_leaders_and_coordinator_move),
        TEST(a_member_joins_at_the_coordinator_s_new_place),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
