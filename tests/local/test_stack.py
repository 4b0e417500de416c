"""deploy/local/stack: what tests and people rely on when they start and end it."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from local_stack import COMMAND, LocalStack  # noqa: E402
from pipeline import end_with_parent  # noqa: E402
from processes import PATIENCE_S, await_program, note_process, processes_of  # noqa: E402


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
        for program in ("initdb", "postgres", "java"):
            with self.subTest(f"as soon as {program} runs"):
                start = subprocess.Popen([COMMAND, "start", self.stack.folder],
                                         start_new_session=True, stderr=subprocess.DEVNULL)
                await_program(program, self.stack.folder, start)
                os.killpg(start.pid, signal.SIGINT)
                self.assertEqual(start.wait(PATIENCE_S), 130)
                self.assertEqual(processes_of(self.stack.folder), [])
        self.stack.start()
        self.assertTrue(self.stack.runs())

    @unittest.skipIf(os.geteuid(), "PostgreSQL then runs as the caller, who reaches the folder")
    def test_a_cluster_that_its_user_cannot_reach_goes_elsewhere(self):
        os.chmod(self.scratch.name, 0o700)
        self.stack.start()
        notes = (self.stack.folder / "notes").read_text()
        (home,) = re.findall(r"/var/tmp/o2c-[0-9a-f]{12}", notes)
        self.assertTrue(Path(home, "data").is_dir())
        self.assertEqual(self.stack.sql("SHOW data_directory"), f"{home}/data\n")
        self.stack.stop()
        self.stack.start()
        self.assertEqual(self.stack.sql("SHOW data_directory"), f"{home}/data\n")
        self.stack.remove()
        self.assertFalse(Path(home).exists())

    def test_a_process_that_was_given_the_number_since_is_left_alone(self):
        self.stack.folder.mkdir()
        (self.stack.folder / "notes").touch()
        bystander = subprocess.Popen(["sleep", "600"], preexec_fn=end_with_parent)
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        note_process(self.stack.folder / "kafka.pid", bystander.pid)
        self.stack.stop()
        self.stack.kill()
        self.assertIsNone(bystander.poll())


if __name__ == "__main__":
    unittest.main(verbosity=2)
