"""Invoices, payments, disputes and reminders on real input: the IBM Watson accounts-receivable
sample through docs/maps, business days, Kafka, the consumers and PostgreSQL, compared with what
tests/oracle/ar_ibm_watson.py computes from the same file without any of it.

Without the sample beside the clone or in TEST_DATA it is skipped (status 77).
TEST_LONG=1: all its invoices with repeats and kills and with a go-live date, too; else those of its
first weeks.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
import unittest
from datetime import date
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "oracle")]

import ar_ibm_watson as sample  # noqa: E402
from compare import differences  # noqa: E402
from local_stack import ROOT  # noqa: E402
from pipeline import CLI, end_with_parent  # noqa: E402
from pipeline_case import ASK_EVERY_S, PipelineCase  # noqa: E402
from reading_views import parse_views, read_views  # noqa: E402
from real_data import real_data, real_data_or_skip  # noqa: E402

NAME = "ar_ibm_watson"
LONG = bool(os.environ.get("TEST_LONG"))
MAP = ROOT / "docs" / "maps" / "ar_ibm_watson.json"
UNTIL = sample.LAST_TICK if LONG else date(2012, 1, 15)
REPEATED, KILLS = 0.3, 10
FIRST_MONTH_END = "ageing(2012-01-31)"  # of those of the first weeks, too, some are owed then
VIEWS = [*sample.default_views(), FIRST_MONTH_END]


def shortened(folder, repeated=0):
    """A file of the sample's invoices up to UNTIL, and what the oracle reads of it; behind them that
    share of its rows once more.
    """
    (path,) = real_data(NAME).glob("*Accounts-Receivable.csv")
    with open(path, newline="", encoding="utf-8") as text:
        head, *rows = csv.reader(text)
    kept = [row for row in rows if sample.day_of(row[head.index("InvoiceDate")]) <= UNTIL]
    Path(folder).mkdir()
    short = Path(folder, path.name)
    with open(short, "w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([head, *kept])
    invoices = sample.read(folder)
    with open(short, "a", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows(random.Random(NAME).sample(kept, int(repeated * len(kept))))
    return short, invoices


def by_day(path):
    """The words of o2c that publish it, day by day."""
    return ["publish", "--strict", "--map", str(MAP), "--by-day", "occurred_at", "--every-day",
            str(path)]


class SampleCase:
    """Of a test that compares views with the sample."""

    def shown(self):
        return read_views(self.pipeline.environment["O2C_PG_DSN"], parse_views(",".join(VIEWS)))

    def assert_as_in_the_file(self, invoices, shown):
        expected = {name: sample.view_of(invoices, name) for name in VIEWS}
        self.assertTrue(expected["reminder"] and expected["dispute"] and expected[FIRST_MONTH_END])
        self.assertEqual(list(differences(expected, shown, {}, None))[:20], [])


class Sample(SampleCase, PipelineCase):
    def test_every_balance_ageing_dispute_and_reminder_is_that_of_the_file(self):
        (path,) = real_data(NAME).glob("*Accounts-Receivable.csv")
        self.o2c(*by_day(path))
        self.o2c("clock", "--to", str(sample.LAST_TICK))
        self.drain()
        self.o2c("verify")
        shown = self.shown()
        self.assert_as_in_the_file(sample.read(real_data(NAME)), shown)
        letters = shown["reminder"]
        print(f"{len(shown['invoice']):,} invoices, {len(shown['dispute'])} disputes, "
              f"{sum(len(row['invoice_ids']) for row in letters)} items in {len(letters)} "
              "reminders: as in the file")
        self.check_that_no_date_may_follow()

    def check_that_no_date_may_follow(self):
        """Letters have been written without a go-live date."""
        reminders = self.pipeline.services["reminders"]
        reminders.stop()
        reminders.start(O2C_REMINDERS_GO_LIVE="2014-02-01")
        self.assertEqual(reminders.wait(), 1)
        self.assertIn('\\"2014-02-01\\" is not \\"\\"', reminders.last_words())


class Disturbed(SampleCase, PipelineCase):
    def publish_with_kills(self, path, count):
        """kill -9 of a process whenever a further part of the invoices has been folded."""
        chance, kills = random.Random(NAME), 0
        services = list(self.pipeline.services.values())
        with open(self.pipeline.logs / "publish.log", "w+", encoding="utf-8") as said:
            publisher = subprocess.Popen(
                [self.pipeline.build / CLI, *by_day(path)], env=self.pipeline.environment,
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, preexec_fn=end_with_parent)
            while publisher.poll() is None:
                self.pipeline.check()
                if kills < KILLS and self.invoices() > kills * count // KILLS:
                    service = chance.choice(services)
                    service.kill()
                    service.start()
                    kills += 1
                time.sleep(ASK_EVERY_S)
            said.seek(0)
            self.assertEqual(publisher.returncode, 0, said.read())
        self.assertEqual(kills, KILLS)

    def invoices(self):
        return int(self.pipeline.sql("SELECT count(*) FROM receivables.document WHERE issued"))

    def test_repeats_and_killed_processes_change_nothing(self):
        scratch = self.enterContext(tempfile.TemporaryDirectory())
        path, invoices = shortened(Path(scratch, "sample"), REPEATED)
        self.publish_with_kills(path, len(invoices))
        self.drain()
        self.o2c("verify")
        repeats = int(self.pipeline.sql("SELECT sum(repeats) FROM receivables.position"))
        self.assertGreaterEqual(repeats, 2 * int(REPEATED * len(invoices)))
        self.assert_as_in_the_file(invoices, self.shown())


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
        path, invoices = shortened(Path(scratch, "sample"))
        self.assertTrue(sample.reminder_rows(invoices))  # without the date there would be
        self.start("2014-02-01")
        self.o2c(*by_day(path))
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
        for same in ("", "2014-02-01"):  # where none is given, what is kept counts
            self.start(same)
            pipeline.stop()
        self.assertEqual(pipeline.sql("SELECT value FROM reminders.fixed_setting").strip(), "2014-02-01")


if __name__ == "__main__":
    real_data_or_skip(NAME)
    unittest.main(verbosity=2)
