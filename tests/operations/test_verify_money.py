"""o2c verify about money: what receivables, ledger, disputes and reminders must add up to and agree
on is shown to fail on a spoiled database; and the digest.
"""

import json
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from pipeline import Pipeline  # noqa: E402
from pipeline_case import PipelineCase  # noqa: E402

EVENTS = Path(__file__).with_name("reading.ndjson")
OF_C1 = {"source": "test", "customer_id": "C-1"}
CANCELLED = [json.dumps(OF_C1 | event) + "\n" for event in (
    {"type": "InvoiceIssued", "invoice_id": "I-5", "number": "R-5", "issue_date": "2026-02-02",
     "currency": "SEK", "net_minor": 700, "gross_minor": 700, "lines": [
         {"line_no": 1, "quantity_milli": 1000, "unit_price_micro": 7_000_000, "net_minor": 700}],
     "instalments": [{"due_date": "2026-03-02", "amount_minor": 700}]},
    {"type": "InvoiceCancelled", "invoice_id": "I-5", "cancelled_date": "2026-02-03",
     "reason": "wrong address"})]
REVERSED = [json.dumps(OF_C1 | event) + "\n" for event in (
    {"type": "PaymentReceived", "payment_id": "P-3", "received_date": "2026-03-20",
     "amount_minor": 1000, "currency": "EUR", "method": "direct_debit",
     "remittance": [{"invoice_id": "I-2", "amount_minor": 1000}]},
    {"type": "PaymentReversed", "payment_id": "P-3", "reversed_date": "2026-03-25",
     "reason": "nsf"})]


class VerifyMoney(PipelineCase):
    """Invoices, payments, a dispute and a reminder."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        case.publish(EVENTS.read_text(), *CANCELLED)
        case.drain()
        case.o2c("clock", "--from", "2026-04-15")
        case.drain()
        cls.pipeline.stop()
        case.o2c("verify")

    def runTest(self):
        """For setUpClass alone."""

    def found(self):
        """What all the functions say, as o2c verify prints it."""
        return [line for line, in self.rows(" UNION ALL ".join(
            f"SELECT '{schema}: ' || replace(said, '|', '/') FROM {function}.verify() said"
            for schema, function in (("disputes", "disputes"), ("ledger", "ledger"),
                                     ("receivables", "receivables"), ("reminders", "reminders"),
                                     ("all", "o2c"))))]

    def spoil(self, change, back, *expected):
        with self.subTest(expected):
            self.pipeline.sql(change)
            try:
                found = self.found()
            finally:
                self.pipeline.sql(back)
            self.assertEqual(len(found), len(expected), found)
            for pattern in expected:
                self.assertEqual(len([line for line in found if re.match(pattern, line)]), 1,
                                 f"{pattern} in {found}")

    def tearDown(self):
        self.assertEqual(self.found(), [])  # nothing of it is left

    def one_more(self, table, column, where, *expected):
        """One minor unit too many, of one row."""
        self.assertEqual(len(self.rows(f"SELECT 1 FROM {table} WHERE {where}")), 1, where)
        self.spoil(f"UPDATE {table} SET {column} = {column} + 1 WHERE {where}",
                   f"UPDATE {table} SET {column} = {column} - 1 WHERE {where}", *expected)

    def test_the_command_says_what_each_function_finds(self):
        change = "UPDATE {} SET {} = {} + {} WHERE {}"
        spoilt = (("ledger.total", "debit_minor", "ledger_account = 'receivable' AND currency = 'JPY'"),
                  ("receivables.balance", "disputed_minor", "currency = 'BHD'"),
                  ("disputes.document", "open_minor", "document_id = 'I-3'"),
                  ("reminders.reminder", "live_count", "currency = 'JPY'"))
        for table, column, where in spoilt:
            self.pipeline.sql(change.format(table, column, column, 1, where))
        try:
            found, said = self.found(), self.o2c("verify", status=1)
        finally:
            for table, column, where in spoilt:
                self.pipeline.sql(change.format(table, column, column, -1, where))
        self.assertEqual(len(found), 5)
        self.assertEqual({line.removeprefix("broken: ") for line in said.splitlines()},
                         {*found, "o2c verify: 5 invariants are broken"})

    def test_the_ledgers_tables_add_up(self):
        self.one_more("ledger.journal_line", "debit_minor",
                      "journal_id = 'payment:P-1:receipt' AND ledger_account = 'bank'",
                      "ledger: journal payment:P-1:receipt of account C-1 in EUR: debits and credits "
                      "differ by 1$",
                      "ledger: ledger account bank of customer C-1, account C-1, company main, in EUR: total "
                      "126000/0, its lines 126001/0$")
        self.one_more("ledger.total", "credit_minor",
                      "ledger_account = 'revenue' AND currency = 'BHD'",
                      "ledger: ledger account revenue of customer Müller.* total 0/6, its lines 0/5$")

    def test_receivables_tables_add_up(self):
        self.one_more("receivables.document", "open_minor", "document_id = 'I-3'",
                      "receivables: invoice I-3 of account Müller: open 5001, its instalments 5000$",
                      "receivables: invoice I-3 of account Müller: open 5001, issued less .* 5000$",
                      "receivables: customer Müller of account Müller with company main in JPY: totals differ",
                      "all: invoice I-3 of account Müller: open 5001, credited 0, disputes have 5000, 0$")
        self.one_more("receivables.document", "gross_minor", "document_id = 'I-4'",
                      "receivables: invoice I-4 of account Müller: open 5, issued less .* 6$",
                      "all: account Müller in BHD: open 5, issued less .* 6$")
        self.one_more("receivables.document", "applied_minor", "document_id = 'I-5'",
                      "receivables: cancelled invoice I-5 of account C-1: something is open or app",
                      "receivables: invoice I-5 .* differs from its live applications")
        self.one_more("receivables.movement", "delta_minor",
                      "subject_id = 'I-3' AND cause = 'issued'",
                      "receivables: invoice I-3 instalment 1 of .*: open 5000, its movements 5001$")
        self.one_more("receivables.movement", "delta_minor",
                      "subject_id = 'P-2' AND cause = 'received'",
                      "receivables: payment P-2 of account C-1: unapplied 4000, its movements 4001$")
        self.one_more("receivables.payment", "amount_minor", "payment_id = 'P-2'",
                      "receivables: payment P-2 of account C-1: unapplied 4000, its movements 4000$")
        self.one_more("receivables.allocation", "applied_minor", "source_id = 'P-2'",
                      "receivables: payment P-2 of account C-1: applied 5000, its live app.* 5001$",
                      "receivables: invoice I-2 of account C-1: what is applied to it differs")
        self.one_more("receivables.dispute", "amount_minor", "dispute_id = 'D-1'",
                      "receivables: invoice I-2 of account C-1: disputed 6000, its instalments 6000, "
                      "its active disputes 6001 of 15000 open$")
        for column in ("disputed_minor", "receivable_minor", "unapplied_control_minor"):
            self.one_more("receivables.balance", column, "currency = 'BHD'",
                          "receivables: customer Müller of account Müller with company main in BHD: totals differ")

    def test_disputes_tables_add_up(self):
        self.spoil("UPDATE disputes.dispute SET document_id = 'I-1'",
                   "UPDATE disputes.dispute SET document_id = 'I-2'",
                   "disputes: dispute D-1 of account C-1 is open, and nothing is open of its "
                   "invoice$")
        self.spoil("UPDATE disputes.dispute SET state = 'closed', resolution = 'paid'",
                   "UPDATE disputes.dispute SET state = 'open', resolution = NULL",
                   "disputes: dispute D-1 of account C-1 is closed as paid, and 15000 is open of "
                   "its invoice$")

    def test_reminders_tables_add_up(self):
        self.one_more("reminders.reminder", "live_count", "currency = 'JPY'",
                      "reminders: reminder Müller/JPY/2026-04-15 of account Müller: 1 of its items "
                      "are open and undisputed, it counts 2$")
        self.one_more("reminders.armed_day", "item_count", "account_id = 'C-1' AND item_count > 0",
                      "reminders: customer C-1 of account C-1 in EUR: 1 items due .*, 2 counted$")

    def test_consumers_agree_about_money(self):
        self.one_more("ledger.total", "debit_minor",
                      "ledger_account = 'receivable' AND currency = 'JPY'",
                      "ledger: ledger account receivable of customer Müller",
                      "all: ledger account receivable of customer Müller, account Müller, company "
                      "main, in JPY: posted 4201, receivables have 4200$")
        self.one_more("ledger.total", "credit_minor",
                      "ledger_account = 'unapplied' AND customer_id = 'C-1'",
                      "ledger: ledger account unapplied of customer C-1",
                      "all: ledger account unapplied of customer C-1, account C-1, company main, in "
                      "EUR: posted -4001, receivables have -4000$")
        self.one_more("receivables.balance", "open_minor", "currency = 'JPY'",
                      "receivables: customer Müller of account Müller with company main in JPY: totals differ",
                      "all: ledger account receivable .* in JPY: posted 4200, receivables have 4201$",
                      "all: account Müller in JPY: open 4201, issued less .* written off 4200$")
        for column, has in (("open_minor", "5001, 0"), ("credited_minor", "5000, 1")):
            self.one_more("disputes.document", column, "document_id = 'I-3'",
                          "all: invoice I-3 of account Müller: open 5000, credited 0, disputes have "
                          f"{has}$")
        for column, has in (("open_minor", "5001, 0"), ("disputed_minor", "5000, 1")):
            self.one_more("reminders.item", column, "document_id = 'I-3'",
                          "all: invoice I-3 instalment 1 of account Müller: open 5000, disputed 0, "
                          f"reminders have {has}$")

    def test_reminders_are_held_where_receivables_have_something_parked(self):
        self.spoil("INSERT INTO reminders.held VALUES ('Müller', now())",
                   "DELETE FROM reminders.held",
                   "all: account Müller: 0 records parked in receivables, its reminders are held$")
        self.spoil("INSERT INTO receivables.parked (partition, parked_no, account_id, topic,"
                   " record_offset, recorded_at, state)"
                   " VALUES (0, 998, 'Müller', 'o2c.payments', 0, now(), 'parked'),"
                   "        (0, 999, 'Müller', 'o2c.payments', 1, now(), 'queued')",
                   "DELETE FROM receivables.parked",
                   "all: account Müller: 2 records parked in receivables, its reminders are not "
                   "held$")

    def test_accounts_with_something_parked_by_who_listens_are_left_out(self):
        for schema, table, column, where in (
                ("ledger", "ledger.total", "debit_minor",
                 "ledger_account = 'receivable' AND currency = 'JPY'"),
                ("disputes", "disputes.document", "open_minor", "document_id = 'I-3'"),
                ("reminders", "reminders.item", "open_minor", "document_id = 'I-3'")):
            change = f"UPDATE {table} SET {column} = {column} %s 1 WHERE {where}"
            self.pipeline.sql(change % "+")
            self.pipeline.sql(
                f"INSERT INTO {schema}.parked (partition, parked_no, account_id, topic,"
                " record_offset, recorded_at, state)"
                " VALUES (0, 999, 'Müller', 'o2c.cash', 0, now(), 'discarded')")
            try:
                self.assertEqual([line for line in self.found() if line.startswith("all: ")], [])
            finally:
                self.pipeline.sql(change % "-")
                self.pipeline.sql(f"DELETE FROM {schema}.parked WHERE parked_no = 999")


class Digest(PipelineCase):
    """Two pipelines that hear the same events in another order."""

    def digest(self):
        """[line of a partition], digest"""
        said = self.o2c("verify", "--digest").splitlines()
        self.assertRegex(said[0], "^verified: ")
        found = re.fullmatch("receivables: sha256 ([0-9a-f]{64})", said[-1])
        self.assertTrue(found, said)
        return said[1:-1], found[1]

    def publish_in_parts(self, lines):
        """Each part is applied before the next is published."""
        for begin in range(0, len(lines), 5):
            self.publish(*lines[begin:begin + 5])
            self.drain()

    def test_the_same_content_in_any_order(self):
        empty = self.digest()[1]
        lines = [*EVENTS.read_text().splitlines(keepends=True), *CANCELLED, *REVERSED]
        self.publish(*lines)
        self.drain()
        positions, digest = self.digest()
        self.assertNotEqual(digest, empty)
        self.assertEqual(self.digest(), (positions, digest))
        records = {topic: 0 for topic in ("o2c.disputes", "o2c.invoices", "o2c.payments")}
        for line in positions:
            self.assertRegex(line, r"^receivables partition \d+: o2c.disputes \d+, "
                                   r"o2c.invoices \d+, o2c.payments \d+$")
            for topic, offset in re.findall(r"(\S+) (\d+)(?:,|$)", line.split(": ")[1]):
                records[topic] += int(offset)
        self.assertEqual(records, {topic: len(self.records(topic)) for topic in records})

        first, other = self.pipeline, Pipeline(self.pipeline.stack, self.pipeline.build)
        self.addCleanup(other.remove)
        other.create()
        other.start()
        self.addCleanup(other.stop)
        other.wait_ready()
        type(self).pipeline = other
        try:
            self.publish_in_parts(lines[::-1])
            self.assertEqual(self.digest()[1], digest)
            self.publish(*lines)  # repeats
            self.drain()
            self.assertEqual(self.digest()[1], digest)
            other.sql("UPDATE receivables.document SET number = 'other' WHERE document_id = 'I-3'")
            self.assertNotEqual(self.digest()[1], digest)
        finally:
            type(self).pipeline = first


if __name__ == "__main__":
    unittest.main(verbosity=2)
