"""Disputes and reminders, worked out by hand from their pages in docs/rules."""

import itertools
import unittest

from money_cases import (assigned, books, credit_note, decided, invoice, payment,
                         payment_reversed, picked, raised, tick, withdrawn)


def case(*events):
    """(state, resolution) of the only case."""
    (found,) = picked(books(*events)("dispute"), "state", "resolution")
    return found


def disputed(*events):
    return [row["disputed_minor"] for row in books(*events)("invoice")]


class Cases(unittest.TestCase):
    OPEN = (invoice("I1", 10000), raised("D1", "I1", 3000))

    def test_a_case_opens_and_its_amount_is_disputed(self):
        self.assertEqual(case(*self.OPEN), ("open", None))
        self.assertEqual(disputed(*self.OPEN), [3000])

    def test_it_waits_for_its_invoice(self):
        rows = books(raised("D1", "I1", 3000))
        self.assertEqual(rows("dispute"), [])
        self.assertEqual(picked(rows("waiting"), "kind", "document"), [("dispute", "D1")])
        self.assertEqual(disputed(*reversed(self.OPEN)), [3000])

    def test_no_more_is_disputed_than_is_open(self):
        self.assertEqual(disputed(*self.OPEN, payment("P1", 8000, ("I1", 8000)),
                                  raised("D2", "I1", 500)), [2000])

    def test_who_looks_into_it_is_shown(self):
        rows = books(*self.OPEN, assigned("D1", "Ann"), assigned("D1", "Bob"))
        self.assertEqual(picked(rows("dispute"), "state", "assignee"),
                         [("investigating", "Bob")])

    def test_decisions(self):
        for decision, found, left in (
                (decided("D1", "approved"), ("approved", None), 3000),
                (decided("D1", "partly_approved", 1000), ("approved", None), 1000),
                (decided("D1", "rejected"), ("closed", "charge_back"), 0),
                (withdrawn("D1"), ("withdrawn", "withdrawn"), 0)):
            self.assertEqual(case(*self.OPEN, decision), found)
            self.assertEqual(disputed(*self.OPEN, decision), [left])

    def test_the_end_of_the_invoice_is_the_end_of_the_case(self):
        self.assertEqual(case(*self.OPEN, payment("P1", 10000, ("I1", 10000))),
                         ("closed", "paid"))
        self.assertEqual(case(*self.OPEN, decided("D1", "approved"),
                              credit_note("K1", 10000, "I1")), ("closed", "credit_note"))
        self.assertEqual(case(invoice("I1", 0), raised("D1", "I1", 5)), ("closed", "paid"))

    def test_nothing_changes_a_closed_case(self):
        self.assertEqual(case(*self.OPEN, withdrawn("D1"), decided("D1", "approved")),
                         ("withdrawn", "withdrawn"))

    def test_any_order_of_arrival_gives_the_same(self):
        events = [*self.OPEN, assigned("D1", "Ann"), decided("D1", "partly_approved", 700)]
        for order in itertools.permutations(events):
            rows = books(*order)
            self.assertEqual(picked(rows("dispute"), "state", "assignee", "amount_minor"),
                             [("approved", "Ann", 700)])
            self.assertEqual(picked(rows("invoice"), "disputed_minor"), [(700,)])

    def test_contradictions_are_told(self):
        rows = books(*self.OPEN, raised("D1", "I1", 4000), decided("D1", "rejected"),
                     decided("D1", "approved"), withdrawn("D1"), withdrawn("D1"))
        self.assertEqual(picked(rows("conflict_found"), "event_type", "fields"),
                         [("DisputeDecided", ["outcome"]),
                          ("DisputeRaised", ["amount_minor"])])

    def test_what_cannot_be_holds_up_the_account(self):
        for bad in (raised("D0", "I1", 0), decided("D1", "partly_approved"),
                    decided("D1", "partly_approved", 3001)):
            rows = books(*self.OPEN, bad, withdrawn("D1"))
            self.assertEqual(picked(rows("dispute"), "state"), [("open",)], bad)


class Reminding(unittest.TestCase):
    """The invoice of 1 January is due on the 31st; ten days later is 10 February."""

    def reminders(self, *events, **settings):
        return picked(books(*events, **settings)("reminder"), "reminder_id", "total_minor",
                      "invoice_ids", "state")

    FIRST = [("C1/EUR/2026-02-10", 5000, ["I1"], "issued")]

    def test_the_day_decides(self):
        self.assertEqual(self.reminders(invoice("I1", 5000), tick("2026-02-09")), [])
        self.assertEqual(self.reminders(invoice("I1", 5000), tick("2026-02-10")), self.FIRST)
        self.assertEqual(self.reminders(invoice("I1", 5000), tick("2026-02-10"),
                                        days_overdue=11), [])

    def test_an_item_is_named_once(self):
        self.assertEqual(self.reminders(invoice("I1", 5000), *map(tick, (
            "2026-02-10", "2026-02-11", "2026-02-10", "2026-03-10"))), self.FIRST)

    def test_one_letter_holds_all_of_a_customer_and_currency(self):
        self.assertEqual(self.reminders(
            invoice("I1", 5000), invoice("I2", 700, due="2026-01-30"),
            invoice("I3", 9, currency="USD"), invoice("I4", 1, customer_id="C2"),
            invoice("I5", 1, due="2026-02-01"), tick("2026-02-10")), [
                ("C1/EUR/2026-02-10", 5700, ["I2", "I1"], "issued"),
                ("C1/USD/2026-02-10", 9, ["I3"], "issued"),
                ("C2/EUR/2026-02-10", 1, ["I4"], "issued")])

    def test_what_is_disputed_waits_for_the_next_tick_after(self):
        events = [invoice("I1", 5000), raised("D1", "I1", 1), tick("2026-02-10")]
        self.assertEqual(self.reminders(*events), [])
        self.assertEqual(self.reminders(*events, withdrawn("D1"), tick("2026-02-11")),
                         [("C1/EUR/2026-02-11", 5000, ["I1"], "issued")])

    def test_it_is_cancelled_for_good_when_nothing_is_due_any_more(self):
        events = [invoice("I1", 5000), invoice("I2", 100), tick("2026-02-10"),
                  payment("P1", 5000, ("I1", 5000))]
        self.assertEqual(self.reminders(*events)[0][3], "issued")
        events += [payment("P2", 100, ("I2", 100)), payment_reversed("P2"),
                   tick("2026-02-11")]
        self.assertEqual(self.reminders(*events),
                         [("C1/EUR/2026-02-10", 5100, ["I1", "I2"], "cancelled")])

    def test_nothing_is_sent_before_the_go_live_date(self):
        events = [invoice("I1", 5000), tick("2026-02-10"), tick("2026-02-12"),
                  tick("2026-02-13")]
        self.assertEqual(self.reminders(*events, go_live="2026-02-12"),
                         [("C1/EUR/2026-02-12", 5000, ["I1"], "issued")])

    def test_an_account_with_something_parked_waits(self):
        events = [invoice("I1", 5000), invoice("I2", 1, customer_id="C2"),
                  payment("P1", 0, ("I1", 0)), tick("2026-02-09")]
        waiting = picked(books(*events)("waiting"), "kind", "document", "waits_for")
        self.assertEqual(waiting, [])  # nothing is due yet
        events += [tick("2026-02-10"), tick("2026-02-11")]
        self.assertEqual(self.reminders(*events), [("C2/EUR/2026-02-10", 1, ["I2"], "issued")])
        waiting = picked(books(*events)("waiting"), "kind", "document", "waits_for")
        self.assertEqual(waiting, [("reminder", "C1/EUR", "what is parked in receivables")])

    def test_who_is_not_to_be_reminded_is_not(self):
        for fields, count in (({"remind": False}, 0), ({"opening": True}, 0),
                              ({"opening": True, "remind": True}, 1)):
            self.assertEqual(len(self.reminders(invoice("I1", 5000, **fields),
                                                tick("2026-02-10"))), count, fields)


if __name__ == "__main__":
    unittest.main()
