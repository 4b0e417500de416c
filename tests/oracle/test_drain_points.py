"""Where tests/scenario drains."""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from drain_points import BARRIER, BadInput, segments  # noqa: E402

TYPES = {"K": "CustomerRegistered", "P": "ProductDefined", "D": "BusinessDayStarted",
         "o": "OrderPlaced", "s": "ShipmentDispatched", "i": "InvoiceIssued"}


def line_of(word):
    """A line as "o1": an order of account 1; "|" is a barrier."""
    if word == "|":
        return BARRIER
    given = {"type": TYPES[word[0]]}
    if word[1:]:
        given["customer_id"] = word[1:]
    return json.dumps(given) + "\n"


def drained(text, in_order=True):
    """The same text with a "/" at every drain but the last."""
    words = {line_of(word): word for word in text.split()}
    found = segments(map(line_of, text.split()), in_order)
    return " / ".join(" ".join(words[line] for line in segment) for segment in found)


class DrainPoints(unittest.TestCase):
    def test_in_order_an_account_drains_between_its_topics(self):
        for text, expected in (
                ("o1 o2 o1", "o1 o2 o1"),
                ("o1 s1", "o1 / s1"),
                ("o1 s2 o1 s2", "o1 s2 o1 s2"),
                ("o1 o2 s1 s2 o2 o1", "o1 o2 / s1 s2 / o2 o1"),
                ("o1 s1 i1 s1 s1", "o1 / s1 / i1 / s1 s1")):
            self.assertEqual(drained(text), expected)
            self.assertEqual(drained(text, in_order=False), text)

    def test_the_account_is_that_which_pays(self):
        order, goods = ({"type": kind, "customer_id": customer, "account_id": "A"} for
                        kind, customer in (("OrderPlaced", "1"), ("ShipmentDispatched", "2")))
        self.assertEqual(len(list(segments(map(json.dumps, (order, goods)), True))), 2)
        goods["account_id"] = "B"
        self.assertEqual(len(list(segments(map(json.dumps, (order, goods)), True))), 1)

    def test_every_barrier_drains_and_an_empty_part_does_not(self):
        for in_order in (True, False):
            self.assertEqual(drained("| o1 | | o1 o2 |", in_order), "o1 / o1 o2")
            self.assertEqual(drained("", in_order), "")
            self.assertEqual(drained("|", in_order), "")

    def test_runs_of_master_data_and_days_stand_between_drains(self):
        for in_order in (True, False):
            self.assertEqual(drained("K1 K2 o1 o2 K3 P P D D o1", in_order),
                             "K1 K2 / o1 o2 / K3 / P P / D D / o1")

    def test_what_is_no_event_is_named_by_its_line(self):
        for text, expected in (("{", "line 2: "), ("[]", "line 2: not an object")):
            with self.assertRaisesRegex(BadInput, expected):
                list(segments([line_of("o1"), text], True))


if __name__ == "__main__":
    unittest.main()
