/* What becomes of a record: applied, set aside, dropped, parked; and of a stream with a
 * gap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/integration/host/host_test.h"

#include "runtime/base/banned.h"

static struct o2c_str key_of(const char *account)
{
    return o2c_str_from(account);
}

/* ---- without a usable key */

static void records_without_a_usable_key_are_set_aside_alone(void **state)
{
    const char *account = account_of(1, 0), *other = account_of(1, 1);

    (void)state;
    host_start(&first, NULL, NULL);
    put_order_at(1, (struct o2c_str){NULL, 0}, account, "no-key");
    put_order_at(1, O2C_STR(""), account, "empty-key");
    put_order_at(1, O2C_STR("\xff\xfe"), account, "no-text");
    put_order_at(2, key_of(account), account, "elsewhere");
    put_order_at(1, key_of(other), account, "of-another");
    put_order(account, "good", "");
    await_sql(conn, "6", "SELECT applied + set_aside FROM probe.done");
    expect_sql("good", "SELECT string_agg(orders, ' ') FROM probe.trail");
    expect_sql("no-key/0 no-key/1 no-key/2 key-mismatch/3 wrong-partition/0",
               "SELECT string_agg(reason || '/' || record_offset, ' '"
               "                  ORDER BY partition, record_offset) FROM probe.set_aside");
    expect_sql("set partitioner=murmur2_random in the publishing client",
               "SELECT split_part(detail, ': ', 2) FROM probe.set_aside"
               " WHERE reason = 'wrong-partition'");
    expect_sql("t", "SELECT position('of-another'::bytea IN value) > 0 FROM probe.set_aside"
                    " WHERE reason = 'key-mismatch'");
}

/* Headers count among the bytes of a batch: each of these is most of one. */
static void records_with_large_headers_are_set_aside_in_several_batches(void **state)
{
    static char large[40000];
    const char *account = account_of(1, 0);

    (void)state;
    memset(large, 'x', sizeof large);
    for (int i = 0; i < 20; i++)
        put_order_with_header(2, key_of(account), account, "note",
                              (struct o2c_str){large, sizeof large});
    host_start(&first, (const char *const[]){"--batch-bytes", "65536", NULL}, NULL);
    await_sql(conn, "20", "SELECT set_aside FROM probe.done");
    expect_sql("40009 40009", "SELECT min(length(headers)) || ' ' || max(length(headers))"
                              "  FROM probe.set_aside");
    expect_sql("t", "SELECT count(*) >= 10 FROM probe.progress");
    assert_int_equal(service_log_count(&first, "PostgreSQL is away"), 0);
}

static void a_record_on_a_partition_its_key_does_not_hash_to_is_never_applied(void **state)
{
    const char *account = account_of(1, 0);

    (void)state;
    host_start(&first, NULL, NULL);
    put_order_at(2, key_of(account), account, "elsewhere");
    await_sql(conn, "1", "SELECT applied + set_aside FROM probe.done");
    if (strcmp(sql_text(conn, "SELECT set_aside FROM probe.done"), "1") != 0)
        fail_msg("a record on the wrong partition was applied");
    expect_sql("wrong-partition", "SELECT reason FROM probe.set_aside");
}

/* ---- streams of the pipeline */

static struct stream in_stream(char incarnation, int64_t seq)
{
    return (struct stream){"elsewhere", incarnation, seq};
}

static void put_seq(const char *account, char incarnation, int64_t seq)
{
    struct stream stream = in_stream(incarnation, seq);
    char order_id[24];

    snprintf(order_id, sizeof order_id, "%c.%lld", incarnation, (long long)seq);
    put_rejected(account, order_id, &stream);
}

static void await_seen(int count)
{
    char expected[24];

    snprintf(expected, sizeof expected, "%d", count);
    await_sql(conn, expected, "SELECT applied + repeats FROM probe.done");
}

static void a_repeat_in_a_stream_is_dropped_also_after_a_restart(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_seq("acc", '1', 1);
    put_seq("acc", '1', 2);
    put_seq("acc", '1', 2);
    await_seen(3);
    if (strcmp(sql_text(conn, "SELECT applied FROM probe.done"), "2") != 0)
        fail_msg("a repeat of a stream was applied");
    put_seq("acc", '1', 1);
    put_seq("acc", '1', 3);
    await_seen(5);
    assert_int_equal(service_end(&first), 0);
    put_seq("acc", '1', 3);
    put_seq("acc", '1', 4);
    host_start(&first, NULL, NULL);
    await_seen(7);
    expect_trail("acc", "1.1 1.2 1.3 1.4");
    expect_sql("3", "SELECT repeats FROM probe.done");
    expect_sql("4", "SELECT last_seq FROM probe.inbound");
}

static void a_stream_that_began_before_this_consumer_is_taken_from_where_it_is(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_seq("acc", '1', 41);
    put_seq("acc", '1', 42);
    await_seen(2);
    expect_trail("acc", "1.41 1.42");
}

static void a_gap_in_a_stream_stops_its_partition_and_no_other(void **state)
{
    const char *here = account_of(1, 0), *there = account_of(2, 0);
    struct await await = await_begin();

    (void)state;
    host_start(&first, NULL, NULL);
    put_seq(here, '1', 1);
    await_seen(1);
    put_seq(here, '1', 3);
    put_seq(here, '1', 4);
    while (!service_log_count(&first, "a stream has a gap")) {
        if (strcmp(sql_text(conn, "SELECT applied FROM probe.done"), "1") != 0)
            fail_msg("a record behind a gap was applied");
        if (!await_more(&await))
            fail_msg("the gap was not noticed");
    }
    put_order(here, "behind", "");
    put_seq(there, '1', 1);
    put_order(there, "goes-on", "");
    await_seen(3);
    expect_trail(here, "1.1");
    assert_int_equal(service_log_count(&first, "\"expected\":2"), 1);
    expect_sql("1", "SELECT next_offsets->>'o2c.order-status' FROM probe.position"
                    " WHERE partition = 1");
    /* The alarm comes again with every start, until the missing record is there. */
    assert_int_equal(service_end(&first), 0);
    host_start(&first, NULL, NULL);
    service_wait_log(&first, "a stream has a gap");
    expect_sql("0", "SELECT count(*) FROM probe.trail WHERE orders LIKE '%1.3%'");
}

/* Nothing queues behind it, nor does the partition stop. */
static void a_record_of_a_stream_that_is_set_aside_makes_no_gap(void **state)
{
    const char *account = account_of(1, 0), *other = account_of(1, 1);
    struct stream second_of_stream = in_stream('1', 2);

    (void)state;
    host_start(&first, NULL, NULL);
    put_seq(account, '1', 1);
    put_rejected_with_key(account, other, "of-another", &second_of_stream);
    put_seq(account, '1', 3);
    await_sql(conn, "3", "SELECT applied + set_aside FROM probe.done");
    expect_trail(account, "1.1 1.3");
    expect_sql("key-mismatch", "SELECT reason FROM probe.set_aside");
    assert_int_equal(service_log_count(&first, "a stream has a gap"), 0);
}

static void an_older_incarnation_is_dropped_and_a_newer_one_begins_at_one(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_seq("acc", '2', 1);
    put_seq("acc", '1', 2);
    put_seq("acc", '2', 2);
    put_seq("acc", '3', 1);
    put_seq("acc", '2', 3);
    await_seen(5);
    expect_trail("acc", "2.1 2.2 3.1");
    expect_sql("2", "SELECT repeats FROM probe.done");
    put_seq("acc", '4', 2);
    service_wait_log(&first, "a stream has a gap");
    expect_trail("acc", "2.1 2.2 3.1");
}

/* ---- parking */

static void an_event_that_cannot_be_stored_is_found_among_all_others(void **state)
{
    char order_id[16];

    (void)state;
    for (int i = 0; i < 60; i++) {
        snprintf(order_id, sizeof order_id, "o%d", i);
        put_order(account_of(i % PARTITIONS, i / PARTITIONS % 5),
                  i == 37 ? "unstorable" : order_id, "");
    }
    host_start(&first, NULL, NULL);
    await_sql(conn, "60", "SELECT applied + parked FROM probe.done");
    expect_sql("parked queued",
               "SELECT string_agg(state, ' ' ORDER BY parked_no) FROM probe.parked");
    expect_sql("t",
               "SELECT reason LIKE '%violates check constraint%' FROM probe.parked"
               " WHERE state = 'parked' AND position('unstorable'::bytea IN value) > 0");
    expect_trail(account_of(1, 4), "o17");
    expect_trail(account_of(1, 3), "o13 o33 o53");
    expect_sql("58", "SELECT sum(events) FROM probe.trail");
    expect_sql("59", "SELECT max(n) FROM (SELECT count(*) OVER () n FROM probe.outbox) t");
    expect_sql("t", "SELECT bool_and(last = n) FROM (SELECT max(outbox_no) last, count(*) n"
                    "  FROM probe.outbox GROUP BY partition) per_partition");
}

/*
 * The batch behind it had been loaded as if this one were stored: its rows are
 * of before.  A sequence counts also what is rolled back.
 */
static void what_was_loaded_behind_a_store_that_failed_is_loaded_again(void **state)
{
    (void)state;
    run_sql("CREATE SEQUENCE tries;"
            "CREATE FUNCTION probe.fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF nextval('tries') = 1 THEN"
            "  RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END IF;"
            " RETURN new; END $$;"
            "CREATE TRIGGER fail_once BEFORE INSERT ON probe.trail"
            " FOR EACH ROW EXECUTE FUNCTION probe.fail_once()");
    put_order("acc", "o1", "");
    put_order("acc", "o2", "");
    put_order("acc", "o3", "");
    host_start(&first, (const char *const[]){"--batch-events", "1", NULL}, NULL);
    await_applied(3);
    assert_int_equal(service_log_count(&first, "will try again"), 1);
    expect_trail("acc", "o1 o2 o3");
}

/* As after a restore of some tables: a number that the outbox has already is given again.
 */
static void what_cannot_even_be_parked_ends_the_process_and_is_named(void **state)
{
    int32_t partition = partition_of("acc");
    char place[80];

    (void)state;
    host_start(&first, NULL, NULL);
    put_order("acc", "o1", "");
    await_applied(1);
    run_sql("INSERT INTO probe.outbox SELECT partition, outbox_no + 1, topic,"
            " target_partition, stream_seq, incarnation, event_id, event_type, subject,"
            " recorded_at, cause FROM probe.outbox");
    put_order("acc", "o2", "");
    assert_int_equal(service_wait(&first), 1);
    snprintf(place, sizeof place, "o2c.orders partition %d offset 1: ", (int)partition);
    assert_int_equal(service_log_count(&first, place), 1);
    assert_int_equal(service_log_count(&first, "nor that it was refused"), 1);
    expect_trail("acc", "o1");
}

static void later_events_queue_behind_a_parked_one_and_leave_in_order(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_order("acc", "p0", "");
    put_order("acc", "p1", "refused");
    put_order("acc", "p2", "");
    put_order("acc", "p3", "refused");
    put_order("other", "o1", "");
    await_sql(conn, "5", "SELECT applied + parked FROM probe.done");
    expect_trail("acc", "p0");
    expect_trail("other", "o1");
    expect_sql("parked queued queued",
               "SELECT string_agg(state, ' ' ORDER BY parked_no) FROM probe.parked");
    expect_sql("order p1 has no pardon", "SELECT reason FROM probe.parked LIMIT 1");

    ask_parking("acc", "release");
    await_outcome("parked again");
    expect_trail("acc", "p0");
    expect_notices("parked/1");

    run_sql("INSERT INTO probe.pardon VALUES ('acc')");
    ask_parking("acc", "release");
    await_outcome("released");
    expect_trail("acc", "p0 p1 p2 p3");
    put_order("acc", "p4", "");
    await_sql(conn, "p0 p1 p2 p3 p4",
              "SELECT orders FROM probe.trail WHERE account_id = 'acc'");
    expect_sql("3", "SELECT unparked FROM probe.done");
    expect_notices("parked/1 released/2 released/0"); /* p2 only queued */
}

/* No batch takes more of them than fits, however many there are. */
static void much_that_is_parked_is_released_in_several_batches(void **state)
{
    char order_id[16];

    (void)state;
    host_start(&first, (const char *const[]){"--batch-bytes", "65536", NULL}, NULL);
    put_order("acc", "p0", "refused");
    for (int i = 1; i < 20; i++) {
        snprintf(order_id, sizeof order_id, "p%d", i);
        put_order_of_lines("acc", order_id, 9000);
    }
    await_sql(conn, "20", "SELECT parked FROM probe.done");
    run_sql("INSERT INTO probe.pardon VALUES ('acc')");
    ask_parking("acc", "release");
    await_outcome("released");
    expect_trail("acc", "p0 p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 p11 p12 p13 p14 p15 p16 p17 p18"
                        " p19");
    expect_sql("t", "SELECT count(*) >= 8 FROM probe.progress WHERE unparked > 0");
}

/*
 * The rows of one account are more than a batch may hold: its event is parked
 * with that reason, those around it are applied, and it itself where there is room.
 */
static void an_event_without_room_in_a_batch_is_parked_and_the_others_applied(void **state)
{
    static const char *const small[] = {"--batch-bytes", "65536", NULL};
    const char *large = account_of(0, 0), *others = account_of(0, 1);
    char parked[200];

    (void)state;
    run_sql("INSERT INTO probe.trail VALUES ('%s', 1, repeat('x', 20000000))", large);
    put_order(others, "o1", "");
    put_order(large, "o2", "");
    put_order(others, "o3", "");
    host_start(&first, small, NULL);
    await_applied(2);
    snprintf(parked, sizeof parked, "%s the event needs more memory than a whole batch has",
             large);
    await_sql(conn, parked, "SELECT account_id || ' ' || reason FROM probe.parked");
    expect_trail(others, "o1 o3");
    expect_sql("1 2", "SELECT parked || ' ' || applied FROM probe.done");
    assert_int_equal(service_end(&first), 0);
    host_start(&first, NULL, NULL); /* with the batch-bytes that it has otherwise */
    ask_parking(large, "release");
    await_outcome("released");
    expect_sql("t", "SELECT bool_or(orders LIKE '%x o2') FROM probe.trail");
}

/* What Kafka would not take is in the table only; the outbox of the partition goes on. */
static void what_a_release_does_not_read_any_more_stays_parked(void **state)
{
    (void)state;
    run_sql(
        "INSERT INTO probe.parked (partition, parked_no, account_id, state, reason, topic,"
        " record_offset, recorded_at)"
        " VALUES (%d, 1, 'acc', 'parked', 'why', 'o2c.shipments', 7, now())",
        (int)partition_of("acc"));
    host_start(&first, NULL, NULL);
    ask_parking("acc", "release");
    await_outcome("parked again");
    expect_sql("parked", "SELECT state FROM probe.parked");
    assert_int_equal(service_log_count(&first, "its topic is not read any more"), 1);
}

static void a_parked_value_too_large_to_be_published_is_told_without_it(void **state)
{
    enum {
        LARGE = 9000000
    };
    char *large = calloc(1, LARGE);
    struct broker_record record = {
        "o2c.orders", partition_of("acc"), O2C_STR("acc"), {large, LARGE}, NULL};

    (void)state;
    assert_non_null(large);
    host_start(&first, NULL, NULL);
    broker_put(&broker, &record);
    free(large);
    await_sql(conn, "1", "SELECT parked FROM probe.done");
    expect_sql("9000000", "SELECT length(value) FROM probe.parked");
    expect_sql("true 9000000", "SELECT (value IS NULL) || ' ' || (headers->>"
                               "'o2c_value_left_out') FROM probe.outbox");
}

static void a_discard_drops_the_parked_one_and_goes_on_behind_it(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_order("acc", "d1", "refused");
    put_order("acc", "d2", "");
    put_order("acc", "d3", "refused");
    put_order("acc", "d4", "");
    await_sql(conn, "4", "SELECT parked FROM probe.done");
    ask_parking("acc", "discard");
    await_outcome("parked again");
    expect_trail("acc", "d2");
    expect_notices("parked/1 discarded/3 parked/2");
    expect_sql("discarded released parked queued",
               "SELECT string_agg(state, ' ' ORDER BY parked_no) FROM probe.parked");
    ask_parking("acc", "discard");
    await_outcome("discarded");
    expect_trail("acc", "d2 d4");
    expect_notices("parked/1 discarded/3 parked/2 discarded/1 released/0");
    expect_sql(
        "0 0 2 2 3", /* d1, d1, d3, d3, d4 */
        "SELECT string_agg(headers->>'__connect.errors.offset', ' ' ORDER BY outbox_no)"
        "  FROM probe.outbox WHERE topic = 'o2c.parked.probe'");
    ask_parking("acc", "release");
    await_outcome("nothing was parked");
}

static void parked_accounts_are_known_again_after_a_restart(void **state)
{
    (void)state;
    host_start(&first, NULL, NULL);
    put_order("acc", "p1", "refused");
    await_sql(conn, "1", "SELECT parked FROM probe.done");
    assert_int_equal(service_end(&first), 0);
    put_order("acc", "p2", "");
    host_start(&first, NULL, NULL);
    await_sql(conn, "2", "SELECT parked FROM probe.done");
    expect_sql("", "SELECT orders FROM probe.trail");
    run_sql("INSERT INTO probe.pardon VALUES ('acc')");
    ask_parking("acc", "release");
    await_outcome("released");
    expect_trail("acc", "p1 p2");
}

static void what_cannot_be_read_is_parked_and_what_has_no_route_is_skipped(void **state)
{
    struct broker_record record = {"o2c.orders", partition_of("acc"), O2C_STR("acc"),
                                   O2C_STR("\0\0\0\377\377 no such schema"), NULL};

    (void)state;
    host_start(&first, NULL, NULL);
    put_placed("other", "o1");
    broker_put(&broker, &record);
    record.value = (struct o2c_str){NULL, 0};
    broker_put(&broker, &record);
    await_sql(conn, "3", "SELECT skipped + parked FROM probe.done");
    expect_sql("1", "SELECT skipped FROM probe.done");
    expect_sql("acc", "SELECT DISTINCT account_id FROM probe.parked");
    expect_sql("t", "SELECT reason <> '' FROM probe.parked WHERE state = 'parked'");
    expect_sql("t", "SELECT value IS NULL FROM probe.parked WHERE state = 'queued'");
}

/* An index of PostgreSQL would refuse them, and whatever is in the batch with them. */
static void names_too_long_for_a_key_are_refused_by_their_name(void **state)
{
    static char order_id[8001], key[601], source[1001];
    const char *account = account_of(1, 0);
    struct stream stream = {source, '1', 1};

    (void)state;
    memset(order_id, 'o', sizeof order_id - 1);
    memset(key, 'k', sizeof key - 1);
    memset(source, 's', sizeof source - 1);
    host_start(&first, NULL, NULL);
    put_order(account, "o1", "");
    put_order_at(partition_of(key), key_of(key), key, "long-key");
    put_order(account_of(1, 1), order_id, "");
    put_rejected(account_of(1, 2), "o3", &stream);
    put_order(account, "o2", "");
    await_sql(conn, "5", "SELECT applied + parked + set_aside FROM probe.done");
    expect_trail(account, "o1 o2");
    expect_sql("the key has 600 bytes, an account has at most 512",
               "SELECT detail FROM probe.set_aside WHERE reason = 'no-key'");
    expect_sql("field order_id has 8000 bytes, an id has at most 256; "
               "header source has 1000 bytes, a name has at most 128",
               "SELECT string_agg(reason, '; ' ORDER BY topic DESC) FROM probe.parked");
}

/* ---- offsets without a record */

static void the_position_passes_the_markers_of_transactions(void **state)
{
    char sql[200];

    (void)state;
    host_start(&first, NULL, NULL);
    put_order("acc", "o1", "");
    put_order_in_transaction("acc", "aborted", false);
    put_order_in_transaction("acc", "o2", true);
    /* o1, the aborted one and its marker, o2 and its marker */
    snprintf(sql, sizeof sql,
             "SELECT next_offsets->>'o2c.orders' FROM probe.position WHERE partition = %d",
             (int)partition_of("acc"));
    await_sql(conn, "5", sql);
    expect_trail("acc", "o1 o2");
    expect_sql("3", "SELECT markers FROM probe.done");
    assert_int_equal(service_end(&first), 0);
    host_start(&first, NULL, NULL);
    put_order("acc", "o3", "");
    await_sql(conn, "6", sql);
    expect_trail("acc", "o1 o2 o3");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)
    const struct CMUnitTest tests[] = {
        TEST(records_without_a_usable_key_are_set_aside_alone),
        TEST(records_with_large_headers_are_set_aside_in_several_batches),
        TEST(a_record_on_a_partition_its_key_does_not_hash_to_is_never_applied),
        TEST(a_repeat_in_a_stream_is_dropped_also_after_a_restart),
        TEST(a_stream_that_began_before_this_consumer_is_taken_from_where_it_is),
        TEST(a_gap_in_a_stream_stops_its_partition_and_no_other),
        TEST(a_record_of_a_stream_that_is_set_aside_makes_no_gap),
        TEST(an_older_incarnation_is_dropped_and_a_newer_one_begins_at_one),
        TEST(an_event_that_cannot_be_stored_is_found_among_all_others),
        TEST(what_was_loaded_behind_a_store_that_failed_is_loaded_again),
        TEST(what_cannot_even_be_parked_ends_the_process_and_is_named),
        TEST(later_events_queue_behind_a_parked_one_and_leave_in_order),
        TEST(much_that_is_parked_is_released_in_several_batches),
        TEST(an_event_without_room_in_a_batch_is_parked_and_the_others_applied),
        TEST(what_a_release_does_not_read_any_more_stays_parked),
        TEST(a_parked_value_too_large_to_be_published_is_told_without_it),
        TEST(a_discard_drops_the_parked_one_and_goes_on_behind_it),
        TEST(parked_accounts_are_known_again_after_a_restart),
        TEST(what_cannot_be_read_is_parked_and_what_has_no_route_is_skipped),
        TEST(names_too_long_for_a_key_are_refused_by_their_name),
        TEST(the_position_passes_the_markers_of_transactions),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
