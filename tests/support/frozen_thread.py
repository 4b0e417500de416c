"""One thread of a process held still, while its others run: what a client's stuck fetcher is like."""

import ctypes
import os
from pathlib import Path

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WAIT_ANY_THREAD = 0x40000000  # __WALL

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def threads(pid, name):
    """The threads of that name, in the order in which they were made."""
    found = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()
             if (task / "comm").read_text().strip() == name]
    return sorted(found)


def _ptrace(request, tid):
    if _libc.ptrace(request, tid, None, None) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace {request:#x} of thread {tid}: {os.strerror(number)}")


class FrozenThread:
    """with FrozenThread(tid): it does nothing meanwhile. Begin and end on one thread."""

    def __init__(self, tid):
        self.tid = tid

    def __enter__(self):
        _ptrace(SEIZE, self.tid)
        _ptrace(INTERRUPT, self.tid)
        os.waitpid(self.tid, WAIT_ANY_THREAD)
        return self

    def __exit__(self, *_):
        _ptrace(DETACH, self.tid)
