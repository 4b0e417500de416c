"""Properties that the rules promise, on random histories."""

import random
import unittest

from cases import (amended, cancelled, delivered, dispatched, invoiced, line, placed, returned,
                   views, void)

HISTORIES = 150
ARRIVALS = 4


def some_lines(chance):
    numbers = chance.sample(range(1, 5), chance.randint(1, 4))
    return [line(number, chance.choice((0, 500, 1000, 2500)),
                 chance.choice(("10", "0.333333", "19.995", None)), chance.choice("AB"))
            for number in numbers]


def some_quantities(chance, *further):
    return [(chance.randint(1, 5), chance.choice((1, 500, 1000, 3000)), *more)
            for more in ([choice() for choice in further] for _ in range(chance.randint(1, 3)))]


def order_events(chance, **ids):
    """Revisions 1..n of one order, each one event."""
    made = [placed(*some_lines(chance), **ids)] if chance.random() < 0.9 else []
    for revision in range(2, chance.randint(2, 6)):
        if chance.random() < 0.5:
            made.append(amended(revision, *some_lines(chance), **ids))
        else:
            made.append(cancelled(revision, *chance.sample(range(1, 5), chance.randint(0, 2)),
                                  **ids))
    return made


def shipment_events(chance, shipment_id, orders, customer_id):
    def ids():
        return {"customer_id": customer_id, "order_id": chance.choice(orders)}

    if chance.random() < 0.85:
        lines = some_quantities(chance, lambda: chance.choice("AB"))
        yield dispatched(shipment_id, *lines, **ids())
    if chance.random() < 0.6:
        refused = chance.sample(range(1, 6), chance.randint(0, 2))
        yield delivered(shipment_id, refused_lines=refused, **ids())
    for number in range(chance.choice((0, 0, 1, 2))):
        yield returned(f"R-{shipment_id}-{number}", shipment_id, *some_quantities(chance),
                       **ids())


def invoice_events(chance, invoice_id, orders, customer_id):
    if chance.random() < 0.9:
        by_lines = [(chance.randint(1, 5), chance.choice((-500, 0, 500, 1000, 3000)))
                    for _ in range(chance.randint(0, 3))]
        yield invoiced(invoice_id, chance.choice((0, 333, 1000, 5000)), *by_lines,
                       order_id=chance.choice([*orders, None]), customer_id=customer_id,
                       currency=chance.choice(("EUR", "EUR", "USD")))
    if chance.random() < 0.2:
        yield void(invoice_id, customer_id=customer_id)


def history(chance):
    """Events without conflicts of two accounts, three orders and four shipments and invoices
    each."""
    made = []
    for customer_id in ("C1", "C2"):
        orders = ["O1", "O2", "O3"]
        for order_id in orders:
            made += order_events(chance, order_id=order_id, customer_id=customer_id)
        for number in range(4):
            made += shipment_events(chance, f"S{number}", orders, customer_id)
            made += invoice_events(chance, f"I{number}", orders, customer_id)
    return made


def state(events):
    """Everything but since when something waits, which is the order of arrival itself."""
    shown = views(*events)
    for row in shown["waiting"]:
        del row["since"]
    return shown


class Permutations(unittest.TestCase):
    def test_any_order_of_arrival_gives_the_same_state(self):
        for seed in range(HISTORIES):
            chance = random.Random(seed)
            events = history(chance)
            expected = state(events)
            self.assertEqual(expected["conflict_found"], [])
            for _ in range(ARRIVALS):
                chance.shuffle(events)
                self.assertEqual(state(events), expected, f"seed {seed}")

    def test_repeats_change_nothing(self):
        for seed in range(HISTORIES):
            chance = random.Random(seed)
            events = history(chance)
            repeats = [dict(event, event_id="again") for event in events]
            mixed = events + repeats
            chance.shuffle(mixed)
            self.assertEqual(state(mixed), state(events), f"seed {seed}")

    def test_accounts_do_not_touch_each_other(self):
        for seed in range(HISTORIES):
            events = history(random.Random(seed))
            one, other = ([event for event in events if event["customer_id"] == name]
                          for name in ("C1", "C2"))
            whole = state(events)
            for view, rows in whole.items():
                parts = state(one)[view] + state(other)[view]
                self.assertCountEqual(map(repr, parts), map(repr, rows), f"seed {seed}")

    def test_a_conflict_leaves_the_state_of_the_first_arrivals(self):
        for seed in range(HISTORIES):
            chance = random.Random(seed)
            events = history(chance)
            wrong = [dict(event, account_id=event["customer_id"]) for event in events]
            shown = state(events + wrong)
            self.assertEqual(len(shown["conflict_found"]), len(events))
            shown["conflict_found"] = []
            self.assertEqual(shown, state(events), f"seed {seed}")

    def test_the_histories_reach_every_state(self):
        seen = set()
        for seed in range(HISTORIES):
            shown = views(*history(random.Random(seed)))
            seen.update(row["state"] for row in shown["order_status"] + shown["shipment"])
            seen.update(row["shipment_state"] for row in shown["order_status"])
            seen.update(row["invoice_state"] for row in shown["order_status"])
            seen.update(row["waits_for"] for row in shown["waiting"])
        self.assertEqual(seen, {
            "received", "processing", "cancelled", "none", "waiting", "part_shipped", "shipped",
            "exception", "waiting_order", "dispatched", "delivered", "part_returned", "returned",
            "pending", "part_invoiced", "awaiting_payment", "OrderPlaced", "ShipmentDispatched",
            "InvoiceIssued"})


class Invariants(unittest.TestCase):
    def test_quantities_and_states_agree(self):
        for seed in range(HISTORIES):
            shown = views(*history(random.Random(seed)))
            for row in shown["order_line"]:
                left = row["ordered_milli"] - row["cancelled_milli"]
                self.assertGreaterEqual(left, min(row["ordered_milli"], row["shipped_milli"]))
            for row in shown["order_status"]:
                if row["state"] == "cancelled":
                    self.assertEqual(row["shipment_state"], "none")
                if row["invoice_state"] == "none":
                    self.assertEqual(row["shipment_state"], "none")
                if row["invoice_state"] == "awaiting_payment":
                    self.assertIsNone(row["not_invoiced_since"])
                if row["not_invoiced_since"] is None:
                    self.assertEqual(row["not_invoiced_minor"], 0)
                self.assertGreaterEqual(row["not_invoiced_minor"], 0)


if __name__ == "__main__":
    unittest.main()
