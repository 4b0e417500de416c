"""The order of arrival between topics and accounts, repeats, and processes that are killed change
nothing: fact scenarios in shuffled copies, and random months, against the oracle.

TEST_LONG=1: every scenario in 100 copies, 20 months and histories; else a few of each.
"""

import json
import os
import sys
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "oracle")]

import compare  # noqa: E402
import dense  # noqa: E402
import shuffle  # noqa: E402
from cases import ORDER_DECIDES, SETTINGS  # noqa: E402
from drain_points import BARRIER  # noqa: E402
from oracle import fold, view_names  # noqa: E402
from recorded_order import Inputs  # noqa: E402
from replay import replayed  # noqa: E402
from scenario_case import SCENARIOS, ScenarioCase  # noqa: E402
from views import as_text, views_of  # noqa: E402

LONG = bool(os.environ.get("TEST_LONG"))
COPIES = 100 if LONG else 10
SHORT_FORM = ("return", "order-amended-out-of-order", "dispute-holds-reminder",
              "reminder-once")  # acceptance plays the others too

MONTHS = range(1, 21) if LONG else range(1, 4)
SIZE = ("--orders=600", "--accounts=40") if LONG else ("--orders=100", "--accounts=12")
# Facts only: which of two sources settles a document that both claim may depend on order.
FACTS = ("--repeated-percent=0", "--late-percent=0", "--returned-percent=0",
         "--reversed-percent=0", "--part-paid-percent=0")
ORDERS = "order_status,order_line,shipment"
VIEWS = f"{ORDERS},invoice,payment,ledger_balance,ageing(2026-04-01),ageing(2026-05-15)"
MONEY = ("invoice,payment,cash_application,ledger_balance,dispute,reminder,waiting,"
         "ageing(2026-04-01),ageing(2026-05-15)")
# Where sources do contend for a document, disputes are decided and days begin.
CONTENDED_MONTHS = range(101, 121) if LONG else range(101, 103)
CONTENDED = ("--ticks=1", "--reversed-percent=10", "--part-paid-percent=20",
             "--disputed-percent=15")
CONTENDING = ("two-payments-one-invoice", "dispute-and-payment")  # scenarios
# On every day on which something moved, of each customer: the ageing less what is posted by then.
AGEING_IS_THE_LEDGER = """
SELECT day, customer_id, currency, sum(minor)
  FROM (SELECT DISTINCT effective_date AS day FROM receivables.movement) d
 CROSS JOIN LATERAL (
       SELECT customer_id, currency, total AS minor FROM o2c.ageing(day)
        UNION ALL
       SELECT customer_id, currency, credit_minor - debit_minor FROM o2c.journal
        WHERE posting_date <= day AND account IN ('receivable', 'unapplied')) m
 GROUP BY 1, 2, 3
HAVING sum(minor) <> 0"""
CROWDED = (3, *range(201, 220)) if LONG else (3, 201)  # seeds of histories


def crowded(seed, behind=""):
    """Crowded histories; behind: what stands after each event of every account."""
    return "".join(
        "".join(json.dumps(given) + "\n" for given in row) + behind
        for row in dense.events(seed, accounts=40, steps=12))


def events_of(path):
    return path.read_text("utf-8").splitlines(keepends=True)


def is_of_one_result(path):
    """A scenario of money alone which every order of arrival leads to the same rows."""
    text = path.read_text("utf-8")
    return (path.stem not in ORDER_DECIDES and "BusinessDayStarted" not in text
            and ("InvoiceIssued" in text or "PaymentReceived" in text))


def settings_of(name):
    """As options of the runner."""
    return [word for setting, value in SETTINGS.get(name, {}).items()
            for word in (f"--{setting.replace('_', '-')}", value)]


def rows_of(facts, views):
    return views_of(facts, view_names(views))


def outcomes_of(path, views):
    """What the oracle says for each order of arrival that --shuffle leads to, without repetition."""
    segments = shuffle.read_segments(events_of(path))
    found = []
    for seed in range(40):
        lines = [json.dumps(line.given) for segment in shuffle.rearranged(
            segments, seed, 0, 0, False) for line in segment or ()]
        outcome = rows_of(fold(lines), views)
        if outcome not in found:
            found.append(outcome)
    return found


class Proof(ScenarioCase):
    def test_fact_scenarios_give_one_result_in_all_copies(self):
        names = sorted(path.stem for path in SCENARIOS.glob("*.ndjson"))
        for name in names if LONG else SHORT_FORM:
            expected = SCENARIOS / f"{name}.expected.json"
            if name in ORDER_DECIDES:
                continue
            with self.subTest(name):
                views = ",".join(view for view in json.loads(expected.read_text())
                                 if not view.startswith("customer_statement"))
                output, _ = self.scenario(
                    "--views", views, "--shuffle", name, "--copies", str(COPIES),
                    "--duplicate", "20", "--kill", "3", *settings_of(name),
                    SCENARIOS / f"{name}.ndjson")
                self.assert_shows(self.only(expected, views), output, COPIES)

    def test_contending_scenarios_end_as_one_of_their_orders(self):
        for name in CONTENDING:
            with self.subTest(name):
                path = SCENARIOS / f"{name}.ndjson"
                outcomes = outcomes_of(path, MONEY)
                self.assertGreater(len(outcomes), 1)
                output, said = self.scenario(
                    "--views", MONEY, "--shuffle", name, "--copies", str(COPIES), "--duplicate",
                    "20", "--kill", "2", path, status=(0, 1))  # they may differ
                self.assertNotIn("an invariant is broken", said)
                arrival = compare.load(compare.ARRIVAL)
                for copy in compare.split_copies(json.loads(output), COPIES):
                    found = [list(compare.differences(outcome, copy, arrival, None))
                             for outcome in outcomes]
                    self.assertIn([], found)

    def only(self, expected, views):
        shown = json.loads(expected.read_text())
        return self.file("only.json", json.dumps(
            {view: rows for view, rows in shown.items() if view in views}))

    def test_all_facts_of_money_at_once_in_copies(self):
        """Each scenario has a customer of its own."""
        chosen = sorted(filter(is_of_one_result, SCENARIOS.glob("*.ndjson")))
        self.assertGreaterEqual(len(chosen), 14)
        customers = [{json.loads(line)["customer_id"] for line in events_of(path)
                      if "customer_id" in line} for path in chosen]
        self.assertEqual(sum(map(len, customers)), len(set().union(*customers)))
        facts = self.file("facts.ndjson", "".join(
            line for path in chosen for line in events_of(path)))
        output, _ = self.scenario("--views", MONEY, "--shuffle", "7", "--copies", "5",
                                  "--duplicate", "20", "--kill", "2", facts)
        self.assert_shows(self.oracle(facts, MONEY), output, 5)

    def test_random_months_are_what_the_oracle_says(self):
        for seed in MONTHS:
            with self.subTest(seed=seed):
                month = self.file(f"month-{seed}.ndjson",
                                  self.simulated(f"--seed={seed}", *SIZE, *FACTS))
                output, _ = self.scenario(
                    "--views", VIEWS, "--shuffle", str(seed), "--duplicate", "10", "--kill",
                    "3", month)
                self.assert_shows(self.oracle(month, VIEWS), output)

    def test_contradictions_leave_what_came_first(self):
        """Within one topic of an account the order stands: the first arrival is the same."""
        seed = 77
        views = f"{ORDERS},waiting,conflict_found"
        month = self.file("contradicted.ndjson", self.simulated(
            f"--seed={seed}", *SIZE, "--receivables=0", "--contradicted-percent=5", "--repeated-percent=10",
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

    def test_crowded_histories_are_what_the_oracle_says(self):
        """Documents, payments and notes that claim one another in every way the rules know."""
        views = f"{MONEY},journal,conflict_found"
        for seed in CROWDED:
            with self.subTest(seed=seed):
                crowd = self.file(f"crowd-{seed}.ndjson", crowded(seed, BARRIER))
                output, _ = self.scenario("--views", views, crowd)
                self.assert_shows(self.oracle(crowd, views), output)

    def contended(self, seed):
        size = ("--orders=120", "--accounts=15") if LONG else ("--orders=25", "--accounts=5")
        return self.file(f"contended-{seed}.ndjson",
                         self.simulated(f"--seed={seed}", *size, *CONTENDED))

    def test_months_in_the_order_of_their_files(self):
        """What rules decide by the order of arrival, too: each drain makes it the file's, whatever
        is repeated and killed meanwhile.
        """
        for seed in CONTENDED_MONTHS:
            with self.subTest(seed=seed):
                month = self.contended(seed)
                output, _ = self.scenario("--views", f"{ORDERS},{MONEY}", "--duplicate", "10",
                                          "--kill", "3", month)
                self.assert_shows(self.oracle(month, f"{ORDERS},{MONEY}"), output)
                shown = json.loads(output)
                self.assertTrue(shown["reminder"] and shown["cash_application"])

    def test_histories_that_run_freely_decide_in_the_order_they_record(self):
        """Who settles a document that two claim is open, but it is decided once, by what was read
        first; the oracle folds the topics in the order that each consumer has recorded.
        """
        views = f"{MONEY},journal,conflict_found"
        for seed in CONTENDED_MONTHS:
            with self.subTest(seed=seed):
                given = self.file(f"free-{seed}.ndjson",
                                  crowded(seed) + self.contended(seed).read_text())
                with self.kept("--views", views, "--shuffle", str(seed), "--duplicate", "10",
                               "--kill", "3", given) as (output, pipeline):
                    facts = fold(events_of(given))
                    in_file_order = rows_of(facts, views)
                    facts.books = replayed(*map(Inputs(pipeline).in_recorded_order, (
                        "receivables", "disputes", "reminders")))
                    self.assertEqual(pipeline.sql(AGEING_IS_THE_LEDGER), "")
                self.assert_shows(self.file(f"free-{seed}.expected.json",
                                            as_text(rows_of(facts, views))), output)
                self.assertNotEqual(in_file_order["cash_application"],
                                    rows_of(facts, views)["cash_application"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
