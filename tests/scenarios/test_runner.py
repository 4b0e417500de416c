"""tests/scenario keeps its contract: what it prints, how it ends, what it leaves behind."""

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from kafka_topics import delete_topics  # noqa: E402
from pipeline import CLI  # noqa: E402
from pipeline_case import dispatch, order  # noqa: E402
from reading_views import CONTRACT  # noqa: E402
from scenario_case import ScenarioCase  # noqa: E402

TWO = order("O2", "C1") + order("O1", "C1", requested_date="2026-04-01") + dispatch("S1", "O2")


class Runner(ScenarioCase):
    def databases(self):
        return set(self.stack.sql("SELECT datname FROM pg_database WHERE datname LIKE"
                                  " 'scenario_%'").split())

    def topics(self):
        listed = subprocess.run(["kcat", "-b", self.stack.settings()["O2C_KAFKA"], "-L", "-J"],
                                capture_output=True, text=True, check=True)
        return {topic["topic"] for topic in json.loads(listed.stdout)["topics"]}

    def build_with(self, subcommand, status, words):
        """A build whose o2c ends one subcommand with a status of ours."""
        folder = self.scratch / f"build-{subcommand}-{status}"
        (folder / "producers/cli").mkdir(parents=True)
        for name in ("consumers", "producers/outbox_relay"):
            (folder / name).symlink_to(self.build / name)
        tool = folder / CLI
        tool.write_text(f'#!/bin/sh\nif [ "$1" = {subcommand} ] && [ "$2" != --check ]; then\n'
                        f"    cat >/dev/null\n    echo '{words}' >&2\n    exit {status}\nfi\n"
                        f'exec {self.build / CLI} "$@"\n')
        tool.chmod(0o755)
        return folder

    def build_that_notes(self, file):
        """A build whose o2c writes down what it is told, and of which database and topics."""
        folder = self.build_with(file.name, 0, "")
        tool = folder / CLI
        tool.write_text(f'#!/bin/sh\necho "$O2C_PG_DSN prefix=$O2C_TOPIC_PREFIX $*" >>{file}\n'
                        f'exec {self.build / CLI} "$@"\n')
        return folder

    # ---- what it prints

    def test_one_json_object_in_the_form_of_the_contract(self):
        notes = self.scratch / "told"
        said, _ = self.scenario("--build", str(self.build_that_notes(notes)), "-", input=TWO)
        output = json.loads(said)
        self.assertNotIn("consumer_progress", output)
        self.assertGreaterEqual(set(output), {"order_status", "order_line", "shipment"})
        known = [view for view in output if view in CONTRACT]
        self.assertEqual(known, [view for view in CONTRACT if view in output])
        first, second = output["order_status"]
        self.assertEqual(list(first)[:11], [
            "order_id", "customer_id", "revision", "state", "shipment_state", "invoice_state",
            "hold_reasons", "currency", "net_minor", "gross_minor", "placed_at"])
        self.assertEqual((first["order_id"], second["order_id"]), ("O1", "O2"))  # not as placed
        self.assertEqual((first["net_minor"], first["gross_minor"], first["placed_at"]),
                         (1000, None, "2026-03-02T09:00:00Z"))
        self.assertEqual(first.get("requested_date", "2026-04-01"), "2026-04-01")
        self.assertEqual(output["parked"], [])
        # it never waits for longer than it says
        told = notes.read_text()
        self.assertEqual(re.findall(r"publish --barriers.* (\d+) -$|drain .*-s (\d+)$", told, re.M),
                         [("60", ""), ("", "60")])
        # nothing is left of what it made
        database, prefix = re.search(r"dbname=(\S+).* prefix=(\S+)", told).groups()
        self.assertNotIn(database, self.databases())
        self.assertEqual([topic for topic in self.topics() if topic.startswith(prefix)], [])

    def test_views_and_functions_as_asked(self):
        output = self.rows("--views", "shipment,ageing(2026-01-31),o2c.order_status", "-",
                           input=TWO)
        self.assertEqual(list(output), ["shipment", "ageing(2026-01-31)", "order_status"])

    def test_barriers_blank_lines_and_a_last_line_without_an_end(self):
        text = order("O1") + '\n{"barrier": true}\n\n' + order("O2").strip()
        self.assertEqual([row["order_id"] for row in self.rows(
            "--views", "order_status", "-", input=text)["order_status"]], ["O1", "O2"])

    # ---- how it ends

    def test_usage_is_2(self):
        for words, expected in (
                (("--views", "order_status;", "-"), "order_status;"),
                (("--views", "shipment,nobody", "-"), '--views: relation "o2c.nobody" does not'),
                (("--views", "ageing(soon)", "-"), '--views: invalid input syntax for type date: "soon"'),
                (("--copies", "-1", "-"), "--copies"),
                (("--duplicate", "101", "-"), "--duplicate"),
                (("--kill", "x", "-"), "--kill"),
                (("--partitions", "0", "-"), "--partitions"),
                (("--go-live", "today", "-"), "--go-live"),
                (("--frob", "-"), "frob"),
                ((self.scratch / "not-there.ndjson",), "not-there.ndjson: No such file")):
            with self.subTest(words):
                said, why = self.scenario(*words, status=2, input=TWO)
                self.assertEqual(said, "")
                self.assertIn(expected, why)

    def test_bad_input_is_2_and_is_found_before_anything_is_made(self):
        notes = self.scratch / "told-before"
        build = self.build_that_notes(notes)
        for text, expected in (
                (order("O1") + "{not json\n", "line 2"),
                (order("O1") + "[]\n", "line 2"),
                ('{"type":"Nothing"}\n', "Nothing"),
                (order("O1", placed_at="yesterday"), "placed_at"),
                (order("O1") + '{"type":"OrderPlaced"}\n', "2")):
            for further in ((), ("--shuffle", "1")):
                with self.subTest(f"{text[-40:]} {further}"):
                    notes.write_text("")
                    said, why = self.scenario(*further, "--build", str(build), "-", status=2,
                                              input=text)
                    self.assertEqual(said, "")
                    self.assertIn(expected, why)
                    self.assertNotIn("dbname", notes.read_text())

    def test_a_broken_invariant_is_1_and_the_rows_are_printed(self):
        said, why = self.scenario("--views", "order_status", "-", status=1, input=TWO,
                                  build=self.build_with("verify", 1, "broken: the proof"))
        self.assertEqual(len(json.loads(said)["order_status"]), 2)
        self.assertIn("broken: the proof", why)

    def test_not_drained_is_4_and_a_failing_tool_3(self):
        for subcommand, status, ends in (("publish", 4, 4), ("verify", 3, 3), ("migrate", 1, 3)):
            with self.subTest(f"{subcommand} {status}"):
                said, why = self.scenario(
                    "-", status=ends, input=TWO,
                    build=self.build_with(subcommand, status, f"{subcommand} says so"))
                self.assertEqual(said, "")
                self.assertIn(f"{subcommand} says so", why)

    def test_fewer_kills_than_asked_for_are_1_and_input_not_read_is_3(self):
        """A publisher that ends well after the first line of several."""
        build = self.build_with("publish", 0, "")
        tool = build / CLI
        tool.write_text(tool.read_text().replace("cat >/dev/null", "read -r line"))
        orders = "".join(order(f"O{number}") for number in range(1000))
        said, why = self.scenario("--kill", "5", "-", status=1, input=orders, build=build)
        self.assertEqual(said, "")
        self.assertRegex(why, "[0-4] of 5 kills were done")
        _, why = self.scenario("-", status=3, input=orders, build=build)
        self.assertIn("ended before it had read everything", why)

    def test_no_stack_is_3(self):
        said, why = self.scenario("--stack", self.scratch, "-", status=3, input=TWO)
        self.assertIn("no stack runs in", why)
        self.assertEqual(said, "")

    # ---- what it does meanwhile

    def test_copies_are_named_and_compared(self):
        """In all views, as they are by default: the offsets of parked records, too."""
        twice = {"line_no": 1, "sku": "ROPE", "quantity_milli": 1}
        parked = order("O3", "C2", lines=[twice, twice])
        said, why = self.scenario("--copies", "3", "-", input=TWO + parked)
        output = json.loads(said)
        self.assertEqual(len(output["parked"]), 3)
        self.assertEqual([row["documents"] for row in output["flow"]
                          if row["stage"] == "placed"], [3])
        self.assertIn("not compared: flow", why)
        self.assertEqual([row["order_id"] for row in output["order_status"]],
                         [f"O{number}-copy{copy}" for number in (1, 2) for copy in (1, 2, 3)])
        self.assertEqual({row["customer_id"] for row in output["order_status"]},
                         {f"C1-copy{copy}" for copy in (1, 2, 3)})

    def test_repeats_and_kills_are_done_and_keep_keeps_database_and_topics(self):
        said, why = self.scenario("--views", "order_status", "--duplicate", "100", "--kill", "4",
                                  "--keep", "-", input=TWO)
        self.assertEqual([row["order_id"] for row in json.loads(said)["order_status"]],
                         ["O1", "O2"])
        name, = re.findall(r"kept: database (\w+)", why)
        self.assertIn(name, self.databases())
        self.assertEqual(self.stack.sql("SELECT sum(repeats) FROM shipments.position", name),
                         "3\n")
        kept = {topic for topic in self.topics() if topic.startswith(name.replace("_", "-"))}
        self.assertGreater(len(kept), 4)
        self.stack.sql(f"DROP DATABASE {name} WITH (FORCE)")
        delete_topics(self.stack.settings()["O2C_KAFKA"], name.replace("_", "-"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
