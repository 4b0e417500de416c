"""Clang takes everything that gcc built, with the same warnings; every header stands alone.

test_compilers.py BUILD
"""
import pathlib
import sys
import tempfile
import unittest

import compilers
from source import Tree

TREE = Tree.of_repository()


class ThisBuild(unittest.TestCase):
    def assert_nothing_said(self, names, said):
        self.assertFalse(any(said), "".join(f"\n{name}:\n{words}" for name, words
                                            in zip(names, said) if words))

    def test_clang_takes_every_file(self):
        files = list(compilers.commands(BUILD))
        self.assertGreater(len(files), 150)
        said = compilers.in_parallel(lambda one: compilers.read(one[1], one[0]), files)
        self.assert_nothing_said([name for name, _ in files], said)

    def test_every_header_stands_alone(self):
        flags = compilers.header_flags(BUILD)
        headers = TREE.matching(r"(runtime|schemas|producers|consumers|deploy|tests)/.*\.h")
        self.assertGreater(len(headers), 80)
        said = compilers.in_parallel(
            lambda header: compilers.read_header(flags, header), headers)
        self.assert_nothing_said(headers, said)


class Spoiled(unittest.TestCase):
    def said(self, text):
        flags = compilers.header_flags(BUILD)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "spoiled.h").write_text(text)
            return compilers.read_header([*flags, f"-I{folder}"], "spoiled.h")

    def test_headers_are_found_out(self):
        guarded = "#ifndef S\n#define S\n{}\n#endif\n"
        self.assertEqual(self.said(guarded.format("#include <stddef.h>\nsize_t f(void);")), "")
        self.assertIn("unknown type name 'size_t'",
                      self.said(guarded.format("size_t f(void);")))
        self.assertIn("redefinition", self.said("struct s {\n    int x;\n};\n"))
        self.assertIn("-Wvisibility",
                      self.said(guarded.format("void f(struct s *);")))

    def test_a_warning_is_an_error(self):
        _, flags = next(compilers.commands(BUILD))
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "spoiled.c"
            file.write_text("int f(long x);\nint f(long x)\n{\n    return x;\n}\n")
            self.assertIn("-Wshorten-64-to-32", compilers.read(flags, str(file)))
            file.write_text("int f(long x);\nint f(long x)\n{\n    return (int)x;\n}\n")
            self.assertEqual(compilers.read(flags, str(file)), "")


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
