"""Invoices, payments, disputes and reminders on real input: the IBM Watson accounts-receivable
sample through docs/maps, business days, Kafka, the consumers and PostgreSQL, compared with what
tests/oracle/ar_ibm_watson.py computes from the same file without any of it.

Without the sample beside the clone or in TEST_DATA it is skipped (status 77).
TEST_LONG=1: all its invoices with repeats and kills, too; else those of its first weeks.
"""

import csv
import json
import os
import sys
import tempfile
import unittest
from collections import Counter
from datetime import date
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "oracle")]

import ar_ibm_watson as sample  # noqa: E402
from compare import differences  # noqa: E402
from local_stack import ROOT  # noqa: E402
from pipeline_case import PipelineCase  # noqa: E402
from reading_views import parse_views, read_views  # noqa: E402
from real_data import real_data, real_data_or_skip  # noqa: E402
from scenario_case import ScenarioCase  # noqa: E402

NAME = "ar_ibm_watson"
LONG = bool(os.environ.get("TEST_LONG"))
MAP = ROOT / "docs" / "maps" / "ar_ibm_watson.json"
FIRST_WEEKS = date(2012, 1, 15)
# Payment and withdrawal of one day race: a dispute ends with the one or the other.
ENDINGS = {("withdrawn", "withdrawn"), ("closed", "paid")}
FIRST_MONTH_END = "ageing(2012-01-31)"  # of those of the first weeks, too, some are owed then
VIEWS = [*(name for name in sample.default_views() if name != "dispute"), FIRST_MONTH_END]


def shortened(folder, until):
    """A file of the sample's invoices up to that day, and what the oracle reads of it."""
    (path,) = real_data(NAME).glob("*Accounts-Receivable.csv")
    with open(path, newline="", encoding="utf-8") as text:
        head, *rows = csv.reader(text)
    kept = [row for row in rows if sample.day_of(row[head.index("InvoiceDate")]) <= until]
    Path(folder).mkdir()
    short = Path(folder, path.name)
    with open(short, "w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([head, *kept])
    return short, sample.read(folder)


class SampleCase:
    """Of a test that compares views with the sample."""

    def assert_as_in_the_file(self, invoices, shown):
        expected = {name: sample.view_of(invoices, name) for name in VIEWS}
        self.assertTrue(expected["reminder"] and expected[FIRST_MONTH_END])
        self.assertEqual(list(differences(expected, shown, {}, None))[:20], [])
        wanted = sample.dispute_rows(invoices)
        self.assertEqual(Counter(map(dispute, shown["dispute"])), Counter(map(dispute, wanted)))
        self.assertEqual({(row["state"], row["resolution"]) for row in shown["dispute"]}
                         - ENDINGS, set())


def dispute(row):
    return tuple(row[name] for name in ("dispute_id", "customer_id", "invoice_id"))


class Sample(SampleCase, PipelineCase):
    def test_every_balance_ageing_dispute_and_reminder_is_that_of_the_file(self):
        (path,) = real_data(NAME).glob("*Accounts-Receivable.csv")
        self.o2c("publish", "--strict", "--map", str(MAP), "--by-day", "occurred_at",
                 "--every-day", str(path))
        self.o2c("clock", "--to", str(sample.LAST_TICK))
        self.drain()
        self.o2c("verify")
        names = ",".join([*VIEWS, "dispute"])
        shown = read_views(self.pipeline.environment["O2C_PG_DSN"], parse_views(names))
        self.assert_as_in_the_file(sample.read(real_data(NAME)), shown)
        letters = shown["reminder"]
        print(f"{len(shown['invoice']):,} invoices, {len(shown['dispute'])} disputes, "
              f"{sum(len(row['invoice_ids']) for row in letters)} items in {len(letters)} "
              "reminders: as in the file")


class Disturbed(SampleCase, ScenarioCase):
    def test_repeats_and_killed_processes_change_nothing(self):
        until = sample.LAST_TICK if LONG else FIRST_WEEKS
        _, invoices = shortened(self.scratch / "sample", until)
        events = list(sample.all_events(invoices))
        while events[-1]["type"] == "BusinessDayStarted":
            events.pop()  # nothing is owed any more
        path = self.file("sample.ndjson", "".join(json.dumps(one) + "\n" for one in events))
        output, _ = self.scenario("--views", ",".join([*VIEWS, "dispute"]), "--duplicate", "30",
                                  "--kill", "10", path)
        self.assert_as_in_the_file(invoices, json.loads(output))


class GoLive(PipelineCase):
    RUNNING = False  # started here, with the date

    def start(self, date_of_reminders):
        for service in self.pipeline.services.values():
            service.start(**{"O2C_REMINDERS_GO_LIVE": date_of_reminders}
                          if service.name == "reminders" else {})
        self.pipeline.wait_ready()

    def test_nothing_is_reminded_before_the_go_live_date_and_the_date_is_fixed(self):
        pipeline, reminders = self.pipeline, self.pipeline.services["reminders"]
        scratch = self.enterContext(tempfile.TemporaryDirectory())
        path, invoices = shortened(Path(scratch, "sample"), FIRST_WEEKS)
        self.assertTrue(sample.reminder_rows(invoices))  # without the date there would be
        self.start("2014-02-01")
        self.o2c("publish", "--strict", "--map", str(MAP), "--by-day", "occurred_at",
                 "--every-day", str(path))
        self.drain()
        self.o2c("verify")
        shown = read_views(pipeline.environment["O2C_PG_DSN"], parse_views("invoice,reminder"))
        self.assertEqual(list(differences({"invoice": sample.invoice_rows(invoices)}, shown, {},
                                          None)), [])
        self.assertEqual(shown["reminder"], [])
        pipeline.stop()

        reminders.start(O2C_REMINDERS_GO_LIVE="2014-03-01")
        self.assertEqual(reminders.wait(), 1)
        self.assertIn("reminders-go-live", reminders.last_words())
        self.assertIn("2014-03-01", reminders.last_words())
        self.start("2014-02-01")
        pipeline.stop()


if __name__ == "__main__":
    real_data_or_skip(NAME)
    unittest.main(verbosity=2)
