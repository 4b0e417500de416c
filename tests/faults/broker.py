"""The Kafka broker restarts, dies, stops answering, has no room; the way to it is cut."""

import os
import resource
import signal
import time

from confluent_kafka.admin import AdminClient

from kafka_proxy import KafkaProxy
from pipeline import freeze
from stage import (LONG, SESSION_MS, UNREACHABLE, as_lines, case, expect, joined, segment,
                   standard_parts, wait_for)

# The broker takes a late request of a static member for one of a stranger with its name.
FENCED = "Kafka says this process must end"
WORK = 4  # records that wait, at least
HANG_S = 45 if LONG else 2 * SESSION_MS / 1000
# A request is given up after a second; a record never is, though somebody says so.
IMPATIENT = "socket.timeout.ms=1000;message.timeout.ms=1000"
TIMED_OUT = '"REQTMOUT"'


def broker(stack):
    return int((stack.folder / "kafka.pid").read_text().split()[0])


class Supervisor:
    """Starts anew members that the broker fenced, while something is waited for."""

    def __init__(self, stage):
        self.stage, self.restarted = stage, []

    def until(self, condition, sentence):
        def answer():
            self.restarted.extend(self.stage.restart_ended(FENCED))
            return condition()
        wait_for(answer, sentence)

    def all_drained(self):
        self.until(lambda: self.stage.o2c("drain", "--timeout-s", "1").returncode == 0,
                   "everything goes on")

    def all_ready(self):
        self.until(lambda: all(service.ready() for service in self.stage.services.values()),
                   "everything is ready")


def end_at_work(stage, supervisor, pieces, number):
    """The broker gets the signal as the first piece of events waits for the follower, what was
    decided about the second for the relay, the third for orders, which were stopped (SIGSTOP) and
    have just been let go.  What each has left then.
    """
    workers = (stage.services["follower"], stage.relay, stage.orders)
    supervisor.all_ready()
    for service, piece in zip(workers, pieces):
        service.freeze()
        stage.publish(piece)
        supervisor.until(lambda: stage.left_of(service) >= WORK, f"{service.name} gets work")
    left = {service.name: stage.left_of(service) for service in workers}
    for service in workers:
        service.send(signal.SIGCONT)
    os.kill(broker(stage.stack), number)
    expect(min(left.values()) >= WORK, f"too little is left: {left}")
    return ", ".join(f"{count} of {name}" for name, count in left.items())


@case("the broker restarts", "a clean stop and a `kill -9`, each while orders, relay and follower "
      "have records left to do", "all go on, a member that the broker fences ends and is started "
      "anew; nothing lost or doubled: the same result")
def broker_restarts(theatre):
    pieces, shipments = zip(*(segment(f"Q{piece}", 12) for piece in range(6)))
    left = []
    with theatre.own_stage() as stage:
        stage.begin()
        supervisor = Supervisor(stage)
        for first, end, number in ((0, stage.stack.stop, signal.SIGTERM),
                                   (3, stage.stack.kill, signal.SIGKILL)):
            left.append(f"{end.__name__}, left were "
                        + end_at_work(stage, supervisor, pieces[first:first + 3], number))
            end("kafka")
            stage.stack.start("kafka")
            supervisor.all_drained()
        stage.publish(joined(shipments))
        supervisor.all_drained()
        stage.check()
        expect(stage.total("orders", "parked") == 0, "events were parked for it")
        theatre.same_as_undisturbed(stage, [joined(pieces), joined(shipments)])
    return (f"{'; '.join(left)}; {len(supervisor.restarted)} members fenced and started anew, "
            "0 parked")


@case("the broker does not answer", "SIGSTOP of the broker while the relay has records on their "
      "way, for two sessions; the relay's requests time out after 1 s (`kafka-client`); SIGCONT",
      "producers send again what was not acknowledged, members "
      "join again, one that the broker fences ends and is started anew; the same result")
def broker_hangs(theatre):
    parts = segment("H0", 24)
    with theatre.own_stage() as stage:
        stage.begin("outbox-relay")
        stage.publish(parts[0])
        wait_for(lambda: stage.applied() >= len({event["order_id"] for event in parts[0]}),
                 "decisions wait for the relay")
        left = stage.left_of(stage.relay)
        expect(left, "the relay has nothing to do")
        stage.relay.start(O2C_FAILPOINTS="relay.before_produce=stop", O2C_KAFKA_CLIENT=IMPATIENT)
        wait_for(stage.relay.is_stopped, "the relay publishes")
        pid = broker(stage.stack)
        freeze(pid)
        stage.relay.send(signal.SIGCONT)
        try:
            begun = time.monotonic()
            wait_for(lambda: time.monotonic() - begun > HANG_S, "two sessions", 2 * HANG_S)
            wait_for(lambda: TIMED_OUT in stage.relay.words(), "a request of the relay times out")
        finally:
            os.kill(pid, signal.SIGCONT)
        timeouts = stage.relay.words().count(TIMED_OUT)
        supervisor = Supervisor(stage)
        supervisor.all_drained()
        for part in parts[1:]:
            stage.publish(part)
            supervisor.all_drained()
        theatre.same_as_undisturbed(stage, parts)
        repeats = stage.total("follower", "repeats")
    return (f"hung for {HANG_S:.0f} s with {left} decisions left to the relay, whose requests timed "
            f"out {timeouts} times; "
            f"{len(supervisor.restarted)} members fenced and started anew; "
            f"{repeats} repeats dropped by the receiver")


def has_member(admin, stage, consumer):
    """Whether Kafka counts any in the group of the consumer."""
    group = f"{stage.prefix}{consumer.name}"
    return bool(admin.describe_consumer_groups([group])[group].result(30).members)


def go_by(service, proxy):
    service.environment = {**service.environment, "O2C_KAFKA": proxy.bootstrap}


@case("the way to the broker is cut", "packets vanish (a socket filter) as the relay's first records "
      "are on their way: all of the relay's, both ways, and those that orders and follower send, while "
      "the broker's still come; until Kafka has expelled both, with more events meanwhile",
      "producers send again what was not acknowledged, members join again, one that the broker "
      "fences ends and is started anew; the same result")
def way_to_the_broker_is_cut(theatre):
    orders, shipments = standard_parts(1)
    first, second = orders[:len(orders) // 2], orders[len(orders) // 2:]
    with theatre.stage() as stage:
        cut, deaf = (KafkaProxy(stage.environment["O2C_KAFKA"]) for _ in range(2))
        consumers = (stage.orders, stage.services["follower"])
        go_by(stage.relay, cut)
        for consumer in consumers:
            go_by(consumer, deaf)

        def before_produce():
            if not cut.cut:
                cut.lose_all()
                deaf.lose_requests()
        cut.before_produce = before_produce
        try:
            stage.begin("outbox-relay")
            stage.publish(first)
            wait_for(lambda: stage.applied() >= len({event["order_id"] for event in first}),
                     "decisions wait for the relay")
            stage.relay.start()
            wait_for(lambda: cut.cut and deaf.cut, "the way is cut")
            stage.publish(second)
            left = stage.left_of(stage.relay), stage.left_of(stage.orders)
            admin = AdminClient({"bootstrap.servers": stage.environment["O2C_KAFKA"]})
            wait_for(lambda: not any(has_member(admin, stage, consumer) for consumer in consumers),
                     "Kafka has expelled both")
            still = stage.left_of(stage.relay), stage.left_of(stage.orders)
            expect(min(left) > 0 and still == left, f"left were {left}, then {still}")
            for proxy in (cut, deaf):
                proxy.go_on()
            supervisor = Supervisor(stage)
            supervisor.all_drained()
            stage.publish(shipments)
            supervisor.all_drained()
            theatre.same_as_undisturbed(stage, [orders, shipments])
            repeats = stage.total("follower", "repeats")
        finally:
            for proxy in (cut, deaf):
                proxy.close()
    return (f"{left[0]} decisions were left to the relay, {left[1]} records to orders; "
            f"{len(supervisor.restarted)} members fenced and started anew; "
            f"{repeats} repeats dropped by the receiver")


@case("the broker's disk is full", "no file of the broker can grow any more (RLIMIT_FSIZE) while "
      "decisions wait for the relay: the broker ends; then it has room and is started",
      "o2c publish ends with 3; what was not acknowledged is sent again, nothing is parked; the same "
      "result")
def broker_has_no_room(theatre):
    orders, shipments = standard_parts(1)
    with theatre.own_stage() as stage:
        stage.begin("outbox-relay")
        supervisor = Supervisor(stage)
        first, second = orders[:len(orders) // 2], orders[len(orders) // 2:]
        stage.publish(first)
        wait_for(lambda: stage.applied() >= len({event["order_id"] for event in first}),
                 "decisions wait for the relay")
        resource.prlimit(broker(stage.stack), resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        stage.relay.start()
        refused = stage.o2c("publish", "--patience-s", "1", "-", input=as_lines(second))
        wait_for(lambda: not stage.stack.runs(), "the broker ends")
        expect(refused.returncode == UNREACHABLE,
               f"o2c publish: {refused.returncode} {refused.stderr}")
        left = stage.left_of(stage.relay)
        expect(left, "nothing is left to the relay")
        stage.stack.start("kafka")
        stage.publish(second)
        supervisor.all_drained()
        stage.publish(shipments)
        supervisor.all_drained()
        expect(stage.total("orders", "parked") == 0, "events were parked for it")
        theatre.same_as_undisturbed(stage, [orders, shipments])
    return (f"the broker ended with {left} decisions left to the relay; "
            f"{len(supervisor.restarted)} members fenced and started anew, 0 parked")
