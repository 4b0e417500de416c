"""tests/scenarios: the expected rows beside each file are what the oracle says, today too."""

import json
import random
import unittest
from pathlib import Path

import compare
import shuffle
from cases import ORDER_DECIDES, SETTINGS, views
from oracle import fold
from views import as_text, default_views, views_of

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
ARRIVAL = compare.load(compare.ARRIVAL)


def expected_of(path):
    return path.with_suffix(".expected.json").read_text("utf-8")


def facts_of(path):
    with open(path, encoding="utf-8") as lines:
        return fold(lines, **SETTINGS.get(path.stem, {}))


def folded(path):
    """The views that stand in its expected rows."""
    return views_of(facts_of(path), json.loads(expected_of(path)))


class Scenarios(unittest.TestCase):
    def test_every_scenario_has_its_expected_rows_and_no_other_has(self):
        names = {path.stem for path in SCENARIOS.glob("*.ndjson")}
        expected = {path.name.removesuffix(".expected.json")
                    for path in SCENARIOS.glob("*.expected.json")}
        self.assertEqual(names, expected)
        self.assertGreaterEqual(len(names), 15)

    def test_the_expected_rows_are_what_the_oracle_says(self):
        for path in SCENARIOS.glob("*.ndjson"):
            with self.subTest(path.stem):
                self.assertEqual(as_text(folded(path)), expected_of(path))
                self.assertEqual(set(default_views(facts_of(path)))
                                 - set(json.loads(expected_of(path))), set())

    def test_no_order_of_arrival_changes_them(self):
        for path in SCENARIOS.glob("*.ndjson"):
            events = [given for given in map(json.loads, path.read_text("utf-8").splitlines())
                      if "barrier" not in given]
            if path.stem in ORDER_DECIDES or any(
                    given["type"] == "BusinessDayStarted" for given in events):
                continue
            expected = folded(path)
            for seed in range(20):
                random.Random(seed).shuffle(events)
                actual = views_of(fold(map(json.dumps, events)), expected)
                found = list(compare.differences(expected, actual, ARRIVAL, None))
                self.assertEqual(found, [], f"{path.stem}, seed {seed}")

    def test_a_contradiction_survives_the_shuffler(self):
        path = SCENARIOS / "conflict.ndjson"
        for seed in range(20):
            lines = path.read_text("utf-8").splitlines()
            segments = shuffle.rearranged(shuffle.read_segments(lines), seed, 0, 0, False)
            events = [line.given for segment in segments for line in segment]
            self.assertEqual(list(compare.differences(folded(path), views(*events), {}, None)),
                             [])


if __name__ == "__main__":
    unittest.main()
