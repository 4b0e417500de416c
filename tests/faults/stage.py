"""What the fault cases share: the pipeline they break, the events they send through it, and what
must be true of it afterwards.
"""

import json
import os
import signal
import time
from pathlib import Path

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from extra_consumer import register
from pipeline import Pipeline, PipelineFailed, Service
from published_events import decode, schemas_by_id
from reading_views import all_views, read_views

LONG = bool(os.environ.get("TEST_LONG"))
FOLLOWER = "tests/faults/o2c-follower"
FOLLOWER_SQL = Path(__file__).resolve().parent / "follower.sql"
PATIENCE_S = 60
UNREACHABLE = 3  # status of the tools
ASK_EVERY_S = 0.02
BATCH_EVENTS = 4  # small, so that a few events make many batches
SESSION_MS = 2500
BARRIER = '{"barrier": true}\n'
SEGMENTS = 4
ACCOUNTS = 8  # of a segment
OUTBOXES = " FROM o2c.consumer c, relay.sources(c.consumer) s"
# Made from incarnation and append time.
DIFFERS_BETWEEN_RUNS = ("event_id", "occurred_at", "applied_at", "opened_at", "oldest_since")


class Broken(Exception):
    """Something that must be true is not."""


def expect(condition, sentence):
    if not condition:
        raise Broken(sentence)


def wait_for(condition, sentence, patience_s=PATIENCE_S, ask_every_s=ASK_EVERY_S):
    """Asks until it is so; what it answered then."""
    deadline = time.monotonic() + patience_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise Broken(f"not within {patience_s} s: {sentence}")
        time.sleep(ask_every_s)
    return answer


# ---- events

def order_line(number, quantity_milli):
    return {"line_no": number, "sku": f"SKU-{number}", "quantity_milli": quantity_milli,
            "unit_price_micro": 1250000 * number}


def order(account, order_id, event_type="OrderPlaced", revision=1, quantity_milli=3000):
    return {"type": event_type, "source": "faults", "customer_id": account,
            "order_id": order_id, "revision": revision, "placed_at": "2026-03-02T09:00:00Z",
            "currency": "EUR", "invoice_policy": "on_shipment", "ship_policy": "on_order",
            "lines": [order_line(1, quantity_milli), order_line(2, 2000)]}


def dispatch(account, order_id, quantity_milli):
    return {"type": "ShipmentDispatched", "source": "faults", "customer_id": account,
            "shipment_id": f"DN-{order_id}", "order_id": order_id,
            "dispatched_at": "2026-03-03T08:00:00Z",
            "lines": [{"line_no": 1, "sku": "SKU-1", "quantity_milli": quantity_milli}]}


def delivery(account, order_id):
    return {"type": "ShipmentDelivered", "source": "faults", "customer_id": account,
            "shipment_id": f"DN-{order_id}", "order_id": order_id,
            "delivered_at": "2026-03-04T10:30:00Z"}


def segment(name, accounts=ACCOUNTS):
    """(events of orders, events of shipments) of accounts of its own.

    With a drained pipeline between the two, and each topic in its order, there is one right
    result: the same rows and the same decisions, whatever happened meanwhile.
    """
    orders, shipments = [], []
    for number in range(accounts):
        account, order_id = f"{name}-{number}", f"PO-{name}-{number}"
        orders += [order(account, order_id), order(account, order_id, "OrderAmended", 2, 5000)]
        if number % 4 == 0:
            orders.append(orders[-1])  # a repeat
        shipments += [dispatch(account, order_id, 2000 + 1000 * (number % 4)),
                      delivery(account, order_id)]
    return orders, shipments


def substitute(program):
    """The program of the same name in TEST_PROGRAMS: one with a deliberate defect."""
    folder = os.environ.get("TEST_PROGRAMS")
    other = folder and Path(folder).resolve() / program.name
    return other if other and other.exists() else program


def without_moments(rows):
    """Of these dictionaries what is the same in every run."""
    return [{name: value for name, value in row.items() if name not in DIFFERS_BETWEEN_RUNS}
            for row in rows]


def joined(parts):
    return [event for part in parts for event in part]


def as_lines(events):
    return "".join(json.dumps(event) + "\n" for event in events)


# ---- the pipeline

class Stage(Pipeline):
    """The whole pipeline and, behind it, the follower of follower.c."""

    def __init__(self, stack, build, **settings):
        super().__init__(stack, build, "faults_" + os.urandom(4).hex())
        of_hosts = {"O2C_BATCH_EVENTS": str(BATCH_EVENTS),
                    "O2C_SESSION_TIMEOUT_MS": str(SESSION_MS), **settings}
        program = self.build / FOLLOWER
        if not program.exists():
            raise PipelineFailed(f"{program} is missing: the build must have its tests")
        self.services["follower"] = Service("follower", program, self.environment,
                                            self.logs / "follower.log")
        for name, service in self.services.items():
            service.program = substitute(service.program)
            if name != "outbox-relay":
                service.environment = {**self.environment, **of_hosts}
        self.hits = self.logs / "hits"
        self.members = []

    def __enter__(self):
        try:
            self.create()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind, fault, trace):
        for member in self.members:
            member.kill()
        if fault is not None and os.environ.get("TEST_KEEP_LOGS"):
            self.kill()
            print(f"logs: {self.logs}", flush=True)
        else:
            self.remove()

    def create(self):
        self.create_database()
        self.register_follower()
        self.create_topics()

    def register_follower(self):
        register(self.sql, "follower", FOLLOWER_SQL.read_text())

    def create_topics(self):
        self.must("topics", "create", "--partitions", str(self.partitions))

    @property
    def orders(self):
        return self.services["orders"]

    @property
    def relay(self):
        return self.services["outbox-relay"]

    def begin(self, *without, **further):
        """Everything runs and is ready."""
        for name, service in self.services.items():
            if name not in without:
                service.start(**further)
        for name, service in self.services.items():
            if name not in without:
                self.await_ready(service)

    def await_ready(self, service, patience_s=PATIENCE_S):
        def answer():
            if not service.alive():
                raise Broken(f"{service.name} ended with status {service.process.returncode}:\n"
                             f"{service.last_words()}")
            return service.ready()
        wait_for(answer, f"{service.name} gets ready", patience_s)

    def second_member(self, name="orders", instance="2", **settings):
        member = self.member(name, instance, **settings)
        self.members.append(member)
        return member

    def reach_postgres_by(self, proxy):
        """The orders consumer does so from its next start on."""
        self.orders.environment["O2C_PG_DSN"] = proxy.dsn(self.environment["O2C_PG_DSN"])

    def publish(self, events):
        text = events if isinstance(events, str) else as_lines(events)
        done = self.o2c("publish", "-", input=text)
        expect(done.returncode == 0, f"o2c publish: {done.stderr.strip()}")

    def drain(self, patience_s=PATIENCE_S):
        """Asks again while Kafka or PostgreSQL cannot be reached."""
        deadline = time.monotonic() + patience_s
        done = self.o2c("drain", "--timeout-s", str(patience_s))
        while done.returncode == UNREACHABLE and time.monotonic() < deadline:
            time.sleep(ASK_EVERY_S)
            done = self.o2c("drain", "--timeout-s", str(patience_s))
        if done.returncode:
            said = "\n".join(f"{service.name}: {service.last_words(2)}"
                             for service in self.services.values())
            raise Broken(f"o2c drain: {done.stderr.strip()}\n{said}")

    def restart_ended(self, sentence):
        """As a supervisor would, those that ended by a fatal error of this kind; their names."""
        ended = [service for service in self.services.values() if not service.alive()]
        for service in ended:
            expect(service.process.returncode == 1 and sentence in service.last_words(3),
                   f"{service.name} ended with {service.process.returncode}: "
                   f"{service.last_words(3)}")
            service.start()
        return [service.name for service in ended]

    def play(self, parts):
        """One after the other, drained between."""
        for part in parts:
            self.publish(part)
            self.drain()

    def hits_of(self, point, log=None):
        """How often a process started with O2C_FAILPOINT_LOG has come by a failpoint."""
        log = log or self.hits
        if not log.exists():
            return 0
        return sum(line.split()[0] == point for line in log.read_text().splitlines())

    # ---- what is under way

    def done_by(self, service):
        """{place: number}: how far it is in each topic partition; the relay, in each outbox."""
        if service is self.relay:
            rows = "SELECT c.consumer, s.partition, s.acked" + OUTBOXES
        else:
            rows = f"SELECT topic, partition, next_offset FROM {service.name}.consumer_progress"
        return self.numbers(rows)

    def given_to(self, service):
        """{place: number}: how far it can get with what is there now."""
        if service is self.relay:
            return self.numbers("SELECT c.consumer, s.partition, s.given" + OUTBOXES)
        places = {TopicPartition(self.prefix + topic, partition): (topic, partition)
                  for topic, partition in self.done_by(service)}
        # one that was there before the broker restarted asks for a leader that is gone
        admin = AdminClient({"bootstrap.servers": self.environment["O2C_KAFKA"]})
        ends = admin.list_offsets(dict.fromkeys(places, OffsetSpec.latest()))
        return {places[place]: end.result(30).offset for place, end in ends.items()}

    def numbers(self, text):
        rows = (row.split("|") for row in self.sql(text).splitlines())
        return {(name, int(partition)): int(number) for name, partition, number in rows}

    def left_of(self, service, given=None):
        """How many records it has not done, of those that were there (else of those there now)."""
        given = given or self.given_to(service)
        done = self.done_by(service)
        return sum(max(0, number - done.get(place, 0)) for place, number in given.items())

    def stopped_at_work(self, service, events, at_least, some):
        """Stops it (SIGSTOP) after it has done some of what the events give it to do, at least so
        many records; how many are left.  Where there are none it goes on.
        """
        name = ("o2c_relay_published_total" if service is self.relay
                else "o2c_events_processed_total")
        before = service.metric(name)
        service.freeze()
        self.publish(events)
        wait_for(lambda: self.left_of(service) >= at_least, f"{service.name} gets work")
        given = self.given_to(service)
        service.send(signal.SIGCONT)
        wait_for(lambda: service.metric(name) >= before + some, f"{service.name} works",
                 ask_every_s=0)
        service.freeze()
        left = self.left_of(service, given)
        if not left:
            service.send(signal.SIGCONT)
        return left

    # ---- what has come of it

    def number(self, text):
        return int(self.sql(text).strip() or 0)

    def verify(self):
        done = self.o2c("verify")
        expect(done.returncode == 0, f"o2c verify: {(done.stdout + done.stderr).strip()}")

    def applied(self, consumer="orders"):
        return self.total(consumer, "applied")

    def total(self, consumer, column):
        return self.number(f"SELECT coalesce(sum({column}), 0) FROM {consumer}.position")

    def stored_batches(self, consumer="orders"):
        return self.number(f"SELECT count(*) FROM {consumer}.fold_order")

    def decisions(self):
        """{consumer/topic/key: [event]} in their order, as the outboxes have them."""
        found, schemas = {}, schemas_by_id()
        for consumer in self.sql("SELECT consumer FROM o2c.consumer").split():
            rows = self.sql(
                "SELECT topic, encode(key, 'escape'), event_type, encode(value, 'hex')"
                f"  FROM {consumer}.outbox ORDER BY partition, outbox_no")
            for row in rows.splitlines():
                topic, key, event_type, value = row.split("|")
                content = without_moments([decode(bytes.fromhex(value), schemas)] if value else [])
                found.setdefault(f"{consumer}/{topic}/{key}", []).append((event_type, content))
        return found

    def heard(self):
        rows = self.sql("SELECT account_id, order_id, changes FROM follower.heard ORDER BY 1, 2")
        return rows.splitlines()

    def outcome(self):
        """Views, decisions, and what reached the follower; of a drained pipeline."""
        self.verify()
        self.follower_counts_right()
        views = read_views(self.environment["O2C_PG_DSN"],
                           [view for view in all_views(self.sql)
                            if view[0] not in ("parked", "set_aside")])
        views = {name: without_moments(rows) for name, rows in views.items()}
        return {"views": views, "decisions": self.decisions(), "heard": self.heard()}

    def follower_counts_right(self):
        told = self.number("SELECT count(*) FROM orders.outbox"
                           " WHERE event_type LIKE '%OrderStatusChanged'")
        heard = self.number("SELECT sum(changes) FROM follower.heard")
        expect(told == heard, f"{told} changes were decided, the follower counted {heard}")

    def waits_for_lock(self, consumer="orders", at_least_s=0):
        """Does a store of the consumer wait for a lock, for so long?"""
        return self.number("SELECT count(*) FROM pg_stat_activity"
                           f" WHERE datname = '{self.name}' AND wait_event_type = 'Lock'"
                           f" AND clock_timestamp() - query_start >= interval '{at_least_s} s'"
                           f" AND application_name LIKE '%{consumer}%'") > 0

    def no_stale_rows(self, consumer="orders"):
        """Of an owner before, stored after a later one had claimed."""
        return self.number(f"SELECT count(*) FROM {consumer}.progress p"
                           f"  JOIN {consumer}.claim c USING (partition)"
                           " WHERE p.epoch < c.epoch AND p.stored_at > c.claimed_at") == 0


def difference(expected, found, where=""):
    """The first place where two outcomes differ, in words; None where they do not."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted({*expected, *found}, key=str):
            if said := difference(expected.get(key), found.get(key), f"{where}/{key}"):
                return said
        return None
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found)):
            if said := difference(one, other, f"{where}[{number}]"):
                return said
        return None
    if expected == found:
        return None
    return f"{where}: undisturbed {shown(expected)}, here {shown(found)}"


def shown(value):
    text = str(value)
    return text if len(text) < 300 else f"{text[:300]}... ({len(value)})"


class Theatre:
    """Makes stages; knows what an undisturbed run of the same events gives."""

    def __init__(self, build, shared_stack, own_stack):
        self.build, self.shared_stack, self.own_stack = build, shared_stack, own_stack
        self.undisturbed = {}

    def stage(self, **settings):
        return Stage(self.shared_stack(), self.build, **settings)

    def own_stage(self, **settings):
        """On a broker and a PostgreSQL that the case may stop and kill."""
        return Stage(self.own_stack(), self.build, **settings)

    def undisturbed_outcome(self, parts):
        key = json.dumps(parts)
        if key not in self.undisturbed:
            with self.stage(O2C_BATCH_EVENTS="1000") as stage:
                stage.begin()
                stage.play(parts)
                self.undisturbed[key] = stage.outcome()
        return self.undisturbed[key]

    def same_as_undisturbed(self, stage, parts):
        said = difference(self.undisturbed_outcome(parts), stage.outcome())
        expect(said is None, f"the result differs from that of an undisturbed run: {said}")


def standard_parts(segments=SEGMENTS):
    return [part for number in range(segments) for part in segment(f"S{number}")]


# ---- the list of cases

CASES = []


class Case:
    def __init__(self, file, play, fault, how, invariant):
        self.file, self.play = file, play
        self.name = play.__name__
        self.fault, self.how, self.invariant = fault, how, invariant


def case(fault, how, invariant):
    """Of a function that plays a case: it takes the theatre, answers what was measured."""
    def listed(play):
        CASES.append(Case(play.__module__, play, fault, how, invariant))
        return play
    return listed
