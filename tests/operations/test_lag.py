"""o2c lag: how far behind each consumer is, whatever has become of it."""

import fcntl
import json
import math
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from confluent_kafka import ConsumerGroupTopicPartitions, Producer  # noqa: E402
from confluent_kafka.admin import AdminClient  # noqa: E402
from pipeline import CLI, end_with_parent  # noqa: E402
from pipeline_case import PATIENCE_S, PipelineCase, order  # noqa: E402

PARTITION_FIELDS = {
    "consumer": str, "topic": str, "partition": int, "next_offset": int, "end_offset": int,
    "records_behind": int, "seconds_behind": float, "parked": int, "owner": str, "owned": bool,
    "in_per_second": int, "out_per_second": int, "seconds_to_drain": (int, type(None)),
    "status": str}
CONSUMER_FIELDS = {"consumer": str, "set_aside": int, "outbox_unsent": int,
                   "outbox_per_second": int}


def seconds_to_drain(line):
    """At the rates that the line itself tells."""
    gained = line["out_per_second"] - line["in_per_second"]
    if not line["records_behind"]:
        return 0
    if line["status"] in ("STALL", "STOP") or gained <= 0:
        return None
    return math.ceil(line["records_behind"] / gained)


class LagCase(PipelineCase):
    def lag(self, *options, status=None):
        """The partitions' objects; every line is checked."""
        done = self.pipeline.o2c("lag", "--json", *options)
        self.assertIn(done.returncode, (0, 1) if status is None else (status,), done.stderr)
        lines = [json.loads(line, parse_constant=self.fail) for line in done.stdout.splitlines()]
        for line in lines:
            fields = PARTITION_FIELDS if "topic" in line else CONSUMER_FIELDS
            self.assertEqual(list(line), list(fields))
            for name, kind in fields.items():
                self.assertIsInstance(line[name], kind, name)
                if isinstance(line[name], (int, float)):
                    self.assertGreaterEqual(line[name], 0, name)
        partitions = [line for line in lines if "topic" in line]
        for line in partitions:
            self.assertEqual(line["seconds_to_drain"], seconds_to_drain(line), line)
        stands = any(line["status"] in ("STALL", "STOP") for line in partitions)
        self.assertEqual(done.returncode, int(stands))
        return partitions

    def behind(self, consumer, *options):
        """The one partition of a consumer where something waits; None where nothing does."""
        found = [line for line in self.lag(*options)
                 if line["consumer"] == consumer and line["records_behind"]]
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def statuses(self, *options):
        return {line["consumer"]: {one["status"] for one in self.lag(*options)
                                   if one["consumer"] == line["consumer"]}
                for line in self.lag(*options)}


class Lag(LagCase):
    def test_nothing_waits(self):
        self.drain()
        lines = self.lag(status=0)
        self.assertEqual({(line["consumer"], line["topic"], line["partition"]) for line in lines},
                         {(consumer, topic, int(partition)) for consumer, topic, partition in
                          self.rows("SELECT consumer, topic, partition FROM"
                                    " o2c.consumer_progress")})
        for line in lines:
            self.assertEqual((line["records_behind"], line["seconds_behind"], line["status"],
                              line["owned"], line["seconds_to_drain"]), (0, 0, "OK", True, 0))

    def test_of_what_was_stored_before_the_last_minute_is_no_rate(self):
        for orders in (1, 200):
            self.publish(*(order(f"R{orders}-{number}", "CR") for number in range(orders)))
            self.drain()
        self.assertNotEqual({line["out_per_second"] for line in self.lag(status=0)}, {0})
        for name, in self.rows("SELECT consumer FROM o2c.consumer"):
            self.pipeline.sql(f"UPDATE {name}.progress SET stored_at = stored_at - interval '1 hour'")
        self.assertEqual({line["out_per_second"] for line in self.lag(status=0)}, {0})

    def test_the_table_is_aligned_and_complete(self):
        self.drain()
        text = self.o2c("lag")
        table, _, rest = text.partition("\n\n")
        heads = re.findall(r"\S+", table.splitlines()[0])
        self.assertEqual(heads, ["consumer", "topic", "part", "behind", "seconds", "parked",
                                 "owner", "in/s", "out/s", "drain", "status"])
        rows = table.splitlines()
        status_at = rows[0].index("status")
        self.assertEqual(len(rows) - 1, len(self.lag()))
        for row in rows[1:]:
            self.assertEqual(len(row.split()), len(heads), row)
            self.assertEqual(row[status_at - 2:status_at + 2], "  OK", row)
        self.assertRegex(rest, r"^consumer +set aside  unsent  decided/s\n")
        self.assertRegex(rest, r"(?m)^orders +0 +0 +\d+$")

    def test_nothing_is_cut_however_much_there_is(self):
        self.drain()
        owner = "x" * 500_000
        kept = self.rows("SELECT partition, owner FROM orders.claim")
        self.pipeline.sql(f"UPDATE orders.claim SET owner = repeat('x', {len(owner)})")
        try:
            lines = self.lag(status=0)
            table = self.o2c("lag")
        finally:
            for partition, own in kept:
                self.pipeline.sql(f"UPDATE orders.claim SET owner = '{own}'"
                                  f" WHERE partition = {partition}")
        partitions = [line for line in lines if line["consumer"] == "orders"]
        self.assertEqual({line["owner"] for line in partitions}, {owner})
        self.assertGreater(len(partitions) * len(owner), 1 << 22)
        self.assertEqual(table.count(owner), len(partitions))
        self.assertRegex(table, r"\nshipments +0 +0 +\d+\n$")

    def test_the_total_is_the_sum_and_the_worst(self):
        text = self.o2c("lag", "--total").splitlines()
        self.assertEqual(len({line.index("status" if "status" in line else "OK")
                              for line in text}), 1)
        rows = [row.split() for row in text]
        self.assertEqual([row[0] for row in rows], ["consumer"] + [name for name, in self.rows(
            "SELECT consumer FROM o2c.consumer ORDER BY 1")])
        for row in rows[1:]:
            self.assertEqual(row[2:], ["0", "0.0", "0", "0", "0", "OK"])
        self.assertEqual(sum(int(row[1]) for row in rows[1:]), len(self.lag()))

    def test_a_killed_consumer_is_stop_and_its_seconds_grow(self):
        shipments = self.pipeline.services["shipments"]
        self.publish(order("L0", "CL"))
        self.drain()
        shipments.kill()
        self.publish(order("L1", "CL"), order("L2", "CL"))
        published = time.time()
        self.until("orders has read them", lambda: not self.behind("orders"))
        waiting = self.behind("shipments")
        self.assertEqual((waiting["records_behind"], waiting["status"], waiting["owned"],
                          waiting["topic"]), (2, "STOP", False, "o2c.orders"))
        self.assertIsNone(waiting["seconds_to_drain"])  # although records were taken a moment ago
        self.assertEqual(waiting["end_offset"] - waiting["next_offset"], 2)
        begun = time.time()
        appended = [one.timestamp()[1] / 1000 for one in self.records("o2c.orders")
                    if (one.partition(), one.offset()) == (waiting["partition"],
                                                           waiting["next_offset"])][0]
        self.assertLess(appended, published)
        waiting = self.behind("shipments")
        self.assertGreaterEqual(waiting["seconds_behind"], begun - appended)
        self.assertLess(waiting["seconds_behind"], time.time() - appended)
        self.assertEqual(self.statuses()["orders"], {"OK"})
        grown = self.until("seconds grow", lambda: self.behind("shipments")["seconds_behind"] >
                           waiting["seconds_behind"] + 1)
        self.assertTrue(grown)
        total = self.o2c("lag", "--total", status=1)
        self.assertRegex(total, r"shipments +12 +2 +\d+\.\d +0 +0 +0  STOP")
        shipments.start()
        self.drain()
        self.lag(status=0)

    def test_a_stopped_process_is_stall(self):
        shipments = self.pipeline.services["shipments"]
        self.drain()
        shipments.freeze()
        try:
            self.publish(order("S1", "CS"))
            patient = ("--stall-s", "86400", "--warn-s", "86400")
            self.assertEqual(self.behind("shipments", *patient)["status"], "OK")
            waiting = self.until("stalls", lambda: (one := self.behind("shipments", "--stall-s", "1"))
                                 ["status"] != "OK" and one)
            self.assertEqual((waiting["status"], waiting["owned"]), ("STALL", True))
        finally:
            shipments.send(signal.SIGCONT)
        self.drain()
        self.lag("--stall-s", "1", status=0)

    def test_a_backlog_that_is_worked_off_is_warn(self):
        orders = self.pipeline.services["orders"]
        self.pipeline.sql("""
            CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$;
            CREATE TRIGGER slow BEFORE INSERT ON orders.progress FOR EACH ROW
                EXECUTE FUNCTION slow()""")
        self.addCleanup(self.drain)
        self.addCleanup(self.pipeline.sql, "DROP TRIGGER IF EXISTS slow ON orders.progress")
        orders.stop()
        orders.start(O2C_BATCH_EVENTS="1")
        self.publish(*(order(f"B{number}", "CB") for number in range(60)))
        warned = self.until("warns", lambda: (one := self.behind("orders", "--warn-s", "2"))
                            ["status"] not in ("OK", "STOP") and one)
        self.assertEqual((warned["status"], warned["owned"]), ("WARN", True))
        again = self.until("moves", lambda: (one := self.behind("orders"))
                           ["next_offset"] > warned["next_offset"] and one)
        self.assertEqual(again["status"], "OK")  # 60 s have not passed
        self.assertGreater(again["out_per_second"], 0)
        self.assertGreater(again["in_per_second"], 0)
        self.pipeline.sql("DROP TRIGGER slow ON orders.progress")
        self.drain()
        self.assertIsNone(self.behind("orders"))
        orders.stop()
        orders.start()
        self.pipeline.wait_ready()

    def test_transaction_markers_are_no_lag(self):
        self.publish(order("M1", "CMARK"))
        self.drain()
        value = [one.value() for one in self.records("o2c.orders") if one.key() == b"CMARK"][0]
        producer = Producer({"bootstrap.servers": self.pipeline.environment["O2C_KAFKA"],
                             "transactional.id": self.pipeline.name,
                             "partitioner": "murmur2_random"})
        producer.init_transactions(PATIENCE_S)
        for end in (producer.commit_transaction, producer.abort_transaction):
            producer.begin_transaction()
            producer.produce(self.topic("o2c.orders"), key="CMARK", value=value)
            producer.flush(PATIENCE_S)
            end(PATIENCE_S)
        self.drain()
        self.assertEqual({line["records_behind"] for line in self.lag(status=0)}, {0})
        self.o2c("verify")

    def test_parked_records_are_counted_where_they_came_from(self):
        partition, _ = self.produce("o2c.orders", "CP", b"bad")
        self.publish(order("P1", "CP"))
        self.drain()
        counted = {(line["consumer"], line["topic"], line["partition"]): line["parked"]
                   for line in self.lag(status=0) if line["parked"]}
        readers = [name for name, in self.rows("SELECT consumer FROM o2c.consumer_topic WHERE"
                                               " topic = 'o2c.orders' AND direction = 'in'")]
        self.assertEqual(counted, {(name, "o2c.orders", partition): 2 for name in readers})
        for consumer in readers:
            self.o2c("parked", "discard", consumer, "CP", "--reason", "test")
        self.assertEqual({line["parked"] for line in self.lag()}, {0})

    def test_kafkas_own_offsets_follow(self):
        self.publish(*(order(f"K{number}", f"CK{number}") for number in range(20)))
        self.drain()
        admin = AdminClient({"bootstrap.servers": self.pipeline.environment["O2C_KAFKA"]})
        for consumer in ("orders", "shipments"):
            group = self.pipeline.prefix + consumer
            positions = {(self.topic(topic), int(partition)): int(offset)
                         for topic, partition, offset in self.rows(
                             "SELECT topic, partition, next_offset FROM o2c.consumer_progress"
                             f" WHERE consumer = '{consumer}' AND next_offset > 0")}
            self.assertGreater(len(positions), 0)

            def committed():
                answer = admin.list_consumer_group_offsets(
                    [ConsumerGroupTopicPartitions(group)])[group].result(PATIENCE_S)
                return {(one.topic, one.partition): one.offset
                        for one in answer.topic_partitions if one.offset > 0}

            self.until(f"the group {group} has {positions}", lambda: committed() == positions)

    def test_a_lag_tool_of_kafka_sees_a_dead_consumers_lag_too(self):
        shipments = self.pipeline.services["shipments"]
        shipments.stop()
        self.publish(order("T1", "CT"))
        waiting = self.behind("shipments")
        admin = AdminClient({"bootstrap.servers": self.pipeline.environment["O2C_KAFKA"]})
        group = self.pipeline.prefix + "shipments"
        answer = admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group)])[group].result(PATIENCE_S)
        mirrored = [one.offset for one in answer.topic_partitions
                    if (one.topic, one.partition) == (self.topic("o2c.orders"),
                                                      waiting["partition"])]
        self.assertIn(mirrored[0], (waiting["next_offset"], -1001))
        shipments.start()
        self.pipeline.wait_ready()
        self.drain()


class Watch(LagCase):
    def terminal(self, *words, lines=400):
        """o2c on a terminal of so many lines: its process and the terminal."""
        child, terminal = pty.fork()
        if child == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("4H", lines, 100, 0, 0))
            end_with_parent()
            os.execve(self.pipeline.build / CLI, ["o2c", *words], self.pipeline.environment)
        return child, terminal

    def read_until(self, terminal, enough):
        seen, deadline = "", time.monotonic() + PATIENCE_S
        while not enough(seen):
            self.assertLess(time.monotonic(), deadline, repr(seen))
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    seen += os.read(terminal, 65536).decode()
                except OSError:  # the other end is closed
                    break
        return seen

    def test_it_repaints_without_clearing_and_ends_cleanly(self):
        self.drain()
        child, terminal = self.terminal("lag", "--watch")
        seen = self.read_until(terminal, lambda text: text.count("\033[H\033[2J") == 1 and
                               text.count("\033[J") >= 2)
        os.write(terminal, b"\x03")
        seen += self.read_until(terminal, lambda text: "\033[?25h" in text)
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)
        self.assertEqual(seen.count("\033[2J"), 1)  # once, then painted over
        self.assertTrue(seen.startswith("\033[?25l"))
        self.assertTrue(seen.rstrip().endswith("\033[?7h\033[?25h"))
        frame = seen.split("\033[H")[2].replace("\r", "")
        lines = [line.removesuffix("\033[K") for line in frame.split("\n")]
        self.assertTrue(all(line.endswith("\033[K") for line in frame.split("\n")[:-1]))
        ends = {line.index("  OK") for line in lines if "  OK" in line}
        self.assertEqual(len(ends), 1, lines)
        self.assertEqual(sum("  OK" in line for line in lines), len(self.lag()))

    def test_a_small_terminal_leaves_out_where_nothing_waits(self):
        self.drain()
        child, terminal = self.terminal("lag", "--watch", lines=20)
        seen = self.read_until(terminal, lambda text: text.count("\033[J") >= 2)
        os.kill(child, signal.SIGTERM)
        self.read_until(terminal, lambda text: "\033[?25h" in text)
        os.waitpid(child, 0)
        os.close(terminal)
        self.assertIn(f"and {len(self.lag())} partitions where nothing waits", seen)
        self.assertRegex(seen, r"shipments +0 +0 +\d+")

    def test_json_again_and_again_for_a_script(self):
        child, terminal = self.terminal("lag", "--watch", "--json")
        seen = self.read_until(terminal, lambda text: text.count('"outbox_unsent"') >= 4)
        os.kill(child, signal.SIGTERM)
        self.read_until(terminal, lambda text: False if os.waitpid(child, os.WNOHANG) == (0, 0)
                        else True)
        os.close(terminal)
        self.assertNotIn("\033", seen)
        for line in seen.replace("\r", "").split("\n")[:-1]:
            json.loads(line)


class NothingThere(LagCase):
    RUNNING = False

    def with_environment(self, status, **further):
        environment = self.pipeline.environment
        self.pipeline.environment = environment | further
        try:
            return self.o2c("lag", status=status)
        finally:
            self.pipeline.environment = environment

    def test_consumers_that_never_ran(self):
        lines = [json.loads(line) for line in self.o2c("lag", "--json").splitlines()]
        self.assertEqual({line["owner"] for line in lines if "topic" in line}, {None})
        self.publish(order("N1", "CN"))
        said = self.o2c("lag", status=1)
        readers = self.rows("SELECT consumer FROM o2c.consumer_topic WHERE"
                            " topic = 'o2c.orders' AND direction = 'in'")
        self.assertEqual(said.count("STOP"), len(readers))

    def test_what_is_missing_is_named(self):
        dsn = self.pipeline.environment["O2C_PG_DSN"]
        empty = self.pipeline.name + "_empty"
        self.pipeline.sql(f"CREATE DATABASE {empty}")
        self.addCleanup(self.pipeline.sql, f"DROP DATABASE {empty}")
        missing = dsn.replace(self.pipeline.name, empty)
        self.assertIn("was o2c migrate run?", self.with_environment(3, O2C_PG_DSN=missing))
        self.with_environment_migrated(missing)
        self.assertIn("run o2c topics create", self.with_environment(3, O2C_PG_DSN=missing))

    def with_environment_migrated(self, dsn):
        environment = self.pipeline.environment
        self.pipeline.environment = environment | {"O2C_PG_DSN": dsn}
        self.o2c("migrate")
        self.pipeline.environment = environment

    def test_what_cannot_be_reached_is_named(self):
        said = self.with_environment(3, O2C_PG_DSN="host=127.0.0.1 port=1 dbname=o2c")
        self.assertIn("127.0.0.1", said)
        said = self.with_environment(3, O2C_KAFKA="127.0.0.1:1")
        self.assertIn("end offsets", said)
        self.assertIn("--warn-s", self.o2c("lag", "--help"))
        self.assertIn("warn-s", self.o2c("lag", "--warn-s", "soon", status=2))
        self.assertIn("colour", self.o2c("lag", "--colour", status=2))


if __name__ == "__main__":
    unittest.main(verbosity=2)
