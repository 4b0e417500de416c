"""The figures of the accounts-receivable sample: from its file where it is, and from a made-up
one.  Both are folded by the oracle too, which must come to the same."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

import ar_ibm_watson  # noqa: E402
import compare  # noqa: E402
from oracle import fold  # noqa: E402
from real_data import real_data  # noqa: E402
from views import views_of  # noqa: E402

NAME = "ar_ibm_watson"

FILE = """\
countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,\
SettledDate,PaperlessBill,DaysToSettle,DaysLate
391,B,4/6/2013,0002,1/2/2013,2/1/2013,55.94,No,1/31/2013,Paper,29,0
391,B,4/6/2013,0001,1/2/2013,2/1/2013,10.05,No,2/11/2013,Paper,40,10
406,A,3/3/2012,0003,1/2/2013,2/1/2013,61.74,Yes,4/3/2013,Electronic,91,61
406,A,3/3/2012,0004,1/2/2013,2/1/2013,1.00,No,2/10/2013,Electronic,39,9
391,B,4/6/2013,0005,1/2/2013,2/1/2013,20.00,No,3/4/2013,Paper,61,31
"""


def oracle_differences(invoices):
    names = ar_ibm_watson.default_views()
    folded = fold(json.dumps(given) for given in ar_ibm_watson.all_events(invoices))
    expected = {name: ar_ibm_watson.view_of(invoices, name) for name in names}
    return list(compare.differences(expected, views_of(folded, names), {}, None))


class MadeUp(unittest.TestCase):
    def setUp(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "x_Accounts-Receivable.csv").write_text(FILE)
            self.invoices = ar_ibm_watson.read(folder)

    def test_ageing_counts_what_was_owed_on_the_day(self):
        """Invoice 2 was settled on 31 January itself; on 28 February all is 27 days late."""
        def rows(day):
            return [(row["customer_id"], row["not_due"], row["d1_30"], row["d31_60"],
                     row["total"]) for row in
                    ar_ibm_watson.view_of(self.invoices, f"ageing({day})")]

        self.assertEqual(rows("2013-01-31"), [("A", 6274, 0, 0, 6274), ("B", 3005, 0, 0, 3005)])
        self.assertEqual(rows("2013-02-28"), [("A", 0, 6174, 0, 6174), ("B", 0, 2000, 0, 2000)])
        self.assertEqual(rows("2013-03-31"), [("A", 0, 0, 6174, 6174)])

    def test_a_letter_holds_what_was_owed_and_undisputed_ten_days_after_its_due_date(self):
        rows = ar_ibm_watson.view_of(self.invoices, "reminder")
        self.assertEqual([(row["reminder_id"], row["invoice_ids"], row["total_minor"])
                          for row in rows], [("B/USD/2013-02-11", ["0001", "0005"], 3005)])

    def test_the_oracle_comes_to_the_same(self):
        self.assertEqual(oracle_differences(self.invoices), [])


@unittest.skipUnless(real_data(NAME), "without the real file")
class Real(unittest.TestCase):
    def setUp(self):
        self.invoices = ar_ibm_watson.read(real_data(NAME))

    def test_the_figures_are_the_published_ones(self):
        lines = ar_ibm_watson.summary(self.invoices).splitlines()
        self.assertEqual(lines[0], "2,466 invoices of 100 customers, 147,703.18 USD, "
                                   "561 disputed")
        self.assertTrue(lines[1].startswith("143 items reminded of in "), lines[1])

    def test_the_oracle_comes_to_the_same(self):
        self.assertEqual(oracle_differences(self.invoices), [])


if __name__ == "__main__":
    unittest.main()
