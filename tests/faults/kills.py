"""kill -9 at every failpoint of the consumer host and of the outbox relay."""

import random
import re
import signal

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from local_stack import ROOT
from stage import LONG, Broken, case, expect, segment, standard_parts, wait_for

# Which hit is deadly: late enough that something has been done before.
HOST_POINTS = {
    "claim.before": 1, "claim.after": 1, "intake.event": 16, "load.before": 3, "load.after": 2, "store.before": 3,
    "store.after_sync": 3, "store.acknowledged": 2, "store.committed": 3,
}
RELAY_POINTS = {
    "relay.after_read": 2, "relay.before_produce": 7, "relay.after_ack": 2,
    "relay.before_cursor": 2, "relay.after_cursor": 2,
}
# Only a consumer with due dates comes by it, and none of the pipeline has them yet.
NOT_ON_THE_WAY = {"tick.chunk"}
CURSOR_S = 3
PASSED = ("SELECT count(*) FROM orders.outbox o JOIN relay.cursor k"
          "    ON k.consumer = 'orders' AND k.partition = o.partition AND k.acked_no >= o.outbox_no"
          " WHERE o.topic = 'o2c.state.order'")
RANDOM_KILLS = 400 if LONG else 6
FAILPOINT = re.compile(r'O2C_FAILPOINT\("([^"]+)"\)')


def points_in(folder):
    found = set()
    for file in sorted((ROOT / folder).glob("*.c")):
        found |= set(FAILPOINT.findall(file.read_text()))
    return found


def end_by_failpoint(stage, service):
    wait_for(lambda: not service.alive(), f"{service.name} reaches its failpoint", 30)
    status = service.process.returncode
    expect(status == -signal.SIGKILL, f"{service.name} ended with {status}, not by its failpoint:"
           f"\n{service.last_words()}")


def round_of_kill(stage, service, point, hit, parts):
    """The service dies at the point while the first part goes through, and starts again."""
    service.kill()
    stage.hits.unlink(missing_ok=True)
    service.start(O2C_FAILPOINTS=f"{point}=kill@{hit}", O2C_FAILPOINT_LOG=str(stage.hits))
    stage.publish(parts[0])
    try:
        end_by_failpoint(stage, service)
    except Broken:
        expect(stage.hits_of(point) > 0, f"failpoint {point} was never reached")
        raise
    service.start()
    stage.drain()
    stage.play(parts[1:])
    return stage.hits_of(point)


def kill_at_points(theatre, points, folder, pick):
    unknown = (points_in(folder) - NOT_ON_THE_WAY) ^ set(points)
    expect(not unknown, f"failpoints that this test or {folder} does not have: {unknown}")
    parts = [segment(f"K{number}") for number in range(len(points))]
    with theatre.stage() as stage:
        stage.begin()
        counts = {}
        for (point, hit), pair in zip(points.items(), parts):
            counts[point] = round_of_kill(stage, pick(stage), point, hit, pair)
            print(f"        {point}: {counts[point]} hits, killed at {hit}", flush=True)
            expect(counts[point] >= hit, f"failpoint {point} was never reached")
        theatre.same_as_undisturbed(stage, [part for pair in parts for part in pair])
        repeats = stage.total("follower", "repeats")
    words = ", ".join(f"{point} {count}" for point, count in counts.items())
    return f"{len(counts)} points, hits {words}", repeats


@case("a consumer dies", "`kill -9` at each failpoint around claim, load, store, Sync, "
      "acknowledgement and commit", "the same result")
def consumer_is_killed_at_every_failpoint(theatre):
    said, _ = kill_at_points(theatre, HOST_POINTS, "consumers/host", lambda stage: stage.orders)
    return said


@case("the relay dies", "`kill -9` at each failpoint around reading, producing, acknowledgement "
      "and cursor", "the same result; repeats in the topic are dropped by the receiver")
def relay_is_killed_at_every_failpoint(theatre):
    said, repeats = kill_at_points(theatre, RELAY_POINTS, "producers/outbox_relay",
                                   lambda stage: stage.relay)
    expect(repeats > 0, "nothing was sent twice: the receiver had nothing to drop")
    return f"{said}; {repeats} records sent again and dropped"


@case("Kafka refuses some of the relay's records", "one of its topics takes no record of that "
      "size; `kill -9`; then it takes them",
      "each outbox stops, its cursor before the record that was refused; everything is published "
      "once Kafka takes it")
def relay_cursor_waits_for_acknowledgements(theatre):
    parts = standard_parts(1)
    with theatre.stage() as stage:
        stage.begin("outbox-relay")
        set_largest_record(stage, "o2c.state.order", 1)
        stage.publish(parts[0])
        wait_for(lambda: stage.applied() >= len({event["order_id"] for event in parts[0]}),
                 "decisions wait for the relay")
        outboxes = stage.number("SELECT count(DISTINCT partition) FROM orders.outbox"
                                " WHERE topic = 'o2c.state.order'")
        stage.relay.start()
        wait_for(lambda: stage.relay.metric("o2c_relay_stopped_outboxes") == outboxes,
                 "each outbox that decided is stopped")
        # the cursor is looked at every second: by the relay's own clock several have passed then
        wait_for(lambda: stage.relay.metric("o2c_outbox_oldest_unsent_age_seconds") > CURSOR_S
                 or stage.number(PASSED), "the relay has had time to move its cursor")
        stage.relay.kill()
        passed = stage.number(PASSED)
        expect(passed == 0, f"the cursor is past {passed} records that were not acknowledged:\n"
               f"{stage.relay.last_words()}")
        set_largest_record(stage, "o2c.state.order", 1 << 20)
        stage.relay.start()
        stage.drain()
        stage.play(parts[1:])
        theatre.same_as_undisturbed(stage, parts)
    return f"{outboxes} outboxes stopped, their cursors before what was refused, then all once"


def set_largest_record(stage, topic, size):
    admin = AdminClient({"bootstrap.servers": stage.environment["O2C_KAFKA"]})
    entry = ConfigEntry("max.message.bytes", str(size),
                        incremental_operation=AlterConfigOpType.SET)
    change = ConfigResource(ConfigResource.Type.TOPIC, stage.prefix + topic,
                            incremental_configs=[entry])
    for future in admin.incremental_alter_configs([change]).values():
        future.result(30)
    # the controller confirms before the broker goes by it
    wait_for(lambda: largest_record(admin, change.name) == str(size), f"{topic} takes {size} bytes")


def largest_record(admin, topic):
    future, = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]).values()
    return future.result(30)["max.message.bytes"].value


@case("any process dies, again and again", "`kill -9` of a random process every moment while "
      "events arrive", "the same result")
def random_processes_are_killed(theatre):
    chance = random.Random("kills")
    parts = [part for number in range(max(1, RANDOM_KILLS // 20))
             for part in segment(f"R{number}", 24)]
    done = []
    with theatre.stage() as stage:
        stage.begin()
        for part in parts:
            stage.publish(part)
            for _ in range(RANDOM_KILLS // len(parts)):
                service = chance.choice(list(stage.services.values()))
                service.kill()
                service.start()
                done.append(service.name)
                stage.await_ready(service)
            stage.drain()
        theatre.same_as_undisturbed(stage, parts)
    return f"{len(done)} kills: " + ", ".join(
        f"{done.count(name)} {name}" for name in sorted(set(done)))
