"""o2c import check: a published file against its records and the views, on a real pipeline; each
kind of difference is shown to be found.
"""

import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from confluent_kafka import TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient  # noqa: E402
from import_events import (credit_note, customer, debit_note, dispute, invoice,  # noqa: E402
                           items_map, lines, partly_approved, payment)
from local_stack import ROOT  # noqa: E402
from pipeline_case import PATIENCE_S, PipelineCase, dispatch, order  # noqa: E402
from real_data import real_data  # noqa: E402
from topic_records import headers_of  # noqa: E402

AGREE = "the file, the topics and the views agree"


def amended(order_id, customer_id, quantity_milli):
    event = json.loads(order(order_id, customer_id, quantity_milli, revision=2))
    return {**event, "type": "OrderAmended"}


class Import(PipelineCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="import-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, text, name="events.ndjson"):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def load(self, run, *events, also=()):
        """Published as this run and gone through; the file."""
        path = self.file(lines(*events))
        self.o2c("publish", "--run", run, path, *also, cwd=self.folder)
        self.drain()
        return path

    def check(self, run, path, *words, status=0):
        return self.o2c("import", "check", run, "--input", path, *words, status=status,
                        cwd=self.folder)

    def differences(self, run, path, *words):
        said = self.check(run, path, *words, status=1)
        found = [line.removeprefix("different: ") for line in said.splitlines()
                 if line.startswith("different: ")]
        count = "1 difference" if len(found) == 1 else f"{len(found)} differences"
        self.assertIn(f"o2c import: run {run}: {count}\n", said)
        return found

    def everything(self, of):
        """Something of each type that reaches a view, and some that reach none."""
        return [customer(of), *map(json.loads, (order(f"{of}-O", of), order(f"{of}-Q", of))),
                amended(f"{of}-Q", of, 2500), json.loads(dispatch(f"{of}-S", f"{of}-O", of)),
                invoice(f"{of}-I", of, 10_000), debit_note(f"{of}-D", of, 300),
                credit_note(f"{of}-C", of, 200), payment(f"{of}-P", of, 4_000),
                dispute(f"{of}-X", f"{of}-I", of, 1_000), partly_approved(f"{of}-X", of, 300)]

    def test_what_was_loaded_agrees(self):
        events = self.everything("ALL")
        path = self.load("all", *events)
        said = self.check("all", path, "--samples", "20", "--seed", "7")
        self.assertIn(AGREE, said)
        self.assertIn("control totals: all.totals.json compared", said)
        self.assertRegex(said, r"\nInvoiceIssued +1 +1  o2c.invoice\n")
        self.assertRegex(said, r"\nOrderPlaced +2 +2  o2c.order_status\n")
        self.assertRegex(said, r"\nCustomerRegistered +1 +1  no view\n")
        self.assertEqual(said.count("\nsample "), len(events))
        self.assertRegex(said, r"sample \d+: InvoiceIssued ALL-I of account ALL\n"
                               r'  source  6: \{"type": "InvoiceIssued".*\n'
                               r"  topic   o2c.invoices/\d/\d+: amount_minor 10000 EUR\n"
                               r'  state   \{"invoice_id":"ALL-I".*"gross_minor":10000')
        few = [self.check("all", path, "--samples", "3", "--seed", seed) for seed in "778"]
        self.assertEqual(few[0], few[1])
        self.assertNotEqual(few[0], few[2])

    def test_records_carry_run_and_line(self):
        self.load("headers", invoice("H-1", "HEAD", 5), invoice("H-2", "HEAD", 6))
        found = [headers_of(record) for record in self.records("o2c.invoices")]
        mine = [(one["o2c_run"], one["o2c_line"]) for one in found if one["ce_subject"] == "HEAD"]
        self.assertEqual(mine, [("headers", "1"), ("headers", "2")])
        kept = json.loads((self.folder / "headers.totals.json").read_text())
        self.assertEqual(kept["totals"], {"InvoiceIssued": {"HEAD": {"EUR": {
            "count": 2, "amount_minor": 11}}}})
        self.assertEqual((kept["published"], kept["refused"], kept["exit_status"]), (2, 0, 0))

    def test_without_an_id_one_is_made_and_told(self):
        path = self.file(lines(invoice("N-1", "NAMELESS", 5)))
        done = self.pipeline.o2c("publish", path)
        run = done.stderr.rstrip().rpartition("\nrun ")[2]
        self.assertRegex(run, r"^[0-9a-f-]{36}$")
        self.drain()
        said = self.check(run, path)
        self.assertIn(f"control totals: {run}.totals.json is not there; not compared", said)

    def test_a_line_that_is_gone_since_is_not_shown_as_another(self):
        """What is read from a pipe is not there a second time."""
        path = self.load("shorter", invoice("L-1", "SHORTER", 5))
        said = self.o2c("import", "check", "shorter", "--input", "/dev/stdin",
                        input=Path(path).read_text(), cwd=self.folder)
        self.assertIn("  source  1: (has no such line any more)\n", said)

    def test_repeats_are_no_difference(self):
        events = self.everything("TWICE")
        self.load("twice", *events, events[5])
        path = self.load("twice", *events, events[5])
        self.assertIn(AGREE, self.check("twice", path))

    def test_csv_names_file_and_row(self):
        (self.folder / "map.json").write_text(json.dumps(items_map()))
        self.file("kind,customer,id,date,amount\ninvoice,CSV,CSV-1,2026-01-05,12.50\n"
                  "payment,CSV,CSV-P,2026-01-04,2.50\n", "items.csv")
        words = ("--map", "map.json", ".")
        self.o2c("publish", "--run", "csv", "--strict", *words, cwd=self.folder)
        self.drain()
        said = self.check("csv", ".", "--map", "map.json")
        self.assertIn("  source  items.csv:2: invoice,CSV,CSV-1,2026-01-05,12.50\n", said)
        self.assertEqual({headers_of(record)["o2c_line"] for record in self.records("o2c.payments")
                          if record.key() == b"CSV"}, {"items.csv:3"})

    def test_a_spoiled_state_is_found(self):
        of = "SPOILT"
        path = self.load("spoilt", *self.everything(of))
        spoils = {
            "receivables.document SET gross_minor = gross_minor + 1 WHERE kind = 'invoice'":
                r"InvoiceIssued SPOILT-I of account SPOILT: amount_minor 10000 EUR in the topic"
                r" \(o2c.invoices/\d/\d+\), amount_minor 10001 EUR in o2c.invoice$",
            "receivables.document SET currency = 'USD' WHERE kind = 'credit_note'":
                r"CreditNoteIssued SPOILT-C .* amount_minor 200 USD in o2c.invoice$",
            "receivables.payment SET amount_minor = 1 WHERE true":
                r"PaymentReceived SPOILT-P .* amount_minor 1 EUR in o2c.payment$",
            "receivables.payment SET received = false WHERE true":
                r"PaymentReceived SPOILT-P of account SPOILT, amount_minor 4000 EUR,"
                r" o2c.payments/\d/\d+: in the topic, not in o2c.payment$",
            "disputes.dispute SET raised_minor = 7 WHERE true":
                r"DisputeRaised SPOILT-X .* amount_minor 7  in o2c.dispute$",
            "orders.sales_order SET net_minor = NULL WHERE order_id = 'SPOILT-O'":
                r"OrderPlaced SPOILT-O .* no amount EUR in o2c.order_status$",
            "orders.sales_order SET revision = 1 WHERE order_id = 'SPOILT-Q'":
                r"OrderAmended SPOILT-Q .* revision 2, o2c.orders/\d/\d+: o2c.order_status has"
                r" revision 1$",
        }
        for change, expected in spoils.items():
            with self.subTest(change):
                table = change.split()[0]
                mine = f"account_id = '{of}'"
                self.pipeline.sql(f"CREATE TABLE kept AS SELECT * FROM {table} WHERE {mine};"
                                  f"UPDATE {change} AND {mine}")
                try:
                    found = self.differences("spoilt", path)
                    self.assertRegex("\n".join(found), "(?m)" + expected)
                    self.assertLessEqual(len(found), 2, found)
                finally:
                    column = change.split()[2]
                    key = {"receivables.document": "(kind, document_id)",
                           "receivables.payment": "(payment_id)",
                           "disputes.dispute": "(dispute_id)",
                           "orders.sales_order": "(order_id)"}[table]
                    names = key.strip("()").split(", ")
                    same = " AND ".join(f"t.{name} = k.{name}" for name in names)
                    self.pipeline.sql(f"UPDATE {table} t SET {column} = k.{column} FROM kept k"
                                      f" WHERE t.{mine} AND {same}; DROP TABLE kept")
        self.assertIn(AGREE, self.check("spoilt", path))

    def test_what_only_one_side_has_is_found(self):
        self.load("partly", invoice("L-1", "LACK", 100), invoice("L-2", "LACK", 200),
                  payment("L-P", "LACK", 30))
        path = self.file(lines(invoice("L-1", "LACK", 100), invoice("L-2", "LACK", 250),
                               invoice("L-3", "LACK", 300)))
        found = self.differences("partly", path)
        self.assertRegex(
            "\n".join(found),
            r"InvoiceIssued of customer LACK in EUR: the file has 3 of amount_minor 650, the run's"
            r" control totals 2 of amount_minor 300\n"
            r"PaymentReceived of customer LACK in EUR: the file has none, the run's control totals"
            r" 1 of amount_minor 30\n"
            r"InvoiceIssued L-2 of account LACK: amount_minor 250 EUR in line 2 of the file,"
            r" amount_minor 200 EUR in the topic \(o2c.invoices/\d/\d+\)\n"
            r"InvoiceIssued L-3 of account LACK, amount_minor 300 EUR, line 3: in the file, not in"
            r" the topic\n"
            r"PaymentReceived L-P of account LACK, amount_minor 30 EUR, o2c.payments/\d/\d+: in"
            r" the topic, not in the file$")
        self.assertEqual(len(found), 5)

    def test_a_run_that_no_record_carries_is_said_once(self):
        path = self.file(lines(invoice("NO-1", "NOBODY", 1), invoice("NO-2", "NOBODY", 2)))
        self.assertEqual(self.differences("nobody", path), ["no record carries the run nobody"])

    def test_what_was_refused_is_a_difference(self):
        path = self.file(lines(invoice("R-1", "REF", 100)) + '{"type": "InvoiceIssued"}\n')
        self.o2c("publish", "--run", "refused", path, status=1, cwd=self.folder)
        self.drain()
        found = self.differences("refused", path)
        self.assertEqual(len(found), 1)
        self.assertRegex(found[0], r"1 events of .*events.ndjson are refused, see above")

    def test_a_path_that_is_no_text_is_kept_as_far_as_it_is(self):
        path = self.file(lines(invoice("ODD-1", "ODD", 100)), os.fsdecode(b"caf\xe9 \xc3\xa9.ndjson"))
        self.o2c("publish", "--run", "odd", path, cwd=self.folder)
        kept = json.loads((self.folder / "odd.totals.json").read_text())
        self.assertEqual(kept["input"], f"{self.folder}/caf\ufffd \u00e9.ndjson")
        self.drain()
        self.assertIn(AGREE, self.check("odd", path))

    def test_totals_that_cannot_be_kept_are_a_failure(self):
        path = self.file(lines(invoice("K-1", "KEPT", 1)))
        said = self.o2c("publish", "--totals", "/nowhere/t.json", path, status=1)
        self.assertIn("/nowhere/t.json cannot be written: No such file or directory", said)

    def test_usage(self):
        path = self.file(lines(invoice("U-1", "USE", 1)))
        for words, said in (
                (("import", "prove", "r", "--input", path), '"prove" is no action'),
                (("import", "check", "../r", "--input", path), '"../r" is no id of a run'),
                (("import", "check", "r"), "--input FILE is missing"),
                (("import", "check", "r", "--input", path + "x"), "No such file or directory"),
                (("import", "check", "r", "--input", path, "--totals", path), "totals"),
                (("publish", "--run", "a b", path), 'run: "a b" is no id')):
            self.assertIn(said, self.o2c(*words, status=2))
        self.assertIn("o2c import: ", self.o2c("import", "check", "r", "--input", path,
                                               "--pg-dsn", "host=/nowhere", status=3))

    def test_the_real_file(self):
        data = real_data("ar_ibm_watson")
        if data is None:
            self.skipTest("without the real file")
        words = ("--map", str(ROOT / "docs/maps/ar_ibm_watson.json"))
        self.o2c("publish", "--run", "real", *words, str(data), cwd=self.folder)
        self.o2c("drain", "--timeout-s", "240")
        said = self.check("real", str(data), *words)
        self.assertRegex(said, r"\nInvoiceIssued +2466 +2466  o2c.invoice\n")
        self.assertRegex(said, r"\nDisputeRaised +561 +561  o2c.dispute\n")
        self.assertRegex(said, r"\nPaymentReceived +2466 +2466  o2c.payment\n")
        self.assertIn(AGREE, said)

    def test_z_a_record_that_is_gone_is_found(self):
        """Last: a record cannot be put back, and those before it go with it."""
        path = self.load("gone", payment("G-P", "GONE", 77), invoice("G-I", "GONE", 100))
        record, = [one for one in self.records("o2c.payments")
                   if headers_of(one).get("o2c_run") == "gone"]
        behind = TopicPartition(record.topic(), record.partition(), record.offset() + 1)
        admin = AdminClient({"bootstrap.servers": self.pipeline.environment["O2C_KAFKA"]})
        admin.delete_records([behind])[behind].result(PATIENCE_S)
        self.assertEqual(self.differences("gone", path), [
            "PaymentReceived G-P of account GONE, amount_minor 77 EUR, line 1: in the file, not in"
            " the topic"])


if __name__ == "__main__":
    unittest.main()
