"""deploy/run-local: what is asked of it wrongly is told, with status 2, before anything is made; and it
ends what it started, and nothing else.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from local_stack import LocalStack  # noqa: E402
from pipeline import end_with_parent  # noqa: E402
from processes import PATIENCE_S, await_program, note_process, processes_of  # noqa: E402

BUILD_S = 900  # it builds first
COMMAND = Path(__file__).resolve().parents[2] / "deploy" / "run-local"


class Screen:
    """A terminal, and all that was written to it."""

    def __init__(self):
        self.ours, self.theirs = os.openpty()
        self.shown = b""
        self.reader = threading.Thread(target=self.read, daemon=True)

    def read(self):
        while True:
            try:
                self.shown += os.read(self.ours, 4096)
            except OSError:  # nobody has the other end any more
                return

    def run(self, command, environment):
        process = subprocess.Popen(command, start_new_session=True, stdout=self.theirs,
                                   stderr=self.theirs,
                                   env={**environment, "LC_ALL": "C.UTF-8", "TERM": "xterm"})
        os.close(self.theirs)
        self.reader.start()
        return process

    def close(self):
        self.reader.join(PATIENCE_S)
        os.close(self.ours)
        return self.shown.decode()


class Refused(unittest.TestCase):
    def test_a_sentence_says_what_is_wrong(self):
        cases = {
            ("--imput", "x"): '"--imput" is neither a command nor an option; --help tells them',
            ("start",): '"start" is neither a command nor an option; --help tells them',
            ("stop", "now"): '"now" is a word too many',
            ("--input",): "--input needs a file or folder",
            ("--input", "/nowhere", "--map"): "--map needs a file",
            ("--map", "map.json"): "--map says how to read the CSV of --input, which is missing",
            ("--input", "/nowhere"): "there is no /nowhere",
            ("--input", "/"): "--map is missing, which says how to read the CSV of /",
            ("--input", "a.CSV"): "--map is missing, which says how to read the CSV of a.CSV",
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

    def test_help_is_no_refusal(self):
        for word in ("--help", "-h", "help"):
            done = subprocess.run([COMMAND, word], text=True, capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith("run-local - "), done.stdout)
            self.assertTrue(done.stdout.endswith("130 interrupted.\n"), done.stdout)

    def test_what_was_never_started_is_said_so(self):
        with tempfile.TemporaryDirectory() as scratch:
            for words in (("status",), ("o2c", "lag"), ("psql",)):
                with self.subTest(words=words):
                    done = subprocess.run([COMMAND, *words], text=True, capture_output=True,
                                          env={**os.environ, "RUN_LOCAL_DIR": scratch},
                                          check=False)
                    self.assertEqual(done.returncode, 3)
                    self.assertIn("was never started here", done.stdout + done.stderr)
            folder = Path(scratch, "not made")
            done = subprocess.run([COMMAND, "stop"], text=True, capture_output=True, check=False,
                                  env={**os.environ, "RUN_LOCAL_DIR": str(folder)})
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (0, f"o2c does not run in {folder}\n", ""))
            self.assertEqual(os.listdir(scratch), [])


class Ended(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="run-local-")
        self.addCleanup(scratch.cleanup)
        os.chmod(scratch.name, 0o755)
        self.folder = Path(scratch.name, "pipeline")
        self.environment = {**os.environ, "RUN_LOCAL_DIR": str(self.folder)}

    def run_local(self, word):
        done = subprocess.run([COMMAND, word], text=True, capture_output=True, check=False,
                              env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_stop_and_reset_leave_alone_who_has_a_number_that_was_theirs(self):
        bystander = subprocess.Popen(["sleep", "600"], preexec_fn=end_with_parent)
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        for word, said in (("stop", "o2c does not run in"), ("reset", "is gone")):
            (self.folder / "run").mkdir(parents=True, exist_ok=True)
            (self.folder / "notes").touch()
            for name in ("run/orders.pid", "run/outbox-relay.pid", "kafka.pid", "postgres.pid"):
                note_process(self.folder / name, bystander.pid)
            with self.subTest(word):
                self.assertIn(said, self.run_local(word))
                self.assertIsNone(bystander.poll())
        self.assertFalse(self.folder.exists())

    def test_ctrl_c_while_it_starts_leaves_nothing_running(self):
        """Broker and database are stopped with it: as it began, nothing was there."""
        self.addCleanup(LocalStack(self.folder).remove)
        screen = Screen()
        start = screen.run([COMMAND], self.environment)
        self.addCleanup(start.wait)
        self.addCleanup(start.kill)
        await_program("java", self.folder, start, patience_s=BUILD_S)
        os.killpg(start.pid, signal.SIGINT)
        self.assertEqual(start.wait(PATIENCE_S), 130)
        self.assertEqual(processes_of(self.folder), [])
        shown = screen.close()
        self.assertRegex(shown, r"\r\x1b\[K  \S build +\d+\.\d s ")  # which step, for how long
        self.assertTrue(shown.endswith("  Stopped; nothing is left running.\r\n"), shown[-200:])


if __name__ == "__main__":
    unittest.main(verbosity=2)
