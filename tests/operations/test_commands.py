"""Every command of o2c: help, wrong options, exit statuses, and what can be run twice."""

import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from confluent_kafka import Producer  # noqa: E402
from import_events import items_map  # noqa: E402
from pipeline import CLI, Pipeline, end_with_parent, service_table  # noqa: E402
from pipeline_case import PATIENCE_S, PipelineCase, order  # noqa: E402

NOWHERE = {"O2C_PG_DSN": "host=127.0.0.1 port=1 dbname=o2c"}
NO_KAFKA = {"O2C_KAFKA": "127.0.0.1:1"}


def without_room():
    """In the child: no file takes another byte, and that is an error and no signal."""
    end_with_parent()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


class Commands(PipelineCase):
    RUNNING = False

    def commands(self):
        return re.findall(r"^  ([a-z]+) ", self.o2c("help"), re.MULTILINE)

    def elsewhere(self, further, *words, status):
        environment = self.pipeline.environment
        self.pipeline.environment = environment | further
        try:
            return self.o2c(*words, status=status)
        finally:
            self.pipeline.environment = environment

    def test_drained_is_not_said_while_a_transaction_is_open(self):
        producer = Producer({"bootstrap.servers": self.pipeline.environment["O2C_KAFKA"],
                             "transactional.id": "upstream"})
        producer.init_transactions(PATIENCE_S)
        producer.begin_transaction()
        self.addCleanup(producer.abort_transaction, PATIENCE_S)
        producer.produce(self.topic("o2c.orders"), key=b"CT", value=b"not yet", partition=1)
        self.assertEqual(producer.flush(PATIENCE_S), 0)
        said = self.o2c("drain", "--timeout-s", "1", status=4)
        self.assertIn(f"1 record behind on {self.topic('o2c.orders')}/1", said)

    # ---- all of them

    def test_help_names_every_command_and_each_explains_itself(self):
        self.assertGreaterEqual(set(self.commands()), {
            "migrate", "topics", "simulate", "publish", "drain", "lag", "parked", "verify"})
        self.assertEqual(self.o2c("--help"), self.o2c("help"))
        self.assertIn("usage: o2c COMMAND", self.o2c(status=2))
        self.assertIn('no command "lagg"', self.o2c("lagg", status=2))
        for command in self.commands():
            with self.subTest(command):
                said = self.o2c(command, "--help")
                self.assertTrue(said.startswith(f"usage: o2c {command}"), said)
                self.assertRegex(said, r"(?m)^  --[a-z-]+ ")
                self.assertEqual(self.o2c(command, "-h"), said)

    def test_a_wrong_option_is_named(self):
        for command in self.commands():
            with self.subTest(command):
                self.assertIn("--frob", self.o2c(command, "--frob", status=2))
                self.assertIn("--frob", self.o2c(command, "--frob=1", status=2))
        for command, option, value in (("drain", "timeout-s", "0"), ("drain", "timeout-s", "x"),
                                       ("lag", "stall-s", "1.5"), ("parked", "wait-s", "-1"),
                                       ("topics", "partitions", "513"),
                                       ("simulate", "accounts", "many")):
            with self.subTest(f"{command} --{option} {value}"):
                said = self.o2c(command, f"--{option}", value, status=2)
                self.assertIn(option, said)
                self.assertIn(value, said)
                self.assertIn(option, self.o2c(command, f"--{option}", status=2))
        said = self.elsewhere({"O2C_TIMEOUT_S": "soon"}, "drain", status=2)
        self.assertRegex(said, r"(?i)timeout.s.*soon")

    def test_a_word_too_many_is_named(self):
        takes = {"topics": 1, "publish": 1, "invoices": 1, "import": 2, "parked": 5}
        for command in self.commands():
            with self.subTest(command):
                words = ["word"] * takes.get(command, 0)
                said = self.o2c(command, *words, "frob", "behind", status=2)
                self.assertTrue(said.startswith(
                    f'o2c {command}: "frob" is a word too many\nusage: o2c {command}'), said)

    def refused_by(self, program, *words):
        done = subprocess.run([self.pipeline.build / program, *words], text=True, timeout=PATIENCE_S,
                              env=self.pipeline.environment, capture_output=True, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        line = json.loads(done.stderr)
        self.assertEqual(line["message"], "settings refused")
        return line["error"]

    def test_a_service_names_what_it_refuses(self):
        programs = [program for _, program in service_table()] + ["producers/clock/o2c-clock"]
        for program in programs:
            with self.subTest(program):
                self.assertEqual(self.refused_by(program, "--log-level=info", "frob", "behind"),
                                 '"frob" is a word too many')
                self.assertEqual(self.refused_by(program, "--log-level", "loud"),
                                 'log-level: "loud" is none of error, warn, info, debug')

    def test_a_command_has_the_settings_that_it_uses(self):
        reads = {"migrate": {"pg"}, "simulate": set(), "flow": {"pg"}, "invoices": {"pg"},
                 "ageing": {"pg"}, "ledger": {"pg"}, "rebuild": {"pg"}}
        wants = {"invoices": 1, "rebuild": 2}  # the status of one that has not all it needs
        config = self.pipeline.logs / "o2c.conf"
        config.write_text("kafka = 127.0.0.1:1\ntopic-prefix = nobody.\n")
        for command in self.commands():
            with self.subTest(command):
                said = self.o2c(command, "--help")
                uses = reads.get(command, {"kafka", "pg"})
                self.assertEqual({"kafka", "pg"} & set(re.findall(r"(?m)^  --(kafka|pg)\b", said)),
                                 uses)
                self.assertEqual("--topic-prefix" in said, "kafka" in uses)
                if uses == {"pg"}:  # Kafka's settings are in everybody's environment and file
                    self.assertIn("unknown option --kafka", self.o2c(command, "--kafka", "x:1", "C",
                                                                     status=2))
                    self.elsewhere({"O2C_CONFIG": str(config)}, command,
                                   *(("C",) if command == "invoices" else ()),
                                   status=wants.get(command, 0))

    def test_what_cannot_be_reached_is_3(self):
        for words in (("migrate",), ("drain",), ("lag",), ("verify",), ("parked", "list"),
                      ("topics", "create", "--partitions", "6")):
            with self.subTest(words):
                said = self.elsewhere(NOWHERE, *words, status=3)
                self.assertIn("127.0.0.1", said)
        for words in (("drain", "--timeout-s", "1"), ("lag",), ("verify",)):
            with self.subTest(words):
                self.assertTrue(self.elsewhere(NO_KAFKA, *words, status=3))

    # ---- publish

    def test_a_terminal_shows_a_bar_that_the_report_replaces(self):
        """More lines come until the bar has been seen, which is drawn every 0.2 s at most."""
        ours, theirs = os.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen([self.pipeline.build / CLI, "publish", "--check", "-"],
                                   env=self.pipeline.environment, text=True, stderr=theirs,
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   preexec_fn=end_with_parent)
        os.close(theirs)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        lines, shown = 0, ""
        while not re.search(r"\rchecking [\d,]+ events, [\d,]+/s\x1b\[K", shown):
            self.assertLess(lines, 1_000_000, f"no bar: {shown!r}")
            process.stdin.write(order(f"O{lines}"))
            process.stdin.flush()
            lines += 1
            if select.select([ours], [], [], 0)[0]:
                shown += os.read(ours, 4096).decode()
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE_S), 0)
        while select.select([ours], [], [], 0)[0]:
            try:
                shown += os.read(ours, 4096).decode()
            except OSError:  # the other end is closed
                break
        _, _, report = shown.rpartition("\r\x1b[K")
        self.assertRegex(report, rf"^ +valid +refused\r\nOrderPlaced +{lines:,} +0\r\n")

    def test_elsewhere_there_is_none(self):
        done = self.pipeline.o2c("publish", "--check", "-", input=order("O1"))
        self.assertNotIn("\r", done.stderr)
        self.assertRegex(done.stderr, r"^ +valid +refused\nOrderPlaced ")

    def test_a_temporary_file_that_cannot_be_made_or_written_is_told(self):
        """In $TMPDIR lie what --strict and --by-day put by, and a CSV from standard input."""
        mapping = self.pipeline.logs / "items.json"
        mapping.write_text(json.dumps(items_map()))
        for words in (("--strict", "-"), ("--check", "--map", str(mapping), "-")):
            with self.subTest(words):
                self.assertIn("no temporary file can be made in /nowhere: No such file",
                              self.elsewhere({"TMPDIR": "/nowhere"}, "publish", *words, status=2))
        for words in (("--strict", "-"), ("--by-day", "occurred_at", "-")):
            with self.subTest(words):
                done = subprocess.run([self.pipeline.build / CLI, "publish", *words], check=False,
                                      env=self.pipeline.environment, input=order("O1"), text=True,
                                      capture_output=True, preexec_fn=without_room)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("the temporary file: File too large", done.stderr)

    # ---- simulate

    def test_simulate_writes_the_same_bytes_again_and_other_ones_for_another_seed(self):
        words = ("simulate", "--accounts", "3", "--orders", "10", "--seed")
        self.assertEqual(self.o2c(*words, "7"), self.o2c(*words, "7"))
        self.assertNotEqual(self.o2c(*words, "7"), self.o2c(*words, "8"))
        self.assertIn("usage: o2c simulate", self.o2c("simulate", "--help"))
        self.assertTrue(self.o2c("simulate", "now", status=2))
        self.o2c("publish", "--check", "-", input=self.o2c(*words, "7"))

    # ---- drain

    def test_drain_says_who_is_behind(self):
        self.publish(order("D1", "CD"))
        said = self.o2c("drain", "--timeout-s", "1", status=4)
        self.assertRegex(said, r"not drained after 1 s: \w+.*o2c\.orders.*\d")
        self.assertTrue(self.o2c("drain", "now", status=2))

    # ---- topics

    def test_topics_twice_and_with_another_count(self):
        before = self.rows("SELECT * FROM orders.first_offset ORDER BY 1, 2")
        self.o2c("topics", "create", "--partitions", "6")
        self.assertEqual(self.rows("SELECT * FROM orders.first_offset ORDER BY 1, 2"), before)
        said = self.o2c("topics", "create", "--partitions", "4", status=1)
        self.assertRegex(said, r"o2c\.\S+.* 6 .*4|4 .*6")
        self.assertIn('"make" is neither create nor list', self.o2c("topics", "make", status=2))
        self.assertIn("usage: o2c topics", self.o2c("topics", status=2))

    def test_topics_are_listed_aligned(self):
        rows = self.o2c("topics", "list").splitlines()
        end = rows[0].index("partitions") + len("partitions")
        for row in rows[1:]:
            self.assertEqual(row[end - 2:end + 2], " 6  ", row)
        missing = self.elsewhere({"O2C_TOPIC_PREFIX": "nobody."}, "topics", "list", status=0)
        self.assertNotIn("  6  ", missing)
        self.assertIn("missing", missing)


class Migrate(PipelineCase):
    """Databases of its own."""

    RUNNING = False

    def setUp(self):
        self.fresh = Pipeline(self.pipeline.stack, self.pipeline.build)
        self.addCleanup(self.fresh.remove)
        self.pipeline.sql(f'CREATE DATABASE "{self.fresh.name}"')

    def migrate(self, status=0):
        done = self.fresh.o2c("migrate")
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def start(self):
        return subprocess.Popen([self.fresh.build / CLI, "migrate"], text=True,
                                env=self.fresh.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                preexec_fn=end_with_parent)

    def test_a_second_run_does_nothing(self):
        self.assertRegex(self.migrate(), r"(?m)^applied +orders +orders/0001_orders$")
        before = self.fresh.sql("TABLE o2c.migration")
        self.assertEqual(self.migrate(), "nothing to apply: the database is up to date\n")
        self.assertEqual(self.fresh.sql("TABLE o2c.migration"), before)

    def test_what_a_migration_goes_with_is_noted(self):
        self.migrate()
        noted = ("SELECT version || ' ' || compatible_from FROM o2c.migration"
                 " WHERE schema = 'orders' AND folder = 'host' AND version IN (3, 4) ORDER BY 1")
        self.assertEqual(self.fresh.sql(noted).splitlines(), ["3 3", "4 3"])
        # as a release before it has left the table
        self.fresh.sql("ALTER TABLE o2c.migration DROP compatible_from")
        self.assertEqual(self.migrate(), "nothing to apply: the database is up to date\n")
        self.assertEqual(int(self.fresh.sql("SELECT count(compatible_from) FROM o2c.migration")), 0)

    def test_the_currencies_are_those_of_the_programs(self):
        self.migrate()
        said = self.fresh.sql("SELECT currency, exponent FROM o2c.currency ORDER BY 1")
        decimals = dict(line.split("|") for line in said.splitlines())
        self.assertEqual([decimals[code] for code in ("JPY", "EUR", "KWD", "CLF")],
                         ["0", "2", "3", "4"])
        # by a release with another table
        self.fresh.sql("UPDATE o2c.currency SET exponent = 9 WHERE currency = 'EUR';"
                       "DELETE FROM o2c.currency WHERE currency = 'JPY'")
        self.migrate()
        self.assertEqual(self.fresh.sql("SELECT currency, exponent FROM o2c.currency ORDER BY 1"),
                         said)

    def test_two_people_at_once(self):
        both = [self.start(), self.start()]
        said = [one.communicate(timeout=PATIENCE_S) for one in both]
        self.assertEqual([one.returncode for one in both], [0, 0], said)
        self.assertEqual(self.migrate(), "nothing to apply: the database is up to date\n")
        self.assertEqual(sum(out.count("applied ") for out, _ in said),
                         int(self.fresh.sql("SELECT count(*) FROM o2c.migration")))

    def test_a_lock_is_waited_for(self):
        holder = subprocess.Popen(["psql", "-XAtq", self.fresh.environment["O2C_PG_DSN"]],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  preexec_fn=end_with_parent)
        for lock in ("SELECT pg_advisory_xact_lock(hashtext('o2c migrate'))",
                     "LOCK TABLE o2c.migration IN SHARE MODE"):
            with self.subTest(lock):
                holder.stdin.write(f"BEGIN;\n{lock};\n\\echo locked\n")
                holder.stdin.flush()
                while holder.stdout.readline() != "locked\n":
                    self.assertIsNone(holder.poll())
                waiting = self.start()
                self.assertEqual(waiting.stderr.readline(), "o2c migrate: waiting for a lock\n")
                holder.stdin.write("ROLLBACK;\n")
                holder.stdin.flush()
                out, err = waiting.communicate(timeout=PATIENCE_S)
                self.assertEqual(waiting.returncode, 0, err)
                if lock.startswith("SELECT"):
                    self.assertIn("applied", out)
                    self.fresh.sql("DELETE FROM o2c.migration WHERE schema = 'relay';"
                                   "DROP SCHEMA relay CASCADE")
                else:
                    self.assertRegex(out, r"applied +relay")
        holder.stdin.close()
        holder.wait()

    def test_another_content_and_a_newer_release_are_refused(self):
        self.migrate()
        self.fresh.sql("UPDATE o2c.migration SET sha256 = 'other' WHERE folder = 'orders'"
                       " AND version = 1")
        self.assertIn("orders/0001_orders was applied to schema orders with other content",
                      self.migrate(1))
        self.fresh.sql("INSERT INTO o2c.migration VALUES ('orders', 'orders', 9999,"
                       " '9999_later', 'x')")
        self.assertIn("schema orders has orders/9999_later, which this release does not know",
                      self.migrate(1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
