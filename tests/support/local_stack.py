"""A Kafka broker and a PostgreSQL cluster for tests: deploy/local/stack seen from Python.

The folder says which one: TEST_STACK for the one that tests/run has started, .local for that of
deploy/run-local, any other folder for a test that wants to stop and kill its own.
"""

import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "deploy" / "local" / "stack"


class StackFailed(Exception):
    """It could not be started or does not run."""


class LocalStack:
    def __init__(self, folder):
        self.folder = Path(folder).resolve()

    def command(self, verb, *names):
        """In a session of its own: when we are interrupted it is asked to clean up."""
        with subprocess.Popen([COMMAND, verb, self.folder, *names], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                              start_new_session=True) as process:
            try:
                said, problem = process.communicate()
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if process.returncode:
            raise StackFailed(f"stack {verb} {self.folder}: {problem.strip()}")
        return said

    def start(self, *names):
        self.command("start", *names)

    def stop(self, *names):
        self.command("stop", *names)

    def kill(self, *names):
        self.command("kill", *names)

    def remove(self):
        self.command("remove")

    def runs(self):
        return subprocess.run([COMMAND, "status", self.folder], capture_output=True,
                              check=False).returncode == 0

    def settings(self):
        """{"O2C_KAFKA": ..., "O2C_PG_DSN": ...}"""
        lines = (self.folder / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def dsn(self, database):
        return self.settings()["O2C_PG_DSN"].replace("dbname=o2c", f"dbname={database}")

    def sql(self, text, database="o2c"):
        """What psql -At prints for the statements, each in a transaction of its own."""
        return psql(self.dsn(database), text)


def psql(dsn, text):
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", dsn], input=text,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackFailed(f"psql: {done.stderr.strip()}")
    return done.stdout


def throw_away_stack(name):
    """One more, started, in a folder that PostgreSQL's user reaches; remove() ends it."""
    folder = tempfile.mkdtemp(prefix=f"{name}-stack-")
    os.chmod(folder, 0o755)
    stack = LocalStack(folder)
    try:
        stack.start()
    except BaseException:
        stack.remove()
        raise
    return stack


def running_stack(folder=None):
    """The named stack, else that of TEST_STACK, else that of deploy/run-local; None if none."""
    for chosen in (folder, os.environ.get("TEST_STACK")):
        if chosen:
            stack = LocalStack(chosen)
            if not stack.runs():
                raise StackFailed(f"no stack runs in {chosen}")
            return stack
    stack = LocalStack(ROOT / ".local")
    return stack if stack.runs() else None
