"""Builds the programs as they are delivered and looks at each of them.

test_programs.py BUILD: a folder to build in; what is there already is used.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import programs
from source import ROOT

PROGRAM = """
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    char text[64];
    memset(text, 0, sizeof text);
    if (argc > 1)
        strcpy(text, argv[1]);
    return text[0] + printf("%s", text);
}
"""
GOOD = ("-O2 -fPIE -pie -D_FORTIFY_SOURCE=2 -fstack-protector-strong "
        "-Wl,-z,relro,-z,now,-z,noexecstack").split()


def build(folder):
    launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    subprocess.run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", *launcher,
                    "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DBUILD_TESTING=OFF"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", folder], check=True, stdout=subprocess.DEVNULL)


def programs_of(folder):
    found = [path for area in ("producers", "consumers")
             for path in (folder / area).glob("*/o2c*")
             if path.is_file() and os.access(path, os.X_OK)]
    return sorted(found)


class Delivered(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build(BUILD)
        cls.programs = programs_of(BUILD)

    def test_there_is_one_per_consumer_and_producer(self):
        mains = {path.parent.name for path in (ROOT / "consumers").glob("*/main.c")}
        names = {path.name for path in self.programs}
        self.assertLessEqual({f"o2c-{name}" for name in mains} | {"o2c", "o2c-outbox-relay"},
                             names)

    def test_they_are_hardened(self):
        for path in self.programs:
            with self.subTest(program=path.name):
                self.assertEqual(list(programs.faults(path)), [])

    def test_they_are_small(self):
        for path in self.programs:
            size = path.stat().st_size
            stripped = subprocess.run(["size", "-A", path], check=True, capture_output=True,
                                      text=True).stdout
            code = next(int(line.split()[1]) for line in stripped.splitlines()
                        if line.startswith(".text"))
            print(f"  {path.name:20} {size / 1e6:6.2f} MB with debug info,"
                  f" {code / 1e3:6.0f} kB of code")
            with self.subTest(program=path.name):
                self.assertLessEqual(size, programs.MAX_BYTES)


class ASpoiledProgram(unittest.TestCase):
    def faults(self, *flags):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "program"
            subprocess.run(["cc", "-w", "-xc", "-", "-o", path, *GOOD, *flags], check=True,
                           input=PROGRAM, text=True)
            return list(programs.faults(path))

    def test_is_found_out(self):
        self.assertEqual(self.faults(), [])
        for flags, fault in (
                (("-fno-pie", "-no-pie"), "is no position independent executable"),
                (("-Wl,-z,norelro",), "has no RELRO"),
                (("-Wl,-z,lazy",), "binds late: its RELRO is a part only"),
                (("-Wl,-z,execstack",), "has an executable stack"),
                (("-Wl,-rpath,/tmp",), "takes libraries from a folder of its own"),
                (("-fno-stack-protector",), "has no stack protector"),
                (("-U_FORTIFY_SOURCE",), "is not fortified"),
                (("-fsanitize=undefined",), "is built with a sanitizer")):
            with self.subTest(flags=flags):
                self.assertIn(fault, self.faults(*flags))


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
