"""A test without its real data skips and says so; where CI is set it fails."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "support" / "real_data.py"


def run(command, **settings):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("CI", "TEST_DATA")}
    done = subprocess.run([sys.executable, SCRIPT, "sample", *command], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment | settings)
    return done.returncode, done.stdout, done.stderr


class RealData(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_the_command_gets_the_folder_and_its_status_counts(self):
        (self.folder / "sample").mkdir()
        self.assertEqual(run(["sh", "-c", "echo $0; exit 3"], TEST_DATA=str(self.folder), CI="1"),
                         (3, f"{self.folder}/sample\n", ""))

    def test_without_it_the_test_is_skipped_with_a_line_that_says_why(self):
        status, said, wrong = run(["false"], TEST_DATA=str(self.folder))
        self.assertEqual((status, wrong), (77, ""))
        self.assertEqual(said, f"skipped: {self.folder}/sample is not there (TEST_DATA names its"
                               " parent)\n")

    def test_in_ci_it_fails(self):
        status, said, wrong = run(["true"], TEST_DATA=str(self.folder), CI="1")
        self.assertEqual((status, said), (1, ""))
        self.assertIn(f"{self.folder}/sample is not there", wrong)

    def test_in_ci_it_may_be_missing_on_purpose(self):
        status, said, _ = run(["true"], TEST_DATA="none", CI="1")
        self.assertEqual(status, 77)
        self.assertIn("skipped: none/sample is not there", said)


if __name__ == "__main__":
    unittest.main()
