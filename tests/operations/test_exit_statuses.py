"""Every exit status of every command: what --help says it returns, and nothing else."""

import concurrent.futures
import contextlib
import dataclasses
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from kafka_topics import delete_topics  # noqa: E402
from local_stack import psql  # noqa: E402
from pipeline import CLI, end_with_parent  # noqa: E402
from pipeline_case import PATIENCE_S, PipelineCase, order  # noqa: E402

EVENTS = Path(__file__).resolve().parent / "reading.ndjson"
AT_ONCE = 4

NO_DATABASE = {"O2C_PG_DSN": "host=127.0.0.1 port=1 dbname=o2c"}
NO_KAFKA = {"O2C_KAFKA": "127.0.0.1:1"}
NO_TOPICS = {"O2C_TOPIC_PREFIX": "nobody."}
BAD_DATABASE = {"O2C_PG_DSN": "frob=1"}
BAD_PORT = {"O2C_PG_DSN": "host=127.0.0.1 port=frob"}
BAD_MODE = {"O2C_PG_DSN": "host=127.0.0.1 sslmode=frob"}
BAD_KAFKA = {"O2C_KAFKA_CLIENT": "frob=1"}
BARE = {}  # a database without tables; filled in below
NEW = {}   # one with tables that nobody has used
NOWHERE = "/dev/full"  # where nothing can be written


@dataclasses.dataclass(frozen=True)
class Row:
    status: int
    words: str
    environment: dict = dataclasses.field(default_factory=dict)
    says: str = ""    # a pattern of what stands in stdout or stderr
    stdin: str = None
    stdout: str = None


def rows(command, *found):
    return [(command, row) for row in found]


# On a drained pipeline of some documents, all of them at once.
AT_REST = (
    rows("migrate", Row(0, "", says="up to date"), Row(1, "", stdout=NOWHERE),
         Row(2, "now"), Row(2, "", BAD_DATABASE, "frob"), Row(3, "", NO_DATABASE, r"127\.0\.0\.1")) +
    rows("topics", Row(0, "list"), Row(0, "create --partitions 6"),
         Row(1, "create --partitions 4", says="6 partitions, not 4"), Row(1, "list", stdout=NOWHERE),
         Row(2, ""), Row(2, "make"), Row(2, "list", BAD_KAFKA, "frob"),
         Row(2, "create --partitions 6", BAD_DATABASE, "frob"),
         Row(3, "list", NO_KAFKA, r"Kafka at 127\.0\.0\.1:1 cannot be reached"),
         Row(3, "create", NO_KAFKA, r"Kafka at 127\.0\.0\.1:1 cannot be reached"),
         Row(3, "create --partitions 6", NO_DATABASE),
         Row(3, "create --partitions 6", BARE, r"o2c migrate")) +
    rows("simulate", Row(0, "--orders 1"), Row(1, "--orders 1", stdout=NOWHERE), Row(2, "now"),
         Row(2, "--ticks=maybe"), Row(2, "--start-date soon", says="soon"),
         Row(0, "--orders 1", BAD_DATABASE | BAD_KAFKA)) +
    rows("publish", Row(0, "--check -", stdin=order("O1")),
         Row(0, "-", stdin=""), Row(1, "--check -", stdin="no event\n"),
         Row(1, "-", stdin='{"type": "OrderPlcaed"}\n', says="OrderPlcaed"),
         Row(2, ""), Row(2, "/nowhere/file", says="No such file"),
         Row(2, "--map /nowhere/map /nowhere/file", says="/nowhere/map"),
         Row(2, "--strict -", {"TMPDIR": "/nowhere"}, "no temporary file can be made in /nowhere"),
         Row(2, "--barriers --by-day issue_date -"), Row(2, "-", BAD_KAFKA, "frob"),
         Row(2, "--barriers -", BAD_DATABASE, "frob"),
         Row(3, "--patience-s 1 -", NO_KAFKA, r"127\.0\.0\.1"), Row(3, "-", NO_TOPICS, "topics create"),
         Row(3, "--barriers -", NO_DATABASE)) +
    rows("clock", Row(0, "--from 2026-01-01", says="has begun already"),
         Row(1, "--from 2026-01-01", stdout=NOWHERE),
         Row(0, "--to 2026-01-01", says="has begun already"),
         Row(2, "--from soon", NO_DATABASE, '--from "soon" is no date'),
         Row(2, "--from 2026-01-02 --to 2026-01-01", NO_DATABASE,
             '--from "2026-01-02" is after --to "2026-01-01"'), Row(2, "--holidays /nowhere"), Row(2, "", BAD_KAFKA),
         Row(2, "", BAD_DATABASE), Row(3, "", NO_DATABASE), Row(3, "", NO_TOPICS, "topics create")) +
    rows("drain", Row(0, ""), Row(2, "now"), Row(2, "", BAD_KAFKA), Row(2, "", BAD_DATABASE),
         Row(3, "", NO_DATABASE), Row(3, "", NO_KAFKA), Row(3, "", BARE, "o2c migrate")) +
    rows("lag", Row(0, ""), Row(1, "", stdout=NOWHERE), Row(2, "now"), Row(2, "", BAD_KAFKA),
         Row(2, "", BAD_DATABASE), Row(3, "", NO_DATABASE),
         Row(3, "", NO_KAFKA, r"Kafka at 127\.0\.0\.1:1 cannot be reached"),
         Row(3, "", BARE, "o2c migrate"), Row(3, "", NO_TOPICS)) +
    rows("parked", Row(0, "list"), Row(0, "show orders BAD"), Row(1, "list", stdout=NOWHERE),
         Row(1, "release orders BAD --reason test", says="parked again"),
         Row(1, "discard orders NOBODY --reason test", says="NOBODY"),
         Row(1, "republish orders o2c.orders 0 0 --reason test", says="no record"),
         Row(2, "release orders BAD", says="--reason"), Row(2, "show nobody BAD", says="nobody"),
         Row(2, "", says="usage"), Row(2, "list", BAD_DATABASE), Row(3, "list", NO_DATABASE),
         Row(3, "list", BARE, "o2c migrate"), Row(3, "show orders BAD", BARE)) +
    rows("flow", Row(0, ""), Row(1, "", stdout=NOWHERE), Row(1, "--watch", stdout=NOWHERE),
         Row(2, "now"), Row(2, "", BAD_DATABASE), Row(2, "", BAD_PORT, 'port "frob" is no number'),
         Row(2, "", BAD_MODE, 'sslmode value: "frob"'), Row(3, "", NO_DATABASE), Row(3, "", BARE),
         Row(3, "--watch", BARE)) +
    rows("invoices", Row(0, "C-1"), Row(1, "C-9", says="C-9"), Row(1, "C-1", stdout=NOWHERE),
         Row(2, ""), Row(2, "C-1 --from soon"), Row(2, "C-1", BAD_DATABASE),
         Row(3, "C-1", NO_DATABASE), Row(3, "C-1", BARE, "o2c migrate")) +
    rows("ageing", Row(0, ""), Row(1, "", stdout=NOWHERE), Row(2, "--as-of soon"),
         Row(2, "", BAD_DATABASE), Row(3, "", NO_DATABASE), Row(3, "", BARE)) +
    rows("ledger", Row(0, ""), Row(1, "", stdout=NOWHERE), Row(2, "now"), Row(2, "", BAD_DATABASE),
         Row(3, "", NO_DATABASE), Row(3, "", BARE)) +
    rows("import", Row(0, "check R --input /dev/null", says="agree"),
         Row(1, "check R --input -", stdin=order("O1"), says="1 difference\n"),
         Row(2, "check R"), Row(2, "make R --input /dev/null"), Row(2, "check R --input /nowhere"),
         Row(2, "check R --input /dev/null", BAD_KAFKA), Row(2, "check R --input /dev/null", BAD_DATABASE),
         Row(3, "check R --input /dev/null", NO_DATABASE), Row(3, "check R --input /dev/null", NO_KAFKA),
         Row(3, "check R --input /dev/null", NO_TOPICS, "topics create"),
         Row(3, "check R --input -", BARE, "o2c migrate", order("O1"))) +
    rows("rebuild", Row(0, "--from $DSN", NEW, r"orders: \d+ batch"),
         Row(1, "--from $NEW", says="has gone on by itself"), Row(2, "", says="--from is missing"),
         Row(2, "--from $DSN", says='are the same database, "scenario_'),
         Row(2, "now --from $DSN"), Row(2, "--from frob=1", says="rebuild: from: .*frob"),
         Row(2, "--from $DSN", BAD_DATABASE, "rebuild: pg-dsn: .*frob"),
         Row(3, "--from $DSN", NO_DATABASE, "rebuild: pg-dsn: PostgreSQL"),
         Row(3, "--from postgresql://127.0.0.1:1/o2c", NEW, "rebuild: from: PostgreSQL"),
         Row(3, "--from $DSN", BARE, "rebuild: pg-dsn: .*o2c migrate"),
         Row(3, "--from $BARE", NEW, "rebuild: from: .*o2c migrate")) +
    rows("verify", Row(0, ""), Row(1, "", stdout=NOWHERE), Row(2, "now"), Row(2, "", BAD_KAFKA),
         Row(2, "", BAD_DATABASE), Row(3, "", NO_DATABASE), Row(3, "", NO_KAFKA),
         Row(3, "", NO_TOPICS, "topics create"), Row(3, "", BARE, "o2c migrate")))

# The same after a row of the books was changed, which the statement undoes.
SPOILED = (
    ("UPDATE o2c.migration SET sha256 = reverse(sha256) WHERE folder = 'orders'",
     "migrate", Row(1, "", says="other content")),
    ("UPDATE ledger.total SET debit_minor = -debit_minor WHERE ledger_account = 'bank'",
     "ledger", Row(1, "", says="EUR is out of balance")),
    ("UPDATE ledger.total SET debit_minor = -debit_minor WHERE ledger_account = 'bank'",
     "verify", Row(1, "", says="broken")))

# PostgreSQL goes away while the command waits for a lock on the table.
LOST = (
    ("o2c.migration", "migrate", "--wait-s 60"), ("o2c.consumer", "topics", "create --partitions 6"),
    ("orders.position", "publish", "--barriers -"), ("orders.position", "clock", "--from 2027-01-01"),
    ("orders.position", "drain", ""), ("orders.parked", "lag", ""), ("orders.parked", "parked", "list"),
    ("orders.parked", "parked", "show orders BAD"),
    ("o2c.consumer", "parked", "release orders BAD --reason test"),
    ("receivables.open_item", "flow", ""), ("receivables.document", "invoices", "C-1"),
    ("receivables.movement", "ageing", ""), ("ledger.total", "ledger", ""),
    ("o2c.consumer", "verify", ""), ("orders.outbox", "verify", ""))

# Those that notice Ctrl-C themselves: while they wait for a lock on the table.
CAUGHT = (
    ("orders.position", "publish", "--barriers -", 130), ("orders.position", "clock", "--from 2027-01-01", 130),
    ("orders.position", "drain", "", 130), ("orders.parked", "lag", "--watch", 0),
    ("receivables.open_item", "flow", "--watch", 0))

# Once a consumer is away and an order waits for it.
BARRIER = '{"barrier": true}\n'
BEHIND = (
    rows("drain", Row(4, "--timeout-s 1", says="behind")) +
    rows("lag", Row(1, "", says="STOP")) +
    rows("clock", Row(4, "--from 2027-01-01 --drain-timeout-s 0", says="not drained")) +
    rows("publish", Row(4, "--barriers --drain-timeout-s 1 -", stdin=BARRIER, says="not drained")) +
    rows("parked", Row(4, "release orders BAD --wait-s 0 --reason test", says="not done yet")))
WAITING = (("drain", ""), ("clock", "--from 2027-01-01"), ("publish", "--barriers -"))

NO_LOCK = (("SELECT pg_advisory_xact_lock(hashtext('o2c migrate'))", "migrate", "--wait-s 1"),)


def documented(text):
    """{status} of the section of a --help."""
    section = text.partition("\nExit status:\n")[2].partition("\n\n")[0]
    return {int(line.split()[0]) for line in section.splitlines()}


class ExitStatuses(PipelineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        case.publish(EVENTS.read_text(), order("BAD", "BAD", quantity_milli=0))
        case.drain()
        case.o2c("clock", "--from", "2026-12-31")
        case.drain()
        BARE["O2C_PG_DSN"] = cls.pipeline.stack.dsn("postgres")
        cls.make_new()

    @classmethod
    def make_new(cls):
        name = cls.pipeline.name + "_new"
        psql(BARE["O2C_PG_DSN"], f'CREATE DATABASE "{name}"')
        cls.addClassCleanup(psql, BARE["O2C_PG_DSN"], f'DROP DATABASE "{name}" WITH (FORCE)')
        NEW["O2C_PG_DSN"] = cls.pipeline.stack.dsn(name)
        cls().o2c("migrate", "--pg-dsn", NEW["O2C_PG_DSN"])

    def runTest(self):
        """For setUpClass alone."""

    def begin(self, command, words, environment=None, stdout=None):
        databases = {"$DSN": self.pipeline.environment, "$NEW": NEW, "$BARE": BARE}
        with open(stdout, "w") if stdout else contextlib.nullcontext(subprocess.PIPE) as out:
            return subprocess.Popen(
                [self.pipeline.build / CLI, command,
                 *(databases[word]["O2C_PG_DSN"] if word in databases else word
                   for word in words.split())], text=True, stdout=out,
                env=self.pipeline.environment | (environment or {}), stdin=subprocess.PIPE,
                stderr=subprocess.PIPE, preexec_fn=end_with_parent)

    def outcome(self, command, row):
        process = self.begin(command, row.words, row.environment, row.stdout)
        said = process.communicate(row.stdin or "", timeout=PATIENCE_S)
        return process.returncode, "".join(filter(None, said))

    def check(self, table):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            running = [(command, row, pool.submit(self.outcome, command, row))
                       for command, row in table]
            for command, row, done in running:
                with self.subTest(command, row=row):
                    status, said = done.result()
                    self.assertEqual(status, row.status, said)
                    if row.says:
                        self.assertRegex(said, row.says)

    def until_it_waits(self, where):
        """The process of PostgreSQL that serves the command, once it waits there."""
        return self.until(f"waits: {where}", lambda: self.pipeline.sql(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'o2c'"
            f" AND datname = current_database() AND {where}"))

    @contextlib.contextmanager
    def held(self, lock):
        holder = subprocess.Popen(["psql", "-XAtq", self.pipeline.environment["O2C_PG_DSN"]],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  preexec_fn=end_with_parent)
        try:
            holder.stdin.write(f"BEGIN; {lock};\n\\echo locked\n")
            holder.stdin.flush()
            while holder.stdout.readline() != "locked\n":
                self.assertIsNone(holder.poll())
            yield
        finally:
            holder.communicate("ROLLBACK;\n", timeout=PATIENCE_S)

    # ---- in the order in which they run

    def test_1_every_status_that_help_names_has_a_row_and_no_other(self):
        found = {}
        for command, status in ([(command, row.status) for command, row in AT_REST + BEHIND] +
                                [(command, row.status) for _, command, row in SPOILED] +
                                [(command, 4) for _, command, _ in NO_LOCK] +
                                [(command, 130) for command, _ in WAITING]):
            found.setdefault(command, set()).add(status)
        commands = re.findall(r"(?m)^  ([a-z]+) ", self.o2c("help"))
        self.assertEqual({command: documented(self.o2c(command, "--help"))
                          for command in commands},
                         found)

    def test_2_at_rest(self):
        self.check(AT_REST)

    def test_2_books_that_are_wrong(self):
        for sql, command, row in SPOILED:
            self.pipeline.sql(sql)
            try:
                self.check([(command, row)])
            finally:
                self.pipeline.sql(sql)

    def test_2_postgresql_is_lost_on_the_way(self):
        for table, command, words in LOST:
            with self.subTest(command, words=words), self.held(f"LOCK TABLE {table}"):
                process = self.begin(command, words)
                process.stdin.write(BARRIER)
                process.stdin.close()
                process.stdin = None
                backend = self.until_it_waits("wait_event_type = 'Lock'")
                self.pipeline.sql(f"SELECT pg_terminate_backend({backend})")
                said = "".join(process.communicate(timeout=PATIENCE_S))
                self.assertEqual(process.returncode, 3, said)
                self.assertRegex(said, "PostgreSQL.*: .*(administrator command|closed the connection)")

    def interrupt(self, process, status):
        process.send_signal(signal.SIGINT)
        said = "".join(process.communicate(timeout=PATIENCE_S))
        self.assertEqual(process.returncode, status, said)
        self.assertNotIn("PostgreSQL", said)  # what it says when it gives up

    def test_2_interrupted_while_postgresql_works(self):
        for table, command, words, status in CAUGHT:
            with self.subTest(command, words=words), self.held(f"LOCK TABLE {table}"):
                process = self.begin(command, words)
                process.stdin.write(BARRIER)
                process.stdin.flush()
                self.until_it_waits("wait_event_type = 'Lock'")
                self.interrupt(process, status)

    def test_2_interrupted_while_postgresql_makes_no_connection(self):
        for command, words in WAITING:
            with self.subTest(command), socket.create_server(("127.0.0.1", 0)) as silent:
                silent.settimeout(PATIENCE_S)
                process = self.begin(command, words, {
                    "O2C_PG_DSN": "host=127.0.0.1 port=%d" % silent.getsockname()[1]})
                with silent.accept()[0]:
                    self.interrupt(process, 130)

    def test_2_interrupted_while_kafka_does_not_answer(self):
        for command, words in (("drain", ""), ("clock", "--from 2027-01-01"),
                               ("publish", "--patience-s 3600 -")):
            with self.subTest(command), socket.create_server(("127.0.0.1", 0)) as silent:
                silent.settimeout(PATIENCE_S)
                process = self.begin(command, words,
                                     {"O2C_KAFKA": "127.0.0.1:%d" % silent.getsockname()[1]})
                with silent.accept()[0]:
                    process.send_signal(signal.SIGINT)
                    said = "".join(process.communicate(timeout=PATIENCE_S))
                self.assertEqual(process.returncode, 130, said)
                self.assertNotIn("cannot be reached", said)  # what it says when it gives up

    def test_2_a_lock_that_is_not_given(self):
        for lock, command, words in NO_LOCK:
            with self.held(lock):
                self.check([(command, Row(4, words, says="lock timeout"))])

    def test_3_behind(self):
        orders = self.pipeline.services["orders"]
        orders.kill()
        orders.process = None  # it is meant to be away
        self.publish(order("O2", "C-1"))
        self.check(BEHIND)
        for number in (signal.SIGINT, signal.SIGTERM):
            for command, words in WAITING:
                with self.subTest(command, number=number):
                    process = self.begin(command, words)
                    process.stdin.write(BARRIER)
                    process.stdin.flush()
                    self.until_it_waits("query LIKE '%o2c.consumer%' AND state = 'idle'")
                    process.send_signal(number)
                    said = "".join(process.communicate(timeout=PATIENCE_S))
                    self.assertEqual(process.returncode, 130, said)

    def test_4_the_topics_are_lost_while_they_are_read(self):
        """One record of each partition is fetched ahead, so that no end is known yet."""
        one_at_a_time = {"O2C_KAFKA_CLIENT": "queued.min.messages=1;max.partition.fetch.bytes=1"}
        with self.held("LOCK TABLE orders.outbox"):
            process = self.begin("verify", "", one_at_a_time)
            self.until_it_waits("wait_event_type = 'Lock'")
            delete_topics(self.pipeline.environment["O2C_KAFKA"],
                          self.topic("o2c.order-status"))
        said = "".join(process.communicate(timeout=PATIENCE_S))
        self.assertEqual(process.returncode, 3, said)
        self.assertRegex(said, "o2c verify: .*o2c.order-status")
        self.assertNotIn("broken", said)
        self.check([("verify", Row(3, "", says="o2c.order-status does not exist"))])


if __name__ == "__main__":
    unittest.main(verbosity=2)
