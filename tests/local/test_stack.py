"""deploy/local/stack: what tests and people rely on when they start and end it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from local_stack import COMMAND, LocalStack  # noqa: E402


def processes_of(folder):
    """Command lines of living processes that have to do with a folder."""
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            words = (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            state = (proc / "stat").read_text().rsplit(") ", 1)[1][0]
        except (OSError, IndexError):
            continue
        if str(folder) in words and state != "Z" and int(proc.name) != os.getpid():
            found.append(words)
    return found


def broker_answers(stack):
    return subprocess.run(["kcat", "-b", stack.settings()["O2C_KAFKA"], "-L", "-m", "10"],
                          capture_output=True, check=False).returncode == 0


class Stack(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="stack-")
        os.chmod(self.scratch.name, 0o755)
        self.stack = LocalStack(Path(self.scratch.name) / "a folder")

    def tearDown(self):
        self.stack.remove()
        self.assertEqual(processes_of(self.stack.folder), [])
        self.scratch.cleanup()

    def test_both_answer_when_start_returns_and_data_survives_stop_and_kill(self):
        self.stack.start()
        self.assertTrue(broker_answers(self.stack))
        self.stack.sql("CREATE TABLE kept (what text); INSERT INTO kept VALUES ('it')")
        for end in (self.stack.stop, self.stack.kill):
            end()
            self.assertFalse(self.stack.runs())
            self.assertEqual(processes_of(self.stack.folder), [])
            self.stack.start()
            self.assertTrue(broker_answers(self.stack))
            self.assertEqual(self.stack.sql("TABLE kept"), "it\n")

    def test_a_second_start_changes_nothing_and_one_part_can_be_stopped_alone(self):
        self.stack.start()
        before = processes_of(self.stack.folder)
        self.stack.start()
        self.assertEqual(sorted(processes_of(self.stack.folder)), sorted(before))
        self.stack.stop("kafka")
        self.assertEqual(self.stack.sql("SELECT 1"), "1\n")
        self.assertFalse(self.stack.runs())

    def test_an_interrupted_start_leaves_nothing_running(self):
        for after_s in (0.1, 0.4, 0.9, 1.5, 2.0):
            with self.subTest(after_s=after_s):
                start = subprocess.Popen([COMMAND, "start", self.stack.folder],
                                         start_new_session=True, stderr=subprocess.DEVNULL)
                time.sleep(after_s)  # the moment of the interruption is what is tested
                os.killpg(start.pid, signal.SIGINT)
                self.assertIn(start.wait(30), (0, 130))
                if start.returncode == 130:
                    self.assertEqual(processes_of(self.stack.folder), [])
        self.stack.start()
        self.assertTrue(self.stack.runs())

    def test_a_process_that_was_given_the_number_since_is_left_alone(self):
        self.stack.folder.mkdir()
        (self.stack.folder / "notes").touch()
        bystander = subprocess.Popen(["sleep", "60"])
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        (self.stack.folder / "kafka.pid").write_text(f"{bystander.pid} 1 {boot}\n")
        self.stack.stop()
        self.stack.kill()
        self.assertIsNone(bystander.poll())
        bystander.kill()
        bystander.wait()


if __name__ == "__main__":
    unittest.main(verbosity=2)
