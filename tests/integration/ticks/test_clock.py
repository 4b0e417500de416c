"""o2c clock and o2c publish begin business days, on a pipeline with the consumer o2c-daybook."""

import json
import re
import signal
import sys
import tempfile
import unittest
import urllib.request
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))

from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402
from extra_consumer import register  # noqa: E402
from pipeline import Pipeline, Service  # noqa: E402
from pipeline_case import PATIENCE_S, PipelineCase  # noqa: E402
from published_events import decode, schemas_by_id  # noqa: E402
from table_lock import TableLock  # noqa: E402
from topic_records import headers_of  # noqa: E402

DAYBOOK = "tests/integration/ticks/o2c-daybook"
SCHEMAS = schemas_by_id()


class DaybookPipeline(Pipeline):
    """The daybook and the relay alone."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.services = {
            "daybook": Service("daybook", self.build / DAYBOOK, self.environment,
                               self.logs / "daybook.log"),
            "outbox-relay": self.services["outbox-relay"]}

    def create(self):
        self.create_database()
        self.sql("DELETE FROM o2c.consumer_topic; DELETE FROM o2c.consumer")
        register(self.sql, "daybook", (HERE / "daybook.sql").read_text())
        self.must("topics", "create", "--partitions", str(self.partitions))
        name = self.prefix + "o2c.parked.daybook"
        admin = AdminClient({"bootstrap.servers": self.environment["O2C_KAFKA"]})
        admin.create_topics([NewTopic(name, self.partitions, 1)])[name].result(PATIENCE_S)


def promise(account, day, items, occurred_at="2026-01-01T09:00:00Z"):
    return json.dumps({"type": "PaymentPromised", "occurred_at": occurred_at, "source": "test",
                       "customer_id": account, "invoice_ids": items.split(), "amount_minor": 1,
                       "promised_date": f"2026-01-{day:02}"}) + "\n"


def begin_day(day, **fields):
    return json.dumps({"type": "BusinessDayStarted", "source": "test",
                       "business_date": f"2026-01-{day:02}", **fields}) + "\n"


class ClockTest(PipelineCase):
    PIPELINE = DaybookPipeline

    def days(self):
        """{partition: [event]} of the clock's topic."""
        found = {number: [] for number in range(self.pipeline.partitions)}
        for message in self.records("o2c.clock"):
            if message.value()[:1] == b"\0":
                found[message.partition()].append(decode(message.value(), SCHEMAS))
        return found

    def dates(self):
        return {number: [event["business_date"] for event in events]
                for number, events in self.days().items()}

    def everywhere(self, dates):
        self.assertEqual(self.dates(), {number: dates for number in range(self.pipeline.partitions)})

    def runs(self):
        return self.pipeline.sql("SELECT runs FROM daybook.runs").strip()

    def test_days_are_begun_in_order_and_never_again(self):
        self.publish(promise("C1", 5, "a next-b"))
        with tempfile.NamedTemporaryFile("w", suffix=".holidays") as holidays:
            holidays.write("# closed\n2026-01-06  # Epiphany\n")
            holidays.flush()
            said = self.o2c("clock", "--from", "2026-01-05", "--to", "2026-01-08",
                            "--calendar", "AT", "--holidays", holidays.name)
        self.assertEqual(said, "3 business days begun\n")
        self.drain()
        self.everywhere(["2026-01-05", "2026-01-07", "2026-01-08"])
        self.assertEqual(self.runs(), "C1/a: 01-05+0, C1/next-b: 01-05+0 01-07+0 01-08+0")
        said = self.o2c("clock", "--from", "2026-01-01", "--to", "2026-01-08")
        over = "2026-01-08 has begun already: no day before it begins any more\n"
        self.assertEqual(said, over + "0 business days begun\n")
        self.assertEqual(self.o2c("clock", "--from", "2026-01-06"),  # a holiday has never begun
                         over + "0 business days begun\n")
        self.o2c("clock")
        self.drain()
        self.everywhere(["2026-01-05", "2026-01-07", "2026-01-08", "2026-01-09"])
        self.check_cuts()
        self.check_one_that_was_cut_short()
        self.check_lines_of_a_file()
        self.check_by_day()
        self.check_the_service()
        self.o2c("verify")
        self.check_metrics()

    def test_holidays_that_cannot_be_read_are_told(self):
        said = self.o2c("clock", "--holidays", "/", status=2)
        self.assertIn("/: Is a directory", said)

    def check_cuts(self):
        """The last day's cut names every topic, with its end; and what the outbox says of it."""
        for number, events in self.days().items():
            last = events[-1]
            self.assertFalse(last["late"])
            self.assertEqual((events[0]["calendar"], last["calendar"]), ("AT", None))
            cut = {end["topic"]: end["end_offset"] for end in last["cut"]}
            self.assertIn("o2c.orders", cut)
            self.assertNotIn("o2c.clock", cut)
            ends = [len([m for m in self.records("o2c.customers") if m.partition() == number])]
            self.assertEqual([cut["o2c.customers"]], ends)
        ticks = [headers_of(message)["o2c_tick"] for message in self.records("o2c.conflicts")]
        self.assertEqual(sorted(set(ticks)), ["2026-01-05", "2026-01-07", "2026-01-08",
                                              "2026-01-09"])

    def check_one_that_was_cut_short(self):
        """A clock died after one partition: the others get the day, that one no second time."""
        first = self.days()[0][-1]
        line = begin_day(10)
        self.o2c("publish", "-", input=line)
        self.drain()
        self.everywhere(["2026-01-05", "2026-01-07", "2026-01-08", "2026-01-09", "2026-01-10"])
        record = [m for m in self.records("o2c.clock") if m.partition() == 0][-1]
        eleventh = record.value().replace(zigzag(20463), zigzag(20464), 1)
        self.assertEqual(decode(eleventh, SCHEMAS)["business_date"], "2026-01-11")
        self.produce("o2c.clock", None, eleventh, partition=2)
        self.o2c("clock", "--from", "2026-01-11")
        self.drain()
        self.everywhere(["2026-01-05", "2026-01-07", "2026-01-08", "2026-01-09", "2026-01-10",
                         "2026-01-11"])
        self.assertNotEqual(first["event_id"], self.days()[0][-1]["event_id"])

    def check_lines_of_a_file(self):
        """With --barriers a day in a file begins when all before it is applied."""
        self.o2c("publish", "--barriers", "-",
                 input=promise("C2", 12, "f g") + begin_day(12) + promise("C2", 12, "h")
                 + begin_day(13))
        self.drain()
        self.assertIn("C2/f: 01-12+0, C2/g: 01-12+0, C2/h: 01-13+0", self.runs())
        said = self.o2c("publish", "--check", "-", input=begin_day(14, cut=[]) + begin_day(40),
                        status=1)
        self.assertIn("BusinessDayStarted.business_date", said)

    def check_by_day(self):
        """Each day's tick comes before that day's events."""
        lines = [promise("C3", 15, f"day-{day}", f"2026-01-{day:02}T09:00:00Z")
                 for day in (16, 14, 15)]
        self.o2c("publish", "--by-day", "occurred_at", "-", input="".join(lines))
        self.drain()
        self.assertIn("C3/day-14: 01-15+0, C3/day-15: 01-16+0", self.runs())
        self.assertNotIn("day-16", self.runs())
        self.o2c("publish", "--by-day", "occurred_at", "--every-day", "-",
                 input=promise("C3", 18, "i next-k", "2026-01-17T09:00:00Z")
                 + promise("C3", 19, "l", "2026-01-20T09:00:00Z"))
        self.drain()
        self.assertIn("C3/i: 01-18+0", self.runs())
        self.assertIn("C3/next-k: 01-18+0 01-19+0 01-20+0", self.runs())
        self.assertEqual(self.dates()[3][-4:], ["2026-01-17", "2026-01-18", "2026-01-19",
                                               "2026-01-20"])
        said = self.o2c("publish", "--by-day", "occurred_at", "-", input=begin_day(21), status=1)
        self.assertIn("--by-day begins the days itself", said)


    def check_the_service(self):
        """It catches up in order to today, leaving out what the file of holidays names."""
        today = datetime.now(timezone.utc).date()
        wanted = [str(today - timedelta(days=2)), str(today)]
        day, closed = date(2026, 1, 21), []
        while day < today:
            if str(day) not in wanted:
                closed.append(f"{day}\n")
            day += timedelta(days=1)
        with tempfile.NamedTemporaryFile("w", suffix=".holidays") as holidays:
            holidays.write("".join(closed))
            holidays.flush()
            clock = Service("clock", self.pipeline.build / "producers/clock/o2c-clock",
                            {**self.pipeline.environment, "O2C_HOLIDAYS": holidays.name},
                            self.pipeline.logs / "clock.log")
            clock.start()
            try:
                self.until("today begins", lambda: str(today) in self.dates()[5])
                self.assertTrue(clock.ready())
            finally:
                self.assertEqual(clock.stop(), 0)
        self.drain()
        self.assertEqual(self.dates()[5][-3:], ["2026-01-20", *wanted])
        self.assertFalse(self.days()[5][-1]["late"])

    def check_metrics(self):
        """The consumer says which day it has begun, and what became of its items."""
        address = self.pipeline.services["daybook"].address
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        self.assertIn('o2c_held_partitions 0', lines)
        ran = self.pipeline.sql("SELECT count(*) FROM daybook.outbox").strip()
        self.assertIn(f'o2c_due_items_total{{result="ran"}} {ran}', lines)
        day = [line.split()[1] for line in lines
               if line.startswith("o2c_business_day_timestamp_seconds ")]
        self.assertEqual(str(datetime.fromtimestamp(float(day[0]), timezone.utc).date()),
                         self.dates()[0][-1])


class LateTest(PipelineCase):
    """Nobody applies what was published, so nothing drains."""

    PIPELINE = DaybookPipeline
    RUNNING = False

    days = ClockTest.days

    def begun(self):
        """[(date, late)], the same in every partition."""
        found = {tuple((event["business_date"], event["late"]) for event in events)
                 for events in self.days().values()}
        self.assertEqual(len(found), 1, found)
        return list(found.pop())

    def clock_service(self, **settings):
        return Service("clock", self.pipeline.build / "producers/clock/o2c-clock",
                       {**self.pipeline.environment, **settings}, self.pipeline.logs / "clock.log")

    def file_of(self, text):
        holidays = tempfile.NamedTemporaryFile("w", suffix=".holidays")
        self.addCleanup(holidays.close)
        holidays.write(text)
        holidays.flush()
        return holidays.name

    def test_a_day_that_waits_in_vain_begins_late_where_that_is_asked_for(self):
        self.publish(promise("C1", 5, "a"))
        words = ("clock", "--from", "2026-01-05", "--drain-timeout-s", "1")
        self.assertIn("not drained after 1 s: ", self.o2c(*words, status=4))
        self.assertEqual(self.begun(), [])
        self.assertEqual(self.o2c(*words, "--late"),
                         "1 business day begun, some of them late\n")
        self.assertEqual(self.begun(), [("2026-01-05", True)])
        self.check_the_service()

    def check_the_service(self):
        """It begins the day that it is where the business is, late after `late-after-s`."""
        now = datetime.now(timezone.utc)
        offset_min = 840 if now.hour >= 10 else -840  # another date than in UTC
        there = (now + timedelta(minutes=offset_min)).date()
        self.assertNotEqual(there, now.date())
        closed = [date(2026, 1, 6) + timedelta(days=day)
                  for day in range((there - date(2026, 1, 6)).days)]
        holidays = self.file_of("".join(f"{day}\n" for day in closed))
        settings = {"O2C_HOLIDAYS": holidays, "O2C_UTC_OFFSET_MIN": str(offset_min)}
        clock = self.clock_service(**settings)  # it waits 15 minutes
        clock.start()
        try:
            self.until("it is ready", clock.ready)
            self.assertEqual(self.begun(), [("2026-01-05", True)])
        finally:
            self.assertEqual(clock.stop(), 0)
        clock = self.clock_service(**settings, O2C_LATE_AFTER_S="0")
        clock.start()
        try:
            self.until("the day begins", lambda: clock.metric("o2c_clock_days_begun_total"))
            self.assertEqual(clock.metric("o2c_clock_days_begun_total", how="late"), 1)
        finally:
            self.assertEqual(clock.stop(), 0)
        self.assertEqual(self.begun(), [("2026-01-05", True), (str(there), True)])

    def test_a_file_of_holidays_that_is_none_is_named(self):
        for text, said in (("2026-01-06\n2026-02-30 # no such day\n",
                            ':2: "2026-02-30" is not a date like 2026-01-31'),
                           ("6.1.2026\n", ':1: "6.1.2026" is not a date like 2026-01-31')):
            name = self.file_of(text)
            with self.subTest(text):
                self.assertIn(name + said, self.o2c("clock", "--holidays", name, status=2))
                clock = self.clock_service(O2C_HOLIDAYS=name)
                clock.start()
                self.assertEqual(clock.wait(), 2)
                self.assertIn(json.dumps(name + said), clock.words())
        self.assertIn("/nowhere: No such file", self.o2c("clock", "--holidays", "/nowhere",
                                                         status=2))


class SilentDatabaseTest(PipelineCase):
    """What the clock asks for is locked, so that nothing answers it."""

    PIPELINE = DaybookPipeline
    RUNNING = False

    clock_service = LateTest.clock_service

    def begin(self, timeout_ms):
        clock = self.clock_service(O2C_PG_TIMEOUT_MS=str(timeout_ms))
        clock.start()
        self.addCleanup(clock.kill)
        self.until("the clock waits for the lock", lambda: self.pipeline.sql(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'o2c-clock'"
            " AND wait_event_type = 'Lock' AND datname = current_database()"))
        return clock

    def test_it_is_said_and_a_signal_ends_the_waiting(self):
        with TableLock(self.pipeline, "o2c.consumer", "ACCESS EXCLUSIVE"):
            clock = self.begin(1000)
            self.until("it says so", lambda: re.search(
                r"PostgreSQL at 127.0.0.1:\d+: no answer \(waited for 1 s\)",
                clock.ask("/readyz")[1]))
            self.assertEqual(clock.stop(), 0)
            tries = clock.words().count("will try again")
            for number in (signal.SIGTERM, signal.SIGINT):
                clock = self.begin(3600000)
                clock.send(number)
                self.assertEqual(clock.wait(), 0, clock.last_words())
            self.assertEqual(clock.words().count("will try again"), tries)


class VersionsTest(PipelineCase):
    """The clock on a database that a later release has migrated."""

    PIPELINE = DaybookPipeline
    RUNNING = False

    clock_service = LateTest.clock_service

    def migrated(self, schema, folder, compatible_from):
        """As by a migration that is not there yet."""
        self.pipeline.sql(
            "INSERT INTO o2c.migration (schema, folder, version, name, sha256, compatible_from)"
            f" SELECT '{schema}', '{folder}', max(version) + 1, 'later', 'later', {compatible_from}"
            f"   FROM o2c.migration WHERE schema = '{schema}' AND folder = '{folder}'")

    def refused(self, words):
        clock = self.clock_service()
        clock.start()
        self.addCleanup(clock.kill)
        self.assertEqual(clock.wait(), 1, clock.last_words())
        self.assertIn("the database does not fit this program", clock.last_words(1))
        self.assertIn(words, clock.last_words(1))

    def test_a_database_that_does_not_fit_is_refused(self):
        clock = self.clock_service()
        self.migrated("daybook", "host", 6)
        self.migrated("relay", "relay", 1)
        clock.start()
        self.addCleanup(clock.kill)
        self.until("the clock works", clock.ready)
        self.assertEqual(clock.stop(), 0)
        self.migrated("daybook", "host", 7)
        self.refused("schema daybook: engine is at version 8, compatible from 7,"
                     " this clock works with 2 to 6")
        self.pipeline.sql("DELETE FROM o2c.migration WHERE version = 8")
        self.migrated("relay", "relay", "NULL")
        self.refused("schema relay: relay is at version 3, compatible from 3")
        self.pipeline.sql("DELETE FROM o2c.migration WHERE schema = 'daybook' AND folder = 'host'")
        self.pipeline.sql("DELETE FROM o2c.migration WHERE schema = 'relay' AND version > 1")
        self.refused("schema daybook: engine is at version 0")


def zigzag(number):
    """An Avro long above 0."""
    coded, out = number << 1, b""
    while coded > 0x7f:
        out += bytes([coded & 0x7f | 0x80])
        coded >>= 7
    return out + bytes([coded])


if __name__ == "__main__":
    unittest.main()
