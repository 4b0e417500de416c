"""Ctrl-C of a command whose broker falls silent while it is at work: it ends without an answer."""

import contextlib
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from local_stack import throw_away_stack  # noqa: E402
from pipeline import CLI, Pipeline, end_with_parent, find_build, freeze  # noqa: E402
from pipeline_case import PATIENCE_S, PipelineCase, order  # noqa: E402
from table_lock import TableLock  # noqa: E402

BARRIER = '{"barrier": true}\n'


class SilentBroker(PipelineCase):
    """A broker of its own, which is stopped and goes on; no consumer runs, so all of them wait."""

    @classmethod
    def setUpClass(cls):
        cls.stack = throw_away_stack("silent")
        cls.addClassCleanup(cls.stack.remove)
        cls.broker = int((cls.stack.folder / "kafka.pid").read_text().split()[0])
        cls.pipeline = Pipeline(cls.stack, find_build())
        cls.addClassCleanup(cls.pipeline.remove)
        cls.pipeline.create()
        cls().publish(order("O1"))

    def runTest(self):
        """For setUpClass alone."""

    @contextlib.contextmanager
    def silence(self):
        freeze(self.broker)
        try:
            yield
        finally:
            os.kill(self.broker, signal.SIGCONT)
            self.until("it answers for every partition", lambda: self.pipeline.o2c(
                "drain", "--timeout-s", "1").returncode == 4)  # O1 is behind

    def unread(self):
        """Whether somebody has asked the broker what it does not read."""
        port = ":%04X" % int(self.pipeline.environment["O2C_KAFKA"].rpartition(":")[2])
        return any(fields[1].endswith(port) and int(fields[4].rpartition(":")[2], 16) > 0
                   for table in ("tcp", "tcp6")
                   for fields in map(str.split, Path("/proc/net", table).read_text().splitlines()[1:])
                   if fields[3] == "01")  # established

    def begin(self, *words):
        process = subprocess.Popen(
            [self.pipeline.build / CLI, *words], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.pipeline.environment,
            preexec_fn=end_with_parent)
        self.addCleanup(process.kill)
        return process

    def until_it_waits(self, where):
        self.until(f"waits: {where}", lambda: self.pipeline.sql(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'o2c'"
            f" AND datname = current_database() AND {where}"))

    def interrupt(self, process, status):
        """While it asks, and before it gives up by itself, which it would say."""
        self.until("it asks", self.unread)
        process.send_signal(signal.SIGINT)
        said = "".join(process.communicate(timeout=PATIENCE_S))
        self.assertEqual(process.returncode, status, said)
        self.assertNotRegex(said, "cannot be reached|imed out|silent")
        return said

    def test_what_waits_for_the_pipeline(self):
        for words in (("drain",), ("clock", "--from", "2027-01-01"), ("publish", "--barriers", "-")):
            with self.subTest(words):
                process = self.begin(*words)
                process.stdin.write(BARRIER)
                process.stdin.flush()
                self.until_it_waits("query LIKE '%o2c.consumer%' AND state = 'idle'")
                with self.silence():
                    self.interrupt(process, 130)

    def test_publish_says_how_far_it_came(self):
        process = self.begin("publish", "-")
        before = len(self.records("o2c.orders"))
        process.stdin.write(order("O2"))
        process.stdin.flush()
        self.until("it is there", lambda: len(self.records("o2c.orders")) > before)
        with self.silence():
            process.stdin.write(order("O3"))
            process.stdin.flush()
            said = self.interrupt(process, 130)
        self.assertRegex(said, "(?m)of 1 more it is not known$")

    def held(self, table, *words):
        """The command, once it waits for a lock."""
        lock = TableLock(self.pipeline, table, "ACCESS EXCLUSIVE")
        self.addCleanup(lock.__exit__)
        process = self.begin(*words)
        self.until_it_waits("wait_event_type = 'Lock'")
        return lock, process

    def test_what_only_looks(self):
        """It has asked PostgreSQL and asks Kafka then; nothing is left to be said."""
        for table, status, words in (("orders.position", -signal.SIGINT, ("verify",)),
                                     ("orders.parked", -signal.SIGINT, ("lag",)),
                                     ("orders.parked", 0, ("lag", "--watch"))):
            with self.subTest(words):
                lock, process = self.held(table, *words)
                with self.silence():
                    lock.release()
                    self.interrupt(process, status)


if __name__ == "__main__":
    unittest.main(verbosity=2)
