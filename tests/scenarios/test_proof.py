"""The order of arrival between topics and accounts, repeats, and processes that are killed change
nothing: fact scenarios in shuffled copies, and random months, against the oracle.

TEST_LONG=1: every scenario in 100 copies, 20 months; else a few of each.
"""

import json
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from scenario_case import SCENARIOS, ScenarioCase  # noqa: E402

LONG = bool(os.environ.get("TEST_LONG"))
COPIES = 100 if LONG else 10
SHORT_FORM = ("return", "order-amended-out-of-order")  # acceptance plays the others too
# In these the order of arrival decides: two events contradict each other.
CONTRADICTING = {"conflict"}

MONTHS = range(1, 21) if LONG else range(1, 4)
SIZE = ("--orders=600", "--accounts=40") if LONG else ("--orders=100", "--accounts=12")
# Facts only: which of two sources settles a document that both claim may depend on order.
FACTS = ("--repeated-percent=0", "--late-percent=0", "--returned-percent=0",
         "--reversed-percent=0", "--part-paid-percent=0")
VIEWS = ("order_status,order_line,shipment,invoice,payment,ledger_balance,"
         "ageing(2026-04-01),ageing(2026-05-15)")


class Proof(ScenarioCase):
    def test_fact_scenarios_give_one_result_in_all_copies(self):
        names = sorted(path.stem for path in SCENARIOS.glob("*.ndjson"))
        for name in names if LONG else SHORT_FORM:
            expected = SCENARIOS / f"{name}.expected.json"
            if name in CONTRADICTING:
                continue
            with self.subTest(name):
                views = ",".join(json.loads(expected.read_text()))
                output, _ = self.scenario(
                    "--views", views, "--shuffle", name, "--copies", str(COPIES),
                    "--duplicate", "20", "--kill", "3", SCENARIOS / f"{name}.ndjson")
                self.assert_shows(expected, output, COPIES)

    def test_random_months_are_what_the_oracle_says(self):
        for seed in MONTHS:
            with self.subTest(seed=seed):
                month = self.file(f"month-{seed}.ndjson",
                                  self.simulated(f"--seed={seed}", *SIZE, *FACTS))
                output, said = self.scenario(
                    "--views", VIEWS, "--shuffle", str(seed), "--duplicate", "10", "--kill",
                    "3", month)
                self.assertIn("killed", said)
                self.assert_shows(self.oracle(month, VIEWS), output)

    def test_contradictions_leave_what_came_first(self):
        """Within one topic of an account the order stands: the first arrival is the same."""
        seed = 77
        views = "order_status,order_line,shipment,waiting,conflict_found"
        month = self.file("contradicted.ndjson", self.simulated(
            f"--seed={seed}", *SIZE, "--receivables=0", "--conflicts=5", "--repeated-percent=10",
            "--late-percent=20"))
        output, _ = self.scenario("--views", views, "--shuffle", str(seed), "--kill", "2", month)
        self.assert_shows(self.oracle(month, views), output)

    def test_business_days_in_copies(self):
        lines = self.simulated("--seed=6", "--orders=15", "--accounts=3", "--days=3", "--ticks=1",
                               *FACTS).splitlines(keepends=True)[:60]
        self.assertGreater(sum('"BusinessDayStarted"' in line for line in lines), 3)
        days = self.file("days.ndjson", "".join(lines))
        output, _ = self.scenario("--views", VIEWS, "--shuffle", "2", "--copies", "4",
                                  "--duplicate", "10", "--kill", "2", days)
        self.assert_shows(self.oracle(days, VIEWS), output, 4)

    def test_a_month_in_the_order_of_its_file(self):
        """What rules decide by the order of arrival, too: each drain makes it the file's."""
        month = self.file("in-order.ndjson", self.simulated(
            "--seed=5", "--orders=40", "--accounts=6", "--reversed-percent=10",
            "--part-paid-percent=20"))
        output, _ = self.scenario("--views", VIEWS, month)
        self.assert_shows(self.oracle(month, VIEWS), output)


if __name__ == "__main__":
    unittest.main(verbosity=2)
