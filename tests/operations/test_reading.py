"""What finance and operations read: o2c ageing, invoices, ledger and flow, as text and as JSON."""

import json
import re
import signal
import subprocess
import sys
import unittest
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from pipeline import CLI, end_with_parent  # noqa: E402
from pipeline_case import (  # noqa: E402
    PATIENCE_S, PipelineCase, dispatch, invoice_of_order, order)

EVENTS = Path(__file__).with_name("reading.ndjson")
SUMMARY = Path(__file__).resolve().parents[2] / "deploy/local/summary.sql"
AGEING = """\
customer  currency  not due   1-30  31-60  61-90  91-120  over 120  - unapplied  = total
C-1       EUR         80.00  70.00   0.00   0.00    0.00      0.00        40.00   110.00
Müller    BHD         0.000  0.005  0.000  0.000   0.000     0.000        0.000    0.005
Müller    JPY             0  5,000      0      0       0         0          800    4,200
all       BHD         0.000  0.005  0.000  0.000   0.000     0.000        0.000    0.005
all       EUR         80.00  70.00   0.00   0.00    0.00      0.00        40.00   110.00
all       JPY             0  5,000      0      0       0         0          800    4,200
"""
AGEING_BEFORE = """\
customer  currency  not due  1-30  31-60  61-90  91-120  over 120  - unapplied  = total
C-1       EUR        200.00  0.00   0.00   0.00    0.00      0.00         0.00   200.00
all       EUR        200.00  0.00   0.00   0.00    0.00      0.00         0.00   200.00
"""
INVOICES = """\
document  kind     number  issued      due         currency     gross    open  disputed  state
I-1       invoice  R-1     2026-01-05  2026-02-04  EUR       1,190.00    0.00      0.00  paid
I-2       invoice  R-2     2026-02-10  2026-03-12  EUR         200.00  150.00     60.00  part_paid

payment  received    currency    amount   applied  unapplied  state         waits for
P-1      2026-01-15  EUR       1,170.00  1,170.00       0.00  applied       -
P-2      2026-03-01  EUR          90.00     50.00      40.00  part_applied  InvoiceIssued I-9

date        statement  reference  currency     debit    credit  = balance
2026-01-05  opening    -          EUR                                0.00
2026-01-05  invoice    I-1        EUR       1,190.00             1,190.00
2026-01-15  discount   P-1/1      EUR                    20.00   1,170.00
2026-01-15  payment    P-1        EUR                 1,170.00       0.00
2026-02-10  invoice    I-2        EUR         200.00               200.00
2026-03-01  payment    P-2        EUR                    90.00     110.00
2026-03-31  closing    -          EUR                              110.00
"""
INVOICES_FEBRUARY = """\
document  kind     number  issued      due         currency   gross    open  disputed  state
I-2       invoice  R-2     2026-02-10  2026-03-12  EUR       200.00  150.00     60.00  part_paid

date        statement  reference  currency   debit  credit  = balance
2026-02-01  opening    -          EUR                            0.00
2026-02-10  invoice    I-2        EUR       200.00             200.00
2026-02-28  closing    -          EUR                          200.00
"""
DECIMALS = """\
document  kind         number  issued      due         currency  gross   open  disputed  state
I-3       invoice      R-3     2026-02-20  2026-03-22  JPY       5,000  5,000         0  open
N-1       credit_note  G-1     2026-02-25  2026-02-25  JPY         800    800         0  open
I-4       invoice      R-4     2026-03-05  2026-03-10  BHD       0.005  0.005     0.000  open

date        statement    reference  currency  debit  credit  = balance
2026-02-20  opening      -          BHD                          0.000
2026-03-05  invoice      I-4        BHD       0.005              0.005
2026-03-31  closing      -          BHD                          0.005
2026-02-20  opening      -          JPY                              0
2026-02-20  invoice      I-3        JPY       5,000              5,000
2026-02-25  credit_note  N-1        JPY                 800      4,200
2026-03-31  closing      -          JPY                          4,200
"""
LEDGER = """\
account     currency     debit    credit  = balance
receivable  BHD          0.005     0.000      0.005
revenue     BHD          0.000     0.005     -0.005
all         BHD          0.005     0.005      0.000
receivable  EUR       1,390.00  1,240.00     150.00
revenue     EUR           0.00  1,200.00  -1,200.00
output_tax  EUR           0.00    190.00    -190.00
bank        EUR       1,260.00      0.00   1,260.00
unapplied   EUR       1,220.00  1,260.00     -40.00
discount    EUR          20.00      0.00      20.00
all         EUR       3,890.00  3,890.00       0.00
receivable  JPY          5,000       800      4,200
revenue     JPY            800     5,000     -4,200
all         JPY          5,800     5,800          0
"""
LEDGER_OF_ONE = """\
account     currency  debit  credit  = balance
receivable  BHD       0.005   0.000      0.005
revenue     BHD       0.000   0.005     -0.005
all         BHD       0.005   0.005      0.000
receivable  JPY       5,000     800      4,200
revenue     JPY         800   5,000     -4,200
all         JPY       5,800   5,800          0
"""
FLOW = """\
stage      documents    amount  currency  oldest since          stuck
placed             1  1,200.00  EUR       2026-01-02T09:00:00Z      1
to_ship            1  1,200.00  EUR       2026-01-02T09:00:00Z      1
open               1     0.005  BHD       2026-03-05T00:00:00Z      1
open               1    150.00  EUR       2026-02-10T00:00:00Z      1
open               1     5,000  JPY       2026-02-20T00:00:00Z      1
overdue            1     0.005  BHD       2026-03-11T00:00:00Z      1
overdue            1    150.00  EUR       2026-03-13T00:00:00Z      1
overdue            1     5,000  JPY       2026-03-23T00:00:00Z      1
disputed           1     60.00  EUR       when it was opened        0
unapplied          1     40.00  EUR       2026-03-01T00:00:00Z      1
"""

CONTRACT = {  # further columns may come after
    "order_status": "order_id customer_id revision state shipment_state invoice_state hold_reasons"
                    " currency net_minor gross_minor placed_at",
    "order_line": "order_id line_no sku ordered_milli shipped_milli returned_milli cancelled_milli"
                  " invoiced_milli unit_price_micro",
    "shipment": "shipment_id order_id customer_id state dispatched_at delivered_at",
    "invoice": "invoice_id kind number customer_id order_id issue_date due_date currency"
               " gross_minor applied_minor credited_minor discount_minor written_off_minor"
               " open_minor disputed_minor state closed_date",
    "payment": "payment_id customer_id received_date currency amount_minor applied_minor"
               " on_account_minor refunded_minor state",
    "cash_application": "application_id payment_id invoice_id applied_minor discount_minor"
                        " difference_minor difference_reason rule applied_at reversed",
    "reminder": "reminder_id customer_id run_date level invoice_ids total_minor fee_minor state"
                " channel delivered_at",
    "dispute": "dispute_id customer_id invoice_id amount_minor reason_code origin state assignee"
               " opened_at due_date resolution",
    "ledger_balance": "account customer_id currency debit_minor credit_minor balance_minor",
    "flow": "stage documents amount_minor oldest_since stuck",
    "consumer_progress": "consumer topic partition next_offset owner claimed_at parked",
}


def invoice(invoice_id, days_until_due, currency):
    day = date.today() + timedelta(days=days_until_due)
    return json.dumps({
        "type": "InvoiceIssued", "source": "test", "customer_id": "NOW", "invoice_id": invoice_id,
        "number": invoice_id, "issue_date": str(date.today() - timedelta(days=20)),
        "currency": currency, "lines": [{"line_no": 1, "quantity_milli": 1000,
                                         "unit_price_micro": 1_000_000, "net_minor": 100}],
        "net_minor": 100, "gross_minor": 100,
        "instalments": [{"due_date": str(day), "amount_minor": 100}]}) + "\n"


def payment(payment_id, days_ago, currency):
    return json.dumps({
        "type": "PaymentReceived", "source": "test", "customer_id": "NOW",
        "payment_id": payment_id, "received_date": str(date.today() - timedelta(days=days_ago)),
        "amount_minor": 10, "currency": currency, "method": "cash"}) + "\n"


class Reading(PipelineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        case.publish(EVENTS.read_text())
        case.drain()

    def runTest(self):
        """For setUpClass alone."""

    def shows(self, expected, *words):
        self.maxDiff = None
        self.assertEqual(self.o2c(*words), expected)

    def json_of(self, *words):
        return [json.loads(line) for line in self.o2c(*words, "--json").splitlines()]

    # ---- ageing

    def test_ageing(self):
        self.shows(AGEING, "ageing", "--as-of", "2026-03-31")
        self.shows(AGEING_BEFORE, "ageing", "--customer", "C-1", "--as-of=2026-02-28")
        self.shows("nothing is open\n", "ageing", "--as-of", "2026-01-04")
        self.shows("nothing is open\n", "ageing", "--customer", "C-1", "--as-of", "2026-01-04")

    def test_ageing_is_of_today_unless_told(self):
        today = self.rows("SELECT (now() AT TIME ZONE 'UTC')::date")[0][0]
        self.assertEqual(self.o2c("ageing", "--customer", "C-1"),
                         self.o2c("ageing", "--customer", "C-1", "--as-of", today))
        self.assertNotEqual(self.o2c("ageing", "--customer", "C-1"), AGEING_BEFORE)

    def test_ageing_for_programs(self):
        one, total = self.json_of("ageing", "--as-of", "2026-03-31", "--customer", "C-1")
        self.assertEqual(one, {"customer_id": "C-1", "currency": "EUR", "not_due": 8000,
                               "d1_30": 7000, "d31_60": 0, "d61_90": 0, "d91_120": 0,
                               "d121_plus": 0, "unapplied": 4000, "total": 11000})
        self.assertEqual(total, one | {"customer_id": None})
        self.shows("", "ageing", "--json", "--as-of", "2026-01-04")

    # ---- invoices

    def test_invoices(self):
        self.shows(INVOICES, "invoices", "C-1", "--to", "2026-03-31")
        self.shows(INVOICES_FEBRUARY, "invoices", "--from", "2026-02-01", "C-1", "--to",
                   "2026-02-28")
        self.shows(DECIMALS, "invoices", "Müller", "--to", "2026-03-31")

    def test_invoices_for_programs(self):
        lines = self.json_of("invoices", "C-1", "--to", "2026-03-31")
        self.assertEqual([line.pop("row") for line in lines],
                         ["document"] * 2 + ["payment"] * 2 + ["statement"] * 7)
        self.assertEqual(lines[3], {
            "payment_id": "P-2", "received_date": "2026-03-01", "currency": "EUR",
            "amount_minor": 9000, "applied_minor": 5000, "unapplied_minor": 4000,
            "state": "part_applied", "waits_for": "InvoiceIssued I-9"})
        self.assertEqual(lines[-1]["balance_minor"], 11000)
        moved = sum((line["debit_minor"] or 0) - (line["credit_minor"] or 0) for line in lines[4:])
        self.assertEqual(lines[4]["balance_minor"] + moved, lines[-1]["balance_minor"])

    # ---- ledger

    def test_ledger(self):
        self.shows(LEDGER, "ledger")
        self.shows(LEDGER_OF_ONE, "ledger", "--customer", "Müller")
        self.shows("nothing is posted\n", "ledger", "--customer", "C-9")
        self.assertEqual(self.json_of("ledger", "--customer", "C-1")[-1], {
            "account": None, "currency": "EUR", "debit_minor": 389000, "credit_minor": 389000,
            "balance_minor": 0})

    def test_the_chart_comes_first_and_other_accounts_by_name(self):
        further = ("write_off", "difference", "opening", "zeta", "alpha")
        for account in further:
            self.pipeline.sql("INSERT INTO ledger.total VALUES"
                              f" ('T', '{account}', 'T', 'main', 'EUR', 0, 0)")
        try:
            accounts = [line["account"] for line in self.json_of("ledger")
                        if line["currency"] == "EUR"]
        finally:
            self.pipeline.sql("DELETE FROM ledger.total WHERE account_id = 'T'")
        self.assertEqual(accounts, [
            "receivable", "revenue", "output_tax", "bank", "unapplied", "discount", "difference",
            "write_off", "opening", "alpha", "zeta", None])

    def test_a_trial_balance_that_does_not_balance_is_an_error(self):
        one = "WHERE ledger_account = 'bank' AND customer_id = 'C-1'"
        self.pipeline.sql(f"UPDATE ledger.total SET debit_minor = debit_minor + 1 {one}")
        try:
            self.assertIn("o2c ledger: EUR is out of balance: 3,890.01 debit, 3,890.00 credit\n",
                          self.o2c("ledger", status=1))
            self.o2c("ledger", "--customer", "C-1")  # lines of one customer need not balance
        finally:
            self.pipeline.sql(f"UPDATE ledger.total SET debit_minor = debit_minor - 1 {one}")

    def test_sums_are_exact_beyond_64_bits(self):
        most = 2 ** 63 - 1
        for account in ("T", "U"):
            self.pipeline.sql("INSERT INTO ledger.total VALUES"
                              f" ('{account}', 'bank', 'T', 'main', 'CHF', {most}, {most})")
        try:
            shown = self.o2c("ledger", "--customer", "T").splitlines()[1]
        finally:
            self.pipeline.sql("DELETE FROM ledger.total WHERE account_id IN ('T', 'U')")
        self.assertEqual(shown.split()[2:], [f"{2 * most // 100:,}.{2 * most % 100:02}"] * 2 +
                         ["0.00"])

    # ---- flow

    def flow_of(self, currency):
        """Without the time since when."""
        return [(line["stage"], line["documents"], line["amount_minor"], line["stuck"])
                for line in self.json_of("flow") if line["currency"] == currency]

    def test_flow(self):
        shown = self.o2c("flow")
        opened = re.search(r"disputed .* (\S+Z) ", shown)[1]
        self.assertEqual(self.rows("SELECT to_char(opened_at AT TIME ZONE 'UTC',"
                                   " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM o2c.dispute"),
                         [(opened,)])
        self.assertEqual(shown.replace(opened, "when it was opened  "), FLOW)
        self.assertIn({"stage": "placed", "documents": 1, "amount_minor": 120000,
                       "currency": "EUR", "oldest_since": "2026-01-02T09:00:00Z", "stuck": 1},
                      self.json_of("flow"))

    def test_the_columns_begin_as_the_contract_has_them(self):
        shown = dict(self.rows(
            "SELECT table_name, string_agg(column_name, ' ' ORDER BY ordinal_position)"
            " FROM information_schema.columns WHERE table_schema = 'o2c' GROUP BY 1"))
        for view, columns in CONTRACT.items():
            columns = columns.split()
            self.assertEqual(shown[view].split()[:len(columns)], columns, view)

    def test_z_flow_tells_overdue_and_stuck_by_the_day(self):
        """Last: the other tests show everything there is."""
        self.publish(invoice("NOT-DUE", 2, "CHF"), invoice("DUE", -2, "CHF"),
                     payment("NEW", 2, "SEK"), payment("OLD", 8, "SEK"))
        self.drain()
        self.assertEqual(self.flow_of("CHF"), [("open", 2, 200, 0), ("overdue", 1, 100, 0)])
        self.assertEqual(self.flow_of("SEK"), [("unapplied", 2, 20, 1)])
        self.pipeline.sql("UPDATE receivables.flow_limit SET days = 1")
        try:
            self.assertEqual(self.flow_of("CHF"), [("open", 2, 200, 2), ("overdue", 1, 100, 1)])
        finally:
            self.pipeline.sql("UPDATE receivables.flow_limit SET days = CASE stage"
                              " WHEN 'open' THEN 90 WHEN 'overdue' THEN 30 ELSE 5 END")

    def test_z_flow_tells_what_is_shipped_and_not_invoiced(self):
        """Of an order of 3.000 pieces at 10.00, of which dispatch() sends 1.000 at a time."""
        def goods(*events):
            self.publish(*events)
            self.drain()
            return [row for row in self.flow_of("NOK") if row[0] == "shipped_not_invoiced"]

        self.assertEqual(goods(order("O-S", "SENT", 3000, currency="NOK")), [])
        self.assertEqual(goods(dispatch("S-1", "O-S", "SENT"), dispatch("S-2", "O-S", "SENT")),
                         [("shipped_not_invoiced", 1, 2000, 1)])
        self.assertEqual(goods(invoice_of_order("I-S", "O-S", 1500, "SENT", currency="NOK")),
                         [("shipped_not_invoiced", 1, 500, 1)])
        self.assertRegex(self.o2c("flow"), r"(?m)^to_ship .*\n(.*\n)*shipped_not_invoiced +1 +5\.00"
                         r"  NOK       2026-03-03T09:00:00Z      1\n(.*\n)*open ")
        self.assertEqual(goods(json.dumps({
            "type": "InvoiceCancelled", "source": "test", "customer_id": "SENT",
            "invoice_id": "I-S", "reason": "wrong"}) + "\n"), [("shipped_not_invoiced", 1, 2000, 1)])
        self.assertEqual(goods(invoice_of_order("I-T", "O-S", 2000, "SENT", currency="NOK")), [])

    def test_flow_again_and_again(self):
        watching = subprocess.Popen(
            [self.pipeline.build / CLI, "flow", "--watch", "--json"], text=True,
            env=self.pipeline.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            preexec_fn=end_with_parent)
        seen = [watching.stdout.readline()]
        while seen.count(seen[0]) < 2:
            seen.append(watching.stdout.readline())
            self.assertTrue(seen[-1])
        watching.send_signal(signal.SIGINT)
        rest = watching.communicate(timeout=PATIENCE_S)[0]
        self.assertEqual(watching.returncode, 0)
        for line in seen + rest.splitlines():
            self.assertIn("stage", json.loads(line))

    def test_the_summary_of_run_local_has_the_decimals_of_each_currency(self):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", SUMMARY,
                               self.pipeline.environment["O2C_PG_DSN"]],
                              text=True, capture_output=True, check=True)
        invoices = re.search(r"\n  Invoices .*\n(?:    .*\n)*?    open +(.*)", done.stdout)[1]
        self.assertEqual(set(re.split(r" {3,}", invoices)) & {"5,000 JPY", "0.005 BHD"},
                         {"5,000 JPY", "0.005 BHD"})
        self.assertRegex(done.stdout, r"(?m)^    all .* [\d,]+\.\d\d EUR")

    # ---- what is asked for wrongly

    def test_wrong_words(self):
        for words, expected in (
                (("ageing", "--as-of", "2026-02-30"),
                 'o2c ageing: --as-of "2026-02-30" is no date (YYYY-MM-DD)'),
                (("ageing", "now"), "usage: o2c ageing"),
                (("ledger", "now"), "usage: o2c ledger"),
                (("flow", "now"), "usage: o2c flow"),
                (("invoices",), "usage: o2c invoices [options] CUSTOMER"),
                (("invoices", "C-1", "C-2"), "usage: o2c invoices"),
                (("invoices", "C-1", "--from", "1.2.2026"), '--from "1.2.2026" is no date'),
                (("invoices", "C-1", "--to", "today"), '--to "today" is no date'),
                (("invoices", "C-1", "--from", "2026-03-02", "--to", "2026-03-01"),
                 '--from "2026-03-02" is after --to "2026-03-01"')):
            with self.subTest(words):
                self.assertIn(expected, self.o2c(*words, status=2))
        for words in (("invoices", "C-9"), ("ageing", "--customer", "C-9")):
            self.assertEqual(f'o2c {words[0]}: customer "C-9" has no document and no payment\n',
                             self.o2c(*words, status=1))

    def test_other_endings(self):
        environment = self.pipeline.environment
        try:
            for status, database, expected in (
                    (3, "host=127.0.0.1 port=1 dbname=o2c", "127.0.0.1"),
                    (3, environment["O2C_PG_DSN"].replace(self.pipeline.name, "postgres"),
                     "was o2c migrate run?")):
                self.pipeline.environment = environment | {"O2C_PG_DSN": database}
                for words in (("ageing",), ("invoices", "C-1"), ("ledger",), ("flow",)):
                    with self.subTest(words, database=database):
                        self.assertIn(expected, self.o2c(*words, status=status))
        finally:
            self.pipeline.environment = environment


if __name__ == "__main__":
    unittest.main(verbosity=2)
