"""Topics and databases that are not what they were: each is noticed, said and refused."""

import subprocess

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from kafka_topics import delete_topics
from members import claimed, shared_out
from money import money_segment
from stage import case, expect, order, segment, standard_parts, wait_for

FATAL = 1
PUBLISHERS = ("orders", "receivables", "disputes", "reminders")


def administer(stage, act):
    """What act(admin) asked for has been done by the broker when this returns."""
    admin = AdminClient({"bootstrap.servers": stage.environment["O2C_KAFKA"]})
    for future in act(admin).values():
        future.result(30)


def refuses(service, *sentences):
    """It ends by itself with a fatal error that names the runbook."""
    status = service.wait(30)
    words = service.last_words(3)
    expect(status == FATAL, f"{service.name} ended with status {status}: {words}")
    for sentence in sentences:
        expect(sentence in words, f"{service.name} does not say {sentence!r}: {words}")


def stop_all(stage):
    stage.drain()
    stage.stop()


@case("a topic is not there yet", "a topic of the consumer is missing when two members start, and "
      "made later", "both wait, say for which topic, and begin by themselves, each partition number "
      "with one of them; the same result")
def consumer_waits_for_a_missing_topic(theatre):
    parts = standard_parts(1)
    with theatre.stage() as stage:
        missing = f"{stage.prefix}o2c.shipments"
        delete_topics(stage.environment["O2C_KAFKA"], missing)
        members = stage.orders, stage.second_member()
        for member in members:
            member.start()
            wait_for(lambda: "waiting for a topic" in member.words(), f"{member.name} waits")
            expect(missing in member.last_words(1), f"{member.name} does not say for which topic")
            status, _ = member.ask("/readyz")
            expect(status == 503, f"/readyz of {member.name} answers {status}")
        stage.create_topics()
        stage.begin("orders")
        wait_for(lambda: shared_out(*members), "both members own partitions")
        stage.play(parts)
        theatre.same_as_undisturbed(stage, parts)
        owned = claimed(*members)
    return ("503 and the topic's name until it was made, then "
            f"{' + '.join(f'{count:.0f}' for count in owned)} partitions and all applied")


@case("topics with unequal partition counts", "one topic is made with 4 partitions, the others "
      "have 6", "the consumer refuses to start and names the topic")
def unequal_partition_counts_are_refused(theatre):
    with theatre.stage() as stage:
        name = f"{stage.prefix}o2c.shipments"
        delete_topics(stage.environment["O2C_KAFKA"], name)
        administer(stage, lambda admin: admin.create_topics([NewTopic(name, 4, 1)]))
        stage.orders.start()
        refuses(stage.orders, "partition counts differ", name, "has 4 partitions")
        stored = stage.stored_batches()
        expect(stored == 0, f"{stored} batches were stored")
    return "ended with status 1 before it joined, nothing stored"


@case("a topic is given more partitions", "8 instead of 6, while the consumer works",
      "the consumer stops and names the runbook; no account is moved to another partition")
def added_partitions_stop_the_consumer(theatre):
    parts = standard_parts(1)
    with theatre.stage() as stage:
        stage.begin()
        stage.play(parts)
        before = stage.stored_batches()
        more = NewPartitions(f"{stage.prefix}o2c.shipments", 8)
        administer(stage, lambda admin: admin.create_partitions([more]))
        refuses(stage.orders, "partition counts changed", "docs/operations.md, partition count")
        expect(stage.stored_batches() == before, "it went on storing")
    return "ended with status 1 at the next look at the metadata"


@case("PostgreSQL was restored from before", "pg_dump, more events of goods and money, restore of "
      "the dump, start", "every consumer that published since refuses to start and names the "
      "runbook")
def restored_database_is_refused(theatre):
    before, since = ([*segment(f"B{number}"), *money_segment(number)] for number in range(2))
    with theatre.stage() as stage:
        stage.begin()
        stage.play(before)
        dump = subprocess.run(["pg_dump", "-Fc", stage.environment["O2C_PG_DSN"]],
                              capture_output=True, check=True).stdout
        stage.play(since)
        stop_all(stage)
        stage.sql_of_server(f'DROP DATABASE "{stage.name}" WITH (FORCE)')
        stage.sql_of_server(f'CREATE DATABASE "{stage.name}"')
        subprocess.run(["pg_restore", "-d", stage.environment["O2C_PG_DSN"]], input=dump,
                       check=True)
        for name in PUBLISHERS:
            stored = stage.stored_batches(name)
            stage.services[name].start()
            refuses(stage.services[name], "the database is older than the topics",
                    "docs/operations.md, restored database")
            expect(stage.stored_batches(name) == stored, f"{name} stored before it noticed")
    return f"{', '.join(PUBLISHERS)} ended with status 1, nothing stored"


@case("a topic was deleted and filled anew", "delete, create, other records, start",
      "the consumer stops and names the runbook; none of the new records is applied")
def topic_made_anew_is_refused(theatre):
    first = standard_parts(1)[0]
    accounts = {event["customer_id"] for event in first}
    anew = [order(account, f"PO-{account}-{number}") for account in accounts for number in range(5)]
    with theatre.stage() as stage:
        stage.begin()
        stage.play([first])
        stop_all(stage)
        applied = stage.applied()
        delete_topics(stage.environment["O2C_KAFKA"], f"{stage.prefix}o2c.orders")
        stage.create_topics()
        stage.publish(anew)
        stage.orders.start()
        refuses(stage.orders, "docs/operations.md, topic made anew")
        expect(stage.applied() == applied, "records of the new topic were applied")
    return "ended with status 1, nothing applied"


@case("records are gone that were not applied yet", "the consumer is stopped, more events, then "
      "retention deletes all of them", "the consumer stops and names the runbook; nothing is "
      "skipped silently")
def deleted_records_are_noticed(theatre):
    with theatre.stage() as stage:
        stage.begin()
        stage.play(standard_parts(1)[:1])
        stop_all(stage)
        applied = stage.applied()
        stage.publish(segment("gone", 24)[0])
        everything = [TopicPartition(f"{stage.prefix}o2c.orders", partition, -1)
                      for partition in range(stage.partitions)]
        administer(stage, lambda admin: admin.delete_records(everything))
        stage.orders.start()
        refuses(stage.orders, "docs/operations.md, offset gone")
        expect(stage.applied() == applied, "something was applied")
    return "ended with status 1, nothing skipped"


def when_empty(stage, act):
    """A member that ended keeps its place in its group until the session is over."""
    def done():
        try:
            administer(stage, act)
        except KafkaException as fault:
            if fault.args[0].code() in (KafkaError.NON_EMPTY_GROUP, KafkaError.UNKNOWN_MEMBER_ID):
                return False
            raise
        return True
    wait_for(done, "the group is empty")


def set_back(stage, consumer):
    """What Kafka has of the group's offsets is 0 from now on."""
    group = ConsumerGroupTopicPartitions(stage.prefix + consumer, [
        TopicPartition(stage.prefix + topic, partition, 0)
        for topic, partition in stage.done_by(stage.services[consumer])])
    when_empty(stage, lambda admin: admin.alter_consumer_group_offsets([group]))


@case("Kafka's own offsets are gone, or others", "the group of one consumer is deleted, the offsets "
      "of another one are set to 0, more events, start", "positions are those of the database: "
      "nothing is read again; the same result")
def offsets_of_kafka_are_not_gone_by(theatre):
    parts = standard_parts(2)
    with theatre.stage() as stage:
        stage.begin()
        stage.play(parts[:1])
        stop_all(stage)
        when_empty(stage, lambda admin: admin.delete_consumer_groups([stage.prefix + "orders"]))
        set_back(stage, "shipments")
        before = stage.applied("shipments") + stage.total("shipments", "repeats")
        stage.begin()
        stage.drain()
        again = stage.applied("shipments") + stage.total("shipments", "repeats") - before
        expect(again == 0, f"{again} records were read again")
        stage.play(parts[1:])
        theatre.same_as_undisturbed(stage, parts)
    return "both went on where they were, nothing was read again"


@case("a first offset is missing", "a topic's row in first_offset is deleted before the first "
      "start", "the consumer stops and says which command writes it")
def missing_first_offset_is_refused(theatre):
    with theatre.stage() as stage:
        stage.sql("DELETE FROM orders.first_offset WHERE topic = 'o2c.shipments'"
                  " AND partition = 3")
        stage.orders.start()
        refuses(stage.orders, "o2c.shipments partition 3 has no first offset",
                "run o2c topics create")
        stage.create_topics()
        stage.begin()
    return "ended with status 1; ready after o2c topics create"


@case("a record of a stream is missing", "the stream to the follower jumps by one number, as after "
      "the loss of a record", "that partition stops with an alarm and is not skipped; the others "
      "go on")
def stream_gap_stops_the_partition(theatre):
    parts = standard_parts(1)
    with theatre.stage() as stage:
        stage.begin("outbox-relay")
        stage.publish(parts[0])
        wait_for(lambda: stage.applied() >= len({event["order_id"] for event in parts[0]}),
                 "decisions wait for the relay")
        streams = stage.sql(
            "SELECT partition, min(outbox_no), count(*) FROM orders.outbox"
            " WHERE topic = 'o2c.order-status' GROUP BY 1 HAVING count(*) >= 2 ORDER BY 1")
        partition, lost, count = map(int, streams.splitlines()[0].split("|"))
        # the second record of the stream is lost: the relay sends another one in its place
        stage.sql(f"UPDATE orders.outbox SET stream_seq = stream_seq + 1 WHERE"
                  f" partition = {partition} AND outbox_no > {lost} AND topic = 'o2c.order-status'")
        stage.relay.start()
        follower = stage.services["follower"]
        total = stage.number("SELECT count(*) FROM orders.outbox WHERE topic = 'o2c.order-status'")
        wait_for(lambda: stage.number("SELECT sum(changes) FROM follower.heard")
                 >= total - count + 1, "the other partitions go on")
        wait_for(lambda: follower.metric("o2c_stopped_partitions") == 1
                 or stage.number("SELECT sum(changes) FROM follower.heard") == total,
                 "the gap is met")
        heard = stage.number("SELECT sum(changes) FROM follower.heard")
        expect(heard == total - count + 1,
               f"{heard} of {total} heard: records behind the gap were applied")
        expect("docs/operations.md, stream gap" in follower.words(), "no alarm names the runbook")
        status, said = follower.ask("/readyz")
        expect(status == 503 and f"partition {partition} is stopped" in said,
               f"/readyz answers {status} {said}")
    return f"1 partition stopped, {heard} of {total} heard, /readyz 503"
