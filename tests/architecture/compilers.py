"""Clang as a reader: every C file of a build, and every header by itself, with all warnings."""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess

CLANG = "clang-14"
ALLOWED = "-Wno-gnu-statement-expression"  # see cmake/flags.cmake
DROPPED = ("-fsanitize", "-fno-sanitize", "-fno-omit-frame-pointer", "-O", "-g", "-D_FORTIFY")


def flags_of(command):
    """Without compiler, output, sanitizers and optimisation; the file comes last."""
    words = shlex.split(command)
    words = words[next(i for i, word in enumerate(words) if word.endswith(("cc", "clang-14"))) +
                  1:]
    kept, skip = [], False
    for word in words:
        if skip or word == "-c" or word.startswith(DROPPED):
            skip = False
        elif word == "-o":
            skip = True
        else:
            kept.append(word)
    return kept


def commands(build):
    """(file, flags) of everything the build compiles."""
    for entry in json.loads((pathlib.Path(build) / "compile_commands.json").read_text()):
        flags = flags_of(entry["command"])
        yield flags[-1], flags[:-1]


def read(flags, file, source=None):
    """What clang has against it."""
    result = subprocess.run([CLANG, "-fsyntax-only", *flags, "-Werror", ALLOWED, file], input=source,
                            capture_output=True, text=True)
    return result.stderr if result.returncode else ""


def header_flags(build):
    """Of the files of the product: all folders they find headers in."""
    common = {}
    for file, flags in commands(build):
        folders = iter(flags)
        for flag in folders:
            if flag == "-isystem":
                common[flag + next(folders)] = True
            elif not flag.startswith("-DO2C_"):
                common[flag] = True
    return list(common)


def read_header(flags, header):
    """Alone, and twice: its guard must hold."""
    source = f'#include "{header}"\n#include "{header}"\n'
    return read([*flags, "-xc", "-Wno-empty-translation-unit"], "-", source)


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))
