"""Receivables, with figures worked out by hand from docs/rules/receivables.md."""

import collections
import itertools
import json
import unittest

import dense
from money_cases import (balances, books, credit_note, debit_note, documents, invoice,
                         invoice_cancelled, payment, payment_reversed, payments, picked)
from oracle import fold

HALVES = [("2026-02-28", 6000), ("2026-01-31", 4000)]


class Applying(unittest.TestCase):
    def test_an_invoice_is_open_until_it_is_paid(self):
        self.assertEqual(documents(invoice("I1", 10000)), {"I1": (10000, "open", None)})
        self.assertEqual(documents(invoice("I1", 10000), payment("P1", 4000, ("I1", 4000))),
                         {"I1": (6000, "part_paid", None)})
        self.assertEqual(documents(invoice("I1", 10000), payment("P1", 10000, ("I1", 10000))),
                         {"I1": (0, "paid", "2026-01-20")})

    def test_a_payment_that_names_nothing_stays_unapplied(self):
        self.assertEqual(payments(invoice("I1", 10000), payment("P1", 10000)),
                         {"P1": (0, "unapplied")})

    def test_money_beyond_the_invoice_stays_unapplied(self):
        events = invoice("I1", 10000), payment("P1", 12000, ("I1", 12000))
        self.assertEqual(payments(*events), {"P1": (10000, "part_applied")})
        self.assertEqual(balances(*events), {"revenue": -10000, "bank": 12000,
                                             "unapplied": -2000})

    def test_a_line_waits_for_its_invoice_and_its_effective_date_is_the_later_one(self):
        events = (payment("P1", 5000, ("I1", 5000), received="2026-01-05"),
                  invoice("I1", 5000, issued="2026-01-09"))
        self.assertEqual(documents(*events), {"I1": (0, "paid", "2026-01-09")})
        self.assertEqual(picked(books(events[0])("waiting"), "kind", "document", "waits_for"),
                         [("payment", "P1", "InvoiceIssued I1")])
        self.assertEqual(books(*events)("waiting"), [])

    def test_an_invoice_may_be_named_by_its_number(self):
        line = {"number": "N-I1", "amount_minor": 5000}
        for events in itertools.permutations([payment("P1", 5000, remittance=[line]),
                                              invoice("I1", 5000)]):
            self.assertEqual(documents(*events), {"I1": (0, "paid", "2026-01-20")})

    def test_of_one_number_the_open_and_older_document_counts(self):
        line = {"number": "7", "amount_minor": 1000}
        found = documents(invoice("I1", 1000, number="7", issued="2026-01-01"),
                          invoice("I2", 1000, number="7", issued="2026-01-03"),
                          debit_note("D1", 1000, number="7", issued="2026-01-03"),
                          payment("P1", 3000, remittance=[line, line]))
        self.assertEqual({name: state for name, (_, state, _) in found.items()},
                         {"I1": "paid", "I2": "open", "D1": "paid"})

    def test_what_is_left_of_a_line_goes_to_the_next_document_of_its_number(self):
        line = {"number": "7", "amount_minor": 1000}
        self.assertEqual(documents(payment("P1", 1000, remittance=[line]),
                                   invoice("I1", 600, number="7"),
                                   invoice("I2", 600, number="7")),
                         {"I1": (0, "paid", "2026-01-20"), "I2": (200, "part_paid", None)})

    def test_instalments_are_filled_by_due_date(self):
        rows = books(invoice("I1", 10000, due=HALVES), payment("P1", 5000, ("I1", 5000)))
        self.assertEqual(picked(rows("invoice"), "open_minor", "due_date"),
                         [(5000, "2026-02-28")])

    def test_two_lines_share_what_there_is(self):
        self.assertEqual(documents(invoice("I1", 6000), invoice("I2", 6000),
                                   payment("P1", 10000, ("I1", 6000), ("I2", 6000))),
                         {"I1": (0, "paid", "2026-01-20"), "I2": (2000, "part_paid", None)})

    def test_claims_that_waited_apply_by_date_and_source(self):
        events = [payment("P1", 700, ("I1", 700), received="2026-01-07"),
                  payment("P2", 700, ("I1", 700), received="2026-01-05"),
                  credit_note("K1", 700, "I1", issued="2026-01-07"), invoice("I1", 1500)]
        rows = books(*events)
        self.assertEqual(picked(rows("payment"), "payment_id", "applied_minor"),
                         [("P1", 100), ("P2", 700)])
        self.assertEqual(picked(rows("invoice"), "invoice_id", "applied_minor",
                                "credited_minor"), [("I1", 800, 700), ("K1", 700, 0)])

    def test_currencies_never_meet(self):
        events = (invoice("I1", 10000, currency="USD"), payment("P1", 10000, ("I1", 10000)))
        self.assertEqual(payments(*events), {"P1": (0, "unapplied")})
        self.assertEqual(documents(*events)["I1"][1], "open")

    def test_an_invoice_of_nothing_is_paid_when_it_is_issued(self):
        self.assertEqual(documents(invoice("I1", 0)), {"I1": (0, "paid", "2026-01-01")})

    def test_each_line_of_one_document_is_an_application_of_its_own(self):
        rows = books(invoice("I1", 9000), invoice("I2", 50),
                     payment("P1", 9000, ("I1", 4000), ("I2", 50), ("I1", 4000)))
        self.assertEqual(picked(rows("cash_application"), "application_id", "invoice_id",
                                "applied_minor"), [("P1/1", "I1", 4000), ("P1/2", "I2", 50),
                                          ("P1/3", "I1", 4000)])

    def test_applications_are_numbered_by_arrival(self):
        rows = books(payment("P1", 9000, ("I1", 4000), ("I2", 4000)), invoice("I2", 4000),
                     invoice("I1", 4000))
        self.assertEqual(picked(rows("cash_application"), "application_id", "invoice_id"),
                         [("P1/1", "I2"), ("P1/2", "I1")])


class Discount(unittest.TestCase):
    TERMS = {"discount_minor": 200, "discount_until": "2026-01-11"}

    def test_it_is_taken_when_the_line_is_complete_and_in_time(self):
        events = (invoice("I1", 10000, **self.TERMS),
                  payment("P1", 9800, ("I1", 9800, 200), received="2026-01-11"))
        self.assertEqual(documents(*events), {"I1": (0, "paid", "2026-01-11")})
        self.assertEqual(balances(*events),
                         {"revenue": -10000, "bank": 9800, "discount": 200})

    def test_not_a_day_later(self):
        self.assertEqual(documents(invoice("I1", 10000, **self.TERMS),
                                   payment("P1", 9800, ("I1", 9800, 200),
                                           received="2026-01-12"))["I1"][0], 200)

    def test_not_more_than_the_invoice_grants(self):
        self.assertEqual(documents(invoice("I1", 10000, **self.TERMS),
                                   payment("P1", 9700, ("I1", 9700, 300),
                                           received="2026-01-05"))["I1"][0], 100)

    def test_not_twice(self):
        self.assertEqual(documents(invoice("I1", 10000, **self.TERMS),
                                   payment("P1", 5000, ("I1", 5000, 150), received="2026-01-05"),
                                   payment("P2", 4000, ("I1", 4000, 150),
                                           received="2026-01-06"))["I1"][0], 10000 - 9200)

    def test_a_reversal_takes_it_back(self):
        events = (invoice("I1", 10000, **self.TERMS),
                  payment("P1", 9800, ("I1", 9800, 200), received="2026-01-05"),
                  payment_reversed("P1"))
        self.assertEqual(documents(*events), {"I1": (10000, "open", None)})
        self.assertEqual(balances(*events), {"receivable": 10000, "revenue": -10000})


class Reversal(unittest.TestCase):
    def test_everything_is_as_before(self):
        events = (invoice("I1", 10000, due=HALVES), payment("P1", 5000, ("I1", 5000)),
                  payment_reversed("P1"))
        self.assertEqual(documents(*events), {"I1": (10000, "open", None)})
        self.assertEqual(payments(*events), {"P1": (0, "reversed")})
        self.assertEqual(balances(*events), {"receivable": 10000, "revenue": -10000})
        self.assertEqual(picked(books(*events)("invoice"), "due_date"), [("2026-01-31",)])

    def test_any_order_of_arrival_gives_the_same(self):
        events = [invoice("I1", 10000), payment("P1", 5000, ("I1", 5000)),
                  payment_reversed("P1")]
        for order in itertools.permutations(events):
            rows = books(*order)
            self.assertEqual(picked(rows("invoice"), "open_minor", "applied_minor", "state"),
                             [(10000, 0, "open")])
            self.assertEqual(picked(rows("cash_application"), "application_id",
                                    "applied_minor", "reversed"), [("P1/1", 5000, True)])
            self.assertEqual(picked(rows("ledger_balance"), "account", "debit_minor",
                                    "credit_minor"),
                             [("bank", 5000, 5000), ("receivable", 15000, 5000),
                              ("revenue", 0, 10000), ("unapplied", 10000, 10000)])

    def test_a_reversed_payment_takes_nothing_from_those_behind_it(self):
        events = [payment("P1", 500, ("I1", 500), received="2026-01-02"), payment_reversed("P1"),
                  payment("P2", 500, ("I1", 500), received="2026-01-03"), invoice("I1", 500)]
        self.assertEqual(payments(*events), {"P1": (0, "reversed"), "P2": (500, "applied")})

    def test_what_was_left_without_by_it_is_served_now(self):
        self.assertEqual(payments(invoice("I1", 5000), payment("P1", 5000, ("I1", 5000)),
                                  payment("P2", 5000, ("I1", 5000)), payment_reversed("P1")),
                         {"P1": (0, "reversed"), "P2": (5000, "applied")})

    def test_cash_of_a_reversed_payment_is_shared_as_it_was(self):
        """P1 pays 60 + 40 of two invoices of 60; the second arrives after the reversal."""
        rows = books(invoice("I1", 6000), payment("P1", 10000, ("I1", 6000), ("I2", 6000)),
                     payment_reversed("P1"), invoice("I2", 6000))
        self.assertEqual(picked(rows("cash_application"), "invoice_id", "applied_minor",
                                "reversed"), [("I1", 6000, True), ("I2", 4000, True)])
        self.assertEqual(picked(rows("invoice"), "open_minor"), [(6000,), (6000,)])


class Cancellation(unittest.TestCase):
    def test_the_invoice_is_closed_and_the_money_free_again(self):
        events = (invoice("I1", 10000), payment("P1", 4000, ("I1", 4000)),
                  credit_note("K1", 1000, "I1"), invoice_cancelled("I1", "2026-01-22"))
        self.assertEqual(documents(*events), {"I1": (0, "cancelled", "2026-01-22"),
                                              "K1": (1000, "open", None)})
        self.assertEqual(payments(*events), {"P1": (0, "unapplied")})
        self.assertEqual(balances(*events), {"receivable": -1000, "revenue": 1000,
                                             "bank": 4000, "unapplied": -4000})

    def test_it_may_come_first_and_lines_of_it_are_closed(self):
        events = (invoice_cancelled("I1", "2025-12-31"), payment("P1", 4000, ("I1", 4000)),
                  invoice("I1", 10000))
        self.assertEqual(documents(*events), {"I1": (0, "cancelled", "2026-01-01")})
        self.assertEqual(payments(*events), {"P1": (0, "unapplied")})
        self.assertEqual(balances(*events), {"bank": 4000, "unapplied": -4000})

    def test_its_day_may_be_given(self):
        self.assertEqual(documents(invoice("I1", 100), invoice_cancelled(
            "I1", cancelled_date="2026-03-01")), {"I1": (0, "cancelled", "2026-03-01")})

    def test_its_day_is_content_given_or_not(self):
        said = [invoice_cancelled("I1", "2026-01-20"),
                invoice_cancelled("I1", "2026-01-22", cancelled_date="2026-01-20"),
                invoice_cancelled("I1", "2026-01-25")]
        rows = books(invoice("I1", 100), *said)
        self.assertEqual(picked(rows("conflict_found"), "natural_key", "fields"),
                         [("cancellation/I1", ["cancelled_date"])])
        self.assertEqual(picked(rows("invoice"), "closed_date"), [("2026-01-20",)])

    def test_a_line_by_number_may_meet_another_document(self):
        line = {"number": "N-I1", "amount_minor": 4000}
        self.assertEqual(payments(
            invoice("I1", 10000), payment("P1", 4000, remittance=[line]),
            invoice_cancelled("I1"), invoice("I2", 10000, number="N-I1")),
            {"P1": (4000, "applied")})


class Notes(unittest.TestCase):
    def test_a_credit_note_settles_its_invoice_without_a_journal(self):
        events = (invoice("I1", 10000, tax=1600), credit_note("K1", 2500, "I1", tax=400))
        self.assertEqual(documents(*events), {"I1": (7500, "part_paid", None),
                                              "K1": (0, "paid", "2026-01-10")})
        self.assertEqual(balances(*events),
                         {"receivable": 7500, "revenue": -6300, "output_tax": -1200})

    def test_one_of_another_customer_of_the_account_is_posted(self):
        branch = {"customer_id": "C2", "account_id": "C1"}
        rows = books(invoice("I1", 1000, **branch), credit_note("K1", 400, "I1"))
        self.assertEqual(picked(rows("ledger_balance"), "account", "customer_id",
                                "debit_minor", "credit_minor"),
                         [("receivable", "C1", 400, 400), ("receivable", "C2", 1000, 400),
                          ("revenue", "C1", 400, 0), ("revenue", "C2", 0, 1000)])

    def test_more_credit_than_invoice_is_kept(self):
        self.assertEqual(documents(invoice("I1", 1000), credit_note("K1", 1500, "I1"))["K1"],
                         (500, "part_paid", None))

    def test_what_was_open_at_a_cut_over_stands_against_opening(self):
        events = (invoice("I1", 1000, opening=True), payment("P1", 400, opening=True),
                  credit_note("K1", 100, opening=True))
        self.assertEqual(balances(*events), {"receivable": 900, "unapplied": -400,
                                             "opening": -500})


class Refused(unittest.TestCase):
    def parked(self, bad, *others):
        rows = books(bad, *others)
        return rows("invoice") + rows("payment") == []

    def test_what_does_not_add_up_holds_up_the_account(self):
        good = invoice("I9", 1000)
        self.assertFalse(self.parked(good))
        for bad in (invoice("I1", 1000, due=[("2026-01-31", 999)]), invoice("", 1000),
                    invoice("I1", 1000, due=[]), invoice("I1", 1000, net_minor=999),
                    invoice("I1", 1000, number=""), invoice("I1", -1000),
                    invoice("I1", 10 ** 15 + 1), invoice("I1", 1, discount_minor=-1),
                    invoice("I1", 1, net_minor=10 ** 15 + 1, tax_minor=-10 ** 15),
                    payment("P1", 5, ("I1", -10 ** 15 - 1)),
                    payment("P1", 0), payment("P1", -5),
                    payment("P1", 5, remittance=[{"amount_minor": 5}])):
            self.assertTrue(self.parked(bad, good), bad)

    def test_the_largest_amount_is_not(self):
        self.assertFalse(self.parked(invoice("I1", 10 ** 15)))

    def test_a_contradiction_is_told_and_not_applied(self):
        rows = books(invoice("I1", 1000), invoice("I1", 2000), invoice("I1", 1000),
                     credit_note("I1", 300))
        self.assertEqual(picked(rows("invoice"), "kind", "gross_minor"),
                         [("credit_note", 300), ("invoice", 1000)])
        self.assertEqual(picked(rows("conflict_found"), "natural_key", "fields"),
                         [("invoice/I1", ["lines", "net_minor", "gross_minor",
                                          "instalments"])])


class Crowded(unittest.TestCase):
    def test_the_laws_hold_after_every_event(self):
        """Account.check is asserted with each; on the last day ageing is the ledger."""
        reversed_count = 0
        for seed in range(3):
            lines = [json.dumps(one) for row in dense.events(seed, 60, 16) for one in row]
            books = fold(lines).books
            ledger = collections.defaultdict(int)
            for account, customer, currency, _, _, balance in books.ledger_balance_rows():
                if account in ("receivable", "unapplied"):
                    ledger[customer, currency] += balance
            aged = {row[:2]: row[-1] for row in books.ageing_rows("2026-03-01")}
            self.assertEqual({key: total for key, total in ledger.items() if total},
                             {key: total for key, total in aged.items() if total})
            reversed_count += sum(row[-1] for row in books.cash_application_rows())
        self.assertGreater(reversed_count, 20)


class Ageing(unittest.TestCase):
    def ageing(self, as_of, *events):
        return [tuple(row.values()) for row in books(*events)(f"ageing({as_of})")]

    def test_the_edges_of_the_buckets(self):
        found = self.ageing("2026-06-01", *(
            invoice(f"I{age}", 1, due=day) for age, day in (
                (0, "2026-06-01"), (1, "2026-05-31"), (30, "2026-05-02"), (31, "2026-05-01"),
                (60, "2026-04-02"), (61, "2026-04-01"), (90, "2026-03-03"), (91, "2026-03-02"),
                (120, "2026-02-01"), (121, "2026-01-31"))))
        self.assertEqual(found, [("C1", "EUR", 1, 2, 2, 2, 2, 1, 0, 10)])

    def test_a_past_date_shows_what_was_open_then(self):
        events = (invoice("I1", 10000, issued="2026-01-01"), payment("P1", 7000, ("I1", 7000)),
                  payment_reversed("P1"), credit_note("K1", 500, "I1", issued="2026-01-10"))
        for as_of, row in (("2025-12-31", None),
                           ("2026-01-09", (10000, 0, 10000)), ("2026-01-10", (9500, 0, 9500)),
                           ("2026-01-20", (2500, 0, 2500)), ("2026-01-25", (9500, 0, 9500))):
            found = [(one[2], one[8], one[9]) for one in self.ageing(as_of, *events)]
            self.assertEqual(found, [row] if row else [], as_of)

    def test_an_item_below_zero_counts_as_unapplied(self):
        """P1 paid it, was reversed on the 25th, and P2, received on the 21st, took its place."""
        events = (invoice("I1", 5000), payment("P1", 5000, ("I1", 5000)),
                  payment("P2", 5000, ("I1", 5000), received="2026-01-21"),
                  payment_reversed("P1"))
        self.assertEqual(self.ageing("2026-01-22", *events),
                         [("C1", "EUR", 0, 0, 0, 0, 0, 0, 5000, -5000)])
        self.assertEqual(self.ageing("2026-01-25", *events), [])

    def test_cash_below_zero_counts_as_not_due(self):
        """Given back on the 30th, and used on the 20th once more: two invoices, one payment."""
        line = {"number": "7", "amount_minor": 5000}
        events = (invoice("I1", 5000, number="7"), payment("P1", 5000, remittance=[line]),
                  invoice_cancelled("I1", cancelled_date="2026-01-30"),
                  invoice("I2", 5000, number="7", issued="2026-01-12"))
        self.assertEqual(self.ageing("2026-01-25", *events),
                         [("C1", "EUR", 5000, 0, 0, 0, 0, 0, 0, 5000)])
        self.assertEqual(self.ageing("2026-01-30", *events), [])

    def test_cash_counts_from_its_own_date_although_it_waits(self):
        events = (payment("P1", 5000, ("I1", 5000), received="2026-01-05"),
                  invoice("I1", 5000, issued="2026-01-09"))
        self.assertEqual(self.ageing("2026-01-07", *events),
                         [("C1", "EUR", 0, 0, 0, 0, 0, 0, 5000, -5000)])
        self.assertEqual(self.ageing("2026-01-09", *events), [])


class Statement(unittest.TestCase):
    def test_the_balance_runs_along(self):
        rows = books(invoice("I1", 10000, issued="2025-12-15", discount_minor=200,
                             discount_until="2026-01-31"),
                     payment("P1", 9800, ("I1", 9800, 200)),
                     credit_note("K1", 1000, issued="2026-01-22"),
                     invoice("I2", 1000, issued="2026-01-21"),
                     payment_reversed("P1", "2026-02-03")
                     )("customer_statement(C1,2026-01-01,2026-01-31)")
        self.assertEqual(picked(rows, "date", "kind", "debit_minor", "credit_minor",
                                "balance_minor"), [
            ("2026-01-01", "opening", None, None, 10000),
            ("2026-01-20", "discount", None, 200, 9800),
            ("2026-01-20", "payment", None, 9800, 0),
            ("2026-01-21", "invoice", 1000, None, 1000),
            ("2026-01-22", "credit_note", None, 1000, 0),
            ("2026-01-31", "closing", None, None, 0)])


if __name__ == "__main__":
    unittest.main()
