"""deploy/run-local: what is asked of it wrongly is told, with status 2, before anything is made."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

COMMAND = Path(__file__).resolve().parents[2] / "deploy" / "run-local"


class Refused(unittest.TestCase):
    def test_a_sentence_says_what_is_wrong(self):
        cases = {
            ("--imput", "x"): '"--imput" is neither a command nor an option; --help tells them',
            ("start",): '"start" is neither a command nor an option; --help tells them',
            ("--input",): "--input needs a file or folder",
            ("--input", "/nowhere", "--map"): "--map needs a file",
            ("--map", "map.json"): "--map says how to read the CSV of --input, which is missing",
            ("--input", "/nowhere"): "there is no /nowhere",
            ("--input", "/", "--map", "/nowhere"): "there is no /nowhere",
        }
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch, "not made")
            for words, sentence in cases.items():
                with self.subTest(words=words):
                    done = subprocess.run([COMMAND, *words], text=True, capture_output=True,
                                          env={**os.environ, "RUN_LOCAL_DIR": str(folder)},
                                          check=False)
                    self.assertEqual((done.returncode, done.stdout, done.stderr),
                                     (2, "", f"run-local: {sentence}\n"))
            self.assertFalse(folder.exists())

    def test_what_was_never_started_is_said_so(self):
        with tempfile.TemporaryDirectory() as scratch:
            for words in (("status",), ("o2c", "lag"), ("psql",)):
                with self.subTest(words=words):
                    done = subprocess.run([COMMAND, *words], text=True, capture_output=True,
                                          env={**os.environ, "RUN_LOCAL_DIR": scratch},
                                          check=False)
                    self.assertEqual(done.returncode, 3)
                    self.assertIn("was never started here", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
