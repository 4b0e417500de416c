"""The management port of each process: health, and metrics that tell the truth."""

import re
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from frozen_thread import FrozenThread, threads  # noqa: E402
from pipeline_case import PipelineCase, dispatch, order  # noqa: E402
from table_lock import TableLock  # noqa: E402

SERIES = re.compile(r"(o2c_[a-z_]+)(?:\{([^}]*)\})? (\d+(?:\.\d+)?)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
LAG = ("o2c_consumer_next_offset", "o2c_consumer_lag_records", "o2c_consumer_lag_seconds",
       "o2c_consumer_oldest_unprocessed_timestamp_seconds", "o2c_consumer_status",
       "o2c_consumer_offset_mirror_drift_records")
OK, STALL = 1, 5
PAGE = (Path(__file__).resolve().parents[2] / "docs/metrics.md").read_text("utf-8")


class MetricsCase(PipelineCase):
    def scrape(self, service):
        """{(metric, ((label, value), ...)): number}; every line must be Prometheus text."""
        service = self.pipeline.services.get(service, service)
        status, text = service.ask("/metrics")
        self.assertEqual(status, 200, text)
        found, declared = {}, set()
        for line in text.splitlines():
            if line.startswith("#"):
                declared.add(line.split()[2])
                self.assertIn(f"\n| `{line.split()[2]}` | ", PAGE)
                continue
            match = SERIES.fullmatch(line)
            self.assertIsNotNone(match, line)  # no NaN, nothing negative
            metric, labels, value = match.groups()
            self.assertIn(re.sub("_(bucket|sum|count)$", "", metric), declared)
            key = metric, tuple(LABEL.findall(labels or ""))
            self.assertNotIn(key, found)
            found[key] = float(value)
        return found

    def of(self, service, metric, **labels):
        """The series of a metric that have these labels: {(label value, ...): number}."""
        return {tuple(value for _, value in have): number
                for (found, have), number in self.scrape(service).items()
                if found == metric and labels.items() <= dict(have).items()}


class Metrics(MetricsCase):
    def test_lag_is_there_for_every_partition_and_zero_when_nothing_waits(self):
        self.publish(order("A1", "CA"))
        self.drain()
        for name in ("orders", "shipments"):
            group = self.pipeline.prefix + name
            wanted = {(group, topic, partition) for topic, partition in self.rows(
                "SELECT topic, partition FROM o2c.consumer_progress"
                f" WHERE consumer = '{name}'")}
            found = {metric: self.of(name, metric) for metric in LAG}
            for metric in LAG:
                self.assertEqual(set(found[metric]), wanted, metric)
            for metric in LAG[1:4]:
                self.assertEqual(set(found[metric].values()), {0}, metric)
            self.assertEqual(set(found["o2c_consumer_status"].values()), {OK})
            self.assertEqual(found["o2c_consumer_next_offset"], {
                (group, topic, partition): float(offset) for topic, partition, offset in
                self.rows("SELECT topic, partition, next_offset FROM o2c.consumer_progress"
                          f" WHERE consumer = '{name}'")})
            self.until("Kafka's offsets follow", lambda: not any(
                self.of(name, "o2c_consumer_offset_mirror_drift_records").values()))

    def test_what_waits_is_told_though_postgresql_lets_nothing_through(self):
        self.publish(order("B1", "CB"))
        self.drain()
        lock = TableLock(self.pipeline, mode="ACCESS EXCLUSIVE")
        self.addCleanup(lock.__exit__)
        self.publish(*(order(f"B{number}", "CB") for number in range(2, 12)))
        waiting = self.until("ten wait", lambda: {
            key: number for key, number in self.of("orders", "o2c_consumer_lag_records").items()
            if number == 10})
        key, = waiting
        appended = [one.timestamp()[1] / 1000 for one in self.records("o2c.orders")
                    if one.key() == b"CB"][1]
        self.until("its age is known", lambda: self.of(
            "orders", "o2c_consumer_oldest_unprocessed_timestamp_seconds")[key] == appended)
        begun = time.time()
        seconds = self.of("orders", "o2c_consumer_lag_seconds")[key]
        self.assertGreaterEqual(seconds, begun - appended)
        self.assertLessEqual(seconds, time.time() - appended)
        later = self.of("orders", "o2c_consumer_lag_seconds")[key]
        self.assertGreater(later, seconds)
        self.assertFalse(any(self.of("shipments", "o2c_consumer_lag_records").values()))
        self.until("stalls", lambda: self.of("orders", "o2c_consumer_status")[key] == STALL)
        lock.release()
        self.drain()
        self.assertFalse(any(self.of("orders", "o2c_consumer_lag_records").values()))
        self.assertFalse(any(self.of("orders", "o2c_consumer_lag_seconds").values()))
        self.assertEqual(self.of("orders", "o2c_consumer_status")[key], OK)

    def test_what_waits_is_told_though_the_client_fetches_nothing(self):
        self.publish(order("D1", "CD"))
        self.drain()
        # The client that reads is made before the one that looks how far behind it is.
        fetcher = threads(self.pipeline.services["orders"].process.pid, "rdk:broker1")[0]
        with FrozenThread(fetcher):
            self.publish(*(order(f"D{number}", "CD") for number in range(2, 12)))
            key, = self.until("ten wait", lambda: {
                key for key, number in self.of("orders", "o2c_consumer_lag_records").items()
                if number == 10})
            appended = [one.timestamp()[1] / 1000 for one in self.records("o2c.orders")
                        if one.key() == b"CD"][1]
            self.assertEqual(self.of(
                "orders", "o2c_consumer_oldest_unprocessed_timestamp_seconds")[key], appended)
            self.until("stalls",
                       lambda: self.of("orders", "o2c_consumer_status")[key] == STALL)
        self.drain()
        self.assertFalse(any(self.of("orders", "o2c_consumer_lag_records").values()))

    def test_a_partition_given_to_another_member_is_not_frozen_here(self):
        member = self.pipeline.services["orders"]
        self.publish(order("P1", "CP"))
        self.drain()
        self.assertEqual(len(self.of("orders", "o2c_consumer_lag_records")), 18)
        other = self.pipeline.member("orders", "2")
        self.addCleanup(other.kill)
        other.start()
        self.until("both have some", lambda: member.ready() and other.ready() and
                   self.of(other, "o2c_consumer_lag_records"))
        both = [set(self.of(name, metric)) for name in ("orders", other)
                for metric in LAG]
        self.assertEqual([len(one) for one in both], [9] * 12)
        self.assertEqual(both[0] & both[-1], set())
        other.stop()
        self.until("it takes all again",
                   lambda: len(self.of("orders", "o2c_consumer_lag_records")) == 18)

    def test_each_record_is_counted_by_topic_type_and_result(self):
        def counted():
            return self.of("orders", "o2c_events_processed_total")

        def letters():
            return self.of("orders", "o2c_dlq_records_total")

        before, letters_before = counted(), letters()
        self.publish(order("E1", "CE"), order("E1", "CE"))
        self.publish(dispatch("SE", "E1", "CE"))
        self.produce("o2c.orders", "CF", b"bad")
        self.publish(order("F1", "CF"), order("G1", "CG", quantity_milli=0))
        self.produce("o2c.orders", None, b"x", partition=1)
        self.drain()
        grown = {key: number - before.get(key, 0) for key, number in counted().items()
                 if number > before.get(key, 0)}
        self.assertEqual(grown, {
            ("o2c.orders", "OrderPlaced", "applied"): 1,
            ("o2c.orders", "OrderPlaced", "repeats"): 1,
            ("o2c.shipments", "ShipmentDispatched", "applied"): 1,
            ("o2c.orders", "none", "parked"): 1,
            ("o2c.orders", "OrderPlaced", "parked"): 2,
            ("o2c.orders", "none", "set_aside"): 1})
        self.assertEqual({key: number - letters_before[key]
                          for key, number in letters().items()},
                         {("unreadable",): 1, ("refused",): 1, ("no-key",): 1,
                          ("wrong-partition",): 0, ("key-mismatch",): 0})
        self.assertEqual(self.of("orders", "o2c_parked_keys"), {(): 2})
        for account in ("CF", "CG"):
            self.o2c("parked", "discard", "orders", account, "--reason", "test")
        self.assertEqual(counted()["o2c.orders", "OrderPlaced", "unparked"], 2)
        self.assertEqual(self.of("orders", "o2c_parked_keys"), {(): 0})
        totals = self.rows("SELECT sum(applied), sum(repeats), sum(skipped), sum(parked),"
                           " sum(unparked), sum(set_aside) FROM orders.position")[0]
        for result, total in zip(("applied", "repeats", "skipped", "parked", "unparked",
                                  "set_aside"), totals):
            self.assertEqual(sum(number for key, number in counted().items()
                                 if key[2] == result), float(total), result)

    def test_the_relay_tells_what_is_not_published(self):
        self.publish(order("R1", "CR"))
        self.drain()
        consumers = [name for name, in self.rows("SELECT consumer FROM o2c.consumer")]
        for metric in ("o2c_outbox_unsent_records", "o2c_outbox_oldest_unsent_age_seconds"):
            self.assertEqual(self.of("outbox-relay", metric), {(name,): 0 for name in consumers})
        self.assertEqual(sum(self.of("outbox-relay", "o2c_relay_published_total").values()),
                         sum(int(self.rows(f"SELECT count(*) FROM {name}.outbox")[0][0])
                             for name in consumers))

    def test_health_of_every_process(self):
        for service in self.pipeline.services.values():
            for path in ("/livez", "/readyz", "/startupz"):
                self.assertEqual(service.ask(path), (200, "ok\n"), f"{service.name} {path}")
            status, text = service.ask("/nowhere")
            self.assertEqual(status, 404)
            self.assertIn("/livez, /readyz, /startupz and /metrics", text)
            version, = [labels for metric, labels in self.scrape(service.name)
                        if metric == "o2c_build_info"]
            self.assertRegex(dict(version)["version"], r"\d+\.\d+\.\d+")


class NotStarted(MetricsCase):
    RUNNING = False

    def test_without_postgresql_it_lives_but_has_not_started(self):
        service = self.pipeline.services["orders"]
        service.start(O2C_PG_DSN="host=127.0.0.1 port=1 dbname=none")
        self.until("it answers", lambda: service.ask("/livez")[0] == 200)
        for path in ("/readyz", "/startupz"):
            self.assertEqual(service.ask(path), (503, "PostgreSQL is away\n"))
        self.scrape("orders")


if __name__ == "__main__":
    unittest.main(verbosity=2)
