/* What a consumer demands of its topics and its database before it reads, and what it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/integration/host/host_test.h"

#include "runtime/base/banned.h"

/* ---- topics */

static void it_waits_for_a_topic_that_is_not_there_yet(void **state)
{
    (void)state;
    host_topics("o2c.order-status");
    put_order("acc", "o1", "");
    host_launch(&first, NULL, NULL);
    service_wait_log(&first, "waiting for a topic (o2c topics create)");
    expect_sql("0", "SELECT count(*) FROM probe.claim");
    service_wait_answer(&first, "/metrics", "\no2c_claimed_partitions 0\n");
    broker_topic(&broker, "o2c.order-status", PARTITIONS, NULL);
    await_applied(1);
    expect_trail("acc", "o1");
}

static void unequal_partition_counts_are_refused(void **state)
{
    (void)state;
    host_topics("o2c.order-status");
    broker_topic(&broker, "o2c.order-status", PARTITIONS + 1, NULL);
    host_expect_refusal(NULL, 1, "o2c.order-status has 5 partitions, the others 4");
    expect_sql("0", "SELECT count(*) FROM probe.claim");
}

static void a_topic_filled_anew_is_noticed(void **state)
{
    (void)state;
    host_topics(NULL);
    put_order("acc", "o1", "");
    host_start(&first, NULL, NULL);
    await_applied(1);
    assert_int_equal(service_end(&first), 0);
    broker_topic_delete(&broker, "o2c.orders");
    broker_topic(&broker, "o2c.orders", PARTITIONS, NULL);
    host_expect_refusal(NULL, 1, "a topic is shorter than what was read");
    put_order("acc", "another", "");
    put_order("acc", "one-more", "");
    host_expect_refusal(NULL, 1, "a topic was deleted and filled anew");
    expect_trail("acc", "o1");
}

/* ---- the database */

static void another_version_of_the_schema_is_refused(void **state)
{
    (void)state;
    host_topics(NULL);
    run_sql("UPDATE o2c.migration SET version = 7 WHERE folder = 'probe'");
    host_expect_refusal(NULL, 1, "schema probe is at version 7 (");
    run_sql("UPDATE o2c.migration SET version = CASE folder WHEN 'host' THEN 9 ELSE 1 END");
    host_expect_refusal(NULL, 1, "(engine 9)");
    run_sql("DELETE FROM o2c.migration");
    host_expect_refusal(NULL, 1, "run o2c migrate or the right release");
}

/* What the database says of the newest migration of this folder. */
static void migrated(const char *folder, const char *compatible_from)
{
    run_sql("INSERT INTO o2c.migration SELECT schema, folder, max(version) + 1, %s"
            "  FROM o2c.migration WHERE folder = '%s' GROUP BY 1, 2",
            compatible_from, folder);
}

/* First the database, then the programs one after another: none stands still meanwhile. */
static void a_later_schema_that_says_so_is_worked_with(void **state)
{
    (void)state;
    host_topics(NULL);
    host_start(&first, NULL, NULL);
    run_sql("ALTER TABLE probe.trail ADD later text");
    run_sql("ALTER TABLE probe.progress ADD later text");
    migrated("probe", "1");
    migrated("host", "6");
    migrated("probe", "1");
    put_order("acc", "o1", "");
    await_applied(1);
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE '%%probe-1'");
    service_wait_log(&first, "PostgreSQL is away");
    put_order("acc", "o2", "");
    await_applied(2);
    assert_int_equal(service_end(&first), 0);
    host_start(&first, NULL, NULL);
    put_order("acc", "o3", "");
    await_applied(3);
    expect_trail("acc", "o1 o2 o3");
}

/* The last migration speaks for itself alone: one in between has taken something away. */
static void a_later_schema_that_goes_only_with_later_programs_is_refused(void **state)
{
    (void)state;
    host_topics(NULL);
    migrated("probe", "2");
    migrated("probe", "1");
    host_expect_refusal(NULL, 1,
                        "schema probe is at version 3 (engine 6), compatible from 2");
    run_sql("DELETE FROM o2c.migration WHERE folder = 'probe' AND version > 1");
    migrated("host", "NULL");
    host_expect_refusal(NULL, 1, "compatible from 1 (engine 7)");
    expect_sql("0", "SELECT count(*) FROM probe.claim");
}

/* Compatible or not: what the program needs is not there. */
static void a_schema_older_than_needed_is_refused(void **state)
{
    (void)state;
    host_topics(NULL);
    run_sql("UPDATE o2c.migration SET version = version - 1, compatible_from = 1"
            " WHERE folder = 'host'");
    host_expect_refusal(NULL, 1, "(engine 5), compatible from 1 (engine 1)");
    run_sql("ALTER TABLE o2c.migration DROP compatible_from"); /* of a release before it */
    host_expect_refusal(NULL, 1, "(engine 5), compatible from 1 (engine 5)");
}

static void a_database_of_another_partition_count_or_cluster_is_refused(void **state)
{
    char *cluster_id = rd_kafka_clusterid(broker.rk, 20000);

    (void)state;
    host_topics(NULL);
    run_sql("INSERT INTO probe.claim VALUES"
            " (1, 3, 1, 'somebody', 1, now(), gen_random_uuid(), 'another', 4)");
    host_expect_refusal(NULL, 1, "partition 1 was claimed on Kafka cluster another");
    run_sql("UPDATE probe.claim SET partition_count = 6, cluster_id = '%s'", cluster_id);
    rd_kafka_mem_free(broker.rk, cluster_id);
    host_expect_refusal(NULL, 1, "topics had 6 partitions, now have 4");
    expect_sql("3", "SELECT max(epoch) FROM probe.claim");
}

static void a_topic_without_a_first_offset_names_the_command_that_writes_it(void **state)
{
    (void)state;
    host_topics(NULL);
    run_sql("DELETE FROM probe.first_offset WHERE topic = 'o2c.orders' AND partition = 3");
    host_expect_refusal(
        NULL, 1,
        "o2c.orders partition 3 has no first offset for consumer probe: run o2c "
        "topics create");
}

/* ---- settings */

static void what_is_no_setting_is_refused_by_name_and_value(void **state)
{
    (void)state;
    host_expect_refusal((const char *const[]){"--batch-evnts", "5", NULL}, 2,
                        "batch-evnts");
    host_expect_refusal((const char *const[]){"--batch-events", "0", NULL}, 2,
                        "batch-events");
    host_expect_refusal((const char *const[]){"--log-level", "loud", NULL}, 2, "loud");
    host_expect_refusal((const char *const[]){"--kafka-client", "no.such=1", NULL}, 2,
                        "no.such");
    host_expect_refusal((const char *const[]){"stray", NULL}, 2, "stray");
}

/* ---- after a commit */

struct wake {
    char path[64];
    int fd;
};

static void wake_open(struct wake *wake)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {40, 0};

    snprintf(wake->path, sizeof wake->path, "/tmp/o2c-test-wake-%ld", (long)getpid());
    memcpy(address.sun_path, wake->path, strlen(wake->path) + 1);
    wake->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(wake->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(bind(wake->fd, (struct sockaddr *)&address, sizeof address), 0);
}

static void wake_await(struct wake *wake)
{
    char byte;

    if (recv(wake->fd, &byte, 1, 0) != 1)
        fail_msg("no datagram");
}

/* How many were left. */
static int wake_close(struct wake *wake)
{
    char byte;
    int left = 0;

    while (recv(wake->fd, &byte, 1, MSG_DONTWAIT) == 1)
        left++;
    close(wake->fd);
    unlink(wake->path);
    return left;
}

/* The datagram is there as soon as what it tells of is. */
static void the_relay_is_woken_after_a_commit_that_published_something(void **state)
{
    struct wake wake;

    (void)state;
    host_topics(NULL);
    wake_open(&wake);
    host_start(&first, (const char *const[]){"--wake", wake.path, NULL}, NULL);
    put_order("acc", "o1", "");
    wake_await(&wake);
    expect_sql("1", "SELECT count(*) FROM probe.outbox");
    put_placed("acc", "no-route");
    await_sql(conn, "1", "SELECT skipped FROM probe.done");
    put_order("acc", "o2", "");
    wake_await(&wake);
    expect_sql("2", "SELECT count(*) FROM probe.outbox");
    assert_int_equal(wake_close(&wake), 0); /* one each, none for what was skipped */
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, host_setup_bare, host_teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_waits_for_a_topic_that_is_not_there_yet),
        TEST(unequal_partition_counts_are_refused),
        TEST(a_topic_filled_anew_is_noticed),
        TEST(another_version_of_the_schema_is_refused),
        TEST(a_later_schema_that_says_so_is_worked_with),
        TEST(a_later_schema_that_goes_only_with_later_programs_is_refused),
        TEST(a_schema_older_than_needed_is_refused),
        TEST(a_database_of_another_partition_count_or_cluster_is_refused),
        TEST(a_topic_without_a_first_offset_names_the_command_that_writes_it),
        TEST(what_is_no_setting_is_refused_by_name_and_value),
        TEST(the_relay_is_woken_after_a_commit_that_published_something),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
