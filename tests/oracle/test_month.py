"""The simulated month through the oracle: o2c simulate says what happened, the rules what of it.

Needs the o2c of TEST_BUILD, the build folder; ctest names it."""

import os
import random
import subprocess
import unittest
from collections import defaultdict

from oracle import fold
from views import views_of

BUILD = os.environ.get("TEST_BUILD")
QUIET = ("--repeated-percent=0", "--late-percent=0")
# Whatever makes two sources claim one document is left out: their order may decide.  How a
# dispute ends depends on whether the payment or the decision comes first.
UNCONTENDED = (*QUIET, "--returned-percent=0", "--reversed-percent=0", "--part-paid-percent=0")
FACTS = ("order_status", "order_line", "invoice", "payment", "ledger_balance", "ageing(2026-05-15)")


def simulated(*options):
    command = [os.path.join(BUILD, "producers/cli/o2c"), "simulate", "--orders=150",
               "--accounts=12", *options]
    lines = subprocess.run(command, capture_output=True, text=True, check=True,
                           timeout=120).stdout.splitlines()
    return [line for line in lines if '"CustomerRegistered"' not in line]


@unittest.skipUnless(BUILD, "TEST_BUILD is not set")
class Month(unittest.TestCase):
    def test_nothing_is_parked_and_the_ageing_is_the_ledger(self):
        for seed in range(1, 4):
            books = fold(simulated(f"--seed={seed}", "--ticks=1", "--reversed-percent=10",
                                   "--part-paid-percent=20")).books
            self.assertEqual([account.parked for account in books.accounts
                              if account.parked], [])
            self.assertEqual(list(books.conflicts), [])
            self.assertEqual(list(books.waiting()), [])
            ledger = defaultdict(int)
            for account, customer, currency, _, _, balance in books.ledger_balance_rows():
                if account in ("receivable", "unapplied"):
                    ledger[customer, currency] += balance
            aged = {row[:2]: row[-1] for row in books.ageing_rows("2027-01-01")}
            self.assertEqual({key: total for key, total in ledger.items() if total},
                             {key: total for key, total in aged.items() if total})
            self.assertGreater(len(books.reminders.issued), 10)

    def test_what_is_shipped_is_invoiced_line_by_line(self):
        """In the end; half way through something has left that is not billed yet."""
        lines = simulated(*QUIET, "--seed=2")
        done = views_of(fold(lines), ("order_status", "order_line"))
        for row in done["order_line"]:
            self.assertEqual(row["invoiced_milli"], row["shipped_milli"], row)
        states = {(row["shipment_state"], row["invoice_state"], row["not_invoiced_since"])
                  for row in done["order_status"]}
        self.assertLessEqual({("shipped", "awaiting_payment", None), ("none", "none", None)},
                             states)
        half = views_of(fold(lines[:len(lines) // 2]), ("order_status",))["order_status"]
        left = [row for row in half if row["not_invoiced_minor"]]
        self.assertGreater(len(left), 0)
        self.assertTrue(all(row["not_invoiced_since"] for row in left))

    def test_repeats_and_late_events_change_nothing(self):
        plain = views_of(fold(simulated(*UNCONTENDED)), FACTS)
        again = views_of(fold(simulated(*UNCONTENDED, "--repeated-percent=20",
                                        "--late-percent=20")), FACTS)
        self.assertEqual(plain, again)

    def test_no_order_of_arrival_changes_what_is_uncontended(self):
        lines = simulated(*UNCONTENDED)
        plain = views_of(fold(lines), FACTS)
        self.assertGreater(sum(row["state"] == "paid" for row in plain["invoice"]), 100)
        for seed in range(5):
            random.Random(seed).shuffle(lines)
            self.assertEqual(views_of(fold(lines), FACTS), plain, f"seed {seed}")


if __name__ == "__main__":
    unittest.main()
