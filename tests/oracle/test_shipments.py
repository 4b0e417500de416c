"""Hand-worked cases of the shipment rules in docs/rules/orders.md."""

import unittest

from cases import (amended, cancelled, conflicts, delivered, dispatched, line, placed,
                   returned, shipments, views, waiting)

ORDER = placed(line(1, 1000), line(2, 2000))
SENT = dispatched("S1", (1, 1000), (2, 2000))


def shipment(*events):
    rows = views(*events)["shipment"]
    assert len(rows) == 1, rows
    return rows[0]


class State(unittest.TestCase):
    def test_it_is_dispatched_and_then_delivered(self):
        self.assertEqual(shipments(ORDER, SENT), {"S1": "dispatched"})
        self.assertEqual(shipment(ORDER, SENT, delivered("S1")), {
            "shipment_id": "S1", "order_id": "O1", "customer_id": "C1", "state": "delivered",
            "dispatched_at": "2026-03-03T08:00:00Z", "delivered_at": "2026-03-04T08:00:00Z"})

    def test_it_waits_for_its_order(self):
        self.assertEqual(shipments(SENT, delivered("S1"), returned("R1", "S1", (1, 1))),
                         {"S1": "waiting_order"})
        self.assertEqual(waiting(SENT), [("order", "O1", "OrderPlaced"),
                                         ("shipment", "S1", "OrderPlaced")])

    def test_an_amendment_is_an_order_and_a_cancellation_is_none(self):
        self.assertEqual(shipments(SENT, amended(2, line(1, 1))), {"S1": "dispatched"})
        self.assertEqual(shipments(SENT, cancelled(2)), {"S1": "waiting_order"})

    def test_an_order_of_another_account_is_not_its_order(self):
        self.assertEqual(shipments(SENT, placed(line(1, 1), customer_id="C2")),
                         {"S1": "waiting_order"})

    def test_some_of_it_came_back(self):
        self.assertEqual(shipments(ORDER, SENT, delivered("S1"), returned("R1", "S1", (1, 1))),
                         {"S1": "part_returned"})

    def test_all_of_it_came_back_in_several_returns(self):
        back = [returned("R1", "S1", (1, 1000), (2, 500)), returned("R2", "S1", (2, 1500))]
        self.assertEqual(shipments(ORDER, SENT, *back[:1]), {"S1": "part_returned"})
        self.assertEqual(shipments(ORDER, SENT, *back), {"S1": "returned"})

    def test_more_came_back_than_went_out(self):
        self.assertEqual(shipments(ORDER, SENT, returned("R1", "S1", (1, 1000), (2, 9000))),
                         {"S1": "returned"})

    def test_one_line_over_does_not_make_up_for_another(self):
        self.assertEqual(shipments(ORDER, SENT, returned("R1", "S1", (1, 9000))),
                         {"S1": "part_returned"})

    def test_quantities_of_one_line_add_up_within_a_dispatch(self):
        twice = dispatched("S1", (1, 400), (1, 600))
        self.assertEqual(shipments(ORDER, twice, returned("R1", "S1", (1, 600))),
                         {"S1": "part_returned"})
        self.assertEqual(shipments(ORDER, twice, returned("R1", "S1", (1, 1000))),
                         {"S1": "returned"})

    def test_a_refused_line_is_wholly_returned(self):
        self.assertEqual(shipments(ORDER, SENT, delivered("S1", refused_lines=[2])),
                         {"S1": "part_returned"})
        self.assertEqual(shipments(ORDER, SENT, delivered("S1", refused_lines=[2, 1])),
                         {"S1": "returned"})
        self.assertEqual(shipments(ORDER, SENT, delivered("S1", refused_lines=[2]),
                                   returned("R1", "S1", (1, 1000))), {"S1": "returned"})

    def test_no_refused_lines_is_no_refusal(self):
        self.assertEqual(shipments(ORDER, SENT, delivered("S1", refused_lines=[])),
                         {"S1": "delivered"})

    def test_without_its_dispatch_it_is_never_wholly_returned(self):
        self.assertEqual(shipments(ORDER, returned("R1", "S1", (1, 1000))),
                         {"S1": "part_returned"})
        self.assertEqual(shipments(ORDER, delivered("S1")), {"S1": "delivered"})

    def test_returns_belong_to_their_shipment_only(self):
        self.assertEqual(shipments(ORDER, SENT, dispatched("S2", (1, 5)),
                                   returned("R1", "S2", (1, 5))),
                         {"S1": "dispatched", "S2": "returned"})


class Witness(unittest.TestCase):
    def test_order_and_customer_are_the_dispatch_s_then_the_delivery_s_then_a_return_s(self):
        account = {"account_id": "A"}
        late = returned("R2", "S1", (1, 1), order_id="O4", customer_id="C4", **account)
        early = returned("R1", "S1", (1, 1), order_id="O3", customer_id="C3", **account)
        delivery = delivered("S1", order_id="O2", customer_id="C2", **account)
        dispatch = dispatched("S1", (1, 1), **account)
        events = [late]
        for event, order_id, customer_id in ((early, "O3", "C3"), (delivery, "O2", "C2"),
                                             (dispatch, "O1", "C1")):
            events.append(event)
            row = shipment(*events)
            self.assertEqual((row["order_id"], row["customer_id"]), (order_id, customer_id))

    def test_a_delivery_that_names_another_order_still_belongs_to_it(self):
        row = shipment(ORDER, SENT, delivered("S1", order_id="O9"))
        self.assertEqual((row["order_id"], row["state"]), ("O1", "delivered"))

    def test_the_order_that_counts_as_known_is_the_one_shown(self):
        self.assertEqual(shipments(ORDER, delivered("S1", order_id="O9")),
                         {"S1": "waiting_order"})


class Waiting(unittest.TestCase):
    def test_it_waits_for_its_dispatch_once_the_order_is_known(self):
        for event in (delivered("S1"), returned("R1", "S1", (1, 1))):
            self.assertIn(("shipment", "S1", "OrderPlaced"), waiting(event))
            self.assertEqual(waiting(ORDER, event), [("shipment", "S1", "ShipmentDispatched")])
            self.assertEqual(waiting(ORDER, event, SENT), [])

    def test_since_is_the_first_event_of_the_shipment(self):
        rows = views(delivered("S1", occurred_at="2026-03-08T00:00:00Z"),
                     dispatched("S1", (1, 1), occurred_at="2026-03-01T00:00:00Z"))["waiting"]
        self.assertEqual([row["since"] for row in rows if row["kind"] == "shipment"],
                         ["2026-03-08T00:00:00Z"])


class Conflicts(unittest.TestCase):
    def test_the_first_delivery_stands(self):
        events = [ORDER, SENT, delivered("S1"),
                  delivered("S1", delivered_at="2026-03-05T08:00:00Z", refused_lines=[1, 2])]
        self.assertEqual(shipments(*events), {"S1": "delivered"})
        self.assertEqual(conflicts(*events),
                         [("o2c.shipments", "delivered/S1", ["delivered_at",
                                                             "refused_lines"])])

    def test_a_contradicting_return_does_not_count(self):
        events = [ORDER, SENT, returned("R1", "S1", (1, 1)),
                  returned("R1", "S1", (1, 1000), (2, 2000))]
        self.assertEqual(shipments(*events), {"S1": "part_returned"})


if __name__ == "__main__":
    unittest.main()
