"""The jobs of the benchmark. A job fills topics of its own once, then lets its contestants run
in turn, A B A B, and says what the medians and their ratio are.

A further consumer is one more job here: its events (traffic.c, or o2c simulate), its contestants,
and its tables in sql/ where it is not a product consumer.
"""

import json
from itertools import count
from statistics import median

from contestants import Bare, Hosted, Replay, Run, race, record
from money import MONEY_JOBS
from turns import Job, in_turn, latencies, ratios, report_of, same_contents

LAST_WINS_TOPIC = "o2c.order-status"
HOST = Hosted("host", "tests/bench/bench_last_wins", "last_wins", [LAST_WINS_TOPIC],
              "last_wins.order_state",
              settings={"O2C_FETCH_QUEUE_EVENTS": "300000"})  # it does 200,000 a second
BARE = Bare("bare", "tests/bench/bench_bare_last_wins", LAST_WINS_TOPIC, "bare.order_state")
ORDERS_TOPICS = ["o2c.orders", "o2c.shipments", "o2c.invoices"]
# first_seen depends on which topic was read first: it is no fact
ORDERS = Hosted("orders", "consumers/orders/o2c-orders", "orders", ORDERS_TOPICS,
                "(SELECT account_id, order_id, revision, net_minor, state, shipment_state,"
                " invoice_state FROM orders.sales_order)")
ORDERS_ALONE = Hosted("orders", "consumers/orders/o2c-orders", "orders", ORDERS_TOPICS[:1])
REPLAY = "tests/bench/bench_bare_replay"
LATENCY_RATE = 2000


class Race(Job):
    """Contestants through a backlog; the ratio is that of the first to the second."""

    figure = "events_per_s"

    def __init__(self, name, about, contestants, fill, members=1):
        self.name, self.about, self.contestants = name, about, contestants
        self.fill, self.members = fill, members

    def contestants_for(self, bench, prefix, events):
        return self.contestants

    def run(self, bench, sizes):
        prefix, events = self.fill(bench, sizes)
        contestants = self.contestants_for(bench, prefix, events)
        by_name = {one.name: one for one in contestants}
        results = in_turn(bench, by_name, sizes.rounds,
                          lambda name: race(bench, by_name[name], prefix, events, self.members,
                                            sizes.idle_s))
        same_contents(results)
        return {"events": events, "members": self.members} | report_of(results, self.figure)


class ReplayRace(Race):
    """A consumer that loads, beside the same statements without it."""

    def __init__(self, name, about, hosted, topics, fill):
        super().__init__(name, about, [hosted], fill)
        self.topics = topics

    def contestants_for(self, bench, prefix, events):
        bench.say("recording")
        file = record(bench, self.contestants[0], prefix, events)
        return [*self.contestants, Replay(self.contestants[0], REPLAY, file, self.topics)]


def fill_orders(bench, sizes):
    prefix = bench.topics("orders.")
    bench.say("publishing")
    bench.simulate(prefix, sizes.sim_orders)
    return prefix, sum(bench.records(prefix + topic) for topic in ORDERS_TOPICS)


def fill_last_wins(spread):
    def fill(bench, sizes):
        prefix = bench.topics(f"last-wins-{spread}.")
        bench.traffic_once("fill", bench.kafka, prefix + LAST_WINS_TOPIC,
                           str(sizes.events), str(sizes.orders), spread)
        return prefix, sizes.events
    return fill


class Latency(Job):
    """From publishing an event to seeing it stored, and to reading what was decided of it."""

    def __init__(self, name, about, contestants, topic, kind, out_topic=None, relayed=False):
        self.name, self.about, self.contestants = name, about, contestants
        self.topic, self.kind, self.out_topic, self.relayed = topic, kind, out_topic, relayed

    def one(self, bench, sizes, prefix, contestant):
        with Run(bench, contestant, prefix) as run:
            run.wait_reading()
            out = [prefix + self.out_topic] if self.out_topic else []
            relay = bench.relay(prefix, run.dsn) if self.relayed else None
            try:
                said = bench.traffic("pace", bench.kafka, prefix + self.topic, self.kind,
                                     str(LATENCY_RATE), str(sizes.latency_s), run.dsn,
                                     contestant.positions_sql, *out)
            finally:
                if relay:
                    relay.kill()
        bench.drop_database(run.dsn)
        return latencies(self.name, json.loads(said))

    def run(self, bench, sizes):
        by_name = {one.name: one for one in self.contestants}
        runs = count()

        def one(name):
            """On topics of its own: what is published belongs to one database."""
            prefix = bench.topics(f"{self.name}-{next(runs)}.")
            return self.one(bench, sizes, prefix, by_name[name])

        bench.say("not counted: the broker's first small requests take it seconds")
        one(self.contestants[0].name)
        results = in_turn(bench, by_name, sizes.rounds, one)
        report = {"events_per_s": LATENCY_RATE, "seconds": sizes.latency_s} | report_of(results)
        if len(results) == 2:
            each = ratios(results, *results, "stored_p99_ms")
            report |= {"p99_ratios": each, "p99_ratio": median(each)}
        return report


JOBS = [
    Race("last-wins-clustered", "the newest state of every order, events of an order near each "
         "other", [HOST, BARE], fill_last_wins("clustered")),
    Race("last-wins-even", "the same with any order at any time", [HOST, BARE],
         fill_last_wins("even")),
    Latency("last-wins-latency", "the same, one event at a time", [HOST, BARE],
            LAST_WINS_TOPIC, "changed"),
    Race("last-wins-two-members", "the first with two members", [HOST, BARE],
         fill_last_wins("clustered"), members=2),
    ReplayRace("orders", "order lifecycles through the consumer orders, and its statements alone",
               ORDERS, ORDERS_TOPICS, fill_orders),
    Latency("orders-latency", "orders one at a time: stored, and acknowledged on "
            "o2c.order-status", [ORDERS_ALONE], "o2c.orders", "placed", "o2c.order-status",
            relayed=True),
    *MONEY_JOBS,
]
