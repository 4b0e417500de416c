"""Disputes and reminders, worked out by hand from their pages in docs/rules."""

import itertools
import random
import unittest

from money_cases import (assigned, books, credit_note, debit_note, decided, invoice,
                         invoice_cancelled, payment, payment_reversed, picked, raised, tick,
                         withdrawn)
from replay import replayed


def case(*events):
    """(state, resolution) of the only case."""
    (found,) = picked(books(*events)("dispute"), "state", "resolution")
    return found


def cases(*events):
    """id -> (state, resolution)."""
    return {row["dispute_id"]: (row["state"], row["resolution"])
            for row in books(*events)("dispute")}


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

    def test_it_is_no_end_while_an_instalment_is_open(self):
        early = [raised("D1", "I1", 30), payment("P1", 60, ("I1", 60))]
        halves = [("2026-01-31", 60), ("2026-02-28", 40)]
        self.assertEqual(case(*early, invoice("I1", 100, due=halves)), ("open", None))
        self.assertEqual(disputed(*early, invoice("I1", 100, due=halves)), [30])

    def test_a_cancelled_document_ends_its_cases_as_credited(self):
        void = invoice_cancelled("I1")
        self.assertEqual(case(*self.OPEN, void), ("closed", "credit_note"))
        self.assertEqual(case(self.OPEN[0], void, self.OPEN[1]), ("closed", "credit_note"))
        paid = payment("P1", 10000, ("I1", 10000))
        self.assertEqual(case(*self.OPEN, paid, void), ("closed", "paid"))

    def test_nothing_changes_a_closed_case(self):
        self.assertEqual(case(*self.OPEN, withdrawn("D1"), decided("D1", "approved")),
                         ("withdrawn", "withdrawn"))
        rows = books(*self.OPEN, assigned("D1", "Ann"), payment("P1", 10000, ("I1", 10000)),
                     assigned("D1", "Bob"), decided("D1", "partly_approved", 5))
        self.assertEqual(picked(rows("dispute"), "state", "assignee", "amount_minor",
                                "resolution"), [("closed", "Ann", 3000, "paid")])

    def test_paid_and_withdrawn_is_withdrawn_in_any_order(self):
        events = [*self.OPEN, payment("P1", 10000, ("I1", 10000)), withdrawn("D1"),
                  payment_reversed("P1")]
        for order in itertools.permutations(events):
            self.assertEqual(case(*order), ("withdrawn", "withdrawn"), order)
        credited = [self.OPEN[0], self.OPEN[1], decided("D1", "approved"),
                    credit_note("K1", 3000, "I1"), withdrawn("D1")]
        self.assertEqual(case(*credited), ("closed", "credit_note"))

    def test_a_note_that_names_the_case_ends_it_whatever_else_is_said_in_any_order(self):
        facts = (*self.OPEN, credit_note("K1", 3000, "I1", dispute_id="D1"),
                 payment("P1", 7000, ("I1", 7000)))
        for word in (decided("D1", "rejected"), decided("D1", "partly_approved", 700),
                     withdrawn("D1")):
            for order in itertools.permutations((*facts, word)):
                rows = books(*order)
                self.assertEqual(picked(rows("dispute"), "state", "resolution", "amount_minor"),
                                 [("closed", "credit_note", 3000)], order)
        less = credit_note("K1", 2999, "I1", dispute_id="D1")
        for order in itertools.permutations((*self.OPEN, less, withdrawn("D1"))):
            self.assertEqual(case(*order), ("withdrawn", "withdrawn"), order)

    def test_an_assignment_said_again_is_no_other(self):
        rows = books(*self.OPEN, assigned("D1", "Ann"), assigned("D1", "Bob"),
                     assigned("D1", "Ann"))
        self.assertEqual(picked(rows("dispute"), "assignee"), [("Bob",)])
        rows = books(*self.OPEN, assigned("D1", "Ann", event_id="1"), assigned("D1", "Bob"),
                     assigned("D1", "Ann", event_id="2"))
        self.assertEqual(picked(rows("dispute"), "assignee"), [("Ann",)])

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
                    decided("D1", "partly_approved", 0)):
            rows = books(*self.OPEN, bad, withdrawn("D1"))
            self.assertEqual(picked(rows("dispute"), "state"), [("open",)], bad)

    def test_no_more_is_approved_than_was_disputed(self):
        too_high = decided("D1", "partly_approved", 3001)
        for events in ([*self.OPEN, too_high], [too_high, *self.OPEN]):
            self.assertEqual(picked(books(*events)("dispute"), "state", "amount_minor"),
                             [("approved", 3000)])


class OfDebitNotes(unittest.TestCase):
    def test_its_amount_is_disputed_and_its_end_is_the_end_of_the_case(self):
        events = [raised("D1", "N1", 400), debit_note("N1", 1000)]
        self.assertEqual(disputed(*events), [400])
        self.assertEqual(case(*events, payment("P1", 1000, ("N1", 1000))), ("closed", "paid"))
        self.assertEqual(case(*events, decided("D1", "approved"), credit_note("K1", 400, "N1")),
                         ("closed", "credit_note"))

    def test_of_an_invoice_and_a_debit_note_the_first_is_meant(self):
        for events, meant in (([invoice("X1", 900), debit_note("X1", 700)], "invoice"),
                              ([debit_note("X1", 700), invoice("X1", 900)], "debit_note")):
            rows = books(*events, raised("D1", "X1", 100))("invoice")
            self.assertEqual([row["kind"] for row in rows if row["disputed_minor"]], [meant])
            early = books(raised("D1", "X1", 100), *events)("invoice")
            self.assertEqual(early, rows)

    def test_a_credit_note_is_not_disputed(self):
        rows = books(credit_note("K1", 500), raised("D1", "K1", 100))
        self.assertEqual(picked(rows("waiting"), "document"), [("D1",)])


class Credited(unittest.TestCase):
    """Two approved cases of one invoice of 100, each of 50."""

    BOTH = (invoice("I1", 100), raised("D1", "I1", 50), raised("D2", "I1", 50),
            decided("D1", "approved"), decided("D2", "approved"))
    ENDED, HELD = ("closed", "credit_note"), ("approved", None)

    def test_a_credit_note_ends_one_case_while_the_invoice_is_open(self):
        events = [*self.BOTH, credit_note("K1", 50, "I1")]
        self.assertEqual(cases(*events), {"D1": self.ENDED, "D2": self.HELD})
        self.assertEqual(disputed(*events), [50, 0])
        events.append(payment("P1", 50, ("I1", 50)))
        self.assertEqual(cases(*events), {"D1": self.ENDED, "D2": ("closed", "paid")})

    def test_it_is_used_in_the_order_of_crediting(self):
        events = [*self.BOTH, credit_note("K1", 30, "I1")]
        self.assertEqual(cases(*events), {"D1": self.HELD, "D2": self.HELD})
        events.append(credit_note("K2", 30, "I1"))
        self.assertEqual(cases(*events), {"D1": self.ENDED, "D2": self.HELD})
        events.append(credit_note("K3", 40, "I1"))
        self.assertEqual(cases(*events), {"D1": self.ENDED, "D2": self.ENDED})

    def test_a_part_of_it_does_not_end_a_case_for_good(self):
        paid = [*self.BOTH, payment("P1", 70, ("I1", 70)), credit_note("K1", 30, "I1")]
        self.assertEqual(cases(*paid), {"D1": ("closed", "paid"), "D2": ("closed", "paid")})
        self.assertEqual(cases(*paid, payment_reversed("P1")), {"D1": self.HELD, "D2": self.HELD})

    def test_what_was_credited_before_the_dispute_does_not_count(self):
        before = [invoice("I1", 100), credit_note("K1", 50, "I1"), raised("D1", "I1", 20),
                  decided("D1", "approved")]
        self.assertEqual(case(*before), self.HELD)
        self.assertEqual(case(*before, credit_note("K2", 20, "I1")), self.ENDED)
        self.assertEqual(case(*before, payment("P1", 50, ("I1", 50))), ("closed", "paid"))

    def test_a_dispute_raised_before_its_document_is_ended_by_what_was_credited_since(self):
        """Only where it is raised after the credited invoice was there it was not given for it."""
        bill, note, case_of = invoice("I1", 100), credit_note("K1", 20, "I1"), raised("D1", "I1", 20)
        for order in itertools.permutations((bill, note, case_of)):
            ended = self.HELD if order[-1] is case_of else self.ENDED
            self.assertEqual(case(*order, decided("D1", "approved")), ended, order)
            self.assertEqual(case(decided("D1", "approved"), *order), ended, order)

    def test_what_was_credited_before_the_decision_counts(self):
        events = [invoice("I1", 100), raised("D1", "I1", 50), credit_note("K1", 20, "I1")]
        self.assertEqual(case(*events, decided("D1", "partly_approved", 20)), self.ENDED)
        self.assertEqual(case(*events, decided("D1", "partly_approved", 21)), self.HELD)
        self.assertEqual(case(*events, payment("P1", 80, ("I1", 80))), ("closed", "paid"))


class Reopened(unittest.TestCase):
    PAID = (invoice("I1", 100), raised("D1", "I1", 30), payment("P1", 100, ("I1", 100)))

    def test_a_bounced_payment_opens_the_case_again(self):
        events = [*self.PAID, payment_reversed("P1")]
        self.assertEqual(case(*events), ("open", None))
        self.assertEqual(disputed(*events), [30])
        late = [self.PAID[0], self.PAID[2], self.PAID[1], payment_reversed("P1")]
        self.assertEqual(case(*late), ("open", None))

    def test_it_is_what_it_was(self):
        for later, state, left in ((assigned("D1", "Ann"), "investigating", 30),
                                   (decided("D1", "partly_approved", 10), "approved", 10)):
            events = [*self.PAID[:2], later, self.PAID[2], payment_reversed("P1")]
            self.assertEqual(case(*events), (state, None))
            self.assertEqual(disputed(*events), [left])

    def test_what_was_decided_meanwhile_is_applied_and_who_looked_into_it_is_not(self):
        later = [decided("D1", "partly_approved", 10), assigned("D1", "Ann")]
        rows = books(*self.PAID, *later, payment_reversed("P1"))
        self.assertEqual(picked(rows("dispute"), "state", "assignee", "amount_minor"),
                         [("approved", None, 10)])
        rows = books(*self.PAID, later[1], payment_reversed("P1"), later[1])
        self.assertEqual(picked(rows("dispute"), "state", "assignee"), [("open", None)])
        self.assertEqual(case(*self.PAID, withdrawn("D1"), payment_reversed("P1")),
                         ("withdrawn", "withdrawn"))
        self.assertEqual(case(*self.PAID, decided("D1", "rejected"), payment_reversed("P1")),
                         ("closed", "charge_back"))

    def test_other_ends_are_for_good(self):
        paid = [payment("P1", 70, ("I1", 70)), payment_reversed("P1")]
        credited = [*self.PAID[:2], decided("D1", "approved"), credit_note("K1", 30, "I1")]
        self.assertEqual(case(*credited, *paid), ("closed", "credit_note"))
        self.assertEqual(case(*self.PAID[:2], withdrawn("D1"), *paid), ("withdrawn", "withdrawn"))

    def test_credit_that_takes_the_place_of_the_payment_ends_it(self):
        events = [*self.PAID[:2], decided("D1", "approved"), self.PAID[2],
                  credit_note("K1", 40, "I1"), payment_reversed("P1")]
        self.assertEqual(case(*events), ("closed", "credit_note"))

    def test_a_replay_opens_it_again_too(self):
        about = {"customer_id": "C1", "dispute_id": "D1", "invoice_id": "N1"}
        item = {"type": "OpenItemChanged", "customer_id": "C1", "kind": "debit_note",
                "document_id": "N1", "instalment_no": 1, "due_date": "2026-01-31",
                "amount_minor": 100, "disputed_minor": 0, "document_credited_minor": 0}
        items = [{**item, "open_minor": left, "document_open_minor": left, "state": state}
                 for left, state in ((100, "open"), (0, "paid"), (100, "open"))]
        told = [{"type": "DisputeOpened", **about, "kind": "debit_note", "amount_minor": 30},
                {"type": "DisputeClosed", **about, "amount_minor": None},
                {"type": "DisputeStateChanged", **about, "state": "open", "amount_minor": None}]
        found = replayed({0: [debit_note("N1", 100), *told]},
                         {0: [raised("D1", "N1", 30), *items]}, {})
        self.assertEqual([row[6] for row in found.dispute_rows()], ["open"])
        self.assertEqual([row[14] for row in found.invoice_rows()], [30])


def history(chance):
    """Of one invoice and one debit note: what is paid, bounces, is credited and disputed."""
    documents = [invoice("I1", 100), debit_note("N1", 60)]
    events, paid = [], 0

    def amount():
        return chance.choice((10, 20, 30, 50, 60, 100))

    for number in range(chance.randint(8, 30)):
        name, of = chance.choice(("I1", "I1", "N1")), f"D{chance.randint(1, 4)}"
        kind = chance.choice(("pay", "pay", "bounce", "credit", "raise", "raise", "decide",
                              "decide", "assign", "withdraw", "cancel"))
        if kind == "pay":
            paid += 1
            events.append(payment(f"P{paid}", 100, (name, amount())))
        elif kind == "bounce" and paid:
            events.append(payment_reversed(f"P{chance.randint(1, paid)}"))
        elif kind == "credit":
            events.append(credit_note(f"K{number}", chance.choice((10, 20, 30)), name,
                                      dispute_id=of if chance.random() < 0.3 else None))
        elif kind == "raise":
            events.append(raised(of, name, amount()))
        elif kind == "decide":
            outcome = chance.choice(("approved", "approved", "partly_approved", "rejected"))
            events.append(decided(of, outcome,
                                  amount() if outcome == "partly_approved" else None))
        elif kind == "assign":
            events.append(assigned(of, f"clerk-{number}"))
        elif kind == "withdraw" and chance.random() < 0.4:
            events.append(withdrawn(of))
        elif kind == "cancel" and chance.random() < 0.1:
            events.append(invoice_cancelled("I1"))
    for document in documents:
        events.insert(chance.randint(0, len(events) // 2), document)
    return events


class Histories(unittest.TestCase):
    def test_cases_agree_with_their_documents(self):
        seen = set()
        for seed in range(600):
            rows = books(*history(random.Random(seed)))
            of = {}
            for row in rows("dispute"):
                of.setdefault(row["invoice_id"], []).append(row)
                seen.add((row["state"], row["resolution"]))
            for document in rows("invoice"):
                with self.subTest(seed=seed, document=document["invoice_id"]):
                    self.agree(document, of.get(document["invoice_id"], []))
        self.assertEqual(seen, {(state, None) for state in ("open", "investigating", "approved")}
                         | {("withdrawn", "withdrawn")}
                         | {("closed", end) for end in ("charge_back", "credit_note", "paid")})

    def agree(self, document, own):
        left, credited = document["open_minor"], document["credited_minor"]
        active = sum(row["amount_minor"] for row in own if row["resolution"] is None)
        self.assertEqual(document["disputed_minor"], min(active, left))
        ends = {row["resolution"] for row in own}
        if left == 0:
            self.assertNotIn(None, ends)
        else:
            self.assertNotIn("paid", ends)
            self.assertLessEqual(10 * sum(row["resolution"] == "credit_note" for row in own),
                                 credited)  # each uses some, and every amount is tens

    def test_what_is_said_again_changes_no_case(self):
        for seed in range(200):
            events = history(random.Random(seed))
            again = [dict(given, event_id="again") for given in events
                     if given["type"] != "DisputeAssigned"]
            self.assertEqual(cases(*events, *again), cases(*events), f"seed {seed}")


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

    def test_a_case_that_is_open_again_holds_it(self):
        events = [invoice("I1", 5000), raised("D1", "I1", 1), payment("P1", 5000, ("I1", 5000)),
                  payment_reversed("P1"), tick("2026-02-10")]
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
