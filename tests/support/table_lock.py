"""A foreign session that has locked a table, as a long migration would."""

import subprocess

from pipeline import PipelineFailed, end_with_parent


class TableLock:
    """Locked when it is there; released at the end of the block, or before.

    EXCLUSIVE keeps stores from going through, ACCESS EXCLUSIVE those too who only read.
    """

    def __init__(self, pipeline, table="orders.progress", mode="EXCLUSIVE"):
        self.psql = subprocess.Popen(
            ["psql", "-XAtq", pipeline.environment["O2C_PG_DSN"]], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1, preexec_fn=end_with_parent)
        self.psql.stdin.write(f"BEGIN; LOCK TABLE {table} IN {mode} MODE;\n\\echo locked\n")
        if self.psql.stdout.readline() != "locked\n":
            raise PipelineFailed(f"{table} cannot be locked")

    def release(self):
        self.psql.communicate("COMMIT;\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.psql.poll() is None:
            self.release()
