"""Records that can never be applied, in every form: none stops its partition, none is lost."""

import threading
from collections import Counter

from confluent_kafka import Producer

from pills import (INVOICES, NOTICES, ORDERS, evidence, every_pill, invoice, order)
from stage import Broken, case, expect, wait_for

CANDIDATES = 240  # accounts, so that every partition has more than there are forms
HEALTHY = 8  # accounts of the load; a round is an order of each
BLOCKED_TICKS = 8  # in a second go 9 on a machine of two cores
COUNTED = ("applied", "repeats", "skipped", "parked", "set_aside")


class Upstream:
    def __init__(self, stage):
        self.prefix = stage.prefix
        self.producer = Producer({"bootstrap.servers": stage.environment["O2C_KAFKA"],
                                  "partitioner": "murmur2_random", "enable.idempotence": True})
        self.sent = Counter()

    def send_all(self, topic, records):
        """The records, which are words of Producer.produce(), as Kafka has them."""
        placed = []
        for record in records:
            self.producer.produce(self.prefix + topic, **record,
                                  on_delivery=lambda error, sent: placed.append((error, sent)))
        self.producer.flush(30)
        expect(len(placed) == len(records), "Kafka does not answer")
        for error, _ in placed:
            expect(error is None, f"not published: {error}")
        self.sent[topic] += len(records)
        return [sent for _, sent in placed]

    def send(self, topic, **record):
        """(partition, offset) where the record is."""
        sent, = self.send_all(topic, [record])
        return sent.partition(), sent.offset()

    def place_orders(self, order_ids):
        """Of {account: order_id}."""
        return self.send_all(ORDERS, [{"key": account, "value": order(account, order_id)}
                                      for account, order_id in order_ids.items()])


def passed_by_all(stage, topic, partition, offset):
    """Has every consumer that reads the topic stored what became of the record?"""
    return stage.number("SELECT min(next_offset) FROM o2c.consumer_progress"
                        f" WHERE topic = '{topic}' AND partition = {partition}") > offset


class Load:
    """Healthy traffic of one partition: the next round is sent when the last one is stored."""

    def __init__(self, stage, accounts):
        self.stage, self.accounts, self.upstream = stage, accounts, Upstream(stage)
        self.rounds, self.fault, self.ended = 0, None, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while not self.ended.is_set():
                self.play_round()
                self.rounds += 1
        except Broken as fault:
            self.fault = fault

    def play_round(self):
        sent = self.upstream.place_orders({account: f"PO-load-{account}-{self.rounds}"
                                           for account in self.accounts})
        last = max(sent, key=lambda record: record.offset())
        wait_for(lambda: passed_by_all(self.stage, ORDERS, last.partition(), last.offset()),
                 "the load's orders are stored")

    def goes_on(self, sentence):
        """What is published from now on is stored."""
        before = self.rounds
        wait_for(lambda: self.fault or self.rounds > before + 1, sentence)
        expect(not self.fault, f"{sentence}: {self.fault}")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


class Ticks:
    """Time by the events of a process that meets no poison: a tick is a record that disputes
    has stored.  Where the machine is slow a tick takes longer, as all else does.
    """

    def __init__(self, stage, upstream, account):
        self.stage, self.upstream, self.account = stage, upstream, account
        self.count = 0

    def one(self):
        self.count += 1
        topic = "o2c.dispute-requests"
        place = self.upstream.send(topic, key=self.account,
                                   value=evidence(self.account, self.count))
        wait_for(lambda: passed_by_all(self.stage, topic, *place), "disputes go on")

    def until(self, condition, sentence):
        """How many pass until it is so."""
        begun = self.count
        while not condition():
            expect(self.count - begun < BLOCKED_TICKS,
                   f"not within {BLOCKED_TICKS} ticks: {sentence}")
            self.one()
        return self.count - begun


def accounts_by_partition(stage, upstream):
    """Where keys hash to, learned by placing one order for each."""
    found = [[] for _ in range(stage.partitions)]
    accounts = [f"poison-{number}" for number in range(CANDIDATES)]
    for sent in upstream.place_orders({account: f"PO-{account}" for account in accounts}):
        found[sent.partition()].append(sent.key().decode())
    return found


def good_record(pill, account):
    """Of another account and the same topic, to stand right behind the pill."""
    name = f"behind {pill.form}"
    if pill.topic == INVOICES:
        return {"key": account, "value": invoice(account, name)}
    if pill.topic == NOTICES:
        return {"key": account, "value": None,
                "headers": [("o2c_parked", b"released"), ("o2c_parked_left", b"0")]}
    return {"key": account, "value": order(account, name)}


def take(stage, upstream, ticks, partition, pill, good_account):
    """The pill, and a good record right behind it; how many ticks until that one was stored."""
    _, offset = upstream.send(pill.topic, key=pill.key, value=pill.value, partition=partition,
                              headers=pill.headers)
    behind = upstream.send(pill.topic, **good_record(pill, good_account))
    expect(behind == (partition, offset + 1) or pill.topic == ORDERS and behind[0] == partition,
           f"{pill.form}: the good record is not behind it but at {behind}")
    waited = ticks.until(lambda: passed_by_all(stage, pill.topic, *behind),
                         f"the record behind {pill.form} is stored")
    for consumer, (table, reason) in pill.becomes.items():
        became_as_sent(stage, pill, consumer, table, reason, (partition, offset))
    return waited


def as_hex(value):
    return "null" if value is None else value.hex()


def became_as_sent(stage, pill, consumer, table, reason, place):
    """It is in the table with its reason, its key and its bytes."""
    key = "convert_to(account_id, 'UTF8')" if table == "parked" else "key"
    kept = stage.sql(f"SELECT coalesce(encode({key}, 'hex'), 'null'),"
                     "        coalesce(encode(value, 'hex'), 'null'), reason"
                     f"  FROM {consumer}.{table} WHERE topic = '{pill.topic}'"
                     f"   AND (partition, record_offset) = {place}").strip()
    expect(kept, f"{pill.form}: it is not in {consumer}.{table}")
    *found, why = kept.split("|", 2)
    sent = [as_hex(pill.key), as_hex(pill.value)]
    expect(found == sent, f"{pill.form}: {consumer} keep {found}, sent was {sent}")
    expect(reason in why, f"{pill.form}: {consumer} say {why!r}, not {reason!r}")


def nothing_else(stage, pills):
    """Parked and set aside is each pill by itself, by the consumers that it is meant for."""
    for table, rows in (("parked", "account_id FROM o2c.parked WHERE state = 'parked'"),
                        ("set_aside", "topic FROM o2c.set_aside")):
        wanted = Counter(
            f"{consumer} {pill.account if table == 'parked' else pill.topic}"
            for pill in pills for consumer, (became, _) in pill.becomes.items()
            if became == table)
        found = Counter(stage.sql(f"SELECT consumer || ' ' || {rows}").splitlines())
        expect(found == wanted, f"{table} are {sorted((found - wanted).elements())} too, and "
               f"{sorted((wanted - found).elements())} are not")


def queued_behind(stage, upstream, pills):
    """A later order of each pill's account waits where it was parked, and nowhere else."""
    upstream.place_orders({pill.account: f"PO-later-{pill.account}" for pill in pills})
    stage.drain()
    wanted = sorted(f"{consumer} {pill.account}" for pill in pills
                    for consumer, (became, _) in pill.becomes.items()
                    if became == "parked" and consumer in ("orders", "shipments"))
    queued = sorted(stage.sql("SELECT consumer || ' ' || account_id FROM o2c.parked"
                              " WHERE state = 'queued'").splitlines())
    expect(queued == wanted, f"queued are {queued}, not {wanted}")


def each_counted_once(stage, sent):
    """Every record that these two were sent is applied, a repeat, skipped, parked or set aside."""
    for consumer, topics in (("orders", (ORDERS, INVOICES)), ("shipments", (ORDERS,))):
        totals = {name: stage.total(consumer, name) for name in COUNTED}
        published = sum(sent[topic] for topic in topics)
        expect(sum(totals.values()) == published,
               f"{published} were sent to {consumer}, counted are {totals}")
    return {name: stage.total("orders", name) for name in COUNTED}


@case("poison in every form", "bad magic, unknown schema id, truncated or trailing bytes, unknown "
      "enum symbol, array of 2^40, 0 bytes, null, bad UTF-8, NaN, money beyond 64 bits, bad stream "
      "headers, a notice without headers; no key, empty, too long or no UTF-8, wrong partition, "
      "foreign key: each of an account of its own while other accounts of the partition are busy",
      "each is parked or set aside by itself, with its reason and its bytes; the record behind it "
      f"is stored before another process has stored {BLOCKED_TICKS} one by one; nothing else is "
      "parked; produced = applied + repeats + parked + set aside")
def poison_does_not_stop_its_partition(theatre):
    with theatre.stage() as stage:
        upstream = Upstream(stage)
        stage.begin()
        by_partition = accounts_by_partition(stage, upstream)
        stage.drain()
        partition = max(range(stage.partitions), key=lambda number: len(by_partition[number]))
        strangers = by_partition[(partition + 1) % stage.partitions]
        healthy = by_partition[partition][:HEALTHY]
        pills = list(every_pill(by_partition[partition][HEALTHY:], strangers[1:]))
        ticks, waits = Ticks(stage, upstream, strangers[0]), {}
        with Load(stage, healthy) as load:
            load.goes_on("the load begins")
            for pill in pills:
                waits[pill.form] = take(stage, upstream, ticks, partition, pill, healthy[0])
                load.goes_on(f"other accounts go on behind {pill.form}")
        stage.drain()
        nothing_else(stage, pills)
        queued_behind(stage, upstream, pills)
        nothing_else(stage, pills)
        stage.verify()
        counted = each_counted_once(stage, upstream.sent + load.upstream.sent)
    slowest = max(waits, key=waits.get)
    return (f"{sum(counted.values())} sent to orders = "
            + " + ".join(f"{count} {name}" for name, count in counted.items() if count)
            + f"; {len(pills)} pills between {load.rounds} rounds of {len(healthy)} orders, the "
            f"slowest ({slowest}) took {waits[slowest]} ticks")
