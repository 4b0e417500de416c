"""The comparison of two outputs, and the shuffling of a file."""

import copy
import io
import json
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

import compare
import shuffle
from cases import (amended, cancelled, delivered, dispatched, line, placed, returned, views)

ARRIVAL = json.loads((Path(__file__).parent / "arrival_columns.json").read_text())

EVENTS = [placed(line(1, 1000), line(2, 2000), event_id="0189f7d4-8f2a-7c1a-9d2e-000000000001"),
          cancelled(2, 2), dispatched("S1", (1, 400)), delivered("S1"),
          returned("R1", "S1", (1, 100)), dispatched("S2", (1, 600)),
          placed(line(1, 5000), customer_id="C2", account_id="A2"),
          amended(2, line(1, 7000), customer_id="C2", account_id="A2"),
          dispatched("S7", (3, 1), customer_id="C3", order_id="O8"),
          placed(line(1, 1), order_id="O5"), placed(line(1, 2), order_id="O5")]


def found(expected, actual, names=None):
    return list(compare.differences(expected, actual, ARRIVAL, names))


class Compare(unittest.TestCase):
    def setUp(self):
        self.expected = views(*EVENTS)
        self.actual = copy.deepcopy(self.expected)

    def test_equal_outputs_have_no_difference_whatever_the_order_of_rows(self):
        self.actual["order_line"].reverse()
        self.assertEqual(found(self.expected, self.actual), [])

    def test_a_wrong_value_is_named_with_its_row(self):
        self.actual["order_line"][0]["shipped_milli"] = 7
        self.assertEqual(found(self.expected, self.actual), [
            'order_line: order_id="O1" line_no=1: shipped_milli is 7, expected 1000'])

    def test_missing_and_surplus_rows_are_named(self):
        gone = self.actual["shipment"].pop(0)
        self.actual["shipment"].append({**gone, "shipment_id": "S99"})
        lines = found(self.expected, self.actual)
        self.assertEqual([text.split()[:2] for text in lines],
                         [["shipment:", "missing"], ["shipment:", "surplus"]])

    def test_a_row_too_many_is_found_though_it_equals_another(self):
        self.actual["shipment"].append(dict(self.actual["shipment"][0]))
        self.assertEqual(len(found(self.expected, self.actual)), 1)

    def test_a_missing_view_is_a_difference_unless_it_is_not_asked_for(self):
        del self.actual["waiting"]
        self.assertEqual(found(self.expected, self.actual),
                         ["waiting: no such view in ACTUAL"])
        self.assertEqual(found(self.expected, self.actual, ["shipment"]), [])

    def test_further_columns_are_allowed_and_missing_ones_are_not(self):
        for row in self.actual["shipment"]:
            row["carrier"] = "DHL"
        self.assertEqual(found(self.expected, self.actual), [])
        self.assertNotEqual(found(self.actual, self.expected), [])

    def test_columns_fixed_by_arrival_are_compared_by_shape(self):
        for row in self.actual["waiting"]:
            row["since"] = "2031-01-01T00:00:00.123456Z"
        self.assertEqual(found(self.expected, self.actual), [])
        self.actual["waiting"][0]["since"] = "yesterday"
        self.actual["waiting"][1]["since"] = None
        self.assertEqual(found(self.expected, self.actual), [
            'waiting: since "yesterday" in ACTUAL is no timestamp',
            "waiting: since is null in 1 rows, expected 0"])

    def test_of_an_application_all_but_its_number_is_compared(self):
        def applications(name):
            return {"cash_application": [{"application_id": name, "invoice_id": "I1"}]}

        def journals(name):
            return {"journal": [{"journal_id": f"application:{name}:undone"}]}

        for rows in (applications, journals):
            self.assertEqual(found(rows("P/1/2"), rows("P/1/13")), [])
            self.assertNotEqual(found(rows("P/1/2"), rows("P/2/2")), [])
            self.assertNotEqual(found(rows("P/1/2"), rows("P/1")), [])

    def test_unique_columns_are_unique(self):
        rows = [{"topic": "t", "event_id": "00000000-0000-4000-8000-000000000001"}] * 2
        self.assertIn("stands 2 times", found({"conflict_found": rows},
                                              {"conflict_found": rows})[0])

    def test_one_and_true_are_not_equal(self):
        self.assertNotEqual(found({"v": [{"a": 1}]}, {"v": [{"a": True}]}), [])

    def test_the_command_prints_and_returns_what_it_found(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder, name) for name in ("a.json", "b.json")]
            paths[0].write_text(json.dumps(self.expected))
            self.actual["order_status"].pop()
            paths[1].write_text(json.dumps(self.actual))
            for second, status in ((0, 0), (1, 1)):
                out = io.StringIO()
                argv = ["compare.py", str(paths[0]), str(paths[second])]
                with mock.patch("sys.argv", argv), redirect_stdout(out):
                    self.assertEqual(compare.main(), status)
                self.assertEqual(bool(out.getvalue()), bool(status))


def text_of(events):
    return [json.dumps(event) for event in events]


def shuffled(events, seed=1, copies=0, percent=0, in_order=False):
    segments = shuffle.rearranged(shuffle.read_segments(text_of(events)), seed, copies, percent,
                                  in_order)
    out = io.StringIO()
    shuffle.write(segments, out)
    return [json.loads(text) for text in out.getvalue().splitlines()]


class Shuffle(unittest.TestCase):
    def test_one_seed_is_one_order(self):
        self.assertEqual(shuffled(EVENTS, 7), shuffled(EVENTS, 7))
        self.assertNotEqual(shuffled(EVENTS, 7), shuffled(EVENTS, 8))

    def test_the_same_events_come_out_and_lead_to_the_same_state(self):
        for seed in range(50):
            other = shuffled(EVENTS, seed)
            self.assertCountEqual(map(json.dumps, other), map(json.dumps, EVENTS))
            self.assertEqual(found(views(*EVENTS), views(*other)), [])

    def test_a_topic_of_an_account_keeps_its_order_and_topics_mix(self):
        events = [placed(line(1, number), order_id=f"O{number}") for number in range(20)]
        events += [dispatched(f"S{number}", (1, 1)) for number in range(20)]
        other = shuffled(events)
        self.assertEqual([event["order_id"] for event in other if event["type"] == "OrderPlaced"],
                         [f"O{number}" for number in range(20)])
        self.assertNotEqual([event["type"] for event in other],
                            [event["type"] for event in events])

    def test_nothing_crosses_a_barrier_or_a_run_of_master_data(self):
        def customer(name):
            return {"type": "CustomerRegistered", "customer_id": name}

        events = [customer("A"), customer("B"), placed(), dispatched("S1"), {"barrier": True},
                  delivered("S1"), cancelled(2), customer("C"), amended(3)]
        for seed in range(20):
            kinds = [event.get("type", "barrier") for event in shuffled(events, seed)]
            self.assertEqual(set(kinds[:2]), {"CustomerRegistered"})
            self.assertEqual(set(kinds[2:4]), {"OrderPlaced", "ShipmentDispatched"})
            self.assertEqual(kinds[4], "barrier")
            self.assertEqual(set(kinds[5:7]), {"ShipmentDelivered", "OrderCancelled"})
            self.assertEqual(kinds[7:], ["CustomerRegistered", "OrderAmended"])

    def test_repeats_come_after_their_original(self):
        events = [dict(event, event_id=f"e{number}") for number, event in enumerate(EVENTS)]
        events.insert(5, {"barrier": True})
        other = shuffled(events, 3, percent=100, in_order=True)
        self.assertEqual(len(other), 2 * len(EVENTS) + 1)
        first = {}
        for event in other:
            first.setdefault(event.get("event_id"), len(first))
        self.assertEqual([name for name in first if name],
                         [f"e{number}" for number in range(len(EVENTS))])

    def test_as_many_are_repeated_as_asked_for(self):
        for percent, more in ((0, 0), (10, 1), (50, 6), (100, 11)):
            for seed in range(20):
                other = list(map(json.dumps, shuffled(EVENTS, seed, percent=percent)))
                self.assertEqual(len(other), len(EVENTS) + more)
                self.assertEqual(len(set(other)), len(EVENTS))

    def test_copies_have_ids_of_their_own_and_compare_equal(self):
        other = shuffled(EVENTS, 5, copies=3, percent=30)
        output = views(*[event for event in other])
        plain = views(*EVENTS)
        for rows in (output, plain):
            rows.pop("conflict_found")  # a repeated contradiction is found again
        for copied in compare.split_copies(output, 3):
            self.assertEqual(found(plain, copied), [])

    def test_a_copy_that_differs_is_told(self):
        output = views(*shuffled(EVENTS, 5, copies=2, in_order=True))
        row = next(row for row in output["order_status"] if row["order_id"] == "O1-copy2")
        row["state"] = "done"
        pairs = compare.pairs([output], 2)
        told = [name + text for name, *sides in pairs for text in found(*sides)]
        self.assertEqual(told, ['copy 2: order_status: order_id="O1" customer_id="C1": '
                                'state is "done", expected "processing"'])

    def test_what_names_no_copy_is_left_out_and_what_some_rows_do_not_is_refused(self):
        output = views(*shuffled(EVENTS, 5, copies=2, in_order=True))
        output["flow"] = [{"stage": "placed", "documents": 6}]
        self.assertEqual(compare.of_all_copies(output), ["flow"])
        (_, first, second), = compare.pairs([output], 2)[1:]
        self.assertEqual([set(output) - set(copy) for copy in (first, second)], [{"flow"}] * 2)
        self.assertTrue(found({"flow": output["flow"]}, second))
        output["order_status"][0] = {**output["order_status"][0], "order_id": "O1",
                                     "customer_id": "C1"}
        with self.assertRaisesRegex(ValueError, "order_status: .* belongs to no single copy"):
            compare.split_copies(output, 2)

    def test_event_ids_of_copies_stay_uuids(self):
        made = {event.get("event_id") for event in shuffled(EVENTS, 5, copies=2)} - {None}
        self.assertEqual(len(made), 2)
        for event_id in made:
            self.assertTrue(compare.SHAPES["uuid"](event_id))

    def test_an_unknown_type_is_refused(self):
        with self.assertRaises(shuffle.BadInput):
            shuffled([{"type": "OrderEaten"}])


if __name__ == "__main__":
    unittest.main()
