"""What deploy/local/stack and deploy/run-local take for their own: nothing else is ended or deleted."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from local_stack import COMMAND, ROOT, LocalStack  # noqa: E402
from pipeline import end_with_parent  # noqa: E402
from pipeline_case import order  # noqa: E402
from processes import processes_of  # noqa: E402

RUN_LOCAL = ROOT / "deploy" / "run-local"
PATIENCE_S = 120


def until(what, true):
    limit = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > limit:
            raise AssertionError(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.02)


class FolderCase(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="folders-")
        self.addCleanup(scratch.cleanup)
        os.chmod(scratch.name, 0o755)
        self.folder = Path(scratch.name) / "R&D of ours"


class Folders(FolderCase):
    def refused(self, *words, **environment):
        done = subprocess.run(words, text=True, capture_output=True, check=False,
                              env={**os.environ, **environment})
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        return done.stderr

    def test_a_folder_that_holds_other_things_is_neither_taken_nor_deleted(self):
        self.folder.mkdir()
        letter = self.folder / "letter"
        letter.write_text("of somebody")
        self.assertEqual(self.refused(COMMAND, "start", self.folder), "stack: "
                         f"{self.folder} holds other things; a stack needs a folder of its own\n")
        self.assertEqual(self.refused(COMMAND, "remove", self.folder),
                         f"stack: no stack lies in {self.folder}\n")
        for verb in ("build", "stop", "reset"):
            self.assertEqual(self.refused(RUN_LOCAL, verb, RUN_LOCAL_DIR=str(self.folder)),
                             f"run-local: {self.folder} holds other things; a stack needs a"
                             " folder of its own\n")
        self.assertEqual([letter], list(self.folder.iterdir()))

    def test_a_name_that_kafka_would_split_is_refused(self):
        self.assertIn("comma", self.refused(COMMAND, "start", f"{self.folder}, and theirs"))
        self.assertEqual(list(self.folder.parent.iterdir()), [])

    def test_everything_lies_in_the_folder_whatever_its_name_is(self):
        stack = LocalStack(self.folder)
        self.addCleanup(stack.remove)
        stack.start("kafka")
        self.assertTrue((self.folder / "kafka" / "data" / "meta.properties").exists())
        self.assertEqual([self.folder], list(self.folder.parent.iterdir()))

    def test_a_shell_in_the_data_folder_does_not_hold_up_a_start_after_a_crash(self):
        stack = LocalStack(self.folder)
        self.addCleanup(stack.remove)
        stack.start("postgres")
        data = Path(stack.sql("SHOW data_directory").strip())
        bystander = subprocess.Popen(["sleep", "600"], cwd=data, preexec_fn=end_with_parent)
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        stack.kill("postgres")
        stack.start("postgres")
        self.assertEqual(stack.sql("SELECT 1"), "1\n")
        self.assertIsNone(bystander.poll())

    def test_an_interrupted_fetch_leaves_no_broker_behind(self):
        cache = self.folder / "cache"
        fetch = subprocess.Popen([COMMAND, "fetch"], start_new_session=True,
                                 env={**os.environ, "XDG_CACHE_HOME": str(cache)})
        until("a broker is tried", lambda: fetch.poll() is not None or
              list(cache.glob("o2c/kafka-*/scratch/pid")))
        os.killpg(fetch.pid, signal.SIGINT)
        self.assertEqual(fetch.wait(PATIENCE_S), 130)
        self.assertEqual(processes_of(self.folder), [])
        lock, = cache.glob("o2c/kafka-*/lock")
        self.assertEqual(subprocess.run(["flock", "--nonblock", lock, "true"],
                                        check=False).returncode, 0)


class Started(FolderCase):
    """deploy/run-local once it runs: something is refused, a later start fails, it is stopped."""

    def run_local(self, *words, status=0):
        done = subprocess.run([RUN_LOCAL, *words], text=True, capture_output=True, check=False,
                              env={**os.environ, "RUN_LOCAL_DIR": str(self.folder)})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def running(self):
        return {file.stem: file.read_text() for where in (self.folder, self.folder / "run")
                for file in where.glob("*.pid")}

    def events(self, text):
        file = self.folder.parent / "events.ndjson"
        file.write_text(text)
        return file

    def orders(self):
        return self.run_local("psql", "-Atc", "SELECT order_id FROM o2c.order_status").split()

    def test_what_is_good_goes_on_and_what_is_stopped_goes_on_later(self):
        self.addCleanup(self.run_local, "reset")
        file = self.events("no event\n" * 12 + order("O1", quantity_milli=2500))
        said = self.run_local("--input", file, status=1)
        self.assertRegex(said, r" publish +1 event, 12 refused ")
        self.assertEqual(said.count(f"    {file}:"), 10)
        self.assertIn(f"    and 2 more, all in {self.folder}/log/publish.log\n", said)
        self.assertRegex(said, r"\n  Orders .*\n    received +1 ")
        self.assertIn(" 1: 2.5 ordered, 0 shipped, 0 cancelled, 0 returned\n", said)
        self.assertNotIn("\n  Shipments\n", said)
        self.assertEqual(self.orders(), ["O1"])

        # a start that brings a consumer back and fails later leaves what ran before
        before = self.running()
        pid = int(before.pop("orders").split()[0])
        os.kill(pid, signal.SIGKILL)
        until("it is gone", lambda: not Path(f"/proc/{pid}").exists())
        said = self.run_local("--input", self.events("no event\n"), status=1)
        self.assertIn("Stopped; what ran before still runs.", said)
        self.assertEqual(self.running(), before)

        self.run_local("stop")
        self.assertEqual(self.running(), {})
        said = self.run_local()
        self.assertIn(f"  Goes on with what was published before: {file}.\n", said)
        self.assertEqual(self.running().keys(), {*before, "orders"})
        self.assertEqual(self.orders(), ["O1"])
        self.assertIn("verified: ", self.run_local("o2c", "verify"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
