"""Processes as a person sees them who looks after a start or an end: by their command lines."""

import os
import time
from pathlib import Path

PATIENCE_S = 60
LOOK_EVERY_S = 0.01


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


def await_program(program, folder, start, patience_s=PATIENCE_S):
    """Until the start has come so far."""
    deadline = time.monotonic() + patience_s
    while not any(f"{program} " in words for words in processes_of(folder)):
        if start.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"{program} did not run, status {start.returncode}")
        time.sleep(LOOK_EVERY_S)


def note_process(pid_file, pid):
    """As deploy/local/process.sh does, of a process that had this number before."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    pid_file.write_text(f"{pid} 1 {boot}\n")
