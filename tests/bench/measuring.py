"""What the benchmark reads from the machine: CPU seconds, memory, WAL, and how far a consumer is."""

import json
import os
import subprocess
import time
from datetime import datetime
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
UTIME, STIME, CUTIME, CSTIME, PPID = 11, 12, 13, 14, 1  # of /proc/PID/stat, after the name


class Failed(Exception):
    """A run that gave no figure."""


def stat(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def cpu_s(pid):
    fields = stat(pid)
    return (int(fields[UTIME]) + int(fields[STIME])) / TICKS if fields else 0.0


def family_cpu_s(pid):
    """Of a process, of its children that live, and of those that have ended."""
    total = cpu_s(pid)
    for proc in Path("/proc").iterdir():
        fields = stat(proc.name) if proc.name.isdigit() else None
        if proc.name == str(pid) and fields:
            total += (int(fields[CUTIME]) + int(fields[CSTIME])) / TICKS
        elif fields and int(fields[PPID]) == pid:
            total += (int(fields[UTIME]) + int(fields[STIME])) / TICKS
    return total


def memory_mb(pid, name):
    """name: VmHWM, the most it ever held, or VmRSS."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return round(int(line.split()[1]) / 1024, 1)
    raise Failed(f"process {pid} has no {name}")


def least_mb(pids, seconds):
    """{pid: the least RSS of so many seconds}, looked at twice a second."""
    least, until = {pid: memory_mb(pid, "VmRSS") for pid in pids}, time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.5)
        least = {pid: min(mb, memory_mb(pid, "VmRSS")) for pid, mb in least.items()}
    return least


def reading_since(log):
    """When a consumer last began to read, by its own log; None: not yet."""
    since = None
    for line in log.read_text(errors="replace").splitlines():
        if '"message":"reading"' in line:
            since = datetime.fromisoformat(json.loads(line)["time"]).timestamp()
    return since


class Session:
    """One psql that stays: a question costs no connection."""

    def __init__(self, dsn):
        self.process = subprocess.Popen(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", dsn], text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ask(self, sql):
        self.process.stdin.write(f"{sql};\n\\echo .\n")
        lines = []
        while (line := self.process.stdout.readline()) != ".\n":
            if not line:
                raise Failed(f"psql: {self.process.stderr.read().strip()}")
            lines.append(line.rstrip("\n"))
        return "\n".join(lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Server:
    """What PostgreSQL has spent between two moments."""

    def __init__(self, stack, session):
        self.pid = int((stack.folder / "postgres.pid").read_text().split()[0])
        self.session = session
        session.ask("CHECKPOINT")  # so that every run writes its full pages anew
        self.cpu, self.wal = family_cpu_s(self.pid), self.written()

    def written(self):
        return int(self.session.ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"))

    def spent(self):
        """CPU seconds and WAL bytes since."""
        return family_cpu_s(self.pid) - self.cpu, self.written() - self.wal


def wait_for(condition, patience_s, what, every_s=0.02):
    deadline = time.monotonic() + patience_s
    while not (got := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {patience_s} s")
        time.sleep(every_s)
    return got
