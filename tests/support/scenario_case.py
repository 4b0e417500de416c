"""A unittest case that runs tests/scenario on one stack for all its tests."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import contextmanager
from pathlib import Path

from local_stack import ROOT, running_stack, throw_away_stack
from pipeline import CLI, Pipeline, clean_environment, find_build

ORACLE = ROOT / "tests" / "oracle"
SCENARIOS = ROOT / "tests" / "scenarios"


def kills_told(said):
    """How many processes a run of tests/scenario says it has killed."""
    told = re.findall(r"^scenario: killed (.*)$", said, re.MULTILINE)
    return sum(int(count) for line in told for count in re.findall(r"(\d+) x ", line))


class ScenarioCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.build = find_build()
        cls.scratch = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="scenario-")))
        cls.stack = running_stack()
        if cls.stack is None:
            cls.stack = throw_away_stack("scenario")
            cls.addClassCleanup(cls.stack.remove)

    def scenario(self, *words, status=0, build=None, **options):
        """(standard output, standard error) of a run that ends with this status (or one of these),
        and that has killed as often as it was told to.
        """
        statuses = status if isinstance(status, tuple) else (status,)
        done = subprocess.run(
            [sys.executable, ROOT / "tests" / "scenario", "--stack", self.stack.folder,
             "--build", build or self.build, *words], text=True, capture_output=True,
            check=False, **({} if "input" in options else {"stdin": subprocess.DEVNULL}),
            **options)
        self.assertIn(done.returncode, statuses,
                      f"{' '.join(map(str, words))}\n{done.stderr}{done.stdout[:2000]}")
        if "--kill" in words and 0 in statuses:
            self.assertEqual(kills_told(done.stderr), int(words[words.index("--kill") + 1]))
        return done.stdout, done.stderr

    @contextmanager
    def kept(self, *words):
        """(standard output, the pipeline that was kept: database and topics) of a run."""
        output, said = self.scenario("--keep", *words)
        name, logs = re.search(r"kept: database (\w+), .* logs (\S+)", said).groups()
        pipeline = Pipeline(self.stack, self.build, name)
        try:
            yield output, pipeline
        finally:
            pipeline.remove()
            shutil.rmtree(logs)

    def rows(self, *words, **options):
        """{view: [rows]} of a run that ends well."""
        return json.loads(self.scenario(*words, **options)[0])

    def file(self, name, text):
        path = self.scratch / name
        path.write_text(text)
        return path

    def simulated(self, *options):
        done = subprocess.run([self.build / CLI, "simulate", *options], capture_output=True,
                              text=True, check=True, env=clean_environment())
        return done.stdout

    def oracle(self, path, views):
        """The file of what the views must show after these events."""
        done = subprocess.run([sys.executable, ORACLE / "oracle.py", "--views", views, path],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.file(f"{path.stem}.expected.json", done.stdout)

    def assert_shows(self, expected, output, copies=0):
        """compare.py finds no difference, and there was something to compare."""
        done = subprocess.run(
            [sys.executable, ORACLE / "compare.py", expected,
             self.file("actual.json", output), "--copies", str(copies)],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(any(json.loads(Path(expected).read_text()).values()))
