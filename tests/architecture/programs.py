"""How a program is hardened, read from the file itself."""
import re
import subprocess

MAX_BYTES = 9_999_999  # programs of this size start at once and ship anywhere


def readelf(path, *options):
    return subprocess.run(["readelf", "--wide", *options, path], check=True,
                          capture_output=True, text=True).stdout


def faults(path):
    """What is missing, one sentence each."""
    head = readelf(path, "--file-header")
    segments = readelf(path, "--program-headers")
    dynamic = readelf(path, "--dynamic")
    symbols = readelf(path, "--dyn-syms")
    if not re.search(r"Type:\s+DYN", head) or "INTERP" not in segments:
        yield "is no position independent executable"
    if "GNU_RELRO" not in segments:
        yield "has no RELRO"
    if not re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*NOW|\(BIND_NOW\)", dynamic):
        yield "binds late: its RELRO is a part only"
    stack = re.search(r"GNU_STACK.*\s([RWE]{1,3})\s+0x", segments)
    if not stack or "E" in stack[1]:
        yield "has an executable stack"
    if re.search(r"LOAD.*\sRWE\s", segments):
        yield "has a segment that is written and executed"
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        yield "takes libraries from a folder of its own"
    if "__stack_chk_fail" not in symbols:
        yield "has no stack protector"
    if not re.search(r"__\w+_chk\b(?<!__stack_chk_fail)", symbols):
        yield "is not fortified"
    if re.search(r"__(asan|tsan|ubsan)_", symbols):
        yield "is built with a sanitizer"
