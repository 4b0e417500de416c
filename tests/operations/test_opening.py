"""o2c publish --opening: open items as of a cut-over, on a real pipeline."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from import_events import (credit_note, customer, debit_note, invoice, items_map,  # noqa: E402
                           lines, payment)
from pipeline_case import PipelineCase  # noqa: E402

CUT_OVER = "2026-01-31"


class Opening(PipelineCase):
    def balances(self, name):
        return dict(self.rows("SELECT account, sum(balance_minor) FROM o2c.ledger_balance"
                              f" WHERE customer_id = '{name}' GROUP BY 1"))

    def test_open_items_stand_against_opening_and_are_reminded_only_if_asked_for(self):
        self.o2c("publish", "--opening", CUT_OVER, "-", input=lines(
            customer("OPEN"), invoice("I-1", "OPEN", 10_000), debit_note("D-1", "OPEN", 500),
            credit_note("C-1", "OPEN", 2_000), payment("P-1", "OPEN", 3_000),
            customer("ASKED"), invoice("I-2", "ASKED", 700, remind=True)))
        self.o2c("publish", "-", input=lines(customer("NEW"), invoice("I-3", "NEW", 900)))
        self.drain()
        self.assertEqual(self.rows(
            "SELECT kind, invoice_id, opening FROM o2c.invoice WHERE customer_id IN"
            " ('OPEN', 'NEW') ORDER BY kind, invoice_id"),
            [("credit_note", "C-1", "t"), ("debit_note", "D-1", "t"), ("invoice", "I-1", "t"),
             ("invoice", "I-3", "f")])
        self.assertEqual(self.rows("SELECT payment_id, opening, amount_minor FROM o2c.payment"
                                   " WHERE customer_id = 'OPEN'"),
                         [("P-1", "t", "3000")])
        balances = self.balances("OPEN")
        self.assertEqual(balances["opening"], "-5500")  # 10000 + 500 - 2000 - 3000
        self.assertNotIn("revenue", balances)
        self.assertNotIn("bank", balances)
        self.assertEqual(self.balances("NEW"), {"receivable": "900", "revenue": "-900"})
        for day in ("2026-03-01", "2026-04-01"):
            self.o2c("clock", "--from", day)
            self.drain()
        self.assertEqual(self.rows("SELECT DISTINCT customer_id FROM o2c.reminder ORDER BY 1"),
                         [("ASKED",), ("NEW",)])
        self.o2c("verify")

    def test_mapped_csv_is_marked_too(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "map.json").write_text(json.dumps(items_map()))
            (Path(folder) / "items.csv").write_text(
                "kind,customer,id,date,amount\n"
                "invoice,CSV,CSV-1,2026-01-05,12.50\n"
                "invoice,CSV,CSV-2,2026-02-01,99.00\n"
                "payment,CSV,CSV-P,2026-01-31,2.50\n")
            said = self.o2c("publish", "--opening", CUT_OVER, "--map", f"{folder}/map.json", folder,
                            status=1)
        self.assertIn('items.csv:3: InvoiceIssued.issue_date: "2026-02-01" is after the opening,'
                      " 2026-01-31\n", said)
        self.drain()
        self.assertEqual(self.rows("SELECT invoice_id, opening FROM o2c.invoice"
                                   " WHERE customer_id = 'CSV'"), [("CSV-1", "t")])
        self.assertEqual(self.balances("CSV")["opening"], "-1000")

    def test_what_has_no_place_is_refused_and_named(self):
        said = self.o2c("publish", "--check", "--opening", CUT_OVER, "-", status=1, input=lines(
            payment("P-9", "C", 1, date="2026-02-01"), invoice("I-9", "C", 1, opening=False),
            {"type": "PaymentReversed", "source": "s", "customer_id": "C", "payment_id": "P-1",
             "reversed_date": "2026-01-30", "reason": "nsf"}, customer("C")))
        self.assertIn('stdin:1: PaymentReceived.received_date: "2026-02-01" is after the opening,'
                      " 2026-01-31\n", said)
        self.assertIn("stdin:2: InvoiceIssued.opening: false contradicts --opening", said)
        self.assertIn('stdin:3: type: "PaymentReversed" has no place in an --opening', said)
        self.assertRegex(said, r"\ntotal +1 +3\n")
        self.assertIn('opening: "31.1.2026" is no date such as 2026-01-31',
                      self.o2c("publish", "--opening", "31.1.2026", "-", status=2))


if __name__ == "__main__":
    unittest.main()
