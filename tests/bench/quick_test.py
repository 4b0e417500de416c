#!/usr/bin/env python3
"""tests/bench/run --quick works: every job gives every figure of every contestant, and the ratio
of those figures. How large they are decides nothing here.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent))

from limits import beyond  # noqa: E402

RUN = Path(__file__).resolve().parent / "run"
RACE = {"events_per_s", "consumer_cpu_s_per_million", "postgresql_cpu_s_per_million",
        "wal_bytes_per_million", "peak_mb", "idle_mb"}
LATENCY = {"stored_p50_ms", "stored_p99_ms"}
OF_CONSUMER = ("cpu_s_per_million", "peak_mb", "idle_mb")
MONEY = {  # the figures of each of these jobs
    "money": {"lifecycles", "lifecycles_per_s", "events", "postgresql_cpu_s_per_million",
              "wal_bytes_per_million"} | {f"{name}_{figure}" for figure in OF_CONSUMER for name in
                                          ("receivables", "ledger", "disputes", "reminders",
                                           "orders")},
    "hot-account": {"events_per_s", "issued_per_s", "paid_per_s", "consumer_cpu_s_per_million",
                    "peak_mb", "idle_mb"},
    "payment-latency": LATENCY | {"published_p50_ms", "published_p99_ms"},
    "year-of-ticks": {"days", "seconds", "ms_per_day", "reminder_events", "peak_mb", "idle_mb"},
}


class Quick(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "figures.json"
            done = subprocess.run(
                [sys.executable, RUN, "--quick", "--build", os.environ["TEST_BUILD"], "--json",
                 file], text=True, capture_output=True, check=False)
            if done.returncode:
                raise AssertionError(f"exit status {done.returncode}:\n{done.stderr[-3000:]}")
            cls.table, cls.report = done.stdout, json.loads(file.read_text())
        cls.listed = subprocess.run([sys.executable, RUN, "--list"], text=True, check=True,
                                    capture_output=True).stdout

    def test_every_listed_job_ran(self):
        names = [line.split()[0] for line in self.listed.splitlines()]
        self.assertEqual(list(self.report["jobs"]), names)
        self.assertGreater(len(names), 0)
        for name in names:
            self.assertIn(name, self.table)
        self.assertNotRegex(self.table, r"\.\d{3}")  # what a float drags along

    def test_every_contestant_has_every_figure(self):
        for name, job in self.report["jobs"].items():
            wanted = MONEY.get(name) or (RACE if "events" in job else LATENCY)
            for who, runs in job["runs"].items():
                self.assertEqual(len(runs), self.report["sizes"]["rounds"], name)
                for run in runs:
                    self.assertLessEqual(wanted, set(run), f"{name} {who}")
                    self.assertGreater(min(run[figure] for figure in wanted), 0, f"{name} {who}")

    def test_a_ratio_is_that_of_the_two_runs_of_its_round(self):
        for name, job in self.report["jobs"].items():
            if len(job["runs"]) < 2:
                continue
            first, second = list(job["runs"].values())[:2]
            figure, kind = (("events_per_s", "ratio") if "ratio" in job else
                            ("stored_p99_ms", "p99_ratio"))
            each = [round(a[figure] / b[figure], 3) for a, b in zip(first, second)]
            self.assertEqual(job[kind + "s"], each, name)
            self.assertEqual(job[kind], median(each), name)

    def test_memory_is_that_of_one_account_beside_many(self):
        job = self.report["jobs"]["hot-account"]
        each = [round(a["peak_mb"] / b["peak_mb"], 3)
                for a, b in zip(job["runs"]["hot"], job["runs"]["spread"])]
        self.assertEqual((job["memory_ratios"], job["memory_ratio"]), (each, median(each)))

    def test_contestants_of_one_job_leave_the_same_rows(self):
        for name, job in self.report["jobs"].items():
            left = {run["contents"] for runs in job["runs"].values() for run in runs
                    if "contents" in run}
            self.assertLessEqual(len(left), 1, name)
            for contents in left:
                self.assertGreater(int(contents.split("|")[0]), 0, name)


class Limits(unittest.TestCase):
    def said(self, name, who="host", ratio=1.0, memory_ratio=1.0, **figures):
        return beyond({"jobs": {name: {"median": {who: figures}, "ratio": ratio,
                                       "memory_ratio": memory_ratio}}})

    def test_a_figure_at_its_limit_is_none_beyond(self):
        self.assertEqual(self.said("money", "everybody", ledger_peak_mb=256, ledger_idle_mb=24), [])
        self.assertEqual(self.said("last-wins-even", ratio=0.7, peak_mb=256), [])
        self.assertEqual(self.said("last-wins-even", "bare", peak_mb=300, idle_mb=147), [])
        self.assertEqual(self.said("hot-account", "hot", ratio=0.334, memory_ratio=1.1), [])

    def test_each_figure_beyond_its_limit_is_told(self):
        self.assertEqual(self.said("last-wins-clustered", ratio=0.379, idle_mb=24.1, peak_mb=1300), [
            "last-wins-clustered: ratio is 0.379, the limit is 0.7",
            "last-wins-clustered, host: idle_mb is 24.1, the limit is 24",
            "last-wins-clustered, host: peak_mb is 1,300, the limit is 256"])
        self.assertEqual(self.said("money", "everybody", receivables_idle_mb=31.6), [
            "money, everybody: receivables_idle_mb is 31.6, the limit is 24"])
        self.assertEqual(self.said("hot-account", "hot", ratio=0.33, memory_ratio=1.11), [
            "hot-account: ratio is 0.33, the limit is 0.333",
            "hot-account: memory_ratio is 1.11, the limit is 1.1"])


if __name__ == "__main__":
    unittest.main()
