"""What a consumer makes of a history does not depend on where its batches begin and end: one at a
time, seven, as many as fit into little memory, or all at once give the same rows and the same
bytes to publish.
"""

import difflib
import json
import os
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

from confluent_kafka.admin import AdminClient  # noqa: E402
from local_stack import psql  # noqa: E402
from pipeline import Service  # noqa: E402
from pipeline_case import ASK_EVERY_S, PATIENCE_S, PipelineCase, order  # noqa: E402

LIMITS = {
    "one": {"O2C_BATCH_EVENTS": "1"},
    "seven": {"O2C_BATCH_EVENTS": "7"},
    # far less than what the events leave behind them: parts end while they are folded
    "little": {"O2C_BATCH_EVENTS": "10000", "O2C_BATCH_BYTES": "65536"},
    "all": {"O2C_BATCH_EVENTS": "10000"},
}
CONSUMERS = ("orders", "shipments", "receivables", "ledger", "disputes", "reminders")
# Each decides more than that; the ledger decides nothing while all is well.
DECIDED = {"orders": 60, "shipments": 5, "receivables": 300, "disputes": 2, "reminders": 2}
DAYS = ("2026-03-01", "2026-05-01")  # after what is simulated: all that is due is reminded
SEEDS = range(1, 11) if os.environ.get("TEST_LONG") else (1,)
HISTORY = ("--accounts", "12", "--orders", "60", "--contradicted-percent", "5", "--repeated-percent", "10",
           "--late-percent", "20", "--cancelled-percent", "20", "--returned-percent", "20",
           "--unpriced-percent", "5", "--over-under-percent", "10")

# When something happened to be stored, and how often: the only things that may differ.
MAY_DIFFER = ("stored_at", "parked_at", "set_aside_at", "claimed_at", "batch_seq",
              "fixed_at")
TABLES = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = '{schema}'::regnamespace
   AND c.relkind = 'r' AND c.relname NOT IN ('claim', 'progress', 'packed_order', 'outbound')
 ORDER BY 1
"""
ROWS = """
SELECT (to_jsonb(t) - '{{{may_differ}}}'::text[])::text FROM {schema}.{table} t ORDER BY 1
"""
POSITIONS = """
SELECT (to_jsonb(p) - '{{{may_differ}}}'::text[] - '{{owner,backend_pid,generation,epoch}}'::text[])::text
  FROM {schema}.position p ORDER BY 1
"""
UNSENT = """
SELECT count(*) FROM o2c.consumer c, relay.sources(c.consumer) s WHERE s.acked < s.given
"""
# ce_id is made of it: the same in every database that is to be compared.
CLAIMS = """
INSERT INTO {schema}.claim
SELECT p, 0, 0, 'nobody', 0, now(), ('01900000-0000-7000-8000-' || lpad(p::text, 12, '0'))::uuid,
       '{cluster}', {partitions} FROM generate_series(0, {partitions} - 1) p
"""


def business_day(date):
    return json.dumps({"type": "BusinessDayStarted", "source": "test",
                       "business_date": date}) + "\n"


class BatchLimits(PipelineCase):
    RUNNING = False

    def publish_history(self, seed, lines):
        self.publish(*lines[:len(lines) // 2])
        # What is parked keeps its account's later events behind it; what has no key does not.
        customer = f"PARKED-{seed}"
        self.publish(order(f"BEFORE-{seed}", customer))
        self.produce("o2c.orders", customer.encode(), b"\0\0\0\xff\xffno such schema")
        self.publish(order(f"BEHIND-{seed}", customer))
        self.produce("o2c.orders", None, b"no key", partition=seed % self.pipeline.partitions)
        self.publish(*lines[len(lines) // 2:])

    def history(self, seed):
        """(what comes on o2c.shipments, on o2c.invoices, all else).  Which of two topics a consumer
        takes first is no matter of batches: one is folded before the other is published."""
        parts = [], [], []
        for line in self.o2c("simulate", "--seed", str(seed), *HISTORY).splitlines(keepends=True):
            kind = json.loads(line)["type"]
            parts[0 if kind.startswith("Shipment") else
                  1 if kind.startswith(("Invoice", "CreditNote")) else 2].append(line)
        return parts

    def ends(self, consumer):
        """What its positions must add up to."""
        return sum(len(self.records(topic)) for topic, in self.rows_of(
            self.pipeline.environment["O2C_PG_DSN"],
            f"SELECT topic FROM o2c.consumer_topic WHERE consumer = '{consumer}'"
            "    AND direction = 'in'"))

    @staticmethod
    def rows_of(dsn, sql):
        return [tuple(line.split("|")) for line in psql(dsn, sql).splitlines()]

    def database(self, limit):
        name = f"{self.pipeline.name}_{limit}"
        self.pipeline.sql(f'CREATE DATABASE "{name}" TEMPLATE "{self.pipeline.name}"')
        self.addCleanup(self.pipeline.sql, f'DROP DATABASE "{name}" WITH (FORCE)')
        return self.pipeline.stack.dsn(name)

    def fold(self, dsn, limit, ends):
        """Each consumer reads everything there is, in batches of so many."""
        environment = self.pipeline.environment | {
            "O2C_PG_DSN": dsn, **LIMITS[limit]}
        for consumer in CONSUMERS:
            if self.folded(dsn, consumer) == ends[consumer]:
                continue
            service = Service(consumer, self.pipeline.services[consumer].program, environment,
                              self.pipeline.logs / f"{consumer}-{limit}.log")
            service.start()
            try:
                self.until_folded(service, dsn, consumer, ends[consumer])
                self.assertEqual(service.stop(), 0, service.last_words())
            finally:
                service.kill()

    def fold_all(self, dsns):
        ends = {consumer: self.ends(consumer) for consumer in CONSUMERS}
        for limit, dsn in dsns.items():
            self.fold(dsn, limit, ends)

    def until_folded(self, service, dsn, consumer, end):
        deadline = time.monotonic() + PATIENCE_S
        while self.folded(dsn, consumer) != end:
            self.assertTrue(service.alive(), service.last_words(20))
            self.assertLess(time.monotonic(), deadline, f"{consumer} does not reach {end}")
            time.sleep(ASK_EVERY_S)

    @staticmethod
    def folded(dsn, consumer):
        return int(psql(dsn, "SELECT coalesce(sum(next_offset), 0) FROM o2c.consumer_progress"
                             f" WHERE consumer = '{consumer}'"))

    def relay(self, dsn):
        """What was decided comes to the topics, once for all databases."""
        relay = Service("outbox-relay", self.pipeline.services["outbox-relay"].program,
                        self.pipeline.environment | {"O2C_PG_DSN": dsn},
                        self.pipeline.logs / "relay.log")
        relay.start()
        try:
            deadline = time.monotonic() + PATIENCE_S
            while int(psql(dsn, UNSENT)):
                self.assertLess(time.monotonic(), deadline, relay.last_words(20))
                time.sleep(ASK_EVERY_S)
            self.assertEqual(relay.stop(), 0, relay.last_words())
        finally:
            relay.kill()

    def everything(self, dsn):
        """Every row of every table, as text."""
        text = []
        for schema in CONSUMERS:
            names = {"schema": schema, "may_differ": ",".join(MAY_DIFFER)}
            text += ["position: " + row for row in
                     psql(dsn, POSITIONS.format(**names)).splitlines()]
            for table, in self.rows_of(dsn, TABLES.format(**names)):
                text += [f"{schema}.{table}: {row}" for row in
                         psql(dsn, ROWS.format(table=table, **names)).splitlines()]
        return text

    def test_limits_give_the_same_rows_and_the_same_bytes(self):
        histories = {seed: self.history(seed) for seed in SEEDS}
        cluster = self.cluster_id()
        for consumer in CONSUMERS:
            self.pipeline.sql(CLAIMS.format(schema=consumer, cluster=cluster,
                                            partitions=self.pipeline.partitions))
        dsns = {limit: self.database(limit) for limit in LIMITS}
        for seed, (_, _, others) in histories.items():
            self.publish_history(seed, others)
        self.fold_all(dsns)
        for part in range(2):
            for parts in histories.values():
                self.publish(*parts[part])
            self.fold_all(dsns)
        for _ in range(2):  # disputes are opened by what is in o2c.cash, and close items there
            self.relay(dsns["one"])
            self.fold_all(dsns)
        for day in DAYS:
            self.publish(business_day(day))
            self.fold_all(dsns)
        found = {}
        for limit, dsn in dsns.items():
            found[limit] = self.everything(dsn)
            batches = int(psql(dsn, "SELECT count(*) FROM orders.fold_order"))
            print(f"limit {limit}: {batches} positions of orders, {len(found[limit])} rows",
                  flush=True)
        single = found["one"]
        for consumer, decided in DECIDED.items():
            self.assertGreater(sum(row.startswith(f"{consumer}.outbox") for row in single), decided)
        self.assertGreater(sum(row.startswith("ledger.") for row in single), 500)
        self.assertGreater(sum("orders.parked:" in row for row in single), 1)
        for limit, rows in found.items():
            if rows != single:
                self.fail(f"limit {limit} differs from one at a time:\n" + "\n".join(list(
                    difflib.unified_diff(single, rows, lineterm="", n=0))[:20]))

    def cluster_id(self):
        admin = AdminClient({"bootstrap.servers": self.pipeline.environment["O2C_KAFKA"]})
        return admin.list_topics(timeout=PATIENCE_S).cluster_id


if __name__ == "__main__":
    unittest.main(verbosity=2)
