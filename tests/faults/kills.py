"""kill -9 at every failpoint of the consumer host and of the outbox relay, and anywhere else."""

import random
import re
import signal

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from local_stack import ROOT
from money import money_segment
from stage import LONG, Broken, case, expect, joined, segment, standard_parts, wait_for

# Which hit is deadly: late enough that something has been done before.
HOST_POINTS = {
    "claim.before": 1, "claim.after": 1, "intake.record": 10, "load.before": 3, "load.after": 2,
    "store.before": 3, "store.after_sync": 3, "store.acknowledged": 2, "store.committed": 3,
    "pack.before": 1,
}
TICK_POINTS = {"tick.chunk": 1}  # only a consumer with due dates comes by it
RELAY_POINTS = {
    "relay.after_read": 2, "relay.before_produce": 7, "relay.after_ack": 2,
    "relay.before_cursor": 2, "relay.after_cursor": 2,
}
# In the order in which they hear of something.
CONSUMERS = ("orders", "shipments", "receivables", "ledger", "disputes", "reminders")
CURSOR_S = 3
PASSED = ("SELECT count(*) FROM orders.outbox o JOIN relay.cursor k"
          "    ON k.consumer = 'orders' AND k.partition = o.partition AND k.acked_no >= o.outbox_no"
          " WHERE o.topic = 'o2c.state.order'")
RANDOM_KILLS = 240 if LONG else 6
SEGMENTS = 4  # that go through together: eight times a process may die
WORK = 4  # records that wait for it then, at least
FAILPOINT = re.compile(r'O2C_FAILPOINT\("([^"]+)"\)')


def points_in(folder):
    found = set()
    for file in sorted((ROOT / folder).glob("*.c")):
        found |= set(FAILPOINT.findall(file.read_text()))
    return found


def expect_every_point(folder, points):
    unknown = points_in(folder) ^ set(points)
    expect(not unknown, f"failpoints that this test or {folder} does not have: {unknown}")


class Deaths:
    """Plays rounds in which services die at a failpoint; what was published and counted."""

    def __init__(self, stage):
        self.stage, self.parts, self.hits = stage, [], {}

    def round(self, names, point, hit, parts, deadly=0):
        """Each service dies at the point while one of the parts goes through, in the order in
        which they hear of it, and starts again; the other parts find all of them alive."""
        services = [self.stage.services[name] for name in names]
        self.parts += parts
        self.stage.play(parts[:deadly])
        for service in services:
            service.kill()
            self.log(service).unlink(missing_ok=True)
            service.start(O2C_FAILPOINTS=f"{point}=kill@{hit}",
                          O2C_FAILPOINT_LOG=str(self.log(service)))
        self.stage.publish(parts[deadly])
        for service in services:
            self.one_death(service, point, hit)
            service.start()
        self.stage.drain()
        self.stage.play(parts[deadly + 1:])

    def one_death(self, service, point, hit):
        log = self.log(service)
        try:
            end_by_failpoint(service)
        except Broken:
            expect(self.stage.hits_of(point, log) > 0,
                   f"failpoint {point} of {service.name} was never reached")
            raise
        left = wait_for(lambda: self.stage.left_of(service),
                        f"{service.name}, killed at {point}, has something left to do")
        hits = self.stage.hits_of(point, log)
        print(f"        {service.name} {point}: {hits} hits, killed at {hit}, {left} left",
              flush=True)
        expect(hits >= hit, f"failpoint {point} of {service.name} was never reached")
        self.hits.setdefault(point, []).append(hits)

    def log(self, service):
        return self.stage.logs / f"{service.name}.hits"

    def words(self):
        return f"{len(self.hits)} points, hits " + ", ".join(
            f"{point} {'/'.join(map(str, sorted(set(hits))))}" for point, hits in self.hits.items())


def end_by_failpoint(service):
    wait_for(lambda: not service.alive(), f"{service.name} reaches its failpoint", 30)
    status = service.process.returncode
    expect(status == -signal.SIGKILL, f"{service.name} ended with {status}, not by its failpoint:"
           f"\n{service.last_words()}")


def segment_of_all(number):
    """Goods and money of accounts of their own; in its middle part every consumer has work."""
    orders, shipments = segment(f"K{number}")
    invoices, middle, after = money_segment(number)
    return [invoices, orders + middle, shipments + after]


@case("a consumer dies", "`kill -9` of every consumer at each failpoint around claim, intake, "
      "load, store, Sync, acknowledgement and commit while orders, payments, disputes and a "
      "business day go through, of reminders also between two parts of a day's letters; each time "
      "records wait for it", "the same result")
def consumer_is_killed_at_every_failpoint(theatre):
    expect_every_point("consumers/host", {**HOST_POINTS, **TICK_POINTS})
    rounds = [(CONSUMERS, point, hit) for point, hit in HOST_POINTS.items()]
    rounds += [(("reminders",), point, hit) for point, hit in TICK_POINTS.items()]
    with theatre.stage() as stage:
        expect({*CONSUMERS, "outbox-relay", "follower"} == set(stage.services),
               f"CONSUMERS are not those of the pipeline: {', '.join(stage.services)}")
        stage.begin()
        deaths = Deaths(stage)
        for number, (names, point, hit) in enumerate(rounds):
            deaths.round(names, point, hit, segment_of_all(number), deadly=1)
        theatre.same_as_undisturbed(stage, deaths.parts)
    return f"{', '.join(CONSUMERS)}: {deaths.words()}"


@case("the relay dies", "`kill -9` at each failpoint around reading, producing, acknowledgement "
      "and cursor, decisions waiting for it", "the same result; repeats in the topic are dropped "
      "by the receiver")
def relay_is_killed_at_every_failpoint(theatre):
    expect_every_point("producers/outbox_relay", RELAY_POINTS)
    with theatre.stage() as stage:
        stage.begin()
        deaths = Deaths(stage)
        for number, (point, hit) in enumerate(RELAY_POINTS.items()):
            deaths.round(["outbox-relay"], point, hit, segment(f"K{number}"))
        theatre.same_as_undisturbed(stage, deaths.parts)
        repeats = stage.total("follower", "repeats")
    return f"{deaths.words()}; {repeats} records sent again and dropped"


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


def kill_at_work(stage, chance, events):
    """A random process dies in the middle of what the events give it to do, and starts again:
    [(its name, how many records are left)], nothing where it was faster."""
    service = chance.choice(list(stage.services.values()))
    left = stage.stopped_at_work(service, events, WORK, chance.randint(1, WORK // 2))
    if not left:
        return []
    service.kill()
    service.start()
    stage.await_ready(service)
    return [(service.name, left)]


@case("any process dies, again and again", "`kill -9` of a random process that has done some of "
      "the records that wait for it, again and again while events arrive", "the same result")
def random_processes_are_killed(theatre):
    chance = random.Random("kills")
    parts, done = [], []
    with theatre.stage(O2C_BATCH_EVENTS="1", O2C_SESSION_TIMEOUT_MS="10000") as stage:
        stage.begin()
        for first in range(0, RANDOM_KILLS, 2 * SEGMENTS):
            invoices, *pieces = zip(*(segment_of_all(first // 2 + number)
                                      for number in range(SEGMENTS)))
            stage.play([joined(invoices)])
            for piece in pieces:
                for events in piece:
                    done += kill_at_work(stage, chance, events)
                stage.drain()
            parts += map(joined, (invoices, *pieces))
        expect(len(done) >= RANDOM_KILLS, f"only {len(done)} times was a process at work")
        theatre.same_as_undisturbed(stage, parts)
    names = [name for name, _ in done]
    return (f"{len(done)} kills, with {min(left for _, left in done)} to "
            f"{max(left for _, left in done)} records left: "
            + ", ".join(f"{names.count(name)} {name}" for name in sorted(set(names))))
