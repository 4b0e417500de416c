"""Hand-worked cases of the order rules in docs/rules/orders.md."""

import unittest

from cases import (amended, billing, cancelled, conflicts, delivered, dispatched, invoiced, line,
                   lines, order, placed, returned, states, views, void, waiting)
from money import line_net_minor


class Content(unittest.TestCase):
    def test_an_order_shows_what_was_placed(self):
        self.assertEqual(order(placed(line(1, 2000, "12.50"), line(2, 500, "3"))), {
            "order_id": "O1", "customer_id": "C1", "revision": 1, "state": "received",
            "shipment_state": "waiting", "invoice_state": "pending", "hold_reasons": [],
            "currency": "EUR", "net_minor": 2650, "gross_minor": None,
            "placed_at": "2026-03-02T09:00:00Z", "invoiced_minor": 0, "not_invoiced_minor": 0,
            "not_invoiced_since": None})

    def test_the_highest_revision_is_the_content_whatever_came_first(self):
        events = [placed(line(1, 1000)), amended(2, line(1, 2000)), amended(3, line(2, 7000))]
        for arrival in (events, events[::-1], [events[1], events[2], events[0]]):
            self.assertEqual(lines(*arrival), {2: (7000, 0, 0, 0)})
            self.assertEqual(order(*arrival)["revision"], 3)

    def test_an_amendment_alone_is_an_order(self):
        row = order(amended(4, line(1, 1000), placed_at="2026-03-05T10:11:12.5Z"))
        self.assertEqual((row["revision"], row["state"]), (4, "received"))
        self.assertEqual(row["placed_at"], "2026-03-05T10:11:12.500000Z")

    def test_customer_and_currency_come_from_the_content_revision(self):
        row = order(placed(line(1, 1000), account_id="A"),
                    amended(2, line(1, 1000), account_id="A", customer_id="C2",
                            currency="USD"))
        self.assertEqual((row["customer_id"], row["currency"]), ("C2", "USD"))

    def test_an_order_id_is_unique_within_its_account_only(self):
        rows = views(placed(line(1, 1000)), placed(line(1, 5000), customer_id="C2"),
                     dispatched("S1", (1, 1000)))["order_status"]
        self.assertEqual([(row["customer_id"], row["state"]) for row in rows],
                         [("C1", "processing"), ("C2", "received")])

    def test_customers_of_one_account_share_its_orders(self):
        events = [placed(line(1, 1000), account_id="A"),
                  dispatched("S1", (1, 1000), customer_id="C9", account_id="A")]
        self.assertEqual(states(*events), ("processing", "shipped", "pending"))


class Cancellation(unittest.TestCase):
    def test_without_lines_it_cancels_every_line(self):
        events = [placed(line(1, 1000), line(2, 2000)), cancelled(2)]
        self.assertEqual(states(*events), ("cancelled", "none", "none"))
        self.assertEqual(lines(*events), {1: (1000, 0, 0, 1000), 2: (2000, 0, 0, 2000)})
        self.assertEqual(order(*events)["revision"], 2)

    def test_with_lines_it_cancels_those(self):
        events = [placed(line(1, 1000), line(2, 2000)), cancelled(2, 2)]
        self.assertEqual(states(*events), ("received", "waiting", "pending"))
        self.assertEqual(lines(*events), {1: (1000, 0, 0, 0), 2: (2000, 0, 0, 2000)})

    def test_several_that_count_add_up(self):
        events = [placed(line(1, 1000), line(2, 2000)), cancelled(2, 2), cancelled(5, 1)]
        self.assertEqual(states(*events), ("cancelled", "none", "none"))
        self.assertEqual(order(*events)["revision"], 5)

    def test_a_line_that_the_content_lacks_is_no_line(self):
        events = [placed(line(1, 1000)), cancelled(2, 7)]
        self.assertEqual(lines(*events), {1: (1000, 0, 0, 0)})
        self.assertEqual(order(*events)["revision"], 2)

    def test_an_empty_list_of_lines_names_none(self):
        self.assertEqual(states(placed(line(1, 1000)), cancelled(2, line_nos=[]))[0],
                         "received")

    def test_it_is_void_under_a_later_content(self):
        events = [placed(line(1, 1000)), cancelled(2), amended(3, line(1, 4000))]
        for arrival in (events, events[::-1]):
            self.assertEqual(states(*arrival), ("received", "waiting", "pending"))
            self.assertEqual(order(*arrival)["revision"], 3)

    def test_it_counts_on_lines_of_a_content_that_arrives_after_it(self):
        self.assertEqual(lines(cancelled(3, 2), amended(2, line(2, 900)), placed(line(1, 1))),
                         {2: (900, 0, 0, 900)})

    def test_what_was_shipped_stays_and_the_rest_is_cancelled(self):
        events = [placed(line(1, 5000), line(2, 1000)), dispatched("S1", (1, 2000)),
                  cancelled(2)]
        self.assertEqual(lines(*events), {1: (5000, 2000, 0, 3000), 2: (1000, 0, 0, 1000)})
        self.assertEqual(states(*events), ("processing", "shipped", "pending"))

    def test_nothing_is_cancelled_of_what_was_shipped_over(self):
        events = [placed(line(1, 1000)), dispatched("S1", (1, 1500)), cancelled(2)]
        self.assertEqual(lines(*events), {1: (1000, 1500, 0, 0)})

    def test_an_order_of_nothing_is_not_cancelled(self):
        self.assertEqual(states(placed(line(1, 0)), cancelled(2)),
                         ("received", "none", "none"))


class Shipping(unittest.TestCase):
    def test_partial_shipments_until_all_is_out(self):
        first = [placed(line(1, 5000), line(2, 1000)), dispatched("S1", (1, 2000))]
        self.assertEqual(states(*first), ("processing", "part_shipped", "pending"))
        rest = dispatched("S2", (1, 3000), (2, 1000))
        self.assertEqual(states(*first, rest), ("processing", "shipped", "pending"))

    def test_one_line_over_does_not_make_up_for_another_under(self):
        self.assertEqual(states(placed(line(1, 1000), line(2, 1000)),
                                dispatched("S1", (1, 3000)))[1], "part_shipped")

    def test_over_delivery_is_shipped(self):
        events = [placed(line(1, 1000)), dispatched("S1", (1, 1200))]
        self.assertEqual(states(*events), ("processing", "shipped", "pending"))
        self.assertEqual(lines(*events), {1: (1000, 1200, 0, 0)})

    def test_quantities_of_one_line_add_up_within_a_dispatch(self):
        self.assertEqual(lines(placed(line(1, 1000)), dispatched("S1", (1, 400), (1, 600))),
                         {1: (1000, 1000, 0, 0)})

    def test_another_sku_is_an_exception(self):
        events = [placed(line(1, 1000)), dispatched("S1", (1, 1000, "OTHER"))]
        self.assertEqual(states(*events), ("processing", "exception", "pending"))
        self.assertEqual(views(*events)["order_line"][0]["sku"], "SKU-1")

    def test_a_line_that_the_content_lacks_is_an_exception_and_shown(self):
        events = [placed(line(1, 1000)), dispatched("S1", (1, 1000), (9, 50, "EXTRA"))]
        self.assertEqual(states(*events)[1], "exception")
        self.assertEqual(views(*events)["order_line"][1], {
            "order_id": "O1", "line_no": 9, "sku": "EXTRA", "ordered_milli": 0,
            "shipped_milli": 50, "returned_milli": 0, "cancelled_milli": 0,
            "invoiced_milli": 0, "unit_price_micro": None})

    def test_a_later_revision_that_has_the_line_heals_the_exception(self):
        self.assertEqual(states(placed(line(1, 1000)), dispatched("S1", (1, 1000), (9, 50)),
                                amended(2, line(1, 1000), line(9, 50)))[1], "shipped")

    def test_a_lacking_line_shows_the_smallest_sku_shipped_on_it(self):
        events = [placed(line(1, 1000)), dispatched("S2", (9, 1, "B")),
                  dispatched("S1", (9, 1, "Z"))]
        self.assertEqual(views(*events)["order_line"][1]["sku"], "B")

    def test_a_shipped_line_is_never_cancelled_away(self):
        self.assertEqual(states(placed(line(1, 1000)), cancelled(2),
                                dispatched("S1", (1, 400)))[0], "processing")


SINCE = "2026-03-03T08:00:00Z"  # when cases.dispatched says


class Invoicing(unittest.TestCase):
    def test_what_is_shipped_and_not_invoiced(self):
        sent = [placed(line(1, 5000, "1"), line(2, 1000, "3")), dispatched("S1", (1, 2000))]
        self.assertEqual(billing(*sent), (("pending", 0, 200, SINCE), {1: 0, 2: 0}))
        part = [*sent, invoiced("I1", 150, (1, 1500))]
        self.assertEqual(billing(*part), (("part_invoiced", 150, 50, SINCE), {1: 1500, 2: 0}))
        rest = [*part, invoiced("I2", 650, (1, 3500), (2, 1000))]
        self.assertEqual(billing(*rest),
                         (("awaiting_payment", 800, 0, None), {1: 5000, 2: 1000}))

    def test_a_cancelled_invoice_takes_its_own_part_back_whenever_it_came(self):
        events = [placed(line(1, 5000, "1")), dispatched("S1", (1, 5000)),
                  invoiced("I1", 200, (1, 2000)), invoiced("I2", 300, (1, 3000)), void("I1")]
        for arrival in (events, events[::-1], events[2:] + events[:2]):
            self.assertEqual(billing(*arrival),
                             (("part_invoiced", 300, 200, SINCE), {1: 3000}))

    def test_an_invoice_known_by_its_total(self):
        sent = [placed(line(1, 5000, "1")), dispatched("S1", (1, 5000))]
        self.assertEqual(billing(*sent, invoiced("I1", 499)),
                         (("part_invoiced", 499, 1, SINCE), {1: 0}))
        self.assertEqual(billing(*sent, invoiced("I1", 500)),
                         (("awaiting_payment", 500, 0, None), {1: 0}))
        self.assertEqual(billing(*sent, invoiced("I1", 500, currency="USD")),
                         (("pending", 0, 500, SINCE), {1: 0}))

    def test_one_line_over_does_not_make_up_for_another_under(self):
        self.assertEqual(billing(placed(line(1, 1000, "1"), line(2, 1000, "1")),
                                 dispatched("S1", (1, 1000), (2, 1000)),
                                 invoiced("I1", 200, (1, 2000)))[0],
                         ("part_invoiced", 200, 100, SINCE))

    def test_what_came_back_or_was_cancelled_need_not_be_invoiced(self):
        self.assertEqual(billing(placed(line(1, 5000, "1")), dispatched("S1", (1, 3000)),
                                 returned("R1", "S1", (1, 1000)), cancelled(2),
                                 invoiced("I1", 200, (1, 2000)))[0],
                         ("awaiting_payment", 200, 0, None))

    def test_since_is_the_first_dispatch_of_a_line_that_is_outstanding(self):
        days = [dispatched(f"S{day}", (number, 1000), dispatched_at=f"2026-03-{day}T08:00:00Z")
                for number, day in ((1, 10), (2, 12), (2, 11), (2, 14))]
        self.assertEqual(billing(placed(line(1, 1000, "1"), line(2, 3000, "1")), *days,
                                 invoiced("I1", 100, (1, 1000), (2, 500)))[0],
                         ("part_invoiced", 100, 250, "2026-03-11T08:00:00Z"))

    def test_without_a_price_the_worth_is_unknown(self):
        self.assertEqual(billing(placed(line(1, 1000, None), line(2, 1000, "1")),
                                 dispatched("S1", (1, 1000), (2, 1000)), invoiced("I1", 700))[0],
                         ("part_invoiced", 700, 0, SINCE))

    def test_an_invoiced_order_is_processing_and_a_cancelled_one_stays_cancelled(self):
        events = [placed(line(1, 1000)), invoiced("I1", 1000, (1, 1000))]
        self.assertEqual(states(*events), ("processing", "waiting", "awaiting_payment"))
        self.assertEqual(states(*events, cancelled(2)),
                         ("cancelled", "none", "awaiting_payment"))
        self.assertEqual(states(*events, void("I1")), ("received", "waiting", "pending"))

    def test_a_line_the_content_lacks_is_shown_while_something_is_invoiced_on_it(self):
        events = [placed(line(1, 1000)), invoiced("I1", 0, (7, 1000))]
        self.assertEqual(billing(*events)[1], {1: 0, 7: 1000})
        self.assertEqual(billing(*events, void("I1"))[1], {1: 0})

    def test_a_contradiction_changes_nothing_and_is_told_once(self):
        events = [placed(line(1, 1000)), invoiced("I1", 10, (1, 10)), invoiced("I1", 20, (1, 20))]
        self.assertEqual(billing(*events)[1], {1: 10})
        self.assertEqual([row[:2] for row in conflicts(*events)],
                         [("o2c.invoices", "invoice/I1")])

    def test_an_invoice_of_no_order_or_of_one_that_has_not_come(self):
        elsewhere = [invoiced("I1", 10, (1, 10), order_id=None), invoiced("I2", 10, order_id="")]
        self.assertEqual(billing(placed(line(1, 1000)), *elsewhere)[0],
                         ("pending", 0, 0, None))
        self.assertEqual(waiting(invoiced("I1", 10, (1, 10)), void("I1")), [])


class Returns(unittest.TestCase):
    def test_a_return_does_not_change_the_order_but_for_its_quantity(self):
        events = [placed(line(1, 2000)), dispatched("S1", (1, 2000))]
        back = [returned("R1", "S1", (1, 500)), returned("R2", "S1", (1, 700))]
        self.assertEqual(states(*events, *back), states(*events))
        self.assertEqual(lines(*events, *back), {1: (2000, 2000, 1200, 0)})

    def test_more_returned_than_shipped_is_kept_as_stated(self):
        self.assertEqual(lines(placed(line(1, 1000)), dispatched("S1", (1, 1000)),
                               returned("R1", "S1", (1, 9000))), {1: (1000, 1000, 9000, 0)})

    def test_a_returned_line_that_the_content_lacks_is_shown_without_sku(self):
        events = [placed(line(1, 1000)), returned("R1", "S1", (4, 10))]
        self.assertEqual(lines(*events), {1: (1000, 0, 0, 0), 4: (0, 0, 10, 0)})
        self.assertIsNone(views(*events)["order_line"][1]["sku"])
        self.assertEqual(states(*events), ("received", "waiting", "pending"))

    def test_refused_lines_are_no_return_of_the_order(self):
        self.assertEqual(lines(placed(line(1, 1000)), dispatched("S1", (1, 1000)),
                               delivered("S1", refused_lines=[1])), {1: (1000, 1000, 0, 0)})


class Amounts(unittest.TestCase):
    def test_halves_round_away_from_zero_once_per_line(self):
        self.assertEqual(line_net_minor(1000, 5_000, "EUR"), 1)      # 0.005
        self.assertEqual(line_net_minor(1000, 4_999, "EUR"), 0)
        self.assertEqual(line_net_minor(-1000, 5_000, "EUR"), -1)
        self.assertEqual(line_net_minor(333, 1_000_000, "EUR"), 33)
        self.assertEqual(order(placed(line(1, 1000, "0.005"), line(2, 1000, "0.005")))
                         ["net_minor"], 2)

    def test_the_exponent_is_the_currency_s(self):
        self.assertEqual(line_net_minor(2500, 101_000_000, "JPY"), 253)    # 252.5
        self.assertEqual(line_net_minor(1000, 1_234_500, "KWD"), 1235)     # 1.2345
        self.assertEqual(line_net_minor(1000, 1_234_500, "USD"), 123)
        self.assertEqual(line_net_minor(1000, 1_234_550, "CLF"), 12346)    # 1.23455

    def test_nothing_overflows(self):
        self.assertEqual(line_net_minor(9 * 10**15, 10**9, "USD"), 9 * 10**17)

    def test_a_missing_price_leaves_the_sum_unknown(self):
        self.assertIsNone(order(placed(line(1, 1000), line(2, 1000, None)))["net_minor"])

    def test_what_was_cancelled_shipped_or_returned_does_not_change_it(self):
        self.assertEqual(order(placed(line(1, 2000), line(2, 1000)), cancelled(2, 1),
                               dispatched("S1", (2, 5000)), returned("R1", "S1", (2, 1)))
                         ["net_minor"], 3000)

    def test_an_order_without_lines_amounts_to_nothing(self):
        self.assertEqual(order(placed())["net_minor"], 0)
        self.assertEqual(states(placed()), ("received", "none", "none"))


class Waiting(unittest.TestCase):
    def test_what_comes_before_its_order_waits_and_then_counts(self):
        early = [cancelled(3, 1), dispatched("S1", (2, 1000)), returned("R1", "S1", (2, 300))]
        for event in early:
            self.assertIn(("order", "O1", "OrderPlaced"), waiting(event))
            self.assertEqual(views(event)["order_status"], [])
            self.assertEqual(views(event)["order_line"], [])
        events = [*early, placed(line(1, 400), line(2, 1000))]
        self.assertEqual(waiting(*events), [])
        self.assertEqual(lines(*events), {1: (400, 0, 0, 400), 2: (1000, 1000, 300, 0)})

    def test_it_waits_since_the_first_event_that_waited(self):
        rows = views(cancelled(2, occurred_at="2026-03-07T00:00:00Z"),
                     dispatched("S1", (1, 1), occurred_at="2026-03-01T00:00:00Z"))["waiting"]
        self.assertEqual([row["since"] for row in rows if row["kind"] == "order"],
                         ["2026-03-07T00:00:00Z"])

    def test_a_delivery_alone_lets_no_order_wait(self):
        self.assertEqual(waiting(delivered("S1")), [("shipment", "S1", "OrderPlaced")])


class Repeats(unittest.TestCase):
    def test_the_same_content_again_changes_nothing(self):
        first = dispatched("S1", (1, 600), event_id="a", tracking=None)
        again = {**first, "event_id": "b", "source": "other",
                 "occurred_at": "2027-01-01T00:00:00Z", "company_id": "main"}
        events = [placed(line(1, 1000)), first, again]
        self.assertEqual(lines(*events), {1: (1000, 600, 0, 0)})
        self.assertEqual(conflicts(*events), [])

    def test_a_revision_left_out_of_an_order_is_its_first(self):
        first = placed(line(1, 1000))
        again = {name: value for name, value in first.items() if name != "revision"}
        self.assertEqual(conflicts(first, again), [])

    def test_a_timestamp_written_otherwise_is_the_same(self):
        self.assertEqual(conflicts(delivered("S1", delivered_at="2026-03-04T08:00:00Z"),
                                   delivered("S1", delivered_at="2026-03-04T08:00:00.000Z")),
                         [])


class Conflicts(unittest.TestCase):
    def test_a_later_content_of_one_revision_changes_nothing_and_is_found(self):
        events = [placed(line(1, 1000)), placed(line(1, 2000), currency="USD")]
        self.assertEqual(lines(*events), {1: (1000, 0, 0, 0)})
        self.assertEqual(conflicts(*events),
                         [("o2c.orders", "O1/1", ["currency", "lines"])])

    def test_the_first_arrival_wins(self):
        events = [placed(line(1, 2000)), placed(line(1, 1000))]
        self.assertEqual(lines(*events), {1: (2000, 0, 0, 0)})

    def test_revisions_are_shared_by_all_events_of_an_order(self):
        events = [placed(line(1, 1000)), cancelled(2), amended(2, line(1, 5000))]
        self.assertEqual(states(*events)[0], "cancelled")
        self.assertEqual(conflicts(*events), [("o2c.orders", "O1/2", ["type"])])

    def test_a_lower_revision_is_remembered_for_its_key(self):
        self.assertEqual(conflicts(amended(5, line(1, 1)), amended(3, line(1, 2)),
                                   amended(3, line(1, 7))),
                         [("o2c.orders", "O1/3", ["lines"])])

    def test_each_further_contradiction_is_found(self):
        self.assertEqual(len(conflicts(delivered("S1"), delivered("S1", proof="x"),
                                       delivered("S1", proof="y"))), 2)

    def test_a_contradicting_dispatch_counts_nowhere(self):
        events = [placed(line(1, 1000)), dispatched("S1", (1, 400)),
                  dispatched("S1", (1, 1000))]
        self.assertEqual(lines(*events), {1: (1000, 400, 0, 0)})
        self.assertEqual(conflicts(*events), [("o2c.shipments", "dispatched/S1", ["lines"])])

    def test_a_return_id_is_one_return_whatever_the_shipment(self):
        events = [placed(line(1, 1000)), returned("R1", "S1", (1, 1)),
                  returned("R1", "S2", (1, 1))]
        self.assertEqual(conflicts(*events),
                         [("o2c.shipments", "returned/R1", ["shipment_id"])])
        self.assertEqual(lines(*events), {1: (1000, 0, 1, 0)})

    def test_dispatch_and_delivery_of_one_shipment_are_two_facts(self):
        self.assertEqual(conflicts(dispatched("S1", (1, 1)), delivered("S1")), [])

    def test_other_accounts_contradict_nobody(self):
        self.assertEqual(conflicts(placed(line(1, 1)), placed(line(1, 2), customer_id="C2")),
                         [])


if __name__ == "__main__":
    unittest.main()
