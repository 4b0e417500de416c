"""What the compiler exports: prefixed where others link to it, and used by someone else.

test_objects.py BUILD
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from objects import symbols_of
from source import ROOT, Tree

TREE = Tree.of_repository()

GENERATED = {"schemas/readers.c", "schemas/writers.c", "schemas/tables.c"}
# No other file uses these, and there is a reason.
ALONE = {
    "main": "the system calls it",
}


def is_private(symbol, tree):
    """Declared where only its own folder includes it."""
    folder = symbol.file.rsplit("/", 1)[0]
    headers = [path for path in tree.matching(rf"{re.escape(folder)}/\w+\.h")
               if re.search(rf"\b{symbol.name}\b", tree.c(path).bare)]
    used = {name for file in tree.c_in() if file.path.rsplit("/", 1)[0] != folder
            for _, name, _ in file.includes}
    return bool(headers) and not used.intersection(headers)


def prefix_of(path):
    """What an exported name of that file must begin with; "" where the program is alone."""
    if re.match(r"(runtime|schemas(?!/generator))/", path):
        return "o2c_"
    if re.match(r"(consumers/host|producers/publish|producers/simulator)/", path):
        return "o2c_"
    return ""


def without_prefix(symbols, tree):
    for symbol in symbols:
        prefix = prefix_of(symbol.file)
        in_private_part = symbol.file.startswith(("consumers/host/", "producers/publish/"))
        if symbol.name in ALONE or symbol.name.startswith("__") or \
                symbol.name.lower().startswith(prefix):
            continue
        if not (in_private_part and is_private(symbol, tree)):
            yield f"{symbol.file}: {symbol.name} must begin with {prefix}"


def exported_twice(symbols):
    """Rules of two consumers may be linked into one test."""
    for symbol in symbols:
        if symbol.also_in and symbol.name not in ALONE:
            yield f"{symbol.file}: {symbol.name} is also exported by {symbol.also_in}"


def unused(symbols):
    for symbol in symbols:
        if symbol.used_by or symbol.name in ALONE or symbol.file in GENERATED or \
                symbol.name.startswith("__") or symbol.file.endswith("_embedded.c"):
            continue
        yield (f"{symbol.file}: {symbol.name} is used here only: make it static"
               if symbol.used_inside else f"{symbol.file}: nobody uses {symbol.name}")


def build_of(folder, files):
    """Objects as CMake places them."""
    for path, text in files.items():
        source = pathlib.Path(folder) / "source.c"
        source.write_text(text)
        home, name = path.rsplit("/", 1)
        place = pathlib.Path(folder) / home / "CMakeFiles" / "some.dir"
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-c", "-fPIC", "-o", place / (name + ".o"), source], check=True)
        source.unlink()
    return folder


class ThisBuild(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.symbols = symbols_of(BUILD)

    def test_was_read(self):
        names = {symbol.name: symbol.file for symbol in self.symbols}
        self.assertEqual(names.get("o2c_arena_alloc"), "runtime/base/arena.c")
        self.assertGreater(len(names), 400)

    def test_exports_names_with_their_prefix(self):
        found = list(without_prefix(self.symbols, TREE))
        self.assertFalse(found, "\n" + "\n".join(found))

    def test_exports_a_name_from_one_file_only(self):
        self.assertEqual(list(exported_twice(self.symbols)), [])

    def test_exports_nothing_that_one_file_uses(self):
        found = list(unused(self.symbols))
        self.assertFalse(found, "\n" + "\n".join(found))

    def test_exceptions_are_needed(self):
        names = {symbol.name for symbol in self.symbols if not symbol.used_by}
        self.assertEqual(set(ALONE) - names, set())


class ASpoiledBuild(unittest.TestCase):
    def symbols(self, files):
        with tempfile.TemporaryDirectory() as folder:
            return symbols_of(build_of(folder, files))

    def test_shows_what_should_be_static_and_what_is_dead(self):
        symbols = self.symbols({
            "runtime/base/a.c": "int o2c_inside(void) { return 1; }\n"
                                "int o2c_dead(void) { return 2; }\n"
                                "int o2c_used(void) { return o2c_inside(); }\n",
            "tests/unit/b.c": "int o2c_used(void);\nint main(void) { return o2c_used(); }\n"})
        self.assertEqual(sorted(unused(symbols)),
                         ["runtime/base/a.c: nobody uses o2c_dead",
                          "runtime/base/a.c: o2c_inside is used here only: make it static"])

    def test_shows_a_name_that_two_files_export(self):
        symbols = self.symbols({
            "consumers/orders/a.c": "int apply(void) { return 1; }\n",
            "consumers/credit/a.c": "int apply(void) { return 1; }\n"})
        self.assertEqual(list(exported_twice(symbols)),
                         ["consumers/credit/a.c: apply is also exported by "
                          "consumers/orders/a.c"])

    def test_shows_names_without_prefix(self):
        symbols = self.symbols({
            "runtime/base/a.c": "int alloc(void) { return 1; }\n",
            "producers/cli/c.c": "int stack_open(void) { return 1; }\n",
            "consumers/host/d.c": "int public_one(void) { return 1; }\n"
                                  "int private_one(void) { return 1; }\n"})
        tree = TREE.spoiled({
            "consumers/host/rows.h": lambda text: text + "int public_one(void);\n",
            "consumers/host/engine.h": lambda text: text + "int private_one(void);\n"})
        self.assertEqual(sorted(without_prefix(symbols, tree)),
                         ["consumers/host/d.c: public_one must begin with o2c_",
                          "runtime/base/a.c: alloc must begin with o2c_"])


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    assert (ROOT / "CMakeLists.txt").is_file()
    unittest.main()
