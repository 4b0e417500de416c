"""The Classic Models figures, from the CSV files where they are and from a made-up one."""

import copy
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

import classicmodels  # noqa: E402
from real_data import real_data  # noqa: E402

NAME = "o2c_classicmodels"

FILES = {
    "customers.csv": "customerNumber,customerName\n1,Ann\n2,Bob\n",
    "orders.csv": "orderNumber,orderDate,requiredDate,shippedDate,status,comments,customerNumber\n"
                  "11,2003-01-09,2003-01-18,2003-01-11,Shipped,,1\n"
                  "12,2003-01-10,2003-01-18,,Cancelled,\"called, twice\",2\n"
                  "13,2003-01-11,2003-01-18,2003-01-12,Cancelled,too late,2\n"
                  "14,2003-01-12,2003-01-18,,On Hold,,2\n",
    "orderdetails.csv": "orderNumber,productCode,quantityOrdered,priceEach,orderLineNumber\n"
                        "11,S18,25,108.06,2\n11,S24,2,0.50,1\n12,S18,1,1.00,1\n"
                        "13,S18,1,2.00,1\n14,S18,3,4.10,1\n",
    "payments.csv": "customerNumber,checkNumber,paymentDate,amount\n"
                    "1,HQ1,2003-02-01,100.50\n2,HQ2,2003-02-02,1\n1,HQ3,2003-02-03,.05\n",
}


def views_of(folder):
    return classicmodels.views_of(classicmodels.read_orders(folder),
                                  classicmodels.read(folder, "payments.csv"))


class MadeUp(unittest.TestCase):
    def setUp(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in FILES.items():
                Path(folder, name).write_text(text)
            self.views = views_of(folder)

    def test_states_follow_the_shipped_date_and_the_status(self):
        self.assertEqual([(row["order_id"], row["revision"], row["state"],
                           row["shipment_state"], row["invoice_state"])
                          for row in self.views["order_status"]],
                         [("11", 1, "processing", "shipped", "pending"),
                          ("12", 2, "cancelled", "none", "none"),
                          ("13", 2, "processing", "shipped", "pending"),
                          ("14", 1, "received", "waiting", "pending")])

    def test_lines_stand_by_their_number_in_thousandths_and_millionths(self):
        self.assertEqual(self.views["order_line"][0], {
            "order_id": "11", "line_no": 1, "sku": "S24", "ordered_milli": 2000,
            "shipped_milli": 2000, "returned_milli": 0, "cancelled_milli": 0,
            "invoiced_milli": 0, "unit_price_micro": 500000})
        self.assertEqual(self.views["order_status"][0]["net_minor"], 270250)

    def test_an_equal_output_passes_and_a_wrong_one_is_told_by_customer(self):
        other = copy.deepcopy(self.views)
        self.assertEqual(list(classicmodels.check(self.views, other)), [])
        other["order_status"][3]["net_minor"] += 1
        other["order_line"][4]["unit_price_micro"] += 1
        self.assertEqual(list(classicmodels.check(self.views, other)), [
            "in total: net 2,717.81, expected 2,717.80",
            "customer 2: net 15.31, expected 15.30",
            "order 14 line 1: unit_price_micro differ"])

    def test_a_wrong_date_and_a_missing_shipment_are_told_by_order(self):
        other = copy.deepcopy(self.views)
        other["order_status"][0]["placed_at"] = "2003-01-08T23:00:00Z"
        del other["shipment"][1]
        self.assertEqual(list(classicmodels.check(self.views, other)), [
            "order 11: placed 2003-01-08, expected 2003-01-09",
            "order 13: shipments [], expected [('2', 'dispatched', '2003-01-12')]"])

    def test_a_payment_that_was_applied_and_a_wrong_balance_are_told(self):
        self.assertEqual([(row["account"], row["customer_id"], row["balance_minor"])
                          for row in self.views["ledger_balance"]],
                         [("bank", "1", 10055), ("bank", "2", 100),
                          ("unapplied", "1", -10055), ("unapplied", "2", -100)])
        other = copy.deepcopy(self.views)
        other["payment"][1]["state"] = "applied"
        other["ledger_balance"][0]["balance_minor"] = 1
        self.assertEqual(list(classicmodels.check(self.views, other)), [
            'payment: payment_id="HQ2" customer_id="2": state is "applied", expected '
            '"unapplied"',
            'ledger_balance: account="bank" customer_id="1": balance_minor is 1, expected '
            '10055'])


@unittest.skipUnless(real_data(NAME), "without the real file")
class Real(unittest.TestCase):
    def test_the_figures_are_the_published_ones(self):
        views = views_of(real_data(NAME))
        summaries = classicmodels.by_customer(views)
        self.assertEqual(summaries[None], {
            "orders": 210, "lines": 1992, "net": "6,408,585.63",
            "states": {"cancelled": 2, "processing": 202, "received": 6},
            "shipment_states": {"none": 2, "shipped": 202, "waiting": 6}})
        self.assertEqual(len(summaries) - 1, 66)
        self.assertEqual(sum(row["amount_minor"] for row in views["payment"]), 600659356)


if __name__ == "__main__":
    unittest.main()
